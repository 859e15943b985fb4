"""The words of a command over a class, in a form that pytest takes for what they are.

pytest looks for its configuration before any plugin has told it of its options. Of `--submissions
DIR` it then takes DIR for a test to run, and everything for a project that lies around DIR. Written
as `--submissions=DIR` it is an option to everybody.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_WITH_FOLDER = ("--submissions", "--results", "--hidden")


def joined(arguments: Sequence[str]) -> list[str]:
    """The same arguments, with every folder written behind a `=`."""
    words: list[str] = []
    for argument in arguments:
        if words and words[-1] in _WITH_FOLDER:
            words[-1] += f"={argument}"
        else:
            words.append(argument)
    return words


def start_joined(arguments: Sequence[str], root: Path) -> None:
    """Replace this process by one for the course in `root`, unless that is what it is."""
    words = joined(arguments)
    if words == list(arguments):
        return
    command = [sys.executable, "-P", "-m", "pytest", f"--rootdir={root}", *words]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "posix":  # there, a process that replaces itself looks finished to its parent
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(sys.executable, command)
