"""Reads a roster: a CSV file with the columns `student` and `remote`. `remotes` calls it."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.csv_table import TableRow, read_table
from pytest_tinytorch.core.errors import CourseError

_COLUMNS = ("student", "remote")


@dataclass(frozen=True)
class Row:
    student: str
    remote: str


def read_roster(path: Path) -> list[Row]:
    """The rows, in their order. Raises CourseError with the number of the line."""
    table = read_table(path)
    student, remote = table.required(*_COLUMNS)
    rows = [(row.line, _row(row, student, remote)) for row in table.rows]
    seen: dict[str, int] = {}
    for line, row in rows:
        if row.student in seen:
            where = f"lines {seen[row.student]} and {line}"
            raise CourseError(f"{path}: student {row.student!r} appears twice, on {where}")
        seen[row.student] = line
    if not rows:
        raise CourseError(f"{path} has a header and no student below it")
    return [row for _, row in rows]


def _row(entry: TableRow, student: str, remote: str) -> Row:
    for name, column in zip(_COLUMNS, (student, remote), strict=True):
        if not entry.value(column):
            raise entry.wrong(f"{name} is empty")
    address = entry.value(remote)
    if address.startswith("-"):
        raise entry.wrong(f"remote {address!r} begins with '-': git would take it for an option")
    return Row(unicodedata.normalize("NFC", entry.value(student)), address)
