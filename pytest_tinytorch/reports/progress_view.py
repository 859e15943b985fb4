"""Draws the four forms of `--progress`: summary, detailed, timeline, horizontal.

`hooks.reporters.terminal` calls it.
"""

from collections.abc import Callable
from itertools import groupby

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.course import Checkpoint, Course
from pytest_tinytorch.core.groups import test_name
from pytest_tinytorch.progress.next_step import step_forward
from pytest_tinytorch.progress.progress import Progress, State, Status
from pytest_tinytorch.reports.run_view import next_line

_STYLES = {
    State.ACHIEVED: "good",
    State.FAILING: "bad",
    State.STALE: "todo",
    State.NOT_STARTED: "",
    State.PLANNED: "faint",
}
# One letter for each state, explained below the drawing, for readers without colour.
_MARKS = {
    State.ACHIEVED: "#",
    State.FAILING: "x",
    State.STALE: "~",
    State.NOT_STARTED: ".",
    State.PLANNED: " ",
}


def progress_view(course: Course, progress: Progress, form: str) -> list[RenderableType]:
    """The drawing named by `form`, and the next step."""
    views: dict[str, Callable[[Course, Progress], list[RenderableType]]] = {
        "summary": _summary,
        "detailed": _detailed,
        "timeline": _timeline,
        "horizontal": _horizontal,
    }
    step = next_line(step_forward(course, progress.statuses))
    notes = [Text(note, style="todo") for note in progress.notes]
    return [_title(course, progress), *views[form](course, progress), Text(""), step, *notes]


def _title(course: Course, progress: Progress) -> Text:
    statuses = progress.statuses
    achieved = sum(status.state is State.ACHIEVED for status in statuses)
    points = f"{progress.points:g} of {course.points} points"
    counts = f"{achieved} of {len(statuses)} checkpoints, {points}"
    return Text(f"{course.title}: ", style="head").append(f"{counts}\n")


def _phases(progress: Progress) -> list[tuple[str, list[Status[Checkpoint]]]]:
    by_phase = groupby(progress.statuses, key=lambda status: status.collection.phase)
    return [(phase, list(statuses)) for phase, statuses in by_phase]


def _summary(course: Course, progress: Progress) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    for phase, statuses in _phases(progress):
        table.add_row(Text(phase, style="head"))
        for status in statuses:
            name = f"  {status.collection.id} {status.collection.name}"
            table.add_row(name, Text(status.label, style=_STYLES[status.state]))
    return [table]


def _detailed(course: Course, progress: Progress) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for phase, statuses in _phases(progress):
        parts.append(Text(phase, style="head"))
        parts += [_detail(course, progress, status) for status in statuses]
    return parts


def _detail(course: Course, progress: Progress, status: Status[Checkpoint]) -> RenderableType:
    checkpoint = status.collection
    text = Text(f"  {checkpoint.id} {checkpoint.name}: ")
    text.append(status.label, style=_STYLES[status.state])
    if status.state in (State.ACHIEVED, State.FAILING):
        text.append(f", {status.passed} of {status.total} tests")
        text.append(f", {status.points:g} of {checkpoint.points} points, {_date(status.when)}")
    text.append(f"\n     {checkpoint.question}", style="faint")
    module = course.module_of(checkpoint)
    source = f"\n     module {module.name}: {course.source_name(module)}"
    if not module.written:
        source = f"\n     module {module.name}: not part of this course yet"
    elif not course.source_file(module).is_file():
        source += " (not there)"
    elif module.name in progress.completed_modules:
        source += " (completed)"
    text.append(source, style="faint")
    for name in status.failing:
        text.append(f"\n     failing: {test_name(name)}", style="bad")
    return text


def _timeline(course: Course, progress: Progress) -> list[RenderableType]:
    text = Text()
    for phase, statuses in _phases(progress):
        text.append(f"{phase}\n", style="head")
        for status in statuses:
            text.append(f"  [{_MARKS[status.state]}] ", style=_STYLES[status.state])
            text.append(f"{status.collection.id} {status.collection.name}, {status.label}\n")
            text.append("   |\n", style="faint")
    return [text, _legend()]


def _horizontal(course: Course, progress: Progress) -> list[RenderableType]:
    text = Text()
    for phase, statuses in _phases(progress):
        text.append(f"{phase:13}", style="head")
        for status in statuses:
            style = _STYLES[status.state]
            text.append(f"--{status.collection.id}", style="faint")
            text.append(f"[{_MARKS[status.state]}]", style=style)
        text.append("\n")
    return [text, _legend()]


def _legend() -> Text:
    return Text(", ".join(f"[{mark}] {state}" for state, mark in _MARKS.items()), style="faint")


def _date(when: str) -> str:
    return when[:10]
