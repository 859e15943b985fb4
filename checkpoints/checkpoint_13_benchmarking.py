"""Checkpoint 13: profiles of known layers, latencies of a simulated clock, planted differences.

What needs a model of its own, or a clock that it turns itself, is done by programs, on the
student's side. Percentiles and numbers of queries are those of MLPerf's LoadGen.
"""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("13")


def rows_of(found):
    """The rows of a profile by layer, in their order."""
    return {row["layer"]: row for row in found["rows"]}


def chance_of_few(n, t, p):
    """The probability of at most t slow queries of n, in exact integers as far as floats go."""
    return sum(math.comb(n, i) * (1 - p) ** i * p ** (n - i) for i in range(t + 1))


def left_alone(check, run_program, calls):
    """These calls, function -> arguments, change none of what they are given."""
    for name, places in run_program("programs/arrays_kept.py", calls=calls).items():
        told = f"{name} changed its argument {', '.join(str(place + 1) for place in places)}"
        check.true(len(places) == 0, f"{told}: sort a copy, and leave what was measured as it is")


def noisy(mean, count=40, seed=0, spread=0.05):
    """Times that are never faster than the mean, and now and then much slower."""
    draw = np.random.default_rng(seed)
    return (mean * (1 + spread * np.abs(draw.standard_t(3, count)))).tolist()


@pytest.mark.points(2)
@pytest.mark.hint("Look at both clocks before and after each layer's call, and add up.")
def test_profile_of_times(check, run_program):
    """Tells for each layer how long it takes, and how much of that the processor works"""
    found = run_program("programs/profiled.py", what="sleeper", x=np.ones((5, 4), np.float32))
    rows = rows_of(found)
    check.equal(list(rows), ["0", "1", "2", "(rest)"])
    check.equal([row["kind"] for row in found["rows"]][:3], ["Linear", "Sleeper", "Linear"])
    check.equal([tuple(row["output"]) for row in found["rows"]][:3], [(5, 3), (5, 3), (5, 2)])
    slept = rows["1"]
    check.true(0.01 <= slept["wall"] < 0.2, f"10 ms of sleep took {slept['wall']:.4f} s")
    check.true(slept["cpu"] < 0.008, f"sleep worked for {slept['cpu']:.4f} s")
    for layer in ("0", "2", "(rest)"):
        row = rows[layer]
        check.true(row["wall"] < 0.01, f"{layer} has {row['wall']:.4f} s: the sleep of another?")
        check.true(row["cpu"] >= 0, "no time is below 0")
    check.true(rows["0"]["wall"] > 0, "a product takes some time")


@pytest.mark.points(1)
@pytest.mark.hint("Run the model once before you measure; of several runs, the fastest counts.")
@pytest.mark.depends(on="test_profile_of_times")
def test_profile_without_the_first_call(check, run_program):
    """Leaves out the first call, which is slower than others, and one that was disturbed"""
    found = run_program("programs/profiled.py", what="slow", x=np.ones((5, 4), np.float32))
    wall = rows_of(found)["0"]["wall"]
    told = f"{wall:.3f} s: the first call takes 0.2 s, the third 0.3 s, others 0.001 s"
    check.true(0.001 <= wall < 0.05, told)


@pytest.mark.points(2)
@pytest.mark.hint("A recorder sees every primitive; note which layer is running.")
def test_profile_of_operations(tt, check, run_program):
    """Counts the operations of each layer from the shapes, for plain functions as well"""
    model = tt.Sequential(tt.Linear(6, 8), tt.relu, tt.Sequential(tt.Linear(8, 3, bias=False)))
    for rows in (1, 7):
        found = [dict(row) for row in tt.Profiler(model).run(tt.Tensor(np.ones((rows, 6))))]
        check.equal([row["layer"] for row in found][:2], ["0", "1"])
        check.equal([row["kind"] for row in found][:3], ["Linear", "relu", "Linear"])
        expected = [rows * 8 * (2 * 6 + 1), rows * 8, rows * 3 * 2 * 8, 0]
        check.equal([int(row["flops"]) for row in found], expected)
    image = tt.Tensor(np.ones((2, 1, 8, 8), np.float32))
    found = tt.Profiler(tt.Sequential(tt.Conv2d(1, 4, 3), tt.Flatten())).run(image)
    check.equal(int(found[0]["flops"]), 2 * 4 * 36 * (2 * 9 + 1))
    x = np.ones((5, 4), np.float32)
    twice = rows_of(run_program("programs/profiled.py", what="twice", x=x))
    check.equal(
        [(name, row["flops"]) for name, row in twice.items()], [("layer", 360), ("(rest)", 20)]
    )


@pytest.mark.points(1)
@pytest.mark.hint("The peak while a layer runs, less what was held before it: reset it each time.")
def test_profile_of_memory(check, run_program):
    """Tells the most memory that each layer holds while it runs"""
    for kib in (1024, 4096):
        x = np.ones((5, 4), np.float32)
        found = run_program("programs/profiled.py", what="greedy", x=x, kib=kib)
        peaks = [row["peak"] / 1024 for row in found["rows"]]
        check.true(kib <= peaks[1] < kib + 64, f"{peaks[1]:.0f} KiB, expected {kib}")
        check.true(max(peaks[0], peaks[2]) < 64, f"{peaks} KiB: a layer has the peak of another")


@pytest.mark.points(1)
@pytest.mark.hint("Columns of equal width; numbers of the rows, and a last line with their sums.")
@pytest.mark.depends(on="test_profile_of_operations")
def test_table_of_a_profile(tt, check, run_program):
    """Draws the profile as a table: a line for each layer, and their sum"""
    found = run_program("programs/profiled.py", what="sleeper", x=np.ones((5, 4), np.float32))
    lines = found["table"].splitlines()
    check.equal([line.split()[0] for line in lines[1:]], [*rows_of(found), "total"])
    check.equal(lines[0].split()[:2], ["layer", "kind"])
    starts = [
        lines[n].index(kind) for n, kind in enumerate(("kind", "Linear", "Sleeper", "Linear"))
    ]
    check.equal(len(set(starts)), 1)
    total = 5 * 3 * 9 + 5 * 2 * 7
    check.true(str(total) in lines[-1], f"the last line should tell all {total} operations")
    ends = {line.rstrip()[-1] for line in lines[1:]}
    check.true(ends <= set("0123456789"), "numbers stand at the end of each line")
    for word in (*rows_of(found), "Sleeper", "total"):
        check.true(word in found["shown"], f"show() prints no {word!r}")
    with check.raises((RuntimeError, ValueError)):
        tt.Profiler(tt.Linear(2, 2)).table()


@pytest.mark.points(1)
@pytest.mark.hint("Put back what was there in a `finally`, also when a layer raises.")
@pytest.mark.depends(on="test_profile_of_operations")
def test_profile_leaves_no_trace(tt, check, run_program):
    """Leaves the model as it was, also after an exception in the middle of it"""
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    found = run_program("programs/profiled.py", what="untouched", x=x)
    check.equal(found["said"], ["the disk is gone", "the disk is gone"])
    check.equal(found["changed"], [])
    check.true(found["learns"], "the engine records otherwise than before: no gradient came back")
    model = tt.Sequential(tt.Linear(4, 3), tt.relu)
    expected, state = check.array(model(tt.Tensor(x))), model.state_dict()
    rows = [[dict(row) for row in tt.Profiler(model).run(tt.Tensor(x))] for _ in range(2)]
    check.equal(*[[(row["layer"], row["flops"]) for row in each] for each in rows])
    check.close(model(tt.Tensor(x)), expected, rtol=0, atol=0)
    for name, array in model.state_dict().items():
        check.close(array, check.array(state[name]), rtol=0, atol=0)


@pytest.mark.points(2)
@pytest.mark.hint("sorted(latencies)[int(n * p)], and the last one where that is n.")
@given(count=st.integers(1, 300), share=st.sampled_from([0.0, 0.5, 0.9, 0.97, 0.99, 0.999, 1.0]))
def test_percentiles(tt, check, count, share):
    """Takes LoadGen's percentile: a latency that was measured, not one between two"""
    latencies = np.random.default_rng(count).permutation(count) + 0.5
    found = tt.percentile(latencies.tolist(), share)
    check.equal(float(found), 0.5 + min(int(count * share), count - 1))
    for wrong in (([], 0.5), ([1.0, 2.0], 1.5), ([1.0, 2.0], -0.1)):
        with check.raises(ValueError):
            tt.percentile(*wrong)


@pytest.mark.points(2)
@pytest.mark.hint("The least n for which at most t slow queries have a probability of 1 % or less.")
def test_numbers_of_queries(tt, check):
    """Knows how many queries prove a percentile: 64, 459, 662, and any other number"""
    known = {(1, 0.9): 64, (1, 0.99): 662, (0, 0.99): 459, (0, 0.9): 44, (0, 0.5): 7}
    check.equal({key: int(tt.queries_needed(*key)) for key in known}, known)
    for t in (0, 1, 2, 5, 12):
        for p in (0.5, 0.9, 0.97, 0.99):
            n = int(tt.queries_needed(t, p))
            fewer, enough = (chance_of_few(count, t, p) for count in (n - 1, n))
            told = f"{n} queries with {t} slow ones: {enough:.5f}, one fewer {fewer:.5f}"
            check.true(enough <= 0.01 < fewer, told)
    check.true(int(tt.queries_needed(9, 0.9, confidence=0.95)) < 183, "a lower confidence")


@pytest.mark.points(2)
@pytest.mark.hint("Warm up first; then look at the clock before and after each query.")
@pytest.mark.depends(on="test_percentiles")
def test_single_stream(check, run_program):
    """Asks one sample after the other, and measures each answer but those of the warm-up"""
    jitter = [0.0, 0.5, 0.25, 1.0, 0.125]
    for warmup, queries in ((3, 64), (1, 100), (0, 70)):
        found = run_program(
            "programs/simulated.py",
            scenario="single_stream",
            options={"queries": queries},
            first=40.0 if warmup else 0.0,
            jitter=jitter,
            settings={"warmup": warmup},
        )
        result = found["found"]
        expected = [0.25 + jitter[n % 5] for n in range(warmup, warmup + queries)]
        check.close(np.array(result["latencies"]), expected)
        check.equal(found["sizes"], [1] * (warmup + queries))
        check.equal((result["queries"], result["samples"]), (queries, queries))
        check.close(result["throughput"], queries / sum(expected))
        ordered = sorted(expected)
        names = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "latency": 0.9}
        for name, share in names.items():
            check.close(result[name], ordered[int(queries * share)])
        check.equal(result["valid"], True)
        check.true(len({n for query in found["asked"] for n in query}) > 1, "draw the samples")
    result = run_program(
        "programs/simulated.py",
        scenario="single_stream",
        options={"queries": 11, "p": 0.5},
        jitter=[n / 8 for n in range(13)],
    )["found"]
    check.equal((result["percentile"], result["latency"], result["valid"]), (0.5, 1.125, True))


@pytest.mark.points(1)
@pytest.mark.hint("The t-th slowest, with the largest t for which so many queries are enough.")
@pytest.mark.depends(on=["test_single_stream", "test_numbers_of_queries"])
def test_early_stopping(check, run_program):
    """Estimates a percentile from few queries, on the safe side, and knows what is too few"""
    drawn = np.random.default_rng(0).permutation(500) / 64
    for queries, slowest in ((63, None), (64, 1), (81, 2), (100, 3), (200, 10)):
        found = run_program(
            "programs/simulated.py",
            scenario="single_stream",
            options={"queries": queries},
            jitter=drawn.tolist(),
        )["found"]
        check.equal(found["valid"], slowest is not None)
        if slowest is None:
            check.equal(found["estimate"], None)
            told = f"the reasons should name the 64 queries: {found['reasons']}"
            check.true("64" in " ".join(found["reasons"]), told)
        else:
            check.close(found["estimate"], 0.25 + sorted(drawn[3 : 3 + queries])[-slowest])
            check.equal(list(found["reasons"]), [])
    left_alone(check, run_program, {"percentile": [drawn[:20].tolist(), 0.9]})


@pytest.mark.points(1)
@pytest.mark.hint("A query has several samples, and one latency.")
@pytest.mark.depends(on="test_single_stream")
def test_multi_stream(check, run_program):
    """Asks queries of several samples in one batch, and measures each query"""
    for size, queries in ((8, 662), (4, 661)):
        found = run_program(
            "programs/simulated.py",
            scenario="multi_stream",
            options={"queries": queries, "size": size},
            each=0.125,
            first=9.0,
        )
        result = found["found"]
        check.equal(found["sizes"][3:], [size] * queries)
        check.close(np.array(result["latencies"]), np.full(queries, 0.125 * size))
        check.equal(result["samples"], queries * size)
        check.close(result["throughput"], 8.0)
        check.equal(result["valid"], queries >= 662)
    options = {"queries": 64, "p": 0.9}
    result = run_program("programs/simulated.py", scenario="multi_stream", options=options)["found"]
    check.equal((result["percentile"], result["valid"]), (0.9, True))


@pytest.mark.points(2)
@pytest.mark.hint("Gaps between arrivals are exponential; a latency begins with the arrival.")
@pytest.mark.depends(on="test_percentiles")
def test_server(check, run_program):
    """Lets queries arrive at random, and counts the time from the arrival, in a queue as well"""

    for qps, each in ((100.0, 2**-12), (200.0, 2**-8), (100.0, 2**-6)):
        options = {"qps": qps, "target": 1e6, "queries": 1500}
        found = run_program(
            "programs/simulated.py", scenario="server", options=options, each=each, first=30.0
        )["found"]
        latencies = np.array(found["latencies"])
        check.true(bool((latencies >= each * 0.999).all()), "no answer is faster than the model")
        use = qps * each
        if use < 1:  # of a queue with random arrivals and fixed work: Pollaczek and Khinchine
            mean = each * (1 + use / (2 * (1 - use)))
            off = abs(float(latencies.mean()) / mean - 1)
            told = (
                f"the mean latency is {latencies.mean():.5f} s, queueing theory says {mean:.5f} s"
            )
            check.true(off < 0.25, told)
            seconds = 1500 / qps
            check.true(
                bool(abs(found["seconds"] / seconds - 1) < 0.15), f"{found['seconds']:.2f} s"
            )
        else:
            growing = latencies[-300:].mean() - latencies[:300].mean()
            check.true(bool(growing > 2), "a server that is asked too often falls behind")
            check.close(found["throughput"], 1 / each, rtol=0.01)


@pytest.mark.points(1)
@pytest.mark.hint("Valid: the percentile is within the target, and the queries prove it.")
@pytest.mark.depends(on=["test_server", "test_numbers_of_queries"])
def test_verdict_of_a_server(check, run_program):
    """Says whether a server keeps its target, how many queries did not, and why"""
    slow = [0.0] * 199 + [3.0]
    for queries, jitter, qps, valid, over in (
        (459, [0.0], 1.0, True, 0),
        (458, [0.0], 1.0, False, 0),
        (600, slow, 0.001, False, 3),
        (2200, slow, 0.001, True, 11),
    ):
        found = run_program(
            "programs/simulated.py",
            scenario="server",
            options={"qps": qps, "target": 1.0, "queries": queries},
            each=2**-10,
            jitter=jitter,
        )["found"]
        check.equal((found["valid"], int(found["over"])), (valid, over))
        check.equal(len(found["reasons"]) == 0, valid)
    found = run_program(
        "programs/simulated.py",
        scenario="server",
        options={"qps": 0.001, "target": 0.01, "queries": 500},
        each=2**-10,
        jitter=[0.0] * 49 + [0.02],
    )
    check.equal(found["found"]["valid"], False)
    options = {"qps": 0.001, "target": 1.0, "queries": 600, "p": 0.97}
    half = run_program(
        "programs/simulated.py", scenario="server", options=options, each=2**-10, jitter=slow
    )["found"]
    check.equal((half["percentile"], half["valid"], int(half["over"])), (0.97, True, 3))
    check.true("0.01" in " ".join(found["found"]["reasons"]), "the reasons should name the target")


@pytest.mark.points(1)
@pytest.mark.hint("All samples in batches, the last one smaller: samples over seconds.")
@pytest.mark.depends(on="test_single_stream")
def test_offline(check, run_program):
    """Answers all samples in batches, and tells how many that is in a second"""
    for count, size, sizes in ((100, 32, [32, 32, 32, 4]), (64, 64, [64]), (5, 1, [1] * 5)):
        found = run_program(
            "programs/simulated.py",
            scenario="offline",
            options={"count": count, "batch_size": size},
            first=100.0,
            jitter=[1.0],
        )
        result = found["found"]
        check.equal(found["sizes"][-len(sizes) :], sizes)
        check.close(result["throughput"], count / (0.25 * count + len(sizes)))
        check.equal((result["samples"], result["valid"]), (count, True))


@pytest.mark.points(1)
@pytest.mark.hint("default_rng(seed) for each scenario; refuse what cannot be measured.")
@pytest.mark.depends(on="test_server")
def test_benchmarks_repeat(tt, check, run_program):
    """Asks the same samples at the same times with the same seed, and others with another"""
    found = []
    for seed in (1, 1, 2):
        each = [
            run_program(
                "programs/simulated.py",
                scenario=scenario,
                options=options,
                samples=50,
                settings={"seed": seed},
            )
            for scenario, options in (
                ("single_stream", {"queries": 30}),
                ("server", {"qps": 2.0, "target": 1.0, "queries": 30}),
            )
        ]
        found.append([(one["asked"], one["found"]["latencies"]) for one in each])
    check.true(found[0] == found[1], "the same seed should give the same queries")
    check.true(found[0][0][0] != found[2][0][0], "another seed should draw other samples")
    check.true(found[0][1][1] != found[2][1][1], "another seed should give other arrivals")
    benchmark = tt.Benchmark(tt.Linear(3, 2), np.ones((4, 3), np.float32))
    for wrong in ({"queries": 0}, {"queries": -1}):
        with check.raises(ValueError):
            benchmark.single_stream(**wrong)
    with check.raises(ValueError):
        benchmark.server(qps=0.0, target=1.0)
    with check.raises(ValueError):
        tt.Benchmark(tt.Linear(3, 2), np.ones((0, 3)))


@pytest.mark.points(2)
@pytest.mark.hint("Medians, and a bootstrap of their ratio: the interval decides, with a margin.")
def test_planted_differences(tt, check, measured):
    """Finds a difference that is there, says which is faster, and by how much at least"""
    for ratio, count in ((1.3, 40), (2.0, 12), (1.1, 200)):
        slow, fast = noisy(ratio, count, seed=1), noisy(1.0, count, seed=2)
        for a, b, verdict in ((slow, fast, "b is faster"), (fast, slow, "a is faster")):
            found = dict(tt.compare(a, b))
            check.equal(found["verdict"], verdict)
            check.close(found["ratio"], np.median(a) / np.median(b))
            low, middle, high = (float(found[name]) for name in ("low", "ratio", "high"))
            check.true(low < middle < high, f"the ratio lies in its interval: {found}")
            wide = (high - low) / middle
            check.true(0.005 < wide < 0.4, f"an interval of {wide:.1%} of the ratio")
    measured(f"a difference of 10 % is found: the ratio is {middle:.2f}, {low:.2f} to {high:.2f}")
    broken = [*noisy(1.0, 30), 500.0, 900.0]
    found = tt.compare(broken, noisy(1.5, 30, seed=3))
    check.equal(found["verdict"], "a is faster")
    one, again, other = (tt.compare(a, b, seed=seed) for seed in (3, 3, 4))
    same = (one["low"], one["high"]) == (again["low"], again["high"])
    check.true(same, "the same seed should give the same interval")
    differs = (one["low"], one["high"]) != (other["low"], other["high"])
    check.true(differs, "another seed should draw another bootstrap")
    less = tt.compare(a, b, confidence=0.5)
    narrow = (less["high"] - less["low"]) / (one["high"] - one["low"])
    told = f"a confidence of 50 % has an interval {narrow:.2f} times as wide as one of 99 %"
    check.true(narrow < 0.5, told)  # 0.26 for a normal distribution


@pytest.mark.points(2)
@pytest.mark.hint("Say it beyond doubt, or say that no difference is shown.")
@pytest.mark.depends(on="test_planted_differences")
def test_no_difference(tt, check):
    """Shows no difference where there is none, where it is small, and where noise is large"""
    pairs = [(noisy(1.0, seed=n), noisy(1.0, seed=n + 500)) for n in range(30)]
    verdicts = [str(tt.compare(a, b)["verdict"]) for a, b in pairs]
    found = 30 - verdicts.count("no difference shown")
    check.true(found <= 2, f"{found} of 30 comparisons of equal things found a difference")
    for a, b in (
        (noisy(1.05, 8, spread=0.5), noisy(1.0, 8, seed=1, spread=0.5)),
        ([1.01] * 20, [1.0] * 20),
        (noisy(1.0), noisy(1.0)),
    ):
        check.equal(tt.compare(a, b)["verdict"], "no difference shown")
    check.equal(tt.compare([1.05] * 20, [1.0] * 20)["verdict"], "b is faster")
    check.equal(tt.compare([1.05] * 20, [1.0] * 20, margin=0.1)["verdict"], "no difference shown")


@pytest.mark.points(1)
@pytest.mark.hint(
    "Of all pairs, the share where a takes longer less the share where it takes less."
)
def test_effect_size(tt, check, run_program):
    """Tells how often a takes longer than b, from -1 (never) to 1 (always)"""
    a, b = np.array([1.0, 2, 2, 3, 5, 8]), np.array([1.0, 2, 4, 4, 9])
    expected = float(np.mean([np.sign(x - y) for x in a for y in b]))
    check.close(tt.compare(a.tolist(), b.tolist())["effect"], expected)
    mixed = a[::-1].copy(), b[::-1].copy()
    left_alone(check, run_program, {"compare": [*mixed]})
    check.close(tt.compare([2.0] * 6, [1.0] * 5)["effect"], 1.0)
    check.close(tt.compare([1.0] * 6, [2.0] * 5)["effect"], -1.0)
    check.close(tt.compare([1.0] * 6, [1.0] * 5)["effect"], 0.0)
    with check.raises(ValueError):
        tt.compare([1.0] * 4, [1.0] * 40)
    with check.raises(ValueError):
        tt.compare([1.0] * 6, [0.0] * 6)
    with check.raises(TypeError):
        tt.compare(tt.relu, [1.0] * 6)


@pytest.mark.points(2)
@pytest.mark.hint("Warm up; time them in turns; repeat calls that are short; change who begins.")
@pytest.mark.depends(on="test_no_difference")
def test_functions_are_compared_in_turns(check, run_program):
    """Times two functions in turns, without their first calls, short ones several times"""
    found = run_program("programs/compared.py", kind="simulated", a=1.0, b=2.0, first=99.0)
    check.close(found["found"]["ratio"], 0.5)
    check.equal(found["found"]["verdict"], "a is faster")
    order = found["calls"][-20:]
    check.equal(order.count("a"), 10)
    longest = max(len(run) for kind in "ab" for run in order.split(kind))
    check.true(longest <= 2, f"not in turns: {order}")
    short = run_program("programs/compared.py", kind="simulated", a=2**-16, b=2**-16)
    calls = short["calls"].count("a")
    check.true(calls > 60, f"15 microseconds were timed {calls} times, in 10 readings")
    check.equal(short["found"]["verdict"], "no difference shown")
    work = np.random.default_rng(0).standard_normal((48, 48))
    for a, b, verdict in ((1, 1, "no difference shown"), (10, 1, "b is faster")):
        real = run_program("programs/compared.py", kind="real", a=a, b=b, repeats=25, work=work)
        told = f"three times, {a} products to {b}: {real['verdicts']}, expected {verdict!r}"
        check.true(verdict in list(real["verdicts"]), told)


def results_of(run_program, each=0.25):
    return {
        name: run_program("programs/simulated.py", scenario=scenario, options=options, each=each)[
            "found"
        ]
        for name, scenario, options in (
            ("phone", "single_stream", {"queries": 64}),
            ("car | night", "multi_stream", {"queries": 20}),
        )
    }


@pytest.mark.points(1)
@pytest.mark.hint("JSON holds all of it, and the machine; Markdown is a table with a row for each.")
@pytest.mark.depends(on=["test_single_stream", "test_multi_stream"])
def test_reports(tt, check, run_program):
    """Writes results as JSON that reads back the same, and as a table in Markdown"""
    results = results_of(run_program)
    for kind in ("json", "markdown"):
        left_alone(check, run_program, {"report": [results, kind]})
    content = json.loads(tt.report(results, "json"))
    check.equal(content["format"], 1)
    check.equal(sorted(content["results"]), sorted(results))
    for name, result in results.items():
        check.equal(content["results"][name]["latencies"], list(result["latencies"]))
        check.equal(content["results"][name]["valid"], result["valid"])
    check.equal(content["machine"]["python"], tt.system_info()["python"])
    table = [line for line in str(tt.report(results)).splitlines() if line[:1] == "|"]
    check.equal(len(table), 4)
    check.equal([line.replace("\\|", "").count("|") for line in table], [9] * 4)
    check.true("250.000" in table[2] and "phone" in table[2], f"milliseconds: {table[2]}")
    check.true("yes" in table[2] and "no" in table[3].split("|")[-2], "which of them are valid")
    with check.raises(ValueError, mentions=("html",)):
        tt.report(results, "html")


@pytest.mark.points(1)
@pytest.mark.hint("compare(now, then, margin=tolerance) for each name that both sides have.")
@pytest.mark.depends(on=["test_reports", "test_planted_differences"])
def test_regressions(tt, check, run_program, student_folder):
    """Finds what has become slower since a stored report, and nothing else"""
    before = results_of(run_program)
    stored = json.loads(tt.report(before, "json"))
    for name, mean in (("steady", 1.0), ("slower", 1.0), ("faster", 1.0), ("gone", 1.0)):
        stored["results"][name] = before["phone"] | {"latencies": noisy(mean, seed=len(name))}
    files = {"good.json": json.dumps(stored).encode(), "bad.json": b"[1, 2]", "cut.json": b'{"form'}
    folder = student_folder(files)
    now = {"phone": before["phone"]}
    for name, mean in (("steady", 1.03), ("slower", 1.4), ("faster", 0.6), ("new", 1.0)):
        now[name] = before["phone"] | {"latencies": noisy(mean, seed=len(name) + 50)}
    left_alone(check, run_program, {"check_regression": [now, f"{folder}/good.json"]})
    found = dict(tt.check_regression(now, f"{folder}/good.json"))
    verdicts = {name: row["verdict"] for name, row in found.items()}
    expected = dict.fromkeys(("phone", "steady", "faster"), "ok")
    missing = dict.fromkeys(("gone", "car | night"), "missing")
    check.equal(verdicts, {**expected, "slower": "slower", "new": "new", **missing})
    ratio = np.median(now["slower"]["latencies"]) / np.median(
        stored["results"]["slower"]["latencies"]
    )
    check.close(found["slower"]["ratio"], ratio)
    check.equal(found["slower"]["same_machine"], True)
    allowed = tt.check_regression(now, f"{folder}/good.json", tolerance=0.6)
    check.equal(allowed["slower"]["verdict"], "ok")
    for name in ("bad.json", "cut.json"):
        with check.raises(ValueError, mentions=(name,)):
            tt.check_regression(now, f"{folder}/{name}")
    with check.raises(FileNotFoundError):
        tt.check_regression(now, f"{folder}/none.json")
