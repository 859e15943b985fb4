"""Keeps the evidence of a run, as a run of pytest would, without the cost of a process."""

from datetime import UTC, datetime

from pytest_tinytorch.core.course import Collection, Course
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Outcome, RunRecord, TestRecord
from pytest_tinytorch.progress.milestones import Recorded, record_run
from pytest_tinytorch.progress.progress import Progress


def keep_evidence(
    course: Course,
    *collections: Collection,
    outcome: Outcome = Outcome.PASSED,
    measured: str = "",
    when: str = "",
) -> Recorded:
    """Of a run in which all tests of these collections had one outcome, with the code as it is."""
    manifest = load_manifest(course)
    names = [name for collection in collections for name in manifest.of(collection.group)]
    assert names, "the manifest lists no tests for these"
    tests = tuple(TestRecord(name, name, outcome, measured=measured) for name in names)
    started = when or datetime.now(UTC).isoformat(timespec="seconds")
    run = RunRecord(course.id, 7, started, 1.5, tests)
    return record_run(course, Progress.of(course, manifest), run, collections)
