"""A further kind of collection, a milestone, in all that works with checkpoints.

The course of these tests has a milestone, which is an entry in its course.toml and a folder. Each
test here would fail where some part of the plugin knew of checkpoints alone.
"""

import json
import xml.etree.ElementTree as ET

import pytest
from mini_course import make_course, make_course_with_milestone, renew_manifest

from pytest_tinytorch.core.manifest import MANIFEST_FILE
from pytest_tinytorch.isolation.levels import missing

isolated = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))
LOUD, QUIET = "double(word).upper()", "double(word)"
WAYS = pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])


@pytest.fixture
def classroom(classroom):
    """The classroom of all integration tests, in a course that has a milestone."""
    make_course_with_milestone(classroom.root)
    renew_manifest(classroom.root)
    classroom.achieve("00", "01")
    return classroom


def progress_of(classroom) -> dict:
    """The milestone, as `--progress=json` tells of it."""
    (found,) = json.loads(classroom.run("--progress=json").stdout.str())["milestones"]
    return found


def test_the_manifest_lists_its_tests_and_files(classroom):
    manifest = json.loads((classroom.root / MANIFEST_FILE).read_text())
    assert manifest["tests"]["milestone greeting"] == {
        "milestone greeting/test_counts[twice]": 1,
        "milestone greeting/test_greets": 2,
    }
    assert "milestones/greeting/program.py" in manifest["files"]


@WAYS
def test_the_terminal_shows_its_claim_and_what_it_means(classroom, way):
    text = classroom.says("--milestone", "greeting", *way)
    assert "Milestone greeting · A machine that greets · modules 01, 02" in text
    assert "It greets as often as it is asked to" in text
    assert "pass Greets loudly" in text
    assert "A machine that greets: achieved, 2 of 2 tests, 3 of 3 points" in text
    assert "You can now greet anybody." in text


def test_a_failure_names_the_line_and_the_command(classroom):
    classroom.edit("src/02_words.py", LOUD, QUIET)
    text = classroom.says("--milestone", "all")
    assert "tt.shout('hi'): got 'hihi', expected 'HIHI'" in text
    assert "computed by shout, src/02_words.py:9" in text
    assert "not achieved, 0 of 2 tests, 0 of 3 points" in text
    assert "Next: fix src/02_words.py:9, then run: pytest --milestone greeting" in text


def test_an_error_in_a_module_waits_for_the_checkpoint_of_that_module(classroom):
    classroom.edit("src/02_words.py", LOUD, "double(word).loud()")
    text = classroom.says("--milestone", "greeting")
    assert "waiting for checkpoint 01, whose module this is. First: pytest --checkpoint 01" in text


@pytest.mark.parametrize(
    "ids, said",
    [
        ("xor", "--milestone xor: unknown id 'xor'; valid: greeting, all"),
        ("greting", "unknown id 'greting' (did you mean 'greeting'?); valid: greeting, all"),
        ("", "--milestone : unknown id ''; valid: greeting, all"),
    ],
)
def test_unknown_ids_are_one_line_with_the_valid_ones(classroom, ids, said):
    result = classroom.run("--milestone", ids)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert said in line


def test_a_course_without_milestones_says_so(classroom):
    make_course(classroom.root)
    result = classroom.run("--milestone", "all")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[0] == "ERROR: --milestone all: this course has no milestones"


def test_junit_has_its_class_name_and_properties(classroom):
    classroom.run("--milestone", "greeting", "--junitxml=grade.xml")
    root = ET.parse(classroom.root / "grade.xml").getroot()
    case = next(c for c in root.iter("testcase") if c.get("name") == "test_greets")
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert case.get("classname") == "milestones.greeting.test_greeting"
    assert properties["id"] == "milestone greeting/test_greets"
    assert properties["milestone"] == "greeting" and properties["points"] == "2"
    suite = {p.get("name"): p.get("value") for p in root.findall(".//testsuite/properties/")}
    assert json.loads(suite["record"])["groups"] == ["milestone greeting"]


def test_progress_is_achieved_stale_and_failing(classroom):
    assert progress_of(classroom)["state"] == "not started"
    classroom.run("--milestone", "greeting")
    shown = progress_of(classroom)
    assert (shown["state"], shown["passed"], shown["points"]) == ("achieved", 2, 3)
    assert shown["needs"] == ["01_numbers", "02_words"]
    assert "2 of 3 checkpoints, 14 of 19 points, 1 of 1 milestones" in classroom.says("--progress")
    classroom.edit("src/02_words.py", LOUD, QUIET)
    assert progress_of(classroom)["state"] == "stale"
    classroom.run("--milestone", "greeting")
    assert progress_of(classroom)["state"] == "failing"
    classroom.edit("src/02_words.py", QUIET, LOUD)
    assert progress_of(classroom)["state"] == "achieved"  # the evidence of the first run


def test_it_becomes_stale_with_each_module_that_it_names_and_with_no_other(classroom):
    classroom.edit("course.toml", 'needs = ["01_numbers", "02_words"]', 'needs = ["02_words"]')
    renew_manifest(classroom.root)
    classroom.run("--milestone", "greeting")
    assert progress_of(classroom)["state"] == "achieved"
    classroom.edit("src/01_numbers.py", "return a + b", "return b + a")
    assert progress_of(classroom)["state"] == "achieved"
    classroom.edit("src/02_words.py", "double(word).upper()", "double(word.upper())")
    assert progress_of(classroom)["state"] == "stale"


def test_evidence_stands_beside_that_of_checkpoints_which_stays_where_it_is(classroom):
    classroom.run("--milestone", "greeting", "--checkpoint", "01")
    data = json.loads((classroom.home / "progress.json").read_text())
    kept = data["courses"]["mini"]
    assert data["format"] == 1
    assert list(kept["checkpoints"]) == ["00", "01"] and list(kept["milestones"]) == ["greeting"]
    (evidence,) = kept["milestones"]["greeting"].values()
    assert evidence["tests"]["milestone greeting/test_greets"] == "passed"


def test_progress_from_before_there_were_milestones_is_read(classroom):
    classroom.run("--checkpoint", "00")
    path = classroom.home / "progress.json"
    data = json.loads(path.read_text())
    assert "milestones" not in data["courses"]["mini"]
    assert classroom.states()["00"] == "achieved"
    assert progress_of(classroom)["state"] == "not started"


def test_a_narrowed_run_achieves_nothing(classroom):
    text = classroom.says("--milestone", "greeting", "-k", "greets")
    assert "not decided, 1 of the 1 tests that ran passed (2 count)" in text
    assert "Run all: pytest --milestone greeting" in text
    assert progress_of(classroom)["state"] == "not started"


@isolated
def test_a_grade_counts_its_points(classroom):
    classroom.edit("src/02_words.py", "double(word).upper()", "double(word).upper()[:4]")
    classroom.edit("milestones/greeting/test_greeting.py", '"hi"), "HIHI"', '"hii"), "HIIHII"')
    renew_manifest(classroom.root)
    words = ("--grade", "--isolate=process", "--milestone=all", "--junitxml=grade.xml")
    result = classroom.run(*words)
    text = " ".join(" ".join(result.outlines).split())
    assert "Milestone Tests Points greeting A machine that greets 1 of 2 1 of 3" in text
    assert "Grade: 1 of 3 points, 33.3 %" in text and result.ret == 0
    cases = ET.parse(classroom.root / "grade.xml").getroot().iter("testcase")
    assert {c.get("classname") for c in cases} == {"milestones.greeting.test_greeting"}
    assert classroom.run(*words[:-1], "--fail-under=50").ret == 1
    both = classroom.says(*words[:-1], "--checkpoint=01")
    assert "Part Tests Points 01 Words 1 of 1 4 of 4 greeting A machine" in both
    assert "Grade: 5 of 7 points" in both


@isolated
def test_a_grade_without_it_is_that_of_the_checkpoints(classroom):
    text = classroom.says("--grade", "--isolate=process")
    assert "Grade: 11 of 11 points, 100.0 %" in text and "greeting" not in text


@isolated
@WAYS
def test_a_class_has_it_as_a_part(classroom, tmp_path, way):
    folder = tmp_path / "class"
    for student in ("anna", "bob"):
        make_course(folder / student)
    words = folder / "bob/src/02_words.py"
    words.write_text(words.read_text().replace(LOUD, QUIET))
    chosen = ("--milestone=all", "--checkpoint=01", "--isolate=process", *way)
    result = classroom.run(f"--submissions={folder}", f"--results={tmp_path / 'results'}", *chosen)
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == 0, text
    assert "anna 7 of 7 100.0 %" in text and "bob 0 of 7 0.0 %" in text
    results = tmp_path / "results/anna"
    cases = ET.parse(results / "grade.xml").getroot().iter("testcase")
    assert "milestones.greeting.test_greeting" in {case.get("classname") for case in cases}
    page = (results / "feedback.md").read_text()
    assert "1 of 1 checkpoints achieved, 1 of 1 milestones achieved, 3 of 3 tests" in page
    assert "## Milestone greeting · A machine that greets: achieved" in page
    assert "| Part | Tests | Points |" in " ".join(page.split())
    assert "You can now greet anybody." in " ".join(page.split())


SKIPPED = 'check.equal(tt.shout("hi"), "HIHI")', 'pytest.skip("the photographs are not here")'


@isolated
def test_a_milestone_that_was_not_attempted_is_neither_passed_nor_failed_in_a_grade(classroom):
    """A data set that is not on the grader's machine costs no student a point for good."""
    classroom.edit("milestones/greeting/test_greeting.py", *SKIPPED)
    renew_manifest(classroom.root)
    result = classroom.run("--grade", "--isolate=process", "--milestone=all")
    text = " ".join(" ".join(result.outlines).split())
    assert "1 could not be graded" in text and "the photographs are not here" in text
    assert result.ret != 0


@isolated
def test_a_class_marks_it_as_not_graded(classroom, tmp_path):
    classroom.edit("milestones/greeting/test_greeting.py", *SKIPPED)
    renew_manifest(classroom.root)
    make_course(tmp_path / "class/anna")
    options = ("--milestone=all", "--isolate=process", f"--results={tmp_path / 'results'}")
    result = classroom.run(f"--submissions={tmp_path / 'class'}", *options)
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret != 0 and "the photographs are not here" in text, text
