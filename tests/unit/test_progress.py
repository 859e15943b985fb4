"""States of checkpoints, from evidence and the code as it stands."""

from dataclasses import replace

import pytest

from pytest_tinytorch.errors import CourseError
from pytest_tinytorch.manifest import load_manifest
from pytest_tinytorch.progress import Progress
from pytest_tinytorch.record import Outcome, RunRecord, TestRecord


def progress(course):
    return Progress.of(course, load_manifest(course))


def states(course):
    return [str(status.state) for status in progress(course).statuses]


def run(course, groups=("00", "01"), failing=(), when="2026-01-01T00:00:00+00:00"):
    """Keep the evidence of a run in which all tests passed but these."""
    manifest = load_manifest(course)
    tests = [
        TestRecord(name, name, Outcome.FAILED if name in failing else Outcome.PASSED)
        for group in groups
        for name in manifest.of(group)
    ]
    assert progress(course).record(RunRecord(course.id, 3, when, 1.0, tuple(tests)), groups) == []


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
    from mini_course import make_course

    from pytest_tinytorch.course import load_course

    run(course)
    clone = load_course(make_course(tmp_path / "clone"))
    assert states(clone) == ["achieved", "achieved", "planned"]
    edit(clone, "return a + b", "return b + a")
    assert states(clone) == ["not started", "not started", "planned"]
    assert states(course) == ["achieved", "achieved", "planned"]


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
    assert list(data) == ["format", "course", "completed_modules", "next", "checkpoints"]
    assert (data["format"], data["course"], data["next"]) == (1, "mini", "00")
    assert [c["state"] for c in data["checkpoints"]] == ["failing", "not started", "planned"]
    assert data["checkpoints"][0]["failing"] == ["00/test_double"]
    assert [c["when"] for c in data["checkpoints"]] == ["2026-01-01T00:00:00+00:00", None, None]
