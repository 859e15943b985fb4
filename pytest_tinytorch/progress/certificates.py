"""Certificates: what a run has shown about a milestone, ready to be drawn and shared.

`tito milestone certificate`, `share` and `portfolio` make them. There is a certificate only where
the evidence of a run with the present code says that every test passed.
"""

import hashlib
import json
import subprocess
from dataclasses import dataclass

from pytest_tinytorch.core.course import Course, Milestone
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.names import is_line
from pytest_tinytorch.progress.milestones import CLAIMED, MilestoneStatus, milestone_status
from pytest_tinytorch.progress.progress import Progress, State

_LONGEST_NAME = 80
_NOT_IN_THE_HASH = ("root",)  # a folder of this machine


@dataclass(frozen=True)
class Certificate:
    """One achieved milestone. It names the student only if the student gave a name."""

    course: Course
    milestone: Milestone
    name: str
    measured: tuple[str, ...]
    tests: int
    when: str  # of the run: ISO 8601, UTC
    commit: str  # "" outside of git
    has_changes: bool  # sources differ from that commit
    code: str  # the hash of the code that was tested, as progress keeps it
    evidence: str  # SHA-256, in hex, of all that is kept of the run

    @property
    def date(self) -> str:
        return self.when[:10]


def certify(course: Course, progress: Progress, milestone: Milestone, name: str) -> Certificate:
    """The certificate of a milestone. Raises CourseError where it is not achieved, or for a name
    that is not one short line."""
    name = name.strip()
    if not is_line(name) or len(name) > _LONGEST_NAME:
        raise CourseError(f"--name {name!r}: write one line of at most {_LONGEST_NAME} characters")
    status = milestone_status(course, progress, milestone)
    evidence = progress.evidence(milestone)
    if not status.is_achieved or evidence is None:
        raise CourseError(_reason(status))
    commit, has_changes = _commit(course)
    code = progress.code_key(milestone)
    return Certificate(
        course=course,
        milestone=milestone,
        name=name,
        measured=tuple(evidence.get("measured", ())),
        tests=status.status.total,
        when=status.status.when,
        commit=commit,
        has_changes=has_changes,
        code=code,
        evidence=_digest(course, milestone, code, evidence),
    )


def _reason(status: MilestoneStatus) -> str:
    """Why there is no certificate, and what to do."""
    milestone, state = status.milestone, status.status.state
    head = f"{milestone.id}: no certificate:"
    if state is State.PLANNED:
        return f"{head} it is not part of this course yet"
    why = {
        State.FAILING: f"its tests fail ({status.label})",
        State.STALE: "the code changed since it was run",
    }.get(state, "its tests were not run here")
    if status.label == CLAIMED:
        why = f"it is {CLAIMED}: no run shows it"
    return f"{head} {why}. Run: {status.first_command}"


def _digest(course: Course, milestone: Milestone, code: str, evidence: dict[str, object]) -> str:
    kept = {key: value for key, value in evidence.items() if key not in _NOT_IN_THE_HASH}
    said = [course.id, course.version, milestone.id, code, kept]
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _commit(course: Course) -> tuple[str, bool]:
    """The commit that is checked out, and whether the sources differ from it."""
    commit = _git(course, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    changes = _git(course, "status", "--porcelain", "--", course.sources) if commit else ""
    return commit, bool(changes.strip())


def _git(course: Course, *arguments: str) -> str:
    """What git says in the course's folder; "" where it fails or is not installed."""
    command = ["git", "-C", str(course.root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
