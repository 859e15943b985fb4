"""Imports the package of the selected modules before the first of their sources is collected.

Sources and exports register the same functions under the same names, for example an operation and
its gradient, and the last one that is imported is used. In a run of several modules, a later source
imports the exports of earlier ones. If that happened after their sources were collected, the inline
tests of a source would use half of its own functions and half of the export's.
"""

import importlib
from collections.abc import Sequence

import pytest

from pytest_tinytorch.core.course import Course, Module
from pytest_tinytorch.hooks.options import course_of, options_of
from pytest_tinytorch.hooks.stash import stashed

_preloaded_key = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> None:
    # Not at the start of the session: pytest captures what is printed while a file is collected,
    # and with xdist only the workers collect.
    config = collector.config
    modules = options_of(config).modules
    if modules and isinstance(collector, pytest.File):
        stashed(config, _preloaded_key, lambda: _preload(course_of(config), modules))


def _preload(course: Course, modules: Sequence[Module]) -> bool:
    for module in course.with_needs(*modules):
        for target in module.exports:
            _import(f"{course.package}.{target}")
    return True


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException:
        pass  # its source raises the same when it is collected, and that is reported
