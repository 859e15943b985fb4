"""Signatures, scores, result files and what students see: the services under `--grade`."""

import json
import os
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import checkpoint_group, hidden_group
from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.core.scores import Grade, Score, grade_of
from pytest_tinytorch.core.signing import Key, find_key, key_file, verified_record
from pytest_tinytorch.core.text import printable, shortened, steady
from pytest_tinytorch.core.visibility import students_view
from pytest_tinytorch.grading.result_files import ResultLog, filter_results, set_aside
from pytest_tinytorch.grading.verify import verify_lines
from pytest_tinytorch.reports.junit_reader import read_run
from pytest_tinytorch.reports.phrases import grade_text

KEY = Key(b"0123456789abcdef")


def made(identifier, outcome=Outcome.PASSED, points=2.0, **more):
    return TestRecord(identifier, identifier, outcome, max_points=points, **more)


RUN = RunRecord(
    "arena",
    3,
    "2026-01-01T00:00:00+00:00",
    1.0,
    (
        made("00/a"),
        made("00/b", Outcome.FAILED, 3.0, reason=Reason.WRONG, message="no"),
        replace(
            made("hidden 00/secret", Outcome.FAILED, 4.0, visibility="hidden", message="31337"),
            hint="look", example="x=31337", locations=(Location("src/a.py", 3),), title="Secret",
        ),
        made("hidden 00/other", Outcome.PASSED, 1.0, visibility="hidden"),
    ),
    (checkpoint_group("00"), hidden_group("00")),
    student="ana",
)  # fmt: skip


# --- signatures -------------------------------------------------------------------------------


def xml_with(tmp_path, **properties):
    suite = "".join(f"<property name='{n}' value='{v}'/>" for n, v in properties.items())
    path = tmp_path / "grade.xml"
    path.write_text(
        f"<testsuites><testsuite><properties>{suite}</properties></testsuite></testsuites>"
    )
    return path


def test_a_signature_is_good_for_exactly_one_text_and_one_key(tmp_path):
    signature = KEY.sign("points: 5")
    version, key_id, mac = signature.split(":")
    assert (version, key_id, len(mac)) == ("v1", KEY.id, 64)
    # By the reference of RFC 2104, worked without this module.
    import hashlib
    import hmac

    assert mac == hmac.digest(KEY.secret, b"points: 5", "sha256").hex()
    assert key_id == hashlib.sha256(KEY.secret).hexdigest()[:8]
    assert KEY.verify("points: 5", signature) == ""


@pytest.mark.parametrize(
    "text, signature, words",
    [
        ("points: 6", KEY.sign("points: 5"), "changed after it was signed"),
        ("points: 5", KEY.sign("points: 5")[:-1] + "x", "changed after it was signed"),
        ("points: 5", Key(b"another key of mine").sign("points: 5"), "signed with key"),
        ("points: 5", "v2:" + KEY.sign("points: 5")[3:], "unknown form 'v2'"),
        ("points: 5", "", "unknown form ''"),
        ("p\u00f6ints", "v1:" + KEY.id + ":00", "changed after"),
        ("points: 5", KEY.sign("points: 5")[:-1] + "\u00e9", "changed after"),
    ],
)
def test_signatures_that_are_not_good(text, signature, words):
    assert words in KEY.verify(text, signature)


def test_nobody_is_at_home(monkeypatch):
    for variable in ("TINYTORCH_GRADE_KEY", "TINYTORCH_HOME", "HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for an id that is unknown
    with pytest.raises(
        CourseError, match="no home folder; set HOME, or TINYTORCH_HOME to a folder"
    ):
        find_key()


def test_a_key_of_any_bytes_is_a_key(monkeypatch):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", os.fsdecode(b"\xff" * 16))
    assert find_key() == Key(b"\xff" * 16)


def test_where_the_key_comes_from(own_progress, monkeypatch):
    monkeypatch.delenv("TINYTORCH_GRADE_KEY", raising=False)
    assert find_key() is None
    own_progress.mkdir(parents=True, exist_ok=True)
    key_file().write_text("a key in a file, with a newline\n")
    assert find_key() == Key(b"a key in a file, with a newline")
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", "the environment comes first")
    assert find_key() == Key(b"the environment comes first")


@pytest.mark.parametrize("key", ["", "short", "  15 characters  "])
def test_a_key_that_is_too_short_is_refused(monkeypatch, key):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", key)
    with pytest.raises(CourseError, match="too few for a key: at least 16; make one with"):
        find_key()


def test_files_are_verified_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY.secret.decode())
    text = json.dumps(RUN.to_json()).replace("'", "")
    good = xml_with(tmp_path, record=quoted(RUN.to_json()), record_sig=KEY.sign(text))
    assert verified_record(good, KEY) == text
    fine, [line] = verify_lines([good])
    about = f"for 00, hidden 00, isolation none, key {KEY.id}, student ana"
    assert fine and line.endswith(f"3 of 10 points {about}")
    lost = replace(RUN, tests=(made("00/a", Outcome.MISSING),), altered=("conftest.py",))
    text_lost = json.dumps(lost.to_json())
    (tmp_path / "lost").mkdir()
    signed = xml_with(
        tmp_path / "lost", record=quoted(lost.to_json()), record_sig=KEY.sign(text_lost)
    )
    assert verify_lines([signed])[1][0].endswith(
        "student ana; grade not complete: 1 undecided; modified course files: conftest.py"
    )
    (tmp_path / "b").mkdir()
    bad = xml_with(
        tmp_path / "b",
        record=quoted(RUN.to_json()).replace("ana", "bob"),
        record_sig=KEY.sign(text),
    )
    fine, lines = verify_lines([good, bad])
    assert not fine and "changed after it was signed" in lines[1]
    (tmp_path / "c").mkdir()
    odd = xml_with(tmp_path / "c", record="{}", record_sig=KEY.sign("{}"))
    assert "no record of this version" in verify_lines([odd])[1][0]


TWICE = (
    "<testsuites><testsuite><properties><property name='{0}'/><property name='{0}'/></properties>"
    "</testsuite></testsuites>"
)


@pytest.mark.parametrize(
    "content, words",
    [
        (None, "cannot be read"),
        ("no xml", "is not XML"),
        ("<testsuites/>", "no 'record' among"),
        ("<?xml version='1.0' encoding='hex'?><a/>", "is not XML: 'hex' is not a text encoding"),
        ("<?xml version='1.0' encoding='utf-7'?><a/>", "is not XML: multi-byte"),
        (TWICE.format("record"), "'record' stands 2 times among its properties"),
        (TWICE.format("record_sig"), "'record_sig' stands 2 times among its properties"),
    ],
)
def test_files_that_cannot_be_verified(tmp_path, monkeypatch, content, words):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY.secret.decode())
    path = tmp_path / "grade.xml"
    if content is not None:
        path.write_text(content)
    fine, [line] = verify_lines([path])
    assert not fine and line.startswith("NOT VERIFIED") and words in line


def test_without_a_key_nothing_is_verified(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYTORCH_GRADE_KEY", raising=False)
    with pytest.raises(CourseError, match="no key to verify with: set TINYTORCH_GRADE_KEY"):
        verify_lines([tmp_path])


# --- reading results again ----------------------------------------------------------------------


def quoted(data):
    return json.dumps(data).replace("'", "&apos;").replace('"', "&quot;")


def test_a_run_is_read_again(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYTORCH_GRADE_KEY", raising=False)
    path = xml_with(tmp_path, record=quoted(RUN.to_json()))
    assert read_run(path) == RUN
    signed = xml_with(tmp_path, record=quoted(RUN.to_json()), record_sig="v1:x:y")
    assert read_run(signed) == RUN  # nobody here could tell
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY.secret.decode())
    with pytest.raises(CourseError, match="signed with key 'x'"):
        read_run(signed)
    text = json.dumps(RUN.to_json())
    good = xml_with(tmp_path, record=quoted(RUN.to_json()), record_sig=KEY.sign(text))
    assert read_run(good) == RUN


def test_a_file_without_a_record_says_how_to_write_one(tmp_path):
    with pytest.raises(CourseError, match=r"no 'record' .* `pytest --grade --junitxml=grade.xml`"):
        read_run(xml_with(tmp_path, seed="3"))


def changed(**values):
    """The record with a test that has other values than the harness would write."""
    data = RUN.to_json()
    return data | {"tests": [data["tests"][0] | values, *data["tests"][1:]]}


NO_RECORDS = {
    "another format": {"format": 2},
    "nothing": {},
    "list": [],
    "text": "x",
    "no tests": {key: value for key, value in RUN.to_json().items() if key != "tests"},
    "a test that is none": RUN.to_json() | {"tests": [3]},
    "a group that is none": RUN.to_json() | {"groups": [3]},
    "an altered file that is none": RUN.to_json() | {"altered": [3]},
    "unknown key": changed(colour="red"),
    "unknown outcome": changed(outcome="perfect"),
    "title": changed(title=3),
    "hint": changed(hint=None),
    "points": changed(max_points="3"),
    "no number": changed(max_points=float("nan")),
    "a number that never ends": changed(max_points=10**400),
    "less than nothing": changed(seconds=-1.0),
    "depends": changed(depends=[3]),
    "file": changed(locations=[{"file": 3, "line": 3}]),
    "line": changed(locations=[{"file": "a", "line": "x"}]),
    "excerpt": changed(locations=[{"file": "a", "line": 3, "excerpt": [3]}]),
}


@pytest.mark.parametrize("data", NO_RECORDS.values(), ids=NO_RECORDS)
def test_what_is_no_record_is_one_line(tmp_path, monkeypatch, data):
    monkeypatch.delenv("TINYTORCH_GRADE_KEY", raising=False)
    with pytest.raises(CourseError, match="no record of this version") as error:
        read_run(xml_with(tmp_path, record=quoted(data)))
    assert "\n" not in str(error.value)


def test_a_record_that_never_ends_is_one_line(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYTORCH_GRADE_KEY", raising=False)
    with pytest.raises(CourseError, match="no record of this version"):
        read_run(xml_with(tmp_path, record="[" * 100_000))


# --- scores -----------------------------------------------------------------------------------


def test_points_are_added_by_group():
    grade = grade_of(RUN)
    assert [(str(s.group), s.passed, s.tests, s.points, s.max_points) for s in grade.scores] == [
        ("00", 1, 2, 2.0, 5.0),
        ("hidden 00", 1, 2, 1.0, 5.0),
    ]
    assert (grade.points, grade.max_points, grade.percent) == (3.0, 10.0, 30.0)
    assert grade.is_complete


@pytest.mark.parametrize(
    "tests, complete",
    [
        ((), False),
        ((made("00/a"),), True),
        ((made("00/a", Outcome.FAILED, reason=Reason.CRASHED),), True),
        ((made("00/a", Outcome.SKIPPED),), True),
        ((made("00/a"), made("00/b", Outcome.MISSING)), False),
        ((made("00/a"), made("00/b", Outcome.ERROR, reason=Reason.HARNESS)), False),
    ],
    ids=["none", "passed", "crashed", "skipped", "missing", "harness"],
)
def test_what_could_not_be_graded_is_no_grade(tests, complete):
    assert (
        grade_of(replace(RUN, tests=tests, groups=(checkpoint_group("00"),))).is_complete
        is complete
    )


def test_nothing_at_all_is_no_grade():
    grade = grade_of(replace(RUN, tests=(), groups=()))
    assert not grade.is_complete and grade.percent == 0.0


# --- what students see --------------------------------------------------------------------------


def test_of_a_hidden_test_only_its_outcome_is_shown():
    run = students_view(RUN)
    text = json.dumps(run.to_json())
    for secret in ("secret", "Secret", "31337", "look", "other"):
        assert secret not in text
    ids = ["00/a", "00/b", "hidden 00/hidden_1", "hidden 00/hidden_2"]
    assert [test.id for test in run.tests] == ids
    assert [test.outcome for test in run.tests] == [test.outcome for test in RUN.tests]
    assert grade_of(run) == grade_of(RUN)
    assert run.tests[:2] == RUN.tests[:2]


def test_whether_a_hidden_test_could_be_graded_is_no_secret():
    tests = (
        made("00/a", Outcome.ERROR, reason=Reason.HARNESS, visibility="hidden", message="31337"),
        made("00/b", Outcome.MISSING, reason=Reason.HARNESS, visibility="hidden"),
        made("00/c", Outcome.FAILED, reason=Reason.CRASHED, visibility="hidden"),
    )
    run = replace(RUN, tests=tests, groups=(checkpoint_group("00"),))
    assert [test.decided for test in students_view(run).tests] == [False, False, True]
    assert grade_of(students_view(run)) == grade_of(run)
    assert students_view(run).tests[2].reason is Reason.NONE


def test_a_visible_test_does_not_name_the_hidden_one_that_it_rests_on():
    tests = (
        made("00/test_secret", Outcome.FAILED, visibility="hidden"),
        made("00/test_known"),
        made("00/a", Outcome.FAILED, depends=("00/test_secret", "00/test_known")),
    )
    shown = students_view(replace(RUN, tests=tests)).tests
    assert shown[2].depends == ("00/test_known",)


@pytest.mark.parametrize("visibility", ["hidden", "after_due_date", "after_published"])
def test_what_is_shown_later_is_not_shown_now(visibility):
    run = replace(RUN, tests=(made("00/a", visibility=visibility, message="31337"),))
    assert "31337" not in json.dumps(students_view(run).to_json())


def test_the_students_file_has_the_visible_cases_and_another_record(tmp_path):
    xml, copy = tmp_path / "grade.xml", tmp_path / "student.xml"
    xml.write_text(
        "<testsuites><testsuite name='pytest' tests='3' failures='2' errors='1' skipped='0'>"
        "<properties><property name='record' value='SECRET'/>"
        "<property name='record_sig' value='v1'/><property name='seed' value='3'/></properties>"
        "<testcase classname='checkpoints.c' name='test_a'><failure>x</failure></testcase>"
        "<testcase classname='hidden.c' name='test_a'><failure>SECRET</failure></testcase>"
        "<testcase classname='checkpoints.c' name='test_SECRET'><error>x</error></testcase>"
        "</testsuite></testsuites>"
    )
    filter_results(xml, copy, {("checkpoints.c", "test_a")}, "{}")
    assert "SECRET" not in copy.read_text()
    suite = ET.parse(copy).getroot()[0]
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "1",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
    }
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert properties == {"record": "{}", "seed": "3", "students_copy": "true"}


# --- result files -------------------------------------------------------------------------------


def test_earlier_results_are_moved_aside_one_after_the_other(tmp_path):
    path = tmp_path / "grade.xml"
    assert set_aside(path) is None
    for content, ending in (("1", "old"), ("2", "old-2"), ("3", "old-3")):
        path.write_text(content)
        assert set_aside(path) == tmp_path / f"grade.xml.{ending}"
    assert [(tmp_path / n).read_text() for n in ("grade.xml.old", "grade.xml.old-3")] == ["1", "3"]
    assert not path.exists()


def test_a_link_is_moved_and_not_followed(tmp_path):
    target = tmp_path / "precious"
    target.write_text("kept")
    path = tmp_path / "grade.xml"
    path.symlink_to(target)
    set_aside(path)
    assert target.read_text() == "kept" and not os.path.lexists(path)
    path.symlink_to(tmp_path / "nowhere")
    assert set_aside(path) == tmp_path / "grade.xml.old-2"


def test_a_device_stays_where_it_is(tmp_path):
    for target in ("/dev/null", "/dev/zero"):
        path = tmp_path / "grade.xml"
        path.symlink_to(target)
        with pytest.raises(CourseError, match=r"grade\.xml is a device or a pipe.*; name a file"):
            set_aside(path)
        path.unlink()
    os.mkfifo(path)
    with pytest.raises(CourseError, match="is a device or a pipe"):
        set_aside(path)


def test_a_log_has_a_line_a_test_as_soon_as_it_is_over(tmp_path):
    log = ResultLog(tmp_path / "new" / "grade.jsonl")
    log.append({"id": "a", "message": "\u00e9\n"})
    first = {"id": "a", "message": "\u00e9\n"}
    assert [json.loads(line) for line in log.path.read_text("ascii").splitlines()] == [first]
    log.append({"id": "b"})
    log.close()
    entries = [json.loads(line) for line in log.path.read_text("ascii").splitlines()]
    assert entries == [first, {"id": "b"}]


def test_a_log_is_never_written_over(tmp_path):
    (tmp_path / "grade.jsonl").write_text("mine")
    with pytest.raises(CourseError, match=r"grade.jsonl cannot be written: File exists"):
        ResultLog(tmp_path / "grade.jsonl")
    assert (tmp_path / "grade.jsonl").read_text() == "mine"


# --- words of others ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\u00e9\u4e2d\U0001f600", "\u00e9\u4e2d\U0001f600"),
        ("\x1b[2J\x07\r\x00", "\\x1b[2J\\x07\\x0d\\x00"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2066c\ufeff", "a\\u202eb\\u2066c\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\x7f", "\\x7f"),
    ],
)
def test_characters_that_are_not_to_be_shown_are_escaped(text, shown):
    assert printable(text) == shown
    printable(text).encode("utf-8")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("<Box at 0x7f88cd38ef10>", "<Box at 0x...>"),
        ("got 0xff, expected 0xFE", "got 0xff, expected 0xFE"),  # a number that somebody wrote
        ("x0x123456", "x0x123456"),
    ],
)
def test_addresses_are_left_out(text, expected):
    assert steady(text) == expected


@pytest.mark.parametrize(
    "text, shown",
    [
        ("12345", "12345"),
        ("123456", "12345 [...]"),
        ("1" * 2**24, "11111 [...]"),
        ("a\x1b", "a\\x1b"),
        ("ab\x1b", "ab\\x1 [...]"),
    ],
    ids=["fits", "one more", "very long", "escape", "cut within an escape"],
)
def test_what_is_too_long_is_cut_and_says_so(text, shown):
    assert shortened(text, 5) == shown


@pytest.mark.parametrize(
    "score, words",
    [
        (Score("00", 3, 3, 5.0, 5.0, 0), "5 of 5 points, 100.0 %"),
        (Score("00", 1, 3, 2.0, 5.0, 0), "2 of 5 points, 40.0 %"),
        # No percentage: it would be taken for a grade.
        (
            Score("00", 1, 3, 2.0, 5.0, 1),
            "none yet, 2 of 5 points so far; 1 test could not be graded",
        ),
        (
            Score("00", 0, 3, 0.0, 5.0, 3),
            "none yet, 0 of 5 points so far; 3 tests could not be graded",
        ),
        (Score("00", 0, 0, 0.0, 0.0, 0), "none yet, 0 of 0 points so far"),
    ],
)
def test_a_grade_in_words(score, words):
    assert grade_text(Grade((score,))) == words
