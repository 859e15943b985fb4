"""Defines the tables of a gradebook's file, and brings files of earlier versions up to date.

`store` calls it. `PRAGMA user_version` is the version of a file: the number of migrations that it
has had. A released migration is never edited; a change of the tables is a new one at the end.
"""

import sqlite3

from pytest_tinytorch.core.errors import CourseError

# 'GRDB' in ASCII: tells a gradebook from any other SQLite file.
APPLICATION_ID = 0x47524442

_FIRST = """
CREATE TABLE student (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,           -- as submissions name the student; never displayed cut
    shown   TEXT NOT NULL,                  -- the name to display: 'Lovelace, Ada'
    email   TEXT NOT NULL DEFAULT '',
    section TEXT NOT NULL DEFAULT '',
    role    TEXT NOT NULL DEFAULT 'student',
    state   TEXT NOT NULL                   -- listed | dropped (on the roster) | unlisted
            CHECK (state IN ('listed', 'dropped', 'unlisted'))
) STRICT;

-- Every other name by which a submission may call a student, case-folded: email address, login,
-- LMS number, 'lovelaceada_123'.
CREATE TABLE alias (
    name       TEXT PRIMARY KEY,
    student_id INTEGER NOT NULL REFERENCES student ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- A column of the gradebook: '05', 'hidden 05', 'milestone xor', 'tensor-question-memory'.
CREATE TABLE item (
    name       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,               -- checkpoint | hidden | milestone | question
    title      TEXT NOT NULL,
    max_points REAL NOT NULL,               -- of a group of tests: the sum of its tests' points
    position   INTEGER NOT NULL             -- the order of the course
) STRICT;

-- Every test that a manifest listed or a file reported.
CREATE TABLE test (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,            -- '05/test_name[param]'
    item   TEXT NOT NULL,                   -- '05'
    points REAL                             -- NULL: the manifest does not list it, so it is unknown
) STRICT;
CREATE INDEX test_of_item ON test (item);

-- One result file of one student. Attempts are never changed by later ones, and never deleted.
CREATE TABLE attempt (
    id         INTEGER PRIMARY KEY,         -- ascending in the order of ingest
    student_id INTEGER REFERENCES student,  -- NULL: nobody is known by this name
    who        TEXT NOT NULL,               -- the name in the file, the path or the mapping
    digest     TEXT NOT NULL,               -- SHA-256 of the XML, in hex
    source     TEXT NOT NULL,               -- the path, 'results.zip!ana/grade.xml' in an archive
    trust      TEXT NOT NULL                -- verified | unsigned | unverified | altered
               CHECK (trust IN ('verified', 'unsigned', 'unverified', 'altered')),
    accepted   INTEGER NOT NULL DEFAULT 0,  -- 1: counts as if verified (--accept-unsigned)
    submitted  TEXT NOT NULL DEFAULT '',    -- ISO 8601 in UTC; '' if unknown
    added      TEXT NOT NULL,               -- ISO 8601 in UTC: when it was ingested
    revision   TEXT NOT NULL DEFAULT '',    -- the commit
    sources    TEXT NOT NULL DEFAULT '',    -- hash of the graded sources
    manifest   TEXT NOT NULL DEFAULT '',    -- hash of the manifest it was graded with
    isolation  TEXT NOT NULL DEFAULT '',
    seed       INTEGER,
    UNIQUE (digest, who)
) STRICT;
CREATE INDEX attempt_of_student ON attempt (student_id);

-- The items that an attempt is about. Its listed tests that have no result are missing.
CREATE TABLE attempt_item (
    attempt_id INTEGER NOT NULL REFERENCES attempt,
    item       TEXT NOT NULL,
    PRIMARY KEY (attempt_id, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE result (
    attempt_id INTEGER NOT NULL REFERENCES attempt,
    test_id    INTEGER NOT NULL REFERENCES test,
    outcome    TEXT NOT NULL,               -- passed | failed | error | skipped | missing
    decided    INTEGER NOT NULL,            -- 0: for review; the submission is not the cause
    reason     TEXT NOT NULL DEFAULT '',    -- core.records.Reason: 'wrong', 'raised', ...
    message    TEXT NOT NULL DEFAULT '',    -- at most 300 characters, one line; '' if passed
    place      TEXT NOT NULL DEFAULT '',    -- '02_tensor.py:120 add': the student's code
    PRIMARY KEY (attempt_id, test_id)
) STRICT, WITHOUT ROWID;

-- Folders of a student in which an ingest found no result.
CREATE TABLE sighting (
    who    TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    files  TEXT NOT NULL,                   -- names, at most 10, with commas; '' if it was empty
    added  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Points that a person gave. Every mark is kept; the one with the highest id counts.
CREATE TABLE mark (
    id         INTEGER PRIMARY KEY,
    student_id INTEGER NOT NULL REFERENCES student,
    item       TEXT NOT NULL,
    points     REAL,                        -- NULL: only a comment, or an earlier mark is withdrawn
    comment    TEXT NOT NULL DEFAULT '',
    marker     TEXT NOT NULL DEFAULT '',
    made       TEXT NOT NULL                -- ISO 8601 in UTC
) STRICT;
CREATE INDEX mark_of_student ON mark (student_id, item);

-- What each attempt earned in each of its items. Listed tests without a result are in no row.
CREATE VIEW score AS
SELECT result.attempt_id, test.item,
       coalesce(sum(test.points) FILTER (WHERE outcome = 'passed' AND decided), 0.0) AS points,
       count(*) FILTER (WHERE outcome = 'passed' AND decided) AS passed,
       count(*) FILTER (WHERE NOT decided) AS undecided,
       count(*) AS found
FROM result JOIN test ON test.id = result.test_id
WHERE test.points IS NOT NULL
GROUP BY result.attempt_id, test.item;
"""

_SECOND = """
-- As the record of a class says: collected | late | none | failed; '' without `collected.json`.
ALTER TABLE attempt ADD COLUMN status TEXT NOT NULL DEFAULT '';
-- What an instructor should know about the submission, a line each: `review` and `notes` of the
-- record.
ALTER TABLE attempt ADD COLUMN review TEXT NOT NULL DEFAULT '';
"""

_THIRD = """
-- The present answer of a student to a question.
CREATE TABLE answer (
    student_id INTEGER NOT NULL REFERENCES student ON DELETE CASCADE,
    item       TEXT NOT NULL,
    text       TEXT NOT NULL,
    PRIMARY KEY (student_id, item)
) STRICT, WITHOUT ROWID;

-- What a level of an answer is worth. `item` is '' for questions without levels of their own.
CREATE TABLE rubric (
    item  TEXT NOT NULL,
    level INTEGER NOT NULL,
    share REAL NOT NULL,                    -- of the question's points, from 0 to 1
    text  TEXT NOT NULL,                    -- what a marker looks for
    PRIMARY KEY (item, level)
) STRICT, WITHOUT ROWID;

-- The level that a marker gave. Every one is kept; the last one that is not `second` counts.
CREATE TABLE judgement (
    id         INTEGER PRIMARY KEY,
    student_id INTEGER NOT NULL REFERENCES student ON DELETE CASCADE,
    item       TEXT NOT NULL,
    level      INTEGER NOT NULL,
    comment    TEXT NOT NULL DEFAULT '',
    marker     TEXT NOT NULL DEFAULT '',
    second     INTEGER NOT NULL,            -- 1: a second marking, which changes no points
    answer     TEXT NOT NULL,               -- SHA-256 of the answer that was read, in hex
    made       TEXT NOT NULL                -- ISO 8601 in UTC
) STRICT;
CREATE INDEX judgement_of_answer ON judgement (student_id, item);
"""

_MIGRATIONS = (_FIRST, _SECOND, _THIRD)
VERSION = len(_MIGRATIONS)


def bring_up_to_date(connection: sqlite3.Connection, where: str) -> None:
    """Create the tables, or change those of an earlier version. Raises CourseError.

    Each migration is one transaction, so that an interrupted one leaves the version before it.
    """
    if _version(connection, where) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(_version(connection, where), VERSION):
            for statement in _statements(_MIGRATIONS[number]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, where: str) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and owner != APPLICATION_ID:
        raise CourseError(f"{where} is a database of another program; name another file")
    if version > VERSION:
        raise CourseError(
            f"{where} has version {version}, and this program knows versions up to {VERSION}:"
            " update it"
        )
    return int(version)


def _statements(script: str) -> list[str]:
    """The statements of a script, one by one: `executescript` would commit the transaction."""
    found, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found
