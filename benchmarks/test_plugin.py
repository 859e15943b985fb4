"""What the plugin costs: in a foreign project, to show progress, to record and draw a run."""

import subprocess
import sys
from pathlib import Path

import pytest
from course_copy import copy_course, environment

# One `--version` is answered before pytest loads any plugin, in less than a third of the time that
# a start in a course takes. Two are answered after it has started, as options of plugins are.
START = ("--version", "--version")
# Outside a run of the course, Hypothesis would try other examples, twice as many, and keep them.
SAME_EXAMPLES = """
import zlib
import hypothesis

hypothesis.settings.register_profile("same", max_examples=50, deadline=None, database=None)
hypothesis.settings.load_profile("same")

def pytest_collection_modifyitems(items):
    for item in items:
        if hypothesis.is_hypothesis_test(item.obj):
            hypothesis.seed(zlib.crc32(f"0/01/{item.name}".encode()))(item.obj)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course, with progress of its own and every checkpoint achieved."""
    root = copy_course(tmp_path_factory.mktemp("course"))
    conftest = root / "conftest.py"
    conftest.write_text(conftest.read_text("utf-8") + SAME_EXAMPLES, "utf-8")
    run(root, "--checkpoint", "all")
    return root


def run(folder: Path, *arguments: str) -> None:
    """A whole pytest, as a person would start it."""
    start(folder, "pytest", "-p", "no:cacheprovider", "-q", *arguments)


def start(folder: Path, module: str, *arguments: str) -> None:
    """A command in a process of its own: with bytecode, and with progress elsewhere."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 5), done.stdout + done.stderr


def test_start_in_a_foreign_project(versus, tmp_path):
    versus(
        "start outside a course / -p no:tinytorch",
        lambda: run(tmp_path),
        lambda: run(tmp_path, "-p", "no:tinytorch"),
        rounds=20,
        holds=lambda found: found.difference <= 0.010,
    )


def test_progress(versus, course):
    versus(
        "pytest --progress / a start of pytest",
        lambda: run(course, "--progress"),
        lambda: run(course, *START),
        rounds=10,
        holds=lambda found: found.ratio <= 1.3,
    )


def test_milestone_status(versus, course):
    versus(
        "tito milestone status / a start of pytest",
        lambda: start(course, "pytest_tinytorch.cli", "milestone", "status"),
        lambda: run(course, *START),
        rounds=10,
        holds=lambda found: found.ratio <= 1.3,
    )


def test_recording_and_display(versus, course):
    versus(
        "pytest --checkpoint 01 / the same file without recording",
        lambda: run(course, "--checkpoint", "01"),
        lambda: run(course, "checkpoints/checkpoint_01_foundation.py"),
        rounds=10,
        holds=lambda found: found.difference <= 0.15,
    )
