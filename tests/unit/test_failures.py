"""What comes back instead of a value: exceptions with their bases, and nothing that was forged."""

import pytest

from pytest_tinytorch.isolation.failures import (
    StudentError,
    death,
    place,
    student_error,
    type_name,
)


def described(**more):
    return {"type": "E", "bases": [], "text": "t", "frames": []} | more


@pytest.mark.parametrize(
    "bases, kinds",
    [
        (["ValueError", "Exception", "BaseException"], [ValueError]),
        (["IndexError", "LookupError", "Exception"], [IndexError, LookupError]),
        (["KeyError", "ValueError", "LookupError", "Exception"], [KeyError, ValueError]),
        (["FileNotFoundError", "OSError", "Exception"], [FileNotFoundError, OSError]),
        (["NotImplementedError", "RuntimeError", "Exception"], [NotImplementedError]),
        (["ExceptionGroup", "BaseExceptionGroup", "Exception"], []),
        (["UnicodeDecodeError", "UnicodeError", "ValueError"], [UnicodeError, ValueError]),
    ],
)
def test_an_exception_has_the_built_in_bases_of_the_students_class(bases, kinds):
    error = student_error(described(type="ShapeError", bases=bases))
    assert isinstance(error, StudentError) and type(error).__name__ == "ShapeError"
    assert [kind for kind in kinds if not isinstance(error, kind)] == []
    assert str(error) == "t"


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "Skipped"])
def test_what_would_end_pytest_is_an_ordinary_exception(name):
    error = student_error(described(type=name, bases=[name, "BaseException"]))
    assert type(error).__name__ == name
    assert isinstance(error, Exception)
    assert not isinstance(error, SystemExit | KeyboardInterrupt | GeneratorExit)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {"type": 5, "bases": 7, "text": None, "frames": "x"},
        {"type": "", "bases": ["int", "print", "Nothing", None], "frames": [1, [2], ["a", "b"]]},
        {"type": "a b\x00c", "bases": ["ValueError"], "place": ["f", "one", "m"]},
        described(cause=[1], context={"type": "X"}),
        described(cause={"cause": {"cause": {"cause": {"cause": {"cause": {"cause": {}}}}}}}),
    ],
)
def test_forged_descriptions_are_still_exceptions(data):
    error = student_error(data)
    assert isinstance(error, StudentError)
    str(error)


@pytest.mark.parametrize(
    "name, kept",
    [
        ("ShapeError", "ShapeError"),
        ("method-wrapper", "method-wrapper"),
        ("Gr\u00f6\u00dfe", "Gr\u00f6\u00dfe"),
        ("Long" * 1000, "Long" * 25),
        ("not graded: no memory left", "object"),
        ("x\nGrade:", "object"),
        ("", "object"),
        (None, "object"),
    ],
)
def test_the_name_of_a_type_is_no_sentence(name, kept):
    assert type_name(name, "object") == kept


def test_words_of_an_exception_stand_behind_a_name():
    error = student_error(described(type="Grade: 15 of 15 points", text=""))
    assert type(error).__name__ == "Exception"
    place = ["Everything is right.\nBut ops.py", 3, "bad"]
    error = student_error(described(type="SyntaxError", bases=["SyntaxError"], place=place))
    assert error.filename is None


def test_half_characters_are_marked():
    """They can be sent to no other process, and ended the worker that tried."""
    frames = [["a.py", 3, "f\ud800", "\udfff"]]
    error = student_error(described(text="half: \ud800", frames=frames))
    assert str(error) == "half: \ufffd"
    assert error.frames == (("a.py", 3, "f\ufffd", "\ufffd"),)


def test_causes_are_kept_but_not_without_end():
    data = described()
    for _ in range(50):
        data = described(cause=data)
    error, links = student_error(data), 0
    while error is not None:
        error, links = error.__cause__, links + 1
    assert links == 6


@pytest.mark.parametrize(
    "file, kept",
    [
        ("core/tensor.py", True),
        ("tensor.py", True),
        ("../../secret.py", False),
        ("/etc/passwd", False),
        ("core/../../x.py", False),
        ("core/tensor.txt", False),
        ("core//tensor.py", False),
        (7, False),
    ],
)
def test_frames_name_files_of_the_package_alone(file, kept):
    error = student_error(described(frames=[[file, 3, "f", "f"]]))
    assert bool(error.frames) == kept


@pytest.mark.parametrize("line", [-1, 2**31, -(10**4000), True, 1.0, "1"])
def test_lines_are_numbers_of_ordinary_size(line):
    """A worker could not send one of thousands of digits, and that was its end."""
    assert place(["a.py", line, "f", "f"]) is None
    data = described(type="SyntaxError", bases=["SyntaxError"], place=["a.py", line, "bad"])
    assert student_error(data).lineno is None


def test_frames_have_words_and_nothing_else():
    for function, code_name in ((object(), "f"), ("f", object()), (None, "f")):
        assert place(["a.py", 3, function, code_name]) is None


def test_of_many_frames_the_last_are_kept():
    frames = [["a.py", line, "f", "f"] for line in range(100)]
    kept = student_error(described(frames=frames)).frames
    assert [place[1] for place in kept] == [*range(80, 100)]


def test_a_syntax_error_knows_its_place():
    error = student_error(
        described(type="SyntaxError", bases=["SyntaxError"], place=["src/a.py", 3, "bad"])
    )
    assert isinstance(error, SyntaxError)
    assert (error.filename, error.lineno, error.msg) == ("src/a.py", 3, "bad")


@pytest.mark.parametrize(
    "status, words",
    [
        (0, "exit code 0: look for os._exit"),
        (3, "exit code 3"),
        (-11, "SIGSEGV): a crash in C code, most often an endless recursion"),
        (-9, "SIGKILL): killed from outside"),
        (-24, "SIGXCPU): the processor time"),
        (-14, "SIGALRM): a signal ended it"),
        (-200, "signal 200"),
    ],
)
def test_how_a_process_ended_is_told_in_words(status, words):
    assert words in death(status)
