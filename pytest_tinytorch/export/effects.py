"""Finds in a source how each function returns, and where it writes into its arguments.

`diagnosis.sources` calls it, to explain a failure. It reads the text alone, so it knows neither
types nor which lines ran.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

# Of NumPy: their first argument is written, or their result may share memory with it.
_WRITES_FIRST = {"copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis", "at"}
_SHARES_FIRST = {
    "asarray", "asanyarray", "ascontiguousarray", "atleast_1d", "atleast_2d", "ravel", "reshape",
    "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "broadcast_to", "diagonal",
}  # fmt: skip
# Methods of arrays, in the same way.
_WRITES_SELF = {"sort", "fill", "put", "partition", "resize", "itemset"}
_SHARES_SELF = {"reshape", "transpose", "swapaxes", "permute", "view", "ravel", "squeeze", "numpy"}
_PASSES_ON = {"zip", "enumerate", "reversed", "list", "tuple", "iter"}  # iterating gives the same
_FRESH = {"len", "int", "float", "bool", "str", "range", "sum", "max", "min", "any", "all", "repr"}
_NO, _MAYBE, _SURE = 0, 1, 2  # whether an expression is memory of an argument


class Return(NamedTuple):
    """A `return` statement. `called`: the function of `return f(x)`, `.sort` of `a.sort()`."""

    first: int
    last: int
    called: str


class Write(NamedTuple):
    """A line that writes into an argument. Not sure: perhaps into something made from it."""

    line: int
    is_sure: bool


class Effects(NamedTuple):
    first: int
    name: str
    returns: tuple[Return, ...]
    writes: tuple[Write, ...]


@lru_cache(maxsize=8)
def effects(source: str) -> tuple[Effects, ...]:
    """The effects of each function; empty if the source does not compile."""
    try:
        return tuple(_in_block(ast.parse(source), "", {}))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _in_block(node: ast.AST, prefix: str, outer: dict[str, int]) -> Iterator[Effects]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{child.name}"
            writes = _Writes(child, outer)
            yield Effects(child.lineno, name, tuple(_returns(child)), tuple(writes.found))
            yield from _in_block(child, f"{name}.", writes.shared)
        else:
            inner = f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix
            yield from _in_block(child, inner, outer)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function in order, without those of functions in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child
            if not isinstance(child, ast.Lambda):
                yield from _own(child)


def _returns(function: ast.AST) -> Iterator[Return]:
    for node in _own(function):
        if isinstance(node, ast.Return):
            called = _called(node.value) if isinstance(node.value, ast.Call) else ""
            yield Return(node.lineno, node.end_lineno or node.lineno, called)


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return f".{call.func.attr}"
    return call.func.id if isinstance(call.func, ast.Name) else ""


class _Writes:
    """Follows the arguments of a function through its assignments, from top to bottom."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef, outer: dict[str, int]):
        given = function.args
        names = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        self.shared = {**outer, **{name.arg: _SURE for name in names if name is not None}}
        self.found: list[Write] = []
        for node in _own(function):
            self._look(node)

    def _look(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            self._assign(node.target, node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            self._bind(node.target, self._shares(node.iter))
        elif isinstance(node, ast.AugAssign):
            self._add(node, self._written(node.target))
        elif isinstance(node, ast.Call):
            self._call(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        sequence = (ast.Tuple, ast.List)
        if isinstance(target, sequence) and isinstance(value, sequence):
            shares = [self._shares(element) for element in value.elts]  # before any is bound
            for part, share in zip(target.elts, shares, strict=False):
                self._bind(part, share)
            return
        if isinstance(target, ast.Subscript):
            self._add(target, self._written(target))
        elif isinstance(target, ast.Attribute) and target.attr == "data":
            self._add(target, self._shares(target.value) if not _is_self(target.value) else _NO)
        self._bind(target, self._shares(value))

    def _bind(self, target: ast.expr, share: int) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._bind(element, share)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, share)
        elif isinstance(target, ast.Name):
            self.shared[target.id] = share

    def _call(self, call: ast.Call) -> None:
        for keyword in call.keywords:
            if keyword.arg == "out":
                self._add(call, self._shares(keyword.value))
        name = _called(call)
        if isinstance(call.func, ast.Attribute):
            if name[1:] in _WRITES_FIRST and call.args and not _is_self(call.func.value):
                self._add(call, self._shares(call.args[0]))
            elif name[1:] in _WRITES_SELF:
                self._add(call, self._written(call.func.value))

    def _written(self, target: ast.expr) -> int:
        """Whether a write to an expression changes an argument. `self.count += 1` rarely does."""
        if isinstance(target, ast.Subscript):
            return self._written(target.value)
        if isinstance(target, ast.Attribute) and target.attr != "data":
            return min(self._shares(target), _MAYBE)
        return self._shares(target)

    def _add(self, node: ast.expr | ast.stmt, share: int) -> None:
        if share != _NO:
            self.found.append(Write(node.lineno, share == _SURE))

    def _shares(self, value: ast.expr) -> int:
        """Whether the value of an expression may be an argument, or share memory with one."""
        if isinstance(value, ast.Name):
            return self.shared.get(value.id, _NO)
        if isinstance(value, ast.Attribute | ast.Subscript | ast.Starred | ast.NamedExpr):
            return self._shares(value.value)
        if isinstance(value, ast.IfExp):
            return max(self._shares(value.body), self._shares(value.orelse))
        if isinstance(value, ast.BoolOp):
            return max(map(self._shares, value.values))
        if isinstance(value, ast.Tuple | ast.List):
            return max(map(self._shares, value.elts), default=_NO)
        return self._result(value) if isinstance(value, ast.Call) else _NO

    def _result(self, call: ast.Call) -> int:
        name = _called(call)
        given = max(map(self._shares, call.args), default=_NO)
        if isinstance(call.func, ast.Attribute):
            if name[1:] in _SHARES_FIRST and (first := call.args[:1]):
                of_first = self._shares(first[0])
                if of_first != _NO:
                    return of_first
            return self._shares(call.func.value) if name[1:] in _SHARES_SELF else _NO
        if name in _PASSES_ON:
            return given
        return min(given, _MAYBE) if name not in _FRESH else _NO


def _is_self(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id == "self"
