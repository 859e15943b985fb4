"""Whatever a step raises on one submission is that submission's, whichever is being graded."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_tinytorch.core import alarm
from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.errors import MACHINE
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.core.records import Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.grading import prepare as preparing
from pytest_tinytorch.grading.grader import Grader
from pytest_tinytorch.grading.parts import PartFiles, PartStatus
from pytest_tinytorch.grading.prepare import reason_of
from pytest_tinytorch.hooks.batch import _graded
from pytest_tinytorch.hooks.reporters.batch import ClassReport
from pytest_tinytorch.isolation.failures import Died
from pytest_tinytorch.submissions import reader as reading
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.notebooks import NotebookReader

COURSE = load_course(Path(__file__).parents[2])
STUDENTS = ("anna", "eve", "zoe")
GROUP = checkpoint_group("01")
PASSED = TestRecord(f"{GROUP}/test_a", "A", Outcome.PASSED, max_points=3)
FAILED = TestRecord(f"{GROUP}/test_a", "A", Outcome.FAILED, Reason.WRONG, max_points=3)


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("has no words")


ERRORS = {
    "ValueError": ValueError("odd"),
    "RecursionError": RecursionError("too deep"),
    "MemoryError": MemoryError(),
    "OSError": OSError(5, "Input/output error"),
    "UnicodeError": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "SystemExit": SystemExit(0),
    "GeneratorExit": GeneratorExit(),
    "AssertionError": AssertionError("no"),
    "group": ExceptionGroup("several", [ValueError("odd")]),
    "without words": Unspeakable(),
    "control characters": ValueError("\x1b[2J\x07 forged\nnext line"),
    "a death": Died("gone"),
    "pytest.fail": pytest.fail.Exception("failed"),
    "pytest.skip": pytest.skip.Exception("skipped"),
    "pytest.exit": pytest.exit.Exception("over"),
}
STEPS = ("read", "convert", "look for the commit", "lay out", "export", "run", "keep")


def is_eves(thing: object) -> bool:
    """Whether a step is about her: by her name, her folder, her text or her tree."""
    if isinstance(thing, bytes):
        return b"# eve\\n" in thing or b"# eve\n" in thing
    if isinstance(thing, Course):
        source = thing.root / "src_modules/02_tensor.py"
        return source.is_file() and b"# eve\n" in source.read_bytes()
    return "eve" in (thing.name if isinstance(thing, Path) else thing.student)


class Class:
    """Three students, of whom one makes a step raise; the tests are passed by all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.error: BaseException | None = None  # of the tests themselves
        self.ran: list[str] = []
        for student in STUDENTS:
            self.hand_in(student)

    def hand_in(self, student: str) -> None:
        (self.folder / student).mkdir(parents=True)
        text = f"# {student}\n#| default_exp core.tensor\n#| export\nx = 1\n"
        cell = {
            "cell_type": "code",
            "source": text,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / student / "02_tensor.ipynb").write_text(json.dumps(notebook))

    def run(self, tree, group, following):
        if not (tree.root / "src_modules/02_tensor.py").is_file():
            return (FAILED,)  # nothing was handed in
        if self.error is not None and is_eves(tree):
            raise self.error
        return (PASSED,)

    def grade(self) -> dict[str, tuple]:
        """Student -> status, points, the reason, and what was kept of a run before."""
        names = dict.fromkeys(STUDENTS) | {student: student for student in STUDENTS}
        grader = Grader(COURSE, self.folder / "results", names, "h", False, self.run)
        batch_session = SimpleNamespace(
            grade=lambda item, next_: grader.grade(item.task, next_.task if next_ else None),
            lost=lambda task, reason: grader.lost(task, reason, ()),
        )
        items = [SimpleNamespace(task=(Submitted(s, self.folder / s), GROUP)) for s in STUDENTS]
        try:
            shown = [
                _graded(batch_session, item, following)
                for item, following in zip(items, [*items[1:], None], strict=True)
            ]
        finally:
            grader.close()
        return {
            done["student"]: (done["status"], done.get("points"), problem, done.get("kept"))
            for problem, done in shown
        }


@pytest.fixture
def school(tmp_path: Path) -> Class:
    return Class(tmp_path)


def make_raise(school: Class, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException):
    """Let a step raise where it is about eve."""
    places = {
        "read": (preparing, "read_submission", 1),
        "convert": (NotebookReader, "source_of", 1),
        "look for the commit": (reading, "checked_out", 0),
        "lay out": (Path, "write_bytes", 1),
        "export": (preparing, "export", 0),
        "keep": (PartFiles, "write_intake", 1),
    }
    if step == "run":
        school.error = error
        return
    owner, name, position = places[step]
    whole = getattr(owner, name)

    def replaced(*arguments, **keywords):
        if is_eves(arguments[position]):
            raise error
        return whole(*arguments, **keywords)

    monkeypatch.setattr(owner, name, replaced)


@pytest.mark.parametrize("error", ERRORS.values(), ids=[n.replace(" ", "-") for n in ERRORS])
@pytest.mark.parametrize("step", STEPS)
def test_what_a_step_raises_is_no_neighbours(school, monkeypatch, step, error):
    """She is next while anna is graded, and present while zoe is made ready."""
    make_raise(school, monkeypatch, step, error)
    first = school.grade()
    assert first["anna"] == ("graded", 3, "", False)
    assert first["zoe"] == ("graded", 3, "", False)
    status, points, reason, _ = first["eve"]
    assert status == PartStatus.GRADER_ERROR and not points
    assert type(error).__name__ in reason and reason.isprintable()
    part = PartFiles(school.folder / "results", "eve").read(GROUP)
    assert (part.status, part.reason, part.points) == (PartStatus.GRADER_ERROR, reason, 0)

    again = school.grade()
    assert again["anna"] == ("graded", 3, "", True)
    assert again["zoe"] == ("graded", 3, "", True)
    assert again["eve"][:3] == first["eve"][:3]


@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_is_the_users_and_ends_the_run(school, monkeypatch, step):
    make_raise(school, monkeypatch, step, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        school.grade()


@pytest.mark.skipif(not alarm.can_ring(), reason="has no such signal")
@pytest.mark.parametrize("step", ["read", "convert", "export"])
def test_a_step_that_does_not_end_is_ended(school, monkeypatch, step):
    monkeypatch.setattr(preparing, "_SECONDS", 0.2)
    monkeypatch.setattr(alarm, "_AGAIN", 0.02)

    class Forever(Exception):
        def __init__(self):
            while True:
                try:
                    while True:
                        pass
                except Exception:
                    continue

    def spins(*_):
        raise Forever

    make_raise(school, monkeypatch, step, ValueError())
    owner, name = {
        "read": (preparing, "read_submission"),
        "convert": (NotebookReader, "source_of"),
        "export": (preparing, "export"),
    }[step]
    replaced = getattr(owner, name)

    def endless(*arguments, **keywords):
        try:
            return replaced(*arguments, **keywords)
        except ValueError:
            spins()

    monkeypatch.setattr(owner, name, endless)
    found = school.grade()
    assert [found[s][:2] for s in ("anna", "zoe")] == [("graded", 3), ("graded", 3)]
    assert found["eve"][0] == PartStatus.GRADER_ERROR and "stopped after 0.2 s" in found["eve"][2]


def test_a_reason_is_one_line_that_is_the_same_on_each_run():
    assert reason_of(ValueError("first\nsecond")) == "ValueError: first"
    assert reason_of(MemoryError()) == "MemoryError"
    assert reason_of(Unspeakable()) == "Unspeakable"
    assert reason_of(ValueError(f"<object at {id(STUDENTS):#x}>")) == reason_of(
        ValueError(f"<object at {id(COURSE):#x}>")
    )
    assert len(reason_of(ValueError("x" * 9999))) < 400


class Screen:
    """What the controller of a class is given by pytest, as far as it puts students together."""

    option = SimpleNamespace(verbose=0)
    pluginmanager = SimpleNamespace(getplugin=lambda name: None)


def put_together(error: BaseException) -> tuple[ClassReport, SimpleNamespace]:
    """The report of a class in which the files of eve cannot be made, and its session."""
    run = RunRecord("c", 0, "", 0.0, (PASSED,), (GROUP,))

    def files_of(name: str) -> RunRecord:
        if name == "eve":
            raise error
        return run

    room = SimpleNamespace(names={s: s for s in STUDENTS}, batch=SimpleNamespace(results="r"))
    report = ClassReport(Screen(), room)  # type: ignore[arg-type]
    report._binder = SimpleNamespace(put_together=files_of)  # type: ignore[assignment]
    report._write_grades = lambda: None  # type: ignore[method-assign]  # needs real results
    report._expect(f"{student}::{GROUP}" for student in STUDENTS)
    for student in STUDENTS:
        shown = {"student": student, "group": str(GROUP), "status": "graded", "points": 3}
        report._note(shown, "")
    session = SimpleNamespace(exitstatus=pytest.ExitCode.OK)
    report.pytest_sessionfinish(session)  # type: ignore[arg-type]
    return report, session


@pytest.mark.parametrize("error", ERRORS.values(), ids=[n.replace(" ", "-") for n in ERRORS])
def test_files_that_cannot_be_put_together_are_no_neighbours(error):
    report, session = put_together(error)
    assert [row.student for row in report._rows] == ["anna", "zoe"]
    if isinstance(error, OSError):  # of the folder of results: the instructor's, not hers
        assert report._checks == ["--results r cannot be written: Input/output error"]
        assert session.exitstatus == MACHINE
    else:
        [(student, _, reason)] = report._review
        assert (student, session.exitstatus) == ("eve", pytest.ExitCode.TESTS_FAILED)
        assert reason.startswith(f"could not be put together: {type(error).__name__}")
        assert reason.isprintable()


def test_ctrl_c_while_files_are_put_together_ends_the_run():
    with pytest.raises(KeyboardInterrupt):
        put_together(KeyboardInterrupt())
