"""Escapes untrusted text for Markdown. All files that write Markdown call it."""

import re
import textwrap

from pytest_tinytorch.core.text import shortened

# Within a line; an underscore inside a name has no meaning. The last two prevent links.
_SIGNS = re.compile(
    r"[\\`*\[<>|~$#]|&(?=#?\w)|(?<![^\W_])_|_(?![^\W_])|:(?=/)|(?<=www)\.", re.IGNORECASE
)
_LONGEST_LINE = 500
_LONGEST_BLOCK = 4000


def inline(text: str) -> str:
    """Escape a text that stands within a line, but not at its beginning."""
    return _SIGNS.sub(r"\\\g<0>", _printable(text))


def code(text: str) -> str:
    """The text as inline code."""
    plain = _printable(text)
    fence = _fence(plain, 1)
    space = " " if "`" in plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def block(text: str) -> str:
    """The text as a code block, line by line."""
    text = shortened(text, _LONGEST_BLOCK)
    fence = _fence(text, 3)
    return f"{fence}text\n{text}\n{fence}\n"


def wrapped(text: str, width: int) -> str:
    """The text, wrapped to `width`."""
    lines = text.split("\n")
    return "\n".join(textwrap.fill(line, width, replace_whitespace=False) for line in lines)


def _printable(text: str) -> str:
    return " ".join(shortened(text, _LONGEST_LINE).split())


def _fence(text: str, shortest: int) -> str:
    """A run of backticks that is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(shortest, longest + 1)
