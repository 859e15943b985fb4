"""Makes a sample class of twelve, with which every command of docs/gradebook.md can be tried.

    python tests/sample_class.py sample

writes sample/class (submissions of module 02), sample/results (three attempts at checkpoints 00 to
05 and two milestones, signed with sample/key), sample/roster.csv, sample/policy.toml,
sample/rubric.toml and sample/hidden (a hidden test). The results are generated, not graded:
`pytest --submissions sample/class --checkpoint 01 --hidden sample/hidden` grades the submissions.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from generated_class import runs, write

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.core.signing import read_key

ROOT = Path(__file__).parents[1]
NAMES = (
    *("Ada Lovelace", "Bo Chen", "Chloé Müller", "Dragan Petrović", "Emre Yılmaz", "Fatima O'Neil"),
    *("Göran Åberg", "Hana de Vries", "Iván Núñez", "Jörg Groß", "Kenji Sato", "Leïla Ben-Ali"),
)
ABSENT, SILENT, STUCK = NAMES[11], NAMES[10], NAMES[9]
ITEMS = ("00", "01", "02", "03", "04", "05", "milestone perceptron", "milestone xor")
REVERSED = "05/test_stride"  # that strong students fail
KEY = "the key of the sample class; not for real grades\n"
QUESTION_MARK = '"grade_id": "tensor-question-memory"'

ROSTER = "student,email,section\n"
POLICY = """counting = "best"

[deadlines]
all = 2026-11-11T23:59:00+00:00

[late]
percent_per_day = 10
most_percent = 50

[[extension]]
student = "Bo Chen"
days = 2
"""
RUBRIC = """[tensor-question-memory]
1 = {share = 0.0, text = "names no temporary array"}
2 = {share = 0.5, text = "names the two differences"}
3 = {share = 1.0, text = "names them, and computes one difference only"}
"""
HIDDEN = '''"""Hidden tests of checkpoint 01: inputs that the course's tests do not try."""

import pytest

pytestmark = pytest.mark.checkpoint("01")


@pytest.mark.points(3)
def test_adds_negative_numbers(tt, check):
    """Adds negative numbers"""
    total = tt.Tensor([-1.0, -2.0]) + tt.Tensor([-3.0, 5.0])
    check.equal(total.numpy().tolist(), [-4.0, 3.0])
'''
ANSWERS = (
    "The two brackets are two arrays of the size of x, and the product is a third.",
    "Memory is needed for x.",
    "Each `x - 1` is a new array. `d = x - 1; d * d` has one instead of two: 8 MB less for 1e6.",
    "From the operating system.",
)
EXTRA = """
# %%
def spread({0}):
    {1} = sum({0}) / len({0})
    {2} = [({3} - {1}) ** 2 for {3} in {0}]
    {4} = sum({2}) / max(len({0}) - 1, 1)
    return {1}, {4} ** 0.5, min({0}), max({0}), sorted({0})[len({0}) // 2]
"""


def make_sample(course: Course, folder: Path) -> None:
    """Write the sample class to a folder that does not exist yet. Raises CourseError."""
    if folder.exists():
        raise CourseError(f"{folder} exists; name a new folder")
    folder.mkdir(parents=True)
    (folder / "key").write_text(KEY, "utf-8")
    write(course, sample_runs(course), folder / "results", read_key(folder / "key"))
    people = [
        f"{n},{n.split()[0].lower()}@example.org,{'AB'[i % 2]}\n" for i, n in enumerate(NAMES)
    ]
    texts = {"roster.csv": ROSTER + "".join(people), "policy.toml": POLICY, "rubric.toml": RUBRIC}
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "hidden").mkdir()
    (folder / "hidden" / "checkpoint_01_sample.py").write_text(HIDDEN, "utf-8")
    _write_submissions(course, folder / "class")


def sample_runs(course: Course) -> Iterator[RunRecord]:
    """Three attempts of each student; an early one of the silent one, four of the stuck one."""
    present = [name for name in NAMES if name != ABSENT]
    stuck: RunRecord | None = None
    for number, run in enumerate(runs(course, load_manifest(course), present, 4, seed=19)):
        attempt = number % 4
        if attempt == 3 and run.student != STUCK:
            continue
        run = _short(run)
        if run.student == SILENT:
            if attempt:
                continue
            run = replace(run, started="2026-11-01T12:00:00+00:00")
        if run.student == STUCK:
            stuck = replace(stuck or run, started=run.started, commit=run.commit)
            run = stuck
        yield _reversed(run)


def _short(run: RunRecord) -> RunRecord:
    """Only the results of some items."""
    return replace(
        run,
        groups=tuple(Group.parse(item) for item in ITEMS),
        tests=tuple(test for test in run.tests if str(test.group) in ITEMS),
    )


def _reversed(run: RunRecord) -> RunRecord:
    """With one test that students pass who pass less than eight of ten tests."""
    weak = sum(test.passed for test in run.tests) < 0.8 * len(run.tests)
    tests = (_result(test, weak) if test.id == REVERSED else test for test in run.tests)
    return replace(run, tests=tuple(tests))


def _result(test: TestRecord, passed: bool) -> TestRecord:
    if passed:
        return TestRecord(test.id, test.title, Outcome.PASSED, max_points=test.max_points)
    message = "stride 2: the shape is (1, 4, 4), expected (1, 3, 3)"
    return TestRecord(
        test.id, test.title, Outcome.FAILED, Reason.WRONG, message, max_points=test.max_points
    )


def _write_submissions(course: Course, folder: Path) -> None:
    """Module 02 of each student: with an answer to a question; two have the same extra code."""
    name = course.source_name(next(m for m in course.modules if m.id == "02"))
    source = (course.root / name).read_text("utf-8")
    for number, student in enumerate(n for n in NAMES if n != ABSENT):
        path = folder / student / name
        path.parent.mkdir(parents=True)
        text = _answered(source, ANSWERS[number % len(ANSWERS)])
        path.write_text(text + _extra(number), "utf-8")


def _answered(source: str, answer: str) -> str:
    head, mark, rest = source.partition(QUESTION_MARK)
    cell, quotes, after = rest.partition('\n"""\n\n')  # the end of the cell
    return f"{head}{mark}{cell}\n\n{answer}{quotes}{after}"


def _extra(number: int) -> str:
    names: Sequence[Sequence[str]] = (
        ("values", "mean", "squares", "value", "variance"),
        ("xs", "m", "sq", "x", "v"),
    )
    return EXTRA.format(*names[number]) if number < len(names) else ""


if __name__ == "__main__":
    try:
        make_sample(load_course(ROOT), Path(sys.argv[1] if len(sys.argv) > 1 else "sample"))
    except CourseError as error:
        sys.exit(str(error))
    print(json.dumps({"students": len(NAMES), "absent": ABSENT, "stuck": STUCK, "silent": SILENT}))
