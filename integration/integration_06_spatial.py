"""Module 06 together with what it needs: images of Tensors, and layers that hold convolutions."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("06")]


@pytest.mark.hint("Slices of Tensors are views: their numbers lie apart, and must be put in order.")
def test_images_that_are_views(tt, check, rng):
    """Convolves and pools slices, mirrored and stacked images as it does copies of them"""
    a = rng.standard_normal((4, 2, 8, 8)).astype(np.float32)
    x = tt.Tensor(a)
    layer = tt.Conv2d(2, 3, 3, padding=1)
    for view, same in (
        (x[::2, :, 1:7], a[::2, :, 1:7].copy()),
        (x[:, :, :, ::-1], a[:, :, :, ::-1].copy()),
        (x.permute(0, 1, 3, 2), a.transpose(0, 1, 3, 2).copy()),
        (tt.stack([x[0], x[1]]), a[:2]),
    ):
        check.close(layer(view), check.array(layer(tt.Tensor(same))), rtol=1e-4, atol=1e-5)
        check.close(tt.MaxPool2d(2)(view), check.array(tt.MaxPool2d(2)(tt.Tensor(same))))


@pytest.mark.hint("A kernel as large as the image has one place: it is a row of a linear layer.")
def test_a_convolution_can_be_linear(tt, check, rng):
    """Computes with a kernel of the image's size what a Linear does on flattened images"""
    x = tt.Tensor(rng.standard_normal((5, 3, 4, 6)).astype(np.float32))
    conv, linear = tt.Conv2d(3, 7, (4, 6)), tt.Linear(3 * 4 * 6, 7)
    linear.weight.data = check.array(conv.weight).reshape(7, -1)
    linear.bias.data = rng.standard_normal(7).astype(np.float32)
    conv.bias.data = check.array(linear.bias)
    flat = tt.Flatten()
    check.close(flat(conv(x)), check.array(linear(flat(x))), rtol=1e-4, atol=1e-4)


@pytest.mark.hint("state_dict finds a Conv2d in a list as it finds a Linear: by its attributes.")
def test_a_network_of_layers(tt, check, rng):
    """Is saved and restored with its convolutions, and answers the same"""
    first, second = tt.Module(), tt.Module()
    for network in (first, second):
        network.features = [tt.Conv2d(1, 4, 3), tt.MaxPool2d(2), tt.GlobalAvgPool2d()]
        network.head = tt.Linear(4, 2)
    names = ["features.0.bias", "features.0.weight", "head.bias", "head.weight"]
    check.equal(sorted(first.state_dict()), names)
    second.load_state_dict(first.state_dict())
    x = tt.Tensor(rng.standard_normal((3, 1, 8, 8)).astype(np.float32))
    answers = []
    for network in (first, second):
        y = x
        for layer in (*network.features, network.head):
            y = layer(y)
        answers.append(check.array(y))
    check.shape(answers[0], (3, 2))
    check.close(answers[1], answers[0])


@pytest.mark.hint("where keeps the answers above 0; their mean is how much of a stroke there is.")
def test_strokes_of_digits(tt, check, digits):
    """Tells digits that stand (0, 1) from those that lie (3, 5, 7) by kernels that are lines"""
    upright = np.array([[-1, 2, -1]] * 3, np.float32)
    strokes = tt.Conv2d(1, 2, 3, padding=1, bias=False)
    strokes.weight.data = np.stack([upright, upright.T])[:, None]
    answers = strokes(tt.Tensor(digits.test_images[:, None]))
    found = check.array(tt.GlobalAvgPool2d()(tt.where(answers > 0, answers, 0.0)))
    means = [found[digits.test_labels == digit].mean(axis=0) for digit in range(10)]
    ratios = [float(standing / lying) for standing, lying in means]
    stand, lie = [ratios[digit] for digit in (0, 1)], [ratios[digit] for digit in (3, 5, 7)]
    check.true(min(stand) > 1.3, f"strokes that stand, over those that lie, of 0 and 1: {stand}")
    check.true(max(lie) < 1, f"strokes that stand, over those that lie, of 3, 5 and 7: {lie}")
