"""Which chapters a word names."""

import pytest
from mini_course import make_course_with_milestone

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.selectors import choose_checkpoints, choose_milestones, choose_modules


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
        ("WORDS", "01"),
        ("01_numbers", "00"),
        ("0,00,numbers,0-0", "00"),
        ("all,1", "00 01"),
        ("1-2", "01"),
        ("1-1,00", "00 01"),
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


def test_progress_may_name_no_checkpoint(course):
    assert choose_checkpoints(course, "stale", lambda word: []) == ()


def test_planned_chapters_among_what_progress_names_are_left_out(course):
    chosen = choose_checkpoints(course, "next", lambda word: ["01", "02"])
    assert [c.id for c in chosen] == ["01"]


# what is typed -> the whole message
MESSAGES = {
    "wrds": (
        "--checkpoint wrds: unknown id 'wrds' (did you mean 'words'?); valid: 00-02, numbers,"
        " words, later, all, next, stale"
    ),
    "00,7": (
        "--checkpoint 00,7: unknown id '7'; valid: 00-02, numbers, words, later, all, next, stale"
    ),
    "01-": (
        "--checkpoint 01-: '01-' is not a range (did you mean '01-02'?); valid: 00-02 or a part of"
        " it, such as 00-01"
    ),
    "-01": (
        "--checkpoint -01: '-01' is not a range (did you mean '01'?); valid: 00-02 or a part of"
        " it, such as 00-01"
    ),
    "07-": ("--checkpoint 07-: '07-' is not a range; valid: 00-02 or a part of it, such as 00-01"),
    "no-word": (
        "--checkpoint no-word: unknown id 'no-word' (did you mean 'words'?); valid: 00-02, numbers,"
        " words, later, all, next, stale"
    ),
    "00-09": (
        "--checkpoint 00-09: '00-09' is not a range (did you mean '00'?); valid: 00-02 or a part"
        " of it, such as 00-01"
    ),
}


@pytest.mark.parametrize("text", MESSAGES)
def test_a_message_names_the_word_and_what_is_valid(course, text):
    with pytest.raises(CourseError) as error:
        choose_checkpoints(course, text, none)
    assert str(error.value) == MESSAGES[text]


def test_a_message_about_modules_names_no_words_of_checkpoints(course):
    with pytest.raises(CourseError) as error:
        choose_modules(course, "next")
    assert str(error.value) == (
        "--module next: unknown id 'next'; valid: 01-03, numbers, words, later, all"
    )


def test_every_word_for_every_chapter_of_the_whole_course(repository):
    course = load_course(repository)
    for checkpoint in course.checkpoints:
        module = course.module_of(checkpoint)
        for word in (checkpoint.id, checkpoint.name, module.topic, module.name):
            if module.written:
                assert choose_checkpoints(course, word, none) == (checkpoint,)
            else:
                with pytest.raises(CourseError, match=f"not part of .* yet: {checkpoint.id} "):
                    choose_checkpoints(course, word, none)


@pytest.mark.parametrize("text", ["greeting", "GREETING", " greeting ", "all", "all,greeting"])
def test_milestones(tmp_path, text):
    course = load_course(make_course_with_milestone(tmp_path))
    assert choose_milestones(course, text) == course.milestones


@pytest.mark.parametrize("text", ["next", "stale", "0", "01-02", "greeting,", "greeting,01"])
def test_what_names_no_milestone(tmp_path, text):
    course = load_course(make_course_with_milestone(tmp_path))
    with pytest.raises(CourseError, match=r"unknown id '.*'.*; valid: greeting, all$"):
        choose_milestones(course, text)


def test_a_milestone_of_modules_to_come_is_named(tmp_path):
    path = make_course_with_milestone(tmp_path) / "course.toml"
    path.write_text(path.read_text().replace('["01_numbers", "02_words"]', '["03_later"]'))
    with pytest.raises(CourseError) as error:
        choose_milestones(load_course(tmp_path), "all")
    assert str(error.value) == (
        "--milestone all: not part of this course yet: greeting A machine that greets;"
        " there are: none"
    )
