"""Breaks one function of a module source at a time: as a stub, or with zeros or an array for a
result."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_tinytorch.core.course import Course, Module

# Put into the source, and set upon a function as a decorator: zeros in the shape of its result.
ZEROED = """
def _zeroed(function):
    import collections.abc, copy, dataclasses, functools
    import numpy as np

    def zero(value):
        if isinstance(value, np.ndarray):
            return np.zeros_like(value)
        if isinstance(value, bool | int | float | str | np.generic):
            return type(value)()
        if isinstance(value, list | tuple):
            return type(value)(zero(element) for element in value)
        if isinstance(value, dict):
            return {key: zero(element) for key, element in value.items()}
        if isinstance(value, collections.abc.Iterator):
            return (zero(element) for element in value)
        if dataclasses.is_dataclass(value):
            fields = {f.name: zero(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return dataclasses.replace(value, **fields)
        if hasattr(value, "named_tensors"):
            value = copy.deepcopy(value)
            for _, tensor in value.named_tensors():
                tensor.data = np.zeros_like(tensor.data)
            return value
        if isinstance(getattr(value, "data", None), np.ndarray):
            leaf = getattr(value, "_node", None) is None  # what has a history cannot be copied
            value = copy.copy(value) if leaf else value.detach()
            value.data = np.zeros_like(value.data)
        return value

    @functools.wraps(function)
    def zeroed(*args, **kwargs):
        result = function(*args, **kwargs)
        if function.__name__ == "__init__":
            self = args[0]
            slots = [name for c in type(self).__mro__ for name in getattr(c, "__slots__", ())]
            checked = [name for c in type(self).__mro__ for name, kept in vars(c).items()
                       if isinstance(kept, property) and kept.fset]
            for name in [*slots, *checked, *getattr(self, "__dict__", ())]:
                if not name.startswith("_"):
                    setattr(self, name, zero(getattr(self, name)))
            for parameter in getattr(self, "parameters", list)():
                parameter.data = np.zeros_like(parameter.data)
        return zero(result)

    return zeroed
"""

# The same for a function that promises a Tensor: its array for a result.
BARED = """
def _bared(function):
    import functools

    @functools.wraps(function)
    def bared(*args, **kwargs):
        result = function(*args, **kwargs)
        return result.data if type(result).__name__ == "Tensor" else result

    return bared
"""


@dataclass(frozen=True)
class Public:
    """A public function or method of a module: `Tensor.sum`, `zeros`."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}-{self.name}"


def public_functions(course: Course) -> list[Public]:
    """Every function and method that a student can call by a public name."""
    return [
        Public(module.name, name)
        for module in course.modules
        if module.written
        for name in _functions(module, course.source_file(module).read_text("utf-8"))
    ]


def stubbed(source: str, name: str) -> str:
    """The source with the body of one function replaced by what a student finds there."""
    node = _find(source, name)
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    first, last = (body[0].lineno, body[-1].end_lineno) if body else (node.end_lineno + 1, 0)
    lines = source.splitlines()
    stub = f"{' ' * (node.col_offset + 4)}raise NotImplementedError({name!r})"
    end = max(last, first - 1)
    return "\n".join([*lines[: first - 1], stub, *lines[end:]]) + "\n"


def zeroed(source: str, name: str) -> str:
    """The source with one function that computes as before, and hands out zeros instead."""
    return _decorated(source, name, "_zeroed", ZEROED)


def bared(source: str, name: str) -> str:
    """The source with one function that hands out an array for a Tensor."""
    return _decorated(source, name, "_bared", BARED)


def promises_tensor(source: str, name: str) -> bool:
    """Whether the annotation of a function says that it returns a Tensor."""
    returns = _find(source, name).returns
    return returns is not None and ast.unparse(returns).strip("'\"") == "Tensor"


def _decorated(source: str, name: str, decorator: str, definition: str) -> str:
    node = _find(source, name)
    lines = source.splitlines()
    lines.insert(node.lineno - 1, f"{' ' * node.col_offset}@{decorator}")
    start = next(i for i, line in enumerate(lines) if line.startswith("#| export")) + 1
    return "\n".join([*lines[:start], *definition.splitlines(), *lines[start:]]) + "\n"


def _functions(module: Module, source: str) -> Iterator[str]:
    public = {name for names in module.exports.values() for name in names}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name in public:
            yield node.name
        elif isinstance(node, ast.ClassDef) and node.name in public:
            found = [n.name for n in node.body if isinstance(n, ast.FunctionDef)]
            methods = dict.fromkeys(found)  # a property and its setter have one name
            yield from (f"{node.name}.{name}" for name in methods if _is_public(name))


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _find(source: str, name: str) -> ast.FunctionDef:
    outer, _, inner = name.rpartition(".")
    nodes = ast.parse(source).body
    if outer:
        nodes = next(n for n in nodes if isinstance(n, ast.ClassDef) and n.name == outer).body
    return next(n for n in nodes if isinstance(n, ast.FunctionDef) and n.name == inner)
