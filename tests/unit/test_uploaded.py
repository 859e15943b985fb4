"""What a student uploaded to Gradescope: the sources in it, who it is from, and when it came."""

import json
import os

import pytest

from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.grading.gradescope.submission_metadata import handed_in
from pytest_tinytorch.grading.gradescope.uploaded import take_uploaded

# --- sources ------------------------------------------------------------------------------------


@pytest.fixture
def upload(tmp_path):
    (tmp_path / "upload").mkdir()
    return tmp_path / "upload"


def lay(upload, *names):
    for name in names:
        (upload / name).parent.mkdir(parents=True, exist_ok=True)
        (upload / name).write_text(name)


def take(course, upload, tmp_path, checkpoints=("00", "01")):
    tree = tmp_path / "tree"
    tree.mkdir()
    lines = take_uploaded(course, [*map(checkpoint_group, checkpoints)], upload, tree)
    return lines, {p.relative_to(tree).as_posix(): p for p in tree.rglob("*") if p.is_file()}


PLACES = {
    "at the top": ("01_numbers.py", "02_words.py"),
    "as in the course": ("src/01_numbers.py", "src/02_words.py"),
    "mixed": ("01_numbers.py", "src/02_words.py"),
    "a repository in a zip": ("mini-main/src/01_numbers.py", "mini-main/src/02_words.py"),
    "a folder": ("my work/01_numbers.py", "my work/02_words.py"),
}


@pytest.mark.parametrize("names", PLACES.values(), ids=PLACES)
def test_sources_are_found_where_students_put_them(course, upload, tmp_path, names):
    lay(upload, *names)
    lines, taken = take(course, upload, tmp_path)
    assert lines == ["Graded: 01_numbers.py, 02_words.py"]
    assert set(taken) == {"src/01_numbers.py", "src/02_words.py"}
    assert [taken[n].read_text() for n in sorted(taken)] == list(names)


def test_the_place_of_the_course_comes_first(course, upload, tmp_path):
    lay(upload, "01_numbers.py", "old/01_numbers.py", "src/01_numbers.py")
    lines, taken = take(course, upload, tmp_path, ("00",))
    assert lines[0] == "Graded: 01_numbers.py"
    assert "01_numbers.py was ignored: src/01_numbers.py is graded instead" in lines
    assert taken["src/01_numbers.py"].read_text() == "src/01_numbers.py"


def test_a_notebook_is_as_good(course, upload, tmp_path):
    cell = {"cell_type": "code", "source": "#| export\nx = 1", "metadata": {}, "outputs": []}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (upload / "01_numbers.ipynb").write_text(json.dumps(notebook))
    (upload / "02_words.ipynb").write_text("{")
    lines, taken = take(course, upload, tmp_path)
    assert lines[:2] == [
        "Graded: 01_numbers.py",
        "01_numbers.ipynb was read as src/01_numbers.py",
    ]
    assert lines[2].startswith("Ignored: 02_words.ipynb: cannot be read as a notebook")
    assert "x = 1" in taken["src/01_numbers.py"].read_text()


def test_nothing_else_is_taken(course, upload, tmp_path):
    lay(upload, "conftest.py", "course.toml", "checkpoints/manifest.json", "src/evil.py")
    lay(
        upload,
        "pytest.ini",
        "mini/core/numbers.py",
        ".git/01_numbers.py",
        "1/2/3/4/5/6/02_words.py",
    )
    lines, taken = take(course, upload, tmp_path)
    assert taken == {}
    assert lines[0] == "Not found: 01_numbers.py, 02_words.py, nor a notebook of that name"
    assert [line.partition("; files seen: ")[0] for line in lines[1:]] == [
        "nothing found for module 01_numbers",
        "nothing found for module 02_words",
    ]


def test_an_upload_that_is_not_there_is_empty(course, upload, tmp_path):
    upload.rmdir()
    lines, taken = take(course, upload, tmp_path, ("00",))
    assert (lines, taken) == (
        ["Not found: 01_numbers.py, nor a notebook of that name"],
        {},
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize(
    "name, make, words",
    [
        ("01_numbers.py", lambda path: path.symlink_to("/etc/passwd"), "is a link"),
        ("01_numbers.py", os.mkfifo, "is not a plain file"),
        ("01_numbers.py", lambda path: path.write_bytes(bytes(2**20 + 1)), "more than 1048576"),
    ],
    ids=["link", "pipe", "large"],
)
def test_what_is_no_plain_file_is_refused_with_the_reason(
    course, upload, tmp_path, name, make, words
):
    make(upload / name)
    lines, taken = take(course, upload, tmp_path, ("00",))
    assert taken == {} and words in lines[0] and lines[0].startswith("Ignored: ")


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_nothing_behind_a_link_is_seen(course, upload, tmp_path):
    lay(tmp_path / "elsewhere", "01_numbers.py")
    (upload / "src").symlink_to(tmp_path / "elsewhere")
    lines, taken = take(course, upload, tmp_path, ("00",))
    assert taken == {} and lines[0].startswith("Not found: 01_numbers.py")


def test_only_what_the_checkpoints_rest_on_is_asked_for(course, upload, tmp_path):
    lay(upload, "01_numbers.py", "02_words.py")
    lines, taken = take(course, upload, tmp_path, ("00",))
    assert lines == ["Graded: 01_numbers.py"] and set(taken) == {"src/01_numbers.py"}


# --- who, and when ------------------------------------------------------------------------------


def metadata(tmp_path, **changes):
    data = {
        "id": 123456,
        "created_at": "2026-11-20T22:32:22.365935-07:00",
        "assignment": {"due_date": "2026-11-20T23:00:00.000000-07:00", "late_due_date": None},
        "users": [{"email": "ana@example.com", "id": 1234, "name": "Ana"}],
    }
    path = tmp_path / "submission_metadata.json"
    path.write_text(json.dumps(data | changes))
    return handed_in(path)


def test_one_student_in_time(tmp_path):
    who = metadata(tmp_path)
    assert who.student == "ana@example.com"
    assert who.lines == (
        "Student: ana@example.com",
        "Handed in: 2026-11-20 22:32 (UTC-07:00), in time",
    )


def test_a_group_that_is_late(tmp_path):
    users = [{"email": "ana@example.com", "id": 1}, {"email": None, "id": 2, "name": "Bo"}]
    who = metadata(tmp_path, users=users, created_at="2026-11-21T08:05:00+00:00")
    assert who.student == "ana@example.com,2"
    assert who.lines == (
        "Students: ana@example.com, 2",
        "Handed in: 2026-11-21 08:05 (UTC), 2 h 5 min after the due date",
    )


def test_without_a_due_date_nothing_is_late(tmp_path):
    assert metadata(tmp_path, assignment={"due_date": None}).lines[1].endswith("(UTC-07:00)")


@pytest.mark.parametrize(
    "changes",
    [
        {"users": None},
        {"users": [{}]},
        {"created_at": 3},
        {"created_at": "tomorrow"},
        {"created_at": "2026-11-20T22:32:22"},
        {"assignment": 1},
    ],
    ids=str,
)
def test_a_file_that_is_otherwise_is_said_and_no_obstacle(tmp_path, changes):
    who = metadata(tmp_path, **changes)
    assert who.student == "" and "is not as Gradescope documents it" in who.lines[0]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"null", b'"x"'])
def test_a_file_that_is_no_metadata(tmp_path, content):
    path = tmp_path / "submission_metadata.json"
    path.write_bytes(content)
    assert "is not as Gradescope documents it" in handed_in(path).lines[0]


def test_a_file_that_is_not_there(tmp_path):
    who = handed_in(tmp_path / "submission_metadata.json")
    assert who.lines == ("submission_metadata.json cannot be read: No such file or directory",)
