"""`--gradescope FILE`: writes `results.json`, at the start and again at the end of a graded run.

    start -> "Grading did not finish"      end -> the results, or why there are none

pytest calls its hooks. A run that is killed leaves the first file, which says what happened. The
file is replaced atomically.
"""

import time
from pathlib import Path
from typing import Any

import pytest

from pytest_tinytorch.core.atomic import write_text
from pytest_tinytorch.core.errors import MachineError
from pytest_tinytorch.hooks.grading import INCOMPLETE, GradedRun, graded_run_of
from pytest_tinytorch.reports.gradescope import DID_NOT_END, no_results, results, to_text

_UNDECIDED = (
    "{} of the {} tests could not be decided, for a reason that is not in your code. Your"
    " instructor finds the reason in the autograder's output, and can grade again."
)


def pytest_configure(config: pytest.Config) -> None:
    graded = graded_run_of(config)
    if graded is None or not graded.task.gradescope:
        return
    report = ResultsFile(config, graded)
    try:
        report.write(no_results(0, [DID_NOT_END]))
    except OSError as error:
        reason = f"--gradescope {report.path} cannot be written: {error.strerror}"
        raise pytest.UsageError(reason) from MachineError(reason)
    config.pluginmanager.register(report, "tinytorch-gradescope")


class ResultsFile:
    """Writes the file of one graded run, on the controller."""

    def __init__(self, config: pytest.Config, graded: GradedRun) -> None:
        self.path = Path(graded.task.gradescope)
        self._config, self._graded = config, graded
        self._started = time.monotonic()

    def write(self, made: dict[str, Any]) -> None:
        write_text(self.path, to_text(made))

    # After `hooks.grading`, which decides the exit code.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        try:
            self.write(self._made())
        except OSError as error:
            self._graded.run_session.notes.append(
                f"{self.path} cannot be written: {error.strerror}"
            )
            session.exitstatus = INCOMPLETE

    def _made(self) -> dict[str, Any]:
        if self._graded.is_complete:
            return results(self._graded.record(), self._graded.remarks())
        scores = self._graded.grade().scores
        undecided = sum(score.undecided for score in scores)
        reason = _UNDECIDED.format(undecided, sum(score.tests for score in scores))
        return no_results(time.monotonic() - self._started, [reason, *self._graded.remarks()])
