"""CourseError and MachineError: errors that are shown to the user as one line, without a traceback.

Any file may raise them. `hooks.stash` turns them into pytest's usage error, `cli.main` prints them.
"""

import difflib
import errno
import os
import sys
from collections.abc import Iterable


class CourseError(Exception):
    """An error that a student, an instructor or an author can fix, as one line."""


MACHINE = 3  # exit code for a MachineError


class MachineError(CourseError):
    """A file that cannot be written: the disk is full, or the folder read-only."""


# These errors concern the whole disk or folder, not one file of one student.
REFUSED_BY_MACHINE = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))


def nearest(word: str, valid: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest valid choice, or ""."""
    choices = {choice.lower(): choice for choice in valid}
    matches = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.5)
    return f" (did you mean {choices[matches[0]]!r}?)" if matches else ""


def os_error_text(error: OSError) -> str:
    """Describe an OSError: a full disk, a closed pipe, a locked file."""
    where = error.filename2 or error.filename or "the output"
    return f"{where}: {error.strerror or error}"


def let_go_of_output() -> None:
    """After an error: replace a closed output, because Python would flush it again at exit."""
    try:
        sys.stdout.flush()
    except (OSError, AttributeError):  # closed from the start: `sys.stdout` is None
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


class CheckFailed(AssertionError):
    """`check` raises it when a comparison does not hold."""

    leads_to = ""  # the ending of function names that are shown first as the place to fix


class CheckMisused(Exception):
    """A comparison that proves nothing, such as of empty arrays: a mistake in the course's test."""
