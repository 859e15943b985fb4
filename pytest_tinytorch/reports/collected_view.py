"""Draws the result of collecting: counts, and a line for each student with a problem.

`cli.collect` calls it.
"""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.submissions.collection import Collected, CollectedStatus

_STYLES = {
    CollectedStatus.COLLECTED: "good",
    CollectedStatus.LATE: "todo",
    CollectedStatus.NONE: "todo",
    CollectedStatus.FAILED: "bad",
}


def collected_report(found: Sequence[Collected]) -> list[RenderableType]:
    """The counts, then a line for each student who is late, missing or failed, or has a note."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(ratio=2, overflow="fold")
    order = list(CollectedStatus)
    for one in sorted(found, key=lambda one: order.index(one.status)):
        if one.status is not CollectedStatus.COLLECTED or one.note:
            word = Text(f"  {one.status}", style=_STYLES[one.status])
            table.add_row(word, Text(one_line(one.student)), Text(one_line(one.note)))
    counts = [f"{sum(one.status is status for one in found)} {status}" for status in order]
    parts: list[RenderableType] = [Text(", ".join(counts), style="head")]
    return [*parts, table] if table.row_count else parts
