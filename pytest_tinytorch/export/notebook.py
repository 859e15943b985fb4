"""Converts a submitted notebook to the literate source of its exported cells, without running it.

    notebook (JSON, format 2 to 4) --exported cells, without magics--> source with a mark for each

`submissions.notebooks` and `isolation.bounded` call it. It keeps only exported code cells. The
text that marks a cell (`marks.NotebookMark`) begins no line of the notebook, so a comment `# %%`
within a cell stays a comment.
"""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from pytest_tinytorch.export.marks import DIRECTIVE, NotebookMark, leading_comments

# IPython's magics: %magic, !shell, ?name, name?, value = !shell, and `pip install` without a %.
_MAGIC = re.compile(r"\s*(?:[%!?]|(?:pip3?|conda|mamba|uv)\s|[^#'\"]*\?\s*$|[\w\s,.\[\]]+=\s*[%!])")
_LEADING_MAGIC = re.compile(r"\s*[%!?]")
_NAME = re.compile(r"[^\W\d]\w*")
_LONGEST_SHOWN = 60


class NotebookRefused(Exception):
    """A file is not a notebook. The message is shown after the file's name."""


def source_of_notebook(content: bytes) -> tuple[str, list[str]]:
    """The source, and a line for each omission. Raises NotebookRefused."""
    notes: list[str] = []
    cells = []
    others = []
    for number, code in _code_cells(_read(content)):
        lines, magics = _exported_lines(code.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        if lines:
            cells.append((number, lines))
        if not _is_exported(lines):
            others.append((number, code))
        for line, magic in magics.items():
            shown = magic[:_LONGEST_SHOWN]
            notes.append(f"cell {number}, line {line}: {shown!r} is not Python, and was left out")
    exported = "\n".join(line for _, lines in cells for line in lines)
    notes += _not_exported(exported, others)
    mark = NotebookMark.unlike([line for _, lines in cells for line in lines])
    blocks = [mark.first_line]
    for number, lines in cells:
        blocks += [f"{mark.comment} {number}", *lines, ""]
    return "\n".join([*blocks, ""]), notes


def _is_exported(lines: list[str]) -> bool:
    return any((match := DIRECTIVE.match(line)) and match[1] == "export" for line in lines)


def _not_exported(exported: str, others: list[tuple[int, str]]) -> list[str]:
    """A line for each name that exported cells use, and only another cell defines."""
    used = set(_NAME.findall(exported)) - set(_defined(exported))
    return [
        f"cell {number} defines {name}, which exported cells use, but has no `#| export`"
        for number, code in others
        for name in _defined(code)
        if name in used
    ]


def _defined(code: str) -> list[str]:
    """The functions and classes that code defines; none if it does not compile."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in tree.body if isinstance(node, kinds)]


def _read(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError) as error:
        message = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise NotebookRefused(f"cannot be read as a notebook ({message})") from None


def _code_cells(notebook: Any) -> Iterator[tuple[int, str]]:
    """The text of each code cell, with its number among all cells, from 1."""
    for number, cell in enumerate(_cells(notebook), 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        text = cell.get("source", cell.get("input", ""))  # "input" before format 4
        lines: list[Any] = text if isinstance(text, list) else [text]
        if all(isinstance(line, str) for line in lines):
            yield number, "".join(lines)


def _cells(notebook: Any) -> list[Any]:
    sheets = [notebook]
    if isinstance(notebook, dict) and isinstance(notebook.get("worksheets"), list):
        sheets = notebook["worksheets"]  # before format 4
    found: list[Any] = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    if not found or not all(isinstance(cells, list) for cells in found):
        raise NotebookRefused("cannot be read as a notebook (it has no list of cells)")
    return [cell for cells in found for cell in cells]


def _exported_lines(lines: list[str]) -> tuple[list[str], dict[int, str]]:
    """The exported code of a cell, and its magics by line; both empty if it exports nothing."""
    # A cell may begin with a magic `%%time` above `#| export`.
    leading = ["#" if _LEADING_MAGIC.match(line) else line for line in lines]
    directives = {
        index: match[1]
        for index in leading_comments(leading, 0, len(lines))
        if (match := DIRECTIVE.match(lines[index]))
    }
    if "export" not in directives.values():
        return [lines[index] for index in directives], {}
    top = max(directives)
    magics = {n: line for n, line in enumerate(lines[:top]) if _LEADING_MAGIC.match(line)}
    lines = [f"# {line}" if n in magics else line for n, line in enumerate(lines)]
    while (n := _magic_that_fails(lines)) is not None:
        magics[n] = lines[n]
        lines[n] = f"{_indent(lines[n])}pass  # {lines[n].strip()}"
    return lines, {n + 1: line.strip() for n, line in sorted(magics.items())}


def _magic_that_fails(lines: list[str]) -> int | None:
    """The line of a magic that makes compilation fail: at the error, or above it."""
    try:
        compile("\n".join(lines), "cell", "exec", dont_inherit=True)
    except SyntaxError as error:
        failed = min(error.lineno or 1, len(lines))
        return next((n for n in range(failed - 1, -1, -1) if _MAGIC.match(lines[n])), None)
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
