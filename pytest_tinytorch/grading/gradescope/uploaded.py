"""Copies the sources of an uploaded folder into a copy of the course. `autograder` calls it."""

from collections.abc import Sequence
from pathlib import Path

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.reader import Taken, read_submission

_LISTED = 6


def take_uploaded(
    course: Course, checkpoints: Sequence[str], upload: Path, tree: Path
) -> list[str]:
    """Copy the sources that checkpoints need to a tree of the course. Returns lines to print."""
    read = read_submission(course, Submitted("", upload)) if upload.is_dir() else Taken({})
    graded, missing = [], []
    for name in _needed(course, checkpoints):
        if (content := read.sources.get(name)) is None:
            missing.append(Path(name).name)
            continue
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_bytes(content)
        graded.append(Path(name).name)
    lines = [f"Graded: {', '.join(graded)}"] if graded else []
    lines += [*read.notes, *(f"Ignored: {reason}" for reason in read.refused)]
    if missing:
        names = ", ".join(missing[:_LISTED]) + (", ..." if missing[_LISTED:] else "")
        lines.append(f"Not found: {names}, nor a notebook of that name")
    return lines


def _needed(course: Course, checkpoints: Sequence[str]) -> list[str]:
    """The sources that checkpoints need."""
    chosen = [course.module_of(course.checkpoint_by_id[identifier]) for identifier in checkpoints]
    needed = {need.name for module in chosen for need in course.with_needs(module)}
    return [course.source_name(module) for module in course.modules if module.name in needed]
