"""Copies the sources of an uploaded folder into a copy of the course. `autograder` calls it."""

from collections.abc import Sequence
from pathlib import Path

from pytest_tinytorch.core.course import Course, Module
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.reader import Taken, read_submission

_LISTED = 6


def take_uploaded(course: Course, groups: Sequence[Group], upload: Path, tree: Path) -> list[str]:
    """Copy the sources that tests need to a tree of the course. Returns lines to print."""
    read = read_submission(course, Submitted("", upload)) if upload.is_dir() else Taken({})
    graded, missing, unclear = [], [], []
    for module in _needed(course, groups):
        name = course.source_name(module)
        if (content := read.sources.get(name)) is None:
            missing.append(Path(name).name)
            unclear += [read.unclear[module.name]] if module.name in read.unclear else []
            continue
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_bytes(content)
        graded.append(Path(name).name)
    lines = [f"Graded: {', '.join(graded)}"] if graded else []
    lines += [*read.notes, *(f"Ignored: {reason}" for reason in read.refused)]
    if missing:
        names = ", ".join(missing[:_LISTED]) + (", ..." if missing[_LISTED:] else "")
        lines.append(f"Not found: {names}, nor a notebook of that name")
    lines += [reason for reason in unclear if reason not in read.refused]
    return lines


def _needed(course: Course, groups: Sequence[Group]) -> list[Module]:
    """The modules whose sources checkpoints and milestones need."""
    chosen = [collection for group in groups if (collection := course.collection_of(group))]
    needed = {module.name for c in chosen for module in course.modules_of(c)}
    return [module for module in course.modules if module.name in needed]
