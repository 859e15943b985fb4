"""A CNN learns CIFAR-10 from scratch, is interrupted by Ctrl-C, and goes on where it was.

The student's side gets the files to learn from, and unseen photographs without labels. Without
CIFAR-10 the tests are skipped: the milestone is then not attempted.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("full_training")

PARTS, BATCHES = 8, 80  # as in the program: parts of the training, batches in a part


def laid_out(cifar10, student_folder):
    """A folder of the student's with the files to learn from."""
    return student_folder({name: path.read_bytes() for name, path in cifar10.files.items()})


@pytest.mark.points(14)
@pytest.mark.hint("Run python milestones/full_training/program.py: does the loss fall each part?")
def test_learns_cifar10(check, cifar10, measured, rng, run_program, student_folder):
    """Recognises 60 % of 10,000 unseen photographs, after Ctrl-C in the middle of the training"""
    place = laid_out(cifar10, student_folder)
    inputs = {"folder": place, "checkpoint": f"{place}/run.npz", "unseen": cifar10.test_images}
    seed, stop = int(rng.integers(1000)), 4 * BATCHES + 10
    first = run_program("program.py", **inputs, seed=seed, stop_after=stop)["history"]
    check.equal(len(first["train_loss"]), 4)
    found = run_program("program.py", **inputs, seed=seed + 1)
    check.equal(found["history"]["train_loss"][:4], first["train_loss"])
    check.equal(len(found["history"]["train_loss"]), PARTS)
    right = float((np.asarray(found["scores"]).argmax(axis=1) == cifar10.test_labels).mean())
    measured(f"{right:.1%} of 10,000 unseen photographs of CIFAR-10")
    check.true(right >= 0.6, f"it recognises {right:.1%} of the photographs, expected 60 %")


@pytest.mark.points(6)
@pytest.mark.hint("What is not in the checkpoint: weights, momentum, means, rate, or the place?")
def test_goes_on_where_it_was(check, cifar10, run_program, student_folder):
    """Comes after a break to the very scores and losses of a run without one"""
    place = laid_out(cifar10, student_folder)
    inputs = {"folder": place, "unseen": cifar10.test_images[:200], "parts": 3, "part": 500}
    whole = run_program("program.py", **inputs, checkpoint=f"{place}/whole.npz", seed=1)
    inputs["checkpoint"] = f"{place}/broken.npz"
    run_program("program.py", **inputs, seed=1, stop_after=6)
    resumed = run_program("program.py", **inputs, seed=2)
    check.equal(len(whole["history"]["train_loss"]), 3)
    check.equal(resumed["history"], whole["history"])
    check.equal(np.asarray(resumed["scores"]), np.asarray(whole["scores"]))
