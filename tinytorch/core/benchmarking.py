# Generated from src_modules/14_benchmarking.py. Do not edit: write in src_modules/14_benchmarking.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=56d0958f5367dcd9 code=9c9445c081482d7b content=960f1a669aadb698
# %% src_modules/14_benchmarking.py:77
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


# %% src_modules/14_benchmarking.py:152
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


# %% src_modules/14_benchmarking.py:409
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


# %% src_modules/14_benchmarking.py:515
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


# %% src_modules/14_benchmarking.py:722
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


# %% src_modules/14_benchmarking.py:860
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
