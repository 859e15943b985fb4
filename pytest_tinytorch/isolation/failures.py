"""Exceptions that a sandbox gives instead of a value: a student's exception, or its own end.

`channel` and `pool` raise them; `diagnosis.explain` turns them into the reason of a test.
"""

import builtins
import re
import signal
from functools import lru_cache
from typing import Any

from pytest_tinytorch.core.records import Reason
from pytest_tinytorch.core.text import whole

Place = tuple[str, int, str, str]  # file from the package's folder, line, function, code name

_FILE = re.compile(r"(\w+/)*\w+\.py")
_NAME = re.compile(r"[\w.-]+")  # such as `method-wrapper`
_PLACE_OF_SYNTAX = re.compile(r"[\w./<>+-]{1,500}")
_LONGEST_NAME = 100
_MOST_FRAMES = 20
_MOST_LINES = 2**31
_MOST_LINKS = 5

# Names by which pytest and unittest end a test. A student's exception with one of these names or
# bases is treated like any other exception.
_NOT_TO_BE_RAISED = ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException")


class StudentError(Exception):
    """An exception that student code raised in its own process.

    A subclass is made for each: it has the name of the student's class and that class's built-in
    bases, so that `except ValueError` catches it.
    """

    text = ""
    frames: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return self.text


class SandboxFailure(BaseException):
    """The student's process has ended. Neither `except Exception` nor Hypothesis catches it."""

    reason = Reason.CRASHED

    def __init__(self, message: str, frames: tuple[Place, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.frames = frames  # the line of student code, if known


class Died(SandboxFailure):
    """The process ended by itself, or the system killed it."""


class OutOfTime(SandboxFailure):
    """The time limit of a call, a test or a checkpoint was exceeded."""

    reason = Reason.TIMEOUT


class Forged(SandboxFailure):
    """A reply is invalid: student code wrote to the pipe."""


class NotStarted(SandboxFailure):
    """No process could be started. The student's code is not the cause."""

    reason = Reason.HARNESS


def student_error(data: Any, links: int = _MOST_LINKS) -> StudentError:
    """The exception that a reply describes. The reply is untrusted, so its form is checked."""
    if not isinstance(data, dict):
        data = {}
    names = data.get("bases")
    bases = tuple(name for name in names if isinstance(name, str)) if _is_list(names) else ()
    error = _error_class(type_name(data.get("type"), "Exception"), bases)()
    error.text = whole(str(data.get("text", "")))
    frames = data.get("frames")
    places = [place(entry) for entry in frames[-_MOST_FRAMES:]] if _is_list(frames) else []
    error.frames = tuple(found for found in places if found is not None)
    spot = data.get("place")
    if _is_list(spot) and len(spot) == 3 and _is_line(spot[1]) and _is_file(spot[0]):
        # Fields of a SyntaxError.
        for name, value in zip(("filename", "lineno", "msg"), spot, strict=True):
            setattr(error, name, value if name == "lineno" else whole(str(value)))
    if links > 0 and data.get("cause"):
        error.__cause__ = student_error(data["cause"], links - 1)
    if links > 0 and data.get("context"):
        error.__context__ = student_error(data["context"], links - 1)
    return error


def death(status: int) -> str:
    """Describe why a process ended: `status` as `subprocess` gives it."""
    if status >= 0:
        return (
            f"your code ended the whole process with exit code {status}: look for os._exit, quit"
            f" or a crash in C code"
        )
    known = {
        "SIGSEGV": "a crash in C code, most often an endless recursion",
        "SIGXCPU": "the processor time of the checkpoint is used up",
        "SIGXFSZ": "a file grew too large",
        "SIGKILL": "killed from outside: the machine may have run out of memory",
        "SIGABRT": "a crash in C code, such as memory that was freed twice",
        "SIGSYS": "a system call that is not allowed",
    }
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"the process of your code died ({name}): {known.get(name, 'a signal ended it')}"


def type_name(value: object, otherwise: str) -> str:
    """The type name in a reply if it has the form of a name, because it is shown in messages."""
    name = value[:_LONGEST_NAME] if isinstance(value, str) else ""
    return name if _NAME.fullmatch(name) else otherwise


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_line(value: object) -> bool:
    return type(value) is int and 0 <= value < _MOST_LINES


def _is_file(value: object) -> bool:
    return isinstance(value, str) and _PLACE_OF_SYNTAX.fullmatch(value) is not None


def place(entry: Any) -> Place | None:
    """[file, line, function, code name] as a place; None where it has another form."""
    if not _is_list(entry) or len(entry) != 4 or not _is_line(entry[1]):
        return None
    file, line, function, code_name = entry
    # Formatting a handle would need another request.
    if not all(isinstance(word, str) for word in (file, function, code_name)):
        return None
    # Lines of this file are shown, so it must be a file of the package.
    if not _FILE.fullmatch(file):
        return None
    return file, line, whole(function[:200]), whole(code_name[:200])


@lru_cache(maxsize=256)
def _error_class(name: str, bases: tuple[str, ...]) -> type[StudentError]:
    known = [getattr(builtins, base, None) for base in bases if base not in _NOT_TO_BE_RAISED]
    kinds = [kind for kind in known if isinstance(kind, type) and issubclass(kind, Exception)]
    # The most derived class includes its bases; a second base may have an incompatible layout.
    for chosen in (_roots(kinds), *([kind] for kind in kinds), []):
        try:
            made = type(name, (StudentError, *(k for k in chosen if k is not Exception)), {})
            made()  # some built-in exceptions require arguments
        except (TypeError, ValueError):
            continue
        return made
    return StudentError


def _roots(kinds: list[type]) -> list[type]:
    """The most derived of these classes: those that are not a base of another one."""
    return [k for k in kinds if not any(k is not other and issubclass(other, k) for other in kinds)]
