"""Draws a completed module: a celebration the first time, then one line.

`tito module complete` calls it.
"""

import os
import shutil
import sys

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.progress.completion import Achievement
from pytest_tinytorch.progress.next_step import step_with_milestones
from pytest_tinytorch.progress.progress import Progress
from pytest_tinytorch.reports.console import draw
from pytest_tinytorch.reports.run_view import next_line


def completed_text(course: Course, achieved: Achievement, again: bool) -> str:
    """The celebration (the second time only a line) and the next step."""
    checkpoint = course.checkpoint_of(achieved.module)
    if again:
        part: RenderableType = Text(f"\n{achieved.module.name} is complete, as before.")
    else:
        part = celebration(achieved, checkpoint.you_can if checkpoint else "")
    progress = Progress.of(course)
    step = next_line(step_with_milestones(course, progress))
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return draw([part, step], width=shutil.get_terminal_size().columns, colour=colour)


def celebration(achieved: Achievement, can: str) -> RenderableType:
    """A few lines about the completed module; `can` is the new capability."""
    module = achieved.module
    head = Text(f"\n*** {module.name} is complete ***", style="good")
    tests = ", ".join(f"{count} {tier}" for tier, count in achieved.tests.items() if count)
    lines = [
        f"You built {_names(achieved.names)}, in {achieved.lines} lines of code.",
        f"{sum(achieved.tests.values())} tests pass: {tests}.",
    ]
    if achieved.parameters:
        lines.append(f"{module.example} has {achieved.parameters:,} parameters, all of them yours.")
    if can:
        lines.append(f"You can now {can}.")
    lines.append(f"{_bar(achieved)} {achieved.completed} of {achieved.modules} modules")
    return Group(head, *(Padding(Text(line), (0, 0, 0, 2)) for line in lines))


def _names(names: tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _bar(achieved: Achievement) -> str:
    return f"[{'#' * achieved.completed}{'.' * (achieved.modules - achieved.completed)}]"
