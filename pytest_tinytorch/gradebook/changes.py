"""Compares a student's grade with an earlier one: a regrade, or a new submission.

`cli.gradebook` shows it after `add`, and on request. Nothing is lowered in silence: each item whose
counting attempt changed is listed with both results, and the tests that made the difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_tinytorch.gradebook.grades import StudentGrades
from pytest_tinytorch.gradebook.store import Gradebook


@dataclass(frozen=True)
class Change:
    """One item of one student, before and after."""

    student: str
    item: str
    before: float
    after: float
    passed: tuple[str, ...]  # tests that pass now
    failed: tuple[str, ...]  # tests that passed before
    same_sources: bool  # a regrade: the student handed in nothing new

    @property
    def is_lower(self) -> bool:
        return self.after < self.before


def changes_between(
    book: Gradebook, before: Sequence[StudentGrades], after: Sequence[StudentGrades]
) -> list[Change]:
    """What changed between two states of the same gradebook; lowered grades first."""
    old = {row.student.id: {cell.item.name: cell for cell in row.cells} for row in before}
    found = []
    for row in after:
        for cell in row.cells:
            was = old.get(row.student.id, {}).get(cell.item.name)
            if was is None or was.attempt is None or cell.attempt is None:
                continue
            if was.attempt != cell.attempt and was.adjusted != cell.adjusted:
                passed, failed, same = _difference(book, was.attempt, cell.attempt, cell.item.name)
                found.append(
                    Change(
                        *(row.student.shown, cell.item.name, was.adjusted, cell.adjusted),
                        *(passed, failed, same),
                    )
                )
    return sorted(found, key=lambda change: not change.is_lower)


def history(book: Gradebook, student: int) -> list[Change]:
    """The differences between one attempt of a student and the next, for each item."""
    name = next(s.shown for s in book.students() if s.id == student)
    attempts = book.rows(
        "SELECT item, id, coalesce(points, 0.0) FROM attempt"
        " JOIN attempt_item AS a ON a.attempt_id = id"
        " LEFT JOIN score USING (attempt_id, item) WHERE student_id = ?"
        " ORDER BY item, CASE submitted WHEN '' THEN added ELSE submitted END, id",
        (student,),
    )
    found = []
    for (item, old, before), (next_item, new, after) in pairwise(attempts):
        if item == next_item and before != after:
            found.append(Change(name, item, before, after, *_difference(book, old, new, item)))
    return found


def _difference(
    book: Gradebook, old: int, new: int, item: str
) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """(tests that pass now, tests that passed before, whether the sources are the same)"""
    before, after = _outcomes(book, old, item), _outcomes(book, new, item)
    names = sorted(before.keys() | after.keys())
    passed = tuple(n for n in names if after.get(n) and not before.get(n))
    failed = tuple(n for n in names if before.get(n) and not after.get(n))
    sources = {
        s for (s,) in book.rows("SELECT sources FROM attempt WHERE id IN (?, ?)", (old, new))
    }
    return passed, failed, len(sources) == 1 and sources != {("",)}


def _outcomes(book: Gradebook, attempt: int, item: str) -> Mapping[str, bool]:
    return {
        name: outcome == "passed"
        for name, outcome in book.rows(
            "SELECT name, outcome FROM result JOIN test ON id = test_id"
            " WHERE attempt_id = ? AND item = ? AND points IS NOT NULL",
            (attempt, item),
        )
    }


def change_lines(changes: Sequence[Change], most: int = 3) -> list[str]:
    """`  LOWER  Ada, 05: 30 -> 25, the same sources; no longer passed: test_pool`."""
    lines = []
    for change in changes:
        word = "LOWER " if change.is_lower else "higher"
        parts = [
            f"  {word}  {change.student}, {change.item}: {change.before:g} -> {change.after:g}"
        ]
        parts[0] += ", the same sources" * change.same_sources
        parts += _tests("passes now", change.passed, most)
        parts += _tests("no longer passes", change.failed, most)
        lines.append("; ".join(parts))
    return lines


def _tests(what: str, tests: Sequence[str], most: int) -> list[str]:
    if not tests:
        return []
    more = f" and {len(tests) - most} more" if len(tests) > most else ""
    return [f"{what}: {', '.join(tests[:most])}{more}"]
