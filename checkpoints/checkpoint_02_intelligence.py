"""Checkpoint 02: activations against formulas in float64, at 1 and at 10,000.

The last test solves what no straight line can.
"""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytestmark = pytest.mark.checkpoint("02")

ROWS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=5),
    elements=st.floats(-20, 20, width=32),
)
POINTS = np.array([-30, -6, -3, -2, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 2, 3, 6, 30], np.float32)


def by_math(function):
    """A function of one number as a function of arrays, in float64."""
    return lambda a: np.vectorize(function, otypes=[np.float64])(a.astype(np.float64))


exact_sigmoid = by_math(
    lambda v: 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))
)
exact_gelu = by_math(lambda v: 0.5 * v * (1 + math.erf(v / math.sqrt(2))))


def exact_softmax(a, dim):
    wide = a.astype(np.float64)
    exponentials = np.exp(wide - wide.max(axis=dim, keepdims=True))
    return exponentials / exponentials.sum(axis=dim, keepdims=True)


@pytest.mark.points(2)
@pytest.mark.hint("np.maximum(a, 0): larger of the two, element by element.")
@given(a=ROWS)
def test_relu(tt, check, a):
    """Cuts what is negative to zero, keeps the rest, and changes nothing the second time"""
    x, cut = tt.Tensor(a.copy()), np.where(a > 0, a, 0)
    with check.unchanged(x):
        check.close(tt.relu(x), cut)
        check.close(tt.relu(tt.relu(x)), cut)


@pytest.mark.points(2)
@pytest.mark.hint("Each function makes a new array: no out=, no a[a < 0] = 0.")
@pytest.mark.depends(on="test_relu")
def test_inputs_are_left_alone(tt, check):
    """Leaves its input as it was"""
    a = np.array([[-2.0, -0.5, 0.5], [3.0, -1.0, 0.0]], np.float32)
    x = tt.Tensor(a.copy())
    for name in ("relu", "sigmoid", "tanh", "gelu", "softmax", "log_softmax"):
        bent = check.array(getattr(tt, name)(x))
        unchanged = bool((check.array(x) == a).all())
        check.true(unchanged, f"{name} changed its input to {check.array(x).tolist()}")
        check.equal(bent.shape, (2, 3))
    for name in ("ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Softmax", "GELU"):
        check.shape(getattr(tt, name)()(x), (2, 3))
        unchanged = bool((check.array(x) == a).all())
        check.true(unchanged, f"{name}() changed its input to {check.array(x).tolist()}")


@pytest.mark.points(2)
@pytest.mark.hint("The slope of the object, self.negative_slope, goes to leaky_relu.")
def test_leaky_relu(tt, check):
    """Keeps a part of what is negative, as much as it was told"""
    x = tt.Tensor(np.array([-4.0, -1.0, 0.0, 2.0], np.float32))
    check.close(tt.LeakyReLU()(x), [-0.04, -0.01, 0, 2])
    weak, strong = tt.LeakyReLU(0.25), tt.LeakyReLU(negative_slope=0.5)
    check.close(weak(x), [-1, -0.25, 0, 2])
    check.close(strong(x), [-2, -0.5, 0, 2])
    check.close(weak(x), [-1, -0.25, 0, 2])
    check.close(tt.LeakyReLU(0.0)(x), [0, 0, 0, 2])
    check.close(tt.LeakyReLU(2.0)(x), [-8, -2, 0, 2])
    check.close(tt.LeakyReLU()(x), [-0.04, -0.01, 0, 2])


@pytest.mark.points(2)
@pytest.mark.hint("1 / (1 + exp(-x)): mind the sign in the exponent.")
@given(a=ROWS)
def test_sigmoid(tt, check, a):
    """Squeezes every number between 0 and 1, evenly on both sides"""
    x = tt.Tensor(a.copy())
    with check.unchanged(x):
        check.close(tt.sigmoid(x), exact_sigmoid(a))
        check.close(tt.sigmoid(-x), 1 - exact_sigmoid(a))


@pytest.mark.points(2)
@pytest.mark.hint("NumPy has it.")
def test_tanh(tt, check):
    """Squeezes every number between -1 and 1"""
    x = tt.Tensor(POINTS)
    check.close(tt.tanh(x), by_math(math.tanh)(POINTS))
    check.close(tt.tanh(-x), -by_math(math.tanh)(POINTS))


@pytest.mark.points(2)
@pytest.mark.hint("The exact form, with erf. The one with tanh is off by up to 5e-4.")
def test_gelu(tt, check):
    """Weighs each number with its normal probability, exactly"""
    x, grid = tt.Tensor(POINTS), np.linspace(-5, 5, 201, dtype=np.float32)
    check.close(tt.gelu(x), exact_gelu(POINTS), atol=2e-5)
    fine = tt.Tensor(grid)
    check.close(tt.gelu(fine), exact_gelu(grid), atol=2e-5)


@pytest.mark.points(2)
@pytest.mark.hint("exp overflows above 88: take it of -|x|, which is never positive.")
@pytest.mark.depends(on=["test_relu", "test_sigmoid", "test_tanh", "test_gelu"])
def test_extremes_of_one_element(tt, check):
    """Stays finite and exact at 10,000 and below -10,000, without a warning"""
    for dtype in (np.float32, np.float64):
        x = tt.Tensor(np.array([-1e4, -1000, -100, 100, 1000, 1e4], dtype))
        leaky = tt.LeakyReLU()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check.close(tt.sigmoid(x), [0, 0, 0, 1, 1, 1], atol=1e-7)
            check.close(tt.tanh(x), [-1, -1, -1, 1, 1, 1], atol=1e-7)
            check.close(tt.relu(x), [0, 0, 0, 100, 1000, 1e4])
            check.close(tt.gelu(x), [0, 0, 0, 100, 1000, 1e4], atol=2e-5)
            check.close(leaky(x), [-100, -10, -1, 100, 1000, 1e4])
    far = tt.Tensor(np.array([-20, -17], np.float32))
    check.close(tt.sigmoid(far), exact_sigmoid(np.array([-20, -17])), atol=1e-7)
    check.close(tt.relu(tt.Tensor([-1e30, 1e30])), [0, 1e30])


@pytest.mark.points(1)
@pytest.mark.hint("NumPy's functions take any shape: nothing here needs to know it.")
@pytest.mark.depends(on="test_relu")
def test_shapes_of_one_element(tt, check):
    """Activations accept the shapes (), (4,), (2, 3, 4) and (0, 3), and keep them"""
    cube = np.linspace(-3, 3, 24, dtype=np.float32).reshape(2, 3, 4)
    for a in (np.array(-1.5, np.float32), cube[0, 0], cube, cube.transpose(2, 0, 1)):
        x = tt.Tensor(a)
        check.close(tt.relu(x), np.where(a > 0, a, 0))
        check.close(tt.sigmoid(x), exact_sigmoid(a))
        check.close(tt.tanh(x), by_math(math.tanh)(a))
        check.close(tt.gelu(x), exact_gelu(a), atol=2e-5)
    empty = tt.zeros(0, 3)
    check.shape(tt.relu(empty), (0, 3))
    check.shape(tt.sigmoid(empty), (0, 3))
    check.shape(tt.tanh(empty), (0, 3))
    check.shape(tt.gelu(empty), (0, 3))
    leaky = tt.LeakyReLU(0.5)
    check.shape(leaky(empty), (0, 3))
    check.close(leaky(tt.Tensor(-1.5)), -0.75)


@pytest.mark.points(2)
@pytest.mark.hint("Maximum and sum go along dim, both with keepdims=True.")
@given(a=ROWS, data=st.data())
def test_softmax(tt, check, a, data):
    """Turns scores into probabilities along any dimension"""
    dim = data.draw(st.integers(-a.ndim, a.ndim - 1), label="dim")
    x = tt.Tensor(a)
    check.close(tt.softmax(x, dim=dim), exact_softmax(a, dim))
    check.close(tt.softmax(x, dim=dim).sum(dim=dim), np.ones(np.delete(a.shape, dim)))


@pytest.mark.points(1)
@pytest.mark.hint("Without dim, it is the last one. An object keeps its own: self.dim.")
@pytest.mark.depends(on="test_softmax")
def test_softmax_of_the_last_dimension(tt, check):
    """Takes the last dimension unless it is told another one"""
    a = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]], np.float32)
    x = tt.Tensor(a)
    check.close(tt.softmax(x), exact_softmax(a, 1))
    check.close(tt.log_softmax(x), np.log(exact_softmax(a, 1)))
    square = tt.Tensor(a[:, 1:].copy())  # where a wrong dimension has the right shape
    for dim in (0, 1):
        check.close(tt.softmax(square, dim=dim), exact_softmax(a[:, 1:], dim))
        check.close(tt.log_softmax(square, dim=dim), np.log(exact_softmax(a[:, 1:], dim)))
    rows, columns = tt.Softmax(), tt.Softmax(dim=0)
    check.close(rows(x), exact_softmax(a, 1))
    check.close(columns(x), exact_softmax(a, 0))
    check.close(rows(x), exact_softmax(a, 1))
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4) % 7
    x = tt.Tensor(cube)
    check.close(rows(x), exact_softmax(cube, 2))
    for dim in (0, 1, 2, -1, -2, -3):
        check.close(tt.softmax(x, dim=dim), exact_softmax(cube, dim))
        check.close(tt.log_softmax(x, dim=dim), np.log(exact_softmax(cube, dim)))
        chosen = tt.Softmax(dim)
        check.close(chosen(x), exact_softmax(cube, dim))
    for shape in ((0, 3), (0, 2, 3)):
        empty = tt.Tensor(np.zeros(shape, np.float32))
        check.shape(tt.softmax(empty), shape)
        check.shape(tt.log_softmax(empty), shape)


@pytest.mark.points(2)
@pytest.mark.hint("A number added to all scores cancels: check it with pen and paper.")
@pytest.mark.depends(on="test_softmax")
@given(a=ROWS, shift=st.integers(-50, 50))
def test_laws_of_softmax(tt, check, a, shift):
    """Does not change when all scores shift, and keeps their order"""
    x = tt.Tensor(a)
    check.close(tt.softmax(x + shift), exact_softmax(a, -1), rtol=1e-4, atol=1e-5)
    probabilities = check.array(tt.softmax(x))
    order = np.argsort(a, axis=-1, kind="stable")
    rising = np.diff(np.take_along_axis(probabilities, order, axis=-1), axis=-1)
    check.true(bool((rising >= -1e-7).all()), "a higher score must have a higher probability")


@pytest.mark.points(2)
@pytest.mark.hint("x - max - log(sum(exp(x - max))), which never takes the logarithm of 0.")
@given(a=ROWS, data=st.data())
def test_log_softmax(tt, check, a, data):
    """Gives the logarithms of the probabilities"""
    dim = data.draw(st.integers(-a.ndim, a.ndim - 1), label="dim")
    wide = a.astype(np.float64)
    shifted = wide - wide.max(axis=dim, keepdims=True)
    expected = shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    x = tt.Tensor(a)
    check.close(tt.log_softmax(x, dim=dim), expected, atol=1e-5)
    check.close(tt.log_softmax(x, dim=dim).exp(), exact_softmax(a, dim), atol=1e-5)


@pytest.mark.points(3)
@pytest.mark.hint("Subtract the largest score of each row before exp, in both functions.")
@pytest.mark.depends(on=["test_softmax", "test_log_softmax"])
def test_extremes_of_a_row(tt, check):
    """Stays finite and exact with scores of 10,000, without a warning"""
    a = np.array([[1e4, 1e4, -1e4], [-1e4, 0, 1e4], [-1e4, -1e4, -1e4]], np.float32)
    x, columns = tt.Tensor(a), tt.Tensor(np.ascontiguousarray(a.T))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check.close(tt.softmax(x), [[0.5, 0.5, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]])
        half, third = math.log(2), math.log(3)
        expected = [[-half, -half, -2e4 - half], [-2e4, -1e4, 0], [-third, -third, -third]]
        check.close(tt.log_softmax(x), expected)
        check.close(tt.log_softmax(columns, dim=0), np.array(expected).T)


@pytest.mark.points(1)
@pytest.mark.hint("An object calls its function: one line each.")
@pytest.mark.depends(on=["test_relu", "test_sigmoid", "test_tanh", "test_gelu"])
def test_objects_compute_what_functions_do(tt, check):
    """Offers each function as an object too"""
    x = tt.Tensor(POINTS)
    check.close(tt.ReLU()(x), np.where(POINTS > 0, POINTS, 0))
    check.close(tt.Sigmoid()(x), exact_sigmoid(POINTS))
    check.close(tt.Tanh()(x), by_math(math.tanh)(POINTS))
    check.close(tt.GELU()(x), exact_gelu(POINTS), atol=2e-5)
    for bend in (tt.ReLU(), tt.LeakyReLU(), tt.Sigmoid(), tt.Tanh(), tt.Softmax(), tt.GELU()):
        check.instance(bend(x), tt.Tensor)


@pytest.mark.points(2)
@pytest.mark.hint(
    "A np.float64 constant, such as np.sqrt(2), widens without a word; math.sqrt not. "
    "Integers go through `floating` first."
)
@pytest.mark.depends(on="test_relu")
def test_float32_stays(tt, check):
    """Keeps float32, and float64 where it was given; makes float32 of integers"""
    narrow, wide = tt.Tensor([[-1.0, 0.5]]), tt.Tensor(np.array([[-1.0, 0.5]]))
    names = ("relu", "sigmoid", "tanh", "gelu", "softmax", "log_softmax")
    found = {name: str(getattr(tt, name)(narrow).dtype) for name in names}
    for name in ("ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Softmax", "GELU"):
        found[name] = str(getattr(tt, name)()(narrow).dtype)
    widened = [name for name, dtype in found.items() if dtype != "float32"]
    check.true(not widened, f"these should be float32 and are not: {', '.join(widened)}")
    for name in names:
        check.dtype(getattr(tt, name)(wide), "float64")
    for kind in ("int64", "int32"):
        whole = np.array([[0, 1, 1]], kind)
        x, shares = tt.Tensor(whole), exact_softmax(whole, -1)
        exact = (exact_sigmoid(whole), np.tanh(whole), exact_gelu(whole), shares, np.log(shares))
        for name, expected in zip(names[1:], exact, strict=True):  # relu may keep integers
            check.dtype(getattr(tt, name)(x), "float32")
            check.close(getattr(tt, name)(x), expected, atol=2e-5)


@pytest.mark.points(2)
@pytest.mark.hint("A bend between two maps makes them more than one map.")
@pytest.mark.depends(on="test_relu")
def test_what_no_line_can_separate(tt, check, rng):
    """Solves the exclusive or, which no straight line can, with one bend"""
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    wanted = np.array([[0.0], [1.0], [1.0], [0.0]])
    x, relu = tt.Tensor(corners), tt.ReLU()

    # Two maps in a row are one map, whatever their weights; a bend between them changes that.
    first, second = rng.standard_normal((2, 8)), rng.standard_normal((8, 1))
    w1, w2 = tt.Tensor(first.astype(np.float32)), tt.Tensor(second.astype(np.float32))
    one = check.array(x @ (w1 @ w2))
    check.close((x @ w1) @ w2, one, atol=1e-5)
    bent = check.array(relu(x @ w1) @ w2)
    check.true(float(np.abs(bent - one).max()) > 0.01, "with relu between, two maps are still one")

    # The best that one map (and a bias) can do about the exclusive or is to answer 0.5 to all.
    design = np.column_stack([corners, np.ones(4)])
    straight = design @ np.linalg.lstsq(design, wanted, rcond=None)[0]
    check.close(straight, np.full((4, 1), 0.5))

    # With one bend, two units are enough: relu(a - b) + relu(b - a).
    differences, sums = tt.Tensor([[1.0, -1.0], [-1.0, 1.0]]), tt.Tensor([[1.0], [1.0]])
    check.close(relu(x @ differences) @ sums, wanted)
    check.close((x @ differences) @ sums, np.zeros((4, 1)))
