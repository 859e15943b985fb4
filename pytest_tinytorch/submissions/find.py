"""Finds the submissions in a folder: a folder, a checkout or a zip for each student.

`hooks.batch` calls it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.submissions.collection import LIST_FILE, read_list

ZIP = ".zip"
_JUNK = re.compile(r"\.+[^.]|__MACOSX")  # files of file managers and version control


@dataclass(frozen=True)
class Submitted:
    """One student's submission in the folder. `student` is the name of its folder or zip, or the
    name in `collected.json`; `commit` is from that list."""

    student: str
    path: Path
    commit: str = ""


def find_submissions(folder: Path) -> tuple[list[Submitted], list[str]]:
    """All submissions in a folder, by name; and a line for each other entry.

    Raises CourseError if the folder does not exist, or has no submission in it.
    """
    wanted = "give a folder that holds a folder or a .zip for each student"
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "is not there"
        raise CourseError(f"--submissions {folder}: {what}; {wanted}")
    listed = {c.entry: c for c in read_list(folder / LIST_FILE).values() if c.entry}
    found: dict[str, Submitted] = {}
    ignored = []
    # Folders before files: if a student has a folder and a zip, the folder is graded.
    for path in sorted(folder.iterdir(), key=lambda path: (not path.is_dir(), path.name)):
        name = _readable(path.name)
        if _JUNK.match(name) or name == LIST_FILE:
            continue
        collected = listed.get(name)
        student = collected.student if collected else _without_zip(name, path)
        if path.is_symlink():
            ignored.append(f"{name}: is a link")
        elif not path.is_dir() and not name.lower().endswith(ZIP):
            ignored.append(f"{name}: is neither a folder nor a .zip")
        elif student in found:
            ignored.append(f"{name}: {student} also has a folder, and the folder is graded")
        else:
            found[student] = Submitted(student, path, collected.commit if collected else "")
    if not found:
        raise CourseError(f"--submissions {folder}: no submission is there; {wanted}")
    return [found[student] for student in sorted(found)], ignored


def _without_zip(name: str, path: Path) -> str:
    return name[: -len(ZIP)] if name.lower().endswith(ZIP) and path.is_file() else name


def _readable(name: str) -> str:
    """The name as text that can be encoded, also if its bytes are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
