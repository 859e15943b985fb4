"""XOR is learned by gradient descent: from the weights that it began with, by right gradients.

The same steps are computed here, with the gradients worked out by hand in NumPy and float64.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.demo("training")

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)
XOR = np.array([[0], [1], [1], [0]], np.float64)


def descend(weights, steps, lr=0.5):
    """The losses of the first steps of the program, from these weights of its two layers."""
    w1, b1, w2, b2 = (np.array(w, np.float64) for w in weights)
    losses = []
    for _ in range(steps):
        h = np.tanh(INPUTS @ w1.T + b1)
        p = 1 / (1 + np.exp(-(h @ w2.T + b2)))
        losses.append(-np.log(np.where(XOR == 1, p, 1 - p)).mean())
        out = (p - XOR) / len(XOR)  # the gradient of the scores
        inner = out @ w2 * (1 - h**2)
        w1, b1 = w1 - lr * inner.T @ INPUTS, b1 - lr * inner.sum(axis=0)
        w2, b2 = w2 - lr * out.T @ h, b2 - lr * out.sum(axis=0)
    return losses


@pytest.mark.hint("Compare the gradient of each weight with that of gradcheck.")
def test_learns_xor(check, run_program, rng):
    """Learns XOR by the steps that the gradients mean, from random weights"""
    found = run_program("program.py", seed=int(rng.integers(1000)))
    losses = np.asarray(found["losses"], np.float64)
    check.equal([np.shape(w) for w in found["before"]], [(8, 2), (8,), (1, 8), (1,)])
    check.close(losses[:50], np.array(descend(found["before"], 50)), rtol=1e-3, atol=1e-4)
    answers = np.asarray(found["answers"], np.float64)
    error = float(abs(answers - XOR[:, 0]).max())
    check.true(error < 0.1, f"after training it answers {answers.round(3)}, expected 0, 1, 1, 0")
