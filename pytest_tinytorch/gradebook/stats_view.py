"""Draws `tito gradebook stats`: tables, with bars in a terminal; or JSON.

`cli.gradebook_analysis` calls it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.groups import Group, Kind
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.analytics import ClassStats, ItemStats
from pytest_tinytorch.gradebook.entries import Item
from pytest_tinytorch.gradebook.quality import TestQuality
from pytest_tinytorch.gradebook.shared_causes import SharedCause
from pytest_tinytorch.reports.phrases import counted

_BAR = 8  # columns
_MOST_CAUSES = 10
_MOST_NAMES = 6
_LONGEST_NAME = 40
_LONGEST_TEST = 48


def stats_view(stats: ClassStats, bars: bool, every_test: bool) -> list[RenderableType]:
    """The parts, one below the other. bars: draw shares as bars, too; every_test: list all tests,
    not only those that an instructor should look at."""
    tests = stats.tests if every_test else stats.suspects
    heading = "Tests" if every_test else "Tests to look at"
    parts: list[RenderableType] = [_head(stats)]
    parts += _part("Items", _items(stats, bars), bool(stats.items))
    parts += _part("Milestones", _milestones(stats, bars), any(m.section for m in stats.milestones))
    parts += _part(f"{heading} ({len(tests)})", _tests(tests, bars), bool(tests))
    parts += _part("The same cause in several submissions", _causes(stats), bool(stats.causes))
    parts += _part(f"Stuck ({len(stats.stuck)})", _stuck(stats), bool(stats.stuck))
    parts += _part(f"Silent ({len(stats.silent)})", _silent(stats), bool(stats.silent))
    missing = [row.student.shown for row in stats.rows if not row.has_submitted]
    return parts + _part(f"No attempt ({len(missing)})", _indented(missing), bool(missing))


def stats_json(stats: ClassStats) -> str:
    """The same as JSON: students by the names that submissions use, all tests, all causes."""
    name = {row.student.id: row.student.name for row in stats.rows}
    found = {
        "students": len(stats.rows),
        "without_attempt": [row.student.name for row in stats.without_attempt],
        "newest_attempt": stats.newest,
        "items": [_item_json(item) for item in stats.items],
        "milestones": [asdict(milestone) for milestone in stats.milestones],
        "tests": [asdict(test) | {"pass_rate": test.pass_rate} for test in stats.tests],
        "causes": [
            asdict(cause) | {"students": [name[student] for student in cause.students]}
            for cause in stats.causes
        ],
        "stuck": [asdict(stuck) | {"student": name[stuck.student]} for stuck in stats.stuck],
        "silent": [asdict(silent) | {"student": name[silent.student]} for silent in stats.silent],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _item_json(stats: ItemStats) -> dict[str, object]:
    item = asdict(stats)
    return {**item.pop("item"), **item}


def _part(heading: str, drawn: RenderableType, wanted: bool) -> list[RenderableType]:
    return [Text(f"\n{heading}", style="head"), drawn] if wanted else []


def _head(stats: ClassStats) -> Text:
    students, missing = len(stats.rows), len(stats.without_attempt)
    text = Text(f"{counted(students, 'student')}: ", style="head")
    text.append(f"{students - missing} with an attempt, {missing} without")
    return text.append(f"; newest attempt {_day(stats.newest)}") if stats.newest else text


def _table(*columns: tuple[str, str]) -> Table:
    """A table without lines: each column is (heading, `left` or `right`)."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="faint")
    table.add_column("")
    for heading, side in columns:
        table.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    return table


def _bar(share: float, bars: bool) -> RenderableType:
    if not bars:
        return ""
    return ProgressBar(1, share, width=_BAR, complete_style="green", finished_style="green")


def _items(stats: ClassStats, bars: bool) -> Table:
    shown = _table(
        *(("", "left"), ("passed", "right"), ("", "left"), ("tried", "right")),
        *(("points", "right"), ("attempts", "right"), ("days", "right"), ("stop", "right")),
    )
    students = len(stats.rows)
    for item in stats.items:
        shown.add_row(
            *(
                "",
                item_title(item.item),
                f"{item.passed}",
                _bar(item.passed / max(students, 1), bars),
            ),
            *(f"{item.tried}", _percent(item.earned), _number(item.median_attempts)),
            *(_number(item.median_days), f"{item.stopped or ''}"),
        )
    return shown


def _milestones(stats: ClassStats, bars: bool) -> Table:
    shown = _table(("", "left"), ("section", "left"), ("achieved", "right"), ("", "left"))
    for row in stats.milestones:
        name = Group.parse(row.milestone).id
        achieved = f"{row.achieved} of {row.students}"
        section = one_line(row.section, _LONGEST_NAME)
        shown.add_row("", name, section, achieved, _bar(row.achieved / row.students, bars))
    return shown


def _tests(tests: Iterable[TestQuality], bars: bool) -> Table:
    shown = _table(
        *(("test", "left"), ("passed", "right"), ("", "left")),
        *(("discrimination", "right"), ("remark", "left")),
    )
    for test in tests:
        passed = f"{test.passed} of {test.students}"
        r = "" if test.discrimination is None else f"{test.discrimination:+.2f}"
        name = one_line(test.test, _LONGEST_TEST)
        bar = _bar(test.pass_rate or 0, bars)
        shown.add_row("", name, passed, bar, r, Text(test.suspicion, style="bad"))
    return shown


def _causes(stats: ClassStats) -> Table:
    shown = _table(("students", "right"), ("tests", "right"), ("message, and who", "left"))
    for cause in stats.causes[:_MOST_CAUSES]:
        text = Text(one_line(cause.message)).append(f"\n{_who(stats, cause)}", style="faint")
        shown.add_row("", f"{len(cause.students)}", f"{len(cause.tests)}", text)
    if len(stats.causes) > _MOST_CAUSES:
        shown.add_row("", "", "", f"{len(stats.causes) - _MOST_CAUSES} more: --json")
    return shown


def _who(stats: ClassStats, cause: SharedCause) -> str:
    """`02_tensor.py:120 add; Ada, Bo and 3 more`."""
    names = [one_line(stats.shown(s), _LONGEST_NAME) for s in cause.students[:_MOST_NAMES]]
    more = len(cause.students) - _MOST_NAMES
    listed = "; ".join(names) + (f"; and {more} more" if more > 0 else "")
    return f"{one_line(cause.place)}: {listed}" if cause.place else listed


def _stuck(stats: ClassStats) -> Table:
    shown = _table(
        *(("student", "left"), ("item", "left"), ("tests passed", "right")),
        ("idle attempts", "right"),
    )
    for row in stats.stuck:
        name = one_line(stats.shown(row.student), _LONGEST_NAME)
        shown.add_row("", name, row.item, f"{row.passed} of {row.tests}", f"{row.attempts}")
    return shown


def _silent(stats: ClassStats) -> Table:
    shown = _table(("student", "left"), ("last attempt", "left"))
    for row in stats.silent:
        shown.add_row("", one_line(stats.shown(row.student), _LONGEST_NAME), _day(row.last))
    return shown


def _indented(names: Sequence[str]) -> Text:
    return Text("\n".join(f"  {one_line(name, _LONGEST_NAME)}" for name in names))


def item_title(item: Item) -> str:
    """`05 Learning`; a milestone by its id: `xor`."""
    group = Group.parse(item.name)
    if group.kind is Kind.CHECKPOINT:
        return f"{group} {item.title}"
    return group.id if group.kind is Kind.MILESTONE else str(group)


def _day(time: str) -> str:
    return time[:10]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return (
        "" if value is None else f"{value:.2g}" if value < 1 else f"{value:.1f}".removesuffix(".0")
    )
