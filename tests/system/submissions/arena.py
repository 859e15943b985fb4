"""A small course that is quick to grade, and the tree of a student who hands something in.

Checkpoint 00 is about module 01, which a submission gets wrong in every way; checkpoint 01 is about
module 02, which is right. So the honest score is 5 of 15, and whatever module 01 does to the
process that it runs in, the rest of the course is still graded.
"""

import hashlib
import json
from pathlib import Path

HONEST, FULL = 5.0, 15.0

COURSE = """
format = 1
[course]
id = "arena"
title = "Arena"
version = "1"
package = "net"
sources = "src"
import_first = ""
phases = ["All"]
points = 15

[limits]
seconds_per_call = 2
seconds_per_test = 2
seconds_per_checkpoint = 12
memory_mib = 512
scratch_mib = 4
open_files = 64
processes = 48

[[module]]
name = "01_ops"
needs = []
points = 5
written = true
exports = {"core.ops" = ["relu", "mean", "Box"]}

[[module]]
name = "02_more"
needs = []
points = 5
written = true
exports = {"core.more" = ["scale"]}

[[checkpoint]]
id = "00"
name = "Ops"
phase = "All"
module = "01_ops"
question = "Can I bend numbers?"
you_can = "bend numbers"
points = 10

[[checkpoint]]
id = "01"
name = "More"
phase = "All"
module = "02_more"
question = "Can I scale?"
you_can = "scale"
points = 5
"""

CHECKPOINT_00 = '''"""Operations on arrays, and a box of numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("00")


@pytest.mark.points(2)
@pytest.mark.hint("np.maximum.")
def test_relu(tt, check):
    """Bends negative numbers to zero"""
    check.close(tt.relu(np.array([-1.0, 2.0])), [0, 2])


@pytest.mark.points(2)
@pytest.mark.hint("Any numbers, not only those of the test above.")
def test_relu_of_random_numbers(tt, check, rng):
    """Bends numbers that nobody knows before"""
    x = rng.standard_normal((3, 4))
    check.close(tt.relu(x), np.where(x > 0, x, 0))


@pytest.mark.points(3)
@pytest.mark.hint("A new Box of the sums.")
def test_box(tt, check):
    """Adds to a box, sums it, and compares it element by element"""
    box = tt.Box([1, 2, 3])
    check.close(box + 1, [2, 3, 4])
    check.equal(sum(float(value) for value in box.values), 6.0)
    check.equal(box.total(), 6.0)
    check.equal(box == tt.Box([1, 0, 3]), np.array([True, False, True]))
    check.shape(box.values, (3,))


@pytest.mark.points(2)
@pytest.mark.hint("The sum by the number.")
@given(values=st.lists(st.integers(-9, 9), min_size=1, max_size=4))
def test_mean(tt, check, values):
    """Takes the mean of any numbers"""
    check.close(tt.mean(values), sum(values) / len(values))


@pytest.mark.points(1)
@pytest.mark.hint("raise ValueError.")
def test_mean_of_nothing(tt, check):
    """Refuses the mean of nothing"""
    with check.raises(ValueError, mentions=("empty",)):
        tt.mean([])
'''

CHECKPOINT_01 = '''"""Scaling."""

import numpy as np
import pytest

pytestmark = pytest.mark.checkpoint("01")


@pytest.mark.points(3)
@pytest.mark.hint("Multiply.")
def test_scale(tt, check):
    """Scales numbers"""
    check.close(tt.scale(np.array([1.0, -2.0]), 3), [3, -6])


@pytest.mark.points(2)
@pytest.mark.hint("Multiply.")
def test_scale_by_zero(tt, check):
    """Scales to nothing"""
    check.close(tt.scale(np.array([1.0, -2.0]), 0), [0, 0])
'''

HIDDEN_00 = '''"""What only the instructor knows."""

import numpy as np
import pytest

pytestmark = pytest.mark.checkpoint("00")


@pytest.mark.points(4)
@pytest.mark.hint("SECRET-HINT")
def test_secret_numbers(tt, check):
    """SECRET-TITLE"""
    check.close(tt.relu(np.array([-31337.0, 271828.0])), [0, 271828.0])
'''

RIGHT = """
import numpy as np


def relu(x):
    return np.maximum(x, 0)


def mean(values):
    if len(values) == 0:
        raise ValueError("the mean of an empty list")
    return sum(values) / len(values)


class Box:
    def __init__(self, values):
        self.values = np.asarray(values)

    def __add__(self, other):
        return Box(self.values + other)

    def __eq__(self, other):
        return Box(self.values == other.values)

    def __array__(self, dtype=None, copy=None):
        return self.values

    def total(self):
        return float(self.values.sum())
"""

# Wrong in every test of checkpoint 00.
WRONG = """
import numpy as np


def relu(x):
    return np.asarray(x) - 1


def mean(values):
    return 1e9


class Box:
    def __init__(self, values):
        self.values = values

    def __add__(self, other):
        return self

    def __eq__(self, other):
        return self

    def __array__(self, dtype=None, copy=None):
        return np.zeros(3)

    def total(self):
        return -1.0
"""

MORE = """
def scale(x, factor):
    return x * factor
"""


def source(target: str, code: str) -> str:
    return f"# %%\n#| default_exp {target}\n#| export\n{code}"


def make_arena(root: Path, ops: str = RIGHT, more: str = MORE) -> Path:
    """Lay out the course with these two modules."""
    files = {
        "course.toml": COURSE,
        "conftest.py": '"""No fixtures of its own."""\n',
        "checkpoints/checkpoint_00_ops.py": CHECKPOINT_00,
        "checkpoints/checkpoint_01_more.py": CHECKPOINT_01,
        "src/01_ops.py": source("core.ops", ops),
        "src/02_more.py": source("core.more", more),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    points = {
        "00": {
            "00/test_box": 3,
            "00/test_mean": 2,
            "00/test_mean_of_nothing": 1,
            "00/test_relu": 2,
            "00/test_relu_of_random_numbers": 2,
        },
        "01": {"01/test_scale": 3, "01/test_scale_by_zero": 2},
    }
    own = [name for name in files if not name.startswith("src/")]
    hashes = {name: hashlib.sha256(files[name].encode()).hexdigest() for name in own}
    manifest = {"format": 1, "tests": points, "files": hashes}
    (root / "checkpoints/manifest.json").write_text(json.dumps(manifest), "utf-8")
    return root


def make_hidden(folder: Path) -> Path:
    """An instructor's hidden test, with its manifest."""
    folder.mkdir(parents=True)
    (folder / "checkpoint_00_secrets.py").write_text(HIDDEN_00, "utf-8")
    tests = {"hidden 00": {"hidden 00/test_secret_numbers": 4}}
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "tests": tests}), "utf-8")
    return folder
