"""Reads a roster: a CSV file with the columns `student` and `remote`. `remotes` calls it."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line

_COLUMNS = ("student", "remote")
_LONGEST, _LARGEST = 1000, 2**24


@dataclass(frozen=True)
class Row:
    student: str
    remote: str


def read_roster(path: Path) -> list[Row]:
    """The rows, in their order. Raises CourseError with the number of the line."""
    try:
        text = read_plain(path, _LARGEST).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        _check_header(path, reader.fieldnames or [])
        rows = [(reader.line_num, _row(path, reader.line_num, entry)) for entry in reader]
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{path} is not a CSV file in UTF-8: {error}") from None
    seen: dict[str, int] = {}
    for line, row in rows:
        if row.student in seen:
            where = f"lines {seen[row.student]} and {line}"
            raise CourseError(f"{path}: student {row.student!r} appears twice, on {where}")
        seen[row.student] = line
    if not rows:
        raise CourseError(f"{path} has a header and no student below it")
    return [row for _, row in rows]


def _check_header(path: Path, found: Sequence[str]) -> None:
    missing = [column for column in _COLUMNS if column not in found]
    if missing:
        raise CourseError(
            f"{path}: its first line has no column {' and no column '.join(map(repr, missing))};"
            f" write student,remote (found: {one_line(', '.join(map(repr, found)) or 'nothing')})"
        )


def _row(path: Path, line: int, entry: dict[str, str | None]) -> Row:
    values = {column: (entry[column] or "").strip() for column in _COLUMNS}
    for column, value in values.items():
        if not value:
            raise CourseError(f"{path}, line {line}: {column} is empty")
        if one_line(value, _LONGEST) != value:
            raise CourseError(
                f"{path}, line {line}: {column} {one_line(repr(value))} has characters that cannot"
                f" be shown, or more than {_LONGEST}"
            )
    if values["remote"].startswith("-"):
        raise CourseError(
            f"{path}, line {line}: remote {values['remote']!r} begins with '-': git would take it"
            f" for an option"
        )
    return Row(unicodedata.normalize("NFC", values["student"]), values["remote"])
