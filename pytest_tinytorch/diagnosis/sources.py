"""Maps lines of generated code to the student's sources, with the lines around them.

`explain`, `call_trace` and `remote_trace` call it.
"""

import builtins
import dis
import linecache
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import CodeType

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.records import Location
from pytest_tinytorch.core.text import shortened
from pytest_tinytorch.export.effects import Effects, effects
from pytest_tinytorch.export.line_map import exports_line, source_position
from pytest_tinytorch.export.marks import is_mark
from pytest_tinytorch.export.outline import functions

AROUND = 2  # lines of context before and after
_LONGEST_LINE = 300  # characters shown; the course's own lines have at most 100
_TASK = "### BEGIN SOLUTION"
_LONGEST_HEADER = 12  # lines of a function's signature
# A name that a source defines at its top level, as text: a source may not compile.
_DEFINITION = re.compile(r"(?:(?:async +)?def|class) +(\w+)|(\w+) *(?::[^=\n]+)?=(?!=)")

_SLOTS = re.compile(r"__slots__ *= *[(\[]([^)\]]*)[)\]]")
_NAME = re.compile(r"\w+")

# The text of a source -> (first line, last line, name) of each function.
Functions = Callable[[str], tuple[tuple[int, int, str], ...]]
# The text of a source -> how each function returns, and where it writes into its arguments.
EffectsOf = Callable[[str], tuple[Effects, ...]]


class StudentSources:
    """Maps a line of a generated file or a source to the line that the student wrote."""

    def __init__(
        self, course: Course, functions: Functions = functions, effects: EffectsOf = effects
    ) -> None:
        """functions, effects: read a source; for untrusted sources, those with limits."""
        self._root = course.root
        self._functions = functions
        self._effects = effects
        self._names = {course.source_name(module) for module in course.modules}
        self._targets = {
            course.source_name(module): [course.target_file(target) for target in module.exports]
            for module in course.modules
        }
        self._public = {
            course.source_name(module): {n for names in module.exports.values() for n in names}
            for module in course.modules
        }
        self._package = f"{course.package_folder}"
        self._sources = f"{course.root / course.sources}"
        self.root_file = f"{course.package_folder / '__init__.py'}"

    def owns(self, filename: str) -> bool:
        return filename.startswith((self._package, self._sources)) and filename != self.root_file

    def generated(self, name: str) -> str:
        """The path of a generated file, by its name in the package: `core/tensor.py`."""
        return f"{self._package}{os.sep}{name.replace('/', os.sep)}"

    def short_name(self, filename: str) -> str:
        """The path of a source relative to the course; another name as it is."""
        if not filename.startswith(self._sources):
            return filename
        return Path(filename).relative_to(self._root).as_posix()

    def locate(self, filename: str, line: int, function: str = "") -> Location | None:
        """The student's line for `filename:line`; None for code of others."""
        if not self.owns(filename):
            return None
        if filename.startswith(self._sources):
            return self.at(self.short_name(filename), line, function)
        try:
            position = source_position(Path(filename), line)
        except OSError:
            return None
        return self.at(*position, function) if position else None

    def is_task(self, location: Location) -> bool:
        """Whether the line is in a function that the student has to write."""
        return _TASK in self.function_text(location)

    def effects_at(self, location: Location) -> Effects | None:
        """The effects of the function around a line."""
        text = self.text(location.file)
        inside = _around(self._functions, text, location.line)
        found = (one for one in self._effects(text) if inside and one.first == inside[0])
        return next(found, None)

    def header(self, location: Location) -> str:
        """The signature of the function around a line; "" outside of functions."""
        lines = self._lines(location.file)
        inside = _around(self._functions, "".join(lines), location.line)
        if inside is None:
            return ""
        header = ""
        for line in lines[inside[0] - 1 : inside[1]][:_LONGEST_HEADER]:
            header += line
            if line.partition(" #")[0].rstrip().endswith(":"):
                break
        return header

    def function_text(self, location: Location) -> str:
        """The text of the function around a line; "" outside of functions."""
        lines = self._lines(location.file)
        inside = _around(self._functions, "".join(lines), location.line)
        return "".join(lines[inside[0] - 1 : inside[1]]) if inside else ""

    @property
    def public_names(self) -> set[str]:
        """The public names of all modules."""
        return set().union(*self._public.values())

    def public_of(self, source: str) -> set[str]:
        """The public names that a source defines."""
        return self._public.get(source, set())

    def function_named(self, name: str) -> Location | None:
        """The first line of the function `Tensor.item` in any source, below its decorators."""
        for source in sorted(self._names):
            for first, _, found in self._functions(self.text(source)):
                if found == name:
                    return self.at(source, first, name)
        return None

    def is_decorated(self, location: Location, name: str) -> bool:
        """Whether the line above the first one of a function is `@name`."""
        return self.text(location.file).splitlines()[location.line - 2].strip() == f"@{name}"

    def slots_of(self, method: Location) -> set[str]:
        """The names in the `__slots__` above a method of a class."""
        above = "".join(self._lines(method.file)[: method.line])
        own = above[above.rfind(f"class {method.function.partition('.')[0]}") :]
        match = _SLOTS.search(own)
        return set(_NAME.findall(match[1])) if match else set()

    def undefined_names(self, source: str) -> set[str]:
        """The names that the files of a source use and do not define."""
        files = [file for file in self._targets.get(source, ()) if file.is_file()]
        return set().union(*(_undefined(file.read_text("utf-8", "replace")) for file in files))

    def line(self, location: Location) -> str:
        """The text of the line itself."""
        return dict(location.excerpt).get(location.line, "")

    def text(self, source: str) -> str:
        """The whole text of a source, by its short name."""
        return "".join(self._lines(source))

    def definitions(self, source: str) -> dict[str, int]:
        """The names that a source defines at its top level, each with its first line."""
        found: dict[str, int] = {}
        for number, line in enumerate(self._lines(source), 1):
            if match := _DEFINITION.match(line):
                found.setdefault(match[1] or match[2], number)
        return found

    def cell(self, source: str, line: int) -> tuple[int, int]:
        """The first and last line of the cell around a line of a source."""
        lines = self._lines(source)
        marks = [1, *(n for n, text in enumerate(lines, 1) if is_mark(text)), len(lines) + 1]
        return max(n for n in marks if n <= line), min(n for n in marks if n > line) - 1

    def is_in_package(self, source: str, line: int) -> bool:
        """Whether a line of a source is exported."""
        return any(exports_line(target, source, line) for target in self._targets.get(source, ()))

    def source_of(self, generated: str) -> str:
        """The source of a generated file; "" if there is none."""
        # A sandbox may have the package in another folder.
        ends = {
            source: tuple(f"/{file.relative_to(self._root).as_posix()}" for file in files)
            for source, files in self._targets.items()
        }
        name = generated.replace(os.sep, "/")
        return next((source for source, end in ends.items() if name.endswith(end)), "")

    def at(self, name: str, line: int, function: str = "") -> Location:
        """A line of a source, with the source's short name and the lines around it."""
        lines = self._lines(name)
        first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
        shown = [shortened(text.rstrip("\n"), _LONGEST_LINE) for text in lines[first - 1 : last]]
        excerpt = tuple(enumerate(shown, first))
        inside = _around(self._functions, "".join(lines), line)
        return Location(name, line, function or (inside[2] if inside else ""), excerpt)

    def _lines(self, name: str) -> list[str]:
        # A mark or an exception can name any file; only sources are shown.
        if name not in self._names:
            return []
        path = str(self._root / name)
        linecache.checkcache(path)
        return linecache.getlines(path)


def _around(functions: Functions, source: str, line: int) -> tuple[int, int, str] | None:
    """The first line, the last line and the name of the innermost function at a line."""
    inside = [entry for entry in functions(source) if entry[0] <= line <= entry[1]]
    return inside[-1] if inside else None


def _undefined(text: str) -> set[str]:
    """The global names that a module uses and does not define."""
    try:
        pending = [compile(text, "<package>", "exec", dont_inherit=True)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    used, defined = set(), set(dir(builtins)) | {"__file__", "__name__", "__qualname__"}
    while pending:
        code = pending.pop()
        pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                used.add(str(step.argval))
            elif step.opname in ("STORE_GLOBAL", "STORE_NAME"):
                defined.add(str(step.argval))
    return used - defined
