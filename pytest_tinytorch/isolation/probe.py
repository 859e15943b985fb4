"""Finds the best level that works on this machine, by trying to break it.

`hooks.isolation` calls it at the start of a run.
"""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

from pytest_tinytorch.core.course import Limits
from pytest_tinytorch.isolation.failures import NotStarted
from pytest_tinytorch.isolation.levels import LEVELS, Level, Probe, candidates, missing
from pytest_tinytorch.isolation.sandbox import Outside, Sandbox
from pytest_tinytorch.isolation.workspace import Workspaces


def probe(requested: str, secret: Path, package: Path, limits: Limits, slot: int = 0) -> Probe:
    """The best level that works here. requested: "auto" or the name of a level.

    Raises NotStarted, with the reasons, if there is none.
    """
    if requested == "none":
        return Probe(Level("none"))
    names = LEVELS[:0:-1] if requested == "auto" else (requested,)
    refused = [f"{name}: {reason}" for name in names if (reason := missing(name))]
    for level in candidates(requested, slot):
        reason = _tried(level, secret, package, limits)
        if not reason:
            return Probe(level, tuple(refused))
        refused.append(f"{level}: {reason}")
    raise NotStarted("; ".join(refused))


def _tried(level: Level, secret: Path, package: Path, limits: Limits) -> str:
    """Why a level does not work; "" if it does."""
    if not level.is_confined and not level.user:
        return ""  # this level restricts nothing that could be tried
    with ExitStack() as stack:
        workspaces = Workspaces()
        stack.callback(workspaces.close)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        outside = Outside(str(secret), str(workspaces.root), listener.getsockname()[1], os.getpid())
        try:
            sandbox = Sandbox(level, workspaces, package, limits)
            breaches = sandbox.open(limits, outside if level.is_confined else None)
        except NotStarted as failure:
            if level.user:
                return "the sandbox's own user cannot read this Python"
            return failure.message
        stack.callback(sandbox.close)
        return f"student code could {', '.join(breaches)}" if breaches else ""
