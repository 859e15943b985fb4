"""The words of a command over a class, in a form that pytest takes for what they are.

pytest looks for its configuration before any plugin has told it of its options. Of `--submissions
DIR` it then takes DIR for a test to run, and everything for a project that lies around DIR. Written
as `--submissions=DIR` it is an option to everybody.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from pytest_tinytorch.core.early_options import FOLDER_OPTIONS
from pytest_tinytorch.grading.new_process import replace_process


def joined(arguments: Sequence[str]) -> list[str]:
    """The same arguments, with every folder written behind a `=`."""
    folders = {name for option in FOLDER_OPTIONS for name in option.names}
    words: list[str] = []
    for argument in arguments:
        if words and words[-1] in folders:
            words[-1] += f"={argument}"
        else:
            words.append(argument)
    return words


def start_joined(arguments: Sequence[str], root: Path) -> None:
    """Replace this process by one for the course in `root`, unless that is what it is."""
    words = joined(arguments)
    if words != list(arguments):
        replace_process(["-P", "-m", "pytest", f"--rootdir={root}", *words], os.environ)
