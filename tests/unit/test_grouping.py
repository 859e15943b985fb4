"""Failures become causes: each once, with what waits for it."""

from pytest_tinytorch.grouping import Verdict, causes, verdict
from pytest_tinytorch.record import Location, Outcome, Reason, TestRecord

AT_3 = (Location("src/a.py", 3),)


def made(name, outcome=Outcome.PASSED, reason=Reason.NONE, message="", depends=(), at=()):
    return TestRecord(
        f"01/{name}", name, outcome, reason, message, at, depends=tuple(f"01/{d}" for d in depends)
    )


def failed(name, reason=Reason.WRONG, message="m", depends=(), at=AT_3):
    return made(name, Outcome.FAILED, reason, message, depends, at)


def summary(*tests):
    return [
        (c.test.title, [t.title for t in c.same], [t.title for t in c.waiting])
        for c in causes(tests)
    ]


def test_verdicts():
    broken = failed("broken")
    known = {t.id: t for t in (made("fine"), broken)}
    tests = [
        (made("a"), Verdict.PASS),
        (failed("a"), Verdict.FAIL),
        (failed("a", depends=["fine"]), Verdict.FAIL),
        (failed("a", depends=["broken"]), Verdict.WAIT),
        (made("a", depends=["broken"]), Verdict.PASS),
        (failed("a", Reason.NOT_WRITTEN), Verdict.TODO),
        (made("a", Outcome.SKIPPED, depends=["broken"]), Verdict.SKIP),
        (made("a", Outcome.MISSING), Verdict.LOST),
        (made("a", Outcome.ERROR, Reason.CRASHED), Verdict.LOST),
        (made("a", Outcome.ERROR, Reason.HARNESS), Verdict.FAIL),
        (failed("a", depends=["unknown"]), Verdict.FAIL),
    ]
    assert [verdict(test, known) for test, _ in tests] == [wanted for _, wanted in tests]


def test_nothing_failed():
    assert summary(made("a"), made("b", depends=["a"])) == []


def test_what_waits_is_folded_into_the_first_failure_all_the_way_down():
    tests = [failed("a"), failed("b", depends=["a"]), failed("c", depends=["b"]), made("d")]
    assert summary(*tests) == [("a", [], ["b", "c"])]
    assert summary(*reversed(tests)) == [("a", [], ["c", "b"])]


def test_a_passed_prerequisite_is_not_waited_for():
    assert summary(made("a"), failed("b", depends=["a"])) == [("b", [], [])]


def test_the_same_exception_at_the_same_line_is_one_cause():
    raised = [failed(name, Reason.RAISED, "TypeError: x") for name in "abc"]
    assert summary(*raised) == [("a", ["b", "c"], [])]
    other = failed("d", Reason.RAISED, "TypeError: x", at=(Location("src/a.py", 4),))
    assert summary(raised[0], other) == [("a", [], []), ("d", [], [])]


def test_wrong_values_are_causes_of_their_own():
    assert summary(failed("a"), failed("b")) == [("a", [], []), ("b", [], [])]


def test_what_waits_for_any_of_the_same_is_shown_with_them():
    tests = [
        failed("a", Reason.NOT_WRITTEN),
        failed("b", Reason.NOT_WRITTEN),
        failed("c", depends=["b"]),
    ]
    assert summary(*tests) == [("a", ["b"], ["c"])]


def test_tests_that_wait_for_each_other_end():
    tests = [failed("a", depends=["b"]), failed("b", depends=["a"])]
    assert sorted(w for _, _, waiting in summary(*tests) for w in waiting) in ([], ["a"], ["b"])
