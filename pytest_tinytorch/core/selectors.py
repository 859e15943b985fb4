"""Resolves ids from the command line: `05`, `5`, `learning`, `02-05`, `xor`, `all`.

`hooks.options`, `cli.main` and `tito gradescope bundle` call it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pytest_tinytorch.core.course import (
    Checkpoint,
    Collection,
    Course,
    Demo,
    Milestone,
    Module,
    ProgramCollection,
)
from pytest_tinytorch.core.errors import CourseError, nearest

_OTHER_NUMBER = re.compile(r"\d\d?_([^\W\d]\w*)")  # older guides count from `00_setup`

Dynamic = Callable[[str], Sequence[str]]  # "next" or "stale" -> ids, from progress


def choose_checkpoints(course: Course, text: str, dynamic: Dynamic) -> tuple[Checkpoint, ...]:
    """The checkpoints that `text` names, in the order of the course. Raises CourseError."""
    names: dict[str, str] = {}
    for checkpoint in course.checkpoints:
        module = course.module_of(checkpoint)
        aliases = (checkpoint.id, checkpoint.name.lower(), module.topic, module.name)
        names |= dict.fromkeys(aliases, checkpoint.id)
    wanted = _ids("checkpoint", text, names, dynamic)
    return _written(course, text, [c for c in course.checkpoints if c.id in wanted])


def choose_milestones(course: Course, text: str) -> tuple[Milestone, ...]:
    """The milestones that `text` names, in the order of the course. Raises CourseError.

    A milestone is named by its id, name or year, by its ladder and number (`history 2`), and in
    the ladder named last in course.toml by the number alone, as older guides of the course do.
    """
    return _written(course, text, _chosen_milestones(course, text))


def _chosen_milestones(course: Course, text: str) -> list[Milestone]:
    if not course.milestones:
        raise CourseError(f"--milestone {text}: this course has no milestones")
    return _chosen(text, course.milestones, _milestone_names(course))


def milestone_named(course: Course, text: str) -> Milestone:
    """The one milestone that `text` names, also one that is planned. Raises CourseError."""
    chosen = _chosen_milestones(course, text)
    if len(chosen) != 1:
        ids = ", ".join(milestone.id for milestone in chosen)
        raise CourseError(f"--milestone {text}: name one of {ids}")
    return chosen[0]


def choose_demos(course: Course, text: str) -> tuple[Demo, ...]:
    """The demos that `text` names by id or name, in the order of the course. Raises CourseError."""
    if not course.demos:
        raise CourseError(f"--demo {text}: this course has no demos")
    names = {_plain(word): {demo.id} for demo in course.demos for word in (demo.id, demo.name)}
    return _written(course, text, _chosen(text, course.demos, names))


_P = TypeVar("_P", bound=ProgramCollection)


def _chosen(text: str, among: Sequence[_P], names: Mapping[str, set[str]]) -> list[_P]:
    """Those that `text` names. `names`: each word for some of them -> their ids."""
    wanted: set[str] = set()
    for word in (part.strip() for part in text.lower().split(",")):
        if word != "all" and not names.get(_plain(word)):
            ids = [program.id for program in among]
            hint = nearest(word, [*ids, *(program.name for program in among)])
            unknown = f"--{among[0].kind} {text}: unknown id {word!r}{hint}"
            raise CourseError(f"{unknown}; valid: {', '.join((*ids, 'all'))}")
        wanted |= {p.id for p in among} if word == "all" else names[_plain(word)]
    return [program for program in among if program.id in wanted]


def _milestone_names(course: Course) -> dict[str, set[str]]:
    """Each word for milestones -> their ids: a year may have several."""
    names: dict[str, set[str]] = {}
    for milestone in course.milestones:
        place = str(milestone.number)
        aliases = [milestone.id, milestone.name, f"{milestone.ladder} {place}"]
        aliases += [str(milestone.year)] * (milestone.year is not None)
        aliases += [place] * (milestone.ladder == course.ladders[-1])
        for word in map(_plain, aliases):
            names.setdefault(word, set()).add(milestone.id)
    return names


def _plain(text: str) -> str:
    """A name as people may write it: without case, punctuation and underscores."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


_C = TypeVar("_C", bound=Collection)


def _written(course: Course, text: str, chosen: Sequence[_C]) -> tuple[_C, ...]:
    """The chosen collections whose modules are part of the course. Raises CourseError for none."""
    written = tuple(c for c in chosen if course.is_written(c))
    if chosen and not written:
        kind = chosen[0].kind
        these = ", ".join(f"{c.id} {c.name}" for c in chosen)
        there = ", ".join(
            c.id for c in course.with_and_without_points if c.kind is kind and course.is_written(c)
        )
        raise CourseError(
            f"--{kind} {text}: not part of this course yet: {these}; there are: {there or 'none'}"
        )
    return written


def choose_modules(course: Course, text: str) -> tuple[Module, ...]:
    """The modules that `text` names, in the order of the course. Raises CourseError."""
    names: dict[str, str] = {}
    for module in course.modules:
        names |= dict.fromkeys((module.id, module.topic, module.name), module.id)
    wanted = _ids("module", text, names, None)
    chosen = tuple(m for m in course.modules if m.id in wanted)
    written = tuple(m for m in chosen if m.written)
    if chosen and not written:
        these = ", ".join(m.name for m in chosen)
        there = ", ".join(m.name for m in course.modules if m.written)
        raise CourseError(
            f"--module {text}: not part of this course yet: {these}; there are: {there}"
        )
    return written


def _ids(kind: str, text: str, names: dict[str, str], dynamic: Dynamic | None) -> set[str]:
    ids = sorted(set(names.values()))
    wanted: set[str] = set()
    for part in text.lower().split(","):
        word = part.strip()
        if word == "all":
            wanted |= set(ids)
        elif dynamic is not None and word in ("next", "stale"):
            wanted |= set(dynamic(word))
        elif word.replace("-", "").isdecimal() and "-" in word:
            wanted |= _range(kind, text, word, ids)
        elif (padded := word.zfill(2) if word.isdecimal() else word) in names:
            wanted.add(names[padded])
        elif (other := _OTHER_NUMBER.fullmatch(word)) and other[1] in names:
            wanted.add(names[other[1]])
        else:
            raise _unknown(kind, text, word, names, ids)
    return wanted


def _range(kind: str, text: str, word: str, ids: list[str]) -> set[str]:
    first, _, last = word.partition("-")
    low, high = first.zfill(2), last.zfill(2)
    if not (first and last and low in ids and high in ids and low <= high):
        to_the_end = f"{low}-{ids[-1]}"  # the meaning of `03-` in other programs
        hint = nearest(word, [to_the_end] if low in ids and not last else ids)
        raise CourseError(
            f"--{kind} {text}: {word!r} is not a range{hint}; valid: {ids[0]}-{ids[-1]} or a part"
            f" of it, such as {ids[0]}-{ids[1]}"
        )
    return {identifier for identifier in ids if low <= identifier <= high}


def _unknown(kind: str, text: str, word: str, names: dict[str, str], ids: list[str]) -> CourseError:
    names_alone = [name for name in names if not name[0].isdecimal()]
    hint = nearest(word, [*names_alone, *ids])
    valid = f"{ids[0]}-{ids[-1]}, {', '.join(names_alone)}, all"
    if kind == "checkpoint":
        valid += ", next, stale"
    return CourseError(f"--{kind} {text}: unknown id {word!r}{hint}; valid: {valid}")
