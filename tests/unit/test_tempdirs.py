"""Temporary folders: whose they are, and what becomes of those that are nobody's any more."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pytest_tinytorch.core import tempdirs as tempdirs_module
from pytest_tinytorch.core.tempdirs import make_folder, remove_folder, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no locks of this kind")

KILLED = """
import os, signal
from pytest_tinytorch.core.tempdirs import make_folder
folder = make_folder("test")
(folder / "hidden").mkdir()
(folder / "hidden/test.py").write_text("secret")
print(folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def make_old(folder: Path) -> None:
    for path in (folder, folder / ".held"):
        if path.exists():
            os.utime(path, (path.stat().st_mtime - 3600,) * 2)


def test_what_a_killed_run_left_is_removed_by_the_next():
    done = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, check=False
    )
    left = Path(done.stdout.strip())
    assert (left / "hidden/test.py").is_file()
    remove_folder(make_folder("test"))
    assert left.is_dir()  # so young that its owner may only be about to lock it
    make_old(left)
    remove_folder(make_folder("test"))
    assert not left.exists()


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
def test_nothing_stays_open(monkeypatch, locks):
    """Windows, which has no such locks, does not remove a file that is open."""
    if not locks:
        monkeypatch.setattr(tempdirs_module, "_lock", lambda descriptor: False)
    before = os.dup(0)  # the lowest number that is free
    os.close(before)
    folder = make_folder("test")
    remove_folder(folder)
    after = os.dup(0)
    os.close(after)
    assert not folder.exists() and after == before


REMOVES = """
import os, sys
from pathlib import Path
from pytest_tinytorch.core.tempdirs import make_folder, remove_folder
folder = make_folder("test")
for number in range(3):
    (folder / f"{number}/inner/deep").mkdir(parents=True)
    (folder / f"{number}/inner/file").touch()
    (folder / f"{number}.txt").touch()
left = int(sys.argv[1])
def stop(event, arguments):
    global left
    if event in ("os.remove", "os.rmdir", "os.rename"):
        left -= 1
        if left < 0:
            os._exit(9)
sys.addaudithook(stop)
remove_folder(folder)
"""


def test_a_removal_that_is_killed_at_any_moment_is_done_by_the_next(temporary):
    for moment in range(100):
        command = [sys.executable, "-c", REMOVES, str(moment)]
        was_killed = subprocess.run(command, check=False).returncode == 9
        left = list(temporary.iterdir())
        assert len(left) == was_killed
        for folder in left:
            make_old(folder)
        remove_folder(make_folder("test"))
        assert list(temporary.iterdir()) == []
        if not was_killed:
            break
    assert moment > 15  # each file and folder, the lock, and the folder around them


def test_a_folder_whose_maker_was_killed_before_it_had_a_lock(temporary):
    left = temporary / "tinytorch-test-abcdefgh"
    left.mkdir()
    remove_folder(make_folder("test"))
    assert left.is_dir()  # so young that the lock may only be about to be made
    make_old(left)
    remove_folder(make_folder("test"))
    assert not left.exists()


def test_a_folder_for_a_block(temporary):
    with pytest.raises(ValueError), temporary_folder("test") as folder:
        assert (folder / ".held").is_file()
        raise ValueError
    assert list(temporary.iterdir()) == []


def test_what_is_in_use_or_somebody_elses_stays(temporary):
    used = make_folder("test")
    make_old(used)
    mine = temporary / "tinytorch-my-notes"
    mine.mkdir()
    (mine / "note").touch()
    make_old(mine)
    (temporary / "tinytorch-link").symlink_to(used)
    remove_folder(make_folder("test"))
    assert used.is_dir() and mine.is_dir()
    remove_folder(used)
    assert not used.exists()


def test_folders_are_for_their_owner_alone():
    folder = make_folder("test")
    assert folder.name.startswith("tinytorch-test-") and folder.stat().st_mode & 0o077 == 0
    remove_folder(folder)
