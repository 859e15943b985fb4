"""Draws grades: a table of the class, one student, and what an ingest did.

`cli.gradebook` and `hooks.reporters.batch` call it.
"""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.entries import Standing, Student, Trust
from pytest_tinytorch.gradebook.grades import ItemGrade, State, StudentGrades
from pytest_tinytorch.gradebook.ingest import Report
from pytest_tinytorch.gradebook.names import nearest_names
from pytest_tinytorch.reports.phrases import counted
from pytest_tinytorch.submissions.collection import CollectedStatus

_BAR = 10
_MOST_LINES = 20


def grades_table(rows: Sequence[StudentGrades], sightings: Mapping[int, str]) -> RenderableType:
    """A line for each student: points, percentage, a bar, and what to know about the grade."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(ratio=2, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=3, overflow="fold")
    doubts = has_verified(rows)
    for row in rows:
        table.add_row(
            Text(one_line(row.student.shown)),
            f"{row.adjusted:g} of {row.max_points:g}",
            _percent(row),
            _bar(row),
            Text(one_line("; ".join(remarks(row, sightings, doubts))), style="todo"),
        )
    return table


def has_verified(rows: Sequence[StudentGrades]) -> bool:
    """Whether somebody's record is verified, so that it is worth a remark if another's is not."""
    return any(cell.trust is Trust.VERIFIED for row in rows for cell in row.cells)


def remarks(row: StudentGrades, sightings: Mapping[int, str], doubts: bool = True) -> list[str]:
    """What an instructor should know about a row; empty for an ordinary one.

    doubts: also name records that are not verified
    """
    found = []
    if row.student.standing is Standing.DROPPED:
        found.append("not on the roster any more")
    if not row.has_submitted:
        found.append(_nothing(sightings.get(row.student.id)))
    elif row.status == CollectedStatus.NONE:
        found.append("nothing handed in")
    elif row.is_empty and not row.review:
        found.append("no module source found in the submission")
    found += row.review
    undecided = sum(cell.undecided for cell in row.cells)
    missing = sum(cell.missing for cell in row.cells if cell.attempt is not None)
    late = [cell for cell in row.cells if cell.days_late]
    found += [f"for review: {counted(undecided, 'test')}"] * bool(undecided)
    found += [f"missing: {counted(missing, 'test')}"] * bool(missing)
    found += [f"late: {', '.join(cell.item.name for cell in late)}"] * bool(late)
    found += _doubts(row.cells) if doubts else []
    return found


def _nothing(files: str | None) -> str:
    if files is None:
        return "nothing handed in"
    return f"nothing found, files seen: {files}" if files else "an empty folder was handed in"


def _doubts(cells: Iterable[ItemGrade]) -> list[str]:
    """The kinds of records without a valid signature that this row rests on."""
    kinds = {cell.trust for cell in cells if cell.is_advisory}
    return [f"advisory: {trust.value}" for trust in Trust if trust in kinds]


def _percent(row: StudentGrades) -> str:
    if not row.max_points or row.is_open:
        return ""
    return f"{100 * row.adjusted / row.max_points:.1f} %"


def _bar(row: StudentGrades) -> Text:
    share = min(max(row.adjusted / row.max_points, 0.0), 1.0) if row.max_points else 0.0
    filled = round(_BAR * share)
    return Text("#" * filled + "-" * (_BAR - filled), style="faint")


def student_view(row: StudentGrades, sightings: Mapping[int, str]) -> list[RenderableType]:
    """One student: a line for each item."""
    student = row.student
    facts = [f for f in (student.email, student.section) if f]
    head = Text(one_line(" · ".join([student.shown, *facts])), style="head")
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for cell in row.cells:
        table.add_row(
            f"  {cell.item.name}",
            one_line(cell.item.title, 24),
            f"{cell.adjusted:g} of {cell.item.max_points:g}",
            f"raw {cell.raw:g}" if cell.raw != cell.adjusted else "",
            Text(one_line("; ".join(_cell_remarks(cell))), style="todo"),
        )
    total = f"{row.adjusted:g} of {row.max_points:g} points, {counted(row.attempts, 'attempt')}"
    return [
        head,
        Text(total),
        *(Text(line, style="todo") for line in remarks(row, sightings)),
        table,
    ]


def _cell_remarks(cell: ItemGrade) -> list[str]:
    found = []
    if cell.state is State.NONE:
        found.append("no attempt" if not cell.attempts else "no attempt that counts")
    if cell.state is State.MARKED:
        found.append("marked by hand")
    found += [f"{cell.undecided} for review"] * bool(cell.undecided)
    found += [f"{cell.missing} missing"] * bool(cell.missing and cell.attempt is not None)
    found += [f"{cell.days_late:.1f} days late"] * bool(cell.days_late)
    found += _doubts([cell])
    found += [cell.comment] * bool(cell.comment)
    return found


def report_lines(report: Report, students: Sequence[Student]) -> list[str]:
    """What an ingest did, in lines. `students`: those on the roster, to suggest one."""
    trust = ", ".join(f"{count} {kind}" for kind, count in sorted(report.trust.items()))
    lines = [f"{report.new} new{f' ({trust})' if trust else ''}, {report.known} known already"]
    lines += [f"Refused ({len(report.refused)}):"] * bool(report.refused)
    lines += [f"  {refusal}" for refusal in report.refused]
    lines += _listed("Nobody on the roster", unmatched_lines(report.unmatched.items(), students))
    lines += _listed("Not in the manifest", _counts(report.unknown))
    lines += _listed("No test of this course", _counts(report.strangers))
    return lines


def unmatched_lines(unmatched: Iterable[tuple[str, str]], students: Sequence[Student]) -> list[str]:
    """`'adda' (results/adda/grade.xml); nearest: Ada Lovelace`."""
    found = []
    for who, source in unmatched:
        near = ", ".join(nearest_names(who, students))
        found.append(one_line(f"{who!r} ({source})" + (f"; nearest: {near}" if near else "")))
    return found


def _counts(found: Mapping[str, int]) -> list[str]:
    return [f"{name} (in {counted(count, 'file')})" for name, count in sorted(found.items())]


def _listed(head: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"  ... and {len(lines) - _MOST_LINES} more"] * (len(lines) > _MOST_LINES)
    return [f"{head} ({len(lines)}):", *(f"  {line}" for line in lines[:_MOST_LINES]), *more]
