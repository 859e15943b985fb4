"""Module 14: profiles of attention and of nested models, how a table is shown, other seeds."""

import sys

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.benchmarking import operations


def rows_of(model, x):
    return {row["layer"]: row for row in tt.Profiler(model, repeats=1).run(x)}


def test_attention_is_counted_by_its_two_products():
    """q k^T is (5, 4) by (4, 7), and its product with v (5, 7) by (7, 3), for each of two heads."""
    q, k, v = tt.randn(2, 5, 4), tt.randn(2, 7, 4), tt.randn(2, 7, 3)
    output = tt.scaled_dot_product_attention(q, k, v)
    found = operations("attention", output, (q, k, v))
    assert found == 2 * (2 * 5 * 4 * 7 + 2 * 5 * 7 * 3)
    rows = rows_of(tt.MultiHeadAttention(8, 2), tt.randn(3, 5, 8))
    assert rows["(rest)"]["flops"] >= 3 * 2 * (2 * 5 * 5 * 4 * 2)


def test_layers_of_layers_have_long_names():
    inner = tt.Sequential(tt.Linear(4, 4), tt.tanh)
    rows = rows_of(tt.Sequential(inner, tt.Sequential(inner)), tt.randn(2, 4))
    names = ["0.0", "0.1", "(rest)"]
    assert list(rows) == names and rows[names[0]]["flops"] == 2 * 2 * 4 * 9


def test_a_single_layer_is_its_own_profile():
    assert list(rows_of(tt.Linear(4, 3), tt.randn(2, 4))) == ["Linear", "(rest)"]


def test_a_profile_changes_no_running_statistics_in_evaluation():
    model = tt.Sequential(tt.BatchNorm1d(4)).eval()
    before = model.state_dict()
    tt.Profiler(model).run(tt.randn(8, 4) + 5)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("with_rich", [True, False], ids=["rich", "plain"])
def test_show_draws_with_rich_where_it_is_installed(with_rich, capsys, monkeypatch):
    if not with_rich:
        monkeypatch.setitem(sys.modules, "rich.table", None)
    monkeypatch.setenv("COLUMNS", "120")
    profiler = tt.Profiler(tt.Sequential(tt.Linear(4, 3), tt.relu))
    profiler.run(tt.randn(2, 4))
    profiler.show()
    text = capsys.readouterr().out
    assert all(word in text for word in ("0", "Linear", "relu", "(rest)", "total", "share"))
    assert ("Profile of Sequential" in text) == with_rich
    assert (text == profiler.table() + "\n") == (not with_rich)


def test_equal_things_differ_as_rarely_as_set():
    """400 comparisons of equal distributions: at a confidence of 90 %, no margin, about 40."""
    draw = np.random.default_rng(0)
    verdicts = [
        tt.compare(*draw.gamma(9, size=(2, 60)), confidence=0.9, margin=0, seed=n)["verdict"]
        for n in range(400)
    ]
    # The median's bootstrap is a little cautious or bold; 20 to 60 are 5 % to 15 %.
    assert 20 <= 400 - verdicts.count("no difference shown") <= 60


def test_the_interval_covers_the_ratio_as_often_as_set():
    draw = np.random.default_rng(1)
    inside = 0
    for seed in range(300):
        a, b = draw.gamma(9, size=(2, 60))
        found = tt.compare(1.5 * a, b, confidence=0.9, seed=seed)
        inside += found["low"] <= 1.5 <= found["high"]
    assert 0.85 <= inside / 300 <= 0.97
