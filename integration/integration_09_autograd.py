"""Module 09 together with what it needs: Tensors that learn."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("09")]


@pytest.mark.hint("The gradient of the mean of squares is 0 where no line fits better.")
def test_the_best_line(tt, check, rng):
    """Finds by gradient descent the line that least squares finds by algebra"""
    x = rng.uniform(-1, 1, (50, 2)).astype(np.float32)
    y = (x @ [2.0, -3.0] + 0.5 + 0.1 * rng.standard_normal(50)).astype(np.float32)
    weight = tt.Tensor(np.zeros(2, np.float32), requires_grad=True)
    bias = tt.Tensor(0.0, requires_grad=True)
    for _ in range(150):
        ((tt.Tensor(x) @ weight + bias - y) ** 2).mean().backward()
        for parameter in (weight, bias):
            parameter.data = check.array(parameter - 0.5 * parameter.grad)
            parameter.grad = None
    best = np.linalg.lstsq(np.column_stack([x, np.ones(50)]), y, rcond=None)[0]
    check.close(weight, best[:2], rtol=1e-3, atol=1e-3)
    check.close(bias, best[2], rtol=1e-3, atol=1e-3)


@pytest.mark.hint("The dispatch function records every operation: no code is needed here.")
def test_means_are_the_best_centers(tt, check, digits):
    """Has no gradient where the centers of the classes are their mean images"""
    images, labels = digits.train_images.reshape(-1, 64), digits.train_labels
    means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
    for shift in (0, 0.25):
        centers = tt.Tensor(means + np.float32(shift), requires_grad=True)
        ((centers[labels] - images) ** 2).sum().backward()
        expected = 2 * shift * np.bincount(labels)[:, None] * np.ones((10, 64))
        check.close(centers.grad, expected, rtol=1e-3, atol=1e-2)


@pytest.mark.hint("The bend is a choice: where(h > 0, h, 0.0) hands g on where h was taken.")
def test_two_layers(tt, check, rng):
    """Gives a network of two layers the gradients that NumPy gives it by hand"""
    x, first, last = (rng.standard_normal(shape) for shape in ((20, 5), (5, 8), (8, 3)))
    w1, w2 = (tt.Tensor(weight, requires_grad=True) for weight in (first, last))
    hidden = tt.Tensor(x) @ w1
    hidden = tt.where(hidden > 0, hidden, 0.0)
    scores = hidden @ w2
    (scores * scores).mean().backward()
    bent = np.maximum(x @ first, 0)
    back = 2 * (bent @ last) / (20 * 3)
    check.close(w2.grad, bent.T @ back)
    check.close(w1.grad, x.T @ ((back @ last.T) * (bent > 0)))
