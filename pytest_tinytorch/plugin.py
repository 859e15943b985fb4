"""The plugin: pytest loads it in every run. Within a course, it loads the hook modules."""

import os
import sys
from typing import Any

from pytest_tinytorch.core.discovery import course_root

HOOK_MODULES = (
    "hooks.options",
    "hooks.other_plugins",
    "hooks.batch",
    "hooks.selection",
    "hooks.preload",
    "hooks.xdist",
    "hooks.export",
    "hooks.isolation",
    "hooks.timing",
    "hooks.recording",
    "hooks.session",
    "hooks.grading",
    "hooks.reporters.junit",
    "hooks.reporters.gradescope",
    "hooks.reporters.terminal",
    "hooks.reporters.github",
    "hooks.reporters.batch",
    "fixtures.student",
    "fixtures.comparison",
    "fixtures.randomness",
    "fixtures.program",
    "fixtures.gradients",
    "fixtures.measuring",
    "fixtures.measured",
)


def pytest_addoption(parser: Any, pluginmanager: Any) -> None:
    invocation = pluginmanager.getplugin("pytestconfig").invocation_params
    arguments = list(map(str, invocation.args))
    root = course_root(invocation.dir, arguments)
    if root is None:
        return
    from pytest_tinytorch.core.blas import ONE_THREAD
    from pytest_tinytorch.core.early_options import GRADE, SUBMISSIONS

    if SUBMISSIONS.is_in(arguments):
        from pytest_tinytorch.grading.command_line import start_joined

        start_joined(arguments, root)
    elif GRADE.name in arguments:
        from pytest_tinytorch.grading.clean_process import start_anew

        start_anew(arguments)
    if "numpy" not in sys.modules:
        for variable, threads in ONE_THREAD.items():
            os.environ.setdefault(variable, threads)
    names = [f"pytest_tinytorch.{name}" for name in HOOK_MODULES]
    pluginmanager.rewrite_hook.mark_rewrite(*names)  # before imports: some import others
    for name in names:
        pluginmanager.import_plugin(name)
