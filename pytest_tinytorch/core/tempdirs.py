"""Temporary folders that outlive nobody: what a run that was killed left, the next one removes.

In each is a file that whoever made the folder keeps locked. A folder with such a file, and nobody
who has it locked, is nobody's any more.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

_PREFIX = "tinytorch"
_LOCK = ".held"
_SETTLED = 60  # seconds; the lock of a younger folder may still be on its way

_held: dict[Path, int] = {}  # folders of this process, and the descriptors of their files


def make_folder(kind: str, where: Path | None = None) -> Path:
    """A folder of this process's own, until `remove_folder` or the end of it. Raises OSError.

    where: the folder around it; by default that of all temporary files
    """
    where = where or Path(tempfile.gettempdir())
    _clear_up(where)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{kind}-", dir=where))
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    _lock(lock)
    _held[folder] = lock  # to be closed in any case: Windows removes no file that is open
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder in which student code may have done anything: locked it, nested it deeply.

    A folder in a folder is first moved up to the top, so that no path grows long and nothing here
    calls itself.
    """
    if folder in _held:
        os.close(_held.pop(folder))
    moved = 0
    try:
        while entries := _entries(folder):
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink()
                    continue
                for inner in _entries(Path(entry.path)):
                    if inner.is_dir(follow_symlinks=False):
                        moved += 1
                        Path(inner.path).chmod(0o700)
                        Path(inner.path).rename(folder / f".moved-{os.getpid()}-{moved}")
                    else:
                        Path(inner.path).unlink()
                Path(entry.path).rmdir()
        folder.rmdir()
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    folder.chmod(0o700)
    with os.scandir(folder) as entries:
        return list(entries)


def _clear_up(where: Path) -> None:
    for lock in where.glob(f"{_PREFIX}-*/{_LOCK}"):
        with contextlib.suppress(OSError):  # gone already, or somebody else's
            if _is_nobodys(lock):
                remove_folder(lock.parent)


def _is_nobodys(lock: Path) -> bool:
    if sys.platform == "win32" or lock.parent.is_symlink():
        return False
    # In a folder of somebody else's, a name could come to mean another folder meanwhile.
    owners = {lock.lstat().st_uid, lock.parent.lstat().st_uid}
    if owners != {os.geteuid()} or time.time() - lock.lstat().st_mtime < _SETTLED:
        return False
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
    try:
        return _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file until the descriptor is closed, if nobody else has."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody has, or this file system knows no locks
        return False
    return True
