"""Disables features of other plugins that would change points or the output.

pytest calls its hooks in a run of the course. `selection` restores the order of tests that another
plugin has changed; `--grade` loads no other plugin.
"""

import pytest

from pytest_tinytorch.core.groups import OPTIONS
from pytest_tinytorch.hooks.options import options_of

# pytest-sugar draws its own progress lines.
_SUGAR = "sugar"
# pytest-json-report sets this on an item when its protocol begins. In a class, only the student's
# item has a protocol, so its tests lack it.
_KEPT_OF_ITEMS = "_json_report_extra"
_OURS = (*OPTIONS, "grade", "submissions")


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    options = early_config.known_args_namespace
    plugins = early_config.pluginmanager
    if any(getattr(options, name, None) for name in _OURS) and plugins.has_plugin(_SUGAR):
        plugins.unregister(name=_SUGAR)


def begin_test(test: pytest.Item) -> None:
    """Set attributes that other plugins expect on every item, on a test of a class."""
    setattr(test, _KEPT_OF_ITEMS, {})


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # pytest-repeat is off: a test counts once, and repetitions have other names.
    if options_of(config).active and getattr(config.option, "count", 1) != 1:
        config.option.count = 1
