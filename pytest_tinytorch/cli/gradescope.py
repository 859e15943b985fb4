"""`tito gradescope bundle`: writes the zip of an autograder. `cli.main` adds the command."""

from pathlib import Path
from typing import Annotated

import typer

from pytest_tinytorch.cli.here import course_here

app = typer.Typer(no_args_is_help=True, help="Make an autograder for Gradescope.")


@app.callback()
def gradescope() -> None:
    """Make an autograder for Gradescope."""


@app.command("bundle")
def gradescope_bundle(
    output: Annotated[Path, typer.Option(help="the zip to write")] = Path("autograder.zip"),
    checkpoint: Annotated[
        str | None, typer.Option(help="05, 5, learning, 02-05, 02,05, all (default: all)")
    ] = None,
    milestone: Annotated[str, typer.Option(help="xor, 1986, all; alone: no checkpoints")] = "",
    hidden: Annotated[Path | None, typer.Option(help="a folder of hidden tests")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="of random inputs")] = 0,
    require_isolation: Annotated[str, typer.Option(help="grade at this level or better")] = "none",
) -> None:
    """Write the zip to upload as an autograder: tests, data and grader, but no sources."""
    from pytest_tinytorch.grading.gradescope.bundle import make_bundle, write_bundle

    ids = checkpoint if checkpoint is not None else "" if milestone else "all"
    bundle = make_bundle(course_here(), ids, hidden, seed, require_isolation, milestone)
    for line in write_bundle(bundle, output):
        typer.echo(line)
    typer.echo(f"It grades {bundle.summary}.")
    typer.echo(f"Set the autograder's points in Gradescope to {bundle.points:g}.")
