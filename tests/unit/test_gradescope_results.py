"""`results.json`: by the specification, with nothing made up and nothing told too early."""

import json
from dataclasses import replace

import pytest
from gradescope_specification import has_score, violations

from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.reports.gradescope import no_results, results, to_text, with_lines


def made(identifier, outcome=Outcome.PASSED, points=2.0, **more):
    more = {"title": f"Title of {identifier}"} | more
    return TestRecord(identifier, outcome=outcome, max_points=points, **more)


WRONG = made(
    "01/test_b",
    Outcome.FAILED,
    3.0,
    reason=Reason.WRONG,
    message="got 1, expected 2",
    hint="Look at the sign.",
    example="x=[1.5]",
    locations=(Location("src/a.py", 3, "add", ((2, "def add():"), (3, "    return 1"))),),
)
SECRET = made(
    "hidden 01/test_secret", Outcome.FAILED, 4.0, reason=Reason.WRONG, visibility="hidden",
    message="31337", hint="SECRET-HINT", example="x=31337", title="SECRET-TITLE",
    locations=(Location("src/a.py", 3, "secret_function"),),
)  # fmt: skip


def run_of(*tests, **more):
    groups = tuple(dict.fromkeys(test.group for test in tests))
    return RunRecord("arena", 7, "2026-01-01T00:00:00+00:00", 1.23456, tests, groups, **more)


RUN = run_of(made("00/test_a"), made("01/test_a"), WRONG, SECRET, isolation="landlock")


def test_what_is_written_is_what_gradescope_reads():
    written = json.loads(to_text(results(RUN, ["Isolation: landlock"])))
    assert violations(written) == [] and has_score(written)
    assert written["score"] == 4.0 == sum(test["score"] for test in written["tests"])
    assert written["execution_time"] == 1.235
    assert written["stdout_visibility"] == "hidden"
    assert written["extra_data"]["seed"] == 7 and written["extra_data"]["isolation"] == "landlock"


def test_a_test_has_its_number_its_checkpoint_and_what_a_student_can_do_about_it():
    first, second, third, _ = results(RUN, [])["tests"]
    assert first == {
        "name": "Title of 00/test_a",
        "number": "00.1",
        "score": 2.0,
        "max_score": 2.0,
        "status": "passed",
        "output": "",
        "tags": ["checkpoint 00"],
        "visibility": "visible",
    }
    assert (second["number"], third["number"]) == ("01.1", "01.2")
    assert (third["score"], third["max_score"], third["status"]) == (0.0, 3.0, "failed")
    assert third["output"].splitlines() == [
        "got 1, expected 2",
        "computed by add, src/a.py:3",
        "     2 | def add():",
        ">    3 |     return 1",
        "input to try:",
        "x=[1.5]",
        "hint: Look at the sign.",
    ]


def test_a_hidden_test_is_a_number_and_an_outcome():
    written = results(RUN, [])
    assert written["tests"][3] == {
        "name": "Hidden test 1",
        "number": "01.3",
        "score": 0.0,
        "max_score": 4.0,
        "status": "failed",
        "output": "",
        "tags": ["checkpoint 01"],
        "visibility": "hidden",
    }
    text = to_text(written)
    assert not [s for s in ("31337", "SECRET", "secret") if s in text]


@pytest.mark.parametrize("visibility", ["after_due_date", "after_published"])
def test_what_gradescope_shows_later_has_all_its_words(visibility):
    late = replace(WRONG, visibility=visibility)
    written = results(run_of(made("01/test_a"), late), [])
    assert written["tests"][1]["visibility"] == visibility
    assert written["tests"][1]["name"] == late.title
    assert late.message in written["tests"][1]["output"]


@pytest.mark.parametrize("visibility", ["hidden", "after_due_date", "after_published"])
def test_output_and_leaderboard_count_what_is_visible_alone(visibility):
    written = results(run_of(made("01/test_a"), replace(WRONG, visibility=visibility)), ["Note"])
    assert written["output"] == "Visible tests: 2 of 2 points, 100.0 %\nNote"
    assert [entry["value"] for entry in written["leaderboard"]] == [2.0, 100.0]
    assert written["score"] == 2.0 and written["tests"][1]["max_score"] == 3.0
    alone = results(run_of(replace(WRONG, visibility=visibility)), [])
    assert alone["leaderboard"] == [] and violations(alone) == []


def test_where_all_is_visible_the_output_has_the_grade():
    assert results(run_of(made("01/test_a"), WRONG), [])["output"] == "Grade: 2 of 5 points, 40.0 %"


def test_without_a_grade_there_is_no_score_and_no_zero():
    written = no_results(2.0, ["Because."])
    assert violations(written) == [] and not has_score(written)
    assert "tests" not in written and "leaderboard" not in written
    assert "has no score; this is not a 0.\nBecause." in written["output"]


def test_lines_stand_above_and_change_nothing_else():
    written = results(RUN, ["Isolation: landlock"])
    more = with_lines(written, ["Student: ana", "", "\x1b[2J"])
    assert more["output"].splitlines()[:2] == ["Student: ana", "\\x1b[2J"]
    assert more["output"].endswith(written["output"])
    assert more | {"output": ""} == written | {"output": ""}


def test_words_of_a_students_code_are_plain_and_have_an_end():
    evil = "\x1b]0;x\x07<script>::error::\ud800\u202e" + "z" * 20_000
    bad = replace(WRONG, message=evil, title=evil)
    written = results(run_of(bad), [])
    test = written["tests"][0]
    assert len(test["name"]) == 200 and len(test["output"]) < 10_100
    assert "cut here" in test["output"]
    for text in (test["name"], test["output"]):
        assert not {"\x1b", "\x07", "\ud800", "\u202e"} & set(text)
    formats = ("output_format", "test_output_format", "test_name_format")
    assert {written[name] for name in formats} == {"text"}
    assert to_text(written).isascii()


BAD = {
    "a string for a number": {"execution_time": "0.02"},
    "a truth value for a number": {"score": True},
    "an unknown field": {"points": 1},
    "an unknown visibility": {"visibility": "secret"},
    "an unknown status": {"tests": [{"status": "error", "tags": [], "score": 0, "max_score": 1}]},
    "more than there is": {"tests": [{"tags": [], "score": 2, "max_score": 1}]},
    "a tag that is a number": {"tests": [{"tags": [1], "score": 0, "max_score": 1}]},
    "an unknown order": {"leaderboard": [{"name": "a", "value": 1, "order": "up"}]},
}


@pytest.mark.parametrize("written", BAD.values(), ids=BAD)
def test_the_table_finds_what_is_not_allowed(written):
    assert len(violations(written)) == 1


@pytest.mark.parametrize(
    "written, found",
    [
        ({}, False),
        ({"tests": []}, False),
        ({"tests": [{"name": "a"}]}, False),
        ({"score": 0}, True),
    ],
)
def test_the_table_knows_what_a_score_is(written, found):
    assert has_score(written) is found
