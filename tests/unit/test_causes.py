"""Failures become causes: each once, with what waits for it."""

from dataclasses import replace

import pytest

from pytest_tinytorch.core.causes import Verdict, causes, verdict
from pytest_tinytorch.core.records import Location, Outcome, Reason, TestRecord

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


def test_of_two_prerequisites_that_failed_the_first_is_waited_for():
    tests = [failed("a"), failed("b"), failed("c", depends=["b", "a"])]
    assert summary(*tests) == [("a", [], []), ("b", [], ["c"])]


def test_what_rests_on_several_waits_for_the_one_that_failed():
    tests = [made("a"), failed("b"), made("c"), failed("d", depends=["a", "b", "c"])]
    assert summary(*tests) == [("b", [], ["d"])]


def test_a_diamond_is_waited_for_at_its_foot():
    tests = [
        failed("foot"),
        failed("left", depends=["foot"]),
        failed("right", depends=["foot"]),
        failed("top", depends=["left", "right"]),
    ]
    assert summary(*tests) == [("foot", [], ["left", "right", "top"])]


def test_what_passed_although_it_rests_on_a_failure_ends_the_chain():
    tests = [failed("a"), made("b", depends=["a"]), failed("c", depends=["b"])]
    assert summary(*tests) == [("a", [], []), ("c", [], [])]


def test_a_test_that_rests_on_itself_is_a_failure_like_any_other():
    test = failed("a", depends=["a"])
    assert summary(test) == [("a", [], [])]
    assert verdict(test, {test.id: test}) is Verdict.FAIL


def test_causes_stand_in_the_order_of_the_tests():
    tests = [failed("c"), made("b"), failed("a"), failed("b2", Reason.NOT_WRITTEN)]
    assert [cause.test.title for cause in causes(tests)] == ["c", "a", "b2"]


DIFFERENT = {
    "message": failed("b", Reason.RAISED, "other"),
    "reason": failed("b", Reason.TIMEOUT, "m"),
    "line": failed("b", Reason.RAISED, "m", at=(Location("src/a.py", 4),)),
    "file": failed("b", Reason.RAISED, "m", at=(Location("src/b.py", 3),)),
    "one line more": failed("b", Reason.RAISED, "m", at=(*AT_3, Location("src/a.py", 9))),
    "no line": failed("b", Reason.RAISED, "m", at=()),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_in_anything_is_a_cause_of_its_own(other):
    assert summary(failed("a", Reason.RAISED, "m"), other) == [("a", [], []), ("b", [], [])]


def test_what_surrounds_a_line_does_not_make_it_another_line():
    around = (Location("src/a.py", 3, "f", ((3, "x"),)),)
    tests = [failed("a", Reason.RAISED), failed("b", Reason.RAISED, at=around)]
    assert summary(*tests) == [("a", ["b"], [])]


def test_without_words_nothing_is_the_same():
    tests = [failed(name, Reason.RAISED, "") for name in "ab"]
    assert summary(*tests) == [("a", [], []), ("b", [], [])]


@pytest.mark.parametrize(
    "test, wanted",
    [
        (made("a", Outcome.SKIPPED), "skip"),
        (made("a", Outcome.MISSING), "LOST"),
        (made("a", Outcome.ERROR, Reason.CRASHED, depends=["broken"]), "LOST"),
        (failed("a", Reason.NOT_WRITTEN, depends=["broken"]), "wait"),
        (failed("a", Reason.TIMEOUT), "FAIL"),
        (failed("a", Reason.BROKEN_IMPORT), "FAIL"),
        (made("a", Outcome.ERROR), "FAIL"),
    ],
    ids=["skipped", "missing", "crashed", "not written", "timeout", "broken import", "error"],
)
def test_the_word_for_each(test, wanted):
    broken = failed("broken")
    assert str(verdict(test, {broken.id: broken})) == wanted


def test_a_test_that_failed_in_another_modules_code_waits_and_is_still_to_be_mended():
    test = replace(failed("a", Reason.NOT_WRITTEN), waits_for="00")
    assert verdict(test, {}) is Verdict.WAIT
    assert verdict(replace(test, outcome=Outcome.PASSED), {}) is Verdict.PASS
    assert summary(test) == [("a", [], [])]


@pytest.mark.timeout(20)
def test_what_rests_on_tests_that_wait_for_each_other_waits_and_ends():
    tests = [failed("a", depends=["b"]), failed("b", depends=["a"]), failed("c", depends=["a"])]
    known = {test.id: test for test in tests}
    assert verdict(tests[2], known) is Verdict.WAIT
