"""Finds the course around the working directory. All commands of `tito` call it."""

from pathlib import Path

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.discovery import course_root
from pytest_tinytorch.core.errors import CourseError


def course_here() -> Course:
    root = course_root(Path.cwd())
    if root is None:
        raise CourseError("no course.toml here or above; change into the course's folder")
    return load_course(root)
