"""The sources as assignments: nbgrader makes the students' version of each, and validates ours."""

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

from pytest_tinytorch.core.course import load_course

COURSE = load_course(Path(__file__).parents[2])
WRITTEN = [module for module in COURSE.modules if module.written]
# Comments stay comments: jupytext would make magics of some.
PERCENT = {"extension": ".py", "format_name": "percent", "comment_magics": False}
CONFIGURATION = """
c = get_config()
c.CourseDirectory.course_id = "course"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
"""


def write_notebook(text: str, path: Path) -> None:
    notebook = jupytext.reads(text, fmt=PERCENT)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    jupytext.write(notebook, path, fmt="ipynb")


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of nbgrader, which starts programs that are installed beside Python."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(COURSE.root)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_generate_assignment_takes_every_source(tmp_path):
    pytest.importorskip("nbgrader")
    (tmp_path / "nbgrader_config.py").write_text(CONFIGURATION)
    for module in WRITTEN:
        text = COURSE.source_file(module).read_text("utf-8")
        folder = tmp_path / "source" / module.name
        folder.mkdir(parents=True)
        write_notebook(text, folder / f"{module.name}.ipynb")
    for module in WRITTEN:
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", module.name, "--create"]
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{module.name}: {done.stderr[-2000:]}"
        made = tmp_path / "release" / module.name / f"{module.name}.ipynb"
        text = made.read_text("utf-8")
        source = COURSE.source_file(module).read_text("utf-8")
        assert "SOLUTION" not in text
        assert text.count("raise NotImplementedError") >= source.count("### BEGIN SOLUTION")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("module", WRITTEN, ids=lambda module: module.name)
def test_validate_passes_every_source(module, tmp_path):
    pytest.importorskip("nbgrader")
    pytest.importorskip("ipykernel")
    notebook = tmp_path / f"{module.name}.ipynb"
    write_notebook(COURSE.source_file(module).read_text("utf-8"), notebook)
    command = [sys.executable, "-m", "nbgrader", "validate", str(notebook)]
    done = run([*command, "--ExecutePreprocessor.timeout=600"], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Success! Your notebook passes all the tests." in done.stdout, done.stdout[-2000:]
