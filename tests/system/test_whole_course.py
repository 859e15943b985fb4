"""The written checkpoints: each alone, in any order, spread over workers, with what they need."""

import shutil
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Outcome, Reason
from pytest_tinytorch.isolation.levels import missing

COURSE = load_course(Path(__file__).parents[2])
MANIFEST = load_manifest(COURSE)
MANIFEST_TESTS = sum(len(MANIFEST.of(checkpoint.group)) for checkpoint in COURSE.checkpoints)
WRITTEN = [checkpoint for checkpoint in COURSE.checkpoints if COURSE.is_written(checkpoint)]

REVERSED = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.reverse()
"""


def failed(record):
    return {test.id: test.message for test in record.tests if not test.passed}


def count(record):
    return len(record.tests)


@pytest.mark.parametrize("checkpoint", WRITTEN, ids=lambda c: c.id)
def test_a_checkpoint_needs_only_what_the_course_says(laboratory, checkpoint):
    """Alone, and with every other source gone."""
    course = laboratory.course
    needed = course.with_needs(course.module_of(checkpoint))
    others = [m for m in course.modules if m.written and m not in needed]
    kept = {course.source_file(m): course.source_file(m).read_bytes() for m in others}
    for path in kept:
        path.unlink()
    try:
        record = laboratory.run("--checkpoint", checkpoint.id)
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert failed(record) == {} and count(record) >= 8


@pytest.fixture
def reverse(laboratory):
    """A function that has every later run turn the order of tests round."""
    conftest = laboratory.course.root / "conftest.py"
    before = conftest.read_text("utf-8")
    yield lambda: conftest.write_text(before + REVERSED, "utf-8")
    conftest.write_text(before, "utf-8")


@pytest.mark.parametrize(
    "way",
    [
        "--seed=0",
        "--seed=1 reversed",
        "--seed=20261 -n2",
        "--seed=0 --isolate",
        pytest.param("--seed=1 --isolate -n2", marks=pytest.mark.slow),
        pytest.param("--seed=0 --isolate=landlock", marks=pytest.mark.slow),
        pytest.param("--seed=0 --isolate=process", marks=pytest.mark.slow),
    ],
)
def test_all_pass(laboratory, reverse, way):
    """With any seed, in any order, on workers, in sandboxes."""
    seed, *more = way.split()
    isolated = [word for word in more if word.startswith("--isolate")]
    if isolated and (reason := missing(isolated[0].partition("=")[2] or "process")):
        pytest.skip(reason)
    if "reversed" in more:
        more.remove("reversed")
        reverse()
    record = laboratory.run("--checkpoint", "all", seed, *more)
    assert failed(record) == {} and count(record) == MANIFEST_TESTS
    assert f"--seed={record.seed}" == seed
    assert (record.isolation != "none") == bool(isolated)


@pytest.mark.parametrize("module", [m for m in COURSE.modules if m.written], ids=lambda m: m.name)
def test_inline_and_integration_tests_pass(laboratory, repository, module):
    folder = laboratory.course.root / "integration"
    if not folder.exists():
        shutil.copytree(repository / "integration", folder)
    record = laboratory.run("--module", module.id)
    assert failed(record) == {} and count(record) >= 5


def test_inline_tests_pass_where_a_later_module_imports_the_export(laboratory):
    """Two recorders of gradients, that of the source and that of the export, are not mixed."""
    record = laboratory.run("--module", "09,10", "-k", "recompute")
    assert failed(record) == {} and count(record) == 2


BROKEN = {
    "does not compile": ("@ weight.T\n", "@ weight.T +\n", Reason.BROKEN_IMPORT),
    "raises on import": ("Dense = Linear", "Dense = Lniear", Reason.BROKEN_IMPORT),
}


@pytest.mark.parametrize("old, new, reason", BROKEN.values(), ids=BROKEN)
def test_a_broken_module_stops_what_rests_on_it_and_nothing_else(laboratory, old, new, reason):
    path = laboratory.course.source_file(laboratory.course.module_by_name["04_layers"])
    before = path.read_text("utf-8")
    assert before.count(old) == 1
    line = before[: before.index(old)].count("\n") + 1
    path.write_text(before.replace(old, new), "utf-8")
    try:
        record = laboratory.run("--checkpoint", "00-04")
    finally:
        path.write_text(before, "utf-8")
    outcomes = {c.id: {test.outcome for test in record.of(c.group)} for c in WRITTEN[:5]}
    passed, stopped = {Outcome.PASSED}, {Outcome.FAILED}
    assert outcomes == {"00": passed, "01": passed, "02": passed, "03": stopped, "04": stopped}
    for group, waits_for in (("03", ""), ("04", "03")):
        for test in record.of(group):
            assert (test.reason, test.waits_for) == (reason, waits_for), test
            assert [str(place) for place in test.locations] == [f"src_modules/04_layers.py:{line}"]
