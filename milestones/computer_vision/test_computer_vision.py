"""A CNN with weights that the course brings reads MNIST, computed by the student's layers.

The student's side gets weights and unseen images, and gives scores. Accuracy is computed here, and
for some images so are the scores, by the definition of a convolution, in NumPy and float64.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("computer_vision")

LOOKED_AT = 50  # images of which the scores are compared


def scores_of(mnist, mnist_weights, run_program):
    """The scores of all images, (N, 10), as the student's layers compute them."""
    return run_program("program.py", weights=mnist_weights.cnn, images=mnist.test_images)


def convolved(x, weight, bias):
    """(N, C, H, W) -> (N, F, H, W): 3 x 3 filters, with a border of zeros."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.einsum("nchwij,fcij->nfhw", windows, weight, optimize=True) + bias[:, None, None]


def pooled(x):
    """The largest of each two by two numbers."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))


@pytest.mark.points(8)
@pytest.mark.hint("Run python milestones/computer_vision/program.py: what do the filters find?")
def test_reads_mnist(check, measured, mnist, mnist_weights, run_program):
    """Reads 95 % and more of 2,000 handwritten digits of MNIST"""
    scores = scores_of(mnist, mnist_weights, run_program)
    answers = np.asarray(scores).argmax(axis=1)
    right = float((answers == mnist.test_labels).mean())
    measured(f"{right:.1%} of 2,000 unseen digits of MNIST")
    check.true(right >= 0.95, f"it reads {right:.1%} of the digits, expected 95 %")


@pytest.mark.points(7)
@pytest.mark.hint("Convolution, ReLU, pooling: compare each with a hand-worked image of 4 x 4.")
def test_scores_are_those_of_the_weights(check, mnist, mnist_weights, run_program):
    """Gives the scores that the weights mean, by the definition of a convolution"""
    scores = scores_of(mnist, mnist_weights, run_program)
    w = {name: array.astype(np.float64) for name, array in mnist_weights.cnn.items()}
    x = mnist.test_images[:LOOKED_AT].astype(np.float64)
    for layer in ("0", "3"):
        x = pooled(np.maximum(convolved(x, w[f"{layer}.weight"], w[f"{layer}.bias"]), 0))
    expected = x.reshape(LOOKED_AT, -1) @ w["7.weight"].T + w["7.bias"]
    check.close(np.asarray(scores)[:LOOKED_AT], expected, rtol=1e-3, atol=1e-3)
