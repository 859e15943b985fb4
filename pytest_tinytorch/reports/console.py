"""Turns rich renderables into text for a terminal of a given width, with or without colour.

`hooks.reporters` and `cli` call it.
"""

import io
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.theme import Theme

_THEME = Theme(
    {
        "good": "green",
        "bad": "bold red",
        "todo": "yellow",
        "wait": "dim",
        "head": "bold",
        "place": "cyan",
        "faint": "dim",
    }
)
_NARROWEST = 40


def draw(parts: Iterable[RenderableType], width: int, colour: bool) -> str:
    """The text of these parts, one below the other; no line is wider than `width`."""
    target = io.StringIO()
    console = Console(
        file=target,
        width=max(width, _NARROWEST),
        theme=_THEME,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    # Padding on the right is invisible on a screen, but not in a file.
    return "".join(f"{line.rstrip()}\n" for line in target.getvalue().splitlines())
