"""What a student does about a grade."""

import pytest

from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.progress.next_step import (
    remark_on_solutions,
    step_after_grade,
    step_forward,
)
from pytest_tinytorch.progress.progress import State, Status


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


def begun(course, state, passed=0, last_run=""):
    first = course.checkpoints[0]
    return Status(first, state, passed, 2, 0, last_run=last_run)


class Statuses:
    """Stands for a Progress."""

    def __init__(self, *statuses):
        self.statuses = statuses


@pytest.mark.parametrize(
    "state, passed, open_why, written_why",
    [
        (State.NOT_STARTED, 0, "write SOURCE, then run", "SOURCE is written, so run"),
        (State.FAILING, 0, "not written yet: write SOURCE, then run", "fix SOURCE, then run"),
        (State.FAILING, 1, "fix SOURCE, then run", "fix SOURCE, then run"),
    ],
)
def test_the_step_forward_says_whether_a_task_is_open(course, state, passed, open_why, written_why):
    source = course.source_file(course.modules[0])
    given = '    raise NotImplementedError(f"{type(self).__name__} has no rate yet")\n'
    text = source.read_text("utf-8") + f"\ndef given(self):\n{given}"
    for addition, why in (
        ("", written_why),
        ("\ndef f():\n    raise NotImplementedError\n", open_why),
    ):
        source.write_text(text + addition, "utf-8")
        step = step_forward(course, [begun(course, state, passed)])
        assert step.why == why.replace("SOURCE", "src/01_numbers.py")


def test_the_checkpoint_that_was_run_last_comes_first(course):
    def states(*last_runs):
        return [
            Status(checkpoint, State.FAILING, 1, 2, 0, last_run=last)
            for checkpoint, last in zip(course.checkpoints, last_runs, strict=False)
        ]

    assert step_forward(course, states("", "")).command == "pytest --checkpoint 00"
    assert step_forward(course, states("2026-01-01", "2026-01-02")).command.endswith("01")
    assert step_forward(course, states("2026-01-03", "2026-01-02")).command.endswith("00")


def test_the_first_run_in_a_tree_of_solutions_says_how_a_student_begins(course):
    written = [course.source_file(module) for module in course.modules if module.written]
    marked = "\ndef f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
    new = Statuses(begun(course, State.NOT_STARTED))
    assert remark_on_solutions(course, new) == ""  # without marks, a student may have written it
    for source in written:
        source.write_text(source.read_text("utf-8") + marked, "utf-8")
    assert remark_on_solutions(course, new) == (
        "src/ holds the course's solutions. To begin as a student, delete in src/01_numbers.py what"
        " stands between ### BEGIN SOLUTION and ### END SOLUTION, and write it."
    )
    assert remark_on_solutions(course, Statuses(begun(course, State.FAILING, 0, "2026"))) == ""
    source = written[-1]
    source.write_text(source.read_text("utf-8").replace("return 1", "raise NotImplementedError"))
    assert remark_on_solutions(course, new) == ""
