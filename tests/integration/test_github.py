"""`pytest --grade` in a step of GitHub Actions, whose output is read as the runner reads it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from actions_runner import Command, obeyed
from forkserver import ForkServer

sys.path.insert(0, str(Path(__file__).parents[1] / "system/submissions"))

from arena import RIGHT, WRONG, make_arena, make_hidden

from pytest_tinytorch.isolation.levels import missing

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))

LIMIT = 1024 * 1024
HOSTILE = """
import os, sys
for stream in (1, 2):
    for line in ("::error::theirs", "##[error]theirs", "::set-output name=x::theirs", "::group::g",
                 "::add-mask::pass", "::stop-commands::mine", "::mine::", "::warning::theirs",
                 '  File "a.py", line 3, in f', "    raise ValueError('theirs')", "\\r::debug::x"):
        print(line, file=(sys.stdout, sys.stderr)[stream - 1])
        os.write(stream, (line + '\\n').encode())
"""


@dataclass
class Step:
    """A step that grades the course in a folder of a checked-out repository."""

    repository: Path
    server: ForkServer

    @property
    def course(self) -> Path:
        return self.repository / "course"

    @property
    def summary(self) -> Path:
        return self.repository / "summary.md"

    def run(self, *arguments: str) -> pytest.RunResult:
        words = ["--grade", *arguments]
        if not any(word.startswith("--isolate") for word in words):
            words.append("--isolate=process")
        return self.server.run(words, self.course)

    def output(self, *arguments: str) -> str:
        """What the runner reads of both streams; the second one may be read before or after."""
        result = self.run(*arguments)
        errors = "\n".join(result.errlines)
        return f"{errors}\n{result.stdout.str()}\n{errors}"

    def obeyed(self, *arguments: str) -> list[Command]:
        """What the runner obeys, but the removal of a matcher, which each run begins with."""
        first, *commands = obeyed(self.output(*arguments))
        assert first == Command("remove-matcher", {"owner": "python"})
        return commands


def placed(commands: list[Command]) -> list[tuple[str, str, str]]:
    assert {command.name for command in commands} <= {"error"}
    properties = [command.properties for command in commands]
    return [(p["file"], p["line"], p["title"]) for p in properties]


def says(result: pytest.RunResult, words: str) -> bool:
    """Whether words were printed, wherever a long name made a line end."""
    return "".join(words.split()) in "".join(result.stdout.str().split())


@pytest.fixture
def step(tmp_path: Path, forkserver: ForkServer, monkeypatch: pytest.MonkeyPatch) -> Step:
    step = Step(tmp_path / "repository", forkserver)
    make_arena(step.course, WRONG)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(step.repository))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step.summary))
    return step


def line_of(text: str) -> str:
    """The line of the source of module 01 on which a text stands first."""
    lines = ["# %%", "#| default_exp core.ops", "#| export", *WRONG.splitlines()]
    return str(next(number for number, line in enumerate(lines, 1) if text in line))


WRONG_LINES = [
    ("course/src/01_ops.py", line_of("np.asarray(x) - 1"), "FAIL Bends negative numbers to zero"),
    (
        "course/src/01_ops.py",
        line_of("np.asarray(x) - 1"),
        "FAIL Bends numbers that nobody knows before",
    ),
    (
        "course/src/01_ops.py",
        line_of("return self"),
        "FAIL Adds to a box, sums it, and compares it element by element",
    ),
    ("course/src/01_ops.py", line_of("return 1e9"), "FAIL Takes the mean of any numbers"),
    ("course/src/01_ops.py", line_of("return 1e9"), "FAIL Refuses the mean of nothing"),
]


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=" ".join)
def test_failures_are_annotated_on_the_students_lines(step, way):
    assert placed(step.obeyed(*way)) == WRONG_LINES


def test_a_course_at_the_top_of_the_repository(step, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(step.course))
    assert placed(step.obeyed())[0][0] == "src/01_ops.py"


@pytest.mark.parametrize("workspace", ["", "nowhere"])
def test_a_course_outside_of_the_workspace(step, monkeypatch, workspace):
    monkeypatch.setenv("GITHUB_WORKSPACE", workspace)
    assert placed(step.obeyed())[0][0] == "src/01_ops.py"


def test_what_is_right_is_not_annotated(step):
    make_arena(step.course, RIGHT)
    assert step.obeyed() == []
    assert "## Grade: 15 of 15 points, 100.0 %" in step.summary.read_text()
    assert "###" not in step.summary.read_text()


def test_elsewhere_nothing_is_said_to_github(step, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert "::" not in step.output()
    assert not step.summary.exists()


# --- what students print --------------------------------------------------------------------------


WAYS = [(), ("-n0",), ("-n2",), ("-s",), ("-v",), ("-vv", "-rA", "--tb=long"), ("-n2", "-s")]


@pytest.mark.parametrize(
    "way",
    [*WAYS, ("-s", "--isolate=none"), ("-n2", "--isolate=none", "-s")],
    ids=" ".join,
)
def test_what_students_print_is_no_command(step, way):
    """On import, in a function, in an exception, and on the line that is shown as their source."""
    code = "raise ValueError('::error::theirs\\n::error::theirs\\r::error::theirs')  # ::error::x"
    body = "".join(f"    {line}\n" for line in HOSTILE.strip().splitlines())
    ops = WRONG.replace("    return 1e9\n", f"{body}    {code}\n")
    make_arena(step.course, f"{HOSTILE}\n{ops}")
    output = step.output(*way)
    assert "::error::theirs" in output
    commands = obeyed(output)[1:]
    assert len(placed(commands)) == 5
    assert {c.data for c in commands if "theirs" in c.data} == {
        "ValueError: ::error::theirs\n::error::theirs\\x0d::error::theirs\ninput to try:\n"
        "values=[0],\nhint: The sum by the number.",
        "the message of ValueError should name empty; it is: "
        "'::error::theirs\\n::error::theirs\\r::error::theirs'\nin: tt.mean([])\n"
        "hint: raise ValueError.",
    }


def test_what_is_wrong_with_a_tree_is_no_command(step):
    """What is said before any test runs: the tree's own course.toml, in its own words."""
    path = step.course / "course.toml"
    path.write_text(path.read_text().replace('"02_more"', '"02_more\\n::error::theirs"'))
    result = step.run()
    assert result.ret == 4 and "::error::theirs" in result.stdout.str()
    assert step.obeyed() == []


ENDS = f"{HOSTILE}\nos.write(1, b'::error::theirs')\nos._exit(0)".replace("\n", "\n    ")


@pytest.mark.parametrize("way", [(), ("-s",)])
def test_a_run_that_dies_gives_no_command(step, way):
    """At the lowest level student code can end the run."""
    make_arena(step.course, WRONG.replace("    return 1e9", ENDS))
    output = step.output("--isolate=none", *way)
    assert "::stop-commands::" in output and "Grade" not in output
    assert len(obeyed(f"{output}\n::error::of whatever follows in the step")) == 1


def test_a_worker_that_dies_leaves_the_log_as_it_is(step):
    make_arena(step.course, WRONG.replace("    return 1e9", ENDS))
    commands = step.obeyed("--isolate=none", "-n2")
    assert [title[:15] for _, _, title in placed(commands)] == [
        "FAIL Bends nega",
        "FAIL Bends numb",
        "FAIL Adds to a ",
    ]
    assert "### LOST Takes the mean of any numbers" in step.summary.read_text()


# --- many failures --------------------------------------------------------------------------------


def with_many_tests(step: Step, number: int) -> None:
    """A checkpoint of so many tests that all fail on the same line, each in its own way."""
    numbers = range(1, number + 1)
    test = (
        '@pytest.mark.points(1)\n@pytest.mark.hint("Multiply.")\ndef test_{n:04}(tt, check):\n'
        '    """Scales by {n}"""\n    check.equal(tt.scale({n}, 2), {n} * 2)\n'
    )
    head = 'import pytest\n\npytestmark = pytest.mark.checkpoint("01")\n'
    text = "\n\n".join([head, *(test.format(n=n) for n in numbers)])
    (step.course / "checkpoints/checkpoint_01_more.py").write_text(text)
    path = step.course / "checkpoints/manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tests"]["01"] = {f"01/test_{n:04}": 1 for n in numbers}
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("way", [(), ("-n2",)])
def test_the_first_ten_are_annotated_and_all_are_in_the_summary(step, way):
    make_arena(step.course, WRONG, "def scale(x, factor):\n    return x\n")
    with_many_tests(step, 20)
    titles = [title for _, _, title in placed(step.obeyed(*way))]
    assert titles == [title for _, _, title in WRONG_LINES] + [
        f"FAIL Scales by {n}" for n in range(1, 6)
    ]
    text = step.summary.read_text()
    headings = [line for line in text.splitlines() if line.startswith("### ")]
    assert len(headings) == 25 and headings[-1] == "### FAIL Scales by 20 (1 point)"


@pytest.mark.parametrize("left", [40_000, 30_000])
def test_the_summary_stays_below_its_limit_with_what_is_there(step, left):
    before = "x" * (LIMIT - left)
    step.summary.write_text(before)
    source = f"def scale(x, factor):\n    return 0  # {'long ' * 300}\n"
    make_arena(step.course, WRONG, source)
    with_many_tests(step, 60)
    assert step.run().ret == 0
    text = step.summary.read_text()
    assert text.startswith(f"{before}\n## Grade: ")
    assert LIMIT - 26_000 < len(text.encode()) < LIMIT
    assert "more to fix do not fit here; the log lists all of them.**" in text


def test_a_summary_that_is_full_stays_as_it_is(step):
    step.summary.write_text("x" * LIMIT)
    result = step.run()
    assert result.ret == 0 and len(step.summary.read_text()) == LIMIT
    assert says(result, f"summary.md is full: it has {LIMIT} bytes already")


def test_a_summary_that_cannot_be_written_costs_nothing_else(step, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step.repository / "no/summary.md"))
    result = step.run()
    assert result.ret == 0
    assert says(result, "summary.md cannot be written: No such file or directory")


def test_a_summary_is_named_from_where_the_command_was_given(step, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "../summary.md")
    step.run()
    assert "## Grade: 5 of 15 points" in step.summary.read_text()


def test_a_summary_says_what_a_grade_is_worth(step):
    (step.course / "conftest.py").write_text("# <b>mine</b>\n")
    step.run("--isolate=none")
    text = step.summary.read_text()
    assert "Isolation: none. This grade is advisory" in text
    assert "Modified course files: conftest.py" in text


# --- hidden tests ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [(), ("-n2", "-v"), ("-vv", "-rA", "--tb=long", "-s")])
def test_of_hidden_tests_only_their_number_is_told(step, tmp_path, way):
    wrong = WRONG.replace("return np.asarray(x) - 1", "raise ValueError(f'{x}')")
    make_arena(step.course, wrong)
    secrets = make_hidden(tmp_path / "hidden")
    output = step.output("--hidden", str(secrets), *way)
    text = step.summary.read_text()
    assert "### 00 Ops · hidden tests: Hidden test 1 failed\n" in text
    assert placed(obeyed(output)[1:]) and "Hidden" not in str(obeyed(output))
    for word in ("secret", "SECRET", "31337", "271828"):
        assert word not in output and word not in text


# --- as it is typed -------------------------------------------------------------------------------


def test_pytest_as_it_is_typed(step, tmp_path):
    """The whole way: pytest starts anew, and both processes write to the log of the step."""
    make_arena(step.course, f"{HOSTILE}\n{WRONG}")
    script = Path(sys.executable).with_name("pytest")
    environment = os.environ | {
        "PYTHONPATH": f"{Path(__file__).parents[2]}",
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(
        [str(script), "--grade", "--isolate=process", "--junitxml=grade.xml"],
        cwd=step.course, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == ""
    assert len(placed(obeyed(done.stdout)[1:])) == 5
    assert (step.course / "grade.xml").exists() and step.summary.exists()
