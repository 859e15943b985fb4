"""The levels of isolation: their requirements, and the command that starts a sandbox.

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
_FIRST_USER = 64000  # above the ids of people, below those of containers
_USERS = 1000


@dataclass(frozen=True)
class Level:
    """One way to start a sandbox. `user`: its own user id; 0 for the id of this process."""

    name: str
    user: int = 0

    def __str__(self) -> str:
        return f"{self.name} (user {self.user})" if self.user else self.name

    @property
    def is_confined(self) -> bool:
        return self.name in CONFINED

    @property
    def counts_processes(self) -> bool:
        """Whether a limit of processes applies to the sandbox alone."""
        return bool(self.user) or self.name == "bwrap"


@dataclass(frozen=True)
class Probe:
    """The chosen level, and the reasons why better levels were not chosen."""

    level: Level
    refused: tuple[str, ...] = ()


def missing(name: str) -> str:
    """Why a level is not available on this machine; "" if it can be tried."""
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


def candidates(requested: str, slot: int) -> list[Level]:
    """The levels to try, the best first. Under root, a level with its own user is better."""
    names = [name for name in LEVELS[:0:-1] if requested in ("auto", name) and not missing(name)]
    found = []
    for name in names:
        if name != "bwrap" and os.geteuid() == 0 and _is_for_all():
            found.append(Level(name, _unused_user(slot)))
        found.append(Level(name))
    return found


def command(level: Level, workspace: Workspace, libraries: Path, info: int, size: int) -> list[str]:
    """The prefix of a command that runs at this level. size: bytes of the scratch folder."""
    if level.name != "bwrap":
        return []
    command = ["bwrap", "--unshare-all", "--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY]
    command += ["--die-with-parent", "--new-session", "--info-fd", str(info), "--proc", "/proc"]
    command += ["--dev", "/dev"]
    library = standard_library()
    command += ["--ro-bind", str(library), str(library)]
    hidden = [str(library / name) for name in SITE if (library / name).is_dir()]
    for folder in hidden:
        command += ["--tmpfs", folder]
    own = [path for path in _own(workspace, libraries) if Path(path).exists()]
    for path in (*_mounts_of_the_machine(), *own):
        command += ["--ro-bind", path, path]
    command += ["--size", str(size), "--tmpfs", str(workspace.scratch)]
    # Without Landlock, student code could write to /dev uncounted, and reset its peak in /proc.
    for folder in (*hidden, "/dev", "/proc", "/"):
        command += ["--remount-ro", folder]
    return [*command, "--chdir", str(workspace.scratch), "--"]


@cache
def _mounts_of_the_machine() -> tuple[str, ...]:
    """The paths of the machine that are mounted in every sandbox. The standard library is not
    among them: it is one mount, as each mount costs a millisecond."""
    library = standard_library()
    return tuple(
        path
        for path in readable_of_the_machine()
        if Path(path).parent != library and not path.startswith(("/proc", "/dev"))
        if Path(path).exists()
    )


def _own(workspace: Workspace, libraries: Path) -> list[str]:
    """The files of the harness and the student that a sandbox may read."""
    return [str(libraries), str(workspace.package), str(_data())]


def readable(workspace: Workspace, libraries: Path) -> list[str]:
    return [*readable_of_the_machine(), *_own(workspace, libraries)]


def environment(workspace: Workspace, libraries: Path) -> dict[str, str]:
    """The environment of a sandbox. Nothing of the parent's environment is in it."""
    return {
        **ONE_THREAD,
        # Without the variable it would be looked for in HOME, which is the scratch folder here.
        "TINYTORCH_DATA": str(_data()),
        "PYTHONPATH": str(libraries),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "HOME": str(workspace.scratch),
        "TMPDIR": str(workspace.scratch),
        "LANG": "C.UTF-8",
        # Without fixed thresholds, malloc adapts and keeps freed memory. A measurement from outside
        # would count that memory as used.
        "MALLOC_MMAP_THRESHOLD_": str(2**17),
        "MALLOC_TRIM_THRESHOLD_": str(2**17),
        "MALLOC_ARENA_MAX": "1",
    }


def host_command(requests: int, replies: int) -> list[str]:
    module = "pytest_tinytorch.isolation.child.server"
    return [str(interpreter()), "-P", "-s", "-S", "-m", module, str(requests), str(replies)]


def _data() -> Path:
    """The folder of data sets. Student code may read it."""
    given = os.environ.get("TINYTORCH_DATA")
    return Path(given or home() / "data").resolve()


def _is_for_all() -> bool:
    """Whether any user can read the files that a sandbox reads: Python and the data sets."""
    data = _data()
    return _is_open_to_all(interpreter()) and (not data.is_dir() or _is_open_to_all(data / "any"))


def _is_open_to_all(path: Path) -> bool:
    """Whether any user can reach a file. It is not so below a private home directory."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def _unused_user(slot: int) -> int:
    import pwd

    taken = {entry.pw_uid for entry in pwd.getpwall()}
    start = (os.getpid() * 7 + slot) % _USERS
    numbers = (_FIRST_USER + (start + step) % _USERS for step in range(_USERS))
    return next(number for number in numbers if number not in taken)
