"""Records as data: every field survives JSON, and JSON holds nothing but its own types."""

import json
from dataclasses import fields, replace

import pytest

from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord

PLAIN = TestRecord("00/test_a", "Adds", Outcome.PASSED)
# One value for each field, all unlike the default.
VALUES = {
    "id": "module 02/test_b[x/y]",
    "title": "Größer · 大",
    "outcome": Outcome.ERROR,
    "reason": Reason.BROKEN_IMPORT,
    "message": 'two\nlines, a "quote" and a byte: \udcff',
    "locations": (
        Location("src/a.py", 3, "A.f", ((2, "def f():"), (3, '    "tab\t"'))),
        Location("src/b.py", 1),
    ),
    "printed": "x is 3",
    "example": "a=array([1.,\n  2.]),",
    "hint": "Look.",
    "max_points": 2.5,
    "visibility": "hidden",
    "depends": ("00/test_b", "00/test_c"),
    "waits_for": "03",
    "seconds": 0.125,
    "measured": "97.8 % of 360 unseen digits",
}


def as_text_and_back(data):
    return json.loads(json.dumps(data))


def json_types(data):
    """Every type in the data, all the way down."""
    found = {type(data)}
    if isinstance(data, dict):
        found = found.union(*(json_types(part) for pair in data.items() for part in pair))
    elif isinstance(data, list | tuple):
        found = found.union(*(json_types(part) for part in data))
    return found


def test_the_table_above_has_every_field():
    assert list(VALUES) == [field.name for field in fields(TestRecord)]


@pytest.mark.parametrize("name", VALUES)
def test_each_field_alone_survives(name):
    record = replace(PLAIN, **{name: VALUES[name]})
    assert record != PLAIN
    back = TestRecord.from_json(as_text_and_back(record.to_json()))
    assert back == record
    assert type(getattr(back, name)) is type(getattr(record, name))


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_survives_as_itself(outcome):
    record = replace(PLAIN, outcome=outcome)
    assert TestRecord.from_json(as_text_and_back(record.to_json())).outcome is outcome


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_survives_as_itself(reason):
    record = replace(PLAIN, reason=reason)
    assert TestRecord.from_json(as_text_and_back(record.to_json())).reason is reason


def test_json_has_plain_types_alone():
    record = TestRecord(**VALUES)
    assert json_types(record.to_json()) == {dict, list, str, int, float}
    run = RunRecord("mini", 1, "2026-01-01", 0.5, (record, PLAIN), ("00", "module 02"))
    assert json_types(run.to_json()) == {dict, list, str, int, float}


def test_the_json_of_a_record():
    record = TestRecord(**VALUES)
    assert record.to_json() == {
        "id": "module 02/test_b[x/y]",
        "title": "Größer · 大",
        "outcome": "error",
        "reason": "broken-import",
        "message": 'two\nlines, a "quote" and a byte: \udcff',
        "locations": [
            {
                "file": "src/a.py",
                "line": 3,
                "function": "A.f",
                "excerpt": [[2, "def f():"], [3, '    "tab\t"']],
            },
            {"file": "src/b.py", "line": 1, "function": "", "excerpt": []},
        ],
        "printed": "x is 3",
        "example": "a=array([1.,\n  2.]),",
        "hint": "Look.",
        "max_points": 2.5,
        "visibility": "hidden",
        "depends": ["00/test_b", "00/test_c"],
        "waits_for": "03",
        "seconds": 0.125,
        "measured": "97.8 % of 360 unseen digits",
        "points": 0.0,
    }


def test_a_record_of_what_is_needed_alone_is_read():
    data = {"id": "00/test_a", "title": "Adds", "outcome": "passed"}
    assert TestRecord.from_json(data) == PLAIN


def test_reading_leaves_the_data_as_it_is():
    data = TestRecord(**VALUES).to_json()
    before = json.dumps(data)
    TestRecord.from_json(data)
    assert json.dumps(data) == before


@pytest.mark.parametrize(
    "data",
    [
        {"id": "00/a", "title": "A", "outcome": "great"},
        {"id": "00/a", "title": "A", "outcome": "passed", "reason": "weather"},
    ],
    ids=["outcome", "reason"],
)
def test_words_of_no_meaning_are_refused(data):
    with pytest.raises(ValueError, match="is not a valid"):
        TestRecord.from_json(data)


def test_the_points_that_were_written_are_not_believed():
    data = replace(PLAIN, outcome=Outcome.FAILED, max_points=3.0).to_json() | {"points": 3.0}
    assert TestRecord.from_json(data).points == 0.0


@pytest.mark.parametrize(
    "name, group",
    [("00/test_a", "00"), ("module 02/test_a", "module 02"), ("01/test_a[x/y]", "01")],
)
def test_the_group_of_a_test(name, group):
    assert TestRecord(name, "A", Outcome.PASSED).group == Group.parse(group)


def test_a_location_reads_as_people_write_it():
    assert str(Location("src/a.py", 3, "f", ((3, "x"),))) == "src/a.py:3"


def test_a_failure_that_is_found_later_changes_the_outcome_alone():
    record = replace(PLAIN, max_points=3.0, hint="Look.", seconds=1.0)
    failed = record.failed_with(Outcome.ERROR, Reason.CRASHED, "the process died")
    assert failed == TestRecord(
        "00/test_a",
        "Adds",
        Outcome.ERROR,
        Reason.CRASHED,
        "the process died",
        hint="Look.",
        max_points=3.0,
        seconds=1.0,
    )
    assert record.outcome is Outcome.PASSED


def test_the_json_of_a_run():
    run = RunRecord("mini", 7, "2026-01-01T00:00:00+00:00", 1.5, (PLAIN,), (Group.parse("00"),))
    assert run.to_json() == {
        "format": 1,
        "course": "mini",
        "seed": 7,
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 1.5,
        "groups": ["00"],
        "isolation": "none",
        "student": "",
        "commit": "",
        "version": "",
        "manifest": "",
        "sources": "",
        "status": "",
        "submitted": "",
        "altered": [],
        "review": [],
        "notes": [],
        "earlier": {},
        "tests": [PLAIN.to_json()],
    }
    assert RunRecord.from_json(as_text_and_back(run.to_json())) == run


def test_a_graded_run_keeps_all_that_its_grade_rests_on():
    facts = {
        "isolation": "bwrap",
        "student": "Zoë",
        "commit": "abc",
        "version": "2",
        "manifest": "m",
        "sources": "s",
        "altered": ("conftest.py", "course.toml"),
        "status": "late",
        "submitted": "2026-11-20T20:00:00+00:00",
        "review": ("02: nothing found",),
        "notes": ("tensor.py was read",),
        "earlier": {"01": "hash"},
    }
    run = RunRecord("mini", 7, "2026", 1.5, (PLAIN,), (Group.parse("00"),), **facts)
    assert RunRecord.from_json(as_text_and_back(run.to_json())) == run
    assert json.dumps(run.to_json()).isascii()


@pytest.mark.parametrize("format_", [0, 2, "1", None])
def test_a_run_of_another_format_is_refused_with_both_formats(format_):
    data = RunRecord("mini", 7, "2026", 1.5, ()).to_json() | {"format": format_}
    with pytest.raises(ValueError, match=f"^record format {format_!r}, expected 1$"):
        RunRecord.from_json(data)


def test_the_tests_of_a_group_keep_their_order():
    names = ("01/b", "00/z", "01/a", "010/a")
    tests = tuple(TestRecord(name, name, Outcome.PASSED) for name in names)
    run = RunRecord("mini", 7, "2026", 1.5, tests)
    assert [test.id for test in run.of(Group.parse("01"))] == ["01/b", "01/a"]
