"""`tito gradebook`: from result files to grades. `cli.main` adds these commands.

`pytest_tinytorch.gradebook` does the work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_tinytorch.cli.here import course_here
from pytest_tinytorch.core.course import Course

if TYPE_CHECKING:
    from pytest_tinytorch.gradebook.store import Gradebook

app = typer.Typer(no_args_is_help=True, help="The grades of a class, from its result files.")

Book = Annotated[
    Path, typer.Option("--book", help="the file of the gradebook", envvar="TINYTORCH_GRADEBOOK")
]
HERE = Path("gradebook.sqlite")


@contextmanager
def opened(path: Path, hidden: Path | None = None) -> "Iterator[tuple[Course, Gradebook]]":
    """The course around the working directory, and a gradebook that knows its manifest."""
    from pytest_tinytorch.core.manifest import load_manifest, with_hidden
    from pytest_tinytorch.gradebook.store import Gradebook

    course = course_here()
    manifest = load_manifest(course)
    if hidden is not None:
        manifest = with_hidden(manifest, hidden)
    with Gradebook(path) as book:
        book.set_course(course, manifest)
        yield course, book


@app.command("add")
def gradebook_add(
    paths: Annotated[list[Path], typer.Argument(help="result files, folders, archives")],
    book: Book = HERE,
    hidden: Annotated[Path | None, typer.Option("--hidden", help="the hidden tests")] = None,
    accept_unsigned: Annotated[
        bool, typer.Option("--accept-unsigned", help="count these files as if they were verified")
    ] = False,
) -> None:
    """Read result files into the gradebook. The same file counts once.

    Example: tito gradebook add results
    """
    from pytest_tinytorch.core.signing import find_key
    from pytest_tinytorch.gradebook.identity import Identities
    from pytest_tinytorch.gradebook.ingest import Options, ingest

    with opened(book, hidden) as (course, gradebook):
        identities = Identities(gradebook.names())
        options = Options(find_key(), accept_unsigned)
        report = ingest(gradebook, course, paths, identities, options)
    for refusal in report.refused:
        typer.echo(f"refused: {refusal}", err=True)
    typer.echo(f"{report.new} new, {report.known} known already, {len(report.refused)} refused")
    raise typer.Exit(1 if report.refused else 0)


@app.command("grades")
def gradebook_grades(book: Book = HERE) -> None:
    """The points of every student.

    Example: tito gradebook grades
    """
    from pytest_tinytorch.gradebook.grades import class_grades

    with opened(book) as (_, gradebook):
        for row in class_grades(gradebook):
            typer.echo(f"{row.student.shown}  {row.adjusted:g} of {row.max_points:g}")
