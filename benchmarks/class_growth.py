"""How the cost of a class grows with it: a table for the guide, as Markdown.

    python benchmarks/class_growth.py              10, 30, 100, 300 and 1000 submissions
    python benchmarks/class_growth.py 10 50 250    others

Grades the small course with two workers, at the best level of isolation here. An exponent of 1 says
that a class of twice the size costs twice as much; one of 0, that it costs the same.
"""

import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classes import grade, hand_in_notebooks, small_course

SIZES = (10, 30, 100, 300, 1000)
_MIB = 2**20


@dataclass(frozen=True)
class Cost:
    """What a class of one size took: seconds and MiB."""

    wall: float
    processor: float
    controller: float
    controller_peak: float
    worker_peak: float
    disk: float


HEADINGS = {
    "wall": "s",
    "processor": "processor s",
    "controller": "of it the controller",
    "controller_peak": "peak of the controller, MiB",
    "worker_peak": "of a worker, MiB",
    "disk": "results, MiB",
}


def cost(course: Path, folder: Path, size: int) -> Cost:
    results = folder / "results"
    ran = grade(course, hand_in_notebooks(folder / "class", size), results)
    return Cost(
        wall=ran.seconds,
        processor=ran.processor_seconds,
        controller=ran.controller.seconds,
        controller_peak=ran.controller.peak / _MIB,
        worker_peak=max(worker.peak for worker in ran.workers) / _MIB,
        disk=sum(path.stat().st_blocks * 512 for path in results.rglob("*")) / _MIB,
    )


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The slope of a straight line through the logarithms, by least squares."""
    xs, ys = ([math.log(number) for number in numbers] for numbers in (sizes, values))
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    return across / sum((a - x) ** 2 for a in xs)


def main(sizes: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        course = small_course(Path(folder, "course"))
        print(f"| submissions | {' | '.join(HEADINGS.values())} |")
        print(f"|---|{'---|' * len(HEADINGS)}")
        costs = []
        for size in sizes:
            costs.append(cost(course, Path(folder, f"{size}"), size))
            values = [getattr(costs[-1], name) for name in HEADINGS]
            print(f"| {size} | {' | '.join(f'{value:.3g}' for value in values)} |", flush=True)
    if len(sizes) > 1:
        found = [exponent(sizes, [getattr(c, name) for c in costs]) for name in HEADINGS]
        print(f"| exponent | {' | '.join(f'{slope:.2f}' for slope in found)} |")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or SIZES)
