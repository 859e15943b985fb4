"""Draws a class while it is graded: progress, a line for each student, and cases for review.

`hooks.reporters.batch` calls it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.scores import Grade
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.reports.phrases import counted

_BAR = 20
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Row:
    """One student at the end of the run."""

    student: str
    grade: Grade
    kept: bool  # the grade of an earlier run still holds
    before: float | None = None  # points of an earlier run, if they differ


@dataclass(frozen=True)
class Pace:
    """The progress of a batch. `seconds` is the time of this run; `kept` parts took no time."""

    done: int
    total: int
    kept: int
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """The estimated time left; None before the first graded part."""
        graded = self.done - self.kept
        return (self.total - self.done) * self.seconds / graded if graded else None


def progress_line(pace: Pace, now: str, width: int) -> str:
    """`[######--------------]  36 of 120  about 2 min left  Zoë 01`, in one line."""
    filled = _BAR * pace.done // max(pace.total, 1)
    left = pace.seconds_left
    estimate = "" if left is None else f"  about {_duration(left)} left"
    bar = "#" * filled + "-" * (_BAR - filled)
    text = f"[{bar}] {pace.done:>{len(str(pace.total))}} of {pace.total}{estimate}  {now}"
    return set_cell_size(one_line(text), width - 1).rstrip()


def student_line(row: Row) -> RenderableType:
    """`  Zoë Müller      45 of 50   90.0 %   was 40`; no percentage if something is not graded."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=_LONGEST_NAME, overflow="ellipsis", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    grade = row.grade
    points = f"{grade.points:g} of {grade.max_points:g}"
    percent = f"{grade.percent:5.1f} %" if grade.is_complete else ""
    table.add_row(f"  {one_line(row.student)}", points, percent, _remark(row))
    return table


def conclusion(
    rows: Sequence[Row],
    review: Sequence[tuple[str, str]],
    ignored: Sequence[str],
    checks: Sequence[str],
    results: str,
) -> list[RenderableType]:
    """The summary of a run. review: (item, reason) for parts without a grade; checks: failed
    self-checks of the harness."""
    kept = sum(row.kept for row in rows)
    graded = len(rows) - kept
    changed = [row for row in rows if row.before is not None]
    head = Text(f"{counted(len(rows), 'student')}: ", style="head")
    head.append(f"{graded} graded, {kept} unchanged")
    parts: list[RenderableType] = [head]
    parts += [Text(f"not graded: {line}", style="bad") for line in checks]
    if review:
        parts.append(Text(f"\nFor review, no grade ({len(review)}):", style="bad"))
        parts += [Text(one_line(f"  {item}: {reason}")) for item, reason in review]
    if changed:
        parts.append(Text(f"\nPoints changed ({len(changed)}):", style="todo"))
        parts += [Text(one_line(f"  {row.student}: {_change(row)}")) for row in changed]
    if ignored:
        parts.append(Text("\nNot a submission:", style="todo"))
        parts += [Text(one_line(f"  {line}")) for line in ignored]
    parts.append(Text(f"\nResults: {results}"))
    return parts


def _remark(row: Row) -> Text:
    if not row.grade.is_complete:
        return Text("for review", style="bad")
    if row.before is not None:
        return Text(f"was {row.before:g}", style="todo")
    return Text("unchanged" if row.kept else "", style="faint")


def _change(row: Row) -> str:
    return f"{row.before:g} -> {row.grade.points:g} of {row.grade.max_points:g}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
