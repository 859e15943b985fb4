"""`tito gradebook`, as an instructor types it: roster, add, grades, show, mark, export, return."""

import json
import zipfile

import pytest
from gradebook_files import ADD, DOUBLE, KEY, MEAN, SHOUT, record, write
from mini_course import make_course

from pytest_tinytorch.core.course import load_course

ROSTER = "student;name;email\nana;Lovelace, Ana;ana@x.edu\nbo;Chen, Bo;bo@x.edu\ncy;Cy;cy@x.edu\n"


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = make_course(tmp_path / "course")
    monkeypatch.chdir(root)
    (root / "key").write_text(KEY.secret.decode())
    (root / "roster.csv").write_text(ROSTER)
    return load_course(root)


@pytest.fixture
def tito(run_tito):
    return lambda *words: run_tito("gradebook", *words)


@pytest.fixture
def results(course):
    folder = course.root / "results"
    for student, passed in (("ana", [ADD, SHOUT]), ("bo", [DOUBLE]), ("annna", [MEAN])):
        write(folder / student / "grade.xml", course, record(course, student, passed))
        (folder / student / "feedback.html").write_text(f"<p>{student}")
    return folder


def test_from_results_to_grades(course, tito, results):
    assert tito("roster", "roster.csv") == (0, ["3 on the roster, 3 added, 0 dropped"])
    code, lines = tito("add", "results", "--key-file", "key")
    assert (code, lines[:2]) == (
        0,
        ["3 new (3 verified), 0 known already", "Nobody on the roster (1):"],
    )
    assert lines[2].startswith("  'annna' (") and lines[2].endswith("; nearest: Lovelace, Ana")
    code, lines = tito("grades")
    assert code == 0
    assert [" ".join(line.split()) for line in lines[:3]] == [
        "Chen, Bo 1 of 11 9.1 % #---------",
        "Cy 0 of 11 0.0 % ---------- nothing handed in",
        "Lovelace, Ana 6 of 11 54.5 % #####-----",
    ]
    assert all(len(line) <= 80 for line in lines[:3])
    _, lines = tito("grades", "--look")
    assert lines[0].startswith("Cy ") and lines[1].startswith("Submissions of nobody")
    assert tito("match", "annna", "cy@x.edu") == (
        0,
        ["'annna' is 'cy@x.edu': 1 result files matched"],
    )
    _, lines = tito("grades", "--json")
    found = {s["student"]: s["adjusted"] for s in json.loads("\n".join(lines))["students"]}
    assert found == {"ana": 6, "bo": 1, "cy": 2}


def test_one_student_with_a_regrade_and_a_mark(course, tito, results):
    tito("add", "results", "--key-file", "key")
    write(results / "ana/grade.xml", course, record(course, "ana", [DOUBLE, SHOUT]))
    code, lines = tito("add", "results", "--key-file", "key")
    assert code == 0
    change = "ana, 00: 2 -> 1, the same sources; passes now: 00/test_double; no longer passes: "
    assert lines == [
        "1 new (1 verified), 2 known already",
        "Grades changed (1):",
        f"  LOWER   {change}00/test_add",
    ]
    assert tito("mark", "ana", "00", "5", "--comment", "by mail") == (0, ["1 marked, 0 as before"])
    code, lines = tito("show", "ANA")
    assert (code, lines[0], lines[1]) == (0, "ana", "9 of 11 points, 2 attempts")
    assert " ".join(lines[2].split()) == "00 Numbers 5 of 7 raw 1 marked by hand; by mail"
    assert lines[-1] == f"  LOWER   {change}00/test_add"


def test_exports_and_pages(course, tito, results):
    tito("roster", "roster.csv")
    tito("add", "results", "--key-file", "key")
    canvas = course.root / "canvas.csv"
    canvas.write_text('Student,ID,SIS Login ID,Section,T (1)\n"Chen, Bo",5,bo,A,\n')
    code, lines = tito(
        "export", "canvas", "--from", "canvas.csv", "--column", "T (1)", "--out", "o"
    )
    assert (code, lines[-1]) == (0, "written: o")
    assert lines[0] == "only in the gradebook (2): Cy; Lovelace, Ana"
    assert (course.root / "o").read_text() == canvas.read_text().replace("A,\n", "A,1.00\n")
    assert tito("export", "csv", "--out", "grades.csv")[0] == 0
    assert (course.root / "grades.csv").read_text("utf-8-sig").count("\n") == 4
    code, lines = tito("return", "pages.zip")
    assert (code, lines) == (0, ["written: pages.zip, 2 pages", "without a page (1): Cy"])
    with zipfile.ZipFile(course.root / "pages.zip") as archive:
        assert archive.read("Chen, Bo/feedback.html") == b"<p>bo"


MOODLE = "Ana Lovelace_12_assignsubmission_file_"


@pytest.mark.parametrize(
    "download, page",
    [
        (f"{MOODLE}/01_numbers.py", f"{MOODLE}/feedback.html"),
        ("lovelaceana_12_345_01_numbers.py", "lovelaceana_12_345_feedback.html"),
    ],
    ids=["moodle", "canvas"],
)
def test_pages_have_the_names_of_the_download(course, tito, download, page):
    who = download.partition("_12")[0] + "_12"
    write(course.root / "results/x/grade.xml", course, record(course, who, [ADD]))
    (course.root / "results/x/feedback.html").write_text("<p>")
    with zipfile.ZipFile(course.root / "down.zip", "w") as archive:
        archive.writestr(download, "x = 1")
    tito("add", "results", "--key-file", "key")
    assert tito("return", "pages.zip", "--download", "down.zip")[0] == 0
    with zipfile.ZipFile(course.root / "pages.zip") as archive:
        assert archive.namelist() == [page]


WRONG = {
    "no book": (
        ("grades",),
        "gradebook.sqlite is not there; `tito gradebook add results` makes it",
    ),
    "form": (("export", "excel"), "'excel' is unknown; write one of csv, json, canvas"),
    "canvas": (("export", "canvas"), "export the gradebook there, and give the file with --from"),
    "mark": (("mark", "ana"), "say whom and what"),
    "no mark": (("mark", "ana", "00"), "give points, a --comment, or --withdraw"),
    "roster": (("roster", "none.csv"), "none.csv cannot be read: No such file or directory"),
    "key": (("add", "results", "--key-file", "none"), "none cannot be read"),
    "short key": (("add", "results", "--key-file", "short"), "short has 2 characters, too few"),
}


@pytest.mark.parametrize("words, message", WRONG.values(), ids=WRONG)
def test_mistakes_are_one_line(course, tito, words, message):
    (course.root / "short").write_text("ab")
    code, lines = tito(*words)
    assert (code, len(lines)) == (2, 1) and message in lines[0]


def test_a_refused_file_gives_exit_code_1_and_the_others_are_added(course, tito, results):
    (results / "bad.xml").write_text("<oops")
    code, lines = tito("add", "results")
    assert code == 1
    assert (
        lines[0].startswith("3 new")
        and lines[1] == "Refused (1):"
        and "bad.xml: is not XML" in lines[2]
    )
