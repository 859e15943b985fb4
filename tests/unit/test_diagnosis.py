"""Exceptions become reasons, words and lines of the student's own source."""

import importlib
import sys
import warnings
from pathlib import Path

import pytest

from pytest_tinytorch.diagnosis import CheckFailed, CheckMisused, diagnose
from pytest_tinytorch.export.service import export
from pytest_tinytorch.record import Reason
from pytest_tinytorch.sources import StudentSources
from pytest_tinytorch.tracing import CallTrace

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


@pytest.fixture
def student(course, monkeypatch):
    """The student's package, with the functions above, and their line numbers."""
    source = course.source_file(course.modules[0])
    source.write_text(source.read_text() + BODY)
    export(course)
    monkeypatch.syspath_prepend(str(course.root))
    for name in [name for name in sys.modules if name.split(".")[0] == "mini"]:
        monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()
    yield importlib.import_module("mini.core.numbers")
    for name in [name for name in sys.modules if name.split(".")[0] == "mini"]:
        del sys.modules[name]


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
    assert diagnose(error, sources, None).example == "a=array([1.,\n   2.]),"
    other = CheckFailed("wrong")
    other.add_note("a note of somebody else")
    assert diagnose(other, sources, None).example == ""


def test_a_line_outside_any_source_has_no_place(course, sources):
    assert sources.locate(__file__, 1) is None
    assert sources.locate(str(course.root / "mini/core/none.py"), 1) is None
    assert not sources.owns(str(course.root / "mini/__init__.py"))
    assert Path(sources.door) == course.root / "mini/__init__.py"


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
    from pytest_tinytorch.diagnosis import _counter_example

    assert _counter_example(error.value) == "value=5,"
