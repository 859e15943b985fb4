"""Checkpoint 12: kernels against NumPy in float64, and fast forms against the slow ones.

What is fast must first be right: for sizes that divide evenly into nothing, for both dtypes, and
after the kernels were switched off again.
"""

import math
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("12")


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


def draws(seed, *shape, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def seen(x, kernel, stride=(1, 1), padding=(0, 0)):
    """What a kernel sees of (N, C, H, W), by the definition: (N, H', W', C, kh, kw)."""
    framed = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    windows = np.lib.stride_tricks.sliding_window_view(framed, kernel, axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1]].transpose(0, 2, 3, 1, 4, 5)


def spread(columns, shape, kernel, stride, padding):
    """The transpose of `seen`: each number added to the pixel that it was copied from."""
    total = np.zeros((*shape[:2], shape[2] + 2 * padding[0], shape[3] + 2 * padding[1]))
    places = seen(np.arange(total.size, dtype=float).reshape(total.shape), kernel, stride)
    np.add.at(total.reshape(-1), places.reshape(-1).astype(int), columns.reshape(-1))
    rows, sides = total.shape[2] - padding[0], total.shape[3] - padding[1]
    return total[:, :, padding[0] : rows, padding[1] : sides]


def convolved(x, weight, stride=(1, 1), padding=(0, 0)):
    """The convolution in float64, and its gradients for a gradient of its output."""
    kernel = weight.shape[2:]
    weight = weight.astype(np.float64)
    windows = seen(x.astype(np.float64), kernel, stride, padding)
    output = np.einsum("nhwcij,ocij->nohw", windows, weight, optimize=True)

    def slopes(grad):
        grad = grad.astype(np.float64)
        of_windows = np.einsum("nohw,ocij->nhwcij", grad, weight, optimize=True)
        of_weight = np.einsum("nohw,nhwcij->ocij", grad, windows, optimize=True)
        return spread(of_windows, x.shape, kernel, stride, padding), of_weight

    return output, slopes


def near(check, found, expected, digits):
    """Equal within `digits` of the largest number: Winograd's sums round in other places."""
    largest = max(1.0, float(np.abs(expected).max(initial=0)))
    check.close(found, expected, rtol=0, atol=digits * largest)


@contextmanager
def fast_kernels(tt):
    """The fast kernels are on inside."""
    tt.use_fast_kernels()
    try:
        yield
    finally:
        tt.use_fast_kernels(False)


def forward_and_back(tt, check, function, arrays, grad):
    """[output, one gradient for each array] of a function that changes none of its Tensors."""
    tensors = [tt.Tensor(array.copy(), requires_grad=True) for array in arrays]
    start = tt.Tensor(grad.copy())
    with check.unchanged(*tensors):
        output = function(*tensors)
        with check.unchanged(output, start):
            output.backward(start)
    return [output, *(tensor.grad for tensor in tensors)]


def left_alone(check, run_program, calls):
    """These calls, function -> arguments, change none of their arrays."""
    for name, places in run_program("programs/arrays_kept.py", calls=calls).items():
        told = f"{name} changed its argument {', '.join(str(place + 1) for place in places)}"
        check.true(len(places) == 0, f"{told}: leave inputs as they are, and compute a new array")


@pytest.mark.points(2)
@pytest.mark.hint(
    "Print the slices of the last block, where the sizes are no multiple of the block."
)
@given(
    n=st.integers(1, 9),
    k=st.integers(0, 9),
    m=st.integers(1, 9),
    block=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_matrix_products(tt, check, n, k, m, block, seed):
    """Multiplies matrices of any sizes by loops, by blocks and at once, in their dtype"""
    a, b = draws(seed, n, k), draws(seed + 1, k, m)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    for product in (
        tt.matmul_naive(a, b),
        tt.matmul_blocked(a, b, block=block),
        tt.matmul_blocked(a, b),
        tt.matmul_vectorized(a, b),
    ):
        check.close(product, expected, rtol=1e-4, atol=1e-5)
        check.dtype(product, "float32")
    a, b = a.astype(np.float64), b.astype(np.float64)
    for product in (tt.matmul_naive(a, b), tt.matmul_blocked(a, b, block=block)):
        check.close(product, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.points(1)
@pytest.mark.hint("The second size of a must be the first of b; compare before you loop.")
def test_matrices_that_do_not_fit(tt, check, run_program):
    """Refuses shapes that do not fit, vectors, blocks without a size, and changes no matrix"""
    for name in ("matmul_naive", "matmul_blocked", "matmul_vectorized"):
        for a, b in (((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (3, 2)), ((1, 2, 3), (3, 2))):
            with check.raises(ValueError):
                getattr(tt, name)(np.ones(a, np.float32), np.ones(b, np.float32))
    with check.raises(ValueError):
        tt.matmul_blocked(np.ones((2, 2)), np.ones((2, 2)), block=0)
    pair = draws(0, 3, 3), draws(1, 3, 3)
    names = ("matmul_naive", "matmul_blocked", "matmul_vectorized")
    left_alone(check, run_program, dict.fromkeys(names, pair))


def looped(a, b):
    c = np.zeros((len(a), b.shape[1]), np.float32)
    for i in range(len(a)):
        for j in range(b.shape[1]):
            for k in range(len(b)):
                c[i, j] += a[i, k] * b[k, j]
    return c


@pytest.mark.points(1)
@pytest.mark.hint("Slices of NumPy multiply whole blocks; no number is touched by Python alone.")
@pytest.mark.depends(on="test_matrix_products")
def test_speed_of_blocks(tt, check, speed):
    """Multiplies block by block at least 10 times as fast as three loops"""
    a, b = draws(0, 24, 24), draws(1, 24, 24)
    check.close(tt.matmul_blocked(a, b, block=8), looped(a, b), rtol=1e-4, atol=1e-5)
    speed(lambda: tt.matmul_blocked(a, b, block=8), lambda: looped(a, b), at_most=1 / 10)
    speed(lambda: tt.matmul_vectorized(a, b), lambda: looped(a, b), at_most=1 / 10)


@pytest.mark.points(2)
@pytest.mark.hint("Rows: image, row, column. In a row: channel, then row and column of the kernel.")
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    kernel=pairs(1, 3),
    room=pairs(0, 4),
    stride=pairs(1, 3),
    padding=pairs(0, 2),
    seed=st.integers(0, 99),
)
def test_im2col_and_col2im(tt, check, shape, kernel, room, stride, padding, seed):
    """Lays out what a kernel sees as rows, and adds rows back to the pixels they came from"""
    x = draws(seed, *shape, kernel[0] + room[0], kernel[1] + room[1])
    expected = seen(x, kernel, stride, padding)
    width = math.prod(expected.shape[3:])
    rows = tt.im2col(x, kernel, stride, padding)
    check.dtype(rows, "float32")
    check.close(rows, expected.reshape(-1, width))
    columns = draws(seed + 1, *expected.shape).reshape(-1, width)
    images = tt.col2im(columns, x.shape, kernel, stride, padding)
    check.close(images, spread(columns, x.shape, kernel, stride, padding), rtol=1e-4, atol=1e-5)


@pytest.mark.points(1)
@pytest.mark.hint("The rows of im2col times the weight as a matrix (out, in kh kw), transposed.")
@pytest.mark.depends(on="test_im2col_and_col2im")
def test_convolution_as_a_product(tt, check, run_program):
    """Convolves by one product, with a stride, padding and bias; refuses other channels"""
    for kernel, stride, padding in (((3, 3), 1, 1), ((2, 3), (2, 1), (0, 2)), ((1, 1), 1, 0)):
        x, weight, bias = draws(0, 2, 3, 6, 7), draws(1, 4, 3, *kernel), draws(2, 4)
        both = [
            value if isinstance(value, tuple) else (value, value) for value in (stride, padding)
        ]
        expected, _ = convolved(x, weight, *both)
        found = tt.conv2d_im2col(x, weight, stride=stride, padding=padding)
        check.dtype(found, "float32")
        check.close(found, expected, rtol=1e-4, atol=1e-4)
        found = tt.conv2d_im2col(x, weight, bias, stride, padding)
        check.close(found, expected + bias[:, None, None], rtol=1e-4, atol=1e-4)
    check.close(tt.im2col(np.arange(9.0).reshape(1, 1, 3, 3), 2)[:2], [[0, 1, 3, 4], [1, 2, 4, 5]])
    check.shape(tt.im2col(np.zeros((0, 2, 3, 3), np.float32), 2), (0, 8))
    # As many kernels as channels: a weight the wrong way round has the right shape.
    cube, square = draws(3, 2, 2, 2, 2), draws(4, 2, 2, 2, 2)
    check.close(tt.conv2d_im2col(cube, square), convolved(cube, square)[0], rtol=1e-4, atol=1e-4)
    calls = {"im2col": [cube, 2], "conv2d_im2col": [cube, square, draws(5, 2)]}
    left_alone(check, run_program, calls | {"col2im": [draws(6, 2, 8), (2, 2, 2, 2), 2]})
    for shape in ((2, 2, 6, 7), (2, 3, 2, 7), (3, 6, 7)):
        with check.raises(ValueError):
            tt.conv2d_im2col(np.ones(shape, np.float32), np.ones((4, 3, 3, 3), np.float32))


@pytest.mark.points(1)
@pytest.mark.hint("np.maximum has an argument out=: it may be the array itself.")
def test_relu_in_place(tt, check, run_program):
    """Writes the result over its input, and refuses a Tensor that backward needs"""
    numbers = draws(0, 5, 7)
    numbers[0, :2] = -np.inf, np.inf  # 0 times infinity is NaN
    found = run_program("programs/in_place.py", numbers=numbers)
    for name in ("array", "tensor"):
        check.close(found[name], np.maximum(numbers, 0))
    for name in ("same array", "same tensor", "kept its array"):
        check.equal(found[name], True)
    x = tt.Tensor(numbers)
    check.close(tt.relu_inplace(x), np.maximum(numbers, 0))
    wanted = tt.Tensor(numbers, requires_grad=True)
    with check.raises(RuntimeError):
        tt.relu_inplace(wanted)
    check.close(wanted, numbers)


@pytest.mark.points(1)
@pytest.mark.hint("Where the output is 0, nothing flows back; elsewhere all that a Linear gives.")
def test_fused_linear_relu(tt, check, gradcheck):
    """Computes relu(x W^T + b) in one, for few and many rows, and walks back"""
    for rows in (1, 3, 2000):
        x, weight, bias = draws(0, rows, 20), draws(1, 50, 20), draws(2, 50)
        found = tt.fused_linear_relu(tt.Tensor(x), tt.Tensor(weight), tt.Tensor(bias))
        check.close(found, np.maximum(x @ weight.T + bias, 0), rtol=1e-4, atol=1e-4)
        check.dtype(found, "float32")
    for outputs in (5, 3):  # also a square weight
        arrays = [
            draws(3, *shape, dtype=np.float64) for shape in ((4, 3), (outputs, 3), (outputs,))
        ]
        gradcheck(
            lambda x, w, b: tt.fused_linear_relu(x, w, b),
            lambda x, w, b: np.maximum(x @ w.T + b, 0),
            *arrays,
            name="fused_linear_relu",
        )
    x, weight, bias = (tt.Tensor(draws(4, *shape)) for shape in ((3, 3), (3, 3), (3,)))
    expected = np.maximum(check.array(x) @ check.array(weight).T + check.array(bias), 0)
    with check.unchanged(x, weight, bias):
        check.close(tt.fused_linear_relu(x, weight, bias), expected, rtol=1e-4, atol=1e-5)
    # Where the output is 0, the gradient is 0 as well, also of infinity.
    below = tt.Tensor([[-1.0, 2.0]], requires_grad=True)
    output = tt.fused_linear_relu(below, tt.Tensor([[1.0, 0.0], [0.0, 1.0]]), tt.zeros(2))
    output.backward(tt.Tensor([[np.inf, 1.0]]))
    check.close(below.grad, [[0, 1]])
    with check.raises(ValueError):
        tt.fused_linear_relu(tt.ones(2, 4), tt.ones(5, 3), tt.ones(5))


@pytest.mark.points(3)
@pytest.mark.hint("Tiles of 4 by 4 reach over the border where sizes are no multiple of four.")
def test_fast_convolution(tt, check):
    """Convolves 3 by 3 with fast kernels as by the definition, for sizes of every remainder"""
    cases = [
        ((h, w), (1, 1)) for h, w in ((8, 8), (5, 6), (6, 7), (7, 9), (9, 12), (12, 5), (3, 3))
    ]
    cases += [((8, 6), (0, 0)), ((7, 10), (2, 0)), ((6, 5), (0, 2)), ((4, 4), (3, 3))]
    for place, (size, padding) in enumerate(cases):
        x, weight = draws(place, 3, 17, *size), draws(place + 50, 18, 17, 3, 3)
        expected, slopes = convolved(x, weight, padding=padding)
        grad = draws(place + 99, *expected.shape)
        for dtype, digits in ((np.float32, 1e-4), (np.float64, 1e-9)):
            *arrays, slope = [array.astype(dtype) for array in (x, weight, grad)]
            with fast_kernels(tt):
                found = forward_and_back(
                    tt, check, lambda a, w, p=padding: tt.conv2d(a, w, padding=p), arrays, slope
                )
                with check.unchanged(*found):  # the next call has arrays of its own
                    forward_and_back(
                        tt, check, lambda a, w, p=padding: tt.conv2d(a, w, padding=p),
                        [-array for array in arrays], slope,
                    )  # fmt: skip
            for got, wanted in zip(found, (expected, *slopes(grad)), strict=True):
                near(check, got, wanted, digits)
                check.dtype(got, np.dtype(dtype).name)


@pytest.mark.points(1)
@pytest.mark.hint("One piece of images after the other: look at where a piece begins and ends.")
@pytest.mark.depends(on="test_fast_convolution")
def test_fast_convolution_of_a_batch(tt, check):
    """Convolves large batches, with a bias, image by image as alone"""
    x, weight, bias = draws(0, 150, 20, 13, 10), draws(1, 16, 20, 3, 3), draws(2, 16)
    expected, slopes = convolved(x, weight, padding=(1, 1))
    grad = draws(3, *expected.shape)
    with fast_kernels(tt):
        output, *slopes_found = forward_and_back(
            tt, check, lambda x, w, b: tt.conv2d(x, w, b, padding=1), (x, weight, bias), grad
        )
    check.dtype(output, "float32")
    near(check, output, expected + bias[:, None, None], 1e-4)
    of_bias = grad.sum(axis=(0, 2, 3), dtype=float)
    for got, number in zip(slopes_found, (*slopes(grad), of_bias), strict=True):
        near(check, got, number, 1e-4)


@pytest.mark.points(1)
@pytest.mark.hint("A fast form asks first whether it applies; else it calls the one it replaced.")
@pytest.mark.depends(on="test_convolution_as_a_product")
def test_where_no_fast_form_applies(tt, check):
    """Gives the same results and errors as before where a fast form does not apply"""
    for size, kernel, options in (
        ((9, 8), (3, 3), {"stride": 2, "padding": 1}),
        ((9, 8), (5, 5), {"padding": 2}),
        ((9, 8), (3, 1), {"padding": (1, 0)}),
        ((9, 8), (3, 3), {"stride": (1, 2)}),
        ((1, 9), (3, 3), {"padding": 1}),
    ):
        both = [options.get(name, least) for name, least in (("stride", 1), ("padding", 0))]
        both = [value if isinstance(value, tuple) else (value, value) for value in both]
        x, weight = draws(0, 2, 16, *size), draws(1, 16, 16, *kernel)
        expected, slopes = convolved(x, weight, *both)
        grad = draws(2, *expected.shape)
        with fast_kernels(tt):
            found = forward_and_back(
                tt, check, lambda x, w, o=options: tt.conv2d(x, w, **o), (x, weight), grad
            )
        for got, wanted in zip(found, (expected, *slopes(grad)), strict=True):
            near(check, got, wanted, 1e-4)
    weight = draws(3, 2, 1, 3, 3)
    with fast_kernels(tt):
        few = tt.conv2d(tt.ones(1, 1, 5, 5), tt.Tensor(weight), padding=1)
    near(check, few, convolved(np.ones((1, 1, 5, 5)), weight, padding=(1, 1))[0], 1e-4)
    whole = tt.Tensor(np.arange(84).reshape(2, 1, 7, 6))
    for pool in (tt.MaxPool2d(3), tt.MaxPool2d(2, stride=1), tt.MaxPool2d((2, 1)), tt.MaxPool2d(2)):
        expected = check.array(pool(whole))
        with fast_kernels(tt):
            check.close(pool(whole), expected)
    layer = tt.Conv2d(16, 16, 3, padding=1)
    with fast_kernels(tt):
        check.shape(layer(tt.zeros(0, 16, 8, 8)), (0, 16, 8, 8))
        check.shape(tt.MaxPool2d(2)(tt.zeros(0, 16, 8, 8)), (0, 16, 4, 4))
        for shape in ((1, 15, 8, 8), (16, 8, 8)):
            with check.raises(ValueError):
                layer(tt.ones(*shape))
        with check.raises(ValueError):
            tt.Conv2d(16, 16, 3)(tt.ones(1, 16, 2, 8))


@pytest.mark.points(2)
@pytest.mark.hint("Switch the kernels off, on, and compare: name the first number that differs.")
def test_fast_pool_norms_and_loss(tt, check):
    """Gives results and gradients of the slow forms of pools, norms, losses, activations"""
    labels = np.arange(70) % 9
    functions = {
        "pool": (tt.MaxPool2d(2), (5, 6, 8, 10)),
        "pool, odd": (tt.MaxPool2d(2), (3, 4, 7, 5)),
        "pool, many": (tt.MaxPool2d(2), (40, 16, 24, 24)),
        "batch norm": (tt.BatchNorm2d(6), (5, 6, 4, 3)),
        "batch norm, many": (tt.BatchNorm2d(16), (40, 16, 24, 24)),
        "batch norm of rows": (tt.BatchNorm1d(5), (30, 5)),
        "batch norm, square": (tt.BatchNorm1d(7), (7, 7)),
        "layer norm": (tt.LayerNorm(12), (5, 3, 12)),
        "layer norm, square": (tt.LayerNorm(6), (6, 6)),
        "layer norm of images": (tt.LayerNorm((3, 4)), (5, 3, 4)),
        "layer norm, many": (tt.LayerNorm(100), (3000, 100)),
        "cross-entropy": (lambda x: tt.CrossEntropyLoss()(x, tt.Tensor(labels)), (70, 9)),
        "cross-entropy, square": (
            lambda x: tt.CrossEntropyLoss()(x, tt.Tensor(labels[2:11])),
            (9, 9),
        ),
        "smoothed": (lambda x: tt.CrossEntropyLoss(0.2)(x, tt.Tensor(labels)), (70, 9)),
        "relu": (tt.ReLU(), (4, 5)),
        "softmax": (tt.Softmax(), (4, 5)),
        "gelu": (tt.GELU(), (300, 40)),
    }
    for place, (name, (function, shape)) in enumerate(functions.items()):
        for dtype, digits in ((np.float32, 1e-4), (np.float64, 1e-9)):
            x = draws(place, *shape, dtype=dtype)
            x = np.round(x * 2) / 2 if "pool" in name else x  # many are equal
            output = check.array(function(tt.Tensor(x)))
            grad = draws(place + 1, *output.shape, dtype=dtype)
            slow = [check.array(a) for a in forward_and_back(tt, check, function, (x,), grad)]
            with fast_kernels(tt):
                fast = forward_and_back(tt, check, function, (x,), grad)
            for got, wanted in zip(fast, slow, strict=True):
                near(check, got, wanted, digits)
                check.dtype(got, wanted.dtype.name)

    images = np.array([[[[1, np.nan, 0, 0], [5, np.nan, 0, 0]]]], np.float32)
    grad = np.array([[[[3, np.inf]]]], np.float32)
    with fast_kernels(tt):
        output, slope = forward_and_back(tt, check, tt.MaxPool2d(2), (images,), grad)
    check.close(output, [[[[np.nan, 0]]]])  # NaN is the largest, and gets the gradient
    check.close(slope, [[[[0, 3, np.inf, 0], [0, 0, 0, 0]]]])


def normed(tt, check, kind, size, shape, middle):
    """Output, gradients and, after training, the output in use of a norm, for the same numbers."""
    layer, x = getattr(tt, kind)(size), draws(3, *shape) + np.float32(middle)
    layer.weight.data, layer.bias.data = draws(1, size), draws(2, size)
    made = forward_and_back(tt, check, layer, (x,), draws(4, *shape))
    slopes = [layer.weight.grad, layer.bias.grad]
    layer.eval()
    return [check.array(a) for a in (*made, *slopes, layer(tt.Tensor(x)))]


@pytest.mark.points(1)
@pytest.mark.hint(
    "The running numbers are module 08's; weight and bias get gradients of their own."
)
@pytest.mark.depends(on="test_fast_pool_norms_and_loss")
def test_fast_norms_learn(tt, check):
    """Trains weight, bias and running numbers of a norm as the slow form does"""
    for kind, size, shape in (
        ("BatchNorm2d", 6, (9, 6, 5, 4)),
        ("BatchNorm1d", 5, (5, 5)),
        ("LayerNorm", 8, (20, 8)),
        ("LayerNorm", 6, (6, 6)),
    ):
        for middle in (0, 30):
            slow = normed(tt, check, kind, size, shape, middle)
            with fast_kernels(tt):
                fast = normed(tt, check, kind, size, shape, middle)
            for got, wanted in zip(fast, slow, strict=True):
                largest = max(1.0, float(np.abs(wanted).max()))
                check.close(got, wanted, rtol=0, atol=1e-3 * largest)


@pytest.mark.points(2)
@pytest.mark.hint("Keep what was there before the first switch; the second must not forget it.")
def test_switch(tt, check, run_program):
    """Plugs kernels in, twice as once, and takes them out without a trace"""
    switches = [True, True, False, False, True, False]
    found = run_program("programs/kernel_switch.py", switches=switches)
    for on, same in zip(switches, found, strict=True):
        check.true("conv2d" in same, "the engine has no primitive conv2d")
        if on:
            check.true(not same["conv2d"], "use_fast_kernels() left conv2d as it was")
        else:
            left = [name for name, is_same in same.items() if not is_same]
            check.equal(left, [])


@pytest.mark.points(1)
@pytest.mark.hint("A gradient belongs to the form that made the output: how can it tell?")
@pytest.mark.depends(on=["test_switch", "test_fast_convolution"])
def test_switched_before_backward(tt, check):
    """Walks back through what was computed before the kernels were switched on or off"""
    for name, function, shapes in (
        ("conv2d", lambda x, w: tt.conv2d(x, w, padding=1), ((2, 16, 8, 7), (16, 16, 3, 3))),
        ("pool", tt.MaxPool2d(2), ((2, 16, 6, 7),)),
        ("layer norm", tt.LayerNorm(7), ((5, 7),)),
        ("cross-entropy", lambda x: tt.CrossEntropyLoss()(x, tt.Tensor([0, 2, 1])), ((3, 4),)),
    ):
        arrays = [draws(place, *shape) for place, shape in enumerate(shapes)]
        found = []
        for before, after in ((False, False), (True, False), (False, True)):
            tensors = [tt.Tensor(a, requires_grad=True) for a in arrays]
            try:
                tt.use_fast_kernels(before)
                output = function(*tensors)
                tt.use_fast_kernels(after)
                (output * output).sum().backward()
            finally:
                tt.use_fast_kernels(False)
            found.append([check.array(tensor.grad) for tensor in tensors])
        for other in found[1:]:
            for got, wanted in zip(other, found[0], strict=True):
                check.true(got.shape == wanted.shape, f"{name}: a gradient of shape {got.shape}")
                near(check, got, wanted, 1e-4)


@pytest.mark.points(1)
@pytest.mark.hint(
    "The rows of all windows are nine times the images; tiles, a piece at a time, few."
)
@pytest.mark.depends(on="test_fast_convolution")
def test_memory_of_fast_convolution(tt, check, memory):
    """Convolves and walks back in less than eight times the memory of its images"""
    size = (16, 32, 96, 96)  # 18 MiB
    weight = tt.Tensor(draws(1, 32, 32, 3, 3), requires_grad=True)
    x = tt.Tensor(draws(0, *size).transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2))
    grad, small = tt.ones(*size), tt.ones(1, 32, 8, 8)
    with fast_kernels(tt):
        tt.conv2d(small, weight, padding=1).backward(small)
        with memory() as used:
            tt.conv2d(x, weight, padding=1).backward(grad)
    times = used.peak / (math.prod(size) * 4)
    check.true(
        times < 8,
        f"a step held {times:.1f} times its images, expected less than 8; all windows are nine",
    )


def in_one_product(x, matrix):
    """The convolution of (N, C, H, W), 3 by 3, padded by 1, by all windows in one product."""
    return seen(x, (3, 3), padding=(1, 1)).reshape(-1, matrix.shape[1]) @ matrix.T


@pytest.mark.points(1)
@pytest.mark.hint("Where do the seconds go? Time one piece; Python must not count the tiles.")
@pytest.mark.depends(on="test_fast_convolution")
def test_speed_of_fast_convolution(tt, check, speed):
    """Convolves in no more than the time of one product of all windows"""
    x, weight = draws(0, 16, 64, 16, 16), draws(1, 64, 64, 3, 3)
    images, kernels, matrix = tt.Tensor(x), tt.Tensor(weight), weight.reshape(64, -1)
    expected, _ = convolved(x, weight, padding=(1, 1))
    with fast_kernels(tt):
        found = tt.conv2d(images, kernels, padding=1)
        check.close(found, expected, rtol=0, atol=1e-4 * float(np.abs(expected).max()))
        speed(
            lambda: tt.conv2d(images, kernels, padding=1),
            lambda: in_one_product(x, matrix),
            at_most=1.0,
        )


@pytest.mark.points(2)
@pytest.mark.hint("100 times 100 is 16 in int8; widen before you add, and subtract zeros in int32.")
@given(
    n=st.integers(1, 4),
    k=st.sampled_from([1, 2, 5, 300, 1500, 3000]),
    m=st.integers(1, 4),
    zeros=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
    seed=st.integers(0, 99),
)
def test_quantized_product(tt, check, n, k, m, zeros, seed):
    """Multiplies int8 matrices exactly, with zero points and scales of rows and columns"""
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(-128, 128, shape).astype(np.int8) for shape in ((n, k), (k, m)))
    whole = (a.astype(np.int64) - zeros[0]) @ (b.astype(np.int64) - zeros[1])
    found = tt.quantized_matmul(a, b, zero_a=zeros[0], zero_b=zeros[1])
    check.close(found, whole.astype(np.float64), rtol=1e-6, atol=0.5)
    check.dtype(found, "float32")
    rows, columns = rng.uniform(0.01, 2, n), rng.uniform(0.01, 2, m)
    found = tt.quantized_matmul(a, b, rows, columns, zeros[0], zeros[1])
    check.close(found, whole * rows[:, None] * columns, rtol=1e-5, atol=1e-3)
    found = tt.quantized_matmul(a, b, 0.5, 0.25)
    check.close(found, (a.astype(np.int64) @ b) / 8.0, rtol=1e-6, atol=0.1)


@pytest.mark.points(1)
@pytest.mark.hint("Small matrices of the largest numbers, worked on paper.")
def test_quantized_by_hand(tt, check, run_program):
    """Holds sums that neither int8 nor int16 can, and refuses what is not int8"""
    a, b = np.array([[100, 100]], np.int8), np.array([[100], [50]], np.int8)
    check.close(tt.quantized_matmul(a, b), [[15000]])
    check.close(tt.quantized_matmul(a, b, 0.1, 2.0, 10, 0), [[2700]])
    least = np.full((2, 1024), -128, np.int8)
    check.close(tt.quantized_matmul(least, least.T.copy()), np.full((2, 2), 2.0**24))
    # Square, so that a product the wrong way round has the right shape.
    square = np.array([[1, 2], [3, 4]], np.int8), np.array([[0, 1], [3, 1]], np.int8)
    scales = np.array([1, 10], np.float32), np.array([1, 100], np.float32)
    check.close(tt.quantized_matmul(*square, *scales), [[6, 300], [120, 7000]])
    left_alone(check, run_program, {"quantized_matmul": [*square, *scales]})
    for wrong in (a.astype(np.int16), a.astype(np.float32)):
        with check.raises(TypeError):
            tt.quantized_matmul(wrong, b)
    with check.raises(ValueError):
        tt.quantized_matmul(a, a)


@pytest.mark.points(2)
@pytest.mark.hint("concurrent.futures keeps order and exceptions; leave the pool by `with`.")
def test_parallel_map(tt, check, run_program):
    """Runs calls at the same time, keeps their order, and raises what they raise"""

    file = "programs/threads.py"
    for workers in (2, 4):
        check.equal(
            run_program(file, kind="meet", workers=workers), [10 * item for item in range(workers)]
        )
    check.equal(run_program(file, kind="order", count=9), [item * item for item in range(9)])
    check.equal(run_program(file, kind="fail", bad=[2, 3]), "item 2")
    check.true(
        run_program(file, kind="count", workers=2) <= 2,
        "more calls were at work than there are workers",
    )
    check.equal(run_program(file, kind="count", workers=1), 1)
    with check.raises(ValueError):
        tt.parallel_map(tt.relu, [tt.ones(2)], workers=0)
    found = tt.parallel_map(tt.relu, [tt.Tensor([-1.0, 2.0]), tt.Tensor([3.0])])
    check.close(found[0], [0, 2])
    check.close(found[1], [3])


def four_steps(x, targets, weight):
    """Loss and gradients of a Linear at four steps of gradient descent; the second counts twice."""
    w, b, found = weight, np.zeros(len(weight)), []
    for step in range(4):
        logs = log_softmax(x @ w.T + b)
        wrong = (np.exp(logs) - np.eye(len(w))[targets]) / len(x)
        times = 2 if step == 1 else 1
        slopes = [times * wrong.T @ x, times * wrong.sum(axis=0)]
        found.append((-logs[np.arange(len(x)), targets].mean(), *slopes))
        if step:
            w, b = w - 0.1 * slopes[0], b - 0.1 * slopes[1]
    return found


def log_softmax(x):
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.points(2)
@pytest.mark.hint(
    "A part counts by its share of the rows; its copy must see the model's new weights."
)
@pytest.mark.depends(on="test_parallel_map")
def test_data_parallel(tt, check, run_program):
    """Gets loss and gradients of a batch from parts of it, at the same time, step after step"""
    for count, workers in ((11, 1), (11, 2), (11, 3), (2, 3)):  # the last has more than rows
        x, targets = draws(0, count, 5, dtype=np.float64), np.arange(count) % 3
        weight = draws(1, 3, 5, dtype=np.float64)
        expected = four_steps(x, targets, weight)
        found = run_program(
            "programs/threads.py",
            kind="train",
            x=x,
            targets=targets,
            weight=weight,
            workers=workers,
        )
        check.close(np.array(found["losses"]), [row[0] for row in expected], rtol=1e-9)
        for got, row in zip(found["gradients"], expected, strict=True):
            check.close(got[0], row[1], rtol=1e-9, atol=1e-12)
            check.close(got[1], row[2], rtol=1e-9, atol=1e-12)
        most = max(found["rows"])
        told = f"one of {workers} workers had {most} of {count} rows"
        check.true(most <= -(-count // workers), told)


def trained(tt, check, digits):
    """Losses of a small convolutional network while it learns digits, and its logits of others."""
    tt.manual_seed(3)
    layers = tt.Conv2d(1, 16, 3, padding=1), tt.Conv2d(16, 16, 3, padding=1), tt.BatchNorm2d(16)
    pool, head, losses = tt.MaxPool2d(2), tt.Linear(256, 10), np.zeros(14)
    parameters = [p for layer in (*layers, head) for p in layer.parameters()]
    optimizer = tt.SGD(parameters, lr=0.05, momentum=0.9)
    for step in range(len(losses) + 1):
        learns = step < len(losses)
        rows = slice(100 * step, 100 * step + 100)
        images = digits.train_images[rows] if learns else digits.test_images
        layers[2].train() if learns else layers[2].eval()
        x = tt.relu(layers[0](tt.Tensor(images[:, None])))
        logits = head(pool(tt.relu(layers[2](layers[1](x)))).reshape(len(images), 256))
        if learns:
            optimizer.zero_grad()
            loss = tt.CrossEntropyLoss()(logits, tt.Tensor(digits.train_labels[rows]))
            loss.backward()
            optimizer.step()
            losses[step] = loss.item()
    return losses, check.array(logits)


@pytest.mark.points(1)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one reads.")
@pytest.mark.depends(on=["test_fast_convolution", "test_fast_pool_norms_and_loss"])
def test_learns_digits(tt, check, digits):
    """Trains a small convolutional network with fast kernels as with the slow ones"""
    slow, _ = trained(tt, check, digits)
    with fast_kernels(tt):
        fast, logits = trained(tt, check, digits)
    check.close(fast, slow, rtol=1e-2, atol=1e-3)
    correct = float((logits.argmax(axis=1) == digits.test_labels).mean())
    check.true(correct >= 0.8, f"read {correct:.1%} of 360 digits, expected 80 %")
