"""Draws a progress bar for work of more than two seconds, on a terminal only.

`cli.collect` calls it for `tito collect`.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from threading import Timer
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_PATIENCE = 2.0  # seconds
_Item = TypeVar("_Item")


def waiting(label: str) -> Callable[[Sequence[_Item]], Iterator[_Item]]:
    """Return an iterator over items that shows the progress and the time left."""

    def follow(items: Sequence[_Item]) -> Iterator[_Item]:
        columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        shown = Progress(
            *columns,
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        task = shown.add_task(label, total=len(items))
        timer = Timer(_PATIENCE, shown.start)
        timer.daemon = True
        timer.start()
        try:
            for item in items:
                yield item
                shown.advance(task)
        finally:
            timer.cancel()
            timer.join()
            shown.stop()

    return follow
