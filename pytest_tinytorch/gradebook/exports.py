"""Writes grades as CSV and JSON, and as Moodle and Gradescope read them. `cli.gradebook` calls it.

Files begin with a mark (U+FEFF), from which spreadsheets know that they are UTF-8.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_tinytorch.gradebook.class_view import has_verified, remarks
from pytest_tinytorch.gradebook.csv_cells import csv_line
from pytest_tinytorch.gradebook.grades import ItemGrade, State, StudentGrades

MARK = "\ufeff"
_FORMAT = 1


def grades_csv(rows: Sequence[StudentGrades], sightings: Mapping[int, str]) -> str:
    """A row for each student. A cell is empty while the item is for review, and so is the total."""
    items = [cell.item for cell in rows[0].cells] if rows else []
    head = ["student", "name", "email", "section", "attempts", "total", "raw", "max", "remarks"]
    lines = [csv_line([*head, *(item.name for item in items)])]
    doubts = has_verified(rows)
    for row in rows:
        student = row.student
        lines.append(
            csv_line(
                [
                    *(student.name, student.shown, student.email, student.section, row.attempts),
                    *("" if row.is_open else row.adjusted, row.raw, row.max_points),
                    "; ".join(remarks(row, sightings, doubts)),
                    *map(_points, row.cells),
                ]
            )
        )
    return MARK + "".join(lines)


def _points(cell: ItemGrade) -> float | str:
    return "" if cell.state is State.OPEN else cell.adjusted


def moodle_csv(rows: Sequence[StudentGrades]) -> str:
    """A file for Moodle's grade import, which finds students by their email address."""
    items = [cell.item for cell in rows[0].cells] if rows else []
    lines = [csv_line(["Email address", "Full name", *(item.name for item in items), "Total"])]
    for row in rows:
        total = "" if row.is_open else row.adjusted
        who = (row.student.email or row.student.name, row.student.shown)
        lines.append(csv_line([*who, *map(_points, row.cells), total]))
    return MARK + "".join(lines)


def gradescope_csv(rows: Sequence[StudentGrades], title: str) -> str:
    """The columns of Gradescope's own export of an assignment."""
    head = ["First Name", "Last Name", "SID", "Email", "Sections", title, f"{title} - Max Points"]
    lines = [csv_line(head)]
    for row in rows:
        first, last = first_and_last(row.student.shown)
        student = row.student
        total = "" if row.is_open or not row.has_submitted else row.adjusted
        lines.append(
            csv_line(
                [
                    *(first, last, student.name, student.email, student.section),
                    *(total, row.max_points),
                ]
            )
        )
    return MARK + "".join(lines)


def first_and_last(shown: str) -> tuple[str, str]:
    """`Lovelace, Ada` and `Ada Lovelace` -> (`Ada`, `Lovelace`)."""
    last, comma, first = shown.partition(",")
    if comma:
        return first.strip(), last.strip()
    first, _, last = shown.rpartition(" ")
    return (first, last) if first else (last, "")


def grades_json(rows: Sequence[StudentGrades], sightings: Mapping[int, str]) -> str:
    """Everything that is known, as JSON."""
    students = [_plain(row, sightings) for row in rows]
    data = {"format": _FORMAT, "students": students}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _plain(row: StudentGrades, sightings: Mapping[int, str]) -> dict[str, Any]:
    student = row.student
    return {
        "student": student.name,
        "name": student.shown,
        "email": student.email,
        "section": student.section,
        "standing": student.standing.value,
        "attempts": row.attempts,
        "raw": row.raw,
        "adjusted": row.adjusted,
        "max": row.max_points,
        "open": row.is_open,
        "remarks": remarks(row, sightings),
        "items": {cell.item.name: _plain_cell(cell) for cell in row.cells},
    }


def _plain_cell(cell: ItemGrade) -> dict[str, Any]:
    return {
        "state": cell.state.value,
        "raw": cell.raw,
        "adjusted": cell.adjusted,
        "max": cell.item.max_points,
        "passed": cell.passed,
        "tests": cell.item.tests,
        "undecided": cell.undecided,
        "missing": cell.missing,
        "attempts": cell.attempts,
        "days_late": round(cell.days_late, 4),
        "trust": cell.trust.value if cell.trust else None,
        "comment": cell.comment,
    }
