"""Enforces the time limit of each test. pytest calls its hooks around each phase.

pytest-timeout raises what `pytest.fail` raises, once. Hypothesis takes that for a failing example
and searches for a smaller one, without any limit; a bare `except:` swallows it. So the limit here
is a SandboxFailure, which neither Hypothesis nor a test catches. It is raised until the test ends.
Where there are no signals (Windows, other threads), `selection` uses pytest-timeout.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext

import pytest
from pytest_timeout import is_debugging  # type: ignore[import-untyped]

from pytest_tinytorch.core.alarm import alarm
from pytest_tinytorch.hooks.selection import id_key, limits_of, seconds_of
from pytest_tinytorch.isolation.failures import OutOfTime


def _limit(item: pytest.Item) -> AbstractContextManager[None]:
    if id_key not in item.stash:
        return nullcontext()
    seconds = limits_of(item).seconds_per_test
    message = (
        f"stopped after {seconds} s, the time limit of one test; look for a loop that does not end"
    )
    return alarm(seconds_of(item), lambda: None if is_debugging() else OutOfTime(message))


# Inside the code that catches the exceptions of a phase, so that the report is about this test.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    with _limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with _limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    with _limit(item):
        return (yield)
