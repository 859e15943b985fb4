"""Each milestone is a program that can be read alone, and a test that leaves tinytorch to it."""

import ast
import sys
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import load_course

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
WRITTEN = [milestone for milestone in COURSE.milestones if COURSE.is_written(milestone)]
LONGEST = 150  # lines of a program
OF_THE_COURSE = {path.stem for folder in ("data", "demos") for path in (ROOT / folder).glob("*.py")}
OF_THE_TEST = {"numpy", "pytest", *sys.stdlib_module_names}


def imported(text: str) -> set[str]:
    """The packages that a file imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(text)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def program_mistakes(text: str, folder: str, longest: int = LONGEST) -> list[str]:
    """Where a program cannot be read or run alone, or rests on more than tinytorch and NumPy."""
    tree, lines = ast.parse(text), len(text.splitlines())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    others = imported(text) - {"numpy", COURSE.package, *OF_THE_COURSE, *sys.stdlib_module_names}
    command = f"python {folder}/program.py"
    wrong = [f"{lines} lines"] if lines > longest else []
    wrong += [f"imports {name}" for name in sorted(others)]
    wrong += [] if command in (ast.get_docstring(tree) or "") else [f"does not say {command}"]
    wrong += [f"has no function {name}" for name in ("main", "run") if name not in functions]
    return wrong


def mistakes_of_test(text: str, identifier: str, kind: str = "milestone") -> list[str]:
    """Where the test of a milestone or demo is not one, or imports student code."""
    mark = f'pytestmark = pytest.mark.{kind}("{identifier}")'
    wrong = [] if mark in text.splitlines() else [f"no line {mark}"]
    return wrong + [f"imports {name}" for name in sorted(imported(text) - OF_THE_TEST)]


@pytest.mark.parametrize("milestone", WRITTEN, ids=lambda m: m.id)
def test_its_program_stands_alone(milestone):
    text = (ROOT / milestone.folder / "program.py").read_text("utf-8")
    assert program_mistakes(text, milestone.folder) == []


@pytest.mark.parametrize("milestone", WRITTEN, ids=lambda m: m.id)
def test_its_test_never_imports_tinytorch(milestone):
    assert mistakes_of_test((ROOT / milestone.file).read_text("utf-8"), milestone.id) == []


def test_mistakes_are_found():
    good = '"""python milestones/x/program.py"""\ndef main(): pass\ndef run(): pass\n'
    assert program_mistakes(good, "milestones/x") == []
    assert program_mistakes(good + "\n" * 148, "milestones/x") == ["151 lines"]
    assert program_mistakes(good + "import torch.nn\n", "milestones/x") == ["imports torch"]
    assert program_mistakes(good, "milestones/y") == ["does not say python milestones/y/program.py"]
    assert program_mistakes(good[:-17], "milestones/x") == ["has no function run"]
    test = 'import numpy\npytestmark = pytest.mark.milestone("x")\n'
    assert mistakes_of_test(test, "x") == []
    assert mistakes_of_test(test, "y") == ['no line pytestmark = pytest.mark.milestone("y")']
    inside = test + "def f():\n    from tinytorch.core import tensor\n"
    assert mistakes_of_test(inside, "x") == ["imports tinytorch"]
