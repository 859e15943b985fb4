"""Finds the user's folder `~/.tinytorch`, which holds progress, data sets and a key.

`progress.store`, `core.signing` and `isolation.levels` call it.
"""

import os
from pathlib import Path

from pytest_tinytorch.core.errors import CourseError

VARIABLE = "TINYTORCH_HOME"


def home() -> Path:
    """`~/.tinytorch`, or TINYTORCH_HOME. Raises CourseError if the user has no home directory."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    try:
        return Path.home() / ".tinytorch"
    except RuntimeError:  # in a container, a user id may have no entry and no HOME
        raise CourseError(
            f"this user has no home folder; set HOME, or {VARIABLE} to a folder for your data"
        ) from None
