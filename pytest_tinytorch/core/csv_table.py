"""Reads a CSV file with a header, as spreadsheets and learning platforms save it.

Separated by commas, semicolons or tabs; in UTF-8 with or without a mark, or UTF-16 with one.
Rosters, mappings and marks are read with it.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line

_LARGEST = 2**24
_LONGEST = 1000  # characters of a value
_MOST_COLUMNS = 2000
_SEPARATORS = ",;\t"


@dataclass(frozen=True)
class TableRow:
    """One row: the number of its last line, and its cells by column, as they are in the file."""

    path: Path
    line: int
    cells: Mapping[str, str]

    def value(self, column: str) -> str:
        """A cell without outer spaces. Raises CourseError where it cannot be shown on a line."""
        return self._checked(column, self.cells[column].strip())

    def words(self, column: str) -> str:
        """A cell with single spaces between words, for text that may have several lines."""
        return self._checked(column, " ".join(self.cells[column].split()))

    def _checked(self, column: str, value: str) -> str:
        if one_line(value, _LONGEST) != value:
            raise self.wrong(
                f"{column} {one_line(repr(value))} has characters that cannot be shown, or more"
                f" than {_LONGEST}"
            )
        return value

    def wrong(self, reason: str) -> CourseError:
        return CourseError(f"{self.path}, line {self.line}: {reason}")


@dataclass(frozen=True)
class Table:
    """`columns` are as in the file; `column` finds one in any spelling of case and spaces."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]

    def column(self, *names: str) -> str | None:
        """The first of these columns that is there, as it is spelled in the file."""
        spelled = {column_key(name): name for name in reversed(self.columns)}
        found = (spelled.get(column_key(name)) for name in names)
        return next((name for name in found if name is not None), None)

    def required(self, *names: str) -> list[str]:
        """These columns, as they are spelled in the file. Raises CourseError."""
        missing = [name for name in names if self.column(name) is None]
        if missing:
            found = one_line(", ".join(map(repr, self.columns)) or "nothing")
            raise CourseError(
                f"{self.path}: its first line has no column"
                f" {' and no column '.join(map(repr, missing))}; write {','.join(names)}"
                f" (found: {found})"
            )
        return [self.column(name) or name for name in names]


def column_key(name: str) -> str:
    """`SIS_User ID` and `sis user id` are one column."""
    return " ".join(name.replace("_", " ").casefold().split())


def read_table(path: Path) -> Table:
    """Read a table. Raises CourseError with the number of the line."""
    try:
        text = decoded(read_plain(path, _LARGEST))
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator(text), strict=True)
        return _table(path, lines)
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeError as error:
        raise CourseError(
            f"{path} is not a CSV file in UTF-8: {error}; save it as `CSV UTF-8`"
        ) from None
    except csv.Error as error:
        raise CourseError(f"{path} is not a CSV file in UTF-8: {error}") from None


def decoded(content: bytes) -> str:
    """The text of a file. Raises UnicodeError."""
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    text = content.decode("utf-16" if content.startswith(marks) else "utf-8-sig")
    if "\0" in text:
        raise UnicodeError("it has bytes of zero")
    return text


def separator(text: str) -> str:
    """The separator that gives the first line the most columns."""
    first = text.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    return max(_SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def _table(path: Path, lines: "Iterator[list[str]]") -> Table:
    header = next((line for line in lines if any(map(str.strip, line))), [])
    columns = tuple(name.strip() for name in header)
    if len(columns) > _MOST_COLUMNS:
        raise CourseError(f"{path} has {len(columns)} columns, more than {_MOST_COLUMNS}")
    rows = []
    number: int = lines.line_num  # type: ignore[attr-defined]
    for line in lines:
        number = lines.line_num  # type: ignore[attr-defined]
        if any(map(str.strip, line)):
            rows.append(TableRow(path, number, _cells(columns, line)))
    return Table(path, columns, tuple(rows))


def _cells(columns: Sequence[str], line: Sequence[str]) -> dict[str, str]:
    """A missing cell is empty; of several columns with one name, the first one counts."""
    found = dict.fromkeys(columns, "")
    found.update(reversed(list(zip(columns, line, strict=False))))
    return found
