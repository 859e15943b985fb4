"""The manifest: read, refused, made, and its hashes."""

import json

import pytest

from pytest_tinytorch.errors import CourseError
from pytest_tinytorch.manifest import MANIFEST_FILE, load_manifest, make_manifest

TESTS = [("00/test_b", 3), ("00/test_a", 4), ("01/test_c", 4)]


def test_it_is_read(course):
    manifest = load_manifest(course)
    assert manifest.of("01") == {"01/test_shout": 4}
    assert manifest.of("02") == {}


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 2, "tests": {}, "files": {}}', "format 2 is unknown"),
        ('{"format": 1, "tests": [], "files": {}}', "is damaged"),
        ('{"format": 1, "tests": {"00": {}}, "files": {}}', "does not list checkpoint 01"),
    ],
)
def test_a_bad_one_is_refused_with_the_fix(course, text, message):
    (course.root / MANIFEST_FILE).write_text(text)
    with pytest.raises(CourseError) as error:
        load_manifest(course)
    assert message in str(error.value) and "run `tito manifest`." in str(error.value)


def test_it_is_made_in_order_and_read_back(course):
    manifest = make_manifest(course, TESTS)
    assert json.loads(manifest.to_text())["tests"] == {
        "00": {"00/test_a": 4, "00/test_b": 3},
        "01": {"01/test_c": 4},
    }
    assert list(manifest.tests["00"]) == ["00/test_a", "00/test_b"]
    (course.root / MANIFEST_FILE).write_text(manifest.to_text())
    assert load_manifest(course) == manifest


def test_points_that_do_not_add_up_are_refused(course):
    with pytest.raises(CourseError) as error:
        make_manifest(course, TESTS[:2])
    assert str(error.value) == (
        "checkpoints/checkpoint_01_words.py: the points of its tests add up to 0, but course.toml"
        " gives checkpoint 01 4; change one."
    )


def test_hashes_are_of_the_courses_own_files_whatever_the_newlines(course):
    before = make_manifest(course, TESTS).files
    assert sorted(before) == [
        "checkpoints/checkpoint_00_numbers.py",
        "checkpoints/checkpoint_01_words.py",
        "course.toml",
    ]
    path = course.root / "course.toml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert make_manifest(course, TESTS).files == before
    path.write_bytes(path.read_bytes() + b"# more\n")
    after = make_manifest(course, TESTS).files
    assert [name for name in after if after[name] != before[name]] == ["course.toml"]
