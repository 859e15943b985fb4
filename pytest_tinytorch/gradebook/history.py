"""Reads the attempts of a class in their order, and the results of those that count.

`analytics`, `quality` and `dashboard` call it. As in `policy.choose`, an attempt that is not
verified is left out if its student has a verified one.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pytest_tinytorch.gradebook.grades import StudentGrades
from pytest_tinytorch.gradebook.store import Gradebook

_DAY = 86400  # seconds

# `numbered`: the attempts at each item, numbered for each student in the order of their times.
# `passes`: the number of the first attempt in which a listed test passed.
# `news`: how many tests passed in an attempt for the first time.
# CROSS JOIN keeps the order: an attempt is looked up for the tests of one item, not the other way.
_TRIES = """
WITH tried AS (
    SELECT attempt.id AS attempt, student_id, item, submitted,
           coalesce(nullif(submitted, ''), added) AS moment,
           (trust = 'verified' OR accepted) AS fully
    FROM attempt JOIN attempt_item ON attempt_id = attempt.id
    WHERE student_id IS NOT NULL
), ranked AS (
    SELECT *, max(fully) OVER (PARTITION BY student_id, item) AS best FROM tried
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY student_id, item ORDER BY moment, attempt) AS number
    FROM ranked WHERE fully = best
), passes AS (
    SELECT student_id, numbered.item, test_id, min(number) AS number
    FROM numbered
    CROSS JOIN test ON test.item = numbered.item AND test.points IS NOT NULL
    CROSS JOIN result ON attempt_id = attempt AND test_id = test.id
    WHERE outcome = 'passed' AND decided
    GROUP BY student_id, numbered.item, test_id
), news AS (
    SELECT student_id, item, number, count(*) AS new FROM passes GROUP BY student_id, item, number
)
SELECT student_id, item, attempt, number, submitted,
       coalesce(score.points, 0), coalesce(score.passed, 0), coalesce(new, 0)
FROM numbered
LEFT JOIN (SELECT attempt_id AS attempt, item, points, passed FROM score) AS score
    USING (attempt, item)
LEFT JOIN news USING (student_id, item, number)
ORDER BY student_id, item, number
"""

# The results in the attempts that count: `?` is a list of pairs [attempt, item] in JSON.
_RESULTS = """
SELECT student_id, test.name, test.item, test.points, outcome = 'passed' AND decided, decided,
       reason, message, place
FROM json_each(?) AS pair
CROSS JOIN test ON test.item = pair.value ->> 1 AND test.points IS NOT NULL
CROSS JOIN result ON result.attempt_id = pair.value ->> 0 AND test_id = test.id
CROSS JOIN attempt ON attempt.id = result.attempt_id
"""


class Try(NamedTuple):
    """One attempt of a student at one item."""

    attempt: int
    number: int  # from 1, in the order of their times
    submitted: str  # "" if not known
    points: float
    passed: int
    new: int  # tests that passed in no attempt before


class Outcome(NamedTuple):
    """The result of one test in the attempt of a student that counts."""

    student: int
    test: str
    item: str
    points: float
    passed: bool
    decided: bool
    reason: str
    message: str
    place: str


Tries = Mapping[tuple[int, str], Sequence[Try]]


def all_tries(book: Gradebook) -> Tries:
    """The attempts for each student and item, in order."""
    found: dict[tuple[int, str], list[Try]] = defaultdict(list)
    for student, item, *values in book.rows(_TRIES):
        found[student, item].append(Try(*values))
    return found


def counting_results(book: Gradebook, rows: Iterable[StudentGrades]) -> list[Outcome]:
    """The results of listed tests in the attempts that count. Missing tests have no entry."""
    pairs = [
        (cell.attempt, cell.item.name)
        for row in rows
        for cell in row.cells
        if cell.attempt is not None
    ]
    return [
        Outcome(student, test, item, points, bool(passed), bool(decided), *why)
        for student, test, item, points, passed, decided, *why in book.rows(
            _RESULTS, (json.dumps(pairs),)
        )
    ]


def days_between(earlier: str, later: str) -> float | None:
    """The days between two stored times; None if one of them is not known."""
    if not earlier or not later:
        return None
    span = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return span.total_seconds() / _DAY
