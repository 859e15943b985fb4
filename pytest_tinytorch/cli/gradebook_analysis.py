"""`tito gradebook stats` and its relatives: what the results say of a class.

`cli.main` adds these commands, beside those of `cli.gradebook`.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_tinytorch.cli.gradebook import HERE, Book, PolicyFile, app, opened, policy_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from pytest_tinytorch.gradebook.store import Gradebook

__all__ = ["app"]

_FILE_WIDTH = 200  # columns in a file, where nothing needs to fit on a screen

Section = Annotated[str | None, typer.Option("--section", help="only students of this section")]


@app.command("stats")
def gradebook_stats(
    book: Book = HERE,
    policy: PolicyFile = None,
    section: Section = None,
    stuck: Annotated[
        int, typer.Option("--stuck", min=1, help="attempts without a new test passed")
    ] = 3,
    silent: Annotated[
        float, typer.Option("--silent", min=0, help="days before the newest attempt of the class")
    ] = 7,
    every_test: Annotated[bool, typer.Option("--tests", help="list every test")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="everything, as JSON")] = False,
) -> None:
    """Pass rates, tests to look at, common causes of failure, students who are stuck or silent.

    Example: tito gradebook stats --section A
    """
    from pytest_tinytorch.gradebook.analytics import class_stats
    from pytest_tinytorch.gradebook.stats_view import stats_json, stats_view

    with opened(book) as (_, gradebook):
        check_section(gradebook, section)
        stats = class_stats(gradebook, policy_of(policy, gradebook), section, stuck, silent)
    if as_json:
        typer.echo(stats_json(stats))
        return
    show(stats_view(stats, sys.stdout.isatty(), every_test))


def check_section(gradebook: "Gradebook", section: str | None) -> None:
    """Raises CourseError if no student has this section."""
    from pytest_tinytorch.core.errors import CourseError, nearest

    known = sorted({student.section for student in gradebook.students()})
    if section is not None and section not in known:
        sections = ", ".join(repr(name) for name in known) or "none"
        raise CourseError(
            f"--section {section!r} is unknown{nearest(section, known)}; sections: {sections}"
        )


@app.command("html")
def gradebook_html(
    out: Annotated[Path, typer.Argument(help="the file to write: class.html")],
    book: Book = HERE,
    policy: PolicyFile = None,
    section: Section = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="numbers instead of names, and no text of students")
    ] = False,
) -> None:
    """Write the dashboard: a page to sort, filter and search, which works without a network.

    Example: tito gradebook html class.html
    """
    from pytest_tinytorch.core.atomic import write_text
    from pytest_tinytorch.gradebook.analytics import class_stats
    from pytest_tinytorch.gradebook.dashboard import dashboard_html

    with opened(book) as (course, gradebook):
        check_section(gradebook, section)
        stats = class_stats(gradebook, policy_of(policy, gradebook), section)
    write_text(out, dashboard_html(stats, course.title, anonymous))
    typer.echo(f"written: {out}")


@app.command("similar")
def gradebook_similar(
    folder: Annotated[Path, typer.Argument(help="the submissions: a folder or .zip per student")],
    module: Annotated[str, typer.Option("--module", help="02, tensor, 02-05, all")] = "all",
    least: Annotated[
        float, typer.Option("--least", min=0, max=100, help="percent in common, to be listed")
    ] = 60,
    most: Annotated[int, typer.Option("--most", min=1, help="pairs to show")] = 50,
    html: Annotated[
        Path | None, typer.Option("--html", help="write a page with the pairs side by side")
    ] = None,
) -> None:
    """List submissions whose code looks alike, without the code of the course. No verdict.

    Example: tito gradebook similar class --module 05 --html similar.html
    """
    from pytest_tinytorch.cli.here import course_here
    from pytest_tinytorch.core.atomic import write_text
    from pytest_tinytorch.core.selectors import choose_modules
    from pytest_tinytorch.gradebook.similar import similar_pairs
    from pytest_tinytorch.gradebook.similar_view import similar_html, similar_view
    from pytest_tinytorch.submissions.find import find_submissions

    course = course_here()
    submissions, _ = find_submissions(folder)
    modules = [chosen for chosen in choose_modules(course, module) if chosen.written]
    found = similar_pairs(course, submissions, modules, least / 100)
    show(similar_view(found, most))
    if html is not None:
        write_text(html, similar_html(found, course.title, most))
        typer.echo(f"written: {html}")


def show(parts: "Iterable[RenderableType]") -> None:
    """Print for a terminal of any width, or without colour for a file."""
    from pytest_tinytorch.reports.console import draw

    screen = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if screen else _FILE_WIDTH
    typer.echo(draw(parts, width, screen and "NO_COLOR" not in os.environ), nl=False)
