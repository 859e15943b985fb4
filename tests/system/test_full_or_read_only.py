"""A full disk, or a folder that is read-only: one line, exit code 3, and no temporary file."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

from arena import make_arena

from pytest_tinytorch.isolation.levels import missing

pytestmark = pytest.mark.skipif(bool(missing("bwrap")), reason=missing("bwrap"))

# Also root can write nothing to these. `full` is a disk of one page, which a first file takes.
BOXES: dict[str, Callable[[Path], list[str]]] = {
    "read-only": lambda folder: ["--ro-bind", str(folder), str(folder)],
    "full": lambda folder: ["--size", "4096", "--tmpfs", str(folder)],
}
FILL = ["sh", "-c", 'cat /dev/zero >"$0/filler" 2>/dev/null; exec "$@"']
PYTEST = ["-m", "pytest", "-p", "no:cacheprovider", "-p", "no:benchmark"]
TITO = ["-c", "from pytest_tinytorch.cli.main import main; main()"]
# The command in the course, and the folder, from there, that cannot be written.
COMMANDS = {
    "grade": ([*PYTEST, "--grade", "--isolate=process", "--junitxml=out/grade.xml"], "out"),
    "grade for Gradescope": (
        [*PYTEST, "--grade", "--isolate=process", "--gradescope=out/results.json"], "out",
    ),
    "submissions": (
        [*PYTEST, "--submissions=../class", "--results=out", "--isolate=process"], "out",
    ),
    "submissions with workers": (
        [*PYTEST, "--submissions=../class", "--results=out", "--isolate=process", "-n2"], "out",
    ),
    "a class's junit": (
        [*PYTEST, "--submissions=../class", "--results=../r", "--isolate=process",
         "--junitxml=out/class.xml"],
        "out",
    ),
    "export": ([*TITO, "export", "--all"], "net"),
    "export before a run": ([*PYTEST, "--checkpoint", "00"], "net"),
    "progress": ([*PYTEST, "--checkpoint", "00"], "../home"),
    "junit": ([*PYTEST, "--checkpoint", "00", "--junitxml=out/run.xml"], "out"),
    "manifest": ([*TITO, "manifest"], "checkpoints"),
    "feedback": ([*TITO, "feedback", "grade.xml", "--html", "out/page.html"], "out"),
    "collect zips": ([*TITO, "collect", "zips", "../download", "--into", "out"], "out"),
    "collect git": ([*TITO, "collect", "git", "../roster.csv", "--into", "out"], "out"),
    "bundle": ([*TITO, "gradescope", "bundle", "--output", "out/a.zip"], "out"),
}  # fmt: skip


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = make_arena(tmp_path / "course")
    make_arena(tmp_path / "class/ana")
    make_arena(tmp_path / "class/bo")
    for name in ("course/out", "course/net", "temporary", "home"):
        (tmp_path / name).mkdir()
    folder = tmp_path / "download/Ada_12_assignsubmission_file"
    folder.mkdir(parents=True)
    shutil.copy(root / "src/01_ops.py", folder)
    (tmp_path / "roster.csv").write_text("student,remote\nana,https://127.0.0.1:9/ana\n")
    return root


def run(command: list[str], course: Path, *box: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "TINYTORCH_GRADE_KEY"} | {
        "TMPDIR": str(course.parent / "temporary"),
        "TINYTORCH_HOME": str(course.parent / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "200",
    }
    words = [sys.executable, *command]
    if box:
        fill = [*FILL, box[-1]] if "--tmpfs" in box else []
        words = ["bwrap", "--dev-bind", "/", "/", *box, "--", *fill, *words]
    return subprocess.run(
        words, cwd=course, env=environment, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("command, folder", COMMANDS.values(), ids=COMMANDS)
def test_one_line_and_exit_code_3(
    course: Path, command: list[str], folder: str, box: Callable[[Path], list[str]]
) -> None:
    if "feedback" in command:
        assert run([*PYTEST, "--grade", "--junitxml=grade.xml"], course).returncode == 0
    target = (course / folder).resolve()
    if folder == "checkpoints" and "--tmpfs" in box(target):
        pytest.skip("the checkpoints would be hidden")
    before = set(course.parent.rglob("*"))
    done = run(command, course, *box(target))
    said = done.stdout + done.stderr
    assert done.returncode == 3, said
    assert "Traceback" not in said and "INTERNALERROR" not in said, said
    reasons = ("Read-only file system", "No space left on device")
    told = [line for line in said.splitlines() if any(reason in line for reason in reasons)]
    # Of a grade, the log and the results are two files.
    assert len(told) == 1 or ("--grade" in command and len(told) == 2), said
    new = set(course.parent.rglob("*")) - before
    allowed = [course / "net", course / "out", course.parent / "home"]
    allowed += [course.parent / "r"]  # results of a class beside the folder in question
    allowed += [course / ".benchmarks"]  # of pytest-benchmark
    allowed += (course.parent / "temporary").glob("pytest-of-*")  # xdist's workers
    assert [p for p in new if not any(p.is_relative_to(place) for place in allowed)] == []
    assert [p for p in new if p.suffix == ".tmp" or p.name.startswith("new-")] == []
