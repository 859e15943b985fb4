"""`--isolate`: determines the level of this run, and provides the sandboxes for its tests.

pytest calls its hooks; fixtures and other hook modules call `pool_of`.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tinytorch.core.course import Course, Limits
from pytest_tinytorch.core.manifest import MANIFEST_FILE
from pytest_tinytorch.core.text import printable
from pytest_tinytorch.hooks.options import Options, course_of, is_worker, options_of
from pytest_tinytorch.hooks.selection import group_key, id_key, limits_of, seed_of
from pytest_tinytorch.isolation.failures import NotStarted
from pytest_tinytorch.isolation.levels import LEVELS, Level, Probe, missing

if TYPE_CHECKING:
    from pytest_tinytorch.isolation.pool import SandboxPool

_probe_key = pytest.StashKey[Probe]()
_pool_key = pytest.StashKey["SandboxPool"]()
PRINTED = "printed by your code"
_LEAST_MEMORY_MIB = 4096  # for tests and their expected values


def level_of(config: pytest.Config) -> Level:
    """The level of isolation of this run."""
    found = config.stash.get(_probe_key, None)
    return found.level if found is not None else Level("none")


def remarks_of(
    config: pytest.Config, altered: Sequence[str] = (), refused: Sequence[str] = ()
) -> list[str]:
    """Remarks that qualify the results of this run, a line each.

    altered: modified course files. refused: files that were ignored.
    """
    from pytest_tinytorch.reports.grade_view import remarks

    found = config.stash.get(_probe_key, None)
    return remarks(str(level_of(config)), found.refused if found else (), altered, refused)


def pool_of(config: pytest.Config) -> "SandboxPool | None":
    """The sandboxes of this process; None if student code runs in the tests' own process."""
    if level_of(config).name == "none":
        return None
    if _pool_key not in config.stash:
        from pytest_tinytorch.isolation.pool import SandboxPool

        course = course_of(config)
        pool = SandboxPool(
            level_of(config), course.package_folder, _largest(course), _files(course)
        )
        config.stash[_pool_key] = pool
        config.add_cleanup(pool.close)
    return config.stash[_pool_key]


# After the export, which makes the package, and before xdist starts workers.
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    options = options_of(config)
    if not options.active or not options.isolation:
        return
    try:
        config.stash[_probe_key] = _probe(config)
        pool = None if _spreads(config) else pool_of(config)
    except NotStarted as failure:
        raise pytest.UsageError(f"no isolation here: {failure.message}") from None
    if (options.grade or options.batch) and level_of(config).name != "none":
        _limit_memory(course_of(config))
    if is_worker(config):
        _stay_on_one_core(config)
    if pool is not None:
        pool.prepare()  # the process starts while pytest collects tests


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the level that was found here to a new xdist worker."""
    level = level_of(node.config)
    node.workerinput["tinytorch_level"] = [level.name, level.user]


def pytest_runtest_setup(item: pytest.Item) -> None:
    pool = pool_of(item.config) if id_key in item.stash else None
    if pool is not None:
        pool.begin(item.stash[group_key], limits_of(item), seed_of(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Add the output of student code to the report, beside pytest's captured output."""
    pool = pool_of(item.config) if id_key in item.stash and call.when == "call" else None
    if pool is not None and (text := pool.output()):
        item.add_report_section("call", PRINTED, printable(text))


def _probe(config: pytest.Config) -> Probe:
    """The level of this run: probed here, or received from the controller."""
    if is_worker(config):
        return _probe_of_controller(config)
    from pytest_tinytorch.isolation.probe import probe

    options = options_of(config)
    course = course_of(config)
    if options.grade and options.isolation == "auto" and os.name != "posix":
        # Without isolation, a grade is still given, with a remark.
        found = Probe(Level("none"), (missing("process"),))
    else:
        secret = course.root / MANIFEST_FILE
        found = probe(options.isolation, secret, course.package_folder, course.limits)
    _check_required(options, found)
    return found


def _probe_of_controller(config: pytest.Config) -> Probe:
    workerinput: dict[str, Any] = config.workerinput  # type: ignore[attr-defined]
    name, user = workerinput["tinytorch_level"]
    return Probe(Level(name, user + _slot(workerinput) if user else 0))


def _slot(workerinput: dict[str, Any]) -> int:
    """The number of a worker: 1 for `gw1`."""
    return int("".join(c for c in workerinput["workerid"] if c.isdigit()) or 0)


def _stay_on_one_core(config: pytest.Config) -> None:
    """If there is a worker for each core, keep each worker and its sandboxes on one core.

    The two never run at the same time, and waking a process on another core costs twice as much
    as a call.
    """
    if sys.platform == "linux":
        workerinput: dict[str, Any] = config.workerinput  # type: ignore[attr-defined]
        cores = sorted(os.sched_getaffinity(0))
        if 1 < len(cores) <= workerinput["workercount"]:
            os.sched_setaffinity(0, {cores[_slot(workerinput) % len(cores)]})


def _limit_memory(course: Course) -> None:
    """Limit the memory of this process. Tests make arrays with shapes from student code; an array
    that is too large then fails one test, and the machine does not run out of memory."""
    if sys.platform == "linux":
        import resource

        # A sandbox inherits this limit, and sets lower ones.
        most = 2**20 * max(_LEAST_MEMORY_MIB, 2 * _largest(course).memory_mib)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _check_required(options: Options, found: Probe) -> None:
    wanted = options.required_isolation
    if LEVELS.index(found.level.name) < LEVELS.index(wanted):
        chosen = f"set by --isolate={options.isolation}"
        reasons = chosen if options.isolation != "auto" else "; ".join(found.refused)
        raise pytest.UsageError(
            f"--require-isolation {wanted}: this machine reaches {found.level.name} ({reasons})"
        )


def _spreads(config: pytest.Config) -> bool:
    return bool(config.getoption("numprocesses", None) or config.getoption("tx", None))


def _largest(course: Course) -> Limits:
    limits = (course.limits, *(collection.limits for collection in course.collections))
    return replace(
        course.limits,
        scratch_mib=max(limit.scratch_mib for limit in limits),
        memory_mib=max(limit.memory_mib for limit in limits),
    )


def _files(course: Course) -> dict[str, str]:
    """Public name -> the file of the package that defines it."""
    return {
        name: target
        for module in course.modules
        for target, names in module.exports.items()
        for name in names
    }
