"""Each public function, replaced by a stub, makes a test of its checkpoint fail."""

from pathlib import Path

import pytest
from mutations import Public, public_functions, stubbed
from test_zeros import EXCEPTIONS as ZEROS

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.records import Reason

COURSE = load_course(Path(__file__).parents[2])

# What is to be left as a stub: its subclasses have it. What is given has tests elsewhere.
EXCEPTIONS = {"04_layers-Module.forward"}
EXCEPTIONS |= {name for name, reason in ZEROS.items() if reason.startswith("given")}
PUBLIC = [public for public in public_functions(COURSE) if str(public) not in EXCEPTIONS]
# Of those whose zeros fail (see test_zeros), it is enough to look at one of a module each day.
FIRST = {public.module: public for public in reversed(PUBLIC)}.values()
ROWS = [
    pytest.param(p, id=str(p), marks=[] if p in FIRST or str(p) in ZEROS else pytest.mark.slow)
    for p in PUBLIC
]


@pytest.mark.parametrize("public", ROWS)
def test_a_stub_fails_its_checkpoint(quick_laboratory, public: Public):
    source = COURSE.source_file(COURSE.module_by_name[public.module]).read_text("utf-8")
    record = quick_laboratory.grade(public.module, stubbed(source, public.name), "-x")
    failed = [test for test in record.tests if not test.passed]
    assert failed, f"{public} can be left unwritten, and every test passes"
    assert Reason.HARNESS not in {test.reason for test in failed}
    told = [test for test in failed if test.reason is Reason.NOT_WRITTEN]
    assert told or public.name == "primitive", f"{public}: {failed[0].message}"
