"""The fixture `measured`: the result of a test in numbers, wherever the test is shown."""

import pytest
from mini_course import make_course_with_milestone, renew_manifest

from pytest_tinytorch.isolation.levels import missing

isolated = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))
ID = "milestone greeting/test_counts[twice]"


@pytest.fixture
def classroom(classroom):
    make_course_with_milestone(classroom.root)
    renew_manifest(classroom.root)
    classroom.achieve("00", "01")
    return classroom


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_it_stands_beside_the_test_and_in_the_record(classroom, way):
    text = classroom.says("--milestone", "greeting", "--junitxml=grade.xml", *way)
    assert "pass Greets twice [twice] measured: 4 letters" in text
    tests = {test["id"]: test["measured"] for test in classroom.stored_record()["tests"]}
    assert tests == {ID: "4 letters", "milestone greeting/test_greets": ""}
    assert (
        '<property name="measured" value="4 letters"' in (classroom.root / "grade.xml").read_text()
    )


def test_a_claim_that_fails_has_it_too(classroom):
    classroom.edit("src/02_words.py", "double(word)", "word")
    classroom.run("--milestone", "greeting", "--junitxml=grade.xml")
    tests = {test["id"]: test for test in classroom.stored_record()["tests"]}
    assert (tests[ID]["outcome"], tests[ID]["measured"]) == ("failed", "2 letters")


@isolated
def test_in_a_grade_it_is_in_the_record_and_in_no_property_of_a_test(classroom):
    classroom.run("--grade", "--isolate=process", "--milestone=all", "--junitxml=grade.xml")
    tests = {test["id"]: test["measured"] for test in classroom.stored_record()["tests"]}
    assert tests[ID] == "4 letters"
    assert 'name="measured"' not in (classroom.root / "grade.xml").read_text()


@pytest.mark.parametrize(
    "text, said",
    [
        ("''", "measured(''): write one line with a number and its unit"),
        ("'a\\nb'", "measured('a\\nb'): write one line with a number and its unit"),
        ("98.5", "measured(98.5): write one line with a number and its unit"),
        ("'x' * 121", "measured(...): 121 characters are too long; write at most 120"),
    ],
)
def test_what_is_not_one_short_line_is_refused(classroom, text, said):
    classroom.edit("milestones/greeting/test_greeting.py", 'f"{len(greeting)} letters"', text)
    assert said in classroom.says("--milestone", "greeting")
