"""Says what to do next and why, as lines of text. `tito checkpoint unlock` and
`tito milestone` print them."""

import ast
import re

from pytest_tinytorch.core.course import Checkpoint, Course, Milestone
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.selectors import choose_checkpoints
from pytest_tinytorch.progress.milestones import (
    CLAIMED,
    ladders,
    milestone_status,
    milestone_statuses,
)
from pytest_tinytorch.progress.progress import Progress, State
from pytest_tinytorch.progress.unlocking import is_unlocked


def advice(course: Course, ids: str) -> list[str]:
    """How to achieve the checkpoints named by `ids`: what each needs, and the command."""
    progress = Progress.of(course)
    chosen = choose_checkpoints(course, ids, progress.ids_for)
    return [line for checkpoint in chosen for line in _advice(course, progress, checkpoint)]


def _advice(course: Course, progress: Progress, checkpoint: Checkpoint) -> list[str]:
    status = progress.status(checkpoint)
    head = f"{checkpoint.kind.heading} {checkpoint.id} · {checkpoint.name}: {status.label}"
    if status.state is State.ACHIEVED:
        return [head, f"  You can {checkpoint.you_can}. Nothing is left to do."]
    module = course.module_of(checkpoint)
    lines = [head, f"  Question: {checkpoint.question}"]
    for need in progress.unachieved_needs(checkpoint):
        other = need.collection
        lines.append(f"  It rests on {other.module}, checkpoint {other.id}: {need.label}.")
        lines.append(f"    {other.group.command}")
    lines.append(f"  Write {course.source_name(module)}, then:")
    return [*lines, f"    {checkpoint.group.command}"]


def module_lines(course: Course) -> list[str]:
    """One line for each module: its state, and the state of its checkpoint."""
    progress = Progress.of(course)
    lines = []
    for module in course.modules:
        checkpoint = course.checkpoint_of(module)
        if checkpoint is None:
            raise CourseError(f"module {module.name} has no checkpoint in course.toml; add one")
        state = progress.status(checkpoint).label
        if module.written and not course.source_file(module).is_file():
            state = f"not there: {course.source_name(module)}"
        completed = ""
        if module.name in progress.completed_modules:
            completed = ", completed" if progress.is_verified(module) else f", {CLAIMED}"
        lines.append(f"{module.name:16} checkpoint {checkpoint.id}: {state}{completed}")
    return lines


def milestone_advice(course: Course, milestone: Milestone) -> list[str]:
    """What a milestone is about, what it needs, and the commands for it."""
    progress = Progress.of(course)
    found = milestone_status(course, progress, milestone)
    year = f"{milestone.year} " if milestone.year else ""
    lines = [
        f"{year}{milestone.name} ({milestone.id}): {found.label}",
        f"  Number {milestone.number} of the ladder {milestone.ladder}, {milestone.points} points",
        f"  Claim: {milestone.question}.",
        f"  Then you can {milestone.you_can}.",
        *_about(course, milestone),
        "  It needs:",
    ]
    for checkpoint in course.required_by(milestone):
        state = progress.status(checkpoint).label
        lines.append(f"    {checkpoint.module:16} checkpoint {checkpoint.id}: {state}")
    small = _small_demo(course, progress, milestone)
    if found.status.state is State.PLANNED:
        return [*lines, "  It is not part of this course yet."]
    if found.is_achieved:
        return [
            *lines,
            "  It is achieved. Show it:",
            f"    tito milestone certificate {milestone.id}",
        ]
    if found.missing:
        return [*lines, "  First achieve what is missing:", f"    {found.first_command}", *small]
    return [
        *lines,
        f"  Read {milestone.folder}/program.py, then watch it and test its claim:",
        f"    tito milestone run {milestone.id}",
        f"    {milestone.group.command}",
        *small,
    ]


def _small_demo(course: Course, progress: Progress, milestone: Milestone) -> list[str]:
    """How to see the same idea in a few seconds, if its demo is unlocked."""
    found = [demo for demo in course.demos if demo.id == milestone.demo]
    if not any(is_unlocked(course, progress, demo) for demo in found):
        return []
    return ["  The same idea in a few seconds, without a test:", f"    {found[0].command}"]


def _about(course: Course, milestone: Milestone) -> list[str]:
    """What the program says of itself, without the line that says how to run it."""
    try:
        tree = ast.parse((course.root / milestone.folder / "program.py").read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return []
    paragraphs = (ast.get_docstring(tree) or "").split("\n\n")
    shown = [paragraph for paragraph in paragraphs if paragraph and paragraph[0] != " "]
    lines = [line for paragraph in shown for line in ["", *_unbroken(paragraph)]]
    return [*(f"  {line}".rstrip() for line in lines), ""] if lines else []


def _unbroken(paragraph: str) -> list[str]:
    """A paragraph as one line, or as one for each `- ` item. It is broken again later."""
    joined = re.sub(r"\n(?!- ) *", " ", paragraph)
    return joined.splitlines()


def milestone_lines(course: Course) -> list[str]:
    """One line for each milestone: its id, its name and its state, by ladder."""
    progress = Progress.of(course)
    lines = []
    for name, statuses in ladders(course, milestone_statuses(course, progress)):
        lines.append(f"{name}:")
        for found in statuses:
            milestone = found.milestone
            year = f"{milestone.year} " if milestone.year else ""
            title = f"{year}{milestone.name}"
            lines.append(f"  {milestone.number} {milestone.id:20} {title:26} {found.label}")
    return lines or ["This course has no milestones."]


def next_milestone_lines(course: Course) -> list[str]:
    """The first milestone that can be run, else the one with the fewest missing checkpoints."""
    progress = Progress.of(course)
    statuses = milestone_statuses(course, progress)
    waiting = [s for s in statuses if not s.is_achieved and s.status.state is not State.PLANNED]
    if not waiting:
        return ["Every milestone that is written is achieved. See: tito milestone portfolio"]
    nearest = min(waiting, key=lambda s: len(s.missing))  # the first of several
    return milestone_advice(course, nearest.milestone)
