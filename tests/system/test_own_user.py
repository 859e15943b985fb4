"""Graded by root, a sandbox is a user of its own, whose number of processes is limited.

Such a user must be able to read the Python installation, so another Python than the one of these
tests may be needed: of the same version, where everybody may read it.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

from arena import RIGHT, make_arena

from pytest_tinytorch.isolation.levels import _is_open_to_all, missing

VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
CANDIDATES = (sys._base_executable, *(f"/usr/{part}bin/{VERSION}" for part in ("", "local/")))

# What a process can do to others, told in the message of an exception.
CURIOUS = """
import os
import signal
import time


def relu(x):
    children = []
    try:
        while len(children) < 200:
            child = os.fork()
            if child == 0:
                time.sleep(20)
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    reached = []
    for process in (os.getppid(), 1):
        try:
            os.kill(process, 0)
            reached.append(process)
        except PermissionError:
            pass
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    raise ValueError(f"user {os.getuid()} {os.getgroups()} {len(children)} children {reached}")
"""


def open_python() -> str | None:
    paths = (Path(name).resolve() for name in CANDIDATES if Path(name).is_file())
    return next((str(path) for path in paths if _is_open_to_all(path)), None)


def need_root_and_an_open_python() -> str:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root can give a sandbox a user of its own"
    return "" if open_python() else f"no {VERSION} here that everybody may read"


pytestmark = pytest.mark.skipif(
    bool(need_root_and_an_open_python()), reason=need_root_and_an_open_python()
)


def run(root: Path, *arguments: str) -> str:
    """What pytest says of a course, under the Python that everybody may read."""
    libraries = Path(pytest.__file__).parents[1]
    repository = Path(__file__).parents[2]
    done = subprocess.run(
        [str(open_python()), "-P", "-m", "pytest", *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{libraries}{os.pathsep}{repository}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return " ".join((done.stdout + done.stderr).split())


def test_a_sandbox_is_a_user_of_its_own(tmp_path):
    root = make_arena(tmp_path / "tree", CURIOUS)
    text = run(root, "--checkpoint", "00", "--isolate=process")
    found = re.search(r"user (\d+) \[\] (\d+) children \[\]", text)
    assert found, text
    user, children = map(int, found.groups())
    assert f"Isolation: process (user {user})" in text and 64000 <= user < 65000
    assert 40 <= children < 48  # the limit of this course counts the sandbox itself, too


@pytest.mark.parametrize("level", ["process", "landlock"])
@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_right_work_passes_under_that_user(tmp_path, level, way):
    if reason := missing(level):
        pytest.skip(reason)
    root = make_arena(tmp_path / "tree", RIGHT)
    text = run(root, "--checkpoint", "all", f"--isolate={level}", *way)
    assert "7 passed" in text and f"Isolation: {level} (user 64" in text, text


READER = """
import os


def relu(x):
    with open(os.path.join(os.environ["TINYTORCH_DATA"], "numbers.txt")) as file:
        raise ValueError(f"user {os.getuid()} read {file.read()}")
"""


@pytest.mark.parametrize("mode, user", [(0o755, "64[0-9]+"), (0o700, "0")], ids=["open", "private"])
def test_the_data_sets_can_be_read_whoever_the_sandbox_is(tmp_path, monkeypatch, mode, user):
    """Root's own home is private: there a sandbox stays root, rather than miss the data."""
    with tempfile.TemporaryDirectory() as folder:  # that of this test is private itself
        Path(folder).chmod(mode)
        (Path(folder) / "numbers.txt").write_text("1 2 3")
        monkeypatch.setenv("TINYTORCH_DATA", folder)
        root = make_arena(tmp_path / "tree", READER)
        text = run(root, "--checkpoint", "00", "--isolate=process")
    assert re.search(f"user {user} read 1 2 3", text), text
