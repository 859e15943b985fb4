"""Chooses the next command and its reason: after a failure, after a run, after a grade.

The terminal, the feedback page and the progress views call it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_tinytorch.core.causes import Cause, causes
from pytest_tinytorch.core.course import Checkpoint, Course, Module
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.core.records import Outcome, Reason, RunRecord
from pytest_tinytorch.progress.milestones import milestone_statuses
from pytest_tinytorch.progress.progress import Progress, State, Status

# Not that of a base class of the course, which names the class: `(f"{type(self).__name__} ...")`.
_OPEN_TASK = re.compile(r"^\s*raise NotImplementedError(?!\(f)", re.MULTILINE)
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True)
class NextStep:
    """A command to run, and its reason."""

    command: str
    why: str


def step_after_failure(cause: Cause) -> NextStep:
    """Fix the first cause, then run its collection again."""
    test = cause.test
    command = (checkpoint_group(test.waits_for) if test.waits_for else test.group).command
    place = next((str(place) for place in test.locations if not place.is_inline_test), "")
    if test.reason is Reason.NOT_WRITTEN:
        return NextStep(command, f"write {place or 'the task named first above'}, then run")
    return NextStep(command, f"fix {place or 'the first failure above'}, then run")


def step_forward(
    course: Course, statuses: Sequence[Status[Checkpoint]], is_graded: bool = False
) -> NextStep:
    """The checkpoint that was run last if it is not achieved, or else the next one after it.

    is_graded: the sources of the course are not those of the student.
    """
    last = max(range(len(statuses)), key=lambda n: statuses[n].last_run, default=0)
    for status in (*statuses[last:], *statuses[:last]):
        if status.state in (State.ACHIEVED, State.PLANNED):
            continue
        command = status.collection.group.command
        module = course.module_of(status.collection)
        source = course.source_name(module)
        is_open = is_graded or _has_tasks(course, module)
        write = f"write {source}, then run"
        whys = {
            State.STALE: "the code it rests on changed, so run again",
            State.FAILING: f"not written yet: {write}"
            if not status.passed and is_open
            else f"fix {source}, then run",
            State.NOT_STARTED: write if is_open else f"{source} is written, so run",
        }
        return NextStep(command, whys[status.state])
    return NextStep("pytest --progress=timeline", "every written checkpoint is achieved")


def remark_on_solutions(course: Course, progress: Progress) -> str:
    """For the first run in a tree with the course's solutions: how a student begins; or ""."""
    written = [module for module in course.modules if module.written]
    if any(status.last_run for status in progress.statuses) or not written:
        return ""
    if any(_has_tasks(course, module) or not _is_marked(course, module) for module in written):
        return ""
    return (
        f"{course.sources}/ holds the course's solutions. To begin as a student, delete in"
        f" {course.source_name(written[0])} what stands between {_BEGIN} and {_END}, and write it."
    )


def _has_tasks(course: Course, module: Module) -> bool:
    """Whether the source of a module has a task that is not written, or does not exist."""
    text = _text(course, module)
    return not text or _OPEN_TASK.search(text) is not None


def _is_marked(course: Course, module: Module) -> bool:
    """Whether a source has the marks of solutions."""
    return _BEGIN in _text(course, module)


def _text(course: Course, module: Module) -> str:
    try:
        return course.source_file(module).read_text("utf-8", "replace")
    except OSError:
        return ""


def step_with_milestones(course: Course, progress: Progress) -> NextStep:
    """The same; when every checkpoint is achieved, the first milestone that can be run."""
    if not progress.next_ids():
        for found in milestone_statuses(course, progress):
            if found.is_unlocked and not found.is_achieved:
                return NextStep(found.first_command, "every written checkpoint is achieved; now")
    return step_forward(course, progress.statuses)


def step_after_grade(course: Course, run: RunRecord) -> NextStep:
    """The next step after a grade: visible failures first, then hidden ones, then new work."""
    failed = [test for test in run.tests if test.decided and not test.passed]
    visible = [test for test in failed if test.visibility == "visible"]
    if found := causes([test for test in visible if test.outcome is not Outcome.SKIPPED]):
        return step_after_failure(found[0])
    for test in failed:
        if test.visibility != "visible":
            return NextStep(test.group.command, "try inputs that no test here tries, fix, then run")
    for test in run.tests:
        if not test.decided:
            return NextStep(
                test.group.command, "there is nothing to fix; to check it yourself, run"
            )
    return step_forward(course, _after(course, run), is_graded=True)


def _after(course: Course, run: RunRecord) -> list[Status[Checkpoint]]:
    """The checkpoints after the last one whose module was graded."""
    collections = [c for c in course.collections if run.of(c.group)]
    modules = {module.name for c in collections for module in course.modules_of(c)}
    graded = [n for n, c in enumerate(course.checkpoints) if c.module in modules]
    rest = course.checkpoints[max(graded, default=-1) + 1 :]
    states = {True: State.NOT_STARTED, False: State.PLANNED}
    return [Status(c, states[course.is_written(c)], 0, 0, 0) for c in rest]
