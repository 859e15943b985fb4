"""Maps a line of generated code to the line of the source that it was exported from.

`render` writes the marks; `diagnosis.sources` and `plan` read them.
"""

import re
from functools import lru_cache
from pathlib import Path

_MARK = re.compile(r"# %% (?P<source>.+):(?P<line>\d+)$")
_HEADER = re.compile(r"# Generated from (?P<source>.+)\. Do not edit")


def mark(source: str, line: int) -> str:
    """The comment above an exported cell, naming where the cell's next line comes from."""
    return f"# %% {source}:{line}"


def source_position(generated: Path, line: int) -> tuple[str, int] | None:
    """Return (source, line) for a line of a generated file; None where nothing was exported."""
    return position_in(_read(generated, generated.stat().st_mtime_ns), line)


def position_in(text: tuple[str, ...], line: int) -> tuple[str, int] | None:
    header = _HEADER.match(text[0]) if text else None
    for index in range(min(line, len(text)) - 1, -1, -1):
        match = _MARK.match(text[index])
        # A comment of the student's may look like a mark.
        if match and (header is None or match["source"] == header["source"]):
            return match["source"], int(match["line"]) + line - index - 2
    return None


@lru_cache(maxsize=64)
def _read(path: Path, _modified: int) -> tuple[str, ...]:
    # A line ends where Python ends one: `splitlines` knows many more ends.
    return tuple(path.read_text(encoding="utf-8", errors="replace").split("\n"))
