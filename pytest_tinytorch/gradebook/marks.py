"""Stores points and comments that a person gives: `tito gradebook mark`.

Marks belong to a student and an item, not to an attempt, so they survive regrades.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.csv_table import TableRow, read_table
from pytest_tinytorch.core.errors import CourseError, nearest
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.entries import Item, MarkEntry
from pytest_tinytorch.gradebook.names import nearest_names
from pytest_tinytorch.gradebook.store import Gradebook

_LARGEST = 1_000_000


@dataclass(frozen=True)
class Marked:
    """How many marks were stored, and how many were there already."""

    new: int
    known: int


def mark(book: Gradebook, entries: Iterable[MarkEntry]) -> Marked:
    """Store marks. Raises CourseError, with nothing stored, if one of them is wrong."""
    items = {item.name: item for item in book.items()}
    checked = [(find_student(book, e.student), _checked(e, items)) for e in entries]
    new = book.add_marks(checked)
    return Marked(new, len(checked) - new)


def find_student(book: Gradebook, who: str) -> int:
    """The number of a student. Raises CourseError with the nearest names."""
    found = book.student_id(who)
    if found is None:
        near = nearest_names(who, book.students())
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise CourseError(f"{who!r} is no student of {book.path}{hint}")
    return found


def _checked(entry: MarkEntry, items: dict[str, Item]) -> MarkEntry:
    item = items.get(entry.item)
    if item is None:
        raise CourseError(f"{entry.item!r} is no item{nearest(entry.item, items)}")
    points = entry.points
    if points is not None and not 0 <= points <= _LARGEST:
        raise CourseError(f"{entry.item}: {points:g} points; write a number from 0")
    if points is not None and points > item.max_points:
        raise CourseError(f"{entry.item}: {points:g} points are more than its {item.max_points:g}")
    return entry


def read_marks(path: Path, marker: str = "") -> list[MarkEntry]:
    """Marks from a CSV file: `student,item,points,comment`. Raises CourseError.

    A row whose points and comment are empty is not yet marked, and left out.
    """
    table = read_table(path)
    student, item, points = table.required("student", "item", "points")
    comment, by = table.column("comment"), table.column("marker")
    return [
        MarkEntry(
            student=row.words(student),
            item=row.words(item),
            points=_number(row, row.words(points)),
            comment=row.words(comment) if comment else "",
            marker=(row.words(by) if by else "") or marker,
        )
        for row in table.rows
        if row.words(points) or (comment and row.words(comment))
    ]


def _number(row: TableRow, text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "."))  # spreadsheets of some languages write 1,5
    except ValueError:
        raise row.wrong(f"points {one_line(text, 40)!r} is not a number") from None
