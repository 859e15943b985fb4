"""Reads and writes progress.json, under a lock; never loses a file.

`progress` calls it. A damaged file is renamed before a new one is begun. A file of a later format,
or one that cannot be written, is not changed. Each case is reported in one line.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.atomic import write_text
from pytest_tinytorch.core.errors import MachineError
from pytest_tinytorch.core.free_path import free_path
from pytest_tinytorch.core.groups import COLLECTED, Kind
from pytest_tinytorch.core.user_dir import VARIABLE, home

FORMAT = 1
DEFAULT_COURSE = "tinytorch"  # its modules and milestones are at the top level of the file
_LOCK_SECONDS = 20
# The lists of names: the first three are always in the file, as other programs read them.
_NAMES = ("completed_modules", "unlocked_milestones", "completed_milestones", "told_milestones")


class _NewerFormat(Exception):
    pass


@dataclass(frozen=True)
class ProgressFile:
    path: Path

    @classmethod
    def default(cls) -> "ProgressFile":
        return cls(home() / "progress.json")

    def read(self) -> tuple[dict[str, Any], str]:
        """The data, and one line about a defect of the file, or ""."""
        try:
            return self._load(), ""
        except _NewerFormat as error:
            return _empty(), f"{self.path} {error}; it was not changed. Update this project."
        except OSError as error:
            return _empty(), f"{self.path} cannot be read ({error.strerror}); nothing is shown."
        except ValueError as error:
            return (
                _empty(),
                f"{self.path} is damaged ({error}); the next run renames it.",
            )

    def update(self, change: Callable[[dict[str, Any]], None]) -> str:
        """Change the data under a lock. Returns "" or one line about a problem.

        Raises MachineError if the file cannot be written.
        """
        import filelock

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS):
                return self._change(change)
        except _NewerFormat as error:
            return f"{self.path} {error}; this run is not recorded in it. Update this project."
        except filelock.Timeout:
            return f"{self.path} is locked by another run; this one is not recorded. Run it again."
        except OSError as error:
            raise MachineError(
                f"{self.path} cannot be written ({error.strerror or error}); this run is not"
                f" recorded. Make room, or set {VARIABLE} to another folder."
            ) from None

    def _change(self, change: Callable[[dict[str, Any]], None]) -> str:
        message = ""
        try:
            data = self._load()
        except ValueError as error:
            name = f"{self.path.stem}.damaged"
            aside = free_path(self.path.parent, name, ".json", first_number=1)
            self.path.replace(aside)
            message = f"{self.path} was damaged ({error}); it is saved as {aside.name}."
            data = _empty()
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise PermissionError(13, "the file is read-only")
        change(data)
        write_text(self.path, json.dumps(data, indent=1) + "\n")
        return message

    def _load(self) -> dict[str, Any]:
        """The data in the file. Raises ValueError if it is invalid, OSError if it is unreadable."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return _empty()
        if not text.strip():
            raise ValueError("it is empty")
        data = json.loads(text)
        if not isinstance(data, dict) or not isinstance(data.get("format"), int):
            raise ValueError("it has no format")
        if data["format"] > FORMAT:
            raise _NewerFormat(f"was written by a later version (format {data['format']})")
        _check(data)
        return data


def course_entry(data: dict[str, Any], course: str) -> dict[str, Any]:
    """The data of a course except for evidence, such as `completed_modules`."""
    entry = _entry(data, course)
    return data if course == DEFAULT_COURSE else entry


def evidence_of(data: dict[str, Any], course: str, kind: Kind) -> dict[str, Any]:
    """The evidence for a course's collections of a kind, by id. The key in the file is the
    kind's plural: `checkpoints`, `milestones`."""
    found: dict[str, Any] = _entry(data, course).setdefault(kind.plural, {})
    return found


def _entry(data: dict[str, Any], course: str) -> dict[str, Any]:
    entry: dict[str, Any] = data["courses"].setdefault(course, {Kind.CHECKPOINT.plural: {}})
    return entry


def _empty() -> dict[str, Any]:
    return {
        "format": FORMAT,
        "completed_modules": [],
        "unlocked_milestones": [],
        "completed_milestones": [],
        "courses": {},
    }


def _check(data: dict[str, Any]) -> None:
    """Raise ValueError unless the data has the expected form."""
    for key in _NAMES[:3]:
        data.setdefault(key, [])
    _check_names(data)
    courses = data.setdefault("courses", {})
    if not isinstance(courses, dict):
        raise ValueError("courses is not a table")
    for course in courses.values():
        _check_names(course)
        for kind in COLLECTED:
            kept = course.get(kind.plural, {}) if isinstance(course, dict) else None
            if not isinstance(kept, dict):
                raise ValueError(f"a course has no table of {kind.plural}")
            for evidence in kept.values():
                _check_evidence(evidence)


def _check_names(entry: object) -> None:
    """The lists of names, at the top for the default course, and in each other course."""
    for key in _NAMES:
        names = entry.get(key, []) if isinstance(entry, dict) else []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{key} is not a list of names")


def _check_evidence(evidence: object) -> None:
    entries = list(evidence.values()) if isinstance(evidence, dict) else [None]
    for entry in entries:
        good = isinstance(entry, dict) and isinstance(entry.get("when"), str)
        if not good or not isinstance(entry.get("tests"), dict):  # type: ignore[union-attr]
            raise ValueError("evidence without time and tests")
        measured = entry.get("measured", [])  # type: ignore[union-attr]
        if not isinstance(measured, list) or not all(isinstance(text, str) for text in measured):
            raise ValueError("evidence with a measured result that is not a text")
