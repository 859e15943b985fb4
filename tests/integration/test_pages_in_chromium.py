"""The project's pages in a real browser: the dashboard of a class, feedback pages, certificates.

Skipped with the reason where Playwright or Chromium is not there.
"""

import json
import re
import shutil
from dataclasses import replace

import pytest
from evidence import keep_evidence
from milestone_course import make_course_with_milestones
from small_gradebook import attempt, new_book

from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.gradebook.analytics import class_stats
from pytest_tinytorch.gradebook.dashboard import dashboard_html
from pytest_tinytorch.gradebook.similar import Found, Pair, Side
from pytest_tinytorch.gradebook.similar_view import similar_html
from pytest_tinytorch.progress.certificates import certify
from pytest_tinytorch.progress.progress import Progress
from pytest_tinytorch.reports.certificate import certificate_html, portfolio_html
from pytest_tinytorch.reports.html import feedback_html

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not there")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"none of {', '.join(BROWSERS)} is there")

HOSTILE = "<img src=x onerror=document.title='hacked'></script>"
SCHEMES = ["light", "dark"]
WIDTHS = [1280, 390]


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, tmp_path):
    """Opens HTML as a file. At the end, nothing was requested and nothing was on the console."""
    contexts, said = [], []

    def open_page(html, width=1280, scheme="light", **options):
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html, "utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto(path.as_uri())
        assert said.pop(0) == path.as_uri()  # the page itself
        return page

    yield open_page
    assert said == []
    for context in contexts:
        context.close()


def book_of(tmp_path):
    """ana passed everything, bo is stuck in 01, cy has a test for review, dee submitted nothing."""
    students = {"ana": "A", "bo": "A", "cy": "B", "dee": "B", "eve": "B"}
    book = new_book(tmp_path / "g.sqlite", students)
    with book.transaction() as db:
        db.execute("UPDATE student SET shown = ? WHERE name = 'eve'", (HOSTILE,))
    book.add([attempt("ana", 1, "ab"), attempt("ana", 2, "cde")])
    book.add(
        [
            attempt("bo", 1, "ab"),
            *(attempt("bo", d, "c", "d", message=HOSTILE) for d in range(2, 6)),
        ]
    )
    (open_one,) = [attempt("cy", 4, "a", "b", message="died")]
    undecided = [r._replace(decided=int(r.outcome is Outcome.PASSED)) for r in open_one.results]
    book.add([replace(open_one, results=tuple(undecided)), attempt("eve", 9, "", "ab")])
    return book


@pytest.fixture
def stats(tmp_path):
    with book_of(tmp_path) as book:
        yield class_stats(book, silent_days=4.5)


@pytest.fixture
def dashboard(stats):
    return dashboard_html(stats, "Mini")


def names(page):
    return page.locator("#grid tbody th").all_inner_texts()


def column(page, number):
    return page.locator(f"#grid tbody tr td:nth-of-type({number})").all_inner_texts()


def focused(page):
    return page.evaluate("document.activeElement.textContent")


# --- the table of students ------------------------------------------------------------------------


def test_the_table_has_a_row_for_each_student_and_a_column_for_each_item(visit, dashboard):
    page = visit(dashboard)
    heads = page.locator("#grid thead th").all_inner_texts()
    assert heads == ["Student", "Section", "All", "00", "01", "xor"]
    rows = {
        row[0]: row[1:]
        for row in (
            r.locator("th, td").all_inner_texts() for r in page.locator("#grid tbody tr").all()
        )
    }
    assert rows["Ana"] == ["A", "100", "100", "100", "100"]
    assert rows["Bo"] == ["A", "22", "100", "33", "·"]  # 7 of 31 points; 4 of 12
    assert rows["Cy"] == ["B", "3", "33?", "·", "·"]
    assert rows["Dee"] == ["B", "0", "·", "·", "·"]
    assert rows[HOSTILE] == ["B", "0", "0", "·", "·"]


def test_table_semantics(visit, dashboard):
    page = visit(dashboard)
    assert page.locator("#grid thead th:not([scope=col])").count() == 0
    assert page.locator("#grid tbody th:not([scope=row])").count() == 0
    assert page.get_by_role("table", name="Share of the points in percent").count() == 1
    assert page.get_by_role("rowheader", name="Ana").count() == 1


def test_a_heading_sorts_and_sorts_back(visit, dashboard):
    page = visit(dashboard)
    page.get_by_role("button", name="All").click()
    assert column(page, 2) == ["100", "22", "3", "0", "0"]
    assert page.locator("th[aria-sort]").all_inner_texts() == ["All"]
    page.get_by_role("button", name="All").click()
    assert column(page, 2) == ["0", "0", "3", "22", "100"]
    page.get_by_role("button", name="00", exact=True).click()
    assert column(page, 3) == ["100", "100", "33?", "0", "·"]  # no attempt is below zero points


def test_names_sort_by_the_alphabet(visit, dashboard):
    page = visit(dashboard)
    page.get_by_role("button", name="Student").click()
    assert [n for n in names(page) if n != HOSTILE] == ["Dee", "Cy", "Bo", "Ana"]


def test_filters(visit, dashboard):
    page = visit(dashboard)
    page.get_by_label("Section").select_option("A")
    assert names(page) == ["Ana", "Bo"]
    assert page.get_by_role("status").inner_text() == "2 of 5 students"
    page.get_by_label("Section").select_option("")
    for flag, expected in {"n": "Dee", "s": "Bo", "r": "Cy"}.items():
        page.get_by_label("Show").select_option(flag)
        assert names(page) == [expected], flag
    page.get_by_label("Show").select_option("q")
    assert names(page) == ["Cy"]  # ana has passed everything, bo came back a day later


def test_a_search_and_a_students_page_with_the_keyboard_alone(visit, dashboard):
    page = visit(dashboard)
    page.keyboard.press("/")
    page.keyboard.type("b")
    assert page.locator("#name").input_value() == "b"  # the slash is no part of it
    assert names(page) == ["Bo"]
    page.keyboard.press("Backspace")
    page.keyboard.press("ArrowDown")
    first = focused(page)
    page.keyboard.press("ArrowDown")
    assert [first, focused(page)] == names(page)[:2]
    page.keyboard.press("ArrowUp")
    assert focused(page) == first
    page.get_by_role("link", name="Bo").focus()
    page.keyboard.press("Enter")
    assert page.locator("#student h2").first.inner_text() == "Bo"
    assert not page.locator("#overview").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#overview").is_visible() and focused(page) == "Bo"


def test_headings_sort_with_the_keyboard(visit, dashboard):
    page = visit(dashboard)
    page.get_by_role("button", name="All").focus()
    page.keyboard.press("Enter")
    assert column(page, 2)[0] == "100"


# --- a student's page -----------------------------------------------------------------------------


def open_student(page, name):
    page.get_by_role("link", name=name).click()
    return " ".join(page.locator("#student").inner_text().split())


def test_a_students_page_has_the_next_blocker_and_the_attempts(visit, dashboard):
    page = visit(dashboard)
    said = open_student(page, "Bo")
    assert f"Next blocker Checkpoint 01 Foundation: first test to fix 01/test_d {HOSTILE}" in said
    assert "22 % of all points" in said and "4 of 12 (33 %)" in said
    assert "Tests that do not pass (1) 01/test_d" in said
    assert page.locator("#student svg circle").count() == 5
    label = page.locator("#student svg").get_attribute("aria-label")
    assert label == "Points over time: 5 moments, from 3 to 7 of 31 points"
    page.locator("summary").click()
    rows = page.locator("details tbody tr").all_inner_texts()
    assert rows[0].split("\t") == ["2026-11-01 12:00", "00 Environment", "3", "2 of 2"]
    assert len(rows) == 5


def test_a_student_without_an_attempt_has_a_page(visit, dashboard):
    said = open_student(visit(dashboard), "Dee")
    assert "Checkpoint 00 Environment: no attempt" in said and "No attempt." in said


def test_who_passed_everything_has_no_blocker(visit, dashboard):
    assert "None: all checkpoints are passed." in open_student(visit(dashboard), "Ana")


def test_a_link_of_the_page_leads_from_a_student_to_a_part(visit, dashboard):
    page = visit(dashboard)
    open_student(page, "Ana")
    page.get_by_role("link", name="Tests", exact=True).click()
    page.locator("#tests").wait_for(state="visible")


# --- the other parts ------------------------------------------------------------------------------


def test_tests_sort_by_their_numbers(visit, dashboard):
    page = visit(dashboard)
    page.locator("#quality button", has_text="Passed").click()
    rates = [
        cell.get_attribute("data-value")
        for cell in page.locator("#quality td:nth-of-type(1)").all()
    ]
    assert [float(rate) for rate in rates] == sorted(float(rate) for rate in rates)
    assert len(rates) == 5


def test_without_javascript_the_tables_of_the_class_are_there(visit, dashboard):
    page = visit(dashboard, java_script_enabled=False)
    assert "tito gradebook grades" in page.locator("noscript").inner_text()
    assert page.locator("#grid").is_hidden()
    assert page.get_by_role("rowheader", name="01 Foundation").count() == 1


def test_hostile_text_stays_text(visit, dashboard):
    page = visit(dashboard)
    assert page.title() == "Mini: class"
    assert page.locator("img").count() == 0
    open_student(page, "img src")
    shown = page.locator("#student h2").first.inner_text()
    assert shown == HOSTILE and page.locator("img").count() == 0


def test_anonymous_pages_have_no_name_and_no_text_of_a_student(visit, stats):
    html = dashboard_html(stats, "Mini", anonymous=True)
    for word in ("Ana", "Dee", "onerror", "died", ',"A",'):
        assert word not in html, word
    page = visit(html)
    assert sorted(names(page)) == [f"Student {n}" for n in range(1, 6)]
    assert page.get_by_label("Section").is_hidden()


def test_the_numbers_of_anonymous_students_are_not_the_order_of_the_names(stats):
    def totals():
        data = re.search(r'id="data">(.*?)</script>', dashboard_html(stats, "M", anonymous=True))
        return tuple(student[2] for student in json.loads(data[1])["students"])

    assert len({totals() for _ in range(20)}) > 1


def test_many_students_are_all_drawn(visit, tmp_path):
    with new_book(tmp_path / "many.sqlite", {f"s{n:04}": "" for n in range(500)}) as book:
        book.add([attempt(f"s{n:04}", 1, "a", "b") for n in range(0, 500, 2)])
        html = dashboard_html(class_stats(book), "Mini")
    page = visit(html)
    page.wait_for_selector("html[data-drawn='500']", timeout=60_000)
    assert page.locator("#grid tbody tr").count() == 500
    page.get_by_label("Name").fill("s0499")
    assert names(page) == ["S0499"]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(visit, dashboard, width):
    page = visit(dashboard, width)
    for name in ("Bo", "Dee"):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        open_student(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("Escape")


# --- accessibility --------------------------------------------------------------------------------


def problems(page):
    found = axe_module.Axe().run(page).response["violations"]
    return [f"{v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_dashboard_has_no_problem_that_axe_finds(visit, dashboard, scheme, width):
    page = visit(dashboard, width, scheme)
    assert problems(page) == []
    open_student(page, "Bo")
    assert problems(page) == []


def test_axe_finds_a_problem(visit):
    page = visit("<!doctype html><html lang=en><title>x</title><main><h1>x</h1><input></main>")
    assert [problem.partition(":")[0] for problem in problems(page)] == ["label"]


@pytest.fixture
def small_course(tmp_path):
    return make_course_with_milestones(tmp_path / "course")


def feedback(course):
    place = Location("src/01_numbers.py", 3, "add", ((2, "x = 1"), (3, "return x"), (4, "")))
    tests = (
        TestRecord(
            "00/test_add", "Adds", Outcome.FAILED, Reason.WRONG, "got 3", (place,), max_points=2
        ),
        TestRecord("00/test_mean", "Means", Outcome.PASSED, max_points=2),
        TestRecord(
            "01/test_shout", "Shouts", Outcome.FAILED, Reason.NOT_WRITTEN, "write", max_points=4
        ),
        TestRecord("01/test_lost", "Lost", Outcome.MISSING, Reason.HARNESS, "died", max_points=4),
    )
    groups = tuple(dict.fromkeys(test.group for test in tests))
    run = RunRecord("mini", 0, "2026-01-01", 1.0, tests, groups, student="Ana")
    return feedback_html(course, run, ["Isolation: bwrap"])


def certificates(course):
    keep_evidence(course, *course.checkpoints[:2])
    keep_evidence(course, *course.milestones[:2], measured="2 waves")
    progress = Progress.of(course, load_manifest(course))
    return [certify(course, progress, m, "Ada") for m in course.milestones[:2]]


def similar(_course):
    lines = ((1, "def f(x):", True), (2, "    return x  # " + "long " * 40, True))
    sides = [Side(name, 0.9, (lines, ((9, "y = 1", False),))) for name in ("Ana", "Bo")]
    return similar_html(Found((Pair("01_numbers", 99, *sides),), ()), "Mini", 5)


PAGES = {
    "similar": similar,
    "feedback": feedback,
    "certificate": lambda course: certificate_html(certificates(course)[1]),
    "portfolio": lambda course: portfolio_html(certificates(course)),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_pages_for_students_have_no_problem_that_axe_finds(visit, small_course, make, scheme):
    page = visit(make(small_course), 390, scheme)
    assert problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
