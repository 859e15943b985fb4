"""Prints a line for each test while it runs, then what to fix and what comes next.

pytest calls its hooks. pytest's own reporter is silenced with its own options, unless the user
requests more output (`-v`, `--tb=short`).
"""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._io import TerminalWriter
from _pytest.config import create_terminal_writer

from pytest_tinytorch.core.causes import causes
from pytest_tinytorch.core.course import Demo
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.records import RunRecord, TestRecord
from pytest_tinytorch.core.visibility import redacted
from pytest_tinytorch.export.edited_notebooks import edited_notebooks
from pytest_tinytorch.hooks.export import export_key
from pytest_tinytorch.hooks.grading import GradedRun, graded_run_of
from pytest_tinytorch.hooks.isolation import remarks_of
from pytest_tinytorch.hooks.options import course_of
from pytest_tinytorch.hooks.recording import RECORD, sources_of
from pytest_tinytorch.hooks.reporters.silence import silence
from pytest_tinytorch.hooks.session import RunSession, session_of
from pytest_tinytorch.hooks.stash import usage_errors
from pytest_tinytorch.hooks.xdist import is_crash
from pytest_tinytorch.progress.milestones import progress_json, was_not_attempted
from pytest_tinytorch.progress.next_step import (
    NextStep,
    remark_on_solutions,
    step_after_failure,
    step_with_milestones,
)
from pytest_tinytorch.progress.progress import Progress, State
from pytest_tinytorch.reports.phrases import group_name, not_counted

if TYPE_CHECKING:
    from rich.console import RenderableType


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """For `--progress`: print the progress and exit, as `--markers` does."""
    form = config.option.progress
    if form is None:
        return None
    with usage_errors():
        course = course_of(config)
        progress = Progress.of(course)
        if form == "json":
            import json

            text = json.dumps(progress_json(course, progress), indent=1) + "\n"
        else:
            from pytest_tinytorch.reports.progress_view import progress_view

            writer = create_terminal_writer(config, sys.stdout)
            text = _draw(writer, progress_view(course, progress, form))
    create_terminal_writer(config, sys.stdout).write(text)
    return int(pytest.ExitCode.OK)


def pytest_configure(config: pytest.Config) -> None:
    run_session = session_of(config)
    if run_session is not None and config.pluginmanager.has_plugin("terminal"):
        quiet = max(0, -config.option.verbose)
        _quieten(config)
        reporter = RunReporter(config, run_session, quiet)
        config.pluginmanager.register(reporter, "tinytorch-terminal")


class RunReporter:
    """Draws one run. It reads results from the session, and stores only what it has printed."""

    def __init__(self, config: pytest.Config, run_session: RunSession, quiet: int) -> None:
        """quiet: 1 (`-q`) prints only what to fix and the conclusion, 2 only the conclusion."""
        self._config = config
        self._run_session = run_session
        self._group: Group | None = None
        self._hidden: dict[Group, int] = {}  # number of hidden tests of a group printed so far
        self._verbose = config.option.verbose > 0
        self._quiet = quiet

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        # Counted in the last line as usual, but not printed.
        if self._verbose or not (hasattr(report, RECORD) or is_crash(report)):
            return None
        if isinstance(report, pytest.SubtestReport):
            return f"subtests {report.outcome}", "", ""
        if report.when == "call" or not report.passed:
            category = "error" if report.failed and report.when != "call" else report.outcome
            return category, "", ""
        return "", "", ""

    def pytest_sessionstart(self) -> None:
        export = self._config.stash.get(export_key, None)
        if export is not None:
            self._print_notes([str(note) for note in (*export.kept, *export.odd)])
        session = self._run_session
        if not session.options.grade:
            self._print_notes(edited_notebooks(session.course))
            remark = remark_on_solutions(
                session.course, Progress.of(session.course, session.manifest)
            )
            self._print_notes([remark] if remark else [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Show a warning of generated code at the line of its source."""
        sources = sources_of(self._config)
        place = sources.locate(warning_message.filename, warning_message.lineno)
        if place is not None:
            warning_message.filename, warning_message.lineno = place.file, place.line
            warning_message.line = sources.line(place)

    # The session was registered first, so it has merged the report by now.
    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._verbose or self._quiet:
            return
        data = getattr(report, RECORD, None)
        if data is not None and self._run_session.tries.is_repeated(data["id"]):
            return  # it is run again
        if data is not None and report.when == "teardown":
            self._print_test(self._run_session.records[data["id"]])
        elif is_crash(report) and (crashed := self._run_session.record_of(report.nodeid)):
            self._print_test(crashed)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self) -> None:
        from pytest_tinytorch.reports.run_view import cause_blocks

        run = self._run_session.finish()
        graded = graded_run_of(self._config)
        shown = (*self._attempted(run), *self._run_session.uncounted)
        if self._quiet < 2:  # `-qq`
            self._print(cause_blocks(redacted(run.tests) if graded else shown))
        self._print_notes(self._run_session.problems)
        self._print(self._conclusion() if graded is None else self._grade(graded))
        self._print_notes(self._run_session.notes)
        if graded is None and (uncounted := self._run_session.uncounted):
            self._print_notes([not_counted(uncounted)])
        if graded is None and self._run_session.options.isolation:
            self._print_notes(remarks_of(self._config))

    def _print_test(self, test: TestRecord) -> None:
        from pytest_tinytorch.reports.run_view import test_line

        if test.group != self._group:
            self._group = test.group
            self._print(self._heading(test.group))
        if graded_run_of(self._config) is not None and test.visibility != "visible":
            self._hidden[test.group] = self._hidden.get(test.group, 0) + 1
            test = redacted((test,), self._hidden[test.group])[0]
        self._print([test_line(test, self._run_session.records)])

    def _heading(self, group: Group) -> "list[RenderableType]":
        from rich.text import Text

        from pytest_tinytorch.reports.run_view import collection_heading

        course = self._run_session.course
        found = course.collection_of(group)
        if found is not None and not group.is_hidden:
            return [collection_heading(course, found)]
        return [Text(f"\n{group_name(course, group)}\n", style="head")]

    def _conclusion(self) -> "list[RenderableType]":
        from pytest_tinytorch.reports.run_view import next_line, run_summary, unlocked_lines

        run_session = self._run_session
        run = run_session.finish()
        progress = Progress.of(run_session.course, run_session.manifest)
        counted = [c for c in run_session.options.collections if c.group.has_points]
        ran = [c for c in counted if run.of(c.group)]
        statuses = [progress.status(collection) for collection in ran]
        rests_on = {c.group: progress.unachieved_needs(c) for c in ran}
        parts = run_summary(statuses, {c.group: run.of(c.group) for c in ran}, rests_on)
        parts += unlocked_lines(run_session.unlocked, run_session.options.locked)
        if run.tests and not run_session.problems:
            parts.append(next_line(self._next_step(run, progress)))
        return parts

    def _attempted(self, run: RunRecord) -> list[TestRecord]:
        """The tests without those of milestones that were skipped as a whole: nothing to fix."""
        collections = self._run_session.options.collections
        skipped = {c.group for c in collections if was_not_attempted(c, run.of(c.group))}
        return [test for test in run.tests if test.group not in skipped]

    def _grade(self, graded: GradedRun) -> "list[RenderableType]":
        from rich.text import Text

        from pytest_tinytorch.reports.grade_view import grade_table

        lines = graded.remarks()
        if graded.task.junit:
            lines.append(f"Results: {graded.task.junit}")
        return [*grade_table(self._run_session.course, graded.grade()), *map(Text, lines)]

    def _next_step(self, run: RunRecord, progress: Progress) -> NextStep:
        course = self._run_session.course
        if found := causes(self._attempted(run)):
            return step_after_failure(found[0])
        for collection in self._run_session.options.collections:
            if isinstance(collection, Demo):
                return NextStep(collection.command, "look at it")
        for module in self._run_session.options.modules:
            checkpoint = course.checkpoint_of(module)
            if checkpoint and progress.status(checkpoint).state is not State.ACHIEVED:
                return NextStep(checkpoint.group.command, "its inline tests pass")
        return step_with_milestones(course, progress)

    def _print(self, parts: "Iterable[RenderableType]") -> None:
        writer = self._config.get_terminal_writer()
        writer.write(_draw(writer, parts), flush=True)

    def _print_notes(self, notes: list[str]) -> None:
        from rich.text import Text

        self._print(Text(note, style="todo") for note in notes)


def _draw(writer: TerminalWriter, parts: "Iterable[RenderableType]") -> str:
    from pytest_tinytorch.reports.console import draw

    return draw(parts, width=writer.fullwidth, colour=writer.hasmarkup)


def _quieten(config: pytest.Config) -> None:
    option = config.option
    graded = graded_run_of(config)
    if graded is not None:
        silence(option, may_hide=graded.task.hushed)
    if option.verbose <= 0:
        option.verbose = -1
        option.no_header = True
        if option.tbstyle == "auto":
            option.tbstyle = "no"
        if option.reportchars == "fE":
            option.reportchars = ""
