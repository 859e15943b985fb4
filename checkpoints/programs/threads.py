"""Functions that meet, fail or count their threads, given to parallel_map and DataParallel."""

import threading
import time
from typing import Any

import numpy as np

PATIENCE = 5  # seconds until those who wait for each other give up


def main(tt: Any, kind: str, **settings: Any) -> Any:
    return {"meet": meet, "order": order, "fail": fail, "count": count, "train": train}[kind](
        tt, **settings
    )


def meet(tt: Any, workers: int) -> Any:
    """Calls that end only when all of them have begun."""
    together = threading.Barrier(workers)

    def function(item: int) -> int:
        together.wait(PATIENCE)
        return 10 * item

    try:
        return list(tt.parallel_map(function, range(workers), workers=workers))
    except threading.BrokenBarrierError:
        return "one after the other"


def order(tt: Any, count: int) -> list:
    """The first items take longest. They come from a generator."""

    def function(item: int) -> int:
        time.sleep(0.02 * (count - item) / count)
        return item * item

    return list(tt.parallel_map(function, (item for item in range(count)), workers=3))


def fail(tt: Any, bad: list[int]) -> str:
    """The message of what was raised; the later bad items raise sooner."""

    def function(item: int) -> int:
        if item in bad:
            time.sleep(0.1 / (1 + item))
            raise KeyError(f"item {item}")
        return item

    try:
        return f"nothing was raised: {tt.parallel_map(function, range(6), workers=2)}"
    except KeyError as error:
        return str(error.args[0])


def count(tt: Any, workers: int) -> int:
    """The most calls that were at work at a time."""
    lock, now, most = threading.Lock(), 0, 0

    def function(item: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    tt.parallel_map(function, range(12), workers=workers)
    return most


def train(tt: Any, x: np.ndarray, targets: np.ndarray, weight: np.ndarray, workers: int) -> dict:
    """Three steps of a linear classifier. With more than one worker, the first losses must meet."""
    layer = tt.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data = weight.copy()
    layer.bias.data = np.zeros(len(weight), weight.dtype)
    parts, criterion, rows = min(workers, len(x)), tt.CrossEntropyLoss(), []
    together = threading.Barrier(parts)

    def loss_function(outputs: Any, targets: Any) -> Any:
        rows.append(len(outputs))
        if len(rows) <= parts:
            together.wait(PATIENCE)
        return criterion(outputs, targets)

    parallel = tt.DataParallel(layer, loss_function, workers=workers)
    losses, gradients = [], []
    for step in range(4):
        if step != 1:  # the second backward adds to the first
            layer.weight.grad = layer.bias.grad = None
        losses.append(float(parallel.backward(tt.Tensor(x), targets)))
        gradients.append([np.array(layer.weight.grad.data), np.array(layer.bias.grad.data)])
        if step:
            layer.weight.data = layer.weight.data - 0.1 * layer.weight.grad.data
            layer.bias.data = layer.bias.data - 0.1 * layer.bias.grad.data
    return {"losses": losses, "gradients": gradients, "rows": sorted(rows)}
