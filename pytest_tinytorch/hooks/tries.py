"""Follows tests that are run again after a failure: `--reruns` of pytest-rerunfailures.

`hooks.session` calls it, so that each test is shown once. A test that passes when it is tried again
has failed: a result that changes from run to run is a mistake, too.
"""

from dataclasses import replace

import pytest

from pytest_tinytorch.core.records import TestRecord

_AGAIN = "rerun"  # the outcome that pytest-rerunfailures gives to a try before the last


class Tries:
    """The tries of each test so far."""

    def __init__(self) -> None:
        self._failed: dict[str, int] = {}  # tries before the present one
        self._first: dict[str, TestRecord] = {}  # the records of first tries
        self._ended: set[str] = set()  # ids whose present try is repeated

    def is_counted(self, test: TestRecord, report: pytest.TestReport) -> bool:
        """Whether a report belongs to the last try, as far as is known."""
        identifier = test.id
        if report.outcome == _AGAIN:
            self._first.setdefault(identifier, test)
            self._failed[identifier] = self._failed.get(identifier, 0) + 1
            self._ended.add(identifier)
            return False
        if report.when == "setup":
            self._ended.discard(identifier)
        return not self.is_repeated(identifier)

    def has_failed(self, identifier: str) -> bool:
        """Whether there was an earlier try."""
        return identifier in self._failed

    def is_repeated(self, identifier: str) -> bool:
        """Whether the present try of a test has failed and is followed by another one."""
        return identifier in self._ended

    def judged(self, test: TestRecord, when: str) -> TestRecord:
        """The record, with the number of tries in its title; if only the last try passed, that of
        the first one."""
        failed = self._failed.get(test.id, 0)
        if not failed or when != "call":
            return test
        if not test.passed:
            return replace(test, title=f"{test.title} (failed {failed + 1} times)")
        title = f"{test.title} (passed at the {_ordinal(failed + 1)} try)"
        return replace(self._first[test.id], title=title)


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
