"""Draws the end of a graded run: points by collection, and remarks that qualify the grade.

`hooks.reporters.terminal` calls it; `remarks` serves the feedback page as well.
"""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.scores import Grade, Score
from pytest_tinytorch.reports.phrases import grade_text, group_row, rows_heading


def grade_table(course: Course, grade: Grade) -> list[RenderableType]:
    """A row for each collection, and their sum."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="head", show_edge=False)
    table.add_column(rows_heading(score.group for score in grade.scores), overflow="fold")
    table.add_column("Tests", justify="right", no_wrap=True)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for score in grade.scores:
        table.add_row(
            group_row(course, score.group),
            f"{score.passed} of {score.tests}",
            f"{score.points:g} of {score.max_points:g}",
            _remark(score),
        )
    total = Text("\nGrade: ", style="head")
    total.append(grade_text(grade))
    return [Text(""), table, total]


def remarks(
    isolation: str, not_reached: Sequence[str], altered: Sequence[str], refused: Sequence[str]
) -> list[str]:
    """Remarks that qualify a grade, a line each."""
    lines = [f"Isolation: {isolation}"]
    if isolation == "none":
        lines[0] += ". This grade is advisory: student code ran in the grader's own process"
    lines += [f"  not reached: {reason}" for reason in not_reached]
    if altered:
        lines.append(f"Modified course files: {', '.join(altered)}")
    lines += [f"Ignored: {reason}" for reason in refused]
    return lines


def _remark(score: Score) -> Text:
    if not score.undecided:
        return Text("")
    return Text(f"{score.undecided} could not be graded", style="bad")
