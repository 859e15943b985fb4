"""The scripts in the workflows that documents hand out, run as a runner runs them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from actions_runner import obeyed
from forkserver import ForkServer

sys.path.insert(0, str(Path(__file__).parents[1] / "system/submissions"))

from arena import MORE, RIGHT, WRONG, make_arena, source

from pytest_tinytorch.grading.verify import verify_lines
from pytest_tinytorch.isolation.levels import missing

FOLDER = Path(__file__).parents[2] / "docs/ci"
KEY = "a key for these tests alone"
TOOLS = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "git", "openssl"))), reason="needs bash, git and openssl"
)
PRINTS = 'print("::error::theirs")\nimport os\nos.system("echo ::error::theirs >&2")\n'


def commands(path: str) -> dict[str, str]:
    """The scripts of a workflow or a pipeline by their name, or else by themselves."""
    data: dict[str, Any] = yaml.safe_load((FOLDER / path).read_text("utf-8"))
    if "grade" in data:
        return {line: line for line in data["grade"]["script"]}
    steps = [step for step in data["jobs"]["grade"]["steps"] if "run" in step]
    return {step.get("name", step["run"]): step["run"] for step in steps}


@pytest.mark.skipif(bool(missing("process")), reason=missing("process"))
@pytest.mark.parametrize("path", ["github-student.yml", "gitlab-student.yml"])
def test_a_students_workflow_grades(tmp_path: Path, forkserver: ForkServer, path: str):
    install, grade = commands(path)
    assert install == "pip install ."
    root = make_arena(tmp_path / "tree")
    name, *arguments = grade.split()
    assert name == "pytest"
    result = forkserver.run(arguments, root)
    assert result.ret == 0 and "Grade: 15 of 15 points" in result.stdout.str()
    # `grade.*` is what the workflow keeps.
    assert {path.name for path in root.glob("grade.*")} == {"grade.xml", "grade.jsonl"}


@dataclass
class Class:
    """An instructors' repository, and the repositories of their students."""

    root: Path
    remotes: Path
    environment: dict[str, str]

    def push(self, student: str, files: dict[str, str], link: str = "") -> None:
        """A student's commit, with these files as they are now."""
        folder = self.remotes / student
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        if link:
            (folder / "src").symlink_to(link)
        git = ["git", "-C", str(folder), "-c", "user.name=s", "-c", "user.email=s@example.org"]
        subprocess.run([*git, "init", "--quiet"], check=True)
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "mine"], check=True)

    def run(self) -> str:
        """What the log has of a run."""
        _, collect, grade = commands("github-class.yml").values()
        # The students' repositories are folders here.
        collect = collect.replace("collect git", "collect git --local-remotes")
        return self.step(collect) + self.step(grade)

    def step(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.root, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout

    def points(self, student: str) -> str:
        good, [line] = verify_lines([self.root / "results" / student / "grade.xml"])
        assert good and f", student {student}" in line, line
        return line.partition(".xml: ")[2].partition(" points")[0]


@pytest.fixture
def classroom_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    root = make_arena(tmp_path / "instructors", RIGHT)  # with their own solutions in it
    remotes = tmp_path / "remotes"
    remotes.mkdir()
    lines = [f"{student},{remotes / student}\n" for student in ("ana", "ben", "cy", "eve")]
    (root / "roster.csv").write_text("student,remote\n" + "".join(lines))
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY)
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "GITHUB_ACTIONS": "true",
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
        "READ_STUDENTS": "a token for these tests alone",
    }
    return Class(root, remotes, environment)


OPS, MORE_FILE = "src/01_ops.py", "src/02_more.py"


@pytest.mark.skipif(bool(missing("landlock")), reason=missing("landlock"))
@TOOLS
def test_a_class_is_graded_from_what_it_pushed(classroom_of_many):
    everybody = classroom_of_many
    right = {OPS: source("core.ops", RIGHT), MORE_FILE: source("core.more", MORE)}
    trap = "raise SystemExit('a file of the student ran')\n"
    everybody.push(
        "ana",
        right
        | {"pytest.ini": "[pytest]\naddopts = -k x\n", "course.toml": ""}
        | {"conftest.py": trap, "sitecustomize.py": trap, "checkpoints/checkpoint_00_ops.py": trap},
    )
    # Half of it, and that wrong: the instructors' solution must not stand in for the other half.
    everybody.push("ben", {OPS: source("core.ops", f"{PRINTS}{WRONG}"), "##[error]x": ""})
    everybody.push("cy", {}, link=f"{everybody.root / 'src'}")
    log = everybody.run()
    points = {student: everybody.points(student) for student in ("ana", "ben", "cy")}
    assert points == {"ana": "15 of 15", "ben": "0 of 15", "cy": "0 of 15"}
    assert "4 students: 4 graded, 0 unchanged, 2 for review" in log  # cy and eve
    assert obeyed(log) == [] and "theirs" not in log
    results = [path for path in (everybody.root / "results").rglob("*") if path.is_file()]
    assert KEY not in "".join(path.read_text() for path in results)


@TOOLS
@pytest.mark.parametrize("host, told", [("github.com", True), ("github.com.example.org", False)])
def test_git_has_the_token_for_github_alone(classroom_of_many, host, told):
    everybody = classroom_of_many
    collect = commands("github-class.yml")["Collect what students pushed"]
    everybody.step(collect.replace("tito collect git", "true"))
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=f"protocol=https\nhost={host}\n\n",
        env=everybody.environment | {"GIT_TERMINAL_PROMPT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("password=a token for these tests alone\n" in done.stdout) is told
    stored = Path(everybody.environment["GIT_CONFIG_GLOBAL"]).read_text()
    assert "for these tests alone" not in stored
