"""Reads who is in a class from the files that learning platforms export, or a plain CSV file.

`tito gradebook roster` calls it. The columns tell which kind of file it is:

    Canvas      Student, ID, SIS User ID, SIS Login ID, Section      (the exported gradebook)
    Moodle      Full name or First name and Last name, Email address, Identifier, ID number
    Gradescope  Name or First Name and Last Name, SID, Email, Role, Section or Sections
    plain       student, and if wanted name, email, section, role, login, id
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_tinytorch.core.csv_table import Table, TableRow, read_table
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.gradebook.entries import Student
from pytest_tinytorch.gradebook.names import key_of

STUDENT = "student"
_TEST_STUDENT = "student, test"  # Canvas's own, for teachers to try things as a student
_POINTS_POSSIBLE = "points possible"
_PARTICIPANT = re.compile(r"(?:Participant|Teilnehmer|Participante)\D*(\d+)|(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class _Person:
    """A row before names are compared. `ids` are unique in a class; a shown name may not be."""

    student: Student
    line: int
    ids: tuple[str, ...]


def read_people(paths: Iterable[Path]) -> list[Student]:
    """Everybody in these files. Raises CourseError, for example if a student appears twice."""
    people: list[_Person] = []
    for path in paths:
        table = read_table(path)
        found = [person for row in table.rows for person in _person(table, row)]
        if not found:
            raise CourseError(f"{path} has a header and no student below it")
        _check_unique(path, found)
        people += found
    return _merged(people)


def is_canvas(table: Table) -> bool:
    return table.column("SIS Login ID", "SIS User ID") is not None or (
        table.column("Student") is not None
        and table.column("ID") is not None
        and table.column("Section") is not None
    )


def is_note(name: str) -> bool:
    """Whether a row of a Canvas file is none of a person: points possible, posting policy."""
    key = key_of(name)
    return not key or key in (_POINTS_POSSIBLE, _TEST_STUDENT)


def _person(table: Table, row: TableRow) -> Iterator[_Person]:
    def value(*names: str) -> str:
        column = table.column(*names)
        return unicodedata.normalize("NFC", row.words(column)) if column else ""

    first_and_last = (value("First name"), value("Last name", "Surname"))
    shown = value("Full name", "Name") or " ".join(filter(None, first_and_last)) or value("Student")
    if is_canvas(table) and is_note(shown):
        return
    email = value("Email address", "Email", "E-Mail", "E-Mail-Adresse")
    canvas_id = value("ID") if is_canvas(table) else ""
    participant = _participant(value("Identifier"))
    ids = [
        *(value("SIS Login ID"), email, value("Username", "Login"), value("SIS User ID")),
        *(value("SID", "ID number", "Student ID"), "" if canvas_id else value("ID")),
        *((f"_{canvas_id}",) if canvas_id else ()),  # in the names of downloaded files
        *((f"{shown}_{participant}",) if participant else ()),
    ]
    name = _name(table, value, ids) or shown
    if not name:
        raise row.wrong("there is no name, no email address and no number in this row")
    yield _Person(
        Student(
            name=name,
            shown=shown,
            email=email,
            section=value("Section", "Sections", "Group", "Groups"),
            role=value("Role").casefold() or STUDENT,
        ),
        row.line,
        tuple(dict.fromkeys(filter(None, (name, *ids)))),
    )


def _name(table: Table, value: Callable[..., str], ids: Iterable[str]) -> str:
    """What submissions most likely call a student: the plain column, else the first id."""
    plain = "" if is_canvas(table) else value("Student")
    return plain or next((i for i in ids if i and not i.startswith("_")), "")


def _participant(text: str) -> str:
    match = _PARTICIPANT.fullmatch(text)
    return (match[1] or match[2]) if match else ""


def _check_unique(path: Path, people: Iterable[_Person]) -> None:
    lines: dict[str, int] = {}
    for person in people:
        for identifier in person.ids:
            other = lines.setdefault(key_of(identifier), person.line)
            if other != person.line:
                raise CourseError(
                    f"{path}: {identifier!r} appears twice, on lines {other} and {person.line}"
                )


def _merged(people: Iterable[_Person]) -> list[Student]:
    """One student for rows with an id in common, in the order of their first rows.

    A displayed name is an alias if only one student has it.
    """
    groups: list[list[_Person]] = []
    by_id: dict[str, list[_Person]] = {}
    for person in people:
        group = next((by_id[k] for i in person.ids if (k := key_of(i)) in by_id), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(person)
        by_id |= {key_of(identifier): group for identifier in person.ids}
    shown = Counter(key_of(group[0].student.shown) for group in groups)
    return [_one(group, shown[key_of(group[0].student.shown)] == 1) for group in groups]


def _one(group: list[_Person], is_only: bool) -> Student:
    first = group[0].student
    shown = first.shown or first.name
    aliases = [identifier for person in group for identifier in person.ids]
    if is_only:
        aliases += [shown, _turned(shown)]
    sections = dict.fromkeys(p.student.section for p in group if p.student.section)
    return replace(
        first,
        shown=shown,
        email=next((p.student.email for p in group if p.student.email), ""),
        section=", ".join(sections),
        aliases=tuple(dict.fromkeys(filter(None, aliases))),
    )


def _turned(shown: str) -> str:
    """`Lovelace, Ada` -> `Ada Lovelace`; "" for a name without a comma."""
    last, comma, first = shown.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else ""
