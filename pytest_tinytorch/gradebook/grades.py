"""Computes grades: for each student and item, the attempt that counts, its points and its gaps.

`cli.gradebook` and `hooks.reporters.batch` call `class_grades`. The denominators are the points of
the manifest: a listed test without a result is missing and earns nothing, and a test that could
not be graded is open.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from pytest_tinytorch.gradebook.entries import STUDENT_ROLES, Item, Standing, Student, Trust
from pytest_tinytorch.gradebook.policy import Candidate, Chosen, Policy, choose
from pytest_tinytorch.gradebook.store import Gradebook

_NO_SOURCES = sha256().hexdigest()  # as `submissions.reader.Taken.digest` of no sources


class State(StrEnum):
    """What is known about a student's work on an item."""

    NONE = "none"  # no attempt, or none that counts
    GRADED = "graded"
    OPEN = "open"  # for review: some tests could not be graded, so the points may still rise
    MARKED = "marked"  # a person gave the points


@dataclass(frozen=True)
class ItemGrade:
    """One cell. `raw` is what the tests earned, `adjusted` what remains after the policy."""

    item: Item
    state: State
    raw: float = 0.0
    adjusted: float = 0.0
    passed: int = 0
    undecided: int = 0
    missing: int = 0
    attempt: int | None = None  # the one that counts
    attempts: int = 0
    days_late: float = 0.0
    trust: Trust | None = None
    accepted: bool = False
    comment: str = ""

    @property
    def is_advisory(self) -> bool:
        """Whether the grade rests on a record whose signature is not verified."""
        return self.trust not in (None, Trust.VERIFIED) and not self.accepted


@dataclass(frozen=True)
class StudentGrades:
    """One row: a student, and a cell for each item, in the order of the course."""

    student: Student
    cells: tuple[ItemGrade, ...]
    attempts: int  # result files, of all items
    status: str = ""  # of the latest one, as `tito collect` wrote it: collected, late, none, failed
    review: tuple[str, ...] = ()  # what an instructor should know about the latest one
    is_empty: bool = False  # no source of a module was in the latest one

    @property
    def raw(self) -> float:
        return sum(cell.raw for cell in self.cells)

    @property
    def adjusted(self) -> float:
        return sum(cell.adjusted for cell in self.cells)

    @property
    def max_points(self) -> float:
        return sum(cell.item.max_points for cell in self.cells)

    @property
    def is_open(self) -> bool:
        return any(cell.state is State.OPEN for cell in self.cells)

    @property
    def has_submitted(self) -> bool:
        return self.attempts > 0


def class_grades(
    book: Gradebook,
    policy: Policy | None = None,
    items: Sequence[Item] | None = None,
    students: Sequence[Student] | None = None,
) -> list[StudentGrades]:
    """A row for each student, sorted by the displayed name.

    items: the columns; by default those that `items_in_use` finds
    students: by default those of `class_list`
    """
    policy = policy or Policy()
    items = items_in_use(book) if items is None else items
    students = class_list(book) if students is None else students
    found = _Found(book, students)
    return [_row(student, items, policy, found) for student in students]


def class_list(book: Gradebook, everybody: bool = False) -> list[Student]:
    """The students of the class: those on the roster, or without a roster all who submitted.

    everybody: also who dropped the course, and teachers
    """
    students = book.students()
    if everybody:
        return students
    wanted = Standing.LISTED if book.has_roster() else Standing.UNLISTED
    return [s for s in students if s.standing is wanted and s.role in STUDENT_ROLES]


def items_in_use(book: Gradebook) -> list[Item]:
    """The columns for which at least one attempt or one mark exists, in the course's order."""
    used = {
        name for (name,) in book.rows("SELECT item FROM attempt_item UNION SELECT item FROM mark")
    }
    return [item for item in book.items() if item.name in used]


class _Found:
    """What the database has about some students: candidates, scores and marks."""

    def __init__(self, book: Gradebook, students: Iterable[Student]) -> None:
        wanted = {student.id for student in students}
        # (points, passed, undecided, found) of an attempt at an item
        self.scores = {
            (attempt, item): (points, passed, undecided, found)
            for attempt, item, points, passed, undecided, found in book.rows("SELECT * FROM score")
        }
        self.attempts: dict[int, set[int]] = defaultdict(set)
        self.trust: dict[int, tuple[Trust, bool]] = {}
        self.candidates: dict[tuple[int, str], list[Candidate]] = defaultdict(list)
        for student, attempt, trust, accepted, submitted, added, item in book.rows(
            "SELECT student_id, id, trust, accepted, submitted, added, item FROM attempt"
            " JOIN attempt_item ON attempt_id = id WHERE student_id IS NOT NULL"
        ):
            if student in wanted:
                self.attempts[student].add(attempt)
                self.trust[attempt] = Trust(trust), bool(accepted)
                fully = trust == Trust.VERIFIED or bool(accepted)
                points = self.scores.get((attempt, item), (0.0, 0, 0, 0))[0]
                candidate = Candidate(attempt, submitted, added, fully, points)
                self.candidates[student, item].append(candidate)
        self.marks = {
            (student, item): (points, comment)
            for student, item, points, comment in book.rows(
                "SELECT student_id, item, points, comment FROM mark ORDER BY id"
            )
        }
        self.latest = {  # student -> status, review and sources of the latest attempt
            student: facts
            for student, *facts in book.rows(
                "SELECT student_id, status, review, sources FROM attempt"
                " WHERE student_id IS NOT NULL"
                " ORDER BY coalesce(nullif(submitted, ''), added), id"
            )
        }
        self.names: dict[int, list[str]] = defaultdict(list)
        for name, student in book.rows("SELECT name, student_id FROM alias"):
            self.names[student].append(name)


def _row(student: Student, items: Sequence[Item], policy: Policy, found: _Found) -> StudentGrades:
    names = (student.name, *found.names[student.id])
    cells = tuple(_cell(student.id, names, item, policy, found) for item in items)
    status, review, sources = found.latest.get(student.id, ("", "", ""))
    return StudentGrades(
        student,
        cells,
        len(found.attempts[student.id]),
        status,
        tuple(review.splitlines()),
        sources == _NO_SOURCES,
    )


def _cell(
    student: int, names: Sequence[str], item: Item, policy: Policy, found: _Found
) -> ItemGrade:
    candidates = found.candidates.get((student, item.name), [])
    chosen = choose(policy, candidates, policy.deadline(names, item.name)) if candidates else None
    cell = _tested(item, chosen, len(candidates), found)
    marked = found.marks.get((student, item.name))
    return _marked(cell, *marked) if marked else cell


def _tested(item: Item, chosen: Chosen | None, attempts: int, found: _Found) -> ItemGrade:
    if chosen is None:
        return ItemGrade(item, State.NONE, attempts=attempts, missing=item.tests)
    number = chosen.candidate.attempt
    points, passed, undecided, seen = found.scores.get((number, item.name), (0.0, 0, 0, 0))
    trust, accepted = found.trust[number]
    return ItemGrade(
        item=item,
        state=State.OPEN if undecided else State.GRADED,
        raw=points,
        adjusted=chosen.adjusted,
        passed=passed,
        undecided=undecided,
        missing=item.tests - seen,
        attempt=number,
        attempts=attempts,
        days_late=chosen.late.total_seconds() / 86400,
        trust=trust,
        accepted=accepted,
    )


def _marked(cell: ItemGrade, points: float | None, comment: str) -> ItemGrade:
    """The cell with a person's points, which replace the adjusted ones; the raw ones stay."""
    if points is None:
        return replace(cell, comment=comment)
    return replace(cell, state=State.MARKED, adjusted=points, comment=comment)
