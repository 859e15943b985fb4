"""Computes the points of a run against the manifest. Reports and `hooks.grading` call it."""

from dataclasses import dataclass

from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.records import RunRecord


@dataclass(frozen=True)
class Score:
    """The points of one group: a collection, or an instructor's hidden tests for a checkpoint."""

    group: Group
    passed: int
    tests: int
    points: float
    max_points: float
    undecided: int  # tests that could not be graded: lost, or ended by an error of the harness


@dataclass(frozen=True)
class Grade:
    scores: tuple[Score, ...]

    @property
    def points(self) -> float:
        return sum(score.points for score in self.scores)

    @property
    def max_points(self) -> float:
        return sum(score.max_points for score in self.scores)

    @property
    def undecided(self) -> int:
        return sum(score.undecided for score in self.scores)

    @property
    def percent(self) -> float:
        return 100 * self.points / self.max_points if self.max_points else 0.0

    @property
    def is_complete(self) -> bool:
        """Whether there are tests in the manifest, and all of them were decided."""
        return bool(self.scores) and all(s.tests and not s.undecided for s in self.scores)


def grade_of(run: RunRecord) -> Grade:
    """The grade of a run. Its records must be complete: tests that did not run are MISSING."""
    scores = []
    for group in run.groups:
        tests = run.of(group)
        scores.append(
            Score(
                group=group,
                passed=sum(test.passed for test in tests),
                tests=len(tests),
                points=sum(test.points for test in tests),
                max_points=sum(test.max_points for test in tests),
                undecided=sum(not test.decided for test in tests),
            )
        )
    return Grade(tuple(scores))
