"""Explains a failure: its reason, message, and the student's lines. `hooks.recording` calls it."""

import ast
import functools
import linecache
import re
import textwrap
from collections.abc import Collection
from dataclasses import dataclass, replace
from types import TracebackType

from pytest_tinytorch.core.errors import CheckFailed, CheckMisused
from pytest_tinytorch.core.records import Location, Reason
from pytest_tinytorch.core.text import shortened
from pytest_tinytorch.diagnosis.call_trace import Call, CallTrace
from pytest_tinytorch.diagnosis.mistakes import (
    ENDS_PROGRAM,
    NO_KEYBOARD,
    Case,
    instead_of_module,
    recognized,
)
from pytest_tinytorch.diagnosis.sources import StudentSources
from pytest_tinytorch.isolation.failures import SandboxFailure, StudentError

_LONGEST_MESSAGE = 2000
_MOST_LOCATIONS = 3
# What `input()` raises in a sandbox, and under pytest.
_NO_INPUT = ("EOF when reading a line", "reading from stdin")
_EXPLICABLE = (Reason.RAISED, Reason.WRONG, Reason.NOT_WRITTEN, Reason.BROKEN_IMPORT)
# By these, an inline test reads a result that other functions computed.
_READS = tuple(f"Tensor.{name}" for name in ("numpy", "item", "shape", "dtype", "size", "ndim"))
_ARGUMENT = re.compile(r"\n(?=\w+=)")  # before each argument; further lines of a value are indented


@dataclass(frozen=True)
class Diagnosis:
    reason: Reason
    message: str
    locations: tuple[Location, ...] = ()
    example: str = ""
    is_complete: bool = False  # the message names the cause, so the test's hint adds nothing


@dataclass(frozen=True)
class _Frame:
    file: str
    line: int
    function: str
    code_name: str


def diagnose(
    error: BaseException,
    sources: StudentSources,
    trace: CallTrace | None,
    inputs: Collection[str] = (),
) -> Diagnosis:
    """Explain an exception that ended a test.

    inputs: the names of a property test's arguments that are not fixtures
    """
    error = _first_of_group(error)
    example = _counter_example(error, inputs)
    frames = [frame for link in _chain(error) for frame in _frames(link, sources)]
    found = _diagnosis(error, frames, sources, trace)
    if found.reason not in _EXPLICABLE:
        return replace(found, example=example)
    case = _case(error, frames, sources, trace, found)
    mistake = recognized(case)
    if mistake is None:
        return replace(found, example=example)
    places = found.locations
    if mistake.location is not None:
        places = (mistake.location, *_tests_own(places))
    message = _capped(mistake.message)
    return Diagnosis(Reason.RECOGNIZED, message, places, example, is_complete=True)


def _diagnosis(
    error: BaseException,
    frames: list[_Frame],
    sources: StudentSources,
    trace: CallTrace | None,
) -> Diagnosis:
    """The reason of a failure, its message and the student's lines, from the exception alone."""
    own = _students(error, frames, sources, trace)
    message = _text(error)
    if isinstance(error, RecursionError) and _repeats(own[:-1]):
        own = own[:-1]  # the last call was refused, so none of its lines has run
        message = f"{_readable(own[-1].function)} calls itself again and again: {message}"
    locations = _raised_at(own, error, sources)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        # The export names the source; for a collected source, Python gives the path.
        file = sources.short_name(error.filename)
        location = sources.at(file, error.lineno)
        message = _capped(f"{file}:{error.lineno} does not compile: {message}")
        return Diagnosis(Reason.BROKEN_IMPORT, message, (location,), is_complete=True)
    if isinstance(error, CheckMisused):
        return Diagnosis(Reason.HARNESS, message, is_complete=True)
    if isinstance(error, SandboxFailure):
        return Diagnosis(error.reason, _capped(error.message), locations)
    if "Timeout" in message and _is_pytests_own(error):
        limit = "the time limit of one test; look for a loop that does not end"
        return Diagnosis(Reason.TIMEOUT, f"stopped after {limit}", locations)
    if frames and frames[-1].file == sources.root_file:
        return Diagnosis(Reason.NOT_WRITTEN, _capped(str(error)), is_complete=True)
    if own and own[-1].code_name == "<module>":
        message = f"{locations[0] if locations else own[-1].file} fails on import: {message}"
        return Diagnosis(Reason.BROKEN_IMPORT, message, locations, is_complete=True)
    if isinstance(error, NotImplementedError) and own:
        message = f"not written yet: {own[-1].function}"
        return Diagnosis(Reason.NOT_WRITTEN, message, locations, is_complete=True)
    tests = _locations(_in_test(frames, trace)[-1:], sources)  # only inline tests have a location
    if not own and isinstance(error, AssertionError):
        computed = _computed_by(frames, sources, trace, getattr(error, "leads_to", ""))
        return Diagnosis(Reason.WRONG, message, (*computed, *tests))
    is_complete = message in (NO_KEYBOARD, ENDS_PROGRAM) or isinstance(error, NameError)
    return Diagnosis(Reason.RAISED, message, (*locations, *tests), is_complete=is_complete)


def _repeats(frames: list[_Frame]) -> bool:
    """Whether the last function had called itself, perhaps through others."""
    return frames[-1:] != [] and frames[-1].function in [frame.function for frame in frames[:-1]]


def _students(
    error: BaseException,
    frames: list[_Frame],
    sources: StudentSources,
    trace: CallTrace | None,
) -> list[_Frame]:
    """The frames of student code. Inline tests are in the same file, but given by the course."""
    tests = _in_test(frames, trace)
    own = [frame for frame in frames if sources.owns(frame.file) and frame not in tests]
    inline = any(sources.owns(frame.file) for frame in tests)
    if inline and isinstance(error, AssertionError):
        found = _locations(own, sources)
        if not any(sources.is_task(location) for location in found):
            return []  # a function of the course that the inline test calls has raised it
    return own


def _in_test(frames: list[_Frame], trace: CallTrace | None) -> list[_Frame]:
    if trace is None:
        return []
    return [frame for frame in frames if trace.is_test(frame.file, frame.function)]


def _tests_own(locations: tuple[Location, ...]) -> tuple[Location, ...]:
    return tuple(place for place in locations if place.is_inline_test)


def _case(
    error: BaseException,
    frames: list[_Frame],
    sources: StudentSources,
    trace: CallTrace | None,
    found: Diagnosis,
) -> Case:
    students = tuple(place for place in found.locations if not place.is_inline_test)
    is_wrong = found.reason is Reason.WRONG
    raised = next(iter(students), None) if not is_wrong else None
    in_test = _in_test(frames, trace)
    calls: list[Call] = []
    earlier: list[Call] = []
    if trace is not None and in_test:
        calls = trace.between(*_statement(in_test[-1].file, in_test[-1].line))[::-1]
        earlier = [call for call in trace.recent() if call not in calls]
    cause = _chain(error)[-1]
    computed = students if is_wrong else ()
    test = next(iter(_tests_own(found.locations)), None)
    return Case(cause, _text(cause), raised, test, computed, calls, earlier, sources)


def _first_of_group(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _chain(error: BaseException) -> list[BaseException]:
    """The error and its explicit causes, the root cause last."""
    links = [error]
    while links[-1].__cause__ is not None and links[-1].__cause__ not in links:
        links.append(links[-1].__cause__)
    return links


def _frames(error: BaseException, sources: StudentSources) -> list[_Frame]:
    """The frames of an exception, down to the line that raised it, also in the sandbox."""
    here = [_frame(step) for step in _steps(error.__traceback__)]
    if not isinstance(error, StudentError | SandboxFailure):
        return here
    there = [
        _Frame(sources.generated(file), line, function, code_name)
        for file, line, function, code_name in error.frames
    ]
    return here + there


def _steps(traceback: TracebackType | None) -> list[TracebackType]:
    steps = []
    while traceback is not None:
        steps.append(traceback)
        traceback = traceback.tb_next
    return steps


def _frame(step: TracebackType) -> _Frame:
    code = step.tb_frame.f_code
    return _Frame(code.co_filename, step.tb_lineno or 0, code.co_qualname, code.co_name)


def _raised_at(
    own: list[_Frame], error: BaseException, sources: StudentSources
) -> tuple[Location, ...]:
    """Where student code raised; code given by the course that raised again is skipped."""
    raised = _locations(own[-1:], sources)
    if raised and not sources.is_task(raised[0]) and error.__context__ is not None:
        inner = [f for f in _frames(error.__context__, sources) if sources.owns(f.file)]
        first = _locations(inner[-1:], sources)
        if first and sources.is_task(first[0]):
            return first
    return raised


def _locations(frames: list[_Frame], sources: StudentSources) -> tuple[Location, ...]:
    found = [sources.locate(frame.file, frame.line, _readable(frame.function)) for frame in frames]
    return tuple(location for location in found if location is not None)


def _computed_by(
    frames: list[_Frame], sources: StudentSources, trace: CallTrace | None, leads_to: str
) -> tuple[Location, ...]:
    """For a wrong value: the lines on which the calls of the failing statement returned.

    Only functions that the student has to write are named.
    """
    if trace is None:
        return ()
    in_test = _in_test(frames, trace)
    if not in_test:
        return ()
    first, last = _statement(in_test[-1].file, in_test[-1].line)
    distinct: dict[str, Location] = {}
    for call in reversed(trace.between(first, last)):  # the last call computed the compared value
        found = _locations([_Frame(*place[:3], "") for place in call.returns], sources)
        tasks = [location for location in found if sources.is_task(location)]
        for location in tasks or found[:1]:
            distinct.setdefault(str(location), location)
    if sources.owns(trace.test_file):
        computing = {at: one for at, one in distinct.items() if one.function not in _READS}
        distinct = computing or distinct
    order = sorted(distinct.values(), key=lambda place: not place.function.endswith(leads_to))
    return tuple(order[:_MOST_LOCATIONS])


def _statement(file: str, line: int) -> tuple[int, int]:
    """The first and last line of the innermost statement at a line."""
    spans = _statements("".join(linecache.getlines(file)))
    around = [span for span in spans if span[0] <= line <= span[1]]
    return max(around, default=(line, line))


@functools.lru_cache(maxsize=8)  # in a class, all students fail in the same files
def _statements(text: str) -> tuple[tuple[int, int], ...]:
    """The first and last line of each statement that contains no others."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    return tuple(
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and not hasattr(node, "body")
    )


def _readable(qualname: str) -> str:
    return qualname.replace(".<locals>", "")


def _text(error: BaseException) -> str:
    if isinstance(error, CheckFailed):
        return _capped(str(error))
    if isinstance(error, SyntaxError):
        return str(error.msg)
    try:
        text = str(error)
    except (Exception, SandboxFailure) as broken:  # the message may need a student's `__str__`
        text = f"(its message cannot be read: {type(broken).__name__})"
    if _is_pytests_own(error):
        return _capped(text)
    if any(part in text for part in _NO_INPUT):
        return NO_KEYBOARD
    name = type(error).__name__
    if name == "SystemExit":  # in a sandbox, an error with this name
        return ENDS_PROGRAM
    if isinstance(error, ModuleNotFoundError):
        text += instead_of_module(text)
    return _capped(f"{name}: {text}" if text else name)


def _is_pytests_own(error: BaseException) -> bool:
    """Whether `pytest.fail` raised it, and not another class of the same name."""
    return type(error).__name__ == "Failed" and not isinstance(error, StudentError)


def _capped(text: str) -> str:
    return shortened(text, _LONGEST_MESSAGE)


def _counter_example(error: BaseException, inputs: Collection[str]) -> str:
    """Hypothesis's smallest failing input: the arguments in its note, without fixtures.

    The last note is this test's, because a failed import raises the same object each time.
    """
    for note in reversed(getattr(error, "__notes__", ())):
        match = re.match(r"[A-Z][\w ]+: test_\w+\(\n(.*)\n\)", str(note), re.DOTALL)
        if match:
            arguments = _ARGUMENT.split(textwrap.dedent(match[1]))
            return _capped("\n".join(a for a in arguments if a.partition("=")[0] in inputs))
    return ""
