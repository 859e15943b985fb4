"""`tito gradebook answers`, `rubric`, `queue` and `marking`: blind marking of the questions.

`cli.main` adds these commands, beside those of `cli.gradebook`.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_tinytorch.cli.gradebook import HERE, Book, opened
from pytest_tinytorch.cli.gradebook_analysis import app
from pytest_tinytorch.core.errors import CourseError, nearest

if TYPE_CHECKING:
    from pytest_tinytorch.gradebook.marking import Waiting
    from pytest_tinytorch.gradebook.store import Gradebook

__all__ = ["app"]

_MOST_UNREAD = 10


@app.command("answers")
def gradebook_answers(
    folder: Annotated[Path, typer.Argument(help="the submissions: a folder or .zip per student")],
    book: Book = HERE,
) -> None:
    """Read the answers to the questions from sources and notebooks. Nothing is run.

    Example: tito gradebook answers class
    """
    from pytest_tinytorch.gradebook.answers import read_answers
    from pytest_tinytorch.gradebook.marking import store_answers
    from pytest_tinytorch.submissions.find import find_submissions

    submissions, _ = find_submissions(folder)
    with opened(book) as (course, gradebook):
        found = read_answers(course, submissions)
        stored, nobody = store_answers(gradebook, found.texts)
    typer.echo(f"{stored} answers of {len(submissions)} submissions")
    unknown = [f"{who}: no student has this name" for who in nobody]
    for line in [*found.unread[:_MOST_UNREAD], *unknown]:
        typer.echo(line, err=True)


@app.command("rubric")
def gradebook_rubric(
    file: Annotated[Path, typer.Argument(help="TOML: levels for each question")],
    book: Book = HERE,
) -> None:
    """Set the levels of the questions. Answers that were marked before are scored again.

    Example: tito gradebook rubric rubric.toml
    """
    from pytest_tinytorch.gradebook.marking import read_rubric, set_rubric
    from pytest_tinytorch.reports.phrases import counted

    with opened(book) as (_, gradebook):
        rubric = read_rubric(file, _questions(gradebook))
        changed = set_rubric(gradebook, rubric)
    typer.echo(f"{counted(len(rubric), 'rubric')}, {counted(changed, 'mark')} changed")


@app.command("queue")
def gradebook_queue(
    question: Annotated[str, typer.Argument(help="tensor-question-memory")],
    book: Book = HERE,
    marker: Annotated[str, typer.Option("--marker", help="who marks")] = "",
    markers: Annotated[
        str, typer.Option("--markers", help="split the answers between them: ana,bo,cy")
    ] = "",
    second: Annotated[
        float | None,
        typer.Option("--second", min=0, max=100, help="mark this percentage a second time"),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="write the queue to a file")] = None,
    file: Annotated[
        Path | None, typer.Option("--from", help="read levels from such a file")
    ] = None,
) -> None:
    """Mark the answers to a question by levels, without seeing names.

    Example: tito gradebook queue tensor-question-memory --marker ana --markers ana,bo
    """
    from pytest_tinytorch.core.atomic import write_text
    from pytest_tinytorch.gradebook.answers import question_texts
    from pytest_tinytorch.gradebook.marking import Share, judge, levels_of, queue
    from pytest_tinytorch.gradebook.marking_files import queue_csv, read_levels

    names = tuple(name.strip() for name in markers.split(",") if name.strip())
    with opened(book) as (course, gradebook):
        if question not in (known := _questions(gradebook)):
            raise CourseError(f"{question!r} is no question{nearest(question, known)}")
        text = question_texts(course).get(question, "")
        if file is not None:
            levels = read_levels(file, gradebook, question, marker, second is not None)
            typer.echo(f"{len(levels)} levels, {judge(gradebook, levels)} marks changed")
            return
        waiting = queue(gradebook, question, Share(marker, names, second))
        if csv is not None:
            levels_text = levels_of(gradebook, question)
            write_text(csv, queue_csv(waiting, text, levels_text))
            typer.echo(f"written: {csv}, {len(waiting)} answers")
            return
        _ask(gradebook, waiting, text, marker, second is not None)


def _ask(
    gradebook: "Gradebook", waiting: "list[Waiting]", text: str, marker: str, second: bool
) -> None:
    """Show one answer after the other, and store each level at once."""
    from pytest_tinytorch.gradebook.marking import Judgement, judge, levels_of

    typer.echo(f"{len(waiting)} answers wait\n\n{text}\n")
    for number, one in enumerate(waiting, 1):
        levels = levels_of(gradebook, one.item)
        for level in levels:
            typer.echo(f"  {level.level} ({100 * level.share:g} %) {level.text}")
        typer.echo(f"\nAnswer {one.code}, {number} of {len(waiting)}:\n\n{one.text}\n")
        valid = [str(level.level) for level in levels]
        reply = _reply(f"Level {', '.join(valid)}; s skips, q ends", [*valid, "s", "q"])
        if reply == "q":
            return
        if reply != "s":
            comment = _line("Comment (may be empty)")
            judge(gradebook, [Judgement(one, int(reply), comment, marker, second)])


def _reply(question: str, valid: list[str]) -> str:
    """One of the valid replies; the end of the input is `q`."""
    while True:
        typer.echo(f"{question}: ", nl=False)
        line = sys.stdin.readline()
        if not line:
            return "q"
        if line.strip().lower() in valid:
            return line.strip().lower()
        typer.echo(f"{line.strip()!r} is unknown")


def _line(question: str) -> str:
    from pytest_tinytorch.core.text import one_line

    typer.echo(f"{question}: ", nl=False)
    return one_line(sys.stdin.readline().strip())


@app.command("marking")
def gradebook_marking(book: Book = HERE) -> None:
    """How far the marking of each question is, and where a second marking differs.

    Example: tito gradebook marking
    """
    from pytest_tinytorch.gradebook.marking import marking_progress

    with opened(book) as (_, gradebook):
        progress = marking_progress(gradebook)
    for one in progress:
        same = one.second - len(one.differing)
        again = f", {one.second} twice, {same} with the same level" if one.second else ""
        typer.echo(f"{one.item}: {one.marked} of {one.answers} marked{again}")
        for code, first, second in one.differing:
            typer.echo(f"  {code}: level {first}, then {second}")
    if not progress:
        typer.echo("no answers; `tito gradebook answers FOLDER` reads them")


def _questions(gradebook: "Gradebook") -> list[str]:
    return [item.name for item in gradebook.items() if item.kind == "question"]
