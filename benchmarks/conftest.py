"""Ratios against a peer in the same run, shown after pytest-benchmark's own table.

This machine is shared: two things are compared by running them in turn and taking medians, and a
bound is asserted only where benchmarks are enabled, once more before it fails.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

# Both sides choose their kernels by the processor. This would choose older ones for NumPy alone,
# and is read when NumPy loads, which it has not yet.
_KERNELS = "OPENBLAS_CORETYPE"
_set_aside = os.environ.pop(_KERNELS, None)

_rows_key = pytest.StashKey[list[str]]()

Action = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Medians in seconds of two things that were run in turn."""

    ours: float
    peer: float

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def difference(self) -> float:
        return self.ours - self.peer


@dataclass
class Versus:
    """Compares our action with a peer's, and shows the result."""

    rows: list[str]
    enabled: bool

    def __call__(
        self,
        name: str,
        ours: Action,
        peer: Action,
        rounds: int,
        holds: Callable[[Comparison], bool] | None = None,
    ) -> Comparison:
        """`holds` is the claim about the comparison, if one is made."""
        ours(), peer()  # what is done only once is not what is compared
        if not self.enabled:
            return Comparison(1.0, 1.0)
        found = _in_turn(ours, peer, rounds)
        if holds is not None and not holds(found):
            found = _in_turn(ours, peer, 2 * rounds)
        self.row(name, found.ours, found.peer)
        assert holds is None or holds(found), self.rows[-1]
        return found

    def note(self, text: str) -> None:
        """Something measured that has no peer."""
        self.rows.append(text)

    def row(self, name: str, ours: float, peer: float) -> None:
        self.rows.append(f"{name:58} {_time(ours):>10} {_time(peer):>10} {ours / peer:7.2f}")

    def row_of_bytes(self, name: str, ours: int, peer: int) -> None:
        mine, theirs = f"{ours / 2**20:.1f} MiB", f"{peer / 2**20:.1f} MiB"
        self.rows.append(f"{name:58} {mine:>10} {theirs:>10} {ours / peer:7.2f}")


@pytest.fixture
def versus(request: pytest.FixtureRequest) -> Versus:
    rows = request.config.stash.setdefault(_rows_key, [])
    return Versus(rows, not request.config.getoption("benchmark_disable"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = config.stash.get(_rows_key, [])
    if rows:
        terminalreporter.section("ratios, medians of runs in turn")
        terminalreporter.line(f"{'':58} {'ours':>10} {'peer':>10} {'ratio':>7}")
        for row in rows:
            terminalreporter.line(row)
        if _set_aside:
            aside = f"{_KERNELS}={_set_aside} was set aside, as PyTorch does not heed it"
            terminalreporter.line(aside)


def _in_turn(ours: Action, peer: Action, rounds: int) -> Comparison:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for action, seconds in zip((ours, peer), times, strict=True):
            start = time.perf_counter()
            action()
            seconds.append(time.perf_counter() - start)
    return Comparison(*(statistics.median(seconds) for seconds in times))


def _time(seconds: float) -> str:
    scales = (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9))
    unit, scale = next((pair for pair in scales if seconds * pair[1] > 1), scales[-1])
    return f"{seconds * scale:.2f} {unit}"
