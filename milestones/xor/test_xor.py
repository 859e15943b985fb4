"""1986: a network with a hidden layer learns XOR exactly, and a single layer cannot.

The single layer is trained beside it, as well as a line can be: its loss comes down to ln 2, the
least that any line has on XOR. So it does not fail for lack of training.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("xor")

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
LABELS = np.array([0, 1, 1, 0])
LEAST = float(np.log(2))  # of the mean cross-entropy: the line that says one half everywhere


def trained(rng, run_program):
    """What the program found, and 200 unseen points near the four: points, labels."""
    corners = rng.integers(0, 4, 200)
    unseen = (POINTS[corners] + rng.uniform(-0.1, 0.1, (200, 2))).astype(np.float32)
    seed = int(rng.integers(1000))
    found = run_program("program.py", points=POINTS, labels=LABELS, unseen=unseen, seed=seed)
    return found, LABELS[corners]


@pytest.mark.points(6)
@pytest.mark.hint("Print the loss of the hidden network: does it come close to 0?")
def test_learns_xor(check, measured, rng, run_program):
    """Answers XOR exactly with a hidden layer, also at points near the four that it learned"""
    found, labels = trained(rng, run_program)
    check.equal(np.asarray(found["hidden"]["known"]), LABELS)
    answers = np.asarray(found["hidden"]["unseen"])
    check.equal(answers.shape, (200,))
    right = float((answers == labels).mean())
    measured(f"XOR exact, {right:.1%} of 200 points near it")
    check.true(right >= 0.98, f"near the points, {right:.1%} of its answers are right: 98 % wanted")


@pytest.mark.points(4)
@pytest.mark.hint("The single layer takes the same steps: do its weights come down to zero?")
def test_single_layer_cannot(check, measured, rng, run_program):
    """Shows that a single layer, trained as well as a line can be, is right about 75 % at most"""
    single = trained(rng, run_program)[0]["single"]
    weights = [np.asarray(array, np.float64) for array in single["weights"]]
    check.equal([array.shape for array in weights], [(1, 2), (1,)])
    weight, bias = weights
    scores = POINTS @ weight[0] + bias[0]
    right = float((np.asarray(single["known"]) == LABELS).mean())
    measured(f"a single layer: {right:.0%}")
    check.true(right <= 0.75, f"a single layer cannot be right about {right:.0%} of XOR")
    loss = float(np.log1p(np.exp(np.where(LABELS, -scores, scores))).mean())
    check.true(
        loss < LEAST + 0.01,
        f"the single layer has a loss of {loss:.4f}; training should bring it to {LEAST:.4f}",
    )
