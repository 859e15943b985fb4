"""Shows similar submissions: a table in the terminal, and pairs side by side on a page.

`cli.gradebook_analysis` calls it.
"""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.similar import Found, Pair
from pytest_tinytorch.reports.phrases import counted
from pytest_tinytorch.reports.templates import environment

NOTE = (
    "Similar code is a reason to look at both submissions. It is no proof: short tasks have few"
    " solutions, and students may have worked together with permission."
)
_LONGEST_NAME = 40


def similar_view(found: Found, most: int) -> list[RenderableType]:
    """The first pairs as a table, what was not compared, and what it means."""
    parts: list[RenderableType] = [_table(found.pairs[:most])] if found.pairs else []
    parts.append(Text(f"{counted(len(found.pairs), 'pair')} to look at", style="head"))
    parts += [Text(one_line(f"not compared: {line}"), style="todo") for line in found.left_out]
    return [*parts, Text(NOTE, style="faint")] if found.pairs else parts


def _table(pairs: Sequence[Pair]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="faint")
    for heading, side in (("module", "left"), ("in common", "right"), ("tokens", "right")):
        table.add_column(heading, justify="right" if side == "right" else "left")
    table.add_column("students", overflow="fold")
    for pair in pairs:
        names = [one_line(side.student, _LONGEST_NAME) for side in (pair.left, pair.right)]
        percent = f"{100 * pair.share:.0f} %"
        table.add_row(pair.module, percent, f"{pair.tokens}", " and ".join(names))
    return table


def similar_html(found: Found, title: str, most: int) -> str:
    """The first pairs side by side, with the lines in common marked."""
    return (
        environment("page.css", "similar.css")
        .get_template("similar.html")
        .render(title=f"{title}: similar submissions", pairs=found.pairs[:most], note=NOTE)
    )
