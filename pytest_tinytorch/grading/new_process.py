"""Python starts anew in place of this process: for `--submissions` and for `--grade`.

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
        if stream is not None:  # a job without output may have none
            stream.flush()
    _open_what_is_closed()
    if os.name != "posix":  # there, a process that replaces itself looks finished to its parent
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    os.execve(sys.executable, command, environment)


def _open_what_is_closed() -> None:
    """A job without a terminal may have no input or output at all, where pytest needs some."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest number
