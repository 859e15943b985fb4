"""Maps a line of generated code to the line of the source that it was exported from.

`render` writes the marks; `diagnosis.sources` and `plan` read them.
"""

import re
from functools import lru_cache
from pathlib import Path

_MARK = re.compile(r"# %% (?P<source>.+):(?P<line>\d+)$")
_HEADER = re.compile(r"# Generated from (?P<source>.+)\. Do not edit")


def mark(source: str, line: int) -> str:
    """The comment above an exported cell: the source and line of the line below it."""
    return f"# %% {source}:{line}"


def source_position(generated: Path, line: int) -> tuple[str, int] | None:
    """(source, line) for a line of a generated file; None for a line that was not exported."""
    return position_in(_read(generated, generated.stat().st_mtime_ns), line)


def position_in(text: tuple[str, ...], line: int) -> tuple[str, int] | None:
    header = _HEADER.match(text[0]) if text else None
    for index in range(min(line, len(text)) - 1, -1, -1):
        match = _MARK.match(text[index])
        # A student's comment may look like a mark.
        if match and (header is None or match["source"] == header["source"]):
            return match["source"], int(match["line"]) + line - index - 2
    return None


def exports_line(generated: Path, source: str, line: int) -> bool:
    """Whether a generated file holds a line of a source."""
    try:
        text = _read(generated, generated.stat().st_mtime_ns)
    except OSError:
        return False
    at = 0
    for row in text:
        match = _MARK.match(row)
        at = int(match["line"]) - 1 if match and match["source"] == source else at + 1
        if at == line and not match:
            return True
    return False


@lru_cache(maxsize=64)
def _read(path: Path, _modified: int) -> tuple[str, ...]:
    # Only Python's own line ends: `splitlines` knows more.
    return tuple(path.read_text(encoding="utf-8", errors="replace").split("\n"))
