"""progress.json across runs: what makes it stale, what damages it, who writes it."""

import json
import os
import subprocess
import sys

import pytest


def test_a_comment_makes_nothing_stale_and_code_does(classroom):
    classroom.checkpoint("all")
    classroom.edit("src/01_numbers.py", "    return a + b", "    # a comment\n\n    return a + b")
    assert classroom.states() == {"00": "achieved", "01": "achieved", "02": "planned"}
    classroom.edit("src/01_numbers.py", "return add(a, a)", "twice = add(a, a)\n    return twice")
    assert classroom.states() == {"00": "stale", "01": "stale", "02": "planned"}
    assert classroom.record("stale")["groups"] == ["00", "01"]
    assert classroom.states() == {"00": "achieved", "01": "achieved", "02": "planned"}


def test_reverting_restores_what_was_achieved(classroom):
    classroom.checkpoint("all")
    classroom.edit("src/02_words.py", "double(word)", "word")
    classroom.checkpoint("all")
    assert classroom.states() == {"00": "achieved", "01": "failing", "02": "planned"}
    classroom.edit("src/02_words.py", "return word", "return double(word)")
    assert classroom.states()["01"] == "achieved"


def test_what_rests_on_changed_code_is_stale_and_nothing_else(classroom):
    classroom.checkpoint("all")
    classroom.edit("src/02_words.py", "double(word)", "double(word) + ''")
    assert classroom.states() == {"00": "achieved", "01": "stale", "02": "planned"}


def test_progress_of_a_source_that_does_not_compile(classroom):
    classroom.checkpoint("all")
    classroom.edit("src/02_words.py", "double(word)", "double(word")
    result = classroom.run("--progress")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*00 Numbers*achieved", "*01 Words*stale"])


def test_without_progress_everything_is_still_to_do(classroom):
    result = classroom.run("--progress")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "Mini: 0 of 3 checkpoints, 0 of 16 points",
            "  00 Numbers  not started",
            "  02 Later    planned",
            "Next: src/01_numbers.py is written, so run: pytest --checkpoint 00",
        ]
    )
    assert not classroom.home.exists()


DAMAGED = {
    "not JSON": "{",
    "empty": "",
    "another shape": "[1, 2]",
    "no format": "{}",
    "wrong evidence": '{"format": 1, "courses": {"mini": {"checkpoints": {"00": {"k": 3}}}}}',
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_set_aside(classroom, text):
    classroom.home.mkdir()
    path = classroom.home / "progress.json"
    path.write_text(text)
    result = classroom.run("--progress")
    assert result.ret == 0
    assert "is damaged" in " ".join(result.outlines)
    assert "saved as progress.damaged-1.json" in classroom.says("--checkpoint", "01")
    assert (classroom.home / "progress.damaged-1.json").read_text() == text
    assert classroom.states()["01"] == "achieved"


def test_a_file_of_a_later_format_is_left_alone(classroom):
    classroom.home.mkdir()
    path = classroom.home / "progress.json"
    path.write_text('{"format": 2, "new": true}')
    said = classroom.says("--checkpoint", "01")
    assert "was written by a later version (format 2); this run is not recorded in it" in said
    assert "1 passed" in said
    assert path.read_text() == '{"format": 2, "new": true}'
    assert {path.name for path in classroom.home.iterdir()} <= {path.name, f"{path.name}.lock"}


def test_a_read_only_file_is_left_alone(classroom):
    classroom.checkpoint("01")
    path = classroom.home / "progress.json"
    before = path.read_text()
    path.chmod(0o444)
    classroom.edit("src/02_words.py", "double(word)", "word")
    if os.access(path, os.W_OK):
        pytest.skip("this user may write everything")
    assert "cannot be written (the file is read-only)" in classroom.says("--checkpoint", "01")
    assert path.read_text() == before


def test_a_folder_that_cannot_be_made(classroom):
    classroom.home.write_text("a file where the folder should be")
    said = classroom.says("--checkpoint", "01")
    assert "cannot be written" in said and "this run is not recorded" in said and "1 passed" in said
    assert classroom.home.read_text() == "a file where the folder should be"


def test_two_runs_at_once_lose_nothing(classroom):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--checkpoint"]
    runs = [
        subprocess.Popen([*command, ids], cwd=classroom.root, stdout=subprocess.DEVNULL)
        for ids in ("00", "01", "00", "01")
    ]
    assert [run.wait() for run in runs] == [0, 0, 0, 0]
    assert classroom.states() == {"00": "achieved", "01": "achieved", "02": "planned"}


def test_two_courses_do_not_disturb_each_other(classroom, tmp_path_factory):
    classroom.checkpoint("01")
    classroom.edit("course.toml", 'id = "mini"', 'id = "other"')
    assert classroom.states()["01"] == "not started"
    classroom.checkpoint("00")
    data = json.loads((classroom.home / "progress.json").read_text())
    assert {name: list(c["checkpoints"]) for name, c in data["courses"].items()} == {
        "mini": ["01"],
        "other": ["00"],
    }
    assert data["format"] == 1
    assert [data[key] for key in ("completed_modules", "unlocked_milestones")] == [[], []]


@pytest.mark.parametrize("form", ["summary", "detailed", "timeline", "horizontal"])
def test_every_form_names_every_checkpoint_and_its_state(classroom, form):
    classroom.checkpoint("00")
    classroom.edit("src/02_words.py", "double(word)", "word")
    classroom.checkpoint("01")
    result = classroom.run(f"--progress={form}")
    assert result.ret == 0
    text = "\n".join(result.outlines)
    assert "\x1b" not in text
    assert all(word in text for word in ("First", "Second", "00", "01", "02"))
    shown = {
        "summary": ["00 Numbers  achieved", "01 Words    failing 1 of 1", "02 Later    planned"],
        "detailed": ["00 Numbers: achieved, 5 of 5 tests", "failing: test_shout", "Can I shout?"],
        "timeline": ["[#] 00 Numbers, achieved", "[x] 01 Words, failing 1 of 1", "[ ] 02 Later"],
        "horizontal": ["--00[#]", "--01[x]--02[ ]", "[#] achieved, [x] failing"],
    }
    assert [line for line in shown[form] if line not in text] == []


def test_json_is_for_programs(classroom):
    classroom.edit("src/01_numbers.py", "/ len(values)", "/ 1")
    classroom.checkpoint("00")
    data = json.loads("\n".join(classroom.run("--progress=json").outlines))
    assert (data["format"], data["course"], data["next"]) == (1, "mini", "00")
    first = data["checkpoints"][0]
    assert first.pop("when")[:2] == "20"
    assert first == {
        "id": "00",
        "name": "Numbers",
        "phase": "First",
        "module": "01_numbers",
        "state": "failing",
        "passed": 4,
        "total": 5,
        "points": 5,
        "max_points": 7,
        "failing": ["00/test_mean"],
    }
