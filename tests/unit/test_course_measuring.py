"""core.measuring of the course: what it says about a fake clock, known bytes and known powers."""

import tracemalloc

import numpy as np
import pytest

from tinytorch.core import measuring


class Clock:
    """A clock that actions move: wall time and processor time apart."""

    def __init__(self) -> None:
        self.wall = self.processor = 100.0
        self.calls: list[str] = []

    def perf_counter(self) -> float:
        return self.wall

    def process_time(self) -> float:
        return self.processor

    def action(self, name: str, seconds: list[float], processor: float = 0.0):
        left = list(seconds)

        def run() -> None:
            self.calls.append(name)
            self.wall += left.pop(0)
            self.processor += processor

        return run


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(measuring, "time", clock)
    return clock


def test_the_fastest_run_counts(clock):
    assert measuring.best_seconds(clock.action("a", [3, 1, 2]), 3) == pytest.approx(1)
    assert clock.calls == ["a"] * 3


def test_processor_time_does_not_count_waiting(clock):
    waiting = clock.action("a", [30, 20], processor=0.25)
    assert measuring.cpu_seconds(waiting, 2) == pytest.approx(0.25)
    assert clock.calls == ["a"] * 2


def test_two_actions_take_turns_and_the_middle_ratio_counts(clock):
    a, b = clock.action("a", [4, 90, 6]), clock.action("b", [2, 1, 2])
    assert measuring.times_as_long(a, b, 3) == pytest.approx(3)
    assert clock.calls == ["a", "b"] * 3


def test_an_action_that_takes_no_time_divides_nothing_by_zero(clock):
    assert measuring.times_as_long(clock.action("a", [1.0]), clock.action("b", [0.0]), 1) > 1e8


MIB = 2**20


@pytest.mark.parametrize("traced", [False, True], ids=["alone", "while another measure traces"])
def test_bytes_that_are_held_and_kept(traced):
    if traced:
        tracemalloc.start()
    try:
        before = bytearray(5 * MIB)  # was there before: not counted

        def make() -> bytes:
            large = bytearray(8 * MIB)
            return bytes(large[: 3 * MIB])

        assert measuring.peak_bytes(make) == pytest.approx(8 * MIB + 6 * MIB, abs=20_000)
        assert measuring.kept_bytes(make) == pytest.approx(3 * MIB, abs=20_000)
        assert measuring.kept_bytes(lambda: np.zeros(MIB)) == pytest.approx(8 * MIB, abs=20_000)
        assert len(before) == 5 * MIB
        assert tracemalloc.is_tracing() is traced
    finally:
        tracemalloc.stop()


def test_tracing_ends_with_an_action_that_fails():
    with pytest.raises(ZeroDivisionError):
        measuring.peak_bytes(lambda: 1 // 0)
    assert not tracemalloc.is_tracing()


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 3.0])
def test_growth_is_the_slope_that_numpy_fits(power):
    sizes = np.array([10.0, 20, 50, 400])
    costs = 7 * sizes**power * np.array([1.0, 1.2, 0.9, 1.1])
    expected = np.polyfit(np.log(sizes), np.log(costs), 1)[0]
    assert measuring.growth(sizes.tolist(), costs.tolist()) == pytest.approx(expected)
    assert measuring.growth([10, 20, 40], [3 * s**power for s in (10, 20, 40)]) == pytest.approx(
        power
    )


@pytest.mark.parametrize(
    "sizes, costs",
    [([10], [1]), ([10, 10], [1, 2]), ([10, 20], [1]), ([10, 20], [0, 1]), ([-1, 20], [1, 1])],
)
def test_what_has_no_growth_is_refused_with_its_values(sizes, costs):
    with pytest.raises(ValueError, match=r"two or more sizes.*all above 0") as raised:
        measuring.growth(sizes, costs)
    assert str(sizes) in str(raised.value)
