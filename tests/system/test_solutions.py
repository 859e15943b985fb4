"""Wrong solutions are refused with words that help; unusual right ones are accepted."""

import importlib
from pathlib import Path

import pytest
from solutions import Unusual, Wrong, changed

from pytest_tinytorch.core.course import load_course

COURSE = load_course(Path(__file__).parents[2])


def table(kind):
    """One row for each solution of all files `solutions*.py`, with a readable id."""
    files = sorted(path.stem for path in Path(__file__).parent.glob("solutions*.py"))
    return [
        pytest.param(module, solution, id=f"{module}-{name.replace(' ', '-')}")
        for file in files
        for module, entries in getattr(importlib.import_module(file), kind).items()
        for name, solution in entries.items()
    ]


def reference(module):
    return COURSE.source_file(COURSE.module_by_name[module]).read_text("utf-8")


@pytest.mark.parametrize("module, wrong", table("WRONG"))
def test_wrong_solution_is_refused(laboratory, module: str, wrong: Wrong):
    source = changed(reference(module), (wrong.old, wrong.new))
    # The other tests would only take time.
    record = laboratory.grade(module, source, "-k", wrong.test, checkpoint=wrong.checkpoint)
    failed = {test.id.partition("/")[2]: test for test in record.tests if not test.passed}
    assert wrong.test in failed, f"failed instead: {sorted(failed)}"
    test = failed[wrong.test]
    assert wrong.says in test.message
    if wrong.at:
        assert wrong.at in [location.function for location in test.locations]


@pytest.mark.parametrize("module, unusual", table("UNUSUAL"))
def test_unusual_solution_is_accepted(laboratory, module: str, unusual: Unusual):
    record = laboratory.grade(module, changed(reference(module), *unusual.edits))
    assert [(test.id, test.message) for test in record.tests if not test.passed] == []


@pytest.mark.slow
@pytest.mark.parametrize("module, wrong", table("WRONG"))
def test_wrong_solution_is_refused_in_isolation(laboratory, module: str, wrong: Wrong):
    source = changed(reference(module), (wrong.old, wrong.new))
    arguments = ("--isolate", "-k", wrong.test)
    record = laboratory.grade(module, source, *arguments, checkpoint=wrong.checkpoint)
    failed = {test.id.partition("/")[2]: test for test in record.tests if not test.passed}
    assert wrong.test in failed, f"failed instead: {sorted(failed)}"
    # A comparison that gives a plain answer is refused before it can be compared, and what waits
    # for long in this process has a limit there.
    accepted = (wrong.says, "no reliable True", "the time limit of one call")
    assert any(text in failed[wrong.test].message for text in accepted)
    if wrong.at:
        assert wrong.at in [location.function for location in failed[wrong.test].locations]


@pytest.mark.slow
@pytest.mark.parametrize("module, unusual", table("UNUSUAL"))
def test_unusual_solution_is_accepted_in_isolation(laboratory, module: str, unusual: Unusual):
    record = laboratory.grade(module, changed(reference(module), *unusual.edits), "--isolate")
    assert [(test.id, test.message) for test in record.tests if not test.passed] == []


@pytest.mark.parametrize("module", [m.name for m in COURSE.modules if m.written])
def test_reference_solution_is_accepted(laboratory, module: str):
    record = laboratory.grade(module, reference(module))
    assert record.tests and [test.id for test in record.tests if not test.passed] == []
