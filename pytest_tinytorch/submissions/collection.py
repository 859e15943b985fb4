"""A collection: a folder with a folder or a zip for each student, and `collected.json`.

class/ana/ ...            what is graded
class/Bo Chen.zip
class/collected.json      who handed in what, and when
class/.collected/         earlier states, and repositories: nothing that was there is lost
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.atomic import write_text
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.names import folder_name

FORMAT = 1
LIST_FILE = "collected.json"
_OWN_FOLDER = ".collected"

# How somebody goes through students: as they are, or showing where it is.
Following = Callable[[Sequence[Any]], Iterable[Any]]


class Status(StrEnum):
    COLLECTED = "collected"
    LATE = "late"  # collected, although it came after the deadline
    NONE = "none"  # nothing was handed in, or nothing in time
    FAILED = "failed"  # it could not be found out


@dataclass(frozen=True)
class Collected:
    """What became of one student's submission."""

    student: str
    status: Status
    entry: str = ""  # its folder or zip in the collection
    commit: str = ""
    sha256: str = ""  # of what was no repository
    time: str = ""  # ISO 8601: when it was committed or handed in, as far as that is known
    remote: str = ""  # or the download that it came from
    note: str = ""


class Collection:
    """The folder. Whatever is kept is on the disk at once, so a run can be stopped anywhere."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._own = root / _OWN_FOLDER
        try:
            self._own.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CourseError(f"--into {root} cannot be written: {error.strerror}") from None
        self._students = read_list(root / LIST_FILE)

    def of(self, student: str) -> Collected | None:
        """What was collected of a student before."""
        return self._students.get(student)

    def repository(self, student: str) -> Path:
        return self._own / "git" / self._name(student)

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder to put a submission together in, on the same disk."""
        with tempfile.TemporaryDirectory(dir=self._own, prefix="new-") as folder:
            yield Path(folder)

    def place(self, found: Collected, made: Path) -> Collected:
        """Put what was made in its place, and note it. What was there is moved aside."""
        name = self._name(found.student)
        before = self.of(found.student)
        for path in (self.root / name, self.root / f"{name}.zip"):
            if os.path.lexists(path):
                path.rename(self._aside(path, before))
        found = replace(found, entry=name if made.is_dir() else f"{name}.zip")
        made.rename(self.root / found.entry)
        return self.note(found)

    def note(self, found: Collected) -> Collected:
        """Keep what was found out. A student without a submission now keeps an earlier one."""
        before = self.of(found.student)
        if before is not None and before.entry and not found.entry:
            kept = {key: getattr(before, key) for key in ("entry", "commit", "sha256", "time")}
            note = f"{found.note}; what was collected before is kept"
            found = replace(found, **kept, note=note)
        self._students[found.student] = found
        students = [asdict(self._students[student]) for student in sorted(self._students)]
        text = json.dumps({"format": FORMAT, "students": students}, indent=1, ensure_ascii=False)
        try:
            write_text(self.root / LIST_FILE, f"{text}\n")
        except OSError as error:
            place = self.root / LIST_FILE
            raise CourseError(f"{place} cannot be written: {error.strerror}") from None
        return found

    def is_there(self, found: Collected) -> bool:
        """Whether exactly this was collected before, and still lies there."""
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
        """Where an earlier submission goes: `.collected/earlier/ana.0a1b2c3d4e5f`."""
        folder = self._own / "earlier"
        folder.mkdir(exist_ok=True)
        version = (before.commit or before.sha256)[:12] if before is not None else ""
        base = f"{path.name}.{version or 'unknown'}"
        aside, number = folder / base, 1
        while os.path.lexists(aside):
            number += 1
            aside = folder / f"{base}-{number}"
        return aside


def read_list(path: Path) -> dict[str, Collected]:
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']!r} is unknown")
        found = [Collected(**c | {"status": Status(c["status"])}) for c in data["students"]]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{path} is damaged ({error}); move it away, and what lies beside it is kept aside when"
            f" it is collected again"
        ) from None
    return {entry.student: entry for entry in found}
