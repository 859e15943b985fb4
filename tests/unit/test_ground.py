"""Where the course is, which word is meant, and records as JSON."""

import json
from dataclasses import fields

import pytest

from pytest_tinytorch.errors import nearest
from pytest_tinytorch.locate import course_root
from pytest_tinytorch.record import Location, Outcome, Reason, RunRecord, TestRecord


@pytest.fixture
def place(tmp_path):
    (tmp_path / "course/inner/deep").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "course/course.toml").write_text("[course]\n")
    return tmp_path


def test_the_course_is_found_upward(place):
    for folder in ("course", "course/inner", "course/inner/deep"):
        assert course_root(place / folder) == place / "course"
    assert course_root(place / "elsewhere") is None


def test_the_course_is_found_from_a_path_argument(place):
    (place / "course/inner/test_a.py").write_text("")
    words = ["-q", "../course/inner/test_a.py::test_b"]
    assert course_root(place / "elsewhere", words) == place / "elsewhere/../course"
    assert course_root(place / "elsewhere", ["--x=../course", "x" * 5000, "a\0b"]) is None


def test_a_file_of_another_tool_is_passed_by(place):
    (place / "course/inner/course.toml").write_text("[menu]\n")
    assert course_root(place / "course/inner") == place / "course"
    (place / "course/inner/course.toml").unlink()
    (place / "course/inner/course.toml").mkdir()
    assert course_root(place / "course/inner") == place / "course"


@pytest.mark.parametrize(
    "word, hint",
    [("Tensr", " (did you mean 'tensor'?)"), ("LAYERS", " (did you mean 'Layers'?)"), ("xyz", "")],
)
def test_nearest(word, hint):
    assert nearest(word, ["tensor", "Layers"]) == hint


RECORD = TestRecord(
    id="01/test_a[x]",
    title="Adds",
    outcome=Outcome.FAILED,
    reason=Reason.WRONG,
    message="x + y: \0 größer",
    locations=(Location("src/a.py", 3, "add", ((2, "def"), (3, "  return"))),),
    example="a=1",
    hint="Look.",
    max_points=2.5,
    visibility="hidden",
    depends=("01/test_b",),
    waits_for="00",
    seconds=0.25,
)


def test_a_record_survives_json():
    assert {f.name for f in fields(RECORD)} == set(vars(RECORD))  # every field is given above
    data = RECORD.to_json()
    assert TestRecord.from_json(json.loads(json.dumps(data))) == RECORD
    assert type(data["outcome"]) is str and type(data["locations"]) is list


def test_points_are_for_passing_alone():
    assert [TestRecord("01/a", "A", outcome, max_points=3).points for outcome in Outcome] == [
        3,
        0,
        0,
        0,
        0,
    ]
    assert RECORD.to_json()["points"] == 0 and RECORD.group == "01"


def test_a_run_survives_json():
    run = RunRecord("mini", 7, "2026-01-01T00:00:00+00:00", 1.5, (RECORD,), ("01", "module 02"))
    data = run.to_json()
    assert data["format"] == 1
    assert RunRecord.from_json(json.loads(json.dumps(data))) == run
    assert run.of("01") == (RECORD,) and run.of("02") == ()


def test_a_run_of_another_format_is_refused():
    with pytest.raises(ValueError, match="record format 2, expected 1"):
        RunRecord.from_json({"format": 2})
