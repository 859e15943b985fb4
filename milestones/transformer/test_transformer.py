"""2017: attention reverses sequences that it never saw; without positions it cannot.

The student's side gets sequences to learn from, and others to answer; what is right is known here
alone. The network without positions gets the same training, and learns what can be learned without
them: which tokens occur.
"""

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("transformer")

TOKENS, LENGTH = 10, 8


def answered(rng, run_program, **options):
    """Unseen sequences, and the answers of a network that learned from others."""
    sequences = rng.integers(0, TOKENS, (2000, LENGTH))
    known = {tuple(row) for row in sequences.tolist()}
    others = rng.integers(0, TOKENS, (600, LENGTH))
    unseen = np.array([row for row in others.tolist() if tuple(row) not in known])[:500]
    seed = int(rng.integers(1000))
    found = run_program("program.py", sequences=sequences, unseen=unseen, seed=seed, **options)
    return unseen, np.asarray(found)


def exact(answers, unseen):
    """The share of sequences that are reversed without a mistake."""
    return float((answers == unseen[:, ::-1]).all(axis=1).mean())


@pytest.mark.points(12)
@pytest.mark.hint("Run python milestones/transformer/program.py: where does the loss stay?")
def test_reverses(check, measured, rng, run_program):
    """Reverses 98 % of 500 unseen sequences without a mistake"""
    unseen, answers = answered(rng, run_program)
    check.equal(answers.shape, unseen.shape)
    share = exact(answers, unseen)
    measured(f"{share:.1%} of 500 unseen sequences reversed")
    check.true(share >= 0.98, f"{share:.1%} of the sequences are reversed, expected 98 %")


@pytest.mark.points(8)
@pytest.mark.hint("Without positions, attention must treat all places alike: does yours?")
def test_without_positions_it_cannot(check, measured, rng, run_program):
    """Finds without positions which tokens there are, and not where: nothing is reversed"""
    unseen, answers = answered(rng, run_program, positions=False)
    check.equal(answers.shape, unseen.shape)
    share = exact(answers, unseen)
    measured(f"without positions: {share:.1%}")
    check.true(share <= 0.02, f"without positions, {share:.1%} are reversed: how could it know?")
    occurs = float((answers[:, :, None] == unseen[:, None, :]).any(axis=2).mean())
    check.true(
        occurs >= 0.9,
        f"without positions, {occurs:.1%} of its answers are tokens of the sequence: 90 % wanted",
    )
