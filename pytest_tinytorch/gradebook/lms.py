"""Fills grades into a CSV file that Canvas or Moodle exported. `cli.gradebook` calls it.

Only cells of the named columns change; every other byte stays. Canvas: rows are found by ID, SIS
User ID, SIS Login ID and name, in that order. Moodle: by email address, ID number, identifier and
name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_tinytorch.core.csv_table import column_key, decoded, separator
from pytest_tinytorch.core.errors import CourseError, nearest
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.csv_cells import Cell, read_cells, with_cells
from pytest_tinytorch.gradebook.grades import ItemGrade, State, StudentGrades
from pytest_tinytorch.gradebook.names import key_of
from pytest_tinytorch.gradebook.roster import is_note

TOTAL = "total"
_LARGEST = 2**24
_KEYS = ("ID", "SIS User ID", "SIS Login ID", "Email address", "ID number", "Identifier")
_NAMES = ("Student", "Full name")
_ASSIGNMENT_ID = re.compile(r"\s*\(\d+\)$")  # `TinyTorch (1234)` of Canvas


@dataclass
class Filled:
    """The new text of a file, and what to look at."""

    text: str
    changed: int = 0
    not_in_book: list[str] = field(default_factory=list)  # rows of the file
    not_in_file: list[str] = field(default_factory=list)  # students of the gradebook
    notes: list[str] = field(default_factory=list)


def fill(
    path: Path,
    rows: Sequence[StudentGrades],
    names: Mapping[str, int],
    columns: Mapping[str, str],
    zeros: bool = False,
) -> Filled:
    """Fill grades into a platform's file.

    names: the key of a name -> the number of the student
    columns: item, or `total` -> the header of a column; empty: columns that are named like items
    zeros: write 0 into empty cells of students who handed in nothing

    Raises CourseError where a column is not there.
    """
    text = _read(path)
    cells = read_cells(text, separator(text.removeprefix("\ufeff")))
    if not cells:
        raise CourseError(f"{path} is empty")
    header = [cell.value.strip() for cell in cells[0]]
    wanted = _wanted(path, header, rows, columns)
    filled = Filled(text)
    by_id = {row.student.id: row for row in rows}
    changes: dict[Cell, str] = {}
    seen = set()
    for line in cells[1:]:
        values = {column_key(h): cell.value.strip() for h, cell in zip(header, line, strict=False)}
        shown = next((values[column_key(n)] for n in _NAMES if values.get(column_key(n))), "")
        if is_note(shown):
            _compare_points(filled, header, line, wanted, rows, shown)
            continue
        student = _student(values, shown, names)
        if student is None or student not in by_id:
            filled.not_in_book.append(one_line(shown))
            continue
        seen.add(student)
        for position, item in wanted.items():
            points = _points(by_id[student], item)
            if position >= len(line):
                continue
            cell = line[position]
            if points is None and zeros and not cell.value.strip():
                points = _nothing(by_id[student], item)
            if points is not None and _differs(cell, points):
                changes[cell] = f"{points:.2f}"
    filled.not_in_file = [one_line(r.student.shown) for r in rows if r.student.id not in seen]
    filled.text, filled.changed = with_cells(text, changes), len(changes)
    return filled


def _read(path: Path) -> str:
    try:
        content = read_plain(path, _LARGEST)
        text = decoded(content)
        return "\ufeff" + text if content.startswith(b"\xef\xbb\xbf") else text
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeError as error:
        raise CourseError(f"{path} is not a CSV file in UTF-8: {error}") from None


def _wanted(
    path: Path, header: Sequence[str], rows: Sequence[StudentGrades], columns: Mapping[str, str]
) -> dict[int, str]:
    """Position of a column -> item."""
    items = {cell.item.name for row in rows[:1] for cell in row.cells} | {TOTAL}
    if not columns:
        plain = [_ASSIGNMENT_ID.sub("", name).casefold() for name in header]
        found = {plain.index(item.casefold()): item for item in items if item.casefold() in plain}
        if "grade" in plain and not found:
            found = {plain.index("grade"): TOTAL}  # a worksheet of Moodle
        if not found:
            example = _example(header)
            raise CourseError(
                f"{path}: no column is named like an item or {TOTAL!r}; name one:"
                f" --column 'total={example}' or --column '05={example}'"
            )
        return found
    found = {}
    for item, name in columns.items():
        if item not in items:
            raise CourseError(f"--column: {item!r} is no item with results{nearest(item, items)}")
        if name not in header:
            raise CourseError(f"{path}: there is no column {name!r}{nearest(name, header)}")
        found[header.index(name)] = item
    return found


def _example(header: Sequence[str]) -> str:
    return next((name for name in header if _ASSIGNMENT_ID.search(name)), "NAME (1234)")


def _student(values: Mapping[str, str], shown: str, names: Mapping[str, int]) -> int | None:
    for column in _KEYS:
        value = values.get(column_key(column), "")
        # Canvas's own number has a key of its own: another student's SIS number may be the same.
        key = f"_{value}" if column == "ID" else key_of(value)
        if value and key in names:
            return names[key]
    return names.get(key_of(shown))


def _points(row: StudentGrades, item: str) -> float | None:
    """The points of a cell; None while it is for review, and where nothing was handed in."""
    cells = _cells(row, item)
    is_open = any(cell.state is State.OPEN for cell in cells)
    is_empty = all(cell.state is State.NONE for cell in cells)
    return None if is_open or is_empty else sum(cell.adjusted for cell in cells)


def _nothing(row: StudentGrades, item: str) -> float | None:
    """0 where nothing was handed in."""
    return 0.0 if all(cell.state is State.NONE for cell in _cells(row, item)) else None


def _cells(row: StudentGrades, item: str) -> list[ItemGrade]:
    return [cell for cell in row.cells if item in (TOTAL, cell.item.name)]


def _differs(cell: Cell, points: float) -> bool:
    try:
        return round(float(cell.value), 2) != round(points, 2)
    except ValueError:
        return True


def _compare_points(
    filled: Filled,
    header: Sequence[str],
    line: Sequence[Cell],
    wanted: Mapping[int, str],
    rows: Sequence[StudentGrades],
    shown: str,
) -> None:
    """Note where the platform's points possible differ from the manifest's."""
    if key_of(shown) != "points possible" or not rows:
        return
    for position, item in wanted.items():
        most = sum(cell.item.max_points for cell in _cells(rows[0], item))
        value = line[position].value.strip() if position < len(line) else ""
        if value and _differs(line[position], most):
            filled.notes.append(
                f"{header[position]!r} has {one_line(value, 20)} points possible, and the course"
                f" gives {item} {most:g}"
            )
