"""The program of the sandbox: answers requests about the student's package, one at a time.

    python -P -s -S -m pytest_tinytorch.isolation.child.server REQUESTS REPLIES

`isolation.sandbox` starts it. REQUESTS and REPLIES are file descriptors of pipes. The first request
gives limits and folders; then this process confines itself, and only then loads student code.
Student code may change this process in any way; the parent only reads values from it.
"""

import gc
import operator
import os
import signal
import sys
import warnings
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from pytest_tinytorch.isolation.child import confine, usage
from pytest_tinytorch.isolation.child.interpreter import InterpreterState
from pytest_tinytorch.isolation.child.protocol import (
    HEAD,
    LONGEST_STRING,
    CannotCross,
    Decoder,
    Encoder,
    as_array,
    frame,
    plain,
    read_body,
    read_head,
)
from pytest_tinytorch.isolation.child.returned import returned_kind

PACKAGE = 0  # the handle of the student's package
_MOST_FRAMES = 20
_MOST_LINKS = 5
_REMEMBERED = 64  # requests whose returns are stored
_PROGRAM = "<program>"
_FIRST_PART, _PART = 2**12, 2**20
_MOST_WARNINGS = 20  # of one request
_CO_OPTIMIZED = 1  # inspect.CO_OPTIMIZED, without importing `inspect` in every sandbox
_UNNAMED = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<module>")

# Saved here, so that a replaced `os.read` or `os.write` has no effect on the harness.
_read, _write = os.read, os.write


class Objects:
    """The objects for which the test holds handles."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._next = PACKAGE

    def refer(self, value: Any) -> list[Any]:
        number = self._next
        self._next += 1
        self._objects[number] = value
        return [number, _type_name(value)]

    def resolve(self, number: int) -> Any:
        return self._objects[number]

    def release(self, numbers: list[int]) -> None:
        for number in numbers:
            self._objects.pop(number, None)


class Returns:
    """Records the lines on which the student's functions returned during a request."""

    def __init__(self, folder: str) -> None:
        self._folder = folder + os.sep
        self._door = os.path.join(folder, "__init__.py")
        self._kept: dict[int, list[list[Any]]] = {}
        self._now: dict[Any, list[Any]] = {}

    def watch(self, sequence: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._now = {}
        sys.setprofile(self._note)
        try:
            return function(*args, **kwargs)
        finally:
            sys.setprofile(None)
            # The last to return is the called function; it called the others.
            self._kept[sequence] = list(reversed(self._now.values()))
            while len(self._kept) > _REMEMBERED:
                del self._kept[next(iter(self._kept))]

    def of(self, sequence: int) -> list[list[Any]]:
        return self._kept.get(sequence, [])

    def _note(self, frame: FrameType, event: str, value: Any) -> None:
        code = frame.f_code
        name = code.co_filename
        if event != "return" or not name.startswith(self._folder) or name == self._door:
            return
        if code.co_flags & _CO_OPTIMIZED and code.co_name not in _UNNAMED:  # no class body
            self._now.pop(code, None)
            place = [name[len(self._folder) :], frame.f_lineno, code.co_qualname]
            self._now[code] = [*place, returned_kind(frame, value)]


class Warned:
    """Collects warnings of student code. `isolation.warnings` issues them again for the test."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._found: list[list[Any]] = []
        self._filter: Any = None
        self.listen()

    def listen(self) -> None:
        """Replace the warning filters of student code: the test's filters decide."""
        if self._filter is None or not warnings.filters or warnings.filters[0] is not self._filter:
            warnings.simplefilter("always")
            self._filter = warnings.filters[0]
            warnings.showwarning = self._note

    def take(self) -> list[list[Any]]:
        found, self._found = self._found, []
        return found

    def _note(
        self,
        message: Any,
        category: Any,
        filename: str,
        lineno: int,
        file: Any = None,
        line: Any = None,
    ) -> None:
        if len(self._found) < _MOST_WARNINGS:
            place = [_relative(filename, self._folder), lineno, "", ""]
            bases = [base.__name__ for base in category.__mro__ if base.__module__ == "builtins"]
            text = str(message)[:LONGEST_STRING]
            self._found.append([category.__name__, bases, text, place])


class Host:
    """Carries out requests: [operation, arguments, keywords, handles to release, watched]."""

    def __init__(self, package: str, folder: str, largest: int) -> None:
        """largest: bytes of arrays in one reply."""
        self._package, self._folder, self._largest = package, folder, largest
        self._objects = Objects()
        self._returns = Returns(folder)
        self._warned = Warned(folder)
        self._settings = InterpreterState(package)
        traced = usage.Traced()
        self._operations: dict[str, Callable[..., Any]] = {
            **_OPERATIONS,
            "program": self._run_program,
            "returns": self._returns.of,
            "reset": self._settings.reset,
            "seconds": usage.seconds,
            "begin_usage": traced.begin,
            "end_usage": traced.end,
        }

    def load(self) -> None:
        import importlib

        self._objects.refer(importlib.import_module(self._package))
        self._settings.look()

    def answer(self, sequence: int, body: Any, payload: memoryview) -> bytes:
        """The reply to one request. An exception of student code becomes part of the reply."""
        operation, arguments, keywords, released, watched = body
        try:
            self._objects.release(released)
            decoder = Decoder(self._objects.resolve, payload)
            arguments, keywords = decoder.decode_all([arguments, keywords])
            function = self._operations[operation]
            self._warned.listen()
            if watched:
                value = self._returns.watch(sequence, function, *arguments, **keywords)
            else:
                value = function(*arguments, **keywords)
            encoder = Encoder(self._objects.refer)
            reply = [encoder.encode(value)]
            if warned := self._warned.take():
                reply += [None, warned]
            return frame(sequence, reply, encoder.payload, self._largest)
        except CannotCross as error:
            return frame(sequence, [None, {"cannot_cross": str(error)[:500]}], [])
        except BaseException as error:
            return frame(sequence, [None, _described(error, self._folder)], [])
        finally:
            self._settings.look()

    def _run_program(self, text: str, keywords: dict[str, Any]) -> Any:
        package = self._objects.resolve(PACKAGE)
        scope: dict[str, Any] = {"__name__": "program"}
        exec(compile(text, _PROGRAM, "exec"), scope)
        return plain(scope["main"](package, **keywords))


def _array(value: Any) -> Any:
    """The value as an array of exactly the type ndarray, or a message for the test."""
    if isinstance(value, np.ndarray | np.generic | bool | int | float):
        array = np.array(value, subok=False)
    elif not hasattr(type(value), "__array__"):
        raise CannotCross(f"an object of type {_type_name(value)}")
    else:
        array = np.array(as_array(value), subok=False)
    if array.dtype.kind not in "biufc":
        raise CannotCross(f"an array of dtype {array.dtype}")
    return array


def _exit(manager: Any, failed: bool) -> bool:
    """Exit a context manager. If the test raised, the manager gets a stand-in exception."""
    if not failed:
        return bool(type(manager).__exit__(manager, None, None, None))
    try:
        raise RuntimeError("raised by the test")
    except RuntimeError as error:
        try:
            return bool(type(manager).__exit__(manager, type(error), error, error.__traceback__))
        except RuntimeError as again:
            if again is error:
                return False
            raise


def _put(files: dict[str, bytes]) -> str:
    """Write the test's files into a new folder, and return its path."""
    import tempfile

    folder = tempfile.mkdtemp()
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    return folder


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "get": getattr,
    "set": setattr,
    "del": delattr,
    "call": lambda function, *args, **kwargs: function(*args, **kwargs),
    "array": _array,
    "len": len,
    "iter": iter,
    "next": next,
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "index": operator.index,
    "round": round,
    "repr": lambda value: repr(value)[:LONGEST_STRING],
    "str": lambda value: str(value)[:LONGEST_STRING],
    "isinstance": isinstance,
    "issubclass": issubclass,
    "enter": lambda manager: type(manager).__enter__(manager),
    "exit": _exit,
    "dir": dir,
    "put": _put,
    **{
        name: getattr(operator, name)
        for name in (
            "getitem", "setitem", "delitem", "neg", "pos", "abs", "invert", "add", "sub", "mul",
            "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift",
            "rshift", "eq", "ne", "lt", "le", "gt", "ge",
        )
    },
}  # fmt: skip


def _type_name(value: Any) -> str:
    try:
        return str(type.__getattribute__(type(value), "__name__"))[:100]
    except Exception:
        return "object"


def _described(error: BaseException, folder: str, links: int = _MOST_LINKS) -> dict[str, Any]:
    """An exception as data: its name, its built-in bases, its message and the student's lines."""
    described: dict[str, Any] = {
        "type": _type_name(error),
        "bases": _built_in_bases(error),
        "text": _message(error),
        "frames": _frames(error.__traceback__, folder),
    }
    if isinstance(error, SyntaxError) and error.filename:
        described["place"] = [str(error.filename), error.lineno or 0, str(error.msg)]
    for key, link in (("cause", error.__cause__), ("context", error.__context__)):
        if link is not None and links > 0:
            described[key] = _described(link, folder, links - 1)
    return described


def _built_in_bases(error: BaseException) -> list[str]:
    import builtins

    order: tuple[type, ...] = type.__getattribute__(type(error), "__mro__")
    known = {kind: name for name, kind in vars(builtins).items() if isinstance(kind, type)}
    return [known[base] for base in order if base in known and base is not object]


def _message(error: BaseException) -> str:
    try:
        return str(error)[:LONGEST_STRING]
    except BaseException as broken:
        return f"(its message cannot be read: {_type_name(broken)})"


def _frames(traceback: TracebackType | None, folder: str) -> list[list[Any]]:
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        name = _relative(code.co_filename, folder)
        if name:
            found.append([name, traceback.tb_lineno or 0, code.co_qualname, code.co_name])
        traceback = traceback.tb_next
    return found[-_MOST_FRAMES:]


def _relative(file: str, folder: str) -> str:
    """The path of a file relative to the package's folder; "" for other files."""
    return file[len(folder) + 1 :] if file.startswith(folder + os.sep) else ""


def main() -> None:
    requests, replies = int(sys.argv[1]), int(sys.argv[2])
    confine.die_with_parent()
    sequence = 1
    body, _ = _receive(requests, sequence)
    found = _settle(body)
    folder = os.path.join(body["folder"], body["package"])
    host = Host(body["package"], folder, body["reply"])
    _send(replies, frame(sequence, found, []))
    gc.freeze()  # the garbage collector need not examine NumPy again
    host.load()
    signal.signal(signal.SIGUSR1, _interrupt)
    while True:
        sequence += 1
        body, payload = _receive(requests, sequence)
        _send(replies, host.answer(sequence, body, payload))


class Interrupted(BaseException):
    """The time of a request is over. Its traceback shows where student code was."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


def _settle(body: dict[str, Any]) -> dict[str, Any]:
    """Apply the limits, and report forbidden actions that still work."""
    os.chdir(body["scratch"])
    sys.path.insert(0, body["folder"])
    confine.become(body["user"])
    confine.limit(body["limits"])
    if body["confined"]:
        confine.confine(body["readable"], body["writable"])
    outside = body["outside"]
    return {"process": os.getpid(), "breaches": confine.breaches(outside) if outside else []}


def _receive(descriptor: int, expected: int) -> tuple[Any, memoryview]:
    """The next request. Only one is sent at a time, so no later one can be read with it."""
    data = bytearray()
    wanted, text = HEAD.size, 0
    while len(data) < wanted:
        # Most requests are short, and allocating a large buffer would be slow.
        part = _read(descriptor, _PART if data else _FIRST_PART)
        if not part:
            os._exit(0)  # the parent has ended
        data += part
        if wanted == HEAD.size and len(data) >= wanted:
            text, payload = read_head(data, expected)
            wanted += text + payload
    return read_body(data, text), memoryview(data)[HEAD.size + text :]


def _send(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[_write(descriptor, view) :]


if __name__ == "__main__":
    main()
