"""Each public function that promises a Tensor, made to hand out an array, makes a test fail."""

from pathlib import Path

import pytest
from mutations import Public, bared, promises_tensor, public_functions

from pytest_tinytorch.core.course import load_course

COURSE = load_course(Path(__file__).parents[2])

# These are given, and held by tests/unit/test_tensor_torch.py.
EXCEPTIONS = {f"02_tensor-Tensor.__i{name}__" for name in ("add", "sub", "mul", "truediv", "pow")}


def source_of(public: Public) -> str:
    return COURSE.source_file(COURSE.module_by_name[public.module]).read_text("utf-8")


PROMISED = [
    public
    for public in public_functions(COURSE)
    if promises_tensor(source_of(public), public.name) and str(public) not in EXCEPTIONS
]
# Of each module, one is enough to look at each day.
FIRST = {public.module: public for public in reversed(PROMISED)}.values()
ROWS = [
    pytest.param(public, id=str(public), marks=[] if public in FIRST else pytest.mark.slow)
    for public in PROMISED
]


@pytest.mark.parametrize("public", ROWS)
def test_an_array_for_a_tensor_fails_its_checkpoint(quick_laboratory, public: Public):
    source = bared(source_of(public), public.name)
    record = quick_laboratory.grade(public.module, source, "-x")
    failed = [test for test in record.tests if not test.passed]
    assert failed, f"{public} can give arrays, and every test passes"


def test_every_exception_is_about_a_function_that_is_there():
    assert {str(public) for public in public_functions(COURSE)} >= EXCEPTIONS
