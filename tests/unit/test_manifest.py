"""The manifest: read, refused, made, and its hashes."""

import hashlib
import json

import pytest

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.core.manifest import (
    MANIFEST_FILE,
    Manifest,
    load_manifest,
    make_manifest,
    with_hidden,
)

TESTS = [("00/test_b", 3), ("00/test_a", 4), ("01/test_c", 4)]


def test_it_is_read(course):
    manifest = load_manifest(course)
    assert manifest.of(checkpoint_group("01")) == {"01/test_shout": 4}
    assert manifest.of(checkpoint_group("02")) == {}


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 2, "tests": {}, "files": {}}', "format 2 is unknown"),
        ('{"format": 1, "tests": [], "files": {}}', "is damaged"),
        ('{"format": 1, "tests": {"00": {}}, "files": {}}', "does not list checkpoint 01"),
        ("", "is damaged"),
        ("null", "is damaged"),
        ('{"tests": {}, "files": {}}', "is damaged (KeyError('format'))"),
        ('{"format": 1, "tests": {}}', "is damaged (KeyError('files'))"),
        ('{"format": 1, "tests": {"00": 1}, "files": {}}', "is damaged"),
        ('{"format": "1", "tests": {}, "files": {}}', "format '1' is unknown"),
        ('{"format": 1, "tests": {"00": {"00/a": "x"}}, "files": {}}', "'00/a' is worth 'x'"),
        ('{"format": 1, "tests": {"00": {"00/a": null}}, "files": {}}', "is worth None"),
        ('{"format": 1, "tests": {"00": {"00/a": -1}}, "files": {}}', "is worth -1"),
        ('{"format": 1, "tests": {"00": {"00/a": NaN}}, "files": {}}', "is worth nan"),
        ('{"format": 1, "tests": {"00": {"00/a": true}}, "files": {}}', "is worth True"),
        ('{"format": 1, "tests": {"00": {"01/a": 1}}, "files": {}}', "is not a test of"),
        (
            '{"format": 1, "tests": {"00": {"00/\\u001b[2J": 1}}, "files": {}}',
            "is not a test of",
        ),
        ('{"format": 1, "tests": {}, "files": {"a\\u001b[2J": ""}}', "is not a file of"),
        ('{"format": 1, "tests": {}, "files": {"../a": ""}}', "'../a' is not a file of the course"),
        ('{"format": 1, "tests": {}, "files": {"a/../../b": ""}}', "is not a file of"),
        (
            '{"format": 1, "tests": {}, "files": {"/etc/a": ""}}',
            "'/etc/a' is not a file of the course",
        ),
        (
            '{"format": 1, "tests": {}, "files": {"a\\\\..\\\\b": ""}}',
            "is not a file of",
        ),
        ('{"format": 1, "tests": {}, "files": {"C:a": ""}}', "'C:a' is not a file of the course"),
        ('{"format": 1, "tests": {}, "files": {"a\\u0000": ""}}', "is not a file of"),
        (
            '{"format": 1, "tests": {}, "files": {"sitecustomize.py": ""}}',
            "is not a file of",
        ),
        (
            '{"format": 1, "tests": {}, "files": {"hidden/conftest.py": ""}}',
            "is not a file of the cou",
        ),
        ('{"format": 1, "tests": {}, "files": {"data": ""}}', "'data' is not a file of the course"),
        (
            '{"format": 1, "tests": {}, "files": {"data/con.txt": ""}}',
            "is not a file of",
        ),
        ('{"format": 1, "tests": {}, "files": {"data/a": 1}}', "1 is not a hash of 'data/a'"),
        (
            '{"format": 1, "tests": {"../x": {}}, "files": {}}',
            "'../x' is not a checkpoint",
        ),
        ('{"format": 1, "tests": {"secret 00": {}}, "files": {}}', "is not a group of tests"),
        ('{"format": 1, "tests": {"00": {"00/a": 1000001}}, "files": {}}', "is worth 1000001"),
        ('{"format": 1, "tests": ' + "[" * 5000, "is damaged"),
    ],
)
def test_a_bad_one_is_refused_with_the_fix(course, text, message):
    (course.root / MANIFEST_FILE).write_text(text)
    with pytest.raises(CourseError) as error:
        load_manifest(course)
    assert message in str(error.value) and "run `tito manifest`." in str(error.value)
    assert str(error.value).startswith("checkpoints/manifest.json") and "\n" not in str(error.value)


def test_one_that_is_missing_or_no_text_is_refused_with_the_fix(course):
    path = course.root / MANIFEST_FILE
    path.write_bytes(b'{"format": 1, "\xff": 2}')
    with pytest.raises(CourseError, match=r"^checkpoints/manifest\.json is damaged \(Unicode"):
        load_manifest(course)
    path.unlink()
    with pytest.raises(CourseError) as error:
        load_manifest(course)
    assert str(error.value) == (
        "checkpoints/manifest.json cannot be read: No such file or directory; run `tito manifest`."
    )


def test_a_planned_checkpoint_need_not_be_listed_and_a_foreign_one_may_be(course):
    (course.root / MANIFEST_FILE).write_text(
        '{"format": 1, "tests": {"00": {}, "01": {}, "77": {"77/a": 1}}, "files": {"data/a": "b"}}'
    )
    manifest = load_manifest(course)
    assert manifest == Manifest(
        {
            checkpoint_group("00"): {},
            checkpoint_group("01"): {},
            checkpoint_group("77"): {"77/a": 1},
        },
        {"data/a": "b"},
    )
    assert manifest.of(checkpoint_group("02")) == {}


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"tests": {}}', "no test is in it"),
        ('{"tests": {"00": {}}}', "'00' is not a group of hidden tests, such as 'hidden 01'"),
        ('{"tests": {"hidden 00": {"hidden 00/a": "3"}}}', "'hidden 00/a' is worth '3'"),
        ('{"tests": []}', "has no attribute 'items'"),
    ],
)
def test_a_manifest_of_hidden_tests_adds_to_the_courses_own_and_no_more(
    course, tmp_path, text, message
):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(CourseError) as error:
        with_hidden(load_manifest(course), tmp_path)
    assert message in str(error.value) and "run `tito manifest --hidden DIR`" in str(error.value)


def test_the_text_is_plain_and_ends_with_a_newline():
    text = Manifest({checkpoint_group("00"): {"00/test_größer": 1.5}}, {"a.py": "0f"}).to_text()
    assert text == (
        '{\n "format": 1,\n "tests": {\n  "00": {\n   "00/test_gr\\u00f6\\u00dfer": 1.5\n  }\n },\n'
        ' "files": {\n  "a.py": "0f"\n }\n}\n'
    )


@pytest.mark.parametrize(
    "tests, total",
    [
        ([("00/a", 6), ("01/c", 4)], "6"),
        ([("00/a", 7), ("00/b", 0.5), ("01/c", 4)], "7.5"),
        ([("01/c", 4)], "0"),
    ],
    ids=["less", "more", "none"],
)
def test_the_total_of_each_checkpoint_is_that_of_course_toml(course, tests, total):
    with pytest.raises(CourseError) as error:
        make_manifest(course, tests)
    assert str(error.value) == (
        f"checkpoints/checkpoint_00_numbers.py: the points of its tests add up to {total}, but"
        " course.toml gives checkpoint 00 7; change one."
    )


def test_halves_add_up(course):
    tests = [("00/a", 3.5), ("00/b", 2.5), ("00/c", 1), ("01/c", 4)]
    assert make_manifest(course, tests).of(checkpoint_group("00")) == {
        "00/a": 3.5,
        "00/b": 2.5,
        "00/c": 1,
    }


def test_it_is_made_in_order_and_read_back(course):
    manifest = make_manifest(course, TESTS)
    assert json.loads(manifest.to_text())["tests"] == {
        "00": {"00/test_a": 4, "00/test_b": 3},
        "01": {"01/test_c": 4},
    }
    assert list(manifest.of(checkpoint_group("00"))) == ["00/test_a", "00/test_b"]
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


def test_which_files_are_hashed(course):
    before = make_manifest(course, TESTS).files
    added = {
        "conftest.py": "x = 1\n",
        "checkpoints/data/numbers.bin": "x\r\n",
        "checkpoints/data/deep/more.txt": "",
    }
    left_out = [
        "checkpoints/__pycache__/a.pyc",
        "checkpoints/manifest.json",
        "src/03_later.py",
        "other.py",
    ]
    for name in [*added, *left_out]:
        path = course.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(added.get(name, "").encode())
    after = make_manifest(course, TESTS).files
    assert set(after) - set(before) == set(added)
    assert list(after) == sorted(after)
    assert after["conftest.py"] == hashlib.sha256(b"x = 1\n").hexdigest()
    assert after["checkpoints/data/numbers.bin"] == hashlib.sha256(b"x\r\n").hexdigest()


@pytest.mark.parametrize("name", ["a.py", "a.toml", "a.json", "a.md"])
def test_newlines_of_text_do_not_change_its_hash(course, name):
    path = course.root / "checkpoints" / name
    hashes = []
    for content in (b"a\nb\n", b"a\r\nb\r\n", b"a\nb"):
        path.write_bytes(content)
        hashes.append(make_manifest(course, TESTS).files[f"checkpoints/{name}"])
    assert hashes == [
        hashlib.sha256(content).hexdigest() for content in (b"a\nb\n", b"a\nb\n", b"a\nb")
    ]
