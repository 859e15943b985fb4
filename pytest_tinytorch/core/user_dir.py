"""Finds the user's own folder, `~/.tinytorch`: progress, data sets, a key.

`progress.store`, `core.signing` and `isolation.levels` call it.
"""

import os
from pathlib import Path

from pytest_tinytorch.core.errors import CourseError

VARIABLE = "TINYTORCH_HOME"


def home() -> Path:
    """`~/.tinytorch`, or where TINYTORCH_HOME says. Raises CourseError where nobody is at home."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    try:
        return Path.home() / ".tinytorch"
    except RuntimeError:  # in a container, a user id may have no entry and no HOME
        raise CourseError(
            f"this user has no home folder; set HOME, or {VARIABLE} to a folder for your data"
        ) from None
