"""Exports: what is written is read back as it was, and Canvas's file keeps every other byte."""

import csv
import io
import json

import pytest
from gradebook_files import ADD, DOUBLE, MEAN, SHOUT, TESTS, add, opened, record, write

from pytest_tinytorch.core.csv_table import read_table
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.gradebook.changes import change_lines, changes_between, history
from pytest_tinytorch.gradebook.csv_cells import read_cells, with_cells
from pytest_tinytorch.gradebook.entries import MarkEntry
from pytest_tinytorch.gradebook.exports import (
    first_and_last,
    grades_csv,
    grades_json,
    gradescope_csv,
    moodle_csv,
)
from pytest_tinytorch.gradebook.grades import State, class_grades
from pytest_tinytorch.gradebook.lms import fill
from pytest_tinytorch.gradebook.marks import find_student, mark, read_marks
from pytest_tinytorch.gradebook.policy import Policy, read_policy
from pytest_tinytorch.gradebook.roster import read_people

CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Homework 0 (98),TinyTorch (99),"
    "Current Score,Final Grade\r\n"
    ",,,,,Manual Posting,,(read only),(read only)\r\n"
    "    Points Possible,,,,,5.00,11.00,(read only),(read only)\r\n"
    '"Łukasz, Ada",123,S1,ada@x.edu,"XC 101, lab",4.5,,90.1,A\r\n'
    '"=HYPERLINK(""http://x.example"",""a, b"")",124,S2,bo,XC 102,,"3",,\r\n'
    "O'Neil; Cy,125,,cy,XC 101,,7.00,,\r\n"
    '"Di\tNew",126,,di,XC 101,,1,,\r\n'
    '"Student, Test",127,,,XC 101,,2,,'  # without a line end
)


@pytest.fixture
def book(tmp_path, course):
    with opened(tmp_path / "book.sqlite", course) as book:
        yield book


@pytest.fixture
def canvas(tmp_path):
    path = tmp_path / "canvas.csv"
    path.write_bytes(CANVAS.encode())
    return path


def lay(book, course, tmp_path, canvas):
    """The class of the Canvas file without Di: Ada has 6 points, Bo 3, Cy 7."""
    without_di = tmp_path / "roster.csv"
    without_di.write_text(CANVAS.replace('"Di\tNew"', '"Student, Test"'), "utf-8")
    book.set_roster(read_people([without_di]))
    for who, passed in (
        ("ada@x.edu", [ADD, SHOUT]),
        ("bo", [ADD, DOUBLE]),
        ("cy", [MEAN, SHOUT, "00/test_pairs[zero]"]),
    ):
        add(book, course, write(tmp_path / f"{who}.xml", course, record(course, who, passed)))
    return class_grades(book)


def test_a_canvas_file_comes_back_with_only_the_grades_changed(tmp_path, course, book, canvas):
    rows = lay(book, course, tmp_path, canvas)
    filled = fill(canvas, rows, book.students_by_key(), {"total": "TinyTorch (99)"})
    expected = CANVAS.replace("4.5,,90.1", "4.5,6.00,90.1")  # 3 and 7.00 are as they were
    assert filled.text.encode() == expected.encode()
    assert (filled.changed, filled.not_in_book, filled.not_in_file) == (1, ["Di\\x09New"], [])
    again = tmp_path / "again.csv"
    again.write_bytes(filled.text.encode())
    assert fill(again, rows, book.students_by_key(), {"total": "TinyTorch (99)"}).changed == 0


def test_quotes_stay_where_they_were(tmp_path, course, book, canvas):
    lay(book, course, tmp_path, canvas)
    mark(book, [MarkEntry("bo", "00", 5)])
    rows = class_grades(book)
    filled = fill(canvas, rows, book.students_by_key(), {"total": "TinyTorch (99)"})
    assert 'XC 102,,"5.00",,\r\n' in filled.text


def test_open_and_empty_grades_leave_the_cell(tmp_path, course, book, canvas):
    book.set_roster(read_people([canvas]))
    run = record(course, "bo", [ADD], lost=[DOUBLE])
    add(book, course, write(tmp_path / "bo.xml", course, run))
    rows, names = class_grades(book), book.students_by_key()
    assert fill(canvas, rows, names, {"total": "TinyTorch (99)"}).text == CANVAS
    zeros = fill(canvas, rows, names, {"total": "TinyTorch (99)"}, zeros=True).text
    assert zeros == CANVAS.replace("4.5,,90.1", "4.5,0.00,90.1")  # 7.00 and 1 are not lost


def test_the_order_of_matching_is_id_sis_user_id_sis_login_id(tmp_path, course, book):
    text = "Student,ID,SIS User ID,SIS Login ID,Section,T (1)\nA,1,7,ann,X,\nB,7,8,bob,X,\n"
    path = tmp_path / "c.csv"
    path.write_text(text)
    book.set_roster(read_people([path]))
    add(book, course, write(tmp_path / "b.xml", course, record(course, "bob", list(TESTS))))
    path.write_text(text.replace("bob", "ann").replace("A,1,7,ann", "A,1,7,bob"))
    filled = fill(path, class_grades(book), book.students_by_key(), {"total": "T (1)"})
    assert filled.text.splitlines()[1:] == ["A,1,7,bob,X,", "B,7,8,ann,X,11.00"]


def test_points_possible_that_differ_are_noted(tmp_path, course, book, canvas):
    rows = lay(book, course, tmp_path, canvas)
    filled = fill(canvas, rows, book.students_by_key(), {"00": "Homework 0 (98)"})
    (note,) = filled.notes
    assert note == "'Homework 0 (98)' has 5.00 points possible, and the course gives 00 7"


COLUMNS = {
    "unknown item": ({"02": "TinyTorch (99)"}, "--column: '02' is no item with results"),
    "unknown header": ({"00": "TinyTorch (9)"}, "no column 'TinyTorch (9)' (did you mean"),
    "none": ({}, "no column is named like an item or 'total'"),
}


@pytest.mark.parametrize("columns, words", COLUMNS.values(), ids=COLUMNS)
def test_columns_that_are_not_there(tmp_path, course, book, canvas, columns, words):
    rows = lay(book, course, tmp_path, canvas)
    with pytest.raises(CourseError) as error:
        fill(canvas, rows, book.students_by_key(), columns)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_worksheet_of_moodle_is_filled(tmp_path, course, book):
    path = tmp_path / "moodle.csv"
    text = (
        'Identifier,"Full name","Email address",Grade,"Maximum Grade"\n'
        'Participant 1,"Ada Li",ada@x.edu,,11.00\nParticipant 2,"Bo Li",bo@x.edu,,11.00\n'
    )
    path.write_text(text)
    book.set_roster(read_people([path]))
    add(book, course, write(tmp_path / "a.xml", course, record(course, "Ada Li_1", [ADD])))
    filled = fill(path, class_grades(book), book.students_by_key(), {})
    assert filled.text == text.replace("ada@x.edu,,", "ada@x.edu,2.00,")


def test_cells_keep_the_text_around_them():
    text = '\ufeffa,"b ""c""",d\r\n,"",\n\nx'
    cells = read_cells(text, ",")
    values = [[cell.value for cell in row] for row in cells]
    assert values == [["a", 'b "c"', "d"], ["", "", ""], [""], ["x"]]
    assert values == [row or [""] for row in csv.reader(io.StringIO(text[1:], newline=""))]
    assert with_cells(text, {}) == text
    assert with_cells(text, {cells[0][1]: "9", cells[1][2]: "8"}) == '\ufeffa,"9",d\r\n,"",8\n\nx'


NAMES = ['=HYPERLINK("x")', "+1", "-2", "@sum", "Łukasz, Ada", 'a "b"', "O'Neil; Cy"]


def test_csv_is_read_back_and_holds_no_formula(tmp_path, course, book):
    for number, name in enumerate(NAMES):
        run = record(course, name, list(TESTS)[:number])
        add(book, course, write(tmp_path / f"{number}.xml", course, run))
    rows = class_grades(book)
    path = tmp_path / "grades.csv"
    path.write_text(grades_csv(rows, {}), "utf-8")
    found = {row.cells["student"].removeprefix("'"): row.cells for row in read_table(path).rows}
    assert {n: float(v["total"]) for n, v in found.items()} == {
        row.student.name: row.adjusted for row in rows
    }
    assert all(v["00"] and v["01"] for v in found.values())
    cells = [c for line in csv.reader(io.StringIO(path.read_text("utf-8-sig"))) for c in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_json_moodle_and_gradescope_are_read_back(tmp_path, course, book, canvas):
    rows = lay(book, course, tmp_path, canvas)
    totals = {row.student.name: row.adjusted for row in rows}
    data = json.loads(grades_json(rows, {}))
    assert {s["student"]: s["adjusted"] for s in data["students"]} == totals
    assert data["students"][0]["items"]["00"]["tests"] == 5
    for text in (moodle_csv(rows), gradescope_csv(rows, "Mini")):
        path = tmp_path / "x.csv"
        path.write_text(text, "utf-8")
        people = read_people([path])
        assert len(people) == len(rows)
        column = "Total" if text == moodle_csv(rows) else "Mini"
        points = sorted(float(row.cells[column]) for row in read_table(path).rows)
        assert points == sorted(totals.values())


@pytest.mark.parametrize(
    "shown, expected",
    [("Lovelace, Ada", ("Ada", "Lovelace")), ("Ada Li", ("Ada", "Li")), ("Ada", ("Ada", ""))],
)
def test_first_and_last_names(shown, expected):
    assert first_and_last(shown) == expected


# --- marks and changes ----------------------------------------------------------------------------


def test_marks_survive_a_regrade_and_are_kept(tmp_path, course, book):
    add(book, course, write(tmp_path / "1.xml", course, record(course, "ana", [ADD])))
    assert mark(book, [MarkEntry("ana", "00", 6, "well explained")]).new == 1
    assert mark(book, [MarkEntry("ANA", "00", 6, "well explained")]).known == 1
    add(book, course, write(tmp_path / "2.xml", course, record(course, "ana", [DOUBLE])))
    (row,) = class_grades(book)
    cell = row.cells[0]
    assert (cell.state, cell.raw, cell.adjusted, cell.comment) == (
        State.MARKED,
        1,
        6,
        "well explained",
    )
    mark(book, [MarkEntry("ana", "00", None, "see me")])
    assert (class_grades(book)[0].cells[0].adjusted) == 6
    mark(book, [MarkEntry("ana", "00", None, withdrawn=True)])
    assert (class_grades(book)[0].cells[0].adjusted) == 1
    assert book.rows("SELECT count(*) FROM mark") == [(3,)]


def test_marks_from_a_file_are_all_stored_or_none(tmp_path, course, book):
    add(book, course, write(tmp_path / "1.xml", course, record(course, "ana", [ADD])))
    path = tmp_path / "marks.csv"
    path.write_text("Student;Item;Points;Comment\nana;00;1,5;good\nana;01;;\nana;01;3;\n")
    assert mark(book, read_marks(path, "tea")).new == 2
    path.write_text("student,item,points\nana,00,2\nbo,00,1\n")
    with pytest.raises(CourseError, match="'bo' is no student"):
        mark(book, read_marks(path))
    assert book.rows("SELECT points, marker FROM mark ORDER BY id") == [(1.5, "tea"), (3, "tea")]


WRONG_MARKS = {
    "student": ("ama", "00", 1, "'ama' is no student of"),
    "item": ("ana", "1", 1, "'1' is no item (did you mean '01'?)"),
    "too many": ("ana", "00", 8, "8 points are more than its 7"),
    "negative": ("ana", "00", -1, "-1 points; write a number from 0"),
    "not a number": ("ana", "00", float("nan"), "nan points; write a number from 0"),
}


@pytest.mark.parametrize("who, item, points, words", WRONG_MARKS.values(), ids=WRONG_MARKS)
def test_wrong_marks_are_one_line(tmp_path, course, book, who, item, points, words):
    add(book, course, write(tmp_path / "1.xml", course, record(course, "ana", [ADD])))
    with pytest.raises(CourseError) as error:
        mark(book, [MarkEntry(who, item, points)])
    assert words in str(error.value)


def test_a_mark_that_is_no_number_names_its_line(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("student,item,points\nana,00,much\n")
    with pytest.raises(CourseError, match="line 2: points 'much' is not a number"):
        read_marks(path)


def test_a_regrade_that_lowers_is_named_with_its_tests(tmp_path, course, book):
    add(book, course, write(tmp_path / "1.xml", course, record(course, "ana", [ADD, SHOUT])))
    before = class_grades(book)
    add(book, course, write(tmp_path / "2.xml", course, record(course, "ana", [DOUBLE, SHOUT])))
    (change,) = changes_between(book, before, class_grades(book))
    assert (change.before, change.after, change.is_lower, change.same_sources) == (2, 1, True, True)
    assert change_lines([change]) == [
        "  LOWER   ana, 00: 2 -> 1, the same sources; passes now: 00/test_double;"
        " no longer passes: 00/test_add"
    ]
    assert history(book, find_student(book, "ana")) == [change]


# --- policies -------------------------------------------------------------------------------------


def policy(tmp_path, text):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return read_policy(path, ["00", "01"])


def test_an_empty_policy_is_the_default(tmp_path):
    assert policy(tmp_path, "") == Policy()


POLICIES = {
    "toml": ("counting = ", "is not TOML"),
    "key": ("conting = 'best'", "'conting' is unknown (did you mean 'counting'?)"),
    "counting": ("counting = 'first'", "counting is 'first'; write one of 'latest', 'best'"),
    "item": ("[deadlines]\n02 = 2026-11-20T10:00:00Z", "'02' is no column"),
    "zone": ("[deadlines]\n00 = 2026-11-20T10:00:00", "no time with a time zone"),
    "text": ("[deadlines]\n00 = 'soon'", "no time with a time zone"),
    "percent": ("[late]\npercent_per_day = 101", "percent_per_day is 101; write a number from 0"),
    "truth": ("[late]\npercent_per_day = true", "percent_per_day is True"),
    "table": ("late = 3", "late is 3; write a table: [late]"),
    "extension": ("[[extension]]\nitems = ['00']", "an [[extension]] has no student"),
    "both": ("[[extension]]\nstudent = 'a'", "write either days = 2 or until ="),
    "list": ("[[extension]]\nstudent = 'a'\nitems = '00'\ndays = 1", "items is '00'; write a list"),
    "single": ("[extension]\nstudent = 'a'", "write each extension as [[extension]]"),
}


@pytest.mark.parametrize("text, words", POLICIES.values(), ids=POLICIES)
def test_malformed_policies_are_one_line(tmp_path, text, words):
    with pytest.raises(CourseError) as error:
        policy(tmp_path, text)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_penalty_by_hand(tmp_path, course, book):
    """Two days and an hour late are three days: 30 %, but never more than 25 %."""
    run = record(course, "ana", [SHOUT], started="2026-11-22T11:00:00+00:00")
    add(book, course, write(tmp_path / "1.xml", course, run))
    rules = "[deadlines]\nall = 2026-11-20T11:00:00+01:00\n[late]\npercent_per_day = 10\n"
    (row,) = class_grades(book, policy(tmp_path, rules))
    assert (row.raw, row.adjusted) == (4, pytest.approx(2.8))
    (row,) = class_grades(book, policy(tmp_path, f"{rules}most_percent = 25\n"))
    assert row.adjusted == 3
    extended = f"{rules}[[extension]]\nstudent = 'Ana'\nuntil = 2026-11-22T12:00:00+01:00\n"
    (row,) = class_grades(book, policy(tmp_path, extended))
    assert row.adjusted == 4
