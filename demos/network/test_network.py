"""The hidden numbers and the probabilities that the weights mean, in NumPy and float64."""

import numpy as np
import pytest

pytestmark = pytest.mark.demo("network")


@pytest.mark.hint("Linear, ReLU, Linear, softmax: compare each with a hand-worked number.")
def test_reads_digits(check, digits, digits_weights, run_program):
    """Computes 32 hidden numbers and ten probabilities, and reads 95 % of 360 digits"""
    w, images = vars(digits_weights), digits.test_images
    found = run_program("program.py", weights=w, images=images)
    first, last = w["first_weight"].astype(np.float64), w["last_weight"].astype(np.float64)
    hidden = np.maximum(images.reshape(-1, 64) @ first.T + w["first_bias"], 0)
    scores = hidden @ last.T + w["last_bias"]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = shares / shares.sum(axis=1, keepdims=True)
    check.close(np.asarray(found["hidden"], np.float64), hidden, rtol=1e-4, atol=1e-4)
    probabilities = np.asarray(found["probabilities"], np.float64)
    check.close(probabilities, expected, rtol=1e-3, atol=1e-5)
    right = float((probabilities.argmax(axis=1) == digits.test_labels).mean())
    check.true(right >= 0.95, f"it reads {right:.1%} of the digits, expected 95 %")
