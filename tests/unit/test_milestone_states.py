"""States of milestones, from evidence: locked, unlocked, achieved, stale, claimed."""

import json
from dataclasses import replace

import pytest
from evidence import keep_evidence
from milestone_course import edit, make_course_with_milestones

from pytest_tinytorch.core.course import Demo, load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import Kind
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Outcome
from pytest_tinytorch.core.selectors import choose_milestones, choose_modules
from pytest_tinytorch.progress.milestones import (
    ladders,
    measured,
    milestone_statuses,
    progress_json,
)
from pytest_tinytorch.progress.progress import Progress
from pytest_tinytorch.progress.unlocking import Locked, locked_message, only_unlocked


@pytest.fixture
def course(tmp_path):
    return make_course_with_milestones(tmp_path / "course")


def progress(course):
    return Progress.of(course, load_manifest(course))


def statuses(course):
    return {s.milestone.id: s for s in milestone_statuses(course, progress(course))}


def labels(course):
    return {name: status.label for name, status in statuses(course).items()}


def stored(own_progress):
    return json.loads((own_progress / "progress.json").read_text())["courses"]["mini"]


# --- unlocking ----------------------------------------------------------------------------------


def test_each_needs_the_checkpoints_of_its_own_modules(course):
    assert labels(course) == {"greeting": "locked", "wave": "locked"}
    missing = {n: [m.collection.id for m in s.missing] for n, s in statuses(course).items()}
    assert missing == {"greeting": ["00", "01"], "wave": ["00"]}
    keep_evidence(course, course.checkpoints[0])
    assert labels(course) == {"greeting": "locked", "wave": "not attempted"}
    keep_evidence(course, course.checkpoints[1])
    assert labels(course) == {"greeting": "not attempted", "wave": "not attempted"}


def test_a_checkpoint_that_fails_unlocks_nothing(course):
    recorded = keep_evidence(course, *course.checkpoints[:2], outcome=Outcome.FAILED)
    assert recorded.unlocked == ()
    assert labels(course) == {"greeting": "locked", "wave": "locked"}


def test_what_a_run_unlocks_is_told_once(course, own_progress):
    first, second, _ = course.checkpoints
    names = [[m.id for m in keep_evidence(course, c).unlocked] for c in (first, second, second)]
    assert names == [["wave"], ["greeting"], []]
    assert stored(own_progress)["unlocked_milestones"] == ["greeting", "wave"]
    assert stored(own_progress)["completed_milestones"] == []


def test_a_demo_with_the_id_of_a_milestone_is_unlocked_by_itself(course):
    needs = tuple(module.name for module in course.modules[:2])
    demo = Demo(
        id="wave", name="Words", question="", limits=course.limits, needs=needs, written=True
    )
    course = replace(course, demos=(demo,))
    first, second, _ = course.checkpoints
    found = [[p.group.kind for p in keep_evidence(course, c).unlocked] for c in (first, second)]
    assert found == [[Kind.MILESTONE], [Kind.MILESTONE, Kind.DEMO]]


def test_a_checkpoint_that_became_stale_locks_nothing_but_one_that_fails_does(course):
    keep_evidence(course, course.checkpoints[0])
    edit(course, "return a + b", "return b + a")
    assert labels(course)["wave"] == "not attempted"
    keep_evidence(course, course.checkpoints[0], outcome=Outcome.FAILED)
    assert labels(course)["wave"] == "locked"


def test_a_checkpoint_that_only_failed_before_it_became_stale_is_missing(course):
    keep_evidence(course, course.checkpoints[0], outcome=Outcome.FAILED)
    edit(course, "return a + b", "return b + a")
    (status,) = statuses(course)["wave"].missing
    assert status.label == "stale"


# --- completion ---------------------------------------------------------------------------------


def test_completion_and_staleness(course, own_progress):
    keep_evidence(course, *course.checkpoints[:2])
    keep_evidence(course, course.milestones[1], measured="2 waves")
    assert labels(course)["wave"] == "achieved"
    assert measured(progress(course), statuses(course)["wave"]) == ["2 waves"]
    assert stored(own_progress)["completed_milestones"] == ["wave"]
    edit(course, "return a + b", "return b + a")
    assert labels(course)["wave"] == "stale"
    assert measured(progress(course), statuses(course)["wave"]) == []
    edit(course, "return b + a", "return a + b")
    assert labels(course)["wave"] == "achieved"
    keep_evidence(course, course.milestones[1], outcome=Outcome.FAILED)
    assert labels(course)["wave"] == "failing 1 of 1"


def test_it_becomes_stale_with_the_modules_that_it_names_alone(course):
    """Not with those that they need: the tests of a module may need more than its code does."""
    greeting = replace(course.milestones[0], needs=("02_words",))
    course = replace(course, milestones=(greeting,))
    assert [m.id for m in course.modules_of(greeting)] == ["02"]
    keep_evidence(course, course.checkpoints[1], greeting)
    edit(course, "return a + b", "return b + a")
    assert labels(course) == {"greeting": "achieved"}
    edit(course, ".upper()", ".lower()", module=1)
    assert labels(course) == {"greeting": "stale"}


def test_skipped_tests_are_no_attempt_and_take_nothing_away(course, own_progress):
    keep_evidence(course, course.checkpoints[0])
    keep_evidence(course, course.milestones[1], outcome=Outcome.SKIPPED)
    assert labels(course)["wave"] == "not attempted"
    assert stored(own_progress)["completed_milestones"] == []
    keep_evidence(course, course.milestones[1])
    keep_evidence(course, course.milestones[1], outcome=Outcome.SKIPPED)
    assert labels(course)["wave"] == "achieved"


def test_one_that_is_not_written_is_planned_and_not_locked(course):
    path = course.root / "course.toml"
    head, _, wave = path.read_text().rpartition("written = true")
    path.write_text(f"{head}written = false{wave}")
    planned = load_course(course.root)
    assert labels(planned) == {"greeting": "locked", "wave": "planned"}
    assert not statuses(planned)["wave"].is_unlocked
    assert [m.id for m in keep_evidence(planned, *planned.checkpoints[:2]).unlocked] == ["greeting"]


# --- claims -------------------------------------------------------------------------------------


def test_a_forged_completion_is_a_claim(course):
    keep_evidence(course, course.checkpoints[0])
    progress(course).note(completed_milestones=["wave", "greeting"])
    assert labels(course) == dict.fromkeys(("greeting", "wave"), "claimed, unverified")
    assert not any(status.is_achieved for status in statuses(course).values())
    data = progress_json(course, progress(course))["milestones"]
    assert [(m["claimed"], m["state"], m["points"]) for m in data] == [(True, "not started", 0)] * 2


def test_a_forged_unlocking_unlocks_nothing(course):
    progress(course).note(unlocked_milestones=["wave"])
    assert labels(course)["wave"] == "locked"
    assert [m.id for m in keep_evidence(course, course.checkpoints[0]).unlocked] == ["wave"]


def test_a_claim_becomes_an_achievement_by_a_run(course):
    progress(course).note(completed_milestones=["wave"])
    keep_evidence(course, course.checkpoints[0], course.milestones[1])
    assert labels(course)["wave"] == "achieved" and not statuses(course)["wave"].is_claimed


def test_what_was_achieved_with_other_code_is_stale_and_no_claim(course):
    keep_evidence(course, course.checkpoints[0], course.milestones[1])
    edit(course, "return a + b", "return b + a")
    assert labels(course)["wave"] == "stale" and not statuses(course)["wave"].is_claimed


def test_evidence_of_a_failure_does_not_cover_a_claim(course):
    keep_evidence(course, course.checkpoints[0])
    keep_evidence(course, course.milestones[1], outcome=Outcome.FAILED)
    progress(course).note(completed_milestones=["wave"])
    assert labels(course)["wave"] == "failing 1 of 1" and statuses(course)["wave"].is_claimed
    edit(course, "return a + b", "return b + a")
    assert labels(course)["wave"] == "claimed, unverified"


@pytest.mark.parametrize("word", ["4 letters", ["a", 1], {"a": 1}, None])
def test_a_measured_result_that_is_no_list_of_texts_is_damage(course, own_progress, word):
    keep_evidence(course, course.milestones[1], measured="2 waves")
    path = own_progress / "progress.json"
    data = json.loads(path.read_text())
    (evidence,) = data["courses"]["mini"]["milestones"]["wave"].values()
    evidence["measured"] = word
    path.write_text(json.dumps(data))
    assert labels(course)["wave"] == "locked"
    [note] = progress(course).notes
    assert "is damaged (evidence with a measured result that is not a text)" in note


# --- what is said -------------------------------------------------------------------------------


def test_what_a_locked_one_waits_for(course):
    keep_evidence(course, course.checkpoints[0], outcome=Outcome.FAILED)
    locked = [Locked(s.milestone, s.missing) for s in statuses(course).values()]
    assert locked_message(locked) == (
        "greeting needs checkpoints 00 Numbers (failing 1 of 1), 01 Words (not started); wave"
        " needs checkpoint 00 Numbers (failing 1 of 1). First: pytest --checkpoint 00,01"
    )


@pytest.mark.parametrize("text", ["greeting", "wave,greeting", "all,x"])
def test_one_that_is_named_and_locked_stops_the_run(course, text):
    keep_evidence(course, course.checkpoints[0])
    chosen = choose_milestones(course, text.removesuffix(",x"))
    if "all" in text:
        unlocked, locked = only_unlocked(course, progress(course), chosen, text)
        assert [m.id for m in unlocked] == ["wave"]
        assert [entry.program.id for entry in locked] == ["greeting"]
        return
    with pytest.raises(CourseError) as error:
        only_unlocked(course, progress(course), chosen, text)
    assert str(error.value) == (
        f"--milestone {text}: locked: greeting needs checkpoint 01 Words (not started)."
        " First: pytest --checkpoint 01"
    )


def test_all_of_none_is_refused(course):
    with pytest.raises(CourseError, match="--milestone all: locked: greeting needs"):
        only_unlocked(course, progress(course), course.milestones, "all")


def test_the_ladders_stand_in_the_order_of_the_course(course):
    found = ladders(course, milestone_statuses(course, progress(course)))
    assert [(name, [s.milestone.id for s in entries]) for name, entries in found] == [
        ("talking", ["greeting"]),
        ("moving", ["wave"]),
    ]


def test_what_programs_read_of_a_milestone(course):
    keep_evidence(course, course.checkpoints[0])
    keep_evidence(
        course, course.milestones[1], measured="2 waves", when="2026-01-02T03:04:05+00:00"
    )
    data = progress_json(course, progress(course))
    assert data["ladders"] == ["talking", "moving"]
    assert data["milestones"][1] == {
        "id": "wave",
        "name": "It waves!",
        "ladder": "moving",
        "number": 1,
        "year": 1986,
        "needs": ["01_numbers"],
        "state": "achieved",
        "passed": 1,
        "total": 1,
        "points": 2,
        "max_points": 2,
        "when": "2026-01-02T03:04:05+00:00",
        "failing": [],
        "label": "achieved",
        "unlocked": True,
        "missing": [],
        "claimed": False,
        "measured": ["2 waves"],
    }
    assert data["milestones"][0]["missing"] == ["01"]


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, ids",
    [
        ("1", "wave"),  # in the ladder that is named last
        ("talking 1", "greeting"),
        ("moving-1", "wave"),
        ("1986", "wave"),
        ("it waves", "wave"),
        ("It waves!", "wave"),
        ("a machine that greets", "greeting"),
        ("A_Machine-that greets , 1986", "greeting wave"),
    ],
)
def test_a_milestone_has_several_names(course, text, ids):
    assert " ".join(m.id for m in choose_milestones(course, text)) == ids


@pytest.mark.parametrize(
    "text, said",
    [
        ("2", "--milestone 2: unknown id '2'; valid: greeting, wave, all"),
        ("waves", "unknown id 'waves' (did you mean 'wave'?); valid: greeting, wave, all"),
        ("it wafes", "(did you mean 'It waves!'?)"),
        ("!", "--milestone !: unknown id '!'; valid"),
    ],
)
def test_a_name_that_none_has(course, text, said):
    with pytest.raises(CourseError) as error:
        choose_milestones(course, text)
    assert said in str(error.value)


@pytest.mark.parametrize("word", ["00_numbers", "0_numbers", "07_Numbers"])
def test_a_module_is_known_by_its_topic_whatever_its_number(course, word):
    assert choose_modules(course, word) == (course.modules[0],)


def test_the_older_numbers_of_the_whole_course(repository):
    course = load_course(repository)
    for number, module in enumerate(course.modules):
        assert choose_modules(course, f"{number:02}_{module.topic}") == (module,)


def test_1_to_5_name_the_capability_ladder_of_the_whole_course(repository):
    course = load_course(repository)
    names = {}
    for number in "12345":
        try:
            names[number] = choose_milestones(course, number)[0].id
        except CourseError as error:  # planned ones are named in the message
            names[number] = str(error).partition("course yet: ")[2].split()[0]
    assert list(names.values()) == [
        *("basic_inference", "computer_vision", "full_training"),
        *("advanced_vision", "language_generation"),
    ]
