"""The small course, as a folder and loaded."""

from pathlib import Path

import pytest
from mini_course import make_course

from pytest_tinytorch.core.course import Course, load_course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return load_course(make_course(tmp_path / "course"))
