"""Prints lines of text, broken at the width of the terminal. Commands that print advice call it."""

import shutil
import textwrap
from collections.abc import Iterable

import typer

_WIDEST = 100  # longer lines are hard to read


def echo_wrapped(lines: Iterable[str]) -> None:
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    for line in lines:
        for part in wrapped(line, width):
            typer.echo(part)


def wrapped(line: str, width: int) -> list[str]:
    """A line as several, indented like the first; the text of a `- ` item stays aligned."""
    text = line.lstrip(" ")
    indent = " " * (len(line) - len(text) + (2 if text.startswith("- ") else 0))
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
