"""Stores values that hook modules compute once for a run, under keys of pytest's configuration.

Every hook module calls `stashed`. A CourseError becomes pytest's usage error: one line, and exit
code 4.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from pytest_tinytorch.core.errors import CourseError

T = TypeVar("T")


def stashed(config: pytest.Config, key: pytest.StashKey[T], make: Callable[[], T]) -> T:
    """The result of `make`, which is called once per run. Its CourseError becomes a UsageError."""
    if key not in config.stash:
        with usage_errors():
            config.stash[key] = make()
    return config.stash[key]


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn a CourseError into pytest's UsageError."""
    try:
        yield
    except CourseError as error:
        raise pytest.UsageError(str(error)) from error
