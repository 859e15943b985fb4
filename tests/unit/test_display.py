"""Drawings: within the width, the same words without colour, no meaning by colour alone."""

import re
from types import MappingProxyType

import pytest
from rich.cells import cell_len

from pytest_tinytorch.display.draw import draw
from pytest_tinytorch.display.progress import progress_view
from pytest_tinytorch.display.run import (
    cause_blocks,
    checkpoint_heading,
    next_line,
    run_summary,
    step_after_failure,
    step_forward,
)
from pytest_tinytorch.display.run import test_line as line_of_test
from pytest_tinytorch.grouping import causes
from pytest_tinytorch.manifest import load_manifest
from pytest_tinytorch.progress import FORMS, Progress, State, Status
from pytest_tinytorch.record import Location, Outcome, Reason, RunRecord, TestRecord

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
        checkpoint_heading(course, checkpoint),
        *(line_of_test(test, KNOWN) for test in TESTS),
        *cause_blocks(TESTS),
        *run_summary([Status(checkpoint, State.FAILING, 1, 4, 1)], {"00": TESTS}, {}),
        next_line(step_after_failure(causes(TESTS)[0])),
    ]


def with_progress(course):
    manifest = load_manifest(course)
    tests = [
        TestRecord(name, name, Outcome.FAILED if "mean" in name else Outcome.PASSED)
        for name in manifest.of("00")
    ]
    progress = Progress.of(course, manifest)
    progress.record(RunRecord("mini", 0, "2026-01-01T00:00:00", 1.0, tuple(tests)), ["00"])
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
        *(f"  {'>' if n == 100 else ' '} {n:4} | {text}"[:80].rstrip() for n, text in EXCERPT),
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
    assert "And 3 more to mend after these:\n  Title 8\n  Title 9\n  Title 10" in shown
    assert "message 7" in shown and "message 8" not in shown


def test_next_steps(course):
    assert step_after_failure(causes([FAILED])[0]).command == "pytest --checkpoint 00"
    assert step_after_failure(causes([FAILED])[0]).why == "mend src/01_numbers.py:100, then run"
    assert step_after_failure(causes([TODO])[0]).why == "write src/01_numbers.py:30, then run"
    inline = TestRecord("module 02/test_a", "A", Outcome.FAILED, Reason.RAISED, "x")
    step = step_after_failure(causes([inline])[0])
    assert (step.command, step.why) == (
        "pytest --module 02",
        "mend the first failure above, then run",
    )
    first, second, planned = course.checkpoints

    def status(checkpoint, state):
        return Status(checkpoint, state, 0, 1, 0)

    for state, why in (
        (State.STALE, "the code it rests on changed, so run again"),
        (State.FAILING, "mend src/02_words.py, then run"),
        (State.NOT_STARTED, "write src/02_words.py, then run"),
    ):
        step = step_forward(course, [status(first, State.ACHIEVED), status(second, state)])
        assert (step.command, step.why) == ("pytest --checkpoint 01", why)
    done = step_forward(course, [status(first, State.ACHIEVED), status(planned, State.PLANNED)])
    assert done.why == "everything that is there is achieved"


def test_the_verdict_on_a_checkpoint(course):
    checkpoint = course.checkpoints[0]

    def said(tests, total=2, rests_on=MappingProxyType({})):
        status = Status(checkpoint, State.FAILING, 0, total, 0)
        return " ".join(draw(run_summary([status], {"00": tests}, rests_on), 200, False).split())

    name = "Checkpoint 00 · Numbers: "
    assert said([PASSED, PASSED]) == (
        f"{name}achieved, 2 of 2 tests, 2 of 7 points You can now add numbers."
    )
    assert said([PASSED, FAILED]) == f"{name}not achieved, 1 of 2 tests, 1 of 7 points"
    need = Status(course.checkpoints[1], State.STALE, 0, 1, 0)
    assert said([FAILED, PASSED], rests_on={"00": [need]}) == (
        f"{name}not achieved, 1 of 2 tests, 1 of 7 points It waits for Checkpoint 01 · Words,"
        " stale. First: pytest --checkpoint 01"
    )
    assert "waits" not in said([PASSED, PASSED], rests_on={"00": [need]})
    assert said([PASSED]) == (
        f"{name}not decided, 1 of the 1 tests that ran passed (2 count)."
        " Run all: pytest --checkpoint 00"
    )
