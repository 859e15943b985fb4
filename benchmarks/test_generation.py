"""Writing with a cache beside writing without: 256 tokens, processor time, in turn."""

import statistics
import time

import pytest

import tinytorch as tt

ROUNDS = 5
AT_LEAST = 5  # times as long without


@pytest.mark.parametrize(
    "sizes", [(512, 128, 4, 4, 256), (512, 64, 4, 2, 256)], ids=["d128", "d64"]
)
def test_generation(request, versus, sizes):
    model = tt.TinyGPT(*sizes)
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(1 if request.config.getoption("benchmark_disable") else ROUNDS):
        for use_cache, seconds in times.items():
            start = time.process_time()
            text = model.generate([0], 255, use_cache=use_cache, seed=0)
            seconds.append(time.process_time() - start)
            assert text.shape == (256,)
    if request.config.getoption("benchmark_disable"):
        return
    cached, whole = (statistics.median(seconds) for seconds in times.values())
    _, width, _, layers, _ = sizes
    versus.row(f"256 tokens, {layers} blocks, d {width}: a cache, and none", cached, whole)
    assert whole >= AT_LEAST * cached, f"without a cache {whole / cached:.1f} times as long"
