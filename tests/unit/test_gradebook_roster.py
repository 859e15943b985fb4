"""Rosters: everybody on it has a row, and submissions of nobody are listed with nearest names."""

import pytest
from gradebook_files import ADD, add, opened, record, write

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.gradebook.class_view import remarks, unmatched_lines
from pytest_tinytorch.gradebook.entries import Standing, Student
from pytest_tinytorch.gradebook.grades import class_grades
from pytest_tinytorch.gradebook.mapping import read_mapping
from pytest_tinytorch.gradebook.marks import find_student
from pytest_tinytorch.gradebook.names import nearest_names
from pytest_tinytorch.gradebook.roster import read_people

CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,TinyTorch (99)\r\n"
    ",,,,,Manual Posting\r\n"
    "    Points Possible,,,,,11.00\r\n"
    '"Lovelace, Ada",123,S1,ada,XC 101,\r\n'
    '"=HYPERLINK(""x"")",124,S2,bo,XC 102,\r\n'
    '"Student, Test",125,,,XC 101,\r\n'
)
MOODLE = (
    'Identifier,"Full name","Email address",Status,Grade\n'
    "Participant 12,Ada Lovelace,ada@x.edu,,\n"
    "Participant 13,Bo Chén,bo@x.edu,,\n"
)
GRADESCOPE = (
    "First Name,Last Name,SID,Email,Sections\nAda,Lovelace,S1,ada@x.edu,A\nBo,Chén,S2,bo@x.edu,B\n"
)
PLAIN = "STUDENT;Name;E-Mail;Section\nada;Lovelace, Ada;ada@x.edu;1\nbo;Bo Chén;;2\n"


@pytest.fixture
def book(tmp_path, course):
    with opened(tmp_path / "book.sqlite", course) as book:
        yield book


def roster(tmp_path, text, name="roster.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


KINDS = {
    "canvas": (CANVAS, ["ada", "bo"], ["lovelaceada_123", "S1", "Lovelace, Ada", "ADA"]),
    "moodle": (MOODLE, ["ada@x.edu", "bo@x.edu"], ["Ada Lovelace_12", "ada  lovelace"]),
    "gradescope": (GRADESCOPE, ["ada@x.edu", "bo@x.edu"], ["S1", "Ada Lovelace"]),
    "plain, with semicolons": (PLAIN, ["ada", "bo"], ["ada@x.edu", "Ada Lovelace"]),
}


@pytest.mark.parametrize("text, names, whos", KINDS.values(), ids=KINDS)
def test_the_columns_tell_which_kind_of_roster_it_is(tmp_path, book, text, names, whos):
    people = read_people([roster(tmp_path, text)])
    assert [student.name for student in people] == names
    book.set_roster(people)
    for who in whos:
        assert book.student_id(who) == book.student_id(names[0]), who


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_spreadsheets(tmp_path, encoding):
    people = read_people([roster(tmp_path, PLAIN, encoding=encoding)])
    assert [student.shown for student in people] == ["Lovelace, Ada", "Bo Chén"]


def test_everybody_has_a_row_and_nothing_is_told_from_nothing_found(tmp_path, course, book):
    text = "student,name\nana,Ana\nbo,Bo\ncy,Cy\ndi,Di\n"
    book.set_roster(read_people([roster(tmp_path, text)]))
    write(tmp_path / "r/ana/grade.xml", course, record(course, "ana", [ADD]))
    (tmp_path / "r/bo").mkdir()
    (tmp_path / "r/bo/tensor.py").write_text("")
    (tmp_path / "r/cy").mkdir()
    add(book, course, tmp_path / "r")
    found = {row.student.shown: remarks(row, book.sightings()) for row in class_grades(book)}
    assert found == {
        "Ana": [],
        "Bo": ["nothing found, files seen: tensor.py"],
        "Cy": ["an empty folder was handed in"],
        "Di": ["nothing handed in"],
    }


def test_what_a_run_over_a_class_noted_is_in_the_row(tmp_path, course, book):
    """Wrong names, nothing found, nothing collected: everybody who needs a look has a remark."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing
    for who, facts in {
        "ana": {},
        "bo": {"notes": ("tensor.py was read as 02_tensor.py",)},
        "cy": {"review": ("00: nothing found; files seen: a.txt",), "lost": [ADD]},
        "di": {"sources": empty},
        "eva": {"status": "none", "sources": empty},
    }.items():
        add(book, course, write(tmp_path / f"{who}.xml", course, record(course, who, **facts)))
    found = {row.student.name: remarks(row, {}) for row in class_grades(book)}
    assert found == {
        "ana": [],
        "bo": ["tensor.py was read as 02_tensor.py"],
        "cy": ["00: nothing found; files seen: a.txt", "for review: 1 test"],
        "di": ["no module source found in the submission"],
        "eva": ["nothing handed in"],
    }


def test_submissions_of_nobody_are_listed_and_can_be_matched(tmp_path, course, book):
    text = "student,name\nada,Ada Lovelace\nbo,Bo Chen\n"
    people = read_people([roster(tmp_path, text)])
    book.set_roster(people)
    report = add(
        book, course, write(tmp_path / "x.xml", course, record(course, "Lovelace_Adda", [ADD]))
    )
    assert list(report.unmatched) == ["Lovelace_Adda"]
    (line,) = unmatched_lines(report.unmatched.items(), people)
    assert line.startswith("'Lovelace_Adda' (") and line.endswith("; nearest: Ada Lovelace")
    assert [who for who, _, _ in book.unmatched()] == ["Lovelace_Adda"]
    assert book.add_alias("Lovelace_Adda", find_student(book, "ada")) == 1
    assert book.unmatched() == []
    assert [row.adjusted for row in class_grades(book)] == [2, 0]


@pytest.mark.parametrize("who", ["annna", "lovelace", "l.ana", "Anna Lovelac", "LOVELÁCE ANA"])
def test_nearest_names(who):
    ana = Student("x17", "Lovelace, Ana", "lana@x.edu")
    assert nearest_names(who, [Student("bo", "Chen, Bo"), ana]) == ["Lovelace, Ana"]


def test_a_roster_that_comes_later_finds_the_submissions(tmp_path, course, book):
    for who in ("lovelaceada_123", "stranger"):
        add(book, course, write(tmp_path / f"{who}.xml", course, record(course, who, [ADD])))
    assert [row.student.shown for row in class_grades(book)] == ["lovelaceada_123", "stranger"]
    change = book.set_roster(read_people([roster(tmp_path, CANVAS)]))
    assert len(change.added) == 2
    assert [(row.student.name, row.adjusted) for row in class_grades(book)] == [
        ("bo", 0),
        ("ada", 2),
    ]
    assert [who for who, _, _ in book.unmatched()] == ["stranger"]


def test_adds_drops_and_a_second_section(tmp_path, course, book):
    book.set_roster(read_people([roster(tmp_path, "student\nana\nbo\n")]))
    add(book, course, write(tmp_path / "bo.xml", course, record(course, "bo", [ADD])))
    change = book.set_roster(read_people([roster(tmp_path, "student\nana\ncy\n")]))
    assert (change.added, change.dropped) == (("cy",), ("bo",))
    assert [row.student.name for row in class_grades(book)] == ["ana", "cy"]
    assert {s.name: s.standing for s in book.students()}["bo"] is Standing.DROPPED
    book.set_roster(read_people([roster(tmp_path, "student\nbo\n")]), keep_others=True)
    rows = {row.student.name: row.adjusted for row in class_grades(book)}
    assert rows == {"ana": 0, "bo": 2, "cy": 0}  # who comes back has the earlier points


def test_teachers_are_on_the_roster_and_in_no_list(tmp_path, book):
    text = "Name,Email,Role\nAda,ada@x.edu,Student\nTea,tea@x.edu,Instructor\n"
    book.set_roster(read_people([roster(tmp_path, text)]))
    assert [row.student.shown for row in class_grades(book)] == ["Ada"]


def test_two_students_with_one_name_are_told_apart_by_their_numbers(tmp_path, book):
    text = "Student,ID,SIS Login ID,Section\nAda Li,1,ada1,A\nAda Li,2,ada2,A\n"
    book.set_roster(read_people([roster(tmp_path, text)]))
    assert book.student_id("Ada Li") is None
    assert book.student_id("liada_1") != book.student_id("liada_2")


def test_a_student_in_two_sections_has_one_row(tmp_path, book):
    first = roster(tmp_path, "student,section\nana,1\n", "a.csv")
    second = roster(tmp_path, "student,section\nana,2\n", "b.csv")
    (student,) = read_people([first, second])
    assert student.section == "1, 2"


ROSTERS = {
    "empty": ("", "has a header and no student below it"),
    "only a header": ("student,email\n", "has a header and no student below it"),
    "zero bytes": ("student\na\0b\n", "it has bytes of zero"),
    "control characters": ("student\nan\x1ba\n", "line 2: student 'an\\x1ba' has characters"),
    "too long": (f"student\n{'a' * 1001}\n", "more than 1000"),
    "unclosed quote": ('student\n"ana\n', "unexpected end of data"),
    "huge field": (f'student\n"{"a" * 140_000}"\n', "field larger than field limit"),
    "twice": ("student\nana\nbo\nANA\n", "'ANA' appears twice, on lines 2 and 4"),
    "nobody": ("name,email\n,\nx,\n,y\n", None),
    "no name": ("section,student\n1,\n", "line 2: there is no name"),
}


@pytest.mark.parametrize("text, words", ROSTERS.values(), ids=ROSTERS)
def test_malformed_rosters_are_one_line(tmp_path, text, words):
    path = roster(tmp_path, text)
    if words is None:
        assert [student.name for student in read_people([path])] == ["x", "y"]
        return
    with pytest.raises(CourseError) as error:
        read_people([path])
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_roster_in_another_encoding_says_what_to_do(tmp_path):
    with pytest.raises(CourseError, match="save it as `CSV UTF-8`"):
        read_people([roster(tmp_path, PLAIN, encoding="cp1252")])


MAPPINGS = {
    "no column": ("path\nx\n", "no column 'student'"),
    "no path": ("path,student\n,ana\n", "line 2: path is empty"),
    "twice": ("path,student\nx,a\nx/,b\n", "line 3: 'x' appears twice"),
    "no zone": ("path,student,time\nx,a,2026-11-20T10:00\n", "is no time with a time zone"),
    "no time": ("path,student,time\nx,a,soon\n", "'soon' is no time with a time zone"),
}


@pytest.mark.parametrize("text, words", MAPPINGS.values(), ids=MAPPINGS)
def test_malformed_mappings_are_one_line(tmp_path, text, words):
    with pytest.raises(CourseError) as error:
        read_mapping(roster(tmp_path, text))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_mapping_has_students_and_times(tmp_path):
    text = "Path;Student;Time\nci/17;ana;2026-11-20T10:00+01:00\n"
    (mapped,) = read_mapping(roster(tmp_path, text)).values()
    assert (mapped.student, mapped.submitted) == ("ana", "2026-11-20T09:00:00+00:00")
