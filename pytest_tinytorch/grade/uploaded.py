"""Sources in a folder that a student uploaded: found by their names, wherever students put them.

A student hands in single files, the folder of the sources, or the whole repository in a zip, which
then is one folder deeper. Nothing is taken but the sources that the course names.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_tinytorch.course import Course, Module
from pytest_tinytorch.grade.intake import LARGEST_SOURCE, plain_content

_MOST_FOLDERS = 100
_LISTED = 6


def take_uploaded(
    course: Course, checkpoints: Sequence[str], upload: Path, tree: Path
) -> list[str]:
    """Copy the sources that checkpoints rest on to a tree of the course; lines on what was done."""
    taken, refused, missing = [], [], []
    for module in _needed(course, checkpoints):
        found = _find(course, module, upload)
        if not found:
            missing.append(f"{module.name}.py")
        elif len(found) > 1:
            refused.append(f"{' and '.join(found)}: hand in one of them")
        else:
            content, reason = plain_content(upload, found[0], LARGEST_SOURCE)
            if content is None:
                refused.append(f"{found[0]} {reason}")
                continue
            target = tree / course.source_name(module)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
            taken.append(found[0])
    lines = [f"Graded: {', '.join(taken)}"] if taken else []
    lines += [f"Not taken: {reason}" for reason in refused]
    if missing:
        names = ", ".join(missing[:_LISTED]) + (", ..." if missing[_LISTED:] else "")
        lines.append(f"Not found, neither at the top nor in {course.sources}/: {names}")
    return lines


def _needed(course: Course, checkpoints: Sequence[str]) -> list[Module]:
    """The modules that checkpoints rest on."""
    chosen = [course.module_of(course.checkpoint_by_id[identifier]) for identifier in checkpoints]
    names = {need.name for module in chosen for need in course.with_needs(module)}
    return [module for module in course.modules if module.name in names]


def _find(course: Course, module: Module, upload: Path) -> list[str]:
    """Where the source of a module is: in the first kind of place that has one."""
    for places in _places(course, upload):
        names = [(Path(place) / f"{module.name}.py").as_posix() for place in places]
        if found := [name for name in names if _is_there(upload / name)]:
            return found
    return []


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _places(course: Course, upload: Path) -> Iterator[list[str]]:
    """As in the course, at the top, and both of these one folder deeper."""
    yield [course.sources]
    yield ["."]
    entries = sorted(upload.iterdir()) if upload.is_dir() else []
    folders = [path.name for path in entries if path.is_dir() and not path.is_symlink()]
    others = [name for name in folders if name != course.sources and not name.startswith(".")]
    yield [f"{name}/{course.sources}" for name in others[:_MOST_FOLDERS]]
    yield others[:_MOST_FOLDERS]
