"""1989: a network learns to read handwritten digits that it never saw.

The student's side gets images and labels to learn from, and unseen images alone.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("mlp_digits")


def trained(digits, rng, run_program):
    """What the program finds."""
    return run_program(
        "program.py",
        images=digits.train_images,
        labels=digits.train_labels,
        unseen=digits.test_images,
        seed=int(rng.integers(1000)),
    )


@pytest.mark.points(15)
@pytest.mark.hint("Run python milestones/mlp_digits/program.py: does the loss fall each epoch?")
def test_reads_digits(check, digits, measured, rng, run_program):
    """Reads 95 % of 360 handwritten digits that it never saw"""
    answers = np.asarray(trained(digits, rng, run_program)["answers"])
    check.equal(answers.shape, digits.test_labels.shape)
    right = float((answers == digits.test_labels).mean())
    measured(f"{right:.1%} of 360 unseen digits")
    check.true(right >= 0.95, f"it reads {right:.1%} of the unseen digits, expected 95 %")
