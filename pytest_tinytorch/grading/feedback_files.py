"""Reads one graded run from its result file, and writes its feedback page.

`tito feedback` calls it.
"""

from pathlib import Path

from pytest_tinytorch.core.atomic import write_text
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError, MachineError
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.grading.result_files import set_aside
from pytest_tinytorch.reports.junit_reader import read_run


def graded_run(course: Course, path: Path) -> RunRecord:
    """The graded run of this course in a file of results. Raises CourseError."""
    run = read_run(path)
    if run.course != course.id:
        raise CourseError(
            f"{path}: belongs to the course {run.course!r}, but this folder holds {course.id!r};"
            " change into its folder"
        )
    if not run.manifest:
        raise CourseError(
            f"{path}: its run was not graded; run `pytest --grade --junitxml={path.name}`"
        )
    return run


def notes_on(course: Course, run: RunRecord) -> list[str]:
    """Remarks on a run for the reader of the page."""
    from pytest_tinytorch.reports.grade_view import remarks

    notes = [*remarks(run.isolation, (), run.altered, ()), *run.notes]
    if run.version != course.version:
        notes.append(
            f"Graded with version {run.version} of the course; titles are those of version"
            f" {course.version}"
        )
    return notes


def write_page(path: Path, page: str) -> list[str]:
    """Write a page to the requested path; rename an earlier one. Returns a line for each action."""
    if path.is_dir():
        raise CourseError(f"{path} is a folder; name a file in it: {path / 'feedback.html'}")
    try:
        if path.is_file() and path.read_bytes() == page.encode():
            return [f"nothing changed: {path}"]
        aside = set_aside(path)
        write_text(path, page)
    except OSError as error:
        raise MachineError(f"{path} cannot be written: {error.strerror}") from None
    kept = [f"{path.name} of an earlier run is now {aside.name}"] if aside else []
    return [*kept, f"written: {path}"]
