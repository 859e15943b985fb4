"""Proxy: stands in a test for a student's object that lives in the sandbox.

`pool` creates proxies. Python carries out each operation in the sandbox, with the student's own
methods; numbers, strings, plain containers and arrays come back as copies, everything else as
a Proxy. No method of the student ever runs in this process.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from pytest_tinytorch.core.errors import CheckFailed

if TYPE_CHECKING:
    import numpy as np

_SHOWN = 80
_LONGEST_DESCRIPTION = 500


class Border(Protocol):
    """Sends an operation to the sandbox. `pool.SandboxPool` implements it."""

    def ask(self, operation: str, *arguments: Any, **keywords: Any) -> Any: ...

    def release(self, generation: int, number: int) -> None: ...


class Refused(CheckFailed):
    """A value is of a type that is not sent between the processes.

    `what`: the value's type, as the sandbox describes it.
    """

    def __init__(self, description: str) -> None:
        self.what = " ".join(description[:_LONGEST_DESCRIPTION].split())
        super().__init__(f"your code gave {self.what}, expected a value that a test can read")


class Proxy:
    """A handle. `_border`, `_number` and `_kind` are its own; every other name is the student's."""

    __slots__ = ("__weakref__", "_border", "_generation", "_kind", "_number")
    __array_ufunc__ = None  # NumPy then calls the handle's `__radd__` for `array + handle`

    def __init__(self, border: Border, generation: int, number: int, kind: str) -> None:
        for name, value in zip(
            ("_border", "_generation", "_number", "_kind"),
            (border, generation, number, kind),
            strict=True,
        ):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        # NumPy, pytest and others look up protocols by such names; only those of Proxy count.
        if name[:2] == "__" and name[-2:] == "__" and name not in _STUDENTS_NAMES:
            raise AttributeError(name)
        return self._border.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._border.ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        self._border.ask("del", self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._border.ask("call", self, *args, **kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray[Any, Any]":
        array: np.ndarray[Any, Any] = self._border.ask("array", self)
        return array if dtype is None else array.astype(dtype)

    def __len__(self) -> int:
        length = self._border.ask("len", self)
        if type(length) is not int or length < 0:
            raise TypeError(f"len() of an object of type {self._kind} gave {length!r}")
        return length

    def __iter__(self) -> Iterator[Any]:
        return _RemoteIterator(self._border, self._border.ask("iter", self))

    def __next__(self) -> Any:
        return self._border.ask("next", self)

    def __getitem__(self, index: Any) -> Any:
        return self._border.ask("getitem", self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._border.ask("setitem", self, index, value)

    def __delitem__(self, index: Any) -> None:
        self._border.ask("delitem", self, index)

    def __contains__(self, _value: Any) -> bool:
        raise CheckFailed(
            f"`in` is not supported on an object of type {self._kind}; convert it to a plain list,"
            " string or dict first"
        )

    def __bool__(self) -> bool:
        return _exactly(bool, self._border.ask("bool", self), self, "bool")

    def __int__(self) -> int:
        return _exactly(int, self._border.ask("int", self), self, "int")

    def __index__(self) -> int:
        return _exactly(int, self._border.ask("index", self), self, "index")

    def __float__(self) -> float:
        return _exactly(float, self._border.ask("float", self), self, "float")

    def __complex__(self) -> complex:
        return _exactly(complex, self._border.ask("complex", self), self, "complex")

    def __round__(self, digits: int | None = None) -> Any:
        return self._border.ask("round", self, digits)

    def __repr__(self) -> str:
        return _exactly(str, self._border.ask("repr", self), self, "repr")

    def __str__(self) -> str:
        return _exactly(str, self._border.ask("str", self), self, "str")

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __dir__(self) -> list[str]:
        return [name for name in self._border.ask("dir", self) if type(name) is str]

    def __enter__(self) -> Any:
        return self._border.ask("enter", self)

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> Literal[False]:
        # An exception of the test is not sent, so that student code cannot swallow it. If a
        # check in the body failed, its message is more useful.
        swallowed = self._border.ask("exit", self, kind is not None)
        if swallowed is True and kind is not None and not issubclass(kind, AssertionError):
            raise CheckFailed(
                f"{self._kind} swallowed the exception of its `with` block; __exit__ must not"
                " return True, and an `except` around `yield` must raise the exception again"
            )
        return False

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Proxy) and self._border.ask("isinstance", value, self) is True

    def __subclasscheck__(self, kind: Any) -> bool:
        return isinstance(kind, Proxy) and self._border.ask("issubclass", kind, self) is True

    def __del__(self) -> None:
        self._border.release(self._generation, self._number)

    __hash__ = object.__hash__

    def _compared(self, operation: str, sign: str, other: Any) -> Any:
        import numpy as np

        result = self._border.ask(operation, self, other)
        if isinstance(result, Proxy):
            object.__setattr__(result, "__class__", Comparison)
            return result
        if isinstance(result, np.ndarray | np.generic):
            return ComparedNumbers(result, self._kind)
        raise CheckFailed(
            f"an object of type {self._kind} {sign} {_short(other)} gave {_short(result)}:"
            f" comparing {self._kind} objects gives no reliable True or False, expected a result"
            " for each element"
        )

    def __eq__(self, other: object) -> Any:
        return self._compared("eq", "==", other)

    def __ne__(self, other: object) -> Any:
        return self._compared("ne", "!=", other)

    def __lt__(self, other: Any) -> Any:
        return self._compared("lt", "<", other)

    def __le__(self, other: Any) -> Any:
        return self._compared("le", "<=", other)

    def __gt__(self, other: Any) -> Any:
        return self._compared("gt", ">", other)

    def __ge__(self, other: Any) -> Any:
        return self._compared("ge", ">=", other)


# Python has its own message, such as "Object of type ... is not JSON serializable".
Proxy.__name__ = "object of your code"


class Comparison(Proxy):
    """The result of a comparison as a student's object. It has no truth value."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise _no_truth(self._kind)


class ComparedNumbers:
    """The result of a comparison as numbers. It has no truth value either."""

    __slots__ = ("_kind", "_numbers")

    def __init__(self, numbers: Any, kind: str) -> None:
        self._numbers, self._kind = numbers, kind

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray[Any, Any]":
        import numpy as np

        return np.array(self._numbers, dtype=dtype)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numbers, name)

    def __bool__(self) -> bool:
        raise _no_truth(self._kind)


def _no_truth(kind: str) -> CheckFailed:
    return CheckFailed(
        f"comparing {kind} objects gives no reliable True or False; compare with `check`, or"
        " convert to a plain number, string, tuple or array first"
    )


class PackageProxy(Proxy):
    """`tt`: the student's package, in the present sandbox."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{self._kind} of the student, in a process of its own>"

    def __del__(self) -> None:
        pass


class _RemoteIterator:
    """An iterator that gets each element from the student's iterator."""

    def __init__(self, border: Border, iterator: Any) -> None:
        self._border, self._iterator = border, iterator

    def __iter__(self) -> "_RemoteIterator":
        return self

    def __next__(self) -> Any:
        return self._border.ask("next", self._iterator)


# Names with double underscores that a test may read, because they describe a student's
# object; all others are protocols.
_STUDENTS_NAMES = ("__name__", "__doc__", "__qualname__", "__all__", "__version__")


def kind_of(value: object) -> str:
    """The name of a value's type; for a Proxy, of the student's object."""
    if isinstance(value, ComparedNumbers):
        value = value._numbers
    return value._kind if isinstance(value, Proxy) else type(value).__name__


_Kind = TypeVar("_Kind")


def _exactly(kind: type[_Kind], value: Any, remote: Proxy, operation: str) -> _Kind:
    # The reply comes from student code: `float(x)` must not give a list.
    if type(value) is not kind:
        raise TypeError(f"{operation}() of an object of type {remote._kind} gave {_short(value)}")
    return value


def _short(value: Any) -> str:
    if isinstance(value, Proxy):
        return f"an object of type {value._kind}"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _unary(operation: str) -> Any:
    def method(self: Proxy) -> Any:
        return self._border.ask(operation, self)

    return method


def _binary(operation: str) -> tuple[Any, Any]:
    def method(self: Proxy, other: Any) -> Any:
        return self._border.ask(operation, self, other)

    def reflected(self: Proxy, other: Any) -> Any:
        return self._border.ask(operation, other, self)

    return method, reflected


for _name in ("neg", "pos", "abs", "invert"):
    setattr(Proxy, f"__{_name}__", _unary(_name))
for _name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift",
    "and_", "or_", "xor",
):  # fmt: skip
    _method, _reflected = _binary(_name)
    setattr(Proxy, f"__{_name.rstrip('_')}__", _method)
    setattr(Proxy, f"__r{_name.rstrip('_')}__", _reflected)
