"""Splits a literate source into its exported code cells, each with its line in the source.

`render` calls it. A cell begins with a comment `# %%` in the first column, between two statements
of the file; in a string, a function or brackets, the same text begins no cell. So cells hold whole
statements, and every source that Python compiles can be exported. `# %% [markdown]` begins text.
`#| export` counts above the first code of a cell; below it, it is an ordinary comment.
"""

import ast
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_tinytorch.core.errors import nearest
from pytest_tinytorch.export.encoding import decoded
from pytest_tinytorch.export.marks import (
    DIRECTIVE,
    NotebookMark,
    begins_text,
    is_mark,
    leading_comments,
)

_WORD = re.compile(r"#\|\s*(\w+)")
_DIRECTIVES = ("default_exp", "export")
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class ExportedCell:
    """Code for one file of the package. `line` is the source line of its first line."""

    target: str
    line: int
    code: str


@dataclass(frozen=True)
class Remark:
    """A directive that exports nothing, with its line. It is not an error: to Python, a comment."""

    line: int
    message: str


class SourceError(Exception):
    """Python cannot compile the source; `line` is the line to fix."""

    def __init__(self, message: str, line: int, column: int = 1, text: str = "") -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.text = message, line, column, text


def exported_cells(
    text: str, file: str, targets: tuple[str, ...]
) -> tuple[list[ExportedCell], list[Remark]]:
    """Return the cells of the source `text` that go to `targets`, and remarks on directives.

    Raises SourceError where Python cannot compile the text.
    """
    text = _as_python_reads_it(text)
    lines = text.split("\n")
    notebook = NotebookMark.of(text)
    if notebook is not None:
        starts = notebook.starts(lines)
        _check_notebook(lines, starts, file, notebook)
    check_compiles(text, file)
    if notebook is None:
        starts = _starts(lines, text)
    directives = _Directives(targets)
    cells = []
    for start, end in pairwise([0, *starts, len(lines)]):
        cells += directives.read(lines, start, end)
    return cells, directives.remarks


def check_compiles(text: str, file: str) -> None:
    """Raise SourceError where Python cannot compile the text."""
    try:
        compile(text, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise SourceError(
            error.msg, error.lineno or 1, error.offset or 1, (error.text or "").rstrip("\n")
        ) from None
    except UnicodeEncodeError as error:  # invalid UTF-8 is read as lone surrogates
        line = text.count("\n", 0, error.start) + 1
        raise SourceError("this line is not UTF-8 text; save the file as UTF-8", line) from None
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes, very deep nesting
        message = str(error) or "Python has not enough memory to compile this; make it simpler"
        raise SourceError(message, 1) from None


def _check_notebook(
    lines: Sequence[str], starts: Sequence[int], file: str, notebook: NotebookMark
) -> None:
    """Compile each cell by itself, so that an unclosed bracket is reported in its own cell."""
    for start, end in pairwise([*starts, len(lines)]):
        try:
            check_compiles("\n" * start + "\n".join(lines[start:end]), file)
        except SourceError as error:
            error.message += notebook.place(lines, error.line)
            raise


def _as_python_reads_it(text: str) -> str:
    """The text with the newlines and the encoding with which Python reads the file."""
    try:
        text = decoded(text)
    except (LookupError, ValueError) as error:
        raise SourceError(f"the declared encoding does not hold: {error}", 1) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _starts(lines: Sequence[str], text: str) -> list[int]:
    """The indices of the first lines of cells: marks that are not inside a statement."""
    marks = [index for index, line in enumerate(lines) if is_mark(line)]
    try:
        body = ast.parse(text).body if marks else []
    except RecursionError:  # some nesting compiles but cannot become a tree
        return marks
    firsts = [_first_line(node) for node in body]
    lasts = [0, *(node.end_lineno or 0 for node in body)]
    # The last statement that begins above a mark must have ended.
    return [index for index in marks if lasts[bisect_right(firsts, index)] <= index]


def _first_line(node: ast.stmt) -> int:
    decorators: Iterable[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


class _Directives:
    """Reads the directives of the cells in order: `#| default_exp` applies to all later cells."""

    def __init__(self, targets: tuple[str, ...]) -> None:
        self._targets = targets
        # A module with one file needs no `#| default_exp`.
        self._default = targets[0] if len(targets) == 1 else ""
        self.remarks: list[Remark] = []

    def read(self, lines: Sequence[str], start: int, end: int) -> list[ExportedCell]:
        """The exported cells of lines `start` to `end`: one for each file that they name."""
        if start < end and begins_text(lines[start]):
            return []
        exported: list[str] = []
        body = start
        for index in leading_comments(lines, start, end):
            directive = DIRECTIVE.match(lines[index])
            if directive is None:
                self._remark_on(lines[index].rstrip()[:_LONGEST_SHOWN], index + 1)
                continue
            body = index + 1
            if directive[1] == "default_exp":
                self._default = directive[2]
            elif target := self._known(directive[2] or self._default, index + 1):
                exported.append(target)
        while end > body and not lines[end - 1].strip():
            end -= 1
        code = "\n".join(lines[body:end])
        return [ExportedCell(target, body + 1, code) for target in exported]

    def _known(self, target: str, line: int) -> str:
        """The target if the module has it; else "", and a remark is added."""
        if target in self._targets:
            return target
        if not target:
            message = "`#| export` without a file: put `#| default_exp core.name` first"
        else:
            valid = ", ".join(self._targets)
            message = f"`{target}` is not an export of this module; valid: {valid}"
        self.remarks.append(Remark(line, f"this cell is not exported: {message}"))
        return ""

    def _remark_on(self, comment: str, line: int) -> None:
        word = _WORD.match(comment)
        if word and (hint := nearest(word[1], _DIRECTIVES)):
            message = f"{comment!r} exports nothing: write `#| export` or `#| export core.name`"
            self.remarks.append(
                Remark(line, message + (hint if word[1] not in _DIRECTIVES else ""))
            )
