"""Disables and enables workflow commands in the log of GitHub Actions.

GitHub obeys `::error file=...::...` whoever prints it, and a graded run prints text of students.
So `grading.clean_process` prints all output between two lines that switch commands off and on:

    ::stop-commands::TOKEN   the output of the run   ::TOKEN::   ::error file=...::...

A run that dies leaves commands switched off for the rest of its step.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What the runner undoes, in the text of a command and in its properties.
_IN_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_DATA | str.maketrans({":": "%3A", ",": "%2C"})


class WorkflowLog:
    """Given to pytest as a plugin, so that what runs inside can leave commands for afterwards."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        # Read now: a graded run changes its folder.
        self.repository = Path(os.environ.get("GITHUB_WORKSPACE", "")).resolve()
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        self.summary = Path(summary).absolute() if summary else None

    @contextmanager
    def fence(self) -> Iterator[None]:
        """Commands are off within, and given afterwards; after an exception they stay off."""
        token = secrets.token_hex(16)
        # A matcher makes an error of each printed traceback, whether commands are on or off.
        _print("::remove-matcher owner=python::", f"::stop-commands::{token}")
        # The runner reads the two streams apart, and a line of the second one could come before
        # the fence or after it. So from here on they are one.
        sys.stderr.flush()
        os.dup2(1, 2)
        yield
        sys.stderr.flush()
        _print(f"::{token}::", *self.commands)


def is_workflow() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def command(name: str, message: str, **properties: object) -> str:
    """A line that the runner obeys: `command("error", "no", file="a.py", line=3)`."""
    listed = ",".join(
        f"{key}={str(value).translate(_IN_PROPERTY)}" for key, value in properties.items()
    )
    return f"::{name} {listed}::{message.translate(_IN_DATA)}"


def _print(*lines: str) -> None:
    """Each on a line of its own, also after text that did not end one, in any locale."""
    sys.stdout.flush()
    text = "".join(f"\n{line}" for line in lines) + "\n"
    sys.stdout.buffer.write(text.encode(errors="replace"))
    sys.stdout.flush()
