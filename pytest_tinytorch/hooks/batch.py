"""`--submissions`: grades a class. Each student and checkpoint is one pytest item.

    checkpoint files --pytest--> tests, collected once in each process
    student x checkpoint --> item --> those tests, in a sandbox of its own --> a stored part

pytest calls its collection and run hooks. So `-n`, `-k`, `--lf` and every report of pytest work on
students, and no item starts another pytest.
"""

import gc
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from pytest_tinytorch.core.aggregate import Tally, graded, in_order
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError, MachineError, os_error_text
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.names import folder_names
from pytest_tinytorch.core.records import TestRecord
from pytest_tinytorch.core.signing import VARIABLE, Key, find_key
from pytest_tinytorch.grading.grader import Graded, Grader, SelfCheckFailed, Task
from pytest_tinytorch.grading.parts import PartStatus, harness_digest
from pytest_tinytorch.grading.prepare import reason_of
from pytest_tinytorch.hooks.isolation import level_of, pool_of
from pytest_tinytorch.hooks.options import (
    Batch,
    course_of,
    deciding_options,
    is_worker,
    manifest_of,
    options_of,
)
from pytest_tinytorch.hooks.other_plugins import begin_test
from pytest_tinytorch.hooks.recording import RECORD, follow_sources
from pytest_tinytorch.hooks.selection import group_key
from pytest_tinytorch.hooks.stash import stashed
from pytest_tinytorch.isolation import reaper
from pytest_tinytorch.submissions.find import Submitted, find_submissions

NOT_GRADED = "not-graded"  # for a reason outside of the submission; nothing is stored
SHOWN = "tinytorch_batch"  # the attribute of a report with the result of a part
_WORKER_INPUT = "tinytorch_students"
_GRACE = 120  # seconds above the limit of a checkpoint, after which the harness is stopped

_batch_key = pytest.StashKey["BatchSession | None"]()


class StudentFolder(pytest.Collector):
    """One student's submission as a pytest node. Its name is the student's results folder."""

    def collect(self) -> Iterator[pytest.Item]:
        return iter(())  # `BatchSession.items` makes the items


class GradingItem(pytest.Item):
    """The pytest item for one group of tests of one student."""

    def __init__(self, task: Task, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.task = task

    def runtest(self) -> None:
        raise NotImplementedError("a part is graded by pytest_runtest_protocol")

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.nodeid


class BatchSession:
    """The class of this run, in one process: its students, its tests and the grader."""

    def __init__(self, config: pytest.Config, batch: Batch) -> None:
        self.config, self.batch = config, batch
        self.course = course_of(config)
        self.options = options_of(config)
        self.manifest = manifest_of(config)
        sent = getattr(config, "workerinput", {}).get(_WORKER_INPUT)
        if sent is None:
            found, self.ignored = find_submissions(batch.submissions)
        else:  # all workers must see the same students
            found, self.ignored = [_received(batch, entry) for entry in sent], []
        self.students: list[Submitted] = found
        self.names = folder_names(s.student for s in found)
        self.key: Key | None = None if is_worker(config) else find_key()
        os.environ.pop(VARIABLE, None)  # processes started from here must not get the key
        reaper.hide()
        self._tests: dict[Group, list[pytest.Item]] = {}  # group -> tests of the course
        self._grader: Grader | None = None

    def worker_input(self) -> list[dict[str, Any]]:
        # A file name may be any bytes, and xdist sends only text.
        return [
            asdict(s) | {"path": os.fsencode(s.path.name).decode("latin-1") if s.handed_in else ""}
            for s in self.students
        ]

    def items(self, session: pytest.Session, tests: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Store the tests, and return an item for each student and group of tests.

        Hidden tests come last, so that their inputs cannot reach a visible test of the student.
        """
        for test in tests:
            self._tests.setdefault(test.stash[group_key], []).append(test)
        return [
            self._item(folder, submitted, group)
            for submitted in self.students
            for folder in [self._folder(session, submitted)]
            for group in (*(c.group for c in self.options.collections), *self.options.hidden)
        ]

    def grade(self, item: GradingItem, following: GradingItem | None) -> Graded:
        """Grade one part. Raises SelfCheckFailed."""
        return self._own_grader().grade(item.task, following.task if following else None)

    def lost(self, task: Task, reason: str) -> None:
        """Store that a part could not be graded, without a grade."""
        nothing = Tally().missing(self.manifest, [task[1]])
        self._own_grader().lost(task, reason, tuple(nothing))

    def task_of(self, nodeid: str) -> Task:
        """The task of an item, from its node id alone."""
        name, _, group = nodeid.rpartition("::")
        submitted = next(s for s in self.students if self.names[s.student] == name)
        return submitted, Group.parse(group)

    def _folder(self, session: pytest.Session, submitted: Submitted) -> StudentFolder:
        name = self.names[submitted.student]  # safe to print: it cannot imitate a line of pytest
        folder: StudentFolder = StudentFolder.from_parent(
            session, name=name, path=submitted.path, nodeid=name
        )
        return folder

    def _item(self, folder: StudentFolder, submitted: Submitted, group: Group) -> GradingItem:
        task = (submitted, group)
        item: GradingItem = GradingItem.from_parent(folder, name=str(group), task=task)
        if found := self.course.collection_of(group):
            item.extra_keyword_matches |= {found.name.lower(), found.id}
        limit = self.course.limits_of(group).seconds_per_checkpoint + _GRACE
        item.add_marker(pytest.mark.timeout(limit))
        return item

    def _own_grader(self) -> Grader:
        if self._grader is None:
            self._grader = self._new_grader()
        return self._grader

    @cached_property
    def harness(self) -> str:
        """The hash of everything beside the submissions that results depend on."""
        deciding = deciding_options(self.options, level_of(self.config).name)
        return harness_digest(self.course, self.manifest, self.options.hidden_folder, deciding)

    def _new_grader(self) -> Grader:
        batch = self.batch
        try:
            grader = Grader(
                self.course, batch.results, self.names, self.harness, batch.regrade, self._run
            )
        except OSError as error:
            raise MachineError(os_error_text(error)) from None
        self.config.add_cleanup(grader.close)
        return grader

    def _run(self, tree: Course, group: Group, following: Path) -> tuple[TestRecord, ...]:
        """Run the tests of a group on the student code in a tree. Returns their records."""
        pool = pool_of(self.config)
        if pool is None:
            raise CourseError("--submissions needs student code in a process of its own")
        pool.turn_to(tree.package_folder, following)
        follow_sources(self.config, tree)
        tests = self._tests.get(group, [])
        tally = Tally()
        for test, after in zip_longest(tests, tests[1:]):
            for report in _run_test(test, after):
                data = getattr(report, RECORD, None)
                if data is not None:
                    tally.add(TestRecord.from_json(data), str(report.when))
        records = [*tally.ran(), *tally.missing(self.manifest, [group])]
        return in_order(graded(records, self.manifest), (group,))


def _received(batch: Batch, entry: dict[str, Any]) -> Submitted:
    path = batch.submissions / os.fsdecode(entry["path"].encode("latin-1"))
    return Submitted(**entry | {"path": path})


def batch_of_run(config: pytest.Config) -> BatchSession | None:
    """The class of this run; None without `--submissions`."""
    return stashed(config, _batch_key, lambda: _batch_session(config))


def _batch_session(config: pytest.Config) -> BatchSession | None:
    batch = options_of(config).batch
    return BatchSession(config, batch) if batch else None


def pytest_configure(config: pytest.Config) -> None:
    if batch_of_run(config) is not None:
        config.option.tbstyle = "no"  # a part has its own message; no traceback is printed


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    batch_session = batch_of_run(node.config)
    if batch_session is not None:
        node.workerinput[_WORKER_INPUT] = batch_session.worker_input()


# `selection` was registered later, so it runs first and sets the ids of the tests.
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    batch_session = batch_of_run(config)
    if batch_session is not None:
        items[:] = batch_session.items(session, items)
        gc.freeze()  # the garbage collector need not examine these objects for each student


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.TestReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """Show no status for a subtest; the student's item has one."""
    is_part = isinstance(report, pytest.SubtestReport) and batch_of_run(config) is not None
    return ("", "", "") if is_part else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not isinstance(item, GradingItem):
        return None
    batch_session = batch_of_run(item.config)
    assert batch_session is not None
    following = nextitem if isinstance(nextitem, GradingItem) else None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _reports(batch_session, item, following):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _reports(
    batch_session: BatchSession, item: GradingItem, following: GradingItem | None
) -> Iterator[pytest.TestReport]:
    """The reports of an item's three phases, as pytest expects; the call has the result."""
    started = time.time()
    yield _report(item, "setup", "", {}, started)
    problem, shown = _graded(batch_session, item, following)
    yield _report(item, "call", problem, shown, started)
    yield _report(item, "teardown", "", {}, time.time())


def _graded(
    batch_session: BatchSession, item: GradingItem, following: GradingItem | None
) -> tuple[str, dict[str, Any]]:
    """The problem ("" if none), and the part's result, as plain data."""
    submitted, group = item.task
    who = {"student": submitted.student, "group": str(group)}
    try:
        done = batch_session.grade(item, following)
    except (SelfCheckFailed, MachineError) as failure:
        # The submission is not the cause, so nothing is stored.
        return str(failure), {
            **who,
            "status": NOT_GRADED,
            "machine": isinstance(failure, MachineError),
        }
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also exits and pytest's outcomes
        reason = reason_of(error)
        try:
            batch_session.lost(item.task, reason)
        except MachineError as failure:
            return str(failure), {**who, "status": NOT_GRADED, "machine": True}
        return reason, {**who, "status": PartStatus.GRADER_ERROR.value}
    part = done.part
    return part.reason if part.status is PartStatus.GRADER_ERROR else "", {
        **who,
        "status": part.status.value,
        "kept": done.kept,
        "points": part.points,
        "max_points": part.max_points,
        "before": done.before,
    }


def _report(
    item: GradingItem, when: Any, problem: str, shown: dict[str, Any], started: float
) -> pytest.TestReport:
    now = time.time()
    points = [(k, f"{shown[k]:g}") for k in ("points", "max_points") if k in shown]
    report = pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="failed" if problem else "passed",
        longrepr=problem or None,
        when=when,
        duration=now - started,
        start=started,
        stop=now,
        user_properties=points,
    )
    setattr(report, SHOWN, shown)
    return report


def _run_test(test: pytest.Item, after: pytest.Item | None) -> list[pytest.TestReport]:
    """Run one test of the course with pytest. Its reports only go into the part.

    After the last test, pytest gets a next item from another file, so that it tears down all
    fixtures below the session.
    """
    following = after if after is not None else _Elsewhere.of(test.session)
    begin_test(test)
    try:
        return runtestprotocol(test, log=False, nextitem=following)
    finally:
        # Otherwise reports would accumulate over a class.
        test._report_sections.clear()
        test.user_properties.clear()


class _Elsewhere(pytest.Item):
    """An item that shares only the session with other items."""

    @classmethod
    def of(cls, session: pytest.Session) -> "_Elsewhere":
        item: _Elsewhere = cls.from_parent(session, name="elsewhere", nodeid="elsewhere")
        return item

    def runtest(self) -> None:
        pass
