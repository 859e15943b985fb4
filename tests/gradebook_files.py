"""Result files and gradebooks for the tests of the gradebook, on the mini course."""

from pathlib import Path

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.groups import Group, Kind
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.core.records import Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.gradebook.identity import Identities
from pytest_tinytorch.gradebook.ingest import Options, Report, ingest
from pytest_tinytorch.gradebook.store import Gradebook
from pytest_tinytorch.reports.junit import junit_text

KEY = Key(b"a key for tests, of no use elsewhere")
ADD, DOUBLE, MEAN = "00/test_add", "00/test_double", "00/test_mean"
SMALL, ZERO, SHOUT = "00/test_pairs[small]", "00/test_pairs[zero]", "01/test_shout"
FIRST = {ADD: 2.0, DOUBLE: 1.0, MEAN: 2.0, SMALL: 1.0, ZERO: 1.0}
MANIFEST = Manifest(
    {Group(Kind.CHECKPOINT, "00"): FIRST, Group(Kind.CHECKPOINT, "01"): {SHOUT: 4.0}}, {}
)
TESTS = {**FIRST, SHOUT: 4.0}


def record(course: Course, student: str, passed: str | list[str] = (), **more) -> RunRecord:
    """A run in which these tests passed, and the others of their checkpoints failed.

    lost: tests that could not be graded. absent: tests that the record does not have. groups: by
    default both checkpoints
    """
    lost, absent = more.pop("lost", ()), more.pop("absent", ())
    groups = tuple(map(Group.parse, more.pop("groups", ("00", "01"))))
    tests = tuple(
        test_record(test, points, test in passed, test in lost)
        for test, points in TESTS.items()
        if Group.of_test(test) in groups and test not in absent
    )
    facts = {"started": "", "seconds": 0.0, "seed": 0, "sources": f"code of {student}", **more}
    return RunRecord(
        course=course.id, tests=tests, groups=groups, student=student, isolation="bwrap", **facts
    )


def test_record(test: str, points: float, passed: bool, lost: bool = False) -> TestRecord:
    if lost:
        return TestRecord(
            test, test, Outcome.ERROR, Reason.HARNESS, "the sandbox died", max_points=points
        )
    if passed:
        return TestRecord(test, test, Outcome.PASSED, max_points=points)
    return TestRecord(test, test, Outcome.FAILED, Reason.WRONG, "5, not 6", max_points=points)


test_record.__test__ = False


def write(path: Path, course: Course, run: RunRecord, key: Key | None = KEY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(junit_text(course, run, key, {}), "utf-8")
    return path


def opened(path: Path, course: Course, manifest: Manifest = MANIFEST) -> Gradebook:
    book = Gradebook(path)
    book.set_course(course, manifest)
    return book


def add(book: Gradebook, course: Course, *paths: Path, **options) -> Report:
    identities = options.pop("identities", None) or Identities(book.names())
    return ingest(book, course, paths, identities, Options(**{"key": KEY, **options}))
