"""The grade from the database equals a grade computed from the files by other, slow code."""

import json
import shutil
import tempfile
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

import pytest
from gradebook_files import KEY, MANIFEST, TESTS, add, opened, record, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mini_course import make_course

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.gradebook.grades import class_grades
from pytest_tinytorch.gradebook.policy import read_policy

STUDENTS = ("bo", "ana", "Čen, Di")
DEADLINE = datetime.fromisoformat("2020-11-20T23:59:00+01:00")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return load_course(make_course(tmp_path_factory.mktemp("mini") / "course"))


tests = st.sets(st.sampled_from(sorted(TESTS)))
attempts = st.fixed_dictionaries(
    {
        "student": st.sampled_from(STUDENTS),
        "passed": st.just(set(TESTS)) | tests,
        "lost": st.just(set()) | tests,
        "absent": st.just(set()) | tests,
        "groups": st.sampled_from([("00", "01"), ("00",), ("01",)]),
        # After the deadline: around it, around the grace, the first days, and a day more.
        "hours": st.sampled_from([1, 2, 25, 49, -1, 0, 12, 24, 30, -60, None]),
        "signed": st.sampled_from([True, True, False]),
    }
)
policies = st.fixed_dictionaries(
    {
        "counting": st.sampled_from(["latest", "best", "before-deadline"]),
        "per_day": st.sampled_from([10, 40, 0]),
        "most": st.sampled_from([100, 50, 0]),
        "grace": st.sampled_from([0, 90]),
        "extra": st.sampled_from([1, 0]),
    }
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(st.lists(attempts, min_size=1, max_size=7), policies, st.booleans())
def test_two_ways_to_a_grade_agree(course, made, rules, accept):
    folder = Path(tempfile.mkdtemp())
    try:
        files = [lay(folder, course, number, one) for number, one in enumerate(made)]
        (folder / "policy.toml").write_text(
            f'counting = "{rules["counting"]}"\n'
            f"[deadlines]\nall = {DEADLINE.isoformat()}\n"
            f"[late]\npercent_per_day = {rules['per_day']}\nmost_percent = {rules['most']}\n"
            f"grace_minutes = {rules['grace']}\n"
            f"[[extension]]\nstudent = 'BO'\nitems = ['00']\ndays = {rules['extra']}\n"
        )
        with opened(folder / "book.sqlite", course) as book:
            policy = read_policy(folder / "policy.toml", ["00", "01"])
            for file in files:
                add(book, course, file, accept_unsigned=accept)
            rows = class_grades(book, policy, items=book.items()[:2])
        found = {
            (row.student.name, cell.item.name): (cell.raw, round(cell.adjusted, 6), cell.undecided)
            for row in rows
            for cell in row.cells
        }
        expected = slow_grades(files, rules, accept)
        assert found == {key: expected.get(key, (0, 0, 0)) for key in found}
        assert expected.keys() <= found.keys()
    finally:
        shutil.rmtree(folder)


def lay(folder, course, number, one):
    hours = one["hours"]
    run = record(
        course,
        one["student"],
        one["passed"],
        lost=one["lost"] - one["passed"],
        absent=one["absent"],
        groups=one["groups"],
        started="" if hours is None else (DEADLINE + timedelta(hours=hours)).isoformat(),
        seed=number,
    )
    return write(folder / f"{number:02}.xml", course, run, KEY if one["signed"] else None)


# --- the slow way, which shares no code with the gradebook ----------------------------------------


def slow_grades(files, rules, accept):
    """(student, item) -> raw and adjusted points and number of undecided tests."""
    by_cell = {}
    for number, file in enumerate(files):
        values = {p.get("name"): p.get("value") for p in ET.parse(file).iter("property")}
        run = json.loads(values["record"])
        if not run["tests"]:
            continue  # zero tests are an error
        for item in {*run["groups"]}:
            verified = "record_sig" in values or accept
            when = run["started"] and datetime.fromisoformat(run["started"])
            by_cell.setdefault((run["student"], item), []).append((when, number, verified, run))
    grades = {key: slow_cell(key, found, rules) for key, found in by_cell.items()}
    return {key: grade for key, grade in grades.items() if grade}


def slow_cell(key, found, rules):
    student, item = key
    deadline = DEADLINE
    if student == "bo" and item == "00":
        deadline += timedelta(days=rules["extra"])
    if any(verified for _, _, verified, _ in found):
        found = [one for one in found if one[2]]
    graded = []
    for when, number, _, run in found:
        mine = [t for t in run["tests"] if t["id"].startswith(f"{item}/")]
        points = MANIFEST.tests[next(g for g in MANIFEST.tests if str(g) == item)]
        raw = sum(points[t["id"]] for t in mine if t["outcome"] == "passed")
        lost = sum(t["reason"] == "harness" for t in mine)
        late = when - deadline if when else timedelta(0)
        late = max(late, timedelta(0)) if late > timedelta(minutes=rules["grace"]) else timedelta(0)
        days = ceil(late.total_seconds() / 86400)
        off = min(days * rules["per_day"], rules["most"])
        # A file without a time is ordered by when it was read, which was after all those times.
        order = (when is None or when == "", when or number, number)
        graded.append((round(raw * (100 - off) / 100, 6), order, raw, lost, bool(late)))
    if rules["counting"] == "before-deadline":
        graded = [one for one in graded if not one[4]]
    if not graded:
        return None
    order_alone = rules["counting"] != "best"
    best = max(graded, key=lambda one: one[1] if order_alone else one[:2])
    return best[2], best[0], best[3]
