"""Module 14 together with what it needs: profiles of every kind of layer, and a report of two."""

import json

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("14")]


@pytest.mark.hint("A layer is a module that holds no others, or a plain function in a Sequential.")
def test_profiles_of_every_kind_of_layer(tt, check):
    """Profiles convolutions, norms, attention and quantized layers, whose answers stay"""
    images = np.random.default_rng(0).standard_normal((4, 1, 8, 8)).astype(np.float32)
    network = tt.Sequential(
        tt.Conv2d(1, 4, 3, padding=1), tt.BatchNorm2d(4), tt.relu, tt.MaxPool2d(2), tt.Flatten(),
        tt.Dropout(0.5), tt.MLP([64, 16, 10]),
    )  # fmt: skip
    network.eval()
    models = {
        "network": (network, images),
        "quantized": (tt.quantize_model(tt.MLP([8, 4])), images[:, 0, 0]),
        "attention": (tt.MultiHeadAttention(8, 2), images[:, 0]),
        "norm": (tt.LayerNorm(8), images[:, 0]),
    }
    for name, (model, x) in models.items():
        before = check.array(model(tt.Tensor(x)))
        profiler = tt.Profiler(model)
        rows = [dict(row) for row in profiler.run(tt.Tensor(x))]
        check.equal(rows[-1]["layer"], "(rest)")
        lowest = min(float(row["wall"]) for row in rows)
        check.true(lowest >= 0, f"{name}: no time is below 0")
        check.equal(len(profiler.table().splitlines()), len(rows) + 2)
        check.close(model(tt.Tensor(x)), before, rtol=0, atol=0)
    flops = [row["flops"] for row in tt.Profiler(network).run(tt.Tensor(images))]
    check.equal(int(flops[0]), 4 * 4 * 64 * (2 * 9 + 1))


@pytest.mark.hint("Results are plain values: they can be compared, and written as JSON.")
def test_a_model_and_its_smaller_copy(tt, check):
    """Measures a model and its pruned copy, compares them, and reports both"""
    tt.manual_seed(0)
    model = tt.MLP([64, 512, 512, 10])
    smaller = tt.structured_prune(model, 0.9)
    samples = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    results = {
        name: dict(tt.Benchmark(each, samples).multi_stream(queries=60, size=64))
        for name, each in (("whole", model), ("pruned", smaller))
    }
    found = tt.compare(results["whole"]["latencies"], results["pruned"]["latencies"])
    check.equal(found["verdict"], "b is faster")
    content = json.loads(tt.report(results, "json"))
    check.equal(sorted(content["results"]), ["pruned", "whole"])
    check.true("| whole |" in tt.report(results), "a row for each result")
