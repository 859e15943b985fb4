"""Where milestones stand: locked, unlocked, achieved, stale, or claimed without evidence.

`hooks.session` records runs with it; `hooks.options`, the progress views, `milestones` and
`tito milestone` read it. Everything is derived from the evidence of runs. The lists of names in
progress.json are written for other programs; a name in them without evidence is a claim.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from pytest_tinytorch.core.course import Checkpoint, Collection, Course, Demo, Milestone
from pytest_tinytorch.core.groups import Group, Kind
from pytest_tinytorch.core.records import Outcome, RunRecord, TestRecord
from pytest_tinytorch.progress.progress import Progress, State, Status
from pytest_tinytorch.progress.unlocking import (
    Locked,
    is_unlocked,
    missing_checkpoints,
    missing_command,
)

CLAIMED = "claimed, unverified"
LOCKED = "locked"
NOT_ATTEMPTED = "not attempted"


@dataclass(frozen=True)
class MilestoneStatus:
    """Where one milestone stands, and what it waits for."""

    status: Status[Milestone]
    missing: tuple[Status[Checkpoint], ...]  # the checkpoints that it needs and are not achieved
    is_claimed: bool  # the file calls it completed, and no run shows it

    @property
    def milestone(self) -> Milestone:
        return self.status.collection

    @property
    def is_unlocked(self) -> bool:
        return self.status.state is not State.PLANNED and not self.missing

    @property
    def is_achieved(self) -> bool:
        return self.status.state is State.ACHIEVED

    @property
    def label(self) -> str:
        """Its state as text: `achieved`, `failing 1 of 2`, `locked`, `not attempted`, ..."""
        state = self.status.state
        if state in (State.ACHIEVED, State.FAILING, State.PLANNED):
            return self.status.label
        if self.is_claimed:
            return CLAIMED
        if self.missing:
            return LOCKED
        return NOT_ATTEMPTED if state is State.NOT_STARTED else self.status.label

    @property
    def first_command(self) -> str:
        """What to type next for it: the missing checkpoints, then the milestone itself."""
        if self.missing:
            return missing_command([Locked(self.milestone, self.missing)])
        return self.milestone.group.command


def milestone_status(course: Course, progress: Progress, milestone: Milestone) -> MilestoneStatus:
    status = progress.status(milestone)
    missing = missing_checkpoints(course, progress, milestone)
    claimed = milestone.id in progress.claimed_milestones and not status.was_achieved
    return MilestoneStatus(status, missing, claimed)


def milestone_statuses(course: Course, progress: Progress) -> tuple[MilestoneStatus, ...]:
    """Of all milestones, in the order of the course."""
    return tuple(milestone_status(course, progress, m) for m in course.milestones)


def ladders(
    course: Course, statuses: Sequence[MilestoneStatus]
) -> list[tuple[str, list[MilestoneStatus]]]:
    """Ladder -> its milestones; a ladder without any is left out."""
    found = [(name, [s for s in statuses if s.milestone.ladder == name]) for name in course.ladders]
    return [(name, entries) for name, entries in found if entries]


@dataclass(frozen=True)
class Recorded:
    """What recording a run came to."""

    problems: list[str]
    unlocked: tuple[Milestone | Demo, ...]  # by this run


def record_run(
    course: Course, progress: Progress, run: RunRecord, collections: Sequence[Collection]
) -> Recorded:
    """Keep the evidence of a run, and note which milestones it unlocked or completed.

    A milestone whose tests were all skipped was not attempted: earlier evidence stays.
    """
    before = unlocked_groups(course, progress)
    attempted = [c for c in collections if not was_not_attempted(c, run.of(c.group))]
    problems = progress.record(run, attempted) if attempted else []
    return note_milestones(course, progress, before, problems)


def note_milestones(
    course: Course, progress: Progress, before: Set[Group], problems: list[str]
) -> Recorded:
    """Write the names of unlocked and completed milestones after evidence was added.

    before: the milestones and demos that were unlocked until then
    """
    now = unlocked_groups(course, progress)
    statuses = milestone_statuses(course, progress)
    unlocked = {m.id for m in course.milestones if m.group in now}
    completed = {s.milestone.id for s in statuses if s.is_achieved}
    if unlocked - progress.noted_milestones or completed - progress.claimed_milestones:
        more = progress.note(unlocked_milestones=unlocked, completed_milestones=completed)
        problems = [*problems, *more]
    return Recorded(problems, tuple(p for p in course.programs if p.group in now - before))


def unlocked_groups(course: Course, progress: Progress) -> set[Group]:
    """The milestones and demos that may be run. A demo may have the id of a milestone."""
    return {program.group for program in course.programs if is_unlocked(course, progress, program)}


def was_not_attempted(collection: Collection, tests: Sequence[TestRecord]) -> bool:
    """Whether all tests of a milestone were skipped, as where a data set is not there."""
    if collection.kind is not Kind.MILESTONE:
        return False
    return bool(tests) and all(test.outcome is Outcome.SKIPPED for test in tests)


def progress_json(course: Course, progress: Progress) -> dict[str, Any]:
    """`--progress=json`: that of the checkpoints, and more about each milestone."""
    data = progress.to_json()
    statuses = milestone_statuses(course, progress)
    for entry, status in zip(data[Kind.MILESTONE.plural], statuses, strict=True):
        entry |= {
            "label": status.label,
            "unlocked": status.is_unlocked,
            "missing": [missing.collection.id for missing in status.missing],
            "claimed": status.is_claimed,
            "measured": measured(progress, status),
        }
    data["ladders"] = list(course.ladders)
    return data


def measured(progress: Progress, status: MilestoneStatus) -> list[str]:
    """What an achieved milestone's tests measured, a line each."""
    evidence = progress.evidence(status.milestone) if status.is_achieved else None
    return list((evidence or {}).get("measured", ()))
