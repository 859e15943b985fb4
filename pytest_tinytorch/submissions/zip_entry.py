"""One entry of a zip that somebody else made: whether it is read, and at most how far.

What a zip says about itself is not believed: `student_zip` reads one student's zip with this, and
`download` what a platform gave.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

# What Python raises where an entry is damaged; OSError may be the machine's fault instead.
DAMAGED = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error)
_CHUNK = 2**20
_ENCRYPTED = 0x1
# Of these, zlib gives out no more than it is asked for; the others may fill the memory first.
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class TooLarge(Exception):
    """There is more than is read."""


def not_read(entry: zipfile.ZipInfo) -> str:
    """Why the bytes of an entry are not read; "" where they are."""
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted"
    if entry.compress_type not in _READ:
        return "compressed in a way that is not read here; use an ordinary zip"
    return ""


def is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def is_special(entry: zipfile.ZipInfo) -> bool:
    """Whether it is a link, a device or a folder: anything but a plain file."""
    return stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG)


def chunks(source: IO[bytes], most: int) -> Iterator[bytes]:
    """The bytes of an open file, counted while they are read. Raises TooLarge beyond `most`."""
    size = 0
    while chunk := source.read(min(_CHUNK, most - size + 1)):
        size += len(chunk)
        if size > most:
            raise TooLarge
        yield chunk
