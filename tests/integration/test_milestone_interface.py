"""The public functions for milestones: importable, runnable, and true to the evidence."""

import json
import subprocess
import sys

import pytest
from evidence import keep_evidence
from milestone_course import edit, make_course_with_milestones

from pytest_tinytorch import milestones
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.records import Outcome
from pytest_tinytorch.milestones import MilestoneTracker, check_module_export


@pytest.fixture
def course(tmp_path, monkeypatch):
    made = make_course_with_milestones(tmp_path / "course")
    monkeypatch.chdir(made.root)
    return made


class Lines:
    """A console, such as rich has one."""

    def __init__(self):
        self.lines = []

    def print(self, *objects):
        self.lines += map(str, objects)


def stored(own_progress):
    return json.loads((own_progress / "progress.json").read_text())["courses"]["mini"]


# --- the table ----------------------------------------------------------------------------------


def test_the_table_and_its_order_are_those_of_the_course(course):
    assert milestones.MILESTONE_ORDER == ["greeting", "wave"]
    assert list(milestones.MILESTONES) == milestones.MILESTONE_ORDER
    assert milestones.MILESTONES["wave"] == {
        "name": "1986 It waves!",
        "description": "It waves twice",
        "requires": ["01_numbers"],
        "ladder": "moving",
        "number": 1,
        "year": 1986,
        "written": True,
        "program": "milestones/wave/program.py",
        "command": "pytest --milestone wave",
    }


def test_the_table_of_the_whole_course(repository, monkeypatch):
    monkeypatch.chdir(repository)
    assert len(milestones.MILESTONE_ORDER) == len(milestones.MILESTONES) == 10
    for entry in milestones.MILESTONES.values():
        assert (repository / entry["program"]).is_file() or not entry["written"]


def test_it_can_be_imported_anywhere_and_used_in_a_course_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "import pytest_tinytorch.milestones as m; print(m.check_module_export.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "check_module_export\n")
    with pytest.raises(CourseError, match=r"no course\.toml here or above"):
        milestones.MILESTONES  # noqa: B018
    with pytest.raises(CourseError, match=r"no course\.toml here or above"):
        MilestoneTracker()


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'MILESTONE'"):
        milestones.MILESTONE  # noqa: B018


# --- check_module_export ------------------------------------------------------------------------


def test_what_is_newly_unlocked_is_returned_once(course, own_progress):
    assert check_module_export("01_numbers") == {"newly_unlocked": [], "messages": []}
    keep_evidence(course, course.checkpoints[0])
    message = "unlocked: 1986 It waves!, run `pytest --milestone wave`"
    assert check_module_export("01_numbers") == {"newly_unlocked": ["wave"], "messages": [message]}
    assert check_module_export("01_numbers") == {"newly_unlocked": [], "messages": []}
    keep_evidence(course, course.checkpoints[1])
    assert check_module_export("02_words")["newly_unlocked"] == ["greeting"]
    assert stored(own_progress)["completed_modules"] == ["01_numbers", "02_words"]
    assert stored(own_progress)["unlocked_milestones"] == ["greeting", "wave"]


def test_what_is_achieved_already_is_not_new(course):
    keep_evidence(course, course.checkpoints[0], course.milestones[1])
    assert check_module_export("01_numbers") == {"newly_unlocked": [], "messages": []}


def test_without_evidence_nothing_is_unlocked_and_the_module_is_a_claim(course, run_tito):
    for name in ("01_numbers", "02_words"):
        assert check_module_export(name) == {"newly_unlocked": [], "messages": []}
    keep_evidence(course, course.checkpoints[1], outcome=Outcome.FAILED)
    assert run_tito("module", "status")[1][:2] == [
        "01_numbers       checkpoint 00: not started, claimed, unverified",
        "02_words         checkpoint 01: failing 1 of 1, claimed, unverified",
    ]
    keep_evidence(course, course.checkpoints[0])
    assert (
        run_tito("module", "status")[1][0] == "01_numbers       checkpoint 00: achieved, completed"
    )


def test_messages_are_printed_on_a_console_alone(course, capsys):
    keep_evidence(course, course.checkpoints[0])
    console = Lines()
    messages = check_module_export("01_numbers", console=console)["messages"]
    assert console.lines == messages != []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["00_numbers", "numbers", "1", "01"])
def test_a_module_is_known_by_older_names(course, own_progress, name):
    check_module_export(name)
    assert stored(own_progress)["completed_modules"] == ["01_numbers"]


@pytest.mark.parametrize(
    "name, said",
    [
        ("01_nmbers", "unknown id '01_nmbers' (did you mean"),
        ("", "unknown id ''"),
        ("01-02", "'01-02' names 2 modules; name one"),
    ],
)
def test_an_unknown_module_is_one_line(course, name, said):
    with pytest.raises(CourseError) as error:
        check_module_export(name)
    assert said in str(error.value) and "\n" not in str(error.value)


# --- the tracker --------------------------------------------------------------------------------


def test_what_can_be_run_and_what_is_completed(course):
    tracker = MilestoneTracker()
    assert not tracker.can_run_milestone("wave")
    keep_evidence(course, course.checkpoints[0])
    assert tracker.can_run_milestone("wave") and not tracker.can_run_milestone("greeting")
    assert not tracker.is_completed("wave")
    keep_evidence(course, course.milestones[1])
    assert tracker.is_completed("wave")
    edit(course, "return a + b", "return b + a")
    assert not tracker.is_completed("wave")
    with pytest.raises(CourseError, match=r"unknown id 'wafe' .did you mean 'wave'"):
        tracker.can_run_milestone("wafe")


def test_marking_completed_without_evidence_is_a_claim(course, own_progress):
    tracker = MilestoneTracker(course)
    assert tracker.mark_completed("wave") is False
    assert stored(own_progress)["completed_milestones"] == ["wave"]
    status = tracker.status("wave")
    assert (status.label, status.is_claimed) == ("claimed, unverified", True)
    assert not tracker.is_completed("wave") and not tracker.can_run_milestone("wave")
    keep_evidence(course, course.checkpoints[0], course.milestones[1])
    assert tracker.mark_completed("wave") is True


def test_the_three_lists(course):
    keep_evidence(course, course.checkpoints[0], course.milestones[1])
    tracker = MilestoneTracker()
    tracker.mark_module_complete("01_numbers")
    assert tracker.progress == {
        "completed_modules": ["01_numbers"],
        "unlocked_milestones": ["wave"],
        "completed_milestones": ["wave"],
    }


def test_progress_and_tests_are_printed(course, capsys):
    keep_evidence(course, course.checkpoints[0])
    milestones.show_progress()
    assert capsys.readouterr().out.splitlines() == [
        "Milestones: talking",
        "  1 A machine that greets: locked, needs checkpoint 01",
        "Milestones: moving",
        "  1 1986 It waves!: not attempted",
    ]
    milestones.list_tests()
    assert capsys.readouterr().out == "1986 It waves!: pytest --milestone wave\n"
    keep_evidence(course, course.milestones[1])
    console = Lines()
    MilestoneTracker().list_tests(console)
    assert console.lines == [
        "No milestone can be run that is not achieved; see `tito milestone next`."
    ]


def test_a_damaged_file_is_kept_and_said(course, own_progress, capsys):
    own_progress.mkdir()
    (own_progress / "progress.json").write_text("{")
    assert check_module_export("01_numbers")["newly_unlocked"] == []
    assert "progress.json was damaged (" in capsys.readouterr().err
    assert (own_progress / "progress.damaged-1.json").exists() or list(
        own_progress.glob("progress.damaged*")
    )


@pytest.mark.parametrize(
    "key", ["completed_modules", "unlocked_milestones", "completed_milestones", "told_milestones"]
)
@pytest.mark.parametrize("value", [5, "wave", [1], {"wave": 1}])
def test_a_list_of_names_that_is_none_is_damage(course, own_progress, key, value, capsys):
    keep_evidence(course, course.checkpoints[0])
    path = own_progress / "progress.json"
    data = json.loads(path.read_text())
    data["courses"]["mini"][key] = value
    path.write_text(json.dumps(data))
    milestones.show_progress()
    assert "1 1986 It waves!: locked" in capsys.readouterr().out


# --- the command --------------------------------------------------------------------------------


def command(course, *words):
    arguments = [sys.executable, "-m", "pytest_tinytorch.milestones", *words]
    done = subprocess.run(arguments, cwd=course.root, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_complete_of_a_module(course):
    assert command(course, "complete", "00_numbers") == (
        0,
        ["01_numbers: claimed, unverified. To show it: tito module complete 01"],
        [],
    )
    keep_evidence(course, course.checkpoints[0])
    assert command(course, "complete", "01_numbers") == (
        0,
        ["01_numbers: completed", "unlocked: 1986 It waves!, run `pytest --milestone wave`"],
        [],
    )


def test_complete_of_a_milestone(course):
    assert command(course, "complete", "wave") == (
        0,
        ["wave: claimed, unverified. To show it: pytest --checkpoint 00"],
        [],
    )
    keep_evidence(course, course.checkpoints[0], course.milestones[1])
    assert command(course, "complete", "it waves") == (0, ["wave: completed"], [])


def test_progress_and_list(course):
    keep_evidence(course, course.checkpoints[0])
    assert command(course, "progress")[1][-1] == "  1 1986 It waves!: not attempted"
    assert command(course, "list") == (0, ["1986 It waves!: pytest --milestone wave"], [])


USAGE = (
    "milestones: write: python -m pytest_tinytorch.milestones complete MODULE_OR_MILESTONE |"
    " progress | list"
)


@pytest.mark.parametrize(
    "words, said",
    [
        ((), USAGE),
        (("complete",), USAGE),
        (("finish", "wave"), USAGE),
        (("complete", "moon"), "milestones: --module moon: unknown id 'moon'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(course, words, said):
    code, out, (line,) = command(course, *words)
    assert (code, out) == (2, []) and line.startswith(said)
