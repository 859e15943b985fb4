"""Prepares submissions for grading: reads, unpacks and exports them. `grader` calls it.

The next submission is prepared while the present one is graded, and must not disturb it. So each
step has a time limit, and an exception is the reason why this one submission is for
review. Only KeyboardInterrupt (from the user) and MachineError are passed on.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pytest_tinytorch.core.alarm import alarm
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import MachineError
from pytest_tinytorch.core.text import printable, steady
from pytest_tinytorch.export.service import export
from pytest_tinytorch.isolation.bounded import Bounded
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.reader import Taken, read_submission

_SECONDS = 60  # of one step; an honest submission takes less than one
_LONGEST_MESSAGE = 300

Result = TypeVar("Result")


class StepFailed(Exception):
    """A step of preparation failed; the message says why."""


class _TookTooLong(BaseException):
    """No `except Exception` of a library may go on after it."""

    def __str__(self) -> str:
        return f"stopped after {_SECONDS} s"


class Trees:
    """The sources of a few submissions, each in a folder that holds nothing else."""

    def __init__(self, course: Course, work: Path) -> None:
        self._course, self._work = course, work
        self._taken: dict[str, Taken] = {}
        self._roots: dict[str, Path] = {}
        self._exported: dict[str, Course] = {}
        self._made = 0

    def taken(self, submitted: Submitted) -> Taken:
        """The sources to grade of a submission; `unreadable` holds the reason if reading failed."""
        student = submitted.student
        if student not in self._taken:
            try:
                self._taken[student] = attempt("read", lambda: self._read(submitted))
            except StepFailed as failure:
                self._taken[student] = Taken({}, unreadable=str(failure))
        return self._taken[student]

    def exported(self, submitted: Submitted) -> Course | None:
        """The course in a submission's tree, with its package brought up to date; None where that
        failed: `taken` then says why."""
        student, taken = submitted.student, self.taken(submitted)
        if student not in self._exported and not taken.unreadable:
            root = self._roots[student]
            try:
                self._exported[student] = attempt("exported", lambda: exported(self._course, root))
            except StepFailed as failure:
                self._taken[student] = replace(taken, unreadable=str(failure))
        return self._exported.get(student)

    def forget_all_but(self, student: str) -> None:
        for other in set(self._taken) - {student}:
            del self._taken[other]
            self._exported.pop(other, None)
        for other in set(self._roots) - {student}:
            shutil.rmtree(self._roots.pop(other), ignore_errors=True)

    def _read(self, submitted: Submitted) -> Taken:
        taken = read_submission(self._course, submitted)
        self._made += 1
        root = self._roots[submitted.student] = self._work / f"{self._made}"
        for name, content in taken.sources.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return taken


def exported(course: Course, root: Path) -> Course:
    """The course as it is in another tree, with its package brought up to date."""
    tree = replace(course, root=root)
    export(tree, limited=Bounded().render)
    return tree


def attempt(done: str, step: Callable[[], Result]) -> Result:
    """The result of a step on what a student handed in. `done`: what was to be done with it.

    Raises StepFailed for whatever the step raises, also an exit and pytest's own outcomes.
    """
    try:
        with alarm(_SECONDS, _TookTooLong):
            return step()
    except (KeyboardInterrupt, MachineError):
        raise
    except BaseException as error:
        raise StepFailed(f"could not be {done}: {reason_of(error)}") from None


def reason_of(error: BaseException) -> str:
    """An exception in one line, which is the same on each run."""
    try:
        text = str(error)
    except Exception:  # of a class that somebody made
        text = ""
    lines = text.splitlines() or [""]
    text = f"{type(error).__name__}: {lines[0]}" if lines[0] else type(error).__name__
    return printable(steady(text))[:_LONGEST_MESSAGE]
