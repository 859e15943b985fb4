"""Exports the student's sources to the package. pytest calls it before it collects tests."""

import pytest

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.export.plan import ExportReport
from pytest_tinytorch.export.service import export, pending
from pytest_tinytorch.hooks.options import course_of, is_worker, options_of
from pytest_tinytorch.hooks.stash import stashed

export_key = pytest.StashKey[ExportReport]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Export once, in the controller, before any process imports the package."""
    config = session.config
    if not options_of(config).active or is_worker(config):
        return
    stashed(config, export_key, lambda: _bring_up_to_date(config))


def _export_limited(course: Course) -> ExportReport:
    from pytest_tinytorch.isolation.bounded import Bounded  # only graded runs need it

    return export(course, limited=Bounded().render)


def _bring_up_to_date(config: pytest.Config) -> ExportReport:
    course, options = course_of(config), options_of(config)
    if options.exports:
        # In a class, these are the sources of the reference.
        return _export_limited(course) if options.grade and not options.batch else export(course)
    if not course.package_folder.is_dir():
        fix = "run `tito export --all`, or leave out --no-export"
        raise CourseError(f"--no-export: {course.package}/ is not there; {fix}")
    return pending(course)
