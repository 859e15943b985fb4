"""Module 12 together with what it needs: norms, flattened images, optimizers, checkpoints."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("12")]


def of_digits(tt, digits, part, size, **options):
    images, labels = getattr(digits, f"{part}_images"), getattr(digits, f"{part}_labels")
    return tt.DataLoader(tt.TensorDataset(tt.Tensor(images), tt.Tensor(labels)), size, **options)


def network(tt):
    return tt.Sequential(
        tt.Flatten(),
        tt.Linear(64, 48),
        tt.BatchNorm1d(48),
        tt.relu,
        tt.Dropout(0.2),
        tt.MLP([48, 10]),
    )


@pytest.mark.hint("Layers that are not Linear are copied as they are, buffers and modes included.")
def test_a_network_with_norm_and_dropout(tt, check, digits):
    """Trains with dropout, prunes, fine-tunes with each optimizer, and quantizes what is left"""
    test = of_digits(tt, digits, "test", 120)
    for kind, settings in (("AdamW", {"lr": 0.005}), ("SGD", {"lr": 0.2, "nesterov": True})):
        tt.manual_seed(2)
        settings |= {"momentum": 0.9} if kind == "SGD" else {}
        model, loader = network(tt), of_digits(tt, digits, "train", 32, shuffle=True, seed=1)
        optimizer = getattr(tt, kind)(model.parameters(), **settings)
        tt.Trainer(model, optimizer, tt.CrossEntropyLoss()).fit(loader, epochs=6, verbose=False)
        before = tt.evaluate_model(model, test)["accuracy"]
        pruned = tt.PrunedOptimizer(optimizer, model, tt.magnitude_prune(model, 0.6))
        tt.Trainer(model, pruned, tt.CrossEntropyLoss()).fit(loader, epochs=3, verbose=False)
        small = tt.quantize_model(model)
        after = tt.evaluate_model(small, test)["accuracy"]
        check.true(before > 0.9, f"{kind}: reads {before:.1%} before, expected 90 %")
        check.true(after > before - 0.03, f"{kind}: reads {after:.1%}, before {before:.1%}")
        check.close(tt.sparsity(model), 0.6, atol=0.001)


@pytest.mark.hint("Weights, scales and biases are Tensors: a state dict holds them.")
def test_a_quantized_network_in_a_file(tt, check, student_folder):
    """Is saved with save_checkpoint, and loaded into a network of another start"""
    path = f"{student_folder({})}/small.npz"
    x = np.random.default_rng(0).standard_normal((5, 8, 8)).astype(np.float32)
    models = [tt.quantize_model(network(tt)) for _ in range(2)]
    for model in models:
        model.eval()
    tt.save_checkpoint(path, models[0])
    tt.load_checkpoint(path, models[1])
    check.close(models[1](tt.Tensor(x)), check.array(models[0](tt.Tensor(x))), rtol=0, atol=0)
