"""The reference Tensor against NumPy in float64, and against PyTorch where it is installed."""

import ast
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytorch as tt
from tinytorch.core.tensor import engine, primitive

SMALL = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
    elements=st.floats(-50, 50, width=32),
)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


OPERATIONS = {
    "add": lambda m, a, b: a + b,
    "subtract": lambda m, a, b: a - b,
    "multiply": lambda m, a, b: a * b,
    "divide": lambda m, a, b: a / b,
    "power": lambda m, a, b: abs(a) ** b,
    "matmul": lambda m, a, b: a @ b.T,
    "number on the left": lambda m, a, b: 2 - a,
    "exp": lambda m, a, b: a.exp(),
    "log": lambda m, a, b: b.log(),
    "sqrt": lambda m, a, b: b.sqrt(),
    "sum": lambda m, a, b: a.sum(),
    "mean": lambda m, a, b: a.mean(),
    "transpose": lambda m, a, b: a.transpose(0, 1),
    "reshape": lambda m, a, b: a.reshape(-1, 2),
    "less": lambda m, a, b: a < b,
    "select": lambda m, a, b: a[1:, ::2],
    "mask": lambda m, a, b: a[a > 0],
    "where": lambda m, a, b: m.where(a > 0, a, b),
    "stack": lambda m, a, b: m.stack([a, b], dim=1),
    "concatenate": lambda m, a, b: m.concatenate([a, b], dim=-1),
    "permute": lambda m, a, b: m.stack([a, b]).permute(2, 0, 1),
    "sum along": lambda m, a, b: a.sum(dim=1, keepdim=True),
    "mean along": lambda m, a, b: a.mean(dim=(0, 1)),
    "argmax": lambda m, a, b: a.argmax(dim=1),
    "argmin": lambda m, a, b: a.argmin(dim=0, keepdim=True),
    "arange": lambda m, a, b: m.arange(2, 11, 3),
    "ints divided": lambda m, a, b: m.arange(5) / 2,
    "ints and floats": lambda m, a, b: m.arange(4) + a,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_agrees_with_pytorch_in_numbers_and_dtypes(torch, name):
    rng = np.random.default_rng(1)
    a = rng.standard_normal((6, 4)).astype(np.float32)
    b = rng.uniform(0.5, 2, (6, 4)).astype(np.float32)
    ours = OPERATIONS[name](tt, tt.Tensor(a), tt.Tensor(b))
    theirs = OPERATIONS[name](torch, torch.from_numpy(a), torch.from_numpy(b)).numpy()
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduce, theirs", [("max", "amax"), ("min", "amin")])
@pytest.mark.parametrize("dim", [0, 1, (0, 1)])
def test_extremes_agree_with_pytorch(torch, reduce, theirs, dim):
    a = np.random.default_rng(2).standard_normal((3, 5)).astype(np.float32)
    ours = getattr(tt.Tensor(a), reduce)(dim=dim, keepdim=True)
    wanted = getattr(torch.from_numpy(a), theirs)(dim=dim, keepdim=True)
    np.testing.assert_array_equal(ours.numpy(), wanted.numpy())


@settings(deadline=None, database=None, max_examples=60)
@given(a=SMALL)
def test_no_operation_writes_into_its_operands(a):
    x, before = tt.Tensor(a), a.copy()
    for operation in (
        lambda: x + x, lambda: x - 1, lambda: x * x, lambda: -x, lambda: abs(x), lambda: x.sum(),
        lambda: x.mean(dim=0), lambda: x.max(), lambda: x.T, lambda: x.reshape(-1), lambda: x[0],
        lambda: tt.concatenate([x, x]), lambda: tt.stack([x, x]), lambda: tt.where(x > 0, x, 0.0),
    ):  # fmt: skip
        assert operation().dtype == np.float32
        np.testing.assert_array_equal(a, before)


def test_views_share_memory_and_arrays_are_not_copied():
    a = np.zeros((2, 3), np.float32)
    x = tt.Tensor(a)
    assert x.numpy() is a and np.asarray(x) is a
    for view in (x.T, x.reshape(3, 2), x[0], x.permute(1, 0), x.detach()):
        assert np.shares_memory(view.numpy(), a)
    assert not np.shares_memory(np.array(x), a)


@pytest.mark.parametrize(
    "number",
    [np.float64(2), np.int64(2), 2, 2.0, True, np.bool_(True)],
    ids=["np.float64", "np.int64", "int", "float", "bool", "np.bool"],
)
def test_numbers_follow_the_dtype_of_the_tensor(number):
    x = tt.Tensor([1.0, 2.0])
    results = [x + number, number + x, x * number, number * x, x / number, number / x, x**number]
    assert [result.dtype for result in results] == [np.float32] * 7
    wide = tt.Tensor(np.ones(2))
    assert (wide * number).dtype == (number * wide).dtype == np.float64


def test_dtypes_that_are_given():
    for dtype in (np.float16, np.float32, np.float64, np.int8, np.int64, np.bool_):
        assert tt.Tensor(np.ones(2, dtype)).dtype == dtype
        assert tt.Tensor([1, 0], dtype=dtype).dtype == dtype
        assert tt.zeros(2, dtype=dtype).dtype == dtype == tt.arange(2, dtype=dtype).dtype
    assert tt.Tensor(np.ones(2, np.float16)).sum().dtype == np.float16


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0, 3)])
def test_empty_tensors(shape):
    x = tt.Tensor(np.zeros(shape, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert x.sum().item() == 0 and (x + 1).shape == shape and x.reshape(-1).size == 0
        assert tt.concatenate([x, x]).shape == (2 * shape[0], *shape[1:])
    with pytest.raises(ValueError, match=r"reduce_max of shapes .*zero-size"):
        x.max()


REFUSED = {
    "text": (lambda: tt.Tensor("x"), TypeError, "must be numbers, got 'x'"),
    "None": (lambda: tt.Tensor([None]), TypeError, "must be numbers"),
    "ragged": (lambda: tt.Tensor([[1], [1, 2]]), ValueError, "rows of equal length"),
    "ints with gradients": (
        lambda: tt.Tensor([1], requires_grad=True),
        ValueError,
        "only floating tensors can require gradients, this is int64",
    ),
    "item": (lambda: tt.ones(2).item(), ValueError, r"one element, this has shape \(2,\)"),
    "truth": (lambda: bool(tt.ones(2)), ValueError, r"truth of a Tensor of shape \(2,\)"),
    "len": (lambda: len(tt.Tensor(1.0)), TypeError, r"len\(\) of a scalar Tensor"),
    "operand": (lambda: tt.ones(2) + "1", TypeError, "add takes Tensors, arrays and n"),
    "shapes": (lambda: tt.ones(2) + tt.ones(3), ValueError, r"add of shapes \(2,\) and \(3,\)"),
    "matmul": (lambda: tt.ones(2, 3) @ tt.ones(2), ValueError, r"matmul of shapes \(2, 3\) and"),
    "reshape": (lambda: tt.ones(6).reshape(4), ValueError, r"reshape of shapes \(6,\)"),
    "concatenate": (lambda: tt.concatenate([]), ValueError, "at least one Tensor"),
    "stack": (lambda: tt.stack([]), ValueError, "at least one Tensor"),
    "stack dim": (lambda: tt.stack([tt.ones(2)], dim=2), ValueError, "dim 2 is out of range for a"),
}  # fmt: skip


@pytest.mark.parametrize("action, error, message", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_told_why(action, error, message):
    with pytest.raises(error, match=message):
        action()


def test_backward_without_module_09_tells_what_is_missing(monkeypatch):
    monkeypatch.setattr(engine, "backward", None)
    with pytest.raises(RuntimeError, match="needs module 09_autograd: no gradients are recorded"):
        tt.ones(1).backward()


def test_backward_tells_that_the_import_of_autograd_failed(monkeypatch):
    failure = SyntaxError("broken")
    monkeypatch.setattr(engine, "backward", None)
    monkeypatch.setitem(tt.import_failures, "core.autograd", failure)
    with pytest.raises(RuntimeError, match="its import failed: SyntaxError") as error:
        tt.ones(1).backward()
    assert error.value.__cause__ is failure


def test_backward_hands_over_to_the_engine(monkeypatch):
    seen = []
    monkeypatch.setattr(engine, "backward", lambda *arguments: seen.append(arguments))
    x, gradient = tt.Tensor([1.0, 1.0], requires_grad=True), tt.ones(2)
    x.backward(gradient)
    assert len(seen) == 1 and seen[0][0] is x and seen[0][1] is gradient


@pytest.fixture
def own_primitives(monkeypatch):
    """What a test declares is gone after it."""
    monkeypatch.setattr(engine, "implementations", dict(engine.implementations))
    monkeypatch.setattr(engine, "gradients", dict(engine.gradients))


def test_every_operation_passes_the_door(monkeypatch, own_primitives):
    """What a recorder sees of a composed function is enough to run it again."""
    tape = []
    monkeypatch.setattr(engine, "recorder", lambda *event: tape.append(event))
    x, y = tt.Tensor([[1.0, 2.0]]), tt.Tensor([[3.0], [4.0]])
    result = ((x @ y).exp() / (x * x).sum(dim=1, keepdim=True)).mean()
    names = ["matmul", "exp", "multiply", "reduce_sum", "divide", "reduce_sum", "divide"]
    assert [event[0] for event in tape] == names
    for name, output, operands, arrays, options, _ in tape:
        again = engine.implementations[name](*arrays, **options)
        np.testing.assert_array_equal(np.float32(again), output.numpy())
        assert len(operands) == len(arrays)
    assert tape[-1][1] is result


def test_a_primitive_may_save_take_options_and_be_replaced(own_primitives):
    @primitive
    def scaled(a, factor=2):
        return a * factor, "saved"

    @scaled.gradient
    def rule(grad, output, saved, a, factor=2):
        return (grad * factor,)

    x = tt.Tensor([1.0, 2.0])
    assert scaled(x, factor=3).numpy().tolist() == [3, 6]
    assert engine.gradients["scaled"] is rule

    @primitive
    def scaled(a, factor=2):
        return a * 0

    assert scaled(x).numpy().tolist() == [0, 0]


def test_random_numbers_repeat_and_nothing_else_draws_from_them():
    tt.manual_seed(3)
    first = [tt.randn(3).numpy().tolist(), tt.rand(2, 2).numpy().tolist()]
    tt.manual_seed(3)
    np.random.seed(0)
    np.random.rand(5)
    assert first == [tt.randn(3).numpy().tolist(), tt.rand(2, 2).numpy().tolist()]
    assert tt.randn().shape == () and tt.rand((2, 0)).shape == (2, 0)


def test_the_package_needs_numpy_alone():
    # Drawings are an extra: without matplotlib there is a plot in text, without rich a plain table.
    allowed = {"numpy", "matplotlib", "rich", "tinytorch", *sys.stdlib_module_names}
    files = sorted(Path(tt.__file__).parent.rglob("*.py"))
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    code = "import tinytorch; tinytorch.Trainer, tinytorch.Profiler"
    loaded = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(
        loaded, capture_output=True, text=True, check=True, cwd=files[0].parents[1]
    )
    assert "numpy" in done.stderr
    assert "matplotlib" not in done.stderr and " rich" not in done.stderr
    assert "numpy" in names and {name.split(".")[0] for name in names} <= allowed
