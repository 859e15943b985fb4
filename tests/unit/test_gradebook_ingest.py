"""`tito gradebook add`: flavours of result files are read, and hostile ones refused."""

import gzip
import io
import re
import sqlite3
import zipfile
from pathlib import Path

import pytest
from gradebook_files import (
    ADD,
    DOUBLE,
    MEAN,
    SHOUT,
    TESTS,
    add,
    opened,
    record,
    write,
)

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.gradebook import schema, xml_suites
from pytest_tinytorch.gradebook.entries import Trust
from pytest_tinytorch.gradebook.grades import State, class_grades
from pytest_tinytorch.gradebook.identity import Identities, Mapped
from pytest_tinytorch.reports.junit import junit_text


@pytest.fixture
def book(tmp_path, course):
    with opened(tmp_path / "book.sqlite", course) as book:
        yield book


def cells(book):
    """Student -> item -> (points, undecided, missing)."""
    return {
        row.student.name: {
            cell.item.name: (cell.adjusted, cell.undecided, cell.missing) for cell in row.cells
        }
        for row in class_grades(book)
    }


def junit(cases, head="<testsuites>", foot="</testsuites>", suite=""):
    """JUnit XML as pytest writes it, without a record. cases: name -> the inside of its tag."""
    tests = "".join(
        f'<testcase classname="checkpoints.checkpoint_00_numbers" name="{name}">{inside}</testcase>'
        for name, inside in cases.items()
    )
    return f'{head}<testsuite name="pytest" {suite}>{tests}</testsuite>{foot}'


FAILED = '<failure message="5, not 6">trace</failure>'


# --- our own files --------------------------------------------------------------------------------


def test_a_signed_file_is_verified_and_counted_once(tmp_path, course, book):
    path = write(tmp_path / "results/ana/grade.xml", course, record(course, "ana", [ADD, SHOUT]))
    report = add(book, course, tmp_path / "results")
    assert (report.new, report.known, report.trust) == (1, 0, {"verified": 1})
    again = add(book, course, path, tmp_path / "results")
    assert (again.new, again.known) == (0, 2)
    assert cells(book) == {"ana": {"00": (2, 0, 0), "01": (4, 0, 0)}}


def test_what_is_missing_is_zero_and_what_is_lost_is_open(tmp_path, course, book):
    run = record(course, "ana", [ADD], lost=[DOUBLE], absent=[MEAN], groups=["00"])
    add(book, course, write(tmp_path / "a.xml", course, run))
    (row,) = class_grades(book)
    (cell,) = row.cells
    assert (cell.state, cell.raw, cell.undecided, cell.missing) == (State.OPEN, 2, 1, 1)
    assert cell.item.max_points == 7  # of the manifest, although a test is missing
    assert row.is_open


def test_a_test_outside_of_the_manifest_is_reported_and_worth_nothing(tmp_path, course, book):
    path = write(tmp_path / "a.xml", course, record(course, "ana", [ADD]), None)
    path.write_text(path.read_text().replace("test_double", "test_invented"))
    report = add(book, course, path)
    assert report.unknown == {"00/test_invented": 1}
    assert cells(book)["ana"]["00"] == (2, 0, 1)


def test_points_are_those_of_the_manifest(tmp_path, course, book):
    path = write(tmp_path / "a.xml", course, record(course, "ana", [ADD]), None)
    path.write_text(
        path.read_text().replace("&quot;max_points&quot;: 2.0", "&quot;max_points&quot;: 900")
    )
    assert "900" in path.read_text()
    add(book, course, path)
    assert cells(book)["ana"]["00"] == (2, 0, 0)


def test_an_altered_or_unsigned_record_never_replaces_a_verified_one(tmp_path, course, book):
    add(book, course, write(tmp_path / "1.xml", course, record(course, "ana", [ADD])))
    better = record(course, "ana", list(TESTS), started="2027-01-01T00:00:00+00:00")
    unsigned = write(tmp_path / "2.xml", course, better, None)
    altered = write(tmp_path / "3.xml", course, record(course, "ana"))
    altered.write_text(altered.read_text().replace("failed&quot;", "passed&quot;"))
    other = write(tmp_path / "4.xml", course, better, Key(b"another key that is not known"))
    report = add(book, course, altered, other)
    assert report.trust == {"altered": 1, "unverified": 1}
    add(book, course, unsigned)
    assert cells(book)["ana"]["00"] == (2, 0, 0)
    add(book, course, unsigned, accept_unsigned=True)
    assert cells(book)["ana"]["00"] == (7, 0, 0)


def test_an_unsigned_record_counts_where_nothing_is_verified_and_is_called_advisory(
    tmp_path, course, book
):
    path = write(tmp_path / "1.xml", course, record(course, "ana", [ADD]), None)
    add(book, course, path)
    (row,) = class_grades(book)
    assert [(c.trust, c.is_advisory) for c in row.cells] == [(Trust.UNSIGNED, True)] * 2


def test_a_key_that_comes_later_verifies_what_is_there(tmp_path, course, book):
    path = write(tmp_path / "1.xml", course, record(course, "ana", [ADD]))
    add(book, course, path, key=None)
    assert class_grades(book)[0].cells[0].trust is Trust.UNVERIFIED
    add(book, course, path)
    assert class_grades(book)[0].cells[0].trust is Trust.VERIFIED
    add(book, course, path, key=None)
    assert class_grades(book)[0].cells[0].trust is Trust.VERIFIED


def test_a_repeated_test_in_a_record_counts_as_its_worst(tmp_path, course, book):
    run = record(course, "ana", [ADD])
    twice = [t for t in run.tests if t.id == ADD] + [
        t for t in record(course, "ana").tests if t.id == ADD
    ]
    path = tmp_path / "a.xml"
    write(
        path, course, record(course, "ana", [ADD]).__class__(**{**vars(run), "tests": tuple(twice)})
    )
    add(book, course, path)
    assert cells(book)["ana"]["00"] == (0, 0, 4)


# --- files of others ------------------------------------------------------------------------------

FLAVOURS = {
    "xunit2": (junit({"test_add": "", "test_double": FAILED}), (2, 0, 3)),
    "xunit1": (
        junit({"test_add": ""}).replace("<testcase ", '<testcase file="c.py" line="3" '),
        (2, 0, 4),
    ),
    "bare suite": (junit({"test_add": ""}, "", ""), (2, 0, 4)),
    "nested suites": (
        junit({"test_add": ""}, "<testsuites><testsuite>", "</testsuite></testsuites>"),
        (2, 0, 4),
    ),
    "parametrized": (junit({"test_pairs[small]": "", "test_pairs[zero]": ""}), (2, 0, 3)),
    "skipped": (junit({"test_add": '<skipped type="pytest.skip" message="later"/>'}), (0, 0, 4)),
    "expected to fail": (junit({"test_add": '<skipped type="pytest.xfail"/>'}), (0, 0, 4)),
    "error in a fixture": (junit({"test_add": '<error message="failed on setup"/>'}), (0, 0, 4)),
    "surefire: passed when tried again": (
        junit({"test_add": '<flakyFailure message="x">t</flakyFailure>'}),
        (2, 0, 4),
    ),
    "surefire: failed each time": (
        junit({"test_add": f"{FAILED}<rerunFailure>t</rerunFailure>"}),
        (0, 0, 4),
    ),
    "properties of a test case": (
        junit({"test_add": '<properties><property name="record" value="{}"/></properties>'}),
        (2, 0, 4),
    ),
    "output with tags in it": (
        junit({"test_add": "<system-out>&lt;failure/&gt;</system-out>"}),
        (2, 0, 4),
    ),
    "utf-16": (junit({"test_add": ""}).encode("utf-16"), (2, 0, 4)),
    "latin-1": (
        b'<?xml version="1.0" encoding="iso-8859-1"?>'
        + junit({"test_add": '<skipped message="né"/>'}).encode("latin-1"),
        (0, 0, 4),
    ),
    "started in the folder of the tests": (
        junit({"test_add": ""}).replace("checkpoints.", ""),
        (2, 0, 4),
    ),
    "started above the course": (
        junit({"test_add": ""}).replace("checkpoints.", "work.course.checkpoints."),
        (2, 0, 4),
    ),
}


@pytest.mark.parametrize("text, expected", FLAVOURS.values(), ids=FLAVOURS)
def test_flavours_of_junit_xml(tmp_path, course, book, text, expected):
    path = tmp_path / "ana.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    report = add(book, course, path)
    assert (report.new, report.refused) == (1, [])
    assert cells(book) == {"ana": {"00": expected}}


@pytest.mark.parametrize(
    "order", [["", FAILED], [FAILED, ""]], ids=["first passed", "first failed"]
)
def test_several_cases_of_one_test_pass_only_together(tmp_path, course, book, order):
    """A subtest that fails, and a failing teardown, give a second test case of the same name."""
    one, two = (junit({"test_add": inside}, "", "") for inside in order)
    (tmp_path / "ana.xml").write_text(f"<testsuites>{one}{two}</testsuites>")
    add(book, course, tmp_path / "ana.xml")
    assert cells(book)["ana"]["00"] == (0, 0, 4)


def test_a_merged_file_has_an_attempt_for_each_student(tmp_path, course, book):
    suites = []
    for student, passed in (("ana", [ADD]), ("bo", [ADD, DOUBLE])):
        text = write(tmp_path / "x", course, record(course, student, passed)).read_text()
        suites.append(text.partition("<testsuites")[2].partition(">")[2].rpartition("</tests")[0])
    (tmp_path / "merged.xml").write_text(f"<testsuites>{''.join(suites)}</testsuites>")
    report = add(book, course, tmp_path / "merged.xml")
    assert (report.new, report.trust) == (2, {"verified": 2})
    assert {k: v["00"][0] for k, v in cells(book).items()} == {"ana": 2, "bo": 3}


def test_beside_a_record_the_test_cases_are_for_display(tmp_path, course, book):
    """A graded file has a suite for each checkpoint, and the record in the first one alone."""
    path = write(tmp_path / "a.xml", course, record(course, "ana", [ADD]))
    text = path.read_text()
    assert text.count("<testsuite ") == 2 and text.count('name="record"') == 1
    second = text.rpartition("<testsuite ")[2]
    assert "<failure" in second
    path.write_text(text.replace(second, re.sub(r"<failure.*?</failure>", "", second, flags=re.S)))
    report = add(book, course, path)
    assert (report.new, cells(book)) == (1, {"ana": {"00": (2, 0, 0), "01": (0, 0, 0)}})


def test_a_students_copy_is_refused(tmp_path, course, book):
    path = tmp_path / "ana.xml"
    text = junit_text(course, record(course, "ana", [ADD]), None, {}, for_student=True)
    path.write_text(text)
    (refusal,) = add(book, course, path).refused
    assert refusal.reason == "is the copy for a student, without hidden tests; add grade.xml"


def test_the_copy_for_students_is_left_out(tmp_path, course, book):
    write(tmp_path / "r/ana/grade.xml", course, record(course, "ana", [ADD]))
    write(tmp_path / "r/ana/grade.student.xml", course, record(course, "ana", []), None)
    assert add(book, course, tmp_path / "r").new == 1


# --- where files are ------------------------------------------------------------------------------


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_gzip_zip_and_trees(tmp_path, course, book):
    text = {
        name: write(tmp_path / "x", course, record(course, name, [ADD])).read_bytes()
        for name in ("ana", "bo", "cy", "di")
    }
    (tmp_path / "x").unlink()
    (tmp_path / "r/deep/er").mkdir(parents=True)
    (tmp_path / "r/deep/er/ana.xml.gz").write_bytes(gzip.compress(text["ana"]))
    zipped(tmp_path / "r/artifacts.zip", {"b/bo.xml": text["bo"], "readme.txt": b"hello"})
    zipped(tmp_path / "other.zip", {"cy.xml.gz": gzip.compress(text["cy"])})
    (tmp_path / "di.xml").write_bytes(gzip.compress(text["di"]))  # the name says nothing
    report = add(book, course, tmp_path / "r", tmp_path / "other.zip", tmp_path / "di.xml")
    assert (report.new, report.refused) == (4, [])
    assert sorted(cells(book)) == ["ana", "bo", "cy", "di"]


def test_in_workers_the_result_is_the_same(tmp_path, course, book):
    for number in range(100):
        write(
            tmp_path / f"r/s{number:03}/grade.xml", course, record(course, f"s{number:03}", [ADD])
        )
    (tmp_path / "r/s050/grade.xml").write_text("<testsuites>")
    report = add(book, course, tmp_path / "r", workers=2)
    assert (report.new, [Path(r.source).parent.name for r in report.refused]) == (99, ["s050"])
    assert [who for (who,) in book.rows("SELECT who FROM attempt ORDER BY id")] == sorted(
        f"s{number:03}" for number in range(100) if number != 50
    )


IDENTITIES = {
    "the record": ("ana", "results/x/grade.xml", ["ana"]),
    "the file": ("", "junit/ana.xml", ["ana"]),
    "the folder": ("", "artifacts/ana/junit.xml", ["ana"]),
    "the folder, deeper": ("", "artifacts/ana/reports/test-results.xml", ["ana"]),
    "an ending, known": ("", "artifacts/tinytorch-bo-li/junit.xml", ["bo-li"]),
    "in an archive": ("", "ci.zip!run-17/bo-li/junit.xml", ["bo-li"]),
    "a mapping": ("", "ci/17/junit.xml", ["cy"]),
    "a mapping, before the record": ("ana", "ci/17/junit.xml", ["cy"]),
    "a group": ("a@x.edu,b@x.edu", "r/grade.xml", ["a@x.edu", "b@x.edu"]),
    "a comma in a name": ("Li, Bo", "r/grade.xml", ["Li, Bo"]),
    "nobody": ("", "results/grade.xml", [""]),
}


@pytest.mark.parametrize("who, source, expected", IDENTITIES.values(), ids=IDENTITIES)
def test_whose_a_file_is(who, source, expected):
    identities = Identities(frozenset({"bo-li"}), {"ci/17": Mapped("cy")})
    assert [name for name, _ in identities.of(who, source)] == expected


# --- hostile and malformed files ------------------------------------------------------------------

GOOD = junit({"test_add": ""})
ENTITY = '<!DOCTYPE x [<!ENTITY a "aa">]>'


def zip_bytes(files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


HOSTILE = {
    "empty.xml": (b"", "is empty"),
    "blanks.xml": (b"  \n ", "is not XML"),
    "text.xml": (b"hello", "is not XML"),
    "json.xml": (b'{"tests": 1}', "is not XML"),
    "truncated.xml": (GOOD[:-30].encode(), "is not XML"),
    "two_roots.xml": ((GOOD + GOOD).encode(), "is not XML"),
    "unclosed.xml": (GOOD.replace("</testcase>", "").encode(), "is not XML"),
    "twice.xml": (GOOD.replace("name=", 'name="a" name=', 1).encode(), "is not XML"),
    "control.xml": (GOOD.replace("test_add", "a\x01b").encode(), "is not XML"),
    "latin1.xml": (GOOD.replace("test_add", "né").encode("latin-1"), "is not XML"),
    "zero.xml": (GOOD.encode().replace(b"pytest", b"py\0est"), "is not XML"),
    "encoding.xml": (b'<?xml version="1.0" encoding="x-none"?>' + GOOD.encode(), "is"),
    "wide.xml": (GOOD.encode("utf-32"), "is"),
    "html.xml": (b"<html><body/></html>", "begins with <html>"),
    "svg.xml": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "begins with <svg>"),
    "entity.xml": ((ENTITY + GOOD).encode(), "declares a document type"),
    "external.xml": (
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + GOOD).encode(),
        "declares a document type",
    ),
    "parameter.xml": (
        ('<!DOCTYPE x [<!ENTITY % a SYSTEM "x.dtd">%a;]>' + GOOD).encode(),
        "declares a document type",
    ),
    "dtd.xml": (('<!DOCTYPE x SYSTEM "x.dtd">' + GOOD).encode(), "declares a document type"),
    "unknown_entity.xml": (GOOD.replace("test_add", "&a;").encode(), "is not XML"),
    "deep.xml": ((b"<testsuites>" + b"<a>" * 60), "more than 50 deep"),
    "zero_tests.xml": (junit({}).encode(), "zero tests are no result"),
    "no_suite.xml": (b"<testsuites/>", "zero tests are no result"),
    "outside.xml": (b"<testsuites><testcase/></testsuites>", "outside of a <testsuite>"),
    "others.xml": (
        GOOD.replace("checkpoint_00_numbers", "test_mine").encode(),
        "has no test of this course; the first one is",
    ),
    "record.xml": (
        b'<testsuite><properties><property name="record" value="{"/></properties></testsuite>',
        "no record of this version",
    ),
    "record_list.xml": (
        b'<testsuite><properties><property name="record" value="[]"/></properties></testsuite>',
        "no record of this version",
    ),
    "record_twice.xml": (
        b'<testsuite><properties><property name="record" value="1"/>'
        b'<property name="record" value="2"/></properties></testsuite>',
        "has the property 'record' twice",
    ),
    "gzip.xml": (gzip.compress(GOOD.encode())[:-9], "cannot be unpacked"),
    "gzip_damaged.xml.gz": (b"\x1f\x8b" + b"x" * 50, "cannot be"),
    "not_a.zip": (b"hello", "cannot be read as a zip file"),
    "cut.zip": (zip_bytes({"a.xml": GOOD})[:-12], "cannot be read as a zip file"),
    "nothing.zip": (zip_bytes({"a.txt": "x"}), "has no .xml"),
    "nested.zip": (zip_bytes({"b.zip": zip_bytes({"a.xml": GOOD})}), "archive in an archive"),
    "bad_inside.zip": (zip_bytes({"a.xml": "<oops"}), "is not XML"),
    "damaged.zip": (zip_bytes({"a.xml": GOOD}).replace(b"test_add", b"test_bad"), "unpacked"),
}


def test_each_bad_file_is_refused_alone_and_the_rest_is_ingested(tmp_path, course, book):
    folder = tmp_path / "r"
    folder.mkdir()
    for name, (content, _) in HOSTILE.items():
        (folder / name).write_bytes(content)
    (folder / "link.xml").symlink_to("/etc/hostname")
    write(folder / "good/grade.xml", course, record(course, "ana", [ADD]))
    report = add(book, course, folder)
    reasons = {Path(r.source.partition("!")[0]).name: r.reason for r in report.refused}
    assert reasons.keys() == {*HOSTILE, "link.xml"}
    for name, (_, words) in HOSTILE.items():
        assert words in reasons[name], name
    assert all("\n" not in str(refusal) for refusal in report.refused)
    assert (report.new, sorted(cells(book))) == (1, ["ana"])


def test_a_pipe_is_refused_and_not_waited_for(tmp_path, course, book):
    import os

    os.mkfifo(tmp_path / "pipe.xml")
    (refusal,) = add(book, course, tmp_path / "pipe.xml").refused
    assert "is not a plain file" in refusal.reason


@pytest.mark.parametrize(
    "limit, value, text, words",
    [
        ("LARGEST_FILE", 1000, junit({"test_add": "x" * 2000}), "has more than"),
        ("LARGEST_TAG", 1000, junit({"a" * 5000: ""}), "has a tag of more than"),
        ("_MOST_CASES", 2, junit(dict.fromkeys("abc", "")), "more than 2 test cases"),
    ],
    ids=["file", "tag", "cases"],
)
def test_limits_of_size(tmp_path, course, book, monkeypatch, limit, value, text, words):
    monkeypatch.setattr(xml_suites, limit, value)
    monkeypatch.setattr(xml_suites, "_CHUNK", 500)
    (tmp_path / "a.xml").write_text(text)
    (refusal,) = add(book, course, tmp_path / "a.xml").refused
    assert words in refusal.reason


def test_below_the_limits_a_file_in_many_chunks_is_read(tmp_path, course, book, monkeypatch):
    monkeypatch.setattr(xml_suites, "_CHUNK", 7)
    write(tmp_path / "a.xml", course, record(course, "ana", [ADD]))
    assert add(book, course, tmp_path / "a.xml").trust == {"verified": 1}


def test_a_folder_without_a_result_is_noted_with_its_files(tmp_path, course, book):
    (tmp_path / "r/bo").mkdir(parents=True)
    (tmp_path / "r/bo/notes.txt").write_text("x")
    write(tmp_path / "r/ana/grade.xml", course, record(course, "ana", [ADD]))
    add(book, course, tmp_path / "r")
    assert book.rows("SELECT who, files FROM sighting") == [("bo", "notes.txt")]


# --- the file -------------------------------------------------------------------------------------


def test_a_file_of_the_first_version_is_migrated_with_its_content(tmp_path, course):
    path = tmp_path / "old.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_MIGRATIONS", schema._MIGRATIONS[:1])
        patch.setattr(schema, "VERSION", 1)
        opened(path, course).__exit__()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        db.execute(
            "INSERT INTO attempt (who, digest, source, trust, added) VALUES"
            " ('ana', 'd', 's', 'unsigned', '2026-11-01T00:00:00+00:00')"
        )
    with opened(path, course) as book:
        add(book, course, write(tmp_path / "b.xml", course, record(course, "bo", [ADD])))
        assert book.rows("PRAGMA user_version") == [(schema.VERSION,)]
        assert book.rows("SELECT who, status FROM attempt") == [("ana", ""), ("bo", "")]


WRONG_FILES = {
    "newer": ("PRAGMA user_version = 99", "has version 99, and this program knows versions up to"),
    "another program's": ("PRAGMA application_id = 7", "is a database of another program"),
}


@pytest.mark.parametrize("change, words", WRONG_FILES.values(), ids=WRONG_FILES)
def test_files_that_are_not_opened(tmp_path, course, change, words):
    path = tmp_path / "x.sqlite"
    with opened(path, course):
        pass
    with sqlite3.connect(path) as db:
        db.execute(change)
    before = path.read_bytes()
    with pytest.raises(CourseError, match=words):
        opened(path, course)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path, course):
    path = tmp_path / "notes.txt"
    path.write_text("my notes " * 100)
    with pytest.raises(CourseError, match="is not a gradebook, or is damaged"):
        opened(path, course)
    assert path.read_text() == "my notes " * 100
