"""A class whose run is killed again and again: the same bytes in the end, and nothing left."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

import ends
import forgeries
import patches
from arena import RIGHT, WRONG, make_arena
from attack import lay_out
from results import digests as files

from pytest_tinytorch.isolation.levels import missing

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.skipif(bool(missing("process")), reason=missing("process")),
]

HOSTILE = {
    "an exit": ends.ATTACKS["exit in a call"],
    "a death": ends.ATTACKS["killing itself"],
    "noise": forgeries.ATTACKS["noise in the channel"],
    "patches": patches.ATTACKS["built-in functions replaced"],
}
LONGEST = 12  # seconds; a run that nobody disturbs takes less on an idle machine
SEED = int(os.environ.get("PYTEST_RANDOM_MOMENTS", "14"))


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return make_arena(tmp_path_factory.mktemp("course") / "tree")


@pytest.fixture(scope="module")
def school(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    for number, (name, attack) in enumerate(HOSTILE.items()):
        make_arena(folder / f"{number} a right", f"{RIGHT}\n# {number}\n")
        lay_out(attack, folder / f"{number} b {name}", 9)
        make_arena(folder / f"{number} c wrong", f"{WRONG}\n# {number}\n")
    other = folder / "other"
    for path in other.iterdir():
        path.unlink()
    other.rmdir()
    return folder


def start(root: Path, folder: Path, results: Path, temporary: Path) -> "subprocess.Popen[bytes]":
    words = [f"--submissions={folder}", f"--results={results}", "-n2", "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *words],
        cwd=root,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def processes(temporary: Path) -> set[str]:
    """The processes that know this folder from their environment."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(temporary).encode() in (folder / "environ").read_bytes():
                found.add(f"{folder.name}: {(folder / 'cmdline').read_bytes()!r}")
        except OSError:
            continue
    return found


def wait_until_gone(temporary: Path) -> None:
    end = time.monotonic() + 60
    while (left := processes(temporary)) and time.monotonic() < end:
        time.sleep(0.1)
    assert left == set()


def settle(temporary: Path) -> None:
    """Let the folders of runs that were killed look older than those of a run that begins."""
    for lock in temporary.glob("tinytorch-*/.held"):
        os.utime(lock, (0, 0))


def left_in(temporary: Path) -> list[str]:
    """What is there but the folder that pytest keeps of its last three runs."""
    names = (path.name for path in temporary.iterdir())
    return [name for name in names if not name.startswith("pytest-of-")]


@pytest.fixture(scope="module")
def whole(root, school, tmp_path_factory) -> dict[str, str]:
    """The files of a run that nobody disturbed."""
    place = tmp_path_factory.mktemp("whole")
    (place / "temporary").mkdir()
    assert start(root, school, place / "results", place / "temporary").wait(300) in (0, 1)
    assert left_in(place / "temporary") == []
    return files(place / "results")


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_killed_and_resumed(root, school, whole, tmp_path, kills):
    temporary, results = tmp_path / "temporary", tmp_path / "results"
    temporary.mkdir()
    chance = random.Random(SEED)
    for _ in range(kills):
        process = start(root, school, results, temporary)
        name = chance.choice((signal.SIGKILL, signal.SIGTERM))
        try:
            process.wait(chance.uniform(0, LONGEST))
        except subprocess.TimeoutExpired:
            process.send_signal(name)
        process.wait(60)
        wait_until_gone(temporary)
        if chance.random() < 0.3:  # what is done stays done; begin again from a few parts
            for part in sorted(results.glob(".parts/*/0?.json"))[::2]:
                part.unlink()
    settle(temporary)
    assert start(root, school, results, temporary).wait(300) in (0, 1)
    wait_until_gone(temporary)
    assert files(results) == whole
    assert list(results.rglob("*.tmp")) == []
    assert left_in(temporary) == []
