"""Makes temporary folders, and removes those of killed runs.

Each folder contains a file that its creator keeps locked. A folder whose file is not locked is
removed by the next run. Graded runs, bundles and sandboxes make their folders here.
"""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "tinytorch"
_LOCK = ".held"
_SETTLED = 60  # seconds; a younger folder may not be locked yet

_held: dict[Path, int] = {}  # folders of this process, and the descriptors of their files


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """A context manager: a folder that exists while the body runs. Raises OSError."""
    folder = make_folder(kind)
    try:
        yield folder
    finally:
        remove_folder(folder)


def make_folder(kind: str, where: Path | None = None) -> Path:
    """Make a folder that exists until `remove_folder` or the end of this process. Raises OSError.

    where: the folder in which it is made; by default that of all temporary files
    """
    where = where or Path(tempfile.gettempdir())
    _clear_up(where)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{kind}-", dir=where))
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    _lock(lock)
    _held[folder] = lock  # closed in any case: Windows cannot remove an open file
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder that student code may have made hard to remove: locked, or deeply nested."""
    if folder not in _held:
        _remove(folder)
        return
    _empty(folder, but=_LOCK)
    os.close(_held.pop(folder))
    _remove(folder)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        _empty(folder)
        folder.rmdir()


def _empty(folder: Path, but: str = "") -> None:
    """Remove the content of a folder, except for the file `but`.

    Nested folders are first moved up to the top. So paths stay short, and no recursion is needed.
    """
    moved = 0
    try:
        while entries := [entry for entry in _entries(folder) if entry.name != but]:
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
    except OSError:
        with contextlib.suppress(OSError):
            for entry in _entries(folder):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                elif entry.name != but:
                    Path(entry.path).unlink()


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    folder.chmod(0o700)
    with os.scandir(folder) as entries:
        return list(entries)


def _clear_up(where: Path) -> None:
    for folder in where.glob(f"{_PREFIX}-*"):
        with contextlib.suppress(OSError):  # already removed, or another user's
            _remove_if_nobodys(folder)


def _remove_if_nobodys(folder: Path) -> None:
    # In another user's folder, a name could be replaced by a link between two calls.
    if sys.platform == "win32" or not stat.S_ISDIR(_stat_of_mine(folder).st_mode):
        return
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        if _is_old(folder):
            folder.rmdir()  # fails unless the folder is empty
        return
    try:
        if _is_old(folder / _LOCK) and _lock(lock):
            _empty(folder, but=_LOCK)
            _remove(folder)
    finally:
        os.close(lock)


def _stat_of_mine(path: Path) -> os.stat_result:
    """The `stat` of a path. Raises PermissionError if it belongs to another user."""
    found = path.lstat()
    if sys.platform != "win32" and found.st_uid != os.geteuid():
        raise PermissionError(path)
    return found


def _is_old(path: Path) -> bool:
    return time.time() - _stat_of_mine(path).st_mtime > _SETTLED


def _lock(descriptor: int) -> bool:
    """Try to lock a file until the descriptor is closed; whether that succeeded."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # locked by another process, or a file system without locks
        return False
    return True
