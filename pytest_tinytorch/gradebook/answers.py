"""Extracts the answers to the course's questions from submissions: sources or notebooks.

`cli.gradebook_marking` calls `read_answers`. An answer is what a student added to the cell of a
question, and cells of text of the student's own below it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.text import printable
from pytest_tinytorch.gradebook.questions import questions_of
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.notebooks import NotebookRefused
from pytest_tinytorch.submissions.reader import read_submission

_CELL = "# %%"
_TEXT_CELL = re.compile(r"# %% \[markdown\]\s*(?:nbgrader=(\{.*\}))?")
_LONGEST = 20_000  # characters of an answer


@dataclass(frozen=True)
class Cell:
    """A cell of text: its id of nbgrader, or "", and its lines without quotes and comment signs."""

    id: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Answers:
    """What was found in a class."""

    texts: Mapping[tuple[str, str], str]  # (student, question) -> the answer
    unread: tuple[str, ...]  # submissions and files that could not be read


def question_texts(course: Course) -> dict[str, str]:
    """Question -> its text in the course's own sources."""
    wanted = {question.id for question in questions_of(course)}
    return {
        cell.id: "\n".join(cell.lines).strip()
        for cells in _course_cells(course).values()
        for cell in cells
        if cell.id in wanted
    }


def read_answers(course: Course, submissions: Sequence[Submitted]) -> Answers:
    """The answers of all submissions. Nothing of a submission is run."""
    own = _course_cells(course)
    wanted = {question.id for question in questions_of(course)}
    texts: dict[tuple[str, str], str] = {}
    unread: list[str] = []
    for submitted in submissions:
        taken = read_submission(course, submitted, _TextOfNotebooks())
        unread += [f"{submitted.student}: {reason}" for reason in taken.refused]
        if taken.unreadable:
            unread.append(f"{submitted.student}: {taken.unreadable}")
        for name, content in taken.sources.items():
            cells = list(text_cells(content.decode("utf-8", "replace")))
            for question, text in _answers(cells, own.get(name, ()), wanted):
                texts[submitted.student, question] = text
    return Answers(texts, tuple(unread))


def _course_cells(course: Course) -> dict[str, list[Cell]]:
    """Source -> its cells of text."""
    return {
        course.source_name(module): list(text_cells(path.read_text("utf-8", "replace")))
        for module in course.modules
        if (path := course.source_file(module)).is_file()
    }


def _answers(
    cells: Sequence[Cell], own: Sequence[Cell], wanted: set[str]
) -> Iterator[tuple[str, str]]:
    question_lines = {cell.id: set(cell.lines) for cell in own if cell.id}
    known = {cell.lines for cell in own}
    for number, cell in enumerate(cells):
        if cell.id not in wanted:
            continue
        lines = [
            line for line in cell.lines if not line or line not in question_lines.get(cell.id, ())
        ]
        for below in cells[number + 1 :]:
            if below.id or below.lines in known:
                break
            lines += ["", *below.lines]
        text = printable("\n".join(lines).strip()[:_LONGEST])
        if text:
            yield cell.id, text


def text_cells(source: str) -> Iterator[Cell]:
    """The cells of text of a source in the percent format; a cell of code ends the one before."""
    identifier: str | None = None
    lines: list[str] = []
    for line in [*source.splitlines(), _CELL]:
        if not line.startswith(_CELL):
            lines.append(line.rstrip())
            continue
        if identifier is not None:
            yield Cell(identifier, _plain(lines))
        match = _TEXT_CELL.match(line)
        identifier = _grade_id(match[1]) if match else None
        lines = []


def _grade_id(data: str | None) -> str:
    try:
        return str(json.loads(data)["grade_id"]) if data else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _plain(lines: Sequence[str]) -> tuple[str, ...]:
    """The text of a cell: without its quotes, or without the `#` of each line."""
    text = "\n".join(lines).strip()
    for quotes in ('"""', "'''"):
        if text.startswith(quotes) and text.endswith(quotes) and len(text) >= 2 * len(quotes):
            return tuple(text[len(quotes) : -len(quotes)].strip().split("\n"))
    if text and all(line.startswith("#") or not line for line in text.split("\n")):
        text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.split("\n"))
    return tuple(text.strip().split("\n"))


class _TextOfNotebooks:
    """Makes a source of the cells of text of a notebook. The cells of code become empty."""

    def source_of(self, content: bytes) -> tuple[bytes, list[str]]:
        try:
            cells = json.loads(content.decode("utf-8-sig"))["cells"]
            text = "\n".join(_percent(cell) for cell in cells)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise NotebookRefused("cannot be read as a notebook") from None
        return text.encode("utf-8", "replace"), []


def _percent(cell: Mapping[str, object]) -> str:
    if cell["cell_type"] != "markdown":
        return _CELL
    source = cell["source"]
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    metadata = cell.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    header = f"{_CELL} [markdown]" + (f" nbgrader={json.dumps(mark)}" if mark else "")
    # A line of the text that looks like a header would end the cell.
    lines = [f" {line}" if line.startswith(_CELL) else line for line in text.splitlines()]
    return "\n".join([header, '"""', *lines, '"""'])
