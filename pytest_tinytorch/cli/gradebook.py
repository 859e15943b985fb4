"""`tito gradebook`: from result files to grades. `cli.main` adds these commands.

`pytest_tinytorch.gradebook` does the work.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_tinytorch.cli.here import course_here
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import CourseError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pytest_tinytorch.gradebook.grades import StudentGrades
    from pytest_tinytorch.gradebook.policy import Policy
    from pytest_tinytorch.gradebook.store import Gradebook

app = typer.Typer(no_args_is_help=True, help="The grades of a class, from its result files.")

HERE = Path("gradebook.sqlite")
Book = Annotated[
    Path, typer.Option("--book", help="the file of the gradebook", envvar="TINYTORCH_GRADEBOOK")
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="TOML: which attempt counts, deadlines, lateness")
]
Out = Annotated[Path | None, typer.Option("--out", help="write to this file")]
Everybody = Annotated[
    bool, typer.Option("--everybody", help="also who dropped the course, and teachers")
]
_FORMS = ("csv", "json", "canvas", "moodle", "gradescope")


@contextmanager
def opened(
    path: Path, hidden: Path | None = None, must_exist: bool = True
) -> "Iterator[tuple[Course, Gradebook]]":
    """The course around the working directory, and a gradebook that knows its manifest."""
    from pytest_tinytorch.core.manifest import load_manifest, with_hidden
    from pytest_tinytorch.gradebook.store import Gradebook

    course = course_here()
    if must_exist and not path.exists():
        raise CourseError(
            f"{path} is not there; `tito gradebook add results` makes it, or name one: --book FILE"
        )
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
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="a CSV file: path,student,time")
    ] = None,
    collected: Annotated[
        Path | None, typer.Option("--collected", help="collected.json, for times of submission")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="the key that verifies signatures")
    ] = None,
    accept_unsigned: Annotated[
        bool, typer.Option("--accept-unsigned", help="count these files as if they were verified")
    ] = False,
    policy: PolicyFile = None,
) -> None:
    """Read result files into the gradebook. The same file counts once.

    Example: tito gradebook add results
    """
    from pytest_tinytorch.core.signing import find_key, read_key
    from pytest_tinytorch.gradebook.changes import change_lines, changes_between
    from pytest_tinytorch.gradebook.class_view import report_lines
    from pytest_tinytorch.gradebook.grades import class_grades
    from pytest_tinytorch.gradebook.identity import Identities
    from pytest_tinytorch.gradebook.ingest import Options, ingest
    from pytest_tinytorch.gradebook.mapping import read_mapping, submission_times

    with opened(book, hidden, must_exist=False) as (course, gradebook):
        identities = Identities(
            gradebook.names(),
            read_mapping(mapping) if mapping else {},
            submission_times(collected) if collected else {},
        )
        options = Options(read_key(key_file) if key_file else find_key(), accept_unsigned)
        rules = policy_of(policy, gradebook)
        before = class_grades(gradebook, rules)
        report = ingest(gradebook, course, paths, identities, options)
        changes = changes_between(gradebook, before, class_grades(gradebook, rules))
        listed = gradebook.students() if gradebook.has_roster() else []
    for line in report_lines(report, listed):
        typer.echo(line)
    if changes:
        typer.echo(f"Grades changed ({len(changes)}):")
    for line in change_lines(changes):
        typer.echo(line)
    raise typer.Exit(1 if report.refused else 0)


@app.command("roster")
def gradebook_roster(
    files: Annotated[list[Path], typer.Argument(help="CSV: of Canvas, Moodle, Gradescope, ...")],
    book: Book = HERE,
    keep: Annotated[
        bool, typer.Option("--keep", help="students who are not in these files stay")
    ] = False,
) -> None:
    """Read who is in the class. Everybody on the roster has a row in the grades.

    Example: tito gradebook roster canvas.csv
    """
    from pytest_tinytorch.gradebook.class_view import unmatched_lines
    from pytest_tinytorch.gradebook.roster import read_people

    people = read_people(files)
    with opened(book, must_exist=False) as (_, gradebook):
        change = gradebook.set_roster(people, keep)
        students = gradebook.students()
        unmatched = [(who, source) for who, source, _ in gradebook.unmatched()]
    typer.echo(
        f"{change.people} on the roster, {len(change.added)} added, {len(change.dropped)} dropped"
    )
    for line in _some("dropped", change.dropped):
        typer.echo(line)
    if unmatched:
        typer.echo(f"Submissions of nobody on the roster ({len(unmatched)}):")
        for line in unmatched_lines(unmatched, students):
            typer.echo(f"  {line}")
        typer.echo("Match one with: tito gradebook match NAME STUDENT")


@app.command("match")
def gradebook_match(
    who: Annotated[str, typer.Argument(help="the name that a submission uses")],
    student: Annotated[str, typer.Argument(help="a student on the roster")],
    book: Book = HERE,
) -> None:
    """Say whose submissions these are, also those to come.

    Example: tito gradebook match adda "Ada Lovelace"
    """
    from pytest_tinytorch.gradebook.marks import find_student

    with opened(book) as (_, gradebook):
        matched = gradebook.add_alias(who, find_student(gradebook, student))
    typer.echo(f"{who!r} is {student!r}: {matched} result files matched")


@app.command("grades")
def gradebook_grades(
    book: Book = HERE,
    policy: PolicyFile = None,
    everybody: Everybody = False,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    look: Annotated[bool, typer.Option("--look", help="only who needs a look")] = False,
) -> None:
    """The points of every student, and what to know about them.

    Example: tito gradebook grades
    """
    from pytest_tinytorch.gradebook.class_view import (
        grades_table,
        has_verified,
        remarks,
        unmatched_lines,
    )
    from pytest_tinytorch.gradebook.exports import grades_json

    with opened(book) as (_, gradebook):
        rows = _rows(gradebook, policy, everybody)
        sightings = gradebook.sightings()
        students = gradebook.students()
        unmatched = [(who, source) for who, source, _ in gradebook.unmatched()]
    doubts = has_verified(rows)
    shown = [row for row in rows if remarks(row, sightings, doubts)] if look else rows
    if as_json:
        typer.echo(grades_json(shown, sightings), nl=False)
        return
    _draw([grades_table(shown, sightings)])
    if not doubts and any(row.has_submitted for row in rows):
        typer.echo("No result is verified by a signature: all grades are advisory.")
    if unmatched:
        typer.echo(f"Submissions of nobody on the roster ({len(unmatched)}):")
    for line in unmatched_lines(unmatched, students):
        typer.echo(f"  {line}")


@app.command("show")
def gradebook_show(
    student: Annotated[str, typer.Argument(help="name, email address, login or number")],
    book: Book = HERE,
    policy: PolicyFile = None,
) -> None:
    """One student: each item, and what changed from attempt to attempt.

    Example: tito gradebook show ana
    """
    from pytest_tinytorch.gradebook.changes import change_lines, history
    from pytest_tinytorch.gradebook.class_view import student_view
    from pytest_tinytorch.gradebook.marks import find_student

    with opened(book) as (_, gradebook):
        number = find_student(gradebook, student)
        (row,) = (r for r in _rows(gradebook, policy, True) if r.student.id == number)
        changes = history(gradebook, number)
        sightings = gradebook.sightings()
    _draw(student_view(row, sightings))
    if changes:
        typer.echo("From attempt to attempt:")
    for line in change_lines(changes):
        typer.echo(line)


@app.command("mark")
def gradebook_mark(
    student: Annotated[str, typer.Argument(help="name, email address, login or number")] = "",
    item: Annotated[str, typer.Argument(help="tensor-question-memory, 05, 'milestone xor'")] = "",
    points: Annotated[float | None, typer.Argument(help="the points; without: a comment")] = None,
    comment: Annotated[str, typer.Option("--comment", help="what the student should know")] = "",
    file: Annotated[
        Path | None, typer.Option("--from", help="a CSV file: student,item,points,comment")
    ] = None,
    marker: Annotated[str, typer.Option("--marker", help="who marked")] = "",
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="the tests' points count again")
    ] = False,
    book: Book = HERE,
) -> None:
    """Give points and comments by hand. They stay when the tests are graded again.

    Example: tito gradebook mark ana tensor-question-memory 1 --comment "with numbers, good"
    """
    from pytest_tinytorch.gradebook.entries import MarkEntry
    from pytest_tinytorch.gradebook.marks import mark, read_marks

    if file is not None:
        entries = read_marks(file, marker)
    elif not student or not item:
        raise CourseError("say whom and what: `tito gradebook mark STUDENT ITEM POINTS`, or --from")
    elif points is None and not comment and not withdraw:
        raise CourseError("give points, a --comment, or --withdraw")
    else:
        entries = [MarkEntry(student, item, points, comment, marker, withdraw)]
    with opened(book) as (_, gradebook):
        done = mark(gradebook, entries)
    typer.echo(f"{done.new} marked, {done.known} as before")


@app.command("export")
def gradebook_export(
    form: Annotated[str, typer.Argument(help=", ".join(_FORMS))],
    out: Out = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="the CSV file of the platform, to be filled")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="ITEM=HEADER of the file; ITEM: 05, total")
    ] = None,
    zeros: Annotated[
        bool, typer.Option("--zeros", help="write 0 into empty cells where nothing was handed in")
    ] = False,
    book: Book = HERE,
    policy: PolicyFile = None,
    everybody: Everybody = False,
) -> None:
    """Write the grades for a spreadsheet or a learning platform.

    Example: tito gradebook export canvas --from exported.csv --out import.csv
    """
    from pytest_tinytorch.core.atomic import write_text
    from pytest_tinytorch.gradebook.exports import (
        grades_csv,
        grades_json,
        gradescope_csv,
        moodle_csv,
    )
    from pytest_tinytorch.gradebook.lms import fill

    if form not in _FORMS:
        raise CourseError(f"{form!r} is unknown; write one of {', '.join(_FORMS)}")
    if form == "canvas" and source is None:
        raise CourseError(
            "Canvas finds students by its own numbers: export the gradebook there, and give the"
            " file with --from FILE"
        )
    with opened(book) as (course, gradebook):
        rows = _rows(gradebook, policy, everybody)
        sightings, names = gradebook.sightings(), gradebook.students_by_key()
    if source is not None:
        if form not in ("canvas", "moodle"):
            raise CourseError(f"--from is for canvas and moodle, not for {form}")
        filled = fill(source, rows, names, _columns(column or []), zeros)
        text = filled.text
        for line in (
            *filled.notes,
            *_some("only in the file", filled.not_in_book),
            *_some("only in the gradebook", filled.not_in_file),
            f"{filled.changed} cells changed",
        ):
            typer.echo(line, err=True)
    elif form == "csv":
        text = grades_csv(rows, sightings)
    elif form == "json":
        text = grades_json(rows, sightings)
    elif form == "moodle":
        text = moodle_csv(rows)
    else:
        text = gradescope_csv(rows, course.title)
    if out is None:
        sys.stdout.buffer.write(text.encode())
        return
    if out.exists() and source is not None and out.samefile(source):
        raise CourseError(f"--out {out} is the file of --from; name another file")
    write_text(out, text)
    typer.echo(f"written: {out}", err=True)


@app.command("return")
def gradebook_return(
    out: Annotated[Path, typer.Argument(help="the zip to write")],
    download: Annotated[
        Path | None, typer.Option("--download", help="the download of Canvas or Moodle")
    ] = None,
    book: Book = HERE,
    everybody: Everybody = False,
) -> None:
    """Pack the students' pages into a zip that Canvas or Moodle hands back.

    Example: tito gradebook return pages.zip --download submissions.zip
    """
    from pytest_tinytorch.core.atomic import write_bytes
    from pytest_tinytorch.gradebook.grades import class_list
    from pytest_tinytorch.gradebook.returning import pack

    with opened(book) as (_, gradebook):
        done = pack(gradebook, class_list(gradebook, everybody), download)
    if not done.packed:
        raise CourseError("no student has a page: feedback.html beside the result file")
    write_bytes(out, done.content)
    typer.echo(f"written: {out}, {len(done.packed)} pages")
    for line in _some("without a page", done.without):
        typer.echo(line)


def _rows(book: "Gradebook", policy: Path | None, everybody: bool) -> "list[StudentGrades]":
    from pytest_tinytorch.gradebook.grades import class_grades, class_list

    return class_grades(book, policy_of(policy, book), students=class_list(book, everybody))


def policy_of(path: Path | None, book: "Gradebook") -> "Policy":
    """The policy of a file, or the default one. Raises CourseError."""
    from pytest_tinytorch.gradebook.policy import Policy, read_policy

    return read_policy(path, [item.name for item in book.items()]) if path else Policy()


def _columns(given: Sequence[str]) -> dict[str, str]:
    """`05=Checkpoint 05 (123)` -> item and header; without an item, it is the total."""
    found = {}
    for text in given:
        item, equals, header = text.partition("=")
        found[item if equals else "total"] = header if equals else item
    return found


def _some(what: str, names: Sequence[str], most: int = 10) -> list[str]:
    """`dropped: Ada, Bo and 3 more`; nothing for no names."""
    if not names:
        return []
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return [f"{what} ({len(names)}): {'; '.join(names[:most])}{more}"]


def _draw(parts: "Iterable[RenderableType]") -> None:
    from rich.console import Console

    from pytest_tinytorch.reports.console import draw

    typer.echo(draw(parts, Console().width, colour=sys.stdout.isatty()), nl=False)
