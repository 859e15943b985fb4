#!/usr/bin/env bash
# mlcommons-loadgen 6.0.17 (Linux): a single-stream run that did every query it was asked for is
# INVALID with 63 queries and VALID with 64, also where `min_query_count` and `min_duration_ms` are met.
# A good guess: a run is valid if it meets the minimum numbers in its settings. Early stopping asks
# for 64 queries besides, from which the 90th percentile can be bounded with 99 % confidence.
exec "$(dirname "$0")/in_venv.sh" mlcommons-loadgen==6.0.17 <<'PY'
from pathlib import Path

import mlperf_loadgen as loadgen


def answer(queries):
    for query in queries:
        loadgen.QuerySamplesComplete([loadgen.QuerySampleResponse(query.id, 0, 0)])


def verdict(count):
    settings = loadgen.TestSettings()
    settings.scenario = loadgen.TestScenario.SingleStream
    settings.mode = loadgen.TestMode.PerformanceOnly
    settings.min_query_count = settings.max_query_count = count
    settings.min_duration_ms = 0
    system = loadgen.ConstructSUT(answer, lambda: None)
    library = loadgen.ConstructQSL(8, 8, lambda samples: None, lambda samples: None)
    loadgen.StartTest(system, library, settings)
    loadgen.DestroyQSL(library)
    loadgen.DestroySUT(system)
    lines = Path("mlperf_log_summary.txt").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith("Result is"))


found = {count: verdict(count) for count in (63, 64)}
print(found)
assert found == {63: "INVALID", 64: "VALID"}
PY
