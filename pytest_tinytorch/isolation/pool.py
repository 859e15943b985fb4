"""Manages the sandboxes of a run: one for each checkpoint, and a new one if one dies.

`hooks.isolation` creates the pool. Each `Proxy` sends its requests through it, and it enforces the
time limits of calls, tests and checkpoints.
"""

import contextlib
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from pytest_tinytorch.core.alarm import ring_within, silenced
from pytest_tinytorch.core.course import Limits
from pytest_tinytorch.core.errors import CheckFailed, CheckMisused
from pytest_tinytorch.core.fixture_frames import ON_BEHALF
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.isolation.child.protocol import CannotCross, TooLarge
from pytest_tinytorch.isolation.child.server import PACKAGE
from pytest_tinytorch.isolation.failures import (
    Died,
    OutOfTime,
    SandboxFailure,
    place,
    type_name,
)
from pytest_tinytorch.isolation.levels import Level
from pytest_tinytorch.isolation.proxy import PackageProxy, Proxy
from pytest_tinytorch.isolation.sandbox import Sandbox
from pytest_tinytorch.isolation.workspace import Workspaces

_LARGEST_NUMBER = 2**53  # of a handle; the sandbox counts from 0
_MOST_RELEASED = 2**14  # handles in one request, to keep it short
_LARGE = 2**20  # bytes; after a larger reply, the test's own time counts as the student's
_OWN_FOLDER = str(Path(__file__).parent)


@dataclass(frozen=True)
class Request:
    """One request, and the line of the test that made it."""

    line: int
    generation: int
    sequence: int
    on_behalf: bool = False


class SandboxPool:
    """Starts sandboxes when needed and sends requests; `package` is the fixture `tt`."""

    def __init__(
        self, level: Level, package: Path, limits: Limits, files: Mapping[str, str]
    ) -> None:
        """limits: the largest of any checkpoint, for processes that are started in advance;
        files: public name -> the file of the package that defines it.
        """
        self.level = level
        self.package = PackageProxy(self, 0, PACKAGE, package.name)
        self.watching: str | None = None  # the test file whose calls are recorded
        self.requests: list[Request] = []
        self._folder = self._following = package
        self._largest, self._files = limits, files
        self._places = Workspaces()
        self._spare: Sandbox | None = None
        self._sandbox: Sandbox | None = None
        self._generation = 0
        self._released: list[int] = []
        self._names: dict[str, Proxy] = {}  # names of the package, in this generation
        self._seed = 0
        self._counted: float | None = None  # when counting the test's own time began
        self._begin_checkpoint(None, limits)

    # --- a run, checkpoint by checkpoint and test by test -------------------------------------

    def begin(self, group: Group, limits: Limits, seed: int) -> None:
        """Begin a test. If its group differs from the one before, close the sandbox."""
        with silenced():
            if group != self._group:
                self.close_sandbox()
                self._begin_checkpoint(group, limits)
            self._seed, self._in_test = seed, 0.0
            self._counted = None
            self.requests.clear()
            if self._sandbox is not None:
                self._sandbox.forget_warnings()
                with contextlib.suppress(SandboxFailure):  # the next request reports it
                    self._reset(self._sandbox)

    def output(self) -> str:
        """The output of student code since the last call."""
        return self._sandbox.output() if self._sandbox is not None else self._take_last_output()

    def prepare(self) -> None:
        """Start a process in advance, while this one does other work."""
        if self._spare is not None:
            return
        try:
            self._spare = self._new(self._following)
        except KeyboardInterrupt:
            raise
        except BaseException:  # the next start tries again, and raises
            self._spare = None

    def turn_to(self, package: Path, following: Path) -> None:
        """Switch to the package in another folder. `following` is the next folder after it, if
        known: its process can start in advance."""
        self.close_sandbox()
        self._group: Group | None = None
        self._folder, self._following = package, following
        if self._spare is not None and self._spare.package not in (package, following):
            self._spare.close()
            self._spare = None

    def close_sandbox(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
        self._sandbox = None
        self._last_output = ""

    def close(self) -> None:
        self.close_sandbox()
        if self._spare is not None:
            self._spare.close()
            self._spare = None
        self._places.close()

    # --- the border ---------------------------------------------------------------------------

    def ask(self, operation: str, *arguments: Any, **keywords: Any) -> Any:
        """Carry out an operation in the sandbox, and return its result."""
        with silenced():  # a request has its own time limit, and must not be interrupted
            self._count()
            try:
                return self._ask(operation, *arguments, **keywords)
            finally:
                self._let_time_run()

    def _ask(self, operation: str, *arguments: Any, **keywords: Any) -> Any:
        name = arguments[1] if operation == "get" and arguments[0] is self.package else None
        if name is not None:
            if name in self._names and self._sandbox is not None:
                return self._names[name]
            self._refuse_dead_imports(name)
        seconds, limit = self._time_left()
        sandbox = self._living_sandbox()
        body = [operation, list(arguments), keywords, self._take_released(), False]
        if self.watching is not None and name is None:  # looking up a name computes nothing
            self._note(body, sandbox, sys._getframe(2))
        started = time.monotonic()
        try:
            value = sandbox.ask(body, self._number, self._remote, seconds, limit)
        except SandboxFailure as failure:
            self._lost(failure, name)
            raise
        except TooLarge as error:  # the test built it from values of student code
            raise CheckFailed(f"a value made from your results cannot be sent: {error}") from None
        except CannotCross as error:
            raise CheckMisused(
                f"{error} cannot be sent to the process of the student's code"
            ) from None
        finally:
            elapsed = time.monotonic() - started
            self._in_test += elapsed
            self._in_checkpoint += elapsed
        if name is not None and isinstance(value, Proxy):
            self._names[name] = value
        return value

    def settle(self) -> None:
        """Release handles in the sandbox that were garbage-collected here."""
        for _ in range(1 + len(self._released) // _MOST_RELEASED):
            self.ask("len", ())

    def release(self, generation: int, number: int) -> None:
        if generation == self._generation:
            self._released.append(number)

    def returns_of(self, request: Request) -> list[tuple[str, int, str, str]]:
        """The (file, line, function, type of the value) of each return of the student's functions
        during a request."""
        if self._sandbox is None or request.generation != self._generation:
            return []
        watching, self.watching = self.watching, None
        try:
            found = self.ask("returns", request.sequence)
        except (Exception, SandboxFailure):
            return []  # the failure that is being explained is more important
        finally:
            self.watching = watching
        entries = found if isinstance(found, list) else []
        places = (place(entry) for entry in entries)
        return [found for found in places if found is not None]

    def sandbox(self) -> Sandbox:
        """The running sandbox, for measurements from outside."""
        return self._living_sandbox()

    # --- inside -------------------------------------------------------------------------------

    def _count(self) -> None:
        """Count the test's own time after a large reply, because student code can send values that
        are slow to process."""
        if self._counted is not None:
            elapsed = time.monotonic() - self._counted
            self._in_test += elapsed
            self._in_checkpoint += elapsed

    def _let_time_run(self) -> None:
        if self._counted is None and (self._sandbox is None or self._sandbox.received < _LARGE):
            return
        self._counted = time.monotonic()
        ring_within(self._limits.seconds_per_test - self._in_test)

    def _begin_checkpoint(self, group: Group | None, limits: Limits) -> None:
        self._group, self._limits = group, limits
        self._in_checkpoint = self._in_test = 0.0
        self._counted = None
        self._dead_imports: dict[str, SandboxFailure] = {}
        self._last_output = ""

    def _living_sandbox(self) -> Sandbox:
        if self._sandbox is None:
            sandbox = self._take_spare() or self._new(self._folder)
            sandbox.open(self._limits)
            self._take(sandbox)
        assert self._sandbox is not None
        return self._sandbox

    def _new(self, package: Path) -> Sandbox:
        return Sandbox(self.level, self._places, package, self._largest)

    def _take_spare(self) -> Sandbox | None:
        """The process that was started in advance, if it is for this package."""
        if self._spare is None or self._spare.package != self._folder:
            return None
        spare, self._spare = self._spare, None
        return spare

    def _take(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._generation += 1
        self._released.clear()
        self._names.clear()
        self._reset(sandbox)
        self.prepare()  # the next one starts while this one works

    def _reset(self, sandbox: Sandbox) -> None:
        body = ["reset", [self._seed], {}, [], False]
        seconds = self._limits.seconds_per_call
        try:
            sandbox.ask(body, self._number, self._remote, seconds, f"{seconds} s between two tests")
        except SandboxFailure as failure:
            self._lost(failure, None)
            raise

    def _lost(self, failure: SandboxFailure, name: str | None) -> None:
        if self._sandbox is not None:
            self._last_output = self._sandbox.output()
        self._sandbox = None
        self._released.clear()
        self._names.clear()
        if name is not None and name in self._files:
            self._dead_imports[self._files[name]] = failure

    def _take_last_output(self) -> str:
        text, self._last_output = self._last_output, ""
        return text

    def _refuse_dead_imports(self, name: str) -> None:
        """Do not import a file again whose import ended the process before."""
        failure = self._dead_imports.get(self._files.get(name, ""))
        if failure is not None:
            raise type(failure)(failure.message, failure.frames)

    def _time_left(self) -> tuple[float, str]:
        """Seconds that the next request may take, and the name of that limit."""
        limits = self._limits
        left: float = limits.seconds_per_call
        whole, what = limits.seconds_per_call, "call"
        if limits.seconds_per_test - self._in_test < left:
            whole, what = limits.seconds_per_test, "test"
            left = whole - self._in_test
        if limits.seconds_per_checkpoint - self._in_checkpoint < left:
            whole, what = limits.seconds_per_checkpoint, "checkpoint"
            left = whole - self._in_checkpoint
        limit = f"{whole} s, the time limit of one {what}"
        if left <= 0:
            raise OutOfTime(f"not run: {limit} is used up")
        return left, limit

    def _number(self, value: Any) -> int:
        if not isinstance(value, Proxy):
            raise CannotCross(f"an object of type {type(value).__name__}, defined in the test,")
        if value is not self.package and value._generation != self._generation:
            raise Died("this object belongs to a process of your code that has ended")
        return int(value._number)

    def _remote(self, content: Any) -> Proxy:
        number, kind = content
        if type(number) is not int or type(kind) is not str or not 0 <= number < _LARGEST_NUMBER:
            raise ValueError("a handle of an unknown form")
        return Proxy(self, self._generation, number, type_name(kind, "object"))

    def _take_released(self) -> list[int]:
        released = self._released[:_MOST_RELEASED]
        del self._released[:_MOST_RELEASED]
        return released

    def _note(self, body: list[Any], sandbox: Sandbox, frame: FrameType | None) -> None:
        """Have the returns of this request recorded, if the test itself makes it, or a fixture of
        the harness on its behalf."""
        on_behalf = by_program = body[0] == "program"
        while frame is not None and frame.f_code.co_filename != self.watching:
            file = frame.f_code.co_filename
            if not (by_program or file == ON_BEHALF or file.startswith(_OWN_FOLDER)):
                return
            on_behalf |= file == ON_BEHALF
            frame = frame.f_back
        if frame is not None:
            body[4] = True
            request = Request(frame.f_lineno, self._generation, sandbox.sequence + 1, on_behalf)
            self.requests.append(request)
            del self.requests[:-64]
