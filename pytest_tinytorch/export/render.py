"""Exported cells -> the text of a generated file, and what its header says about it.

The header carries three hashes:
- `source`, of the text it was made from: an unchanged tree is recognised without reading notebooks;
- `code`, of its meaning as an AST, which comments and blank lines leave as it is: the key of
  progress; `broken` where the source does not compile;
- `content`, of all below the header: an edit by hand is noticed before it is overwritten.
"""

import ast
import hashlib
import re
from dataclasses import dataclass

from pytest_tinytorch.export.cells import ExportedCell, SourceError
from pytest_tinytorch.export.line_map import mark

FORMAT = 1
BROKEN = "broken"
_STAMP = re.compile(
    r"# export: format=(?P<format>\d+) source=(?P<source>\w+)"
    r" code=(?P<code>\w+) content=(?P<content>\w+)"
)


@dataclass(frozen=True)
class Stamp:
    """What a generated file says about itself."""

    source: str
    code: str
    content: str


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def source_digest(text: str) -> str:
    return digest(f"{FORMAT}\n{text}")


def generated_text(source: str, text: str, cells: list[ExportedCell]) -> str:
    """The file for one target: `cells` of the source named `source`, whose whole text is `text`."""
    blocks = [f"{mark(source, cell.line)}\n{cell.code}\n" for cell in cells]
    return with_header(source, source_digest(text), "\n\n".join(blocks))


def broken_text(source: str, text: str, error: SourceError) -> str:
    """A file that raises the source's own error when imported: it is never an earlier export."""
    place = (source, error.line, error.column, error.text)
    body = f"raise SyntaxError({error.message!r}, {place!r})\n"
    return with_header(source, source_digest(text), body, code=BROKEN)


def with_header(source: str, source_hash: str, body: str, code: str | None = None) -> str:
    header = (
        f"# Generated from {source}. Do not edit: write in {source} instead;\n"
        f"# `pytest --checkpoint` and `tito export` renew it, and keep an edit of it aside.\n"
        f"# export: format={FORMAT} source={source_hash}"
        f" code={code or code_digest(body)} content={digest(body)}\n"
    )
    return header + body


def read_stamp(text: str) -> Stamp | None:
    """The stamp of a generated file, or None if it is not one of ours."""
    lines = text.split("\n", 3)
    match = _STAMP.match(lines[2]) if len(lines) > 3 else None
    if match is None:
        return None
    return Stamp(match["source"], match["code"], match["content"])


def is_edited(text: str) -> bool:
    """Whether somebody changed the file after it was generated (or wrote it altogether)."""
    stamp = read_stamp(text)
    return stamp is None or digest(text.split("\n", 3)[3]) != stamp.content


def code_digest(body: str) -> str:
    """A hash of what the code means, equal across Python versions, comments and blank lines."""
    return digest(repr(_canonical(ast.parse(body))))


def _canonical(node: object) -> object:
    if isinstance(node, ast.AST):
        # Empty fields are left out, because later Pythons add new ones.
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        return (type(node).__name__, *((name, _canonical(value)) for name, value in fields))
    if isinstance(node, list):
        return [_canonical(element) for element in node]
    return repr(node)
