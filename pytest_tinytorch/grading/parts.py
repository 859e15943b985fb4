"""Stores the parts of a batch: one file for each student and checkpoint.

    results/.parts/<student>/submission.json    which files were read
    results/.parts/<student>/05.json            the result of checkpoint 05, and its key

`grader` writes parts, `assemble` and `hooks.reporters.batch` read them. A part is written
completely or not at all, so a batch can be ended at any moment. The key covers everything that the
result depends on: while it is the same, the part is not graded again. The same inputs give the
same bytes, apart from `seconds`, the durations of the tests.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.atomic import write_text
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import MachineError
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.manifest import Manifest, course_files
from pytest_tinytorch.core.records import TestRecord
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.submissions.collection import CollectedStatus
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.reader import Taken

FORMAT = 1
FOLDER = ".parts"
_SUBMISSION = "submission.json"
_DECIDING = ("numpy", "hypothesis", "pytest")  # libraries whose version can change a result


class PartStatus(StrEnum):
    GRADED = "graded"
    GRADER_ERROR = "grader-error"  # not a grade: an instructor has to look at it


@dataclass(frozen=True)
class Part:
    """The result of one group of tests of one student."""

    key: str
    status: PartStatus
    tests: tuple[TestRecord, ...] = ()  # without their durations
    reason: str = ""  # of a grader-error
    sources: str = ""  # the hash of the graded sources
    harness: str = ""  # the hash of everything else that the result depends on
    seconds: tuple[float, ...] = ()  # the durations of the tests

    def timed(self) -> dict[str, float]:
        """Test -> its duration in seconds."""
        return dict(zip((test.id for test in self.tests), self.seconds, strict=False))

    @property
    def points(self) -> float:
        return sum(test.points for test in self.tests)

    @property
    def max_points(self) -> float:
        return sum(test.max_points for test in self.tests)


@dataclass(frozen=True)
class Intake:
    """The list of files that were read from a submission."""

    student: str
    commit: str
    sources: str  # their hash
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    status: str = ""  # in `collected.json`
    submitted: str = ""  # ISO 8601
    # module -> that nothing was handed in for it
    missing: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, submitted: Submitted, taken: Taken) -> "Intake":
        return cls(
            submitted.student,
            taken.commit,
            taken.digest,
            taken.refused,
            (*_collected(submitted), *taken.notes),
            submitted.status,
            submitted.time,
            dict(taken.missing),
        )


def _collected(submitted: Submitted) -> list[str]:
    """What `collected.json` says about a submission."""
    status = {CollectedStatus.LATE: "Late", CollectedStatus.NONE: "Nothing was handed in"}
    said = [status.get(CollectedStatus(submitted.status), "")] if submitted.status else []
    parts = [part for part in (*said, submitted.time, submitted.note) if part]
    return [one_line(": ".join(parts))] if submitted.note or any(said) else []


class PartFiles:
    """The stored parts of one student. `name`: the student's folder."""

    def __init__(self, results: Path, name: str) -> None:
        self.folder = results / FOLDER / name

    def read(self, group: Group) -> Part | None:
        """A part; None if there is no valid one."""
        data = _read(self.folder / f"{group}.json")
        if data is None:
            return None
        try:
            tests = tuple(TestRecord.from_json(test) for test in data["tests"])
            return Part(
                data["key"],
                PartStatus(data["status"]),
                tests,
                data["reason"],
                str(data.get("sources", "")),
                str(data.get("harness", "")),
                tuple(map(float, data.get("seconds", ()))),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def write(self, group: Group, part: Part) -> None:
        tests = [test.to_json() for test in part.tests]
        _write(self.folder / f"{group}.json", {**asdict(part), "tests": tests})

    def read_intake(self) -> Intake | None:
        data = _read(self.folder / _SUBMISSION)
        if data is None:
            return None
        try:
            refused, notes = tuple(data["refused"]), tuple(data["notes"])
            return Intake(
                data["student"],
                data["commit"],
                data["sources"],
                refused,
                notes,
                str(data.get("status", "")),
                str(data.get("submitted", "")),
                dict(data.get("missing", {})),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def write_intake(self, intake: Intake) -> None:
        if self.read_intake() != intake:
            _write(self.folder / _SUBMISSION, asdict(intake))


def harness_digest(course: Course, manifest: Manifest, hidden: Path | None, options: str) -> str:
    """The hash of everything else that a result depends on: tests, plugin, libraries.

    options: the options that can change a result, as text (`hooks.options.deciding_options`).
    """
    found = sha256(f"{FORMAT}\n{options}\n{manifest.digest}\n".encode())
    found.update("\n".join(f"{name} {metadata.version(name)}" for name in _DECIDING).encode())
    plugin = Path(__file__).parents[1]
    files = [*plugin.rglob("*.py"), *(course.root / name for name in course_files(course))]
    for path in sorted([*files, *(hidden.rglob("*.py") if hidden else ())]):
        found.update(path.name.encode() + b"\0" + sha256(path.read_bytes()).digest())
    return found.hexdigest()


def part_key(harness: str, sources: str, group: Group) -> str:
    return sha256(f"{harness}\n{sources}\n{group}".encode()).hexdigest()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and data.get("format") == FORMAT else None


def _write(path: Path, data: dict[str, Any]) -> None:
    text = json.dumps({"format": FORMAT, **data}, indent=1, ensure_ascii=True) + "\n"
    try:
        write_text(path, text)
    except OSError as error:
        # The same for all parts, so it is reported once.
        results = path.parents[2]
        raise MachineError(f"--results {results} cannot be written: {error.strerror}") from None
