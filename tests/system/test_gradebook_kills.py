"""A killed ingest leaves a whole database, and two ingests at once lose and double nothing."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gradebook_files import ADD, DOUBLE, KEY, SHOUT, opened, record, write
from mini_course import make_course

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.gradebook.grades import class_grades

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[1]
STUDENTS, ATTEMPTS = 60, 3
KILLS = 20

# Says "ready" where the imports are done, so that the kills fall into the ingest itself.
CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from gradebook_files import add, opened
from pytest_tinytorch.core.course import load_course
root = Path(sys.argv[2])
course = load_course(root / "course")
print("ready", flush=True)
sys.stdin.readline()
with opened(root / "book.sqlite", course) as book:
    report = add(book, course, *map(Path, sys.argv[3:]), workers=1)
print(report.new, report.known, flush=True)
"""


@pytest.fixture
def root(tmp_path):
    course = load_course(make_course(tmp_path / "course"))
    for number in range(STUDENTS):
        for attempt in range(ATTEMPTS):
            passed = [ADD, DOUBLE, SHOUT][: attempt + 1]
            started = f"2026-11-{10 + attempt}T12:00:00+00:00"
            run = record(course, f"s{number:02}", passed, started=started)
            write(tmp_path / f"r{number % 2}/s{number:02}/{attempt}.xml", course, run, KEY)
    return tmp_path


def start(root, *folders):
    names = [str(root / folder) for folder in folders]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(TESTS), str(root), *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "ready\n"
    return child


def go(child):
    child.stdin.write("\n")
    child.stdin.flush()


def state(root):
    """Every attempt and result, without the numbers that depend on the order of ingest."""
    with sqlite3.connect(root / "book.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        return db.execute(
            "SELECT who, digest, submitted, test.name, outcome FROM attempt"
            " JOIN result ON attempt_id = attempt.id JOIN test ON test.id = test_id"
            " ORDER BY 1, 2, 4"
        ).fetchall()


def grades(root):
    with opened(root / "book.sqlite", load_course(root / "course")) as book:
        return [(row.student.name, row.adjusted) for row in class_grades(book)]


def counts(root):
    with sqlite3.connect(root / "book.sqlite") as db:
        whole = db.execute(
            "SELECT count(*) FROM attempt WHERE 6 ="
            " (SELECT count(*) FROM result WHERE attempt_id = attempt.id)"
        ).fetchone()[0]
        return whole, db.execute("SELECT count(*) FROM attempt").fetchone()[0]


def test_a_killed_ingest_is_completed_by_the_next_one(root):
    child = start(root, "r0", "r1")
    began = time.monotonic()
    go(child)
    assert child.stdout.readline() == f"{STUDENTS * ATTEMPTS} 0\n"
    seconds = time.monotonic() - began
    child.wait()
    expected, expected_grades = state(root), grades(root)
    rng = random.Random(5)
    partly = 0
    for _ in range(KILLS):
        for file in root.glob("book.sqlite*"):
            file.unlink()
        child = start(root, "r0", "r1")
        go(child)
        time.sleep(rng.uniform(0, seconds))
        child.send_signal(signal.SIGKILL)
        child.wait()
        if (root / "book.sqlite").exists() and (root / "book.sqlite").stat().st_size:
            with opened(root / "book.sqlite", load_course(root / "course")):
                pass
            whole, there = counts(root)
            assert whole == there  # each attempt with all of its results, or not at all
            partly += 0 < there < STUDENTS * ATTEMPTS
        child = start(root, "r0", "r1")
        go(child)
        new, known = map(int, child.stdout.readline().split())
        child.wait()
        assert new + known == STUDENTS * ATTEMPTS
        assert state(root) == expected
        assert grades(root) == expected_grades
    assert partly >= 3  # the kills fell into the ingest


@pytest.mark.parametrize("second", [["r1"], ["r0", "r1"]], ids=["other files", "the same files"])
def test_two_ingests_at_once_are_like_one_after_the_other(root, second):
    for folders in (["r0"], second):
        child = start(root, *folders)
        go(child)
        child.stdout.readline()
        child.wait()
    expected, expected_grades = state(root), grades(root)
    for file in root.glob("book.sqlite*"):
        file.unlink()
    children = [start(root, "r0"), start(root, *second)]
    for child in children:
        go(child)
    new = [int(child.stdout.readline().split()[0]) for child in children]
    assert [child.wait() for child in children] == [0, 0]
    assert sum(new) == STUDENTS * ATTEMPTS
    assert state(root) == expected
    assert grades(root) == expected_grades
