"""Each demo is a short program that can be read alone, and a test that leaves tinytorch to it.

Every module unlocks a milestone or a demo, or its checkpoint ends with a measured number.
"""

import ast
import re
from pathlib import Path

import pytest
from test_milestone_folders import COURSE, mistakes_of_test, program_mistakes

from pytest_tinytorch.core.course import Course, Demo

ROOT = Path(__file__).parents[2]
LONGEST = 120  # lines of a program
DEMOS = pytest.mark.parametrize("demo", COURSE.demos, ids=lambda demo: demo.id)
NAMES = ["math", "logic", "neuron", "network", "vision", "attention", "training", "language"]


def test_there_are_eight_and_all_are_written():
    assert [demo.id for demo in COURSE.demos] == NAMES
    assert all(COURSE.is_written(demo) for demo in COURSE.demos)


@DEMOS
def test_its_program_stands_alone(demo):
    text = (ROOT / demo.program).read_text("utf-8")
    assert program_mistakes(text, demo.folder, LONGEST) == []


@DEMOS
def test_its_test_never_imports_tinytorch(demo):
    text = (ROOT / demo.file).read_text("utf-8")
    assert mistakes_of_test(text, demo.id, "demo") == []
    assert "points(" not in text  # a demo has none


@DEMOS
def test_its_program_names_the_modules_that_it_needs(demo):
    text = ast.get_docstring(ast.parse((ROOT / demo.program).read_text("utf-8"))) or ""
    assert named_modules(" ".join(text.split())) == {name[:2] for name in demo.needs}


@pytest.mark.parametrize("milestone", COURSE.milestones, ids=lambda milestone: milestone.id)
def test_the_demo_of_a_milestone_needs_no_other_module(milestone):
    """So whoever may run the milestone may run its demo, too."""
    [demo] = [demo for demo in COURSE.demos if demo.id == milestone.demo]
    assert set(demo.needs) <= set(milestone.needs)


def named_modules(text: str) -> set[str]:
    """`modules 02-04, 09 and 16.` -> the ids."""
    found = re.search(r"that you wrote: modules? ([-0-9, and]+)\.", text)
    parts = re.findall(r"\d\d(?:-\d\d)?", found[1]) if found else []
    ends = [(int(part[:2]), int(part[-2:])) for part in parts]
    return {f"{number:02}" for first, last in ends for number in range(first, last + 1)}


def test_ranges_of_modules_are_read():
    assert named_modules("that you wrote: modules 02-04, 09 and 16.") == {
        *("02", "03", "04", "09", "16")
    }
    assert named_modules("that you wrote: module 02.") == {"02"}


def wins(course: Course, module: str) -> list[str]:
    """What a student gets when a module is done: what it unlocks, or a measured number."""
    programs = [p for p in course.programs if sorted(p.needs)[-1] == module]
    found = [p.id for p in programs]
    checkpoint = course.checkpoint_of(course.module_by_name[module])
    text = (course.root / checkpoint.file).read_text("utf-8")
    return found + ["a number"] * bool(measuring(ast.parse(text)))


def measuring(tree: ast.AST) -> list[str]:
    """The tests that report a measured result."""
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [
        node.name
        for node in tests
        if node.name.startswith("test_") and "measured" in {arg.arg for arg in node.args.args}
    ]


@pytest.mark.parametrize("module", [module.name for module in COURSE.modules[1:]])
def test_each_module_from_the_second_on_ends_with_a_small_win(module):
    assert wins(COURSE, module)


def test_a_module_without_a_small_win_is_found():
    assert [p.id for p in COURSE.programs if sorted(p.needs)[-1] == "09_autograd"] == ["training"]
    assert measuring(ast.parse("def test_a(tt, measured): ...\ndef help(measured): ...")) == [
        "test_a"
    ]
    assert measuring(ast.parse("def test_a(tt): ...")) == []


def test_a_demo_has_no_points():
    assert {(demo.points, demo.group.has_points) for demo in COURSE.demos} == {(0, False)}
    assert not any(isinstance(collection, Demo) for collection in COURSE.collections)
