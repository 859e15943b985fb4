"""Ingest of a large class: seconds beside junitparser, seconds for grades, and memory.

junitparser parses the same files on one core, and stores nothing. Our side parses, verifies the
signatures and stores on two. Memory is compared between classes of different size.
"""

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from generated_class import names, runs, write  # noqa: E402

from pytest_tinytorch.core.course import load_course  # noqa: E402
from pytest_tinytorch.core.manifest import load_manifest  # noqa: E402
from pytest_tinytorch.core.signing import Key  # noqa: E402

ROOT = Path(__file__).parents[1]
STUDENTS = int(os.environ.get("GRADEBOOK_STUDENTS", "1000"))
FEW = max(STUDENTS // 10, 20)
ATTEMPTS = 3
MOST_RATIO = 0.8  # of junitparser's seconds
MOST_SECONDS = 2.0  # for the grades of everybody
MOST_GROWTH = 1.25  # of the peak, from FEW to STUDENTS
TRIES = 3
KEY = "a key for a benchmark, of no use elsewhere"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")

_INGEST = """
import sys, time, resource
from pathlib import Path
from pytest_tinytorch.cli.gradebook import opened
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.gradebook.grades import class_grades
from pytest_tinytorch.gradebook.identity import Identities
from pytest_tinytorch.gradebook.ingest import Options, ingest
if __name__ == "__main__":
    with opened(Path(sys.argv[2]), must_exist=False) as (course, book):
        began = time.monotonic()
        report = ingest(book, course, [Path(sys.argv[1])], Identities(),
                        Options(Key(sys.argv[3].encode()), workers=2))
        added = time.monotonic()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rows = class_grades(book)
        print(added - began, time.monotonic() - added, peak, report.new, len(rows))
"""
_PEER = """
import sys, time
from pathlib import Path
from junitparser import JUnitXml
files = sorted(Path(sys.argv[1]).rglob("*.xml"))
began = time.monotonic()
for file in files:
    JUnitXml.fromfile(str(file))
print(time.monotonic() - began)
"""


@dataclass(frozen=True)
class Ingested:
    seconds: float
    grades_seconds: float
    peak: float  # KiB, of the process that stores
    attempts: int
    rows: int


@pytest.fixture(scope="module")
def school(tmp_path_factory, request):
    """Result files of a large and of a small class; tiny ones where benchmarks are disabled."""
    folder = tmp_path_factory.mktemp("gradebook")
    course = load_course(ROOT)
    manifest = load_manifest(course)
    is_disabled = request.config.getoption("benchmark_disable")
    for name, count in (("few", FEW), ("all", STUDENTS)):
        students = names(4 if is_disabled else count)
        write(course, runs(course, manifest, students, ATTEMPTS), folder / name, Key(KEY.encode()))
    return folder


def ingested(school: Path, name: str) -> Ingested:
    for file in school.glob(f"{name}.sqlite*"):
        file.unlink()
    script = school / "ingest.py"  # workers import it again
    script.write_text(_INGEST)
    out = _run(script, school / name, school / f"{name}.sqlite", KEY).split()
    return Ingested(*map(float, out[:3]), *map(int, out[3:]))


def parsed_by_junitparser(school: Path, name: str) -> float:
    script = school / "peer.py"
    script.write_text(_PEER)
    return float(_run(script, school / name))


def _run(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_ingest_beside_junitparser(school, versus, request):
    if importlib.util.find_spec("junitparser") is None:
        pytest.skip("junitparser is not installed")
    ratios = []
    for _ in range(TRIES):
        peer, ours = parsed_by_junitparser(school, "all"), ingested(school, "all")
        ratios.append(ours.seconds / peer)
        versus.rows.append(
            f"ingest of {ours.attempts} files: {ours.seconds:.1f} s on two cores, junitparser"
            f" {peer:.1f} s on one, ratio {ratios[-1]:.2f}"
        )
        if ratios[-1] <= MOST_RATIO or request.config.getoption("benchmark_disable"):
            break
    if not request.config.getoption("benchmark_disable"):
        assert min(ratios) <= MOST_RATIO


def test_grades_of_everybody(school, versus, request):
    found = ingested(school, "all")
    versus.rows.append(f"grades of {found.rows} students: {found.grades_seconds:.2f} s")
    if not request.config.getoption("benchmark_disable"):
        assert found.grades_seconds <= MOST_SECONDS


def test_memory_does_not_grow_with_the_class(school, versus, request):
    few, many = ingested(school, "few"), ingested(school, "all")
    versus.rows.append(
        f"peak of an ingest: {few.peak / 1024:.0f} MiB for {few.rows} students,"
        f" {many.peak / 1024:.0f} MiB for {many.rows}"
    )
    if not request.config.getoption("benchmark_disable"):
        assert many.peak <= MOST_GROWTH * few.peak
