"""Reads a download from a platform: a folder or a zip, without trusting it. `uploads` calls it.

Members of a zip that lead out of it, and links, are refused. Sizes are counted while unpacking,
because a zip can declare any size.
"""

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from pytest_tinytorch.core.errors import REFUSED_BY_MACHINE, CourseError
from pytest_tinytorch.core.names import safe_path
from pytest_tinytorch.submissions.zip_entry import (
    DAMAGED,
    TooLarge,
    chunks,
    is_special,
    not_read,
)

LARGEST_FILE = 256 * 2**20
_MOST_BYTES = 16 * 2**30
_MOST_FILES = 200_000
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


class Unreadable(Exception):
    """A file of a download is refused. The message is the reason."""


class Download(Protocol):
    """The files of a download, by name: `Ada Lovelace_12_assignsubmission_file/02_tensor.py`."""

    names: list[str]
    refused: list[str]  # links, devices, and paths outside of the download

    def copy(self, name: str, target: Path) -> None:
        """Write one file. Raises Unreadable."""


@contextmanager
def opened(path: Path) -> Iterator[Download]:
    """Open a folder or a zip. Raises CourseError if it is neither."""
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield _Zip(path, archive)
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except zipfile.BadZipFile as error:
        raise CourseError(f"{path} is neither a folder nor a zip: {error}") from None


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root
        self.refused: list[str] = []
        self._looked_at = 0
        self.names = sorted(self._names())

    def _names(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._root):  # does not follow links
            folders[:] = [name for name in folders if name not in _JUNK]
            for name in files:
                path = Path(folder, name)
                inside = path.relative_to(self._root).as_posix()
                self._looked_at += 1
                if self._looked_at > _MOST_FILES:
                    raise CourseError(
                        f"{self._root} has more than {_MOST_FILES} files: is it the right folder?"
                    )
                if not stat.S_ISREG(path.lstat().st_mode) or safe_path(inside) is None:
                    self.refused.append(inside)
                elif name not in _JUNK:
                    yield inside

    def copy(self, name: str, target: Path) -> None:
        try:
            with (self._root / name).open("rb") as source, target.open("xb") as file:
                _copy(name, source, file)
        except OSError as error:
            raise _unreadable(name, error) from None


class _Zip:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        members = archive.infolist()
        if len(members) > _MOST_FILES:
            raise CourseError(f"{path} has more than {_MOST_FILES} files: is it the right zip?")
        files = [member for member in members if not member.is_dir() and not _is_junk(member)]
        self._members = {member.filename: member for member in files if _is_plain(member)}
        self._left = _MOST_BYTES
        self.names = sorted(self._members)
        self.refused = [m.filename for m in files if m.filename not in self._members]

    def copy(self, name: str, target: Path) -> None:
        member = self._members[name]
        if reason := not_read(member):
            raise Unreadable(f"{name}: {reason}")
        try:
            with self._archive.open(member) as source, target.open("xb") as file:
                self._left -= _copy(name, source, file, self._left)
        except OSError as error:
            raise _unreadable(name, error) from None
        except DAMAGED as error:
            raise Unreadable(f"{name}: damaged ({error})") from None


def _unreadable(name: str, error: OSError) -> Exception:
    """The exception for a file that cannot be copied. A full disk gives a MachineError."""
    is_machines = error.errno in REFUSED_BY_MACHINE
    return error if is_machines else Unreadable(f"{name}: {error.strerror or error}")


def _is_junk(member: zipfile.ZipInfo) -> bool:
    return bool(set(member.filename.split("/")) & set(_JUNK))


def _is_plain(member: zipfile.ZipInfo) -> bool:
    return not is_special(member) and safe_path(member.filename) is not None


def _copy(name: str, source: IO[bytes], target: IO[bytes], left: int = _MOST_BYTES) -> int:
    """Copy, and count the bytes. Raises Unreadable above the limit."""
    most = min(LARGEST_FILE, left)
    try:
        return sum(target.write(chunk) for chunk in chunks(source, most))
    except TooLarge:
        raise Unreadable(f"{name}: more than {most >> 20} MiB") from None
