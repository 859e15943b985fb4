"""The page to hand back: the same words in both forms, whole whatever is in it, nothing hidden."""

import base64
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from page_outline import Outline, markdown_outline, markdown_text

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.reports.html import feedback_html
from pytest_tinytorch.reports.markdown import feedback_markdown

EXCERPT = tuple((n, f"    value = {n}") for n in range(10, 15))
PLACE = Location("src/01_numbers.py", 12, "add", EXCERPT)


def made(identifier, outcome=Outcome.PASSED, **more):
    title = f"Title of {identifier.partition('/')[2]}"
    return TestRecord(identifier, title, outcome, **{"max_points": 2.0} | more)


def failed(identifier, **more):
    given = {"reason": Reason.WRONG, "message": f"got 3 in {identifier}", "locations": (PLACE,)}
    return made(identifier, Outcome.FAILED, **given | more)


def run_of(*tests, **more):
    groups = tuple(dict.fromkeys(test.group for test in tests))
    given = {"student": "Ana", "commit": "c0ffee" * 7, "sources": "5eed" * 16, "version": "1"}
    return RunRecord("mini", 0, "2026-01-01", 1.0, tests, groups, **given | more)


def texts(course, run, notes=()):
    """The words of both forms."""
    html, markdown = feedback_html(course, run, notes), feedback_markdown(course, run, notes)
    return Outline(html).text.replace("\u00a0", " "), markdown_text(markdown)


FULL = (
    made("00/a"),
    failed("00/b", hint="Look.", example="x=1,\ny=2", depends=("00/a",)),
    failed("00/c", depends=("00/b",)),
    failed("00/d", reason=Reason.RAISED, message="NameError: x"),
    made("00/e", Outcome.MISSING, reason=Reason.HARNESS, message="lost"),
    failed("00/f", visibility="hidden"),
    failed("01/g", reason=Reason.RAISED, message="NameError: x"),
    failed("01/h", reason=Reason.RAISED, message="ValueError: y", waits_for="00"),
    failed("hidden 00/i", visibility="hidden", max_points=1.0),
    made("hidden 00/j", visibility="hidden"),
)
RUN = run_of(*FULL)


# --- what it says -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [0, 1], ids=["html", "markdown"])
def test_it_says_all_that_a_student_needs(course, form):
    said = texts(course, RUN, ["Isolation: bwrap"])[form]
    in_order = [
        "Mini: feedback for Ana",
        "Grade: none yet, 4 of 19 points so far; 1 test could not be graded",
        "0 of 2 checkpoints achieved, 2 of 10 tests passed.",
        "1 test (2 points) could not be graded. Your instructor is informed;"
        " these tests do not count as 0.",
        "course version 1, commit c0ffeec0ffee, sources 5eed5eed5eed",
        "00 Numbers",
        "01 Words",
        "00 Numbers · hidden tests",
        "Checkpoint 00 · Numbers: not achieved",
        "Can I add?",
        "1 of 6 tests, 2 of 12 points.",
        "FAIL Title of b (2 points)",
        "got 3 in 00/b",
        "computed by add, src/01_numbers.py:12",
        "11 | value = 11 > 12 | value = 12 13 | value = 13",
        "input to try: x=1, y=2",
        "hint: Look.",
        "waiting for this: Title of c",
        "FAIL Title of d (2 points)",
        "at add, src/01_numbers.py:12",
        "for the same reason: Title of g",
        "1 test (2 points) could not be graded. Your instructor is informed;"
        " these tests do not count as 0.",
        "Title of e",
        "0 of 1 hidden tests passed, 0 of 2 points.",
        "Hidden test 1: failed (2 points)",
        "You cannot see these tests: try inputs that no test here tries.",
        "What works, 1 test",
        "pass Title of a",
        "Checkpoint 01 · Words: not achieved",
        "wait Title of h (2 points)",
        "waiting for checkpoint 00, whose module this is. First: pytest --checkpoint 00",
        "1 test, for the same reason as under Checkpoint 00 · Numbers: FAIL Title of d",
        "Checkpoint 00 · Numbers · hidden tests: not achieved",
        "1 of 2 tests, 2 of 3 points.",
        "Hidden test 1: failed (1 point)",
        "Next",
        "fix src/01_numbers.py:12, then run:",
        "pytest --checkpoint 00",
        "About this submission",
        "Isolation: bwrap",
    ]
    place = 0
    for words in in_order:
        found = said.find(words, place)
        assert found >= 0, (words, said[place : place + 300])
        place = found + 1
    assert said.count("Title of c") == said.count("Title of a") == 1
    assert "lost" not in said and "You can now" not in said


def test_what_is_achieved_is_said_with_what_it_makes_possible(course):
    for said in texts(course, run_of(made("00/a"), made("01/b"))):
        assert "Checkpoint 00 · Numbers: achieved" in said and "You can now add numbers." in said
        assert "2 of 2 checkpoints achieved" in said
        assert "every written checkpoint is achieved: pytest --progress=timeline" in said
        assert "About this submission" not in said and "could not" not in said


@pytest.mark.parametrize(
    "tests, standing",
    [
        ((made("00/a"), made("00/b", Outcome.MISSING)), "not decided"),
        ((failed("00/a"), made("00/b", Outcome.MISSING)), "not achieved"),
        ((made("00/a"), made("00/b", Outcome.ERROR, reason=Reason.HARNESS)), "not decided"),
        ((made("00/a"), made("00/b", Outcome.SKIPPED)), "not achieved"),
        ((made("00/a"), failed("00/b", reason=Reason.CRASHED)), "not achieved"),
    ],
    ids=["missing", "missing and failed", "harness", "skipped", "crashed"],
)
def test_what_could_not_be_graded_is_no_failure(course, tests, standing):
    for said in texts(course, run_of(*tests)):
        assert f"Checkpoint 00 · Numbers: {standing}" in said and "You can now" not in said
        assert ("could not be graded" in said) is any(not test.decided for test in tests)


def test_what_waits_for_what_could_not_be_graded_is_told_itself(course):
    lost = made("00/a", Outcome.MISSING, reason=Reason.HARNESS)
    for said in texts(course, run_of(lost, failed("00/b", depends=("00/a",)))):
        assert "FAIL Title of b (2 points) got 3 in 00/b" in said


def test_more_than_anybody_mends_at_once_is_listed(course):
    run = run_of(*(failed(f"0{n % 2}/t{n}") for n in range(12)))
    html, markdown = feedback_html(course, run, ()), feedback_markdown(course, run, ())
    outline = Outline(html)
    assert outline.tags.count("article") == 8 and outline.tags.count("details") == 4
    assert "got 3 in 01/t11" in outline.text  # folded, but there
    said = markdown_text(markdown)
    assert markdown.count("\n### ") == 8
    assert "And 2 more to fix after these: FAIL Title of t8 (2 points)" in said
    run = run_of(*(failed(f"00/t{n}") for n in range(8)), failed("01/last"))
    for said in texts(course, run):
        assert "1 to fix after the above: FAIL Title of last" in said


def test_of_several_places_the_first_is_shown_in_its_lines(course):
    places = (replace(PLACE, excerpt=((12, "x\n= 1"),)), replace(PLACE, line=13))
    for said in texts(course, run_of(failed("00/a", locations=places))):
        assert "src/01_numbers.py:12 > 12 | x = 1 computed by add, src/01_numbers.py:13" in said
        assert said.count(" | ") == 1


def test_a_run_of_nothing_is_a_page(course):
    for said in texts(course, run_of(student="", commit="", sources="", version="")):
        assert "Mini: feedback Grade: none yet, 0 of 0 points so far" in said
        assert "nothing was graded. Next" in said and "Checkpoint" not in said
        assert "write src/01_numbers.py, then run: pytest --checkpoint 00" in said


def test_groups_that_this_course_does_not_have_keep_their_names(course):
    for said in texts(course, run_of(made("milestone 3/a"), failed("99/b"))):
        assert "milestone 3: achieved" in said and "99: not achieved" in said


def test_many_notes_are_cut(course):
    for said in texts(course, RUN, [f"Ignored: file {n}" for n in range(99)]):
        assert "file 29 and 69 more" in said and "file 30" not in said


# --- the same record, the same bytes ------------------------------------------------------------


def test_no_clock_no_seed_and_no_place_is_in_a_page(course, tmp_path):
    other = replace(
        RUN,
        started="2031-07-09T12:34:56",
        seconds=77.7,
        seed=4242,
        tests=tuple(replace(test, seconds=55.5) for test in RUN.tests),
    )
    elsewhere = replace(course, root=tmp_path / "elsewhere")
    for draw in (feedback_html, feedback_markdown):
        assert draw(course, RUN, ["x"]) == draw(elsewhere, other, ["x"])
        assert draw(course, RUN, ["x"]) != draw(course, RUN, ["y"])


def test_pages_of_two_processes_are_the_same(course):
    code = """
import sys; sys.path[:0] = sys.argv[2:]
from test_feedback import RUN, feedback_html, feedback_markdown, load_course
from pathlib import Path
course = load_course(Path(sys.argv[1]))
print(feedback_html(course, RUN, ["x"]), feedback_markdown(course, RUN, ["x"]))
"""
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", code, str(course.root), here, str(Path(here).parent)]
    printed = [
        subprocess.run(
            command,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8", "TZ": zone},
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert printed[0] == printed[1] and len(printed[0]) > 5000


# --- nothing of a hidden test -------------------------------------------------------------------

CANARY = "CANARY"
SECRET = TestRecord(
    id=f"00/test_{CANARY}",
    title=CANARY,
    outcome=Outcome.FAILED,
    reason=Reason.RAISED,
    message=CANARY,
    locations=(Location(f"src/{CANARY}.py", 31337, CANARY, ((31337, CANARY),)),),
    example=CANARY,
    hint=CANARY,
    max_points=3,
    visibility="hidden",
    depends=(f"00/test_{CANARY}_first",),
    waits_for=CANARY,
    seconds=31337.0,
)


@pytest.mark.parametrize("visibility", ["hidden", "after_due_date", "after_published"])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_nothing_of_a_hidden_test_is_in_a_page(course, outcome, visibility):
    hidden = replace(SECRET, outcome=outcome, visibility=visibility)
    instructors = replace(hidden, id=f"hidden 00/test_{CANARY}")
    seen = failed("00/seen", depends=(SECRET.id,), reason=Reason.RAISED, message=CANARY.lower())
    harness = replace(hidden, id=f"00/{CANARY}_2", reason=Reason.HARNESS)
    run = run_of(seen, hidden, harness, instructors)
    assert str(run.to_json()).count(CANARY) > 30
    for page in (feedback_html(course, run, ()), feedback_markdown(course, run, ())):
        assert CANARY not in page and "31337" not in page
        assert CANARY.lower() in page  # of the visible test


def test_only_of_hidden_tests_that_failed_is_there_a_line(course):
    for said in texts(course, run_of(SECRET, replace(SECRET, outcome=Outcome.PASSED))):
        assert "1 of 2 tests, 3 of 6 points. Hidden test 1: failed (3 points)" in said
        assert "Hidden test 2" not in said
        assert "try inputs that no test here tries, fix, then run: pytest --checkpoint 00" in said


def test_a_hidden_test_that_could_not_be_graded_did_not_fail(course):
    lost = replace(SECRET, outcome=Outcome.ERROR, reason=Reason.HARNESS)
    for said in texts(course, run_of(lost)):
        assert "1 test (3 points) could not be graded" in said and "failed" not in said


# --- words of others ----------------------------------------------------------------------------

HOSTILE = {
    "script": "</style></pre></title><script>alert(1)</script><img src=x onerror=y>",
    "attribute": "\" onload='x' style=\"",
    "comment": "<!-- --> ]]> <?php ?> <!DOCTYPE x>",
    "entities": "&lt;b&gt; &#60;i&#62; &copy; &",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} #{7}",
    "backticks": "``` a ```` b ` c `` ```````",
    "only backticks": "`",
    "fence": "~~~ x ~~~ ::: note :::",
    "emphasis": "*a* **b** _c_ __d__ ~~e~~ a_b_c",
    "links": "[a](b) ![c](d) <https://e> https://f.example www.g.example [h]: i [^1] [x]",
    "heading": "# a ## b ###",
    "numbered": "1. a 2) b",
    "bullet": "- a + b * c --- === ***",
    "quote": "> a | b | c |",
    "table": "| a | b |",
    "backslash": "a\\ \\`b\\` \\*c\\* \\",
    "lines": "a\n```\nb\n\n````\n\n    c\n---\n# d\n~~~\n<pre>\n",
    "ansi": "\x1b[2J\x1b]0;title\x07\x9b31m",
    "nul": "a\x00b\r\x08",
    "bidi": "a\u202eb\u2066c\u200f",
    "halves": "a\ud800b\udfff",
    "command": "::error file=x::y",
    "formula": "=HYPERLINK(1)",
}


def filled(words):
    """A record with these words wherever somebody else's can be."""
    place = Location(words, 12, words, tuple((n, words) for n, _ in EXCERPT))
    given = {"message": words, "example": words, "hint": words, "locations": (place, place)}
    tests = (
        replace(failed(f"{words.replace('/', '').replace(' ', '_')}/first", **given), title=words),
        replace(made("00/a"), title=words),
        replace(failed("00/b", **given), title=words),
        replace(failed("00/c", depends=("00/b",)), title=words),
        replace(failed("00/d", reason=Reason.RAISED, **given), title=words),
        replace(failed("01/e", reason=Reason.RAISED, **given), title=words),
        replace(made("01/f", Outcome.MISSING, message=words), title=words),
        replace(failed("01/g", waits_for=words, **given), title=words),
        replace(SECRET, title=words),
        *(replace(failed(f"00/t{n}", **given), title=words) for n in range(9)),
    )
    more = {"student": words, "commit": words, "sources": words, "version": words}
    return run_of(*tests, **more, altered=(words,))


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
def test_no_words_change_what_a_page_is_made_of(course, words):
    plain, run, notes = filled("plain"), filled(words), [words, words]
    html = feedback_html(course, run, notes)
    outline, wanted = Outline(html), Outline(feedback_html(course, plain, ["plain"] * 2))
    assert outline.tags == wanted.tags and outline.declarations == wanted.declarations
    named = ("href", "id", "class", "style", "src")
    assert [a for a in outline.attributes if a[1] in named] == [
        a for a in wanted.attributes if a[1] in named
    ]
    markdown = feedback_markdown(course, run, notes)
    assert markdown_outline(markdown) == markdown_outline(
        feedback_markdown(course, plain, ["plain"] * 2)
    )
    for page in (html, markdown):
        page.encode("utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e]", page)


SHOWN = {name: words for name, words in HOSTILE.items() if words.isprintable()}


@pytest.mark.parametrize("words", SHOWN.values(), ids=SHOWN)
def test_words_are_shown_as_they_are(course, words):
    # The end is for counting: some of them stand elsewhere on a page, too.
    plain, words = "plain zz", f"{words} zz"
    wanted = texts(course, filled(plain), [plain])
    for said, other in zip(texts(course, filled(words), [words]), wanted, strict=True):
        assert said.count(" ".join(words.split())) >= other.count(plain) - 4 > 60


def test_no_site_makes_links_of_words(course):
    words = f"{HOSTILE['links']} $x$"
    markdown = feedback_markdown(course, filled(words), [words])
    outside = re.sub(r"^(```+)text$.*?^\1$", "", markdown, flags=re.M | re.S)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert "example" in outside and not re.search(r"(?<!\\)(://|\$)|www\.", outside)


def test_where_a_line_is_broken_nothing_else_begins(course):
    for start in ("-", "+", "1.", "2)", "#", ">", "===", "---", "```", "|", ":::", "* * *", "[a]:"):
        for length in range(60, 80):
            words, end = f"{'x' * length} {start} {start} y", f"{'x' * length} {start}"
            run = replace(run_of(replace(failed("00/a", hint=end), title=words)), student="")
            plain = run_of(failed("00/a", hint="plain"), student="")
            markdown = feedback_markdown(course, run, [words, end])
            assert markdown_outline(markdown) == markdown_outline(
                feedback_markdown(course, plain, ["plain"] * 2)
            ), words
            assert markdown_text(markdown).count(words) == 2
            assert markdown_text(markdown).count(end) == 4


@pytest.mark.timeout(20)
@pytest.mark.parametrize("character", ["x", "\n", "`", "<", "\x00", "\U0001f600", "\u202e"])
def test_a_million_characters_are_cut(course, character):
    run = filled(character * 2**20 + "END")
    for draw in (feedback_html, feedback_markdown):
        page = draw(course, run, [character * 2**20 + "END"])
        assert len(page) < 600_000 and "END" not in page


def test_a_message_of_many_lines_is_cut(course):
    run = run_of(failed("00/a", message="\n".join(f"line {n}." for n in range(99))))
    for said in texts(course, run):
        assert "line 39. [...]" in said and "line 40." not in said


def test_lines_of_markdown_fit_a_terminal(course):
    run = run_of(failed("00/a", message="a word " * 99, hint="a hint " * 99, example="b, " * 99))
    page = feedback_markdown(course, run, ["a note " * 40])
    assert max(map(len, page.splitlines())) < 80
    assert not any(line != line.rstrip() for line in page.splitlines())


# --- the form of HTML ---------------------------------------------------------------------------


def test_a_page_loads_nothing_and_runs_nothing(course):
    html = feedback_html(course, RUN, ["x"])
    outline = Outline(html)
    assert outline.declarations == ["doctype html"]
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(outline.tags)
    assert not [a for a in outline.attributes if a[1].startswith("on") or a[1] in ("style", "src")]
    assert all(value.startswith("#") for value in outline.values("href"))
    assert not re.search(r"url\(|@import|expression", html)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', html)
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert html.index(policy) < html.index("<style>")


def test_a_page_can_be_read_without_eyes(course):
    outline = Outline(feedback_html(course, RUN, ["x"]))
    levels = [int(tag[1]) for tag in outline.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [outline.tags.count(tag) for tag in ("header", "main", "footer")] == [1, 1, 1]
    assert ("html", "lang", "en") in outline.attributes
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    assert {value.removeprefix("#") for value in outline.values("href")} <= set(ids)
    assert set(outline.values("aria-labelledby")) <= set(ids)
    # A bar is a picture of what stands beside it in words.
    assert outline.values("aria-hidden") == ["true"] * outline.tags.count("svg")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_differ_enough_for_everybody(course):
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)
    html = feedback_html(course, RUN, ())
    schemes = [
        dict(re.findall(r"--(\w+): (#\w{6})", block))
        for block in re.findall(r":root \{(.*?)\}", html, re.S)
    ]
    schemes = [scheme for scheme in schemes if scheme]
    assert len(schemes) == 2
    for scheme in schemes:
        for ground in ("paper", "raised"):
            for ink in ("ink", "quiet", "good", "bad", "todo", "link"):
                assert contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground, scheme)
        assert contrast(scheme["ink"], scheme["mark"]) >= 4.5


def test_it_works_with_the_course_as_it_is(repository):
    course = load_course(repository)
    tests = [failed(f"{checkpoint.id}/a") for checkpoint in course.checkpoints]
    for said in texts(course, run_of(*tests)):
        assert all(checkpoint.question in said for checkpoint in course.checkpoints)
