"""Writes the sentences about a run. All reports call it, so they all use the same sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_tinytorch.core.causes import Cause, Verdict, verdict
from pytest_tinytorch.core.course import Collection, Course, Demo, Milestone
from pytest_tinytorch.core.groups import Group, Kind, checkpoint_group, test_name
from pytest_tinytorch.core.manifest import MANIFEST_FILE
from pytest_tinytorch.core.records import Location, Reason, RunRecord, TestRecord
from pytest_tinytorch.core.scores import Grade
from pytest_tinytorch.core.signing import Key

# Labels of the parts of a cause.
EXAMPLE = "input to try"
PRINTED = "your code printed"
HINT = "hint"
SAME = "for the same reason"
WAITING = "waiting for this"

_LISTED_TITLES = 3


@dataclass(frozen=True)
class CauseText:
    """The sentences about a failure; "" if one is missing."""

    verdict: Verdict
    title: str
    worth: str  # "2 points"
    message: str
    places: tuple[tuple[str, Location], ...]  # with the text before it: "computed by add, "
    first: tuple[str, str]  # what to fix before it and why, and the command for that
    example: str
    printed: str
    hint: str
    same: str
    waiting: str


def cause_text(cause: Cause) -> CauseText:
    test = cause.test
    return CauseText(
        verdict=verdict(test, {}),
        title=test.title,
        worth=points_text(test.max_points) if test.max_points else "",
        message=test.message,
        places=tuple((_before(place, test), place) for place in test.locations),
        first=_first(test.waits_for),
        example=test.example,
        printed=test.printed,
        hint=test.hint,
        same=_titles(cause.same),
        waiting=_titles(cause.waiting),
    )


def excerpt_lines(location: Location) -> list[tuple[bool, str]]:
    """The numbered lines around a location, each with whether it is the location itself."""
    numbered = [(n == location.line, n, text) for n, text in location.excerpt]
    return [(here, f"{'>' if here else ' '} {n:4} | {text}".rstrip()) for here, n, text in numbered]


def collection_name(collection: Collection) -> str:
    """`Checkpoint 05 · Learning`."""
    return f"{collection.kind.heading} {collection.id} · {collection.name}"


def milestone_title(milestone: Milestone) -> str:
    """`1986 Hidden layers`, or its name alone where it has no year."""
    return f"{milestone.year} {milestone.name}" if milestone.year else milestone.name


def unlocked_text(program: Milestone | Demo) -> str:
    """Said once, after the run that unlocked it."""
    if isinstance(program, Demo):
        return f"new demo: {program.id}, run `{program.command}`"
    return f"unlocked: {milestone_title(program)}, run `{program.group.command}`"


def certificate_text(milestone: Milestone) -> str:
    return f"Your certificate: tito milestone certificate {milestone.id}"


def modules_text(course: Course, collection: Collection) -> str:
    """The modules of a collection: `module 06_spatial`, or `modules 02, 03, 05`."""
    if collection.about:
        return f"module {collection.about}"
    ids = [course.module_by_name[name].id for name in collection.modules]
    return f"module{'s' * (len(ids) > 1)} {', '.join(ids)}"


def group_name(course: Course, group: Group) -> str:
    """The heading of a group of tests: `Checkpoint 00 · Environment · hidden tests`."""
    found = course.collection_of(group)
    if found is not None:
        return collection_name(found) + (" · hidden tests" if group.is_hidden else "")
    module = next((m for m in course.modules if m.id == group.id), None)
    if module is None:
        return str(group)
    what = "inline tests" if group.kind is Kind.MODULE else "together with what it needs"
    return f"Module {module.name} · {what}"


def group_row(course: Course, group: Group) -> str:
    """The group in a row of a table: `00 Environment · hidden tests`."""
    kind = group.about.kind.heading
    return group_name(course, group).removeprefix(f"{kind} ").replace(" · ", " ", 1)


def rows_heading(groups: Iterable[Group]) -> str:
    """The column heading of such rows: `Checkpoint`; `Part` for several kinds."""
    kinds = {group.about.kind for group in groups} or {Kind.CHECKPOINT}
    return kinds.pop().heading if len(kinds) == 1 else "Part"


def titled(test: TestRecord) -> str:
    """The title of a test, with what it measured: `Reads digits: 97.8 % of 360 digits`."""
    return f"{test.title}: {test.measured}" if test.measured else test.title


def tally(passed: int, tests: int, points: float, max_points: float) -> str:
    return f"{passed} of {tests} tests, {points:g} of {points_text(max_points)}"


def not_counted(tests: Sequence[TestRecord]) -> str:
    """Which tests ran although they do not count, and what lists them."""
    names = list(dict.fromkeys(test_name(test.id).partition("[")[0] for test in tests))
    shown = ", ".join(names[:_LISTED_TITLES]) + (", ..." if len(names) > _LISTED_TITLES else "")
    does = "does not count: it is" if len(tests) == 1 else "do not count: they are"
    found = f"{tests_text(len(tests))} ({shown}) {does} not in {MANIFEST_FILE}"
    return f"{found}. Whoever writes the course runs `tito manifest`."


def grade_text(grade: Grade) -> str:
    """`45 of 50 points, 90.0 %`; no percentage if a part is not graded yet."""
    points = f"{grade.points:g} of {grade.max_points:g} points"
    if grade.is_complete:
        return f"{points}, {grade.percent:.1f} %"
    why = f"; {tests_text(grade.undecided)} could not be graded" if grade.undecided else ""
    return f"none yet, {points} so far{why}"


def earlier_text(run: RunRecord, group: Group) -> str:
    """Where the points of a group are not from the submission that the record names."""
    sources = run.earlier.get(str(group))
    if sources is None:
        return ""
    if sources == run.sources:
        return "of an earlier run, with other tests or settings"
    return "of an earlier submission"


def signed_text(key: Key | None) -> str:
    return f"Signed with key {key.id}" if key else "Not signed: there is no key"


def counted(number: float, what: str) -> str:
    """`1 test`, `2.5 points`."""
    shown = f"{number}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {what}" if number == 1 else f"{shown} {what}s"


def tests_text(count: int) -> str:
    return counted(count, "test")


def points_text(points: float) -> str:
    return counted(points, "point")


def capability(collection: Collection) -> str:
    return f"You can now {collection.you_can}."


def _before(location: Location, test: TestRecord) -> str:
    name = f"{location.function}, " if location.function else ""
    if location.is_inline_test:
        return f"checked by {name}"
    return ("computed by " if test.reason is Reason.WRONG else "at ") + name


def _first(waits_for: str) -> tuple[str, str]:
    if not waits_for:
        return "", ""
    group = checkpoint_group(waits_for)
    why = f"waiting for {group.kind} {group.id}, whose module this is. First: "
    return why, group.command


def _titles(tests: Sequence[TestRecord]) -> str:
    shown = "; ".join(test.title for test in tests[:_LISTED_TITLES])
    more = len(tests) - _LISTED_TITLES
    return f"{shown}; and {more} more" if more > 0 else shown
