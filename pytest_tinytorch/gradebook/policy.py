"""Decides which attempt counts, and what is deducted for late work. `grades` calls it.

The default policy is `latest` without deadlines. `read_policy` reads another one from a TOML file;
docs/gradebook.md has an example.
"""

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.errors import CourseError, nearest
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.names import key_of

ALL = "all"  # in `deadlines`: every item without its own
_LARGEST = 2**20
_DAY = timedelta(days=1)


class Counting(StrEnum):
    """Which of a student's attempts counts."""

    LATEST = "latest"
    BEST = "best"  # the most adjusted points; of equal ones the latest
    BEFORE_DEADLINE = "before-deadline"  # the latest one in time; late ones count never


@dataclass(frozen=True)
class Extension:
    """More time for one student."""

    student: str
    items: tuple[str, ...]  # empty: all
    days: float = 0.0
    until: datetime | None = None


@dataclass(frozen=True)
class Policy:
    """How grades follow from attempts. Percentages are of the points that were earned."""

    counting: Counting = Counting.LATEST
    deadlines: Mapping[str, datetime] = field(default_factory=dict)
    percent_per_day: float = 0.0  # deducted for each day that was begun
    most_percent: float = 100.0
    grace: timedelta = timedelta(0)
    extensions: tuple[Extension, ...] = ()

    def deadline(self, student: Iterable[str], item: str) -> datetime | None:
        """The deadline of a student, who may have several names, for an item."""
        common = self.deadlines.get(item, self.deadlines.get(ALL))
        if common is None:
            return None
        keys = {key_of(name) for name in student}
        own = [
            max(e.until or common, common + e.days * _DAY)
            for e in self.extensions
            if key_of(e.student) in keys and (not e.items or item in e.items)
        ]
        return max([common, *own])

    def lateness(self, submitted: str, deadline: datetime | None) -> timedelta:
        """How late an attempt is; zero if it is in time, or its time is not known."""
        if deadline is None or not submitted:
            return timedelta(0)
        late = datetime.fromisoformat(submitted) - deadline
        return late if late > self.grace else timedelta(0)

    def kept_share(self, late: timedelta) -> float:
        """The share of the points that remains: 0.9 after one day, at 10 percent a day."""
        days = math.ceil(late / _DAY)
        return 1 - min(days * self.percent_per_day, self.most_percent) / 100


@dataclass(frozen=True)
class Candidate:
    """One attempt at one item."""

    attempt: int
    submitted: str  # "" if unknown: then it is in time
    added: str
    counts_fully: bool  # verified, or accepted
    points: float


@dataclass(frozen=True)
class Chosen:
    candidate: Candidate
    late: timedelta
    adjusted: float


def choose(
    policy: Policy, candidates: Sequence[Candidate], deadline: datetime | None
) -> Chosen | None:
    """The attempt that counts; None if none does.

    Attempts that are not verified count only for students without a verified one.
    """
    eligible = [c for c in candidates if c.counts_fully] or list(candidates)
    rated = [_rated(policy, candidate, deadline) for candidate in eligible]
    if policy.counting is Counting.BEFORE_DEADLINE:
        rated = [one for one in rated if not one.late]
    if not rated:
        return None
    if policy.counting is Counting.BEST:
        return max(rated, key=lambda one: (one.adjusted, _order(one.candidate)))
    return max(rated, key=lambda one: _order(one.candidate))


def _rated(policy: Policy, candidate: Candidate, deadline: datetime | None) -> Chosen:
    late = policy.lateness(candidate.submitted, deadline)
    return Chosen(candidate, late, candidate.points * policy.kept_share(late))


def _order(candidate: Candidate) -> tuple[str, int]:
    # Times are stored in UTC and in one form, so their text sorts as they do.
    return candidate.submitted or candidate.added, candidate.attempt


# --- the file -------------------------------------------------------------------------------------

_TABLES = ("counting", "deadlines", "late", "extension")
_LATE = ("percent_per_day", "most_percent", "grace_minutes")
_EXTENSION = ("student", "items", "days", "until")


def read_policy(path: Path, items: Iterable[str]) -> Policy:
    """Read a policy from TOML. Raises CourseError, which names the entry and the valid choices."""
    try:
        data = tomllib.loads(read_plain(path, _LARGEST).decode("utf-8-sig"))
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CourseError(f"{path} is not TOML: {one_line(str(error))}") from None
    try:
        return _policy(data, frozenset(items))
    except ValueError as error:
        raise CourseError(f"{path}: {one_line(str(error))}") from None


def _policy(data: Mapping[str, Any], items: frozenset[str]) -> Policy:
    _check_keys("the file", data, _TABLES)
    late = _table(data, "late")
    _check_keys("[late]", late, _LATE)
    deadlines = _table(data, "deadlines")
    _check_items("[deadlines]", [name for name in deadlines if name != ALL], items)
    entries = data.get("extension", [])
    if not isinstance(entries, list):
        raise ValueError("write each extension as [[extension]]")
    return Policy(
        counting=_counting(data.get("counting", Counting.LATEST.value)),
        deadlines={k: _time(f"[deadlines] {k}", v) for k, v in deadlines.items()},
        percent_per_day=_number("percent_per_day", late.get("percent_per_day", 0), 100),
        most_percent=_number("most_percent", late.get("most_percent", 100), 100),
        grace=timedelta(minutes=_number("grace_minutes", late.get("grace_minutes", 0), 1e5)),
        extensions=tuple(_extension(entry, items) for entry in entries),
    )


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise ValueError(f"{name} is {found!r}; write a table: [{name}]")
    return found


def _counting(value: object) -> Counting:
    try:
        return Counting(str(value))
    except ValueError:
        valid = ", ".join(repr(c.value) for c in Counting)
        raise ValueError(f"counting is {value!r}; write one of {valid}") from None


def _extension(entry: Any, items: frozenset[str]) -> Extension:
    if not isinstance(entry, dict) or not isinstance(entry.get("student"), str):
        raise ValueError("an [[extension]] has no student; write student = 'ana'")
    where = f"extension of {entry['student']!r}"
    _check_keys(where, entry, _EXTENSION)
    wanted = entry.get("items", [])
    if not isinstance(wanted, list) or not all(isinstance(name, str) for name in wanted):
        raise ValueError(f"{where}: items is {wanted!r}; write a list: items = ['05']")
    _check_items(where, wanted, items)
    if ("days" in entry) == ("until" in entry):
        raise ValueError(f"{where}: write either days = 2 or until = 2026-11-22T23:59:00+01:00")
    until = _time(f"{where}: until", entry["until"]) if "until" in entry else None
    days = _number(f"{where}: days", entry.get("days", 0), 1000)
    return Extension(entry["student"], tuple(wanted), days, until)


def _check_keys(where: str, found: Mapping[str, Any], valid: Iterable[str]) -> None:
    for key in found:
        if key not in valid:
            raise ValueError(f"{where}: {key!r} is unknown{nearest(key, valid)}")


def _check_items(where: str, names: Iterable[str], items: frozenset[str]) -> None:
    for name in names:
        if name not in items:
            raise ValueError(f"{where}: {name!r} is no column{nearest(name, items)}")


def _number(name: str, value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"{name} is {value!r}; write a number from 0 to {most:g}")
    return float(value)


def _time(name: str, value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    raise ValueError(
        f"{name} is {value!s}, no time with a time zone; write 2026-11-20T23:59:00+01:00"
    )
