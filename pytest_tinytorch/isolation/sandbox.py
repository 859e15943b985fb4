"""One sandbox: starts a process for student code, and kills it with all its children.

`pool` and `probe` start sandboxes.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.course import Limits
from pytest_tinytorch.core.text import whole
from pytest_tinytorch.isolation import reaper
from pytest_tinytorch.isolation.channel import Channel
from pytest_tinytorch.isolation.child.protocol import (
    CannotCross,
    Decoder,
    Encoder,
    WireError,
    frame,
)
from pytest_tinytorch.isolation.failures import (
    Died,
    Forged,
    NotStarted,
    OutOfTime,
    Place,
    SandboxFailure,
    student_error,
)
from pytest_tinytorch.isolation.levels import Level, command, environment, host_command, readable
from pytest_tinytorch.isolation.proxy import Refused
from pytest_tinytorch.isolation.warnings import Warnings
from pytest_tinytorch.isolation.workspace import Workspaces, size_of

_SECONDS_TO_START = 30
_SECONDS_TO_SAY_WHERE = 1
_MIB = 2**20


@dataclass(frozen=True)
class Outside:
    """Targets that the first sandbox of a level tries to reach, to test the level."""

    secret: str
    folder: str
    port: int
    parent: int


class Sandbox:
    """One student process. It starts at once, and waits until `open` sends its limits."""

    def __init__(self, level: Level, workspaces: Workspaces, package: Path, limits: Limits) -> None:
        self.level = level
        self._workspaces, self._limits, self.package = workspaces, limits, package
        self._workspace = workspaces.new(package)
        if level.user:
            os.chown(self._workspace.scratch, level.user, level.user)
        self._known = reaper.children()
        self._closed = False
        self._warnings = Warnings(package)
        self._pid = 0  # the student's process, in this process's namespace
        self._process, self._channel, self._info = self._start()
        self._channel.watch = self._watch

    def open(self, limits: Limits, outside: Outside | None = None) -> list[str]:
        """Set the limits and confine the process. Returns forbidden actions that still worked.

        Raises NotStarted if that fails; the sandbox is then closed.
        """
        self._limits = limits
        try:
            reply = self._greet(outside)
        except SandboxFailure as failure:
            said = self.output().strip().splitlines()
            self.close()
            reason = said[-1] if said else failure.message
            raise NotStarted(f"no sandbox can be started: {reason}") from None
        self._pid = self._find_process()
        return [str(breach) for breach in reply.get("breaches", ())]

    def ask(
        self,
        body: list[Any],
        refer: Callable[[Any], Any],
        resolve: Callable[[Any], Any],
        seconds: float,
        limit: str,
    ) -> Any:
        """Send a request [operation, arguments, keywords, released, watched]; return its result.

        Raises StudentError, Refused, CannotCross or a SandboxFailure; the latter closes the
        sandbox.
        """
        encoder = Encoder(refer)
        body[1], body[2] = encoder.encode(body[1]), encoder.encode(body[2])
        channel = self._channel
        channel.sequence += 1
        try:
            reply, payload = channel.exchange(
                frame(channel.sequence, body, encoder.payload), seconds, limit
            )
            return self._value(reply, payload, resolve)
        except SandboxFailure as failure:
            if isinstance(failure, OutOfTime):
                failure.frames = self._where()
            self.close()
            raise
        except CannotCross:
            channel.sequence -= 1  # nothing was sent
            raise

    def forget_warnings(self) -> None:
        """Begin a test: reset the count of warnings."""
        self._warnings.forget()

    @property
    def sequence(self) -> int:
        return self._channel.sequence

    @property
    def received(self) -> int:
        """Bytes of the last reply."""
        return self._channel.received

    def output(self) -> str:
        """The output of student code since the last call."""
        try:
            return self._channel.output()
        except (SandboxFailure, OSError, ValueError):
            return ""

    def processor_seconds(self) -> float:
        """Processor time of the student's process so far, by the system's clock."""
        return time.clock_gettime(~self._pid << 3 | 2)  # see clock_getcpuclockid(3)

    def memory(self) -> tuple[int, int]:
        """Bytes that the student's process uses now, and its peak since `forget_peak`."""
        lines = Path(f"/proc/{self._pid}/status").read_text("utf-8").splitlines()
        sizes = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
        return int(sizes["VmRSS"][0]) * 1024, int(sizes["VmHWM"][0]) * 1024

    def forget_peak(self) -> None:
        """Reset the peak of memory to the present use."""
        Path(f"/proc/{self._pid}/clear_refs").write_text("5", "utf-8")

    def close(self) -> None:
        """Kill the process and all that it started, and remove its folders. May be called again."""
        if self._closed:
            return
        self._closed = True
        if self._process.returncode is None:
            self._kill()
            self._process.wait()
        reaper.sweep(self._known)
        reaper.is_done(self._process.pid)
        self._channel.close()
        if self._info is not None:
            os.close(self._info)
        self._workspaces.remove(self._workspace)

    def _where(self) -> tuple[Place, ...]:
        """The lines that student code was running when its time was over; () if it cannot be
        interrupted. They are only shown."""
        try:
            os.kill(self._pid, signal.SIGUSR1)
            reply, _ = self._channel.last_word(_SECONDS_TO_SAY_WHERE)
            return student_error(reply[1]).frames
        except (SandboxFailure, WireError, OSError, LookupError, TypeError):
            return ()

    def _kill(self) -> None:
        # Its own session and process group; `reaper` finds processes that left the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._process.kill()

    def _start(self) -> "tuple[subprocess.Popen[bytes], Channel, int | None]":
        reaper.adopt()
        theirs_in, ours_out = _wide_pipe()
        ours_in, theirs_out = _wide_pipe()
        info = _info_file() if self.level.name == "bwrap" else None
        libraries = self._workspaces.libraries
        prefix = command(
            self.level, self._workspace, libraries, info or 0, self._limits.scratch_mib * _MIB
        )
        try:
            process = subprocess.Popen(
                [*prefix, *host_command(theirs_in, theirs_out)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(self._workspace, libraries),
                cwd=self._workspace.package,
                pass_fds=(theirs_in, theirs_out, *([info] if info else [])),
                start_new_session=True,
            )
        except OSError as error:
            for descriptor in (ours_out, ours_in, *([info] if info else [])):
                os.close(descriptor)
            self._workspaces.remove(self._workspace)
            raise NotStarted(f"no process can be started: {error}") from None
        finally:
            for descriptor in (theirs_in, theirs_out):
                os.close(descriptor)
        reaper.is_ours(process.pid)
        return process, Channel(process, ours_out, ours_in), info

    def _greet(self, outside: Outside | None) -> dict[str, Any]:
        limits = self._limits
        body = {
            "package": self.package.name,
            "folder": str(self._workspace.package),
            "scratch": str(self._workspace.scratch),
            "user": self.level.user,
            "limits": {
                "AS": limits.memory_mib * _MIB,
                # Wall-clock time is the limit; this kills a process that outlives its parent.
                "CPU": 2 * limits.seconds_per_checkpoint + 1,
                "FSIZE": limits.scratch_mib * _MIB,
                "NOFILE": limits.open_files,
                "CORE": 0,
                **({"NPROC": limits.processes} if self.level.counts_processes else {}),
            },
            "reply": limits.reply_mib * _MIB,
            "confined": self.level.is_confined,
            "readable": readable(self._workspace, self._workspaces.libraries),
            "writable": [str(self._workspace.scratch), "/dev/null"],
            "outside": outside.__dict__ if outside else None,
        }
        self._channel.sequence = 1
        self._channel.largest_reply = limits.reply_mib * _MIB
        reply, _ = self._channel.exchange(
            frame(1, body, []), _SECONDS_TO_START, f"{_SECONDS_TO_START} s"
        )
        if not isinstance(reply, dict):
            raise Forged("the child server did not report that it is ready")
        return reply

    def _find_process(self) -> int:
        """The id of the student's process: the started one, or bubblewrap's child."""
        if self._info is None:
            return self._process.pid
        try:
            first = int(json.loads(os.pread(self._info, 4096, 0))["child-pid"])
            return min(reaper.children(first), default=first)
        except (ValueError, KeyError, OSError):
            return self._process.pid

    def _value(self, reply: Any, payload: memoryview, resolve: Callable[[Any], Any]) -> Any:
        if not isinstance(reply, list) or len(reply) not in (1, 2, 3):
            raise Forged("the process of your code sent an invalid reply")
        if len(reply) != 2:
            if len(reply) == 3:
                self._warnings.give_again(reply[2])
            try:
                return Decoder(resolve, payload).decode_all(reply[0])
            except WireError as error:
                raise Forged(f"the process of your code sent an invalid value: {error}") from None
        if isinstance(reply[1], dict) and "cannot_cross" in reply[1]:
            raise Refused(whole(str(reply[1]["cannot_cross"])))
        raise student_error(reply[1])

    def _watch(self) -> None:
        most = self._limits.scratch_mib * _MIB
        if size_of(self._workspace.scratch, most) > most:
            raise Died(f"stopped because your code wrote more than {self._limits.scratch_mib} MiB")


def _info_file() -> int:
    """The file into which bubblewrap writes the id of its child.

    Not a pipe: if this process is killed at that moment, SIGPIPE ends bubblewrap, and its child
    waits forever.
    """
    return os.memfd_create("info")


def _wide_pipe() -> tuple[int, int]:
    """A pipe that holds most messages as a whole: with 64 KiB, each part would wake both sides."""
    ends = os.pipe()
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # the user's limit for pipes is reached
            fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _MIB)
    return ends
