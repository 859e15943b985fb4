"""`tito progress export` and `import`: carry progress to another machine.

`cli.main` adds these commands. `progress.exchange` does the work.
"""

from pathlib import Path
from typing import Annotated

import typer

from pytest_tinytorch.cli.here import course_here
from pytest_tinytorch.progress.progress import Progress

app = typer.Typer(no_args_is_help=True, help="Carry your progress from one machine to another.")


@app.command("export")
def progress_export(file: Annotated[Path, typer.Argument(help="the file to write")]) -> None:
    """Write the evidence of your runs to a file.

    Example: tito progress export laptop.json
    """
    from pytest_tinytorch.core.atomic import write_text
    from pytest_tinytorch.core.errors import CourseError
    from pytest_tinytorch.grading.result_files import set_aside
    from pytest_tinytorch.progress.exchange import export_text

    course = course_here()
    text = export_text(course, Progress.of(course))
    if file.is_dir():
        raise CourseError(f"{file} is a folder; write a file: {file}/progress-export.json")
    if aside := set_aside(file):
        typer.echo(f"the earlier {file.name} is now {aside.name}")
    write_text(file, text)
    typer.echo(f"written: {file}. On the other machine: tito progress import {file.name}")


@app.command("import")
def progress_import(file: Annotated[Path, typer.Argument(help="a file of `export`")]) -> None:
    """Add the evidence of a file to your own. What is achieved here stays achieved.

    Example: tito progress import laptop.json
    """
    from pytest_tinytorch.progress.exchange import import_file
    from pytest_tinytorch.reports.phrases import counted, unlocked_text

    course = course_here()
    found = import_file(course, Progress.of(course), file)
    for problem in found.problems:
        typer.echo(problem, err=True)
    typer.echo(f"{counted(found.added, 'result')} added, {found.known} known already.")
    for program in found.unlocked:
        typer.echo(unlocked_text(program))
    typer.echo("See: pytest --progress")
