"""Changes single cells of a CSV file, and leaves every other byte as it is. `lms` calls it.

The files come from a learning platform and go back to it. Writing all cells would change quotes,
line ends and the form of numbers, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Cell:
    """A cell: its value, and where it is in the text, with its quotes."""

    value: str
    start: int
    end: int


def read_cells(text: str, separator: str) -> list[list[Cell]]:
    """The rows of a text. A mark at its beginning is part of no cell."""
    rows: list[list[Cell]] = []
    row: list[Cell] = []
    position = len(text) - len(text.removeprefix("\ufeff"))
    while position < len(text):
        cell = _cell(text, position, separator)
        row.append(cell)
        position = cell.end
        if text.startswith(separator, position):
            position += 1
            if position < len(text):
                continue
            row.append(Cell("", position, position))
        rows.append(row)
        row = []
        position += 2 if text.startswith("\r\n", position) else 1
    return rows


def _cell(text: str, start: int, separator: str) -> Cell:
    if not text.startswith('"', start):
        end = start
        while end < len(text) and text[end] not in (separator, "\n", "\r"):
            end += 1
        return Cell(text[start:end], start, end)
    end = start + 1
    while end < len(text):
        if text.startswith('""', end):
            end += 2
        elif text[end] == '"':
            break
        else:
            end += 1
    closed = end + 1
    while closed < len(text) and text[closed] not in (separator, "\n", "\r"):
        closed += 1  # text after the closing quote, which no platform writes
    return Cell(text[start + 1 : end].replace('""', '"'), start, closed)


def with_cells(text: str, changes: Mapping[Cell, str]) -> str:
    """The text with new values in some cells, in quotes where the old ones were."""
    parts, position = [], 0
    for cell, value in sorted(changes.items(), key=lambda change: change[0].start):
        quoted = text.startswith('"', cell.start)
        parts += [text[position : cell.start], f'"{value}"' if quoted else value]
        position = cell.end
    return "".join([*parts, text[position:]])


def csv_line(values: Sequence[object]) -> str:
    """A line of CSV in which no cell is a formula for a spreadsheet: `="x"` becomes `'="x"`."""
    return ",".join(_written(value) for value in values) + "\n"


def _written(value: object) -> str:
    if isinstance(value, int | float):
        return f"{value:.10g}"
    text = str(value)
    if text.startswith(_FORMULA):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"'
