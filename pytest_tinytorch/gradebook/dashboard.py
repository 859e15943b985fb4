"""Makes the dashboard of a class: one HTML file with its data, which loads nothing.

`tito gradebook html` calls it. The page's template, style and script are `reports/dashboard.*`. The
script makes the table of students and a student's page from the data; all the rest is in the HTML.
"""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.analytics import ClassStats, first_open, has_passed
from pytest_tinytorch.gradebook.grades import ItemGrade, State, StudentGrades
from pytest_tinytorch.gradebook.history import Outcome
from pytest_tinytorch.gradebook.quality import TestQuality
from pytest_tinytorch.gradebook.stats_view import item_title
from pytest_tinytorch.reports.templates import environment

_BINS = 10
_LONGEST_NAME = 60
_MOST_CAUSES = 20


@dataclass(frozen=True)
class Bin:
    """A bar of the distribution."""

    label: str  # `80 to 89 %`
    students: int
    share: float  # of the highest bar


def dashboard_html(stats: ClassStats, title: str, anonymous: bool = False) -> str:
    """The page. anonymous: numbers in random order instead of names, and no text of students."""
    shown = _anonymous(stats) if anonymous else stats
    template = environment("page.css", "dashboard.css", script_file="dashboard.js").get_template(
        "dashboard.html"
    )
    return template.render(
        title=f"{title}: class",
        stats=shown,
        bins=_distribution(shown.rows),
        item_title=item_title,
        line=one_line,
        causes=[] if anonymous else shown.causes[:_MOST_CAUSES],
        data=_embedded(_data(shown, with_texts=not anonymous)),
    )


def _embedded(data: Any) -> Any:
    """JSON that can stand inside a <script> element: it has no `<`."""
    from jinja2.utils import htmlsafe_json_dumps

    return htmlsafe_json_dumps(data, dumps=json.dumps, separators=(",", ":"), ensure_ascii=False)


def _anonymous(stats: ClassStats) -> ClassStats:
    """The same with numbers as names, in random order.

    Sections are left out, because a small one would name its students.
    """
    rows = list(stats.rows)
    random.SystemRandom().shuffle(rows)
    width = len(str(len(rows)))
    renamed = [
        replace(row, student=replace(row.student, shown=f"Student {number:0{width}}", section=""))
        for number, row in enumerate(rows, 1)
    ]
    tests = [replace(test, message="") for test in stats.tests]
    return replace(stats, rows=tuple(renamed), tests=tuple(tests))


def _distribution(rows: Sequence[StudentGrades]) -> list[Bin]:
    """The students by their share of all points, in ten bins; 100 % is in the last one."""
    counts = [0] * _BINS
    for row in rows:
        counts[min(_percent(row.adjusted, row.max_points) * _BINS // 100, _BINS - 1)] += 1
    width = 100 // _BINS
    return [
        Bin(_bin_label(low, width), count, count / max(*counts, 1))
        for low, count in zip(range(0, 100, width), counts, strict=True)
    ]


def _bin_label(low: int, width: int) -> str:
    high = 100 if low + width == 100 else low + width - 1
    return f"{low} to {high} %"


def _percent(points: float, most: float) -> int:
    """Rounded down, so that only all points are 100."""
    return max(0, min(100, int(100 * points / most + 1e-9))) if most else 0


# --- the embedded data ----------------------------------------------------------------------------
# Lists instead of objects, because there are tens of thousands; `dashboard.js` names the positions.


def _data(stats: ClassStats, with_texts: bool) -> dict[str, Any]:
    failures: dict[int, list[Outcome]] = defaultdict(list)
    for result in stats.results:
        if not result.passed:
            failures[result.student].append(result)
    flags = _flags(stats)
    return {
        "items": [
            [item_title(s.item), s.item.kind, s.item.max_points, s.item.tests] for s in stats.items
        ],
        "tests": [one_line(test.test) for test in stats.tests],
        "students": [
            _student(stats, row, flags[row.student.id], failures[row.student.id], with_texts)
            for row in stats.rows
        ],
    }


def _student(
    stats: ClassStats,
    row: StudentGrades,
    flags: str,
    failures: Sequence[Outcome],
    with_texts: bool,
) -> list[Any]:
    student = row.student
    failed = {failure.test for failure in failures}
    return [
        one_line(student.shown, _LONGEST_NAME),
        one_line(student.section, _LONGEST_NAME),
        _percent(row.adjusted, row.max_points),
        flags,
        [_cell(cell) for cell in row.cells],
        _tries(stats, student.id),
        [number for number, test in enumerate(stats.tests) if test.test in failed],
        _blocker(stats.tests, row, failures, with_texts),
    ]


def _flags(stats: ClassStats) -> dict[int, str]:
    """Student -> a letter for each: (n)o attempt, (s)tuck, (q)uiet, for (r)eview."""
    found: dict[int, str] = defaultdict(str)
    groups = {
        "n": {row.student.id for row in stats.rows if not row.has_submitted},
        "s": {stuck.student for stuck in stats.stuck},
        "q": {silent.student for silent in stats.silent},
        "r": {row.student.id for row in stats.rows if row.is_open},
    }
    for letter, students in groups.items():
        for student in students:
            found[student] += letter
    return found


def _cell(cell: ItemGrade) -> list[Any] | int:
    """[percent, points, tests passed, attempts, mark]; 0 if nothing is known. The mark: 2 all tests
    passed, 1 for review, 0 neither."""
    if cell.state is State.NONE:
        return 0
    mark = 2 if has_passed(cell) else int(cell.state is State.OPEN)
    percent = _percent(cell.adjusted, cell.item.max_points)
    return [percent, round(cell.adjusted, 2), cell.passed, cell.attempts, mark]


def _tries(stats: ClassStats, student: int) -> list[list[Any]]:
    """[minutes since 1970 or 0, number of the item, points, tests passed], in order of time."""
    found = [
        [_minutes(one.submitted), number, round(one.points, 2), one.passed]
        for number, item in enumerate(stats.items)
        for one in stats.tries.get((student, item.item.name), ())
    ]
    return sorted(found, key=lambda one: one[0])


def _minutes(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp()) // 60 if time else 0


def _blocker(
    tests: Sequence[TestQuality],
    row: StudentGrades,
    failures: Sequence[Outcome],
    with_texts: bool,
) -> list[Any] | int:
    """[item, test, message, place]: the first test to fix in the first checkpoint not passed.

    0 if all are passed. An item without an attempt has no test to fix.
    """
    cell = first_open(row)
    if cell is None:
        return 0
    number = row.cells.index(cell)
    failed = {failure.test: failure for failure in failures if failure.item == cell.item.name}
    first = next((failed[test.test] for test in tests if test.test in failed), None)
    if first is None:
        return [number, "", "", ""]
    texts = [one_line(first.message), one_line(first.place)] if with_texts else ["", ""]
    return [number, one_line(first.test), *texts]
