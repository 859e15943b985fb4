"""Writes a queue of answers as CSV, and reads the levels that a marker wrote into it.

`cli.gradebook_marking` calls it. The file has codes instead of names.
"""

from collections.abc import Sequence
from pathlib import Path

from pytest_tinytorch.core.csv_table import read_table
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.csv_cells import csv_line
from pytest_tinytorch.gradebook.marking import Judgement, Level, Waiting, answers_to
from pytest_tinytorch.gradebook.store import Gradebook

_COLUMNS = ("code", "level", "comment", "answer", "question", "rubric")


def queue_csv(waiting: Sequence[Waiting], question: str, levels: Sequence[Level]) -> str:
    """A row for each answer; `level` and `comment` are to be filled in."""
    rubric = "\n".join(f"{one.level} ({100 * one.share:g} %) {one.text}" for one in levels)
    rows = [(one.code, "", "", one.text, question, rubric) for one in waiting]
    return "".join(csv_line(row) for row in [_COLUMNS, *rows])


def read_levels(
    path: Path, book: Gradebook, item: str, marker: str, second: bool
) -> list[Judgement]:
    """The levels in such a file; rows without a level are left out. Raises CourseError."""
    table = read_table(path)
    code, level = table.required("code", "level")
    comment = table.column("comment")
    answers = {one.code: one for one in answers_to(book, item)}
    found = []
    for row in table.rows:
        text = row.value(level)
        if not text:
            continue
        one = answers.get(row.value(code))
        if one is None:
            raise row.wrong(f"{one_line(row.value(code), 40)!r} is no code of {item}")
        if not text.isdecimal() or len(text) > 4:
            raise row.wrong(f"level {one_line(text, 40)!r} is not a number")
        words = row.words(comment) if comment else ""
        found.append(Judgement(one, int(text), words, marker, second))
    if not found:
        raise CourseError(f"{path} has no level; write one into the column 'level'")
    return found
