"""Makes Gradescope's `results.json` of a graded run, by its autograder specification.

`hooks.reporters.gradescope` and the autograder call it. Of a `hidden` test the file holds only a
number and the outcome, although Gradescope withholds it. A test that is shown later is written in
full, because Gradescope shows it later.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pytest_tinytorch.core.causes import Cause
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.records import RunRecord, TestRecord
from pytest_tinytorch.core.scores import grade_of
from pytest_tinytorch.core.text import printable
from pytest_tinytorch.core.visibility import HIDDEN, redacted
from pytest_tinytorch.reports.phrases import EXAMPLE, HINT, cause_text, excerpt_lines, grade_text

_LONGEST_NAME = 200
_LONGEST_OUTPUT = 10_000
_NO_SCORE = "Grading of this submission did not finish, so it has no score; this is not a 0."
DID_NOT_END = (
    "Grading did not finish: it was stopped, or ran out of time or of memory. If it"
    " happens again, ask your instructor to look at the autograder's output and limits."
)


def results(run: RunRecord, remarks: Sequence[str]) -> dict[str, Any]:
    """The content of `results.json` for a run in which every test was decided."""
    return {
        **_frame(run.seconds, [_total(run), *remarks], _basis(run)),
        "score": grade_of(run).points,
        "tests": list(_tests(run)),
        "leaderboard": _leaderboard(_visible(run)),
    }


def no_results(seconds: float, reasons: Sequence[str]) -> dict[str, Any]:
    """The content of `results.json` without a grade. Gradescope then reports an error."""
    return _frame(seconds, [_NO_SCORE, *reasons], {})


def with_lines(made: dict[str, Any], lines: Sequence[str]) -> dict[str, Any]:
    """The same results, with lines above their own."""
    return made | {"output": _text([*lines, str(made.get("output", ""))])}


def to_text(made: dict[str, Any]) -> str:
    return json.dumps(made, indent=1, ensure_ascii=True) + "\n"


def _frame(seconds: float, lines: Sequence[str], basis: dict[str, Any]) -> dict[str, Any]:
    return {
        "execution_time": round(seconds, 3),
        "output": _text(lines),
        # It contains text from student code; as plain text, that has no effect.
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": HIDDEN,
        "extra_data": basis,
    }


def _visible(run: RunRecord) -> RunRecord:
    return replace(run, tests=tuple(test for test in run.tests if test.visibility == "visible"))


def _total(run: RunRecord) -> str:
    """The grade as text. If some tests are not visible, their points are left out.

    While a test waits to be shown, Gradescope withholds the total, so this text is withheld too.
    """
    visible = _visible(run)
    label = "Grade" if visible == run else "Visible tests"
    return f"{label}: {grade_text(grade_of(visible))}"


def _basis(run: RunRecord) -> dict[str, Any]:
    """The settings and hashes of the run, for readers of Gradescope's export."""
    names = ("course", "version", "seed", "isolation", "manifest", "sources", "student")
    return {name: getattr(run, name) for name in names}


def _tests(run: RunRecord) -> Iterator[dict[str, Any]]:
    number: Counter[Group] = Counter()
    hidden: Counter[Group] = Counter()
    for test in run.tests:
        about = test.group.about
        number[about] += 1
        if test.visibility == HIDDEN:
            hidden[test.group] += 1
            (test,) = redacted((test,), hidden[test.group])
        yield _test(test, about, f"{about.id}.{number[about]}")


def _test(test: TestRecord, about: Group, number: str) -> dict[str, Any]:
    return {
        "name": printable(test.title)[:_LONGEST_NAME],
        "number": number,
        "score": test.points,
        "max_score": test.max_points,
        "status": "passed" if test.passed else "failed",
        "output": "" if test.passed else _text(_explanation(test)),
        "tags": [f"{about.kind} {about.id}"],
        "visibility": test.visibility,
    }


def _explanation(test: TestRecord) -> Iterator[str]:
    """Why a test failed, and the lines to look at."""
    text = cause_text(Cause(test, (), ()))
    yield text.message
    for before, place in text.places:
        yield f"{before}{place}"
        yield from (line for _, line in excerpt_lines(place))
    yield "".join(text.first)
    if text.example:
        yield f"{EXAMPLE}:\n{text.example}"
    if text.hint:
        yield f"{HINT}: {text.hint}"


def _leaderboard(visible: RunRecord) -> list[dict[str, Any]]:
    """The leaderboard. It is public, so it counts only visible tests."""
    grade = grade_of(visible)
    if not grade.max_points:
        return []
    return [
        {"name": "Points", "value": grade.points, "order": "desc"},
        {"name": "Percent", "value": round(grade.percent, 1), "order": "desc"},
    ]


def _text(lines: Iterable[str]) -> str:
    text = printable("\n".join(line for line in lines if line))
    if len(text) <= _LONGEST_OUTPUT:
        return text
    return f"{text[:_LONGEST_OUTPUT]}\n... cut here: {len(text)} characters"
