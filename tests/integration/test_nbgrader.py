"""The sources as assignments: nbgrader's own command makes the students' version of each."""

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


@pytest.mark.slow
def test_generate_assignment_takes_every_source(tmp_path):
    pytest.importorskip("nbgrader")
    (tmp_path / "nbgrader_config.py").write_text(CONFIGURATION)
    for module in WRITTEN:
        text = COURSE.source_file(module).read_text("utf-8")
        folder = tmp_path / "source" / module.name
        folder.mkdir(parents=True)
        notebook = jupytext.reads(text, fmt=PERCENT)
        jupytext.write(notebook, folder / f"{module.name}.ipynb", fmt="ipynb")
    # It starts a program that is installed beside Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    for module in WRITTEN:
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", module.name, "--create"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{module.name}: {done.stderr[-2000:]}"
        made = tmp_path / "release" / module.name / f"{module.name}.ipynb"
        text = made.read_text("utf-8")
        source = COURSE.source_file(module).read_text("utf-8")
        assert "SOLUTION" not in text
        assert text.count("raise NotImplementedError") >= source.count("### BEGIN SOLUTION")
