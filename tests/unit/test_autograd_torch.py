"""Gradients, and steps made of them, against PyTorch; skipped where it is not installed."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch.core import activations

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def arrays(*shapes, low=0.5):
    rng = np.random.default_rng(0)
    return [rng.uniform(low, 2, shape).astype(np.float32) for shape in shapes]


A, B, ROW, BATCH = arrays((3, 4), (3, 4), (4,), (5, 3, 4))
INDEX = np.array([0, 2, 2, 1])

# (function of the library and its Tensors, arrays). The library is `tt` or `torch`.
FUNCTIONS = {
    "add": (lambda m, a, b: a + b, (A, ROW)),
    "subtract": (lambda m, a, b: 2 - a - b, (A, ROW)),
    "multiply": (lambda m, a, b: a * b * 3, (BATCH, ROW)),
    "divide": (lambda m, a, b: a / b + 1 / a, (A, ROW)),
    "power": (lambda m, a, b: a**b + a**3 + 2**b, (A, ROW)),
    "power at zero": (lambda m, a: a**2 + a**1 + a**0, (np.zeros(3, np.float32),)),
    "zero to a power": (lambda m, a, b: a**b, (np.zeros(3, np.float32), ROW[:3])),
    "matrix": (lambda m, a, b: a @ b, (A, B.T.copy())),
    "matrix and vector": (lambda m, a, b: a @ b, (A, ROW)),
    "batch and matrix": (lambda m, a, b: a @ b, (BATCH, B.T.copy())),
    "batches that broadcast": (lambda m, a, b: a[:, None] @ b, (BATCH, BATCH[:2].reshape(2, 4, 3))),
    "functions": (lambda m, a: a.exp() + a.log() * a.sqrt() - abs(-a), (A,)),
    "abs at zero": (lambda m, a: abs(a), (np.array([-1, 0, 1], np.float32),)),
    "sums": (lambda m, a: a.sum() + a.sum(dim=0).sum() * a.sum(dim=1, keepdim=True), (A,)),
    "means": (lambda m, a: a - a.mean(dim=(0, 2), keepdim=True) + a.mean(), (BATCH,)),
    "shape": (lambda m, a: a.reshape(4, -1).T @ a.permute(1, 2, 0).reshape(4, 15), (BATCH,)),
    "slices": (lambda m, a: a[1:, ::2] * a[:2, 1::2] + a[..., 0].sum(), (A,)),
    "index": (lambda m, a: a[INDEX] * a[INDEX[::-1].copy()], (A,)),
    "mask": (lambda m, a: a[A > 1] ** 2, (A,)),
    "concatenate": (lambda m, a, b: m.concatenate([a, b * 2, a], dim=1), (A, B)),
    "stack": (lambda m, a, b: m.stack([a, b, a], dim=-1), (A, B)),
    "where": (lambda m, a, b: m.where(a > 1, a * b, b), (A, ROW)),
    "several uses": (lambda m, a, b: (a * b + a) * (a * b) - (a * b).exp() * b, (A, ROW)),
}  # fmt: skip


def gradients(library, function, given, dtype=np.float32):
    make = tt.Tensor if library is tt else torch.tensor
    tensors = [make(np.array(array, dtype)) for array in given]
    for x in tensors:
        x.requires_grad = True
    output = function(library, *tensors)
    weights = np.random.default_rng(1).normal(size=tuple(output.shape)).astype(dtype)
    output.backward(make(weights))
    return [np.asarray(output.detach()), *(np.asarray(x.grad) for x in tensors)]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_gradients_agree(name):
    function, given = FUNCTIONS[name]
    ours, theirs = gradients(tt, function, given), gradients(torch, function, given)
    for mine, wanted in zip(ours, theirs, strict=True):
        assert (mine.shape, mine.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind, theirs", [("max", "amax"), ("min", "amin")])
@pytest.mark.parametrize("dim", [0, 1, (0, 1)])
def test_ties_are_shared_as_amax_shares_them(kind, theirs, dim):
    a = np.array([[1, 3, 3, 0], [3, 3, 0, 0], [0, 1, 3, 0]], np.float32)
    ours = gradients(tt, lambda m, x: getattr(x, kind)(dim=dim), [a])
    wanted = gradients(torch, lambda m, x: getattr(x, theirs)(dim=dim), [a])
    np.testing.assert_allclose(ours[1], wanted[1], rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["relu", "leaky_relu", "sigmoid", "tanh", "gelu", "softmax", "log_softmax"],
)
def test_activations_agree(name):
    a = np.random.default_rng(2).normal(0, 3, (4, 5)).astype(np.float32)
    options = {"dim": -1} if "softmax" in name else {}
    ours = gradients(tt, lambda m, x: getattr(activations, name)(x, **options), [a])
    wanted = gradients(torch, lambda m, x: getattr(torch.nn.functional, name)(x, **options), [a])
    for mine, theirs in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


INDICES = [
    ((0, 0, 1),), ([0, 0, 1],), (slice(None), (1, 1, 3)), ((0, 0), (1, 1)), [2, 2], ..., None, -1,
    (..., [0, 0]), (None, [1, 1]), np.array([[0, 0], [2, 2]]), (0, ...), (slice(None, None, 2), 1),
    range(2), np.int64(1), True,
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_every_index_counts_what_it_names_twice(index):
    ours = gradients(tt, lambda m, x: x[index], [A])
    plain = list(index) if isinstance(index, range) else index
    wanted = gradients(torch, lambda m, x: x[plain], [A])
    for mine, theirs in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


INFINITE = np.array([-np.inf, -1, 0, 2, np.inf, np.nan], np.float32)
IMAGES = np.arange(32, dtype=np.float32).reshape(1, 2, 4, 4)
IMAGES[0, 0, 0, 1], IMAGES[0, 0, 2, 1], IMAGES[0, 0, 2, 2] = np.nan, -np.inf, np.inf
IMAGES[0, 1, 3, 3] = np.nan
functional = torch.nn.functional


def pooled(size, stride):
    return lambda m, x: (
        m.max_pool2d(x, kernel_size=size, stride=stride)
        if m is tt
        else functional.max_pool2d(x, size, stride)
    )


# What gradients do at NaN and at infinity, and where a gradient is infinite and has no way on.
EXTREMES = {
    "relu": (lambda m, x: m.relu(x), INFINITE),
    "relu, then a root": (lambda m, x: m.relu(x).sqrt(), INFINITE[1:4]),
    "abs": (lambda m, x: abs(x), INFINITE),
    "where": (lambda m, x: m.where(x > 0, x, x.detach()), INFINITE),
    "the largest": (lambda m, x: x.max() if m is tt else x.amax(), INFINITE),
    "the smallest": (lambda m, x: x.min() if m is tt else x.amin(), INFINITE),
    "the largest of infinities": (
        lambda m, x: x.max() if m is tt else x.amax(),
        np.array([np.inf, 1, np.inf], np.float32),
    ),
    "zero to a power": (lambda m, x: 0**x, np.array([0, 1, -1, np.inf], np.float32)),
    "pools": (pooled(2, 2), IMAGES),
    "pools that overlap": (pooled(3, 1), IMAGES),
    "pools, then a root": (
        lambda m, x: pooled(2, 2)(m, x).sqrt(),
        np.zeros((1, 1, 4, 4), np.float32),
    ),
    "softmax": (lambda m, x: activation(m, "softmax")(x), INFINITE[:4]),
    "softmax at infinity": (lambda m, x: activation(m, "softmax")(x), INFINITE[:5]),
    "log_softmax": (lambda m, x: activation(m, "log_softmax")(x), INFINITE[:4]),
    "log_softmax at infinity": (lambda m, x: activation(m, "log_softmax")(x), INFINITE[:5]),
}


def activation(library, name):
    if library is tt:
        return getattr(tt, name)
    return lambda x: getattr(functional, name)(x, dim=-1)


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("error:invalid value")
def test_extremes_agree_in_silence(name):
    function, given = EXTREMES[name]
    ours, theirs = gradients(tt, function, [given]), gradients(torch, function, [given])
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_gelu_at_infinity_in_silence():
    x = tt.Tensor(INFINITE[[0, 3, 4]], requires_grad=True)
    y = tt.gelu(x)
    y.backward(np.ones(3, np.float32))
    assert y.numpy()[2] == np.inf  # its limit; PyTorch gives NaN
    assert np.isfinite(x.grad.numpy()).tolist() == [False, True, False]


def test_dtypes_agree_where_they_are_mixed():
    found = {}
    for library, make in ((tt, tt.Tensor), (torch, torch.tensor)):
        x, y = make(np.ones(3, np.float32)), make(np.ones((2, 3)))
        x.requires_grad = y.requires_grad = True
        (x * y).sum().backward()
        found[library] = [np.asarray(t.grad).dtype for t in (x, y)]
    assert found[tt] == found[torch] == [np.float32, np.float64]


STEPS = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - 2 * y,
    lambda x, y: x / (2 + y * y),
    lambda x, y: (-x * x).exp() * y,
    lambda x, y: (1 + abs(x)).log() - y,
    lambda x, y: x @ y.transpose(0, 1) @ y,
    lambda x, y: x.mean(dim=0, keepdim=True) + y,
]


@settings(deadline=None, database=None, max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=7,
    ),
    seed=st.integers(0, 100),
)
def test_any_program_agrees(steps, seed):
    def program(library, *values):
        values = list(values)
        for kind, i, j in steps:
            values.append(STEPS[kind](values[i % len(values)], values[j % len(values)]))
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total

    rng = np.random.default_rng(seed)
    given_arrays = [rng.uniform(-1, 1, shape) for shape in ((2, 3), (1, 3))]
    wanted = gradients(torch, program, given_arrays, np.float64)
    assume(all(np.abs(array).max() < 1e6 for array in wanted))
    for mine, theirs in zip(gradients(tt, program, given_arrays, np.float64), wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-8)


def test_ten_steps_of_a_network_agree():
    """The same network, from the same beginning, on the same batches, the last of them shorter."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((70, 20)).astype(np.float32)
    labels = rng.integers(0, 5, 70)
    mine = tt.MLP([20, 16, 5], activation=tt.GELU)
    theirs = torch.nn.Sequential(torch.nn.Linear(20, 16), torch.nn.GELU(), torch.nn.Linear(16, 5))
    with torch.no_grad():
        for ours, parameter in zip(mine.parameters(), theirs.parameters(), strict=True):
            parameter.copy_(torch.from_numpy(ours.numpy().copy()))
    for step in range(10):
        batch = slice(32 * (step % 3), 32 * (step % 3) + 32)
        rows, wanted = np.arange(len(labels[batch])), labels[batch]
        loss = -tt.log_softmax(mine(tt.Tensor(x[batch])))[rows, wanted].mean()
        loss.backward()
        their_loss = torch.nn.functional.cross_entropy(
            theirs(torch.from_numpy(x[batch])), torch.from_numpy(wanted)
        )
        their_loss.backward()
        assert np.isclose(loss.item(), their_loss.item(), rtol=1e-4)
        for ours, parameter in zip(mine.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(
                ours.grad.numpy(), parameter.grad.numpy(), rtol=1e-3, atol=1e-5
            )
            ours.data, ours.grad = ours.data - 0.5 * ours.grad.data, None
            with torch.no_grad():
                parameter -= 0.5 * parameter.grad
            parameter.grad = None
    for ours, parameter in zip(mine.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(ours.numpy(), parameter.detach().numpy(), rtol=1e-3, atol=1e-5)


def outcomes(make, no_grad):
    """What happens in the same places, in words."""
    x = make(np.array([1.0, 2.0], np.float32))
    x.requires_grad = True
    found = []

    def told(action):
        try:
            action()
        except RuntimeError:
            found.append("RuntimeError")
        else:
            found.append(x.grad if x.grad is None else np.asarray(x.grad).tolist())

    loss = (x * x).sum()
    told(loss.backward)
    told(loss.backward)
    told((x * 2).backward)
    told(lambda: (x * 2).backward(make(np.ones(3, np.float32))))
    told(lambda: (x * 2).backward(make(np.ones(2, np.float32))))
    told(lambda: x.sum().detach().backward())
    with no_grad():
        found.append((x * 2).requires_grad)
    told(make(np.ones(1, np.float32)).backward)
    found.append([x.is_leaf if hasattr(x, "is_leaf") else True, (x * 2).requires_grad])
    return found


def test_what_is_refused_agrees():
    assert outcomes(tt.Tensor, tt.no_grad) == outcomes(torch.tensor, torch.no_grad)


def test_recompute_agrees_with_checkpoint():
    from torch.utils.checkpoint import checkpoint

    (a,) = arrays((4, 3))
    ours = gradients(tt, lambda m, x: tt.recompute(lambda v: (v * v).exp().log() * v, x) * x, [a])
    theirs = gradients(
        torch,
        lambda m, x: checkpoint(lambda v: (v * v).exp().log() * v, x, use_reentrant=False) * x,
        [a],
    )
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5)
