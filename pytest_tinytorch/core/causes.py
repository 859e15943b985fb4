"""Groups the failures of a run by cause: what to fix first, and which tests wait for it.

All reports call it: the terminal, annotations, job summary, Gradescope and the feedback page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_tinytorch.core.records import Outcome, Reason, TestRecord

SHOWN_IN_FULL = 8  # causes; the others are listed only


class Verdict(StrEnum):
    """The verdict on a test, as it is printed."""

    PASS = "pass"
    FAIL = "FAIL"
    TODO = "todo"  # not written yet
    WAIT = "wait"  # a test that it depends on failed
    SKIP = "skip"
    LOST = "LOST"  # did not run, or its process died


@dataclass(frozen=True)
class Cause:
    """A failure to fix, and the tests that fail for the same reason or wait for it."""

    test: TestRecord
    same: tuple[TestRecord, ...]
    waiting: tuple[TestRecord, ...]


def verdict(test: TestRecord, known: Mapping[str, TestRecord]) -> Verdict:
    """The verdict on one test, given those known so far."""
    if test.passed:
        return Verdict.PASS
    if test.outcome is Outcome.SKIPPED:
        return Verdict.SKIP
    if test.outcome is Outcome.MISSING or test.reason is Reason.CRASHED:
        return Verdict.LOST
    if test.waits_for or _blocker(test, known) is not None:
        return Verdict.WAIT
    return Verdict.TODO if test.reason is Reason.NOT_WRITTEN else Verdict.FAIL


def causes(tests: Sequence[TestRecord]) -> list[Cause]:
    """The causes of all failures, each once, in the order of the tests."""
    known = {test.id: test for test in tests}
    failed = [test for test in tests if not test.passed]
    roots: dict[tuple[str, ...], list[TestRecord]] = {}
    waiting: dict[str, list[TestRecord]] = {}
    for test in failed:
        blocker = _blocker(test, known)
        if blocker is None:
            roots.setdefault(_signature(test), []).append(test)
        else:
            waiting.setdefault(blocker.id, []).append(test)
    return [
        Cause(group[0], tuple(group[1:]), tuple(w for t in group for w in waiting.get(t.id, ())))
        for group in roots.values()
    ]


def _blocker(test: TestRecord, known: Mapping[str, TestRecord]) -> TestRecord | None:
    """The first failed test that this one depends on, directly or not."""
    seen = {test.id}
    pending = list(test.depends)
    found = None
    while pending:
        name = pending.pop(0)
        other = known.get(name)
        if name in seen or other is None:
            continue
        seen.add(name)
        if not other.passed:
            found = other
            pending = list(other.depends)
    return found


def _signature(test: TestRecord) -> tuple[str, ...]:
    """The key by which failures are grouped: the same line and message (not for wrong values)."""
    if test.reason is Reason.WRONG or not test.message:
        return (test.id,)
    places = (str(place) for place in test.locations if not place.is_inline_test)
    return (test.reason, test.message, *places)
