"""Reads who handed in which file, and when: a CSV file, and the list of `tito collect`.

`cli.gradebook` calls it.

    path,student,time                               of a mapping; `time` may be missing
    build-17/junit.xml,ana,2026-11-20T22:10+01:00   a file, or a folder around it
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pytest_tinytorch.core.csv_table import TableRow, read_table
from pytest_tinytorch.gradebook.identity import Mapped
from pytest_tinytorch.gradebook.names import key_of
from pytest_tinytorch.gradebook.reading import in_utc
from pytest_tinytorch.submissions.collection import read_list


def read_mapping(path: Path) -> dict[str, Mapped]:
    """Path -> student and time. Raises CourseError."""
    table = read_table(path)
    where, student = table.required("path", "student")
    time = table.column("time", "submitted")
    found: dict[str, Mapped] = {}
    for row in table.rows:
        for column in (where, student):
            if not row.value(column):
                raise row.wrong(f"{column} is empty")
        key = PurePosixPath(row.value(where).replace("\\", "/")).as_posix()
        if key in found:
            raise row.wrong(f"{key!r} appears twice")
        found[key] = Mapped(row.value(student), _time(row, time) if time else "")
    return found


def _time(row: TableRow, column: str) -> str:
    text = row.value(column)
    if text and not _has_zone(text):
        raise row.wrong(f"{text!r} is no time with a time zone; write 2026-11-20T23:59+01:00")
    return in_utc(text)


def _has_zone(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).tzinfo is not None and (
            datetime.fromisoformat(text).tzinfo is not None
        )
    except (ValueError, OverflowError):
        return False


def submission_times(collected: Path) -> Mapping[str, str]:
    """The key of a student -> when it was submitted, of a `collected.json`. Raises CourseError."""
    entries = read_list(collected)
    return {key_of(one.student): in_utc(one.time) for one in entries.values() if in_utc(one.time)}
