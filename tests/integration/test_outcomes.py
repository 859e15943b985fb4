"""What a student sees and what is recorded, the same with and without xdist."""

import time

import pytest


def outcomes(tests):
    return {name: (test["outcome"], test["reason"]) for name, test in tests.items()}


PASSED = ("passed", "")


def test_all_right(every_way):
    result = every_way.checkpoint("all")
    assert result.ret == 0
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        [
            "Checkpoint 00 · Numbers · module 01_numbers",
            "Can I add?",
            "  pass  Adds two numbers",
            "  pass  Adds pairs [[]zero[]]",
            "Checkpoint 00 · Numbers: achieved, 5 of 5 tests, 7 of 7 points",
            "You can now add numbers.",
            "Checkpoint 01 · Words: achieved, 1 of 1 tests, 4 of 4 points",
            "Next: every written checkpoint is achieved: *",
        ],
        consecutive=False,
    )
    assert every_way.states() == {"00": "achieved", "01": "achieved", "02": "planned"}


def test_wrong_value_is_shown_on_the_line_that_computed_it(every_way):
    every_way.edit("src/01_numbers.py", "return a + b", "return a - b")
    result = every_way.checkpoint("00")
    assert result.ret == 1
    result.assert_outcomes(failed=4, passed=1)
    result.stdout.fnmatch_lines(
        [
            "  FAIL  Adds two numbers",
            "  wait  Doubles a number",
            "  FAIL  Takes the mean of any list",
            "FAIL Adds two numbers (2 points)",
            "  tt.add(2, 3): got -1, expected 5",
            "  computed by add, src/01_numbers.py:11",
            "  >   11 |     return a - b",
            "  hint: Look at the operator.",
            "  waiting for this: Doubles a number",
            "Checkpoint 00 · Numbers: not achieved, 1 of 5 tests, 1 of 7 points",
            "Next: fix src/01_numbers.py:11, then run: pytest --checkpoint 00",
        ]
    )
    assert every_way.states()["00"] == "failing"


def test_counter_example_is_the_smallest(every_way):
    every_way.edit("src/01_numbers.py", "/ len(values)", "/ max(len(values), 2)")
    result = every_way.checkpoint("00")
    result.stdout.fnmatch_lines(["  input to try:", "    values=[[]1[]],", "  hint: Divide*"])
    text = result.stdout.str()
    for fixture in ("tt=", "check=", "scaling=", "rng_of_mine="):
        assert fixture not in text


def test_the_value_computed_on_an_earlier_line_is_traced_too(classroom):
    classroom.edit("src/01_numbers.py", "return a + b", "return a + b if a else 7")
    test = classroom.outcomes()["00/test_pairs[zero]"]
    assert [(place["file"], place["line"]) for place in test["locations"]] == [
        ("src/01_numbers.py", 11)
    ]


def test_not_written_yet(classroom):
    classroom.edit("src/01_numbers.py", "return a + b", "raise NotImplementedError('add')")
    tests = classroom.outcomes()
    assert set(outcomes(tests).values()) == {("failed", "not-written")}
    assert {test["message"] for test in tests.values()} == {"not written yet: add"}
    assert {test["locations"][0]["line"] for test in tests.values()} == {11}
    result = classroom.checkpoint("00")
    result.stdout.fnmatch_lines(
        ["  todo  Adds two numbers", "  not written yet: add", "  at add, src/01_numbers.py:11"]
    )


def test_exception_in_the_students_code(classroom):
    classroom.edit("src/01_numbers.py", "return add(a, a)", "return add(a, None)")
    test = classroom.outcomes()["00/test_double"]
    assert (test["outcome"], test["reason"]) == ("failed", "raised")
    assert test["message"].startswith("TypeError: unsupported operand type(s) for +")
    assert (test["locations"][0]["file"], test["locations"][0]["line"]) == ("src/01_numbers.py", 11)


BROKEN = {
    "syntax": ("return a + b", "return a +", "broken-import", 11),
    "import": ("#| export\ndef add", "#| export\nboom = 1 / 0\ndef add", "broken-import", 9),
    "exit": ("#| export\ndef add", "#| export\nraise SystemExit(0)\ndef add", "broken-import", 9),
}


@pytest.mark.parametrize("old, new, reason, line", BROKEN.values(), ids=BROKEN)
def test_broken_module_fails_its_tests_and_no_others(every_way, old, new, reason, line):
    every_way.edit("src/01_numbers.py", old, new)
    every_way.edit("src/02_words.py", "from mini.core.numbers import double", "")
    every_way.edit("src/02_words.py", "double(word)", "(word + word)")
    result = every_way.checkpoint("all")
    assert result.ret == 1
    result.assert_outcomes(failed=5, passed=1)
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines([f"*src/01_numbers.py:{line}*", f"  >{line:5} |*"])
    tests = every_way.outcomes()
    assert set(outcomes(tests).values()) == {("failed", reason)}
    assert {t["locations"][0]["line"] for t in tests.values()} == {line}
    assert every_way.states() == {"00": "failing", "01": "achieved", "02": "planned"}


def test_a_checkpoint_waits_for_the_module_it_needs(every_way):
    every_way.edit("src/01_numbers.py", "return add(a, a)", "return 1 / 0")
    said = every_way.says("--checkpoint", "01")
    assert "wait Shouts" in said and "FAIL" not in said
    assert "ZeroDivisionError: division by zero at double, src/01_numbers.py:18" in said
    first = "First: pytest --checkpoint 00"
    assert f"waiting for checkpoint 00, whose module this is. {first}" in said
    assert "It rests on Checkpoint 00 · Numbers, not started. See: pytest --checkpoint 00" in said
    assert "Next: fix src/01_numbers.py:18, then run: pytest --checkpoint 00" in said
    assert every_way.states() == {"00": "not started", "01": "failing", "02": "planned"}
    said = every_way.says("--checkpoint", "all")
    assert f"It waits for Checkpoint 00 · Numbers, failing 1 of 5. {first}" in said


def test_missing_source(classroom):
    classroom.checkpoint("00")
    (classroom.root / "src/01_numbers.py").unlink()
    result = classroom.checkpoint("00")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*mini.add comes with module 01_numbers, which is not there*"])
    assert not (classroom.root / "mini/core/numbers.py").exists()
    assert classroom.states()["00"] == "failing"


def test_earlier_export_is_never_graded(classroom):
    classroom.checkpoint("00")
    classroom.edit("src/01_numbers.py", "return a + b", "return (a + b")
    assert set(outcomes(classroom.outcomes()).values()) == {("failed", "broken-import")}
    classroom.edit("src/01_numbers.py", "return (a + b", "return a + b")
    assert set(outcomes(classroom.outcomes()).values()) == {PASSED}


def test_endless_loop_ends_at_the_time_limit(every_way):
    every_way.edit("course.toml", "seconds_per_test = 5", "seconds_per_test = 1")
    every_way.edit("src/01_numbers.py", "return add(a, a)", "while True: pass")
    tests = every_way.outcomes()
    assert (tests["00/test_double"]["outcome"], tests["00/test_double"]["reason"]) == (
        "failed",
        "timeout",
    )
    assert tests["00/test_double"]["locations"][0]["line"] == 18
    assert outcomes(tests)["00/test_mean"] == PASSED


def test_endless_loop_in_a_property_ends_at_the_time_limit(classroom):
    """Hypothesis may not take the end of the time for an example that fails, and shrink it."""
    classroom.edit("course.toml", "seconds_per_test = 5", "seconds_per_test = 1")
    loop = "try:\n        while True: pass\n    except Exception: raise"
    classroom.edit("src/01_numbers.py", "return total / len(values)", loop)
    started = time.monotonic()
    test = classroom.outcomes()["00/test_mean"]
    assert (test["outcome"], test["reason"]) == ("failed", "timeout")
    assert test["message"].startswith("stopped after 1 s, the time limit of one test; look for")
    assert test["seconds"] < 3 and time.monotonic() - started < 60


def test_exceptions_that_cannot_be_printed(classroom):
    worst = "class E(Exception):\n        def __str__(self): 1 / 0\n    raise E()"
    classroom.edit("src/01_numbers.py", "return add(a, a)", worst)
    result = classroom.checkpoint("00")
    result.assert_outcomes(failed=1, passed=4)
    result.stdout.fnmatch_lines(["*its message cannot be read: ZeroDivisionError*"])


def test_crash_of_a_worker_is_a_lost_test(classroom):
    classroom.way = ("-n2",)
    classroom.edit("src/01_numbers.py", "return add(a, a)", "import os; os._exit(3)")
    result = classroom.checkpoint("00")
    assert result.ret == 1
    assert "INTERNALERROR" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*the process that ran this test died*"])
    assert outcomes(classroom.outcomes())["00/test_double"] == ("error", "crashed")


def test_a_skipped_test_did_not_pass(classroom):
    classroom.edit(
        "checkpoints/checkpoint_01_words.py",
        '    check.equal(tt.shout("ab"), "ABAB")',
        '    pytest.skip("not today")',
    )
    test = classroom.outcomes("01")["01/test_shout"]
    assert (test["outcome"], test["message"], test["points"]) == (
        "skipped",
        "Skipped: not today",
        0,
    )
    assert classroom.states()["01"] == "failing"


def test_a_test_that_does_not_run_is_missing(every_way):
    every_way.edit("checkpoints/checkpoint_00_numbers.py", "def test_double", "def no_double")
    result = every_way.checkpoint("00")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*LOST double*", "*did not run, although the manifest lists it*"])


def test_teardown_error_is_no_pass(classroom):
    classroom.edit(
        "checkpoints/checkpoint_01_words.py",
        "def test_shout(tt, check):",
        "def test_shout(tt, check, request):",
    )
    classroom.edit(
        "checkpoints/checkpoint_01_words.py",
        '    check.equal(tt.shout("ab"), "ABAB")',
        "    request.addfinalizer(lambda: 1 / 0)",
    )
    test = classroom.outcomes("01")["01/test_shout"]
    assert (test["outcome"], test["points"]) == ("error", 0)


def test_failing_subtest_fails_its_test(classroom):
    classroom.edit("checkpoints/checkpoint_01_words.py", "tt, check", "tt, check, subtests")
    classroom.edit(
        "checkpoints/checkpoint_01_words.py",
        '    check.equal(tt.shout("ab"), "ABAB")',
        '    with subtests.test("a"):\n        check.equal(tt.shout("a"), "no")',
    )
    test = classroom.outcomes("01")["01/test_shout"]
    assert (test["outcome"], test["points"]) == ("failed", 0)


MARKS = {
    "points": ("points(4)", "points('four')", "points('four'): write a number of at least 0"),
    "hint": ('hint("upper() is a method.")', "hint(3)", "hint(3): write a string"),
    "depends": (
        "@pytest.mark.points(4)",
        "@pytest.mark.points(4)\n@pytest.mark.depends(on='test_shoot')",
        "no such test in this file (did you mean 'test_shout'?)",
    ),
    "visibility": (
        "@pytest.mark.points(4)",
        "@pytest.mark.points(4)\n@pytest.mark.visibility('secret')",
        "visibility('secret'): valid are visible, hidden, after_due_date, after_published",
    ),
}


@pytest.mark.parametrize("old, new, message", MARKS.values(), ids=MARKS)
def test_bad_mark_fails_its_own_test(classroom, old, new, message):
    classroom.edit("checkpoints/checkpoint_01_words.py", old, new)
    result = classroom.checkpoint("all")
    result.assert_outcomes(passed=5, errors=1)
    assert message in " ".join(result.stdout.str().split())


def test_junit_carries_points_hint_and_the_record(every_way):
    every_way.edit("src/01_numbers.py", "return add(a, a)", "return '\\x00<&>'")
    record = every_way.record("00")
    assert (record["format"], record["course"], record["seed"]) == (1, "mini", 0)
    assert record["groups"] == ["00"] and len(record["tests"]) == 5
    xml = (every_way.root / "grade.xml").read_text()
    for name, value in (("max_points", "2"), ("points", "0"), ("hint", "double calls add.")):
        assert f'<property name="{name}" value="{value}"' in xml
    assert '<property name="isolation" value="none"' in xml


def test_inputs_do_not_depend_on_numbers_in_the_students_code(classroom):
    """The same seed draws the same list of lists, before and after a line with odd constants."""
    classroom.edit(
        "checkpoints/checkpoint_00_numbers.py",
        "    check.close(tt.mean(values), sum(values) / len(values))",
        '    with open("drawn.txt", "a") as file:\n        print(values, file=file)\n'
        "    check.close(tt.mean(values), sum(values) / len(values))",
    )
    drawn = classroom.root / "drawn.txt"
    classroom.checkpoint("00")
    first = drawn.read_text()
    drawn.unlink()
    classroom.edit("src/01_numbers.py", "total = 0.0", "total = 0.0 * (-7 + 8 - 5 + 4)")
    classroom.checkpoint("00")
    assert drawn.read_text() == first and len(first.splitlines()) >= 30


def test_a_seed_repeats_and_another_seed_differs(every_way):
    every_way.edit(
        "checkpoints/checkpoint_01_words.py",
        'check):\n    """Shouts"""\n    check.equal(tt.shout("ab"), "ABAB")',
        'check, rng):\n    """Shouts"""\n    check.equal(int(rng.integers(10**9)), -1)',
    )

    def drawn(seed):
        [test] = every_way.record("01", "--seed", seed)["tests"]
        return test["message"].partition("expected")[0]

    first = drawn("3")
    assert first == drawn("3") != drawn("4")
