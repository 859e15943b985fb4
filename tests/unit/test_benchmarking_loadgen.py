"""Module 14 against MLCommons' LoadGen, which drives a model of tinytorch (skipped without it).

LoadGen measures; from the latencies in its trace, our percentiles, estimates and verdicts must be
those in its summary, to the nanosecond. So no test depends on how fast the machine is.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.benchmarking import estimate, too_few

pytest.importorskip("mlperf_loadgen")
TESTS = Path(__file__).parents[1]
SAMPLE = re.compile(r'"query_seq":(\d+),.*?"complete_ns":(\d+)')


@dataclass(frozen=True)
class Run:
    """What LoadGen wrote: its summary, and for each query the nanoseconds until its last sample."""

    summary: str
    latencies: list[int]

    def number(self, name: str) -> int:
        found = re.search(rf"^{name} *: (\d+)$", self.summary, re.MULTILINE)
        assert found, f"no {name!r} in:\n{self.summary}"
        return int(found[1])

    @property
    def valid(self) -> bool:
        return "Result is : VALID" in self.summary

    @property
    def kept_target(self) -> bool:
        return "Performance constraints satisfied : Yes" in self.summary


@pytest.fixture
def driven(tmp_path):
    """LoadGen's run of a scenario, in a process of its own."""

    def run(scenario: str, queries: int) -> Run:
        command = [sys.executable, str(TESTS / "loadgen_driver.py"), scenario, str(queries), "."]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        trace = (tmp_path / "mlperf_log_trace.json").read_text("utf-8")
        queried: dict[int, int] = {}
        for number, nanoseconds in SAMPLE.findall(trace):
            queried[int(number)] = max(queried.get(int(number), 0), int(nanoseconds))
        summary = (tmp_path / "mlperf_log_summary.txt").read_text("utf-8")
        return Run(summary, list(queried.values()))

    return run


@pytest.mark.parametrize("queries", [63, 64, 200])
def test_single_stream(driven, queries):
    run = driven("SingleStream", queries)
    assert len(run.latencies) == queries
    for share in (50, 90, 95, 97, 99):
        assert tt.percentile(run.latencies, share / 100) == run.number(
            f"{share}.00 percentile latency \\(ns\\)"
        )
    assert (not too_few(queries, 1, 0.9)) == run.valid == (queries >= 64)
    found = estimate(run.latencies, 0.9)
    if run.valid:
        assert found == run.number(r" \* Early stopping 90.0th percentile estimate")
    else:
        assert found is None and f"at least {tt.queries_needed(1, 0.9)} queries" in run.summary
    ours = tt.Benchmark(tt.MLP([32, 64, 10]), tt.randn(64, 32)).single_stream(queries)
    assert ours["valid"] == run.valid and (ours["estimate"] is None) == (found is None)


@pytest.mark.parametrize("queries", [661, 662])
def test_multi_stream(driven, queries):
    run = driven("MultiStream", queries)
    assert len(run.latencies) == queries
    assert tt.percentile(run.latencies, 0.99) == run.number(r"99.00 percentile latency \(ns\)")
    assert (not too_few(queries, 1, 0.99)) == run.valid == (queries >= 662)
    if run.valid:
        told = run.number(r" \* Early stopping 99.0th percentile estimate")
        assert estimate(run.latencies, 0.99) == told == max(run.latencies)


@pytest.mark.parametrize("queries", [458, 459, 700])
def test_server(driven, queries):
    run = driven("Server", queries)
    over = sum(latency > 20_000_000 for latency in run.latencies)
    slow = tt.percentile(run.latencies, 0.99)
    assert slow == run.number(r"99.00 percentile latency \(ns\)")
    assert (slow <= 20_000_000) == run.kept_target
    reasons = too_few(queries, over, 0.99)
    assert (not reasons and run.kept_target) == run.valid
    if reasons:
        more = tt.queries_needed(over, 0.99) - queries
        told = re.search(r"at least (\d+) (more|total)? ?queries", run.summary)
        assert told and int(told[1]) in (more, more + queries)


def test_numbers_of_queries_are_those_of_the_binomial_distribution():
    binom = pytest.importorskip("scipy.stats").binom
    for t in (0, 1, 7, 50, 400):
        for p in (0.5, 0.9, 0.99):
            n = tt.queries_needed(t, p)
            assert binom.cdf(t, n, 1 - p) <= 0.01 < binom.cdf(t, n - 1, 1 - p)


def test_arrivals_are_a_poisson_process():
    """The gaps of a server's queries, read from a clock that nothing but sleep turns."""
    ks = pytest.importorskip("scipy.stats").kstest
    now, arrivals = [0.0], []

    def model(x):
        arrivals.append(now[0])

    def sleep(seconds):
        now[0] += seconds

    benchmark = tt.Benchmark(model, np.ones((3, 2)), warmup=0, clock=lambda: now[0], sleep=sleep)
    benchmark.server(qps=50, target=1, queries=4000)
    assert ks(np.diff(arrivals, prepend=0.0) * 50, "expon").pvalue > 0.001
