"""Opens a gradebook's file, and reads and writes its rows.

Each attempt is stored in one transaction with its results. So a killed ingest leaves whole
attempts, and two ingests at once wait for each other for milliseconds.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError, MachineError
from pytest_tinytorch.core.groups import Group, Kind
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.gradebook.entries import (
    Attempt,
    Item,
    MarkEntry,
    RosterChange,
    Standing,
    Student,
    Trust,
)
from pytest_tinytorch.gradebook.names import key_of, lookup_keys
from pytest_tinytorch.gradebook.questions import questions_of
from pytest_tinytorch.gradebook.schema import bring_up_to_date

FILE = "gradebook.sqlite"
_FIRST_QUESTION = 10_000  # the position of the first question, behind all groups of tests
_WAIT_SECONDS = 60  # for the transaction of another process


class Gradebook:
    """An open gradebook. Use it in a `with` statement."""

    def __init__(self, path: Path) -> None:
        """Open a gradebook, or begin a new one. Raises CourseError, or MachineError."""
        self.path = path
        with self._explained():
            self._db = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            try:
                bring_up_to_date(self._db, str(path))
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")
                self._db.execute("PRAGMA foreign_keys = ON")
            except BaseException:
                self._db.close()
                raise
        self._tests: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query that changes nothing."""
        with self._explained():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All changes in it are stored, or none."""
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                self._tests.clear()
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, read-only, full
            raise MachineError(f"{self.path}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise CourseError(f"{self.path} is not a gradebook, or is damaged: {error}") from None

    # --- the course -------------------------------------------------------------------------------

    def set_course(self, course: Course, manifest: Manifest) -> None:
        """Store which tests count, and their points. Tests of an earlier manifest stay, unlisted.

        Hidden tests are replaced only by a manifest that has some, because not every command
        names their folder.
        """
        has_hidden = any(group.is_hidden for group in manifest.tests)
        kept = "" if has_hidden else Kind.HIDDEN.value
        with self.transaction() as db:
            db.execute(
                "UPDATE test SET points = NULL"
                " WHERE item NOT IN (SELECT name FROM item WHERE kind = ?)",
                (kept,),
            )
            db.executemany(
                "INSERT INTO test (name, item, points) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET points = excluded.points",
                (
                    (name, str(group), points)
                    for group, tests in manifest.tests.items()
                    for name, points in tests.items()
                ),
            )
            db.execute("DELETE FROM item WHERE kind <> ?", (kept,))
            db.executemany(
                "INSERT INTO item VALUES (?, ?, ?, ?, ?)",
                (
                    (str(group), group.kind.value, title, sum(tests.values()), position)
                    for position, (group, title) in enumerate(_titles(course))
                    if (tests := manifest.of(group))
                ),
            )
            db.executemany(
                "INSERT INTO item VALUES (?, 'question', ?, ?, ?)",
                (
                    (
                        question.id,
                        f"Question of {question.module}",
                        question.points,
                        1000 + position,
                    )
                    for position, question in enumerate(questions_of(course))
                ),
            )

    def items(self) -> list[Item]:
        """The columns, in the order of the course."""
        return [
            Item(*row)
            for row in self.rows(
                "SELECT item.name, kind, title, max_points, count(test.id) FROM item"
                " LEFT JOIN test ON test.item = item.name AND test.points IS NOT NULL"
                " GROUP BY item.name ORDER BY position, item.name"
            )
        ]

    # --- students ---------------------------------------------------------------------------------

    def students(self) -> list[Student]:
        """Everybody, sorted by the displayed name. `aliases` is left empty."""
        found = [
            Student(name, shown, email, section, role, Standing(state), id=identifier)
            for identifier, name, shown, email, section, role, state in self.rows(
                "SELECT id, name, shown, email, section, role, state FROM student"
            )
        ]
        return sorted(found, key=lambda student: (key_of(student.shown), student.name))

    def student_id(self, who: str) -> int | None:
        """The student with this name or alias."""
        return _known(self._db, who)

    def set_roster(self, people: Sequence[Student], keep_others: bool = False) -> RosterChange:
        """Store a roster, and find the students of attempts again.

        keep_others: students of an earlier roster who are not on this one stay listed
        """
        with self.transaction() as db:
            before = {i: Standing(s) for i, s in db.execute("SELECT id, state FROM student")}
            kept = [self._list(db, student) for student in people]
            gone = [i for i, s in before.items() if s is Standing.LISTED and i not in set(kept)]
            if not keep_others:
                db.executemany("UPDATE student SET state = 'dropped' WHERE id = ?", zip(gone))
            self._match_again(db)
        new = [i for i in kept if before.get(i) is not Standing.LISTED]
        return RosterChange(len(people), self._shown(new), () if keep_others else self._shown(gone))

    def add_alias(self, who: str, student: int) -> int:
        """From now on `who` is this student. Returns the number of attempts that this matched."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO alias VALUES (?, ?)", (key_of(who), student))
            return self._match_again(db)

    def _list(self, db: sqlite3.Connection, student: Student) -> int:
        """Add or update one student of a roster."""
        keys = [key_of(name) for name in (student.name, *student.aliases)]
        ids = (db.execute("SELECT student_id FROM alias WHERE name = ?", (k,)) for k in keys)
        known = next((found[0] for rows in ids if (found := rows.fetchone())), None)
        values = (student.shown, student.email, student.section, student.role)
        if known is None:
            known = db.execute(
                "INSERT INTO student (shown, email, section, role, name, state)"
                " VALUES (?, ?, ?, ?, ?, 'listed')",
                (*values, student.name),
            ).lastrowid
        else:
            db.execute(
                "UPDATE student SET shown = ?, email = ?, section = ?, role = ?, state = 'listed'"
                " WHERE id = ?",
                (*values, known),
            )
        db.executemany("INSERT OR REPLACE INTO alias VALUES (?, ?)", ((k, known) for k in keys))
        assert known is not None
        return int(known)

    def _match_again(self, db: sqlite3.Connection) -> int:
        """Find the students of attempts that belong to nobody on the roster."""
        if db.execute("SELECT 1 FROM student WHERE state = 'listed' LIMIT 1").fetchone():
            db.execute(
                "DELETE FROM alias WHERE student_id IN"
                " (SELECT id FROM student WHERE state = 'unlisted')"
            )
        matched = 0
        for (who,) in db.execute(
            "SELECT DISTINCT who FROM attempt LEFT JOIN student ON student.id = student_id"
            " WHERE student_id IS NULL OR state = 'unlisted'"
        ).fetchall():
            student = _known(db, who)
            matched += db.execute(
                "UPDATE attempt SET student_id = ? WHERE who = ? AND student_id IS NOT ?",
                (student, who, student),
            ).rowcount
        # Who was known by submissions alone is on the roster now, or nobody's name.
        db.execute(
            "DELETE FROM student WHERE state = 'unlisted'"
            " AND id NOT IN (SELECT student_id FROM attempt WHERE student_id IS NOT NULL)"
            " AND id NOT IN (SELECT student_id FROM mark)"
        )
        return matched

    def _shown(self, students: Iterable[int]) -> tuple[str, ...]:
        wanted = set(students)
        return tuple(s.shown for s in self.students() if s.id in wanted)

    def has_roster(self) -> bool:
        return bool(self.rows("SELECT 1 FROM student WHERE state = 'listed' LIMIT 1"))

    def unmatched(self) -> list[tuple[str, str, int]]:
        """(name, a file, number of attempts) of submissions that belong to nobody on the roster."""
        return self.rows(
            "SELECT who, min(source), count(*) FROM attempt"
            " LEFT JOIN student ON student.id = student_id"
            " WHERE student_id IS NULL OR (state = 'unlisted' AND EXISTS"
            "   (SELECT 1 FROM student WHERE state = 'listed'))"
            " GROUP BY who ORDER BY who"
        )

    def sightings(self) -> dict[int, str]:
        """Student -> the files in a folder in which there was no result."""
        seen = self.rows("SELECT who, files FROM sighting ORDER BY added")
        return {student: files for who, files in seen if (student := self.student_id(who))}

    def names(self) -> frozenset[str]:
        """The keys of all names by which submissions may call students."""
        return frozenset(name for (name,) in self.rows("SELECT name FROM alias"))

    def students_by_key(self) -> dict[str, int]:
        """The key of every name -> the number of its student."""
        return dict(self.rows("SELECT name, student_id FROM alias"))

    def saw(self, who: str, source: str, files: Sequence[str]) -> None:
        """Note a student's folder without a result, and which files are in it."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO sighting VALUES (?, ?, ?, ?) ON CONFLICT (who) DO UPDATE SET"
                " source = excluded.source, files = excluded.files, added = excluded.added",
                (who, source, ", ".join(files), now()),
            )

    # --- marks ------------------------------------------------------------------------------------

    def add_marks(self, entries: Sequence[tuple[int, MarkEntry]]) -> int:
        """Store (student, mark) in one transaction. Returns how many are new."""
        with self.transaction() as db:
            return sum(self._add_mark(db, student, entry) for student, entry in entries)

    def _add_mark(self, db: sqlite3.Connection, student: int, entry: MarkEntry) -> bool:
        last = db.execute(
            "SELECT points, comment FROM mark WHERE student_id = ? AND item = ? ORDER BY id DESC",
            (student, entry.item),
        ).fetchone()
        points = entry.points
        if points is None and not entry.withdrawn and last:
            points = last[0]  # only a comment: the points stay
        if last == (points, entry.comment):
            return False
        db.execute(
            "INSERT INTO mark (student_id, item, points, comment, marker, made)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (student, entry.item, points, entry.comment, entry.marker, now()),
        )
        return True

    # --- attempts ---------------------------------------------------------------------------------

    def add(self, attempts: Iterable[Attempt]) -> list[bool]:
        """Store attempts in one transaction. For each: whether it is new."""
        with self.transaction() as db:
            return [self._add(db, attempt) for attempt in attempts]

    def _add(self, db: sqlite3.Connection, attempt: Attempt) -> bool:
        known = db.execute(
            "SELECT id, trust FROM attempt WHERE digest = ? AND who = ?",
            (attempt.digest, attempt.who),
        ).fetchone()
        if known:
            self._renew(db, known[0], known[1], attempt)
            return False
        cursor = db.execute(
            "INSERT INTO attempt (student_id, who, digest, source, trust, accepted, submitted,"
            " added, revision, sources, manifest, isolation, seed, status, review)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._student_for(db, attempt.who),
                *(attempt.who, attempt.digest, attempt.source, attempt.trust.value),
                *(int(attempt.accepted), attempt.submitted, now(), attempt.revision),
                *(attempt.sources, attempt.manifest, attempt.isolation, attempt.seed),
                *(attempt.status, attempt.review),
            ),
        )
        number = cursor.lastrowid
        db.executemany(
            "INSERT INTO attempt_item VALUES (?, ?)", ((number, item) for item in attempt.items)
        )
        db.executemany(
            "INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, ?)",
            # In the order of the key, so that each row is appended.
            sorted((number, self._test(db, r[0]), *r[1:]) for r in attempt.results),
        )
        return True

    def _renew(self, db: sqlite3.Connection, number: int, trust: str, attempt: Attempt) -> None:
        """A known file: its signature may be verified now, and it may be accepted now."""
        if attempt.trust is Trust.VERIFIED and trust != Trust.VERIFIED:
            db.execute("UPDATE attempt SET trust = ? WHERE id = ?", (attempt.trust.value, number))
        if attempt.accepted:
            db.execute("UPDATE attempt SET accepted = 1 WHERE id = ?", (number,))

    def _student_for(self, db: sqlite3.Connection, who: str) -> int | None:
        """The student of an attempt. Without a roster, everybody who submits is a student."""
        if not who:
            return None
        known = _known(db, who)
        if known is not None:
            return known
        if db.execute("SELECT 1 FROM student WHERE state = 'listed' LIMIT 1").fetchone():
            return None
        cursor = db.execute(
            "INSERT INTO student (name, shown, state) VALUES (?, ?, 'unlisted')", (who, who)
        )
        db.execute("INSERT INTO alias VALUES (?, ?)", (key_of(who), cursor.lastrowid))
        return cursor.lastrowid

    def _test(self, db: sqlite3.Connection, name: str) -> int:
        """The number of a test; a new one is in no manifest."""
        number = self._tests.get(name)
        if number is None:
            db.execute(
                "INSERT INTO test (name, item) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (name, str(Group.of_test(name))),
            )
            (number,) = db.execute("SELECT id FROM test WHERE name = ?", (name,)).fetchone()
            self._tests[name] = number
        return int(number)


def _known(db: sqlite3.Connection, who: str) -> int | None:
    for key in lookup_keys(who):
        found = db.execute("SELECT student_id FROM alias WHERE name = ?", (key,)).fetchone()
        if found:
            return int(found[0])
    return None


def now() -> str:
    """The time in UTC, as stored: `2026-11-20T22:59:00+00:00`."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _titles(course: Course) -> Iterator[tuple[Group, str]]:
    """Every column that has tests, and its title, in order."""
    for collection in course.collections:
        yield collection.group, collection.name
    for checkpoint in course.checkpoints:
        yield Group(Kind.HIDDEN, checkpoint.id), f"{checkpoint.name}, hidden tests"
