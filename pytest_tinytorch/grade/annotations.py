"""What to mend first, as annotations on the student's own lines in GitHub."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from pytest_tinytorch.grade.workflow_log import command
from pytest_tinytorch.grouping import Cause, causes, verdict
from pytest_tinytorch.printable import capped
from pytest_tinytorch.record import Location, TestRecord

_MOST = 10  # GitHub shows no more of a kind for one step
_LONGEST_TITLE = 200
_LONGEST_MESSAGE = 3800  # the runner cuts at 4096


def annotations(tests: Sequence[TestRecord], folder: str) -> list[str]:
    """Commands for the first causes that have a line in a source, in the order of mending.

    tests: as a student may see them. folder: where the course is in the repository, "." at its top.
    """
    placed = [(cause, place) for cause in causes(tests) if (place := _place(cause.test))]
    return [_annotation(cause, place, folder) for cause, place in placed[:_MOST]]


def _place(test: TestRecord) -> Location | None:
    """The first line that stands in a source; an exception can name any other file."""
    return next((location for location in test.locations if location.excerpt), None)


def _annotation(cause: Cause, place: Location, folder: str) -> str:
    test = cause.test
    return command(
        "error",
        capped("\n".join(_lines(cause)), _LONGEST_MESSAGE),
        file=PurePosixPath(folder) / place.file,
        line=place.line,
        title=capped(f"{verdict(test, {})} {test.title}", _LONGEST_TITLE),
    )


def _lines(cause: Cause) -> list[str]:
    test = cause.test
    lines = [test.message]
    if test.waits_for:
        lines.append(f"waiting for checkpoint {test.waits_for}, whose module this is")
    if test.example:
        lines += ["input to try:", test.example]
    if test.hint:
        lines.append(f"hint: {test.hint}")
    if cause.same:
        lines.append(f"for the same reason: {len(cause.same)} more")
    if cause.waiting:
        lines.append(f"waiting for this: {len(cause.waiting)} more")
    return lines
