"""The end of a graded run: points by checkpoint, and what a reader of the grade has to know."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.course import Course
from pytest_tinytorch.grade.scores import Grade, Score
from pytest_tinytorch.grade.visibility import HIDDEN


def grade_table(course: Course, grade: Grade) -> list[RenderableType]:
    """A row for each checkpoint, and their sum."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="head", show_edge=False)
    table.add_column("Checkpoint", overflow="fold")
    table.add_column("Tests", justify="right", no_wrap=True)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for score in grade.scores:
        table.add_row(
            group_name(course, score.group),
            f"{score.passed} of {score.tests}",
            f"{score.points:g} of {score.max_points:g}",
            _remark(score),
        )
    return [Text(""), table, Text("\nGrade: ", style="head").append(str(grade))]


def remarks(
    isolation: str, weaker: Sequence[str], altered: Sequence[str], refused: Sequence[str]
) -> list[str]:
    """What qualifies a grade, a line each."""
    lines = [f"Isolation: {isolation}"]
    if isolation == "none":
        lines[0] += ". This grade is advisory: student code shared the process of its judge"
    lines += [f"  not reached: {reason}" for reason in weaker]
    if altered:
        lines.append(f"Not the course's own: {', '.join(altered)}")
    lines += [f"Not taken in: {reason}" for reason in refused]
    return lines


def group_name(course: Course, group: str) -> str:
    """`05 Learning`, or `05 Learning · hidden tests`."""
    kind, _, identifier = group.rpartition(" ")
    checkpoint = course.checkpoint_by_id[identifier]
    hidden = " · hidden tests" if kind == HIDDEN else ""
    return f"{checkpoint.id} {checkpoint.name}{hidden}"


def _remark(score: Score) -> Text:
    if not score.undecided:
        return Text("")
    return Text(f"{score.undecided} could not be graded", style="bad")
