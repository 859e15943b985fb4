"""Parses a deadline, and computes how late a submission is.

`tito collect` and Gradescope use it.
"""

import math
from datetime import datetime

from pytest_tinytorch.core.errors import CourseError


def parse_deadline(text: str) -> datetime:
    """Parse `2026-11-20T23:59+01:00`. Raises CourseError, also if the time zone is missing."""
    example = "write date, time and zone, such as 2026-11-20T23:59+01:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CourseError(f"--deadline {text!r} is not a date and time; {example}") from None
    if moment.tzinfo is None:
        raise CourseError(f"--deadline {text!r} has no time zone; {example}")
    return moment


def lateness(moment: datetime, deadline: datetime) -> str:
    """How late a moment is: `2 h 5 min`; "" if it is not after the deadline."""
    if moment <= deadline:
        return ""
    minutes, seconds = divmod(math.ceil((moment - deadline).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    amounts = {"d": days, "h": hours, "min": minutes, "s": seconds}
    return " ".join([f"{amount} {unit}" for unit, amount in amounts.items() if amount][:2])
