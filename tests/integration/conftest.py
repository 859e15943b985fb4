"""A small course of its own, in which a student's pytest runs in a process of its own."""

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from forkserver import ForkServer

COURSE = """
format = 1
[course]
id = "mini"
title = "Mini"
package = "mini"
sources = "src"
import_first = ""
phases = ["First", "Second"]
points = 16
seconds_per_test = 5
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


@pytest.mark.points(2)
@pytest.mark.hint("Divide by the length.")
@given(values=st.lists(st.integers(-9, 9), min_size=1, max_size=4))
def test_mean(tt, check, values):
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


@dataclass
class Classroom:
    """The course's folder, and a student who types commands in it."""

    pytester: pytest.Pytester
    server: ForkServer
    home: Path
    way: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return self.pytester.path

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.server.run(["-p", "no:cacheprovider", *arguments, *self.way], self.root)

    def checkpoint(self, ids: str = "00", *arguments: str) -> pytest.RunResult:
        return self.run("--checkpoint", ids, *arguments)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text that stands once in a file."""
        path = self.root / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def says(self, *arguments: str) -> str:
        """What a run prints, as one line: where a sentence wraps does not matter."""
        result = self.run(*arguments)
        return " ".join(" ".join([*result.outlines, *result.errlines]).split())

    def states(self) -> dict[str, str]:
        """Checkpoint -> its state, as `--progress=json` tells it."""
        result = self.server.run(["--progress=json"], self.root)
        assert result.ret == 0, result.outlines
        return {c["id"]: c["state"] for c in json.loads(result.stdout.str())["checkpoints"]}

    def record(self, ids: str, *arguments: str) -> dict:
        """The RunRecord that a run left in its JUnit XML."""
        self.checkpoint(ids, f"--junitxml={self.root / 'grade.xml'}", *arguments)
        properties = ET.parse(self.root / "grade.xml").getroot().findall(".//testsuite/properties/")
        return json.loads({p.get("name"): p.get("value") for p in properties}["record"])

    def tests(self, ids: str = "00") -> dict[str, dict]:
        return {test["id"]: test for test in self.record(ids)["tests"]}


@pytest.fixture
def classroom(pytester: pytest.Pytester, forkserver: ForkServer, own_progress: Path) -> Classroom:
    """The small course, ready to be worked in."""
    files = {
        "course.toml": COURSE,
        "src/01_numbers.py": NUMBERS,
        "src/02_words.py": WORDS,
        "checkpoints/checkpoint_00_numbers.py": CHECKPOINT_00,
        "checkpoints/checkpoint_01_words.py": CHECKPOINT_01,
        "pytest.ini": "[pytest]\n",
    }
    for name, text in files.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    room = Classroom(pytester, forkserver, own_progress)
    write_manifest(room.root)
    return room


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


@pytest.fixture(params=[(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])
def every_way(request: pytest.FixtureRequest, classroom: Classroom) -> Classroom:
    """The classroom, with commands run without xdist, with -n0 and with -n2."""
    classroom.way = request.param
    return classroom
