"""Which records of a run count, and what they are worth: the manifest says."""

from pytest_tinytorch.core.aggregate import graded, is_listed, listed
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.core.records import Outcome, TestRecord

MANIFEST = Manifest({Group.parse("00"): {"00/test_a": 2.0, "00/test_b": 0.5}}, {})
TESTS = [
    TestRecord("00/test_a", "Adds", Outcome.PASSED, max_points=2.0),
    TestRecord("00/test_b", "Marked anew", Outcome.PASSED, max_points=50.0),
    TestRecord("00/test_c", "New", Outcome.PASSED, max_points=99.0),
    TestRecord("00/test_a[2-2]", "Asked for twice", Outcome.FAILED, max_points=2.0),
    TestRecord("module 02/test_d", "Inline", Outcome.PASSED, max_points=7.0),
]


def worth(tests):
    return [(test.id, test.max_points) for test in tests]


def test_only_what_the_manifest_lists_counts():
    assert [is_listed(test, MANIFEST) for test in TESTS] == [True, True, False, False, True]
    assert worth(listed(TESTS, MANIFEST)) == [
        ("00/test_a", 2.0),
        ("00/test_b", 0.5),
        ("module 02/test_d", 7.0),
    ]


def test_a_grade_knows_no_other_points_than_those_of_the_manifest():
    assert worth(graded(TESTS, MANIFEST)) == [
        ("00/test_a", 2.0),
        ("00/test_b", 0.5),
        ("module 02/test_d", 0.0),
    ]
    points = sum(test.points for test in graded(TESTS, MANIFEST))
    assert points == sum(MANIFEST.of(Group.parse("00")).values())
