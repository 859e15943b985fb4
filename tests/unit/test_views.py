"""Drawings: within the width, the same words without colour, no meaning by colour alone."""

import re
import textwrap
from dataclasses import replace
from types import MappingProxyType

import pytest
from evidence import keep_evidence
from rich.cells import cell_len

from pytest_tinytorch.core.causes import causes
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.progress.completion import Achievement
from pytest_tinytorch.progress.next_step import step_after_failure, step_forward
from pytest_tinytorch.progress.progress import FORMS, Progress, State, Status
from pytest_tinytorch.reports.completed_view import celebration
from pytest_tinytorch.reports.console import draw
from pytest_tinytorch.reports.progress_view import progress_view
from pytest_tinytorch.reports.run_view import (
    cause_blocks,
    collection_heading,
    next_line,
    run_summary,
)
from pytest_tinytorch.reports.run_view import test_line as line_of_test

LONG = "Keeps " + "a title that goes on and on, " * 6 + "to the end"
EXCERPT = tuple((n, f"    value = function({n}, {'argument, ' * 12})") for n in range(98, 103))
FAILED = TestRecord(
    "00/test_add",
    LONG,
    Outcome.FAILED,
    Reason.WRONG,
    "x + y: largest difference 2 at [0, 1]: got 3.0, expected 1.0 (1 of 4 elements differ)",
    (Location("src/01_numbers.py", 100, "add", EXCERPT), Location("src/01_numbers.py", 7, "mean")),
    example="a=array([1., 2.]),\nb=3,",
    hint="Look at größer [x].",
    max_points=2,
)
WAITING = TestRecord(
    "00/test_double", "Doubles", Outcome.FAILED, Reason.WRONG, "m", depends=("00/test_add",)
)
TODO = TestRecord(
    "00/test_mean",
    "Takes the mean",
    Outcome.FAILED,
    Reason.NOT_WRITTEN,
    "not written yet: mean",
    (Location("src/01_numbers.py", 30, "mean"),),
)
PASSED = TestRecord("00/test_pairs[small]", "Adds pairs [small]", Outcome.PASSED, max_points=1)
TESTS = (PASSED, FAILED, WAITING, TODO)
KNOWN = {test.id: test for test in TESTS}


def everything(course):
    """All that a run can draw."""
    checkpoint = course.checkpoints[0]
    return [
        collection_heading(course, checkpoint),
        *(line_of_test(test, KNOWN) for test in TESTS),
        *cause_blocks(TESTS),
        *run_summary(
            [Status(checkpoint, State.FAILING, 1, 4, 1)], {checkpoint_group("00"): TESTS}, {}
        ),
        next_line(step_after_failure(causes(TESTS)[0])),
    ]


def with_progress(course):
    manifest = load_manifest(course)
    tests = [
        TestRecord(name, name, Outcome.FAILED if "mean" in name else Outcome.PASSED)
        for name in manifest.of(checkpoint_group("00"))
    ]
    progress = Progress.of(course, manifest)
    progress.record(
        RunRecord("mini", 0, "2026-01-01T00:00:00", 1.0, tuple(tests)), course.checkpoints[:1]
    )
    return progress


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("form", ["run", *(form for form in FORMS if form != "json")])
def test_every_line_fits_and_colour_adds_no_word(course, form, width):
    parts = (
        everything(course) if form == "run" else progress_view(course, with_progress(course), form)
    )
    plain, coloured = draw(parts, width, False), draw(parts, width, True)
    assert max(cell_len(line) for line in plain.splitlines()) <= width
    assert "\x1b" not in plain and "\x1b[" in coloured
    without = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert [line.rstrip() for line in without.splitlines()] == plain.splitlines()
    assert all(line == line.rstrip() for line in plain.splitlines())


def wrapped(number, text):
    """A line of an excerpt at 80 columns: what does not fit begins below the code."""
    first, rest = text[:69].rsplit(" ", 1)
    rest += text[69:]
    gutter = f"  {'>' if number == 100 else ' '} {number:4} | "
    return [gutter + first, *(f"{'':11}{part}" for part in textwrap.wrap(rest, 69))]


def test_a_failure_as_it_is_read(course):
    lines = draw(cause_blocks([FAILED]), 80, False).splitlines()
    assert lines[:2] == [
        "",
        "FAIL Keeps a title that goes on and on, a title that goes on and on, a title",
    ]
    assert lines[lines.index(next(line for line in lines if "x + y" in line)) :] == [
        "  x + y: largest difference 2 at [0, 1]: got 3.0, expected 1.0 (1 of 4 elements",
        "  differ)",
        "  computed by add, src/01_numbers.py:100",
        *(row for n, text in EXCERPT for row in wrapped(n, text)),
        "  computed by mean, src/01_numbers.py:7",
        "  input to try:",
        "    a=array([1., 2.]),",
        "    b=3,",
        "  hint: Look at größer [x].",
    ]


def test_every_verdict_is_a_word(course):
    shown = draw([line_of_test(test, KNOWN) for test in TESTS], 120, False)
    words = [line.split()[0] for line in shown.splitlines() if line[2:3].strip()]
    assert words == ["pass", "FAIL", "wait", "todo"]


def test_what_waits_is_folded_and_what_is_too_much_is_listed():
    shown = draw(cause_blocks(TESTS), 80, False)
    assert "waiting for this: Doubles" in shown and shown.count("Doubles") == 1
    many = [
        TestRecord(f"00/t{n}", f"Title {n}", Outcome.FAILED, Reason.WRONG, f"message {n}")
        for n in range(11)
    ]
    shown = draw(cause_blocks(many), 80, False)
    assert "And 3 more to fix after these:\n  Title 8\n  Title 9\n  Title 10" in shown
    assert "message 7" in shown and "message 8" not in shown


def test_next_steps(course):
    assert step_after_failure(causes([FAILED])[0]).command == "pytest --checkpoint 00"
    assert step_after_failure(causes([FAILED])[0]).why == "fix src/01_numbers.py:100, then run"
    assert step_after_failure(causes([TODO])[0]).why == "write src/01_numbers.py:30, then run"
    inline = TestRecord("module 02/test_a", "A", Outcome.FAILED, Reason.RAISED, "x")
    step = step_after_failure(causes([inline])[0])
    assert (step.command, step.why) == (
        "pytest --module 02",
        "fix the first failure above, then run",
    )
    first, second, planned = course.checkpoints

    def status(checkpoint, state):
        return Status(checkpoint, state, 0, 1, 0)

    for state, why in (
        (State.STALE, "the code it rests on changed, so run again"),
        (State.FAILING, "fix src/02_words.py, then run"),
        (State.NOT_STARTED, "src/02_words.py is written, so run"),
    ):
        step = step_forward(course, [status(first, State.ACHIEVED), status(second, state)])
        assert (step.command, step.why) == ("pytest --checkpoint 01", why)
    done = step_forward(course, [status(first, State.ACHIEVED), status(planned, State.PLANNED)])
    assert done.why == "every written checkpoint is achieved"


def test_the_verdict_on_a_checkpoint(course):
    checkpoint = course.checkpoints[0]

    def said(tests, total=2, rests_on=MappingProxyType({})):
        status = Status(checkpoint, State.FAILING, 0, total, 0)
        return " ".join(
            draw(
                run_summary([status], {checkpoint_group("00"): tests}, rests_on), 200, False
            ).split()
        )

    name = "Checkpoint 00 · Numbers: "
    assert said([PASSED, PASSED]) == (
        f"{name}achieved, 2 of 2 tests, 2 of 7 points You can now add numbers."
    )
    assert said([PASSED, FAILED]) == f"{name}not achieved, 1 of 2 tests, 1 of 7 points"
    need = Status(course.checkpoints[1], State.STALE, 0, 1, 0)
    assert said([FAILED, PASSED], rests_on={checkpoint_group("00"): [need]}) == (
        f"{name}not achieved, 1 of 2 tests, 1 of 7 points It rests on Checkpoint 01 · Words,"
        " stale. See: pytest --checkpoint 01"
    )
    failing = Status(course.checkpoints[1], State.FAILING, 1, 4, 0)
    assert said([FAILED, PASSED], rests_on={checkpoint_group("00"): [failing, need]}).endswith(
        "It waits for Checkpoint 01 · Words, failing 3 of 4. First: pytest --checkpoint 01"
    )
    assert "waits" not in said([PASSED, PASSED], rests_on={checkpoint_group("00"): [failing]})
    assert said([PASSED]) == (
        f"{name}not decided, 1 of the 1 tests that ran passed (2 count)."
        " Run all: pytest --checkpoint 00"
    )


WIDE = "大きな数 · größer ♞ e\u0301 " * 9
UNBROKEN = "x" * 300


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    "words", [WIDE, UNBROKEN, "a\tb " * 40, ""], ids=["wide", "long", "tab", ""]
)
def test_whatever_the_words_every_line_fits_and_none_is_lost(course, words, width):
    at = (Location("src/01_numbers.py", 9, words.strip(), ((9, words),)),)
    test = TestRecord("00/a", words, Outcome.FAILED, Reason.RAISED, words, at, words, words)
    second = TestRecord("00/b", words, Outcome.FAILED, Reason.WRONG, words, depends=("00/a",))
    known = {record.id: record for record in (test, second)}
    parts = [line_of_test(test, known), *cause_blocks([test, second])]
    plain, coloured = draw(parts, width, False), draw(parts, width, True)
    assert max(cell_len(line) for line in plain.splitlines()) <= width
    assert "\x1b" not in plain
    assert [line.rstrip() for line in without_colour(coloured)] == plain.splitlines()
    # title twice, message, function, example, hint, and what waits: all but the excerpt is wrapped
    letters = "".join(words.split())
    assert "".join(plain.split()).count(letters[-10:]) >= (7 if letters else 0)


def without_colour(text):
    return re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()


def test_markup_and_shorthand_of_the_drawing_library_are_words_like_any_other(course):
    words = "[bold]x[/bold] :smile: [/] \\[x] https://example.org 'a' 12"
    test = TestRecord("00/a", words, Outcome.FAILED, Reason.RAISED, words, hint=words)
    plain = draw([line_of_test(test, {}), *cause_blocks([test])], 120, False)
    assert plain.splitlines() == [
        f"  FAIL  {words}",
        "",
        f"FAIL {words}",
        f"  {words}",
        f"  hint: {words}",
    ]


def test_a_terminal_without_a_width_gets_lines_of_forty():
    shown = draw(["word " * 30], 0, False)
    assert max(len(line) for line in shown.splitlines()) == 39
    assert shown.split() == ["word"] * 30


def test_nothing_is_drawn_of_nothing():
    assert draw([], 80, False) == draw(cause_blocks([PASSED]), 80, True) == ""


VIEWS = {
    "summary": [
        "Mini: 0 of 3 checkpoints, 5 of 16 points",
        "",
        "First",
        "  00 Numbers  failing 1 of 5",
        "Second",
        "  01 Words    not started",
        "  02 Later    planned",
        "",
        "Next: fix src/01_numbers.py, then run: pytest --checkpoint 00",
    ],
    "detailed": [
        "Mini: 0 of 3 checkpoints, 5 of 16 points",
        "",
        "First",
        "  00 Numbers: failing 1 of 5, 4 of 5 tests, 5 of 7 points, 2026-01-01",
        "     Can I add?",
        "     module 01_numbers: src/01_numbers.py",
        "     failing: test_mean",
        "Second",
        "  01 Words: not started",
        "     Can I shout?",
        "     module 02_words: src/02_words.py",
        "  02 Later: planned",
        "     Can I wait?",
        "     module 03_later: not part of this course yet",
        "",
        "Next: fix src/01_numbers.py, then run: pytest --checkpoint 00",
    ],
    "timeline": [
        "Mini: 0 of 3 checkpoints, 5 of 16 points",
        "",
        "First",
        "  [x] 00 Numbers, failing 1 of 5",
        "   |",
        "Second",
        "  [.] 01 Words, not started",
        "   |",
        "  [ ] 02 Later, planned",
        "   |",
        "",
        "[#] achieved, [x] failing, [~] stale, [.] not started, [ ] planned",
        "",
        "Next: fix src/01_numbers.py, then run: pytest --checkpoint 00",
    ],
    "horizontal": [
        "Mini: 0 of 3 checkpoints, 5 of 16 points",
        "",
        "First        --00[x]",
        "Second       --01[.]--02[ ]",
        "",
        "[#] achieved, [x] failing, [~] stale, [.] not started, [ ] planned",
        "",
        "Next: fix src/01_numbers.py, then run: pytest --checkpoint 00",
    ],
}


@pytest.mark.parametrize("form", VIEWS)
def test_a_view_word_by_word(course, form):
    shown = draw(progress_view(course, with_progress(course), form), 80, False)
    assert shown.splitlines() == VIEWS[form]


def test_every_form_of_progress_but_that_for_programs_has_a_view():
    assert {*VIEWS, "json"} == set(FORMS)


MARKS = {
    State.ACHIEVED: "#",
    State.FAILING: "x",
    State.STALE: "~",
    State.NOT_STARTED: ".",
    State.PLANNED: " ",
}


def in_state(course, state):
    """Progress in which the first checkpoint is in this state, and the others are as they are."""
    progress = Progress.of(course, load_manifest(course))
    first = course.checkpoints[0]
    progress._known[first.group] = Status(first, state, 3, 5, 2.5)
    return progress


@pytest.mark.parametrize("state", State)
def test_each_state_is_told_without_colour_in_each_view(course, state):
    word = "failing 2 of 5" if state is State.FAILING else str(state)
    wanted = {
        "summary": f"  00 Numbers  {word}",
        "detailed": f"  00 Numbers: {word}",
        "timeline": f"  [{MARKS[state]}] 00 Numbers, {word}",
        "horizontal": f"First        --00[{MARKS[state]}]",
    }
    for form, line in wanted.items():
        shown = draw(progress_view(course, in_state(course, state), form), 80, False).splitlines()
        assert [found for found in shown if found.startswith(line)] != [], shown
        assert [found for found in shown if "00" in found and "Next:" not in found] != []
    assert len({*MARKS.values()}) == len(MARKS) == len(State)


@pytest.mark.parametrize("form", VIEWS)
def test_what_is_wrong_with_the_progress_file_stands_below(course, own_progress, form):
    own_progress.mkdir()
    (own_progress / "progress.json").write_text("{")
    progress = Progress.of(course, load_manifest(course))
    [note] = progress.notes
    shown = draw(progress_view(course, progress, form), 400, False).splitlines()
    assert shown[-1] == note


def test_details_of_a_module_that_is_completed_or_not_there(course):
    progress = Progress.of(course, load_manifest(course))
    progress.complete_module(course.modules[0])
    course.source_file(course.modules[1]).unlink()
    shown = draw(progress_view(course, progress, "detailed"), 80, False)
    assert "     module 01_numbers: src/01_numbers.py (claimed, unverified)\n" in shown
    keep_evidence(course, course.checkpoints[0])
    progress = Progress.of(course, load_manifest(course))
    again = draw(progress_view(course, progress, "detailed"), 80, False)
    assert "     module 01_numbers: src/01_numbers.py (completed)\n" in again
    assert "     module 02_words: src/02_words.py (not there)\n" in shown


def test_points_are_counted_as_people_write_them(course):
    def head(points):
        test = TestRecord("00/a", "A", Outcome.FAILED, Reason.RAISED, "m", max_points=points)
        return draw(cause_blocks([test]), 80, False).splitlines()[1]

    assert [head(points) for points in (0, 1, 2, 0.5, 1.5, 10)] == [
        "FAIL A",
        "FAIL A (1 point)",
        "FAIL A (2 points)",
        "FAIL A (0.5 points)",
        "FAIL A (1.5 points)",
        "FAIL A (10 points)",
    ]


@pytest.mark.parametrize(
    "reason, line",
    [(Reason.WRONG, "computed by mean, a.py:7"), (Reason.RAISED, "at mean, a.py:7")],
)
def test_a_place_says_whether_it_raised_or_computed(reason, line):
    test = TestRecord("00/a", "A", Outcome.FAILED, reason, "m", (Location("a.py", 7, "mean"),))
    assert f"  {line}" in draw(cause_blocks([test]), 80, False).splitlines()
    nameless = TestRecord("00/a", "A", Outcome.FAILED, reason, "m", (Location("a.py", 7),))
    verb = line.partition("mean")[0]
    assert f"  {verb}a.py:7" in draw(cause_blocks([nameless]), 80, False).splitlines()


def test_of_many_titles_three_are_named():
    def cause(count):
        tests = [
            TestRecord(f"00/t{n}", f"T{n}", Outcome.FAILED, Reason.RAISED, "m")
            for n in range(count + 1)
        ]
        [line] = [x for x in draw(cause_blocks(tests), 80, False).splitlines() if "same" in x]
        return line

    assert cause(1) == "  for the same reason: T1"
    assert cause(3) == "  for the same reason: T1; T2; T3"
    assert cause(5) == "  for the same reason: T1; T2; T3; and 2 more"


def test_a_test_that_waits_for_another_checkpoint_says_which():
    test = TestRecord(
        "01/a", "A", Outcome.FAILED, Reason.NOT_WRITTEN, "not written yet: add", waits_for="00"
    )
    assert draw(cause_blocks([test]), 100, False).splitlines() == [
        "",
        "wait A",
        "  not written yet: add",
        "  waiting for checkpoint 00, whose module this is. First: pytest --checkpoint 00",
    ]
    assert step_after_failure(causes([test])[0]).command == "pytest --checkpoint 00"


def test_a_checkpoint_that_waits_for_another_says_which(course):
    numbers, words, _ = course.checkpoints
    status = Status(words, State.FAILING, 0, 1, 0)
    test = TestRecord("01/a", "A", Outcome.FAILED, Reason.WRONG, "m", max_points=4)
    needs = {checkpoint_group("01"): [Status(numbers, State.STALE, 0, 5, 0)]}
    assert draw(
        run_summary([status], {checkpoint_group("01"): [test]}, needs), 100, False
    ).splitlines() == [
        "",
        "Checkpoint 01 · Words: not achieved, 0 of 1 tests, 0 of 4 points",
        "It rests on Checkpoint 00 · Numbers, stale. See: pytest --checkpoint 00",
    ]


def test_a_module_that_is_complete_is_celebrated_in_numbers(course):
    achieved = Achievement(
        module=replace(course.modules[0], example="MLP([784, 256, 10])"),
        lines=42,
        names=("add", "double", "mean"),
        tests={"inline tests": 3, "integration tests": 0, "checkpoint 00": 5},
        parameters=203_530,
        completed=2,
        modules=3,
    )
    lines = [
        "",
        "*** 01_numbers is complete ***",
        "  You built add, double and mean, in 42 lines of code.",
        "  8 tests pass: 3 inline tests, 5 checkpoint 00.",
        "  MLP([784, 256, 10]) has 203,530 parameters, all of them yours.",
        "  You can now add numbers.",
        "  [##.] 2 of 3 modules",
    ]
    assert draw([celebration(achieved, "add numbers")], 80, False).splitlines() == lines
    one = replace(achieved, names=("add",), parameters=0)
    assert draw([celebration(one, "")], 80, False).splitlines() == [
        *lines[:2],
        "  You built add, in 42 lines of code.",
        lines[3],
        lines[6],
    ]
