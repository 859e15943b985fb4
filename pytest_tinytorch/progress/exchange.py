"""Carries progress from one machine to another: `tito progress export` and `import`.

A file holds the evidence of runs, not what somebody calls completed. Import adds evidence, and
replaces an entry only by one in which more tests passed. The checksum finds damage and careless
edits; it is no signature, so an imported file is worth as much as the student's own word.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.course import Course, Demo, Milestone
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import COLLECTED, Group, Kind
from pytest_tinytorch.core.names import is_line
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.records import Outcome
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.progress.milestones import note_milestones, unlocked_groups
from pytest_tinytorch.progress.progress import Progress

FORMAT = 1
KIND = "course progress"
_LARGEST = 2**24  # bytes; a whole course has some ten thousand
_CHECKSUM = "sha256"
_FIELDS = ("when", "seconds", "seed", "tests", "measured")  # not the folder of this machine
_AHEAD = timedelta(days=1)  # clocks differ

Evidence = dict[Kind, dict[str, dict[str, dict[str, Any]]]]


@dataclass(frozen=True)
class Imported:
    """What an import changed."""

    added: int  # entries of evidence that are new here, or better
    known: int  # that were here already, or better here
    unlocked: tuple[Milestone | Demo, ...]
    problems: list[str]


def export_text(course: Course, progress: Progress) -> str:
    """All evidence for a course. Raises CourseError where there is none, or the file is damaged."""
    if progress.notes:
        raise CourseError(progress.notes[0])
    evidence = {
        kind.plural: {
            identifier: {key: _portable(entry) for key, entry in entries.items()}
            for identifier, entries in progress.kept(kind).items()
        }
        for kind in COLLECTED
    }
    if not any(evidence.values()):
        raise CourseError("nothing to export: no run is recorded yet; see `pytest --progress`")
    data = {"format": FORMAT, "kind": KIND, "course": course.id, "evidence": evidence}
    return json.dumps(data | {_CHECKSUM: _checksum(data)}, indent=1) + "\n"


def import_file(course: Course, progress: Progress, path: Path) -> Imported:
    """Merge the evidence of a file. Raises CourseError, with nothing changed, for a file that is
    damaged, of another course, or says what no run can have said."""
    try:
        evidence = _evidence(course, _read(path))
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CourseError(f"{path} is not imported: {one_line(str(error))}") from None
    if progress.notes:
        raise CourseError(progress.notes[0])
    before, count = unlocked_groups(course, progress), _count(evidence)
    here = {kind: _copied(progress.kept(kind)) for kind in COLLECTED}
    problems = progress.merge(evidence)
    added = sum(_differ(here[kind], progress.kept(kind)) for kind in COLLECTED)
    recorded = note_milestones(course, progress, before, problems)
    return Imported(added, count - added, recorded.unlocked, recorded.problems)


def _portable(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in _FIELDS if name in entry}


def _checksum(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """Raises ValueError for a file that is not what an export wrote."""
    try:
        data = json.loads(read_plain(path, _LARGEST).decode("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"it is damaged: {error}") from None
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise ValueError("it is not a file of `tito progress export`")
    if data.get("format") != FORMAT:
        raise ValueError(f"its format is {data.get('format')!r}, and this project reads {FORMAT}")
    checksum = data.pop(_CHECKSUM, None)
    if checksum != _checksum(data):
        raise ValueError("it was changed after it was exported; export it again")
    return data


def _evidence(course: Course, data: Mapping[str, Any]) -> Evidence:
    if data.get("course") != course.id:
        raise ValueError(
            f"it is progress of the course {data.get('course')!r}, and this is {course.id!r}"
        )
    stored = data.get("evidence")
    if not isinstance(stored, dict) or set(stored) - {kind.plural for kind in COLLECTED}:
        raise ValueError("its evidence is not that of checkpoints and milestones")
    return {kind: _of_kind(course, kind, stored.get(kind.plural, {})) for kind in COLLECTED}


def _of_kind(course: Course, kind: Kind, stored: Any) -> dict[str, dict[str, dict[str, Any]]]:
    found = {}
    for identifier, entries in _items(stored, kind.plural):
        group = Group(kind, identifier)
        if course.collection_of(group) is None:
            raise ValueError(f"this course has no {kind} {identifier!r}")
        found[identifier] = {
            key: _checked(group, entry) for key, entry in _items(entries, str(group))
        }
    return found


def _items(value: Any, what: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise ValueError(f"the evidence for {what!r} is not a table")
    return list(value.items())


def _checked(group: Group, entry: Any) -> dict[str, Any]:
    """One entry, if a run can have written it. Raises ValueError."""
    place = f"the evidence for {str(group)!r}"
    if not isinstance(entry, dict) or set(entry) - set(_FIELDS):
        raise ValueError(f"{place} has other fields than {', '.join(_FIELDS)}")
    _check_time(place, entry.get("when"))
    if type(entry.get("seconds")) not in (int, float) or type(entry.get("seed")) is not int:
        raise ValueError(f"{place} has no duration or no seed")
    tests = _items(entry.get("tests"), str(group))
    if not tests:
        raise ValueError(f"{place} has no tests")
    for name, outcome in tests:
        if not name.startswith(group.test_id("")) or outcome not in tuple(Outcome):
            raise ValueError(f"{place} says {outcome!r} of {name!r}, which no run says")
    measured = entry.get("measured", [])
    if not isinstance(measured, list) or not all(type(t) is str and is_line(t) for t in measured):
        raise ValueError(f"{place} has a measured result that is not one line of text")
    return entry


def _check_time(place: str, when: Any) -> None:
    try:
        moment = datetime.fromisoformat(when)
        late = moment > datetime.now(UTC) + _AHEAD
    except (TypeError, ValueError):
        raise ValueError(f"{place} has the time {when!r}, which is none") from None
    if late:
        raise ValueError(f"{place} is of {when}, which is still to come")


def _count(evidence: Evidence) -> int:
    return sum(len(entries) for kind in evidence.values() for entries in kind.values())


def _copied(kept: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {identifier: dict(entries) for identifier, entries in kept.items()}


def _differ(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(
        before.get(identifier, {}).get(key) != entry
        for identifier, entries in now.items()
        for key, entry in entries.items()
    )
