"""Prepares submissions for grading: reads, unpacks and exports them. `grader` calls it.

The next submission is prepared while the present one is graded, and must not disturb it. So each
step has a time limit, and after an exception the submission is marked for review.
Only KeyboardInterrupt (from the user) and MachineError are passed on.
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

_SECONDS = 60  # per step; an ordinary submission takes less than one second
_LONGEST_MESSAGE = 300

Result = TypeVar("Result")


class StepFailed(Exception):
    """A step of preparation failed. The message is the reason."""


class _TookTooLong(BaseException):
    """A step took too long. A BaseException, so that `except Exception` does not catch it."""

    def __str__(self) -> str:
        return f"stopped after {_SECONDS} s"


class Trees:
    """Folders with the sources of a few submissions."""

    def __init__(self, course: Course, work: Path) -> None:
        self._course, self._work = course, work
        self._taken: dict[str, Taken] = {}
        self._roots: dict[str, Path] = {}
        self._exported: dict[str, Course] = {}
        self._made = 0

    def taken(self, submitted: Submitted) -> Taken:
        """The sources of a submission; `unreadable` has the reason if reading failed."""
        student = submitted.student
        if student not in self._taken:
            try:
                self._taken[student] = attempt("read", lambda: self._read(submitted))
            except StepFailed as failure:
                self._taken[student] = Taken({}, unreadable=str(failure))
        return self._taken[student]

    def exported(self, submitted: Submitted) -> Course | None:
        """The course in a submission's tree, after an export; None if that failed. The reason is
        then in `taken`."""
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
    """The course in another tree, after an export."""
    tree = replace(course, root=root)
    export(tree, limited=Bounded().render)
    return tree


def attempt(done: str, step: Callable[[], Result]) -> Result:
    """The result of a step on a submission. `done`: the name of the step, for the message.

    Raises StepFailed for any exception in the step, also SystemExit and pytest's outcomes.
    """
    try:
        with alarm(_SECONDS, _TookTooLong):
            return step()
    except (KeyboardInterrupt, MachineError):
        raise
    except BaseException as error:
        raise StepFailed(f"could not be {done}: {reason_of(error)}") from None


def reason_of(error: BaseException) -> str:
    """An exception in one line that is the same in each run."""
    try:
        text = str(error)
    except Exception:  # a custom exception with a broken `__str__`
        text = ""
    lines = text.splitlines() or [""]
    text = f"{type(error).__name__}: {lines[0]}" if lines[0] else type(error).__name__
    return printable(steady(text))[:_LONGEST_MESSAGE]
