"""`pytest --submissions`: every student graded once, whatever is handed in and however it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from forkserver import ForkServer
from junit_schema import violations

sys.path.insert(0, str(Path(__file__).parents[1] / "system/submissions"))

from arena import RIGHT, WRONG, make_arena, make_hidden
from results import digests

from pytest_tinytorch.grading.verify import verify_lines
from pytest_tinytorch.isolation.levels import missing
from pytest_tinytorch.submissions.collection import Collected, CollectedStatus, Collection
from pytest_tinytorch.submissions.platforms import TEXT_ALONE

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))

KEY = "a key for these tests alone"


@dataclass
class Desk:
    """An instructor's course, and the class beside it."""

    root: Path
    server: ForkServer

    def suites(self, student: str) -> list[ET.Element]:
        return ET.parse(self.results / student / "grade.xml").getroot().findall("testsuite")

    @property
    def submissions(self) -> Path:
        return self.root.parent / "class"

    @property
    def results(self) -> Path:
        return self.root.parent / "results"

    def hand_in(self, student: str, ops: str = RIGHT) -> Path:
        return make_arena(self.submissions / student, ops)

    def words(self, *arguments: str) -> list[str]:
        folders = ["--submissions", str(self.submissions), f"--results={self.results}"]
        return [*folders, "--isolate=process", *arguments]

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.server.run(self.words(*arguments), self.root)

    def says(self, *arguments: str) -> str:
        result = self.run(*arguments)
        return " ".join(" ".join([*result.outlines, *result.errlines]).split())

    def properties(self, student: str, name: str = "grade.xml") -> dict[str, str]:
        suite = ET.parse(self.results / student / name).getroot()[0]
        return {p.get("name"): p.get("value") for p in suite.findall("properties/property")}

    def points(self, student: str) -> float:
        record = json.loads(self.properties(student)["record"])
        return sum(test["points"] for test in record["tests"])

    def files(self) -> dict[str, str]:
        """Every result and what is in it, apart from times."""
        return digests(self.results)


@pytest.fixture
def desk(tmp_path: Path, forkserver: ForkServer) -> Desk:
    desk = Desk(make_arena(tmp_path / "course", RIGHT), forkserver)
    desk.hand_in("anna")
    desk.hand_in("bob", WRONG)
    return desk


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_a_grade_for_each_student(desk, way):
    result = desk.run(*way)
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == 0
    assert "anna 15 of 15 100.0 %" in text
    assert "bob 5 of 15 33.3 %" in text
    assert "2 students: 2 graded, 0 unchanged" in text
    assert "4 passed" in text  # an item for each student and checkpoint
    assert (desk.points("anna"), desk.points("bob")) == (15, 5)


def test_the_same_as_one_graded_alone(desk, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY)
    desk.run()
    alone = Desk(make_arena(tmp_path / "alone", WRONG), desk.server)
    alone.server.run(
        ["--grade", "--isolate=process", "--junitxml=grade.xml", "--student=bob"], alone.root
    )
    suite = ET.parse(alone.root / "grade.xml").getroot()[0]
    by_name = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    ours = desk.properties("bob")
    assert set(by_name) == set(ours)
    expected, found = json.loads(by_name["record"]), json.loads(ours["record"])
    for record in (expected, found):
        for entry in (record, *record["tests"]):
            del entry["seconds"]
        del record["started"]
    assert found == expected


def test_results_are_signed_and_valid(desk, monkeypatch):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY)
    desk.run()
    file = desk.results / "bob/grade.xml"
    root = ET.parse(file).getroot()
    assert violations(root) == []
    counts = [
        [suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")]
        for suite in root
    ]
    assert counts == [
        ["bob: checkpoint 00", "5", "5", "0", "0"],
        ["bob: checkpoint 01", "2", "0", "0", "0"],
    ]
    verified = subprocess.run(
        [sys.executable, "-m", "pytest_tinytorch.cli", "verify", str(file)],
        capture_output=True, text=True, env=dict(os.environ), check=False,
    )  # fmt: skip
    assert verified.returncode == 0 or "No module" in verified.stderr, verified.stdout


def test_a_suite_for_each_checkpoint_with_points_and_times(desk):
    desk.run()
    first, second = desk.suites("bob")
    properties = [
        {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
        for suite in (first, second)
    ]
    kept = ("student", "group", "points", "max_points", "undecided")
    assert [[suite[name] for name in kept] for suite in properties] == [
        ["bob", "00", "0", "10", "0"],
        ["bob", "01", "5", "5", "0"],
    ]
    totals = {name: properties[0][name] for name in ("total_points", "total_max_points")}
    assert totals == {"total_points": "5", "total_max_points": "15"}
    assert "record" not in properties[1]  # once in a file, as readers would differ otherwise
    assert len(properties[1]["sources"]) == 64
    times = [
        [float(case.get("time")) for case in suite.iter("testcase")] for suite in desk.suites("bob")
    ]
    assert all(min(some) > 0 for some in times)
    assert float(first.get("time")) == pytest.approx(sum(times[0]), abs=0.01)
    record = json.loads(properties[0]["record"])
    assert {test["seconds"] for test in record["tests"]} == {0.0}  # the record is signed


def test_a_failure_in_the_xml_has_its_reason(desk):
    (desk.submissions / "carl.zip").write_bytes(b"no zip")
    desk.run()
    [failure] = {
        (found.get("type"), found.get("message"))
        for suite in desk.suites("carl")
        for found in suite.iter("error")
    }
    assert failure == ("harness", "carl.zip is not a zip file")
    [kind] = {found.get("type") for s in desk.suites("bob") for found in s.iter("failure")}
    assert kind == "wrong"


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_running_again_changes_nothing_and_grades_nothing(desk, way):
    desk.run()
    before = desk.files()
    assert "2 students: 0 graded, 2 unchanged" in desk.says(*way)
    assert desk.files() == before


def test_only_what_changed_is_graded_again_and_the_difference_is_shown(desk):
    desk.run()
    shutil.copy(desk.root / "src/01_ops.py", desk.submissions / "bob/src/01_ops.py")
    text = desk.says()
    assert "2 students: 1 graded, 1 unchanged" in text
    assert "bob 15 of 15 100.0 % was 5" in text
    assert "Points changed (1): bob: 5 -> 15 of 15" in text


def test_a_regrade_shows_old_against_new(desk):
    desk.run()
    part = desk.results / ".parts/bob/00.json"
    part.write_text(part.read_text().replace('"max_points": 2', '"max_points": 1'))
    before = desk.files()
    assert "2 unchanged" in desk.says()
    assert "2 graded, 0 unchanged" in desk.says("--regrade")
    assert desk.files().keys() == before.keys()


def test_what_differs_from_run_to_run_is_not_in_the_results(desk):
    desk.hand_in("carl", RIGHT.replace("return np.maximum(x, 0)", "raise ValueError(object())"))
    desk.run()
    before = desk.files()
    desk.run("--regrade", "-n2")
    assert desk.files() == before
    assert "object at 0x..." in (desk.results / "carl/grade.xml").read_text("utf-8")


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_files_of_one_student_that_cannot_be_made_stop_nobody(desk, way):
    desk.run()
    part = desk.results / ".parts/anna/00.json"
    text = part.read_text()
    data = json.loads(text)
    data["tests"][0]["message"] = 5  # by hand: no run writes this
    part.write_text(json.dumps(data))
    result = desk.run(*way)
    output = " ".join(" ".join([*result.outlines, *result.errlines]).split())
    assert result.ret == 1 and "Traceback" not in output and "INTERNALERROR" not in output
    assert "For review, no grade (1): anna: could not be put together: " in output
    assert "bob 5 of 15 33.3 % unchanged" in output and desk.points("bob") == 5
    part.write_text(text)
    assert "anna 15 of 15 100.0 % unchanged" in desk.says(*way)


def test_a_folder_in_the_place_of_a_result_stops_nobody(desk):
    (desk.results / "anna/grade.xml/mine").mkdir(parents=True)
    result = desk.run()
    output = " ".join(" ".join([*result.outlines, *result.errlines]).split())
    assert result.ret == 3 and "Traceback" not in output and "INTERNALERROR" not in output
    assert "Is a directory" in output and desk.points("bob") == 5
    assert (desk.results / "anna/grade.xml/mine").is_dir()


def test_items_are_chosen_as_tests_are(desk):
    assert "1 student: 1 graded" in desk.says("-k", "anna and More")
    assert not (desk.results / "bob").exists()
    assert desk.points("anna") == 5
    assert "2 students" in desk.says("--checkpoint", "ops")
    assert desk.points("anna") == 15  # what was graded before is still there


def test_without_a_terminal_the_results_are_the_same(desk):
    desk.run()
    whole = desk.files()
    shutil.rmtree(desk.results)
    desk.run("-p", "no:terminal")
    assert desk.files() == whole


def test_lf_runs_what_was_no_grade(desk):
    (desk.submissions / "carl.zip").write_bytes(b"no zip")
    first = desk.says()
    assert "For review, no grade (2): carl 00, 01: carl.zip is not a zip file" in first
    assert "carl 0 of 15 for review" in first
    again = desk.says("--lf")
    assert "1 student:" in again and "2 failed" in again


def test_names_of_every_kind(desk):
    names = ["Zoë Müller", "李 雷", "🙂", "ann", "Ann", "a [x] & 'y'", "-n", "con"]
    for name in names:
        desk.hand_in(name)
    text = desk.says("-n2", "--checkpoint=01")
    assert "10 students: 10 graded" in text
    folders = {path.name for path in desk.results.iterdir()} - {".parts", "grades.csv"}
    students = {desk.properties(folder)["student"] for folder in folders}
    assert students == {*names, "anna", "bob"}
    assert len({folder.casefold() for folder in folders}) == 10


def test_hidden_tests_count_and_stay_hidden(desk, tmp_path):
    hidden = make_hidden(tmp_path / "secret")
    result = desk.run("--hidden", str(hidden))
    assert result.ret == 0, result.outlines
    whole = json.loads(desk.properties("bob")["record"])
    groups = {test["id"].partition("/")[0] for test in whole["tests"]}
    assert any(group.startswith("hidden ") for group in groups)
    hidden_names = [t["id"] for t in whole["tests"] if t["id"].startswith("hidden ")]
    for name in ("grade.student.xml", "feedback.md", "feedback.html"):
        copy = (desk.results / "bob" / name).read_text("utf-8")
        assert "hidden_1" in copy or "hidden test" in copy.lower()
        for identifier in hidden_names:
            assert identifier.partition("/")[2] not in copy
    assert "record_sig" not in desk.properties("bob", "grade.student.xml")


def test_hidden_tests_come_after_all_others_of_a_student(desk):
    hidden = make_hidden(desk.root.parent / "secret")
    for folder in (str(hidden), "../secret"):  # from the course
        result = desk.run("--collect-only", "-q", "--hidden", folder)
        listed = [line for line in result.outlines if "::" in line]
        assert listed == [
            f"{student}::{group}"
            for student in ("anna", "bob")
            for group in ("00", "01", "hidden 00")
        ]


TELLS = """
import warnings


def relu(x):
    warnings.warn(f"\x1b[2J\x07 forged {list(x)}")
    return np.maximum(x, 0)
"""
LOUD = ("-rA", "-v", "--tb=long", "--durations=0", "--setup-show", "--log-cli-level=DEBUG")


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_nothing_of_a_hidden_test_or_a_warning_is_printed(desk, way):
    hidden = make_hidden(desk.root.parent / "secret")
    start = RIGHT.index("def relu")
    end = RIGHT.index("def mean")
    desk.hand_in("carl", RIGHT[:start] + TELLS.lstrip() + RIGHT[end:])
    result = desk.run("--hidden", str(hidden), *LOUD, *way)
    output = "\n".join([*result.outlines, *result.errlines])
    assert "carl" in output and "19 of 19" in " ".join(output.split())
    for words in ("31337", "271828", "secret_numbers", "SECRET", "forged", "warnings summary"):
        assert words not in output
    assert "\x1b" not in output and "\x07" not in output


def test_a_warning_of_a_student_is_not_printed_where_nothing_is_hidden(desk):
    start, end = RIGHT.index("def relu"), RIGHT.index("def mean")
    desk.hand_in("carl", RIGHT[:start] + TELLS.lstrip() + RIGHT[end:])
    output = "\n".join(desk.run("-rA").outlines)
    assert "forged" not in output and "warnings summary" not in output and "\x07" not in output


def test_the_page_to_hand_back_says_what_to_do(desk):
    folder = desk.hand_in("carl", WRONG)
    (folder / "src/02_more.py").rename(folder / "src/02_more.txt")
    (folder / "deep").mkdir()
    shutil.copy(folder / "src/01_ops.py", folder / "deep/01_ops.py")
    desk.run()
    for name in ("feedback.md", "feedback.html"):
        page = (desk.results / "carl" / name).read_text("utf-8")
        for words in (
            *("0 of 15", "src/01_ops.py", "pytest --checkpoint", "deep/01", "nothing found for"),
            *("src/02_more.txt", "names looked for: 02_more.py or 02_more.ipynb"),
        ):
            assert words in page, (name, words)


def test_a_part_of_another_submission_stands_as_that(desk, monkeypatch, capsys):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY)
    desk.run()
    old = desk.properties("anna")["sources"]
    more = desk.submissions / "anna/src/02_more.py"
    more.write_text(more.read_text() + "# another submission\n")
    text = desk.says("--checkpoint=01")
    assert "anna 15 of 15 100.0 % partly earlier points" in text
    assert "Points of an earlier submission or run (1): anna: 00 " in text
    record = json.loads(desk.properties("anna")["record"])
    assert record["earlier"] == {"00": old} and record["sources"] != old
    suites = [
        {p.get("name"): p.get("value") for p in suite.iter("property")}["sources"]
        for suite in desk.suites("anna")
    ]
    assert suites == [old, record["sources"]]
    good, lines = verify_lines([desk.results / "anna/grade.xml"])
    assert good and lines[0].endswith("; 00: points of an earlier submission")
    for name in ("feedback.md", "feedback.html"):
        page = " ".join((desk.results / "anna" / name).read_text("utf-8").split())
        assert f"these points are of an earlier submission (sources {old[:12]})" in page
    assert "partly" not in desk.says()  # graded anew
    assert json.loads(desk.properties("anna")["record"])["earlier"] == {}


def test_a_part_of_another_seed_stands_as_that(desk):
    desk.run("--seed=1")
    assert "partly earlier points" in desk.says("--checkpoint=01", "--seed=2")
    record = json.loads(desk.properties("anna")["record"])
    assert (record["seed"], list(record["earlier"])) == (2, ["00"])
    page = " ".join((desk.results / "anna/feedback.md").read_text("utf-8").split())
    assert "of an earlier run, with other tests or settings" in page


def test_hidden_tests_of_an_earlier_run_are_said(desk):
    hidden = make_hidden(desk.root.parent / "secret")
    desk.run("--hidden", str(hidden))
    assert "anna: hidden 00" in desk.says()
    assert list(json.loads(desk.properties("anna")["record"])["earlier"]) == ["hidden 00"]


def test_a_class_that_is_signed_says_so(desk, monkeypatch):
    assert "Not signed: there is no key" in desk.says()
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY)
    assert "Signed with key" in desk.says()
    assert "Signed with key" in (desk.results / "anna/feedback.md").read_text("utf-8")


def test_the_students_copy_is_not_taken_for_a_forged_record(desk, monkeypatch):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY)
    desk.run("--hidden", str(make_hidden(desk.root.parent / "secret")))
    copies = sorted(desk.results.glob("*/grade.student.xml"))
    good, lines = verify_lines(sorted(desk.results.glob("*/grade*.xml")))
    assert good and [line.partition(" /")[0] for line in lines] == ["not signed", "verified"] * 2
    assert not verify_lines(copies)[0]  # nothing was verified
    forged = desk.results / "bob/grade.xml"
    forged.write_text(forged.read_text("utf-8").replace("record_sig", "no_sig"), "utf-8")
    good, lines = verify_lines([*copies, forged])
    assert not good and lines[-1].startswith("NOT VERIFIED")


def test_results_of_students_who_left_are_named(desk):
    desk.run()
    shutil.rmtree(desk.submissions / "bob")
    assert "Results of students who are not in this class (1): bob" in desk.says()


def test_students_are_listed_by_name_whoever_was_graded_first(desk):
    for name in ("zoe", "carl", "emma"):
        desk.hand_in(name)
    lines = desk.run("-n2").outlines
    names = [line.split()[0] for line in lines if line.endswith(" %")]
    assert names == ["anna", "bob", "carl", "emma", "zoe"]


def test_what_a_collection_knows_is_said_everywhere(desk):
    collection = Collection(desk.submissions)
    status = CollectedStatus
    for student, state, note, time_ in (
        ("anna", status.LATE, "2 h late", "2026-11-20T20:00:00+00:00"),
        ("dan", status.NONE, "no commit before the deadline", ""),
        ("eve", status.FAILED, "no access", ""),
        ("flo", status.NONE, TEXT_ALONE, ""),
    ):
        entry = student if student == "anna" else ""
        collection.note(Collected(student, state, entry=entry, time=time_, note=note))
    text = desk.says("-n2")
    assert "anna 15 of 15 100.0 % late" in text
    assert "anna: Late: 2026-11-20T20:00:00+00:00: 2 h late" in text
    assert "dan 0 of 15 0.0 % nothing handed in" in text
    assert "dan: Nothing was handed in: no commit before the deadline" in text
    assert "eve 0 of 15 for review" in text and "eve 00, 01: could not be collected: no" in text
    assert f"flo 00, 01: {TEXT_ALONE}" in text
    facts = {name: desk.properties(name) for name in ("anna", "dan", "eve")}
    assert [facts[name]["status"] for name in facts] == ["late", "none", "failed"]
    assert facts["anna"]["submitted"] == "2026-11-20T20:00:00+00:00"
    assert [facts[name]["complete"] for name in facts] == ["true", "true", "false"]
    for student, words in (
        ("anna", "Late: 2026"),
        ("dan", "Nothing was handed in"),
        ("eve", "no access"),
    ):
        assert words in (desk.results / student / "feedback.md").read_text("utf-8")
        assert words in (desk.results / student / "feedback.html").read_text("utf-8")


DOWNLOADS = {
    "Moodle": ("Ada_12_assignsubmission_file_/01_ops.py", "Bo_13_assignsubmission_file_/01_ops.py"),
    "Canvas": ("lovelaceada_123_456_01_ops.py", "cenbo_124_457_01_ops.py"),
    "Gradescope": ("submission_metadata.yml", "submission_1/01_ops.py", "submission_2/01_ops.py"),
}


@pytest.mark.parametrize("where", ["", "moodle"])
@pytest.mark.parametrize("platform", DOWNLOADS)
def test_a_download_is_no_class_and_the_right_command_is_named(desk, platform, where):
    folder = desk.root.parent / "downloads"
    for name in DOWNLOADS[platform]:
        (folder / where / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / where / name).write_text("x = 1\n")
    result = desk.server.run(["--submissions", str(folder)], desk.root)
    [line] = [line for line in [*result.outlines, *result.errlines] if line.strip()]
    assert result.ret == 4 and f"download of {platform}" in line
    assert f"run `tito collect zips {folder}" in line and "`pytest --submissions class`" in line


def test_a_broken_reference_is_one_story(desk):
    desk.run()
    path = desk.root / "checkpoints/checkpoint_01_more.py"
    path.write_text(path.read_text().replace("[3, -6]", "[3, -7]"))  # a wrong test
    text = desk.says()
    assert "2 students: 0 graded, 0 unchanged, 2 not graded" in text
    assert "anna 15 of 15 01 not graded" in text and "%" not in text
    assert "not graded: self-check of checkpoint 01: the reference in src/ gets 2 of 5" in text


def test_a_broken_reference_grades_nobody(desk):
    shutil.copy(desk.submissions / "bob/src/01_ops.py", desk.root / "src/01_ops.py")
    result = desk.run("--checkpoint=00")
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == 1
    assert "not graded: self-check of checkpoint 00: the reference in src/ gets 0 of 10" in text
    assert not (desk.results / "bob").exists()


def test_a_batch_that_is_killed_goes_on_where_it_was(desk, tmp_path):
    for number in range(12):
        desk.hand_in(f"s{number}", WRONG if number % 2 else RIGHT)
    desk.run()
    whole = desk.files()
    shutil.rmtree(desk.results)
    command = [sys.executable, "-m", "pytest", *desk.words("-n2")]
    for wanted in (3, 9, 20):
        process = subprocess.Popen(
            command, cwd=desk.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        limit = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < limit:
            if len(list(desk.results.rglob("0?.json"))) >= wanted:
                break
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    desk.run("-n2")
    assert desk.files() == whole


@pytest.mark.parametrize(
    "words, says",
    [
        (["--submissions", "nowhere"], "nowhere: is not there; give a folder"),
        (
            ["--submissions=../class", "--results=../class/a/b"],
            "is inside the folder of submissions, so it",
        ),
        (["--regrade"], "--regrade needs --submissions"),
        (["--results=x"], "--results needs --submissions"),
        (["--fail-under=60"], "--fail-under needs --grade: pytest --grade --fail-under 60"),
        (["--submissions=../class", "--fail-under=0"], "`pytest --grade --fail-under PERCENT`"),
        (["--submissions=../class", "--gradescope=r.json"], "run `tito gradescope bundle`"),
        (["--submissions=../class", "--isolate=none"], "--isolate=none cannot be used with"),
        (["--submissions=../class", "--no-export"], "each submission is exported"),
        (["--submissions=../class", "--hidden=/nonexistent"], "/nonexistent: is not there; give"),
        (["--submissions=../class", "--hidden=src"], "no checkpoint_NN_*.py is there"),
        (["--submissions=."], "holds course.toml, so it is one submission; give the folder"),
        (["--submissions=../class/anna"], "so it is one submission; give the folder around it"),
        (["--submissions=x", "--student", "y"], "--student cannot be used with --submissions"),
        (["--submissions=x", "--module", "01"], "--module cannot be used with --submissions"),
    ],
)
def test_what_makes_no_sense_is_one_line(desk, words, says):
    result = desk.server.run(words, desk.root)
    lines = [line for line in [*result.outlines, *result.errlines] if line.strip()]
    assert result.ret == 4
    assert says in " ".join(lines) and len(lines) <= 3, lines
