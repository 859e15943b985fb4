"""Which tests run, and what a run that was narrowed does not achieve."""

import pytest

UNKNOWN = {
    "number": (
        ("--checkpoint", "99"),
        "--checkpoint 99: unknown id '99'; valid: 00-02, numbers, words, later, all, next, stale",
    ),
    "open range": (
        ("--checkpoint", "01-"),
        "--checkpoint 01-: '01-' is not a range (did you mean '01-02'?); valid: 00-02 or a part",
    ),
    "turned range": (("--checkpoint", "01-00"), "'01-00' is not a range"),
    "word": (
        ("--checkpoint", "nunbers"),
        "unknown id 'nunbers' (did you mean 'numbers'?); valid: 00-02, ",
    ),
    "empty": (("--checkpoint", ""), "--checkpoint : unknown id ''; valid: 00-02, "),
    "module": (
        ("--module", "wordss"),
        "--module wordss: unknown id 'wordss' (did you mean 'words'?); valid: 01-03, ",
    ),
    "planned": (
        ("--checkpoint", "later"),
        "--checkpoint later: not part of this course yet: 02 Later; there are: 00, 01",
    ),
    "nothing stale": (
        ("--checkpoint", "stale"),
        "--checkpoint stale: nothing is stale. See `pytest --progress`.",
    ),
    "seed": (("--checkpoint", "00", "--seed", "-1"), "--seed -1: write a whole number from 0 to"),
    "form": (("--progress=tall",), "--progress: invalid choice: 'tall'"),
}


@pytest.mark.parametrize("arguments, message", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_ids_are_one_line_and_exit_code_4(classroom, arguments, message):
    result = classroom.run(*arguments)
    assert result.ret == 4
    text = "\n".join(result.errlines)
    assert message in text and "Traceback" not in text and "INTERNALERROR" not in text
    assert len([line for line in result.errlines if line.startswith("ERROR")]) <= 1


def test_an_unknown_id_with_workers(classroom):
    result = classroom.run("--checkpoint", "99", "-n2")
    assert result.ret == 4
    assert "unknown id '99'" in "\n".join(result.errlines)


NAMES = {
    "number": ("0", "00"),
    "checkpoint's name": ("Numbers", "00"),
    "module's name": ("02_words", "01"),
    "list": ("words,00", "00 01"),
    "range": ("0-1", "00 01"),
    "all that is there": ("all", "00 01"),
    "range into what is planned": ("01-02", "01"),
    "next": ("next", "00"),
}


@pytest.mark.parametrize("ids, groups", NAMES.values(), ids=NAMES)
def test_ids(classroom, ids, groups):
    assert classroom.record(ids)["groups"] == groups.split()


def test_next_moves_on_when_it_is_achieved(every_way):
    assert every_way.record("next")["groups"] == ["00"]
    assert every_way.record("next")["groups"] == ["01"]
    result = every_way.checkpoint("next")
    assert result.ret == 4
    assert "nothing is left to do: every checkpoint is achieved" in "\n".join(result.errlines)


def test_the_order_is_that_of_the_course(classroom):
    record = classroom.record("01,00")
    assert [test["id"] for test in record["tests"]] == [
        "00/test_add",
        "00/test_double",
        "00/test_mean",
        "00/test_pairs[small]",
        "00/test_pairs[zero]",
        "01/test_shout",
    ]


NARROWED = {
    "keyword": ("-k", "add"),
    "deselect": ("--deselect", "checkpoints/checkpoint_00_numbers.py::test_double"),
    "node id": ("checkpoints/checkpoint_00_numbers.py::test_add",),
    "first failure": ("-x",),
}


@pytest.mark.parametrize("arguments", NARROWED.values(), ids=NARROWED)
def test_a_narrowed_run_shows_results_and_achieves_nothing(classroom, arguments):
    if arguments == ("-x",):
        classroom.edit("src/01_numbers.py", "return a + b", "return a - b")
    said = classroom.says("--checkpoint", "00", *arguments)
    assert "Adds two numbers" in said and "Checkpoint 00 · Numbers: not decided, " in said
    assert "tests that ran passed (5 count). Run all: pytest --checkpoint 00" in said
    assert classroom.states()["00"] == "not started"
    assert not classroom.home.exists()


def test_collecting_alone_records_nothing(classroom):
    result = classroom.checkpoint("00", "--collect-only", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*::test_add", "5 tests collected*"])
    assert not classroom.home.exists()


def test_module_runs_its_inline_tests(every_way):
    source = every_way.root / "src/01_numbers.py"
    inline = "\n\n# %%\ndef test_unit_mean():\n    assert mean([1, 2]) == 1.5\n"
    source.write_text(source.read_text() + inline)
    result = every_way.run("--module", "numbers")
    assert result.ret == 0
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "Module 01_numbers · inline tests",
            "  pass  mean",
            "Next: its inline tests pass: pytest --checkpoint 00",
        ]
    )


@pytest.mark.parametrize("modules", ["01", "01,02"])
def test_inline_tests_use_what_their_own_source_registered(every_way, modules):
    """Also where the source of a later module imports the export, which registers its own."""
    source = every_way.root / "src/01_numbers.py"
    registers = "\n\n# %%\n#| export\nimport builtins\n\nbuiltins.registered = add\n"
    inline = "\n\n# %%\ndef test_unit_register():\n    assert builtins.registered is add\n"
    source.write_text(source.read_text() + registers + inline)
    every_way.run("--module", modules).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "ends, says",
    [
        ("raise ValueError('no words')", "fails on import: ValueError: no words"),
        ("import sys; sys.exit(3)", "fails on import: sys.exit() and quit() end the"),
    ],
    ids=["raises", "exits"],
)
def test_a_module_that_cannot_be_imported_says_why(classroom, ends, says):
    source = classroom.root / "src/02_words.py"
    source.write_text(source.read_text() + f"\n\n{ends}\n")
    result = classroom.run("--module", "01,02")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert str(result.stdout).count(says) == 1 and "1 error in" in str(result.stdout)


def test_module_runs_the_integration_tests_of_what_it_needs_too(every_way):
    folder = every_way.root / "integration"
    folder.mkdir()
    for module in ("01_numbers", "02_words", "03_later"):
        text = (
            "import pytest\n\npytestmark = pytest.mark.integration\n\n\n"
            f'def test_{module}(tt, check):\n    """Is about {module}"""\n'
            '    check.equal(tt.shout("a"), "AA")\n'
        )
        (folder / f"integration_{module}.py").write_text(text)
    record = every_way.record("none", "--module", "02")
    assert record["groups"] == ["module 02", "integration 01", "integration 02"]
    assert [test["id"] for test in record["tests"]] == [
        "integration 01/test_01_numbers",
        "integration 02/test_02_words",
    ]
    said = every_way.says("--module", "01")
    assert "Module 01_numbers · together with what it needs pass Is about 01_numbers" in said
    assert "02_words" not in said
    every_way.edit("src/02_words.py", "double(word)", "word")
    said = every_way.says("--module", "02", "-m", "integration")
    assert "Next: fix src/02_words.py:" in said and "then run: pytest --module 01" in said


def test_module_without_a_source(classroom):
    (classroom.root / "src/01_numbers.py").unlink()
    result = classroom.run("--module", "01")
    assert result.ret == 4
    assert "--module 01: src/01_numbers.py is not there; write it" in "\n".join(result.errlines)


def test_other_tests_of_the_folder_are_not_ours(classroom):
    (classroom.root / "test_own.py").write_text("def test_own():\n    assert True\n")
    result = classroom.run("test_own.py")
    result.assert_outcomes(passed=1)
    assert not (classroom.root / "mini").exists()
    result = classroom.checkpoint("01")
    result.assert_outcomes(passed=1)


def test_works_from_a_folder_below(classroom):
    result = classroom.server.run(["--checkpoint", "01"], classroom.root / "src")
    result.assert_outcomes(passed=1)
    assert classroom.states()["01"] == "achieved"


def test_works_from_elsewhere_by_a_path(classroom, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    file = classroom.root / "checkpoints/checkpoint_01_words.py"
    result = classroom.server.run(["--checkpoint", "01", str(file)], elsewhere)
    result.assert_outcomes(passed=1)
