"""The mini course with the milestones greeting (needs 01 and 02) and wave (needs 01), and manifest.

Its manifest is written without collecting tests: one test for each group.
"""

from pathlib import Path

from mini_course import add_wave, make_course_with_milestone

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.manifest import MANIFEST_FILE, make_manifest

TESTS = {
    "00/test_add": 7,
    "01/test_shout": 4,
    "milestone greeting/test_greets": 3,
    "milestone wave/test_waves": 2,
}


def make_course_with_milestones(root: Path) -> Course:
    course = load_course(add_wave(make_course_with_milestone(root)))
    (root / MANIFEST_FILE).write_text(make_manifest(course, TESTS.items()).to_text())
    return course


def edit(course: Course, old: str, new: str, module: int = 0) -> None:
    """Replace text that stands once in a module's source."""
    path = course.source_file(course.modules[module])
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
