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
    ours.load_state_dict(state)
    theirs.load_state_dict({name: torch.from_numpy(v) for name, v in state.items()}, strict=False)
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
    for name in ("running_mean", "running_var"):
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
