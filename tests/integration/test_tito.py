"""`tito`: each command does what its words say, through the same services as pytest."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.core.records import Outcome, RunRecord, TestRecord
from pytest_tinytorch.reports.html import feedback_html
from pytest_tinytorch.reports.markdown import feedback_markdown


@pytest.fixture
def tito(classroom, monkeypatch, run_tito):
    """Runs a command in the course's folder."""
    monkeypatch.chdir(classroom.root)
    return run_tito


def test_export(tito, classroom):
    assert tito("export", "--all") == (
        0,
        [
            "written: mini/__init__.py",
            "written: mini/core/__init__.py",
            "written: mini/core/numbers.py",
            "written: mini/core/words.py",
        ],
    )
    assert tito("export", "words") == (0, ["nothing changed"])
    classroom.edit("src/02_words.py", "double(word)", "word")
    assert tito("module", "export", "02") == (0, ["written: mini/core/words.py"])
    (classroom.root / "src/02_words.py").unlink()
    assert tito("export", "2") == (
        0,
        ["removed: mini/core/words.py (its source is not there)"],
    )


def test_export_of_a_broken_source(tito, classroom):
    classroom.edit("src/01_numbers.py", "return a + b", "return a +")
    code, lines = tito("export", "01")
    assert code == 1 and "src/01_numbers.py:11: invalid syntax" in lines


MISTAKES = {
    "nothing to export": (
        ("export",),
        "say which module: `tito export 02`, or `tito export --all`",
    ),
    "both": (("export", "02", "--all"), "say which module"),
    "unknown": (("export", "wrods"), "--module wrods: unknown id 'wrods' (did you mean 'words'?)"),
    "unknown checkpoint": (("checkpoint", "unlock", "9"), "--checkpoint 9: unknown id '9'"),
    "two at once": (("module", "complete", "01-02"), "complete one module at a time"),
}


@pytest.mark.parametrize("arguments, message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(tito, arguments, message):
    code, lines = tito(*arguments)
    assert code == 2 and len(lines) == 1 and message in lines[0]


def test_outside_a_course(tito, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    code, lines = tito("checkpoint", "status")
    assert (code, lines) == (
        2,
        ["tito: no course.toml here or above; change into the course's folder"],
    )


DELEGATED = {
    ("checkpoint", "status"): ["--progress=summary"],
    ("checkpoint", "status", "--detailed"): ["--progress=detailed"],
    ("checkpoint", "timeline"): ["--progress=timeline"],
    ("checkpoint", "timeline", "--horizontal"): ["--progress=horizontal"],
    ("checkpoint", "test", "01"): ["--checkpoint", "01"],
    ("checkpoint", "run", "next"): ["--checkpoint", "next", "-s"],
    ("module", "test", "words"): ["--module", "words"],
}


@pytest.mark.parametrize("words", DELEGATED, ids=" ".join)
def test_what_pytest_does_is_left_to_pytest(tito, classroom, monkeypatch, words):
    commands = []

    def run(command, cwd, check):
        commands.append((command, cwd))
        return subprocess.CompletedProcess(command, 7)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.chdir(classroom.root / "src")
    assert tito(*words) == (7, [])
    assert commands == [([sys.executable, "-m", "pytest", *DELEGATED[words]], classroom.root)]


def test_unlock_says_what_to_do_and_why(tito, classroom):
    wanted = [
        "Checkpoint 01 · Words: not started",
        "  Question: Can I shout?",
        "  It rests on 01_numbers, checkpoint 00: not started.",
        "    pytest --checkpoint 00",
        "  Write src/02_words.py, then:",
        "    pytest --checkpoint 01",
    ]
    assert tito("checkpoint", "unlock", "words") == (0, wanted)
    classroom.checkpoint("all")
    assert tito("checkpoint", "unlock", "00") == (
        0,
        ["Checkpoint 00 · Numbers: achieved", "  You can add numbers. Nothing is left to do."],
    )


def test_module_status(tito, classroom):
    classroom.checkpoint("00")
    (classroom.root / "src/02_words.py").unlink()
    assert tito("module", "status") == (
        0,
        [
            "01_numbers       checkpoint 00: achieved",
            "02_words         checkpoint 01: not there: src/02_words.py",
            "03_later         checkpoint 02: planned",
        ],
    )


def test_manifest(tito, classroom):
    path = classroom.root / "checkpoints/manifest.json"
    path.unlink()
    command = [sys.executable, "-m", "pytest_tinytorch.cli", "manifest"]
    done = subprocess.run(command, cwd=classroom.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        ["checkpoint 00: 5 tests, 7 points", "checkpoint 01: 1 tests, 4 points"],
    )
    assert classroom.checkpoint("all").ret == 0


MARKS = {
    "points": ("points(4)", "points(5)", "add up to 5, but course.toml gives checkpoint 01 4"),
    "mark": ("points(4)", "points('x')", "points('x'): write a number of at least 0"),
    "syntax": ("def test_shout", "def test_shout(", "SyntaxError"),
}


@pytest.mark.parametrize("old, new, message", MARKS.values(), ids=MARKS)
def test_manifest_of_a_course_that_is_wrong(classroom, old, new, message):
    classroom.edit("checkpoints/checkpoint_01_words.py", old, new)
    path = classroom.root / "checkpoints/manifest.json"
    before = path.read_text()
    command = [sys.executable, "-m", "pytest_tinytorch.cli", "manifest"]
    done = subprocess.run(command, cwd=classroom.root, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert path.read_text() == before


def test_an_autograder_for_gradescope(tito, classroom):
    (classroom.root / "autograder.zip").write_text("mine")
    code, lines = tito("gradescope", "bundle", "--checkpoint", "words")
    assert code == 0 and lines[1].startswith("written: autograder.zip (")
    assert [lines[0], *lines[2:]] == [
        "the earlier autograder.zip is now autograder.zip.old",
        "It grades checkpoints 01.",
        "Set the autograder's points in Gradescope to 4.",
    ]
    code, lines = tito("gradescope", "bundle", "--checkpoint", "wrods", "--output", "x.zip")
    assert (code, len(lines)) == (2, 1) and "unknown id 'wrods'" in lines[0]
    assert not (classroom.root / "x.zip").exists()


def test_complete_runs_every_tier_and_stops_at_the_first_that_fails(tito, classroom):
    code, lines = tito("module", "complete", "numbers")
    said = "\n".join(lines)
    assert code == 0 and said.index("1 passed") < said.index("achieved, 5 of 5 tests")
    assert said.index("achieved") < said.index("*** 01_numbers is complete ***")
    assert lines[lines.index("*** 01_numbers is complete ***") :] == [
        "*** 01_numbers is complete ***",
        "  You built add, double and mean, in 12 lines of code.",
        "  6 tests pass: 1 inline tests, 5 checkpoint 00.",
        "  You can now add numbers.",
        "  [#..] 1 of 3 modules",
        "Next: src/02_words.py is written, so run: pytest --checkpoint 01",
    ]
    code, lines = tito("module", "complete", "numbers")
    assert code == 0 and not [line for line in lines if "***" in line]
    assert "01_numbers is complete, as before." in lines
    assert tito("module", "status")[1][0] == "01_numbers       checkpoint 00: achieved, completed"
    classroom.edit("src/02_words.py", "double(word)", "word")
    code, lines = tito("module", "complete", "02")
    assert code == 1
    assert "02_words is not complete: checkpoint 01 failed. Fix the above, then run:" in lines
    assert "completed" not in tito("module", "status")[1][1]


GRADED = RunRecord(
    "mini",
    0,
    "2026-01-01T00:00:00+00:00",
    1.0,
    (
        TestRecord("00/test_add", "Adds two numbers", Outcome.PASSED, max_points=2),
        TestRecord("00/test_secret", "CANARY", Outcome.FAILED, visibility="hidden"),
    ),
    (checkpoint_group("00"),),
    isolation="bwrap",
    student="Zoë \U0001f600",
    version="1",
    manifest="0" * 64,
    altered=("conftest.py",),
)
NOTES = ["Isolation: bwrap", "Modified course files: conftest.py"]


@pytest.fixture
def graded(classroom):
    """Writes a file of results."""

    def write(run=GRADED, record=None):
        suite = ET.Element("testsuite")
        properties = ET.SubElement(suite, "properties")
        value = json.dumps(run.to_json()) if record is None else record
        ET.SubElement(properties, "property", name="record", value=value)
        root = ET.Element("testsuites")
        root.append(suite)
        ET.ElementTree(root).write(classroom.root / "grade.xml")

    return write


def test_feedback_is_printed_or_written(tito, classroom, graded):
    graded()
    course = load_course(classroom.root)
    page, markdown = feedback_html(course, GRADED, NOTES), feedback_markdown(course, GRADED, NOTES)
    assert "Zoë" in page and "Adds two numbers" in page and "CANARY" not in page + markdown
    assert tito("feedback", "grade.xml") == (0, markdown.splitlines())
    assert tito("feedback", "grade.xml", "--html", "out/a.html", "--markdown", "a.md") == (
        0,
        ["written: out/a.html", "written: a.md"],
    )
    assert (classroom.root / "out/a.html").read_text("utf-8") == page
    assert (classroom.root / "a.md").read_text("utf-8") == markdown
    assert tito("feedback", "grade.xml", "--markdown", "a.md") == (0, ["nothing changed: a.md"])


def test_feedback_writes_over_nothing(tito, classroom, graded):
    graded()
    (classroom.root / "mine.md").write_text("mine")
    assert tito("feedback", "grade.xml", "--markdown", "mine.md") == (
        0,
        ["mine.md of an earlier run is now mine.md.old", "written: mine.md"],
    )
    assert (classroom.root / "mine.md.old").read_text() == "mine"
    code, lines = tito("feedback", "grade.xml", "--html", "src")
    assert (code, lines) == (2, ["tito: src is a folder; name a file in it: src/feedback.html"])
    assert tito("feedback", "grade.xml", "--html", "mine.md/a.html")[0] == 3


def test_feedback_on_another_version_of_the_course_says_so(tito, graded):
    graded(replace(GRADED, version="0.9"))
    _, lines = tito("feedback", "grade.xml")
    assert "- Graded with version 0.9 of the course; titles are those of version 1" in lines


NO_RESULTS = {
    "another course": (replace(GRADED, course="other"), "belongs to the course 'other', but this"),
    "not graded": (replace(GRADED, manifest=""), "its run was not graded; run `pytest --grade --j"),
}


@pytest.mark.parametrize("run, message", NO_RESULTS.values(), ids=NO_RESULTS)
def test_feedback_needs_a_graded_run_of_this_course(tito, graded, run, message):
    graded(run)
    code, lines = tito("feedback", "grade.xml")
    assert code == 2 and len(lines) == 1 and message in lines[0]


def test_feedback_needs_results(tito, graded):
    code, lines = tito("feedback", "grade.xml")
    assert (code, lines) == (2, ["tito: grade.xml cannot be read: No such file or directory"])
    graded(record="{}")
    code, lines = tito("feedback", "grade.xml")
    assert code == 2 and len(lines) == 1 and "no record of this version" in lines[0]


def test_names_are_printed_wherever_output_goes(classroom, graded, monkeypatch):
    graded()
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")  # as where Windows redirects it to a file
    command = [sys.executable, "-c", "from pytest_tinytorch.cli.main import main; main()"]
    command += ["feedback", "grade.xml"]
    done = subprocess.run(command, cwd=classroom.root, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode("cp1252").startswith("# Mini: feedback for Zoë \\U0001f600")
