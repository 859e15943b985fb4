"""`tito milestone`: start, list, status, progress, timeline, next, run, test, demo, certificate,
share and portfolio. `cli.main` adds these commands; `tito milestones` is the same."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_tinytorch.cli.here import course_here
from pytest_tinytorch.cli.lines import echo_wrapped
from pytest_tinytorch.cli.program import run_program
from pytest_tinytorch.core.course import Course, Milestone
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.selectors import choose_milestones, milestone_named
from pytest_tinytorch.progress.progress import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pytest_tinytorch.progress.certificates import Certificate

app = typer.Typer(
    no_args_is_help=True, help="What your framework can do: run it, test it, show it."
)

Id = Annotated[str, typer.Argument(help="xor, 1986, 'history 2', or 1-5 of the capability ladder")]
Ids = Annotated[str, typer.Argument(help="xor, 1986, 'history 2', xor,cnn, all")]
Name = Annotated[str, typer.Option("--name", help="your name; without it, none is written")]
Into = Annotated[Path, typer.Option("--into", help="the folder for the files")]
_FOLDER = Path("certificates")


@app.command("start")
def milestone_start(milestone: Id) -> None:
    """What a milestone is about, what it needs, and the commands.

    Example: tito milestone start xor
    """
    from pytest_tinytorch.progress.advice import milestone_advice

    course = course_here()
    echo_wrapped(milestone_advice(course, milestone_named(course, milestone)))


@app.command("list")
def milestone_list() -> None:
    """Every milestone with its id and its state.

    Example: tito milestone list
    """
    from pytest_tinytorch.progress.advice import milestone_lines

    for line in milestone_lines(course_here()):
        typer.echo(line)


@app.command("status")
def milestone_status() -> None:
    """Where every milestone stands, and what locked ones need.

    Example: tito milestone status
    """
    _show_ladders("summary")


@app.command("progress")
def milestone_progress() -> None:
    """The same with claims, results and commands.

    Example: tito milestone progress
    """
    _show_ladders("detailed")


@app.command("timeline")
def milestone_timeline(
    horizontal: Annotated[bool, typer.Option("--horizontal", help="one line a ladder")] = False,
) -> None:
    """Each ladder from its first milestone to its last.

    Example: tito milestone timeline --horizontal
    """
    _show_ladders("horizontal" if horizontal else "timeline")


@app.command("next")
def milestone_next() -> None:
    """The next milestone, and the command for it.

    Example: tito milestone next
    """
    from pytest_tinytorch.progress.advice import next_milestone_lines

    echo_wrapped(next_milestone_lines(course_here()))


@app.command("run")
def milestone_run(milestone: Id) -> None:
    """Run the program of a milestone and show what it prints. Nothing is recorded.

    Example: tito milestone run xor
    """
    course = course_here()
    raise typer.Exit(run_program(course, _unlocked(course, milestone)))


@app.command("demo")
def milestone_demo(milestone: Id) -> None:
    """Run the short demo of the same idea, which needs no other module: `tito demo`.

    Example: tito milestone demo xor
    """
    from pytest_tinytorch.cli.demo import run_demos

    course = course_here()
    found = milestone_named(course, milestone)
    if not found.demo:
        raise CourseError(
            f"{found.id} has no demo; `tito milestone run {found.id}` runs its program"
        )
    raise typer.Exit(run_demos(course, found.demo))


@app.command("test")
def milestone_test(ids: Ids) -> None:
    """Test whether the claims of milestones hold, and record it: `pytest --milestone`.

    Example: tito milestone test xor
    """
    command = [sys.executable, "-m", "pytest", "--milestone", ids]
    raise typer.Exit(subprocess.run(command, cwd=course_here().root, check=False).returncode)


@app.command("certificate")
def milestone_certificate(milestone: Id, name: Name = "", into: Into = _FOLDER) -> None:
    """Write the badge (SVG) and the certificate (HTML) of an achieved milestone.

    Example: tito milestone certificate xor --name "Ada Lovelace"
    """
    from pytest_tinytorch.reports.certificate import badge_svg, certificate_html

    found = _certificate(milestone, name)
    identifier = found.milestone.id
    _write(into / f"{identifier}.svg", badge_svg(found).encode())
    _write(into / f"{identifier}.html", certificate_html(found).encode())


@app.command("share")
def milestone_share(milestone: Id, name: Name = "", into: Into = _FOLDER) -> None:
    """Print a text to share, and write an Open Badges 3.0 credential.

    Example: tito milestone share xor --name "Ada Lovelace"
    """
    from pytest_tinytorch.reports.certificate import badge_svg, share_text
    from pytest_tinytorch.reports.open_badge import open_badge

    found = _certificate(milestone, name)
    typer.echo(share_text(found))
    credential = open_badge(found, badge_svg(found))
    identifier = found.milestone.id
    _write(into / f"{identifier}.credential.json", credential.json.encode())
    _write(into / f"{identifier}.openbadge.svg", credential.svg)
    echo_wrapped(["Open Badges 3.0, verified; issued by you as", f"  {credential.issuer}"])


@app.command("portfolio")
def milestone_portfolio(name: Name = "", into: Into = _FOLDER) -> None:
    """Write one page with the certificates of all achieved milestones.

    Example: tito milestone portfolio --name "Ada Lovelace"
    """
    from pytest_tinytorch.progress.certificates import certify
    from pytest_tinytorch.progress.milestones import milestone_statuses
    from pytest_tinytorch.reports.certificate import portfolio_html

    course = course_here()
    progress = Progress.of(course)
    achieved = [s.milestone for s in milestone_statuses(course, progress) if s.is_achieved]
    if not achieved:
        raise CourseError("no milestone is achieved yet; see `tito milestone next`")
    found = [certify(course, progress, milestone, name) for milestone in achieved]
    _write(into / "portfolio.html", portfolio_html(found).encode())


def _certificate(text: str, name: str) -> "Certificate":
    from pytest_tinytorch.progress.certificates import certify

    course = course_here()
    progress = Progress.of(course)
    return certify(course, progress, milestone_named(course, text), name)


def _unlocked(course: Course, text: str) -> Milestone:
    """The milestone to run. Raises CourseError where it is planned or locked."""
    from pytest_tinytorch.progress.unlocking import only_unlocked

    milestone = milestone_named(course, text)
    chosen = choose_milestones(course, milestone.id)
    progress = Progress.of(course)
    return only_unlocked(course, progress, chosen, milestone.id)[0][0]


def _write(path: Path, content: bytes) -> None:
    """Write a file that anybody may make again; a file that is not ours is moved aside."""
    from pytest_tinytorch.core.atomic import write_bytes
    from pytest_tinytorch.grading.result_files import set_aside
    from pytest_tinytorch.reports.certificate import GENERATOR

    is_ours = path.is_file() and GENERATOR.encode() in path.read_bytes()
    aside = None if is_ours else set_aside(path)
    if aside is not None:
        typer.echo(f"the earlier {path.name} is now {aside.name}")
    write_bytes(path, content)
    typer.echo(f"written: {path}")


def _show_ladders(form: str) -> None:
    from pytest_tinytorch.reports.progress_view import ladders_view

    course = course_here()
    if not course.milestones:
        raise CourseError("this course has no milestones")
    _show(ladders_view(course, Progress.of(course), form))


def _show(parts: "Iterable[RenderableType]") -> None:
    import shutil

    from pytest_tinytorch.reports.console import draw

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo(draw(parts, shutil.get_terminal_size().columns, colour), nl=False)
