"""What a student sees of a run: a line a test, what to mend, and what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.course import Checkpoint, Course
from pytest_tinytorch.grouping import Cause, Verdict, causes, verdict
from pytest_tinytorch.progress import State, Status
from pytest_tinytorch.record import Location, Reason, TestRecord

_STYLES = {
    Verdict.PASS: "good",
    Verdict.FAIL: "bad",
    Verdict.TODO: "todo",
    Verdict.WAIT: "wait",
    Verdict.SKIP: "todo",
    Verdict.LOST: "bad",
}
_WORD_WIDTH = 8
_FULL_CAUSES = 8  # more than this nobody mends at once
_LISTED_TITLES = 3


def checkpoint_heading(course: Course, checkpoint: Checkpoint) -> RenderableType:
    """`Checkpoint 05 · Learning · module 06_spatial`, and its question."""
    return Group(
        Text(f"\n{checkpoint_name(checkpoint)} · module {checkpoint.module}", style="head"),
        Text(f"{checkpoint.question}\n"),
    )


def checkpoint_name(checkpoint: Checkpoint) -> str:
    return f"Checkpoint {checkpoint.id} · {checkpoint.name}"


def test_line(test: TestRecord, known: Mapping[str, TestRecord]) -> RenderableType:
    """`  pass  Adds element by element`."""
    word = verdict(test, known)
    return _columns(Text(f"  {word}", style=_STYLES[word]), Text(test.title))


def cause_blocks(tests: Sequence[TestRecord]) -> list[RenderableType]:
    """What to mend, the first of it first."""
    found = causes(tests)
    blocks: list[RenderableType] = [_cause(cause) for cause in found[:_FULL_CAUSES]]
    if rest := found[_FULL_CAUSES:]:
        lines = "\n".join(f"  {cause.test.title}" for cause in rest)
        blocks.append(Text(f"\nAnd {len(rest)} more to mend after these:\n{lines}"))
    return blocks


def _cause(cause: Cause) -> RenderableType:
    test = cause.test
    word = verdict(test, {})
    worth = f" ({points_text(test.max_points)})" if test.max_points else ""
    head = Text("\n").append(str(word), style=_STYLES[word]).append(f" {test.title}", style="head")
    parts: list[RenderableType] = [head.append(worth), _indented(Text(test.message))]
    parts += [_indented(_place(location, test)) for location in test.locations]
    if test.locations:
        parts.insert(3, _indented(_excerpt(test.locations[0])))
    if test.waits_for:
        first = f"waiting for checkpoint {test.waits_for}, whose module this is. First: "
        command = Text(f"pytest --checkpoint {test.waits_for}", style="place")
        parts.append(_indented(Text(first).append(command)))
    if test.example:
        parts.append(_indented(Text(f"input to try:\n{_shifted(test.example)}")))
    if test.hint:
        parts.append(_indented(Text("hint: ", style="todo").append(test.hint)))
    if cause.same:
        parts.append(_indented(Text(f"for the same reason: {_titles(cause.same)}", style="wait")))
    if cause.waiting:
        parts.append(_indented(Text(f"waiting for this: {_titles(cause.waiting)}", style="wait")))
    return Group(*parts)


def _place(location: Location, test: TestRecord) -> RenderableType:
    name = f"{location.function}, " if location.function else ""
    verb = "computed by " if test.reason is Reason.WRONG else "at "
    return Text(verb).append(name).append(str(location), style="place")


def _excerpt(location: Location) -> RenderableType:
    """The line and its surroundings; a line that is too long is cut, so that all stay aligned."""
    text = Text(no_wrap=True, overflow="crop")
    for number, line in location.excerpt:
        here = number == location.line
        text.append(
            f"{'>' if here else ' '} {number:4} | {line}\n", style="head" if here else "faint"
        )
    text.right_crop(1)
    return text


def run_summary(
    statuses: Sequence[Status],
    tests: Mapping[str, Sequence[TestRecord]],
    rests_on: Mapping[str, Sequence[Status]],
) -> list[RenderableType]:
    """Achieved or not, in points and in meaning, for each checkpoint of the run.

    rests_on: for a checkpoint, those of the modules it needs that are not achieved.
    """
    return [
        _verdict_on(status, tests[status.checkpoint.id], rests_on.get(status.checkpoint.id, ()))
        for status in statuses
    ]


def _verdict_on(
    status: Status, tests: Sequence[TestRecord], rests_on: Sequence[Status]
) -> RenderableType:
    checkpoint = status.checkpoint
    passed = sum(test.passed for test in tests)
    points = sum(test.points for test in tests)
    head = Text(f"\n{checkpoint_name(checkpoint)}: ", style="head")
    score = f"{points:g} of {points_text(checkpoint.points)}"
    if len(tests) < status.total:
        word = f"not decided, {passed} of the {len(tests)} tests that ran passed"
        rest = f"({status.total} count). Run all: pytest --checkpoint {checkpoint.id}"
        return head.append(word, style="todo").append(f" {rest}")
    word = f"{passed} of {len(tests)} tests, {score}"
    if passed == len(tests):
        head.append("achieved", style="good").append(f", {word}")
        return head.append(f"\nYou can now {checkpoint.you_can}.")
    head.append("not achieved", style="bad").append(f", {word}")
    return head.append_text(_rests_on(rests_on))


def _rests_on(needs: Sequence[Status]) -> Text:
    """What a failing checkpoint waits for; where that is not known to fail, the nearest to ask."""
    failing = [need for need in needs if need.state is State.FAILING]
    text = Text()
    for need in (failing or needs[-1:])[:1]:
        verb, word = ("waits for", "First") if failing else ("rests on", "See")
        text.append(f"\nIt {verb} {checkpoint_name(need.checkpoint)}, {need.label}. {word}: ")
        text.append(f"pytest --checkpoint {need.checkpoint.id}", style="place")
    return text


@dataclass(frozen=True)
class NextStep:
    """A command to type, and why."""

    command: str
    why: str


def step_after_failure(cause: Cause) -> NextStep:
    """Mend the first cause, and run what it belongs to again."""
    test = cause.test
    kind, _, module = (test.waits_for or test.group).partition(" ")
    command = f"pytest --module {module}" if module else f"pytest --checkpoint {kind}"
    place = str(test.locations[0]) if test.locations else "the first failure above"
    if test.reason is Reason.NOT_WRITTEN:
        return NextStep(command, f"write {place}, then run")
    return NextStep(command, f"mend {place}, then run")


def step_forward(course: Course, statuses: Sequence[Status]) -> NextStep:
    """The first checkpoint that is there and not achieved."""
    for status in statuses:
        if status.state in (State.ACHIEVED, State.PLANNED):
            continue
        command = f"pytest --checkpoint {status.checkpoint.id}"
        source = course.source_name(course.module_of(status.checkpoint))
        whys = {
            State.STALE: "the code it rests on changed, so run again",
            State.FAILING: f"mend {source}, then run",
            State.NOT_STARTED: f"write {source}, then run",
        }
        return NextStep(command, whys[status.state])
    return NextStep("pytest --progress=timeline", "everything that is there is achieved")


def next_line(step: NextStep) -> RenderableType:
    return Text("Next: ", style="head").append(f"{step.why}: ").append(step.command, style="place")


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


def points_text(points: float) -> str:
    return f"{points:g} point" if points == 1 else f"{points:g} points"


def _titles(tests: Sequence[TestRecord]) -> str:
    shown = "; ".join(test.title for test in tests[:_LISTED_TITLES])
    more = len(tests) - _LISTED_TITLES
    return f"{shown}; and {more} more" if more > 0 else shown
