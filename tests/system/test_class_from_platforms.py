"""A class of thirty as Moodle, Canvas and Gradescope deliver it: every second submission is odd.

`tito collect zips` reads the three downloads, `pytest --submissions` grades the class. The scores
below are worked out by hand. Then readers of JUnit XML find thirty students with these points.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass
from pathlib import Path

import junitparser
import pandas
import pytest
from junit_schema import violations

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

from arena import COURSE, MORE, RIGHT, WRONG, make_arena, source

from pytest_tinytorch.isolation.levels import missing
from pytest_tinytorch.submissions.uploads import collect_download

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))

OPS, MORE_SOURCE = source("core.ops", RIGHT), source("core.more", MORE)
BOTH = {"01_ops.py": OPS, "02_more.py": MORE_SOURCE}
NO_DIRECTIVE = "def relu(x):\n    return x\n"


def zipped(files: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def notebook(text: str) -> str:
    cell = {"cell_type": "code", "source": text, "metadata": {}, "outputs": []}
    cells = [cell | {"execution_count": None}]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@dataclass
class Row:
    """One submission. `points`: of checkpoints 00 and 01; None where somebody has to look."""

    student: str
    files: dict[str, str | bytes]
    points: tuple[float | None, float | None] = (10, 5)
    says: str = ""  # on the page, in the record and in the terminal
    status: str = "collected"

    @property
    def decided(self) -> float:
        return sum(points or 0 for points in self.points)


def honest(student: str, kind: int) -> Row:
    """Right, wrong in all of 00, wrong in relu alone, not written, broken."""
    ops, points = [
        (RIGHT, 10),
        (WRONG, 0),
        (RIGHT.replace("np.maximum(x, 0)", "np.abs(x)"), 6),
        (RIGHT.replace("return np.maximum(x, 0)", "raise NotImplementedError"), 6),
        (f"{RIGHT}\ndef f(:\n", 0),
    ][kind]
    return Row(student, {**BOTH, "01_ops.py": source("core.ops", ops)}, (points, 5))


MOODLE = [
    honest("Ada Lovelace_1", 0),
    Row(
        "Bo Čen_2",
        {"01_ops (1).py": OPS, "02_More.py": MORE_SOURCE},
        says="01_ops (1).py was read as src/01_ops.py: its own name is that of the module",
    ),
    honest("李 雷_3", 1),
    Row(
        "Dina_4",
        {"my ops.py": OPS, "final.ipynb": notebook(MORE_SOURCE)},
        says="my ops.py was read as src/01_ops.py: it has `default_exp core.ops`",
    ),
    honest("=cmd_5", 2),
    Row(
        "Fay_6",
        {"a.txt": "done", "work.zip": zipped({"x/inner.zip": zipped({**BOTH})})},
        says="work.zip/x/inner.zip/01_ops.py was read as src/01_ops.py",
    ),
    honest("Gil O'Neil_7", 3),
    Row("Hana_8", {}, (None, None), "a text or a link was submitted, not a file", "none"),
    honest("Ian_9", 4),
    Row(
        "Jo_10",
        {"work.rar": b"Rar!\x1a\x07"},
        (None, None),
        "nothing found for module 01_ops; files seen: work.rar; names looked for: 01_ops.py",
    ),
]
CANVAS = [
    honest("kimlee_11", 0),
    Row("liulan_12", {**BOTH}, says="Late", status="late"),
    honest("moor_13", 1),
    Row(
        "nunez_14",  # handed in again, as Canvas numbers it: the newest counts
        {**BOTH, "01_ops-1.py": source("core.ops", WRONG)},
        (0, 5),
        "900_01_ops.py was ignored: 01_ops.py is graded instead",
    ),
    honest("olsen_15", 2),
    Row(
        "park_16",
        {"solution.py": NO_DIRECTIVE, "02_more.py": MORE_SOURCE},
        (None, 5),
        "nothing found for module 01_ops; files seen: solution.py",
    ),
    honest("quist_17", 3),
    Row(
        "reyes_18",
        {**BOTH, "01_ops.ipynb": notebook(source("core.ops", WRONG))},
        says="01_ops.ipynb was ignored: 01_ops.py is graded instead",
    ),
    honest("silva_19", 4),
    Row("tanaka_20", {"work.zip": b"PK no zip"}, (None, None), "is not a zip file"),
]
GRADESCOPE = [
    honest("uma@x.edu", 0),
    Row(
        "vera@x.edu",
        {"a/01_ops.py": OPS, "b/01_ops.py": source("core.ops", WRONG), "02_more.py": MORE_SOURCE},
        says="b/01_ops.py was ignored: a/01_ops.py is graded instead",
    ),
    honest("walt@x.edu", 1),
    Row(
        "xia@x.edu",
        {"deep/er/LATE_01_ops.py": OPS, "02_more copy 2.py": MORE_SOURCE},
        says="02_more copy 2.py was read as src/02_more.py",
    ),
    honest("yan@x.edu", 2),
    Row(
        "zed@x.edu",
        {"ops1.py": OPS, "ops2.py": source("core.ops", WRONG), "02_more.py": MORE_SOURCE},
        (None, 5),
        "2 different files may be module 01_ops: ops1.py, ops2.py",
    ),
    honest("abe@x.edu", 3),
    Row("bea@x.edu", {"01_ops.py": OPS}, (10, 0), "nothing found for module 02_more"),
    honest("cal@x.edu", 4),
    Row("dee@x.edu", {}, (0, 0), "Nothing was handed in", "none"),
]
CLASS = [*MOODLE, *CANVAS, *GRADESCOPE]
ODD = CLASS[1::2]
FULL = 15.0


def moodle_zip() -> bytes:
    files: dict[str, str | bytes] = {}
    for row in MOODLE:
        kind = "file" if row.files else "onlinetext"
        folder = f"{row.student}_assignsubmission_{kind}_"
        for name, content in (row.files or {"onlinetext.html": "<p>done</p>"}).items():
            files[f"{folder}/{name}"] = content
    return zipped(files)


def canvas_zip() -> bytes:
    files: dict[str, str | bytes] = {}
    for row in CANVAS:
        who, _, number = row.student.rpartition("_")
        late = "LATE_" if row.status == "late" else ""
        for position, (name, content) in enumerate(row.files.items()):
            files[f"{who}_{late}{number}_{900 + position}_{name}"] = content
    return zipped(files)


def gradescope_zip() -> bytes:
    files: dict[str, str | bytes] = {}
    metadata = []
    for number, row in enumerate(GRADESCOPE):
        metadata += [f"submission_{number}:", "  :submitters:", f"  - :email: {row.student}"]
        for name, content in row.files.items():
            files[f"assignment_7_export/submission_{number}/{name}"] = content
    files["assignment_7_export/submission_metadata.yml"] = "\n".join(["---", *metadata, ""])
    return zipped(files)


@dataclass
class Graded:
    results: Path
    text: str  # of the terminal, in one line

    def file(self, row: Row) -> Path:
        [found] = [
            path
            for path in self.results.glob("*/grade.xml")
            if properties_of(ET.parse(path).getroot()[0])["student"] == row.student
        ]
        return found

    def record(self, row: Row) -> dict:
        return json.loads(properties_of(ET.parse(self.file(row)).getroot()[0])["record"])


def properties_of(suite: ET.Element) -> dict[str, str]:
    found = suite.findall("properties/property")
    return {str(p.get("name")): str(p.get("value")) for p in found}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    place = tmp_path_factory.mktemp("platforms")
    root = make_arena(place / "course")
    for name, content in (("m", moodle_zip()), ("c", canvas_zip()), ("g", gradescope_zip())):
        (place / f"{name}.zip").write_bytes(content)
        collect_download(place / f"{name}.zip", place / "class")
    words = [f"--submissions={place / 'class'}", f"--results={place / 'results'}", "-n2"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--isolate=process", *words],
        cwd=root, capture_output=True, text=True, check=False,
        env=os.environ | {"COLUMNS": "400", "TINYTORCH_HOME": str(place / "home")},
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    return Graded(place / "results", " ".join(done.stdout.split()))


def test_the_class_is_half_odd():
    assert len(CLASS) == len({row.student for row in CLASS}) == 30
    assert all(row.says for row in ODD) and len(ODD) == 15
    assert "points = 15" in COURSE


@pytest.mark.parametrize("row", CLASS, ids=lambda row: row.student)
def test_the_score_is_as_worked_out_by_hand(graded: Graded, row: Row):
    record = graded.record(row)
    found: list[float | None] = []
    for group in ("00", "01"):
        tests = [test for test in record["tests"] if test["id"].startswith(f"{group}/")]
        is_open = any(test["reason"] == "harness" for test in tests)
        found.append(None if is_open else sum(test["points"] for test in tests))
    assert tuple(found) == row.points
    assert record["status"] == row.status


def test_for_review_are_those_where_somebody_must_look_and_nobody_else(graded: Graded):
    expected = {row.student for row in CLASS if None in row.points}
    assert len(expected) == 5
    assert {row.student for row in CLASS if graded.record(row)["review"]} == expected
    review = graded.text.partition("For review, no grade (")[2].partition("About submissions")[0]
    assert review.startswith("8): ")  # parts
    assert {student for student in (row.student for row in CLASS) if student in review} == expected


@pytest.mark.parametrize("row", ODD, ids=lambda row: row.student)
def test_what_was_odd_is_said_in_terminal_page_and_record(graded: Graded, row: Row):
    record = graded.record(row)
    assert row.says in " ".join([*record["review"], *record["notes"]])
    assert row.says in graded.text
    page = (graded.file(row).parent / "feedback.html").read_text("utf-8")
    assert row.says.partition("`")[0].replace("'", "&#39;") in page


def test_rows_are_sorted_and_complete(graded: Graded):
    places = [graded.text.find(f"{student} ") for student in sorted(row.student for row in CLASS)]
    assert places == sorted(places) and min(places) >= 0
    assert "30 students: 30 graded, 0 unchanged" in graded.text


# --- other readers of JUnit XML -------------------------------------------------------------------

POINTS = {row.student: row.decided for row in CLASS}


def expected_counts(graded: Graded) -> dict[str, tuple[int, int]]:
    """Student -> tests passed, and all."""
    records = {row.student: graded.record(row)["tests"] for row in CLASS}
    return {
        student: (sum(test["outcome"] == "passed" for test in tests), len(tests))
        for student, tests in records.items()
    }


def test_the_schema_of_pytest_allows_each_file(graded: Graded):
    for path in graded.results.glob("*/grade.xml"):
        assert violations(ET.parse(path).getroot()) == []


def test_counts_do_not_only_follow_the_record(graded: Graded):
    """One submission counted by hand: relu is wrong in 2 of the 5 tests of 00."""
    assert expected_counts(graded)["=cmd_5"] == (5, 7)
    assert expected_counts(graded)["Ada Lovelace_1"] == (7, 7)


def test_junitparser_finds_thirty_students(graded: Graded):
    files = sorted(graded.results.glob("*/grade.xml"))
    whole = junitparser.JUnitXml()
    for path in files:
        whole += junitparser.JUnitXml.fromfile(str(path))
    points: dict[str, float] = dict.fromkeys(POINTS, 0.0)
    counts: dict[str, tuple[int, int]] = dict.fromkeys(POINTS, (0, 0))
    names = []
    for suite in whole:
        facts = {found.name: found.value for found in suite.properties()}
        names.append(suite.name)
        assert suite.name == f"{facts['student']}: checkpoint {facts['group']}"
        points[facts["student"]] += float(facts["points"])
        cases = list(suite)
        passed, tests = counts[facts["student"]]
        ok = sum(case.is_passed for case in cases)
        counts[facts["student"]] = (passed + ok, tests + len(cases))
        assert suite.time == pytest.approx(sum(case.time for case in cases), abs=0.01)
    assert len(names) == len(set(names)) == 60
    assert points == POINTS and counts == expected_counts(graded)


def test_pandas_reads_the_points(graded: Graded):
    rows = [
        properties_of(suite)
        for path in graded.results.glob("*/grade.xml")
        for suite in ET.parse(path).getroot()
    ]
    frame = pandas.DataFrame(rows).astype({"points": float, "max_points": float, "undecided": int})
    sums = frame.groupby("student")[["points", "max_points"]].sum()
    assert sums["points"].to_dict() == POINTS
    assert set(sums["max_points"]) == {FULL}
    open_ = frame[frame["undecided"] > 0].groupby("student").size().to_dict()
    assert open_ == {row.student: row.points.count(None) for row in CLASS if None in row.points}
    cases = pandas.concat(
        pandas.read_xml(path, xpath=".//testcase", parser="etree")
        for path in graded.results.glob("*/grade.xml")
    )
    assert len(cases) == 30 * 7 and (cases["time"] >= 0).all()


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm packages, in a folder of their own; skips where they cannot be installed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs npm and node, for junit-report-merger and test-results-parser")
    folder = tmp_path_factory.mktemp("npm")
    words = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
    try:
        done = subprocess.run(
            [*words, "junit-report-merger", "test-results-parser"],
            cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not install junit-report-merger within two minutes")
    if done.returncode:
        pytest.skip(f"npm cannot install junit-report-merger: {done.stderr.strip()[-200:]}")
    return folder / "node_modules"


@pytest.fixture(scope="module")
def merged(graded: Graded, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("merged") / "merged.xml"
    program = node_modules / ".bin/junit-report-merger"
    subprocess.run(
        [str(program), str(target), str(graded.results / "*/grade.xml")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return target


def test_junit_report_merger_keeps_students_apart(graded: Graded, merged: Path):
    root = ET.parse(merged).getroot()
    suites = [(suite, properties_of(suite)) for suite in root.iter("testsuite")]
    assert len({suite.get("name") for suite, _ in suites}) == len(suites) == 60
    points: dict[str, float] = dict.fromkeys(POINTS, 0.0)
    for _, facts in suites:
        points[facts["student"]] += float(facts["points"])
    assert points == POINTS
    passed = sum(passed for passed, _ in expected_counts(graded).values())
    bad = sum(int(str(root.get(name))) for name in ("failures", "errors", "skipped"))
    assert (int(str(root.get("tests"))), int(str(root.get("tests"))) - bad) == (210, passed)


READ = """
import { parse } from 'test-results-parser';
const found = parse({ type: 'junit', files: [process.argv[2]] });
const suites = found.suites.map(s => [s.name, s.metadata.student, s.metadata.points]);
console.log(JSON.stringify({ total: found.total, passed: found.passed, suites }));
"""


def test_test_results_parser_finds_the_same(graded: Graded, merged: Path, node_modules: Path):
    program = node_modules.parent / "read.mjs"
    program.write_text(READ)
    done = subprocess.run(
        ["node", str(program), str(merged)], check=True, capture_output=True, text=True, timeout=60
    )
    found = json.loads(done.stdout)
    points: dict[str, float] = dict.fromkeys(POINTS, 0.0)
    for _, student, earned in found["suites"]:
        points[student] += earned
    assert points == POINTS and len(found["suites"]) == 60
    passed = sum(passed for passed, _ in expected_counts(graded).values())
    assert (found["total"], found["passed"]) == (210, passed)


def test_junit2html_shows_each_student_and_the_reason(graded: Graded, tmp_path: Path):
    whole = junitparser.JUnitXml()
    for path in sorted(graded.results.glob("*/grade.xml")):
        whole += junitparser.JUnitXml.fromfile(str(path))
    whole.write(str(tmp_path / "all.xml"))
    program = Path(sys.executable).with_name("junit2html")
    page = tmp_path / "all.html"
    subprocess.run([str(program), str(tmp_path / "all.xml"), str(page)], check=True, timeout=60)
    text = page.read_text("utf-8")
    for row in CLASS:
        assert f"{row.student}: checkpoint 01".replace("'", "&#39;") in text
    assert "is not a zip file" in text and "total_points" in text
