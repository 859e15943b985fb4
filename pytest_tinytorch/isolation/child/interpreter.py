"""Resets what student code may have set for its interpreter. `server` calls it before each test."""

import random
import sys

import numpy as np

# Kept here, so that student code which replaces one of them harms only itself.
_get_errors, _set_errors, _seed_arrays = np.geterr, np.seterr, np.random.seed
_get_depth, _set_depth, _seed = sys.getrecursionlimit, sys.setrecursionlimit, random.seed


class InterpreterState:
    """What student code may set for its whole process: each test begins with what imports left.

    A module of a student's own may say `np.seterr(over="ignore")` at its top: that holds beside the
    tests for all of them, whichever comes first. What a function sets, no other test gets to see.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._modules = len(sys.modules)
        self._keep()

    def look(self) -> None:
        """Called after a request: if it imported a student's file, keep the present settings."""
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
