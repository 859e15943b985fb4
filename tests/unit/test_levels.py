"""Levels: what is tried on which machine, what a sandbox may read, what the filter lets through."""

import contextlib
import ctypes
import os
import re
import sys
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import Limits
from pytest_tinytorch.core.tempdirs import remove_folder
from pytest_tinytorch.isolation import levels
from pytest_tinytorch.isolation.child import landlock, seccomp
from pytest_tinytorch.isolation.failures import NotStarted
from pytest_tinytorch.isolation.levels import (
    LEVELS,
    Level,
    candidates,
    command,
    environment,
    missing,
)
from pytest_tinytorch.isolation.probe import probe
from pytest_tinytorch.isolation.workspace import (
    Workspace,
    Workspaces,
    readable_of_the_machine,
    size_of,
)

LIMITS = Limits(5, 10, 60, 1024, 8, 64, 64)
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs Linux or macOS")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


# --- which levels -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, system, platform, words",
    [
        ("none", "nt", "win32", ""),
        ("process", "nt", "win32", "needs Linux or macOS; on Windows, use WSL 2 or a container"),
        ("process", "posix", "darwin", ""),
        ("landlock", "posix", "darwin", "needs Linux"),
        ("bwrap", "posix", "darwin", "needs Linux"),
    ],
)
def test_what_a_system_lacks(monkeypatch, name, system, platform, words):
    monkeypatch.setattr(levels.os, "name", system)
    monkeypatch.setattr(levels.sys, "platform", platform)
    try:
        found = missing(name)
    finally:
        monkeypatch.undo()
    assert found == words


@LINUX
def test_what_a_kernel_or_a_machine_lacks(monkeypatch):
    monkeypatch.setattr(landlock, "version", lambda: 2)
    assert missing("landlock") == "needs Landlock 3 (Linux 6.2), found 2"
    monkeypatch.setattr(landlock, "version", lambda: 3)
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    assert missing("landlock") == "knows no system calls of this processor"
    monkeypatch.setenv("PATH", "/nowhere")
    assert missing("bwrap") == "bubblewrap is not installed (package `bubblewrap`)"


@POSIX
def test_the_best_level_is_tried_first(monkeypatch):
    monkeypatch.setattr(levels, "missing", lambda name: "")
    monkeypatch.setattr(levels.os, "geteuid", lambda: 1000)
    assert [str(level) for level in candidates("auto", 0)] == ["bwrap", "landlock", "process"]
    assert [str(level) for level in candidates("landlock", 0)] == ["landlock"]
    monkeypatch.setattr(levels, "missing", lambda name: "no" if name == "bwrap" else "")
    assert [str(level) for level in candidates("auto", 0)] == ["landlock", "process"]


@POSIX
def test_root_gives_a_sandbox_a_user_of_its_own_where_that_can_work(monkeypatch):
    import pwd

    monkeypatch.setattr(levels, "missing", lambda name: "no" if name == "bwrap" else "")
    monkeypatch.setattr(levels.os, "geteuid", lambda: 0)
    monkeypatch.setattr(levels, "_is_for_all", lambda: True)
    found = candidates("auto", 0)
    assert [level.name for level in found] == ["landlock", "landlock", "process", "process"]
    assert [bool(level.user) for level in found] == [True, False, True, False]
    assert found[0].user not in {entry.pw_uid for entry in pwd.getpwall()}
    assert candidates("auto", 1)[0].user != found[0].user
    assert found[0].counts_processes and not found[1].counts_processes
    monkeypatch.setattr(levels, "_is_for_all", lambda: False)
    assert [level.user for level in candidates("auto", 0)] == [0, 0]


@POSIX
def test_a_private_home_is_not_open_to_all(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "private").mkdir(mode=0o700)
    assert not levels._is_open_to_all(tmp_path / "private/python")
    path = Path("/bin/sh")
    assert levels._is_open_to_all(path)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "__init__.py").write_text("x = 1\n")
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("expected values")
    return path


def test_no_isolation_is_a_level_too(secret, package):
    assert probe("none", secret, package, LIMITS).level == Level("none")


@LINUX
@pytest.mark.skipif(bool(missing("landlock")), reason=missing("landlock"))
def test_a_level_that_can_be_broken_is_not_taken(monkeypatch, secret, package):
    """The promise is tried: with one file too many on the list, the level does not hold."""
    from pytest_tinytorch.isolation import sandbox

    def careless(where, libraries):
        return [*levels.readable(where, libraries), str(secret)]

    monkeypatch.setattr(sandbox, "readable", careless)
    with pytest.raises(NotStarted, match="student code could read the course's files"):
        probe("landlock", secret, package, LIMITS)
    monkeypatch.setattr(levels, "missing", lambda name: "no" if name == "bwrap" else "")
    found = probe("auto", secret, package, LIMITS)
    assert found.level.name == "process"
    assert "student code could read the course's files" in found.refused[-1]


@LINUX
@pytest.mark.parametrize("name", LEVELS[1:])
def test_a_level_that_is_there_holds(secret, package, name):
    if reason := missing(name):
        pytest.skip(reason)
    try:
        found = probe(name, secret, package, LIMITS)
    except NotStarted as failure:
        pytest.skip(f"{name}: {failure}")
    assert found.level.name == name


def test_a_level_that_is_not_there_says_why(monkeypatch, secret, package):
    monkeypatch.setenv("PATH", "/nowhere")
    if sys.platform == "linux":
        with pytest.raises(NotStarted, match="bwrap: bubblewrap is not installed"):
            probe("bwrap", secret, package, LIMITS)


# --- what a sandbox may read, and what it is told ------------------------------------------------


def test_other_packages_are_not_on_the_list():
    listed = readable_of_the_machine()
    assert not [path for path in listed if path.endswith(("site-packages", "dist-packages"))]
    assert any(path.endswith("/numpy") for path in listed)
    repository = Path(__file__).resolve().parents[2]
    assert not [path for path in listed if repository.is_relative_to(path)]


@POSIX
def test_the_folders_of_a_sandbox(package):
    (package / "core").mkdir()
    (package / "core/a.py").write_text("y = 2\n")
    (package / "core/a.so").write_text("binary")
    (package / "core/link.py").symlink_to("/etc/passwd")
    (package / "loop").symlink_to(package)
    (package / "__pycache__").mkdir()
    (package / "__pycache__/a.cpython-311.pyc").write_text("stale")
    places = Workspaces()
    try:
        where = places.new(package)
        copied = {p.relative_to(where.package).as_posix() for p in where.package.rglob("*.*")}
        assert copied == {"net/__init__.py", "net/core/a.py"}
        assert where.scratch.is_dir() and not list(where.scratch.iterdir())
        assert (places.libraries / "numpy").resolve().name == "numpy"
        copied = {path.name for path in (places.libraries / "pytest_tinytorch/isolation").iterdir()}
        assert copied - {"__pycache__"} == {"__init__.py", "child"}
        second = places.new(package)
        assert second.root != where.root
        places.remove(where)
        assert not where.root.exists() and second.root.exists()
    finally:
        places.close()
    assert not places.root.exists()


@POSIX
def test_the_user_of_a_sandbox_can_read_its_package_whatever_the_umask(package):
    before = os.umask(0o077)
    try:
        places = Workspaces()
        where = places.new(package)
    finally:
        os.umask(before)
    try:
        for path in (where.root, where.package, where.package / "net", places.libraries):
            assert path.stat().st_mode & 0o055 == 0o055, path
        assert (where.package / "net/__init__.py").stat().st_mode & 0o044 == 0o044
        assert places.root.stat().st_mode & 0o077 == 0o011  # to pass through, not to look around
    finally:
        places.close()


@POSIX
def test_a_deep_and_locked_folder_is_removed(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    with contextlib.chdir(top):
        for _ in range(3000):
            Path("d").mkdir()
            os.chdir("d")
        Path("file").write_text("x")
        os.chdir(top)
        Path("locked").mkdir()
        Path("locked/file").write_text("x")
        Path("locked").chmod(0)
        Path("dangling").symlink_to("/nowhere")
    size = size_of(top, 10**9)
    remove_folder(top)
    assert not top.exists()
    assert size > 10**9  # deeper than a path may be: too much, whatever it holds


def test_sizes_are_counted_up_to_what_is_too_much(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}").write_bytes(bytes(8192))
    assert size_of(tmp_path, 10**6) == 81920
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/empty").write_bytes(b"")
    assert size_of(tmp_path, 10**6) == 81920 + 2 * 4096  # empty files take room as well
    assert size_of(tmp_path / "nowhere", 10) == 0


def test_holes_are_counted(tmp_path):
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(2**20)
    assert size_of(tmp_path, 10**9) == 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="needs room that no file uses")
def test_room_is_counted_that_a_file_does_not_use(tmp_path):
    keep_size, room = 1, 2**20
    with (tmp_path / "room").open("wb") as file:
        made = ctypes.CDLL(None).fallocate(
            file.fileno(), keep_size, ctypes.c_long(0), ctypes.c_long(room)
        )
    if made != 0:
        pytest.skip("this file system makes no room in advance")
    assert size_of(tmp_path, 10**9) >= room


@pytest.mark.parametrize("mode, hides", [(0o300, True), (0o000, False), (0o200, False)])
def test_a_folder_that_can_be_filled_but_not_be_seen(tmp_path, monkeypatch, mode, hides):
    folder = tmp_path / "hidden"
    folder.mkdir()
    folder.chmod(mode)
    look = os.scandir

    def refused(path):  # as root, nothing is
        if path == str(folder):
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert (size_of(tmp_path, 10**6) > 10**6) == hides
    folder.chmod(0o700)


def test_a_file_that_goes_while_files_are_counted_ends_nothing(tmp_path, monkeypatch):
    (tmp_path / "kept").write_bytes(bytes(8192))
    look = os.scandir

    class Gone:
        path = str(tmp_path / "gone")

        def is_dir(self, follow_symlinks=True):
            return False

        def stat(self, follow_symlinks=True):
            raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(
        os, "scandir", lambda path: contextlib.nullcontext([Gone(), *look(path), Gone()])
    )
    assert size_of(tmp_path, 10**6) == 8192


@POSIX
def test_what_a_sandbox_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", "secret")
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path / "data"))
    where = Workspace(tmp_path, tmp_path / "package", tmp_path / "scratch")
    told = environment(where, tmp_path / "libraries")
    assert told["HOME"] == told["TMPDIR"] == str(where.scratch)
    assert told["TINYTORCH_DATA"] == str(tmp_path / "data")
    assert "secret" not in str(told) and not {"PATH", "USER"} & set(told)
    assert str((tmp_path / "data").resolve()) in levels.readable(where, tmp_path)
    monkeypatch.delenv("TINYTORCH_DATA")
    monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / "home"))
    told = environment(where, tmp_path / "libraries")
    assert told["TINYTORCH_DATA"] == str((tmp_path / "home/data").resolve())


def test_bubblewrap_is_told_what_to_show(tmp_path):
    where = Workspace(tmp_path, tmp_path, tmp_path / "scratch")
    assert command(Level("landlock"), where, tmp_path, 5, 100) == []
    words = command(Level("bwrap"), where, tmp_path, 5, 100)
    assert words[0] == "bwrap" and words[-1] == "--"
    for option in ("--unshare-all", "--die-with-parent", "--new-session", "--remount-ro"):
        assert option in words
    shown = [words[i + 1] for i, word in enumerate(words) if word == "--ro-bind"]
    assert "/" not in shown and "/etc" not in shown and str(tmp_path) in shown
    assert words[words.index("--size") + 1] == "100"
    locked = [words[i + 1] for i, word in enumerate(words) if word == "--remount-ro"]
    assert locked[-3:] == ["/dev", "/proc", "/"]


# --- the filter of system calls, run step by step ----------------------------------------------

ALLOWED, REFUSED, UNKNOWN, KILLED = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


def run(machine: str, number: int, first: int = 0, arch: int | None = None, second: int = 0) -> int:
    """What the filter says of a call: an interpreter of the few operations it is made of."""
    program = seccomp._program(machine)
    arch = seccomp._AUDIT_ARCH[machine] if arch is None else arch
    data = {0: number, 4: arch, 16: first, 24: second}
    accumulator, position = 0, 0
    while True:
        operation, if_true, if_false, value = program[position]
        position += 1
        if operation == 0x06:
            return value
        if operation == 0x20:
            accumulator = data[value]
            continue
        holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: accumulator & value}
        position += if_true if holds[operation] else if_false


MACHINES = pytest.mark.parametrize("machine, column", [("x86_64", 0), ("aarch64", 1)])


@MACHINES
def test_the_filter_refuses_what_is_listed_and_nothing_else(machine, column):
    refused = {numbers[column] for numbers in seccomp._REFUSED.values() if numbers[column]}
    special = {seccomp._CLONE[column], seccomp._CLONE3[column]}
    special |= {numbers[column] for numbers in seccomp._OWN_ONLY.values()}
    special |= {numbers[column] for numbers in seccomp._OWN_OR_0.values()}
    for number in range(470):
        if number in special:
            continue
        assert run(machine, number) == (REFUSED if number in refused else ALLOWED), number
    assert len(refused) > 50


@MACHINES
def test_threads_are_allowed_and_processes_are_not(machine, column):
    clone = seccomp._CLONE[column]
    assert run(machine, clone, 0x00010000 | 0x100) == ALLOWED
    assert run(machine, clone, 17) == REFUSED
    assert run(machine, seccomp._CLONE3[column]) == UNKNOWN  # so that libc falls back to clone


@MACHINES
def test_signals_and_limits_are_for_oneself(machine, column):
    own = os.getpid()
    for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
        number = seccomp._OWN_ONLY[name][column]
        assert run(machine, number, own) == ALLOWED
        for other in (1, os.getppid(), 0, 2**32 - 1):
            assert run(machine, number, other) == REFUSED
    prlimit = seccomp._OWN_OR_0["prlimit64"][column]
    assert [run(machine, prlimit, who) for who in (0, own)] == [ALLOWED, ALLOWED]
    assert run(machine, prlimit, os.getppid()) == REFUSED


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),  # arm64 has the numbers of all newer ones
}


@MACHINES
def test_the_numbers_of_calls_are_those_of_the_kernel(machine, column):
    if not HEADERS[machine].is_file():
        pytest.skip("the headers of the kernel are not installed (package linux-libc-dev)")
    pattern = r"^#define __NR(?:3264)?_(\w+)\s+(\d+)"
    found = re.findall(pattern, HEADERS[machine].read_text("utf-8"), re.MULTILINE)
    kernels = {name: int(number) for name, number in found}
    ours = {**seccomp._REFUSED, **seccomp._OWN_ONLY, **seccomp._OWN_OR_0}
    ours |= {name: numbers for name, (numbers, _) in seccomp._NOT_WITH.items()}
    ours |= {"socketpair": seccomp._SOCKETPAIR, "clone": seccomp._CLONE, "clone3": seccomp._CLONE3}
    newest = max(kernels.values())  # of a call that came later, these headers say nothing
    mine = {name: pair[column] for name, pair in ours.items() if pair[column] <= newest}
    assert mine == {name: kernels.get(name, 0) for name in mine}


@MACHINES
def test_files_and_sockets_reach_nobody_else(machine, column):
    fcntl, ioctl = (seccomp._NOT_WITH[name][0][column] for name in ("fcntl", "ioctl"))
    own = {3: ALLOWED, 4: ALLOWED, 8: REFUSED, 15: REFUSED, 1030: ALLOWED}  # F_GETFL, F_SETFL, ...
    assert {second: run(machine, fcntl, 5, second=second) for second in own} == own
    own = {0x5401: ALLOWED, 0x541B: ALLOWED, 0x5412: REFUSED, 0x8901: REFUSED, 0x8902: REFUSED}
    assert {second: run(machine, ioctl, 5, second=second) for second in own} == own
    pair, flags = seccomp._SOCKETPAIR[column], 0x80800  # SOCK_CLOEXEC and SOCK_NONBLOCK
    for kind, answer in ((1, ALLOWED), (2, REFUSED), (3, REFUSED), (5, REFUSED)):
        assert [run(machine, pair, 1, second=kind | f) for f in (0, flags)] == [answer, answer]


@MACHINES
def test_calls_of_another_architecture_end_the_process(machine, column):
    assert run(machine, 0, arch=0x40000003) == KILLED  # 32 bits, where numbers mean other calls
    if machine == "x86_64":
        assert run(machine, 0x40000000 | 41) == KILLED
