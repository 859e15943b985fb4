"""States of checkpoints, from evidence and the code as it stands."""

import json
from dataclasses import replace

import pytest
from mini_course import make_course

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Outcome, RunRecord, TestRecord
from pytest_tinytorch.progress.progress import Progress, State, Status


def progress(course):
    return Progress.of(course, load_manifest(course))


def states(course):
    return [str(status.state) for status in progress(course).statuses]


def chosen(course, ids):
    return [course.collection_of(checkpoint_group(identifier)) for identifier in ids]


def run(course, groups=("00", "01"), failing=(), when="2026-01-01T00:00:00+00:00"):
    """Keep the evidence of a run in which all tests passed but these."""
    manifest = load_manifest(course)
    tests = [
        TestRecord(name, name, Outcome.FAILED if name in failing else Outcome.PASSED)
        for checkpoint in chosen(course, groups)
        for name in manifest.of(checkpoint.group)
    ]
    record = RunRecord(course.id, 3, when, 1.0, tuple(tests))
    assert progress(course).record(record, chosen(course, groups)) == []


def edit(course, old, new, module=0):
    path = course.source_file(course.modules[module])
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_before_anything_was_run(course):
    assert states(course) == ["not started", "not started", "planned"]
    assert progress(course).next_ids() == ["00"]


def test_achieved_and_failing(course):
    run(course, failing=["00/test_add", "00/test_mean"])
    status = progress(course).statuses[0]
    assert (status.label, status.passed, status.total, status.points) == ("failing 2 of 5", 3, 5, 3)
    assert status.failing == ("00/test_add", "00/test_mean")
    assert states(course) == ["failing", "achieved", "planned"]
    assert progress(course).next_ids() == ["00"]
    run(course, ["00"])
    assert states(course) == ["achieved", "achieved", "planned"]
    assert progress(course).next_ids() == []


def test_changed_code_makes_stale_what_rests_on_it_until_it_is_put_back(course):
    run(course)
    edit(course, "return a + b", "return b + a")
    assert states(course) == ["stale", "stale", "planned"]
    assert progress(course).ids_for("stale") == ["00", "01"]
    edit(course, "return b + a", "return a + b  # put back")
    assert states(course) == ["achieved", "achieved", "planned"]


@pytest.mark.parametrize(
    "old, new",
    [
        ("    return a + b", "    # the sum\n    return a + b"),
        ("    return a + b", "    return (a  +  b)"),
        ("# Numbers", "# All about numbers"),
        ("    assert add(1, 2) == 3", "    assert add(2, 2) == 4"),
    ],
    ids=["comment", "layout", "markdown", "inline test"],
)
def test_what_is_no_change_of_exported_code_keeps_what_was_achieved(course, old, new):
    run(course)
    edit(course, old, new)
    assert states(course) == ["achieved", "achieved", "planned"]


def test_changed_code_may_be_recorded_anew_and_the_old_result_stays_with_the_old_code(course):
    run(course)
    edit(course, "return a + b", "return b - a")
    run(course, failing=["00/test_add"])
    assert states(course) == ["failing", "achieved", "planned"]
    edit(course, "return b - a", "return a + b")
    assert states(course) == ["achieved", "achieved", "planned"]
    edit(course, "return a + b", "return b - a")
    assert states(course) == ["failing", "achieved", "planned"]


def test_a_removed_source_makes_stale(course):
    run(course)
    course.source_file(course.modules[1]).unlink()
    assert states(course) == ["achieved", "stale", "planned"]


def test_a_test_that_was_taken_from_the_manifest_does_not_count(course):
    run(course, failing=["00/test_mean"])
    path = course.root / "checkpoints/manifest.json"
    path.write_text(path.read_text().replace('"00/test_mean": 2, ', ""))
    status = progress(course).statuses[0]
    assert (str(status.state), status.passed, status.total, status.points) == ("achieved", 4, 4, 5)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome != "passed"])
def test_only_what_passed_counts(course, outcome):
    names = list(load_manifest(course).of(checkpoint_group("01")))
    tests = tuple(TestRecord(name, name, outcome) for name in names)
    run_record = RunRecord("mini", 3, "2026-01-01", 1.0, tests)
    assert progress(course).record(run_record, chosen(course, ["01"])) == []
    status = progress(course).statuses[1]
    assert (str(status.state), status.passed, status.points) == ("failing", 0, 0)
    assert status.failing == ("01/test_shout",)


def test_a_record_of_a_part_of_the_tests_decides_nothing(course):
    tests = (TestRecord("00/test_add", "Adds", Outcome.PASSED),)
    progress(course).record(RunRecord("mini", 3, "2026-01-01", 1.0, tests), chosen(course, ["00"]))
    assert states(course) == ["stale", "not started", "planned"]


def test_a_record_of_one_checkpoint_says_nothing_about_another(course):
    run(course, ["01"])
    assert states(course) == ["not started", "achieved", "planned"]
    assert progress(course).next_ids() == ["00"]


def test_progress_that_has_been_read_is_that_after_a_record(course):
    shown = progress(course)
    assert [str(status.state) for status in shown.statuses][:2] == ["not started", "not started"]
    tests = tuple(
        TestRecord(n, n, Outcome.PASSED) for n in load_manifest(course).of(checkpoint_group("01"))
    )
    shown.record(RunRecord("mini", 3, "2026-01-01", 1.0, tests), chosen(course, ["01"]))
    assert [str(status.state) for status in shown.statuses][:2] == ["not started", "achieved"]
    assert str(shown.status(course.checkpoints[1]).state) == "achieved"


def test_the_later_of_two_runs_of_the_same_code_counts(course):
    run(course, when="2026-01-01T00:00:00+00:00")
    run(course, failing=["00/test_add"], when="2026-01-02T00:00:00+00:00")
    status = progress(course).statuses[0]
    assert (str(status.state), status.when) == ("failing", "2026-01-02T00:00:00+00:00")


def test_what_a_checkpoint_rests_on_and_is_not_achieved(course):
    numbers, words, later = course.checkpoints

    def needs(checkpoint):
        found = progress(course).unachieved_needs(checkpoint)
        return [(status.collection.id, str(status.state)) for status in found]

    assert needs(numbers) == []
    assert needs(words) == needs(later) == [("00", "not started")]
    run(course, ["00"], failing=["00/test_add"])
    assert needs(words) == [("00", "failing")]
    run(course, ["00"])
    assert needs(words) == []


def test_courses_of_different_names_share_nothing(course):
    run(course)
    other = replace(course, id="other")
    assert states(other) == ["not started", "not started", "planned"]


def test_a_damaged_file_is_noted_and_then_set_aside(course, own_progress):
    own_progress.mkdir()
    (own_progress / "progress.json").write_text("{")
    shown = progress(course)
    assert str(shown.statuses[0].state) == "not started"
    [note] = shown.notes
    assert "is damaged" in note
    [said] = shown.record(RunRecord("mini", 3, "2026-01-01", 1.0, ()), [])
    assert "it is saved as progress.damaged-1.json." in said
    assert shown.notes == []


def test_what_is_kept_of_a_run(course, own_progress):
    run(course, ["01"], failing=["01/test_shout"])
    data = json.loads((own_progress / "progress.json").read_text())
    [evidence] = data["courses"]["mini"]["checkpoints"]["01"].values()
    assert evidence == {
        "when": "2026-01-01T00:00:00+00:00",
        "seconds": 1.0,
        "seed": 3,
        "root": str(course.root),
        "tests": {"01/test_shout": "failed"},
    }


def test_next_is_the_first_that_is_open_and_stale_are_all(course):
    run(course, failing=["01/test_shout"])
    assert progress(course).ids_for("next") == ["01"]
    edit(course, "return a + b", "return b + a")
    assert progress(course).ids_for("next") == ["00"]
    assert progress(course).ids_for("stale") == ["00", "01"]


def test_the_messages_where_there_is_none(course):
    with pytest.raises(CourseError) as error:
        progress(course).ids_for("stale")
    assert str(error.value) == "--checkpoint stale: nothing is stale. See `pytest --progress`."
    run(course)
    with pytest.raises(CourseError) as error:
        progress(course).ids_for("next")
    assert str(error.value) == (
        "--checkpoint next: nothing is left to do: every checkpoint is achieved."
        " See `pytest --progress`."
    )


def test_changed_code_leaves_what_does_not_rest_on_it(course):
    run(course)
    edit(course, "double(word)", "word", module=1)
    assert states(course) == ["achieved", "stale", "planned"]


def test_a_new_test_makes_stale(course):
    run(course)
    path = course.root / "checkpoints/manifest.json"
    path.write_text(
        path.read_text().replace('{"01/test_shout": 4}', '{"01/test_shout": 3, "01/b": 1}')
    )
    assert states(course) == ["achieved", "stale", "planned"]


def test_another_clone_with_the_same_code_shares_what_was_achieved(course, tmp_path):
    run(course)
    clone = load_course(make_course(tmp_path / "clone"))
    assert states(clone) == ["achieved", "achieved", "planned"]
    edit(clone, "return a + b", "return b + a")
    assert states(clone) == ["not started", "not started", "planned"]
    assert states(course) == ["achieved", "achieved", "planned"]


def test_a_test_that_is_new_makes_stale_what_another_clone_has_shown(course, tmp_path):
    run(load_course(make_course(tmp_path / "clone")))
    path = course.root / "checkpoints/manifest.json"
    path.write_text(
        path.read_text().replace('{"01/test_shout": 4}', '{"01/test_shout": 3, "01/b": 1}')
    )
    assert states(course) == ["achieved", "stale", "planned"]


@pytest.mark.parametrize(
    "state, label",
    [
        (State.ACHIEVED, "achieved"),
        (State.FAILING, "failing 2 of 5"),
        (State.STALE, "stale"),
        (State.NOT_STARTED, "not started"),
        (State.PLANNED, "planned"),
    ],
)
def test_the_label_of_a_state(course, state, label):
    assert Status(course.checkpoints[0], state, 3, 5, 3).label == label


def test_next_and_stale_where_there_is_none(course):
    run(course)
    with pytest.raises(CourseError, match="nothing is left to do: every checkpoint is achieved"):
        progress(course).ids_for("next")
    with pytest.raises(CourseError, match="nothing is stale"):
        progress(course).ids_for("stale")


def test_the_last_twenty_versions_are_kept(course):
    for number in range(25):
        edit(course, f"a + b{' + 0' * number}\n", f"a + b{' + 0' * (number + 1)}\n")
        run(course, ["00"], when=f"2026-01-01T00:00:{number:02}+00:00")
    shown = progress(course)
    entry = shown._file.read()[0]["courses"]["mini"]["checkpoints"]["00"]
    assert sorted(e["when"][17:19] for e in entry.values()) == [f"{n:02}" for n in range(5, 25)]
    assert states(course)[0] == "achieved"


def test_completed_modules(course):
    shown = progress(course)
    assert shown.complete_module(course.modules[1]) == []
    assert shown.complete_module(course.modules[0]) == []
    assert shown.complete_module(course.modules[0]) == []
    assert progress(course).completed_modules == ("01_numbers", "02_words")
    other = progress(replace(course, id="other"))
    assert other.completed_modules == ()


def test_what_programs_read(course):
    run(course, ["00"], failing=["00/test_double"])
    data = progress(course).to_json()
    assert list(data) == [
        "format",
        "course",
        "completed_modules",
        "next",
        "checkpoints",
        "milestones",
    ]
    assert (data["format"], data["course"], data["next"]) == (1, "mini", "00")
    assert [c["state"] for c in data["checkpoints"]] == ["failing", "not started", "planned"]
    assert data["checkpoints"][0]["failing"] == ["00/test_double"]
    assert [c["when"] for c in data["checkpoints"]] == ["2026-01-01T00:00:00+00:00", None, None]


def test_everything_that_programs_read(course):
    run(course, ["00"], failing=["00/test_double"])
    progress(course).complete_module(course.modules[1])
    first, second, third = progress(course).to_json()["checkpoints"]
    assert first == {
        "id": "00",
        "name": "Numbers",
        "phase": "First",
        "module": "01_numbers",
        "state": "failing",
        "passed": 4,
        "total": 5,
        "points": 6,
        "max_points": 7,
        "when": "2026-01-01T00:00:00+00:00",
        "failing": ["00/test_double"],
    }
    assert second == {
        "id": "01",
        "name": "Words",
        "phase": "Second",
        "module": "02_words",
        "state": "not started",
        "passed": 0,
        "total": 1,
        "points": 0,
        "max_points": 4,
        "when": None,
        "failing": [],
    }
    assert third["state"] == "planned"
    assert (third["passed"], third["total"], third["points"], third["when"]) == (0, 0, 0, None)
    data = progress(course).to_json()
    assert data["completed_modules"] == ["02_words"]
    assert json.loads(json.dumps(data)) == data


def test_programs_read_that_nothing_is_next(course):
    run(course)
    assert progress(course).to_json()["next"] is None
