"""Benchmarks of a model that turns the clock itself, so that every latency is known beforehand."""

import numpy as np


def main(tt, scenario, options, each=0.25, first=0.0, jitter=(), samples=5, settings=None):
    """What the scenario found, and what the model was asked: batch sizes, and their numbers.

    each: seconds that a sample takes    first: more for the first call of all
    jitter: more for each call, in turn
    """
    clock = {"now": 50.0}
    asked, sizes = [], []

    def model(x):
        numbers = np.asarray(x)
        clock["now"] += each * len(numbers) + (first if not sizes else 0.0)
        if jitter:
            clock["now"] += jitter[len(sizes) % len(jitter)]
        sizes.append(len(numbers))
        asked.append(numbers[:, 0].astype(int).tolist())
        return x

    def sleep(seconds):
        if seconds < 0:
            raise ValueError("nobody can sleep for less than no time")
        clock["now"] += seconds

    benchmark = tt.Benchmark(
        model,
        np.arange(samples)[:, None] * np.ones((1, 3)),
        clock=lambda: clock["now"],
        sleep=sleep,
        **(settings or {}),
    )
    found = getattr(benchmark, scenario)(**options)
    return {"found": found, "sizes": sizes, "asked": asked, "now": clock["now"]}
