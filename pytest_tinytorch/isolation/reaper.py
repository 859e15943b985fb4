"""Finds and kills processes that student code left behind. `sandbox` and `hooks.batch` call it.

A process that forks twice and starts its own session is in no known process group. Linux makes
such orphans children of the nearest ancestor that is a subreaper; `adopt` makes this process one.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_DUMPABLE = 4
_MOST_SECONDS = 5


def adopt() -> None:
    """Become the parent of orphaned descendants of this process. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hide() -> None:
    """Keep processes of the same user from reading this one's memory or environment. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def children(process: int | None = None) -> frozenset[int]:
    """The direct children of a process (default: this one); none if they cannot be listed."""
    tasks = Path(f"/proc/{process or 'self'}/task")
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for task in tasks.iterdir():
            with contextlib.suppress(OSError):
                found |= {int(word) for word in (task / "children").read_text("utf-8").split()}
    return frozenset(found)


def sweep(known: frozenset[int]) -> None:
    """Kill the children of this process that are not in `known`, until there are none.

    They may fork meanwhile, so each is stopped first, and the list is read again.
    """
    deadline = time.monotonic() + _MOST_SECONDS
    while (left := children() - known - _started) and time.monotonic() < deadline:
        for name in (signal.SIGSTOP, signal.SIGKILL):
            for process in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, name)
        for process in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process, os.WNOHANG)
        time.sleep(0.001)


_started: set[int] = set()  # sandboxes, which are waited for elsewhere


def is_ours(process: int) -> None:
    _started.add(process)


def is_done(process: int) -> None:
    _started.discard(process)
