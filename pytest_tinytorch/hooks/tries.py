"""Follows tests that are run again after a failure: `--reruns` of pytest-rerunfailures.

`hooks.session` calls it, so that only the last try of a test counts and is shown.
"""

from dataclasses import replace

import pytest

from pytest_tinytorch.core.records import TestRecord

_AGAIN = "rerun"  # the outcome that pytest-rerunfailures gives to a try before the last


class Tries:
    """The tries of each test so far."""

    def __init__(self) -> None:
        self._failed: dict[str, int] = {}  # tries before the present one
        self._ended: set[str] = set()  # ids whose present try is repeated

    def is_counted(self, identifier: str, report: pytest.TestReport) -> bool:
        """Whether a report belongs to the last try, as far as is known."""
        if report.outcome == _AGAIN:
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

    def titled(self, test: TestRecord, when: str) -> TestRecord:
        """The record, with the number of tries in its title."""
        failed = self._failed.get(test.id, 0)
        if not failed:
            return test
        passed = f"passed at the {_ordinal(failed + 1)} try"
        text = passed if test.passed else f"failed {failed + 1} times"
        return replace(test, title=f"{test.title} ({text})") if when == "call" else test


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
