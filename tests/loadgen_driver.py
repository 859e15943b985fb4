"""Drives a tinytorch model with MLCommons' LoadGen, in a process of its own.

Run by tests/unit/test_benchmarking_loadgen.py: `python loadgen_driver.py SCENARIO QUERIES FOLDER`.
LoadGen keeps threads and settings for the whole process, and writes its files into FOLDER.
"""

import sys
from collections.abc import Sequence

import mlperf_loadgen as loadgen
import numpy as np

import tinytorch as tt

SAMPLES = 64
QPS, TARGET = 200, 0.02  # of the server: queries a second, and seconds
SIZE = 4  # samples in a query of a multi stream


def system() -> object:
    """A system under test: a network that answers the samples of a query as one batch."""
    tt.manual_seed(0)
    model, rows = tt.MLP([32, 64, 10]), tt.randn(SAMPLES, 32).numpy()

    def issue(queries: Sequence) -> None:
        answers = model(tt.Tensor(rows[[query.index for query in queries]])).argmax(dim=1)
        labels = np.ascontiguousarray(answers.numpy())
        loadgen.QuerySamplesComplete(
            [
                loadgen.QuerySampleResponse(query.id, labels[n : n + 1].ctypes.data, 8)
                for n, query in enumerate(queries)
            ]
        )

    return loadgen.ConstructSUT(issue, lambda: None)


def settings(scenario: str, queries: int) -> loadgen.TestSettings:
    found = loadgen.TestSettings()
    found.scenario = getattr(loadgen.TestScenario, scenario)
    found.mode = loadgen.TestMode.PerformanceOnly
    found.min_duration_ms, found.min_query_count, found.max_query_count = 0, queries, queries
    # From this, LoadGen makes its list of queries: a system that is faster would use it up.
    found.single_stream_expected_latency_ns = found.multi_stream_expected_latency_ns = 20_000
    found.multi_stream_samples_per_query = SIZE
    found.server_target_qps = QPS
    found.server_target_latency_ns = int(TARGET * 1e9)
    found.offline_expected_qps = 1000
    return found


def main(scenario: str, queries: int, folder: str) -> None:
    output, log = loadgen.LogOutputSettings(), loadgen.LogSettings()
    output.outdir, output.copy_summary_to_stdout = folder, False
    log.log_output, log.enable_trace = output, True
    under_test = system()
    library = loadgen.ConstructQSL(SAMPLES, SAMPLES, lambda _: None, lambda _: None)
    loadgen.StartTestWithLogSettings(under_test, library, settings(scenario, queries), log)
    loadgen.DestroyQSL(library)
    loadgen.DestroySUT(under_test)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
