"""What a student does about a grade."""

import pytest

from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.progress.next_step import step_after_grade


def made(identifier, outcome=Outcome.PASSED, reason=Reason.NONE, **more):
    return TestRecord(identifier, identifier, outcome, reason, **more)


def failed(identifier, reason=Reason.WRONG, line=3, **more):
    return made(identifier, Outcome.FAILED, reason, locations=(Location("src/a.py", line),), **more)


LOST = made("00/lost", Outcome.MISSING, Reason.HARNESS)
HIDDEN = made("00/hidden_1", Outcome.FAILED, visibility="hidden")
INSTRUCTORS = made("hidden 01/hidden_1", Outcome.FAILED, visibility="hidden")
SKIPPED = made("00/skipped", Outcome.SKIPPED)
MEND, WRITE, RUN_00 = "fix src/a.py:3, then run", "write src/a.py:3, then run", "--checkpoint 00"
NOTHING = "there is nothing to fix; to check it yourself, run"
TRY = "try inputs that no test here tries, fix, then run"
FORWARD = "write src/02_words.py, then run"

STEPS = {
    "failed": ([failed("00/a"), failed("01/b", line=4)], MEND, RUN_00),
    "not written": ([failed("00/a", Reason.NOT_WRITTEN)], WRITE, RUN_00),
    "nothing there": (
        [made("00/a", Outcome.FAILED, Reason.NOT_WRITTEN)],
        "write the task named first above, then run",
        RUN_00,
    ),
    "crash": (
        [made("00/a", Outcome.FAILED, Reason.CRASHED)],
        "fix the first failure above, then run",
        RUN_00,
    ),
    "waits": ([failed("01/a", waits_for="00")], MEND, RUN_00),
    "lost, then failed": ([LOST, failed("00/a")], MEND, RUN_00),
    "hidden, then failed": ([HIDDEN, failed("01/a")], MEND, "--checkpoint 01"),
    "skipped, then failed": ([SKIPPED, failed("00/a")], MEND, RUN_00),
    "failed behind what is lost": ([LOST, failed("00/a", depends=(LOST.id,))], MEND, RUN_00),
    "hidden": ([made("00/a"), HIDDEN], TRY, RUN_00),
    "an instructor's": ([made("01/a"), INSTRUCTORS], TRY, "--checkpoint 01"),
    "lost, then hidden": ([LOST, INSTRUCTORS], TRY, "--checkpoint 01"),
    "lost": ([made("01/a"), LOST], NOTHING, RUN_00),
    "passed": ([made("00/a")], FORWARD, "--checkpoint 01"),
    "skipped alone": ([SKIPPED], FORWARD, "--checkpoint 01"),
    "only what comes later": (
        [made("01/a")],
        "every written checkpoint is achieved",
        "--progress=timeline",
    ),
    "nothing": ([], "write src/01_numbers.py, then run", RUN_00),
}


@pytest.mark.parametrize("tests, why, command", STEPS.values(), ids=STEPS)
def test_the_step_after_a_grade(course, tests, why, command):
    groups = tuple(dict.fromkeys(test.group for test in tests))
    step = step_after_grade(course, RunRecord("mini", 0, "", 0.0, tuple(tests), groups))
    assert (step.why, step.command) == (why, f"pytest {command}")
