"""Replaces this process with a new Python process, for `--submissions` and `--grade`.

`command_line` and `clean_process` call it before pytest has read anything.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn


def replace_process(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Run this Python with other arguments; its exit code is that of this process."""
    command = [sys.executable, *arguments]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # None in a job without output
            stream.flush()
    _open_what_is_closed()
    if os.name != "posix":  # on Windows, the parent would see this process end
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    os.execve(sys.executable, command, environment)


def _open_what_is_closed() -> None:
    """Open closed standard streams (in a job without a terminal), because pytest needs them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest number
