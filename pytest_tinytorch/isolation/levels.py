"""The levels of isolation: what each needs, and the command that starts a sandbox at that level.

    none       in pytest's own process: no promise
    process    a process of its own, with limits: a crash, a loop or a flood ends there
    landlock   also no access to files, network or processes of the machine (Linux 6.2 and later)
    bwrap      also in its own namespaces, by bubblewrap: the rest of the machine is not visible

`probe` and `sandbox` call it. The two upper levels promise the same. A level is reached when a
sandbox of that level fails in everything that the level forbids.
"""

import os
import shutil
import stat
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pytest_tinytorch.core.blas import ONE_THREAD
from pytest_tinytorch.core.user_dir import home
from pytest_tinytorch.isolation.child import landlock, seccomp
from pytest_tinytorch.isolation.workspace import (
    SITE,
    Workspace,
    interpreter,
    readable_of_the_machine,
    standard_library,
)

LEVELS = ("none", "process", "landlock", "bwrap")
CONFINED = ("landlock", "bwrap")

_NOBODY = "65534"
_FIRST_USER = 64000  # above those of people, below the range of containers
_USERS = 1000


@dataclass(frozen=True)
class Level:
    """One way to start a sandbox. `user`: an id of its own; 0 for that of who started it."""

    name: str
    user: int = 0

    def __str__(self) -> str:
        return f"{self.name} (user {self.user})" if self.user else self.name

    @property
    def is_confined(self) -> bool:
        return self.name in CONFINED

    @property
    def counts_processes(self) -> bool:
        """Whether a limit of processes is the sandbox's alone, and binds it."""
        return bool(self.user) or self.name == "bwrap"


@dataclass(frozen=True)
class Probe:
    """The level that was found to hold, and why each better one was not taken."""

    level: Level
    refused: tuple[str, ...] = ()


def missing(name: str) -> str:
    """Why a level is out of reach on this machine; "" where it is worth a try."""
    if name == "none":
        return ""
    if os.name != "posix":
        return "needs Linux or macOS; on Windows, use WSL 2 or a container"
    if name in CONFINED and sys.platform != "linux":
        return "needs Linux"
    if name == "landlock":
        if landlock.version() < landlock.LOWEST_VERSION:
            return (
                f"needs Landlock {landlock.LOWEST_VERSION} (Linux 6.2), found {landlock.version()}"
            )
        if not seccomp.is_known():
            return "knows no system calls of this processor"
    if name == "bwrap" and shutil.which("bwrap") is None:
        return "bubblewrap is not installed (package `bubblewrap`)"
    return ""


def candidates(asked: str, slot: int) -> list[Level]:
    """The levels to try, the best first. Under root, one with a user of its own is better."""
    names = [name for name in LEVELS[:0:-1] if asked in ("auto", name) and not missing(name)]
    found = []
    for name in names:
        if name != "bwrap" and os.geteuid() == 0 and _is_for_all():
            found.append(Level(name, _unused_user(slot)))
        found.append(Level(name))
    return found


def command(level: Level, workspace: Workspace, libraries: Path, info: int, size: int) -> list[str]:
    """The beginning of a command that runs something at this level. size: bytes of scratch."""
    if level.name != "bwrap":
        return []
    words = ["bwrap", "--unshare-all", "--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY]
    words += ["--die-with-parent", "--new-session", "--info-fd", str(info), "--proc", "/proc"]
    words += ["--dev", "/dev"]
    library = standard_library()
    words += ["--ro-bind", str(library), str(library)]
    hidden = [str(library / name) for name in SITE if (library / name).is_dir()]
    for folder in hidden:
        words += ["--tmpfs", folder]
    own = [path for path in _own(workspace, libraries) if Path(path).exists()]
    for path in (*_mounts_of_the_machine(), *own):
        words += ["--ro-bind", path, path]
    words += ["--size", str(size), "--tmpfs", str(workspace.scratch)]
    # Where there is no Landlock, /dev is memory that nobody counts, and /proc forgets a peak.
    for folder in (*hidden, "/dev", "/proc", "/"):
        words += ["--remount-ro", folder]
    return [*words, "--chdir", str(workspace.scratch), "--"]


@cache
def _mounts_of_the_machine() -> tuple[str, ...]:
    """What every sandbox sees beside the standard library, which is one mount: each costs a
    millisecond, and the library has two hundred entries."""
    library = standard_library()
    return tuple(
        path
        for path in readable_of_the_machine()
        if Path(path).parent != library and not path.startswith(("/proc", "/dev"))
        if Path(path).exists()
    )


def _own(workspace: Workspace, libraries: Path) -> list[str]:
    """What a sandbox may read besides the machine's own."""
    return [str(libraries), str(workspace.package), str(_data())]


def readable(workspace: Workspace, libraries: Path) -> list[str]:
    return [*readable_of_the_machine(), *_own(workspace, libraries)]


def environment(workspace: Workspace, libraries: Path) -> dict[str, str]:
    """Nothing of the parent's: no secret, no proxy, no path."""
    return {
        **ONE_THREAD,
        # Also where the home that it would be found in is not shown.
        "TINYTORCH_DATA": str(_data()),
        "PYTHONPATH": str(libraries),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "HOME": str(workspace.scratch),
        "TMPDIR": str(workspace.scratch),
        "LANG": "C.UTF-8",
        # Without fixed thresholds malloc learns from what is freed, and keeps memory that a
        # measurement from outside then takes for used.
        "MALLOC_MMAP_THRESHOLD_": str(2**17),
        "MALLOC_TRIM_THRESHOLD_": str(2**17),
        "MALLOC_ARENA_MAX": "1",
    }


def host_command(requests: int, replies: int) -> list[str]:
    module = "pytest_tinytorch.isolation.child.server"
    return [str(interpreter()), "-P", "-s", "-S", "-m", module, str(requests), str(replies)]


def _data() -> Path:
    """The folder of data sets, which student code may read."""
    given = os.environ.get("TINYTORCH_DATA")
    return Path(given or home() / "data").resolve()


def _is_for_all() -> bool:
    """Whether a user who owns nothing can read what a sandbox reads: Python and the data sets."""
    data = _data()
    return _is_open_to_all(interpreter()) and (not data.is_dir() or _is_open_to_all(data / "any"))


def _is_open_to_all(path: Path) -> bool:
    """Whether a user who owns nothing can come to a file: not below somebody's private home."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def _unused_user(slot: int) -> int:
    import pwd

    taken = {entry.pw_uid for entry in pwd.getpwall()}
    start = (os.getpid() * 7 + slot) % _USERS
    numbers = (_FIRST_USER + (start + step) % _USERS for step in range(_USERS))
    return next(number for number in numbers if number not in taken)
