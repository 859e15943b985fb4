# Generated from src_modules/01_setup.py. Do not edit: write in src_modules/01_setup.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=0a3310cb83c82c5a code=f6c33c69988f939e content=c704aaca7f6f27dc
# %% src_modules/01_setup.py:370
import gc
import math
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any


def best_seconds(action: Callable[[], Any], repeats: int = 5) -> float:
    """Seconds of wall time that the fastest of `repeats` runs of `action()` took."""
    return min(_seconds(action, time.perf_counter) for _ in range(repeats))


def cpu_seconds(action: Callable[[], Any], repeats: int = 5) -> float:
    """Seconds of processor time, all threads together, that the fastest of `repeats` runs took.

    Waiting costs none, and other programs change it little.
    """
    return min(_seconds(action, time.process_time) for _ in range(repeats))


def times_as_long(action: Callable[[], Any], other: Callable[[], Any], repeats: int = 7) -> float:
    """How many times as long `action()` takes as `other()`: the median of ratios, run in turns."""
    clock = time.perf_counter
    pairs = [(_seconds(action, clock), _seconds(other, clock)) for _ in range(repeats)]
    return statistics.median(a / max(b, 1e-9) for a, b in pairs)


def peak_bytes(action: Callable[[], Any]) -> int:
    """The most bytes of Python and NumPy that `action()` held, beyond what was there before."""
    return _traced(action)[1]


def kept_bytes(make: Callable[[], Any]) -> int:
    """The bytes that the result of `make()` holds once it is made."""
    return _traced(make)[0]


def growth(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent e of a cost that grows like size^e: 1 is linear, 2 quadratic.

    It is the slope of the logarithms of `costs` over those of `sizes` (least squares). Raises
    ValueError for fewer than two different sizes, and for sizes and costs that are not above 0.
    """
    if len(sizes) != len(costs) or len(set(sizes)) < 2 or min(*sizes, *costs) <= 0:
        found = f"got {sizes} and {costs}"
        raise ValueError(f"growth takes two or more sizes, a cost for each, all above 0; {found}")
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    return statistics.linear_regression(x, y).slope


def _seconds(action: Callable[[], Any], clock: Callable[[], float]) -> float:
    start = clock()
    action()
    return clock() - start


def _traced(action: Callable[[], Any]) -> tuple[int, int]:
    """(bytes held after, the most bytes held at a moment) while the result of `action()` lives."""
    gc.collect()
    nested = tracemalloc.is_tracing()
    if not nested:
        tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    try:
        result = action()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        if not nested:
            tracemalloc.stop()
    del result
    return after - before, peak - before
