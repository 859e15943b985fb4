"""One side of a step, alone in a process: `python benchmarks/alone.py NAME SIDE THREADS ROUNDS`.

SIDE 0 is ours, 1 and up are PyTorch's memory layouts. Prints JSON: the median of wall times in
seconds, and the most bytes that a step held at once (null where the system does not tell).
"""

import ctypes
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

SMALLEST = 2**17  # bytes of what malloc gets from the system, and gives back, each by itself


def main(name: str, side: int, threads: int, rounds: int) -> None:
    torch.set_num_threads(threads)
    from steps import CASES

    pair = CASES[name][0]()
    step = [pair.ours, *pair.peers][side]
    for _ in range(3):
        step()
    seconds = statistics.median(_wall_time(step) for _ in range(rounds))
    print(json.dumps({"seconds": seconds, "bytes": peak(step)}))


def _wall_time(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def peak(step: Callable[[], object]) -> int | None:
    """How much more the process holds during a step than it did before, after a first one."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    for parameter in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
        libc.mallopt(parameter, SMALLEST)
    step()
    gc.collect()
    libc.malloc_trim(0)
    before, _ = _memory()
    Path("/proc/self/clear_refs").write_text("5", "utf-8")  # the peak begins anew
    step()
    return _memory()[1] - before


def _memory() -> tuple[int, int]:
    """Bytes that the process holds, and the most since the peak began anew."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    sizes = {key: rest.split() for key, _, rest in (line.partition(":") for line in lines)}
    return int(sizes["VmRSS"][0]) * 1024, int(sizes["VmHWM"][0]) * 1024


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:5]))
