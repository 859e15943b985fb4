"""Measures each test of a class: how difficult it is, and whether strong students pass it.

`analytics` and `dashboard` call it. The discrimination is the point-biserial correlation of passing
a test with the points in all other tests (the corrected item-total correlation of test theory:
Ebel & Frisbie, Essentials of Educational Measurement).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from pytest_tinytorch.core.records import Reason
from pytest_tinytorch.gradebook.history import Outcome

FEWEST = 5  # students below which nothing is concluded from a test's results


class Suspicion(StrEnum):
    """Why an instructor should look at a test."""

    NONE = ""
    NOBODY = "nobody passes it"
    REVERSED = "strong students fail it, weak ones pass"


@dataclass(frozen=True)
class TestQuality:
    """One test, over the attempts that count of all students who tried its item."""

    __test__ = False  # keeps pytest from collecting it as a test class

    test: str
    item: str
    points: float
    students: int  # for whom the test is decided, or missing
    passed: int
    not_written: int  # students whose code for it still raises NotImplementedError
    discrimination: float | None  # None: everybody or nobody passed, or all others are equal
    message: str  # the most frequent one, "" if all passed
    suspicion: Suspicion

    @property
    def pass_rate(self) -> float | None:
        return self.passed / self.students if self.students else None


def qualities_of(
    tests: Sequence[tuple[str, str, float]],
    tried: Sequence[tuple[int, str]],
    results: Sequence[Outcome],
) -> list[TestQuality]:
    """Measure each test.

    tests: (name, item, points) of the manifest
    tried: (student, item) for every attempt that counts: there, a test without a result failed
    """
    grid = _grid(tests, tried, results)
    totals = np.nansum(grid * np.array([points for _, _, points in tests]), axis=1)
    failures: dict[str, list[Outcome]] = defaultdict(list)
    for result in results:
        if not result.passed and result.decided:
            failures[result.test].append(result)
    return [
        _quality(test, grid[:, column], totals, failures[test[0]])
        for column, test in enumerate(tests)
    ]


def _grid(
    tests: Sequence[tuple[str, str, float]],
    tried: Sequence[tuple[int, str]],
    results: Sequence[Outcome],
) -> NDArray[np.float64]:
    """Shape (students, tests): 1 passed, 0 failed or missing, NaN not tried or not decided."""
    row_of = {student: row for row, student in enumerate(dict.fromkeys(s for s, _ in tried))}
    column_of = {name: column for column, (name, _, _) in enumerate(tests)}
    columns: dict[str, list[int]] = defaultdict(list)
    for column, (_, item, _) in enumerate(tests):
        columns[item].append(column)
    grid = np.full((len(row_of), len(tests)), np.nan)
    for student, item in tried:
        grid[row_of[student], columns[item]] = 0
    for result in results:
        if result.test in column_of:
            value = float(result.passed) if result.decided else np.nan
            grid[row_of[result.student], column_of[result.test]] = value
    return grid


def _quality(
    test: tuple[str, str, float],
    column: NDArray[np.float64],
    totals: NDArray[np.float64],
    failures: Sequence[Outcome],
) -> TestQuality:
    name, item, points = test
    known = ~np.isnan(column)
    passed, others = column[known], totals[known] - points * column[known]
    discrimination = point_biserial(passed, others)
    unwritten = sum(failure.reason == Reason.NOT_WRITTEN for failure in failures)
    messages = Counter(failure.message for failure in failures if failure.message)
    return TestQuality(
        test=name,
        item=item,
        points=points,
        students=len(passed),
        passed=int(passed.sum()),
        not_written=unwritten,
        discrimination=discrimination,
        message=messages.most_common(1)[0][0] if messages else "",
        suspicion=_suspicion(len(passed), int(passed.sum()), unwritten, discrimination),
    )


def point_biserial(passed: NDArray[np.float64], scores: NDArray[np.float64]) -> float | None:
    """The correlation of 0 or 1 with a score, from -1 to 1; None if one of them does not vary.

    (mean score of those who passed - mean of the others) / deviation * sqrt(p * (1 - p)), with the
    deviation over all N students, not N - 1.
    """
    deviation = float(scores.std()) if len(scores) else 0.0
    share = float(passed.mean()) if len(passed) else 0.0
    scale = float(np.abs(scores).max()) if len(scores) else 0.0
    if share in (0.0, 1.0) or deviation <= 1e-12 * scale:
        return None
    gap = float(scores[passed == 1].mean() - scores[passed == 0].mean())
    return gap / deviation * sqrt(share * (1 - share))


def _suspicion(
    students: int, passed: int, not_written: int, discrimination: float | None
) -> Suspicion:
    """Whether a test should be looked at. By chance alone a correlation is below -2 / sqrt(N - 1)
    for about one test in forty."""
    if passed == 0 and students - not_written >= FEWEST:
        return Suspicion.NOBODY
    if students < FEWEST or discrimination is None:
        return Suspicion.NONE
    return Suspicion.REVERSED if discrimination < -2 / sqrt(students - 1) else Suspicion.NONE
