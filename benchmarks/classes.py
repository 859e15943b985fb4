"""Classes to grade: many variations of module 02, and a small course that nbgrader can grade, too.

The small course is ten functions with a test each. A student hands in a notebook in which each test
is also a cell that nbgrader scores: the same file for both.
"""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
from course_copy import REPOSITORY, environment
from nbformat.v4 import new_code_cell, new_notebook
from process_tree import Ran, run_watched

from pytest_tinytorch.export.notebook import source_of_notebook


def grade(root: Path, submissions: Path, results: Path, *more: str) -> Ran:
    """`pytest --submissions` on two cores, as an instructor would start it; it grades everybody."""
    folders = [f"--submissions={submissions}", f"--results={results}"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", *folders, *more]
    ran = run_watched(command, root, environment(root), results.with_suffix(".log"))
    count = len(list(submissions.iterdir()))
    assert ran.code == 0, ran.output
    assert f"{count} students: {count} graded" in ran.output, ran.output
    return ran


# --- module 02 ------------------------------------------------------------------------------------

# What a student may have got wrong, in this order; every third one has.
_WRONG = (
    ("    return a - b\n", "    return a + b\n"),
    ("    return a**b\n", "    return a * b\n"),
    ("    return np.exp(a)\n", "    return a\n"),
    ("    return a @ b\n", "    return b @ a\n"),
)
_SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)


def hand_in_tensors(folder: Path, count: int) -> Path:
    """Submissions of module 02, no two alike; every third is wrong, every fifth has later stubs."""
    setup, tensor, activations = (
        (REPOSITORY / f"src_modules/{name}.py").read_text("utf-8")
        for name in ("01_setup", "02_tensor", "03_activations")
    )
    for number in range(count):
        student = folder / f"student-{number:04}"
        student.mkdir(parents=True)
        right, wrong = _WRONG[number // 3 % len(_WRONG)] if number % 3 == 2 else ("", "")
        text = tensor.replace(right, wrong, 1)
        (student / "01_setup.py").write_text(setup, "utf-8")
        (student / "02_tensor.py").write_text(f"# {student.name}\n{text}", "utf-8")
        if number % 5 == 4:
            stub = _SOLUTION.sub(r'\1raise NotImplementedError("later")', activations)
            (student / "03_activations.py").write_text(stub, "utf-8")
    return folder


# --- the small course -----------------------------------------------------------------------------

_COURSE = """
format = 1
[course]
id = "small"
title = "Small"
version = "1"
package = "small"
sources = "src"
import_first = ""
phases = ["All"]
points = 10

[limits]
seconds_per_call = 2
seconds_per_test = 2
seconds_per_checkpoint = 12
memory_mib = 1024
scratch_mib = 4
open_files = 64
processes = 48

[[module]]
name = "01_numbers"
needs = []
points = 10
written = true
exports = {"core.numbers" = [NAMES]}

[[checkpoint]]
id = "00"
name = "Numbers"
phase = "All"
module = "01_numbers"
question = "Can I compute?"
you_can = "compute"
points = 10
"""

# function -> (its parameters, what it returns, a call of it, what that should give)
_FUNCTIONS = {
    "relu": ("x", "np.maximum(x, 0)", "np.array([-1.0, 0.0, 2.0])", "[0.0, 0.0, 2.0]"),
    "leaky": ("x", "np.where(x > 0, x, 0.1 * x)", "np.array([-10.0, 2.0])", "[-1.0, 2.0]"),
    "sigmoid": ("x", "1 / (1 + np.exp(-x))", "np.array([0.0])", "[0.5]"),
    "softmax": ("x", "np.exp(x) / np.exp(x).sum()", "np.array([3.0, 3.0])", "[0.5, 0.5]"),
    "mean": ("x", "x.sum() / x.size", "np.array([1.0, 2.0, 6.0])", "3.0"),
    "variance": ("x", "((x - x.mean()) ** 2).mean()", "np.array([1.0, 3.0])", "1.0"),
    "centred": ("x", "x - x.mean()", "np.array([1.0, 3.0])", "[-1.0, 1.0]"),
    "one_hot": ("x, n", "np.eye(n)[x]", "np.array([2, 0]), 3", "[[0, 0, 1], [1, 0, 0]]"),
    "product": ("a, b", "a @ b", "np.eye(2), np.array([3.0, 4.0])", "[3.0, 4.0]"),
    "distance": ("a, b", "np.sqrt(((a - b) ** 2).sum())", "np.zeros(2), np.array([3, 4])", "5.0"),
}
POINTS = len(_FUNCTIONS)
MODULE = "01_numbers"


def small_course(root: Path) -> Path:
    names = ", ".join(f'"{name}"' for name in _FUNCTIONS)
    _write(root / "course.toml", _COURSE.replace("NAMES", names))
    _write(root / "conftest.py", '"""No fixtures of its own."""\n')
    _write(root / "checkpoints/checkpoint_00_numbers.py", _checkpoint())
    _write(root / f"src/{MODULE}.py", source_of_notebook(notebook())[0])
    tito = "from pytest_tinytorch.cli.main import main; main()"
    command = [sys.executable, "-c", tito, "manifest"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return root


def hand_in_notebooks(folder: Path, count: int) -> Path:
    for number in range(count):
        student = folder / f"student-{number:04}"
        student.mkdir(parents=True)
        (student / f"{MODULE}.ipynb").write_bytes(notebook(number))
    return folder


def notebook(number: int = 0) -> bytes:
    """What a student hands in: no two alike, and every third has one function wrong."""
    wrong = list(_FUNCTIONS)[number // 3 % POINTS] if number % 3 == 2 else ""
    functions = "\n".join(
        f"def {name}({parameters}):\n    return {code}{' - 1' if name == wrong else ''}\n"
        for name, (parameters, code, _, _) in _FUNCTIONS.items()
    )
    solution = f"#| default_exp core.numbers\n#| export\nimport numpy as np\n\n\n{functions}"
    cells = [_cell("functions", f"{solution}\n# student {number}", points=0)]
    for name, (_, _, given, expected) in _FUNCTIONS.items():
        call = f"{name}({given})"
        test = f"np.testing.assert_allclose({call}, {expected}, rtol=1e-5, atol=1e-6)"
        cells.append(_cell(f"test_{name}", test, points=1))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.writes(new_notebook(cells=cells, metadata={"kernelspec": kernel})).encode()


def points_due(number: int) -> int:
    return POINTS - (number % 3 == 2)


def _checkpoint() -> str:
    tests = [
        f"@pytest.mark.points(1)\n"
        f'@pytest.mark.hint("Look at {name}.")\n'
        f"def test_{name}(tt, check):\n"
        f'    """Computes {name}"""\n'
        f"    check.close(tt.{name}({given}), {expected})\n"
        for name, (_, _, given, expected) in _FUNCTIONS.items()
    ]
    head = '"""Numbers."""\n\nimport numpy as np\nimport pytest\n'
    return "\n\n".join([head, 'pytestmark = pytest.mark.checkpoint("00")\n', *tests])


def _cell(name: str, text: str, points: int) -> nbformat.NotebookNode:
    """A code cell as nbgrader knows it: one with points is a test, and cannot be changed."""
    is_test = points > 0
    marks = {
        "schema_version": 3,
        "grade_id": name,
        "grade": is_test,
        "locked": is_test,
        "solution": not is_test,
        "task": False,
        **({"points": points} if is_test else {}),
    }
    return new_code_cell(text, id=name.replace("_", "-"), metadata={"nbgrader": marks})


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
