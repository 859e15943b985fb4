"""What isolation costs: a call across the border, a sandbox, and all checkpoints of the course."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from course_copy import REPOSITORY, copy_course, environment

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.isolation.levels import LEVELS, Level, missing
from pytest_tinytorch.isolation.pool import SandboxPool
from pytest_tinytorch.isolation.probe import probe

COURSE = load_course(REPOSITORY)
MOST_MICROSECONDS = 60

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))


@pytest.fixture(params=["one core", "any core"])
def placed(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both processes on the same core, or wherever the system puts them."""
    before = os.sched_getaffinity(0)
    if request.param == "one core":
        os.sched_setaffinity(0, {min(before)})
    yield request.param
    os.sched_setaffinity(0, before)


def best_level() -> Level:
    secret = REPOSITORY / "checkpoints/manifest.json"
    return probe("auto", secret, COURSE.package_folder, COURSE.limits).level


def started(level: Level) -> SandboxPool:
    pool = SandboxPool(level, COURSE.package_folder, COURSE.limits, {})
    pool.begin("01", COURSE.limits, 1)
    return pool


def test_a_call(versus, placed):
    """`tensor + 1`, with payloads of less than 256 bytes, beside the same in one process."""
    import tinytorch

    pool = started(best_level())
    try:
        there, here = pool.package.Tensor([1.0, 2.0]), tinytorch.Tensor([1.0, 2.0])
        bounded = placed == "one core"
        versus(
            f"a call at level {pool.level.name}, {placed} / in process",
            lambda: there + 1,
            lambda: here + 1,
            rounds=3000,
            holds=(lambda found: found.ours * 1e6 <= MOST_MICROSECONDS) if bounded else None,
        )
    finally:
        pool.close()


@pytest.mark.parametrize("name", LEVELS[1:])
def test_a_sandbox(versus, name):
    """From nothing to the first tensor; the peer is a Python that imports NumPy."""
    if reason := missing(name):
        pytest.skip(reason)

    def sandbox() -> None:
        pool = started(Level(name))
        pool.package.Tensor([1.0])
        pool.close()

    command = [sys.executable, "-c", "import numpy"]
    versus(
        f"a sandbox at level {name} / python -c 'import numpy'",
        sandbox,
        lambda: subprocess.run(command, check=True),
        rounds=10,
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_course(tmp_path_factory.mktemp("course"))


def run(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def checkpoints(request: pytest.FixtureRequest) -> str:
    """All of them; one where a benchmark is only tried."""
    return "01" if request.config.getoption("benchmark_disable") else "all"


def test_all_checkpoints(versus, course, checkpoints):
    versus(
        f"pytest --checkpoint {checkpoints} --isolate / without",
        lambda: run(course, "--checkpoint", checkpoints, "--isolate"),
        lambda: run(course, "--checkpoint", checkpoints),
        rounds=3,
        holds=lambda found: found.ratio <= 1.6,
    )


def test_a_grade(versus, course, checkpoints):
    versus(
        f"pytest --grade / pytest --checkpoint {checkpoints}",
        lambda: run(course, "--grade", "--checkpoint", checkpoints),
        lambda: run(course, "--checkpoint", checkpoints),
        rounds=3,
    )


def test_processor_time_of_a_sandbox_is_its_own(versus) -> None:
    """Measuring from outside costs what a clock costs."""
    pool = started(Level("process"))
    try:
        pool.package.Tensor([1.0])
        sandbox = pool.sandbox()
        versus(
            "processor time of a sandbox / of this process",
            sandbox.processor_seconds,
            time.process_time,
            rounds=1000,
        )
    finally:
        pool.close()
