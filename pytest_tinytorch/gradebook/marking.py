"""Marks answers blindly by levels: queues, rubrics, second markings.

`cli.gradebook_marking` calls it.

A level gives a share of the question's points. The level is stored, so a changed rubric changes the
points of all answers that were marked by it.
"""

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.errors import CourseError, nearest
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.entries import MarkEntry
from pytest_tinytorch.gradebook.store import Gradebook, now

_LARGEST = 2**20
_CODE = 8  # hexadecimal digits
DEFAULT = "default"  # in a rubric file: every question without levels of its own


@dataclass(frozen=True)
class Level:
    """A level of a rubric, from 1."""

    level: int
    share: float  # of the question's points
    text: str


STANDARD = (
    Level(1, 0.0, "repeats the question, or does not answer it"),
    Level(2, 0.5, "names what matters, without a reason or a number"),
    Level(3, 0.75, "gives the reason, or a number with its unit"),
    Level(4, 1.0, "gives the reason and a number of their own, and says where it stops being true"),
)


@dataclass(frozen=True)
class Waiting:
    """An answer in a queue. The code stands for the student."""

    code: str
    student: int
    item: str
    text: str


@dataclass(frozen=True)
class Judgement:
    """The level that a marker gives to an answer."""

    waiting: Waiting
    level: int
    comment: str = ""
    marker: str = ""
    second: bool = False


@dataclass(frozen=True)
class Share:
    """The part of a queue that is one marker's. Without `markers`, it is the whole queue."""

    marker: str = ""
    markers: tuple[str, ...] = ()
    second: float | None = None  # percent of the answers, for a second marking by another marker


def store_answers(book: Gradebook, texts: Mapping[tuple[str, str], str]) -> tuple[int, list[str]]:
    """Replace the answers of these students. Returns the number, and names of nobody."""
    numbers = {who: book.student_id(who) for who, _ in texts}
    known = {who: number for who, number in numbers.items() if number is not None}
    with book.transaction() as db:
        db.executemany("DELETE FROM answer WHERE student_id = ?", [(n,) for n in known.values()])
        db.executemany(
            "INSERT OR REPLACE INTO answer VALUES (?, ?, ?)",
            [(known[who], item, text) for (who, item), text in texts.items() if who in known],
        )
    stored = sum(who in known for who, _ in texts)
    return stored, sorted(set(numbers) - set(known))


# --- queues ---------------------------------------------------------------------------------------


def queue(book: Gradebook, item: str, share: Share) -> list[Waiting]:
    """The answers to a question that wait for a marker, in an order that tells nothing.

    An answer that changed after it was marked waits again. Raises CourseError.
    """
    if share.markers and share.marker not in share.markers:
        raise CourseError(
            f"--marker {share.marker!r} is not one of --markers {', '.join(share.markers)}"
        )
    done = _read(book, item, share.second is not None)
    first = _read(book, item, False)
    return [
        one
        for one in answers_to(book, item)
        if (one.student, _digest(one.text)) not in done
        and (share.second is None or (one.student, _digest(one.text)) in first)
        and _is_of(one, share)
    ]


def answers_to(book: Gradebook, item: str) -> list[Waiting]:
    """All answers to a question, sorted by code."""
    found = [
        Waiting(_code(item, name), student, item, text)
        for student, name, text in book.rows(
            "SELECT student.id, name, text FROM answer JOIN student ON student.id = student_id"
            " WHERE item = ?",
            (item,),
        )
    ]
    return sorted(found, key=lambda waiting: waiting.code)


def _code(item: str, student: str) -> str:
    return sha256(f"{item}\0{student}".encode("utf-8", "surrogatepass")).hexdigest()[:_CODE]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(book: Gradebook, item: str, second: bool) -> set[tuple[int, str]]:
    """(student, digest of the answer) of all that was marked."""
    return set(
        book.rows(
            "SELECT student_id, answer FROM judgement WHERE item = ? AND second = ?",
            (item, int(second)),
        )
    )


def _is_of(waiting: Waiting, share: Share) -> bool:
    """Whether it is this marker's: by its code, and for a second marking the next marker's."""
    number = int(waiting.code, 16)
    if share.second is not None and number // 1000 % 100 >= share.second:
        return False
    if not share.markers:
        return True
    turn = number + (1 if share.second is not None else 0)
    return share.markers[turn % len(share.markers)] == share.marker


# --- levels ---------------------------------------------------------------------------------------


def levels_of(book: Gradebook, item: str) -> tuple[Level, ...]:
    """The levels of a question: its own, those for all questions, or the standard ones."""
    for name in (item, ""):
        found = book.rows(
            "SELECT level, share, text FROM rubric WHERE item = ? ORDER BY level", (name,)
        )
        if found:
            return tuple(Level(*row) for row in found)
    return STANDARD


def judge(book: Gradebook, judgements: Sequence[Judgement]) -> int:
    """Store levels, and the points that follow from them. Returns the number of changed marks.

    Raises CourseError, with nothing stored, if a level is not in the rubric.
    """
    for one in judgements:
        levels = [level.level for level in levels_of(book, one.waiting.item)]
        if one.level not in levels:
            valid = ", ".join(map(str, levels))
            raise CourseError(f"{one.waiting.code}: level {one.level} is unknown; levels: {valid}")
    # The marks first: an answer whose level is not stored yet waits in the queue again.
    first = [one for one in judgements if not one.second]
    changed = book.add_marks(
        [
            (
                one.waiting.student,
                MarkEntry(
                    "",
                    one.waiting.item,
                    _points(book, one.waiting.item, one.level),
                    one.comment,
                    one.marker,
                ),
            )
            for one in first
        ]
    )
    with book.transaction() as db:
        db.executemany(
            "INSERT INTO judgement (student_id, item, level, comment, marker, second, answer, made)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(one.waiting.student, one.waiting.item, one.level, one.comment, one.marker),
                    *(int(one.second), _digest(one.waiting.text), now()),
                )
                for one in judgements
            ],
        )
    return changed


def _points(book: Gradebook, item: str, level: int) -> float | None:
    """The points of a level; None if the rubric has no such level."""
    most = {i.name: i.max_points for i in book.items()}.get(item, 0.0)
    shares = {one.level: one.share for one in levels_of(book, item)}
    return round(most * shares[level], 6) if level in shares else None


def set_rubric(book: Gradebook, rubric: Mapping[str, Sequence[Level]]) -> int:
    """Replace all levels, and re-score what was marked. Returns the number of changed marks.

    Points that were given by `tito gradebook mark` after the level stay. Raises CourseError if an
    answer has a level that the new rubric lacks.
    """
    levels = _last_levels(book)
    before = {key: _points(book, key[1], level) for key, (level, _, _) in levels.items()}
    for (_, item), (level, _, _) in levels.items():
        new = rubric.get(item) or rubric.get("") or STANDARD
        if level not in [one.level for one in new]:
            raise CourseError(f"{item}: answers were marked with level {level}; keep this level")
    with book.transaction() as db:
        db.execute("DELETE FROM rubric")
        db.executemany(
            "INSERT INTO rubric VALUES (?, ?, ?, ?)",
            [(i, one.level, one.share, one.text) for i, found in rubric.items() for one in found],
        )
    marks = {
        (student, item): points
        for student, item, points in book.rows(
            "SELECT student_id, item, points FROM mark ORDER BY id"
        )
    }
    return book.add_marks(
        [
            (key[0], MarkEntry("", key[1], _points(book, key[1], level), comment, marker))
            for key, (level, comment, marker) in levels.items()
            if marks.get(key) == before[key]
        ]
    )


def _last_levels(book: Gradebook) -> dict[tuple[int, str], tuple[int, str, str]]:
    """(student, item) -> the last level of the first marking, its comment and its marker."""
    return {
        (student, item): (level, comment, marker)
        for student, item, level, comment, marker in book.rows(
            "SELECT student_id, item, level, comment, marker FROM judgement WHERE NOT second"
            " ORDER BY id"
        )
    }


def read_rubric(path: Path, questions: Iterable[str]) -> dict[str, tuple[Level, ...]]:
    """Levels from a TOML file. Raises CourseError.

    [default]                   # or a question: [tensor-question-memory]
    1 = {share = 0.0, text = "repeats the question"}
    2 = {share = 1.0, text = "gives a number, and explains it"}
    """
    try:
        data = tomllib.loads(read_plain(path, _LARGEST).decode("utf-8-sig"))
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CourseError(f"{path} is not TOML: {one_line(str(error))}") from None
    known = [*questions, DEFAULT]
    found = {}
    for name, levels in data.items():
        if name not in known:
            raise CourseError(f"{path}: {name!r} is no question{nearest(name, known)}")
        if not isinstance(levels, dict) or not levels:
            raise CourseError(f"{path}: {name} is {levels!r}; write its levels below [{name}]")
        item = "" if name == DEFAULT else name
        found[item] = tuple(_level(f"{path}: {name}", key, value) for key, value in levels.items())
    return found


def _level(where: str, key: str, value: Any) -> Level:
    share = value.get("share") if isinstance(value, dict) else None
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(share, int | float) or isinstance(share, bool):
        share = None
    if not key.isdecimal() or share is None or not isinstance(text, str):
        raise CourseError(f"{where}: write a level as 3 = {{share = 0.75, text = '...'}}")
    if not (math.isfinite(share) and 0 <= share <= 1):
        raise CourseError(f"{where}, level {key}: share is {share:g}; write a number from 0 to 1")
    return Level(int(key), float(share), one_line(text))


# --- how far it is --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """How far the marking of a question is."""

    item: str
    answers: int
    marked: int
    second: int  # answers with a second marking
    differing: tuple[tuple[str, int, int], ...]  # code, first level, second level


def marking_progress(book: Gradebook) -> list[Progress]:
    """Every question with an answer, in the order of the course."""
    first = _last_levels(book)
    second = {
        (student, item): level
        for student, item, level in book.rows(
            "SELECT student_id, item, level FROM judgement WHERE second ORDER BY id"
        )
    }
    found = []
    for item in book.items():
        answers = answers_to(book, item.name)
        both = [one for one in answers if (one.student, item.name) in second]
        levels = [
            (one.code, first[one.student, item.name][0], second[one.student, item.name])
            for one in both
        ]
        read = _read(book, item.name, False)
        marked = sum((one.student, _digest(one.text)) in read for one in answers)
        differing = tuple(level for level in levels if level[1] != level[2])
        if answers:
            found.append(Progress(item.name, len(answers), marked, len(both), differing))
    return found
