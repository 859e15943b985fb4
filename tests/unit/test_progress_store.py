"""progress.json on disk: nothing that somebody had is lost."""

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from pytest_tinytorch.core.errors import MachineError
from pytest_tinytorch.core.groups import Kind
from pytest_tinytorch.progress.store import ProgressFile, course_entry, evidence_of

EMPTY = {
    "format": 1,
    "completed_modules": [],
    "unlocked_milestones": [],
    "completed_milestones": [],
    "courses": {},
}


@pytest.fixture
def file(tmp_path):
    return ProgressFile(tmp_path / "home/progress.json")


def add(course="mini", checkpoint="00", key="k"):
    def change(data):
        evidence = evidence_of(data, course, Kind.CHECKPOINT).setdefault(checkpoint, {})
        evidence[key] = {"when": "2026", "tests": {}}

    return change


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path))
    assert ProgressFile.default().path == tmp_path / "progress.json"
    monkeypatch.setenv("TINYTORCH_HOME", "")
    assert ProgressFile.default().path == Path.home() / ".tinytorch/progress.json"


def test_no_file_is_no_progress(file):
    assert file.read() == (EMPTY, "")
    assert not file.path.parent.exists()


def test_what_is_written_is_read(file):
    assert file.update(add()) == ""
    evidence = {"k": {"when": "2026", "tests": {}}}
    wanted = EMPTY | {"courses": {"mini": {"checkpoints": {"00": evidence}}}}
    assert file.read() == (wanted, "") and json.loads(file.path.read_text()) == wanted


def test_the_default_course_has_its_modules_on_top_and_others_among_theirs(file):
    def complete(course):
        def change(data):
            course_entry(data, course)["completed_modules"] = ["02_x"]

        return change

    file.update(complete("tinytorch"))
    file.update(complete("mini"))
    data, _ = file.read()
    assert data["completed_modules"] == ["02_x"]
    assert data["courses"] == {
        "tinytorch": {"checkpoints": {}},
        "mini": {"checkpoints": {}, "completed_modules": ["02_x"]},
    }


DAMAGED = {
    "empty": ("", "it is empty"),
    "spaces": (" \n", "it is empty"),
    "half": ('{"format": 1', "Expecting"),
    "list": ("[]", "it has no format"),
    "no format": ("{}", "it has no format"),
    "format": ('{"format": "1"}', "it has no format"),
    "modules": ('{"format": 1, "completed_modules": {}}', "completed_modules is not a list"),
    "names": ('{"format": 1, "completed_milestones": [1]}', "completed_milestones is not a list"),
    "courses": ('{"format": 1, "courses": []}', "courses is not a table"),
    "course": ('{"format": 1, "courses": {"a": 1}}', "a course has no table of checkpoints"),
    "null": ("null", "it has no format"),
    "milestones": (
        '{"format": 1, "unlocked_milestones": "a"}',
        "unlocked_milestones is not a list",
    ),
    "checkpoints": (
        '{"format": 1, "courses": {"a": {"checkpoints": []}}}',
        "a course has no table of checkpoints",
    ),
    "versions": (
        '{"format": 1, "courses": {"a": {"checkpoints": {"00": []}}}}',
        "evidence without time and tests",
    ),
    "tests": (
        '{"format": 1, "courses": {"a": {"checkpoints":'
        ' {"00": {"k": {"when": "", "tests": []}}}}}}',
        "evidence without time and tests",
    ),
    "no time": (
        '{"format": 1, "courses": {"a": {"checkpoints": {"00": {"k": {"tests": {}}}}}}}',
        "evidence without time and tests",
    ),
    "evidence": (
        '{"format": 1, "courses": {"a": {"checkpoints": {"00": {"k": {"when": 1}}}}}}',
        "evidence without time and tests",
    ),
}


@pytest.mark.parametrize("text, reason", DAMAGED.values(), ids=DAMAGED)
def test_damage_is_said_and_set_aside_when_written(file, text, reason):
    file.path.parent.mkdir()
    file.path.write_text(text)
    data, problem = file.read()
    assert data == EMPTY and reason in problem and "\n" not in problem
    assert file.path.read_text() == text
    for number in (1, 2):
        file.path.write_text(text)
        problem = file.update(add())
        assert f"it is saved as progress.damaged-{number}.json." in problem and reason in problem
        assert (file.path.parent / f"progress.damaged-{number}.json").read_text() == text
        assert list(file.read()[0]["courses"]) == ["mini"]


def test_bytes_that_are_no_text_are_kept_as_they_are(file):
    file.path.parent.mkdir()
    file.path.write_bytes(b'{"format": 1, "\xff"\r\n')
    assert file.read()[0] == EMPTY
    assert file.update(add()).startswith(f"{file.path} was damaged ('utf-8' codec")
    aside = file.path.with_name("progress.damaged-1.json")
    assert aside.read_bytes() == b'{"format": 1, "\xff"\r\n'


def test_what_was_set_aside_before_is_not_written_over(file):
    file.path.parent.mkdir()
    for name, text in (("progress.damaged-1.json", "first"), ("progress.json", "second")):
        (file.path.parent / name).write_text(text)
    assert "it is saved as progress.damaged-2.json." in file.update(add())
    texts = {p.name: p.read_text() for p in file.path.parent.glob("progress.damaged-*")}
    assert texts == {"progress.damaged-1.json": "first", "progress.damaged-2.json": "second"}


def test_after_damage_the_next_run_has_nothing_to_say(file):
    file.path.parent.mkdir()
    file.path.write_text("{")
    assert file.update(add(key="a")) != ""
    assert file.update(add(key="b")) == ""
    data, problem = file.read()
    assert problem == "" and list(data["courses"]["mini"]["checkpoints"]["00"]) == ["a", "b"]


def test_keys_of_others_are_kept(file):
    stored = EMPTY | {"theme": {"dark": True}, "courses": {"other": {"checkpoints": {}, "x": 1}}}
    file.path.parent.mkdir()
    file.path.write_text(json.dumps(stored))
    file.update(add())
    evidence = {"00": {"k": {"when": "2026", "tests": {}}}}
    wanted = stored | {"courses": stored["courses"] | {"mini": {"checkpoints": evidence}}}
    assert json.loads(file.path.read_text()) == wanted


def test_a_file_of_the_barest_form_is_completed(file):
    file.path.parent.mkdir()
    file.path.write_text('{"format": 1}')
    assert file.read() == (EMPTY, "")
    file.update(lambda data: None)
    assert json.loads(file.path.read_text()) == EMPTY


def test_reading_writes_nothing(file):
    file.path.parent.mkdir()
    for text in ("{", '{"format": 2}', '{"format": 1}', ""):
        file.path.write_text(text)
        file.read()
        assert [p.name for p in file.path.parent.iterdir()] == ["progress.json"]
        assert file.path.read_text() == text


def test_the_modules_of_the_default_course_are_read_from_the_top(file):
    stored = EMPTY | {"completed_modules": ["01_a"], "unlocked_milestones": ["x"]}
    file.path.parent.mkdir()
    file.path.write_text(json.dumps(stored))
    data, _ = file.read()
    entry = course_entry(data, "tinytorch")
    assert (entry["completed_modules"], entry["unlocked_milestones"]) == (["01_a"], ["x"])
    assert evidence_of(data, "tinytorch", Kind.CHECKPOINT) == {}
    entry["completed_modules"] = ["01_a", "02_b"]
    assert entry["completed_modules"] == data["completed_modules"] == ["01_a", "02_b"]
    assert course_entry(data, "mini") == {"checkpoints": {}}


def test_the_evidence_of_each_course_is_among_its_own(file):
    for course in ("tinytorch", "mini"):
        file.update(add(course, key=course))
    data, _ = file.read()
    assert {name: list(data["courses"][name]["checkpoints"]["00"]) for name in data["courses"]} == {
        "tinytorch": ["tinytorch"],
        "mini": ["mini"],
    }


def test_a_change_that_fails_writes_nothing(file):
    file.update(add())
    before = file.path.read_bytes()

    def half(data):
        data["completed_modules"].append("01_a")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        file.update(half)
    assert file.path.read_bytes() == before
    assert file.update(add(key="other")) == ""


def test_a_disk_that_is_full_is_one_line_and_loses_nothing(file, monkeypatch):
    file.update(add())
    before = file.path.read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(MachineError) as error:
        file.update(add(key="other"))
    assert str(error.value) == (
        f"{file.path} cannot be written (No space left on device); this run is not recorded."
        " Make room, or set TINYTORCH_HOME to another folder."
    )
    assert file.path.read_bytes() == before
    assert sorted(p.name for p in file.path.parent.iterdir() if p.suffix != ".lock") == [
        "progress.json"
    ]


def test_a_home_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "home").write_text("")
    file = ProgressFile(tmp_path / "home/progress.json")
    with pytest.raises(MachineError) as error:
        file.update(add())
    said = str(error.value)
    assert said.startswith(f"{file.path} cannot be written (") and "\n" not in said
    data, problem = file.read()
    assert data == EMPTY and problem.startswith(f"{file.path} cannot be read (")


def test_a_later_format_is_left_as_it_is(file):
    file.path.parent.mkdir()
    file.path.write_text('{"format": 2}')
    data, problem = file.read()
    assert data == EMPTY and "was written by a later version (format 2)" in problem
    assert "this run is not recorded in it" in file.update(add())
    assert file.path.read_text() == '{"format": 2}'


def test_a_later_format_is_not_looked_into(file):
    text = b'{"format": 3, "courses": [1],\r\n  "completed_modules": {}}'
    file.path.parent.mkdir()
    file.path.write_bytes(text)
    assert "was written by a later version (format 3)" in file.read()[1]
    assert "was written by a later version (format 3)" in file.update(add())
    assert file.path.read_bytes() == text
    assert list(file.path.parent.glob("progress.damaged*")) == []


def test_a_read_only_file_is_left_as_it_is(file, monkeypatch):
    file.update(add())
    before = file.path.read_bytes()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(
        MachineError, match=r"cannot be written \(the file is read-only\); this run"
    ):
        file.update(add(checkpoint="01"))
    assert file.path.read_bytes() == before


def test_a_file_that_cannot_be_read_shows_nothing(file):
    file.path.mkdir(parents=True)
    data, problem = file.read()
    assert data == EMPTY and "cannot be read" in problem


def test_another_run_has_the_lock(file, monkeypatch):
    import filelock

    monkeypatch.setattr("pytest_tinytorch.progress.store._LOCK_SECONDS", 0.1)
    file.path.parent.mkdir()
    with filelock.FileLock(f"{file.path}.lock"):
        assert "is locked by another run; this one is not recorded" in file.update(add())
    assert file.update(add()) == ""


def write_many(path, course):
    for number in range(25):
        assert ProgressFile(path).update(add(course, key=str(number))) == ""


def test_processes_that_write_at_once_lose_nothing(file):
    context = multiprocessing.get_context("spawn")
    courses = ["a", "b", "c"]
    writers = [context.Process(target=write_many, args=(file.path, name)) for name in courses]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    data, _ = file.read()
    assert {name: len(data["courses"][name]["checkpoints"]["00"]) for name in courses} == {
        "a": 25,
        "b": 25,
        "c": 25,
    }
