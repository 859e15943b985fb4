"""The one kind of error that is meant for people: a line that says what, where and what to do."""

import difflib
from collections.abc import Iterable


class CourseError(Exception):
    """Something a student, an instructor or a course author can mend, told in one line."""


def nearest(word: str, valid: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest valid word, or nothing."""
    choices = {choice.lower(): choice for choice in valid}
    matches = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.5)
    return f" (did you mean {choices[matches[0]]!r}?)" if matches else ""
