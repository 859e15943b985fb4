"""Computes what an instructor asks of a whole class. `cli.gradebook_pages` calls `class_stats`.

Which attempt of a student counts is decided by the policy; how often and how long students tried,
and who is stuck, follows from all attempts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from pytest_tinytorch.core.groups import Kind
from pytest_tinytorch.gradebook.entries import Item
from pytest_tinytorch.gradebook.grades import (
    ItemGrade,
    StudentGrades,
    class_grades,
    class_list,
    items_in_use,
)
from pytest_tinytorch.gradebook.history import (
    Outcome,
    Tries,
    Try,
    all_tries,
    counting_results,
    days_between,
)
from pytest_tinytorch.gradebook.policy import Policy
from pytest_tinytorch.gradebook.quality import TestQuality, qualities_of
from pytest_tinytorch.gradebook.shared_causes import SharedCause, shared_causes
from pytest_tinytorch.gradebook.store import Gradebook


@dataclass(frozen=True)
class ItemStats:
    """One column of the gradebook, over all students."""

    item: Item
    tried: int  # students with an attempt that counts
    passed: int  # students of whom all tests passed
    earned: float | None  # mean share of the points, of those who tried
    median_attempts: float | None  # up to the first one in which all tests passed
    median_days: float | None  # from the first attempt to that one
    stopped: int  # students for whom it is the first checkpoint that is not passed


@dataclass(frozen=True)
class SectionMilestone:
    """How many students of a section achieved a milestone."""

    section: str  # "" for students without a section
    milestone: str
    achieved: int
    students: int


@dataclass(frozen=True)
class Stuck:
    """A student whose last attempts at an item passed no new test."""

    student: int
    item: str
    attempts: int  # since a new test passed
    passed: int
    tests: int


@dataclass(frozen=True)
class Silent:
    """A student who began, has not passed everything, and has not submitted for a while."""

    student: int
    last: str  # the time of the last attempt


@dataclass(frozen=True)
class ClassStats:
    """What `tito gradebook stats` and `tito gradebook html` show."""

    rows: tuple[StudentGrades, ...]
    items: tuple[ItemStats, ...]
    milestones: tuple[SectionMilestone, ...]
    tests: tuple[TestQuality, ...]
    causes: tuple[SharedCause, ...]
    stuck: tuple[Stuck, ...]
    silent: tuple[Silent, ...]
    newest: str  # the time of the newest attempt
    tries: Tries  # all attempts that may count
    results: tuple[Outcome, ...]  # in the attempts that count

    @property
    def suspects(self) -> list[TestQuality]:
        return [test for test in self.tests if test.suspicion]

    @property
    def without_attempt(self) -> list[StudentGrades]:
        return [row for row in self.rows if not row.has_submitted]

    def shown(self, student: int) -> str:
        """The displayed name of a student."""
        return next(r.student.shown for r in self.rows if r.student.id == student)


def class_stats(
    book: Gradebook,
    policy: Policy | None = None,
    section: str | None = None,
    stuck_after: int = 3,
    silent_days: float = 7,
) -> ClassStats:
    """All statistics of a class, or of one section.

    stuck_after: attempts at an item without a new test passed
    silent_days: days without an attempt, counted back from the newest attempt of the class
    """
    students = [s for s in class_list(book) if section in (None, s.section)]
    items = [item for item in items_in_use(book) if item.tests]
    rows = class_grades(book, policy, items, students)
    known = {student.id for student in students}
    tries = {key: found for key, found in all_tries(book).items() if key[0] in known}
    results = counting_results(book, rows)
    last = _last_times(tries)
    newest = max(last.values(), default="")
    return ClassStats(
        rows=tuple(rows),
        items=tuple(_item_stats(number, items, rows, tries) for number in range(len(items))),
        milestones=tuple(_milestones(items, rows)),
        tests=tuple(qualities_of(_tests(book, items), _tried(rows), results)),
        causes=tuple(shared_causes(results)),
        stuck=tuple(_stuck(items, rows, tries, stuck_after)),
        silent=tuple(_silent(rows, last, newest, silent_days)),
        newest=newest,
        tries=tries,
        results=tuple(results),
    )


def has_passed(cell: ItemGrade) -> bool:
    """Whether every listed test of the item passed in the attempt that counts."""
    return cell.attempt is not None and cell.passed == cell.item.tests > 0


def first_open(row: StudentGrades) -> ItemGrade | None:
    """The first checkpoint of the course that the student has not passed."""
    checkpoints = [cell for cell in row.cells if cell.item.kind == Kind.CHECKPOINT]
    return next((cell for cell in checkpoints if not has_passed(cell)), None)


def _tests(book: Gradebook, items: Sequence[Item]) -> list[tuple[str, str, float]]:
    """(name, item, points) of the listed tests of these items, in the order of the course."""
    found: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    for name, item, points in book.rows(
        "SELECT name, item, points FROM test WHERE points IS NOT NULL ORDER BY id"
    ):
        found[item].append((name, item, points))
    return [test for item in items for test in found[item.name]]


def _tried(rows: Iterable[StudentGrades]) -> list[tuple[int, str]]:
    return [
        (row.student.id, cell.item.name)
        for row in rows
        for cell in row.cells
        if cell.attempt is not None
    ]


def _item_stats(
    number: int, items: Sequence[Item], rows: Sequence[StudentGrades], tries: Tries
) -> ItemStats:
    item = items[number]
    cells = [row.cells[number] for row in rows]
    tried = [cell for cell in cells if cell.attempt is not None]
    shares = [cell.raw / item.max_points for cell in tried if item.max_points]
    routes = [_route(tries.get((row.student.id, item.name), ()), item.tests) for row in rows]
    reached = [route for route in routes if route]
    days = [d for r in reached if (d := days_between(r[0].submitted, r[-1].submitted)) is not None]
    stops = Counter(cell.item.name for row in rows if (cell := first_open(row)) is not None)
    return ItemStats(
        item=item,
        tried=len(tried),
        passed=sum(has_passed(cell) for cell in cells),
        earned=sum(shares) / len(shares) if shares else None,
        median_attempts=median(len(route) for route in reached) if reached else None,
        median_days=median(days) if days else None,
        stopped=stops[item.name],
    )


def _route(tries: Sequence[Try], tests: int) -> Sequence[Try]:
    """The attempts up to the first one in which all tests passed; empty if there is none."""
    for number, one in enumerate(tries, 1):
        if one.passed == tests:
            return tries[:number]
    return ()


def _milestones(items: Sequence[Item], rows: Sequence[StudentGrades]) -> list[SectionMilestone]:
    sections: dict[str, list[StudentGrades]] = defaultdict(list)
    for row in rows:
        sections[row.student.section].append(row)
    return [
        SectionMilestone(
            section,
            item.name,
            sum(has_passed(row.cells[number]) for row in members),
            len(members),
        )
        for number, item in enumerate(items)
        if item.kind == Kind.MILESTONE
        for section, members in sorted(sections.items())
    ]


def _stuck(
    items: Sequence[Item], rows: Sequence[StudentGrades], tries: Tries, after: int
) -> list[Stuck]:
    found = [
        Stuck(row.student.id, item.name, idle, cell.passed, item.tests)
        for row in rows
        for item, cell in zip(items, row.cells, strict=True)
        if not has_passed(cell)
        and (idle := _idle(tries.get((row.student.id, item.name), ()))) >= after
    ]
    return sorted(found, key=lambda stuck: -stuck.attempts)


def _idle(tries: Sequence[Try]) -> int:
    """How many of the last attempts passed no new test."""
    idle = 0
    for one in reversed(tries):
        if one.new:
            break
        idle += 1
    return idle


def _last_times(tries: Tries) -> dict[int, str]:
    """The time of each student's last attempt; "" if no time is known."""
    last: dict[int, str] = defaultdict(str)
    for (student, _), found in tries.items():
        last[student] = max(last[student], *(one.submitted for one in found))
    return last


def _silent(
    rows: Sequence[StudentGrades], last: dict[int, str], newest: str, days: float
) -> list[Silent]:
    if not newest:
        return []
    limit = (datetime.fromisoformat(newest) - timedelta(days=days)).isoformat(timespec="seconds")
    found = [
        Silent(row.student.id, time)
        for row in rows
        if (time := last.get(row.student.id, "")) and time < limit
        if not all(has_passed(cell) for cell in row.cells)
    ]
    return sorted(found, key=lambda silent: silent.last)
