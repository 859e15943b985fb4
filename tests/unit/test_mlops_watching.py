"""What watches a model in module 15, against SciPy, and how often it alarms for nothing."""

import math

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core import mlops

DRAW = np.random.default_rng(0)
SAMPLES = {
    f"{n} {m} {kind}": (a(n), a(m))
    for n, m in ((1, 1), (2, 5), (30, 40), (100, 100), (37, 500), (700, 300))
    for kind, a in {
        "normal": DRAW.standard_normal,
        "few": lambda n: DRAW.integers(0, 4, n).astype(float),
        "shifted": lambda n: DRAW.standard_normal(n) + n / 300,
    }.items()
}


@pytest.mark.parametrize("a, b", SAMPLES.values(), ids=SAMPLES)
def test_scipy_agrees(a, b):
    stats = pytest.importorskip("scipy.stats")
    wanted = stats.ks_2samp(a, b, method="exact")
    found = tt.kolmogorov_smirnov(a, b)
    np.testing.assert_allclose(found[0], wanted.statistic, rtol=1e-12)
    np.testing.assert_allclose(found[1], wanted.pvalue, rtol=1e-8, atol=1e-14)


def test_many_numbers_take_the_series():
    special = pytest.importorskip("scipy.special")
    a, b = DRAW.standard_normal(5000), DRAW.standard_normal(6000) + 0.02
    assert len(a) * len(b) > mlops.EXACT
    d, p = tt.kolmogorov_smirnov(a, b)
    z = d * math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    np.testing.assert_allclose(p, special.kolmogorov(z), rtol=1e-9)
    assert tt.kolmogorov_smirnov(a, a)[1] == 1
    assert tt.kolmogorov_smirnov(a, b + 10)[1] < 1e-300


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_clean_data_alarm_no_more_often_than_the_rate(rate):
    """The number of alarms of 150 is binomial at most: it stays within four deviations."""
    draw, alarms = np.random.default_rng(1), 0
    detectors = [tt.DriftDetector(draw.standard_normal((60, 8)), rate) for _ in range(150)]
    for detector in detectors:
        alarms += bool(detector.check(draw.standard_normal((40, 8)))["drifted"])
    assert alarms <= 150 * rate + 4 * math.sqrt(150 * rate * (1 - rate)) + 1
    assert rate < 0.1 or alarms > 0


def test_dtypes_do_not_drift():
    few = np.round(DRAW.random((500, 2)), 1)
    whole = DRAW.integers(0, 5, (500, 2))
    for reference, live in (
        (few, few.astype(np.float16)),
        (few.astype(np.float16), few),
        (whole, whole.astype(np.float32)),
        (whole.astype(np.uint8), whole.astype(np.float64)),
    ):
        assert tt.DriftDetector(reference).check(live)["drifted"] == []
    assert tt.DriftDetector(few).check(few + np.array([0, 0.1]))["drifted"] == [1]


def test_a_canary_that_is_as_good_stays_as_often_as_it_should():
    rolled_back = 0
    for seed in range(200):
        draw = np.random.default_rng([seed, 1])
        canary = tt.Canary(abs, abs, 0.5, false_alarm_rate=0.1, seed=seed)
        for _ in range(800):
            canary.record(canary.predict(0)[1], draw.random() > 0.2)
        rolled_back += canary.state == "rolled back"
    assert rolled_back <= 200 * 0.1 + 4 * math.sqrt(200 * 0.1 * 0.9)


def test_fisher_agrees():
    stats = pytest.importorskip("scipy.stats")
    for stable, candidate in (((500, 10), (50, 4)), ((20, 20), (20, 19)), ((0, 0), (7, 3))):
        canary = tt.Canary(abs, abs, minimum=10_000)
        for which, (done, failed) in (("stable", stable), ("candidate", candidate)):
            for number in range(done):
                canary.record(which, number >= failed)
        table = [[candidate[1], candidate[0] - candidate[1]], [stable[1], stable[0] - stable[1]]]
        wanted = stats.fisher_exact(table, alternative="greater").pvalue
        np.testing.assert_allclose(canary.p_value(), wanted, rtol=1e-9)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: tt.DriftDetector(np.ones(3)), r"\(n, F\) numbers .* got shape \(3,\)"),
        (lambda: tt.DriftDetector(np.ones((3, 2)), 1), "and 1$"),
        (lambda: tt.Canary(abs, abs, share=1.0), "got 1.0, 50"),
        (lambda: tt.Canary(abs, abs, minimum=0), "got 0.1, 0"),
        (lambda: tt.Canary(abs, abs).record("new", True), "'stable' or 'candidate', got 'new'"),
        (lambda: tt.ModelMonitor(0), "got 0"),
        (lambda: tt.ModelMonitor().record(-1), "got -1"),
        (lambda: tt.ModelMonitor().alarms(p90=1), "got 'p90'"),
        (lambda: tt.kolmogorov_smirnov([], [1]), "need numbers"),
    ],
)
def test_messages_name_what_was_wrong(call, says):
    with pytest.raises(ValueError, match=says):
        call()
