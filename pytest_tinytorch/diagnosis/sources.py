"""Maps lines of generated code to the student's sources, with the lines around them.

`explain`, `call_trace` and `remote_trace` call it.
"""

import linecache
import os
from collections.abc import Callable
from pathlib import Path

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.records import Location
from pytest_tinytorch.core.text import shortened
from pytest_tinytorch.export.line_map import source_position
from pytest_tinytorch.export.outline import functions

AROUND = 2  # lines of context before and after
_LONGEST_LINE = 300  # characters shown; the course's own lines have at most 100
_TASK = "### BEGIN SOLUTION"

# The text of a source -> (first line, last line, name) of each function.
Functions = Callable[[str], tuple[tuple[int, int, str], ...]]


class StudentSources:
    """Maps a line of a generated file or a source to the line that the student wrote."""

    def __init__(self, course: Course, functions: Functions = functions) -> None:
        """functions: finds functions; for untrusted sources, the one with limits."""
        self._root = course.root
        self._functions = functions
        self._names = {course.source_name(module) for module in course.modules}
        self._package = f"{course.package_folder}"
        self._sources = f"{course.root / course.sources}"
        self.root_file = f"{course.package_folder / '__init__.py'}"

    def owns(self, filename: str) -> bool:
        return filename.startswith((self._package, self._sources)) and filename != self.root_file

    def generated(self, name: str) -> str:
        """The path of a generated file, by its name in the package: `core/tensor.py`."""
        return f"{self._package}{os.sep}{name.replace('/', os.sep)}"

    def locate(self, filename: str, line: int, function: str = "") -> Location | None:
        """The student's line for `filename:line`; None for code of others."""
        if not self.owns(filename):
            return None
        if filename.startswith(self._sources):
            name = Path(filename).relative_to(self._root).as_posix()
            return self.at(name, line, function)
        try:
            position = source_position(Path(filename), line)
        except OSError:
            return None
        return self.at(*position, function) if position else None

    def is_task(self, location: Location) -> bool:
        """Whether the line is in a function that the student has to write."""
        lines = self._lines(location.file)
        inside = _around(self._functions, "".join(lines), location.line)
        return inside is not None and any(
            _TASK in line for line in lines[inside[0] - 1 : inside[1]]
        )

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
