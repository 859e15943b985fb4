"""Manages a class's folder: a folder or a zip for each student, and `collected.json`.

class/ana/ ...            the submissions to grade
class/Bo Chen.zip
class/collected.json      who submitted what, and when
class/.collected/         earlier versions of submissions, and repositories

`remotes` and `uploads` add submissions to it for `tito collect`; `find` reads it.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_tinytorch.core.atomic import write_text
from pytest_tinytorch.core.errors import CourseError, MachineError
from pytest_tinytorch.core.free_path import free_path
from pytest_tinytorch.core.names import folder_name, safe_path
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.tempdirs import make_folder, remove_folder
from pytest_tinytorch.core.text import one_line, whole

FORMAT = 1
LIST_FILE = "collected.json"
_OWN_FOLDER = ".collected"
_LOCK = "lock"
_LOCK_SECONDS = 60  # the lock is held while a submission is moved, not while it is fetched
_LARGEST_LIST = 2**26

# Iterates over students; it may draw a progress bar.
Following = Callable[[Sequence[Any]], Iterable[Any]]


class CollectedStatus(StrEnum):
    COLLECTED = "collected"
    LATE = "late"  # collected, although it came after the deadline
    NONE = "none"  # nothing was submitted, or nothing in time
    FAILED = "failed"  # the submission could not be fetched


@dataclass(frozen=True)
class Collected:
    """The result of collecting one student's submission."""

    student: str
    status: CollectedStatus
    entry: str = ""  # the name of its folder or zip in the collection
    commit: str = ""
    sha256: str = ""  # of a submission without a commit
    time: str = ""  # ISO 8601: when it was committed or submitted, if known
    remote: str = ""  # the address, or the name of the download
    note: str = ""


class Collection:
    """The folder. Each change is written at once, so a run can be stopped at any time.

    Several runs may collect into one folder: under a lock, the list is read again before it is
    written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._own = root / _OWN_FOLDER
        try:
            self._own.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(f"--into {root} cannot be written: {error.strerror}") from None
        self._students = read_list(root / LIST_FILE)

    def of(self, student: str) -> Collected | None:
        """The earlier entry of a student."""
        return self._students.get(student)

    def repository(self, student: str) -> Path:
        return self._own / "git" / self._name(student)

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A temporary folder on the same disk, in which a submission is assembled."""
        folder = make_folder("new", self._own)
        try:
            yield folder
        finally:
            remove_folder(folder)

    def place(self, found: Collected, made: Path) -> Collected:
        """Move a new submission to its place and list it. An earlier one moves to .collected/."""
        with self._alone():
            return self._place(found, made)

    def note(self, found: Collected) -> Collected:
        """List a result. A student without a new submission keeps an earlier one."""
        with self._alone():
            return self._note(found)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock, with the list read again."""
        import filelock

        try:
            with filelock.FileLock(self._own / _LOCK, timeout=_LOCK_SECONDS):
                self._students = read_list(self.root / LIST_FILE)
                yield
        except filelock.Timeout:
            raise CourseError(
                f"--into {self.root} is in use by another `tito collect`; wait for its end, then"
                f" run this one again"
            ) from None

    def _place(self, found: Collected, made: Path) -> Collected:
        name = self._name(found.student)
        before = self.of(found.student)
        for path in (self.root / name, self.root / f"{name}.zip"):
            if os.path.lexists(path):
                path.rename(self._aside(path, before))
        found = replace(found, entry=name if made.is_dir() else f"{name}.zip")
        made.rename(self.root / found.entry)
        return self._note(found)

    def _note(self, found: Collected) -> Collected:
        before = self.of(found.student)
        if before is not None and before.entry and not found.entry:
            kept = {key: getattr(before, key) for key in ("entry", "commit", "sha256", "time")}
            note = f"{found.note}; the earlier submission is kept"
            found = replace(found, **kept, note=note)
        self._students[found.student] = found
        students = [asdict(self._students[student]) for student in sorted(self._students)]
        text = json.dumps({"format": FORMAT, "students": students}, indent=1, ensure_ascii=False)
        try:
            write_text(self.root / LIST_FILE, f"{text}\n")
        except OSError as error:
            place = self.root / LIST_FILE
            raise MachineError(f"{place} cannot be written: {error.strerror}") from None
        return found

    def is_there(self, found: Collected) -> bool:
        """Whether exactly this was collected before, and still exists."""
        before = self.of(found.student)
        return (
            before is not None
            and bool(before.entry)
            and (before.commit, before.sha256) == (found.commit, found.sha256)
            and (self.root / before.entry).exists()
        )

    def _name(self, student: str) -> str:
        before = self.of(student)
        if before is not None and before.entry:
            return before.entry.removesuffix(".zip")
        others = [c.entry.removesuffix(".zip") for c in self._students.values() if c.entry]
        return folder_name(student, others)

    def _aside(self, path: Path, before: Collected | None) -> Path:
        """The new path of an earlier submission: `.collected/earlier/ana.0a1b2c3d4e5f`."""
        folder = self._own / "earlier"
        folder.mkdir(exist_ok=True)
        version = (before.commit or before.sha256)[:12] if before is not None else ""
        return free_path(folder, f"{path.name}.{version or 'unknown'}")


def shared(found: Sequence[Collected]) -> list[str]:
    """A line for each group of students with the same repository, commit or files."""
    same: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in found:
        for what, value in (
            ("remote", _address(one.remote) if not one.sha256 else ""),
            ("commit", one.commit),
            ("files", one.sha256),
        ):
            if value:
                same[what, value].append(one.student)
    return [
        f"The same {what}: {', '.join(sorted(students))}"
        for (what, _), students in same.items()
        if len(students) > 1
    ]


def _address(remote: str) -> str:
    return remote.rstrip("/").removesuffix(".git")


def read_list(path: Path) -> dict[str, Collected]:
    """Student -> result of collecting. Raises CourseError if the file is not such a list."""
    try:
        data = json.loads(read_plain(path, _LARGEST_LIST).decode("utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']!r} is unknown")
        found = [
            Collected(**c | {"status": CollectedStatus(c["status"])}) for c in data["students"]
        ]
        for entry in found:
            _check(entry)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = one_line(str(error))
        raise CourseError(
            f"{path} is damaged ({reason}); move it away; the next `tito collect` then moves the"
            " folders beside it to .collected/"
        ) from None
    return {entry.student: entry for entry in found}


def _check(entry: Collected) -> None:
    """Raise ValueError for an invalid entry. Its name is used as a path."""
    for name, value in asdict(entry).items():
        if not isinstance(value, str) or whole(value) != value:
            raise ValueError(f"{name} {value!r} is not a text")
    path = safe_path(entry.entry) if entry.entry else PurePosixPath(".")
    if path is None or len(path.parts) > 1:
        raise ValueError(f"entry {entry.entry!r} is not a name in this folder")
