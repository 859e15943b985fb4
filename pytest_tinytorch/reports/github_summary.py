"""Makes the job summary of a graded run, in Markdown: points, and what to fix, in order.

`hooks.reporters.github` calls it.
"""

from collections.abc import Sequence

from pytest_tinytorch.core.causes import Cause, causes
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.records import TestRecord
from pytest_tinytorch.core.scores import Grade, Score
from pytest_tinytorch.reports.markdown_escape import inline
from pytest_tinytorch.reports.markdown_failure import facts, failure
from pytest_tinytorch.reports.phrases import (
    cause_text,
    grade_text,
    group_row,
    rows_heading,
)

_WIDTH = 96


def job_summary(
    course: Course, grade: Grade, tests: Sequence[TestRecord], notes: Sequence[str], room: int
) -> str:
    """The summary in at most `room` bytes of UTF-8; "" if not even the points fit.

    tests: only what students may see. notes: remarks that qualify the grade, a line each.
    """
    found = causes(tests)
    return _fitted([_head(course, grade, notes), *(_cause(course, c) for c in found)], room)


def _fitted(blocks: Sequence[str], room: int) -> str:
    """The first blocks that fit, and a sentence about the others."""
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
    return f"\n**{left} more to fix do not fit here; the log lists all of them.**\n"


def _head(course: Course, grade: Grade, notes: Sequence[str]) -> str:
    lines = [f"## Grade: {grade_text(grade)}", ""]
    what = rows_heading(score.group for score in grade.scores)
    lines += [f"| {what} | Tests | Points |", "|---|--:|--:|"]
    lines += [_row(course, score) for score in grade.scores]
    lines += [f"\n{inline(note)}" for note in notes]
    return "\n".join(lines) + "\n"


def _row(course: Course, score: Score) -> str:
    name = inline(group_row(course, score.group))
    tests = f"{score.passed} of {score.tests}"
    if score.undecided:
        tests += f", {score.undecided} could not be graded"
    return f"| {name} | {tests} | {score.points:g} of {score.max_points:g} |"


def _cause(course: Course, cause: Cause) -> str:
    test = cause.test
    if test.visibility != "visible":
        return f"\n### {inline(f'{group_row(course, test.group)}: {test.title}')} failed\n"
    text = cause_text(cause)
    lines = [f"{inline(fact)}\n" for fact in facts(text)]
    return "\n" + "\n".join([*failure(text, _WIDTH), *lines])
