"""What a sandbox can return instead of a value: a student's exception, or the end of the process.

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
_NAME = re.compile(r"[\w.-]+")  # `method-wrapper` is one
_PLACE_OF_SYNTAX = re.compile(r"[\w./<>+-]{1,500}")
_LONGEST_NAME = 100
_MOST_FRAMES = 20
_MOST_LINES = 2**31
_MOST_LINKS = 5

# The ends of a test as pytest and unittest know them are theirs alone: a student's exception that
# is called one of these, or has one of these for a base, is an exception like any other.
_NOT_TO_BE_RAISED = ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException")


class StudentError(Exception):
    """An exception that student code raised in its own process.

    Its class is made for the occasion: it has the name that the student's class has, and the
    built-in exceptions among its bases, so that `except ValueError` catches it.
    """

    text = ""
    frames: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return self.text


class SandboxFailure(BaseException):
    """The student's process is no more: no test can catch this, and no property tries it again."""

    reason = Reason.CRASHED

    def __init__(self, message: str, frames: tuple[Place, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.frames = frames  # the line of student code, if it is known


class Died(SandboxFailure):
    """The process ended by itself, or was ended by the system."""


class OutOfTime(SandboxFailure):
    """A deadline passed: of a call, of a test or of a checkpoint."""

    reason = Reason.TIMEOUT


class Forged(SandboxFailure):
    """What came back is no reply: something else than the host has written it."""


class NotStarted(SandboxFailure):
    """No process could be started: the machine's fault, not the student's."""

    reason = Reason.HARNESS


def student_error(data: Any, links: int = _MOST_LINKS) -> StudentError:
    """The exception that a reply describes. Nothing in it is trusted to have the right form."""
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
        # What a SyntaxError has; on another exception nobody looks for it.
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
        "SIGKILL": "killed from outside: the machine may have had no memory left",
        "SIGABRT": "a crash in C code, such as memory that was freed twice",
        "SIGSYS": "a system call that is not allowed",
    }
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"the process of your code died ({name}): {known.get(name, 'a signal ended it')}"


def type_name(value: object, otherwise: str) -> str:
    """The name of a type over there, where it is one: a sentence could pass for the harness's."""
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
    # The text of a handle would need another request.
    if not all(isinstance(word, str) for word in (file, function, code_name)):
        return None
    # Lines of this file are shown: it must be one of the package's own.
    if not _FILE.fullmatch(file):
        return None
    return file, line, whole(function[:200]), whole(code_name[:200])


@lru_cache(maxsize=256)
def _error_class(name: str, bases: tuple[str, ...]) -> type[StudentError]:
    known = [getattr(builtins, base, None) for base in bases if base not in _NOT_TO_BE_RAISED]
    kinds = [kind for kind in known if isinstance(kind, type) and issubclass(kind, Exception)]
    # The most special of them brings the others with it; a second line of descent may not fit.
    for chosen in (_roots(kinds), *([kind] for kind in kinds), []):
        try:
            made = type(name, (StudentError, *(k for k in chosen if k is not Exception)), {})
            made()  # some built-in ones cannot be made without values of their own
        except (TypeError, ValueError):
            continue
        return made
    return StudentError


def _roots(kinds: list[type]) -> list[type]:
    """Those that are no base of another one: all the rest comes with them."""
    return [k for k in kinds if not any(k is not other and issubclass(other, k) for other in kinds)]
