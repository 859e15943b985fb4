"""`tito demo`: runs the programs of demos, and shows which module unlocks which.

`cli.main` adds this command. `tito milestone demo` runs a demo, too.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pytest_tinytorch.cli.here import course_here
from pytest_tinytorch.cli.lines import echo_wrapped
from pytest_tinytorch.cli.program import run_program
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.selectors import choose_demos
from pytest_tinytorch.progress.demos import demo_lines, matrix_lines
from pytest_tinytorch.progress.progress import Progress
from pytest_tinytorch.progress.unlocking import not_run_message, only_unlocked

SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}  # they are the program's


def demo(
    context: typer.Context,
    names: Annotated[str, typer.Argument(help="math, logic, ...; none lists the demos")] = "",
    everything: Annotated[bool, typer.Option("--all", help="all that are unlocked")] = False,
    table: Annotated[bool, typer.Option("--matrix", help="which module unlocks which")] = False,
) -> None:
    """Run a short program that shows what your modules can do. It has no points.

    What follows the name is for the program: tito demo vision --seed 3 --png edges.png
    """
    course = course_here()
    if (bool(names) + everything + table) > 1:
        raise CourseError("give only one of these: the name of a demo, --all, --matrix")
    if names or everything:
        raise typer.Exit(run_demos(course, names or "all", context.args))
    choose_demos(course, "all")  # raises where the course has none
    lines = matrix_lines if table else demo_lines
    echo_wrapped(lines(course, Progress.of(course)))


def run_demos(course: Course, text: str, arguments: Sequence[str] = ()) -> int:
    """Run the chosen demos until one fails. Returns its exit code, or 1 where some are locked."""
    chosen = choose_demos(course, text)
    if len(chosen) > 1 and arguments:
        raise CourseError(f"{' '.join(arguments)}: is for one demo, such as `{chosen[0].command}`")
    progress = Progress.of(course)
    unlocked, locked = only_unlocked(course, progress, chosen, text)
    for number, found in enumerate(unlocked):
        typer.echo(("\n" if number else "") + f"{found.id}: {found.name}\n")
        if code := run_program(course, found, *arguments, folder=Path.cwd()):
            return code
    if locked:
        typer.echo(f"\n{not_run_message(locked)}", err=True)
    return int(bool(locked))
