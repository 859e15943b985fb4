"""`--grade`: logs each test, computes points and exit code, and signs the record.

pytest calls its hooks on the controller, in graded runs alone.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_tinytorch.core.discovery import course_root
from pytest_tinytorch.core.groups import test_name
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.core.scores import Grade, grade_of
from pytest_tinytorch.core.signing import VARIABLE, Key, find_key
from pytest_tinytorch.core.visibility import students_view
from pytest_tinytorch.grading.clean_process import CleanRun, beside, task
from pytest_tinytorch.grading.result_files import ResultLog, filter_results
from pytest_tinytorch.hooks.isolation import level_of, remarks_of
from pytest_tinytorch.hooks.options import options_of
from pytest_tinytorch.hooks.recording import RECORD
from pytest_tinytorch.hooks.session import RunSession, session_of
from pytest_tinytorch.hooks.stash import stashed
from pytest_tinytorch.isolation import reaper
from pytest_tinytorch.submissions.intake import Submission

BELOW = 1
INCOMPLETE = 3


class GradedRun:
    """One graded run, on the controller."""

    def __init__(self, config: pytest.Config, run_session: RunSession) -> None:
        self.config, self.run_session = config, run_session
        self.task: CleanRun = task()
        self.submission = Submission.from_text(self.task.submission)
        self.key: Key | None = find_key()
        os.environ.pop(VARIABLE, None)  # processes started from here must not get the key
        reaper.hide()
        self._log = ResultLog(beside(Path(self.task.junit))[0]) if self.task.junit else None

    def record(self) -> RunRecord:
        """The run's record, with all facts that a grade depends on."""
        course = self.run_session.course
        return replace(
            self.run_session.finish(),
            student=self.submission.student,
            commit=self.submission.commit,
            version=course.version,
            isolation=level_of(self.config).name,
            manifest=self.run_session.manifest.digest,
            sources=self.submission.sources,
            altered=self.submission.altered,
        )

    def remarks(self) -> list[str]:
        """Remarks that qualify the grade, a line each."""
        return remarks_of(self.config, self.submission.altered, self.submission.refused)

    def grade(self) -> Grade:
        return grade_of(self.run_session.finish())

    @property
    def is_complete(self) -> bool:
        """Whether every test was decided; otherwise there is no grade."""
        return not self.run_session.problems and self.grade().is_complete

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Log a finished test to the disk. The session has merged the report before."""
        if self._log is None:
            return
        data = getattr(report, RECORD, None)
        record = self.run_session.record_of(report.nodeid)
        over = report.when == "teardown" if data is not None else report.failed
        if record is not None and over:
            try:
                self._log.append(record.to_json())
            except OSError as error:
                path, self._log = self._log.path, None
                pytest.exit(f"{path} cannot be written: {error.strerror}", INCOMPLETE)

    def students_copy(self, xml: Path) -> None:
        """Write a copy of the instructor's file without the tests that are not visible."""
        run = students_view(self.record())
        if xml.is_file() and any(test.visibility != "visible" for test in run.tests):
            text = json.dumps(run.to_json(), ensure_ascii=True)
            filter_results(xml, beside(xml)[1], self._visible_cases(run), text)

    def _visible_cases(self, run: RunRecord) -> set[tuple[str, str]]:
        """(classname, name) of the test cases that a student may see."""
        collections = self.run_session.course.collections
        files = {c.group: c.file.removesuffix(".py").replace("/", ".") for c in collections}
        visible = [test for test in run.tests if test.visibility == "visible"]
        return {(files.get(test.group, ""), test_name(test.id)) for test in visible}

    def pytest_unconfigure(self) -> None:
        # pytest writes its file at the end of the session, after other plugins.
        if self.config.option.xmlpath:
            self.students_copy(Path(self.config.option.xmlpath))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._log is not None:
            self._log.close()
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
                session.exitstatus = INCOMPLETE
            return
        if not self.is_complete:
            session.exitstatus = INCOMPLETE
        else:
            enough = self.grade().percent >= options_of(self.config).fail_under
            session.exitstatus = pytest.ExitCode.OK if enough else BELOW


_graded_key = pytest.StashKey[GradedRun | None]()


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse paths outside of the copy. They could load another conftest, and tests with the
    names of the course's own tests."""
    options = early_config.known_args_namespace
    here = early_config.invocation_params.dir
    root = (course_root(here) or here).resolve()
    for word in options.file_or_dir if options.grade else ():
        if not (here / word.partition("::")[0]).resolve().is_relative_to(root):
            raise pytest.UsageError(
                f"--grade: {word} lies outside of the copy that is graded; change into the course's"
                " folder, and give no path, or one from there: checkpoints/..."
            )


def pytest_configure(config: pytest.Config) -> None:
    graded = graded_run_of(config)
    if graded is not None:
        config.pluginmanager.register(graded, "tinytorch-graded-run")


def graded_run_of(config: pytest.Config) -> GradedRun | None:
    """The graded run of this process; None in a worker, and without `--grade`."""
    return stashed(config, _graded_key, lambda: _graded_run(config))


def _graded_run(config: pytest.Config) -> GradedRun | None:
    run_session = session_of(config) if options_of(config).grade else None
    return GradedRun(config, run_session) if run_session else None
