"""Defines what is stored in a gradebook, as plain data: students, attempts, results, marks.

`reading` makes attempts, `roster` students; `store` writes and reads them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pytest_tinytorch.core.records import Outcome

LONGEST_MESSAGE = 300  # characters of a stored message; the pages of the results have it in full


STUDENT_ROLES = ("student", "studentenrollment", "learner")


class Trust(StrEnum):
    """Whether the record of an attempt is known to be what the grader wrote."""

    VERIFIED = "verified"  # signed, and the signature is valid
    UNSIGNED = "unsigned"
    UNVERIFIED = "unverified"  # signed, and this machine does not have the key
    ALTERED = "altered"  # the signature is not valid


class Standing(StrEnum):
    """A student's relation to the roster."""

    LISTED = "listed"
    DROPPED = "dropped"  # was on an earlier roster
    UNLISTED = "unlisted"  # known by submissions alone


@dataclass(frozen=True)
class Student:
    """One person. `name` is the one that submissions use, `shown` the one to display."""

    name: str
    shown: str = ""
    email: str = ""
    section: str = ""
    role: str = "student"
    standing: Standing = Standing.LISTED
    aliases: tuple[str, ...] = ()
    id: int = 0  # in the database


class Result(NamedTuple):
    """The outcome of one test in one attempt."""

    test: str
    outcome: str  # the value of an Outcome; plain types are sent and stored fast
    decided: int = 1
    reason: str = ""
    message: str = ""
    place: str = ""

    @property
    def passed(self) -> bool:
        return self.outcome == Outcome.PASSED and bool(self.decided)


@dataclass(frozen=True)
class Attempt:
    """One result file of one student."""

    who: str
    digest: str
    source: str
    trust: Trust
    results: tuple[Result, ...]
    items: tuple[str, ...]  # what it is about, also where it has no result
    submitted: str = ""
    revision: str = ""
    sources: str = ""
    manifest: str = ""
    isolation: str = ""
    seed: int | None = None
    status: str = ""  # of the collection: collected, late, none, failed
    review: str = ""  # what an instructor should know, in lines
    accepted: bool = False


@dataclass(frozen=True)
class Item:
    """A column of the gradebook: a checkpoint, hidden tests, a milestone or a question."""

    name: str
    kind: str
    title: str
    max_points: float
    tests: int = 0  # in the manifest


@dataclass(frozen=True)
class MarkEntry:
    """Points or a comment that a person gave."""

    student: str
    item: str
    points: float | None
    comment: str = ""
    marker: str = ""
    withdrawn: bool = False  # earlier points do not count any more


@dataclass(frozen=True)
class RosterChange:
    """What a new roster changed. `added` and `dropped` are displayed names."""

    people: int
    added: tuple[str, ...]
    dropped: tuple[str, ...]
