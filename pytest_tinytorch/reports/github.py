"""Makes GitHub annotations on the student's lines. `hooks.reporters.github` calls it."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from pytest_tinytorch.core.causes import causes
from pytest_tinytorch.core.records import Location, TestRecord
from pytest_tinytorch.core.text import shortened
from pytest_tinytorch.reports.github_log import command
from pytest_tinytorch.reports.phrases import EXAMPLE, HINT, SAME, WAITING, CauseText, cause_text

_MOST = 10  # GitHub shows at most 10 per kind and step
_LONGEST_TITLE = 200
_LONGEST_MESSAGE = 3800  # the runner cuts at 4096


def annotations(tests: Sequence[TestRecord], folder: str) -> list[str]:
    """Workflow commands for the first causes with a line in a source, in the order of fixing.

    tests: only what students may see. folder: the course's path in the repository, "." for its top.
    """
    found = [(cause_text(cause), place) for cause in causes(tests) if (place := _place(cause.test))]
    return [_annotation(text, place, folder) for text, place in found[:_MOST]]


def _place(test: TestRecord) -> Location | None:
    """The first location in a source. An exception can also name other files."""
    return next((location for location in test.locations if location.excerpt), None)


def _annotation(text: CauseText, place: Location, folder: str) -> str:
    return command(
        "error",
        shortened("\n".join(_lines(text)), _LONGEST_MESSAGE),
        file=PurePosixPath(folder) / place.file,
        line=place.line,
        title=shortened(f"{text.verdict} {text.title}", _LONGEST_TITLE),
    )


def _lines(text: CauseText) -> list[str]:
    first = "".join(text.first)
    lines = [text.message, *([first] if first else [])]
    lines += [f"{EXAMPLE}:", text.example] if text.example else []
    facts = ((HINT, text.hint), (SAME, text.same), (WAITING, text.waiting))
    return lines + [f"{label}: {value}" for label, value in facts if value]
