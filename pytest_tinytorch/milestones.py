"""The public functions for milestones, for programs and for the older guides of the course.

    python -m pytest_tinytorch.milestones complete 02_tensor | progress | list

Everything is read from the evidence of runs (`progress.milestones`), for the course around the
working directory. `complete` and `mark_completed` need no evidence: without it, what they record is
a claim, shown as "claimed, unverified", which unlocks nothing and is never certified.
"""

import sys
from collections.abc import Sequence
from typing import Any, Protocol

from pytest_tinytorch.cli.here import course_here
from pytest_tinytorch.core.course import Course, Milestone, Module
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.selectors import choose_modules, milestone_named
from pytest_tinytorch.progress.milestones import (
    CLAIMED,
    MilestoneStatus,
    ladders,
    milestone_status,
    milestone_statuses,
)
from pytest_tinytorch.progress.progress import Progress
from pytest_tinytorch.reports.phrases import milestone_title, unlocked_text

__all__ = [
    "MILESTONES",
    "MILESTONE_ORDER",
    "MilestoneTracker",
    "check_module_export",
    "list_tests",
    "main",
    "show_progress",
]

MILESTONES: dict[str, dict[str, Any]]  # these two are made by `__getattr__`
MILESTONE_ORDER: list[str]

_USAGE = "python -m pytest_tinytorch.milestones complete MODULE_OR_MILESTONE | progress | list"


class Console(Protocol):
    """What messages are printed on, such as rich's Console."""

    def print(self, *objects: Any) -> None: ...


class MilestoneTracker:
    """The milestones of one course: what can be run, what was achieved, what is claimed."""

    def __init__(self, course: Course | None = None) -> None:
        """course: by default, the one around the working directory. Raises CourseError."""
        self.course = course_here() if course is None else course
        self._manifest = load_manifest(self.course)

    @property
    def progress(self) -> dict[str, list[str]]:
        """The names in progress.json: `completed_modules`, `unlocked_milestones`,
        `completed_milestones`. They can be forged; `status` cannot be, by names alone."""
        read = self._read()
        return {
            "completed_modules": list(read.completed_modules),
            "unlocked_milestones": sorted(read.noted_milestones),
            "completed_milestones": sorted(read.claimed_milestones),
        }

    def status(self, milestone_id: str) -> MilestoneStatus:
        """Where a milestone stands. Raises CourseError for an unknown id."""
        return milestone_status(self.course, self._read(), self._milestone(milestone_id))

    def can_run_milestone(self, milestone_id: str) -> bool:
        """Whether the checkpoints that it needs are achieved."""
        return self.status(milestone_id).is_unlocked

    def is_completed(self, milestone_id: str) -> bool:
        """Whether a run with the present code shows it; a claim does not count."""
        return self.status(milestone_id).is_achieved

    def is_verified(self, module: Module) -> bool:
        """Whether a run shows that the module's checkpoint was achieved; a claim does not count."""
        return self._read().is_verified(module)

    def mark_module_complete(self, module_name: str) -> list[str]:
        """Record a module as completed. Returns the ids of milestones that are unlocked, not
        achieved, and were not returned before. Without evidence for its checkpoint, the module is
        a claim."""
        (module, *others) = choose_modules(self.course, module_name)
        if others:
            raise CourseError(f"{module_name!r} names {len(others) + 1} modules; name one")
        read = self._read()
        statuses = milestone_statuses(self.course, read)
        unlocked = [s.milestone.id for s in statuses if s.is_unlocked]
        ready = [s.milestone.id for s in statuses if s.is_unlocked and not s.is_achieved]
        new = [identifier for identifier in ready if identifier not in read.told_milestones]
        _tell(
            read.note(
                completed_modules=[module.name],
                unlocked_milestones=unlocked,
                told_milestones=new,
            )
        )
        return new

    def mark_completed(self, milestone_id: str) -> bool:
        """Record a milestone as completed. Returns whether a run shows that it is; if none does,
        it is a claim."""
        milestone = self._milestone(milestone_id)
        read = self._read()
        _tell(read.note(completed_milestones=[milestone.id]))
        return self.status(milestone.id).is_achieved

    def show_progress(self, console: Console | None = None) -> None:
        """Print each ladder, with the state of each milestone."""
        show = _printer(console)
        for name, statuses in ladders(self.course, milestone_statuses(self.course, self._read())):
            show(f"Milestones: {name}")
            for status in statuses:
                title = milestone_title(status.milestone)
                show(f"  {status.milestone.number} {title}: {_state(status)}")

    def list_tests(self, console: Console | None = None) -> None:
        """Print the command for each milestone that can be run and is not achieved."""
        show = _printer(console)
        statuses = milestone_statuses(self.course, self._read())
        ready = [s for s in statuses if s.is_unlocked and not s.is_achieved]
        for status in ready:
            show(f"{milestone_title(status.milestone)}: {status.first_command}")
        if not ready:
            show("No milestone can be run that is not achieved; see `tito milestone next`.")

    def _milestone(self, text: str) -> Milestone:
        return milestone_named(self.course, text)

    def _read(self) -> Progress:
        return Progress.of(self.course, self._manifest)


def check_module_export(module_name: str, console: Console | None = None) -> dict[str, list[str]]:
    """Record a module as completed, and say which milestones that unlocked.

    Returns {"newly_unlocked": [ids], "messages": [a line for each]}. The lines are printed on
    `console`, if there is one. Raises CourseError for an unknown module or outside of a course.
    """
    return _exported(MilestoneTracker(), module_name, console)


def _exported(
    tracker: MilestoneTracker, module_name: str, console: Console | None
) -> dict[str, list[str]]:
    new = tracker.mark_module_complete(module_name)
    chosen = [milestone for milestone in tracker.course.milestones if milestone.id in new]
    messages = [unlocked_text(milestone) for milestone in chosen]
    if console is not None:
        for message in messages:
            console.print(message)
    return {"newly_unlocked": new, "messages": messages}


def show_progress() -> None:
    """Print where the milestones of the course here stand."""
    MilestoneTracker().show_progress()


def list_tests() -> None:
    """Print the commands of the milestones that can be run now."""
    MilestoneTracker().list_tests()


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code; a mistake is one line on stderr and exit code 2."""
    try:
        match arguments:
            case ["complete", name]:
                _complete(name)
            case ["progress"]:
                show_progress()
            case ["list"]:
                list_tests()
            case _:
                raise CourseError(f"write: {_USAGE}")
    except CourseError as error:
        print(f"milestones: {error}", file=sys.stderr)
        return 2
    return 0


def _complete(name: str) -> None:
    """Of a module, or of a milestone."""
    tracker = MilestoneTracker()
    try:
        module = choose_modules(tracker.course, name)[0]
    except CourseError as no_module:
        try:
            milestone = milestone_named(tracker.course, name)
        except CourseError:
            raise no_module from None
        verified = tracker.mark_completed(milestone.id)
        command = tracker.status(milestone.id).first_command
        print(_completed(milestone.id, verified, command))
        return
    found = _exported(tracker, name, console=None)
    verified = tracker.is_verified(module)
    print(_completed(module.name, verified, f"tito module complete {module.id}"))
    for message in found["messages"]:
        print(message)


def _completed(name: str, verified: bool, command: str) -> str:
    return f"{name}: completed" if verified else f"{name}: {CLAIMED}. To show it: {command}"


def _state(status: MilestoneStatus) -> str:
    if not status.missing:
        return status.label
    return f"{status.label}, needs checkpoint {', '.join(m.collection.id for m in status.missing)}"


def _printer(console: Console | None) -> Any:
    return print if console is None else console.print


def _tell(problems: Sequence[str]) -> None:
    """What went wrong with the file, such as that a damaged one is saved under another name."""
    for problem in problems:
        print(problem, file=sys.stderr)


def _facts(milestone: Milestone) -> dict[str, Any]:
    return {
        "name": milestone_title(milestone),
        "description": milestone.question,
        "requires": list(milestone.needs),
        "ladder": milestone.ladder,
        "number": milestone.number,
        "year": milestone.year,
        "written": milestone.written,
        "program": f"{milestone.folder}/program.py",
        "command": milestone.group.command,
    }


def __getattr__(name: str) -> Any:
    """MILESTONES and MILESTONE_ORDER, of the course around the working directory."""
    if name == "MILESTONES":
        return {milestone.id: _facts(milestone) for milestone in course_here().milestones}
    if name == "MILESTONE_ORDER":
        return [milestone.id for milestone in course_here().milestones]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
