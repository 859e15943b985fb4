"""A module that is not written yet stops no earlier checkpoint, whatever there is of it."""

import re

import pytest
from test_whole_course import COURSE, MANIFEST, WRITTEN, failed

from pytest_tinytorch.isolation.levels import missing

_SOLUTION = re.compile(
    r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.DOTALL | re.MULTILINE
)


def stub(source: str) -> str:
    """What a student finds: each solution is still to be written."""
    return _SOLUTION.sub(r'\1raise NotImplementedError("write this")', source)


def syntax_error(source: str) -> str:
    """What a student left in the middle of a line."""
    return f"def f(:\n{source}"


LATER = {"stubs": stub, "syntax errors": syntax_error, "absent": None}
WAYS = {"in process": (), "isolated": ("--isolate=process",)}
# One of each kind is tried each day; module 09 is imported before all others, if it is there.
DAILY = {("stubs", "in process", "01"), ("stubs", "isolated", "03"),
         ("syntax errors", "in process", "02"), ("absent", "isolated", "01")}  # fmt: skip
ROWS = [
    pytest.param(
        kind, way, checkpoint, id=f"{kind}-{way}-{checkpoint.id}",
        marks=[] if (kind, way, checkpoint.id) in DAILY else pytest.mark.slow,
    )
    for kind in LATER for way in WAYS for checkpoint in WRITTEN
]  # fmt: skip


@pytest.fixture
def later_modules(laboratory):
    """A function that replaces all sources on which a checkpoint does not rest."""
    kept = {}

    def replace(checkpoint, change):
        needed = COURSE.with_needs(COURSE.module_of(checkpoint))
        for module in (m for m in COURSE.modules if m.written and m not in needed):
            path = laboratory.course.source_file(module)
            kept[path] = path.read_text("utf-8")
            if change is None:
                path.unlink()
            else:
                path.write_text(change(kept[path]), "utf-8")

    yield replace
    for path, text in kept.items():
        path.write_text(text, "utf-8")


@pytest.mark.parametrize("kind, way, checkpoint", ROWS)
def test_a_checkpoint_is_achieved_with_what_it_needs(
    quick_laboratory, later_modules, kind, way, checkpoint
):
    if WAYS[way] and (reason := missing("process")):
        pytest.skip(reason)
    later_modules(checkpoint, LATER[kind])
    record = quick_laboratory.run("--checkpoint", checkpoint.id, *WAYS[way])
    assert failed(record) == {}
    assert {test.id for test in record.tests} == set(MANIFEST.of(checkpoint.group))


def test_a_stub_is_what_a_student_finds():
    source = COURSE.source_file(COURSE.module_by_name["09_autograd"]).read_text("utf-8")
    assert "SOLUTION" not in stub(source) and stub(source).count("NotImplementedError") >= 20
    compile(stub(source), "a", "exec")
    with pytest.raises(SyntaxError):
        compile(syntax_error(source), "a", "exec")
