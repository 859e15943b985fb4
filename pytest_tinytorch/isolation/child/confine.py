"""Gives up the permissions of the sandbox's process for good, step by step.

`server` calls it once, before any student code is loaded. A step that fails is not an error
here: `breaches` tries everything that the level forbids, and the parent decides by the result.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from pytest_tinytorch.isolation.child import landlock, seccomp

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_LAST_CAPABILITY = 63
_CAPABILITY_VERSION_3 = 0x20080522


def limit(limits: dict[str, int]) -> None:
    """Set resource limits, soft and hard: `AS`, `CPU`, `FSIZE`, `NOFILE`, `NPROC`, `CORE`."""
    import resource

    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            # A later hard limit: the process usually dies by SIGXCPU, which names the reason.
            hard = value + 1 if name == "CPU" else value
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, hard))


def die_with_parent() -> None:
    """Be killed when the parent process ends."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def become(user: int) -> None:
    """Change from root to a user that owns nothing; 0: no change."""
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        die_with_parent()  # a change of user resets it


def confine(readable: list[str], writable: list[str]) -> None:
    """Allow only files beneath these paths, and nothing else of the machine. Linux only."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _drop_capabilities()
    if landlock.version() >= landlock.LOWEST_VERSION:
        landlock.restrict(readable, writable)
    if seccomp.is_known():
        seccomp.restrict()


def breaches(outside: dict[str, Any]) -> list[str]:
    """The forbidden actions that still work, found by trying them.

    outside: `secret` (a file of the course), `folder` (a folder to write into), `parent` (a pid).
    """
    attempts: dict[str, Callable[[], object]] = {
        "read the course's files": lambda: os.open(outside["secret"], os.O_RDONLY),
        "write outside its folder": lambda: os.open(
            os.path.join(outside["folder"], "breach"),
            os.O_WRONLY | os.O_CREAT,
        ),
        "reach the network": lambda: _connect(outside["port"]),
        "signal the grader": lambda: os.kill(outside["parent"], 0),
        "read the grader's memory": lambda: _read_memory(outside["parent"]),
    }
    return [what for what, attempt in attempts.items() if _succeeds(attempt)]


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _connect(port: int) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=1):
        pass


def _read_memory(process: int) -> None:
    # In its own namespace the pid may be this process itself.
    if process in (os.getpid(), 1):
        raise ProcessLookupError
    os.close(os.open(f"/proc/{process}/mem", os.O_RDONLY))


def _drop_capabilities() -> None:
    """Drop all capabilities: root then has only the rights of the owner of root's files."""
    for capability in range(_LAST_CAPABILITY + 1):
        _prctl(_PR_CAPBSET_DROP, capability)
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    ctypes.CDLL(None).capset(ctypes.byref(head), ctypes.byref(none))


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)
