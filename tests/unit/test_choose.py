"""Which chapters a word names."""

import pytest

from pytest_tinytorch.choose import choose_checkpoints, choose_modules
from pytest_tinytorch.errors import CourseError


def none(word):
    raise AssertionError(f"progress was asked for {word!r}")


@pytest.mark.parametrize(
    "text, ids",
    [
        ("00", "00"),
        ("1", "01"),
        ("Words", "01"),
        ("02_words", "01"),
        ("numbers", "00"),
        ("01,00", "00 01"),
        (" 0 , words ", "00 01"),
        ("00-01", "00 01"),
        ("0-2", "00 01"),
        ("all", "00 01"),
        ("later,words", "01"),
    ],
)
def test_checkpoints(course, text, ids):
    assert [c.id for c in choose_checkpoints(course, text, none)] == ids.split()


def test_next_and_stale_come_from_progress(course):
    answers = {"next": ["01"], "stale": ["00", "01"]}
    assert [c.id for c in choose_checkpoints(course, "next", answers.__getitem__)] == ["01"]
    chosen = choose_checkpoints(course, "stale,00", answers.__getitem__)
    assert [c.id for c in chosen] == ["00", "01"]


@pytest.mark.parametrize("text", ["01", "1", "numbers", "01_numbers", "1-1"])
def test_modules(course, text):
    assert [m.name for m in choose_modules(course, text)] == ["01_numbers"]


@pytest.mark.parametrize("text", ["3", "99", "x", "1-9", "2-1", "-", "0-", "", ",", "next,x"])
def test_unknown_checkpoints_are_named_with_the_valid_ones(course, text):
    with pytest.raises(CourseError) as error:
        choose_checkpoints(course, text, lambda word: [])
    message = str(error.value)
    assert message.startswith(f"--checkpoint {text}: ") and "valid: 00-02" in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["next", "stale", "0", "17"])
def test_unknown_modules(course, text):
    with pytest.raises(CourseError, match=rf"^--module {text}: unknown id '{text}'.*valid: 01-03"):
        choose_modules(course, text)


def test_what_is_planned_is_said_to_be(course):
    with pytest.raises(
        CourseError, match=r"not part of this course yet: 02 Later; there are: 00, 01$"
    ):
        choose_checkpoints(course, "later", none)
    with pytest.raises(CourseError, match=r"yet: 03_later; there are: 01_numbers, 02_words$"):
        choose_modules(course, "later")
