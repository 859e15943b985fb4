"""progress.json on disk: nothing that somebody had is lost."""

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from pytest_tinytorch.progress_file import ProgressFile, course_entry

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
        evidence = course_entry(data, course)["checkpoints"].setdefault(checkpoint, {})
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
        assert f"it is kept as progress.damaged-{number}.json." in problem and reason in problem
        assert (file.path.parent / f"progress.damaged-{number}.json").read_text() == text
        assert list(file.read()[0]["courses"]) == ["mini"]


def test_a_later_format_is_left_as_it_is(file):
    file.path.parent.mkdir()
    file.path.write_text('{"format": 2}')
    data, problem = file.read()
    assert data == EMPTY and "was written by a later version (format 2)" in problem
    assert "this run is not recorded in it" in file.update(add())
    assert file.path.read_text() == '{"format": 2}'


def test_a_read_only_file_is_left_as_it_is(file, monkeypatch):
    file.update(add())
    before = file.path.read_bytes()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert file.update(add(checkpoint="01")) == (
        f"{file.path} cannot be written (the file is read-only); this run is not recorded."
    )
    assert file.path.read_bytes() == before


def test_a_file_that_cannot_be_read_shows_nothing(file):
    file.path.mkdir(parents=True)
    data, problem = file.read()
    assert data == EMPTY and "cannot be read" in problem


def test_another_run_has_the_lock(file, monkeypatch):
    import filelock

    monkeypatch.setattr("pytest_tinytorch.progress_file._LOCK_SECONDS", 0.1)
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
