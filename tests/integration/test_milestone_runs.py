"""Runs of pytest with milestones: locked ones are refused, a run tells what it unlocks."""

import json

import pytest
from evidence import keep_evidence
from mini_course import add_wave, make_course_with_milestone, renew_manifest

from pytest_tinytorch.core.course import load_course

WAYS = pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
SKIPS = 'pytest.skip("no photographs here; run: tito data download cifar10")'


@pytest.fixture
def classroom(classroom):
    """A course with the milestones greeting (needs 01 and 02) and wave (needs 01)."""
    add_wave(make_course_with_milestone(classroom.root))
    renew_manifest(classroom.root)
    return classroom


def milestones(classroom) -> dict[str, dict]:
    data = json.loads(classroom.run("--progress=json").stdout.str())
    return {entry["id"]: entry for entry in data["milestones"]}


@WAYS
@pytest.mark.parametrize("more", [(), ("--isolate=process",), ("-k", "greets")])
def test_a_locked_one_says_what_is_missing_and_runs_and_counts_nothing(classroom, way, more):
    classroom.achieve("00")
    before = (classroom.home / "progress.json").read_text()
    result = classroom.run("--milestone", "greeting", *way, *more)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line == (
        "ERROR: --milestone greeting: locked: greeting needs checkpoint 01 Words (not started)."
        " First: pytest --checkpoint 01"
    )
    assert "passed" not in result.stdout.str()
    assert (classroom.home / "progress.json").read_text() == before
    assert milestones(classroom)["greeting"]["label"] == "locked"


@WAYS
def test_all_runs_what_is_unlocked_names_the_rest_and_is_no_success(classroom, way):
    classroom.achieve("00")
    result = classroom.run("--milestone", "all", *way)
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "It waves!: achieved, 1 of 1 tests, 2 of 2 points" in text
    assert (
        "Not run, locked: greeting. First: pytest --checkpoint 01. See: tito milestone status"
        in text
    )
    assert "1 passed" in text and "Greets" not in text
    found = {name: entry["label"] for name, entry in milestones(classroom).items()}
    assert found == {"greeting": "locked", "wave": "achieved"}


def test_all_is_a_success_when_all_are_unlocked_and_pass(classroom):
    classroom.achieve("00", "01")
    assert classroom.run("--milestone", "all").ret == 0


def test_a_checkpoint_that_is_achieved_tells_what_it_unlocks(every_way):
    assert "unlocked: 1986 It waves!, run `pytest --milestone wave`" in every_way.says(
        "--checkpoint", "00"
    )
    text = every_way.says("--checkpoint", "01")
    assert "unlocked: A machine that greets, run `pytest --milestone greeting`" in text
    assert "wave" not in text
    assert "unlocked" not in every_way.says("--checkpoint", "all")


@pytest.mark.parametrize("narrowed", [("-k", "add"), ("--deselect", "x::y")])
def test_a_narrowed_run_unlocks_nothing(classroom, narrowed):
    arguments = ("--checkpoint", "00", *narrowed)
    if narrowed[0] == "-k":
        assert "unlocked" not in classroom.says(*arguments)
    else:  # all tests ran
        assert "unlocked: 1986" in classroom.says(*arguments)


def test_a_failing_checkpoint_unlocks_nothing(classroom):
    classroom.edit("src/01_numbers.py", "return a + b", "return a - b")
    assert "unlocked" not in classroom.says("--checkpoint", "00")


@pytest.mark.parametrize("isolate", [(), ("--isolate=process",)], ids=["plain", "isolated"])
def test_skipped_tests_are_not_attempted(classroom, isolate):
    classroom.achieve("00")
    classroom.edit(
        "milestones/wave/test_wave.py", "waves = tt.add(1, 1)", f"{SKIPS}\n    waves = 2"
    )
    renew_manifest(classroom.root)
    result = classroom.run("--milestone", "wave", *isolate)
    text = " ".join(" ".join(result.outlines).split())
    assert (
        "It waves!: not attempted, its tests were skipped: no photographs here; run: tito data"
        " download cifar10" in text
    )
    assert "achieved," not in text and "not achieved" not in text and "fix" not in text
    assert "certificate" not in text
    entry = milestones(classroom)["wave"]
    assert (entry["label"], entry["passed"], entry["failing"]) == ("not attempted", 0, [])


def test_an_achieved_one_names_its_certificate(classroom):
    classroom.achieve("00")
    assert "Your certificate: tito milestone certificate wave" in classroom.says(
        "--milestone", "1986"
    )


def test_when_every_checkpoint_is_achieved_a_milestone_comes_next(classroom):
    classroom.achieve("00")
    assert "so run: pytest --checkpoint 01" in classroom.says("--progress")
    text = classroom.says("--checkpoint", "01")
    assert "Next: every written checkpoint is achieved; now: pytest --milestone greeting" in text
    course = load_course(classroom.root)
    keep_evidence(course, course.milestones[0])
    assert "now: pytest --milestone wave" in classroom.says("--progress")
    keep_evidence(course, course.milestones[1])
    assert "is achieved: pytest --progress=timeline" in classroom.says("--progress")


def test_a_grade_needs_no_progress(classroom):
    text = classroom.says("--grade", "--isolate=process", "--milestone", "wave")
    assert "Grade: 2 of 2 points, 100.0 %" in text
    assert not (classroom.home / "progress.json").exists()


def test_listing_tests_needs_no_progress(classroom):
    result = classroom.run("--milestone", "all", "--collect-only", "-q")
    assert result.ret == 0 and "test_wave.py" in result.stdout.str()


def test_a_damaged_file_unlocks_nothing_and_is_kept(classroom):
    classroom.achieve("00")
    (classroom.home / "progress.json").write_text("{")
    assert "locked: wave needs checkpoint 00" in classroom.says("--milestone", "wave")
    classroom.run("--checkpoint", "00")
    assert [path.name for path in sorted(classroom.home.glob("*damaged*"))] != []
    assert milestones(classroom)["wave"]["unlocked"] is True


VIEWS = {
    "summary": (
        "Milestones: talking 1 A machine that greets locked, needs checkpoint 01 Milestones:"
        " moving 1 1986 It waves! achieved"
    ),
    "detailed": (
        "1 1986 It waves! (wave): achieved, 1 of 1 tests, 2 of 2 points, 2026-05-06 It waves twice"
        " measured: 2 waves"
    ),
    "timeline": "[-] A machine that greets, locked | Milestones: moving [#] 1986 It waves!",
    "horizontal": "talking --greeting[-] moving --wave[#]",
}


@pytest.mark.parametrize("form", VIEWS)
def test_progress_shows_both_ladders(classroom, form):
    classroom.achieve("00")
    course = load_course(classroom.root)
    keep_evidence(
        course, course.milestones[1], measured="2 waves", when="2026-05-06T07:08:09+00:00"
    )
    text = classroom.says(f"--progress={form}")
    assert VIEWS[form] in text
    assert "1 of 3 checkpoints, 9 of 21 points, 1 of 2 milestones" in text
