"""Finds a name that no file has yet, so that nothing is overwritten.

Callers that rename an earlier file use it: results, damaged progress, edited packages,
collected submissions.
"""

import os
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path


def _is_free(path: Path) -> bool:
    return not os.path.lexists(path)  # a broken link counts as a file


def free_path(
    folder: Path,
    base: str,
    ending: str = "",
    *,
    first_number: int | None = None,
    is_free: Callable[[Path], bool] = _is_free,
) -> Path:
    """The first free name among `base`, `base-2`, `base-3`, ..., each with the ending.

    first_number: if given, the first name has a number, too: `base-1`, `base-2`, ...
    """
    plain = [base] if first_number is None else []
    numbered = (f"{base}-{number}" for number in count(first_number or 2))
    paths = (folder / f"{name}{ending}" for name in chain(plain, numbered))
    return next(path for path in paths if is_free(path))
