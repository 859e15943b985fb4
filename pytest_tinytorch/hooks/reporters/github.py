"""GitHub Actions: adds annotations on the student's lines, and the job summary.

pytest calls its hooks at the end of a graded run. The step's log prints the annotations after the
last output of student code.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_tinytorch.core.records import TestRecord
from pytest_tinytorch.core.visibility import redacted
from pytest_tinytorch.hooks.grading import GradedRun, graded_run_of
from pytest_tinytorch.reports.github_log import WorkflowLog

_LARGEST_SUMMARY = 1024 * 1024  # bytes per step; GitHub does not show a larger file
_LEFT_TO_OTHERS = 24 * 1024  # bytes left for other programs of the step


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    graded = graded_run_of(session.config)
    log = _log_of(session.config)
    if graded is None or log is None:
        return
    from pytest_tinytorch.reports.github import annotations

    shown = redacted(graded.record().tests)
    log.commands += annotations(shown, _folder(log.repository, Path(graded.task.root)))
    if log.summary and (wrong := _append_summary(log.summary, graded, shown)):
        graded.run_session.notes.append(f"The job summary {log.summary} {wrong}")


def _log_of(config: pytest.Config) -> WorkflowLog | None:
    """The workflow log of this process, if it runs in a workflow."""
    plugins = config.pluginmanager.get_plugins()
    return next((plugin for plugin in plugins if isinstance(plugin, WorkflowLog)), None)


def _folder(repository: Path, root: Path) -> str:
    """The course's path in the repository, because annotations name files from its top."""
    root = root.resolve()
    return root.relative_to(repository).as_posix() if root.is_relative_to(repository) else "."


def _append_summary(path: Path, graded: GradedRun, tests: Sequence[TestRecord]) -> str:
    """Append to the step's summary. Returns the reason if it failed, or ""."""
    from pytest_tinytorch.reports.github_summary import job_summary

    try:
        taken = path.stat().st_size if path.exists() else 0
        room = _LARGEST_SUMMARY - _LEFT_TO_OTHERS - taken
        text = job_summary(
            graded.run_session.course, graded.grade(), tests, _notes(graded), room - 1
        )
        if not text:
            return f"is full: it has {taken} bytes already"
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(f"\n{text}")
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    return ""


def _notes(graded: GradedRun) -> list[str]:
    """Remarks that qualify the grade."""
    notes = graded.remarks()
    if unread := len(graded.run_session.problems):
        notes.append(
            f"Files of tests that cannot be read: {unread}. The log of the step names them."
        )
    return notes
