"""Module 14: wrong solutions that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

CALLED = (
    "            wall, cpu = time.perf_counter(), time.process_time()\n"
    "            output = call(*args, **options)\n"
)
WARM = "        with no_grad():\n            self.model(*inputs)\n            runs"
PEAK = "            peak = tracemalloc.get_traced_memory()[1] - before\n"
FASTEST = (
    '            found |= {key: min(run[name][key] for run in runs) for key in ("wall", "cpu")}\n'
)
INDEX = "    return float(ordered[min(int(len(ordered) * p), len(ordered) - 1)])\n"
ASKED = (
    "            start = self.clock()\n"
    "            self.ask(indices)\n"
    "            latencies.append(self.clock() - start)\n"
)
ARRIVED = "            latencies.append(self.clock() - start - arrival)\n"
GAPS = "exponential(1 / qps, queries)\n"
WAIT = (
    "            while (early := start + arrival - self.clock()) > 0:\n"
    "                self.sleep(early)\n"
)
RATIO = "    low, high = np.quantile(medians[0] / medians[1], [rest, 1 - rest])\n"
LOWER = "    if low > 1 + margin:\n"
HIGHER = "    elif high < 1 / (1 + margin):\n"
TURNS = "        for side in (0, 1) if n % 2 == 0 else (1, 0):\n"

WRONG: dict[str, dict[str, Wrong]] = {
    "14_benchmarking": {
        "wall time is taken for processor time": Wrong(
            '            row["cpu"] += time.process_time() - cpu\n',
            '            row["cpu"] += time.perf_counter() - wall\n',
            "test_profile_of_times",
            "sleep worked for",
        ),
        "processor time is taken for wall time": Wrong(
            '            row["wall"] += time.perf_counter() - wall\n',
            '            row["wall"] += time.process_time() - cpu\n',
            "test_profile_of_times",
            "10 ms of sleep took",
        ),
        "the clock is looked at after the call": Wrong(
            CALLED,
            "            output = call(*args, **options)\n"
            "            wall, cpu = time.perf_counter(), time.process_time()\n",
            "test_profile_of_times",
            "10 ms of sleep took",
        ),
        "the whole is taken for the rest": Wrong(
            "            whole[key] = max(value - sum(row[key] for row in found.values()), 0.0)\n",
            "            whole[key] = value\n",
            "test_profile_of_times",
            "(rest) has",
        ),
        "the first call is profiled": Wrong(
            "            self.model(*inputs)\n"
            "            runs = [self.timed(inputs) for _ in range(self.repeats)]\n",
            "            runs = [self.timed(inputs)]\n",
            "test_profile_without_the_first_call",
            "the third 0.3 s, others 0.001 s",
        ),
        "operations of the rest are lost": Wrong(
            "            totals[running[-1]] = totals.get(running[-1], 0) + operations("
            "name, output, operands)\n",
            "            if running[-1] != REST:\n"
            "                totals[running[-1]] = totals.get(running[-1], 0) + operations("
            "name, output, operands)\n",
            "test_profile_of_operations",
            "got [('layer', 360), ('(rest)', 0)]",
        ),
        "the last operation alone is counted": Wrong(
            "totals.get(running[-1], 0) + operations(name, output, operands)",
            "operations(name, output, operands)",
            "test_profile_of_operations",
            "[('layer', 180)",
        ),
        "one operation for a multiplication and an addition": Wrong(
            "    return flops_of(name, output, operands)\n",
            "    return flops_of(name, output, operands) // 2\n",
            "test_profile_of_operations",
            "[int(row['flops']) for row in found]: got",
        ),
        "the peak since the beginning": Wrong(
            "            tracemalloc.reset_peak()\n",
            "",
            "test_profile_of_memory",
            "a layer has the peak of another",
        ),
        "what is held after the call": Wrong(
            PEAK,
            "            peak = tracemalloc.get_traced_memory()[0] - before\n",
            "test_profile_of_memory",
            "KiB, expected 1024",
        ),
        "a table without a sum": Wrong(
            "        for row in [*self.rows, total]:\n",
            "        for row in self.rows:\n",
            "test_table_of_a_profile",
            "expected ['0'",
        ),
        "columns that do not stand below each other": Wrong(
            "                cell.ljust(width) if column < 3 else cell.rjust(width)\n",
            "                cell\n",
            "test_table_of_a_profile",
            "len(set(starts)): got",
        ),
        "the model stays watched": Wrong(
            "    finally:\n        for put_back in reversed(undo):\n            put_back()\n",
            "    finally:\n        pass\n",
            "test_profile_leaves_no_trace",
            "",
        ),
        "watched for ever after an exception": Wrong(
            "    try:\n        yield\n    finally:\n        for put_back in reversed(undo):\n"
            "            put_back()\n",
            "    yield\n    for put_back in reversed(undo):\n        put_back()\n",
            "test_profile_leaves_no_trace",
            "",
        ),
        "a percentile between two latencies": Wrong(
            INDEX,
            "    return float(np.quantile(ordered, p))\n",
            "test_percentiles",
            "float(found): got",
        ),
        "an index of n p less one": Wrong(
            INDEX,
            "    return float(ordered[max(math.ceil(len(ordered) * p) - 1, 0)])\n",
            "test_percentiles",
            "float(found): got",
        ),
        "latencies that are not sorted": Wrong(
            "    ordered = sorted(latencies)\n",
            "    ordered = list(latencies)\n",
            "test_percentiles",
            "float(found): got",
        ),
        "one query too few": Wrong(
            "            enough = middle\n    return enough\n",
            "            enough = middle\n    return too_few\n",
            "test_numbers_of_queries",
            "got",
        ),
        "a confidence of 95 %": Wrong(
            "def queries_needed(t: int, p: float, confidence: float = 0.99)",
            "def queries_needed(t: int, p: float, confidence: float = 0.95)",
            "test_numbers_of_queries",
            "got",
        ),
        "twice as many are enough at once": Wrong(
            "    while enough - too_few > 1:\n",
            "    while False:\n",
            "test_numbers_of_queries",
            "got",
        ),
        "the percentile is taken for its estimate": Wrong(
            "    return float(sorted(latencies)[-t]) if t else None\n",
            "    return percentile(latencies, p) if t else None\n",
            "test_early_stopping",
            "found['estimate']: largest difference",
        ),
        "one slow query more": Wrong(
            "    return float(sorted(latencies)[-t]) if t else None\n",
            "    return float(sorted(latencies)[-t - 1]) if t else None\n",
            "test_early_stopping",
            "found['estimate']: largest difference",
        ),
        "the first call is timed": Wrong(
            "        for indices in drawn[: self.warmup]:\n            self.ask(indices)\n",
            "",
            "test_single_stream",
            "np.array(result['latencies']): largest difference",
        ),
        "the sum so far": Wrong(
            ASKED,
            "            if not latencies:\n                begin = self.clock()\n"
            "            self.ask(indices)\n"
            "            latencies.append(self.clock() - begin)\n",
            "test_single_stream",
            "np.array(result['latencies']): largest difference",
        ),
        "the mean for each query": Wrong(
            "            latencies.append(self.clock() - start)\n        return latencies\n",
            "            latencies.append(self.clock() - start)\n"
            "        return [sum(latencies) / len(latencies)] * len(latencies)\n",
            "test_single_stream",
            "np.array(result['latencies']): largest difference",
        ),
        "always valid": Wrong(
            "    return [] if queries >= needed else [",
            "    return [] if needed else [",
            "test_early_stopping",
            "found['valid']: got True, expected False",
        ),
        "samples of a query one by one": Wrong(
            "        with no_grad():\n            self.model(Tensor(self.samples[indices]))\n",
            "        with no_grad():\n            for n in indices:\n"
            "                self.model(Tensor(self.samples[n : n + 1]))\n",
            "test_multi_stream",
            "found['sizes'][3:]: got",
        ),
        "a latency for each sample": Wrong(
            'return outcome("multi_stream", latencies, queries',
            "latencies = [t / size for t in latencies]\n"
            '        return outcome("multi_stream", latencies, queries',
            "test_multi_stream",
            "np.array(result['latencies']): largest difference",
        ),
        "latency from the start of the work": Wrong(
            "            self.ask(indices)\n" + ARRIVED,
            "            begin = self.clock()\n            self.ask(indices)\n"
            "            latencies.append(self.clock() - begin)\n",
            "test_server",
            "queueing theory says",
        ),
        "arrivals like a clock": Wrong(
            GAPS,
            "uniform(1 / qps, 1 / qps, queries)\n",
            "test_server",
            "queueing theory says",
        ),
        "the next query arrives when the last is answered": Wrong(
            WAIT,
            "            self.sleep(1 / qps)\n            arrival = self.clock() - start\n",
            "test_server",
            "",
        ),
        "a rate for a mean gap": Wrong(
            GAPS,
            "exponential(qps, queries)\n",
            "test_server",
            "",
        ),
        "nobody waits for an arrival": Wrong(
            WAIT,
            "",
            "test_server",
            "no answer is faster than the model",
        ),
        "a server is valid by its percentile alone": Wrong(
            "        reasons = too_few(queries, over, p)\n",
            "        reasons = []\n",
            "test_verdict_of_a_server",
            "(found['valid'], int(found['over'])): got (True, 0), expected (False, 0)",
        ),
        "as many queries as without slow ones": Wrong(
            "        reasons = too_few(queries, over, p)\n",
            "        reasons = too_few(queries, 0, p)\n",
            "test_verdict_of_a_server",
            "got (True, 3), expected (False, 3)",
        ),
        "no slow query is allowed": Wrong(
            "        reasons = too_few(queries, over, p)\n",
            '        reasons = too_few(queries, over, p) or ["slow"] * over\n',
            "test_verdict_of_a_server",
            "got (False, 11), expected (True, 11)",
        ),
        "the last batch is filled up": Wrong(
            "chosen[n : n + batch_size] for n in range(0, count, batch_size)]",
            "np.resize(chosen[n:], batch_size) for n in range(0, count, batch_size)]",
            "test_offline",
            "found['sizes'][-len(sizes):]: got",
        ),
        "batches in a second": Wrong(
            '    return outcome("offline", self.one_by_one(batches), count, 0.99, [])\n',
            '    return outcome("offline", self.one_by_one(batches), len(batches), 0.99, [])\n',
            "test_offline",
            "result['throughput']: largest difference",
        ),
        "arrivals that never repeat": Wrong(
            "        arrivals = np.random.default_rng([self.seed, 1])",
            "        arrivals = np.random.default_rng()",
            "test_benchmarks_repeat",
            "the same seed should give the same queries",
        ),
        "samples that never differ": Wrong(
            "        draw = np.random.default_rng(self.seed)\n",
            "        draw = np.random.default_rng(0)\n",
            "test_benchmarks_repeat",
            "another seed should draw other samples",
        ),
        "means instead of medians": Wrong(
            "    medians = float(np.median(a)), float(np.median(b))\n",
            "    medians = float(np.mean(a)), float(np.mean(b))\n",
            "test_planted_differences",
            "found['ratio']: largest difference",
        ),
        "a bootstrap of means": Wrong(
            "    medians = [np.median(x[draw",
            "    medians = [np.mean(x[draw",
            "test_planted_differences",
            "",
        ),
        "the verdict is turned around": Wrong(
            '        verdict = "b is faster"\n',
            '        verdict = "a is faster"\n',
            "test_planted_differences",
            "found['verdict']: got 'a is faster', expected 'b is faster'",
        ),
        "the ratio decides, not the interval": Wrong(
            LOWER,
            "    low, high = low, high if (low > 1) else high\n"
            "    if np.median(a) > np.median(b):\n",
            "test_no_difference",
            "comparisons of equal things found a difference",
        ),
        "an interval of 50 %": Wrong(
            "    rest = (1 - confidence) / 2\n",
            "    rest = 0.25\n",
            "test_no_difference",
            "",
        ),
        "no margin": Wrong(
            LOWER,
            "    if low > 1:\n",
            "test_no_difference",
            "got 'b is faster', expected 'no difference shown'",
        ),
        "one draw for both": Wrong(
            RATIO,
            "    low = high = np.median(medians[0] / medians[1])\n",
            "test_planted_differences",
            "the ratio lies in its interval",
        ),
        "one side of the pairs": Wrong(
            "float(np.sign(a[:, None] - b).mean())",
            "float((a[:, None] > b).mean())",
            "test_effect_size",
            "largest difference",
        ),
        "one after the other": Wrong(
            "    for n in range(repeats):\n" + TURNS,
            "    for n, side in [(n, side) for side in (0, 1) for n in range(repeats)]:\n"
            "        for side in (side,):\n",
            "test_functions_are_compared_in_turns",
            "not in turns",
        ),
        "functions are timed from their first call on": Wrong(
            "        action()\n        while calls[side] < MOST and",
            "        while False and",
            "test_functions_are_compared_in_turns",
            "",
        ),
        "short calls are timed once": Wrong(
            "            calls[side] *= 2\n",
            "            break\n",
            "test_functions_are_compared_in_turns",
            "15 microseconds were timed",
        ),
        "seconds in the table": Wrong(
            '[f"{1e3 * result[key]:.3f}" for key',
            '[f"{result[key]:.3f}" for key',
            "test_reports",
            "milliseconds:",
        ),
        "a name that ends its cell": Wrong(
            'cell.replace("|", "\\\\|").replace("\\n", " ")',
            'cell.replace("\\n", " ")',
            "test_reports",
            "for line in table]: got",
        ),
        "JSON without the latencies": Wrong(
            'json.dumps(content | {"results": dict(results)}',
            'json.dumps(content | {"results": {n: {"p50": r["p50"]} for n, r in results.items()}}',
            "test_reports",
            "",
        ),
        "then over now": Wrong(
            'sides = results[name]["latencies"], then[name]["latencies"]',
            'sides = then[name]["latencies"], results[name]["latencies"]',
            "test_regressions",
            "verdicts: got",
        ),
        "what is missing is not told": Wrong(
            "    for name in dict.fromkeys([*results, *then]):\n",
            "    for name in results:\n",
            "test_regressions",
            "verdicts: got",
        ),
        "faster is a regression": Wrong(
            '"slower" if compared["verdict"] == "b is faster" else "ok"',
            '"slower" if compared["verdict"] != NO_DIFFERENCE else "ok"',
            "test_regressions",
            "verdicts: got",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "14_benchmarking": {
        "numbers of queries one by one": Unusual(
            (
                (
                    "    too_few, enough = t, t + 1\n"
                    "    while chance_of_few(enough, t, p) > 1 - confidence:\n"
                    "        too_few, enough = enough, 2 * enough\n"
                    "    while enough - too_few > 1:\n"
                    "        middle = (enough + too_few) // 2\n"
                    "        if chance_of_few(middle, t, p) > 1 - confidence:\n"
                    "            too_few = middle\n"
                    "        else:\n"
                    "            enough = middle\n",
                    "    enough = t + 1\n"
                    "    while chance_of_few(enough, t, p) > 1 - confidence:\n"
                    "        enough += 1\n",
                ),
            )
        ),
        "the estimate by numbers of queries": Unusual(
            (
                (
                    "    n, t = len(latencies), 0\n"
                    "    total = chance(n, 0, p) + chance(n, 1, p)\n"
                    "    while total <= 1 - confidence:\n"
                    "        t += 1\n"
                    "        total += chance(n, t + 1, p)\n",
                    "    t = 0\n"
                    "    while queries_needed(t + 1, p, confidence) <= len(latencies):\n"
                    "        t += 1\n",
                ),
            )
        ),
        "gaps by the logarithm of uniform draws": Unusual(
            (
                (
                    GAPS,
                    "random(queries)\n        arrivals = -np.log1p(-arrivals) / qps\n",
                ),
            )
        ),
        "a schedule on the clock itself": Unusual(
            (
                (
                    WAIT,
                    "            if self.clock() < start + arrival:\n"
                    "                self.sleep(start + arrival - self.clock())\n",
                ),
            )
        ),
        "a bootstrap draw by draw": Unusual(
            (
                (
                    "    medians = [np.median(x[draw.integers(len(x), size=(2000, len(x)))], axis=1)"
                    " for x in (a, b)]\n",
                    "    medians = [[np.median(draw.choice(x, len(x))) for _ in range(1000)] "
                    "for x in (a, b)]\n"
                    "    medians = np.array(medians)\n",
                ),
            )
        ),
        "a bootstrap of logarithms": Unusual(
            (
                (
                    RATIO,
                    "    logs = np.log(medians[0]) - np.log(medians[1])\n"
                    "    low, high = np.exp(np.quantile(logs, [rest, 1 - rest]))\n",
                ),
            )
        ),
        "the effect pair by pair": Unusual(
            (
                (
                    "float(np.sign(a[:, None] - b).mean())",
                    "sum(float(x > y) - float(x < y) for x in a for y in b) / (len(a) * len(b))",
                ),
            )
        ),
        "b always first, but in turns": Unusual(((TURNS, "        for side in (1, 0):\n"),)),
        "latencies in an array": Unusual(
            (
                (
                    "            latencies.append(self.clock() - start)\n        return latencies\n",
                    "            latencies.append(self.clock() - start)\n"
                    "        return np.array(latencies).tolist()\n",
                ),
            )
        ),
        "JSON on one line": Unusual((("indent=1, allow_nan=False", "allow_nan=False"),)),
        "a table of f-strings": Unusual(
            (
                (
                    "                cell.ljust(width) if column < 3 else cell.rjust(width)\n",
                    "                f\"{cell:{'<' if column < 3 else '>'}{width + 1}}\"\n",
                ),
            )
        ),
    },
}
