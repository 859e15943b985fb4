"""Reads one entry of an untrusted zip, up to a limit of size.

`student_zip` and `download` call it. Sizes that a zip declares are not trusted.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

# Exceptions for a damaged entry. OSError is not among them, as it may come from the machine.
DAMAGED = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error)
_CHUNK = 2**20
_ENCRYPTED = 0x1
# zlib can limit its output. Decompressors of other methods could fill the memory.
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class TooLarge(Exception):
    """The entry is larger than the limit."""


def not_read(entry: zipfile.ZipInfo) -> str:
    """Why an entry cannot be read; "" if it can."""
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted"
    if entry.compress_type not in _READ:
        return "compressed in a way that is not read here; use an ordinary zip"
    return ""


def is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def is_special(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is not a plain file, but a link, a device or a folder."""
    return stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG)


def chunks(source: IO[bytes], most: int) -> Iterator[bytes]:
    """The bytes of an open file, in chunks. Raises TooLarge above `most` bytes."""
    size = 0
    while chunk := source.read(min(_CHUNK, most - size + 1)):
        size += len(chunk)
        if size > most:
            raise TooLarge
        yield chunk
