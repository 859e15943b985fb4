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
from typing import Any

from pytest_tinytorch.core.fixture_frames import ON_BEHALF
from pytest_tinytorch.diagnosis.sources import StudentSources

# Methods by which a program of the course returns numbers. They compute nothing.
HANDED_OUT = ("__array__", "numpy", "item")
# Frames to Python, but not functions in the source.
_UNNAMED = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<module>")
_REMEMBERED = 64  # calls; a failing comparison is about one of the last


Return = tuple[str, int, str]  # file, line, function


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
            except AssertionError:
                failed = True
                raise

        return watched

    def between(self, first: int, last: int) -> list[Call]:
        """The calls made by the test's lines `first` to `last`, or else the last call of all."""
        made = [call for call in self.calls if first <= call.test_line <= last]
        return made or list(self.calls)[-1:]

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "return":
            return
        code = frame.f_code
        owned = self._owned.get(code)
        if owned is None:
            # A class body has a frame, too, but is not a function.
            named = code.co_flags & inspect.CO_OPTIMIZED and code.co_name not in _UNNAMED
            owned = self._owned[code] = bool(named) and self._sources.owns(code.co_filename)
        if not owned:
            return
        line = self._test_line(frame.f_back, code.co_name)
        returned = (code.co_filename, frame.f_lineno, code.co_qualname)
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
        if caller is None or caller.f_code.co_filename != self.test_file:
            return None
        return caller.f_lineno
