"""Records which of the student's lines computed the values that a test compares.

A wrong number has no traceback: when the comparison fails, the student's function has already
returned. So `hooks.recording` traces each test: for each call from the test into the student's
code, it records the lines on which that function, and those it called, returned. `explain` then
looks up the calls of the failing statement.
"""

import functools
import inspect
import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from pytest_tinytorch.core.fixture_frames import ON_BEHALF
from pytest_tinytorch.core.records import is_inline_test
from pytest_tinytorch.diagnosis.sources import StudentSources
from pytest_tinytorch.isolation.child.returned import returned_kind

# Methods by which a program of the course returns numbers. They compute nothing.
HANDED_OUT = ("__array__", "numpy", "item")
# Frames to Python, but not functions in the source.
_UNNAMED = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<module>")
_REMEMBERED = 64  # calls; a failing comparison is about one of the last


class Return(NamedTuple):
    """Where a function returned. `kind` is the type of the value; "" if an exception left it."""

    file: str
    line: int
    function: str
    kind: str


@dataclass(frozen=True)
class Call:
    """One call from a test into the student's code, and where it returned.

    `returns` has the called function first, then the student's functions that it called, the last
    to return first.
    """

    test_line: int
    returns: tuple[Return, ...]


class CallTrace:
    """A context manager that records calls from `test_file` into the student's files."""

    def __init__(self, sources: StudentSources, test_file: str) -> None:
        self.calls: deque[Call] = deque(maxlen=_REMEMBERED)
        self._sources = sources
        self.test_file = test_file
        self._is_inline = sources.owns(test_file)
        self._between = (f"{Path(test_file).with_name('programs')}{os.sep}", ON_BEHALF)
        self._owned: dict[CodeType, bool] = {}
        self._inside: dict[CodeType, Return] = {}  # returns within the present call

    def __enter__(self) -> "CallTrace":
        # A debugger, coverage tool or profiler that is already active is not replaced.
        if sys.getprofile() is None:
            sys.setprofile(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if sys.getprofile() == self._note:
            sys.setprofile(None)

    def from_first_failure(self, function: Callable[..., object]) -> Callable[..., object]:
        """Wrap `function` so that its calls are traced after a comparison in it has failed.

        Hypothesis calls a test for each example, and at the end once more with the example that it
        shows. Only that last call matters, so passing examples are not slowed down.
        """
        failed = False

        @functools.wraps(function)
        def watched(*args: object, **kwargs: object) -> object:
            nonlocal failed
            if failed:
                with self:
                    return function(*args, **kwargs)
            try:
                return function(*args, **kwargs)
            except Exception as error:
                failed = not type(error).__module__.startswith("hypothesis")  # such as `assume`
                raise

        return watched

    def between(self, first: int, last: int) -> list[Call]:
        """The calls made by the test's lines `first` to `last`, or else the last call of all."""
        made = [call for call in self.calls if first <= call.test_line <= last]
        return made or list(self.calls)[-1:]

    def recent(self) -> list[Call]:
        """All recorded calls, the last one first."""
        return list(self.calls)[::-1]

    def _note(self, frame: FrameType, event: str, value: Any) -> None:
        if event != "return":
            return
        code = frame.f_code
        owned = self._owned.get(code)
        if owned is None:
            # A class body has a frame, too, but is not a function.
            named = code.co_flags & inspect.CO_OPTIMIZED and code.co_name not in _UNNAMED
            students = self._sources.owns(code.co_filename) and not self.is_test(
                code.co_filename, code.co_qualname
            )
            owned = self._owned[code] = bool(named) and students
        if not owned:
            return
        line = self._test_line(frame.f_back, code.co_name)
        kind = returned_kind(frame, value)
        returned = Return(code.co_filename, frame.f_lineno, code.co_qualname, kind)
        if line is not None:
            inside = reversed(self._inside.values())
            self.calls.append(Call(line, (returned, *inside)))
            self._inside.clear()
        else:
            self._inside.pop(code, None)
            self._inside[code] = returned

    def _test_line(self, caller: FrameType | None, called: str) -> int | None:
        """The line of the test that made a call, itself or through a program of the course."""
        if caller is not None and caller.f_code.co_filename.startswith(self._between):
            if called in HANDED_OUT:
                return None
            while caller is not None and caller.f_code.co_filename != self.test_file:
                caller = caller.f_back
        if caller is None or not self._is_in_test(caller):
            return None
        return caller.f_lineno

    def _is_in_test(self, frame: FrameType) -> bool:
        return self.is_test(frame.f_code.co_filename, frame.f_code.co_qualname)

    def is_test(self, file: str, function: str) -> bool:
        """Whether code belongs to the test. Inline tests are in the student's own source, where
        only functions with the name of a test do."""
        return file == self.test_file and (not self._is_inline or is_inline_test(function))
