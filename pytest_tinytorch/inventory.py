"""Which tests the course has, and what each is worth: what `tito manifest` writes down."""

import io
from contextlib import redirect_stdout

import pytest

from pytest_tinytorch.course import Course
from pytest_tinytorch.errors import CourseError
from pytest_tinytorch.manifest import Manifest, make_manifest
from pytest_tinytorch.recording import facts, marker_mistake
from pytest_tinytorch.selection import id_key


class _Collected:
    """A pytest plugin that writes down what was collected."""

    def __init__(self) -> None:
        self.tests: list[tuple[str, float]] = []
        self.mistakes: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if mistake := marker_mistake(item):
                self.mistakes.append(f"{item.nodeid}: {mistake}")
            self.tests.append((item.stash[id_key], facts(item).max_points))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            lines = str(report.longrepr).strip().splitlines()
            self.mistakes.append(f"{report.nodeid}: {lines[-1]}")


def take_inventory(course: Course) -> Manifest:
    """Collect every checkpoint. Raises CourseError for a file or a mark that is wrong."""
    collected = _Collected()
    files = [str(course.root / c.file) for c in course.checkpoints if course.is_written(c)]
    arguments = ["--checkpoint=all", "--collect-only", "-q", "--rootdir", str(course.root), *files]
    with redirect_stdout(io.StringIO()) as output:
        code = pytest.main(["-p", "no:cacheprovider", *arguments], plugins=[collected])
    if collected.mistakes:
        raise CourseError(collected.mistakes[0])
    if code != pytest.ExitCode.OK:
        last = output.getvalue().strip().splitlines()[-1:]
        raise CourseError(f"the checkpoints cannot be collected: {' '.join(last)}")
    return make_manifest(course, collected.tests)
