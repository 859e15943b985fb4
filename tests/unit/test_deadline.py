"""Deadlines: one point in time, and how late something is."""

from datetime import UTC, datetime, timedelta

import pytest

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.submissions.deadline import lateness, parse_deadline

DEADLINE = datetime(2026, 11, 20, 22, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-11-20T23:59+01:00", "2026-11-20 22:59Z", "2026-11-20T22:59:00.000000+00:00"],
)
def test_a_deadline_is_one_point_in_time(text):
    assert parse_deadline(text) == DEADLINE


@pytest.mark.parametrize(
    "text, words",
    [
        ("tomorrow", "--deadline 'tomorrow' is not a date and time; write date, time and zone"),
        ("", "--deadline '' is not a date and time"),
        ("2026-11-20T23:59", "has no time zone"),
        ("2026-11-20", "has no time zone"),
        ("2026-13-20T23:59Z", "is not a date and time"),
    ],
)
def test_what_is_none(text, words):
    with pytest.raises(CourseError, match="such as 2026-11-20T23:59") as error:
        parse_deadline(text)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "seconds, words",
    [
        (-3600, ""),
        (0, ""),
        (0.1, "1 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (3 * 86400 + 3600 + 59, "3 d 1 h"),
    ],
)
def test_how_late_something_is(seconds, words):
    assert lateness(DEADLINE + timedelta(seconds=seconds), DEADLINE) == words
