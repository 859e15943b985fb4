"""Where the course is, from a folder and the words of a command; and the nearest valid word."""

import os

import pytest

from pytest_tinytorch.core.discovery import course_root
from pytest_tinytorch.core.errors import nearest

TEXT = "[course]\n"


@pytest.fixture
def two_courses(tmp_path):
    """An outer course with another one in it, and a folder beside them."""
    for name in ("outer/inner/deep", "outer/plain", "beside"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("outer", "outer/inner"):
        (tmp_path / name / "course.toml").write_text(TEXT)
    return tmp_path


@pytest.mark.parametrize(
    "folder, words, root",
    [
        ("outer", [], "outer"),
        ("outer/plain", [], "outer"),
        ("outer/inner/deep", [], "outer/inner"),
        ("outer/inner", ["../plain"], "outer/inner"),
        ("outer", ["inner/deep"], "outer"),
        ("beside", ["../outer/inner"], "beside/../outer/inner"),
        ("beside", ["../outer/plain::test_a"], "beside/../outer"),
        ("beside", ["-k", "x", "../nowhere", "../outer"], "beside/../outer"),
    ],
)
def test_the_nearest_course_upward_from_the_folder_then_from_the_words(
    two_courses, folder, words, root
):
    assert course_root(two_courses / folder, words) == two_courses / root


@pytest.mark.parametrize(
    "words",
    [[], ["../nowhere/outer"], ["--rootdir=../outer"], ["-../outer"], ["::../outer"]],
    ids=["no words", "no such path", "option", "short option", "no path before the colons"],
)
def test_no_course(two_courses, words):
    assert course_root(two_courses / "beside", words) is None


def test_an_absolute_word(two_courses):
    outer = two_courses / "outer"
    assert course_root(two_courses / "beside", [f"{outer}::test_a"]) == outer


@pytest.mark.parametrize(
    "content, found",
    [
        (b"# mine\nformat = 1\n[course]\n", True),
        (b"\xff\n[course]\n", True),
        (b"[course", False),
        (b"[courses]\n", False),
        (b"", False),
    ],
    ids=["ours", "no UTF-8", "half", "another tool's", "empty"],
)
def test_which_files_make_a_folder_a_course(tmp_path, content, found):
    (tmp_path / "course.toml").write_bytes(content)
    assert course_root(tmp_path) == (tmp_path if found else None)


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="permissions do not hold for this user"
)
def test_a_file_that_cannot_be_read_is_no_course(two_courses):
    path = two_courses / "outer/inner/course.toml"
    path.chmod(0)
    assert course_root(path.parent) == two_courses / "outer"


@pytest.mark.parametrize(
    "word, valid, hint",
    [
        ("tenosr", ["layers", "tensor"], " (did you mean 'tensor'?)"),
        ("TENSOR", ["Tensor"], " (did you mean 'Tensor'?)"),
        ("needs", ["need", "needss", "need"], " (did you mean 'needss'?)"),
        ("qqq", ["tensor", "layers"], ""),
        ("tensor", [], ""),
        ("", ["tensor"], ""),
    ],
    ids=["letters swapped", "case", "nearest of several", "none", "no choice", "no word"],
)
def test_the_nearest_word(word, valid, hint):
    assert nearest(word, iter(valid)) == hint
