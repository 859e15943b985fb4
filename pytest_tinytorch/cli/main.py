"""Defines the commands of `tito`: each calls a service and prints its result.

The installed script `tito` calls `main`.
"""

import io
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from pytest_tinytorch.cli import (
    collect,
    demo,
    gradebook_marking,
    gradescope,
    milestone,
    progress,
)
from pytest_tinytorch.cli.here import course_here
from pytest_tinytorch.cli.lines import echo_wrapped
from pytest_tinytorch.core.errors import (
    MACHINE,
    CourseError,
    MachineError,
    let_go_of_output,
    os_error_text,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="TinyTorch: commands for students and authors of the course.",
)
checkpoint_app = typer.Typer(no_args_is_help=True, help="Test checkpoints and show progress.")
module_app = typer.Typer(no_args_is_help=True, help="Test and complete modules, and list them.")
app.add_typer(checkpoint_app, name="checkpoint")
app.add_typer(module_app, name="module")
app.add_typer(gradescope.app, name="gradescope")
app.add_typer(collect.app, name="collect")
app.add_typer(gradebook_marking.app, name="gradebook")
app.add_typer(milestone.app, name="milestone")
app.add_typer(milestone.app, name="milestones", hidden=True)
app.add_typer(progress.app, name="progress")
app.command("demo", context_settings=demo.SETTINGS)(demo.demo)

Id = Annotated[str, typer.Argument(help="05, 5, learning, spatial, 02-05, all")]
CheckpointId = Annotated[str, typer.Argument(help="05, 5, learning, spatial, 02-05, all, next")]


def main() -> None:
    """Run `tito`. A CourseError is printed as one line, with exit code 2. A MachineError, such as a
    full disk, is printed as one line, with exit code 3."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the console may lack letters of a name
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except CourseError as error:
        typer.echo(f"tito: {error}", err=True)
        sys.exit(MACHINE if isinstance(error, MachineError) else 2)
    except OSError as error:
        typer.echo(f"tito: {os_error_text(error)}", err=True)
        let_go_of_output()
        sys.exit(MACHINE)


@app.command("export")
def export_command(
    ids: Annotated[str, typer.Argument(help="a module: 02, tensor, 02-05")] = "",
    everything: Annotated[bool, typer.Option("--all", help="every module")] = False,
) -> None:
    """Update the generated package from src_modules/."""
    from pytest_tinytorch.core.selectors import choose_modules
    from pytest_tinytorch.export.service import export

    course = course_here()
    if bool(ids) == everything:
        raise CourseError("say which module: `tito export 02`, or `tito export --all`")
    report = export(course, None if everything else choose_modules(course, ids))
    for line in (*report.kept, *report.broken, *report.odd):
        typer.echo(line, err=True)
    for name in report.written:
        typer.echo(f"written: {name}")
    for name in report.removed:
        typer.echo(f"removed: {name} (its source is not there)")
    if not report.written and not report.removed:
        typer.echo("nothing changed")
    raise typer.Exit(1 if report.broken else 0)


@app.command("manifest")
def manifest_command(
    hidden: Annotated[
        Path | None, typer.Option("--hidden", help="a folder of hidden tests: its own manifest")
    ] = None,
) -> None:
    """Write checkpoints/manifest.json: every test that counts, with its points."""
    from pytest_tinytorch.cli.inventory import take_hidden_inventory, take_inventory
    from pytest_tinytorch.core.atomic import write_text
    from pytest_tinytorch.core.manifest import MANIFEST_FILE
    from pytest_tinytorch.submissions.intake import HIDDEN_MANIFEST

    course = course_here()
    if hidden is not None:
        write_text(hidden / HIDDEN_MANIFEST, take_hidden_inventory(course, hidden.absolute()))
        typer.echo(f"written: {hidden / HIDDEN_MANIFEST}")
        return
    manifest = take_inventory(course)
    write_text(course.root / MANIFEST_FILE, manifest.to_text())
    for group, tests in manifest.tests.items():
        typer.echo(f"{group.kind} {group.id}: {len(tests)} tests, {sum(tests.values()):g} points")


@app.command("verify")
def verify_command(
    files: Annotated[list[Path], typer.Argument(help="grade.xml, ...")],
) -> None:
    """Verify the signatures of graded results with the key of this machine."""
    from pytest_tinytorch.grading.verify import verify_lines

    good, lines = verify_lines(files)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(0 if good else 1)


@app.command("feedback")
def feedback_command(
    results: Annotated[Path, typer.Argument(help="grade.xml, of a graded run")],
    html: Annotated[Path | None, typer.Option("--html", help="write a page of HTML")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="write Markdown")] = None,
) -> None:
    """Write the feedback page of a graded run: results, failures, next step. No hidden tests."""
    from pytest_tinytorch.grading.feedback_files import graded_run, notes_on, write_page
    from pytest_tinytorch.reports.html import feedback_html
    from pytest_tinytorch.reports.markdown import feedback_markdown

    course = course_here()
    run = graded_run(course, results)
    notes = notes_on(course, run)
    if html is None and markdown is None:
        typer.echo(feedback_markdown(course, run, notes), nl=False)
    for path, page in ((html, feedback_html), (markdown, feedback_markdown)):
        if path is not None:
            for line in write_page(path, page(course, run, notes)):
                typer.echo(line)


@checkpoint_app.command("status")
def checkpoint_status(
    detailed: Annotated[bool, typer.Option("--detailed", help="with modules and tests")] = False,
) -> None:
    """Show the status of every checkpoint."""
    _pytest(f"--progress={'detailed' if detailed else 'summary'}")


@checkpoint_app.command("timeline")
def checkpoint_timeline(
    horizontal: Annotated[bool, typer.Option("--horizontal", help="one line a phase")] = False,
) -> None:
    """Show the course as a timeline."""
    _pytest(f"--progress={'horizontal' if horizontal else 'timeline'}")


@checkpoint_app.command("test")
def checkpoint_test(ids: CheckpointId) -> None:
    """Run checkpoints."""
    _pytest("--checkpoint", ids)


@checkpoint_app.command("run")
def checkpoint_run(ids: CheckpointId) -> None:
    """Run checkpoints and show what your code prints."""
    _pytest("--checkpoint", ids, "-s")


@checkpoint_app.command("unlock")
def checkpoint_unlock(ids: CheckpointId = "next") -> None:
    """Show what to do to achieve a checkpoint, and why."""
    from pytest_tinytorch.progress.advice import advice

    echo_wrapped(advice(course_here(), ids))


@module_app.command("test")
def module_test(ids: Id) -> None:
    """Run a module's inline tests."""
    _pytest("--module", ids)


@module_app.command("export")
def module_export(ids: Id) -> None:
    """Export a module to the package."""
    export_command(ids, everything=False)


@module_app.command("complete")
def module_complete(ids: Id) -> None:
    """Export, inline and integration tests, checkpoint; stops at the first that fails."""
    from pytest_tinytorch.core.selectors import choose_modules
    from pytest_tinytorch.progress.completion import complete, is_completed
    from pytest_tinytorch.reports.completed_view import completed_text

    course = course_here()
    (module, *others) = choose_modules(course, ids)
    if others:
        raise CourseError("complete one module at a time: `tito module complete 02`")
    again = is_completed(course, module)
    achieved = complete(course, module, typer.echo)
    if isinstance(achieved, int):
        raise typer.Exit(achieved)
    typer.echo(completed_text(course, achieved, again), nl=False)


@module_app.command("status")
def module_status() -> None:
    """Show the state of every module and its checkpoint."""
    from pytest_tinytorch.progress.advice import module_lines

    for line in module_lines(course_here()):
        typer.echo(line)


def _pytest(*arguments: str) -> None:
    """Run `pytest ...` in the course's folder."""
    root = course_here().root
    code = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=root, check=False)
    raise typer.Exit(code.returncode)
