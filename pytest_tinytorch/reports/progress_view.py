"""Draws the four forms of `--progress`: summary, detailed, timeline, horizontal.

`hooks.reporters.terminal` calls it.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.course import Checkpoint, Course
from pytest_tinytorch.core.groups import test_name
from pytest_tinytorch.progress.milestones import (
    CLAIMED,
    LOCKED,
    NOT_ATTEMPTED,
    MilestoneStatus,
    ladders,
    measured,
    milestone_statuses,
)
from pytest_tinytorch.progress.next_step import step_with_milestones
from pytest_tinytorch.progress.progress import Progress, State, Status
from pytest_tinytorch.reports.phrases import milestone_title
from pytest_tinytorch.reports.run_view import next_line

_STYLES = {
    State.ACHIEVED: "good",
    State.FAILING: "bad",
    State.STALE: "todo",
    State.NOT_STARTED: "",
    State.PLANNED: "faint",
}
_INDENT = 5  # of the lines below a checkpoint or a milestone
# One letter for each state, explained below the drawing, for readers without colour.
_MARKS = {
    State.ACHIEVED: "#",
    State.FAILING: "x",
    State.STALE: "~",
    State.NOT_STARTED: ".",
    State.PLANNED: " ",
}

# What only milestones have, by the label.
_MILESTONE_MARKS = {LOCKED: "-", CLAIMED: "?"}
_MILESTONE_STYLES = {LOCKED: "faint", CLAIMED: "todo"}


def progress_view(course: Course, progress: Progress, form: str) -> list[RenderableType]:
    """The drawing named by `form`, and the next step."""
    views: dict[str, Callable[[Course, Progress], list[RenderableType]]] = {
        "summary": _summary,
        "detailed": _detailed,
        "timeline": _timeline,
        "horizontal": _horizontal,
    }
    step = next_line(step_with_milestones(course, progress))
    notes = [Text(note, style="todo") for note in progress.notes]
    parts = [*views[form](course, progress), *_LADDERS[form](course, progress), Text("")]
    return [_title(course, progress), *parts, step, *notes]


def ladders_view(course: Course, progress: Progress, form: str) -> list[RenderableType]:
    """The milestones alone, in one of the forms of `--progress`. `tito milestone` calls it."""
    notes = [Text(note, style="todo") for note in progress.notes]
    return [*_LADDERS[form](course, progress), *notes]


def _title(course: Course, progress: Progress) -> Text:
    statuses = progress.statuses
    achieved = sum(status.state is State.ACHIEVED for status in statuses)
    points = f"{progress.points:g} of {course.points} points"
    counts = f"{achieved} of {len(statuses)} checkpoints, {points}"
    if course.milestones:
        reached = sum(s.is_achieved for s in milestone_statuses(course, progress))
        counts += f", {reached} of {len(course.milestones)} milestones"
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
    module = course.module_of(checkpoint)
    source = f"module {module.name}: {course.source_name(module)}"
    if not module.written:
        source = f"module {module.name}: not part of this course yet"
    elif not course.source_file(module).is_file():
        source += " (not there)"
    elif module.name in progress.completed_modules:
        source += " (completed)" if progress.is_verified(module) else f" ({CLAIMED})"
    below = [Text(checkpoint.question, style="faint"), Text(source, style="faint")]
    return _with_lines(text, [*below, *_failing(status)])


def _with_lines(head: Text, below: Iterable[Text]) -> Group:
    """Lines below a head, indented, also where one of them has to be broken."""
    return Group(head, *(Padding(line, (0, 0, 0, _INDENT)) for line in below))


def _failing(status: Status[Any]) -> list[Text]:
    return [Text(f"failing: {test_name(name)}", style="bad") for name in status.failing]


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


def _ladder_summary(course: Course, progress: Progress) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, statuses in _ladders(course, progress):
        table.add_row(Text(f"Milestones: {name}", style="head"))
        for status in statuses:
            title = f"  {status.milestone.number} {milestone_title(status.milestone)}"
            row = Text(status.label, style=_milestone_style(status))
            if status.missing and status.label == LOCKED:
                row.append(f", needs checkpoint {_missing_ids(status)}", style="faint")
            table.add_row(title, row)
    return [table] if course.milestones else []


def _ladder_detailed(course: Course, progress: Progress) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for name, statuses in _ladders(course, progress):
        parts.append(Text(f"Milestones: {name}", style="head"))
        parts += [_milestone_detail(course, progress, status) for status in statuses]
    return parts


def _milestone_detail(
    course: Course, progress: Progress, status: MilestoneStatus
) -> RenderableType:
    milestone, stands = status.milestone, status.status
    text = Text(f"  {milestone.number} {milestone_title(milestone)} ({milestone.id}): ")
    text.append(status.label, style=_milestone_style(status))
    if stands.state in (State.ACHIEVED, State.FAILING):
        text.append(f", {stands.passed} of {stands.total} tests")
        text.append(f", {stands.points:g} of {milestone.points} points, {_date(stands.when)}")
    below = [Text(milestone.question, style="faint")]
    below += [Text(f"measured: {line}", style="good") for line in measured(progress, status)]
    below += _failing(stands)
    if status.missing:
        below.append(Text(f"needs checkpoint {_missing_ids(status)}:"))
    if status.missing or (status.is_unlocked and not status.is_achieved):
        below.append(Text(status.first_command))
    return _with_lines(text, below)


def _ladder_timeline(course: Course, progress: Progress) -> list[RenderableType]:
    text = Text()
    for name, statuses in _ladders(course, progress):
        text.append(f"Milestones: {name}\n", style="head")
        for status in statuses:
            text.append(f"  [{_milestone_mark(status)}] ", style=_milestone_style(status))
            text.append(f"{milestone_title(status.milestone)}, {status.label}\n")
            text.append("   |\n", style="faint")
    return [Text(""), text, _ladder_legend()] if course.milestones else []


def _ladder_horizontal(course: Course, progress: Progress) -> list[RenderableType]:
    text = Text()
    for name, statuses in _ladders(course, progress):
        text.append(f"{name:13}", style="head")
        for status in statuses:
            text.append(f"--{status.milestone.id}", style="faint")
            text.append(f"[{_milestone_mark(status)}]", style=_milestone_style(status))
        text.append("\n")
    return [Text(""), text, _ladder_legend()] if course.milestones else []


_LADDERS: dict[str, Callable[[Course, Progress], list[RenderableType]]] = {
    "summary": _ladder_summary,
    "detailed": _ladder_detailed,
    "timeline": _ladder_timeline,
    "horizontal": _ladder_horizontal,
}


def _ladders(course: Course, progress: Progress) -> list[tuple[str, list[MilestoneStatus]]]:
    return ladders(course, milestone_statuses(course, progress))


def _missing_ids(status: MilestoneStatus) -> str:
    return ", ".join(missing.collection.id for missing in status.missing)


def _milestone_mark(status: MilestoneStatus) -> str:
    return _MILESTONE_MARKS.get(status.label) or _MARKS[status.status.state]


def _milestone_style(status: MilestoneStatus) -> str:
    return _MILESTONE_STYLES.get(status.label) or _STYLES[status.status.state]


def _ladder_legend() -> Text:
    shown = {NOT_ATTEMPTED: _MARKS[State.NOT_STARTED], **_MILESTONE_MARKS}
    return Text(", ".join(f"[{mark}] {label}" for label, mark in shown.items()), style="faint")


def _date(when: str) -> str:
    return when[:10]
