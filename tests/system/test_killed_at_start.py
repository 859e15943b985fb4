"""Whoever grades is killed while a sandbox starts: what it had started ends by itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_tinytorch.isolation.levels import missing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")

# Starts a sandbox, and is killed some milliseconds after the first process is there.
KILLED = """
import os, subprocess, sys, time
from pathlib import Path
from pytest_tinytorch.core.course import Limits
from pytest_tinytorch.isolation import sandbox
from pytest_tinytorch.isolation.levels import Level
from pytest_tinytorch.isolation.workspace import Workspaces

class Started(subprocess.Popen):
    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        os.closerange(3, 1000)  # as it is a moment after the end
        time.sleep(float(sys.argv[3]))
        os.kill(os.getpid(), 9)

sandbox.subprocess.Popen = Started
limits = Limits(3, 5, 20, 1024, 8, 64, 32)
sandbox.Sandbox(Level(sys.argv[2]), Workspaces(), Path(sys.argv[1]), limits)
"""


def processes(mark: str) -> list[str]:
    """The command lines with these words in them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if mark in words and int(folder.name) != os.getpid():
            found.append(f"{folder.name} {words}")
    return found


@pytest.mark.parametrize(
    "level",
    [
        pytest.param(level, marks=pytest.mark.skipif(bool(missing(level)), reason=missing(level)))
        for level in ("bwrap", "landlock", "process")
    ],
)
def test_no_process_stays(level: str, tmp_path: Path) -> None:
    package = tmp_path / "net"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / "temporary").mkdir()
    for milliseconds in (0, 0, 1, 2, 3, 4, 6, 8):  # of bubblewrap's start, which takes about eight
        words = [sys.executable, "-c", KILLED, package, level, str(milliseconds / 1000)]
        environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
        done = subprocess.run(words, env=environment, check=False, capture_output=True)
        assert done.returncode == -9, done.stderr
    deadline = time.monotonic() + 30
    while (left := processes(str(tmp_path / "temporary"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
