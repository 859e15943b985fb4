"""Removes what students may not see from a record: hidden tests keep only their outcome.

`hooks.grading`, `grading.assemble` and the reporters call it.
"""

from dataclasses import replace
from pathlib import Path

from pytest_tinytorch.core.course import COLLECTION_FOLDERS
from pytest_tinytorch.core.groups import Group, Kind
from pytest_tinytorch.core.records import Reason, RunRecord, TestRecord

VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")
HIDDEN = Kind.HIDDEN.value  # a visibility; also the folder of hidden tests in a graded copy


def default_visibility(group: Group) -> str:
    """The visibility of a test without the mark `visibility`."""
    return HIDDEN if group.is_hidden else "visible"


def may_hide(root: Path) -> bool:
    """Whether a course may have tests that students must not see: hidden tests, or tests with
    the mark. Needed before collection, when the single tests are not known yet.
    """
    if any((root / HIDDEN).glob("*.py")):
        return True
    files = (file for name in COLLECTION_FOLDERS for file in (root / name).rglob("*.py"))
    return any(b"visibility" in file.read_bytes() for file in files)


def students_view(run: RunRecord) -> RunRecord:
    """The same run, without names, messages, inputs and lines of tests that are not visible."""
    return replace(run, tests=tuple(redacted(run.tests)))


def redacted(tests: tuple[TestRecord, ...], first: int = 1) -> list[TestRecord]:
    """The tests in their order, redacted. `first`: the number of the first redacted test."""
    visible = {test.id for test in tests if test.visibility == "visible"}
    seen: dict[Group, int] = {}
    shown = []
    for test in tests:
        if test.id in visible:
            # The name of a hidden test would reveal what it tests.
            shown.append(replace(test, depends=tuple(d for d in test.depends if d in visible)))
            continue
        seen[test.group] = number = seen.get(test.group, first - 1) + 1
        shown.append(
            TestRecord(
                id=test.group.test_id(f"hidden_{number}"),
                title=f"Hidden test {number}",
                outcome=test.outcome,
                # Students may see whether a test could be graded.
                reason=Reason.NONE if test.decided else Reason.HARNESS,
                max_points=test.max_points,
                visibility=test.visibility,
            )
        )
    return shown
