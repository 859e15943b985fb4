"""Disables and enables workflow commands in the log of GitHub Actions.

GitHub executes a printed `::error file=...::...`, and a graded run prints text of students.
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

# The runner's escapes in a command's text, and in its properties.
_IN_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_DATA | str.maketrans({":": "%3A", ",": "%2C"})


class WorkflowLog:
    """Collects commands to print after the run. It is a pytest plugin, so hooks can find it."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        # Read now, because a graded run changes its folder.
        self.repository = Path(os.environ.get("GITHUB_WORKSPACE", "")).resolve()
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        self.summary = Path(summary).absolute() if summary else None

    @contextmanager
    def fence(self) -> Iterator[None]:
        """Switch commands off in the body, and print them afterwards; not after an exception."""
        token = secrets.token_hex(16)
        # A problem matcher turns printed tracebacks into errors, also with commands off.
        _print("::remove-matcher owner=python::", f"::stop-commands::{token}")
        # The runner reads stdout and stderr independently, so a line of stderr could be read
        # outside of the fence. From here on, both are one stream.
        sys.stderr.flush()
        os.dup2(1, 2)
        yield
        sys.stderr.flush()
        _print(f"::{token}::", *self.commands)


def is_workflow() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def command(name: str, message: str, **properties: object) -> str:
    """A workflow command: `command("error", "no", file="a.py", line=3)`."""
    listed = ",".join(
        f"{key}={str(value).translate(_IN_PROPERTY)}" for key, value in properties.items()
    )
    return f"::{name} {listed}::{message.translate(_IN_DATA)}"


def _print(*lines: str) -> None:
    """Print lines as UTF-8, and begin a new line first."""
    sys.stdout.flush()
    text = "".join(f"\n{line}" for line in lines) + "\n"
    sys.stdout.buffer.write(text.encode(errors="replace"))
    sys.stdout.flush()
