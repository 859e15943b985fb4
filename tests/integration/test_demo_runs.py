"""`pytest --demo` and `tito demo`: a kind of collection without points, evidence or certificate."""

import json
import subprocess
import sys

import pytest
from mini_course import add_demos, make_course, make_course_with_milestone, renew_manifest

from pytest_tinytorch.isolation.levels import missing

isolated = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))
WAYS = pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
LOCKED = "locked: echo needs checkpoint 01 Words (not started). First: pytest --checkpoint 01"
NOT_RUN = "Not run, locked: echo. First: pytest --checkpoint 01"


@pytest.fixture
def classroom(classroom):
    """A course with the demos sum (needs 01) and echo (needs 01 and 02)."""
    add_demos(make_course_with_milestone(classroom.root))
    renew_manifest(classroom.root)
    return classroom


@pytest.fixture
def tito(classroom, run_tito, monkeypatch):
    """Runs `tito demo ...`; returns its exit code and its lines."""
    monkeypatch.chdir(classroom.root)
    return lambda *words: run_tito("demo", *words)


def as_a_person(classroom, *words, folder="."):
    """Run `tito demo ...` in a process of its own, because the program prints, too."""
    return subprocess.run(
        [sys.executable, "-m", "pytest_tinytorch.cli", "demo", *words],
        cwd=classroom.root / folder,
        capture_output=True,
        text=True,
    )


# --- pytest --demo ------------------------------------------------------------------------------


def test_the_manifest_lists_no_demo(classroom):
    text = (classroom.root / "checkpoints/manifest.json").read_text()
    assert "demo" not in text


@WAYS
@pytest.mark.parametrize("isolate", [(), pytest.param(("--isolate=process",), marks=isolated)])
def test_it_is_tested_and_counts_nothing(classroom, way, isolate):
    classroom.achieve("00")
    before = (classroom.home / "progress.json").read_text()
    result = classroom.run("--demo", "sum", *way, *isolate)
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == 0, text
    assert "Demo sum · A sum · module 01 One and one are two" in text
    assert "pass Shows it" in text and "1 passed" in text
    assert "Next: look at it: tito demo sum" in text
    assert "points" not in text and "certificate" not in text and "achieved" not in text
    assert (classroom.home / "progress.json").read_text() == before


def test_a_failure_is_explained_like_any_other(classroom):
    classroom.achieve("00")
    classroom.edit("src/01_numbers.py", "return a + b", "return a - b")
    result = classroom.run("--demo", "sum")
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "FAIL Shows it" in text and "got 0, expected 2" in text
    assert "hint: Look at it by hand." in text
    assert "then run: pytest --demo sum" in text


@WAYS
def test_a_locked_one_says_what_is_missing_and_runs_nothing(classroom, way):
    classroom.achieve("00")
    result = classroom.run("--demo", "echo", *way)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line == f"ERROR: --demo echo: {LOCKED}"


def test_all_runs_what_is_unlocked_names_the_rest_and_is_no_success(classroom):
    classroom.achieve("00")
    result = classroom.run("--demo", "all")
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "1 passed" in text and "Demo sum" in text and "Demo echo" not in text
    assert f"{NOT_RUN}. See: tito demo" in text


@pytest.mark.parametrize("name", ["sum", "A Sum", "a_sum"])
def test_it_is_known_by_id_and_name(classroom, name):
    classroom.achieve("00")
    assert "Demo sum" in classroom.says("--demo", name)


@pytest.mark.parametrize(
    "ids, said",
    [
        ("eco", "--demo eco: unknown id 'eco' (did you mean 'echo'?); valid: sum, echo, all"),
        ("", "--demo : unknown id ''; valid: sum, echo, all"),
        ("greeting", "--demo greeting: unknown id 'greeting'; valid: sum, echo, all"),
    ],
)
def test_unknown_ids_are_one_line(classroom, ids, said):
    result = classroom.run("--demo", ids)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [f"ERROR: {said}"]


def test_a_course_without_demos_says_so(classroom):
    make_course(classroom.root)
    result = classroom.run("--demo", "all")
    assert result.errlines[0] == "ERROR: --demo all: this course has no demos"


def test_without_its_file_of_tests(classroom):
    classroom.achieve("00")
    (classroom.root / "demos/sum/test_sum.py").unlink()
    result = classroom.run("--demo", "sum")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[0] == (
        "ERROR: --demo sum: demos/sum/test_sum.py is not there; write it, or restore it with"
        " `git checkout -- demos/sum/test_sum.py`"
    )


def test_a_planned_one_is_not_there(classroom):
    text = (classroom.root / "course.toml").read_text()
    planned = 'twice"\nwritten = false'
    (classroom.root / "course.toml").write_text(text.replace('twice"\nwritten = true', planned))
    classroom.achieve("00", "01")
    assert "not part of this course yet: echo An echo; there are: sum" in classroom.says(
        "--demo", "echo"
    )
    assert "new demo: echo" not in classroom.says("--checkpoint", "01")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--grade", "--demo=all"), "--grade counts points, and --demo has none"),
        (
            ("--submissions=src", "--demo=all"),
            "--demo cannot be used with --submissions, which grades a class",
        ),
    ],
)
def test_it_is_never_graded(classroom, arguments, said):
    result = classroom.run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR and said in result.errlines[0]


@isolated
def test_a_grade_needs_no_folder_of_demos(classroom):
    (classroom.root / "demos/sum/test_sum.py").unlink()
    text = classroom.says("--grade", "--isolate=process", "--checkpoint=00")
    assert "Grade: 7 of 7 points" in text


def test_a_demo_and_a_checkpoint_in_one_run(classroom):
    text = classroom.says("--checkpoint", "00", "--demo", "sum")
    assert "locked: sum needs checkpoint 00" in text  # at the start of the run
    classroom.achieve("00")
    text = classroom.says("--checkpoint", "00", "--demo", "sum")
    assert "Checkpoint 00 · Numbers: achieved" in text and "Demo sum" in text
    data = json.loads((classroom.home / "progress.json").read_text())
    assert "demos" not in data["courses"]["mini"]


def test_a_checkpoint_that_is_achieved_tells_the_new_demo_once(every_way):
    text = every_way.says("--checkpoint", "00")
    assert "new demo: sum, run `tito demo sum`" in text and "echo" not in text
    text = every_way.says("--checkpoint", "01")
    assert "unlocked: A machine that greets, run `pytest --milestone greeting`" in text
    assert "new demo: echo, run `tito demo echo`" in text
    assert "new demo" not in every_way.says("--checkpoint", "all")


# --- tito demo ----------------------------------------------------------------------------------


def test_the_list_has_the_state_of_each(tito, classroom):
    classroom.achieve("00")
    assert tito() == (
        0,
        [
            "sum   unlocked  A sum",
            "  One and one are two",
            "echo  locked    An echo",
            "  What is called comes back twice",
            "Run one: tito demo sum. What unlocks which: tito demo --matrix",
        ],
    )


def test_the_matrix_shows_which_module_unlocks_which(tito, classroom):
    classroom.achieve("00")
    assert tito("--matrix") == (
        0,
        [
            "           sum echo",
            "01_numbers  !   x",
            "02_words        !",
            "",
            "x: the demo uses the module; !: it needs it and no later one",
            "unlocked now: sum",
            "locked now: echo",
        ],
    )


def test_it_runs_the_program_where_the_user_is_and_records_nothing(classroom):
    classroom.achieve("00")
    before = (classroom.home / "progress.json").read_text()
    (classroom.root / "demos/sum/program.py").write_text("import os\nprint(os.getcwd())\n")
    done = as_a_person(classroom, "sum", folder="src")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == str((classroom.root / "src").resolve())
    assert (classroom.home / "progress.json").read_text() == before


def test_what_follows_the_name_is_for_the_program(classroom):
    classroom.achieve("00")
    done = as_a_person(classroom, "sum", "--seed", "3", "--png", "a.png")
    assert done.stdout.splitlines() == ["sum: A sum", "", "2 --seed 3 --png a.png"]


def test_all_runs_those_that_are_unlocked_and_is_no_success_while_some_are_locked(classroom):
    classroom.achieve("00")
    done = as_a_person(classroom, "--all")
    assert (done.returncode, done.stdout.splitlines()) == (1, ["sum: A sum", "", "2"])
    assert done.stderr.strip() == NOT_RUN
    classroom.achieve("01")
    done = as_a_person(classroom, "--all")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["sum: A sum", "", "2", "", "echo: An echo", "", "HEYHEY"]


@pytest.mark.parametrize(
    "words, said",
    [
        (("echo",), f"tito: --demo echo: {LOCKED}"),
        (
            ("eco",),
            "tito: --demo eco: unknown id 'eco' (did you mean 'echo'?); valid: sum, echo, all",
        ),
        (("sum", "--all"), "tito: give only one of these: the name of a demo, --all, --matrix"),
        (("sum,echo", "--seed", "1"), "tito: --seed 1: is for one demo, such as `tito demo sum`"),
    ],
)
def test_what_cannot_be_run_is_one_line(tito, classroom, words, said):
    classroom.achieve("00")
    assert tito(*words) == (2, [said])


def test_the_exit_code_is_that_of_the_program(classroom):
    classroom.achieve("00")
    (classroom.root / "demos/sum/program.py").write_text("raise SystemExit(7)\n")
    assert as_a_person(classroom, "sum").returncode == 7


def test_without_its_program_or_with_a_broken_source(tito, classroom):
    classroom.achieve("00")
    (classroom.root / "demos/sum/program.py").unlink()
    assert tito("sum") == (
        2,
        ["sum: A sum", "", "tito: demos/sum/program.py is missing; restore it"],
    )
    (classroom.root / "demos/sum/program.py").write_text("")
    classroom.edit("src/01_numbers.py", "return a + b", "return a +")
    code, lines = tito("sum")
    assert code == 1 and "src/01_numbers.py:11: invalid syntax" in lines


def test_no_demos_no_list(tito, classroom):
    make_course(classroom.root)
    assert tito() == (2, ["tito: --demo all: this course has no demos"])
