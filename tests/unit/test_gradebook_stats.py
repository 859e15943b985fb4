"""Statistics of a class: each number is compared with scipy or with one worked by hand."""

import json
import random

import numpy as np
import pytest
import scipy.stats
from small_gradebook import attempt, new_book

from pytest_tinytorch.gradebook.analytics import class_stats
from pytest_tinytorch.gradebook.history import Outcome
from pytest_tinytorch.gradebook.quality import Suspicion, point_biserial, qualities_of
from pytest_tinytorch.gradebook.shared_causes import shared_causes
from pytest_tinytorch.gradebook.stats_view import stats_json, stats_view
from pytest_tinytorch.reports.console import draw


def outcome(student: int, test: str, passed: bool, **other: object) -> Outcome:
    values = {
        "item": "00",
        "points": 1.0,
        "decided": True,
        "reason": "",
        "message": "",
        "place": "",
    }
    return Outcome(student=student, test=test, passed=passed, **(values | other))


@pytest.fixture
def book(tmp_path):
    with new_book(tmp_path / "g.sqlite", {"ana": "A", "bo": "A", "cy": "B", "dee": "B"}) as found:
        yield found


def by_item(stats):
    return {item.item.name: item for item in stats.items}


@pytest.mark.parametrize("seed", range(20))
def test_discrimination_is_the_point_biserial_correlation_of_scipy(seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=rng.integers(3, 60))
    passed = (scores + rng.normal(size=len(scores)) > 0).astype(float)
    passed[:2] = 0, 1
    expected = scipy.stats.pointbiserialr(passed, scores).statistic
    assert point_biserial(passed, scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("passed", "scores"),
    [([], []), ([1, 1], [1, 2]), ([0, 0], [1, 2]), ([0, 1, 0], [0.3, 0.3, 0.3])],
)
def test_discrimination_is_none_where_nothing_varies(passed, scores):
    assert point_biserial(np.array(passed, float), np.array(scores, float)) is None


def test_qualities_of_a_class_agree_with_a_slow_computation():
    """A test's own points are not in the score that it is compared with."""
    rng = random.Random(4)
    tests = [(f"00/test_{n}", "00", float(rng.randint(1, 5))) for n in range(8)]
    points = {name: worth for name, _, worth in tests}
    passes = {(s, name): rng.random() < 0.3 + s / 60 for s in range(30) for name, _, _ in tests}
    results = [outcome(s, name, ok) for (s, name), ok in passes.items()]
    found = qualities_of(tests, [(s, "00") for s in range(30)], results)
    for quality in found:
        mine = [passes[s, quality.test] for s in range(30)]
        rest = [
            sum(points[name] for name, _, _ in tests if name != quality.test and passes[s, name])
            for s in range(30)
        ]
        expected = scipy.stats.pointbiserialr(mine, rest).statistic
        assert quality.discrimination == pytest.approx(expected)
        assert (quality.students, quality.passed) == (30, sum(mine))


def test_a_missing_test_failed_and_an_undecided_one_does_not_count():
    tests = [("00/test_a", "00", 1.0), ("00/test_b", "00", 1.0), ("01/test_c", "01", 1.0)]
    results = [outcome(1, "00/test_a", True), outcome(2, "00/test_a", False, decided=False)]
    a, b, c = qualities_of(tests, [(1, "00"), (2, "00")], results)
    assert (a.students, a.passed) == (1, 1)
    assert (b.students, b.passed) == (2, 0)
    assert (c.students, c.pass_rate) == (0, None)


def suspicions(rows: list[tuple[bool, ...]], **other: object) -> list[Suspicion]:
    """Of tests whose results for each student are a row."""
    tests = [(f"00/test_{n}", "00", 1.0) for n in range(len(rows[0]))]
    results = [
        outcome(s, tests[n][0], ok, **other)
        for s, row in enumerate(rows)
        for n, ok in enumerate(row)
    ]
    found = qualities_of(tests, [(s, "00") for s in range(len(rows))], results)
    return [quality.suspicion for quality in found]


def test_a_test_that_nobody_passes_is_suspect():
    assert suspicions([(True, False)] * 5) == [Suspicion.NONE, Suspicion.NOBODY]


def test_nothing_is_concluded_from_four_students_or_from_code_that_is_not_written():
    assert suspicions([(False,)] * 4) == [Suspicion.NONE]
    assert suspicions([(False,)] * 9, reason="not-written") == [Suspicion.NONE]


def test_a_test_that_the_strong_fail_and_the_weak_pass_is_suspect():
    rows = [(strong, strong, strong, not strong) for strong in [True] * 6 + [False] * 6]
    assert suspicions(rows) == [Suspicion.NONE] * 3 + [Suspicion.REVERSED]


def test_the_same_cause_is_found_despite_other_numbers_and_lines():
    at = {"reason": "raised", "place": "02_tensor.py:{} add"}
    one = at | {"message": "shapes (3, 4) and (5, 6)", "place": "02_tensor.py:12 add"}
    two = at | {"message": "shapes (1, 2) and (5, 6)", "place": "02_tensor.py:99 add"}
    other = one | {"place": "02_tensor.py:12 mul"}
    results = [
        *(outcome(1, "00/test_a", False, **one), outcome(1, "00/test_b", False, **one)),
        *(outcome(2, "00/test_a", False, **two), outcome(3, "00/test_a", False, **other)),
    ]
    (cause,) = shared_causes(results)
    assert cause.students == (1, 2)
    assert cause.tests == ("00/test_a", "00/test_b")
    assert cause.place == "02_tensor.py add"


def test_one_students_many_failures_are_no_shared_cause():
    results = [outcome(1, f"00/test_{n}", False, message="no") for n in range(9)]
    assert shared_causes(results) == []


def test_items_by_hand(book):
    """ana passes 00 in her second attempt, two days after the first; bo in his first."""
    book.add(
        [
            *(attempt("ana", 3, "a", "b"), attempt("ana", 5, "ab"), attempt("ana", 6, "c", "d")),
            *(attempt("bo", 4, "ab"), attempt("bo", 7, "cd"), attempt("cy", 4, "", "ab")),
        ]
    )
    items = by_item(class_stats(book))
    assert list(items) == ["00", "01"]
    zero, one = items["00"], items["01"]
    assert (zero.tried, zero.passed, zero.stopped) == (3, 2, 2)  # cy and dee stop there
    assert (one.tried, one.passed, one.stopped) == (2, 1, 1)
    assert zero.earned == pytest.approx(2 / 3)
    assert one.earned == pytest.approx((4 / 12 + 1) / 2)
    assert (zero.median_attempts, zero.median_days) == (1.5, 1.0)


def test_time_to_pass_is_unknown_where_attempts_have_no_time(book):
    book.add([attempt("ana", 0, "", "ab"), attempt("ana", 0, "ab")])
    zero = by_item(class_stats(book))["00"]
    assert (zero.median_attempts, zero.median_days) == (2, None)


def test_an_unsigned_attempt_neither_counts_nor_delays_beside_a_verified_one(book):
    book.add([attempt("ana", 3, "ab", trust="unsigned"), attempt("ana", 4, "a", "b")])
    book.add([attempt("bo", 3, "ab", trust="unsigned")])
    zero = by_item(class_stats(book))["00"]
    assert (zero.passed, zero.median_attempts) == (1, 1)


def test_stuck_after_three_attempts_without_a_new_test(book):
    book.add([attempt("ana", day, "a", "b") for day in (1, 2, 3, 4)])  # three without a new one
    book.add([attempt("bo", 1, "a", "b"), attempt("bo", 2, "b", "a")])
    book.add([attempt("bo", 3, "a", "b"), attempt("bo", 4, "", "ab")])  # two
    book.add([attempt("cy", day, "", "ab") for day in (1, 2, 3)])
    stuck = class_stats(book, stuck_after=3).stuck
    shown = {(class_stats(book).shown(s.student), s.item): s.attempts for s in stuck}
    assert shown == {("Ana", "00"): 3, ("Cy", "00"): 3}


def test_who_passes_in_the_end_is_not_stuck(book):
    book.add([attempt("ana", 1, "ab"), *(attempt("ana", d, "ab") for d in (2, 3, 4, 5))])
    assert class_stats(book).stuck == ()


def test_silent_is_who_began_and_stopped(book):
    book.add([attempt("ana", 2, "a", "b"), attempt("bo", 2, "ab"), attempt("bo", 3, "cd")])
    book.add([attempt("cy", 20, "a", "b")])
    stats = class_stats(book, silent_days=7)
    assert [stats.shown(s.student) for s in stats.silent] == ["Ana"]  # bo has passed everything
    assert [row.student.shown for row in stats.without_attempt] == ["Dee"]
    assert class_stats(book, silent_days=30).silent == ()


def test_milestones_are_counted_for_each_section(book):
    book.add([attempt("ana", 2, "e"), attempt("bo", 2, "", "e"), attempt("dee", 2, "e")])
    found = {m.section: (m.achieved, m.students) for m in class_stats(book).milestones}
    assert found == {"A": (1, 2), "B": (1, 2)}
    assert {m.section for m in class_stats(book, section="B").milestones} == {"B"}


def test_staff_and_those_who_dropped_the_course_are_not_counted(book):
    with book.transaction() as db:
        db.execute("UPDATE student SET role = 'ta' WHERE name = 'ana'")
        db.execute("UPDATE student SET state = 'dropped' WHERE name = 'bo'")
    book.add([attempt(who, 2, "ab") for who in ("ana", "bo", "cy")])
    stats = class_stats(book)
    assert [row.student.name for row in stats.rows] == ["cy", "dee"]
    assert by_item(stats)["00"].passed == 1


def test_an_empty_gradebook_has_an_empty_answer(book):
    stats = class_stats(book)
    assert stats.items == () and "No attempt (4)" in draw(stats_view(stats, True, True), 80, False)


def shared(book):
    why = {"message": "bad \x1b[31mvalue", "place": "01_setup.py:3 f"}
    book.add([attempt(who, 2, "a", "b", **why) for who in ("ana", "bo", "cy")])
    return class_stats(book)


def test_a_terminal_has_bars_and_a_file_has_none(book):
    stats = shared(book)
    screen, file = (draw(stats_view(stats, bars, True), 80, False) for bars in (True, False))
    assert "━" in screen and "━" not in file
    assert max(map(len, screen.splitlines())) <= 80
    for text in (screen, file):
        assert "4 students: 3 with an attempt, 1 without; newest attempt 2026-11-02" in text
        assert "\x1b" not in text and "01_setup.py f: Ana; Bo; Cy" in text


def test_json_names_students_as_submissions_do(book):
    found = json.loads(stats_json(shared(book)))
    assert found["causes"][0]["students"] == ["ana", "bo", "cy"]
    assert found["without_attempt"] == ["dee"]
    assert found["items"][0]["name"] == "00" and found["items"][0]["tried"] == 3
    assert {t["test"]: t["pass_rate"] for t in found["tests"]} == {"00/test_a": 1, "00/test_b": 0}
