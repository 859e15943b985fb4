"""Resets interpreter-wide settings that student code may have changed. `server` calls it.

It does so before each test.
"""

import random
import sys

import numpy as np

# Saved here, so that replacements by student code have no effect on the harness.
_get_errors, _set_errors, _seed_arrays = np.geterr, np.seterr, np.random.seed
_get_depth, _set_depth, _seed = sys.getrecursionlimit, sys.setrecursionlimit, random.seed


class InterpreterState:
    """Interpreter-wide settings. Each test begins with the settings that imports made.

    A student's module may call `np.seterr(over="ignore")` when it is imported: that applies to all
    tests, in any order. Settings that a function changes do not affect other tests.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._modules = len(sys.modules)
        self._keep()

    def look(self) -> None:
        """Call it after a request: if that imported a student's file, save the present settings."""
        if len(sys.modules) != self._modules:
            before, self._modules = self._imported, len(sys.modules)
            if self._count() != before:
                self._keep()

    def reset(self, seed: int) -> None:
        _seed_arrays(seed)
        _seed(seed)
        _set_errors(**self._errors)
        _set_depth(self._depth)

    def _keep(self) -> None:
        self._imported = self._count()
        self._errors, self._depth = _get_errors(), _get_depth()

    def _count(self) -> int:
        return sum(name.startswith(self._package) for name in list(sys.modules))
