"""Rewrites `--submissions DIR` as `--submissions=DIR`, and starts pytest again with it.

`plugin` calls it. pytest looks for its configuration before plugins have defined their options. In
`--submissions DIR` it takes DIR for a path to tests; in `--submissions=DIR` it does not.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from pytest_tinytorch.core.early_options import FOLDER_OPTIONS
from pytest_tinytorch.grading.new_process import replace_process


def joined(arguments: Sequence[str]) -> list[str]:
    """The same arguments, with `--option folder` joined to `--option=folder`."""
    folders = {name for option in FOLDER_OPTIONS for name in option.names}
    result: list[str] = []
    for argument in arguments:
        if result and result[-1] in folders:
            result[-1] += f"={argument}"
        else:
            result.append(argument)
    return result


def start_joined(arguments: Sequence[str], root: Path) -> None:
    """Start pytest again with joined arguments, for the course in `root`, if that changes them."""
    joined_arguments = joined(arguments)
    if joined_arguments != list(arguments):
        replace_process(["-P", "-m", "pytest", f"--rootdir={root}", *joined_arguments], os.environ)
