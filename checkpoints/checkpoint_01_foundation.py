"""Checkpoint 01: Tensor operations against NumPy and numbers worked by hand.

The last test reads handwritten digits with nothing but means, broadcasting, sums and argmin.
"""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytestmark = pytest.mark.checkpoint("01")

SMALL = st.floats(-100, 100, width=32)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)
ARRAYS = hnp.arrays(np.float32, SHAPES, elements=SMALL)


def pairs_that_broadcast():
    """Two float32 arrays whose shapes broadcast."""
    shapes = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4)
    return shapes.flatmap(
        lambda both: st.tuples(
            *(hnp.arrays(np.float32, shape, elements=SMALL) for shape in both.input_shapes)
        )
    )


@pytest.mark.points(2)
@pytest.mark.hint("Everything here is one call of np.asarray, followed by the rule for floats.")
def test_creation(tt, check):
    """Makes Tensors of numbers, nested lists and arrays, with the right numbers and shapes"""
    check.close(tt.Tensor([[1, 2, 3], [4, 5, 6]]), [[1, 2, 3], [4, 5, 6]])
    check.close(tt.Tensor(2.5), 2.5)
    check.close(tt.Tensor((1.0, -2.0)), [1, -2])
    check.close(tt.Tensor(np.arange(6.0).reshape(1, 2, 3)), np.arange(6.0).reshape(1, 2, 3))
    check.close(tt.Tensor(tt.Tensor([7.0])), [7])
    check.shape(tt.Tensor([]), (0,))
    check.shape(tt.Tensor(np.zeros((0, 3), np.float32)), (0, 3))


@pytest.mark.points(2)
@pytest.mark.hint("Ask whether the data was an array: only then does float64 stay float64.")
@pytest.mark.depends(on="test_creation")
def test_dtypes(tt, check):
    """Turns Python floats into float32 and ints into int64, and keeps the dtype of arrays"""
    check.dtype(tt.Tensor([1.0, 2.0]), "float32")
    check.dtype(tt.Tensor(1.5), "float32")
    check.dtype(tt.Tensor([]), "float32")
    check.dtype(tt.Tensor([1, 2]), "int64")
    check.dtype(tt.Tensor([True, False]), "bool")
    for name in ("float64", "float16", "int32", "uint8"):
        check.dtype(tt.Tensor(np.ones(2, name)), name)
    check.dtype(tt.Tensor([1, 2], dtype="float32"), "float32")
    check.dtype(tt.Tensor(np.ones(2), dtype=np.float32), "float32")
    check.dtype(tt.Tensor(tt.Tensor(np.ones(2))), "float64")


@pytest.mark.points(2)
@pytest.mark.hint("These are properties: they take the answer from the array.")
@pytest.mark.depends(on="test_creation")
def test_properties(tt, check):
    """Tells its shape, number of dimensions, size and dtype, also for scalars and empty Tensors"""
    for shape in ((), (3,), (2, 3), (0, 4), (2, 1, 3, 1)):
        x = tt.Tensor(np.zeros(shape, np.float32))
        check.equal(tuple(x.shape), shape)
        check.equal(x.ndim, len(shape))
        check.equal(x.size, int(np.prod(shape)))
    check.equal(str(tt.Tensor([1.0]).dtype), "float32")
    check.equal(str(tt.Tensor([1]).dtype), "int64")
    check.equal([len(tt.Tensor([[1, 2, 3], [4, 5, 6]])), len(tt.zeros(4, 2, 3))], [2, 4])
    with check.raises(TypeError):
        len(tt.Tensor(1.0))


@pytest.mark.points(2)
@pytest.mark.hint("item() gives a plain Python number, numpy() the array, detach() a new Tensor.")
@pytest.mark.depends(on="test_creation")
def test_conversions(tt, check, run_program):
    """Gives its numbers back, uncopied: item, numpy, float, int, iteration, and what repr shows"""
    check.equal(tt.Tensor([[2.5]]).item(), 2.5)
    check.equal(tt.Tensor(3).item(), 3)
    check.equal(tt.Tensor(0.1).item(), float(np.float32(0.1)))
    check.equal(float(tt.Tensor([2.0])), 2.0)
    check.equal(int(tt.Tensor(7)), 7)
    check.close(tt.Tensor([1.0, 2.0]).numpy(), [1, 2])
    check.close(np.asarray(tt.Tensor([1.0, 2.0])), [1, 2])
    check.close(tt.Tensor([1.0, 2.0]).detach(), [1, 2])
    check.instance(tt.Tensor([1.0, 2.0]).detach(), tt.Tensor)
    rows = [check.array(row).tolist() for row in tt.Tensor([[1, 2], [3, 4]])]
    check.equal(rows, [[1, 2], [3, 4]])
    shown = repr(tt.Tensor([1.5, -2.0]))
    check.true(
        all(part in shown for part in ("Tensor", "1.5", "-2", "float32")),
        f"repr should show the name, the numbers and the dtype; it is {shown!r}",
    )
    shared = check.array(run_program("programs/shared_numbers.py")).tolist()
    told = "numpy() and detach() share the numbers of their Tensor: 1 and 2, written through them"
    check.true(shared == [1, 2, 0], f"{told}, should be in it; it holds {shared}")


@pytest.mark.points(2)
@pytest.mark.hint("Compare the shape in the message with what item() and bool() can answer.")
@pytest.mark.depends(on="test_creation")
def test_errors_of_creation_and_conversion(tt, check):
    """Refuses text, ragged rows, item() of many and truth of many, and says why"""
    with check.raises(TypeError):
        tt.Tensor("text")
    with check.raises((ValueError, TypeError)):
        tt.Tensor([[1], [1, 2]])
    with check.raises(ValueError):
        tt.Tensor([1, 2], requires_grad=True)
    with check.raises(ValueError, mentions=("(2, 3)",)):
        tt.zeros(2, 3).item()
    with check.raises(ValueError):
        bool(tt.ones(2))
    truths = [bool(tt.Tensor([1.0])), bool(tt.Tensor(0)), bool(tt.Tensor(-0.5))]
    check.equal(truths, [True, False, True])


@pytest.mark.points(3)
@pytest.mark.hint("Broadcasting is NumPy's own work: give it the arrays as they are.")
@pytest.mark.depends(on="test_creation")
@given(pair=pairs_that_broadcast())
def test_arithmetic_agrees_with_numpy(tt, check, pair):
    """Adds, subtracts, multiplies and divides like NumPy, whatever shapes broadcast"""
    a, b = pair
    divisor = np.where(np.abs(b) > 0.01, b, np.float32(2))
    x, y, z = tt.Tensor(a.copy()), tt.Tensor(b.copy()), tt.Tensor(divisor.copy())
    with check.unchanged(x, y, z):
        check.close(x + y, a + b)
        check.close(x - y, a - b)
        check.close(x * y, a * b)
        check.close(x / z, a / divisor)


@pytest.mark.points(2)
@pytest.mark.hint("2 - x calls __rsub__: the number is the left operand.")
@pytest.mark.depends(on="test_creation")
def test_numbers_and_arrays_as_operands(tt, check):
    """Takes Python numbers and arrays on either side"""
    a = np.array([[1.0, 2.0], [4.0, 8.0]], np.float32)
    x = tt.Tensor(a.copy())
    with check.unchanged(x):
        check.close(x + 1, [[2, 3], [5, 9]])
        check.close(1 + x, [[2, 3], [5, 9]])
        check.close(x - 3, [[-2, -1], [1, 5]])
        check.close(3 - x, [[2, 1], [-1, -5]])
        check.close(2 * x, [[2, 4], [8, 16]])
        check.close(x / 4, [[0.25, 0.5], [1, 2]])
        check.close(8 / x, [[8, 4], [2, 1]])
        check.close(x**2, [[1, 4], [16, 64]])
        check.close(2**x, [[2, 4], [16, 256]])
        check.close(x + a.copy(), 2 * a)
        check.close(a.copy() - x, np.zeros((2, 2)))
        check.close(a.copy() * x, [[1, 4], [16, 64]])
        check.close(a.copy() / x, np.ones((2, 2)))
    for dtype in ("float32", "float64", "int64"):
        for left, right in (((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), ())):
            x, y = tt.Tensor(np.full(left, 6, dtype)), tt.Tensor(np.full(right, 2, dtype))
            with check.unchanged(x, y):
                check.close(x + y, np.full(left, 8))
                check.close(x - y, np.full(left, 4))
                check.close(x * y, np.full(left, 12))
                check.close(x / y, np.full(left, 3))
                check.close(x**y, np.full(left, 36))
                check.close(-x, np.full(left, -6))


@pytest.mark.points(2)
@pytest.mark.hint("Which line computes the sum? It must make a new Tensor and leave its operands.")
@pytest.mark.depends(on="test_arithmetic_agrees_with_numpy")
@given(a=ARRAYS)
def test_laws_of_arithmetic(tt, check, a):
    """Keeps the laws (x - x = 0, x + y = y + x, 2x = x + x) and leaves its operands alone"""
    b = np.flip(a).copy()
    x, y = tt.Tensor(a.copy()), tt.Tensor(b.copy())
    with check.unchanged(x, y):
        check.close(x - x, np.zeros_like(a))
        for both in (x + y, y + x):
            check.close(both, a + b)
        for twice in (2 * x, x + x):
            check.close(twice, 2 * a)
        check.close(-x, 0 - a)
        check.close(0 - (-x), a)
        check.close(abs(x), np.abs(a))


@pytest.mark.points(2)
@pytest.mark.hint("The message of NumPy names no operation: add the two shapes to it.")
@pytest.mark.depends(on="test_creation")
def test_shapes_that_do_not_fit(tt, check):
    """Refuses operands that do not broadcast and names both shapes"""
    x = tt.ones(2, 3)
    for other in ((2,), (4,), (3, 2), (2, 2, 2)):
        with check.raises(ValueError, mentions=("(2, 3)", str(other))):
            x + tt.ones(*other)
    with check.raises(ValueError, mentions=("(2, 3)", "(2, 4)")):
        x @ tt.ones(2, 4)
    with check.raises(TypeError):
        x + "1"


@pytest.mark.points(2)
@pytest.mark.hint("A comparison gives a Tensor of booleans, one for each element.")
@pytest.mark.depends(on="test_creation")
@given(pair=pairs_that_broadcast())
def test_comparisons(tt, check, pair):
    """Compares element by element, with broadcasting, to booleans"""
    a, b = np.round(pair[0] / 50), np.round(pair[1] / 50)
    x, y = tt.Tensor(a), tt.Tensor(b)
    for compared in (x == y, x != y, x < y, x <= y, x > y, x >= y):
        check.instance(compared, tt.Tensor)
    check.equal(x == y, np.asarray(a == b))
    check.equal(x != y, np.asarray(a != b))
    check.equal(x < y, np.asarray(a < b))
    check.equal(x <= y, np.asarray(a <= b))
    check.equal(x > y, np.asarray(a > b))
    check.equal(x >= y, np.asarray(a >= b))
    check.equal(x > 0, np.asarray(a > 0))
    for dtype in (np.float32, np.float64):
        near = tt.Tensor(np.array([1, np.nextafter(dtype(1), dtype(2))], dtype))
        check.equal(near == 1, np.array([True, False]))


@pytest.mark.points(3)
@pytest.mark.hint("np.matmul, and not np.dot: they differ for more than two dimensions.")
@pytest.mark.depends(on="test_creation")
def test_matrix_product(tt, check, rng):
    """Multiplies matrices, vectors and batches of matrices like NumPy"""
    left, right = tt.Tensor([[1.0, 2.0], [3.0, 4.0]]), tt.Tensor([[5.0, 7.0], [6.0, 8.0]])
    with check.unchanged(left, right):
        check.close(left @ right, [[17, 23], [39, 53]])
    shapes = [
        ((3, 4), (4, 2)),
        ((4,), (4,)),
        ((3, 4), (4,)),
        ((4,), (4, 2)),
        ((5, 3, 4), (4, 2)),
        ((3, 3), (3, 3)),
        ((3, 3), (3,)),
        ((3,), (3, 3)),
        ((5, 3, 4), (5, 4, 2)),
        ((3, 3, 3), (3, 3, 3)),
        ((2, 3, 4), (5, 1, 4, 2)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((1, 1), (1, 1)),
    ]
    for left, right in shapes:
        a = rng.standard_normal(left).astype(np.float32)
        b = rng.standard_normal(right).astype(np.float32)
        expected = np.einsum("...ij,...jk->...ik", *_as_matrices(a, b))
        check.close(tt.Tensor(a) @ tt.Tensor(b), _dropped(expected, a, b), rtol=1e-4, atol=1e-5)
    a, b = np.ones((2, 3), np.float32), np.ones((3, 2), np.float32)
    check.close(tt.Tensor(a) @ b, np.full((2, 2), 3))
    check.close(a @ tt.Tensor(b), np.full((2, 2), 3))
    check.shape(tt.zeros(0, 3) @ tt.zeros(3, 2), (0, 2))


def _as_matrices(a, b):
    """Vectors as matrices of one row or one column."""
    return (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)


def _dropped(product, a, b):
    """Without the dimensions that vectors were given."""
    product = product[..., 0] if b.ndim == 1 else product
    return (
        product[..., 0] if a.ndim == 1 and b.ndim == 1 else (product[0] if a.ndim == 1 else product)
    )


@pytest.mark.points(2)
@pytest.mark.hint("Each is NumPy's function of the same name; x ** 0.5 is a square root too.")
@pytest.mark.depends(on="test_creation")
@given(a=hnp.arrays(np.float32, SHAPES, elements=st.floats(0.125, 8, width=32)))
def test_functions_of_one_element(tt, check, a):
    """Takes exp, log, sqrt, abs and powers of each element"""
    x, below, wide = tt.Tensor(a.copy()), tt.Tensor(-a), a.astype(np.float64)
    with check.unchanged(x, below):
        check.close(x.exp(), np.exp(wide))
        check.close(below.exp(), np.exp(-wide))
        check.close(x.log(), np.log(wide), atol=1e-5)
        check.close(x.sqrt(), np.sqrt(wide))
        check.close(below.abs(), wide)
        check.close(x**3, wide**3)
        check.close(below**3, -(wide**3))
        check.close(x**-0.5, 1 / np.sqrt(wide))
        check.close(x.log().exp(), wide)
    tiny = tt.Tensor([1e-6])
    check.close(tiny.log(), [np.log(1e-6)])
    check.close(1 / tiny, [1e6])
    far = tt.Tensor([-100.0, -60.0, 60.0, 100.0])
    with check.unchanged(far), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy may warn that some of these are no numbers
        check.close(far.exp(), [0, np.exp(-60), np.exp(60), np.inf], atol=1e-30)
        check.close(far.sqrt(), [np.nan, np.nan, np.sqrt(60), 10])
        check.close(far.log(), [np.nan, np.nan, np.log(60), np.log(100)])
        check.close(far**0.5, [np.nan, np.nan, np.sqrt(60), 10])
        check.close((far * 0).log(), np.full(4, -np.inf))
        check.close(far / 0, [-np.inf, -np.inf, np.inf, np.inf])


@pytest.mark.points(3)
@pytest.mark.hint("NumPy calls dim `axis` and keepdim `keepdims`; mean divides by what was summed.")
@pytest.mark.depends(on="test_creation")
@given(a=ARRAYS, data=st.data())
def test_reductions_agree_with_numpy(tt, check, a, data):
    """Sums, averages, and finds largest and smallest, over all elements or one dimension"""
    dim = data.draw(st.sampled_from([None, *range(-a.ndim, a.ndim)]), label="dim")
    keep = data.draw(st.booleans(), label="keepdim")
    x, wide = tt.Tensor(a), a.astype(np.float64)
    check.close(x.sum(dim=dim, keepdim=keep), wide.sum(axis=dim, keepdims=keep), atol=1e-3)
    check.close(x.mean(dim=dim, keepdim=keep), wide.mean(axis=dim, keepdims=keep), atol=1e-3)
    check.close(x.max(dim=dim, keepdim=keep), wide.max(axis=dim, keepdims=keep))
    check.close(x.min(dim=dim, keepdim=keep), wide.min(axis=dim, keepdims=keep))


@pytest.mark.points(2)
@pytest.mark.hint("np.argmax gives the first of equal elements; its result is a position, an int.")
@pytest.mark.depends(on="test_creation")
def test_positions_and_special_reductions(tt, check):
    """Finds positions of extremes, sums over several dimensions, and sums nothing to 0"""
    a = np.array([[3, 7, 7], [9, 1, 2]], np.float32)
    x = tt.Tensor(a)
    check.equal(x.argmax(), np.array(3))
    check.equal(x.argmax(dim=1), np.array([1, 0]))
    check.equal(x.argmin(dim=0), np.array([0, 1, 1]))
    check.equal(x.argmin(), np.array(4))
    check.equal(x.argmax(dim=1, keepdim=True), np.array([[1], [0]]))
    check.dtype(x.argmax(dim=0), "int64")
    check.instance(x.argmax(), tt.Tensor)
    check.instance(x.argmin(dim=0), tt.Tensor)
    check.equal(x.argmin(dim=0, keepdim=True), np.array([[0, 1, 1]]))
    square = np.array([[3, -7, 5], [-9, 1, -10], [4, 8, 6]], np.float32)
    x = tt.Tensor(square)
    for dim in (0, 1, -1, -2):
        check.close(x.sum(dim=dim), square.sum(axis=dim))
        check.close(x.mean(dim=dim), square.mean(axis=dim))
        check.close(x.max(dim=dim), square.max(axis=dim))
        check.close(x.min(dim=dim), square.min(axis=dim))
        check.equal(x.argmax(dim=dim), square.argmax(axis=dim))
        check.equal(x.argmin(dim=dim), square.argmin(axis=dim))
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    check.close(tt.Tensor(cube).sum(dim=(0, 2)), cube.sum(axis=(0, 2)))
    check.close(tt.Tensor(cube).mean(dim=(1, 2), keepdim=True), cube.mean((1, 2), keepdims=True))
    check.close(tt.Tensor([]).sum(), 0.0)
    check.close(tt.zeros(0, 3).sum(dim=0), [0, 0, 0])
    check.equal(tt.Tensor([1, 2, 3]).sum().item(), 6)
    check.close(tt.Tensor([1, 2]).mean(), 1.5)
    with check.raises(ValueError):
        tt.Tensor([]).max()


@pytest.mark.points(3)
@pytest.mark.hint(
    "Look at values, not only shapes: reshape keeps the order of memory, permute not."
)
@pytest.mark.depends(on="test_creation")
def test_changes_of_shape(tt, check):
    """Reshapes, permutes and transposes, with every element where it belongs"""
    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    x = tt.Tensor(a)
    check.close(x.reshape(4, 6), a.reshape(4, 6))
    check.close(x.reshape((6, -1)), a.reshape(6, 4))
    check.close(x.reshape(-1), a.ravel())
    check.close(x.permute(2, 0, 1), a.transpose(2, 0, 1))
    check.close(x.transpose(0, 2), a.swapaxes(0, 2))
    check.close(x.transpose(-1, 0), a.swapaxes(-1, 0))
    check.close(x[0].T, a[0].T)
    check.close(x.T, a.T)
    square = x[:, :2, :2]  # where a wrong order has the right shape
    check.close(square.T, a[:, :2, :2].T)
    check.close(square[1].T, a[1, :2, :2].T)
    check.close(square.transpose(), a[:, :2, :2].swapaxes(1, 2))
    check.close(square.permute(1, 2, 0), a[:, :2, :2].transpose(1, 2, 0))
    check.close(square[0].reshape(4, 1), a[0, :2, :2].reshape(4, 1))
    check.close(tt.Tensor([5.0]).reshape(()), 5.0)
    with check.raises(ValueError, mentions=("(2, 3, 4)",)):
        x.reshape(5, 5)


@pytest.mark.points(2)
@pytest.mark.hint(
    "Hand the index to the array; only Tensors inside it have to become arrays first."
)
@pytest.mark.depends(on="test_creation")
def test_indexing(tt, check):
    """Selects by numbers, slices, ellipsis, new axes, booleans and positions"""
    a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    x = tt.Tensor(a)
    check.close(x[1], a[1])
    check.close(x[0, 2, 3], 11.0)
    check.close(x[:, 1:, ::2], a[:, 1:, ::2])
    check.close(x[..., -1], a[..., -1])
    check.close(x[:, None, 0], a[:, None, 0])
    check.close(x[x > 20], a[a > 20])
    check.close(x[tt.Tensor([1, 1, 0])], a[[1, 1, 0]])
    check.close(x[:, tt.Tensor([2, 0])], a[:, [2, 0]])
    check.shape(x[:, :0], (2, 0, 4))
    with check.raises(IndexError):
        x[2]


@pytest.mark.points(2)
@pytest.mark.hint("stack makes a new dimension, concatenate joins along one that is there.")
@pytest.mark.depends(on="test_creation")
def test_joining(tt, check):
    """Concatenates, stacks and chooses with where"""
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    x, y, some = tt.Tensor(a.copy()), tt.Tensor(a + 10), np.array([True, False, True])
    mask = tt.Tensor(some)
    with check.unchanged(x, y, mask):
        check.close(tt.concatenate([x, y]), np.vstack([a, a + 10]))
        check.instance(tt.concatenate([x, y]), tt.Tensor)
        check.instance(tt.stack([x, y]), tt.Tensor)
        check.instance(tt.where(x > 2, x, y), tt.Tensor)
        check.close(tt.concatenate([x, y, x], dim=-1), np.hstack([a, a + 10, a]))
        for dim in (0, 1, 2, -1):
            check.close(tt.stack([x, y], dim=dim), np.stack([a, a + 10], axis=dim))
            check.close(tt.stack([x, y, x], dim=dim), np.stack([a, a + 10, a], axis=dim))
        check.close(tt.where(x > 2, x, y), np.where(a > 2, a, a + 10))
        check.close(tt.where(x > 2, x, -1.0), np.where(a > 2, a, -1))
        check.close(tt.where(mask, x, y[:, :1]), np.where(some, a, a[:, :1] + 10))
    holes = tt.Tensor(np.array([1, np.nan, np.inf], np.float32))
    check.close(tt.where(tt.Tensor([True, False, False]), holes, 0.0), [1, 0, 0])
    with check.raises(ValueError):
        tt.concatenate([])
    with check.raises(ValueError):
        tt.stack([])
    with check.raises(ValueError, mentions=("(2, 3)",)):
        tt.concatenate([x, tt.ones(2, 2)])


@pytest.mark.points(2)
@pytest.mark.hint("A shape comes as zeros(2, 3) or zeros((2, 3)); the default dtype is float32.")
@pytest.mark.depends(on="test_creation")
def test_making_tensors(tt, check):
    """Makes zeros, ones and ranges of any shape"""
    check.close(tt.zeros(2, 3), np.zeros((2, 3)))
    check.close(tt.ones((3, 1)), np.ones((3, 1)))
    check.close(tt.ones(()), 1.0)
    check.shape(tt.zeros(0, 2), (0, 2))
    check.equal(tt.arange(5), np.arange(5))
    check.equal(tt.arange(2, 9, 3), np.array([2, 5, 8]))
    check.close(tt.arange(0.0, 1.0, 0.25), [0, 0.25, 0.5, 0.75])
    check.close(tt.arange(0.5, 2.5), [0.5, 1.5])
    check.dtype(tt.arange(3, dtype=np.float32), "float32")
    check.dtype(tt.zeros(2, dtype=np.int64), "int64")
    check.dtype(tt.ones(2, dtype=np.int64), "int64")
    made = [tt.zeros(2), tt.ones(2), tt.rand(2), tt.randn(2), tt.arange(0.0, 2.0)]
    for tensor in made:
        check.instance(tensor, tt.Tensor)
        check.dtype(tensor, "float32")


@pytest.mark.points(2)
@pytest.mark.hint("One generator for all random numbers, made anew by manual_seed.")
@pytest.mark.depends(on="test_making_tensors")
def test_random_numbers(tt, check):
    """Draws random numbers that a seed repeats, with the mean and spread that they should have"""
    tt.manual_seed(5)
    first, uniform = check.array(tt.randn(100, 100)), check.array(tt.rand(10_000))
    tt.manual_seed(5)
    check.close(tt.randn(100, 100), first)
    check.close(tt.rand(10_000), uniform)
    again = check.array(tt.randn(100, 100))
    check.true(bool((again != first).any()), "two draws after each other must differ")
    tt.manual_seed(6)
    other = check.array(tt.randn(100, 100))
    check.true(bool((other != first).any()), "another seed must give other numbers")
    # Six standard errors of 10,000 draws: a false alarm in a billion seeds.
    check.close(float(first.mean()), 0.0, atol=0.06)
    check.close(float(first.std()), 1.0, atol=0.05)
    check.close(float((np.abs(first) < 1).mean()), 0.683, atol=0.03)  # of a normal distribution
    check.close(float(uniform.mean()), 0.5, atol=0.02)
    inside = bool(uniform.min() >= 0 and uniform.max() < 1)
    check.true(inside, f"rand must lie in [0, 1): {uniform.min()} to {uniform.max()}")


@pytest.mark.points(3)
@pytest.mark.hint("A np.float64 number, an int64 Tensor or a mean of ints widens without a word.")
@pytest.mark.depends(on="test_dtypes")
def test_float32_stays(tt, check):
    """Keeps float32 in every operation, also beside integers and NumPy numbers"""
    x, ints = tt.Tensor([[1.0, 2.0], [3.0, 4.0]]), tt.Tensor([1, 2])
    results = {
        "x + 1": x + 1,
        "0.5 * x": 0.5 * x,
        "x / 3": x / 3,
        "x ** 2": x**2,
        "x ** 0.5": x**0.5,
        "x @ x": x @ x,
        "x * np.float64(2)": x * np.float64(2),
        "np.float64(2) * x": np.float64(2) * x,
        "x + ints": x + ints,
        "ints / 2": ints / 2,
        "ints * 0.5": ints * 0.5,
        "ints.exp()": ints.exp(),
        "ints.mean()": ints.mean(),
        "x.sum()": x.sum(),
        "x.mean(dim=0)": x.mean(dim=0),
        "x.max()": x.max(),
        "x.exp()": x.exp(),
        "x.log()": x.log(),
        "x.sqrt()": x.sqrt(),
        "x.T": x.T,
        "x[0]": x[0],
        "where(x > 2, x, 0.0)": tt.where(x > 2, x, 0.0),
        "stack([x, x])": tt.stack([x, x]),
    }
    widened = [name for name, result in results.items() if str(result.dtype) != "float32"]
    check.true(not widened, f"these should be float32 and are not: {', '.join(widened)}")
    array = np.ones((2, 2), np.float32)
    results |= {"-x": -x, "abs(x)": abs(x), "x.min()": x.min(), "x.reshape(4)": x.reshape(4)}
    results |= {"x.permute(1, 0)": x.permute(1, 0), "x.transpose(0, 1)": x.transpose(0, 1)}
    results |= {"1 + x": 1 + x, "1 - x": 1 - x, "1 / x": 1 / x, "2**x": 2**x, "x / x": x / x}
    results |= {"array @ x": array @ x, "x.detach()": x.detach(), "x.abs()": x.abs()}
    plain = [name for name, result in results.items() if not isinstance(result, tt.Tensor)]
    check.true(not plain, f"these should be Tensors and are not: {', '.join(plain)}")
    double = tt.Tensor(np.ones(2))
    check.dtype(double * 2, "float64")
    check.dtype(double * 0.5, "float64")
    check.dtype(double + tt.Tensor([1.0, 2.0]), "float64")
    check.dtype(ints + ints, "int64")
    check.dtype(tt.concatenate([ints, ints]), "int64")
    check.dtype(tt.concatenate([double, double]), "float64")


@pytest.mark.points(1)
@pytest.mark.hint("A Tensor starts without a gradient; module 09 will fill it.")
@pytest.mark.depends(on="test_creation")
def test_place_for_a_gradient(tt, check):
    """Keeps a place for its gradient, and detaches from it"""
    for name in ("data", "grad", "requires_grad", "_node"):
        check.true(hasattr(tt.Tensor([1.0]), name), f"Tensor.__init__ must set {name}")
    plain, wanted = tt.Tensor([1.0]), tt.Tensor([1.0], requires_grad=True)
    check.true(plain._node is None, "_node must be None: nothing has computed this Tensor")
    check.equal([plain.requires_grad, wanted.requires_grad], [False, True])
    check.true(wanted.grad is None, "grad must be None before any backward pass")
    check.equal([wanted.detach().requires_grad, wanted.requires_grad], [False, True])
    with check.raises(RuntimeError):
        plain.backward()


@pytest.mark.points(4)
@pytest.mark.hint(
    "Follow the shapes: (n, 1, 64) minus (10, 64) is (n, 10, 64); then sum, then argmin."
)
@pytest.mark.depends(on=["test_arithmetic_agrees_with_numpy", "test_reductions_agree_with_numpy"])
def test_reads_handwritten_digits(tt, check, digits):
    """Reads 88 % of 360 handwritten digits that it has not seen, by the nearest mean image"""
    images = tt.Tensor(digits.train_images.reshape(-1, 64))
    labels = tt.Tensor(digits.train_labels)
    centroids = tt.stack([images[labels == digit].mean(dim=0) for digit in range(10)])
    check.shape(centroids, (10, 64))
    held_out = tt.Tensor(digits.test_images.reshape(-1, 1, 64))
    distances = ((held_out - centroids) ** 2).sum(dim=2)
    check.shape(distances, (360, 10))
    read = check.array(distances.argmin(dim=1))
    correct = float((read == digits.test_labels).mean())
    check.true(correct >= 0.88, f"read {correct:.1%} of 360 digits correctly, expected 88 %")
