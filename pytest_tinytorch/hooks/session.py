"""Collects the reports of a run into one RunRecord, and stores it as progress.

reports --aggregate--> records of all expected tests --> RunRecord --> progress.json

pytest calls its hooks on the controller; reporters read the record from it.
"""

import time
from datetime import UTC, datetime

import pytest

from pytest_tinytorch.core.aggregate import Tally, graded, in_order, is_listed, listed
from pytest_tinytorch.core.course import Demo, Milestone
from pytest_tinytorch.core.errors import MACHINE, MachineError
from pytest_tinytorch.core.groups import Group, Kind
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.core.records import Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.diagnosis.mistakes import unexported
from pytest_tinytorch.hooks.export import export_key
from pytest_tinytorch.hooks.isolation import level_of
from pytest_tinytorch.hooks.options import (
    course_of,
    is_worker,
    manifest_of,
    options_of,
)
from pytest_tinytorch.hooks.recording import RECORD, sources_of
from pytest_tinytorch.hooks.selection import group_of, record_id
from pytest_tinytorch.hooks.stash import stashed
from pytest_tinytorch.hooks.tries import Tries
from pytest_tinytorch.progress.milestones import record_run
from pytest_tinytorch.progress.progress import Progress

_EXPORT = "export"  # the name of the check that cells are exported


class RunSession:
    """The results of this run so far."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.course = course_of(config)
        self.options = options_of(config)
        self.manifest: Manifest = manifest_of(config)
        self.tally = Tally()
        self.tries = Tries()
        self.problems: list[str] = []  # collection errors: one line each
        self.notes: list[str] = []  # remarks for the user
        self.unlocked: tuple[Milestone | Demo, ...] = ()  # by this run
        self._is_recorded = True  # False if progress could not be written
        self.run: RunRecord | None = None
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if data := getattr(report, RECORD, None):
            self._add(TestRecord.from_json(data), report)
        elif report.failed and (identifier := record_id(self.course, report.nodeid)):
            self.tally.add_crash(identifier)

    def _add(self, test: TestRecord, report: pytest.TestReport) -> None:
        if not self.tries.is_counted(test, report):
            return
        if report.when == "setup" and self.tries.has_failed(test.id):
            self.tally.forget(test.id)  # the earlier try
        # Subtests are ignored here: the report of their test has the result.
        when = "subtest" if isinstance(report, pytest.SubtestReport) else str(report.when)
        self.tally.add(self.tries.judged(test, when), when)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if data := getattr(report, RECORD, None):
            self.tally.add(TestRecord.from_json(data), "call")  # every worker reports it
        elif report.failed:
            # The last line of pytest's report is the exception; the others are the traceback.
            lines = [line for line in str(report.longrepr).splitlines() if line.strip()]
            problem = f"{report.nodeid}: {lines[-1] if lines else 'cannot be read'}"
            group = group_of(self.course, report.nodeid)
            if group and group.is_hidden:
                problem = (
                    f"{group}: cannot be read; run `tito manifest --hidden DIR` for the reason"
                )
            if problem not in self.problems:  # every worker reports it
                self.problems.append(problem)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self.finish()
        assert self.run is not None
        lost = any(test.outcome is Outcome.MISSING for test in self.run.tests)
        lost = lost or any(test.id.endswith(f"/{_EXPORT}") for test in self.run.tests)
        if (lost or self.options.locked) and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if not self._is_recorded:
            session.exitstatus = MACHINE

    def finish(self) -> RunRecord:
        """Finish the record, once: add missing tests, and store the evidence."""
        if self.run is None:
            tests = [*self.tally.ran(), *self._missing(), *self._unexported()]
            count = graded if self.options.grade else listed
            self.run = RunRecord(
                course=self.course.id,
                seed=self.options.seed,
                started=self._started.isoformat(timespec="seconds"),
                seconds=round(time.perf_counter() - self._clock, 3),
                tests=in_order(count(tests, self.manifest), self.options.groups),
                groups=self.options.groups,
                isolation=level_of(self.config).name,
            )
            if not self.options.grade:
                self._keep_evidence(self.run)
        return self.run

    @property
    def records(self) -> dict[str, TestRecord]:
        """The present record of each test, by its id."""
        return self.tally.records

    @property
    def uncounted(self) -> tuple[TestRecord, ...]:
        """What ran although the manifest does not list it, beside tests of the same group."""
        return tuple(t for t in self.tally.ran() if not is_listed(t, self.manifest))

    def record_of(self, nodeid: str) -> TestRecord | None:
        """The present record of a test, by its node id."""
        return self.records.get(record_id(self.course, nodeid) or "")

    def is_complete(self, group: Group) -> bool:
        """Whether every test that the manifest lists for a group was run."""
        ran = {test.id for test in self.records.values() if test.group == group}
        return bool(ran) and set(self.manifest.of(group)) <= ran

    def _keep_evidence(self, run: RunRecord) -> None:
        counted = [c for c in self.options.collections if c.group.has_points]
        complete = [c for c in counted if self.is_complete(c.group)]
        untested = self._untested_files()
        if complete and untested:
            self.notes.append(
                f"--no-export: {', '.join(untested)} does not match {self.course.sources}/:"
                " other code was tested, so this run is not recorded."
            )
        elif complete:
            progress = Progress.of(self.course, self.manifest)
            try:
                recorded = record_run(self.course, progress, run, complete)
                self.notes += recorded.problems
                self.unlocked = recorded.unlocked
            except MachineError as error:
                self.notes.append(str(error))
                self._is_recorded = False

    def _untested_files(self) -> tuple[str, ...]:
        """The generated files that differ from the sources, because `--no-export` was given."""
        report = self.config.stash.get(export_key, None)
        if report is None or self.options.exports:
            return ()
        return (*report.written, *report.removed)

    def _missing(self) -> list[TestRecord]:
        if self._is_narrowed() and not self.options.grade:
            return []
        counted = [group for group in self.options.groups if group.has_points]
        return self.tally.missing(self.manifest, counted)

    def _unexported(self) -> list[TestRecord]:
        """A failure for each module of `--module` with a cell that should be exported."""
        found = []
        for module in self.options.modules:
            group = Group(Kind.MODULE, module.id)
            sources, source = sources_of(self.config), self.course.source_name(module)
            if any(test.reason is Reason.BROKEN_IMPORT for test in self.tally.ran()):
                continue
            if mistake := unexported(sources, source):
                found.append(
                    TestRecord(
                        group.test_id(_EXPORT),
                        f"{module.name}.py exports what its package needs",
                        Outcome.FAILED,
                        Reason.RECOGNIZED,
                        mistake.message,
                        (mistake.location,) if mistake.location else (),
                    )
                )
        return found

    def _is_narrowed(self) -> bool:
        """Whether the user selected some of the tests; then no test counts as missing."""
        option = self.config.option
        given = self.config.args_source is pytest.Config.ArgsSource.ARGS
        narrowing = ("keyword", "markexpr", "lf", "maxfail", "deselect", "stepwise")
        return given or any(getattr(option, word, None) for word in narrowing)


_session_key = pytest.StashKey[RunSession | None]()


def pytest_configure(config: pytest.Config) -> None:
    run_session = session_of(config)
    if run_session is not None:
        config.pluginmanager.register(run_session, "tinytorch-session")


def session_of(config: pytest.Config) -> RunSession | None:
    """The session of this run; None in a worker, and in a run without tests of the course."""
    return stashed(config, _session_key, lambda: _session(config))


def _session(config: pytest.Config) -> RunSession | None:
    options = options_of(config)
    runs = options.active and not config.option.collectonly and options.batch is None
    return RunSession(config) if runs and not is_worker(config) else None
