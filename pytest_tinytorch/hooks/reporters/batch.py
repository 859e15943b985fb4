"""Reports a class: writes the files of each student, and prints a line for each at the end.

pytest calls its hooks. It keeps one line for each student in memory; the rest is in the stored
parts.
"""

import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tinytorch.core.errors import MACHINE, CourseError, MachineError
from pytest_tinytorch.core.scores import grade_of
from pytest_tinytorch.core.visibility import may_hide
from pytest_tinytorch.grading.parts import FOLDER, PartStatus
from pytest_tinytorch.grading.prepare import StepFailed, attempt
from pytest_tinytorch.hooks.batch import NOT_GRADED, SHOWN, BatchSession, batch_of_run
from pytest_tinytorch.hooks.isolation import level_of, remarks_of
from pytest_tinytorch.hooks.options import is_worker
from pytest_tinytorch.hooks.reporters.silence import silence
from pytest_tinytorch.hooks.xdist import is_crash
from pytest_tinytorch.submissions.intake import altered_files

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter
    from rich.console import RenderableType

    from pytest_tinytorch.grading.assemble import ReportAssembler
    from pytest_tinytorch.reports.batch_view import Row

_FEWEST_SECONDS = 0.1  # between two updates of the progress bar


class ClassReport:
    """One run over a class, on the controller."""

    def __init__(self, config: pytest.Config, batch_session: BatchSession) -> None:
        self._config, self._batch_session = config, batch_session
        self._started = time.monotonic()
        self._drawn = 0.0
        self._left: Counter[str] = Counter()  # folder -> number of missing parts
        self._total = self._done = self._kept = 0
        self._fresh: set[str] = set()  # students with at least one newly graded part
        self._missed: dict[str, list[str]] = {}  # student -> parts that this run could not grade
        self._before: dict[str, float] = {}  # student -> change of points
        self._rows: list[Row] = []
        self._review: list[tuple[str, str, str]] = []  # student, part, reason
        self._checks: list[str] = []
        self._binder: ReportAssembler | None = None
        self._is_refused = False  # by the machine: a full disk, a read-only folder
        self._has_failed = False  # a student's files could not be written

    # --- the list of parts: from the session here, or from the first worker -----------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        if not self._total:
            self._expect(ids)

    def _expect(self, nodeids: Iterable[str]) -> None:
        self._left = Counter(nodeid.rpartition("::")[0] for nodeid in nodeids)
        self._total = self._left.total()
        self._started = time.monotonic()  # again, as workers need seconds to start

    # --- results ----------------------------------------------------------------------------------

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        if self._config.option.verbose > 0 or not (hasattr(report, SHOWN) or is_crash(report)):
            return None
        if report.when == "call" or report.failed:
            return report.outcome, "", ""
        return "", "", ""

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        shown = getattr(report, SHOWN, None)
        if is_crash(report):
            reason = "the process that graded it died"
            submitted, group = task = self._batch_session.task_of(report.nodeid)
            shown = {"student": submitted.student, "group": str(group)}
            shown["status"] = PartStatus.GRADER_ERROR.value
            try:
                self._batch_session.lost(task, reason)
            except MachineError as refused:
                self._machine_refused(str(refused))
            self._note(shown, reason)
        elif report.when == "call" and shown is not None:
            self._note(shown, str(report.longrepr or ""))
        if (terminal := self._terminal) is not None:
            terminal.stats.pop("", None)  # pytest stores two reports of each part that nothing uses

    def _note(self, shown: dict[str, Any], problem: str) -> None:
        student, item = shown["student"], f"{shown['student']} {shown['group']}"
        self._done += 1
        self._kept += bool(shown.get("kept"))
        if shown["status"] == NOT_GRADED:
            self._missed.setdefault(student, []).append(shown["group"])
        elif not shown.get("kept"):
            self._fresh.add(student)
        if shown["status"] == PartStatus.GRADER_ERROR:
            self._review.append((student, shown["group"], problem))
        elif shown.get("machine"):
            self._machine_refused(problem)
        elif problem and problem not in self._checks:
            self._checks.append(problem)
        before = shown.get("before")
        if before is not None and before != shown["points"]:
            self._before[student] = self._before.get(student, 0.0) + shown["points"] - before
        folder = self._batch_session.names[student]
        self._left[folder] -= 1
        if not self._left[folder]:
            self._put_together(student)
        self._draw_progress(item)

    def _put_together(self, student: str) -> None:
        """Write a student's files and keep the student's row, or the reason why that failed."""
        try:
            row = attempt("put together", lambda: self._bound(student))
        except MachineError as refused:
            self._machine_refused(str(refused))
        except StepFailed as failure:
            self._review.append((student, "", str(failure)))
            self._has_failed = True
        else:
            self._rows.append(row)

    def _bound(self, student: str) -> "Row":
        """Write a student's files."""
        from pytest_tinytorch.reports.batch_view import Row

        if self._binder is None:
            self._binder = self._new_binder()
        try:
            run = self._binder.put_together(self._batch_session.names[student])
        except OSError as error:
            results = self._batch_session.batch.results
            raise MachineError(f"--results {results} cannot be written: {error.strerror}") from None
        missed = tuple(self._missed.get(student, ()))
        if run is None:
            return Row(student, None, missed=missed)
        grade = grade_of(run)
        difference = self._before.get(student)
        return Row(
            student,
            grade,
            kept=not missed and student not in self._fresh,
            before=grade.points - difference if difference else None,
            missed=missed,
            status=run.status,
            notes=run.notes,
            earlier=tuple(run.earlier),
        )

    def _machine_refused(self, reason: str) -> None:
        self._is_refused = True
        if reason not in self._checks:
            self._checks.append(reason)

    def _new_binder(self) -> "ReportAssembler":
        # It brings pages, tables and templates, which no other run of pytest needs.
        from pytest_tinytorch.grading.assemble import ReportAssembler

        batch_session = self._batch_session
        return ReportAssembler(
            course=batch_session.course,
            manifest=batch_session.manifest,
            results=batch_session.batch.results,
            isolation=level_of(self._config).name,
            seed=batch_session.options.seed,
            harness=batch_session.harness,
            altered=altered_files(batch_session.course),
            key=batch_session.key,
        )

    # --- the end ----------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the files of students whose parts were graded only partly."""
        self._clear_progress()
        for student in sorted(self._fresh):
            if self._left[self._batch_session.names[student]]:
                self._put_together(student)
        self._write_grades()
        if self._is_refused:
            session.exitstatus = MACHINE
        elif self._has_failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write_grades(self) -> None:
        """Write `grades.csv` for everybody who has a result."""
        from pytest_tinytorch.gradebook.results_folder import write_grades

        batch_session = self._batch_session
        results = batch_session.batch.results
        try:
            write_grades(batch_session.course, batch_session.manifest, results, batch_session.key)
        except CourseError as refused:
            self._machine_refused(str(refused))
        except OSError as error:
            self._machine_refused(f"--results {results}: {error.strerror}")

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self) -> None:
        from rich.text import Text

        from pytest_tinytorch.reports.batch_view import Summary, conclusion, student_line
        from pytest_tinytorch.reports.phrases import signed_text

        batch_session = self._batch_session
        rows = sorted(self._rows, key=lambda row: row.student)
        summary = Summary(
            rows=rows,
            review=self._review,
            ignored=batch_session.ignored,
            checks=[*self._checks, *self._not_run()],
            renamed=[(s, n) for s, n in batch_session.names.items() if s != n],
            others=self._others(),
            results=str(batch_session.batch.results.resolve()),
            signed=signed_text(batch_session.key),
        )
        self._print([*map(student_line, rows), *conclusion(summary)])
        altered = self._binder.altered if self._binder else ()
        self._print([Text(line) for line in remarks_of(self._config, altered)])

    def _others(self) -> list[str]:
        """Folders with results of students who are not in this class."""
        try:
            found = {path.name for path in (self._batch_session.batch.results / FOLDER).iterdir()}
        except OSError:
            return []
        return sorted(found - set(self._batch_session.names.values()))

    def _not_run(self) -> list[str]:
        left = sum(count for count in self._left.values() if count > 0)
        return [
            f"{left} of {self._total} did not run; run the same command to grade these alone"
        ] * bool(left)

    # --- the screen -------------------------------------------------------------------------------

    @property
    def _terminal(self) -> "pytest.TerminalReporter | None":
        found: pytest.TerminalReporter | None
        found = self._config.pluginmanager.getplugin("terminalreporter")
        return found

    @property
    def _writer(self) -> "TerminalWriter | None":
        return self._config.get_terminal_writer() if self._terminal is not None else None

    def _draw_progress(self, item: str) -> None:
        from pytest_tinytorch.reports.batch_view import Pace, progress_line

        writer = self._writer
        now = time.monotonic()
        if writer is None or not writer.hasmarkup or now - self._drawn < _FEWEST_SECONDS:
            return
        self._drawn = now
        pace = Pace(self._done, self._total, self._kept, now - self._started)
        writer.write(f"\r\x1b[K{progress_line(pace, item, writer.fullwidth)}", flush=True)

    def _clear_progress(self) -> None:
        writer = self._writer
        if self._drawn and writer is not None:
            writer.write("\r\x1b[K", flush=True)

    def _print(self, parts: "Iterable[RenderableType]") -> None:
        from pytest_tinytorch.reports.console import draw

        writer = self._writer
        if writer is not None:
            text = draw(parts, width=writer.fullwidth, colour=writer.hasmarkup)
            writer.write(text, flush=True)


def pytest_configure(config: pytest.Config) -> None:
    batch_session = None if is_worker(config) or config.option.collectonly else batch_of_run(config)
    if batch_session is not None:
        if config.pluginmanager.has_plugin("terminal"):
            _quieten(config, batch_session)
        config.pluginmanager.register(ClassReport(config, batch_session), "tinytorch-class-report")


def _quieten(config: pytest.Config, batch_session: BatchSession) -> None:
    option = config.option
    silence(
        option, may_hide=bool(batch_session.options.hidden) or may_hide(batch_session.course.root)
    )
    if option.verbose == 0:
        option.verbose = -1
        option.no_header = True
        option.reportchars = ""
