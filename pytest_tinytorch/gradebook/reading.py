"""Makes attempts from the suites of a file: what each test of the course did, and for whom.

`ingest` calls it. Where the harness's own record stands in a file, it counts for its student, and
the test cases are for display only. Without a record, the test cases count.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import Group, hidden_group
from pytest_tinytorch.core.names import is_line
from pytest_tinytorch.core.records import Outcome, Reason, RunRecord, is_decided
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.entries import LONGEST_MESSAGE, Attempt, Result, Trust
from pytest_tinytorch.gradebook.xml_suites import Case, Document, Suite, XmlRefused
from pytest_tinytorch.reports.junit import FOR_STUDENT
from pytest_tinytorch.reports.junit_reader import parse_outline

_RANK: dict[str, int] = {
    Outcome.PASSED: 0,
    Outcome.SKIPPED: 1,
    Outcome.MISSING: 2,
    Outcome.FAILED: 3,
    Outcome.ERROR: 4,
}
_PASSED = Outcome.PASSED.value
_MOST_TESTS = 20_000  # different tests that are remembered
_MOST_NOTES = 20
_LARGEST_SEED = 2**62  # an integer of SQLite has 64 bits


@dataclass(frozen=True)
class Names:
    """Which group a test case belongs to: by the module of its file, and the folder of that."""

    groups: Mapping[tuple[str, str], Group]  # by ("checkpoints", "checkpoint_05_learning")

    @classmethod
    def of(cls, course: Course) -> "Names":
        groups = {}
        for collection in course.collections:
            path = PurePosixPath(collection.file)
            groups[path.parent.name, path.stem] = collection.group
        for checkpoint in course.checkpoints:
            stem = PurePosixPath(checkpoint.file).stem
            groups["hidden", stem] = hidden_group(checkpoint.id)
        return cls(groups)

    def test_id(self, case: Case) -> str | None:
        """The id of a test, as in the manifest; None if its file is none of the course's.

        `checkpoints.checkpoint_05_learning.TestPool` and `test_max[2x2]` give
        `05/TestPool::test_max[2x2]`. The folder may be missing where pytest began in it.
        """
        parts = case.classname.split(".")
        for position, part in enumerate(parts):
            folder = parts[position - 1] if position else self._only_folder(part)
            group = self.groups.get((folder, part))
            if group is not None:
                return group.test_id("::".join([*parts[position + 1 :], case.name]))
        return None

    def _only_folder(self, stem: str) -> str:
        return next((f for f, s in self.groups if s == stem and f != "hidden"), "")


@dataclass(frozen=True)
class FileAttempts:
    """The attempts in one file, and the test cases that are none of the course's."""

    attempts: tuple[Attempt, ...]
    strangers: tuple[str, ...] = field(default=())


def attempts_of(document: Document, source: str, names: Names, key: Key | None) -> FileAttempts:
    """The attempts of a file. `who` is "" where the file does not name the student.

    Raises XmlRefused where the file has no test of the course.
    """
    found: list[Attempt] = []
    plain: dict[str, list[Suite]] = {}
    for suite in document.suites:
        if FOR_STUDENT in suite.properties:
            raise XmlRefused("is the copy for a student, without hidden tests; add grade.xml")
        if "record" in suite.own:
            found.append(_recorded(suite, source, key))
        elif "record" in suite.properties:
            continue  # a suite in a recorded one
        else:
            plain.setdefault(suite.properties.get("student", ""), []).append(suite)
    strangers: list[str] = []
    for attempt in found:  # the other suites of a recorded run
        plain.pop(attempt.who, None)
    for who, suites in plain.items():
        attempt, others = _plain(who, suites, document.digest, source, names)
        strangers += others
        if attempt.results:
            found.append(attempt)
    if not found:
        raise XmlRefused(_nothing(document, strangers))
    return FileAttempts(tuple(found), tuple(strangers))


def _nothing(document: Document, strangers: list[str]) -> str:
    if not any(suite.cases for suite in document.suites):
        return "has no test case: zero tests are no result"
    return f"has no test of this course; the first one is {one_line(strangers[0], 100)!r}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- with a record of the harness -----------------------------------------------------------------


def _recorded(suite: Suite, source: str, key: Key | None) -> Attempt:
    record = suite.properties["record"]
    try:
        run, tests = parse_outline(Path(source), record)
        results = _in_one(_result(test) for test in tests)
    except CourseError as error:
        raise XmlRefused(str(error).removeprefix(f"{source}: ")) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise XmlRefused(f"has no record of this version ({error!r})") from None
    if not results:
        raise XmlRefused("has a record without tests: zero tests are no result")
    return Attempt(
        who=run.student or suite.properties.get("student", ""),
        digest=_digest(record),
        source=source,
        trust=_trust(record, suite.own_signature, key),
        results=results,
        items=_items(run, results),
        submitted=in_utc(run.submitted) or in_utc(run.started) or in_utc(suite.timestamp),
        revision=run.commit,
        sources=run.sources,
        manifest=run.manifest,
        isolation=run.isolation,
        status=one_line(run.status),
        review="\n".join(one_line(line) for line in (*run.review, *run.notes)[:_MOST_NOTES]),
        seed=run.seed if type(run.seed) is int and abs(run.seed) < _LARGEST_SEED else None,
    )


def _items(run: RunRecord, results: Iterable[Result]) -> tuple[str, ...]:
    groups = [*run.groups, *(_group(result.test) for result in results)]
    return tuple(str(group) for group in dict.fromkeys(groups) if group.has_points)


def _trust(record: str, signature: str | None, key: Key | None) -> Trust:
    if signature is None:
        return Trust.UNSIGNED
    if key is None or signature.split(":")[1:2] != [key.id]:
        return Trust.UNVERIFIED
    return Trust.ALTERED if key.verify(record, signature) else Trust.VERIFIED


def _result(data: dict[str, Any]) -> Result:
    """The result of a test in a record. Raises ValueError and others for an invalid entry.

    It reads a few fields instead of making a TestRecord, which would take most of the time.
    """
    test, outcome, reason = data["id"], data["outcome"], data.get("reason", "")
    group = _group(test)
    if outcome == _PASSED and not reason:
        return Result(test, _PASSED)
    outcome, reason = Outcome(outcome), Reason(reason)
    decided = is_decided(outcome, reason, group)
    message = one_line(data.get("message", ""), LONGEST_MESSAGE)
    place = _place(data.get("locations"))
    return Result(test, outcome.value, int(decided), reason.value, message, place)


def _place(locations: Any) -> str:
    if not locations:
        return ""
    first = locations[0]
    return one_line(f"{first['file']}:{first['line']} {first.get('function', '')}".rstrip())


@lru_cache(_MOST_TESTS)
def _group(test: str) -> Group:
    """The group of a test. Raises ValueError for a text that is no id."""
    if not isinstance(test, str) or not is_line(test):
        raise ValueError(f"{test!r} is not a test")
    return Group.of_test(test)


def _in_one(results: Iterable[Result]) -> tuple[Result, ...]:
    """One result for each test that has points; a test with several passed if all passed."""
    found: dict[str, Result] = {}
    for result in results:
        old = found.get(result.test)
        found[result.test] = result if old is None else _worse(old, result)
    return tuple(result for result in found.values() if _group(result.test).has_points)


# --- without a record -----------------------------------------------------------------------------


def _plain(
    who: str, suites: Iterable[Suite], digest: str, source: str, names: Names
) -> tuple[Attempt, list[str]]:
    found: list[Result] = []
    strangers = []
    timestamps = []
    for suite in suites:
        timestamps.append(in_utc(suite.timestamp))
        for case in suite.cases:
            test = names.test_id(case)
            if test is None:
                strangers.append(one_line(f"{case.classname}::{case.name}"))
            else:
                found.append(_case_result(test, case))
    results = _in_one(found)
    attempt = Attempt(
        who=who,
        digest=digest,
        source=source,
        trust=Trust.UNSIGNED,
        results=results,
        items=tuple(map(str, dict.fromkeys(_group(result.test) for result in results))),
        submitted=max(timestamps, default=""),
    )
    return attempt, strangers


def _case_result(test: str, case: Case) -> Result:
    outcome = Outcome(case.outcome)
    decided = is_decided(outcome, Reason.NONE, _group(test))
    return Result(
        test, outcome.value, int(decided), message=one_line(case.message, LONGEST_MESSAGE)
    )


def _worse(old: Result, new: Result) -> Result:
    return new if _RANK[new.outcome] > _RANK[old.outcome] else old


def in_utc(text: str) -> str:
    """A time as it is stored; "" for anything that is none. Without a zone it is local time."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):  # the latter two for a year far away
        return ""
