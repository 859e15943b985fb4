"""Decides the content and the sentences of a feedback page. `html` and `markdown` render it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_tinytorch.core.causes import SHOWN_IN_FULL, Cause, causes
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.records import RunRecord, TestRecord
from pytest_tinytorch.core.scores import Grade, Score, grade_of
from pytest_tinytorch.core.visibility import students_view
from pytest_tinytorch.progress.next_step import NextStep, step_after_grade
from pytest_tinytorch.reports.fitting import fitting, line
from pytest_tinytorch.reports.phrases import (
    CauseText,
    capability,
    cause_text,
    earlier_text,
    grade_text,
    group_name,
    group_row,
    points_text,
    rows_heading,
    tally,
    tests_text,
    titled,
)

_MOST_NOTES = 30
_HASH = 12

UNSEEN = "You cannot see these tests: try inputs that no test here tries."
ACHIEVED, NOT_ACHIEVED, UNDECIDED = "achieved", "not achieved", "not decided"


@dataclass(frozen=True)
class Row:
    """A line of the table of points."""

    anchor: str
    name: str
    tests: str
    points: str
    share: float  # of the points, from 0 to 1
    remark: str


@dataclass(frozen=True)
class Fix:
    """A failure to fix, and the part of the page that shows it."""

    anchor: str
    part: str  # the name of the part that contains it
    text: CauseText
    in_full: bool


@dataclass(frozen=True)
class Elsewhere:
    """Tests that fail for a reason shown in another part."""

    tests: str
    reason: Fix


@dataclass(frozen=True)
class Part:
    """A collection, or an instructor's hidden tests for it."""

    anchor: str
    kinds: str  # the plural of its kind, "checkpoints"; "" for hidden tests
    name: str
    standing: str
    tally: str
    question: str
    can: str
    fixes: tuple[Fix, ...]
    later: tuple[Fix, ...]  # shown folded: to fix after the others
    later_text: str
    elsewhere: tuple[Elsewhere, ...]
    works: str
    passed: tuple[str, ...]
    hidden: str  # how many of its hidden tests passed
    hidden_failed: tuple[str, ...]
    undecided: str
    undecided_titles: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    title: str
    facts: tuple[tuple[str, str], ...]
    grade: str
    share: float
    summary: str
    undecided: str
    review: tuple[str, ...]  # why an instructor has to look
    rows_heading: str  # `Checkpoint`, `Milestone`, or `Part` for both
    rows: tuple[Row, ...]
    parts: tuple[Part, ...]
    step: NextStep
    notes: tuple[str, ...]


def page_of(course: Course, run: RunRecord, notes: Sequence[str]) -> Page:
    """The student's page on a graded run. `notes`: remarks on the submission, a line each."""
    run = students_view(run)
    run = replace(run, tests=tuple(fitting(test) for test in run.tests))
    grade = grade_of(run)
    parts = _parts(course, run, grade)
    step = step_after_grade(course, run)
    return Page(
        title=_title(course, run.student),
        facts=_facts(run),
        grade=grade_text(grade),
        share=_share(grade.points, grade.max_points),
        summary=_summary(run, parts),
        undecided=_undecided(run.tests),
        review=tuple(map(line, run.review)),
        rows_heading=rows_heading(score.group for score in grade.scores),
        rows=tuple(_row(course, run, number, s) for number, s in enumerate(grade.scores)),
        parts=parts,
        step=NextStep(line(step.command), line(step.why)),
        notes=_notes([*_earlier(course, run), *notes]),
    )


def _title(course: Course, student: str) -> str:
    title = f"{line(course.title)}: feedback"
    return f"{title} for {line(student)}" if student else title


def _parts(course: Course, run: RunRecord, grade: Grade) -> tuple[Part, ...]:
    known = [test for test in run.tests if test.decided and test.visibility == "visible"]
    reasons: dict[str, Fix] = {}  # test -> why it fails
    for number, cause in enumerate(causes(known)):
        fix = _fix(course, cause, number)
        reasons |= {test.id: fix for test in (cause.test, *cause.same)}
    return tuple(
        _part(course, number, score, run.of(score.group), reasons)
        for number, score in enumerate(grade.scores)
    )


def _part(
    course: Course,
    number: int,
    score: Score,
    tests: Sequence[TestRecord],
    reasons: dict[str, Fix],
) -> Part:
    name = _name(course, score.group)
    collection = None if score.group.is_hidden else course.collection_of(score.group)
    found = dict.fromkeys(reasons[test.id] for test in tests if test.id in reasons)
    now = [fix for fix in found if fix.part == name and fix.in_full]
    later = [fix for fix in found if fix.part == name and not fix.in_full]
    visible = [test for test in tests if test.visibility == "visible"]
    hidden = [test for test in tests if test.visibility != "visible"]
    standing = _standing(tests)
    return Part(
        anchor=_anchor(number),
        kinds=collection.kind.plural if collection else "",
        name=name,
        standing=standing,
        tally=tally(score.passed, score.tests, score.points, score.max_points),
        question=line(collection.question) if collection else "",
        can=line(capability(collection)) if collection and standing == ACHIEVED else "",
        fixes=tuple(now),
        later=tuple(later),
        later_text=_later(len(now), len(later)),
        elsewhere=_elsewhere(name, visible, reasons),
        works=tests_text(sum(test.passed for test in visible)),
        passed=tuple(titled(test) for test in visible if test.passed),
        hidden=_hidden(hidden) if visible else "",
        hidden_failed=tuple(
            f"{test.title}: failed{_worth(test)}"
            for test in hidden
            if test.decided and not test.passed
        ),
        undecided=_undecided(tests),
        undecided_titles=tuple(test.title for test in tests if not test.decided),
    )


def _fix(course: Course, cause: Cause, number: int) -> Fix:
    return Fix(
        anchor=f"mend-{number + 1}",
        part=_name(course, cause.test.group),
        text=cause_text(cause),
        in_full=number < SHOWN_IN_FULL,
    )


def _later(now: int, later: int) -> str:
    if not later:
        return ""
    return f"And {later} more to fix after these:" if now else f"{later} to fix after the above:"


def _elsewhere(
    name: str, tests: Sequence[TestRecord], reasons: dict[str, Fix]
) -> tuple[Elsewhere, ...]:
    found = Counter(reasons[test.id] for test in tests if test.id in reasons)
    return tuple(
        Elsewhere(tests_text(count), fix) for fix, count in found.items() if fix.part != name
    )


def _standing(tests: Sequence[TestRecord]) -> str:
    if any(test.decided and not test.passed for test in tests):
        return NOT_ACHIEVED
    return ACHIEVED if tests and all(test.passed for test in tests) else UNDECIDED


def _summary(run: RunRecord, parts: Sequence[Part]) -> str:
    if not run.tests:
        return "nothing was graded"
    every = Counter(part.kinds for part in parts if part.kinds)
    achieved = Counter(part.kinds for part in parts if part.standing == ACHIEVED)
    counts = [f"{achieved[kinds]} of {every[kinds]} {kinds} achieved" for kinds in every]
    passed = sum(test.passed for test in run.tests)
    return ", ".join([*counts, f"{passed} of {len(run.tests)} tests passed"])


def _row(course: Course, run: RunRecord, number: int, score: Score) -> Row:
    undecided = f"{score.undecided} could not be graded" if score.undecided else ""
    remarks = (undecided, earlier_text(run, score.group))
    return Row(
        anchor=_anchor(number),
        name=line(group_row(course, score.group)),
        tests=f"{score.passed} of {score.tests}",
        points=f"{score.points:g} of {score.max_points:g}",
        share=_share(score.points, score.max_points),
        remark=", ".join(filter(None, remarks)),
    )


def _facts(run: RunRecord) -> tuple[tuple[str, str], ...]:
    found = (
        ("course version", line(run.version)),
        ("commit", line(run.commit[:_HASH])),
        ("sources", line(run.sources[:_HASH])),
    )
    return tuple((name, value) for name, value in found if value)


def _hidden(tests: Sequence[TestRecord]) -> str:
    if not tests:
        return ""
    points = sum(test.points for test in tests)
    of = points_text(sum(test.max_points for test in tests))
    passed = sum(test.passed for test in tests)
    return f"{passed} of {len(tests)} hidden tests passed, {points:g} of {of}."


def _undecided(tests: Sequence[TestRecord]) -> str:
    found = [test for test in tests if not test.decided]
    if not found:
        return ""
    points = points_text(sum(test.max_points for test in found))
    return (
        f"{tests_text(len(found))} ({points}) could not be graded. Your instructor is informed;"
        " these tests do not count as 0."
    )


def _earlier(course: Course, run: RunRecord) -> list[str]:
    return [
        f"{group_name(course, group)}: these points are {text} (sources"
        f" {run.earlier[str(group)][:_HASH]}); the others are of sources {run.sources[:_HASH]}"
        for group in run.groups
        if (text := earlier_text(run, group))
    ]


def _notes(notes: Sequence[str]) -> tuple[str, ...]:
    shown = tuple(line(note) for note in notes[:_MOST_NOTES])
    more = len(notes) - _MOST_NOTES
    return (*shown, f"and {more} more") if more > 0 else shown


def _name(course: Course, group: Group) -> str:
    return line(group_name(course, group))


def _anchor(number: int) -> str:
    return f"part-{number + 1}"


def _worth(test: TestRecord) -> str:
    return f" ({points_text(test.max_points)})" if test.max_points else ""


def _share(points: float, of: float) -> float:
    return min(1.0, max(0.0, points / of)) if of else 0.0
