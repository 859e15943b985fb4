"""`tito collect git` and `tito collect zips`: collect the submissions of a class in one folder.

`cli.main` adds these commands. `submissions.remotes` and `submissions.uploads` do the work.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pytest_tinytorch.submissions.collection import Collected

app = typer.Typer(no_args_is_help=True, help="Collect the submissions of a class in one folder.")

Into = Annotated[Path, typer.Option("--into", help="a folder, new or of an earlier collection")]
_MOST_NAMES = 5


@app.command("git")
def collect_git(
    roster: Annotated[Path, typer.Argument(help="a CSV file with the columns student,remote")],
    into: Into,
    deadline: Annotated[str, typer.Option(help="2026-11-20T23:59+01:00")] = "",
    late: Annotated[bool, typer.Option("--late", help="also collect late work")] = False,
    local_remotes: Annotated[
        bool, typer.Option("--local-remotes", help="allow folders as remotes")
    ] = False,
) -> None:
    """Collect the last commit of each remote's default branch, at or before a deadline."""
    from pytest_tinytorch.reports.progress_bar import waiting
    from pytest_tinytorch.submissions.deadline import parse_deadline
    from pytest_tinytorch.submissions.remotes import collect_remotes

    until = parse_deadline(deadline) if deadline else None
    with _stoppable(into):
        found = collect_remotes(roster, into, until, late, waiting("Collecting"), local_remotes)
    _report(found, into)
    if until is not None:
        typer.echo("A commit's time comes from its author's clock, which the author can set.")
    if until is not None and any("github.com" in one.remote for one in found):
        typer.echo("GitHub records when it was pushed: gh api repos/OWNER/NAME/activity")
    _end(found)


@app.command("zips")
def collect_zips(
    download: Annotated[Path, typer.Argument(help="a download from Canvas, Moodle, Gradescope")],
    into: Into,
) -> None:
    """Collect submissions from a download of Canvas, Moodle or Gradescope: a folder or a zip."""
    from pytest_tinytorch.core.text import one_line
    from pytest_tinytorch.reports.progress_bar import waiting
    from pytest_tinytorch.submissions.uploads import collect_download

    with _stoppable(into):
        found, nobodys = collect_download(download, into, waiting("Collecting"))
    _report(found, into)
    if nobodys:
        names = ", ".join(map(one_line, nobodys[:_MOST_NAMES])) + (
            ", ..." if nobodys[_MOST_NAMES:] else ""
        )
        typer.echo(f"Ignored, the name is not a student's: {names}")
    _end(found)


@contextmanager
def _stoppable(into: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"Stopped. Run the same command to resume; {into}/ is kept.", err=True)
        raise typer.Exit(130) from None


def _report(found: "Sequence[Collected]", into: Path) -> None:
    from rich.console import Console

    from pytest_tinytorch.core.text import one_line
    from pytest_tinytorch.reports.collected_view import collected_report
    from pytest_tinytorch.reports.console import draw
    from pytest_tinytorch.submissions.collection import shared

    console = Console()
    text = draw(collected_report(found), console.width, colour=sys.stdout.isatty())
    typer.echo(text, nl=False)
    for line in shared(found):
        typer.echo(one_line(line))
    typer.echo(f"Written: {into}/, with collected.json")


def _end(found: "Sequence[Collected]") -> None:
    from pytest_tinytorch.submissions.collection import CollectedStatus

    raise typer.Exit(1 if any(one.status is CollectedStatus.FAILED for one in found) else 0)
