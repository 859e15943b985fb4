"""Merges the phases of tests into one record for each test that should have run.

    setup, call, teardown --merge--> TestRecord --+
    manifest: expected tests ------- missing -----+--> the records of a run

`hooks.session` and `hooks.batch` call it. A test without a report is missing, not passed.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from pytest_tinytorch.core.groups import Group, test_name
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.core.records import Outcome, Reason, TestRecord
from pytest_tinytorch.core.visibility import default_visibility

_CRASHED = "the process that ran this test died; look for a crash or endless recursion"


class Tally:
    """Collects the result of each test so far, by its id."""

    def __init__(self) -> None:
        self.records: dict[str, TestRecord] = {}
        self._calls: Counter[str] = Counter()  # how often each test function ran

    def add(self, new: TestRecord, when: str) -> None:
        """Add one phase of a test. The first phase that does not pass decides the test's result."""
        self._calls[new.id] += when == "call"
        old = self.records.get(new.id)
        if old is None:
            self.records[new.id] = new
            return
        worse = new if old.passed and (not new.passed or when == "call") else old
        seconds = round(old.seconds + new.seconds, 6)
        measured = new.measured or old.measured  # known from the call on
        self.records[new.id] = replace(worse, seconds=seconds, measured=measured)

    def forget(self, identifier: str) -> None:
        """Remove an earlier try of a test."""
        self.records.pop(identifier, None)
        self._calls.pop(identifier, None)

    def add_crash(self, identifier: str) -> None:
        """Add a test whose process died while it ran."""
        old = self.records.get(identifier)
        visibility = default_visibility(Group.of_test(identifier))
        new = TestRecord(identifier, test_name(identifier), Outcome.ERROR, visibility=visibility)
        base = old or new
        self.records[identifier] = base.failed_with(Outcome.ERROR, Reason.CRASHED, _CRASHED)

    def ran(self) -> list[TestRecord]:
        """The records of all tests that ran; a test that ran more than once has not passed."""
        return [self._once(record) for record in self.records.values()]

    def missing(self, manifest: Manifest, groups: Iterable[Group]) -> list[TestRecord]:
        """A record for each test of these groups that is in the manifest and has no report."""
        return [
            _missing(identifier, points)
            for group in groups
            for identifier, points in manifest.of(group).items()
            if identifier not in self.records
        ]

    def _once(self, test: TestRecord) -> TestRecord:
        ran = self._calls[test.id]
        if test.passed and ran != 1:
            times = "was run more than once" if ran else "ended before its test function was run"
            return test.failed_with(Outcome.ERROR, Reason.HARNESS, times)
        return test


def is_listed(test: TestRecord, manifest: Manifest) -> bool:
    """Whether a test counts: where the manifest lists a group's tests, no other one does."""
    of = manifest.of(test.group)
    return not of or test.id in of


def listed(tests: Iterable[TestRecord], manifest: Manifest) -> list[TestRecord]:
    """The tests that count, worth what the manifest says; groups that it does not have stay."""
    return [
        replace(test, max_points=manifest.of(test.group).get(test.id, test.max_points))
        for test in tests
        if is_listed(test, manifest)
    ]


def graded(tests: Iterable[TestRecord], manifest: Manifest) -> list[TestRecord]:
    """The tests that count, worth what the manifest says: a mark in a test earns nothing."""
    found = listed(tests, manifest)
    return [replace(t, max_points=manifest.of(t.group).get(t.id, 0.0)) for t in found]


def in_order(tests: Iterable[TestRecord], groups: Iterable[Group]) -> tuple[TestRecord, ...]:
    """The records in the order of the course's groups; within a group, in the order of runs."""
    order = {group: position for position, group in enumerate(groups)}
    return tuple(sorted(tests, key=lambda test: order.get(test.group, len(order))))


def _missing(identifier: str, points: float) -> TestRecord:
    return TestRecord(
        identifier,
        test_name(identifier).removeprefix("test_").replace("_", " "),
        Outcome.MISSING,
        Reason.HARNESS,
        "did not run, although the manifest lists it",
        max_points=points,
        visibility=default_visibility(Group.of_test(identifier)),
    )
