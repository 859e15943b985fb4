"""Exceptions become reasons, words and lines of the student's own source."""

import importlib
import sys
import warnings
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CheckFailed, CheckMisused
from pytest_tinytorch.core.records import Reason
from pytest_tinytorch.diagnosis.call_trace import CallTrace
from pytest_tinytorch.diagnosis.explain import diagnose
from pytest_tinytorch.diagnosis.mistakes import unexported
from pytest_tinytorch.diagnosis.sources import StudentSources
from pytest_tinytorch.export.service import export

BODY = '''
# %%
#| export
def given(a):
    """Hands its work on."""
    try:
        return task(a)
    except ValueError as error:
        raise ValueError(f"better words: {error}") from None


def task(a):
    """The student's part."""
    ### BEGIN SOLUTION
    if a < 0:
        raise ValueError("negative")
    if a == 0:
        raise NotImplementedError("task")
    if a == 1:
        raise KeyError("one")
    return [inner(a) for _ in range(2)]
    ### END SOLUTION


def inner(a):
    ### BEGIN SOLUTION
    return a + 1
    ### END SOLUTION
'''


def forget_package():
    for name in [name for name in sys.modules if name.split(".")[0] == "mini"]:
        del sys.modules[name]


@pytest.fixture
def numbers_with(course, monkeypatch):
    """Imports the student's first module, with some cells added at its end."""

    def load(cells):
        source = course.source_file(course.modules[0])
        source.write_text(source.read_text() + cells)
        export(course)
        importlib.invalidate_caches()
        return importlib.import_module("mini.core.numbers")

    monkeypatch.syspath_prepend(str(course.root))
    forget_package()
    yield load
    forget_package()


@pytest.fixture
def student(numbers_with):
    """The student's module, with the functions above."""
    return numbers_with(BODY)


@pytest.fixture
def sources(course):
    return StudentSources(course)


def line_of(course, text):
    lines = course.source_file(course.modules[0]).read_text().splitlines()
    [number] = [n for n, line in enumerate(lines, 1) if text in line]
    return number


def explained(action, sources, trace=None):
    try:
        action()
    except BaseException as error:
        return diagnose(error, sources, trace)
    raise AssertionError("nothing was raised")


def places(diagnosis):
    return [(str(place), place.function) for place in diagnosis.locations]


def test_an_exception_of_the_student(course, student, sources):
    found = explained(lambda: student.task(1), sources)
    line = line_of(course, 'KeyError("one")')
    assert (found.reason, found.message) == (Reason.RAISED, "KeyError: 'one'")
    assert places(found) == [(f"src/01_numbers.py:{line}", "task")]
    assert found.locations[0].excerpt[2] == (line, '        raise KeyError("one")')
    assert [number for number, _ in found.locations[0].excerpt] == list(range(line - 2, line + 3))


def test_what_is_not_written_yet(course, student, sources):
    found = explained(lambda: student.given(0), sources)
    line = line_of(course, "NotImplementedError")
    assert (found.reason, found.message) == (Reason.NOT_WRITTEN, "not written yet: task")
    assert places(found) == [(f"src/01_numbers.py:{line}", "task")]


def test_a_name_that_is_nowhere_needs_no_hint(numbers_with, sources):
    functions = "def total(a):\n    return elsewhere(a)\n\n\ndef other(a):\n    return a[5]\n"
    cell = f"\n# %%\n#| export\n{functions}"
    student = numbers_with(cell)
    found = explained(lambda: student.total([1]), sources)
    assert "name 'elsewhere' is not defined" in found.message
    assert found.is_complete
    assert not explained(lambda: student.other([1]), sources).is_complete


def test_given_code_that_says_it_better_does_not_hide_the_line(course, student, sources):
    found = explained(lambda: student.given(-1), sources)
    line = line_of(course, 'ValueError("negative")')
    assert found.message == "ValueError: better words: negative"
    assert places(found) == [(f"src/01_numbers.py:{line}", "task")]


def test_a_wrong_value_leads_to_what_computed_it(course, student, sources):
    trace = CallTrace(sources, __file__)

    def use():
        with trace:
            student.add(1, 1)
            value = student.given(3)
            raise CheckFailed(f"got {value}")

    found = explained(use, sources, trace)
    tasks = [line_of(course, "return [inner(a)"), line_of(course, "    return a + 1")]
    names = [
        (f"src/01_numbers.py:{line}", name)
        for line, name in zip(tasks, ("task", "inner"), strict=True)
    ]
    assert (found.reason, found.message) == (Reason.WRONG, "got [4, 4]")
    assert sorted(places(found)) == sorted(names)


def test_only_the_calls_of_the_failing_statement_count(course, student, sources):
    trace = CallTrace(sources, __file__)

    def use():
        with trace:
            student.given(3)
            raise CheckFailed(f"got {student.add(1, 1)}")

    line = line_of(course, "    return a + b")
    assert places(explained(use, sources, trace)) == [(f"src/01_numbers.py:{line}", "add")]


def test_a_profiler_that_is_there_first_stays(sources):
    def profiler(*event):
        pass

    sys.setprofile(profiler)
    try:
        with CallTrace(sources, __file__):
            assert sys.getprofile() is profiler
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)


def test_examples_are_watched_from_the_first_failure_on(student, sources):
    trace = CallTrace(sources, __file__)

    def example(value):
        assert student.add(value, 0) < 2

    watched = trace.from_first_failure(example)
    for value in (0, 1):
        watched(value)
    assert not trace.calls
    for _ in range(2):
        with pytest.raises(AssertionError):
            watched(2)
    assert [call.returns[0][2] for call in trace.calls] == ["add"]


def test_a_module_that_fails_on_import(course, sources, monkeypatch):
    source = course.source_file(course.modules[0])
    source.write_text(source.read_text() + "\n# %%\n#| export\nboom = 1 / 0\n")
    export(course)
    monkeypatch.syspath_prepend(str(course.root))
    monkeypatch.delitem(sys.modules, "mini", raising=False)
    found = explained(lambda: importlib.import_module("mini.core.numbers"), sources)
    line = line_of(course, "boom")
    place = f"src/01_numbers.py:{line}"
    assert (found.reason, str(found.locations[0])) == (Reason.BROKEN_IMPORT, place)
    assert found.message == f"{place} fails on import: ZeroDivisionError: division by zero"
    del sys.modules["mini"]


def test_a_source_that_does_not_compile(sources):
    error = SyntaxError("invalid syntax", ("src/01_numbers.py", 11, 5, "return a +"))
    found = diagnose(error, sources, None)
    assert found.reason is Reason.BROKEN_IMPORT
    assert found.message == "src/01_numbers.py:11 does not compile: invalid syntax"
    assert str(found.locations[0]) == "src/01_numbers.py:11"


def test_errors_that_are_not_the_students(sources):
    assert diagnose(CheckMisused("empty"), sources, None).reason is Reason.HARNESS
    found = explained(lambda: 1 / 0, sources)
    assert (found.reason, found.locations) == (Reason.RAISED, ())


def test_the_first_of_a_group_and_the_cause_of_a_chain(course, student, sources):
    def chained():
        try:
            student.task(1)
        except KeyError as error:
            raise RuntimeError("outer") from error

    found = explained(chained, sources)
    assert found.message == "RuntimeError: outer" and found.locations[0].function == "task"
    group = ExceptionGroup("two", [ValueError("first"), ValueError("second")])
    assert diagnose(group, sources, None).message == "ValueError: first"


class Unprintable(Exception):
    def __str__(self):
        raise ZeroDivisionError


def test_messages_that_are_long_or_none(sources):
    assert diagnose(ValueError(), sources, None).message == "ValueError"
    found = diagnose(Unprintable(), sources, None)
    assert found.message == "Unprintable: (its message cannot be read: ZeroDivisionError)"
    assert len(diagnose(ValueError("x" * 10_000), sources, None).message) < 2100


def test_the_counter_example_without_fixtures(sources):
    error = CheckFailed("wrong")
    error.add_note(
        "Failing test case: test_a(\n    tt=<module>,\n    a=array([1.,\n       2.]),\n)"
    )
    assert diagnose(error, sources, None, {"a"}).example == "a=array([1.,\n   2.]),"
    assert diagnose(error, sources, None).example == ""
    other = CheckFailed("wrong")
    other.add_note("a note of somebody else")
    assert diagnose(other, sources, None, {"a"}).example == ""


def test_a_line_outside_any_source_has_no_place(course, sources):
    assert sources.locate(__file__, 1) is None
    assert sources.locate(str(course.root / "mini/core/none.py"), 1) is None
    assert not sources.owns(str(course.root / "mini/__init__.py"))
    assert Path(sources.root_file) == course.root / "mini/__init__.py"


def test_the_last_hypothesis_says_its_example_as_we_read_it():
    """Their wording is no promise: this notices when it changes."""
    from hypothesis import given, settings
    from hypothesis import strategies as st

    @settings(database=None, print_blob=False)
    @given(value=st.integers())
    def test_inner(value):
        assert value < 5

    with warnings.catch_warnings(), pytest.raises(AssertionError) as error:
        warnings.simplefilter("ignore")
        test_inner()
    from pytest_tinytorch.diagnosis.explain import _counter_example

    assert _counter_example(error.value, {"value"}) == "value=5,"


METHODS = """
# %%
#| export
class A:
    def method(self):
        raise NotImplementedError("method")


def outer():
    def inside():
        raise RuntimeError("inside")

    return inside()


def make():
    class B:
        def call(self):
            raise RuntimeError("inner")

    return B()
"""


# call -> message, the line's text, function
CALLS = {
    "method": ("A().method()", "not written yet: A.method", '("method")', "A.method"),
    "inner function": ("outer()", "RuntimeError: inside", '("inside")', "outer.inside"),
    "class inside": ("make().call()", "RuntimeError: inner", '("inner")', "make.B.call"),
}


@pytest.mark.parametrize("call, message, text, function", CALLS.values(), ids=CALLS)
def test_a_function_is_named_as_it_is_written(
    course, numbers_with, sources, call, message, text, function
):
    numbers = numbers_with(METHODS)
    found = explained(lambda: eval(call, vars(numbers)), sources)
    assert found.message == message
    assert places(found) == [(f"src/01_numbers.py:{line_of(course, text)}", function)]


def test_the_last_line_of_the_student_is_where_it_happened(course, student, sources):
    """Not where the student's code was called, nor where a library's code raised."""
    found = explained(lambda: student.mean([None]), sources)
    assert found.reason is Reason.RAISED
    assert places(found) == [(f"src/01_numbers.py:{line_of(course, '    return a + b')}", "add")]
    found = explained(lambda: student.mean(None), sources)
    line = line_of(course, "for value in values:")
    assert places(found) == [(f"src/01_numbers.py:{line}", "mean")]


CATCHES = """
# %%
#| export
def catches(a):
    try:
        return add(a, 1)
    except TypeError:
        raise ValueError("a has no sum") from None
"""


def test_given_code_that_catches_an_error_of_given_code_is_where_it_happened(
    course, numbers_with, sources
):
    numbers = numbers_with(CATCHES)
    found = explained(lambda: numbers.catches(None), sources)
    line = line_of(course, 'raise ValueError("a has no sum")')
    assert found.message == "ValueError: a has no sum"
    assert places(found) == [(f"src/01_numbers.py:{line}", "catches")]


def test_a_syntax_error_without_a_place_is_an_exception_like_any_other(sources):
    found = diagnose(SyntaxError("no place"), sources, None)
    assert (found.reason, found.message) == (Reason.RAISED, "no place")


def test_an_assertion_of_the_student_is_an_exception_like_any_other(course, numbers_with, sources):
    numbers = numbers_with("\n# %%\n#| export\ndef no():\n    assert 1 == 2\n")
    found = explained(numbers.no, sources)
    assert (found.reason, found.message) == (Reason.RAISED, "AssertionError")
    assert places(found) == [(f"src/01_numbers.py:{line_of(course, 'assert 1 == 2')}", "no")]


@pytest.mark.parametrize(
    "name, module",
    [("later", "03_later, which is not there yet"), ("nothing", None)],
    ids=["a name of the course", "no name of the course"],
)
def test_what_the_door_refuses_is_not_written_yet(student, sources, name, module):
    package = sys.modules["mini"]
    found = explained(lambda: getattr(package, name), sources)
    assert (found.reason, found.locations) == (Reason.NOT_WRITTEN, ())
    assert (module or "module 'mini' has no attribute 'nothing'") in found.message


def test_not_implemented_outside_the_students_code_is_no_task(sources):
    def somewhere():
        raise NotImplementedError("elsewhere")

    found = explained(somewhere, sources)
    assert (found.reason, found.message) == (Reason.RAISED, "NotImplementedError: elsewhere")


def test_an_explicit_cause_is_where_to_look_and_an_implicit_one_is_not(course, student, sources):
    def implicit():
        try:
            student.inner(None)
        except TypeError:
            student.task(1)

    found = explained(implicit, sources)
    assert found.message == "KeyError: 'one'"
    assert places(found) == [(f"src/01_numbers.py:{line_of(course, 'KeyError(')}", "task")]


def test_causes_in_a_circle_end(sources):
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert diagnose(first, sources, None).message == "ValueError: first"


def test_a_group_in_a_group_is_its_first_exception(course, student, sources):
    def grouped():
        try:
            student.task(1)
        except KeyError as error:
            raise ExceptionGroup("a", [ExceptionGroup("b", [error]), ValueError("c")]) from None

    found = explained(grouped, sources)
    assert (found.reason, found.message) == (Reason.RAISED, "KeyError: 'one'")
    assert found.locations[0].function == "task"


@pytest.mark.parametrize(
    "error, reason, message",
    [
        (AssertionError("text"), Reason.WRONG, "AssertionError: text"),
        (AssertionError(), Reason.WRONG, "AssertionError"),
        (CheckFailed("a: got 1"), Reason.WRONG, "a: got 1"),
        (CheckMisused("empty"), Reason.HARNESS, "CheckMisused: empty"),
        (ValueError("x"), Reason.RAISED, "ValueError: x"),
        (KeyboardInterrupt(), Reason.RAISED, "KeyboardInterrupt"),
        (
            SystemExit(3),
            Reason.RAISED,
            "sys.exit() and quit() end the whole program: remove the call",
        ),
        (TimeoutError("Timeout"), Reason.RAISED, "TimeoutError: Timeout"),
        (pytest.fail.Exception("no reason"), Reason.RAISED, "no reason"),
    ],
    ids=[
        "assertion",
        "assertion without words",
        "check",
        "misused check",
        "exception",
        "interrupt",
        "exit",
        "their own timeout",
        "pytest.fail",
    ],
)
def test_errors_without_a_line_of_the_student(sources, error, reason, message):
    found = diagnose(error, sources, None)
    assert (found.reason, found.message, found.locations) == (reason, message, ())


def test_a_test_that_takes_too_long(course, student, sources):
    error = pytest.fail.Exception("Timeout (>5.0s) from pytest-timeout.")
    found = diagnose(error, sources, None)
    assert found.reason is Reason.TIMEOUT
    assert found.message == (
        "stopped after the time limit of one test; look for a loop that does not end"
    )

    class Stops:
        def __add__(self, other):
            raise error

    found = explained(lambda: student.add(Stops(), 1), sources)
    assert found.reason is Reason.TIMEOUT
    assert places(found) == [(f"src/01_numbers.py:{line_of(course, '    return a + b')}", "add")]


def test_a_message_is_cut_after_two_thousand_characters(sources):
    found = diagnose(CheckFailed("x" * 2000), sources, None)
    assert found.message == "x" * 2000
    found = diagnose(CheckFailed("x" * 2001), sources, None)
    assert found.message == "x" * 2000 + " [...]"


def test_at_most_three_places_are_shown_the_last_call_first(course, student, sources):
    trace = CallTrace(sources, __file__)

    def use():
        with trace:
            raise CheckFailed(f"{student.add(1, 1), student.double(1), student.mean([1])}")

    found = explained(use, sources, trace)
    assert [function for _, function in places(found)] == ["mean", "double", "add"]

    def more():
        with trace:
            raise CheckFailed(
                f"{student.add(1, 1), student.double(1), student.mean([1]), student.inner(1)}"
            )

    trace.calls.clear()
    found = explained(more, sources, trace)
    assert [function for _, function in places(found)] == ["inner", "mean", "double"]


def test_calls_made_after_the_failing_statement_do_not_count(course, student, sources):
    trace = CallTrace(sources, __file__)

    def on_one_line():
        with trace:
            try:
                raise CheckFailed(f"{student.add(1, 1)}")
            finally:
                student.mean([1])

    def on_several():
        with trace:
            student.double(1)
            try:
                raise CheckFailed(
                    f"{student.add(1, 1)}"
                    "and text"
                )  # fmt: skip
            finally:
                student.mean([1])

    for use in (on_one_line, on_several):
        trace.calls.clear()
        assert [function for _, function in places(explained(use, sources, trace))] == ["add"]


def test_without_a_trace_a_wrong_value_has_no_place(student, sources):
    def use():
        raise CheckFailed(f"{student.add(1, 1)}")

    assert explained(use, sources, None).locations == ()
    assert explained(use, sources, CallTrace(sources, "elsewhere.py")).locations == ()


def test_a_statement_over_several_lines_is_one(course, student, sources):
    trace = CallTrace(sources, __file__)

    def use():
        with trace:
            student.mean([1])
            raise CheckFailed(
                f"{student.add(1, 1)}"
                "and text"
            )  # fmt: skip

    assert [function for _, function in places(explained(use, sources, trace))] == ["add"]


def test_only_the_last_calls_are_remembered(student, sources):
    trace = CallTrace(sources, __file__)
    with trace:
        for number in range(100):
            student.add(number, 1)
    assert len(trace.calls) == 64
    assert sys.getprofile() is None


def test_calls_of_others_are_not_noted(course, student, sources):
    trace = CallTrace(sources, "another_test.py")
    with trace:
        student.add(1, 1)
    assert list(trace.calls) == []


NOTES = {
    "plain": ("Falsifying example: test_a(\n    x=1,\n)", "x=1,"),
    "fixtures": (
        "Failing test case: test_a(\n    tt=1,\n    scaling=<a,\n      b>,\n    x=4,\n)",
        "x=4,",
    ),
    "a name like an input": ("Falsifying example: test_a(\n    xy=1,\n    x=2,\n)", "x=2,"),
    "over several lines": (
        "Falsifying example: test_a(\n    x=array([[1.],\n           [2.]]),\n    y=2,\n)",
        "x=array([[1.],\n       [2.]]),\ny=2,",
    ),
    "fixtures alone": ("Falsifying example: test_a(\n    tt=1,\n)", ""),
    "one line": ("Falsifying example: test_a(x=1)", ""),
    "something else": ("You can reproduce this example by ...", ""),
    "in the middle of a note": ("See: Falsifying example: test_a(\n    x=1,\n)", ""),
}


@pytest.mark.parametrize("note, example", NOTES.values(), ids=NOTES)
def test_the_example_in_a_note(sources, note, example):
    error = CheckFailed("wrong")
    error.add_note("first, a note of somebody else")
    error.add_note(note)
    assert diagnose(error, sources, None, {"x", "y"}).example == example


def test_the_places_of_lines_of_a_source_and_of_its_generated_file(course, sources):
    export(course)
    source = course.source_file(course.modules[0])
    generated = course.target_file("core.numbers")
    text = "    return total / len(values)"
    line = source.read_text().splitlines().index(text) + 1
    there = generated.read_text().splitlines().index(text) + 1
    assert there != line
    wanted = sources.at("src/01_numbers.py", line)
    assert (wanted.file, wanted.line, wanted.function) == ("src/01_numbers.py", line, "mean")
    assert wanted.excerpt[2] == (line, text)
    assert sources.locate(str(source), line) == wanted
    assert sources.locate(str(generated), there) == wanted
    assert sources.locate(str(generated), there, "mine").function == "mine"
    assert sources.locate(str(generated), 1) is None


def test_an_excerpt_ends_where_the_source_does(course, sources):
    lines = course.source_file(course.modules[1]).read_text().splitlines()
    first, last = sources.at("src/02_words.py", 1), sources.at("src/02_words.py", len(lines))
    assert first.excerpt == tuple(enumerate(lines[:3], 1))
    assert last.excerpt == tuple(enumerate(lines[-3:], len(lines) - 2))
    assert sources.at("src/02_words.py", 500).excerpt == ()
    assert sources.at("src/none.py", 1).excerpt == ()


def test_an_excerpt_of_a_line_without_end_is_cut(course, sources):
    name = "src/02_words.py"
    (course.root / name).write_text("a" * 100_000 + "\n" + "\0" * 100_000 + "\nx = 1\n")
    first, second, third = sources.at(name, 2).excerpt
    assert first == (1, "a" * 300 + " [...]")
    assert second[1].startswith("\\x00\\x00") and len(second[1]) < 310
    assert third == (3, "x = 1")


def test_an_excerpt_is_of_the_source_as_it_stands_now(course, sources):
    path = course.source_file(course.modules[1])
    before = sources.at("src/02_words.py", 9).excerpt
    path.write_text(path.read_text().replace(".upper()", ".upper()  # louder"))
    after = sources.at("src/02_words.py", 9).excerpt
    assert before != after and after[2] == (9, "    return double(word).upper()  # louder")


def test_which_lines_are_in_a_task(course, student, sources):
    def is_task(text):
        return sources.is_task(sources.at("src/01_numbers.py", line_of(course, text)))

    assert is_task('raise KeyError("one")')
    assert is_task("def task(a):")
    assert not is_task("return task(a)")
    assert not is_task("def add(a, b):")
    assert not sources.is_task(sources.at("src/01_numbers.py", 1))


def test_the_function_around_a_line_is_the_innermost(course, numbers_with, sources):
    numbers_with(METHODS + "\n\nclass C:\n    only = 1\n")

    def function(text):
        return sources.at("src/01_numbers.py", line_of(course, text)).function

    assert function('("inside")') == "outer.inside"
    assert function("return inside()") == "outer"
    assert function('("method")') == "A.method"
    assert function('("inner")') == "make.B.call"
    assert function("class C:") == function("only = 1") == ""


def test_a_foreign_file_with_marks_of_a_generated_one_is_not_the_students(tmp_path, sources):
    path = tmp_path / "foreign.py"
    path.write_text("# %% src/01_numbers.py:9\nx = 1\n")
    assert sources.locate(str(path), 2) is None


REPOSITORY = load_course(Path(__file__).parents[2])


@pytest.mark.parametrize("module", [m.name for m in REPOSITORY.modules if m.written])
def test_every_cell_that_is_needed_is_exported(module):
    source = REPOSITORY.source_name(REPOSITORY.module_by_name[module])
    assert unexported(StudentSources(REPOSITORY), source) is None


def test_a_cell_that_is_not_exported(course, numbers_with, sources):
    numbers_with("\n# %%\ndef helper(a):\n    return a\n")
    assert unexported(sources, "src/01_numbers.py") is None  # nothing needs it
    numbers_with("\n# %%\n#| export\ndef task(a):\n    return helper(a)\n")
    found = unexported(sources, "src/01_numbers.py")
    line = line_of(course, "def helper")
    assert found.message == (
        f"`helper` is written in src/01_numbers.py:{line}, but its cell has no `#| export`"
    )
    assert str(found.location) == f"src/01_numbers.py:{line}"
