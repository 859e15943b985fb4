"""Finds the submissions in a folder: a folder, a checkout or a zip for each student.

`hooks.batch` calls it.
"""

import os
import re
import shlex
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.submissions.collection import (
    LIST_FILE,
    Collected,
    CollectedStatus,
    read_list,
)
from pytest_tinytorch.submissions.platforms import TEXT_ALONE, Platform, platform_of, students_in
from pytest_tinytorch.submissions.student_zip import StudentZip, ZipRefused

ZIP = ".zip"
# Files of file managers, editors and version control, which are no submissions.
_JUNK = re.compile(
    r"\.(DS_Store|collected|git.*|idea|ipynb_checkpoints|pytest_cache|venv|vscode)|__MACOSX|Thumbs\.db"
)
_HIDDEN = re.compile(r"\.+[^.].*", re.DOTALL)
_OTHER_ARCHIVE = re.compile(r"(.+?)\.(rar|7z|tar|tgz|tar\.gz|tar\.bz2|tar\.xz|gz)", re.IGNORECASE)
_MOST_LISTED = 200  # entries of a student's folder that are looked at to recognize a download


@dataclass(frozen=True)
class Submitted:
    """One student's submission in the folder. `student` is the name of its folder or zip, or the
    name in `collected.json`, as are the fields with defaults."""

    student: str
    path: Path
    commit: str = ""
    status: str = ""  # a CollectedStatus; "" without the list
    time: str = ""  # ISO 8601
    note: str = ""
    problem: str = ""  # why it cannot be read at all, so an instructor has to look
    handed_in: bool = True  # False: `path` is the folder of the class


def find_submissions(folder: Path) -> tuple[list[Submitted], list[str]]:
    """All submissions in a folder, by name; and a line for each other entry.

    Students of `collected.json` without a submission are among them. Raises CourseError if the
    folder does not exist, or has no submission in it.
    """
    wanted = "give a folder that holds a folder or a .zip for each student"
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "is not there"
        raise CourseError(f"--submissions {folder}: {what}; {wanted}")
    collected = read_list(folder / LIST_FILE)
    listed = {c.entry: c for c in collected.values() if c.entry}
    found: dict[str, Submitted] = {}
    ignored = []
    # Folders before files: if a student has a folder and a zip, the folder is graded.
    for path in sorted(folder.iterdir(), key=lambda path: (not path.is_dir(), path.name)):
        name = _readable(path.name)
        if _JUNK.fullmatch(name) or name == LIST_FILE or (_HIDDEN.match(name) and path.is_file()):
            continue
        student = listed[name].student if name in listed else _without_ending(name, path)
        if path.is_symlink():
            ignored.append(f"{name}: is a link")
        elif _HIDDEN.match(name):
            ignored.append(f"{name}: its name begins with a dot")
        elif not path.is_dir() and not _is_archive(name):
            ignored.append(f"{name}: is neither a folder nor a .zip")
        elif student in found:
            ignored.append(f"{name}: {student} also has a folder, and the folder is graded")
        else:
            found[student] = _submitted(student, path, listed.get(name))
    for student, entry in collected.items():
        if student not in found and not entry.entry:
            found[student] = _without_files(entry, folder)
    if not found:
        raise CourseError(f"--submissions {folder}: no submission is there; {wanted}")
    return [found[student] for student in sorted(found)], ignored


def check_is_class(folder: Path, course: Course) -> None:
    """Raise CourseError, with the right command, for a folder that is no class: a download of a
    platform, a folder of downloads, a course, or one student's submission."""
    if not folder.is_dir() or (folder / LIST_FILE).is_file():
        return
    names = [_readable(path.name) for path in sorted(folder.iterdir())]
    sources = {f"{module.name}{end}" for module in course.modules for end in (".py", ".ipynb")}
    if one := {"course.toml", PurePosixPath(course.sources).name, *sources}.intersection(names):
        raise CourseError(
            f"--submissions {folder}: holds {min(one)}, so it is one submission; give the folder"
            " around it, with a folder or a .zip for each student"
        )
    inside = _names_in(folder)
    found = platform_of(inside)
    files = [name for name in names if (folder / name).is_file()]
    if found and (found[0] is not Platform.CANVAS or len(files) == len(names)):
        raise _is_download(folder, "it is a download of", found[0], folder)
    for name in names:
        inside = _names_in(folder / name)
        if students_in(inside) > 1 and (found := platform_of(inside)):
            raise _is_download(folder, f"{name} is a download of", found[0], folder / name)


def _is_download(folder: Path, what: str, platform: Platform, download: Path) -> CourseError:
    return CourseError(
        f"--submissions {folder}: {what} {platform} with several students; run"
        f" `tito collect zips {shlex.quote(str(download))} --into class`, then"
        " `pytest --submissions class`"
    )


def _names_in(path: Path) -> list[str]:
    """Names as in a download: of a folder or a zip. A folder without siblings is opened, too."""
    try:
        if path.is_symlink() or not (path.is_dir() or path.name.lower().endswith(ZIP)):
            return []
        if path.is_file():
            opened = StudentZip(path)
            opened.close()
            return [str(name) for name in opened.entries]
        names = [_listed(entry) for entry in islice(os.scandir(path), _MOST_LISTED)]
        if len(names) == 1 and names[0].endswith("/"):
            inner = islice(os.scandir(path / names[0]), _MOST_LISTED)
            return [f"{names[0]}{_listed(entry)}" for entry in inner]
    except (OSError, ZipRefused):
        return []
    return names


def _listed(entry: "os.DirEntry[str]") -> str:
    return f"{_readable(entry.name)}{'/' * entry.is_dir(follow_symlinks=False)}"


def _submitted(student: str, path: Path, collected: Collected | None) -> Submitted:
    name = _readable(path.name)
    problem = ""
    if path.is_file() and not name.lower().endswith(ZIP):
        problem = f"{name} cannot be unpacked here; unpack it, and grade its folder or a .zip of it"
    if collected is None:
        return Submitted(student, path, problem=problem)
    status, note = collected.status.value, collected.note
    return Submitted(student, path, collected.commit, status, collected.time, note, problem)


def _without_files(collected: Collected, folder: Path) -> Submitted:
    """A student who handed in nothing, or whose submission could not be collected."""
    problem = ""
    if collected.status is CollectedStatus.FAILED:
        problem = f"could not be collected: {collected.note}"
    elif collected.note == TEXT_ALONE:
        problem = TEXT_ALONE
    return Submitted(
        collected.student,
        folder,
        status=collected.status.value,
        note=collected.note,
        problem=problem,
        handed_in=False,
    )


def _without_ending(name: str, path: Path) -> str:
    if not path.is_file():
        return name
    if match := _OTHER_ARCHIVE.fullmatch(name):
        return match[1]
    return name[: -len(ZIP)] if name.lower().endswith(ZIP) else name


def _is_archive(name: str) -> bool:
    return name.lower().endswith(ZIP) or _OTHER_ARCHIVE.fullmatch(name) is not None


def _readable(name: str) -> str:
    """The name as text that can be encoded, also if its bytes are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
