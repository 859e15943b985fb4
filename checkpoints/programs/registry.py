"""A registry of models that several threads write to, and whose stages change."""

import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def model_of(tt: Any, value: float) -> Any:
    """(N, 2) -> (N, 1), always this value."""
    model = tt.Sequential(tt.Linear(2, 1))
    model[0].weight.data = 0 * model[0].weight.data
    model[0].bias.data = 0 * model[0].bias.data + value
    return model


def value_of(tt: Any, model: Any) -> float:
    return float(model(tt.zeros(1, 2)).data.item())


def main(tt: Any, kind: str, **inputs: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return {"stages": stages, "at once": at_once, "refused": refused}[kind](
            tt, folder, **inputs
        )


def stages(tt: Any, folder: str, promoted: list[int]) -> dict:
    registry, other = tt.ModelRegistry(folder), tt.ModelRegistry(folder)
    numbers = [
        registry.register("digits", model_of(tt, 10.0 * number), {"accuracy": number / 10}, parent)
        for number, parent in enumerate((None, 1, None, 2), start=1)
    ]
    found: dict[str, Any] = {
        "numbers": [int(number) for number in numbers],
        "other model": int(registry.register("letters", model_of(tt, 5.0))),
        "versions": [int(number) for number in other.versions("digits")],
        "values": [value_of(tt, other.load("digits", number)) for number in numbers],
        "lineage": [[int(n) for n in other.lineage("digits", number)] for number in numbers],
        "info": {name: other.info("digits", 4)[name] for name in ("parent", "metrics")},
    }
    for number in promoted:
        registry.promote("digits", number)
    registry.promote("digits", 3, "staging")
    found["history"] = [int(n) for n in other.history("digits")]
    found["production"] = value_of(tt, other.load("digits"))
    found["back"] = [int(other.rollback("digits")) for _ in promoted[1:]]
    found["after"] = value_of(tt, registry.load("digits"))
    found["staging"] = value_of(tt, other.load("digits", stage="staging"))
    registry.promote("digits", 2, "staging")
    found["back in staging"] = int(registry.rollback("digits", "staging"))
    found["production then"] = value_of(tt, registry.load("digits"))
    return found


class Entries(list):
    """What os.scandir gives, but read already."""

    def __enter__(self) -> "Entries":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def close(self) -> None:
        pass


@contextlib.contextmanager
def slow_lists() -> Iterator[None]:
    """Lists of folders are a little old when they arrive, as over a network; threads take turns at
    every step. So two writers that may meet do meet."""
    listdir, scandir, interval = os.listdir, os.scandir, sys.getswitchinterval()

    def late(found: list) -> list:
        time.sleep(0.002)
        return found

    os.listdir = lambda *path: late(listdir(*path))
    os.scandir = lambda *path: Entries(late(list(scandir(*path))))
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        os.listdir, os.scandir = listdir, scandir
        sys.setswitchinterval(interval)


def at_once(tt: Any, folder: str, writers: int, each: int) -> dict:
    """Threads that register and promote at once. Each knows what it wrote under which number."""
    together, wrote, errors = threading.Barrier(writers), {}, []

    def work(writer: int) -> None:
        registry = tt.ModelRegistry(folder)
        try:
            for turn in range(each):
                together.wait(10)
                number = registry.register("m", model_of(tt, 100.0 * writer + turn))
                wrote[writer, turn] = int(number)
                registry.promote("m", number)
        except threading.BrokenBarrierError:
            pass  # another one has failed
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
            together.abort()

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(writers)]
    with slow_lists():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    registry = tt.ModelRegistry(folder)
    wrong = [
        f"version {number} should hold {100 * writer + turn}"
        for (writer, turn), number in wrote.items()
        if value_of(tt, registry.load("m", number)) != 100.0 * writer + turn
    ]
    return {
        "errors": errors,
        "wrong": wrong,
        "numbers": sorted(wrote.values()),
        "versions": [int(number) for number in registry.versions("m")],
        "history": sorted(int(number) for number in registry.history("m")),
    }


def refused(tt: Any, folder: str, names: list[str]) -> dict:
    registry = tt.ModelRegistry(folder)
    registry.register("m", model_of(tt, 1.0))
    registry.promote("m", 1)
    tries = {
        "no such version": lambda: registry.promote("m", 7),
        "no such parent": lambda: registry.register("m", model_of(tt, 2.0), parent=9),
        "nothing to go back to": lambda: registry.rollback("m"),
        "empty stage": lambda: registry.load("m", stage="staging"),
        "unknown version": lambda: registry.load("m", 3),
        "metrics that are no JSON": lambda: registry.register("m", model_of(tt, 2.0), {"a": abs}),
        **{
            f"name {name!r}": lambda name=name: registry.register(name, model_of(tt, 3.0))
            for name in names
        },
    }
    found = {}
    for what, call in tries.items():
        try:
            call()
            found[what] = "nothing was raised"
        except Exception as error:
            found[what] = type(error).__name__
    left = [str(path.name) for path in Path(folder).rglob(".*")]
    return found | {"versions": [int(n) for n in registry.versions("m")], "left": left}
