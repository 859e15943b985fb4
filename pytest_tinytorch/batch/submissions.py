"""A folder of submissions -> who handed in what: a folder, a checkout or a zip for each student."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pytest_tinytorch.collect.collection import LIST_FILE, read_list
from pytest_tinytorch.errors import CourseError

ZIP = ".zip"
_JUNK = (".", "__MACOSX")  # what file managers and version control leave behind
_LONGEST_NAME = 100
# Names that Windows gives to devices, whatever stands behind the first dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class Submitted:
    """One student's work, as it lies there. `student` is the name of the folder or the zip, unless
    the list of a collection knows better; `commit` is what that list says."""

    student: str
    path: Path
    commit: str = ""


def find_submissions(folder: Path) -> tuple[list[Submitted], list[str]]:
    """All submissions in a folder, by name; and what is none, a line each.

    Raises CourseError where there is no folder, or no submission in it.
    """
    wanted = "give a folder that holds a folder or a .zip for each student"
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "is not there"
        raise CourseError(f"--submissions {folder}: {what}; {wanted}")
    listed = {c.entry: c for c in read_list(folder / LIST_FILE).values() if c.entry}
    found: dict[str, Submitted] = {}
    ignored = []
    # Folders before files: where a student has both, what lies open is what is graded.
    for path in sorted(folder.iterdir(), key=lambda path: (not path.is_dir(), path.name)):
        name = _readable(path.name)
        if name.startswith(_JUNK) or name == LIST_FILE:
            continue
        collected = listed.get(name)
        student = collected.student if collected else _without_zip(name, path)
        if path.is_symlink():
            ignored.append(f"{name}: is a link")
        elif not path.is_dir() and not name.lower().endswith(ZIP):
            ignored.append(f"{name}: is neither a folder nor a .zip")
        elif student in found:
            ignored.append(f"{name}: {student} has a folder as well, which is what is graded")
        else:
            found[student] = Submitted(student, path, collected.commit if collected else "")
    if not found:
        raise CourseError(f"--submissions {folder}: no submission is there; {wanted}")
    return [found[student] for student in sorted(found)], ignored


def _without_zip(name: str, path: Path) -> str:
    return name[: -len(ZIP)] if name.lower().endswith(ZIP) and path.is_file() else name


def folder_names(students: Iterable[str]) -> dict[str, str]:
    """Student -> the name of a folder that every system takes, and that is nobody else's.

    A name that is plain stays as it is. One that is not, or that a system without upper and lower
    case takes for somebody else's, gets a part of its hash.
    """
    students = list(students)
    plain = {student: _plain(student) for student in students}
    same: dict[str, int] = {}
    for name in plain.values():
        same[_folded(name)] = same.get(_folded(name), 0) + 1
    return {
        student: name if name == student and same[_folded(name)] == 1 else _marked(student, name)
        for student, name in plain.items()
    }


def _plain(student: str) -> str:
    forbidden = '<>:"/\\|?*'
    kept = "".join("_" if c in forbidden or not c.isprintable() else c for c in student)
    kept = kept[:_LONGEST_NAME].strip(". ") or "_"
    return f"_{kept}" if kept.split(".")[0].casefold() in _DEVICES else kept


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _marked(student: str, name: str) -> str:
    return f"{name}-{sha256(student.encode()).hexdigest()[:8]}"


def _readable(name: str) -> str:
    """A name whose bytes are no text, as text that can be written everywhere."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
