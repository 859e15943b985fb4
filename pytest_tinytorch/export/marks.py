"""Recognizes the comments that begin a cell, or export it. `cells` and `notebook` call it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DIRECTIVE = re.compile(r"#\|\s*(default_exp|export)\b\s*(\S*)\s*$")
_MARK = re.compile(r"#[ \t]*(%%+([ \t].*)?|In\[[\d ]*\]:?|<codecell>)$")
_TEXT = re.compile(r"\[(markdown|md|raw)\]")
_HEAD = "# Exported cells of a notebook, each below its number: "
_FIRST_LINE = re.compile(re.escape(_HEAD) + r"(?P<comment># %+ cell)$")


def is_mark(line: str) -> bool:
    """Whether a line begins a cell. It does only between two statements."""
    return line.startswith("#") and _MARK.match(line.rstrip()) is not None


def begins_text(line: str) -> bool:
    """Whether a line begins a text cell: `# %% [markdown]`."""
    return is_mark(line) and _TEXT.search(line) is not None


def leading_comments(lines: Sequence[str], start: int, end: int) -> Iterator[int]:
    """The lines of a cell that begin with `#|`, above its first code."""
    for index in range(start, end):
        line = lines[index].strip()
        if line and not line.startswith("#"):
            return
        if lines[index].startswith("#|"):
            yield index


@dataclass(frozen=True)
class NotebookMark:
    """The text that marks cells in a source made from a notebook."""

    comment: str = "# %% cell"

    @property
    def first_line(self) -> str:
        return f"{_HEAD}{self.comment}"

    @classmethod
    def of(cls, text: str) -> "NotebookMark | None":
        """The mark of this source, if it was made from a notebook, else None."""
        match = _FIRST_LINE.match(text.partition("\n")[0])
        return cls(match["comment"]) if match else None

    @classmethod
    def unlike(cls, lines: Sequence[str]) -> "NotebookMark":
        """A mark that none of these lines begins with."""
        mark = cls()
        while any(line.startswith(mark.comment) for line in lines):
            mark = cls(mark.comment.replace("%", "%%", 1))
        return mark

    def starts(self, lines: Sequence[str]) -> list[int]:
        """The indices of the first lines of cells."""
        return [index for index, line in enumerate(lines) if line.startswith(self.comment)]

    def place(self, lines: Sequence[str], line: int) -> str:
        """The cell and line in the notebook that a line of the source came from."""
        marks = self.starts(lines[:line])
        if not marks:
            return ""
        number = lines[marks[-1]].removeprefix(self.comment).strip()
        return f" (cell {number} of the notebook, line {line - marks[-1] - 1})"
