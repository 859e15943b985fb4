"""Issues the warnings of student code again in the process of the tests. `sandbox` calls it."""

import builtins
import warnings
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.text import shortened
from pytest_tinytorch.isolation.failures import place, student_error

_MOST = 100  # per test, as pytest keeps each to the end of the run
_LONGEST = 2000


class Warnings:
    """The warnings of one sandbox."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._count = 0
        self._seen: dict[Any, Any] = {}  # Python's registry of lines that have warned

    def forget(self) -> None:
        """Begin a test: reset the count of warnings."""
        self._count = 0

    def give_again(self, entries: Any) -> None:
        """Issue warnings here, at the student's line. If the test turns warnings into errors, the
        exception has that line, too."""
        for entry in entries if isinstance(entries, list) else []:
            self._count += 1
            if self._count <= _MOST and _has_form(entry):
                self._warn(*entry)

    def _warn(self, name: Any, bases: list[Any], text: Any, spot: Any) -> None:
        kinds = [getattr(builtins, str(base), None) for base in bases]
        known = [k for k in kinds if isinstance(k, type) and issubclass(k, Warning)]
        message, kind = shortened(str(text), _LONGEST), known[0] if known else UserWarning
        at = place(spot)
        try:
            if at is None:
                warnings.warn(message, kind, stacklevel=7)
            else:
                file, line = str(self._package / at[0]), at[1]
                warnings.warn_explicit(message, kind, file, line, registry=self._seen)
        except Warning:
            data = {"type": name, "bases": bases, "text": text, "frames": [spot]}
            raise student_error(data) from None


def _has_form(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 4 and isinstance(entry[1], list)
