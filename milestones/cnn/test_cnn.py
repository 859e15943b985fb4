"""1998: a convolutional network reads more of the digits than an MLP, with fewer parameters.

The student's side gets images and labels to learn from, and unseen images alone. The parameters are
counted here, in the arrays that were learned.
"""

import itertools

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("cnn")

MLP_SIZES = (64, 32, 10)  # of the milestone mlp_digits


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
@pytest.mark.hint("Run python milestones/cnn/program.py: what do the filters find in the digit?")
def test_sees_digits(check, digits, measured, rng, run_program):
    """Reads 97 % of 360 unseen digits, with fewer parameters than the MLP"""
    found = trained(digits, rng, run_program)
    count = sum(np.asarray(array).size for array in found["weights"])
    of_mlp = sum(n * m + m for n, m in itertools.pairwise(MLP_SIZES))
    check.true(0 < count < of_mlp, f"it learned {count} numbers, expected fewer than {of_mlp}")
    answers = np.asarray(found["answers"])
    check.equal(answers.shape, digits.test_labels.shape)
    right = float((answers == digits.test_labels).mean())
    measured(f"{right:.1%} of 360 unseen digits, with {count:,} parameters")
    check.true(right >= 0.97, f"it reads {right:.1%} of the unseen digits, expected 97 %")
