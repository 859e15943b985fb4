"""`--isolate`: the same tests and the same words, with student code in another process."""

import json

import pytest
from mini_course import renew_manifest

from pytest_tinytorch.isolation.levels import missing

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))


def told(outcomes):
    """What a student reads of each test, without how long it took."""
    return {
        name: {key: test[key] for key in ("outcome", "reason", "message", "locations", "example")}
        for name, test in outcomes.items()
    }


def outcomes(classroom, *arguments):
    record = classroom.record("00", *arguments)
    return {test["id"]: test for test in record["tests"]}, record


BREAK = {
    "nothing": ("return a + b", "return a + b"),
    "wrong value": ("return a + b", "return a - b"),
    "wrong value further down": ("total / len(values)", "total / 2"),
    "exception": ("return a + b", "raise ValueError(f'no {a}')"),
    "wrong value beside a call at import": (
        'def add(a, b):\n    """a + b"""\n    return a + b',
        "def made():\n    return 1\n\n\nmade()\n\n\ndef add(a, b):\n    return a - b",
    ),
    "not written": ("    return a + b", "    raise NotImplementedError('add')"),
    "own exception": (
        'def add(a, b):\n    """a + b"""\n    return a + b',
        "class Odd(KeyError):\n    pass\n\n\ndef add(a, b):\n    raise Odd(a) from ValueError(b)",
    ),
    "does not compile": ("return a + b", "return a +"),
    "fails on import": ("def double(a):", "1 / 0\n\n\ndef double(a):"),
    "name missing": ("def mean(", "def meen("),
}


@pytest.mark.parametrize("change", BREAK.values(), ids=BREAK)
def test_a_failure_reads_the_same_in_isolation(classroom, change):
    classroom.edit("src/01_numbers.py", *change)
    here, _ = outcomes(classroom)
    there, record = outcomes(classroom, "--isolate=process")
    assert told(there) == told(here)
    assert record["isolation"] == "process"


def test_every_way(every_way):
    text = every_way.says("--checkpoint", "all", "--isolate")
    assert "6 passed" in text and "Isolation: " in text
    every_way.edit("src/01_numbers.py", "return a + b", "import os; os._exit(0)")
    text = every_way.says("--checkpoint", "all", "--isolate")
    assert "exit code 0" in text and "6 failed" in text
    assert every_way.states()["00"].startswith("failing")


def test_progress_is_made_in_isolation_too(classroom):
    assert classroom.run("--checkpoint", "00", "--isolate=process").ret == 0
    assert classroom.states()["00"] == "achieved"


def test_what_student_code_prints_is_shown_beside_a_failure(classroom):
    classroom.edit("src/01_numbers.py", "return a + b", "print('hello \\x1b[2J'); return 0")
    text = classroom.says("--checkpoint", "00", "--isolate=process", "-k", "test_add", "-v")
    assert "printed by your code" in text and "hello \\x1b[2J" in text


def test_a_warning_has_the_students_line(classroom):
    warns = "import warnings; warnings.warn('odd'); return a + b"
    classroom.edit("src/01_numbers.py", "return a + b", warns)
    for way in ((), ("--isolate=process",)):
        text = classroom.says("--checkpoint", "00", *way)
        assert "src/01_numbers.py:11: UserWarning: odd" in text and " 5 warnings in" in text


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--isolate=chroot",), "invalid choice: 'chroot'"),
        (("--isolate", "--module", "01"), "inline tests are student code themselves"),
        (
            ("--isolate=process", "--require-isolation=landlock"),
            "--require-isolation landlock: this machine reaches process (set by --isolate",
        ),
        (("--require-isolation", "none"), "passed"),
    ],
)
def test_levels_that_cannot_be(classroom, arguments, words):
    chosen = () if "--module" in arguments else ("--checkpoint", "00")
    assert words in classroom.says(*chosen, *arguments)


MANY = "import numpy as np\n    return np.zeros(2**22)"
ITERATES = """for _ in range(99):
        for number in tt.double(3):
            pass"""


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["here", "xdist"])
def test_time_that_a_test_takes_with_a_large_reply_counts(classroom, way):
    """The student's code is done at once, and the test would look at each number for minutes."""
    classroom.edit("course.toml", "seconds_per_test = 5", "seconds_per_test = 2")
    classroom.edit("src/01_numbers.py", "return add(a, a)", MANY)
    file = "checkpoints/checkpoint_00_numbers.py"
    classroom.edit(file, "check.equal(\n        tt.double(3),\n        6,\n    )", ITERATES)
    found, _ = outcomes(classroom, "--isolate=process", *way)
    test = found["00/test_double"]
    assert (test["outcome"], test["reason"]) == ("failed", "timeout")
    assert "2 s, the time limit of one test" in test["message"]  # in this call, or before the next
    assert test["seconds"] < 8
    assert found["00/test_mean"]["outcome"] == "passed"  # in the same process


def test_a_reply_is_no_larger_than_tests_need(classroom):
    classroom.edit("course.toml", "processes = 32", "processes = 32\nreply_mib = 31")
    classroom.edit("src/01_numbers.py", "return add(a, a)", MANY)
    found, _ = outcomes(classroom, "--isolate=process")
    words = "your code gave a value of 33554457 bytes, too large to send: the limit is"
    assert found["00/test_double"]["message"].startswith(words)


def test_requiring_isolation_without_asking_for_it(classroom):
    text = classroom.says("--checkpoint", "00", "--require-isolation=process")
    assert "passed" in text and "Isolation: " in text


def test_an_unreachable_level_is_one_line_and_an_error(classroom, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    result = classroom.run("--checkpoint", "00", "--isolate=bwrap")
    assert result.ret == 4
    lines = [line for line in [*result.outlines, *result.errlines] if "bubblewrap" in line]
    assert len(lines) == 1 and "is not installed (package `bubblewrap`)" in lines[0]


def test_a_program_of_the_course_gives_the_same_both_ways(classroom):
    (classroom.root / "checkpoints/programs").mkdir()
    (classroom.root / "checkpoints/programs/each.py").write_text(
        "from collections import defaultdict, namedtuple\n\n"
        "def main(mini, start, numbers):\n"
        "    class Loud(str):\n        def upper(self):\n            return 'LOUD'\n"
        "    class Box:\n        def __array__(self, dtype=None, copy=None):\n"
        "            return numbers\n"
        "    history = defaultdict(list, loss=[1.0])\n"
        "    kept = [namedtuple('Pair', 'a b')(Loud('x'), 2), history, Box()]\n"
        "    total, own = mini.add(start, numbers.sum()), Loud('x').upper()\n"
        "    return {'sum': total, 'own': own, 'kept': kept}\n"
    )
    path = classroom.root / "checkpoints/checkpoint_00_numbers.py"
    path.write_text(
        path.read_text() + "\n\n@pytest.mark.points(0)\ndef test_program(run_program, check):\n"
        "    import numpy as np\n"
        "    found = run_program('programs/each.py', start=1.5, numbers=np.arange(3.0))\n"
        "    check.equal(found['own'], 'LOUD')\n    check.close(found['sum'], 4.5)\n"
        "    check.equal(found['kept'][:2], [('x', 2), {'loss': [1.0]}])\n"
        "    check.equal(found['kept'][2], np.arange(3.0))\n"
    )
    renew_manifest(classroom.root)
    for way in ((), ("--isolate=process",)):
        found, _ = outcomes(classroom, *way)
        assert found["00/test_program"]["outcome"] == "passed", found["00/test_program"]["message"]
    (classroom.root / "checkpoints/programs/each.py").write_text(
        "def main(mini, start, numbers):\n    return [object()]\n"
    )
    for way in ((), ("--isolate=process",)):
        found, _ = outcomes(classroom, *way)
        assert found["00/test_program"]["reason"] == "wrong"
        assert (
            "each.py, which runs your code, returned an object of type object"
            in found["00/test_program"]["message"]
        )


def test_the_level_stands_in_the_results(classroom):
    record = json.loads(json.dumps(classroom.record("00", "--isolate=process")))
    assert record["isolation"] == "process"
    assert classroom.record("00")["isolation"] == "none"
