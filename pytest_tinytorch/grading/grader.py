"""Grades one part after the other: takes in, compares keys, exports, has the tests run, keeps.

Where nothing has changed nothing is run. Before the first part of a checkpoint the harness has to
prove itself: the reference gets all points, and who handed nothing in gets none.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_tinytorch.core.course import Checkpoint, Course
from pytest_tinytorch.core.records import Outcome, Reason, TestRecord
from pytest_tinytorch.core.tempdirs import make_folder, remove_folder
from pytest_tinytorch.export.service import export
from pytest_tinytorch.grading.parts import Intake, Part, PartFiles, Status, part_key
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.reader import Taken, read_submission

# The tests of a checkpoint on the course in a tree; what follows is the package to get ready for.
Run = Callable[[Course, Checkpoint, Path], tuple[TestRecord, ...]]
Task = tuple[Submitted, Checkpoint]

_TRIES = 2  # of the reference: a busy machine may fail a measurement once


@dataclass(frozen=True)
class Graded:
    """What became of one part. `before`: points of an earlier part, if there was one."""

    part: Part
    kept: bool = False
    before: float | None = None


class SelfCheckFailed(Exception):
    """The harness cannot be trusted here, in words: no submission has anything to do with it."""


class Grader:
    """The parts of a class that one process grades."""

    def __init__(
        self,
        course: Course,
        results: Path,
        names: Mapping[str, str],
        harness: str,
        regrade: bool,
        run: Run,
    ) -> None:
        """names: student -> folder in `results`; harness: the digest of all but submissions."""
        self._course, self._results, self._names = course, results, names
        self._harness, self._regrade, self._run = harness, regrade, run
        self._work = make_folder("class")
        self._trees: dict[str, tuple[Taken, Path]] = {}  # of the present student and the next
        self._checked: dict[str, str] = {}  # checkpoint -> what its self-check found
        self._made = 0

    def close(self) -> None:
        remove_folder(self._work)

    def grade(self, task: Task, following: Task | None) -> Graded:
        """Grade a part, or find that nothing changed since it was. Raises SelfCheckFailed."""
        try:
            return self._grade(task, following)
        finally:
            self._forget_all_but(following[0].student if following else "")

    def _grade(self, task: Task, following: Task | None) -> Graded:
        submitted, checkpoint = task
        files = PartFiles(self._results, self._names[submitted.student])
        taken, _ = self._tree(submitted)
        files.write_intake(Intake.of(submitted.student, taken))
        key = part_key(self._harness, taken.digest, checkpoint.id)
        old = files.read(checkpoint.id)
        if old is not None and self._is_current(old, key):
            return Graded(old, kept=True)
        part = self._new_part(key, task, following)
        files.write(checkpoint.id, part)
        return Graded(part, before=old.points if old and old.status is Status.GRADED else None)

    def lost(self, task: Task, reason: str, tests: tuple[TestRecord, ...]) -> None:
        """Keep that a part could not be graded, and why."""
        files = PartFiles(self._results, self._names[task[0].student])
        files.write(task[1].id, Part("", Status.GRADER_ERROR, tests, reason))

    def _is_current(self, part: Part, key: str) -> bool:
        return part.key == key and part.status is Status.GRADED and not self._regrade

    def _new_part(self, key: str, task: Task, following: Task | None) -> Part:
        submitted, checkpoint = task
        taken, root = self._tree(submitted)
        if taken.unreadable:
            nothing = self._run_on_nothing(checkpoint)
            tests = tuple(t.failed_with(Outcome.MISSING, Reason.HARNESS, "") for t in nothing)
            return Part(key, Status.GRADER_ERROR, tests, taken.unreadable)
        self._check(checkpoint)
        tree = self._exported(root)
        tests = self._run(tree, checkpoint, self._next_package(tree, following))
        undecided = [test for test in tests if not test.decided]
        if undecided:
            first = f"{undecided[0].id}: {undecided[0].message}"
            return Part(key, Status.GRADER_ERROR, tests, first)
        return Part(key, Status.GRADED, tests)

    def _next_package(self, now: Course, following: Task | None) -> Path:
        """The package of the part that comes next, if that has to be run and can be foreseen."""
        if following is None:
            return now.package_folder
        submitted, checkpoint = following
        taken, root = self._tree(submitted)
        files = PartFiles(self._results, self._names[submitted.student])
        old = files.read(checkpoint.id)
        key = part_key(self._harness, taken.digest, checkpoint.id)
        if taken.unreadable or (old is not None and self._is_current(old, key)):
            return now.package_folder
        return self._exported(root).package_folder

    def _check(self, checkpoint: Checkpoint) -> None:
        if checkpoint.id not in self._checked:
            self._checked[checkpoint.id] = self._self_check(checkpoint)
        if found := self._checked[checkpoint.id]:
            raise SelfCheckFailed(found)

    def _self_check(self, checkpoint: Checkpoint) -> str:
        """What is wrong with the harness, in words; "" if it can be trusted."""
        where = f"self-check of checkpoint {checkpoint.id}"
        for _ in range(_TRIES):
            tests = self._run(self._course, checkpoint, self._course.package_folder)
            failed = [test for test in tests if not test.passed]
            if not failed:
                break
        else:
            points, most = sum(t.points for t in tests), sum(t.max_points for t in tests)
            return (
                f"{where}: the reference in {self._course.sources}/ gets {points:g} of {most:g}"
                f" points, expected all of them; the first that fails: {failed[0].id}:"
                f" {failed[0].message.splitlines()[0] if failed[0].message else ''}"
            )
        earned = [test for test in self._run_on_nothing(checkpoint) if test.points]
        if earned:
            return (
                f"{where}: who hands nothing in gets points, expected none; for {earned[0].id},"
                f" for example"
            )
        return ""

    def _run_on_nothing(self, checkpoint: Checkpoint) -> tuple[TestRecord, ...]:
        empty = self._work / "empty"
        empty.mkdir(exist_ok=True)
        return self._run(self._exported(empty), checkpoint, self._course.package_folder)

    def _tree(self, submitted: Submitted) -> tuple[Taken, Path]:
        """What was taken in of a submission, and a folder with nothing but that."""
        if submitted.student not in self._trees:
            taken = read_submission(self._course, submitted)
            self._made += 1
            root = self._work / f"{self._made}"
            for name, content in taken.sources.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(content)
            self._trees[submitted.student] = taken, root
        return self._trees[submitted.student]

    def _exported(self, root: Path) -> Course:
        """The course as it is in a student's tree, with its package brought up to date."""
        tree = replace(self._course, root=root)
        export(tree, lasting=False)
        return tree

    def _forget_all_but(self, student: str) -> None:
        for other in set(self._trees) - {student}:
            shutil.rmtree(self._trees.pop(other)[1], ignore_errors=True)
