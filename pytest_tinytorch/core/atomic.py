"""Writes files atomically: a file is written completely, or not at all.

Exports, progress, grading and reports call it for every file that they store.
"""

import contextlib
import importlib.util
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_all(changes: Mapping[Path, str | None], lasting: bool = True) -> None:
    """Write each text to its path; None deletes the file. Raises OSError with nothing changed.

    lasting: wait until the data is on the disk, so that a power failure does not lose it
    """
    staged: dict[Path, Path] = {}
    try:
        for path, text in changes.items():
            if text is not None:
                staged[path] = _stage(path, text.encode("utf-8", "surrogateescape"), lasting)
        _replace_all(changes, staged)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def _replace_all(changes: Mapping[Path, str | None], staged: Mapping[Path, Path]) -> None:
    before = {path: path.read_bytes() if path.exists() else None for path in changes}
    done = []
    try:
        for path in changes:
            done.append(path)
            _forget_bytecode(path)
            if path in staged:
                staged[path].replace(path)
            else:
                path.unlink(missing_ok=True)
    except OSError:
        for path in done:
            with contextlib.suppress(OSError):
                _restore(path, before[path])
        raise


def write_text(path: Path, text: str) -> None:
    """Write one file so that readers never see half of it, also after a crash."""
    write_all({path: text})


def write_bytes(path: Path, content: bytes) -> None:
    """The same for bytes."""
    staged = _stage(path, content, lasting=True)
    try:
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _stage(path: Path, content: bytes, lasting: bool) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        # mkstemp makes files private; a generated file gets the usual permissions.
        temporary.chmod(path.stat().st_mode if path.exists() else 0o666 & ~_umask())
    except BaseException:  # a full disk, Ctrl-C
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def _forget_bytecode(path: Path) -> None:
    # Python compares the file's time in whole seconds, and its size. Two exports in one second
    # that differ by `+` and `-` would leave the old bytecode in use.
    folder = Path(importlib.util.cache_from_source(str(path))).parent
    if path.suffix == ".py" and not folder.is_symlink():  # a link could lead to other files
        for stale in folder.glob(f"{path.stem}.*.pyc"):
            stale.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
