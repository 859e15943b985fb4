"""Reads single entries of an untrusted zip, with limits of size. `reader` calls it."""

import os
import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from pytest_tinytorch.submissions.zip_entry import DAMAGED, TooLarge, chunks, is_link, not_read

LARGEST_ZIP = 64 * 2**20
MOST_ENTRIES = 20_000
_LARGEST_DIRECTORY = 4 * 2**20
# End of central directory: ..., entries, bytes of the directory, ... (APPNOTE.TXT, 4.3.16)
_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_LONGEST_END = _END.size + 2**16
_BROKEN = (*DAMAGED, OSError)


class ZipRefused(Exception):
    """A zip cannot or must not be read. The message is shown after its name."""


class StudentZip:
    """One student's zip, opened with limits. Raises ZipRefused."""

    def __init__(self, path: Path | IO[bytes]) -> None:
        try:
            if isinstance(path, Path):
                with path.open("rb") as file:
                    _check_size(file)
            else:
                _check_size(path)
            self._zip = zipfile.ZipFile(path)
            entries = self._zip.infolist()
        except (*_BROKEN, struct.error, ValueError) as error:
            raise ZipRefused(f"cannot be read as a zip file ({error})") from None
        self.entries: dict[PurePosixPath, zipfile.ZipInfo] = {}
        self.refused: list[str] = []
        for entry in entries:
            path_inside = PurePosixPath(entry.filename.replace("\\", "/"))
            if reason := _mistake(entry, path_inside):
                self.refused.append(f"{str(path_inside)[:100]}: {reason}")
            elif not entry.is_dir():
                self.entries[path_inside] = entry

    def read(self, name: PurePosixPath, largest: int) -> bytes:
        """The bytes of one entry. Raises ZipRefused if they are too many, or damaged."""
        entry = self.entries[name]
        if reason := not_read(entry):
            raise ZipRefused(f"is {reason}")
        try:
            with self._zip.open(entry) as file:
                return b"".join(chunks(file, largest))
        except TooLarge:
            raise ZipRefused(f"has more than {largest} bytes") from None
        except (*_BROKEN, ValueError) as error:
            raise ZipRefused(f"cannot be read: {error}") from None

    def close(self) -> None:
        self._zip.close()


def _check_size(file: IO[bytes]) -> None:
    """Check the size of the zip's directory in the file's last bytes, before reading it."""
    size = file.seek(0, os.SEEK_END)
    if size > LARGEST_ZIP:
        raise ZipRefused(f"has {size} bytes, more than {LARGEST_ZIP}")
    file.seek(max(0, size - _LONGEST_END))
    tail = file.read()
    place = tail.rfind(_END_MARK)
    if place < 0:
        raise ZipRefused("is not a zip file")
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, place)
    if entries > MOST_ENTRIES or directory > _LARGEST_DIRECTORY:
        raise ZipRefused(
            f"has {entries} entries and a directory of {directory} bytes, more than"
            f" {MOST_ENTRIES} and {_LARGEST_DIRECTORY}"
        )


def _mistake(entry: zipfile.ZipInfo, path: PurePosixPath) -> str:
    """Why an entry is refused; "" if it is not."""
    if ".." in path.parts or path.is_absolute() or ":" in (path.parts or ("",))[0]:
        return "leads out of the zip"
    if is_link(entry):
        return "is a link"
    return ""
