"""Cuts and cleans text of any length, so that it fits on a feedback page. `page` calls it."""

from dataclasses import replace

from pytest_tinytorch.core.records import Location, TestRecord
from pytest_tinytorch.core.text import shortened

# Limits for untrusted text. Messages of the harness are shorter.
_LONGEST_LINE = 300
_LONGEST_BLOCK = 2500
_MOST_LINES = 40


def fitting(test: TestRecord) -> TestRecord:
    """The same test with its texts cleaned and cut."""
    return replace(
        test,
        title=line(test.title),
        message=_block(test.message),
        locations=tuple(_place(location) for location in test.locations),
        example=_block(test.example),
        hint=line(test.hint),
        waits_for=line(test.waits_for),
        measured=line(test.measured),
    )


def line(text: str) -> str:
    return " ".join(shortened(text, _LONGEST_LINE).split())


def _block(text: str) -> str:
    lines = shortened(text, _LONGEST_BLOCK).split("\n")
    return "\n".join([*lines[:_MOST_LINES], "[...]"] if len(lines) > _MOST_LINES else lines)


def _place(location: Location) -> Location:
    excerpt = tuple(
        (number, shortened(text, _LONGEST_LINE).replace("\n", " "))
        for number, text in location.excerpt[:_MOST_LINES]
    )
    return Location(line(location.file), location.line, line(location.function), excerpt)
