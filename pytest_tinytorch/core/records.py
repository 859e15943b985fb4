"""Defines the records of a test and of a run: plain data that converts to JSON and back.

`hooks.recording` makes a TestRecord where the test ran, `hooks.session` makes the RunRecord, and
progress, JUnit XML and all reports read it. It holds only numbers, strings and lists.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from pytest_tinytorch.core.groups import Group, Kind

FORMAT = 1


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"  # a fixture, the harness or the process failed, not the comparison
    SKIPPED = "skipped"  # skipped or expected to fail: not passed, so it earns nothing
    MISSING = "missing"  # in the manifest, but without a report


class Reason(StrEnum):
    """Why a test did not pass, as far as the exception shows."""

    NONE = ""
    NOT_WRITTEN = "not-written"  # a task still raises NotImplementedError
    WRONG = "wrong"  # a comparison did not hold
    RAISED = "raised"  # the student's code raised
    RECOGNIZED = "recognized"  # a known mistake, such as a forgotten `return`
    BROKEN_IMPORT = "broken-import"  # the student's module cannot be imported
    TIMEOUT = "timeout"
    CRASHED = "crashed"  # the process that ran the test died
    HARNESS = "harness"  # a mistake of the course or the plugin


def is_decided(outcome: Outcome, reason: Reason, group: Group) -> bool:
    """Whether the outcome of a test of this group depends on the student's work alone.

    A milestone's test is skipped where a data set is not on the machine.
    """
    skipped = outcome is Outcome.SKIPPED and group.kind is Kind.MILESTONE
    lost = outcome is Outcome.MISSING or reason is Reason.HARNESS
    return not (skipped or lost)


@dataclass(frozen=True)
class Location:
    """A line of the student's source, with the lines around it."""

    file: str
    line: int
    function: str = ""
    excerpt: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def is_inline_test(self) -> bool:
        """Whether the line is in an inline test, which the course gives."""
        return is_inline_test(self.function)


def is_inline_test(function: str) -> bool:
    """Whether a function of a source is an inline test, by its name."""
    return function.partition(".")[0].startswith("test_")


@dataclass(frozen=True)
class TestRecord:
    """The outcome of one test. `id` is independent of folders: `01/test_name[param]`."""

    __test__ = False  # keeps pytest from collecting it as a test class

    id: str
    title: str
    outcome: Outcome
    reason: Reason = Reason.NONE
    message: str = ""
    locations: tuple[Location, ...] = ()
    printed: str = ""  # the last lines that the student's code printed
    example: str = ""  # Hypothesis's smallest counter-example
    hint: str = ""
    max_points: float = 0.0
    visibility: str = "visible"
    depends: tuple[str, ...] = ()  # ids of tests that should pass before this one
    waits_for: str = ""  # id of the other module's checkpoint in whose code this test failed
    seconds: float = 0.0
    measured: str = ""  # the result in numbers: `97.8 % of 360 unseen digits`

    @property
    def group(self) -> Group:
        """The group of the test."""
        return Group.of_test(self.id)

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    @property
    def decided(self) -> bool:
        """Whether the outcome depends on the student's work alone."""
        return is_decided(self.outcome, self.reason, self.group)

    @property
    def points(self) -> float:
        return self.max_points if self.passed else 0.0

    def to_json(self) -> dict[str, Any]:
        # A round trip through text leaves only JSON's own types, which xdist can send.
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain | {"points": self.points}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TestRecord":
        known = {key: value for key, value in data.items() if key != "points"}
        known["outcome"] = Outcome(data["outcome"])
        known["reason"] = Reason(data.get("reason", ""))
        known["depends"] = tuple(data.get("depends", ()))
        Group.of_test(data["id"])  # raises ValueError for an invalid id
        known["locations"] = tuple(_location(entry) for entry in data.get("locations", ()))
        return cls(**known)

    def failed_with(self, outcome: Outcome, reason: Reason, message: str) -> "TestRecord":
        return replace(self, outcome=outcome, reason=reason, message=message)


def _location(data: dict[str, Any]) -> Location:
    excerpt = tuple((int(number), str(text)) for number, text in data.get("excerpt", ()))
    return Location(data["file"], int(data["line"]), data.get("function", ""), excerpt)


_GRADED = (
    *("isolation", "student", "commit", "version", "manifest", "sources"),
    *("status", "submitted"),
)
_LISTS = ("altered", "review", "notes")


@dataclass(frozen=True)
class RunRecord:
    """One run of the harness: its tests, seed and settings."""

    course: str
    seed: int
    started: str  # ISO 8601, UTC
    seconds: float
    tests: tuple[TestRecord, ...]
    groups: tuple[Group, ...] = field(default=())  # the requested groups, in order
    isolation: str = "none"
    # Only in graded runs:
    student: str = ""
    commit: str = ""
    version: str = ""  # of the course
    manifest: str = ""  # hash of the manifest with the points
    sources: str = ""  # hash of the sources that were graded
    altered: tuple[str, ...] = ()  # course files that differ from the manifest
    # Only of a class:
    status: str = ""  # in `collected.json`: collected, late, none or failed; "" without that list
    submitted: str = ""  # ISO 8601: when it was submitted, if `collected.json` says so
    review: tuple[str, ...] = ()  # why an instructor has to look at it, a line each
    notes: tuple[str, ...] = ()  # how the submission was read, a line each
    # group -> hash of the sources that it was graded from, where that is another submission
    earlier: Mapping[str, str] = field(default_factory=dict)

    def of(self, group: Group) -> tuple[TestRecord, ...]:
        return tuple(test for test in self.tests if test.group == group)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "course": self.course,
            "seed": self.seed,
            "started": self.started,
            "seconds": self.seconds,
            "groups": list(map(str, self.groups)),
            **{key: getattr(self, key) for key in _GRADED},
            **{key: list(getattr(self, key)) for key in _LISTS},
            "earlier": dict(self.earlier),
            "tests": [test.to_json() for test in self.tests],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "RunRecord":
        if data.get("format") != FORMAT:
            raise ValueError(f"record format {data.get('format')!r}, expected {FORMAT}")
        texts: dict[str, Any] = {key: str(data.get(key, "")) for key in _GRADED}
        lists: dict[str, Any] = {key: tuple(data.get(key, ())) for key in _LISTS}
        return cls(
            course=data["course"],
            seed=data["seed"],
            started=data["started"],
            seconds=data["seconds"],
            groups=tuple(map(Group.parse, data["groups"])),
            **texts,
            **lists,
            earlier=dict(data.get("earlier", {})),
            tests=tuple(TestRecord.from_json(test) for test in data["tests"]),
        )
