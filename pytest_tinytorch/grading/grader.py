"""Grades a class part by part: compares keys, runs the tests if needed, and stores the result.

`hooks.batch` calls it for each item. Unchanged parts are not run again. Before the first part of a
checkpoint it checks the harness: the reference must get all points, an empty submission none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.records import Outcome, Reason, TestRecord
from pytest_tinytorch.core.tempdirs import make_folder, remove_folder
from pytest_tinytorch.grading.parts import Intake, Part, PartFiles, PartStatus, part_key
from pytest_tinytorch.grading.prepare import StepFailed, Trees, attempt, exported
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.reader import Taken

# Runs the tests of a group on the course in a tree; the path is the next package.
Run = Callable[[Course, Group, Path], tuple[TestRecord, ...]]
Task = tuple[Submitted, Group]

_TRIES = 2  # of the self-check: a measurement may fail once on a busy machine


@dataclass(frozen=True)
class Graded:
    """The result of grading one part. `before`: the points of an earlier result, if any."""

    part: Part
    kept: bool = False
    before: float | None = None


class SelfCheckFailed(Exception):
    """The self-check of the harness failed; the submissions are not the cause."""


class Grader:
    """Grades the parts of a class that this process receives."""

    def __init__(
        self,
        course: Course,
        results: Path,
        names: Mapping[str, str],
        harness: str,
        regrade: bool,
        run: Run,
    ) -> None:
        """names: student -> folder in `results`; harness: the digest of everything else."""
        self._course, self._results, self._names = course, results, names
        self._harness, self._regrade, self._run = harness, regrade, run
        self._work = make_folder("class")
        self._trees = Trees(course, self._work)  # for the present student and the next
        self._checked: dict[Group, str] = {}  # group -> the defect found by its self-check

    def close(self) -> None:
        remove_folder(self._work)

    def grade(self, task: Task, following: Task | None) -> Graded:
        """Grade a part, or return the stored result if nothing changed. Raises SelfCheckFailed."""
        try:
            return self._grade(task, following)
        finally:
            self._trees.forget_all_but(following[0].student if following else "")

    def _grade(self, task: Task, following: Task | None) -> Graded:
        submitted, group = task
        files = PartFiles(self._results, self._names[submitted.student])
        taken = self._trees.taken(submitted)
        files.write_intake(Intake.of(submitted, taken))
        key = part_key(self._harness, taken.digest, group)
        old = files.read(group)
        if old is not None and self._is_current(old, key):
            return Graded(old, kept=True)
        part = self._new_part(key, task, following)
        files.write(group, part)
        return Graded(part, before=old.points if old and old.status is PartStatus.GRADED else None)

    def lost(self, task: Task, reason: str, tests: tuple[TestRecord, ...]) -> None:
        """Store that a part could not be graded, and the reason."""
        files = PartFiles(self._results, self._names[task[0].student])
        tests = tuple(replace(test, message=reason) for test in tests)
        intake = files.read_intake()
        sources = intake.sources if intake else ""
        files.write(
            task[1], Part("", PartStatus.GRADER_ERROR, tests, reason, sources, self._harness)
        )

    def _is_current(self, part: Part, key: str) -> bool:
        return part.key == key and part.status is PartStatus.GRADED and not self._regrade

    def _new_part(self, key: str, task: Task, following: Task | None) -> Part:
        submitted, group = task
        self._check(group)
        tree = self._trees.exported(submitted)
        taken = self._trees.taken(submitted)
        reason = taken.unreadable or self._unclear(taken, group)
        if tree is None or reason:
            nothing = self._run_on_nothing(group)
            tests = tuple(t.failed_with(Outcome.MISSING, Reason.HARNESS, reason) for t in nothing)
        else:
            tests = self._run(tree, group, self._next_package(tree, following))
            undecided = [test for test in tests if not test.decided]
            reason = _shown(undecided[0]) if undecided else ""
        return Part(
            key,
            PartStatus.GRADER_ERROR if reason else PartStatus.GRADED,
            tuple(replace(test, seconds=0.0) for test in tests),
            reason,
            taken.digest,
            self._harness,
            tuple(round(test.seconds, 3) for test in tests),
        )

    def _unclear(self, taken: Taken, group: Group) -> str:
        """Why it is unclear which file holds a module that a group needs; "" if it is clear."""
        collection = self._course.collection_of(group)
        needed = self._course.modules_of(collection) if collection else ()
        own = [collection.about] if collection else []
        names = [*own, *(module.name for module in needed)]
        return next((taken.unclear[name] for name in names if name in taken.unclear), "")

    def _next_package(self, now: Course, following: Task | None) -> Path:
        """The package of the next part, if that part is known and has to be run."""
        try:
            found = (
                attempt("made ready", lambda: self._package_of(following)) if following else None
            )
        except StepFailed:  # reported when that part is graded
            found = None
        return found or now.package_folder

    def _package_of(self, task: Task) -> Path | None:
        """The package of a part; None if the part need not or cannot be run."""
        submitted, group = task
        taken = self._trees.taken(submitted)
        files = PartFiles(self._results, self._names[submitted.student])
        old = files.read(group)
        key = part_key(self._harness, taken.digest, group)
        if old is not None and self._is_current(old, key):
            return None
        tree = self._trees.exported(submitted)
        return tree.package_folder if tree is not None else None

    def _check(self, group: Group) -> None:
        if group not in self._checked:
            self._checked[group] = self._self_check(group)
        if found := self._checked[group]:
            raise SelfCheckFailed(found)

    def _self_check(self, group: Group) -> str:
        """Return the defect that the harness's self-check found; "" if it passed."""
        where = f"self-check of {group.kind} {group.id}"
        for _ in range(_TRIES):
            tests = self._run(self._course, group, self._course.package_folder)
            failed = [test for test in tests if not test.passed]
            if not failed:
                break
        else:
            points, most = sum(t.points for t in tests), sum(t.max_points for t in tests)
            return (
                f"{where}: the reference in {self._course.sources}/ gets {points:g} of {most:g}"
                f" points, expected all of them; the first that fails: {_shown(failed[0])}"
            )
        earned = [test for test in self._run_on_nothing(group) if test.points]
        if earned:
            return (
                f"{where}: an empty submission earns points, expected none; for"
                f" {_name(earned[0])}, for example"
            )
        return ""

    def _run_on_nothing(self, group: Group) -> tuple[TestRecord, ...]:
        empty = self._work / "empty"
        empty.mkdir(exist_ok=True)
        return self._run(exported(self._course, empty), group, self._course.package_folder)


def _shown(test: TestRecord) -> str:
    """A test and its message in one line. The line says nothing about hidden tests."""
    if test.visibility != "visible":
        return _name(test)
    first = test.message.splitlines()[0] if test.message else ""
    return f"{test.id}: {first}"


def _name(test: TestRecord) -> str:
    return test.id if test.visibility == "visible" else f"a hidden test of {test.group.id}"
