"""What has been achieved, from the evidence of runs, for the sources as they stand now.

Evidence lies in `~/.tinytorch/progress.json` (`TINYTORCH_HOME` moves the folder), per course and
checkpoint, keyed by the hash of the code that the checkpoint rests on. So a changed line makes
what rested on it stale, a changed comment makes nothing stale, and putting the line back restores
what was shown before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from pytest_tinytorch.core.course import Checkpoint, Course, Module
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.export.render import digest
from pytest_tinytorch.export.service import code_keys
from pytest_tinytorch.progress.store import ProgressFile, course_entry

FORMS = ("summary", "detailed", "timeline", "horizontal", "json")
_EVIDENCE_KEPT = 20  # versions of the code per checkpoint


class State(StrEnum):
    ACHIEVED = "achieved"
    FAILING = "failing"
    STALE = "stale"
    NOT_STARTED = "not started"
    PLANNED = "planned"  # its module is not part of the course yet


@dataclass(frozen=True)
class Status:
    """Where one checkpoint stands."""

    checkpoint: Checkpoint
    state: State
    passed: int
    total: int
    points: float
    when: str = ""
    failing: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        if self.state is State.FAILING:
            return f"failing {self.total - self.passed} of {self.total}"
        return str(self.state)


class Progress:
    """The progress of one course on this machine. Reads once; `record` writes."""

    def __init__(self, course: Course, manifest: Manifest, file: ProgressFile) -> None:
        self._course = course
        self._manifest = manifest
        self._file = file

    @classmethod
    def of(cls, course: Course, manifest: Manifest) -> "Progress":
        return cls(course, manifest, ProgressFile.default())

    @cached_property
    def notes(self) -> list[str]:
        """What is wrong with the file, if anything."""
        return [self._stored[1]] if self._stored[1] else []

    @cached_property
    def statuses(self) -> tuple[Status, ...]:
        return tuple(self._status(checkpoint) for checkpoint in self._course.checkpoints)

    @property
    def completed_modules(self) -> tuple[str, ...]:
        return tuple(self._entry.get("completed_modules", ()))

    def status(self, checkpoint: Checkpoint) -> Status:
        return next(s for s in self.statuses if s.checkpoint == checkpoint)

    def unachieved_needs(self, checkpoint: Checkpoint) -> list[Status]:
        """Where the checkpoints stand that this one rests on, as far as they are not achieved."""
        modules = self._course.with_needs(self._course.module_of(checkpoint))[:-1]
        needed = [self._course.checkpoint_of(module) for module in modules]
        found = [self.status(other) for other in needed if other is not None]
        return [status for status in found if status.state is not State.ACHIEVED]

    def next_ids(self) -> list[str]:
        """The first checkpoint that is there and not achieved."""
        open_ = (s for s in self.statuses if s.state not in (State.ACHIEVED, State.PLANNED))
        return [status.checkpoint.id for status in open_][:1]

    def ids_for(self, word: str) -> list[str]:
        """The checkpoints that "next" or "stale" means now. Raises CourseError for none."""
        if word == "next":
            found, what = self.next_ids(), "left to do: every checkpoint is achieved"
        else:
            found = [s.checkpoint.id for s in self.statuses if s.state is State.STALE]
            what = "stale"
        if not found:
            raise CourseError(f"--checkpoint {word}: nothing is {what}. See `pytest --progress`.")
        return found

    def record(self, run: RunRecord, checkpoints: Iterable[Checkpoint]) -> list[str]:
        """Keep the evidence of a run. Returns what went wrong, if anything, a line each."""

        def add(data: dict[str, Any]) -> None:
            entry = course_entry(data, self._course.id)
            for checkpoint in checkpoints:
                kept = str(checkpoint.group)
                evidence = entry["checkpoints"].setdefault(kept, {})
                evidence[self._key(checkpoint)] = {
                    "when": run.started,
                    "seconds": run.seconds,
                    "seed": run.seed,
                    "root": str(self._course.root),
                    "tests": {test.id: str(test.outcome) for test in run.of(checkpoint.group)},
                }
                newest = sorted(evidence.items(), key=lambda item: item[1]["when"])
                entry["checkpoints"][kept] = dict(newest[-_EVIDENCE_KEPT:])

        return self._update(add)

    def complete_module(self, module: Module) -> list[str]:
        """Note that every tier of a module's tests passed."""

        def add(data: dict[str, Any]) -> None:
            entry = course_entry(data, self._course.id)
            names = {*entry.get("completed_modules", ()), module.name}
            entry["completed_modules"] = sorted(names)

        return self._update(add)

    def to_json(self) -> dict[str, Any]:
        """`--progress=json`."""
        return {
            "format": 1,
            "course": self._course.id,
            "completed_modules": list(self.completed_modules),
            "next": next(iter(self.next_ids()), None),
            "checkpoints": [
                {
                    "id": status.checkpoint.id,
                    "name": status.checkpoint.name,
                    "phase": status.checkpoint.phase,
                    "module": status.checkpoint.module,
                    "state": str(status.state),
                    "passed": status.passed,
                    "total": status.total,
                    "points": status.points,
                    "max_points": status.checkpoint.points,
                    "when": status.when or None,
                    "failing": list(status.failing),
                }
                for status in self.statuses
            ],
        }

    @cached_property
    def _stored(self) -> tuple[dict[str, Any], str]:
        return self._file.read()

    @property
    def _entry(self) -> dict[str, Any]:
        return course_entry(self._stored[0], self._course.id)

    @cached_property
    def _code_keys(self) -> dict[str, str]:
        written = [module for module in self._course.modules if module.written]
        return code_keys(self._course, written)

    def _update(self, add: Any) -> list[str]:
        problem = self._file.update(add)
        for name in ("_stored", "statuses", "notes"):
            self.__dict__.pop(name, None)
        return [problem] if problem else []

    def _key(self, checkpoint: Checkpoint) -> str:
        """The hash of all code that a checkpoint rests on."""
        modules = self._course.with_needs(self._course.module_of(checkpoint))
        return digest("\n".join(self._code_keys.get(module.name, "") for module in modules))

    def _status(self, checkpoint: Checkpoint) -> Status:
        wanted = self._manifest.of(checkpoint.group)
        if not self._course.is_written(checkpoint):
            return Status(checkpoint, State.PLANNED, 0, 0, 0)
        evidence = self._entry["checkpoints"].get(str(checkpoint.group), {})
        found = evidence.get(self._key(checkpoint))
        if found is None or not set(wanted) <= set(found["tests"]):
            here = str(self._course.root)
            seen = found is not None or any(e.get("root") == here for e in evidence.values())
            state = State.STALE if seen else State.NOT_STARTED
            return Status(checkpoint, state, 0, len(wanted), 0)
        passed = [name for name in wanted if found["tests"][name] == "passed"]
        return Status(
            checkpoint,
            State.ACHIEVED if len(passed) == len(wanted) else State.FAILING,
            len(passed),
            len(wanted),
            sum(wanted[name] for name in passed),
            found["when"],
            tuple(name for name in wanted if name not in passed),
        )
