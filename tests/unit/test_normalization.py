"""The reference norms against PyTorch where it is installed, and what must hold without it."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.tensor import engine

assert tt.BatchNorm2d  # registers the primitives


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def last(a: np.ndarray) -> np.ndarray:
    """The same numbers, with the channels last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


def called(layer, x):
    """The output of a layer, and its primitive's gradient for a slope."""
    seen = []
    before, engine.recorder = engine.recorder, lambda *event: seen.append(event)
    try:
        y = layer(x)
    finally:
        engine.recorder = before
    [(name, output, _, arrays, options, saved)] = seen
    rule = engine.gradients[name]
    return y.numpy(), lambda grad: rule(grad, output.data, saved, *arrays, **options)


SHAPES = {
    "rows": (5, 3),
    "sequence": (4, 3, 7),
    "images": (4, 3, 5, 6),
    "odd": (3, 5, 1, 9),
    "many pieces": (2, 16, 128, 96),
    "wide": (3, 4000),
}


@pytest.mark.parametrize("order", [np.ascontiguousarray, last], ids=["first", "last"])
@pytest.mark.parametrize("middle", [0, 3, 300], ids=["near", "not far", "far"])
@pytest.mark.parametrize("training", [True, False], ids=["training", "use"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_batch_norm_agrees_with_pytorch(torch, shape, training, middle, order):
    rng = np.random.default_rng(0)
    kind = "BatchNorm2d" if len(shape) == 4 else "BatchNorm1d"
    ours, theirs = getattr(tt, kind)(shape[1], momentum=0.3), getattr(torch.nn, kind)(shape[1])
    theirs.momentum = 0.3
    state = {
        "weight": rng.normal(size=shape[1]),
        "bias": rng.normal(size=shape[1]),
        "running_mean": rng.normal(middle, 1, shape[1]),
        "running_var": rng.uniform(0.5, 2, shape[1]),
    }
    state = {name: value.astype(np.float32) for name, value in state.items()}
    state = {name: torch.from_numpy(value) for name, value in state.items()}
    theirs.load_state_dict({**state, "num_batches_tracked": torch.tensor(7)})
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    assert ours.num_batches_tracked.item() == 7
    theirs.double()  # the truth: their own float32 is as far from it as ours
    ours.train(training), theirs.train(training)
    x = order(rng.normal(middle, 1, shape).astype(np.float32))
    grad = order(rng.normal(size=shape).astype(np.float32))
    tx = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    y, gradient = called(ours, tt.Tensor(x))
    ty = theirs(tx)
    ty.backward(torch.from_numpy(grad.astype(np.float64)))
    near = 1e-5 * (1 + middle)
    np.testing.assert_allclose(y, ty.detach(), rtol=1e-4, atol=near)
    for slope, wanted in zip(gradient(grad), (tx, theirs.weight, theirs.bias), strict=True):
        size = np.abs(wanted.grad.numpy()).max()
        np.testing.assert_allclose(slope, wanted.grad, rtol=1e-3, atol=near * max(size, 1))
        assert slope.dtype == np.float32
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        wanted = getattr(theirs, name).numpy()
        np.testing.assert_allclose(getattr(ours, name).numpy(), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("middle", [0, 300], ids=["near", "far"])
@pytest.mark.parametrize(
    "shape, inner",
    [((7, 5), (5,)), ((2, 3, 8), (8,)), ((2, 3, 8), (3, 8)), ((6,), (6,)), ((900, 700), (700,))],
    ids=str,
)
def test_layer_norm_agrees_with_pytorch(torch, shape, inner, middle):
    rng = np.random.default_rng(1)
    ours, theirs = tt.LayerNorm(inner), torch.nn.LayerNorm(inner).double()
    weight, bias = rng.normal(size=(2, *inner)).astype(np.float32)
    ours.load_state_dict({"weight": weight, "bias": bias})
    theirs.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    x = rng.normal(middle, 1, shape).astype(np.float32)
    grad = rng.normal(size=shape).astype(np.float32)
    tx = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    y, gradient = called(ours, tt.Tensor(x))
    ty = theirs(tx)
    ty.backward(torch.from_numpy(grad.astype(np.float64)))
    near = 1e-5 * (1 + middle)
    np.testing.assert_allclose(y, ty.detach(), rtol=1e-4, atol=1e-5)
    for slope, wanted in zip(gradient(grad), (tx, theirs.weight, theirs.bias), strict=True):
        size = np.abs(wanted.grad.numpy()).max()
        np.testing.assert_allclose(slope, wanted.grad, rtol=1e-3, atol=near * max(size, 1))
        assert slope.dtype == np.float32


def test_channels_stay_last_in_memory_forward_and_backward():
    x = last(np.random.default_rng(2).normal(size=(4, 3, 5, 6)).astype(np.float32))
    for layer in (tt.BatchNorm2d(3), tt.BatchNorm2d(3).eval()):
        y, gradient = called(layer, tt.Tensor(x))
        assert y.strides == x.strides
        assert gradient(np.ones_like(y))[0].strides == x.strides
        wide = np.broadcast_to(np.float32(1), x.shape)  # what a mean over pixels sends back
        assert gradient(wide)[0].strides == x.strides


@pytest.mark.parametrize("where", [1e4, -1e4, 1e6])
def test_far_from_zero_the_numbers_keep_their_digits(where):
    rng = np.random.default_rng(3)
    x = (rng.normal(size=(64, 3, 50)) * 10 + where).astype(np.float32)
    x[:, 1] = where  # no variance at all
    wanted = x.astype(np.float64)
    wanted = (wanted - wanted.mean((0, 2), keepdims=True)) / np.sqrt(
        wanted.var((0, 2), keepdims=True) + 1e-5
    )
    with np.errstate(all="raise", under="ignore"):
        y, gradient = called(tt.BatchNorm1d(3), tt.Tensor(x))
        np.testing.assert_allclose(y, wanted, atol=1e-5)
        assert np.isfinite(gradient(np.ones_like(y))[0]).all()
        rows, _ = called(tt.LayerNorm(50), tt.Tensor(x))
    wanted = x.astype(np.float64)
    wanted -= wanted.mean(2, keepdims=True)
    wanted /= np.sqrt(wanted.var(2, keepdims=True) + 1e-5)
    np.testing.assert_allclose(rows, wanted, atol=1e-5)


def test_one_far_outlier_does_not_spoil_the_variance():
    x = np.random.default_rng(4).normal(size=(20_000, 4)).astype(np.float32)
    x[0] = 1e4
    layer = tt.BatchNorm1d(4, momentum=1.0)
    layer(tt.Tensor(x))
    wanted = x.astype(np.float64).var(axis=0, ddof=1)
    np.testing.assert_allclose(layer.running_var.numpy(), wanted, rtol=1e-4)


def test_nothing_is_written_into_inputs_and_slopes():
    x = np.random.default_rng(5).normal(size=(4, 3, 5, 6)).astype(np.float32)
    for layer in (tt.BatchNorm2d(3), tt.BatchNorm2d(3).eval(), tt.LayerNorm(6)):
        kept, grad = x.copy(), x[::-1].copy()
        y, gradient = called(layer, tt.Tensor(x))
        before = y.copy()
        gradient(grad)
        np.testing.assert_array_equal(x, kept)
        np.testing.assert_array_equal(grad, kept[::-1])
        np.testing.assert_array_equal(y, before)


def test_norms_show_their_sizes():
    assert repr(tt.BatchNorm1d(3, momentum=0.2)) == "BatchNorm1d(3, eps=1e-05, momentum=0.2)"
    assert repr(tt.BatchNorm2d(4)) == "BatchNorm2d(4, eps=1e-05, momentum=0.1)"
    assert repr(tt.LayerNorm((3, 4), eps=0.1)) == "LayerNorm((3, 4), eps=0.1)"


def test_an_empty_batch_has_gradients_too():
    for layer, shape in ((tt.BatchNorm2d(3).eval(), (0, 3, 2, 2)), (tt.LayerNorm(4), (0, 4))):
        y, gradient = called(layer, tt.zeros(shape))
        slopes = gradient(np.zeros(shape, np.float32))
        assert y.shape == slopes[0].shape == shape
        assert not slopes[1].any() and not slopes[2].any()


def test_the_running_estimates_of_a_call_are_its_own():
    """A gradient that is taken after the next batch must not see that batch's estimates."""
    layer = tt.BatchNorm1d(2)
    x = tt.Tensor(np.random.default_rng(6).normal(size=(8, 2)).astype(np.float32))
    layer.eval()
    _, gradient = called(layer, x)
    before = gradient(np.ones((8, 2), np.float32))[0]
    layer.train()(x * 100)
    np.testing.assert_array_equal(gradient(np.ones((8, 2), np.float32))[0], before)


@pytest.mark.parametrize("slopes", ["any", "nearly alike"])
@pytest.mark.parametrize("middle", [0, 3, 30, 5e3, -1e5, 1e6])
@pytest.mark.parametrize("width", [7, 512])
def test_gradients_of_layer_norm_agree_with_float64_wherever_the_rows_are(width, middle, slopes):
    """PyTorch's own float32 is no measure here: at 1e6 it is wrong by half."""
    rng = np.random.default_rng(6)
    x = rng.normal(middle, 1, (20, width)).astype(np.float32)
    x[0] = middle + 0.1  # no variance at all
    grad = rng.normal(size=x.shape).astype(np.float32)
    grad = 1 + grad / 100 if slopes == "nearly alike" else grad
    layer = tt.LayerNorm(width)
    layer.weight.data = rng.normal(1, 0.3, width).astype(np.float32)
    wide, g, weight = (a.astype(np.float64) for a in (x, grad, layer.weight.data))
    shifted = wide - wide.mean(1, keepdims=True)
    inverse = 1 / np.sqrt((shifted**2).mean(1, keepdims=True) + 1e-5)
    normal, h = shifted * inverse, g * weight
    of_x = h - h.mean(1, keepdims=True) - normal * (h * normal).mean(1, keepdims=True)
    _, gradient = called(layer, tt.Tensor(x))
    found = gradient(grad)
    for slope, wanted in zip(found, (of_x * inverse, (g * normal).sum(0), g.sum(0)), strict=True):
        for mine, exact in zip(np.atleast_2d(slope), np.atleast_2d(wanted), strict=True):
            np.testing.assert_allclose(mine, exact, atol=1e-5 * np.abs(exact).max())


def test_a_row_without_variance_by_hand():
    x = np.full((1, 7), 1e6 + 0.1, np.float32)
    _, gradient = called(tt.LayerNorm(7), tt.Tensor(x))
    wanted = np.arange(-3, 4) / 1e-5**0.5  # the slopes less their mean, over the root of eps
    np.testing.assert_allclose(
        gradient(np.arange(7, dtype=np.float32)[None])[0][0], wanted, 1e-5, 1e-3
    )
