"""1957: one neuron separates two clouds of points, and its loss falls while it learns.

The clouds are drawn here, along another direction for each seed. The student's side gets labels of
the points to learn from, and unseen points without labels; accuracy and losses are computed here.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("perceptron")

GUESS = 0.25  # the loss of a neuron that says 0.5 about everything


def clouds(rng, count, centers):
    """Points (count, 2) around the two centers, and which of the two each belongs to."""
    labels = rng.integers(0, 2, count)
    points = centers[labels] + 0.6 * rng.standard_normal((count, 2))
    return points.astype(np.float32), labels


def loss_of(state, points, labels):
    """The mean squared error of a sigmoid neuron with these weights, in float64."""
    scores = points.astype(np.float64) @ state["weight"][0].astype(np.float64) + state["bias"][0]
    return float(((1 / (1 + np.exp(-scores)) - labels) ** 2).mean())


def trained(rng, run_program):
    """What the program found, and the data that it was given or not given."""
    turn = rng.uniform(0, 2 * np.pi)
    center = 1.8 * np.array([np.cos(turn), np.sin(turn)])
    centers = np.stack([center, -center]) + rng.uniform(-0.3, 0.3, 2)
    known, unseen = clouds(rng, 200, centers), clouds(rng, 500, centers)
    seed = int(rng.integers(1000))
    points, labels = known
    found = run_program("program.py", points=points, labels=labels, unseen=unseen[0], seed=seed)
    return found, known, unseen


@pytest.mark.points(6)
@pytest.mark.hint("Run python milestones/perceptron/program.py: does the loss move at all?")
def test_separates_two_clouds(check, measured, rng, run_program):
    """Tells 98 % of 500 unseen points apart, the way its weights say"""
    found, _, (points, labels) = trained(rng, run_program)
    answers = np.asarray(found["answers"])
    check.equal(answers.shape, (500,))
    right = float((answers == labels).mean())
    measured(f"{right:.1%} of 500 unseen points")
    check.true(right >= 0.98, f"the neuron is right about {right:.1%} of the points, expected 98 %")
    after = found["after"]
    scores = points @ after["weight"][0] + after["bias"][0]
    clear = np.abs(scores) > 1e-3
    check.equal(answers[clear], (scores[clear] > 0).astype(np.int64))


@pytest.mark.points(4)
@pytest.mark.hint("zero_grad, backward, step: which of the three changes the weights?")
def test_loss_halves(check, measured, rng, run_program):
    """Learns: the loss is at most half of what it was, and of what a neuron has that says 0.5"""
    found, (points, labels), _ = trained(rng, run_program)
    before, after = (loss_of(found[when], points, labels) for when in ("before", "after"))
    measured(f"loss {before:.3f} before, {after:.4f} after")
    most = min(before, GUESS) / 2
    check.true(
        after <= most,
        f"the loss was {before:.4f} before and is {after:.4f} after training, expected {most:.4f}",
    )
