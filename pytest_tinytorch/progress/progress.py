"""Computes the status of each collection from the stored evidence and the present sources.

`hooks.session` records runs with it; `--progress` and `tito` show the result. Evidence is stored
in `~/.tinytorch/progress.json` (`TINYTORCH_HOME` changes the folder), per course and collection.
Its key is the hash of the code that the collection uses. So a changed line makes collections stale,
a changed comment does not, and putting the line back restores the earlier status.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from pytest_tinytorch.core.course import Checkpoint, Collection, Course, Module
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import COLLECTED, Group, Kind
from pytest_tinytorch.core.manifest import Manifest, load_manifest
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.export.render import digest
from pytest_tinytorch.export.service import code_keys
from pytest_tinytorch.progress.store import ProgressFile, course_entry, evidence_of

FORMS = ("summary", "detailed", "timeline", "horizontal", "json")
_EVIDENCE_KEPT = 20  # versions of the code per collection


class State(StrEnum):
    ACHIEVED = "achieved"
    FAILING = "failing"
    STALE = "stale"
    NOT_STARTED = "not started"
    PLANNED = "planned"  # it, or one of its modules, is not part of the course yet


_Of = TypeVar("_Of", bound=Collection, covariant=True)
_C = TypeVar("_C", bound=Collection)


@dataclass(frozen=True)
class Status(Generic[_Of]):
    """The status of one collection."""

    collection: _Of
    state: State
    passed: int
    total: int
    points: float
    when: str = ""
    failing: tuple[str, ...] = ()
    last_run: str = ""  # when its tests last ran in this folder, with this code or an earlier one
    was_achieved: bool = False  # there is evidence that it was, with this code or an earlier one

    @property
    def label(self) -> str:
        if self.state is State.FAILING:
            return f"failing {self.total - self.passed} of {self.total}"
        return str(self.state)

    @property
    def is_met(self) -> bool:
        """Whether what rests on it may begin: it is achieved, or was until the code changed."""
        stale = self.state is State.STALE and self.was_achieved
        return self.state is State.ACHIEVED or stale


class Progress:
    """The progress of one course on this machine. The file is read once; `record` writes it."""

    def __init__(self, course: Course, manifest: Manifest, file: ProgressFile) -> None:
        self._course = course
        self._manifest = manifest
        self._file = file
        self._known: dict[Group, Status[Any]] = {}  # until the file is written

    @classmethod
    def of(cls, course: Course, manifest: Manifest | None = None) -> "Progress":
        """manifest: by default, that of the course. Raises CourseError where it cannot be read."""
        read = load_manifest(course) if manifest is None else manifest
        return cls(course, read, ProgressFile.default())

    @cached_property
    def notes(self) -> list[str]:
        """A line about a defect of the file, or ""."""
        return [self._stored[1]] if self._stored[1] else []

    @property
    def statuses(self) -> tuple[Status[Checkpoint], ...]:
        """The status of each checkpoint, in the order of the course."""
        return tuple(self.status(checkpoint) for checkpoint in self._course.checkpoints)

    @property
    def points(self) -> float:
        """The points of all collections."""
        return sum(self.status(collection).points for collection in self._course.collections)

    @property
    def completed_modules(self) -> tuple[str, ...]:
        return tuple(self._entry.get("completed_modules", ()))

    def unachieved_needs(self, collection: Collection) -> list[Status[Checkpoint]]:
        """The status of each checkpoint that this one needs and that is not achieved."""
        modules = self._course.needs_of(collection)
        needed = [self._course.checkpoint_of(module) for module in modules]
        found = [self.status(other) for other in needed if other is not None]
        return [status for status in found if status.state is not State.ACHIEVED]

    @property
    def claimed_milestones(self) -> frozenset[str]:
        """Ids that the file calls completed, with evidence or without."""
        return frozenset(self._entry.get("completed_milestones", ()))

    @property
    def noted_milestones(self) -> frozenset[str]:
        """Ids that the file calls unlocked."""
        return frozenset(self._entry.get("unlocked_milestones", ()))

    @property
    def told_milestones(self) -> frozenset[str]:
        """Ids whose unlocking `milestones.check_module_export` has returned."""
        return frozenset(self._entry.get("told_milestones", ()))

    def is_verified(self, module: Module) -> bool:
        """Whether there is evidence that a module's checkpoint was achieved."""
        checkpoint = self._course.checkpoint_of(module)
        return checkpoint is not None and self.status(checkpoint).was_achieved

    def evidence(self, collection: Collection) -> dict[str, Any] | None:
        """What was stored of the last run with the present code; None for no such run."""
        kept = evidence_of(self._stored[0], self._course.id, collection.kind)
        found: dict[str, Any] | None = kept.get(collection.id, {}).get(self.code_key(collection))
        return found

    def next_ids(self) -> list[str]:
        """The id of the first checkpoint that exists and is not achieved."""
        open_ = (s for s in self.statuses if s.state not in (State.ACHIEVED, State.PLANNED))
        return [status.collection.id for status in open_][:1]

    def ids_for(self, word: str) -> list[str]:
        """The checkpoints that "next" or "stale" stands for now. Raises CourseError for none."""
        if word == "next":
            found, what = self.next_ids(), "left to do: every checkpoint is achieved"
        else:
            found = [s.collection.id for s in self.statuses if s.state is State.STALE]
            what = "stale"
        if not found:
            raise CourseError(f"--checkpoint {word}: nothing is {what}. See `pytest --progress`.")
        return found

    def record(self, run: RunRecord, collections: Iterable[Collection]) -> list[str]:
        """Store the evidence of a run. Returns a line for each problem."""

        def add(data: dict[str, Any]) -> None:
            for collection in collections:
                kept = evidence_of(data, self._course.id, collection.kind)
                evidence = kept.setdefault(collection.id, {})
                tests = run.of(collection.group)
                evidence[self.code_key(collection)] = {
                    "when": run.started,
                    "seconds": run.seconds,
                    "seed": run.seed,
                    "root": str(self._course.root),
                    "tests": {test.id: str(test.outcome) for test in tests},
                }
                if measured := [test.measured for test in tests if test.measured]:
                    evidence[self.code_key(collection)]["measured"] = measured
                newest = sorted(evidence.items(), key=lambda item: item[1]["when"])
                kept[collection.id] = dict(newest[-_EVIDENCE_KEPT:])

        return self._update(add)

    def kept(self, kind: Kind) -> dict[str, dict[str, Any]]:
        """All stored evidence for collections of a kind: id -> hash of the code -> entry."""
        return evidence_of(self._stored[0], self._course.id, kind)

    def merge(self, evidence: Mapping[Kind, Mapping[str, Mapping[str, Any]]]) -> list[str]:
        """Add entries from elsewhere, as if their runs had been made here. One that is here
        already is replaced only by one in which more tests passed."""

        def add(data: dict[str, Any]) -> None:
            for kind, collections in evidence.items():
                kept = evidence_of(data, self._course.id, kind)
                for identifier, entries in collections.items():
                    here = kept.setdefault(identifier, {})
                    for key, entry in entries.items():
                        if key not in here or _passed(entry) > _passed(here[key]):
                            here[key] = {**entry, "root": str(self._course.root)}

        return self._update(add)

    def complete_module(self, module: Module) -> list[str]:
        """Record that every tier of a module's tests passed, or that the student claims it."""
        return self.note(completed_modules=[module.name])

    def note(self, **names: Iterable[str]) -> list[str]:
        """Add names to `completed_modules`, `unlocked_milestones` or `completed_milestones`.

        They are for other programs and for claims: no state here is computed from them alone.
        """

        def add(data: dict[str, Any]) -> None:
            entry = course_entry(data, self._course.id)
            for key, more in names.items():
                entry[key] = sorted({*entry.get(key, ()), *more})

        return self._update(add)

    def to_json(self) -> dict[str, Any]:
        """The output of `--progress=json`."""
        return {
            "format": 1,
            "course": self._course.id,
            "completed_modules": list(self.completed_modules),
            "next": next(iter(self.next_ids()), None),
            **{kind.plural: self._kind_json(kind) for kind in COLLECTED},
        }

    def _kind_json(self, kind: Kind) -> list[dict[str, Any]]:
        chosen = (self.status(c) for c in self._course.collections if c.kind is kind)
        return [
            {
                "id": status.collection.id,
                "name": status.collection.name,
                **status.collection.facts,
                "state": str(status.state),
                "passed": status.passed,
                "total": status.total,
                "points": status.points,
                "max_points": status.collection.points,
                "when": status.when or None,
                "failing": list(status.failing),
            }
            for status in chosen
        ]

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
        for name in ("_stored", "notes"):
            self.__dict__.pop(name, None)
        self._known.clear()
        return [problem] if problem else []

    def code_key(self, collection: Collection) -> str:
        """The hash of all code that a collection uses."""
        modules = self._course.modules_of(collection)
        return digest("\n".join(self._code_keys.get(module.name, "") for module in modules))

    def status(self, collection: _C) -> Status[_C]:
        """The status of a collection for the present code."""
        if collection.group not in self._known:
            self._known[collection.group] = self._computed(collection)
        return self._known[collection.group]

    def _computed(self, collection: _C) -> Status[_C]:
        wanted = self._manifest.of(collection.group)
        if not self._course.is_written(collection):
            return Status(collection, State.PLANNED, 0, 0, 0)
        kept = evidence_of(self._stored[0], self._course.id, collection.kind)
        evidence = kept.get(collection.id, {})
        found = evidence.get(self.code_key(collection))
        here = str(self._course.root)
        runs = [entry["when"] for entry in evidence.values() if entry.get("root") == here]
        last = max(runs, default="")
        was = any(_is_achieved(entry, wanted) for entry in evidence.values())
        if found is None or not set(wanted) <= set(found["tests"]):
            state = State.STALE if found is not None or runs else State.NOT_STARTED
            total = len(wanted)
            return Status(collection, state, 0, total, 0, last_run=last, was_achieved=was)
        passed = [name for name in wanted if found["tests"][name] == "passed"]
        return Status(
            collection,
            State.ACHIEVED if len(passed) == len(wanted) else State.FAILING,
            len(passed),
            len(wanted),
            sum(wanted[name] for name in passed),
            found["when"],
            tuple(name for name in wanted if name not in passed),
            last_run=last,
            was_achieved=was,
        )


def _passed(entry: Mapping[str, Any]) -> int:
    return sum(outcome == "passed" for outcome in entry["tests"].values())


def _is_achieved(entry: dict[str, Any], wanted: Iterable[str]) -> bool:
    names = list(wanted)
    return bool(names) and all(entry["tests"].get(name) == "passed" for name in names)
