"""An MLP with weights that the course brings reads MNIST, computed by the student's layers.

The student's side gets weights and unseen images, and gives scores. Accuracy is computed here, and
so are the scores, in NumPy and float64.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("basic_inference")


def scores_of(mnist, mnist_weights, run_program):
    """The scores of all images, (N, 10), as the student's layers compute them."""
    return run_program("program.py", weights=mnist_weights.mlp, images=mnist.test_images)


@pytest.mark.points(5)
@pytest.mark.hint("Run python milestones/basic_inference/program.py: which digits does it read?")
def test_reads_mnist(check, measured, mnist, mnist_weights, run_program):
    """Reads 85 % and more of 2,000 handwritten digits of MNIST"""
    scores = scores_of(mnist, mnist_weights, run_program)
    answers = np.asarray(scores).argmax(axis=1)
    right = float((answers == mnist.test_labels).mean())
    measured(f"{right:.1%} of 2,000 unseen digits of MNIST")
    check.true(right >= 0.85, f"it reads {right:.1%} of the digits, expected 85 %")


@pytest.mark.points(5)
@pytest.mark.hint("Linear, ReLU, Linear: which of the three gives other numbers than it should?")
def test_scores_are_those_of_the_weights(check, mnist, mnist_weights, run_program):
    """Gives the scores that the weights mean, for each image and each digit"""
    scores = scores_of(mnist, mnist_weights, run_program)
    w = {name: array.astype(np.float64) for name, array in mnist_weights.mlp.items()}
    pixels = mnist.test_images.reshape(-1, 784).astype(np.float64)
    hidden = np.maximum(pixels @ w["0.weight"].T + w["0.bias"], 0)
    check.close(np.asarray(scores), hidden @ w["2.weight"].T + w["2.bias"], rtol=1e-3, atol=1e-3)
