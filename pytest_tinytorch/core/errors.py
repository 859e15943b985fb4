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


MACHINE = 3  # exit code of what the machine refuses


class MachineError(CourseError):
    """A file that cannot be written: the disk is full, or the folder read-only."""


# What concerns all that is written there, not one file of one student.
REFUSED_BY_MACHINE = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))


def nearest(word: str, valid: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest valid choice, or ""."""
    choices = {choice.lower(): choice for choice in valid}
    matches = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.5)
    return f" (did you mean {choices[matches[0]]!r}?)" if matches else ""


def told(error: OSError) -> str:
    """Describe an OSError: a full disk, a closed pipe, a locked file."""
    where = error.filename2 or error.filename or "the output"
    return f"{where}: {error.strerror or error}"


def let_go_of_output() -> None:
    """After an error: if it was the output's, Python would try again at its end, and fail again."""
    try:
        sys.stdout.flush()
    except (OSError, AttributeError):  # closed before we began, there is not even an object
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


class CheckFailed(AssertionError):
    """A comparison did not hold: what `check` raises."""

    leads_to = ""  # how the names of the functions end to which a student is led first


class CheckMisused(Exception):
    """A comparison that proves nothing, such as one of empty arrays: the course's own mistake."""
