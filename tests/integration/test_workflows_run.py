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
from forkserver import ForkServer

sys.path.insert(0, str(Path(__file__).parents[1] / "system/submissions"))

from arena import MORE, RIGHT, WRONG, make_arena, source

from pytest_tinytorch.grade.verifying import verify_lines
from pytest_tinytorch.isolation.levels import missing

FOLDER = Path(__file__).parents[2] / "docs/ci"
KEY = "a key for these tests alone"
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

    def push(self, student: str, files: dict[str, str], link: str = "") -> str:
        """A student's commit: these files and no other."""
        folder = self.remotes / student
        for path in folder.iterdir() if folder.exists() else ():
            if path.name != ".git":
                shutil.rmtree(path)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        folder.mkdir(exist_ok=True)
        if link:
            (folder / "src").symlink_to(link)
        git = ["git", "-C", str(folder), "-c", "user.name=s", "-c", "user.email=s@example.org"]
        subprocess.run([*git, "init", "--quiet"], check=True)
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "mine"], check=True)
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        return head.stdout.strip()

    def run(self) -> str:
        """A run of the workflow, on a machine that has nothing but the results of earlier ones."""
        shutil.rmtree(self.root / "class", ignore_errors=True)
        _, fetch, grade = commands("github-class.yml").values()
        script = f"{fetch}\n{grade}".replace("src_modules", "src")
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.root, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def verdict(self, student: str, commit: str) -> str:
        _, [line] = verify_lines([self.root / "results" / student / f"{commit}.xml"])
        return line


@pytest.fixture
def classroom_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    root = make_arena(tmp_path / "instructors", RIGHT)  # with their own solutions in it
    (root / "roster.txt").write_text("ana\nben\ncy\neve\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    remotes = tmp_path / "remotes"
    remotes.mkdir()
    (tools / "gh").write_text(f'#!/bin/sh\nexec git clone --quiet "{remotes}/${{3#*/}}" "$4"\n')
    (tools / "gh").chmod(0o755)
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY)
    environment = os.environ | {
        "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(root),
        "GITHUB_REPOSITORY_OWNER": "course",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_SHA": "the instructors' own",
    }
    return Class(root, remotes, environment)


OPS, MORE_FILE = "src/01_ops.py", "src/02_more.py"


@pytest.mark.skipif(bool(missing("landlock")), reason=missing("landlock"))
@pytest.mark.skipif(
    not shutil.which("bash") or not shutil.which("git"), reason="needs bash and git"
)
def test_a_class_is_graded_from_what_it_pushed(classroom_of_many, tmp_path):
    everybody = classroom_of_many
    right = {OPS: source("core.ops", RIGHT), MORE_FILE: source("core.more", MORE)}
    trap = "raise SystemExit('a file of the student ran')\n"
    ana = everybody.push(
        "ana",
        right
        | {
            "conftest.py": trap,
            "sitecustomize.py": trap,
            "pytest.ini": "[pytest]\naddopts = -k x\n",
        }
        | {"course.toml": "", "checkpoints/checkpoint_00_ops.py": trap},
    )
    # Half of it, and that wrong: the instructors' solution must not stand in for the other half.
    ben = everybody.push("ben", {OPS: source("core.ops", f"{PRINTS}{WRONG}")})
    cy = everybody.push("cy", {}, link=f"{everybody.root / 'src'}")
    printed = everybody.run()
    assert "15 of 15 points" in everybody.verdict("ana", ana)
    assert everybody.verdict("ana", ana).endswith("student ana")
    for student, commit in (("ben", ben), ("cy", cy)):
        assert " 0 of 15 points" in everybody.verdict(student, commit)
    assert printed == "eve cannot be fetched\n"
    results = everybody.root / "results"
    assert "## Grade: 0 of 15 points" in (results / "ben" / f"{ben}.md").read_text()
    assert not (tmp_path / "summary.md").exists()
    everything = [path for path in results.rglob("*") if path.is_file()]
    assert KEY not in "".join(path.read_text() for path in everything)

    # What was graded is not graded again; what is new is.
    times = {path: path.stat().st_mtime_ns for path in everything}
    again = everybody.push("ben", {"README.md": "nothing"})
    assert "ben has no src\n" in everybody.run()
    assert " 0 of 15 points" in everybody.verdict("ben", again)
    assert {path: path.stat().st_mtime_ns for path in times} == times
