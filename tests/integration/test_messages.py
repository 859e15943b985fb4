"""What a run prints besides outcomes: output of student code, warnings, tries, notebooks."""

import os
import subprocess
import sys

import pytest

ADD = "return a + b"


def line_of(classroom, text):
    lines = (classroom.root / "src/01_numbers.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize("isolation", [(), ("--isolate",)], ids=["in-process", "isolated"])
def test_the_last_printed_lines_are_shown_with_the_failure(classroom, isolation):
    printing = "[print(f'line {n}') for n in range(9)]; return a - b"
    classroom.edit("src/01_numbers.py", ADD, printing)
    said = classroom.says("--checkpoint", "00", *isolation)
    assert "your code printed: line 4 line 5 line 6 line 7 line 8" in said
    assert "line 3" not in said


@pytest.mark.parametrize("isolation", [(), ("--isolate",)], ids=["in-process", "isolated"])
def test_a_warning_is_shown_at_the_line_of_the_source(classroom, isolation):
    classroom.edit("src/01_numbers.py", ADD, "import warnings; warnings.warn('odd'); " + ADD)
    said = classroom.says("--checkpoint", "00", *isolation)
    assert f"src/01_numbers.py:{line_of(classroom, 'odd')}: UserWarning: odd" in said
    assert "core/numbers.py" not in said


def test_quiet_runs_show_less(classroom):
    classroom.edit("src/01_numbers.py", ADD, "return a - b")
    normal, quiet, quieter = (
        classroom.says("--checkpoint", "00", *options) for options in ((), ("-q",), ("-qq",))
    )
    assert len(normal) > len(quiet) > len(quieter)
    assert "Can I add?" in normal and "Can I add?" not in quiet
    assert "computed by add" in quiet and "computed by add" not in quieter
    for said in (normal, quiet, quieter):
        assert "not achieved" in said and "Next: fix" in said
        assert "Traceback" not in said and "fixtures/comparison.py" not in said


def test_a_repeated_test_is_shown_once(every_way):
    pytest.importorskip("pytest_rerunfailures")
    flaky = "_tries.append(1)\n    if len(_tries) == 1:\n        raise ValueError('first')\n    "
    every_way.edit("src/01_numbers.py", "def add(", "_tries = []\n\n\ndef add(")
    every_way.edit("src/01_numbers.py", ADD, flaky + ADD)
    said = every_way.says("--checkpoint", "00", "--reruns", "2")
    assert said.count("FAIL Adds two numbers (passed at the 2nd try)") == 2  # its line, its cause
    assert "FAIL" in said and "ValueError: first" in said and "not achieved" in said


def test_a_test_that_fails_at_each_try_is_shown_once(classroom):
    pytest.importorskip("pytest_rerunfailures")
    classroom.edit("src/01_numbers.py", ADD, "return a - b")
    result = classroom.checkpoint("00", "--reruns", "2")
    shown = [line for line in result.outlines if line.startswith("  FAIL") and "try" not in line]
    assert len(shown) == len(set(shown))
    assert any("(failed 3 times)" in line for line in shown)


def test_a_cell_without_export_fails_the_inline_tests(classroom):
    classroom.edit("src/01_numbers.py", "#| export\ndef double", "def double")
    result = classroom.run("--module", "01")
    assert result.ret == 1
    said = " ".join(" ".join(result.outlines).split())
    assert "written in src/01_numbers.py:" in said and "cell has no `#| export`" in said
    assert "Next: fix src/01_numbers.py:" in said


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_a_source_that_cannot_be_imported_is_shown_with_its_line(classroom, way):
    classroom.way = way
    classroom.edit("src/01_numbers.py", ADD, ADD + ")")
    result = classroom.run("--module", "01")
    assert result.ret == 1
    said = " ".join(" ".join(result.outlines).split())
    line = line_of(classroom, ADD)
    assert f"src/01_numbers.py:{line} does not compile: unmatched ')'" in said
    assert f"Next: fix src/01_numbers.py:{line}, then run: pytest --module 01" in said
    assert "Interrupted" not in said and "hint:" not in said


def test_a_notebook_that_was_edited_instead_of_the_source(classroom):
    jupytext = pytest.importorskip("jupytext")
    source = classroom.root / "src/01_numbers.py"
    notebook = jupytext.read(source)
    copy = source.with_suffix(".ipynb")
    jupytext.write(notebook, copy)
    os.utime(copy, (source.stat().st_atime, source.stat().st_mtime + 10))
    assert "ipynb" not in classroom.says("--checkpoint", "00")  # the same code
    for cell in notebook.cells:
        cell.source = cell.source.replace(ADD, "return a - b")
    jupytext.write(notebook, copy)
    os.utime(copy, (source.stat().st_atime, source.stat().st_mtime + 10))
    said = classroom.says("--checkpoint", "00")
    assert "src/01_numbers.ipynb was edited after 01_numbers.py" in said
    assert "jupytext --to py:percent src/01_numbers.ipynb" in said


def test_a_script_says_that_another_source_changed_after_its_export(classroom):
    classroom.checkpoint("00")
    (classroom.root / "src/02_words.py").write_text("import mini\nmini.add(1, 1)\n")

    def errors():
        script = [sys.executable, "src/02_words.py"]
        environment = {**os.environ, "PYTHONPATH": str(classroom.root)}
        run = subprocess.run(
            script, cwd=classroom.root, env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        return run.stderr

    assert errors() == ""
    classroom.edit("src/01_numbers.py", ADD, "return b + a")
    assert errors() == (
        "src/01_numbers.py changed after its export, and this run uses the earlier version: run"
        " `tito export 01`\n"
    )
