"""Recognizes typical mistakes, so that a message names the cause and not a consequence.

`explain` calls `recognized`: a function without `return`, a result that is not the promised Tensor,
a cell that is not exported, a misspelt name, a primitive that writes into its operand.
"""

import difflib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_tinytorch.core.errors import CheckFailed
from pytest_tinytorch.core.records import Location
from pytest_tinytorch.diagnosis.call_trace import Call, Return
from pytest_tinytorch.diagnosis.sources import StudentSources
from pytest_tinytorch.export.effects import Write

NO_KEYBOARD = "tests have no keyboard: remove `input()`, and use an argument instead"
ENDS_PROGRAM = "sys.exit() and quit() end the whole program: remove the call"
ONLY_THESE = "your code may import NumPy and Python's standard library only"

_ABOUT_NONE = re.compile(
    r"NoneType|got None\b|dtype object|dtype\('O'\)|returned None|^assert None\b|\bNone = "
)
_UNDEFINED = re.compile(r"name '(\w+)' is not defined")
_NOT_IMPORTABLE = re.compile(r"cannot import name '(\w+)' from '[\w.]+' \((.+)\)")
_NO_MODULE = re.compile(r"No module named '([^']+)'")
_NOT_IN_PACKAGE = re.compile(r"\w+\.(\w+) is not defined yet: write it in (\S+\.py)")
_INTO_OPERAND = re.compile(
    r"non-broadcastable output operand|Cannot cast ufunc|output array is read-only"
)
_UNSET = re.compile(r"'(\w+)' object has no attribute '(\w+)'")
_NO_ARGUMENT = re.compile(r"(\w+\.\w+)\(\) takes 0 positional arguments but 1 was given")
_CHANGED = re.compile(r"(\w+) changed its operand")  # as inline tests say it
_ONE_ARRAY = ("ndarray", "float32", "float64", "float")
_RULE = re.compile(r"def \w+\(\s*grad,\s*output,\s*saved\b")  # the signature of a gradient rule
_PROMISES_TENSOR = re.compile(r"->\s*[\"']?Tensor[\"']?\s*:")
_MAY_BE_NONE = re.compile(r"->[^:]*\bNone\b")
_NO_RESULT = re.compile(r"__(init|set\w*|del\w*|exit|init_subclass)__$")
_IN_PLACE = {f".{name}" for name in ("sort", "fill", "append", "extend", "reverse", "shuffle")}
_NO_TENSORS = {
    "ndarray", "list", "tuple", "dict", "str", "bool", "int", "float", "bool_",
    "float16", "float32", "float64", "int32", "int64",
}  # fmt: skip
_DIRECTIVE = re.compile(r"#\|\s*e\w+")  # `#| export`, also misspelt or with a wrong target
_WORD = re.compile(r"[A-Za-z_]\w*")
_SHORT_NAMES = {"np": "import numpy as np"}
_LIKENESS = 0.75
_LISTED = 3  # names of a cell
_USED_OFTEN = 3  # a misspelt definition is rarely used under its wrong name


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and where to fix it; no location: where the exception was raised."""

    message: str
    location: Location | None = None


@dataclass(frozen=True)
class Case:
    """A failure: its exception as text, where it was raised, and the calls that led to it."""

    error: BaseException
    text: str
    raised: Location | None  # the student's line that raised it
    test: Location | None  # the line of an inline test
    computed: Sequence[Location]  # or else the lines that computed a wrong value
    calls: Sequence[Call]  # of the failing statement, the last one first
    earlier: Sequence[Call]  # the other recorded calls, the last one first
    sources: StudentSources


def unexported(sources: StudentSources, source: str) -> Mistake | None:
    """The first cell of a source that defines what the package needs, and is not exported.

    Inline tests find everything in the source itself, so they pass without an export.
    """
    defined = sources.definitions(source)
    needed = sources.public_of(source) | sources.undefined_names(source)
    for name, line in defined.items():
        if name in needed and (mistake := _not_exported(source, defined, line, sources)):
            return mistake
    return None


def recognized(case: Case) -> Mistake | None:
    """The mistake that explains a failure; None if none of the known ones does."""
    looks = (
        _undefined_name,
        _no_self,
        _no_attribute,
        _no_tuple,
        _no_return,
        _wrong_type,
        _changed_operand,
    )
    found = (look(case) for look in looks)
    return next((mistake for mistake in found if mistake is not None), None)


# --- results ----------------------------------------------------------------------------------


def _no_return(case: Case) -> Mistake | None:
    """A function without a `return`, if its None is what failed: the error is about a None, or the
    failing comparison called the function."""
    if _ABOUT_NONE.search(case.text):
        calls = [*case.calls, *case.earlier]
    else:
        calls = [*case.calls] if case.computed else []
    found = (_forgotten(call, case.sources) for call in calls)
    return next((mistake for mistake in found if mistake is not None), None)


def _forgotten(call: Call, sources: StudentSources) -> Mistake | None:
    """The function whose None a call returned. A `return None` is no mistake to recognize."""
    nones = [
        (place, location)
        for place, location in _returns([call], sources)
        if place.kind == "NoneType" and not _MAY_BE_NONE.search(sources.header(location))
    ]
    passed_on: set[str] = set()  # functions f whose None was handed on by a `return f(x)`
    for place, location in nones:
        name = place.function.rpartition(".")[2]
        if _NO_RESULT.match(name) or not (sources.is_task(location) or name in passed_on):
            continue
        called = _returned_by(location, sources)
        if called is None:
            return Mistake(f"{_readable(place)} returned None: is a `return` missing?", location)
        if called in _IN_PLACE:
            works = f"`{called}()` changes its object and returns None"
            return Mistake(f"{_readable(place)} returned None: {works}", location)
        if called:
            passed_on.add(called.removeprefix("."))
        elif _PROMISES_TENSOR.search(sources.header(location)):
            return Mistake(f"{_readable(place)} returned None, expected a Tensor", location)
    return None


def _returned_by(location: Location, sources: StudentSources) -> str | None:
    """The function in the `return f(x)` at a line, "" for another `return`; None if the line has
    none, so that the function came to its end."""
    effects = sources.effects_at(location)
    if effects is None:
        return ""
    around = [row.called for row in effects.returns if row.first <= location.line <= row.last]
    return around[-1] if around else None


def _wrong_type(case: Case) -> Mistake | None:
    """A function that returned another type than the Tensor that it promises, if the failure
    names this type."""
    for calls in (case.calls, case.earlier):
        found = [
            (place, location)
            for place, location in _returns(calls, case.sources)
            if place.kind in _NO_TENSORS
            and re.search(rf"\b{place.kind}\b|expected a Tensor", case.text)
            and _PROMISES_TENSOR.search(case.sources.header(location))
            and case.sources.is_task(location)
        ]
        if found:
            place, location = found[-1]
            kind = "a NumPy array" if place.kind == "ndarray" else f"an object of type {place.kind}"
            return Mistake(f"{_readable(place)} returned {kind}, expected a Tensor", location)
    return None


def _returns(calls: Sequence[Call], sources: StudentSources) -> Iterator[tuple[Return, Location]]:
    """The returns of some calls: of each the called function first, then those that it called."""
    for call in calls:
        for place in call.returns:
            location = sources.locate(place.file, place.line, place.function)
            if location is not None and "<" not in place.function.rpartition(".")[2]:
                yield place, location


def _readable(place: Return) -> str:
    return place.function.replace(".<locals>", "")


def _no_tuple(case: Case) -> Mistake | None:
    """A gradient rule that returned one array instead of a tuple of them."""
    for place, location in _returns([*case.calls, *case.earlier], case.sources):
        if place.kind in _ONE_ARRAY and _RULE.search(case.sources.header(location)):
            rule = "must return a tuple, one gradient for each input: `(x,)`"
            return Mistake(f"{_readable(place)} {rule}", location)
    return None


def _no_self(case: Case) -> Mistake | None:
    """A method without the argument `self`."""
    if not isinstance(case.error, TypeError) or not (match := _NO_ARGUMENT.search(case.text)):
        return None
    location = case.sources.function_named(match[1])
    if location is None or case.sources.is_decorated(location, "staticmethod"):
        return None
    return Mistake(f"{match[1]} has no argument: is `self` missing?", location)


def _no_attribute(case: Case) -> Mistake | None:
    """An attribute in the `__slots__` of a class that its `__init__` never sets."""
    if not isinstance(case.error, AttributeError) or not (match := _UNSET.search(case.text)):
        return None
    kind, name = match[1], match[2]
    location = case.sources.function_named(f"{kind}.__init__")
    if location is None or name not in case.sources.slots_of(location):
        return None
    own = case.sources.function_text(location)
    if re.search(rf"self\.(_?{name}|{name.removeprefix('_')})\b", own):
        return None
    return Mistake(f"{kind}.__init__ must set `{name}`: it is in `__slots__`", location)


# --- operands ---------------------------------------------------------------------------------


def _changed_operand(case: Case) -> Mistake | None:
    """A function that writes its result into its operand: seen by a test, or refused by NumPy."""
    if case.raised is not None and _INTO_OPERAND.search(case.text):
        if case.raised.line not in [write.line for write in _writes(case.raised, case.sources)]:
            return None
        changed = f"{case.raised.function} changed its operand"
        return Mistake(f"{changed}: compute a new array, without += and out=\n{case.text}")
    if match := _CHANGED.search(case.text):
        return _named_writer(match[1], case)
    if isinstance(case.error, CheckFailed) and " was changed" in case.text:
        return _writer(case)
    return None


def _named_writer(name: str, case: Case) -> Mistake | None:
    """The function that an inline test has found to change its operand."""
    for place, location in _returns([*case.calls, *case.earlier], case.sources):
        if place.function == name:
            writes = _writes(location, case.sources)
            at = case.sources.at(location.file, writes[0].line, name) if writes else location
            return Mistake(case.text.partition("\n")[0], at)
    return None


def _writer(case: Case) -> Mistake | None:
    """The function that wrote into its operand. If several may have done it, none is named."""
    for calls in (case.calls, case.earlier):
        sure, perhaps = _writers(calls, case.sources)
        if sure or perhaps:
            candidates = sure or perhaps
            if len(candidates) > 1:
                return None
            changed = f"{candidates[0].function} changed its operand"
            return Mistake(f"{changed}\n{case.text}", candidates[0])
    return None


def _writers(
    calls: Sequence[Call], sources: StudentSources
) -> tuple[list[Location], list[Location]]:
    """The lines of called functions that surely, and that perhaps, write into an argument."""
    sure: list[Location] = []
    perhaps: list[Location] = []
    for place, location in _returns(calls, sources):
        if not sources.is_task(location) or place.function.endswith("__init__"):
            continue
        for write in _writes(location, sources)[:1]:
            at = sources.at(location.file, write.line, _readable(place))
            (sure if write.is_sure else perhaps).append(at)
    return list(dict.fromkeys(sure)), list(dict.fromkeys(perhaps))


def _writes(location: Location, sources: StudentSources) -> list[Write]:
    """Where the function around a line writes into its arguments, the surest first."""
    effects = sources.effects_at(location)
    writes = effects.writes if effects is not None else ()
    return sorted(writes, key=lambda write: not write.is_sure)


# --- names ------------------------------------------------------------------------------------


def _undefined_name(case: Case) -> Mistake | None:
    """A name that the exported code uses, and that is not exported, or spelt differently."""
    if isinstance(case.error, NameError) and (match := _UNDEFINED.search(case.text)):
        place = case.raised or case.test
        return _missing(match[1], place.file, case) if place else None
    if isinstance(case.error, ImportError) and (match := _NOT_IMPORTABLE.search(case.text)):
        source = case.sources.source_of(match[2])
        return _missing(match[1], source, case) if source else None
    if match := _NOT_IN_PACKAGE.search(case.text):
        return _missing(match[1], match[2], case)
    return None


def instead_of_module(text: str) -> str:
    """What to add to a message that a module was not found; "" for a part of a known package."""
    match = _NO_MODULE.search(text)
    if match is None or "." in match[1]:
        return ""
    likely = _nearest(match[1], set(sys.stdlib_module_names))
    return f"; did you mean `{likely}`?" if likely else f"; {ONLY_THESE}"


def _missing(name: str, source: str, case: Case) -> Mistake | None:
    sources = case.sources
    defined = sources.definitions(source)
    if name in defined:
        return _not_exported(source, defined, defined[name], sources)
    what = f"`{name}` is not defined"
    if name in sys.stdlib_module_names or name in _SHORT_NAMES:
        return Mistake(f"{what}: is `{_SHORT_NAMES.get(name, f'import {name}')}` missing?")
    local = sources.function_text(case.raised) if case.raised else ""
    words = {w for w in _WORD.findall(local) if w != name}
    if match := _nearest(name, words - set(defined)):
        return Mistake(f"{what}: did you mean `{match}`?")
    public = sources.public_names
    text = sources.text(source)
    rare = [n for n in defined if n not in public and _uses(n, text) <= _USED_OFTEN]
    if match := _nearest(name, rare):
        location = sources.at(source, defined[match], match)
        at = f"{source}:{defined[match]}"
        own = case.raised is not None and sources.is_task(case.raised)
        return Mistake(f"{what}: did you mean `{match}`, {at}?", None if own else location)
    return None


def _not_exported(
    source: str, defined: Mapping[str, int], line: int, sources: StudentSources
) -> Mistake | None:
    """The message lists the names of the cell, so that they are one cause."""
    if sources.is_in_package(source, line):
        return None
    first, last = sources.cell(source, line)
    names = [f"`{name}`" for name, at in defined.items() if first <= at <= last]
    shown = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    verb, whose = ("is", "its") if len(names) == 1 else ("are", "their")
    top = min(at for at in defined.values() if first <= at <= last)
    lines = (line.strip() for line in sources.text(source).splitlines()[first - 1 : last])
    directive = next((line for line in lines if _DIRECTIVE.match(line)), "")
    why = f"says `{directive}`, which exports nothing" if directive else "has no `#| export`"
    return Mistake(
        f"{shown} {verb} written in {source}:{top}, but {whose} cell {why}",
        sources.at(source, top, names[0].strip("`")),
    )


def _nearest(name: str, candidates: "set[str] | list[str]") -> str:
    matches = difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=_LIKENESS)
    return matches[0] if matches else ""


def _uses(name: str, text: str) -> int:
    return len(re.findall(rf"\b{re.escape(name)}\b", text))
