"""Reading with limits: what it does not survive costs that source alone, and the next is read."""

import sys

import pytest

from pytest_tinytorch.core import alarm
from pytest_tinytorch.export.notebook import NotebookRefused
from pytest_tinytorch.export.outline import functions
from pytest_tinytorch.export.render import code_digest, rendered
from pytest_tinytorch.isolation import bounded
from pytest_tinytorch.isolation.bounded import Bounded

SOURCE = "# %%\n#| export\ndef f(x):\n    return x\n\n# %%\n#| exprot\ny = 1\n"
GAVE_UP = "takes too much time or memory to read; make it smaller and simpler"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processor time is limited on Linux")

# Whatever Python accepts: each of these raised something once, or might.
ACCEPTED = {
    "a number of 4,816 digits": "x = 0x" + "f" * 4000,
    "a sum of 950 terms": "x = 0\nx" + "+x" * 950,
    "a sum of 2,500 terms": "x = 0\nx" + "+x" * 2500,
    "a call of a call": "f = lambda: f\nf" + "()" * 900,
    "attributes": "x" + ".x" * 900,
    "brackets": "x = " + "[" * 90 + "]" * 90,
    "not not": "x = " + "not " * 900 + "1",
    "an elif of 900": "if 1: pass\n" + "elif 1: pass\n" * 900,
    "blocks": "".join(" " * n + "if 1:\n" for n in range(90)) + " " * 90 + "pass",
    "half a character": "x = '\\ud800'",
    "complex": "x = 1e400j, -0.0, ..., b'\\xff', None, True, 1_0, '\\N{BULLET}', f'{1!r:>{2}}'",
    "a form feed": "x = 1\n\x0c\ny = 2",
    "types": "def f[T](x: T) -> T: return x" if sys.version_info >= (3, 12) else "x = 1",
    "nothing": "",
}


@pytest.mark.parametrize("code", ACCEPTED.values(), ids=ACCEPTED)
def test_what_python_accepts_is_exported_and_has_a_digest(code):
    compile(code, "a", "exec")
    made = rendered("src/01_a.py", ("core.a",), f"#| export\n{code}\n")
    assert made.error is None and code_digest(code) != code_digest(f"{code}\nz = 1")
    if code.strip():  # in the process with limits, the same comes out
        again = Bounded().render("src/01_a.py", ("core.a",), f"#| export\n{code}\n")
        assert (again.texts, again.error) == (made.texts, None)


def test_a_digest_is_the_same_for_what_is_too_deep_for_a_tree(monkeypatch):
    def no_tree(text):
        raise RecursionError

    monkeypatch.setattr("pytest_tinytorch.export.render.ast.parse", no_tree)
    assert code_digest("x = 1") == code_digest("x = 1") != code_digest("x = 2")


def test_everything_crosses():
    for text in (SOURCE, "x = (\n", "# %%\n#| export\nx = '\udcff'\n"):
        made = Bounded().render("src/01_a.py", ("core.a",), text)
        here = rendered("src/01_a.py", ("core.a",), text)
        assert (made.texts, made.remarks) == (here.texts, here.remarks)
        assert vars(made.error or object) == vars(here.error or object)
    assert Bounded().functions(SOURCE) == functions(SOURCE) == ((3, 4, "f"),)
    cell = b'{"cells": [{"cell_type": "code", "source": "#| export\\n%a\\nx = 1"}]}'
    source, notes = Bounded().notebook(cell)
    assert "x = 1" in source and len(notes) == 1
    with pytest.raises(NotebookRefused, match="it has no list of cells"):
        Bounded().notebook(b"{}")


@LINUX
def test_a_source_that_takes_too_much_memory_costs_itself_alone():
    # One expression with 200,000 parts: a tree of them takes more than the limit.
    reader = Bounded()
    made = reader.render("src/01_a.py", ("core.a",), "x = [" + "1, " * 2**18 + "]\n")
    assert made.error is not None and "memory" in made.error.message
    assert made.error.message in made.texts["core.a"]
    assert reader.render("src/02_b.py", ("core.b",), SOURCE).error is None
    assert Bounded().render("src/01_a.py", ("core.a",), SOURCE).error is None


@LINUX
def test_a_submission_has_so_much_time_and_no_more():
    reader = Bounded(seconds=0.02)
    many = "x = 1\n" * 20_000
    assert reader.render("src/01_a.py", ("core.a",), many).error.message == GAVE_UP
    after = reader.render("src/02_b.py", ("core.b",), SOURCE)
    wanted = "was not read: other files of the submission took all its time"
    assert after.error.message == wanted and after.texts["core.b"].count(wanted) == 1
    assert reader.functions(SOURCE) == ()
    with pytest.raises(NotebookRefused, match=wanted):
        reader.notebook(b"{}")
    assert Bounded().render("src/02_b.py", ("core.b",), SOURCE).error is None


class Over(BaseException):
    """What an alarm raises."""


@pytest.mark.skipif(not alarm.can_ring(), reason="has no such signal")
@pytest.mark.parametrize("seconds", [0.0001, 0.003, 0.01, 0.1])
def test_an_answer_that_nobody_waited_for_reaches_no_other_submission(seconds):
    assert Bounded().functions(SOURCE)
    asked = bounded._reader._process
    long = "x = 1\n" * 150_000  # takes a second or more
    with pytest.raises(Over), alarm.alarm(seconds, Over):
        for _ in range(100):
            Bounded().render("src/01_a.py", ("core.a",), long)
    if seconds > 0.05:  # an alarm before that may ring before the process was asked
        assert bounded._reader._process is not asked and asked.poll() is not None
    assert Bounded().functions(SOURCE) == functions(SOURCE)


def test_a_process_that_ended_is_started_again():
    assert Bounded().functions(SOURCE)
    bounded._reader._process.kill()
    bounded._reader._process.wait()
    assert Bounded().functions(SOURCE)


def test_what_the_readers_raise_is_the_sources_own_error(monkeypatch):
    monkeypatch.setitem(bounded._CALLS, "render", lambda: 1 / 0)
    answer = bounded._answer({"call": "render", "arguments": []})
    assert answer == {"failed": "ZeroDivisionError: division by zero"}

    class Answers:
        def ask(self, *request):
            return {**answer, "ends": False}, 0.0

    monkeypatch.setattr(bounded, "_reader", Answers())
    made = Bounded().render("src/01_a.py", ("core.a",), SOURCE)
    assert made.error.message == "cannot be read (ZeroDivisionError: division by zero)"


def test_an_exporter_that_raises_fails_the_tests_of_that_source(monkeypatch):
    def fails(*_):
        raise OverflowError("too wide")

    monkeypatch.setattr("pytest_tinytorch.export.render.exported_cells", fails)
    made = rendered("src/01_a.py", ("core.a",), "never seen before")
    assert made.error.message == "cannot be exported (OverflowError: too wide)"
