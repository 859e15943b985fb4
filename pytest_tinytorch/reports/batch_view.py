"""Draws a class while it is graded: progress, a line for each student, and cases for review.

`hooks.reporters.batch` calls it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.scores import Grade
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.reports.phrases import counted
from pytest_tinytorch.submissions.identify import NOTHING_FOUND

_BAR = 20
_LONGEST_NAME = 38
_LONGEST_POINTS, _LONGEST_PERCENT = len("695 of 695"), len("100.0 %")
_MOST_LINES = 50
_STATUS = {"late": "late", "none": "nothing handed in"}


@dataclass(frozen=True)
class Row:
    """One student at the end of the run."""

    student: str
    grade: Grade | None  # None if nothing was ever graded
    kept: bool = False  # the grade of an earlier run still holds
    before: float | None = None  # points of an earlier run, if they differ
    missed: tuple[str, ...] = ()  # groups that this run could not grade; the student is not why
    status: str = ""  # in `collected.json`
    notes: tuple[str, ...] = ()  # how the submission was collected and read
    earlier: tuple[str, ...] = ()  # groups whose points are from an earlier submission


@dataclass(frozen=True)
class Summary:
    """What is said at the end of a run over a class."""

    rows: Sequence[Row]
    review: Sequence[tuple[str, str, str]] = ()  # student, group, reason: parts without a grade
    ignored: Sequence[str] = ()
    checks: Sequence[str] = ()  # failed self-checks of the harness
    renamed: Sequence[tuple[str, str]] = ()  # student, folder of another name
    others: Sequence[str] = ()  # folders of students who are not in this class
    results: str = "results"
    signed: str = ""


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
    table.add_column(no_wrap=True, min_width=_LONGEST_POINTS)
    table.add_column(justify="right", no_wrap=True, min_width=_LONGEST_PERCENT)
    table.add_column()
    grade = row.grade
    points = f"{grade.points:g} of {grade.max_points:g}" if grade else ""
    percent = f"{grade.percent:5.1f} %" if grade and grade.is_complete and not row.missed else ""
    table.add_row(f"  {one_line(row.student)}", points, percent, _remark(row))
    return table


def conclusion(summary: Summary) -> list[RenderableType]:
    """The summary of a run."""
    rows = summary.rows
    kept = sum(row.kept for row in rows)
    missed = sum(bool(row.missed) for row in rows)
    head = Text(f"{counted(len(rows), 'student')}: ", style="head")
    head.append(f"{len(rows) - kept - missed} graded, {kept} unchanged")
    head.append(f", {missed} not graded" if missed else "")
    open_ones = len({student for student, _, _ in summary.review})
    head.append(f", {open_ones} for review" if open_ones else "")
    parts: list[RenderableType] = [head]
    parts += [Text(f"not graded: {line}", style="bad") for line in summary.checks]
    review = [f"{who}: {reason}" for who, reason in _by_reason(summary.review)]
    notes = [f"{row.student}: {note}" for row in rows for note in row.notes]
    earlier = [f"{row.student}: {', '.join(row.earlier)}" for row in rows if row.earlier]
    changed = [f"{row.student}: {_change(row)}" for row in rows if row.before is not None]
    renamed = [f"{student}: {folder}" for student, folder in summary.renamed]
    parts += _section("For review, no grade", len(summary.review), review, "bad")
    parts += _section("About submissions", len(notes), notes, "todo")
    parts += _section("Points of an earlier submission or run", len(earlier), earlier, "todo")
    parts += _section("Points changed", len(changed), changed, "todo")
    parts += _section("Not a submission", len(summary.ignored), summary.ignored, "todo")
    parts += _section("Folders of results with another name", len(renamed), renamed, "todo")
    others = "Results of students who are not in this class"
    parts += _section(others, len(summary.others), summary.others, "todo")
    parts.append(Text(f"\nResults: {summary.results}"))
    return [*parts, *([Text(summary.signed)] if summary.signed else [])]


def _section(title: str, count: int, lines: Sequence[str], style: str) -> Iterator[RenderableType]:
    if not lines:
        return
    yield Text(f"\n{title} ({count}):", style=style)
    yield from (Text(f"  {one_line(line)}") for line in lines[:_MOST_LINES])
    if more := lines[_MOST_LINES:]:
        yield Text(f"  and {len(more)} more")


def _by_reason(review: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """(`carl 00, 01`, reason) for each student and reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for student, group, reason in review:
        groups.setdefault((student, reason), []).append(group)
    for (student, reason), parts in sorted(groups.items()):
        yield f"{student} {', '.join(parts)}".rstrip(), reason


def _remark(row: Row) -> Text:
    said = [_STATUS[row.status]] if row.status in _STATUS else []
    if row.missed:
        return Text(", ".join([f"{' '.join(row.missed)} not graded", *said]), style="bad")
    if row.grade is None or not row.grade.is_complete:
        return Text(", ".join(["for review", *said]), style="bad")
    missing = sum(note.startswith(NOTHING_FOUND) for note in row.notes)
    said += [f"{counted(missing, 'module')} not found"] if missing else []
    said += [f"was {row.before:g}"] if row.before is not None else []
    said += ["partly earlier points"] if row.earlier else []
    if said:
        return Text(", ".join(said), style="todo")
    return Text("unchanged" if row.kept else "", style="faint")


def _change(row: Row) -> str:
    assert row.grade is not None
    return f"{row.before:g} -> {row.grade.points:g} of {row.grade.max_points:g}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
