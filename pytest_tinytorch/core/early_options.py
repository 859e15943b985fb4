"""Options that the plugin reads before pytest does, and options that pytest must not see.

`plugin` looks for them on the command line and starts another process where one is needed.
`grading.command_line` and `grading.clean_process` rewrite the command of that process, and
`hooks.options` registers them with pytest. Every pytest run on a machine loads this file within a
course, so it imports next to nothing.
"""

from collections.abc import Iterable
from typing import NamedTuple


class EarlyOption(NamedTuple):
    """One option. `names`: the first is the usual one."""

    names: tuple[str, ...]
    is_folder: bool = False  # its value is a folder, which pytest would take for a path to tests
    needs: str = ""  # the options that it requires
    may_be_empty: bool = False

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def attribute(self) -> str:
        """Where pytest keeps the value: `config.option.<attribute>`."""
        return self.name.removeprefix("--").replace("-", "_")

    def is_in(self, arguments: Iterable[str]) -> bool:
        """Whether a command line has the option, with or without a value behind `=`."""
        return any(argument.partition("=")[0] in self.names for argument in arguments)


SUBMISSIONS = EarlyOption(("--submissions",), is_folder=True)
RESULTS = EarlyOption(("--results",), is_folder=True, needs="--submissions")
HIDDEN_TESTS = EarlyOption(("--hidden",), is_folder=True, needs="--grade or --submissions")
GRADE = EarlyOption(("--grade",))
STUDENT = EarlyOption(("--student",), needs="--grade", may_be_empty=True)
GRADESCOPE = EarlyOption(("--gradescope",), needs="--grade")
JUNIT = EarlyOption(("--junitxml", "--junit-xml"))  # pytest's own

EARLY_OPTIONS = (SUBMISSIONS, RESULTS, HIDDEN_TESTS, GRADE, STUDENT, GRADESCOPE, JUNIT)
FOLDER_OPTIONS = tuple(option for option in EARLY_OPTIONS if option.is_folder)
