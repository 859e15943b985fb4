"""A small course of its own: two written modules, one planned, six tests; a milestone if wanted."""

import json
from pathlib import Path

COURSE = """
format = 1
[course]
id = "mini"
title = "Mini"
version = "1"
package = "mini"
sources = "src"
import_first = ""
phases = ["First", "Second"]
points = 16

[limits]
seconds_per_call = 3
seconds_per_test = 5
seconds_per_checkpoint = 20
memory_mib = 1024
scratch_mib = 8
open_files = 64
processes = 32
[[module]]
name = "01_numbers"
needs = []
points = 5
written = true
exports = {"core.numbers" = ["add", "double", "mean"]}
[[module]]
name = "02_words"
needs = ["01_numbers"]
points = 5
written = true
exports = {"core.words" = ["shout"]}
[[module]]
name = "03_later"
needs = ["01_numbers"]
points = 5
written = false
exports = {"core.later" = ["later"]}
[[checkpoint]]
id = "00"
name = "Numbers"
phase = "First"
module = "01_numbers"
question = "Can I add?"
you_can = "add numbers"
points = 7
[[checkpoint]]
id = "01"
name = "Words"
phase = "Second"
module = "02_words"
question = "Can I shout?"
you_can = "shout"
points = 4
[[checkpoint]]
id = "02"
name = "Later"
phase = "Second"
module = "03_later"
question = "Can I wait?"
you_can = "wait"
points = 5
"""

NUMBERS = '''# %% [markdown]
"""
# Numbers
"""

# %%
#| default_exp core.numbers
#| export
def add(a, b):
    """a + b"""
    return a + b


# %%
#| export
def double(a):
    """2a, by addition"""
    return add(a, a)


def mean(values):
    """The mean of a list"""
    total = 0.0
    for value in values:
        total = add(total, value)
    return total / len(values)


# %%
def test_add():
    assert add(1, 2) == 3
'''

WORDS = '''# %%
#| default_exp core.words
#| export
from mini.core.numbers import double


def shout(word):
    """The word twice, loudly"""
    return double(word).upper()
'''

CHECKPOINT_00 = '''"""Numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("00")


@pytest.mark.points(2)
@pytest.mark.hint("Look at the operator.")
def test_add(tt, check):
    """Adds two numbers"""
    check.equal(tt.add(2, 3), 5)


@pytest.mark.points(1)
@pytest.mark.hint("double calls add.")
@pytest.mark.depends(on="test_add")
def test_double(tt, check):
    """Doubles a number"""
    check.equal(
        tt.double(3),
        6,
    )


@pytest.fixture(scope="module")
def rng_of_mine():
    return object()


@pytest.mark.points(2)
@pytest.mark.hint("Divide by the length.")
@given(values=st.lists(st.integers(-9, 9), min_size=1, max_size=4))
def test_mean(tt, check, scaling, rng_of_mine, values):
    """Takes the mean of any list"""
    check.close(tt.mean(values), sum(values) / len(values))


@pytest.mark.points(1)
@pytest.mark.hint("No hint.")
@pytest.mark.parametrize("a, b", [(1, 2), (0, 0)], ids=["small", "zero"])
def test_pairs(tt, check, a, b):
    """Adds pairs"""
    result = tt.add(a, b)
    check.equal(result, a + b)
'''

CHECKPOINT_01 = '''"""Words."""

import pytest

pytestmark = pytest.mark.checkpoint("01")


@pytest.mark.points(4)
@pytest.mark.hint("upper() is a method.")
def test_shout(tt, check):
    """Shouts"""
    check.equal(tt.shout("ab"), "ABAB")
'''


MILESTONE = """
[[milestone]]
id = "greeting"
name = "A machine that greets"
ladder = "talking"
needs = ["01_numbers", "02_words"]
claim = "It greets as often as it is asked to"
you_can = "greet anybody"
points = 3
written = true
limits = {seconds_per_test = 4}
"""

TEST_GREETING = '''"""A machine that greets."""

import pytest

pytestmark = pytest.mark.milestone("greeting")


@pytest.mark.points(2)
@pytest.mark.hint("Run it with one word.")
def test_greets(tt, check):
    """Greets loudly"""
    check.equal(tt.shout("hi"), "HIHI")


@pytest.mark.points(1)
@pytest.mark.hint("How often is it asked to?")
@pytest.mark.parametrize("times", [2], ids=["twice"])
def test_counts(tt, check, measured, times):
    """Greets twice"""
    greeting = tt.shout("a" * tt.add(times, 0))
    measured(f"{len(greeting)} letters")
    check.equal(greeting, "AAAA")
'''


def make_course_with_milestone(root: Path) -> Path:
    """The course with a milestone, whose manifest `tito manifest` has to write."""
    make_course(root)
    text = COURSE.replace("points = 16", 'ladders = ["talking"]\npoints = 19') + MILESTONE
    (root / "course.toml").write_text(text)
    folder = root / "milestones/greeting"
    folder.mkdir(parents=True)
    (folder / "test_greeting.py").write_text(TEST_GREETING)
    (folder / "program.py").write_text("import mini\n\nprint(mini.shout('hello'))\n")
    return root


WAVE = """
[[milestone]]
id = "wave"
name = "It waves!"
ladder = "moving"
year = 1986
needs = ["01_numbers"]
claim = "It waves twice"
you_can = "wave"
points = 2
written = true
"""

TEST_WAVE = '''"""It waves."""

import pytest

pytestmark = pytest.mark.milestone("wave")


@pytest.mark.points(2)
@pytest.mark.hint("Add one and one.")
def test_waves(tt, check, measured):
    """Waves twice"""
    waves = tt.add(1, 1)
    measured(f"{waves} waves")
    check.equal(waves, 2)
'''


def add_wave(root: Path) -> Path:
    """What a new milestone takes: an entry in course.toml (with the sum of points) and a folder."""
    path = root / "course.toml"
    text = path.read_text().replace("points = 19", "points = 21")
    path.write_text(text.replace('["talking"]', '["talking", "moving"]') + WAVE)
    folder = root / "milestones/wave"
    folder.mkdir(parents=True)
    (folder / "test_wave.py").write_text(TEST_WAVE)
    (folder / "program.py").write_text("import mini\n\nprint('wave ' * mini.add(1, 1))\n")
    return root


DEMO = """
[[demo]]
id = "sum"
name = "A sum"
needs = ["01_numbers"]
shows = "One and one are two"
written = true

[[demo]]
id = "echo"
name = "An echo"
needs = ["01_numbers", "02_words"]
shows = "What is called comes back twice"
written = true
"""

TEST_OF_DEMO = '''"""A demo."""

import pytest

pytestmark = pytest.mark.demo("{id}")


@pytest.mark.hint("Look at it by hand.")
def test_shows(check, run_program):
    """Shows it"""
    check.equal(run_program("program.py"), {expected!r})
'''

PROGRAM_OF_DEMO = """import sys

import mini


def main(_):
    return {value}


if __name__ == "__main__":
    print(main(mini), *sys.argv[1:])
"""


def add_demos(root: Path) -> Path:
    """Two demos: entries in course.toml and folders. The manifest stays as it is."""
    with (root / "course.toml").open("a") as file:
        file.write(DEMO)
    for name, value, expected in (
        ("sum", "mini.add(1, 1)", 2),
        ("echo", "mini.shout('hey')", "HEYHEY"),
    ):
        folder = root / "demos" / name
        folder.mkdir(parents=True)
        (folder / f"test_{name}.py").write_text(TEST_OF_DEMO.format(id=name, expected=expected))
        (folder / "program.py").write_text(PROGRAM_OF_DEMO.format(value=value))
    return root


def make_course(root: Path) -> Path:
    """Lay the course out in a folder."""
    files = {
        "course.toml": COURSE,
        "src/01_numbers.py": NUMBERS,
        "src/02_words.py": WORDS,
        "checkpoints/checkpoint_00_numbers.py": CHECKPOINT_00,
        "checkpoints/checkpoint_01_words.py": CHECKPOINT_01,
        "pytest.ini": "[pytest]\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write_manifest(root)
    return root


def write_manifest(root: Path) -> None:
    """What `tito manifest` writes for this course, without the cost of a process."""
    tests = {
        "00": {
            "00/test_add": 2,
            "00/test_double": 1,
            "00/test_mean": 2,
            "00/test_pairs[small]": 1,
            "00/test_pairs[zero]": 1,
        },
        "01": {"01/test_shout": 4},
    }
    manifest = {"format": 1, "tests": tests, "files": {}}
    (root / "checkpoints/manifest.json").write_text(json.dumps(manifest))


def renew_manifest(root: Path) -> None:
    """What `tito manifest` writes for the course as it is now, by collecting its tests."""
    from pytest_tinytorch.cli.inventory import take_inventory
    from pytest_tinytorch.core.course import load_course

    (root / "checkpoints/manifest.json").write_text(take_inventory(load_course(root)).to_text())
