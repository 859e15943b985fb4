"""Module 08 together with what it needs: batches of Tensors, and norms between layers."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("08")]


@pytest.mark.hint("A norm divides by whatever size the layer before it has given to its numbers.")
def test_a_norm_undoes_the_size_of_a_layer(tt, check, rng):
    """Gives the same after a layer whose weights are a thousand times as large"""
    small, large = tt.Linear(6, 5), tt.Linear(6, 5)
    large.weight.data = 1000 * check.array(small.weight)
    large.bias.data = 1000 * check.array(small.bias) + 7
    x = tt.Tensor(rng.standard_normal((20, 6)).astype(np.float32))
    first, second = tt.BatchNorm1d(5, eps=1e-9), tt.BatchNorm1d(5, eps=1e-9)
    check.close(second(large(x)), check.array(first(small(x))), rtol=1e-3, atol=1e-3)
    rows = tt.LayerNorm(5, eps=1e-9)
    large.bias.data = 1000 * check.array(small.bias)
    check.close(rows(large(x)), check.array(rows(small(x))), rtol=1e-3, atol=1e-3)


@pytest.mark.hint("A norm is a Module: train, eval, state_dict and load_state_dict reach it.")
def test_norms_in_a_module(tt, check, digits):
    """Finds norms in a module, switches them, and restores them with their estimates"""
    model, other = tt.Module(), tt.Module()
    for module in (model, other):
        module.layers = [tt.Linear(64, 8), tt.BatchNorm1d(8), tt.LayerNorm(8)]
    dataset = tt.TensorDataset(tt.Tensor(digits.train_images.reshape(-1, 64)))
    for (images,) in tt.DataLoader(dataset, batch_size=100, shuffle=True, seed=1):
        model.layers[1](model.layers[0](images))
    names = [name for name, _ in model.named_parameters()]
    check.equal(len(names), 6)
    check.equal(len(model.state_dict()), 9)
    other.load_state_dict(model.state_dict())
    answers = []
    for module in (model, other):
        module.eval()
        x = tt.Tensor(digits.test_images.reshape(-1, 64))
        for layer in module.layers:
            x = layer(x)
        answers.append(check.array(x))
    check.close(answers[1], answers[0])
    check.shape(answers[0], (360, 8))


@pytest.mark.hint("Mean and standard deviation of all training images, one for each channel.")
def test_images_are_well_scaled(tt, check, synthetic_images):
    """Brings images of colours to mean 0 and size 1, by Normalize and by BatchNorm"""
    images = synthetic_images.train_images
    mean, std = images.mean(axis=(0, 2, 3)), images.std(axis=(0, 2, 3))
    check.true(abs(float(images.mean())) > 0.3, "the images should need it")
    normalize = tt.Normalize(mean.tolist(), std.tolist())
    norm, sizes = tt.BatchNorm2d(3), []
    dataset = tt.TensorDataset(tt.Tensor(images), tt.Tensor(synthetic_images.train_labels))
    for batch, _ in tt.DataLoader(dataset, batch_size=250, shuffle=True, seed=0):
        for scaled in (normalize(batch), norm(batch)):
            numbers = check.array(scaled)
            check.close(numbers.mean(axis=(0, 2, 3)), np.zeros(3), atol=0.2)
            sizes.append(float(numbers.std()))
    check.close(np.array(sizes), np.ones(8), rtol=0.1)


@pytest.mark.hint("A sum over batches is a sum over all, if every image is in one batch.")
def test_a_mean_over_batches(tt, check, mnist):
    """Adds up a whole data set batch by batch, in any order, without a loss"""
    dataset = tt.TensorDataset(tt.Tensor(mnist.test_images), tt.Tensor(mnist.test_labels))
    total, count = np.zeros((1, 28, 28)), 0
    for images, labels in tt.DataLoader(dataset, batch_size=300, shuffle=True, seed=4):
        total = total + check.array(images.sum(dim=0))
        count += len(check.array(labels))
    check.equal(count, 2000)
    check.close(total / count, mnist.test_images.mean(axis=0), rtol=1e-4, atol=1e-5)
