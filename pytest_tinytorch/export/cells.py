"""A literate source -> the code cells that it exports, each with its line in the source."""

import re
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"#\|\s*(\w+)\s*([\w.]*)\s*$")


@dataclass(frozen=True)
class ExportedCell:
    """Code for one file of the package. `line` is the source line of its first line."""

    target: str
    line: int
    code: str


class SourceError(Exception):
    """A source that cannot be exported, and the line to mend."""

    def __init__(self, message: str, line: int, column: int = 1, text: str = "") -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.text = message, line, column, text


def exported_cells(text: str, file: str, targets: tuple[str, ...]) -> list[ExportedCell]:
    """Return the cells of the source `text` that go to `targets`. Raises SourceError."""
    check_compiles(text, file)
    default: str | None = None
    cells = []
    for line, code in _code_cells(text):
        directives, body_line, body = _split(line, code)
        for number, word, argument in directives:
            if word == "default_exp":
                default = argument
            elif word == "export":
                target = _known_target(argument or default, targets, number)
                cells.append(ExportedCell(target, body_line, body))
            else:
                valid = "default_exp, export"
                raise SourceError(f"unknown directive `#| {word}`; valid: {valid}", number)
    return cells


def check_compiles(text: str, file: str) -> None:
    """Raise SourceError where Python cannot compile the text."""
    try:
        compile(text, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise SourceError(
            error.msg, error.lineno or 1, error.offset or 1, (error.text or "").rstrip("\n")
        ) from None
    except UnicodeEncodeError as error:  # bytes that are not UTF-8 were read as lone surrogates
        line = text.count("\n", 0, error.start) + 1
        raise SourceError("this line is not UTF-8 text; save the file as UTF-8", line) from None
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes, absurd nesting
        raise SourceError(str(error) or type(error).__name__, 1) from None


def _code_cells(text: str) -> list[tuple[int, str]]:
    import jupytext  # 0.3 s: only when there is something to export

    lines = text.splitlines()
    cells = []
    cursor = 0
    for cell in jupytext.reads(text, fmt="py:percent").cells:
        if cell.cell_type == "code" and cell.source.strip():
            cursor = _find(cell.source.splitlines(), lines, cursor)
            cells.append((cursor + 1, cell.source))
            cursor += len(cell.source.splitlines())
    return cells


def _find(wanted: list[str], lines: list[str], start: int) -> int:
    """Return where the cell's lines stand in the file: jupytext does not tell."""
    for index in range(start, len(lines) - len(wanted) + 1):
        if lines[index : index + len(wanted)] == wanted:
            return index
    message = f"this cell is not plain Python as jupytext reads it: {wanted[0]!r}"
    raise SourceError(message, start + 1)


def _split(line: int, code: str) -> tuple[list[tuple[int, str, str]], int, str]:
    """Return a cell's directives (line, word, argument), and the line and text of what follows."""
    lines = code.splitlines()
    directives = []
    count = 0
    while count < len(lines) and lines[count].startswith("#|"):
        match = _DIRECTIVE.match(lines[count])
        if match is None:
            raise SourceError(f"cannot read the directive {lines[count]!r}", line + count)
        directives.append((line + count, match[1], match[2]))
        count += 1
    return directives, line + count, "\n".join(lines[count:])


def _known_target(target: str | None, targets: tuple[str, ...], line: int) -> str:
    if target is None:
        raise SourceError("`#| export` without a file: put `#| default_exp core.name` first", line)
    if target not in targets:
        valid = ", ".join(targets)
        raise SourceError(f"`{target}` is not an export of this module; valid: {valid}", line)
    return target
