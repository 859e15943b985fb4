# %% [markdown]
r"""
# Module 14: Benchmarking

## Introduction

"It is fast" is no statement about a system. Fast at what, on which machine, compared with what, and
would it be so again tomorrow? Most figures that people quote are the mean of a few runs with the
first one among them, taken while a browser was open.

You will build

1. `Profiler`: where time, operations and memory of a model go, layer by layer;
2. `Benchmark`: the four scenarios of MLPerf, in which the industry states how fast a system
   answers;
3. `compare`, which says which of two is faster, or that no difference is shown;
4. `report` and `check_regression`, which keep results, and notice when the system has become
   slower.
"""

# %% [markdown]
r"""
## Mathematical Background

**A percentile, not a mean.** Nine queries take 1 ms each, and one takes 101 ms: the mean is 11 ms,
which nobody waited. The percentile $p$ of $n$ latencies is that of MLPerf's LoadGen: sorted, that
at the index $\lfloor n p \rfloor$. With $p = 0.9$, index 9, it is 101 ms; with $p = 0.5$, 1 ms.

**How many queries are enough?** Let more than a share $1 - p$ of all queries be too slow. In $n$
queries, at most $t$ slow ones are seen with a probability of at most

$$P(n, t) = \sum_{i=0}^{t} \binom{n}{i} (1 - p)^i p^{n - i}$$

When $P(n, t) \le 0.01$, who sees at most $t$ slow queries can claim the percentile with a
confidence of 99 %. The least $n$ for this is `queries_needed(t, p)`:

    p      t    P(n, t) <= 0.01 from n =
    0.99   0    459      0.99^459 = 0.00993       a server with no slow query
    0.90   1     64                               the slowest of 64 is at least the 90th percentile
    0.99   1    662                               the slowest of 662 is at least the 99th

LoadGen calls this rule *early stopping*: with fewer queries a result is invalid.

**Is a faster than b?** The *ratio* of their medians is a number, and another one tomorrow. The
*bootstrap* (Efron, 1979) draws from the measured times again and again, with replacement, and
takes the ratio each time. The middle 99 % of these ratios are a confidence interval. If 1 lies in
it, no difference is shown.

    a    1.00  1.02  0.99  5.00  1.01     median 1.01
    b    1.10  1.12  1.09  1.11  1.10     median 1.10       ratio 0.92; the 5.00 does not matter

**Effect size.** Cliff's delta is the share of pairs in which a takes longer, minus the share in
which it takes less: 1 where a is always slower, 0 where nobody could tell. Above: 5 of 25 pairs
minus 20 of 25 are -0.6.
"""

# %% [markdown]
r"""
## Implementation

### Watching the layers

**Why.** Before anything is made faster, one has to know what is slow. `watched` is given. For as
long as its block lasts, each layer's call goes through a function of yours, `around`:

    model(x)
      0  Linear    around("0", call, x)   you look at the clock, call(x), look again
      1  relu      around("1", call, h)
      (rest)       what happens outside of all layers

A layer is a module that holds no other modules, or a plain function in a `Sequential`.
"""

# %% nbgrader={"grade": false, "grade_id": "benchmarking-watched", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.benchmarking
#| export
import json
import math
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.dense import Sequential, flops_of
from tinytorch.core.layers import Module
from tinytorch.core.setup import system_info, versions
from tinytorch.core.tensor import Tensor, engine

REST = "(rest)"


@contextmanager
def watched(model: Module, around: Callable[..., Any]) -> Iterator[None]:
    """Inside, a layer's call is `around(name, call, *inputs)`, giving `call(*inputs)`. Given."""
    undo: list[Callable[[], Any]] = []
    for name, module in model.named_modules():
        if isinstance(module, Sequential):
            kept, dot = module.layers, f"{name}." if name else ""
            undo.append(partial(setattr, module, "layers", kept))
            module.layers = [
                layer if isinstance(layer, Module) else partial(around, f"{dot}{n}", layer)
                for n, layer in enumerate(kept)
            ]
        elif not any(isinstance(value, Module) for _, value in module.held_by_me()):
            own = vars(module).get("forward")
            undo.append(partial(vars(module).pop, "forward") if own is None
                        else partial(setattr, module, "forward", own))  # fmt: skip
            module.forward = partial(around, name or type(module).__name__, module.forward)
    try:
        yield
    finally:
        for put_back in reversed(undo):
            put_back()


def kind_of(call: Callable[..., Any]) -> str:
    """The class of a layer, or the name of a function. Given."""
    owner = getattr(call, "__self__", call)
    return getattr(owner, "__name__", type(owner).__name__)


def operations(name: str, output: Tensor, operands: Sequence[Any]) -> int:
    """Floating-point operations of a primitive: as in module 05, and of attention its products.
    Given."""
    if name == "attention":
        keys, values = np.shape(operands[1]), np.shape(operands[2])
        return 2 * output.size // values[-1] * keys[-2] * (keys[-1] + values[-1])
    return flops_of(name, output, operands)


# %% [markdown]
r"""
### The profiler

Three passes, because measures disturb each other: a memory tracer slows all down. *Wall time* is
what a user waits; *processor time* is what the machine worked: less where it waits.

    pass      around(name, call, *inputs) does
    time      perf_counter and process_time before and after; the fastest of several runs counts
    memory    the traced peak during the call, less what was held before it
    FLOPs     notes which layer is running; a recorder (module 05) adds the operations to it
"""

# %% nbgrader={"grade": false, "grade_id": "benchmarking-profiler", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Profiler:
    """Where time, operations and memory of a model go: `Profiler(model).run(x)`, then `.table()`.

    repeats: how many runs are timed, at least 1, else ValueError. TypeError for what is no Module.
    """

    def __init__(self, model: Module, repeats: int = 5) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"Profiler takes a Module, got {type(model).__name__}")
        if repeats < 1:
            raise ValueError(f"repeats is at least 1, got {repeats!r}")
        self.model, self.repeats = model, repeats
        self.rows: list[dict[str, Any]] = []

    def timed(self, inputs: Sequence[Any]) -> dict[str, dict[str, Any]]:
        """One run: name -> {"kind", "output", "wall", "cpu"} in the order of first calls; seconds.

        TODO: 1. write `around`, which adds the times of a call to the layer's dict; 2. run the
              model, `watched`, and time the whole; 3. REST is the whole less the sum of the layers.
        HINT: `found.setdefault(name, {"kind": kind_of(call), "wall": 0.0, "cpu": 0.0})`
        """
        ### BEGIN SOLUTION
        found: dict[str, dict[str, Any]] = {}

        def around(name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
            row = found.setdefault(name, {"kind": kind_of(call), "wall": 0.0, "cpu": 0.0})
            wall, cpu = time.perf_counter(), time.process_time()
            output = call(*args, **options)
            row["cpu"] += time.process_time() - cpu
            row["wall"] += time.perf_counter() - wall
            row["output"] = np.shape(output)
            return output

        with watched(self.model, around):
            wall, cpu = time.perf_counter(), time.process_time()
            self.model(*inputs)
            whole = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        for key, value in whole.items():
            whole[key] = max(value - sum(row[key] for row in found.values()), 0.0)
        return found | {REST: {"kind": "", "output": (), **whole}}
        ### END SOLUTION

    def traced(self, inputs: Sequence[Any]) -> dict[str, int]:
        """One run: name -> the most bytes that a call of the layer held, beyond those held before.

        TODO: for each call, `tracemalloc.reset_peak()`, and take the peak less what was held. Stop
              tracing afterwards, whatever happens, unless it had been started before.
        HINT: `tracemalloc.get_traced_memory()` is (held now, peak). REST has 0 here.
        """
        ### BEGIN SOLUTION
        peaks: dict[str, int] = {}

        def around(name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            output = call(*args, **options)
            peak = tracemalloc.get_traced_memory()[1] - before
            peaks[name] = max(peaks.get(name, 0), peak)
            return output

        nested = tracemalloc.is_tracing()
        tracemalloc.start()
        try:
            with watched(self.model, around):
                self.model(*inputs)
        finally:
            if not nested:
                tracemalloc.stop()
        return peaks
        ### END SOLUTION

    def counted(self, inputs: Sequence[Any]) -> dict[str, int]:
        """One run: name -> floating-point operations; REST has those outside of all layers.

        TODO: keep the name of the running layer, REST at first. Set `engine.recorder` to a function
              that adds `operations(...)` to its sum. Put back what was there, whatever happens.
        """
        ### BEGIN SOLUTION
        totals, running = {REST: 0}, [REST]

        def around(name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
            running.append(name)
            try:
                return call(*args, **options)
            finally:
                running.pop()

        def recorder(name: str, output: Tensor, operands: Sequence[Any], *_: Any) -> None:
            totals[running[-1]] = totals.get(running[-1], 0) + operations(name, output, operands)

        before = engine.recorder, engine.grad_enabled
        engine.recorder, engine.grad_enabled = recorder, True
        try:
            with watched(self.model, around):
                self.model(*inputs)
        finally:
            engine.recorder, engine.grad_enabled = before
        return totals
        ### END SOLUTION

    def run(self, *inputs: Any) -> list[dict[str, Any]]:
        """Rows in the order of the calls, REST last. Each is a dict of plain values:

        layer, kind, output: name, class or function, and shape of the output
        wall, cpu: seconds, the fastest of the repeats    flops: operations    peak: bytes

        TODO: under `no_grad`, run once without measuring, as first calls are slow; then each pass.
        """
        ### BEGIN SOLUTION
        with no_grad():
            self.model(*inputs)
            runs = [self.timed(inputs) for _ in range(self.repeats)]
            peaks, flops = self.traced(inputs), self.counted(inputs)
        self.rows = []
        for name, row in runs[0].items():
            found = {"layer": name, "kind": row["kind"], "output": tuple(row["output"])}
            found |= {key: min(run[name][key] for run in runs) for key in ("wall", "cpu")}
            found |= {"flops": flops.get(name, 0), "peak": peaks.get(name, 0)}
            self.rows.append(found)
        return self.rows
        ### END SOLUTION

    def cells(self) -> list[tuple[str, ...]]:
        """The rows of the last run as text, with a head and a line of sums. Given."""
        if not self.rows:
            raise RuntimeError("there is nothing to show: call run(x) with an input first")
        total = {key: sum(r[key] for r in self.rows) for key in ("wall", "cpu", "flops")}
        total |= {"layer": "total", "kind": "", "output": ""}
        total["peak"] = max(row["peak"] for row in self.rows)
        times = "wall us", "cpu us", "share"
        found = [("layer", "kind", "output", *times, "FLOPs", "GFLOP/s", "peak KiB")]
        for row in [*self.rows, total]:
            wall, whole = max(row["wall"], 1e-12), max(total["wall"], 1e-12)
            found.append((
                row["layer"], row["kind"], str(row["output"] or ""), f"{row['wall'] * 1e6:.1f}",
                f"{row['cpu'] * 1e6:.1f}", f"{wall / whole:.0%}", f"{row['flops']:,}",
                f"{row['flops'] / wall / 1e9:.2f}", f"{row['peak'] / 2**10:.1f}",
            ))  # fmt: skip
        return found

    def table(self) -> str:
        """The rows of the last run as text, columns apart by two spaces. RuntimeError before a run.

        TODO: pad each column of `self.cells()` to its widest cell: the first three to the left,
            numbers to the right; join the cells by two spaces, and the lines by a line break.
        """
        ### BEGIN SOLUTION
        cells = self.cells()
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column < 3 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        )
        ### END SOLUTION

    def show(self) -> None:
        """Draw the table in the terminal: with rich, if it is installed, else as text. Given."""
        try:
            from rich.console import Console
            from rich.table import Table
        except ImportError:
            print(self.table())
            return
        head, *rows = self.cells()
        table = Table(title=f"Profile of {type(self.model).__name__}", box=None, pad_edge=False)
        for column, name in enumerate(head):
            table.add_column(name, justify="left" if column < 3 else "right", overflow="fold")
        for row in rows:
            table.add_row(*row, style="bold" if row is rows[-1] else "")
        Console().print(table)


# %% [markdown]
"""
### 🧪 Unit test: the profiler

Layers that sleep and allocate known amounts. Afterwards all is as before, also after an exception.
"""

# %% nbgrader={"grade": true, "grade_id": "test-benchmarking-profiler", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.activations import relu
from tinytorch.core.dense import MLP
from tinytorch.core.layers import Linear
from tinytorch.core.tensor import randn


def refused(error: type[Exception], call: Callable, *mentions: str) -> None:
    try:
        call()
    except error as raised:
        assert all(text in str(raised) for text in mentions), f"{raised} should mention {mentions}"
    else:
        raise AssertionError(f"{error.__name__} expected, mentioning {mentions}")


class Sleeper(Module):
    def forward(self, x: Tensor) -> Tensor:
        time.sleep(0.005)
        return x


def large(x: Tensor) -> Tensor:
    np.ones(2**17)  # 1 MiB
    return x


def test_unit_profiler():
    model = Sequential(Linear(4, 3), relu, Sleeper(), large, Sequential(Linear(3, 2)))
    profiler = Profiler(model)
    refused(RuntimeError, profiler.table, "run(x)")
    rows = {row["layer"]: row for row in profiler.run(randn(6, 4))}
    assert [*rows] == ["0", "1", "2", "3", "4.0", REST]
    kinds = [row["kind"] for row in rows.values()]
    assert kinds == ["Linear", "relu", "Sleeper", "large", "Linear", ""]
    assert rows["0"]["output"] == (6, 3) and rows["4.0"]["output"] == (6, 2)
    assert [row["flops"] for row in rows.values()] == [6 * 3 * 9, 18, 0, 0, 6 * 2 * 7, 0]
    assert rows["2"]["wall"] >= 0.005 > 0.004 > rows["2"]["cpu"]
    assert 2**20 <= rows["3"]["peak"] < 2**20 + 10_000 > rows["0"]["peak"]
    lines = profiler.table().splitlines()
    assert len(lines) == 8 and lines[0].startswith("layer  ") and lines[-1].startswith("total")
    assert model.layers[1] is relu and "forward" not in vars(model.layers[0])


def test_unit_profiler_leaves_no_trace():
    def broken(x: Tensor) -> Tensor:
        raise OSError("no disk")

    class Shared(Module):
        def __init__(self) -> None:
            self.layer = Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.layer(x)) @ x

    before, model = engine.recorder, Sequential(Linear(2, 2), broken)
    for action in (Profiler.timed, Profiler.traced, Profiler.counted):
        refused(OSError, lambda a=action: a(Profiler(model), [randn(1, 2)]))
        assert engine.recorder is before and not tracemalloc.is_tracing()
        assert model.layers[1] is broken and "forward" not in vars(model.layers[0])
    rows = Profiler(Shared()).run(randn(3, 3))
    assert [(r["layer"], r["flops"]) for r in rows] == [("layer", 2 * 9 * 7), (REST, 2 * 9 * 3)]
    refused(TypeError, lambda: Profiler(relu), "Module")


# %% [markdown]
r"""
### How many queries are enough

These are the formulas of the background. `chance` and `chance_of_few` are given: they compute with
logarithms, as $\binom{n}{i}$ soon exceeds any float.
"""

# %% nbgrader={"grade": false, "grade_id": "benchmarking-percentile", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def percentile(latencies: Sequence[float], p: float) -> float:
    """The latency with the index int(n * p) of n in ascending order, at most the last: as LoadGen.

    Raises ValueError for no latencies, and for a p that is not from 0 to 1.
    """
    ### BEGIN SOLUTION
    if not len(latencies) or not 0 <= p <= 1:
        found = f"got {len(latencies)} and {p!r}"
        raise ValueError(f"percentile takes latencies and p from 0 to 1, {found}")
    ordered = sorted(latencies)
    return float(ordered[min(int(len(ordered) * p), len(ordered) - 1)])
    ### END SOLUTION


def chance(n: int, i: int, p: float) -> float:
    """The probability of exactly i slow queries of n: (n over i) (1 - p)^i p^(n - i). Given."""
    ways = math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
    return math.exp(ways + i * math.log1p(-p) + (n - i) * math.log(p))


def chance_of_few(n: int, t: int, p: float) -> float:
    """P(n, t): the probability of at most t slow queries of n. Given."""
    return sum(chance(n, i, p) for i in range(min(t, n) + 1))


def queries_needed(t: int, p: float, confidence: float = 0.99) -> int:
    """The least number of queries for which P(n, t) is at most 1 - confidence.

    Raises ValueError for a p that is not between 0 and 1.

    TODO: double n, from t + 1 on, until it is enough; then halve the interval between too few and
        enough, until they are neighbours.
    """
    ### BEGIN SOLUTION
    if not 0 < p < 1:
        raise ValueError(f"p is between 0 and 1, got {p!r}")
    too_few, enough = t, t + 1
    while chance_of_few(enough, t, p) > 1 - confidence:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if chance_of_few(middle, t, p) > 1 - confidence:
            too_few = middle
        else:
            enough = middle
    return enough
    ### END SOLUTION


def estimate(latencies: Sequence[float], p: float, confidence: float = 0.99) -> float | None:
    """What the percentile p does not exceed, with this confidence; None for too few latencies.

    It is the t-th slowest of n, with the largest t for which P(n, t) is at most 1 - confidence.

    TODO: begin with t = 0, add up `chance(n, i, p)`, and raise t for as long as the sum allows.
    """
    ### BEGIN SOLUTION
    n, t = len(latencies), 0
    total = chance(n, 0, p) + chance(n, 1, p)
    while total <= 1 - confidence:
        t += 1
        total += chance(n, t + 1, p)
    return float(sorted(latencies)[-t]) if t else None
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: how many queries are enough

The numbers of LoadGen, and a percentile whose index is no whole number.
"""

# %% nbgrader={"grade": true, "grade_id": "test-benchmarking-percentile", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_unit_queries_needed():
    assert [queries_needed(t, p) for t, p in ((0, 0.99), (1, 0.9), (1, 0.99))] == [459, 64, 662]
    latencies = range(100, 0, -1)
    assert [percentile(latencies, p) for p in (0, 0.5, 0.9, 0.999, 1)] == [1, 51, 91, 100, 100]
    assert percentile([1, 1, 1, 101], 0.9) == 101
    assert [estimate(range(n), 0.9) for n in (63, 64, 200)] == [None, 63, 190]
    refused(ValueError, lambda: queries_needed(1, 1.0), "1.0")
    refused(ValueError, lambda: percentile([], 0.5), "0")


# %% [markdown]
r"""
### The four scenarios

    single_stream   a phone: one query; the next when it is answered      90th percentile
    multi_stream    a car: queries of 8 samples each, one after another   99th percentile
    server          a web service: queries arrive when they like          99th, within a target
    offline         a photo archive: all samples at once                  samples per second

**A server's latency begins with the arrival**, not with the start of the work. Arrivals are a
*Poisson process*: the times between them are exponentially distributed with a mean of 1 / qps. A
query of 4 ms that arrives 3 ms after another one waits for it:

    arrival    0 ms      3 ms           10 ms
    work       0--4      4--8           10--14
    latency    4 ms      8 - 3 = 5 ms   4 ms         not 4, 4 and 4, as from the start of the work

**Warm up.** A first call loads code and asks for memory, and is not measured.
"""

# %% nbgrader={"grade": false, "grade_id": "benchmarking-scenarios", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def outcome(
    scenario: str, latencies: Sequence[float], samples: int, p: float, reasons: list, **more: Any
) -> dict[str, Any]:
    """What a scenario found, as a dict of plain values. Given."""
    seconds = more.pop("seconds", sum(latencies))
    return {
        "scenario": scenario, "valid": not reasons, "reasons": list(reasons),
        "queries": len(latencies), "samples": samples, "seconds": seconds,
        "throughput": samples / seconds if seconds else None, "percentile": p,
        "latency": percentile(latencies, p), "estimate": estimate(latencies, p),
        **{f"p{round(100 * q)}": percentile(latencies, q) for q in (0.5, 0.9, 0.99)},
        "latencies": [float(latency) for latency in latencies], **more,
    }  # fmt: skip


def too_few(queries: int, t: int, p: float) -> list[str]:
    """Why so many queries, t of them slow, prove no percentile; empty if they do. Given."""
    needed = queries_needed(t, p)
    return [] if queries >= needed else [f"{queries} queries, but {needed} are needed for {p:.0%}"]


class Benchmark:
    """How fast a model answers, in the scenarios of MLPerf. Times are in seconds.

    model: called with a Tensor (k, ...) for a query of k samples    samples: array (S, ...)
    warmup: queries before the clock starts    seed: of the choice of samples, and of the arrivals
    clock() -> seconds, and sleep(seconds): time itself, or a clock that a test turns
    """

    def __init__(
        self, model: Callable[[Tensor], Any], samples: Any, warmup: int = 3, seed: int = 0,
        clock: Callable[[], float] = time.perf_counter, sleep: Callable[[float], Any] = time.sleep,
    ) -> None:  # fmt: skip
        self.model, self.samples, self.warmup, self.seed = model, np.asarray(samples), warmup, seed
        self.clock, self.sleep = clock, sleep
        if not self.samples.size or warmup < 0:
            found = f"got {self.samples.shape} and {warmup!r}"
            raise ValueError(f"Benchmark takes samples and a warmup of at least 0, {found}")

    def ask(self, indices: np.ndarray) -> None:
        """One query: the model answers these samples. Given."""
        with no_grad():
            self.model(Tensor(self.samples[indices]))

    def queries(self, count: int, size: int) -> np.ndarray:
        """Numbers of samples, (count, size), drawn with the seed; warms the model up. Given."""
        if count < 1 or size < 1:
            raise ValueError(f"a benchmark asks at least one sample, got {count} times {size}")
        draw = np.random.default_rng(self.seed)
        drawn = draw.integers(len(self.samples), size=(self.warmup + count, size))
        for indices in drawn[: self.warmup]:
            self.ask(indices)
        return drawn[self.warmup :]

    def one_by_one(self, queries: np.ndarray) -> list[float]:
        """The latencies of queries that follow each other.

        TODO: look at `self.clock()` before and after each `self.ask(indices)`.
        """
        ### BEGIN SOLUTION
        latencies = []
        for indices in queries:
            start = self.clock()
            self.ask(indices)
            latencies.append(self.clock() - start)
        return latencies
        ### END SOLUTION

    def single_stream(self, queries: int = 64, p: float = 0.9) -> dict[str, Any]:
        """One sample after the other. Valid from `queries_needed(1, p)` queries on.

        TODO: `self.queries(queries, 1)`, then `one_by_one`, then `outcome("single_stream", ...)`,
            with as many samples as queries, and `too_few(queries, 1, p)` for the reasons.
        """
        ### BEGIN SOLUTION
        latencies = self.one_by_one(self.queries(queries, 1))
        return outcome("single_stream", latencies, queries, p, too_few(queries, 1, p))
        ### END SOLUTION

    def multi_stream(self, queries: int = 662, size: int = 8, p: float = 0.99) -> dict[str, Any]:
        """Queries of `size` samples, one after the other. A latency is that of a whole query."""
        ### BEGIN SOLUTION
        latencies = self.one_by_one(self.queries(queries, size))
        return outcome("multi_stream", latencies, queries * size, p, too_few(queries, 1, p))
        ### END SOLUTION

    def server(
        self, qps: float, target: float, queries: int = 459, p: float = 0.99
    ) -> dict[str, Any]:
        """Queries of one sample that arrive at random, `qps` a second, each with its own latency.

        target: seconds that the percentile p may take at most

        Valid if the percentile is within the target, and there are `queries_needed(t, p)` queries,
        where t take longer than the target. ValueError for qps and a target that are not above 0.

        TODO: 1. draw exponential gaps with a mean of 1 / qps; arrivals are their cumulative sum;
              2. for each query, sleep until it arrives, unless that is over, and answer it. Its
                 latency is the time since the start, less its arrival;
              3. collect the reasons; give `outcome` the seconds, "qps", "target" and "over" (t).
        HINT: `np.random.default_rng([self.seed, 1])` draws other numbers than `queries` did.
        """
        ### BEGIN SOLUTION
        if not qps > 0 or not target > 0:
            raise ValueError(f"qps and target are above 0, got {qps!r} and {target!r}")
        chosen, latencies = self.queries(queries, 1), []
        arrivals = np.random.default_rng([self.seed, 1]).exponential(1 / qps, queries)
        start = self.clock()
        for indices, arrival in zip(chosen, arrivals.cumsum().tolist(), strict=True):
            while (early := start + arrival - self.clock()) > 0:
                self.sleep(early)
            self.ask(indices)
            latencies.append(self.clock() - start - arrival)
        seconds, over = self.clock() - start, sum(latency > target for latency in latencies)
        reasons = too_few(queries, over, p)
        if (found := percentile(latencies, p)) > target:
            reasons.insert(0, f"the {p:.0%} latency is {found:.3g} s, above {target:g} s")
        more = {"qps": qps, "target": target, "over": over, "seconds": seconds}
        return outcome("server", latencies, queries, p, reasons, **more)
        ### END SOLUTION

    def offline(self, count: int = 1024, batch_size: int = 64) -> dict[str, Any]:
        """All samples at once, in batches of the system's choice; what counts is the throughput.

        Here a latency is that of a batch. The last one may be smaller: `count` samples, not more.

        TODO: draw `self.queries(1, count)[0]`, cut it into batches, and ask them one by one.
        """
        ### BEGIN SOLUTION
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, got {batch_size!r}")
        chosen = self.queries(1, count)[0]
        batches = [chosen[n : n + batch_size] for n in range(0, count, batch_size)]
        return outcome("offline", self.one_by_one(batches), count, 0.99, [])
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: the four scenarios

The clock is turned by the model itself, so that each latency is known to the last digit: a slow
first call must not be seen, and a queue must.
"""

# %% nbgrader={"grade": true, "grade_id": "test-benchmarking-scenarios", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
class Simulated:
    """A clock, and a model that turns it: `first` seconds for the first call, then `each` for each
    sample."""

    def __init__(self, each: float, first: float = 0.0) -> None:
        self.now, self.each, self.first, self.sizes = 100.0, each, first, []

    def model(self, x: Tensor) -> None:
        self.now += self.each * len(x) + (0 if self.sizes else self.first)
        self.sizes.append(len(x))

    def benchmark(self, **options: Any) -> Benchmark:
        options |= {"clock": lambda: self.now, "sleep": self.wait}
        return Benchmark(self.model, np.zeros((5, 2)), **options)

    def wait(self, seconds: float) -> None:
        self.now += seconds


def test_unit_streams():
    found = (simulated := Simulated(0.25, first=9)).benchmark().single_stream()
    assert found["latencies"] == [0.25] * 64 and found["valid"] and simulated.sizes == [1] * 67
    assert (found["latency"], found["estimate"], found["throughput"]) == (0.25, 0.25, 4)
    found = Simulated(0.25).benchmark().single_stream(63)
    assert not found["valid"] and "64" in found["reasons"][0] and found["estimate"] is None
    found = Simulated(0.25).benchmark().multi_stream(662, size=4)
    assert (found["latency"], found["samples"], found["throughput"]) == (1, 2648, 4)
    found = (simulated := Simulated(0.25)).benchmark(warmup=1).offline(10, batch_size=4)
    assert found["latencies"] == [1, 1, 0.5] and found["throughput"] == 4
    assert simulated.sizes == [10, 4, 4, 2]
    refused(ValueError, lambda: Benchmark(relu, []), "(0,)")


def test_unit_server():
    found = Simulated(2**-10).benchmark().server(qps=100, target=0.05)
    latencies = np.array(found["latencies"])
    assert found["valid"] and found["over"] == 0 and latencies.min() >= 2**-10 - 1e-9
    assert latencies.max() > 1.5 * 2**-10, "some queries should have waited for others"
    assert abs(found["throughput"] / 100 - 1) < 0.2
    found = Simulated(0.02).benchmark().server(qps=100, target=0.05)
    assert not found["valid"] and found["latencies"][-1] > 3, "the queue should grow"
    assert "above 0.05 s" in found["reasons"][0] and "459 queries, but" in found["reasons"][1]
    refused(ValueError, lambda: Simulated(1).benchmark().server(qps=0, target=1), "0")


# %% [markdown]
r"""
### Which of two is faster

Other programs disturb a measurement, and never evenly. So a and b are timed *in turns*, and who
begins changes, too:

    a b   b a   a b   b a   ...        a busy moment meets both

Calls that are shorter than 0.2 ms are repeated within a reading, for a clock has steps. A
difference below the `margin` is not claimed, however sure it may be: nobody should rewrite a
program for 1 %.
"""

# %% nbgrader={"grade": false, "grade_id": "benchmarking-compare", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
NO_DIFFERENCE = "no difference shown"
READING, MOST = 2e-4, 2**13  # seconds that a reading takes at least, unless it has so many calls


def readings_in_turns(
    actions: Sequence[Callable[[], Any]], repeats: int, clock: Callable[[], float]
) -> np.ndarray:
    """Seconds of a call, (2, repeats), timed in turns.

    TODO: 1. call each action once; double the number of its calls, from 1 on, until they take
             READING or are MOST; 2. in each round, take a reading of each (the time of all its
             calls over their number), in every second round of the second action first.
    """
    ### BEGIN SOLUTION
    def reading(action: Callable[[], Any], calls: int) -> float:
        start = clock()
        for _ in range(calls):
            action()
        return (clock() - start) / calls

    calls = [1, 1]
    for side, action in enumerate(actions):
        action()
        while calls[side] < MOST and reading(action, calls[side]) * calls[side] < READING:
            calls[side] *= 2
    found = np.zeros((2, repeats))
    for n in range(repeats):
        for side in (0, 1) if n % 2 == 0 else (1, 0):
            found[side, n] = reading(actions[side], calls[side])
    return found
    ### END SOLUTION


def interval(a: np.ndarray, b: np.ndarray, confidence: float, seed: int) -> tuple[float, float]:
    """The bootstrap confidence interval of median(a) / median(b).

    TODO: draw as many of a as there are, with replacement, 2,000 times: (2000, n). Take the median
        of each row; likewise of b. Leave out (1 - confidence) / 2 of the ratios on each side.
    """
    ### BEGIN SOLUTION
    draw = np.random.default_rng(seed)
    medians = [np.median(x[draw.integers(len(x), size=(2000, len(x)))], axis=1) for x in (a, b)]
    rest = (1 - confidence) / 2
    low, high = np.quantile(medians[0] / medians[1], [rest, 1 - rest])
    return float(low), float(high)
    ### END SOLUTION


def compare(
    a: Any, b: Any, repeats: int = 30, confidence: float = 0.99, margin: float = 0.02,
    seed: int = 0, clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:  # fmt: skip
    """Which takes longer: two functions to be timed, or two sequences of times. A plain dict:

    ratio, low, high: how many times as long a takes (medians), and the confidence interval of it
    effect: Cliff's delta, from -1 (a is always faster) to 1    a, b: the medians
    verdict: "a is faster" if high is below 1 / (1 + margin), "b is faster" if low is above
        1 + margin, else "no difference shown"    confidence, margin: as given

    seed: of the bootstrap's draws, so that the same times give the same interval

    TypeError for one of each, ValueError for fewer than 5 times or times not above 0.
    """
    ### BEGIN SOLUTION
    if callable(a) != callable(b):
        raise TypeError("compare takes two functions or two sequences of times, got one of each")
    if callable(a):
        a, b = readings_in_turns((a, b), repeats, clock)
    a, b = (np.asarray(times, float) for times in (a, b))
    if min(a.size, b.size) < 5 or not (np.concatenate([a, b]) > 0).all():
        found = f"got {a.size} from {a.min(initial=1)} and {b.size} from {b.min(initial=1)}"
        raise ValueError(f"compare needs 5 times of each, all above 0 (or a finer clock); {found}")
    low, high = interval(a, b, confidence, seed)
    verdict = NO_DIFFERENCE
    if low > 1 + margin:
        verdict = "b is faster"
    elif high < 1 / (1 + margin):
        verdict = "a is faster"
    medians = float(np.median(a)), float(np.median(b))
    return {
        "ratio": medians[0] / medians[1], "low": low, "high": high, "verdict": verdict,
        "effect": float(np.sign(a[:, None] - b).mean()), "a": medians[0], "b": medians[1],
        "confidence": confidence, "margin": margin,
    }  # fmt: skip
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: which of two is faster

Times with a planted difference, and with none, which hardly ever may be found in a hundred. A clock
shows in which order calls were made.
"""

# %% nbgrader={"grade": true, "grade_id": "test-benchmarking-compare", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_unit_compare():
    draw = np.random.default_rng(0)
    noisy = lambda mean, n=40: mean * (1 + 0.05 * np.abs(draw.standard_normal(n)))  # noqa: E731
    found = compare(noisy(1.0), noisy(1.3))
    assert found["verdict"] == "a is faster" and found["low"] < found["ratio"] < found["high"] < 0.9
    assert found["effect"] == -1
    assert compare([1.0, 1.02, 0.99, 5.0, 1.01], [1.1, 1.12, 1.09, 1.11, 1.1])["effect"] == -0.6
    verdicts = [compare(noisy(1.0), noisy(1.0), seed=n)["verdict"] for n in range(100)]
    assert verdicts.count(NO_DIFFERENCE) >= 97
    assert compare(np.full(9, 1.01), np.full(9, 1.0))["verdict"] == NO_DIFFERENCE, "a small one"
    refused(ValueError, lambda: compare([1.0] * 4, [0.0] * 9), "4 from 1.0 and 9 from 0.0")
    refused(TypeError, lambda: compare(print, [1.0] * 9), "one of each")


def test_unit_compare_functions():
    now, calls = [0.0], []

    def taking(name: str, seconds: float, first: float = 0.0) -> Callable[[], None]:
        def action() -> None:
            now[0] += seconds + (0 if name in calls else first)
            calls.append(name)

        return action

    found = compare(taking("a", 0.25, first=50), taking("b", 0.5), repeats=6, clock=lambda: now[0])
    assert (found["ratio"], found["a"], found["verdict"]) == (0.5, 0.25, "a is faster")
    assert "".join(calls)[-12:] == "abba" * 3
    calls.clear()
    compare(taking("a", 2**-16), taking("b", 2**-16), repeats=5, clock=lambda: now[0])
    assert calls.count("a") == 1 + 31 + 5 * 16, "16 calls of 15 us are more than a reading"


# %% [markdown]
"""
### Keeping results

A report says on which machine it was made, as figures of two machines are no comparison. Stored as
JSON, it is a *baseline*, with which `check_regression` compares later results.
"""

# %% nbgrader={"grade": false, "grade_id": "benchmarking-report", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
FORMAT = 1
COLUMNS = ("name", "scenario", "queries", "p50 ms", "p90 ms", "p99 ms", "samples/s", "valid")


def row_of(name: str, result: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of one result in the order of COLUMNS; "|" would end a cell of Markdown. Given."""
    times = [f"{1e3 * result[key]:.3f}" for key in ("p50", "p90", "p99")]
    speed = "" if result["throughput"] is None else f"{result['throughput']:,.0f}"
    valid = "yes" if result["valid"] else f"no: {'; '.join(result['reasons'])}"
    cells = (name, result["scenario"], str(result["queries"]), *times, speed, valid)
    return tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in cells)


def report(results: Mapping[str, Mapping[str, Any]], format: str = "markdown") -> str:
    """Results of benchmarks by name, as "markdown" for people or "json" for programs.

    JSON: {"format": 1, "machine": system_info(), "versions": those of python and numpy, "results"}
    Markdown: a line on the machine, and a table of COLUMNS with a row for each result

    HINT: `json.dumps(..., allow_nan=False)` refuses what JSON does not have. A row of Markdown is
        `| a | b |`, and the second one is `| --- | --- |`.
    """
    ### BEGIN SOLUTION
    machine, packages = system_info(), versions(["python", "numpy"])
    if format == "json":
        content = {"format": FORMAT, "machine": machine, "versions": packages}
        return json.dumps(content | {"results": dict(results)}, indent=1, allow_nan=False)
    if format != "markdown":
        raise ValueError(f'format is "markdown" or "json", got {format!r}')
    where = f"{machine['system']} {machine['machine']}, {machine['cpu_count']} processors"
    tools = ", ".join(f"{name} {version}" for name, version in packages.items())
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(row_of(*pair) for pair in results.items())]
    lines = [f"Measured on {where}; {tools}.", "", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"
    ### END SOLUTION


def read_report(path: str | Path) -> dict[str, Any]:
    """A report stored as JSON; FileNotFoundError, or ValueError for anything else. Given."""
    text = Path(path).read_text("utf-8", errors="replace")
    try:
        content = json.loads(text)
        content["results"].items(), content["machine"]
        if content["format"] == FORMAT:
            return content
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        pass
    raise ValueError(f'{path} is no baseline of format {FORMAT}: write report(results, "json")')


def check_regression(
    results: Mapping[str, Mapping[str, Any]], path: str | Path, tolerance: float = 0.1
) -> dict[str, dict[str, Any]]:
    """Compares results with those of a stored report: name -> dict, for each name of either.

    verdict: "slower" if latencies are longer beyond doubt, by more than the tolerance (a share);
        else "ok"; "new" or "missing" where only one side has the name
    ratio, low, high: as from `compare`, now over then; None where one side is missing
    same_machine: whether the machines agree; if not, the ratio says little

    TODO: `compare(now, then, margin=tolerance)`: a is now, so "b is faster" means slower now.
    """
    ### BEGIN SOLUTION
    stored = read_report(path)
    same, then = stored["machine"] == system_info(), stored["results"]
    found = {}
    for name in dict.fromkeys([*results, *then]):
        row = {"ratio": None, "low": None, "high": None, "same_machine": same}
        if name in results and name in then:
            sides = results[name]["latencies"], then[name]["latencies"]
            compared = compare(*sides, margin=tolerance)
            row |= {key: compared[key] for key in ("ratio", "low", "high")}
            row["verdict"] = "slower" if compared["verdict"] == "b is faster" else "ok"
        else:
            row["verdict"] = "new" if name in results else "missing"
        found[name] = row
    return found
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: keeping results

A report goes through a file and back; a planted slowdown is found, noise is not, and a damaged
file is named.
"""

# %% nbgrader={"grade": true, "grade_id": "test-benchmarking-report", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from tempfile import TemporaryDirectory


def test_unit_report():
    quick = Simulated(0.25).benchmark()
    results = {"a|b": quick.single_stream(63), "b": quick.offline(640, 64)}
    content = json.loads(report(results, "json"))
    assert content["results"] == results and content["machine"] == system_info()
    lines = report(results).splitlines()
    assert [line.count(" | ") for line in lines[2:]] == [7] * 4 and "a\\|b" in lines[4]
    refused(ValueError, lambda: report(results, "html"), "html")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "baseline.json"
        path.write_text(report(results, "json"), "utf-8")
        now = {"a|b": Simulated(0.3).benchmark().single_stream(63), "c": results["b"]}
        found = check_regression(now, path)
        assert [row["verdict"] for row in found.values()] == ["slower", "new", "missing"]
        assert math.isclose(found["a|b"]["ratio"], 1.2) and found["a|b"]["same_machine"]
        assert check_regression(now, path, tolerance=0.25)["a|b"]["verdict"] == "ok"
        path.write_text("[1, 2]", "utf-8")
        refused(ValueError, lambda: check_regression(now, path), str(path), "no baseline")


# %% [markdown]
"""
## Systems Analysis

**Memory**: which layer holds most? **Complexity**: where do time and operations of a network go?
**Cache and hardware**: what does a first call cost, and what does a batch save? **At scale**: what
happens to the latency of a server as the load grows? All measured here and now.
"""

# %% nbgrader={"grade": false, "grade_id": "benchmarking-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.layers import Flatten
from tinytorch.core.measuring import cpu_seconds, peak_bytes
from tinytorch.core.spatial import Conv2d, MaxPool2d


class Patient:
    """A clock on which sleep only moves the hands: of work alone, where the system tells finely."""

    def __init__(self) -> None:
        self.slept, start = 0.0, time.process_time()
        while (step := time.process_time() - start) == 0:
            pass
        self.clock = time.process_time if step < 1e-4 else time.perf_counter

    def now(self) -> float:
        return self.clock() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def patient(model: Module, *shape: int) -> Benchmark:
    clock = Patient()
    return Benchmark(model, randn(64, *shape), clock=clock.now, sleep=clock.sleep)


def small_network() -> Sequential:
    first, second = Conv2d(1, 16, 3, padding=1), Conv2d(16, 32, 3, padding=1)
    head = Flatten(), Linear(32 * 7 * 7, 10)
    return Sequential(first, relu, MaxPool2d(2), second, relu, MaxPool2d(2), *head)


def analyze_memory() -> None:
    model, x = small_network(), randn(32, 1, 28, 28)
    most = max(Profiler(model).run(x), key=lambda row: row["peak"])
    print(f"  {most['layer']} ({most['kind']}) holds {most['peak'] / 2**20:.1f} MiB more,", end=" ")
    print(f"the whole network {peak_bytes(lambda: model(x)) / 2**20:.1f} MiB")
    plain = cpu_seconds(lambda: model(x))
    traced = cpu_seconds(lambda: peak_bytes(lambda: model(x)))
    print(f"  while memory is traced, it takes {traced / plain:.2f} times as long")


def analyze_complexity() -> None:
    profiler = Profiler(small_network())
    profiler.run(randn(32, 1, 28, 28))
    table = profiler.table().replace("\n", "\n  ")
    print(f"  {table}")


def analyze_cache() -> None:
    benchmark = patient(small_network(), 1, 28, 28)
    benchmark.warmup = 0
    cold, *warm = benchmark.single_stream(20)["latencies"]
    print(f"  a first call takes {cold / min(warm):.2f} times as long as later ones")
    for size in (1, 8, 64):
        found = patient(MLP([784, 256, 10]), 784).offline(512, size)
        each = found["p50"] * 1e3
        print(f"  batches of {size:2}: {found['throughput']:9,.0f} samples/s, {each:.3f} ms each")


def analyze_scale() -> None:
    benchmark = patient(MLP([1024, 1024, 1024, 10]), 1024)
    service = benchmark.single_stream(100)["p50"]
    for load in (0.3, 0.6, 0.9, 1.2):
        found = benchmark.server(load / service, target=10 * service)
        median, slow = found["p50"] / service, found["p99"] / service
        print(f"  {found['qps']:6,.0f} queries/s, {load:.0%} of what it can: median", end=" ")
        print(f"{median:.1f}, 99 % {slow:.1f} times the work of one; valid: {found['valid']}")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: the same function twice

In one of three tries, a function and itself do not differ, and eight times the work does.
"""

# %% nbgrader={"grade": true, "grade_id": "test-benchmarking-itself", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
def test_unit_a_function_and_itself():
    x = np.random.default_rng(0).standard_normal((60, 60))
    work = lambda: x @ x  # noqa: E731
    eight = lambda: [work() for _ in range(8)]  # noqa: E731
    assert NO_DIFFERENCE in [compare(work, work)["verdict"] for _ in range(3)]
    assert "b is faster" in [compare(eight, work)["verdict"] for _ in range(3)]


# %% [markdown]
"""
## Integration

### 🧪 Integration test: a network of many kinds of layers

The profile of a convolutional network says what `summary` of module 05 says of its operations.
"""

# %% nbgrader={"grade": true, "grade_id": "test-benchmarking-networks", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
def test_integration_networks():
    from tinytorch.core.dense import layer_costs

    model = small_network()
    costs = [cost[4] for cost in layer_costs(model, (1, 28, 28))]
    assert [row["flops"] for row in Profiler(model).run(randn(1, 1, 28, 28))] == [*costs, 0]


# %% [markdown]
"""
## Production Context

- **MLPerf** (mlcommons.org) is where the industry publishes such figures. Its **LoadGen** drives
  systems in these four scenarios; your percentiles are its own, to the nanosecond.
- **PyTorch** has `torch.profiler`, whose table looks like yours, and `torch.utils.benchmark`, which
  repeats short calls within a reading. **asv** keeps baselines by commit.
- **Coordinated omission** is what measuring from the start of the work is called: a system that
  hangs for a second then has one slow query, although a hundred users waited.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: from a measurement to a verdict

A model is measured, stored, made slower, measured again, and found slower; one that is not
changed is not.
"""

# %% nbgrader={"grade": true, "grade_id": "test-benchmarking-whole", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_regression():
    model, x = MLP([64, 64, 10]), randn(16, 64)
    slowed = lambda x: [model(x) for _ in range(4)]  # noqa: E731
    measured = lambda m: Benchmark(m, x).single_stream(200)  # noqa: E731
    with TemporaryDirectory() as folder:
        path = Path(folder) / "baseline.json"
        path.write_text(report({"model": measured(model)}, "json"), "utf-8")
        assert check_regression({"model": measured(slowed)}, path)["model"]["verdict"] == "slower"
        found = check_regression({"model": measured(model)}, path, tolerance=0.9)
        assert found["model"]["verdict"] == "ok"


# %% nbgrader={"grade": false, "grade_id": "benchmarking-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for analysis in (analyze_memory, analyze_complexity, analyze_cache, analyze_scale):
        print(f"\n{analysis.__name__.removeprefix('analyze_').capitalize()}")
        analysis()

# %% [markdown]
"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "benchmarking-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** In your profile, compare the shares of time and of FLOPs of each layer.
Which layer is far from the speed of the others, and what does it spend its time on?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "benchmarking-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** How would a server that puts waiting queries into a batch change the
latency at 30 % and at 90 % load? Use your figures of batches.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "benchmarking-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** A change makes a service 3 % slower, with a confidence of 99 %. What
would you ask before you refuse it, and what tolerance would you set for the check?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "benchmarking-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** Where a page asks 100 services at once, which percentile of each service decides how
fast the page is? How many queries does it take to know it?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Benchmarking

You built a profiler of layers, the four scenarios of MLPerf with its percentile and its rule for
how many queries are enough, and a comparison that says "no difference shown". You measured what a
first call, a batch and a queue do to a latency.

**Next:** `pytest --checkpoint 13`, then module 15, where a model answers over the network.
"""
