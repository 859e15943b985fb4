"""Checkpoint 08: gradients against finite differences of NumPy in float64, and worked by hand.

The last test learns to read handwritten digits, with gradients that the tape gives.
"""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytestmark = pytest.mark.checkpoint("08")

# Of Tensors or arrays alike: smooth, and never large.
STEPS = {
    "{} + {}": lambda x, y: x + y,
    "{} - {}": lambda x, y: x - y,
    "{} * {}": lambda x, y: x * y,
    "{} / (2 + {} ** 2)": lambda x, y: x / (2 + y * y),
    "(1 + {} ** 2) ** 0.5 - {}": lambda x, y: (1 + x * x) ** 0.5 - y,
    "{} * 0.5 ** ({} ** 2)": lambda x, y: x * 0.5 ** (y * y),
    "-{} * 3 + {}": lambda x, y: -x * 3 + y,
}
NUMBERS = st.floats(-1, 1, width=32)
PLAIN = {"weight": 1.0, "bias": 0.0}  # of a normalization that scales and shifts nothing


def slope(function, arrays, place, weights, step=1e-6):
    """How the weighed sum of `function(*arrays)` changes with each element of one of the arrays."""
    moved = [np.array(array, np.float64) for array in arrays]
    found = np.zeros(moved[place].shape)
    for index in np.ndindex(found.shape):
        kept = moved[place][index]
        moved[place][index] = kept + step
        above = (function(*moved) * weights).sum()
        moved[place][index] = kept - step
        found[index] = (above - (function(*moved) * weights).sum()) / (2 * step)
        moved[place][index] = kept
    return found


def agreement(tt, check, name, operation, by_numpy, *arrays):
    """(True, "") if backward and finite differences agree, else (False, where they do not)."""
    weights = np.random.default_rng(7).normal(size=np.shape(by_numpy(*arrays)))
    tensors = [tt.Tensor(np.array(array), requires_grad=True) for array in arrays]
    result, start = operation(*tensors), tt.Tensor(weights.copy())
    kept = {"the result": result, "the gradient that was given": start}
    kept |= dict(zip("xyz", tensors, strict=False))
    before = {what: check.array(tensor) for what, tensor in kept.items()}
    result.backward(start)
    for what, tensor in kept.items():
        if not np.array_equal(check.array(tensor), before[what]):
            text = "a rule makes a new array, and writes neither into its inputs nor into `grad`"
            return False, f"backward() of {name} changed {what}: {text}"
    for place, x in enumerate(tensors):
        letter = "xyz"[place]
        found, wanted = check.array(x.grad), slope(by_numpy, arrays, place, weights)
        if found.shape != wanted.shape:
            text = f"has shape {found.shape}, expected {wanted.shape}"
            return False, f"the gradient of {letter} in {name} {text}"
        if not np.allclose(found, wanted, rtol=1e-4, atol=1e-6):
            text = f"is {found.tolist()}, expected {np.round(wanted, 6).tolist()}"
            return False, f"the gradient of {letter} in {name} {text}"
    return True, ""


def program(steps, x, y):
    """The sum of x, y and the results of some steps, each of which takes two earlier results."""
    values = [x, y]
    for step, i, j in steps:
        values.append(STEPS[step](values[i % len(values)], values[j % len(values)]))
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def in_words(steps):
    """What a program computes: `x + y; -a * 3 + x`."""
    names, lines = ["x", "y", *"abcdefgh"], []
    for place, (step, i, j) in enumerate(steps, start=2):
        line = step.format(names[i % place], names[j % place])
        lines.append(f"{names[place]} = {line}")
    return "; ".join(lines)


def uniform(*shape, low=0.5, high=2.0):
    """Numbers that have a logarithm, a root and a reciprocal, no two of them alike."""
    return np.random.default_rng(sum(shape)).uniform(low, high, shape)


# --- what the layers of modules 03 to 08 compute, by their definitions ---------------------------


def normal_below(a):
    """The share of a normal distribution below each number."""
    return 0.5 * (1 + np.vectorize(math.erf)(a / math.sqrt(2)))


def log_softmax(a, dim):
    return a - np.log(np.exp(a).sum(axis=dim, keepdims=True))


def softmax(a, dim):
    return np.exp(log_softmax(a, dim))


def linear(x, parameters):
    return x @ parameters["weight"].T + parameters["bias"]


def windows(x, size, stride):
    """What each window of an image sees: (N, C, H, W) -> (N, C, H', W', kh, kw)."""
    seen = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    return seen[:, :, :: stride[0], :: stride[1]]


def convolved(x, parameters, size, stride, padding):
    (ph, pw) = padding
    seen = windows(np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))), size, stride)
    products = np.einsum("nchwij,ocij->nohw", seen, parameters["weight"])
    return products + parameters["bias"].reshape(-1, 1, 1)


def attended(q, k, v, mask=True):
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    return softmax(np.where(mask, scores, -1e3), -1) @ v


def two_heads(x, parameters):
    """Attention with two heads, whose results stand side by side: (N, T, E) -> (N, T, E)."""
    rows = x @ parameters["in_proj_weight"].T + parameters["in_proj_bias"]
    qkv = np.split(rows, 6, axis=-1)  # both heads of q, then of k, then of v
    heads = [attended(*qkv[head::2]) for head in (0, 1)]
    side_by_side = np.concatenate(heads, axis=-1)
    return side_by_side @ parameters["out_proj.weight"].T + parameters["out_proj.bias"]


def batch_norm(x, parameters, mean=None, var=None):
    """(N, C) or (N, C, H, W), with the statistics of the batch or with others, (C,) each."""
    rows = np.moveaxis(x, 1, -1)
    others = tuple(range(x.ndim - 1))
    mean = rows.mean(axis=others) if mean is None else mean
    var = rows.var(axis=others) if var is None else var
    normal = (rows - mean) / np.sqrt(var + 1e-5)
    return np.moveaxis(normal * parameters["weight"] + parameters["bias"], -1, 1)


def layer_norm(x, parameters):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5) * parameters["weight"] + parameters["bias"]


def layer_norm_slope(x, grad):
    """The gradient of x, from that of the normalized rows: what changes their mean or variance
    is taken out of it."""
    normal = layer_norm(x, PLAIN)
    left = grad - grad.mean(axis=-1, keepdims=True)
    left -= normal * (grad * normal).mean(axis=-1, keepdims=True)
    return left / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)


@pytest.mark.points(1)
@pytest.mark.hint("From the end to the beginning: the gradient of each input is its rule times g.")
def test_gradients_by_hand(tt, check):
    """Gives the gradients that the chain rule gives by hand, also under the name Variable"""
    for name in ("Tensor", "Variable"):
        a, b, c = (getattr(tt, name)([value], requires_grad=True) for value in (2.0, -3.0, 10.0))
        check.true(a.grad is None, "before backward, .grad is None")
        y = (a * b + c) ** 2
        check.equal(y.requires_grad, True)
        y.backward()
        check.close(y, [16])
        check.close(a.grad, [2 * 4 * -3])
        check.close(b.grad, [2 * 4 * 2])
        check.close(c.grad, [2 * 4])
    x = tt.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    (x * x).sum().backward()
    check.close(x.grad, [[2, 4], [6, 8]])


@pytest.mark.points(1)
@pytest.mark.hint("start = 1 for a single number; else what is given, which must fit.")
@pytest.mark.depends(on="test_gradients_by_hand")
def test_a_gradient_that_is_given(tt, check):
    """Begins with the gradient that is given, and refuses none and one of another shape"""
    for start in (tt.Tensor([1.0, 10.0, 100.0]), np.array([1.0, 10.0, 100.0], np.float32)):
        x = tt.Tensor([1.0, 2.0, 3.0], requires_grad=True)
        (x * x).backward(start)
        check.close(x.grad, [2, 40, 600])
        with check.raises((RuntimeError, ValueError), mentions=("(3,)",)):
            (x * x).backward()
        for wrong in ([1.0, 1.0], [[1.0, 1.0, 1.0]], 1.0, [1.0]):
            with check.raises((RuntimeError, ValueError), mentions=("(3,)",)):
                (x * x).backward(tt.Tensor(wrong))
        check.close(x.grad, [2, 40, 600])
    x.backward(gradient=tt.ones(3))
    check.close(x.grad, [3, 41, 601])


@pytest.mark.points(1)
@pytest.mark.hint("Compare with the table in the background, for both operands.")
@pytest.mark.depends(on="test_a_gradient_that_is_given")
def test_arithmetic(tt, check):
    """Knows the rules of arithmetic, for both operands and beside plain numbers"""
    a, b = uniform(2, 3), uniform(2, 3, low=1, high=3)
    below = b * np.array([[1, -1, -1], [-1, 1, -1]])
    for name, operation in {
        "x + y": lambda x, y: x + y,
        "x - y": lambda x, y: x - y,
        "x * y": lambda x, y: x * y,
        "x / y": lambda x, y: x / y,
        "-x + 3 - 2 * y": lambda x, y: -x + 3 - 2 * y,
        "3 - x * (2 - y)": lambda x, y: 3 - x * (2 - y),
        "5 / x - y / 4": lambda x, y: 5 / x - y / 4,
        "x ** 2 - y ** 3 + y ** -1": lambda x, y: x**2 - y**3 + y**-1,
    }.items():
        check.true(*agreement(tt, check, name, operation, operation, a, b))
        check.true(*agreement(tt, check, name, operation, operation, below, -below.T.reshape(2, 3)))
    for name, operation in {
        "x ** y": lambda x, y: x**y,
        "x ** 2 + x ** -0.5 + 2 ** y": lambda x, y: x**2 + x**-0.5 + 2**y,
    }.items():
        check.true(*agreement(tt, check, name, operation, operation, a, b))
    x = tt.Tensor([0.0, -2.0], requires_grad=True)
    (x**2 + x**1 + x**0).sum().backward()
    check.close(x.grad, [1, -3])


@pytest.mark.points(2)
@pytest.mark.hint(
    "Sum over the dimensions that were added, and those of size 1 that were stretched."
)
@pytest.mark.depends(on="test_arithmetic")
def test_broadcasting(tt, check):
    """Sums what was repeated: each gradient has the shape of its Tensor"""
    shapes = [
        ((2, 3), (3,)),
        ((2, 3), ()),
        ((3,), (2, 3)),
        ((2, 1), (1, 3)),
        ((4, 1), (2, 1, 3)),
        ((1,), (2, 3)),
        ((1, 1), (3,)),
        ((2, 1, 3), (4, 1)),
        ((3, 3), (3, 1)),
        ((3, 3), (1, 3)),
        ((3, 1), (3,)),
        ((3,), (3, 3)),
        ((2, 1), (2, 1)),
    ]
    for left, right in shapes:
        for name, operation in {
            "x + y": lambda x, y: x + y,
            "x - y": lambda x, y: x - y,
            "x * y": lambda x, y: x * y,
            "x / y": lambda x, y: x / y,
        }.items():
            name = f"{name} of shapes {left} and {right}"
            check.true(
                *agreement(tt, check, name, operation, operation, uniform(*left), uniform(*right))
            )
    rows, bias = tt.ones(4, 3), tt.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    (rows + bias).sum().backward()
    check.close(bias.grad, [4, 4, 4])


@pytest.mark.points(1)
@pytest.mark.hint("exp: g y. log: g / a. sqrt: g / (2 y). abs: g with the sign of a.")
@pytest.mark.depends(on="test_a_gradient_that_is_given")
def test_functions(tt, check):
    """Knows the rules of exp, log, sqrt and abs"""
    a = uniform(2, 3)
    for name, by_numpy in {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs}.items():
        operation = getattr(tt.Tensor, name)
        check.true(*agreement(tt, check, f"x.{name}()", operation, by_numpy, a))
    wide = uniform(2, 3, low=-9, high=9)
    check.true(*agreement(tt, check, "x.exp()", tt.Tensor.exp, np.exp, wide))
    check.true(*agreement(tt, check, "x.abs()", tt.Tensor.abs, np.abs, wide))
    x = tt.Tensor([-2.0, 3.0, 0.0, -0.5], requires_grad=True)
    abs(x).sum().backward()
    check.close(x.grad, [-1, 1, 0, -1])
    for name, expected in (("log", 1e8), ("sqrt", 0.5e4)):
        tiny = tt.Tensor([1e-8], requires_grad=True)
        getattr(tiny, name)().backward()
        check.close(tiny.grad, [expected])


@pytest.mark.points(1)
@pytest.mark.hint("g B^T and A^T g; a vector is a row on the left, a column on the right.")
@pytest.mark.depends(on="test_broadcasting")
def test_matrix_products(tt, check):
    """Knows the rule of the matrix product: vectors, matrices, and batches that broadcast"""
    shapes = [
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 2, 3), (3,)),
        ((3, 1, 2, 3), (2, 3, 2)),
        ((3, 3), (3, 3)),
        ((3, 3), (3,)),
        ((3,), (3, 3)),
        ((3, 3, 3), (3, 3)),
        ((3, 3), (3, 3, 3)),
        ((3, 3, 3), (3, 3, 3)),
        ((2, 1, 2, 2), (2, 2, 2)),
    ]
    for left, right in shapes:
        a, b = uniform(*left), uniform(*right)
        name = f"x @ y of shapes {left} and {right}"
        check.true(*agreement(tt, check, name, lambda x, y: x @ y, lambda x, y: x @ y, a, b))


@pytest.mark.points(1)
@pytest.mark.hint("Repeat g over what was summed; a maximum has it where it was found.")
@pytest.mark.depends(on="test_a_gradient_that_is_given")
def test_reductions(tt, check):
    """Spreads the gradient of sums, means and extremes, along every dimension"""
    oblong = [(uniform(2, 3, 4), dim) for dim in (None, 0, 1, -1, (0, 2), (-1, 0))]
    # Where a gradient along the wrong dimension has the right shape.
    square = [(uniform(3, 3, low=-2), dim) for dim in (0, 1, -1)]
    cube = [(uniform(2, 2, 2, low=-2), dim) for dim in (0, 1, 2, (0, 2))]
    for a, dim in (*oblong, *square, *cube):
        for keepdim in (False, True):
            options, named = {"dim": dim, "keepdim": keepdim}, {"axis": dim, "keepdims": keepdim}
            for kind in ("sum", "mean", "max", "min"):
                name = f"x.{kind}(dim={dim}, keepdim={keepdim}) of shape {a.shape}"
                check.true(
                    *agreement(
                        tt,
                        check,
                        name,
                        lambda x, kind=kind, options=options: getattr(x, kind)(**options),
                        lambda x, kind=kind, named=named: getattr(np, kind)(x, **named),
                        a,
                    )
                )
    for kind in ("max", "min"):
        equal = tt.ones(3)
        equal.requires_grad = True
        getattr(equal, kind)().backward()
        check.close(equal.grad.sum(), 1.0)


@pytest.mark.points(1)
@pytest.mark.hint("What moved the numbers forward moves their gradients back, the other way.")
@pytest.mark.depends(on="test_a_gradient_that_is_given")
def test_changes_of_shape(tt, check):
    """Moves gradients back to where the numbers came from"""
    oblong, cube = uniform(2, 3, 4), uniform(3, 3, 3)
    for name, (operation, by_numpy) in {
        "x.reshape(-1, 3)": (lambda x: x.reshape(-1, 3), lambda x: x.reshape(-1, 3)),
        "x.reshape(-1)": (lambda x: x.reshape(-1), lambda x: x.reshape(-1)),
        "x.T": (lambda x: x.T, lambda x: x.T),
        "x.transpose()": (lambda x: x.transpose(), lambda x: x.swapaxes(1, 2)),
        "x.permute(2, 0, 1)": (
            lambda x: x.permute(2, 0, 1),
            lambda x: x.transpose(2, 0, 1),
        ),
        "x.permute(-1, 0, 1)": (
            lambda x: x.permute(-1, 0, 1),
            lambda x: x.transpose(-1, 0, 1),
        ),
    }.items():
        check.true(*agreement(tt, check, name, operation, by_numpy, oblong))
        check.true(*agreement(tt, check, f"{name} of a cube", operation, by_numpy, cube))


@pytest.mark.points(1)
@pytest.mark.hint("Zeros, with g added at the index; a place that is named twice gets both.")
@pytest.mark.depends(on="test_changes_of_shape")
def test_parts(tt, check):
    """Gives gradients to the parts that were taken, as often as they were taken"""
    a = uniform(4, 3)
    for name, index in {
        "x[1]": 1,
        "x[-1, 2]": (-1, 2),
        "x[1:]": slice(1, None),
        "x[::2, ::-1]": (slice(None, None, 2), slice(None, None, -1)),
        "x[..., 0]": (..., 0),
        "x[[0, 0, 2]]": [0, 0, 2],
        "x[(0, 0, 1),]": ((0, 0, 1),),
        "x[1:, (0, 2, 2)]": (slice(1, None), (0, 2, 2)),
        "x[rows, columns]": (np.array([0, 1, 1, 1]), np.array([2, 0, 0, 1])),
        "x[mask]": a > 1,
    }.items():
        check.true(
            *agreement(
                tt,
                check,
                name,
                lambda x, index=index: x[index],
                lambda x, index=index: x[index],
                a,
            )
        )
    words = tt.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    words[tt.Tensor([2, 0, 2, 2])].sum().backward()
    check.close(words.grad, [[1, 1], [0, 0], [3, 3]])


@pytest.mark.points(1)
@pytest.mark.hint("Cut g where the arrays were joined; where chooses, it chooses for g too.")
@pytest.mark.depends(on="test_changes_of_shape")
def test_joining(tt, check):
    """Takes joined and chosen Tensors apart again"""
    a, b, mask = uniform(2, 3), uniform(2, 3, high=1), uniform(2, 3) > 1.2
    for name, (operation, by_numpy) in {
        "concatenate([x, y, x])": (
            lambda x, y: tt.concatenate([x, y, x]),
            lambda x, y: np.concatenate([x, y, x]),
        ),
        "concatenate([x, y[:, :1]], dim=-1)": (
            lambda x, y: tt.concatenate([x, y[:, :1]], dim=-1),
            lambda x, y: np.concatenate([x, y[:, :1]], axis=-1),
        ),
        "concatenate([x, y], dim=-2)": (
            lambda x, y: tt.concatenate([x, y], dim=-2),
            lambda x, y: np.concatenate([x, y], axis=-2),
        ),
        "stack([x, y], dim=1)": (
            lambda x, y: tt.stack([x, y], dim=1),
            lambda x, y: np.stack([x, y], axis=1),
        ),
        "where(mask, x, y)": (
            lambda x, y: tt.where(tt.Tensor(mask), x, y),
            lambda x, y: np.where(mask, x, y),
        ),
        "where(mask, x[0], 1.0) + y": (
            lambda x, y: tt.where(tt.Tensor(mask), x[0], 1.0) + y,
            lambda x, y: np.where(mask, x[0], 1.0) + y,
        ),
    }.items():
        check.true(*agreement(tt, check, name, operation, by_numpy, a, b))
    halves = uniform(4, 2), uniform(4, 2, low=-1)  # side by side, they are square
    check.true(
        *agreement(
            tt,
            check,
            "concatenate([x, y], dim=1) of shapes (4, 2)",
            lambda x, y: tt.concatenate([x, y], dim=1),
            lambda x, y: np.hstack([x, y]),
            *halves,
        )
    )
    x, y = (tt.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    tt.where(tt.Tensor([True, False]), x, y).backward(tt.Tensor([np.inf, np.nan]))
    check.close(x.grad, [np.inf, 0])
    check.close(y.grad, [0, np.nan])


@pytest.mark.points(2)
@pytest.mark.hint("Add the gradients of all uses, and walk back only when all of them are there.")
@pytest.mark.depends(on="test_gradients_by_hand")
def test_several_uses(tt, check):
    """Adds up over several uses, and over ways of unequal length"""
    x = tt.Tensor([3.0], requires_grad=True)
    (x + x + x).backward()
    check.close(x.grad, [3])
    x = tt.Tensor([3.0], requires_grad=True)
    (x * x * x).backward()
    check.close(x.grad, [27])
    x = tt.Tensor([3.0], requires_grad=True)
    short = x * 2
    long = ((short + 1) * short - x).exp().log() * short
    (long + short).backward()  # (4 x x + x) 2 x + 2 x
    check.close(x.grad, [24 * 9 + 4 * 3 + 2], rtol=1e-4)
    x = tt.Tensor([3.0], requires_grad=True)
    y = x
    for _ in range(20):
        y = y + y
    y.backward()
    check.close(x.grad, [2**20])


@pytest.mark.points(2)
@pytest.mark.hint("All rules are right alone? Then look at what happens where ways meet.")
@pytest.mark.depends(on=["test_several_uses", "test_broadcasting"])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=6,
    ),
    a=hnp.arrays(np.float64, (3,), elements=NUMBERS),
    b=hnp.arrays(np.float64, (2, 1), elements=NUMBERS),
)
def test_any_program(tt, check, steps, a, b):
    """Differentiates programs that nobody wrote: any operations on any earlier results"""
    assume(np.abs(program(steps, a, b)).max() < 1e3)
    name = f"the sum of x, y and all of {in_words(steps)}"
    check.true(
        *agreement(
            tt,
            check,
            name,
            lambda x, y: program(steps, x, y),
            lambda x, y: program(steps, x, y),
            a,
            b,
        )
    )


@pytest.mark.points(1)
@pytest.mark.hint("p.grad = g if p.grad is None else p.grad + g, each with an array of its own.")
@pytest.mark.depends(on="test_gradients_by_hand")
def test_several_calls(tt, check, run_program):
    """Adds up over several calls, until .grad is set to None, and leaves other gradients alone"""
    x, y = (tt.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    start = np.array([5.0, 7.0], np.float32)
    (x + y).backward(tt.Tensor(start))
    for times in (1, 2, 3):
        check.close(x.grad, [4 + times, 6 + times])
        x.sum().backward()
    check.close(y.grad, [5, 7])
    check.equal(start.tolist(), [5.0, 7.0])
    x.grad = None
    (2 * x).sum().backward()
    check.close(x.grad, [2, 2])
    for name, (written, others) in run_program("programs/own_gradients.py").items():
        told = f"{name}: writing into the gradient of x"
        check.true(written, f"{told} should be possible; give each leaf an array of its own")
        check.true(others, f"{told} changed other arrays; give each leaf an array of its own")


@pytest.mark.points(1)
@pytest.mark.hint(
    "Only a Tensor that was not computed keeps its gradient, and only if it wants one."
)
@pytest.mark.depends(on="test_gradients_by_hand")
def test_who_gets_a_gradient(tt, check):
    """Keeps gradients on leaves alone, and asks for none where none is wanted"""
    x, plain = tt.Tensor([2.0], requires_grad=True), tt.Tensor([3.0])
    middle = x * plain
    y = middle * middle.detach()
    check.equal([middle.requires_grad, (plain * 2).requires_grad], [True, False])
    check.equal([middle.detach().requires_grad, (x > 1).requires_grad], [False, False])
    y.backward()
    check.close(x.grad, [3 * 6])
    kept = [plain.grad is None, middle.grad is None, y.grad is None]
    check.equal(kept, [True, True, True])
    check.equal(x.grad.requires_grad, False)


@pytest.mark.points(1)
@pytest.mark.hint(
    "Say what is missing, or that the graph was freed; change no gradient on the way."
)
@pytest.mark.depends(on="test_gradients_by_hand")
def test_what_backward_refuses(tt, check):
    """Refuses a Tensor without a history, and a second walk over the same operations"""
    for x in (tt.Tensor([1.0]), tt.Tensor([1.0]) * 2, tt.ones(1, 1).detach()):
        with check.raises(RuntimeError, mentions=("grad",)):
            x.backward()
    x, y = (tt.Tensor([3.0], requires_grad=True) for _ in range(2))
    square = x * x
    square.backward()
    for again in (square, square * 2, square + y):
        with check.raises(RuntimeError, mentions=("backward",)):
            again.backward()
    check.close(x.grad, [6])
    check.true(y.grad is None, "a refused backward() must leave every gradient as it was")


@pytest.mark.points(1)
@pytest.mark.hint("Keep what it was, set it, and put it back in `finally`.")
@pytest.mark.depends(on="test_gradients_by_hand")
def test_switching_off_and_on(tt, check):
    """Records nothing under no_grad, in blocks and functions, and puts everything back"""
    x = tt.Tensor([1.0, 2.0], requires_grad=True)
    with tt.no_grad():
        check.equal((x * 2).requires_grad, False)
        with tt.enable_grad():
            check.equal((x * 2).requires_grad, True)
            with tt.no_grad():
                check.equal((x * 2).requires_grad, False)
            check.equal((x * 2).requires_grad, True)
        with tt.no_grad():
            check.close(x * 2, [2, 4])
        check.equal((x * 2).requires_grad, False)
    check.equal((x * 2).requires_grad, True)
    with tt.enable_grad():
        check.equal((x * 2).requires_grad, True)
    check.equal((x * 2).requires_grad, True)
    for switch in (tt.no_grad, tt.enable_grad):
        with check.raises(RuntimeError), switch():
            x.detach().sum().backward()
    check.equal((x * 2).requires_grad, True)
    silent, loud = tt.no_grad()(tt.concatenate), tt.enable_grad()(tt.concatenate)
    for _ in range(2):
        check.close(silent([x, x]), [1, 2, 1, 2])
        check.equal([silent([x, x]).requires_grad, (x * 2).requires_grad], [False, True])
    with tt.no_grad():
        check.equal([loud([x, x]).requires_grad, (x * 2).requires_grad], [True, False])


@pytest.mark.points(2)
@pytest.mark.hint(
    "Copies in float64; move each element by eps to both sides; compare with backward."
)
@pytest.mark.depends(on=["test_any_program", "test_joining"])
def test_gradcheck(tt, check):
    """Accepts right gradients, finds wrong and missing ones, and leaves its inputs alone"""
    x = tt.Tensor([[0.5, 1.0], [2.0, 3.0]], requires_grad=True)
    y = tt.Tensor([2.0, -1.0])
    mask = tt.Tensor([[True, False], [False, True]])
    check.equal(tt.gradcheck(tt.Tensor.exp, x), True)
    check.equal(tt.gradcheck(tt.Tensor.log, [x]), True)
    check.equal(tt.gradcheck(tt.where, (mask, x, y)), True)
    check.equal(tt.gradcheck(tt.Tensor.mean, (x, 0)), True)
    for wrong in (tt.Tensor.detach, tt.no_grad()(tt.Tensor.exp)):
        with check.raises((RuntimeError, AssertionError, ValueError)):
            tt.gradcheck(wrong, x)
    with check.raises((RuntimeError, AssertionError, ValueError)):
        tt.gradcheck(tt.Tensor.max, tt.ones(3))  # three at the top: no slope is right
    with check.raises((ValueError, TypeError)):
        tt.gradcheck(tt.Tensor.exp, tt.Tensor([1, 2]))
    check.true(x.grad is None, "gradcheck must not touch the .grad of its inputs")
    check.close(x, [[0.5, 1], [2, 3]])
    check.dtype(x, "float32")
    check.equal((x * 2).requires_grad, True)


@pytest.mark.points(1)
@pytest.mark.hint("The rules of module 03. A softmax mixes a row: g y alone is not its gradient.")
@pytest.mark.depends(on="test_a_gradient_that_is_given")
def test_gradients_of_activations(tt, check, gradcheck):
    """Walks back through every activation of module 03"""
    x = uniform(2, 5, low=-3, high=3)
    gradcheck(tt.relu, lambda a: np.maximum(a, 0), x, name="relu")
    gradcheck(tt.sigmoid, lambda a: 1 / (1 + np.exp(-a)), x, name="sigmoid")
    gradcheck(tt.tanh, np.tanh, x, name="tanh")
    # An erf that is good to 2e-5 is good enough.
    gradcheck(tt.gelu, lambda a: a * normal_below(a), x, name="gelu", atol=1e-4)
    gradcheck(tt.LeakyReLU(0.3), lambda a: np.maximum(a, 0.3 * a), x, name="LeakyReLU(0.3)")
    for dim in (0, -1):
        for function, by_numpy in ((tt.softmax, softmax), (tt.log_softmax, log_softmax)):
            for scores in (uniform(2, 3, 2, low=-2), uniform(3, 3, low=-2)):
                gradcheck(
                    lambda x, f=function, d=dim: f(x, dim=d),
                    lambda a, f=by_numpy, d=dim: f(a, d),
                    scores,
                    name=f"{by_numpy.__name__}, dim={dim}",
                )
    for bend, slopes in ((tt.relu, [0, 0, 1]), (tt.LeakyReLU(0.5), [0.5, 0.5, 1])):
        at_the_bend = tt.Tensor([-1.0, 0.0, 2.0], requires_grad=True)
        bend(at_the_bend).sum().backward()
        check.close(at_the_bend.grad, slopes)
    unknown = tt.Tensor([np.nan, 1.0], requires_grad=True)
    tt.relu(unknown).sum().backward()
    check.close(unknown.grad, [1, 1])
    # Infinity comes from the root of 0, among others; and infinity times 0 is NaN.
    below = tt.Tensor([-1.0, 4.0], requires_grad=True)
    tt.relu(below).backward(tt.Tensor([np.inf, 0.25]))
    check.close(below.grad, [0, 0.25])


@pytest.mark.points(1)
@pytest.mark.hint(
    "The rules of modules 04 and 06: each window gives back to all pixels it has seen."
)
@pytest.mark.depends(on="test_a_gradient_that_is_given")
def test_gradients_of_layers(tt, check, gradcheck):
    """Walks back through linear layers, convolutions and pooling, to input, weight and bias"""
    gradcheck.layer(tt.Linear(3, 2), linear, uniform(2, 3), "Linear(3, 2)")
    gradcheck.layer(tt.Linear(3, 3), linear, uniform(3, 3), "Linear(3, 3)")
    gradcheck.layer(tt.Linear(2, 2), linear, uniform(2, 2, 2), "Linear(2, 2) of shape (2, 2, 2)")
    images = uniform(1, 2, 5, 4, low=-1)
    for out_channels, size, stride, padding in (
        (2, (2, 2), (1, 1), (0, 0)),
        (2, (2, 2), (2, 2), (1, 1)),
        (3, (3, 2), (2, 1), (0, 1)),
    ):
        gradcheck.layer(
            tt.Conv2d(2, out_channels, kernel_size=size, stride=stride, padding=padding),
            lambda x, p, k=size, s=stride, pad=padding: convolved(x, p, k, s, pad),
            images,
            f"Conv2d(2, {out_channels}, {size}), stride={stride}, padding={padding}",
        )
    for name, pool, choose, size, stride in (
        ("max_pool2d", tt.max_pool2d, np.max, (2, 2), (2, 2)),
        ("max_pool2d", tt.max_pool2d, np.max, (3, 3), (1, 1)),
        ("max_pool2d", tt.max_pool2d, np.max, (2, 3), (2, 1)),
        ("avg_pool2d", tt.avg_pool2d, np.mean, (3, 3), (1, 1)),
        ("avg_pool2d", tt.avg_pool2d, np.mean, (3, 2), (2, 1)),
    ):
        gradcheck(
            lambda x, f=pool, k=size, s=stride: f(x, kernel_size=k, stride=s),
            lambda a, f=choose, k=size, s=stride: f(windows(a, k, s), axis=(-2, -1)),
            images,
            name=f"{name}, kernel_size={size}, stride={stride}",
        )
    for a in (images, uniform(2, 2, 3, 3)):
        gradcheck(tt.GlobalAvgPool2d(), lambda a: a.mean(axis=(2, 3)), a, name="GlobalAvgPool2d")
    alike = tt.ones(1, 1, 2, 2)
    alike.requires_grad = True
    tt.max_pool2d(alike, kernel_size=2).backward()
    check.close(alike.grad, [[[[1, 0], [0, 0]]]])
    unknown = tt.Tensor([[[[9.0, np.nan, 1.0, 2.0]]]], requires_grad=True)
    tt.max_pool2d(unknown, kernel_size=(1, 2)).backward(tt.Tensor([[[[3.0, 5.0]]]]))
    check.close(unknown.grad, [[[[0, 3, 0, 5]]]])
    empty = tt.zeros(1, 1, 1, 2)
    empty.requires_grad = True
    tt.max_pool2d(empty, kernel_size=(1, 2)).backward(tt.Tensor([[[[np.inf]]]]))
    check.close(empty.grad, [[[[np.inf, 0]]]])


@pytest.mark.points(1)
@pytest.mark.hint("The rules of modules 07 and 08: mean and variance change with each input, too.")
@pytest.mark.depends(on="test_a_gradient_that_is_given")
def test_gradients_of_attention_and_normalization(tt, check, gradcheck):
    """Walks back through attention, BatchNorm in both modes and LayerNorm"""
    q, k, v = uniform(1, 3, 2, low=-1), uniform(1, 3, 2), uniform(1, 3, 4, low=-1)
    attend, mask = tt.scaled_dot_product_attention, tt.causal_mask(3)
    gradcheck(attend, attended, q, k, v, name="attention")
    of_each = uniform(2, 3, 2), uniform(2, 4, 2, low=-1), uniform(2, 4, 4, low=-1)
    gradcheck(attend, attended, *of_each, name="attention of 2 sequences, 3 queries and 4 keys")
    gradcheck(
        lambda *qkv: attend(*qkv, mask),
        lambda *qkv: attended(*qkv, np.tril(np.ones((3, 3), bool))),
        q,
        k,
        v,
        name="attention with a causal mask",
    )
    gradcheck.layer(tt.MultiHeadAttention(4, 2), two_heads, v, "MultiHeadAttention(4, 2)")
    for name, layer, shape in (
        ("BatchNorm1d(2)", tt.BatchNorm1d(2), (4, 2)),
        ("BatchNorm1d(2) of shape (2, 2, 2)", tt.BatchNorm1d(2), (2, 2, 2)),
        ("BatchNorm2d(2)", tt.BatchNorm2d(2), (2, 2, 2, 2)),
    ):
        x = uniform(*shape, low=-2)
        gradcheck.layer(layer, batch_norm, x, name)
        layer.running_mean.data, layer.running_var.data = np.array([[0.5, -1.0], [2.0, 0.5]])
        kept = [check.array(layer.running_mean), check.array(layer.running_var)]
        gradcheck.layer(
            layer.eval(),
            lambda x, p, kept=kept: batch_norm(x, p, *kept),
            x,
            f"{name} in evaluation mode",
        )
    x = uniform(3, 4, low=-2)
    gradcheck.layer(tt.LayerNorm(4), layer_norm, x, "LayerNorm(4)")
    square = uniform(4, 4, low=-2)
    gradcheck.layer(tt.LayerNorm(4), layer_norm, square, "LayerNorm(4) of shape (4, 4)")
    gradcheck.layer(tt.LayerNorm(4).eval(), layer_norm, x, "LayerNorm(4) in evaluation mode")
    # float32 near a million has no digits left for sums of products.
    far = np.stack([1e6 + np.arange(8.0) % 3, np.full(8, 1e6 + 0.125)])
    start, weight = uniform(2, 8, low=-1), uniform(8)
    layer = tt.LayerNorm(8)
    layer.weight.data = weight.astype(np.float32)
    rows = tt.Tensor(far.astype(np.float32), requires_grad=True)
    layer(rows).backward(tt.Tensor(start.astype(np.float32)))
    check.close(rows.grad, layer_norm_slope(far, start * weight), rtol=1e-2, atol=1e-2)
    check.close(
        layer.weight.grad, (layer_norm(far, PLAIN) * start).sum(axis=0), rtol=1e-2, atol=1e-2
    )


@pytest.mark.points(1)
@pytest.mark.hint("The second run gets the same inputs, and its gradients are handed on.")
@pytest.mark.depends(on="test_several_uses")
def test_recompute(tt, check):
    """Computes again in backward what was not kept, with the same values and gradients"""
    x = tt.Tensor([0.5, -1.0], requires_grad=True)
    y = tt.Tensor([2.0, 3.0], requires_grad=True)
    middle = x * 2
    chosen = tt.recompute(tt.where, tt.Tensor([True, False]), middle, y)
    total = tt.recompute(tt.recompute, tt.Tensor.exp, chosen) + middle
    check.close(total, [np.e + 1, np.exp(3) - 2])
    total.backward(tt.Tensor([1.0, 10.0]))
    check.close(x.grad, [2 * np.e + 2, 20])
    check.close(y.grad, [0, 10 * np.exp(3)])
    with tt.no_grad():
        check.equal(tt.recompute(tt.Tensor.exp, x).requires_grad, False)
    check.equal(tt.recompute(tt.Tensor.exp, tt.ones(2)).requires_grad, False)


@pytest.mark.points(1)
@pytest.mark.hint("The gradient of a float32 is a float32, whatever took part on the way.")
@pytest.mark.depends(on=["test_arithmetic", "test_reductions"])
def test_float32_stays(tt, check):
    """Gives each gradient the dtype of its Tensor, also beside float64"""
    x = tt.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    wide = tt.Tensor(np.ones((3, 1, 2)), requires_grad=True)
    results = [x * 2, 2**x, x**0.5, x / 3, x @ x, x.mean(dim=0), x.max(), x.log(), x * wide]
    for result in results:
        x.grad = None
        result.sum().backward()
        check.dtype(x.grad, "float32")
        check.shape(x.grad, (2, 2))
    check.dtype(wide.grad, "float64")
    check.shape(wide.grad, (3, 1, 2))


@pytest.mark.points(1)
@pytest.mark.hint("No recursion: a list of what is still to do, and one loop.")
@pytest.mark.depends(on="test_several_uses")
def test_a_long_chain(check, run_program):
    """Walks back over 10,000 operations"""
    gradient = run_program("programs/long_chain.py", operations=10_000)
    check.close(gradient, [10_001])


def after_a_step(weight):
    """The loss of one step, walked back; beside it, one that nobody walks back."""
    (weight * weight).sum()
    loss = (weight * weight * weight + weight).sum()
    loss.backward()
    weight.grad = None
    return loss


@pytest.mark.points(1)
@pytest.mark.hint("Free each operation when it was walked back, and keep no list of all of them.")
@pytest.mark.depends(on="test_several_uses")
def test_memory_of_a_training_loop(tt, check, memory):
    """Gives back the memory of each step, also where losses are kept, or never walked back"""
    weight, losses = tt.Tensor(np.full((1024, 1024), 0.01, np.float32)), []
    weight.requires_grad = True

    losses.append(after_a_step(weight))
    with memory() as used:
        for _ in range(10):
            losses.append(after_a_step(weight))
    check.close(losses[-1], 2**20 * (0.01**3 + 0.01), rtol=1e-3)
    grown = used.retained / 10 / 2**20
    check.true(
        grown < 2,
        f"each step of a training loop leaves {grown:.1f} MiB behind; the weight has 4",
    )


@pytest.mark.points(2)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one learns.")
@pytest.mark.depends(
    on=["test_broadcasting", "test_reductions", "test_parts", "test_matrix_products"]
)
def test_learns_handwritten_digits(tt, check, digits):
    """Learns to read 88 % of 360 unseen digits in ten steps, each the same as worked by hand"""
    images, labels = digits.train_images.reshape(-1, 64), digits.train_labels
    x, rows = tt.Tensor(images), np.arange(len(labels))
    weight = tt.Tensor(np.zeros((64, 10), np.float32), requires_grad=True)
    bias = tt.Tensor(np.zeros(10, np.float32), requires_grad=True)
    by_hand = [np.zeros((64, 10)), np.zeros(10)]
    for _ in range(10):
        scores = x @ weight + bias
        scores = scores - scores.max(dim=1, keepdim=True).detach()
        loss = (scores.exp().sum(dim=1).log() - scores[rows, labels]).mean()
        loss.backward()
        raw = np.exp(images @ by_hand[0] + by_hand[1])
        wrong = raw / raw.sum(axis=1, keepdims=True)
        check.close(loss, -np.log(wrong[rows, labels]).mean(), rtol=1e-3)
        wrong[rows, labels] -= 1
        by_hand = [
            by_hand[0] - images.T @ wrong / len(labels),
            by_hand[1] - wrong.mean(axis=0),
        ]
        for parameter, expected in zip((weight, bias), by_hand, strict=True):
            parameter.data = check.array(parameter) - check.array(parameter.grad)
            parameter.grad = None
            check.close(parameter, expected, rtol=1e-3, atol=1e-4)
    with tt.no_grad():
        scores = tt.Tensor(digits.test_images.reshape(-1, 64)) @ weight + bias
    read = check.array(scores.argmax(dim=1))
    correct = float((read == digits.test_labels).mean())
    check.true(correct >= 0.88, f"read {correct:.1%} of 360 digits correctly, expected 88 %")
