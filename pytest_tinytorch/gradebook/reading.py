"""Makes attempts from the suites of a file: what each test of the course did, and for whom.

`ingest` calls it. A suite with the harness's own record counts as that record, and its test cases
are for display only. Without a record, the test cases count.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import Group, hidden_group
from pytest_tinytorch.core.records import Outcome, RunRecord, TestRecord
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.entries import LONGEST_MESSAGE, Attempt, Result, Trust
from pytest_tinytorch.gradebook.xml_suites import Case, Document, Suite, XmlRefused
from pytest_tinytorch.reports.junit_reader import parse_run

_RANK = {Outcome.PASSED: 0, Outcome.SKIPPED: 1, Outcome.FAILED: 2, Outcome.ERROR: 3}


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
        if "record" in suite.properties:
            if not _is_inherited(suite, found, source):
                found.append(_recorded(suite, source, key))
        else:
            plain.setdefault(suite.properties.get("student", ""), []).append(suite)
    strangers: list[str] = []
    for who, suites in plain.items():
        attempt, others = _plain(who, suites, document.digest, source, names)
        strangers += others
        if attempt.results:
            found.append(attempt)
    if not found:
        raise XmlRefused(_nothing(document, strangers))
    return FileAttempts(tuple(found), tuple(strangers))


def _is_inherited(suite: Suite, found: list[Attempt], source: str) -> bool:
    """Whether the record is that of the suite around it, which was read already."""
    digest = _digest(suite.properties["record"])
    return any(attempt.digest == digest for attempt in found)


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
        run = parse_run(Path(source), record)
    except CourseError as error:
        raise XmlRefused(str(error).removeprefix(f"{source}: ")) from None
    if not run.tests:
        raise XmlRefused("has a record without tests: zero tests are no result")
    return Attempt(
        who=run.student or suite.properties.get("student", ""),
        digest=_digest(record),
        source=source,
        trust=_trust(record, suite.properties.get("record_sig"), key),
        results=tuple(_result(test) for test in run.tests if test.group.has_points),
        items=_items(run),
        submitted=in_utc(run.started) or in_utc(suite.timestamp),
        revision=run.commit,
        sources=run.sources,
        manifest=run.manifest,
        isolation=run.isolation,
        seed=run.seed if type(run.seed) is int else None,
    )


def _items(run: RunRecord) -> tuple[str, ...]:
    groups = [*run.groups, *(test.group for test in run.tests)]
    return tuple(dict.fromkeys(str(group) for group in groups if group.has_points))


def _trust(record: str, signature: str | None, key: Key | None) -> Trust:
    if signature is None:
        return Trust.UNSIGNED
    if key is None or signature.split(":")[1:2] != [key.id]:
        return Trust.UNVERIFIED
    return Trust.ALTERED if key.verify(record, signature) else Trust.VERIFIED


def _result(test: TestRecord) -> Result:
    if test.passed:
        return Result(test.id, test.outcome)
    place = test.locations[0] if test.locations else None
    return Result(
        test.id,
        test.outcome,
        decided=test.decided,
        reason=test.reason.value,
        message=one_line(test.message, LONGEST_MESSAGE),
        place=one_line(f"{place} {place.function}".strip()) if place else "",
    )


# --- without a record -----------------------------------------------------------------------------


def _plain(
    who: str, suites: Iterable[Suite], digest: str, source: str, names: Names
) -> tuple[Attempt, list[str]]:
    results: dict[str, Result] = {}
    strangers = []
    timestamps = []
    for suite in suites:
        timestamps.append(in_utc(suite.timestamp))
        for case in suite.cases:
            test = names.test_id(case)
            if test is None:
                strangers.append(f"{case.classname}::{case.name}")
            else:
                results[test] = _worse(results.get(test), _case_result(test, case))
    attempt = Attempt(
        who=who,
        digest=digest,
        source=source,
        trust=Trust.UNSIGNED,
        results=tuple(results.values()),
        items=tuple(dict.fromkeys(str(Group.of_test(test)) for test in results)),
        submitted=max(timestamps, default=""),
    )
    return attempt, strangers


def _case_result(test: str, case: Case) -> Result:
    outcome = Outcome(case.outcome)
    skipped = outcome is Outcome.SKIPPED
    decided = TestRecord(test, "", outcome).decided if skipped else True
    return Result(test, outcome, decided, message=one_line(case.message, LONGEST_MESSAGE))


def _worse(old: Result | None, new: Result) -> Result:
    """A test with several test cases passed if all of them passed."""
    return new if old is None or _RANK[new.outcome] > _RANK[old.outcome] else old


def in_utc(text: str) -> str:
    """A time as it is stored; "" for anything that is none. Without a zone it is local time."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):  # the latter two for a year far away
        return ""
