"""Makes Markdown of one failure, for the feedback page and the job summary.

`markdown` and `github_summary` call it.
"""

from collections.abc import Iterator

from pytest_tinytorch.reports.markdown_escape import block, code, inline, wrapped
from pytest_tinytorch.reports.phrases import (
    EXAMPLE,
    HINT,
    SAME,
    WAITING,
    CauseText,
    excerpt_lines,
)

_LONGEST_LINE = 200


def heading(text: CauseText) -> str:
    return f"{text.verdict} {text.title}" + (f" ({text.worth})" if text.worth else "")


def failure(text: CauseText, width: int) -> Iterator[str]:
    """What failed and where, in parts; each part ends with a newline.

    width: of the lines of a message, in characters
    """
    yield f"### {inline(heading(text))}\n"
    if text.message:
        yield block(wrapped(text.message, width))
    for number, (before, location) in enumerate(text.places):
        yield f"{inline(before)} {code(str(location))}\n"
        if number == 0 and location.excerpt:
            lines = (line[:_LONGEST_LINE].rstrip() for _, line in excerpt_lines(location))
            yield block("\n".join(lines))
    why, command = text.first
    if command:
        yield f"{inline(why)} {code(command)}\n"
    if text.example:
        yield f"{EXAMPLE}:\n\n{block(wrapped(text.example, width))}"


def facts(text: CauseText) -> list[str]:
    """The hint, and which other tests fail with this one or wait for it: a line each."""
    labelled = ((HINT, text.hint), (SAME, text.same), (WAITING, text.waiting))
    return [f"{label}: {value}" for label, value in labelled if value]
