"""Runs git on an untrusted repository, so that nothing in it can run. `remotes` calls it.

Only objects are fetched, into a bare repository with its own configuration and no hooks. Nothing
is checked out, so attributes, filters, links and submodules have no effect. Files
larger than any submission are not transferred, where the server supports that.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Timer

from pytest_tinytorch.core.text import one_line

LARGEST_FILE_MIB = 4
SECONDS = 120  # per command
_MOST_OUTPUT = 256 * 2**20
_MOST_LISTED = 16 * 2**20  # bytes of the list of paths
_MOST_PATHS = 50_000
_PR_SET_PDEATHSIG = 1
_LONGEST_REASON = 200
_NO_REASON = "Could not read from remote repository"  # printed below the reason from ssh
_SAFE = ("core.hooksPath=/dev/null", "gc.auto=0", "maintenance.auto=false")
_PARTIAL = ("promisor=true", f"partialclonefilter=blob:limit={LARGEST_FILE_MIB}m")
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",  # messages are in English, because reasons are searched for in them
}
_PROTOCOLS = "https:http:ssh:git"  # without `ext`, whose address is a command
# Variables that make git use another repository.
_FOREIGN = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)


class GitError(Exception):
    """A git command failed. The message is the reason, in one line."""


class Repository:
    """A bare repository, into which a student's commits are fetched."""

    def __init__(self, folder: Path, local: bool = False) -> None:
        """local: allow remotes that are folders on this machine"""
        self.folder = folder
        self._protocols = f"{_PROTOCOLS}:file" if local else _PROTOCOLS
        folder.mkdir(parents=True, exist_ok=True)
        self._run("init", "--quiet", "--bare", "--template=")

    def fetch(self, remote: str) -> bool:
        """Fetch the remote's default branch; False if it has no commit."""
        options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
        # Set for this command only. Without a remote in its configuration, the repository never
        # fetches omitted files by itself, and it stores no address with a password.
        configuration = [f"remote.origin.{entry}" for entry in (f"url={remote}", *_PARTIAL)]
        try:
            self._run("fetch", *options, "origin", "+HEAD:refs/collect/head", given=configuration)
        except GitError as error:
            if "couldn't find remote ref HEAD" in str(error):
                return False
            raise
        return True

    def last_commit(self, until: int | None = None) -> tuple[str, int] | None:
        """The branch's last commit at or before a time (by the committer's clock), and its time."""
        limit = [] if until is None else [f"--min-age={until}"]
        options = ["--max-count=1", "--first-parent", "--timestamp", *limit]
        line = self._run("rev-list", *options, "refs/collect/head").decode()
        if not line.strip():
            return None
        seconds, commit = line.split()
        return commit, int(seconds)

    def count_after(self, commit: str) -> int:
        """The number of commits after this one on the branch."""
        span = f"{commit}..refs/collect/head"
        return int(self._run("rev-list", "--count", "--first-parent", span))

    def keep(self, commit: str) -> None:
        """Keep a commit, also if the branch is moved away from it."""
        self._run("update-ref", f"refs/collect/kept/{commit}", commit)

    def files(self, commit: str) -> list[tuple[str, str, bytes]]:
        """(mode, object, path) of every file. Raises GitError if there are too many."""
        listing = ("ls-tree", "-r", "-z", "--full-tree", commit)
        lines = self._run(*listing, most=_MOST_LISTED).split(b"\0")
        if len(lines) > _MOST_PATHS:
            raise GitError(f"it has more than {_MOST_PATHS} files")
        found = [line.partition(b"\t") for line in lines if line]
        return [(*_mode_and_object(head), path) for head, _, path in found]

    def sizes(self, objects: Sequence[str]) -> dict[str, int]:
        """The size of each object that was fetched. Objects that are too large were not."""
        lines = self._batch("--batch-check", objects).decode().splitlines()
        known = [line.split() for line in lines if not line.endswith(" missing")]
        return {name: int(size) for name, _, size in known}

    def contents(self, objects: Sequence[str]) -> dict[str, bytes]:
        """The bytes of objects that were fetched."""
        answer, found, position = self._batch("--batch", objects), {}, 0
        for name in objects:
            end = answer.index(b"\n", position)
            size = int(answer[position:end].split()[2])
            found[name] = answer[end + 1 : end + 1 + size]
            position = end + size + 2
        return found

    def _batch(self, form: str, objects: Sequence[str]) -> bytes:
        return self._run("cat-file", form, given_input="".join(f"{name}\n" for name in objects))

    def _run(
        self,
        *arguments: str,
        given: Sequence[str] = (),
        given_input: str = "",
        most: int = _MOST_OUTPUT,
    ) -> bytes:
        settings = [part for entry in (*_SAFE, *given) for part in ("-c", entry)]
        command = ["git", f"--git-dir={self.folder}", *settings, *arguments]
        return _output(command, given_input, most, {"GIT_ALLOW_PROTOCOL": self._protocols})


def is_local(remote: str) -> bool:
    """Whether git treats a remote as a folder on this machine."""
    scheme, sign, _ = remote.partition("://")
    if sign:
        return scheme.lower() == "file"
    host, colon, _ = remote.partition(":")
    is_drive = os.name == "nt" and len(host) == 1
    return not colon or "/" in host or is_drive


def without_password(text: str) -> str:
    """The text, with user names and passwords removed from addresses."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", text)


def _mode_and_object(head: bytes) -> tuple[str, str]:
    mode, _, name = head.decode().split()
    return mode, name


def _output(command: list[str], given_input: str, most: int, more: dict[str, str]) -> bytes:
    """The output of a command. Raises GitError if it fails, or prints more than `most` bytes.

    more: additional environment variables
    """
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
        stdin.write(given_input.encode())
        stdin.seek(0)
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        process = None
        try:
            with _interrupts_wait():
                process = subprocess.Popen(
                    command, env=kept | _ENVIRONMENT | more, start_new_session=True,
                    stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, preexec_fn=_WITH_US,
                )  # fmt: skip
            output, overdue = _read(process, most)
        except BaseException as error:
            if process is not None:
                _end(process)  # it has its own session, so Ctrl-C does not reach it
            elif isinstance(error, OSError):
                raise GitError(f"git cannot be started: {error.strerror}") from None
            raise
        stderr.seek(0)
        complaint = stderr.read(2**16).decode(errors="replace")
    if len(output) > most:
        raise GitError(f"git output exceeds {most >> 20} MiB")
    if overdue:
        raise GitError(f"no answer within {SECONDS} s")
    if process.returncode != 0:
        raise GitError(_reason(complaint))
    return output


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Delay Ctrl-C until after the body, when the process to kill is known."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# In git's process, on Linux: be killed when this program ends.
_WITH_US = (
    partial(ctypes.CDLL(None).prctl, _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if sys.platform == "linux"
    else None
)


def _read(process: "subprocess.Popen[bytes]", most: int) -> tuple[bytes, bool]:
    """The output of a process up to a limit, and whether it was killed for its slowness."""
    overdue = Event()

    def end_it() -> None:
        overdue.set()
        _end(process)

    timer = Timer(SECONDS, end_it)
    timer.daemon = True  # this program can end without waiting for it
    assert process.stdout is not None
    try:
        with _interrupts_wait():  # the new thread must not receive signals; the reading thread must
            timer.start()
        output = process.stdout.read(most + 1)
        if len(output) > most:
            _end(process)
        process.wait()
    finally:
        timer.cancel()
        process.stdout.close()
    return output, overdue.is_set()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and its children; one of them talks to the server."""
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _reason(complaint: str) -> str:
    """The line of git's output that states the reason."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal: ") and _NO_REASON not in line]
    reason = (fatal or lines or ["git failed without a message"])[0].removeprefix("fatal: ")
    return one_line(without_password(reason), _LONGEST_REASON)
