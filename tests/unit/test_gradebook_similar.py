"""Submissions that look alike are found despite other names and order; the course's code is not."""

import sys

import pytest

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.selectors import choose_modules
from pytest_tinytorch.gradebook.similar import similar_pairs
from pytest_tinytorch.gradebook.similar_view import NOTE, similar_html, similar_view
from pytest_tinytorch.reports.console import draw
from pytest_tinytorch.submissions.find import find_submissions

pytest.importorskip("copydetect", reason="copydetect is not installed")

COUNT = """
def histogram(values, bins):
    low, high = min(values), max(values)
    width = (high - low) / bins
    counts = [0] * bins
    for value in values:
        place = int((value - low) / width)
        counts[min(place, bins - 1)] += 1
    return counts
"""
MERGE = """
def merge(first, second):
    result = []
    while first and second:
        smaller = first if first[0] <= second[0] else second
        result.append(smaller.pop(0))
    return result + first + second
"""
# The same two functions in the other order, with other names and other comments.
COPIED = """
# my own work
def merge(a, b):
    out = []  # the answer
    while a and b:
        x = a if a[0] <= b[0] else b
        out.append(x.pop(0))
    return out + a + b


def histogram(xs, n):
    lo, hi = min(xs), max(xs)
    w = (hi - lo) / n
    c = [0] * n
    for x in xs:
        p = int((x - lo) / w)
        c[min(p, n - 1)] += 1
    return c
"""
OTHER = [
    """
import bisect

def histogram(values, bins):
    ordered = sorted(values)
    edges = [ordered[0] + (ordered[-1] - ordered[0]) * k / bins for k in range(1, bins)]
    found = dict.fromkeys(range(bins), 0)
    for one in ordered:
        found[bisect.bisect_right(edges, one)] += 1
    return list(found.values())

def merge(first, second):
    return sorted([*first, *second])
""",
    """
from collections import Counter

def histogram(values, bins):
    smallest = min(values)
    scale = bins / (max(values) - smallest)
    tally = Counter(min(bins - 1, int(scale * (v - smallest))) for v in values)
    return [tally[number] for number in range(bins)]

def merge(first, second):
    if not first or not second:
        return first or second
    head, *rest = first
    if head > second[0]:
        return merge(second, first)
    return [head, *merge(rest, second)]
""",
]
GIVEN = "\n\ndef given(a, b):\n" + "".join(
    f"    a{n} = (a + {n}) * b[{n}] if a else [b, a]\n" for n in range(30)
)


@pytest.fixture
def handed_in(course, tmp_path):
    """Writes sources for 01_numbers; returns the submissions."""
    source = course.root / course.source_name(course.modules[0])
    source.write_text(source.read_text() + GIVEN)

    def write(**texts):
        for student, text in texts.items():
            path = tmp_path / "class" / student / "01_numbers.py"
            path.parent.mkdir(parents=True)
            path.write_text(source.read_text() + text)
        return find_submissions(tmp_path / "class")[0]

    return write


def pairs(course, submissions, least=0.5):
    modules = choose_modules(course, "01")
    return similar_pairs(course, submissions, modules, least)


def test_a_copy_with_other_names_and_another_order_is_found(course, handed_in):
    found = pairs(course, handed_in(ana=COUNT + MERGE, bo=COPIED, cy=OTHER[0], dee=OTHER[1]))
    (pair,) = found.pairs
    assert (pair.left.student, pair.right.student, pair.module) == ("ana", "bo", "01_numbers")
    assert pair.share > 0.8
    common = [text for part in pair.left.passages for _, text, same in part if same]
    assert "    while first and second:" in common and "    counts = [0] * bins" in common
    assert not any("a7 =" in line for line in common)  # given by the course


def test_the_code_of_the_course_is_not_compared(course, handed_in):
    assert pairs(course, handed_in(ana="", bo=""), 0).pairs == ()


def test_what_more_than_half_of_a_class_has_is_not_compared(course, handed_in):
    same = {f"s{n}": COUNT + MERGE for n in range(5)}
    alone = {f"t{n}": OTHER[n % 2] for n in range(2)}
    assert pairs(course, handed_in(**same, **alone)).pairs == ()


def test_half_of_a_class_is_not_more_than_half(course, handed_in):
    rest = {f"t{n}": f"\n\nx{n} = {n}\n" for n in range(4)}
    (pair,) = pairs(course, handed_in(ana=COUNT + MERGE, bo=COPIED, **rest)).pairs
    assert {pair.left.student, pair.right.student} == {"ana", "bo"}


def test_what_cannot_be_read_is_listed(course, tmp_path):
    folder = tmp_path / "class"
    (folder / "ana").mkdir(parents=True)
    (folder / "ana" / "01_numbers.py").write_text("#" * 300_000)
    (folder / "bo.zip").write_bytes(b"no zip")
    left_out = pairs(course, find_submissions(folder)[0]).left_out
    assert [line.partition(":")[0] for line in left_out] == ["bo", "ana"]
    assert left_out[1] == "ana: src/01_numbers.py is too large"


def test_the_page_has_both_sides_and_runs_nothing(course, handed_in):
    found = pairs(course, handed_in(ana=COUNT + MERGE + "# <script>x</script>", bo=COPIED))
    page = similar_html(found, "Mini", 10)
    assert "<script" not in page and "<mark>" in page and NOTE in page
    assert page.count('<div class="side">') == 2
    assert "script-src" not in page


def test_the_terminal_says_that_it_is_no_proof(course, handed_in):
    found = pairs(course, handed_in(ana=COUNT + MERGE, bo=COPIED))
    text = draw(similar_view(found, 10), 80, False)
    assert "01_numbers" in text and "ana and bo" in text and "1 pair to look at" in text
    assert "It is no proof" in " ".join(text.split())
    assert draw(similar_view(pairs(course, [], 1), 10), 80, False) == "0 pairs to look at\n"


def test_without_copydetect_the_command_to_install_it_is_named(course, monkeypatch):
    monkeypatch.setitem(sys.modules, "copydetect", None)
    with pytest.raises(CourseError, match=r"pip install 'pytest-tinytorch\[similar\]'"):
        pairs(course, [])
