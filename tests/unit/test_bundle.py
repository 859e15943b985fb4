"""The autograder's zip: what is in it, what never is, and the same bytes every time."""

import base64
import csv
import hashlib
import io
import json
import stat
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from mini_course import make_course_with_milestone

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.manifest import load_manifest, make_manifest
from pytest_tinytorch.grading.gradescope.archive import zipped
from pytest_tinytorch.grading.gradescope.bundle import make_bundle, write_bundle
from pytest_tinytorch.grading.gradescope.config import AutograderConfig
from pytest_tinytorch.grading.gradescope.wheel import make_wheel

PACKAGE = Path(__file__).parents[2] / "pytest_tinytorch"


TESTS = {
    **{f"00/test_{name}": points for name, points in (("add", 3), ("double", 4))},
    "01/test_shout": 4,
}


def opened(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def bundle(course, ids="all", hidden=None, seed=0, level="none"):
    return make_bundle(course, ids, hidden, seed, level)


@pytest.fixture
def course(course):
    """The small course, with its files in its manifest, as `tito manifest` writes it."""
    (course.root / "conftest.py").write_text('"""Fixtures."""\n')
    tests = load_manifest(course).tests
    pairs = [(name, points) for group in tests.values() for name, points in group.items()]
    path = course.root / "checkpoints/manifest.json"
    path.write_text(make_manifest(course, pairs).to_text())
    return course


@pytest.fixture
def hidden(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "checkpoint_00_numbers.py").write_text("SECRET = 1\n")
    (folder / "solution.py").write_text("never\n")
    tests = {"hidden 00": {"hidden 00/test_secret": 4}, "hidden 01": {"hidden 01/test_x": 2}}
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "tests": tests}))
    return folder


# --- the zip ------------------------------------------------------------------------------------


def test_the_same_files_give_the_same_bytes_in_any_order():
    files = {"b": b"2", "a/c": b"1" * 1000}
    content = zipped(files, ["b"])
    assert content == zipped(dict(reversed(files.items())), ["b"])
    entries = opened(content).infolist()
    assert [e.filename for e in entries] == ["a/c", "b"]
    assert [stat.S_IMODE(e.external_attr >> 16) for e in entries] == [0o644, 0o755]
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}


# --- the wheel ----------------------------------------------------------------------------------


def test_the_wheel_has_every_file_of_the_plugin_with_its_hash():
    name, content = make_wheel()
    version = metadata.version("pytest-tinytorch")
    assert name == f"pytest_tinytorch-{version}-py3-none-any.whl"
    archive = opened(content)
    files = [p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    about = f"pytest_tinytorch-{version}.dist-info/"
    names = {p.relative_to(PACKAGE.parent).as_posix() for p in files}
    assert {n for n in archive.namelist() if not n.startswith(about)} == names
    rows = list(csv.reader(io.StringIO(archive.read(f"{about}RECORD").decode())))
    assert {row[0] for row in rows} == set(archive.namelist())
    for name, digest, size in rows:
        if not name.endswith("RECORD"):
            data = archive.read(name)
            wanted = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            assert (digest, size) == (f"sha256={wanted}", str(len(data)))
    assert b"pytest_tinytorch.plugin" in archive.read(f"{about}entry_points.txt")
    assert b"Requires-Dist: numpy" in archive.read(f"{about}METADATA")
    assert b"Tag: py3-none-any" in archive.read(f"{about}WHEEL")
    assert make_wheel()[1] == content


def test_a_plugin_that_is_not_installed_is_one_line(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(CourseError, match=r"pytest-tinytorch is not installed here.*pip install"):
        make_wheel()


# --- the bundle ---------------------------------------------------------------------------------


def test_the_bundle_has_the_course_the_plugin_and_two_scripts(course):
    made = bundle(course)
    archive = opened(made.content)
    (wheel,) = [name for name in archive.namelist() if name.endswith(".whl")]
    assert archive.read(wheel) == make_wheel()[1]
    assert set(archive.namelist()) == {
        "autograder.json",
        "course/checkpoints/manifest.json",
        "run_autograder",
        "setup.sh",
        wheel,
    } | {f"course/{name}" for name in load_manifest(course).files}
    modes = {e.filename: stat.S_IMODE(e.external_attr >> 16) for e in archive.infolist()}
    assert (modes["setup.sh"], modes["run_autograder"], modes[wheel]) == (0o755, 0o755, 0o644)
    assert archive.read("run_autograder").startswith(b"#!/usr/bin/env bash\n")
    assert (made.checkpoints, made.points) == (("00", "01"), 11)
    assert bundle(course).content == made.content


def test_no_source_and_no_generated_file_is_in_it(course):
    (course.root / "mini/core").mkdir(parents=True)
    (course.root / "mini/core/numbers.py").write_text("def add(a, b):\n    return a + b\n")
    (course.root / "solution.py").write_text("def add(a, b):\n    return a + b\n")
    archive = opened(bundle(course).content)
    assert not [n for n in archive.namelist() if n.startswith(("course/src", "course/mini"))]
    contents = b"".join(archive.read(n) for n in archive.namelist() if n.startswith("course/"))
    assert b"return a + b" not in contents


def test_what_it_is_told(course, hidden):
    made = bundle(course, "words", hidden, seed=7, level="landlock")
    archive = opened(made.content)
    config = AutograderConfig.from_text(archive.read("autograder.json").decode())
    assert config == AutograderConfig(("01",), 7, "landlock")
    assert config.options() == ["--checkpoint=01", "--seed=7", "--require-isolation=landlock"]
    secrets = {name for name in archive.namelist() if name.startswith("hidden/")}
    assert secrets == {"hidden/checkpoint_00_numbers.py", "hidden/manifest.json"}
    assert (made.checkpoints, made.points) == (("01",), 6)
    assert bundle(course, "all", hidden).points == 17


def test_milestones_are_graded_alone_or_beside_checkpoints(course, hidden):
    make_course_with_milestone(course.root)
    with_milestone = load_course(course.root)
    tests = [*TESTS.items(), ("milestone greeting/test_greets", 3)]
    path = course.root / "checkpoints/manifest.json"
    path.write_text(make_manifest(with_milestone, tests).to_text())
    alone = make_bundle(with_milestone, "", None, 0, "none", "all")
    archive = opened(alone.content)
    config = AutograderConfig.from_text(archive.read("autograder.json").decode())
    assert config.options()[0] == "--milestone=greeting" and "--checkpoint" not in str(config)
    assert (alone.summary, alone.points) == ("milestones greeting", 3)
    assert "course/milestones/greeting/test_greeting.py" in archive.namelist()
    both = make_bundle(with_milestone, "01", hidden, 0, "none", "greeting")
    assert both.summary == "checkpoints 01 and milestones greeting"
    assert both.points == 4 + 2 + 3
    config = AutograderConfig.from_text(opened(both.content).read("autograder.json").decode())
    assert config.options()[:2] == ["--checkpoint=01", "--milestone=greeting"]
    assert [str(group) for group in config.groups] == ["01", "milestone greeting"]


def test_orders_of_another_version_are_refused():
    with pytest.raises(CourseError, match=r"another version; make the bundle again"):
        AutograderConfig.from_text('{"format": 2, "checkpoints": []}')


MISTAKES = {
    "unknown": (("numbrs",), "unknown id 'numbrs' (did you mean 'numbers'?)"),
    "next": (("next",), "--checkpoint next depends on a student's progress; name the checkpoints"),
    "stale": (("stale",), "--checkpoint stale depends on a student's progress"),
    "level": (("all", None, 0, "total"), "--require-isolation 'total': one of none, process"),
    "hidden": (("all", Path("nowhere")), "--hidden nowhere: is not there; give a folder"),
}


@pytest.mark.parametrize("arguments, words", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line(course, arguments, words):
    with pytest.raises(CourseError) as error:
        bundle(course, *arguments)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_the_manifest_does_not_know_like_this_is_no_autograder(course):
    path = course.root / "checkpoints/checkpoint_00_numbers.py"
    path.write_text(path.read_text() + "# changed\n")
    words = r"checkpoint_00_numbers.py differs from .*manifest.json; run `tito manifest`"
    with pytest.raises(CourseError, match=words):
        bundle(course)
    (course.root / "conftest.py").unlink()
    path.write_text(path.read_text().removesuffix("# changed\n"))
    with pytest.raises(CourseError, match=r"conftest.py cannot be read: No such file"):
        bundle(course)


def test_an_earlier_zip_is_kept_and_an_equal_one_left_alone(course, tmp_path):
    target = tmp_path / "new/autograder.zip"
    made = bundle(course)
    assert write_bundle(made, target) == [
        f"written: {target} ({made.files} files, {len(made.content) / 1e6:.1f} MB)"
    ]
    assert write_bundle(made, target) == [f"unchanged: {target}"]
    other = bundle(course, seed=1)
    assert write_bundle(other, target)[0] == "the earlier autograder.zip is now autograder.zip.old"
    assert target.read_bytes() == other.content
    assert (tmp_path / "new/autograder.zip.old").read_bytes() == made.content
    assert sorted(p.name for p in target.parent.iterdir()) == [target.name, f"{target.name}.old"]


def test_a_place_that_cannot_be_written_is_one_line(course, tmp_path):
    with pytest.raises(CourseError, match=r"is a folder; write a file: .*/autograder.zip"):
        write_bundle(bundle(course), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match=r"autograder.zip cannot be written: "):
        write_bundle(bundle(course), tmp_path / "file/autograder.zip")
