"""A graded run as Markdown: points, and what to mend, the first of it first."""

import textwrap
from collections.abc import Sequence

from pytest_tinytorch.course import Course
from pytest_tinytorch.display.grade import group_name
from pytest_tinytorch.display.markdown import block, code, inline
from pytest_tinytorch.display.run import points_text
from pytest_tinytorch.grade.scores import Grade, Score
from pytest_tinytorch.grouping import Cause, causes, verdict
from pytest_tinytorch.record import Location, Reason, TestRecord

_LISTED_TITLES = 20
_WIDTH = 96


def job_summary(
    course: Course, grade: Grade, tests: Sequence[TestRecord], notes: Sequence[str], room: int
) -> str:
    """At most `room` bytes of UTF-8; "" where not even the points fit.

    tests: as a student may see them. notes: what qualifies the grade, a line each.
    """
    found = causes(tests)
    return _fitted([_head(course, grade, notes), *(_cause(course, c) for c in found)], room)


def _fitted(blocks: Sequence[str], room: int) -> str:
    """The blocks in their order, as far as they fit, and a sentence about those that do not."""
    sizes = [len(text.encode()) for text in blocks]
    if sum(sizes) <= room:
        return "".join(blocks)
    room -= len(_cut(len(blocks)).encode())
    kept = 0
    while sizes[kept] <= room:
        room -= sizes[kept]
        kept += 1
    return "".join([*blocks[:kept], _cut(len(blocks) - kept)]) if kept else ""


def _cut(left: int) -> str:
    return f"\n**{left} more to mend after these do not fit here; the log has them all.**\n"


def _head(course: Course, grade: Grade, notes: Sequence[str]) -> str:
    lines = [f"## Grade: {grade}", "", "| Checkpoint | Tests | Points |", "|---|--:|--:|"]
    lines += [_row(course, score) for score in grade.scores]
    lines += [f"\n{inline(note)}" for note in notes]
    return "\n".join(lines) + "\n"


def _row(course: Course, score: Score) -> str:
    name = inline(group_name(course, score.group))
    tests = f"{score.passed} of {score.tests}"
    if score.undecided:
        tests += f", {score.undecided} could not be graded"
    return f"| {name} | {tests} | {score.points:g} of {score.max_points:g} |"


def _cause(course: Course, cause: Cause) -> str:
    test = cause.test
    if test.visibility != "visible":
        return f"\n### {inline(f'{group_name(course, test.group)}: {test.title}')} failed\n"
    worth = f" ({points_text(test.max_points)})" if test.max_points else ""
    parts = [f"### {verdict(test, {})} {inline(test.title)}{worth}\n"]
    parts += [block(_wrapped(test.message))] if test.message else []
    parts += [_place(location, test) for location in test.locations]
    if test.locations and test.locations[0].excerpt:
        parts.append(block(_excerpt(test.locations[0])))
    if test.waits_for:
        command = code(f"pytest --checkpoint {test.waits_for}")
        parts.append(f"Waiting for the checkpoint of this module. First: {command}\n")
    if test.example:
        parts.append(f"Input to try:\n\n{block(test.example)}")
    if test.hint:
        parts.append(f"Hint: {inline(test.hint)}\n")
    parts += _titles("For the same reason", cause.same) + _titles("Waiting for this", cause.waiting)
    return "\n" + "\n".join(parts)


def _wrapped(text: str) -> str:
    """The text in lines that can be read without scrolling."""
    lines = text.split("\n")
    return "\n".join(textwrap.fill(line, _WIDTH, replace_whitespace=False) for line in lines)


def _place(location: Location, test: TestRecord) -> str:
    verb = "Computed by" if test.reason is Reason.WRONG else "At"
    function = f"{inline(location.function)}, " if location.function else ""
    return f"{verb} {function}{code(str(location))}\n"


def _excerpt(location: Location) -> str:
    return "\n".join(
        f"{'>' if number == location.line else ' '} {number:4} | {line[:200]}".rstrip()
        for number, line in location.excerpt
    )


def _titles(what: str, tests: Sequence[TestRecord]) -> list[str]:
    if not tests:
        return []
    shown = "; ".join(inline(test.title) for test in tests[:_LISTED_TITLES])
    more = f"; and {len(tests) - _LISTED_TITLES} more" if len(tests) > _LISTED_TITLES else ""
    return [f"{what}: {shown}{more}\n"]
