"""Removes from a record what a student may not see: of hidden tests, only passed or failed is left.

`hooks.grading`, `grading.assemble` and the reporters call it.
"""

from dataclasses import replace
from pathlib import Path

from pytest_tinytorch.core.course import COLLECTION_FOLDERS
from pytest_tinytorch.core.groups import Group, Kind
from pytest_tinytorch.core.records import Reason, RunRecord, TestRecord

VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")
HIDDEN = Kind.HIDDEN.value  # a visibility, and the folder of an instructor's tests in a graded copy


def default_visibility(group: Group) -> str:
    """The visibility of a test without the mark."""
    return HIDDEN if group.is_hidden else "visible"


def may_hide(root: Path) -> bool:
    """Whether a course has tests that are not for everybody's eyes: an instructor's own, or some
    with the mark. Which ones is known when they are collected, and that is too late.
    """
    if any((root / HIDDEN).glob("*.py")):
        return True
    files = (file for name in COLLECTION_FOLDERS for file in (root / name).rglob("*.py"))
    return any(b"visibility" in file.read_bytes() for file in files)


def students_view(run: RunRecord) -> RunRecord:
    """The same run without names, messages, inputs and lines of tests that are not visible."""
    return replace(run, tests=tuple(redacted(run.tests)))


def redacted(tests: tuple[TestRecord, ...], first: int = 1) -> list[TestRecord]:
    """The tests in their order. `first`: the number of the first one that is not visible."""
    visible = {test.id for test in tests if test.visibility == "visible"}
    seen: dict[Group, int] = {}
    shown = []
    for test in tests:
        if test.id in visible:
            # The name of a hidden test would reveal something about it.
            shown.append(replace(test, depends=tuple(d for d in test.depends if d in visible)))
            continue
        seen[test.group] = number = seen.get(test.group, first - 1) + 1
        shown.append(
            TestRecord(
                id=test.group.test_id(f"hidden_{number}"),
                title=f"Hidden test {number}",
                outcome=test.outcome,
                # Whether it could be graded at all is no secret, and matters to the student.
                reason=Reason.NONE if test.decided else Reason.HARNESS,
                max_points=test.max_points,
                visibility=test.visibility,
            )
        )
    return shown
