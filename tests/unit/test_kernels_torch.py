"""The reference kernels against PyTorch where it is installed: outputs, gradients, and training."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.normalization import batch_norm, layer_norm
from tinytorch.core.tensor import engine

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional


@pytest.fixture(autouse=True)
def _fast_kernels():
    tt.use_fast_kernels()
    yield
    tt.use_fast_kernels(False)


def draws(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def compare(ours, theirs, *arrays, digits=None):
    """Outputs and gradients of the same function here and there, in float64 and in float32."""
    for dtype, allowed in ((np.float64, 1e-10), (np.float32, digits or 1e-4)):
        mine = [tt.Tensor(array.astype(dtype), requires_grad=True) for array in arrays]
        others = [torch.tensor(array.astype(dtype), requires_grad=True) for array in arrays]
        output, expected = ours(*mine), theirs(*others)
        grad = draws(9, *output.shape).astype(dtype)
        output.backward(tt.Tensor(grad))
        expected.backward(torch.tensor(grad))
        pairs = [
            (output.numpy(), expected),
            *((m.grad, o.grad) for m, o in zip(mine, others, strict=True)),
        ]
        for found, wanted in pairs:
            wanted = wanted.detach().numpy()
            size = max(1.0, abs(wanted).max())
            assert np.asarray(found).dtype == dtype
            np.testing.assert_allclose(np.asarray(found), wanted, rtol=0, atol=allowed * size)


SIZES = [(8, 8), (9, 12), (13, 10), (7, 15), (16, 17), (32, 32), (4, 4), (5, 6), (3, 3), (1, 20)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("padding", [0, 1, (2, 0), (1, 3)], ids=str)
def test_conv2d(size, padding):
    pads = padding if isinstance(padding, tuple) else (padding, padding)
    if min(s + 2 * p for s, p in zip(size, pads, strict=True)) < 3:
        pytest.skip("the kernel does not fit")
    arrays = draws(0, 5, 16, *size), draws(1, 33, 16, 3, 3), draws(2, 33)
    compare(
        lambda x, w, b: tt.conv2d(x, w, b, padding=padding),
        lambda x, w, b: F.conv2d(x, w, b, padding=padding),
        *arrays,
    )


def test_conv2d_in_many_pieces():
    arrays = draws(0, 90, 40, 20, 19), draws(1, 24, 40, 3, 3)
    compare(
        lambda x, w: tt.conv2d(x, w, padding=1), lambda x, w: F.conv2d(x, w, padding=1), *arrays
    )


@pytest.mark.parametrize("shape", [(3, 4, 8, 6), (2, 3, 7, 5), (40, 16, 30, 32)], ids=str)
@pytest.mark.parametrize("equal", [False, True], ids=["all different", "many equal"])
def test_max_pool(shape, equal):
    x = np.round(draws(0, *shape)) if equal else draws(0, *shape)
    compare(tt.MaxPool2d(2), torch.nn.MaxPool2d(2), x)


@pytest.mark.parametrize("shape", [(6, 5), (4, 5, 7), (30, 16, 24, 24)], ids=str)
@pytest.mark.parametrize("middle", [0, 3, 100], ids=["near", "not far", "far"])
@pytest.mark.parametrize("training", [True, False], ids=["training", "use"])
def test_batch_norm(shape, middle, training):
    x, weight, bias = draws(0, *shape) + middle, draws(1, shape[1]), draws(2, shape[1])
    others = (0, *range(2, len(shape)))
    mean, var = x.mean(axis=others), x.var(axis=others)
    if not training:
        mean, var = mean + 0.1, 2 * var
    compare(
        lambda x, w, b: batch_norm(x, w, b, statistics=(mean, var), training=training),
        lambda x, w, b: F.batch_norm(
            x, torch.tensor(mean).to(x.dtype), torch.tensor(var).to(x.dtype), w, b, training
        ),
        x,
        weight,
        bias,
        digits=1e-3,
    )


@pytest.mark.parametrize("shape, row", [((5, 8), (8,)), ((3, 4, 5), (4, 5)), ((4000, 70), (70,))])
@pytest.mark.parametrize("middle", [0, 100], ids=["near", "far"])
def test_layer_norm(shape, row, middle):
    compare(
        layer_norm,
        lambda x, w, b: F.layer_norm(x, row, w, b),
        draws(0, *shape) + middle,
        draws(1, *row),
        draws(2, *row),
        digits=1e-3,
    )


@pytest.mark.parametrize("rows, classes", [(1, 2), (70, 10), (5000, 64)])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(rows, classes, smoothing):
    targets = np.random.default_rng(1).integers(0, classes, rows)
    compare(
        lambda x: tt.CrossEntropyLoss(label_smoothing=smoothing)(x, tt.Tensor(targets)),
        lambda x: F.cross_entropy(x, torch.tensor(targets), label_smoothing=smoothing),
        5 * draws(0, rows, classes),
    )


@pytest.mark.parametrize("shape", [(1,), (3, 4), (300, 500)], ids=str)
def test_gelu(shape):
    assert hasattr(engine.implementations["gelu"], "slow")
    x = 3 * draws(0, *shape).astype(np.float32)
    mine, theirs = tt.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    tt.gelu(mine).sum().backward()
    F.gelu(theirs).sum().backward()
    np.testing.assert_allclose(tt.gelu(mine).numpy(), F.gelu(theirs).detach().numpy(), atol=2e-6)
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), atol=2e-6)


EDGES = np.float32([-np.inf, -50, -0.0, 0, 50, np.inf, np.nan])


@pytest.mark.filterwarnings("error")
def test_gelu_at_infinity_in_silence():
    x = tt.Tensor(np.tile(EDGES, 10_000), requires_grad=True)  # several pieces
    theirs = torch.tensor(x.numpy().astype(np.float64), requires_grad=True)
    y, wanted = tt.gelu(x), F.gelu(theirs)
    y.sum().backward()
    wanted.sum().backward()
    limit = torch.where(theirs == torch.inf, theirs, wanted)  # where PyTorch may give NaN
    np.testing.assert_allclose(y.numpy(), limit.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), atol=1e-6)


INFINITE = [[-np.inf, 1, 2], [np.inf, 1, 2], [1, np.nan, 2], [-np.inf] * 3, [1, 2, 3]]


@pytest.mark.parametrize("row", INFINITE, ids=str)
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.filterwarnings("error")
def test_cross_entropy_at_infinity_in_silence(row, target, smoothing):
    logits, targets = np.array([[1, 2, 3], row, [3, 2, 1]], np.float32), np.array([0, target, 1])
    x, theirs = tt.Tensor(logits, requires_grad=True), torch.tensor(logits, requires_grad=True)
    loss = tt.CrossEntropyLoss(smoothing)(x, tt.Tensor(targets))
    loss.backward()
    wanted = F.cross_entropy(theirs, torch.tensor(targets), label_smoothing=smoothing)
    wanted.backward()
    np.testing.assert_allclose(loss.item(), wanted.item(), rtol=1e-5)
    np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_fused_linear_relu():
    compare(
        tt.fused_linear_relu,
        lambda x, w, b: F.relu(F.linear(x, w, b)),
        draws(0, 900, 30),
        draws(1, 200, 30),
        draws(2, 200),
    )


@pytest.mark.parametrize(
    "kernel, stride, padding", [(3, 1, 1), ((2, 3), (3, 1), (0, 2)), (1, 2, 0)]
)
def test_im2col_is_unfold(kernel, stride, padding):
    x = draws(0, 3, 4, 9, 8)
    rows = tt.im2col(x, kernel, stride, padding)
    unfolded = F.unfold(torch.tensor(x), kernel, padding=padding, stride=stride)
    np.testing.assert_array_equal(rows, unfolded.transpose(1, 2).reshape(rows.shape).numpy())
    folded = F.fold(unfolded, (9, 8), kernel, padding=padding, stride=stride)
    np.testing.assert_allclose(tt.col2im(rows, x.shape, kernel, stride, padding), folded.numpy())


@pytest.mark.parametrize("workers", [1, 2, 3, 9])
def test_data_parallel_has_the_gradients_of_the_batch(workers):
    x, targets = draws(0, 7, 5).astype(np.float32), np.arange(7) % 4
    layer, peer = tt.Linear(5, 4), torch.nn.Linear(5, 4)
    peer.load_state_dict({n: torch.tensor(p.numpy()) for n, p in layer.named_parameters()})
    loss = tt.DataParallel(layer, tt.CrossEntropyLoss(), workers).backward(tt.Tensor(x), targets)
    expected = F.cross_entropy(peer(torch.tensor(x)), torch.tensor(targets))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    for own, other in zip(layer.parameters(), peer.parameters(), strict=True):
        np.testing.assert_allclose(own.grad.numpy(), other.grad.numpy(), atol=1e-6)


def test_quantized_product_is_that_of_integers():
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-128, 128, s).astype(np.int8) for s in ((7, 5000), (5000, 6)))
    expected = torch.tensor(a).int() @ torch.tensor(b).int()
    np.testing.assert_array_equal(tt.quantized_matmul(a, b), expected.numpy().astype(np.float32))
