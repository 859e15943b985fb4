"""Selects the tests: turns the selected ids into files, and gives items record ids.

pytest calls its hooks before and after collection.
"""

import re
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_tinytorch.core.alarm import can_ring
from pytest_tinytorch.core.course import Course, Limits
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import Group, Kind, hidden_group
from pytest_tinytorch.core.visibility import HIDDEN
from pytest_tinytorch.hooks.options import course_of, is_worker, options_of
from pytest_tinytorch.hooks.stash import usage_errors

HIDDEN_FILE = re.compile(r"checkpoint_(\d\d)_\w+\.py$")

id_key = pytest.StashKey[str]()
group_key = pytest.StashKey[Group]()

# Seconds. A sandbox has its own, shorter limits, after which a test ends normally.
_GRACE = 60


def pytest_configure(config: pytest.Config) -> None:
    options = options_of(config)
    if not options.active:
        return
    course = course_of(config)
    # A collected source imports the package of the modules it needs.
    sys.path.insert(0, str(course.root))
    config.add_cleanup(lambda: sys.path.remove(str(course.root)))
    # A source that cannot be imported is one failure; the tests of other modules run.
    if options.modules:
        config.option.continue_on_collection_errors = True
    # A worker parses the same command line, so it selects the same files.
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(path) for path in _files(config, course)]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    options = options_of(config)
    if options.active and not is_worker(config):
        with usage_errors():
            _check_sources(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    options = options_of(config)
    if not options.active:
        return
    course = course_of(config)
    chosen, others = [], []
    for item in items:
        # The node id of a file outside of the root does not contain its path.
        name = f"{item.path.parent.name}/{item.path.name}::{item.nodeid.partition('::')[2]}"
        group = group_of(course, name, item.path.parent == options.hidden_folder)
        if group in options.groups:
            item.stash[group_key] = group
            item.stash[id_key] = group.test_id(name.partition("::")[2])
            if not can_ring():  # otherwise `timing` enforces the limit
                item.add_marker(pytest.mark.timeout(seconds_of(item)))
            chosen.append(item)
        else:
            others.append(item)
    if others:
        config.hook.pytest_deselected(items=others)
    items[:] = _in_order_of_the_course(options.groups, chosen)


def _in_order_of_the_course(groups: Sequence[Group], items: list[pytest.Item]) -> list[pytest.Item]:
    """Sort by group, then by position in the file, because another plugin may shuffle tests."""
    order = {group: number for number, group in enumerate(groups)}

    def key(item: pytest.Item) -> tuple[int, str, int, tuple[int, ...]]:
        parameters = tuple(getattr(getattr(item, "callspec", None), "indices", {}).values())
        return order[item.stash[group_key]], item.path.name, item.location[1] or 0, parameters

    return sorted(items, key=key)


def record_id(course: Course, nodeid: str) -> str | None:
    """`checkpoints/checkpoint_01_foundation.py::test_a[x]` -> `01/test_a[x]`."""
    group = group_of(course, nodeid)
    return group.test_id(nodeid.partition("::")[2]) if group else None


def group_of(course: Course, nodeid: str, is_hidden: bool = False) -> Group | None:
    """The group of a test, by its file; None for other tests."""
    path = Path(nodeid.partition("::")[0])
    is_hidden = is_hidden or path.parent.name == HIDDEN
    if is_hidden and (match := HIDDEN_FILE.match(path.name)):
        return hidden_group(match[1])
    for collection in course.with_and_without_points:
        if Path(collection.file).name == path.name:
            return collection.group
    for module in course.modules:
        if f"{module.name}.py" == path.name:
            return Group(Kind.MODULE, module.id)
        if course.integration_file(module).name == path.name:
            return Group(Kind.INTEGRATION, module.id)
    return None


def seed_of(item: pytest.Item) -> int:
    """The seed of a test, independent of the order, the worker and Python's hash seed."""
    identifier = item.stash.get(id_key, item.name)
    return zlib.crc32(f"{options_of(item.config).seed}/{identifier}".encode())


def limits_of(item: pytest.Item) -> Limits:
    """The limits of a test's collection, or of the course."""
    return course_of(item.config).limits_of(item.stash[group_key])


def seconds_of(item: pytest.Item) -> int:
    """The time limit of a test in pytest's own process."""
    isolated = options_of(item.config).isolation
    return limits_of(item).seconds_per_test + (_GRACE if isolated else 0)


def _files(config: pytest.Config, course: Course) -> list[Path]:
    options = options_of(config)
    collections = [course.root / collection.file for collection in options.collections]
    sources = [course.source_file(module) for module in options.modules]
    integration = [course.integration_file(module) for module in options.integrated]
    folder = options.hidden_folder
    hidden = [
        path
        for path in (sorted(folder.glob("checkpoint_*.py")) if folder else ())
        if (match := HIDDEN_FILE.match(path.name)) and hidden_group(match[1]) in options.hidden
    ]
    return [*collections, *sources, *(path for path in integration if path.is_file()), *hidden]


def _check_sources(config: pytest.Config) -> None:
    course = course_of(config)
    options = options_of(config)
    named = {m.id: ("module", course.source_name(m)) for m in options.modules}
    named |= {c.id: (c.kind.option, c.file) for c in options.collections if not c.group.has_points}
    for identifier, (option, name) in named.items():
        if not (course.root / name).is_file():
            raise CourseError(
                f"--{option} {identifier}: {name} is not there; write it, or restore it with"
                f" `git checkout -- {name}`"
            )
