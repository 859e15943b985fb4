"""Each step beside PyTorch's better memory layout: processor time, wall time, and bytes.

One thread each, processor time, in turn, medians: the ratio has a bound, which is what the course
promises. Then each side alone in a process of its own: wall time with two threads, which would
disturb each other in one process, and the bytes that a step holds. The figures are kept by commit
and machine in pytest-benchmark's storage; `make bench-compare` compares them.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from steps import CASES, Step  # noqa: E402

ROUNDS = 25
TRIES = 3
ALONE_ROUNDS = 9
ALONE = Path(__file__).with_name("alone.py")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
FEW_BYTES = 2**20  # below, pages say little


@pytest.mark.parametrize("name", CASES)
def test_operation(compare, name):
    build, bound = CASES[name]
    pair = build()
    compare(name, pair.ours, pair.peers, bound)


@pytest.mark.parametrize("name", CASES)
def test_alone(request, versus, name):
    """Two threads, wall time, and bytes. No bound: both depend on what else the machine does."""
    if request.config.getoption("benchmark_disable"):
        if name == next(iter(CASES)):
            assert alone(name, side=0, threads=2, rounds=1)["seconds"] > 0
        return
    benchmark = request.getfixturevalue("benchmark")
    sides = 1 + len(CASES[name][0]().peers)
    found = [
        [alone(name, side, threads=2, rounds=ALONE_ROUNDS) for _ in range(2)]
        for side in range(sides)
    ]
    ours, *peers = [min(run["seconds"] for run in runs) for runs in found]
    versus.row(f"{name}, wall, 2 threads", ours, min(peers))
    benchmark.extra_info.update(seconds_2_threads=ours, ratio_2_threads=round(ours / min(peers), 3))
    mine, *theirs = [min(run["bytes"] or 0 for run in runs) for runs in found]
    if min(mine, *theirs) > FEW_BYTES:
        versus.row_of_bytes(f"{name}, most bytes in a step", mine, min(theirs))
        benchmark.extra_info.update(bytes=mine, bytes_of_peer=min(theirs))
    benchmark.pedantic(lambda: alone(name, side=0, threads=2, rounds=1), rounds=1)


def alone(name: str, side: int, threads: int, rounds: int) -> dict[str, float]:
    """What one side says when it runs in a new process: see alone.py."""
    command = [sys.executable, str(ALONE), name, str(side), str(threads), str(rounds)]
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


@pytest.fixture
def compare(request: pytest.FixtureRequest, versus, benchmark):
    """Processor time of ours over that of the best peer: the best of three measurements."""

    def run(name: str, ours: Step, peers: tuple[Step, ...], bound: float) -> None:
        for step in (ours, *peers):
            step()
        if request.config.getoption("benchmark_disable"):
            benchmark(ours)
            return
        found, best = min((_medians(ours, peers) for _ in range(TRIES)), key=_ratio)
        versus.row(f"{name} (bound {bound})", found, best)
        benchmark.extra_info.update(ratio=round(found / best, 3), bound=bound)
        benchmark.pedantic(ours, rounds=5, warmup_rounds=1)
        assert found / best <= bound, f"{name}: {found / best:.2f}, bound {bound}"

    return run


def _ratio(medians: tuple[float, float]) -> float:
    return medians[0] / medians[1]


def _medians(ours: Step, peers: tuple[Step, ...]) -> tuple[float, float]:
    times: list[list[float]] = [[] for _ in range(1 + len(peers))]
    for _ in range(ROUNDS):
        for step, seconds in zip((ours, *peers), times, strict=True):
            start = time.process_time()
            step()
            seconds.append(time.process_time() - start)
    first, *others = map(statistics.median, times)
    return first, min(others)
