"""Lists and reads the entries of zips inside a submission. `reader` calls it."""

import io
from collections.abc import Sequence
from pathlib import PurePosixPath

from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.submissions.identify import Read
from pytest_tinytorch.submissions.student_zip import StudentZip, ZipRefused

_LARGEST = 16 * 2**20  # bytes of one zip; it is kept in memory
_MOST, _DEEPEST = 4, 2  # zips of one level, and levels


def is_zip(path: PurePosixPath) -> bool:
    return path.suffix.lower() == ".zip" and not path.name.startswith(".")


def with_inner_zips(
    names: Sequence[PurePosixPath], read: Read
) -> tuple[list[PurePosixPath], Read, list[str]]:
    """The same files and those in zips among them, below the zip's own path; how to read all of
    them; and a line for each zip that cannot be read."""
    entries: dict[PurePosixPath, tuple[StudentZip, PurePosixPath]] = {}
    refused: list[str] = []

    def read_all(path: PurePosixPath, largest: int) -> tuple[bytes | None, str]:
        if path not in entries:
            return read(path, largest)
        opened, inside = entries[path]
        try:
            return opened.read(inside, largest), ""
        except ZipRefused as error:
            return None, str(error)

    level = [path for path in names if is_zip(path)]
    for _ in range(_DEEPEST):
        found: dict[PurePosixPath, tuple[StudentZip, PurePosixPath]] = {}
        for path in level[:_MOST]:
            content, reason = read_all(path, _LARGEST)
            try:
                opened = StudentZip(io.BytesIO(content or b""))
            except ZipRefused as error:
                refused.append(one_line(f"{path}: {reason or error}"))
                continue
            refused += [one_line(f"{path}: {line}") for line in opened.refused[:_MOST]]
            found |= {path / name: (opened, name) for name in opened.entries}
        entries |= found
        level = [path for path in found if is_zip(path)]
    return [*names, *entries], read_all, refused
