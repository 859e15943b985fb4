"""Which milestones and demos may be run: those whose modules' checkpoints are achieved.

`hooks.options`, `progress.milestones`, `progress.demos`, `tito milestone` and `tito demo` call it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pytest_tinytorch.core.course import Checkpoint, Course, ProgramCollection
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.progress.progress import Progress, Status

_P = TypeVar("_P", bound=ProgramCollection)


@dataclass(frozen=True)
class Locked:
    """A milestone or demo that may not be run yet, and what it waits for."""

    program: ProgramCollection
    missing: tuple[Status[Checkpoint], ...]


def missing_checkpoints(
    course: Course, progress: Progress, program: ProgramCollection
) -> tuple[Status[Checkpoint], ...]:
    """The checkpoints that it needs and that are not achieved; () if it is planned."""
    if not course.is_written(program):
        return ()
    needed = (progress.status(checkpoint) for checkpoint in course.required_by(program))
    return tuple(status for status in needed if not status.is_met)


def is_unlocked(course: Course, progress: Progress, program: ProgramCollection) -> bool:
    return course.is_written(program) and not missing_checkpoints(course, progress, program)


def only_unlocked(
    course: Course, progress: Progress, chosen: Sequence[_P], text: str
) -> tuple[tuple[_P, ...], tuple[Locked, ...]]:
    """Those that can be run, and those that are locked and were chosen by `all`.

    Raises CourseError where one that was named is locked, or where all are.
    """
    found = [Locked(p, missing_checkpoints(course, progress, p)) for p in chosen]
    locked = tuple(entry for entry in found if entry.missing)
    waiting = [entry.program for entry in locked]
    unlocked = tuple(p for p in chosen if course.is_written(p) and p not in waiting)
    if locked and (not unlocked or "all" not in text.lower().split(",")):
        kind = locked[0].program.kind
        raise CourseError(f"--{kind} {text}: locked: {locked_message(locked)}")
    return unlocked, locked


def locked_message(locked: Iterable[Locked]) -> str:
    """Which checkpoints locked programs wait for, and the command for all of them."""
    waiting = list(locked)
    parts = []
    for entry in waiting:
        missing = ", ".join(
            f"{m.collection.id} {m.collection.name} ({m.label})" for m in entry.missing
        )
        plural = "s" * (len(entry.missing) > 1)
        parts.append(f"{entry.program.id} needs checkpoint{plural} {missing}")
    return f"{'; '.join(parts)}. First: {missing_command(waiting)}"


def not_run_message(locked: Iterable[Locked]) -> str:
    """The locked programs that `all` left out, and the command for what they wait for."""
    left_out = list(locked)
    ids = ", ".join(entry.program.id for entry in left_out)
    return f"Not run, locked: {ids}. First: {missing_command(left_out)}"


def missing_command(locked: Iterable[Locked]) -> str:
    """What runs every checkpoint that these wait for."""
    ids = sorted({m.collection.id for entry in locked for m in entry.missing})
    return f"pytest --checkpoint {','.join(ids)}"
