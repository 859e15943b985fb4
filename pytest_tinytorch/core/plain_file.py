"""Reads a file from an untrusted folder: only a regular file, and only up to a given size.

A pipe or a device in place of a file would block, and a file may be of any size. Readers of
courses, manifests, sources and rosters call it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def read_plain(path: Path, largest: int) -> bytes:
    """The content of a plain file; links are followed. Raises OSError with a `strerror`.

    largest: bytes; a larger file is refused
    """
    with open_plain(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"has more than {largest} bytes", str(path))
    return content


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file, to read it in pieces. Raises OSError with a `strerror`."""
    with open(path, "rb", opener=_opened) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is not a plain file", str(path))
        yield file


def _opened(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a pipe that has no writer would block.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
