"""Generates the text of a package file from exported cells; reads the hashes in its header.

`plan` and `progress.progress` call it. The header has three hashes:
- `source`: of the source text, so that an unchanged tree is recognized quickly;
- `code`: of the AST, so that comments and blank lines do not matter. It is the key of progress, and
  `broken` where the source does not compile;
- `content`: of all below the header, so that a manual edit is noticed before it is overwritten.
"""

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pytest_tinytorch.export.cells import ExportedCell, Remark, SourceError, exported_cells
from pytest_tinytorch.export.line_map import mark

FORMAT = 1
BROKEN = "broken"
_LONGEST_INTEGER = 10_000  # bits
_STAMP = re.compile(
    r"# export: format=(?P<format>\d+) source=(?P<source>\w+)"
    r" code=(?P<code>\w+) content=(?P<content>\w+)"
)


@dataclass(frozen=True)
class Stamp:
    """The hashes in the header of a generated file."""

    source: str
    code: str
    content: str


@dataclass(frozen=True)
class Rendered:
    """The text of each file of a module, the error of its source, and remarks."""

    texts: dict[str, str]
    error: SourceError | None = None
    remarks: tuple[Remark, ...] = ()


# In a class, modules that were not begun have the same text for many students.
@lru_cache(maxsize=32)
def rendered(source: str, targets: tuple[str, ...], text: str) -> Rendered:
    """Generate the files `targets` from the source named `source` with the whole text `text`."""
    try:
        cells, remarks = exported_cells(text, source, targets)
        texts = {
            target: generated_text(source, text, [cell for cell in cells if cell.target == target])
            for target in targets
        }
    except SourceError as error:
        return refused(source, targets, text, error)
    except Exception as error:  # no source may stop a run
        message = f"cannot be exported ({type(error).__name__}: {error})"
        return refused(source, targets, text, SourceError(message, 1))
    return Rendered(texts, None, tuple(remarks))


def refused(source: str, targets: tuple[str, ...], text: str, error: SourceError) -> Rendered:
    """Files that raise the error of their source."""
    return Rendered({target: broken_text(source, text, error) for target in targets}, error)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def source_digest(text: str) -> str:
    return digest(f"{FORMAT}\n{text}")


def generated_text(source: str, text: str, cells: list[ExportedCell]) -> str:
    """The file for one target, from `cells` of the source `source` with the whole text `text`."""
    blocks = [f"{mark(source, cell.line)}\n{cell.code}\n" for cell in cells]
    return with_header(source, source_digest(text), "\n\n".join(blocks))


def broken_text(source: str, text: str, error: SourceError) -> str:
    """A file that raises the source's error when imported, in place of an earlier export."""
    place = (source, error.line, error.column, error.text)
    body = f"raise SyntaxError({error.message!r}, {place!r})\n"
    return with_header(source, source_digest(text), body, code=BROKEN)


def with_header(source: str, source_hash: str, body: str, code: str | None = None) -> str:
    header = (
        f"# Generated from {source}. Do not edit: write in {source} instead;\n"
        "# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as"
        " NAME.edited.\n"
        f"# export: format={FORMAT} source={source_hash}"
        f" code={code or code_digest(body)} content={digest(body)}\n"
    )
    return header + body


def read_stamp(text: str) -> Stamp | None:
    """The stamp of a generated file; None for any other file."""
    lines = text.split("\n", 3)
    match = _STAMP.match(lines[2]) if len(lines) > 3 else None
    if match is None:
        return None
    return Stamp(match["source"], match["code"], match["content"])


def is_edited(text: str) -> bool:
    """Whether the file was changed after it was generated, or was not generated at all."""
    stamp = read_stamp(text)
    return stamp is None or digest(text.split("\n", 3)[3]) != stamp.content


def code_digest(body: str) -> str:
    """A hash of the code's AST: independent of Python version, comments and blank lines."""
    try:
        return digest("".join(_canonical(ast.parse(body))))
    except (SyntaxError, ValueError, RecursionError):
        return digest(body)  # without an AST, hash the text


def _canonical(tree: ast.AST) -> Iterator[str]:
    """The tree as text. No recursion is used, as a tree may be deeper than Python's stack."""
    pending: list[_Piece] = [tree]
    while pending:
        piece = pending.pop()
        if isinstance(piece, str):
            yield piece
        else:
            pending += reversed(_named(piece) if isinstance(piece, ast.AST) else _listed(piece))


def _named(node: ast.AST) -> list["_Piece"]:
    # Empty fields are left out, because later Python versions add new ones.
    fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    pieces: list[_Piece] = [f"({type(node).__name__!r}{'' if fields else ','}"]
    for name, value in fields:
        pieces += [f", ({name!r}, ", _piece(value), ")"]
    return [*pieces, ")"]


def _listed(nodes: list[object]) -> list["_Piece"]:
    pieces: list[_Piece] = []
    for node in nodes:
        pieces += [", " if pieces else "[", _piece(node)]
    return [*pieces, "]"]


def _piece(value: object) -> "_Piece":
    if isinstance(value, ast.AST | list):
        return value
    # Python refuses to convert integers with thousands of decimal digits, because it is slow.
    is_long = isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER
    return repr(hex(value) if is_long else repr(value))  # type: ignore[arg-type]


_Piece = str | ast.AST | list[object]  # text, or a node to convert
