"""Processor time and memory of student code: measured, repeated, and given with an interval.

A machine that grades is never idle, so the clock on the wall says nothing. What is measured is the
processor time of the process that runs student code. Things are compared in turn, the median of
several rounds decides, and its confidence interval has to lie beyond a bound to be worth a word.
"""

import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_tinytorch.diagnosis import CheckFailed
from pytest_tinytorch.isolation.failures import CellFailure
from pytest_tinytorch.isolation.inside import usage

if TYPE_CHECKING:
    from pytest_tinytorch.isolation.cells import Cells

Call = Callable[[], object]

_ROUNDS = 9
_SHORTEST = 0.004  # seconds of processor time that one reading covers at least
_MOST_REPEATS = 100_000


@dataclass
class Usage:
    """Bytes that a call took: at its peak, and what it kept."""

    peak: int = 0
    retained: int = 0


@dataclass(frozen=True)
class Estimate:
    """A median, and the bounds between which it lies with 96 % confidence.

    Of nine independent readings the second smallest and the second largest are such bounds,
    whatever their distribution: 1 - 2 (1 + 9) / 2^9 = 0.96.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


class Meter(Protocol):
    """Reads the clock and the memory of the process in which student code runs."""

    def seconds(self) -> float:
        """Processor time so far."""

    def usage(self) -> AbstractContextManager[Usage]:
        """What the body takes, known when it is left."""


class OwnMeter:
    """Student code runs in this process. Memory is what Python and NumPy say they allocated."""

    def seconds(self) -> float:
        return usage.seconds()

    @contextmanager
    def usage(self) -> Iterator[Usage]:
        found, traced = Usage(), usage.Traced()
        traced.begin()
        try:
            yield found
        finally:
            found.peak, found.retained = traced.end()


def meter_of(cells: "Cells") -> Meter:
    """From outside where the system lets another process be measured, which is Linux."""
    return CellMeter(cells) if sys.platform == "linux" else ToldMeter(cells)


class CellMeter:
    """Student code runs in a cell: the system is asked about it, so it cannot answer for itself.

    Memory counts in pages, and small arrays come from what the process holds already: measure with
    arrays of 16 MiB and more.
    """

    def __init__(self, cells: "Cells") -> None:
        self._cells = cells

    def seconds(self) -> float:
        return self._cells.cell().processor_seconds()

    @contextmanager
    def usage(self) -> Iterator[Usage]:
        found = Usage()
        self._cells.settle()
        cell = self._cells.cell()
        cell.forget_peak()
        before, _ = cell.memory()
        yield found
        _, peak = cell.memory()
        self._cells.settle()
        after, _ = cell.memory()
        found.peak, found.retained = peak - before, after - before


class ToldMeter:
    """Student code runs in a cell, and the harness in there is asked. Student code that wants to
    can change the answers."""

    def __init__(self, cells: "Cells") -> None:
        self._cells = cells

    def seconds(self) -> float:
        told = self._cells.ask("seconds")
        if type(told) is not float:
            raise _untrue("processor time", told)
        return told

    @contextmanager
    def usage(self) -> Iterator[Usage]:
        found = Usage()
        self._cells.ask("begin_usage")
        try:
            yield found
        except CellFailure:
            raise  # nobody is left to ask
        except BaseException:
            self._cells.ask("end_usage")
            raise
        match told := self._cells.ask("end_usage"):
            case (int(peak), int(retained)):
                found.peak, found.retained = peak, retained
            case _:
                raise _untrue("memory", told)


def _untrue(what: str, told: object) -> CheckFailed:
    return CheckFailed(
        f"the process of your code gave {told!r} as its {what}: leave alone what the harness keeps"
    )


def growth(
    meter: Meter, prepared: Callable[[int], Call], sizes: Sequence[int]
) -> tuple[Estimate, list[float]]:
    """The exponent p of `time ~ size ** p`, and the median seconds of one call for each size.

    prepared: size -> the call to measure; what it needs is made beforehand.
    """
    calls = [prepared(size) for size in sizes]
    repeats = [_repeats(meter, call) for call in calls]
    rounds = [
        [_reading(meter, call, n) for call, n in zip(calls, repeats, strict=True)]
        for _ in range(_ROUNDS)
    ]
    slopes = [slope(sizes, seconds) for seconds in rounds]
    return estimate(slopes), [statistics.median(column) for column in zip(*rounds, strict=True)]


def memory_growth(
    meter: Meter, prepared: Callable[[int], Call], sizes: Sequence[int]
) -> tuple[Estimate, list[float]]:
    """The exponent p of `peak bytes ~ size ** p`, and the bytes for each size."""
    peaks = []
    for size in sizes:
        call = prepared(size)
        with meter.usage() as used:
            call()
        peaks.append(float(max(used.peak, 1)))
    exponent = slope(sizes, peaks)
    return Estimate(exponent, exponent, exponent), peaks


def ratio(meter: Meter, student: Call, reference: Call) -> Estimate:
    """Processor time of a call in student code over that of a reference in this process."""
    here = OwnMeter()
    times, others = _repeats(meter, student), _repeats(here, reference)
    return estimate(
        [
            _reading(meter, student, times) / _reading(here, reference, others)
            for _ in range(_ROUNDS)
        ]
    )


def estimate(readings: Sequence[float]) -> Estimate:
    ordered = sorted(readings)
    return Estimate(statistics.median(ordered), ordered[1], ordered[-2])


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of the straight line through the logarithms, by least squares."""
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in values]
    return statistics.linear_regression(xs, ys).slope


def _repeats(meter: Meter, call: Call) -> int:
    """How often to call for one reading, so that it is longer than what disturbs it."""
    call()  # what is done only once is not what is measured
    count = 1
    while count < _MOST_REPEATS and _reading(meter, call, count) * count < _SHORTEST:
        count *= 2
    return count


def _reading(meter: Meter, call: Call, count: int) -> float:
    """Seconds of processor time of one call."""
    start = meter.seconds()
    for _ in range(count):
        call()
    return max(meter.seconds() - start, 1e-9) / count
