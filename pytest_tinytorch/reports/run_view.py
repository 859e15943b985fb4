"""Draws a run in the terminal: a line for each test, what to fix, and the next command.

`hooks.reporters.terminal` calls it.
"""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.causes import SHOWN_IN_FULL, Cause, Verdict, causes, verdict
from pytest_tinytorch.core.course import Checkpoint, Collection, Course, Demo, Milestone
from pytest_tinytorch.core.groups import Group as TestGroup
from pytest_tinytorch.core.groups import Kind
from pytest_tinytorch.core.records import Location, TestRecord
from pytest_tinytorch.progress.milestones import NOT_ATTEMPTED, was_not_attempted
from pytest_tinytorch.progress.next_step import NextStep
from pytest_tinytorch.progress.progress import State, Status
from pytest_tinytorch.progress.unlocking import Locked, not_run_message
from pytest_tinytorch.reports.phrases import (
    EXAMPLE,
    HINT,
    PRINTED,
    SAME,
    WAITING,
    capability,
    cause_text,
    certificate_text,
    collection_name,
    excerpt_lines,
    modules_text,
    tally,
    unlocked_text,
)

_STYLES = {
    Verdict.PASS: "good",
    Verdict.FAIL: "bad",
    Verdict.TODO: "todo",
    Verdict.WAIT: "wait",
    Verdict.SKIP: "todo",
    Verdict.LOST: "bad",
}
_WORD_WIDTH = 8
_SEE = {Kind.MILESTONE: "tito milestone status", Kind.DEMO: "tito demo"}  # all that is locked


def collection_heading(course: Course, collection: Collection) -> RenderableType:
    """`Checkpoint 05 · Learning · module 06_spatial`, and its question."""
    modules = modules_text(course, collection)
    return Group(
        Text(f"\n{collection_name(collection)} · {modules}", style="head"),
        Text(f"{collection.question}\n"),
    )


def test_line(test: TestRecord, known: Mapping[str, TestRecord]) -> RenderableType:
    """`  pass  Adds element by element`."""
    word = verdict(test, known)
    text = Text(test.title)
    if test.measured:
        text.append(f"\nmeasured: {test.measured}", style="place")
    return _columns(Text(f"  {word}", style=_STYLES[word]), text)


def cause_blocks(tests: Sequence[TestRecord]) -> list[RenderableType]:
    """What to fix, in the order of fixing."""
    found = causes(tests)
    blocks: list[RenderableType] = [_cause(cause) for cause in found[:SHOWN_IN_FULL]]
    if rest := found[SHOWN_IN_FULL:]:
        lines = "\n".join(f"  {cause.test.title}" for cause in rest)
        blocks.append(Text(f"\nAnd {len(rest)} more to fix after these:\n{lines}"))
    return blocks


def _cause(cause: Cause) -> RenderableType:
    text = cause_text(cause)
    head = Text("\n").append(str(text.verdict), style=_STYLES[text.verdict])
    head.append(f" {text.title}", style="head")
    if text.worth:
        head.append(f" ({text.worth})")
    parts: list[RenderableType] = [head, _indented(Text(text.message))]
    for number, (before, location) in enumerate(text.places):
        parts.append(_indented(Text(before).append(str(location), style="place")))
        if number == 0:
            parts.append(_indented(_excerpt(location)))
    why, command = text.first
    if command:
        parts.append(_indented(Text(why).append(command, style="place")))
    for label, lines in ((EXAMPLE, text.example), (PRINTED, text.printed)):
        if lines:
            parts.append(_indented(Text(f"{label}:\n{_shifted(lines)}")))
    if text.hint:
        parts.append(_indented(Text(f"{HINT}: ", style="todo").append(text.hint)))
    for label, titles in ((SAME, text.same), (WAITING, text.waiting)):
        if titles:
            parts.append(_indented(Text(f"{label}: {titles}", style="wait")))
    return Group(*parts)


def _excerpt(location: Location) -> RenderableType:
    """The line and the lines around it. The rest of a long line begins below its code."""
    table = Table.grid(padding=0, expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for here, line in excerpt_lines(location):
        style = "head" if here else "faint"
        number, bar, code = line.partition("|")
        table.add_row(Text(f"{number}{bar} ", style), Text(code.removeprefix(" "), style))
    return table


def run_summary(
    statuses: Sequence[Status[Collection]],
    tests: Mapping[TestGroup, Sequence[TestRecord]],
    rests_on: Mapping[TestGroup, Sequence[Status[Checkpoint]]],
) -> list[RenderableType]:
    """The status of each collection of the run: points, and the capability if it is achieved.

    rests_on: for a collection, the checkpoints that it needs and that are not achieved.
    """
    groups = [status.collection.group for status in statuses]
    return [
        _verdict_on(status, tests[group], rests_on.get(group, ()))
        for status, group in zip(statuses, groups, strict=True)
    ]


def _verdict_on(
    status: Status[Collection], tests: Sequence[TestRecord], rests_on: Sequence[Status[Checkpoint]]
) -> RenderableType:
    collection = status.collection
    passed = sum(test.passed for test in tests)
    points = sum(test.points for test in tests)
    head = Text(f"\n{collection_name(collection)}: ", style="head")
    if len(tests) < status.total:
        word = f"not decided, {passed} of the {len(tests)} tests that ran passed"
        rest = f"({status.total} count). Run all: {collection.group.command}"
        return head.append(word, style="todo").append(f" {rest}")
    if was_not_attempted(collection, tests):
        head.append(NOT_ATTEMPTED, style="todo")
        why = tests[0].message.removeprefix("Skipped: ")
        return head.append(f", its tests were skipped: {why}")
    word = tally(passed, len(tests), points, collection.points)
    if passed == len(tests):
        head.append("achieved", style="good").append(f", {word}")
        head.append(f"\n{capability(collection)}")
        head.append("".join(f"\nMeasured: {test.measured}" for test in tests if test.measured))
        if isinstance(collection, Milestone):
            head.append(f"\n{certificate_text(collection)}")
        return head
    head.append("not achieved", style="bad").append(f", {word}")
    return head.append_text(_rests_on(rests_on))


def _rests_on(needs: Sequence[Status[Checkpoint]]) -> Text:
    """The checkpoint that a failing collection waits for; if none is known to fail, the nearest."""
    failing = [need for need in needs if need.state is State.FAILING]
    text = Text()
    for need in (failing or needs[-1:])[:1]:
        verb, word = ("waits for", "First") if failing else ("rests on", "See")
        text.append(f"\nIt {verb} {collection_name(need.collection)}, {need.label}. {word}: ")
        text.append(need.collection.group.command, style="place")
    return text


def next_line(step: NextStep) -> RenderableType:
    return Text("Next: ", style="head").append(f"{step.why}: ").append(step.command, style="place")


def unlocked_lines(unlocked: Sequence[Milestone | Demo], locked: Sequence[Locked]) -> list[Text]:
    """What a run unlocked, and what it left out because it is locked."""
    lines = [Text(unlocked_text(program), style="good") for program in unlocked]
    if lines:
        lines.insert(0, Text())
    if locked:
        where = " and ".join(dict.fromkeys(_SEE[entry.program.kind] for entry in locked))
        lines.append(Text(f"\n{not_run_message(locked)}. See: {where}", style="todo"))
    return lines


def _columns(left: RenderableType, right: RenderableType) -> RenderableType:
    table = Table.grid(padding=0, expand=True)
    table.add_column(width=_WORD_WIDTH, no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_row(left, right)
    return table


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))


def _shifted(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
