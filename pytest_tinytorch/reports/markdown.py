"""Makes the feedback page as Markdown. `tito feedback` and `grading.assemble` call it."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.reports.markdown_escape import block, code, inline, wrapped
from pytest_tinytorch.reports.markdown_failure import facts, failure, heading
from pytest_tinytorch.reports.page import UNSEEN, Fix, Page, Part, Row, page_of
from pytest_tinytorch.reports.phrases import SAME

_WIDTH = 79
# Beginnings of a line with a meaning in Markdown: a list entry, an underline of a heading.
_OPENING = re.compile(r"^(\d+(?=[.)])|(?=[+=:-]))")


def feedback_markdown(course: Course, run: RunRecord, notes: Sequence[str]) -> str:
    """The feedback on a graded run. `notes`: remarks on the submission, a line each."""
    return "\n".join(_page(page_of(course, run, notes))).rstrip("\n") + "\n"


# Each part yields lines and an empty line, or nothing.


def _page(page: Page) -> Iterator[str]:
    yield from (f"# {inline(page.title)}", "")
    yield from (f"**Grade: {page.grade}** {_bar(page.share, 20)}", "")
    yield from _text(f"{page.summary}.")
    yield from _text(page.undecided)
    yield from _list(page.review)
    if page.facts:
        yield from (", ".join(f"{name} {code(value)}" for name, value in page.facts), "")
    if page.rows:
        yield from _table(page.rows_heading, page.rows)
    for part in page.parts:
        yield from _part(part)
    yield from ("## Next", "", *_text(f"{page.step.why}:"), *_fenced(page.step.command))
    if page.notes:
        yield from ("## About this submission", "", *_list(page.notes))


def _part(part: Part) -> Iterator[str]:
    yield from (f"## {inline(part.name)}: {part.standing}", "")
    yield from _text(part.question)
    yield from _text(f"{part.tally}. {part.can}")
    for fix in part.fixes:
        yield from _fix(fix)
    yield from _text(part.later_text)
    yield from _list(heading(fix.text) for fix in part.later)
    for elsewhere in part.elsewhere:
        reason = elsewhere.reason
        yield from _text(
            f"{elsewhere.tests}, {SAME} as under {reason.part}: {heading(reason.text)}"
        )
    if part.undecided:
        yield from (*_text(part.undecided), *_list(part.undecided_titles))
    yield from _text(part.hidden)
    if part.hidden_failed:
        yield from _list(part.hidden_failed)
        yield from _text(UNSEEN)
    if part.passed:
        yield from (
            *_text(f"What works, {part.works}:"),
            *_list(f"pass {title}" for title in part.passed),
        )


def _fix(fix: Fix) -> Iterator[str]:
    for part in failure(fix.text, _WIDTH):
        yield from part.split("\n")
    yield from _list(facts(fix.text))


def _table(heading: str, rows: Sequence[Row]) -> Iterator[str]:
    cells = [(heading, "Tests", "Points", "")]
    for row in rows:
        bar = f"{_bar(row.share, 10)} {row.remark}".rstrip()
        cells.append((inline(row.name), row.tests, row.points, bar))
    a, b, c, d = (max(map(len, column)) for column in zip(*cells, strict=True))
    head, *lines = (f"| {w:{a}} | {x:>{b}} | {y:>{c}} | {z:{d}} |" for w, x, y, z in cells)
    rule = f"|{'-' * (a + 2)}|{'-' * (b + 1)}:|{'-' * (c + 1)}:|{'-' * (d + 2)}|"
    yield from (head, rule, *lines, "")


def _list(entries: Iterable[str]) -> Iterator[str]:
    lines = [line for entry in entries for line in _lines(entry, "- ", "  ")]
    yield from [*lines, ""] if lines else []


def _text(text: str) -> Iterator[str]:
    yield from [*_lines(text, "", ""), ""] if text else []


def _fenced(text: str) -> Iterator[str]:
    yield from block(wrapped(text, _WIDTH)).split("\n")


def _lines(text: str, first: str, further: str) -> Iterator[str]:
    """Wrap a text so that no line begins with Markdown syntax."""
    width = _WIDTH - len(further)
    broken = textwrap.wrap(inline(text), width, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(broken):
        yield (further if number else first) + _OPENING.sub(r"\1\\", line)


def _bar(share: float, width: int) -> str:
    full = int(share * width)
    return f"`{'#' * full}{'.' * (width - full)}`"
