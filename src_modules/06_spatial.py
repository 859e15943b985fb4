# %% [markdown]
"""
# Module 06: Spatial

## Introduction

A linear layer does not know that two pixels are neighbours: shuffle all images in the same way, and it
learns as well as before. But what is in an image is local. An edge is a few pixels wide, a stroke is made
of edges, and a stroke is a stroke wherever it lies. A convolution says just that: *one small detector,
slid over the whole image*.

You will build

1. convolution as it is defined, with six loops, to see what it is;
2. convolution as it is computed: all windows in one large matrix, and one matrix product;
3. pooling, which keeps the largest (or the mean) of each neighbourhood and drops the rest;
4. the gradients of both, and the layers `Conv2d`, `MaxPool2d`, `AvgPool2d`, `GlobalAvgPool2d`.

At the end, ten kernels that nobody trained find and read a handwritten digit anywhere in an image.
"""

# %% [markdown]
r"""
## Mathematical Background

**Images** are arrays `(N, C, H, W)`: a batch of N, with C channels (red, green and blue, or whatever
the layer before made), of H rows and W columns.

**Convolution.** A kernel is a weight $w$ of shape `(out, in, kh, kw)`. With a stride $s$ and a padding
$p$,

$$y_{n,o,r,c} = b_o + \sum_{k,i,j} x_{n,k,\; r s - p + i,\; c s - p + j} \; w_{o,k,i,j}$$

where pixels outside of the image count as 0. Each output channel has a detector of its own, which looks
at all input channels at once. Mathematicians would flip the kernel and call this a cross-correlation;
neural networks do not flip it.

**Size.** A kernel of $k$ fits $\lfloor (n + 2p - k) / s \rfloor + 1$ times into $n$ pixels. What is
left over at the far border is not looked at.

**Counting.** There are $in \cdot kh \cdot kw \cdot out + out$ parameters, whatever the size of
the image, and $2 \, in \cdot kh \cdot kw$ operations for each number of the output.

**Gradients.** With $g$ the gradient with respect to $y$:

    with respect to w    for each place (i, j) of the kernel: the pixels that it saw, times g
    with respect to x    each g, times the kernel, back to the pixels that it came from
    with respect to b    sum of g over batch, rows and columns

**Pooling** slides a window in the same way, over each channel alone. The gradient of a maximum goes to
the pixel that was the largest (the first of several); that of a mean goes to all in equal parts.
"""

# %% [markdown]
"""
## Implementation

### Sizes

`pair` is given: kernel size, stride and padding are a number for both directions, or one for each.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.spatial
#| export
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinytorch.core.layers import Flatten, Linear, Module, Parameter, he_normal
from tinytorch.core.tensor import Tensor, engine, masked, primitive, randn, zeros

Size = int | tuple[int, int]


def pair(name: str, value: Size, least: int) -> tuple[int, int]:
    """`3` -> (3, 3), for rows and columns; (3, 5) as it is. Raises ValueError for anything else."""
    both = tuple(value) if isinstance(value, tuple | list) else (value, value)
    whole = all(isinstance(number, int | np.integer) for number in both)
    if len(both) != 2 or not whole or min(both) < least:
        raise ValueError(
            f"{name} must be a whole number of at least {least}, or a pair of such, got {value!r}"
        )
    return int(both[0]), int(both[1])


# %% nbgrader={"grade": false, "grade_id": "spatial-size", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def output_size(size: int, kernel: int, stride: int, padding: int = 0) -> int:
    """How many places there are for a kernel along `size` pixels. Raises ValueError for none.

    HINT: the formula of the background; `//` rounds down.
    """
    ### BEGIN SOLUTION
    if size + 2 * padding < kernel:
        raise ValueError(
            f"a kernel of {kernel} does not fit into {size} pixels with {padding} of padding"
        )
    return (size + 2 * padding - kernel) // stride + 1
    ### END SOLUTION


# %% [markdown]
"""
### The definition

Six loops around one multiplication. It is far too slow to use, and the best thing to test against:
nothing in it can hide. All images of the batch go through together, so there is no seventh loop.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial-definition", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d_by_loops(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The convolution of (N, in, H, W) with (out, in, kh, kw) and (out,), as it is defined.

    TODO: loop over output channel, row and column; inside, over input channel and the two places in
        the kernel; add up the products, and skip those whose pixel lies outside of the image.
    HINT: the pixel's row is `r * stride[0] - padding[0] + i`. `x[:, k, row, column]` is the pixel of
        all images.
    """
    ### BEGIN SOLUTION
    n, in_channels, h, w = x.shape
    out_channels, _, kh, kw = weight.shape
    height = output_size(h, kh, stride[0], padding[0])
    width = output_size(w, kw, stride[1], padding[1])
    output = np.zeros((n, out_channels, height, width), x.dtype)
    for o in range(out_channels):
        for r in range(height):
            for c in range(width):
                output[:, o, r, c] = bias[o]
                for k in range(in_channels):
                    for i in range(kh):
                        for j in range(kw):
                            row, column = r * stride[0] - padding[0] + i, c * stride[1] - padding[1] + j
                            if 0 <= row < h and 0 <= column < w:
                                output[:, o, r, c] += x[:, k, row, column] * weight[o, k, i, j]
    return output
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: sizes and the definition

Sizes are where most mistakes are made, by one pixel. The convolution is worked by hand with a kernel
that looks different from every side, so that a flip or a swap of rows and columns shows.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-definition", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_unit_output_size():
    cases = {(8, 3, 1, 0): 6, (8, 3, 1, 1): 8, (7, 3, 2, 0): 3, (8, 3, 2, 0): 3, (8, 2, 2, 0): 4}
    cases |= {(9, 2, 2, 0): 4, (224, 7, 2, 3): 112, (3, 3, 5, 0): 1, (1, 3, 1, 1): 1, (5, 1, 3, 0): 2}
    assert {case: output_size(*case) for case in cases} == cases
    try:
        output_size(2, 5, 1, padding=1)
    except ValueError as error:
        assert "5" in str(error) and "2 pixels" in str(error)
    else:
        raise AssertionError("a kernel of 5 does not fit into 2 + 2 pixels")


def test_unit_pair():
    assert pair("stride", 2, 1) == (2, 2) and pair("stride", (1, np.int64(3)), 1) == (1, 3)
    for wrong in (0, (1, 0), (1, 2, 3), 1.5, "same", None):
        try:
            pair("stride", wrong, 1)
        except ValueError as error:
            assert "stride" in str(error) and repr(wrong) in str(error)
        else:
            raise AssertionError(f"a stride of {wrong!r} must be refused")


def test_unit_definition():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    weight = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    inside = conv2d_by_loops(x, weight, np.array([0.5]))
    assert inside.tolist() == [[[[4310.5, 5421.5], [7643.5, 8754.5]]]]
    around = conv2d_by_loops(x, weight, np.zeros(1), stride=(2, 3), padding=(1, 0))
    assert around.tolist() == [[[[1000], [7643]]]]


# %% [markdown]
"""
### The order of memory

The same numbers can lie in memory in two orders. With channels first, `(N, C, H, W)`, the channels of
one pixel lie H W numbers apart. With channels last, `(N, H, W, C)`, they lie side by side, and so do the
`kw` neighbours that a kernel sees in one row: `kw * C` numbers in one piece, to be copied at once.

So the API speaks `(N, C, H, W)`, as PyTorch's does, and the memory is channels last: each function
computes on `(N, H, W, C)` and hands on a transposed *view* of its result. The next one transposes it
back, and copies nothing. You will measure below what that is worth.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial-order", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def channels_last(x: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) as an array (N, H, W, C) in the order of memory; integers as float32.

    No copy is made of what lies in memory like that already.

    TODO: refuse what does not have four dimensions, transpose, and put it in order.
    HINT: `np.ascontiguousarray` copies only where it must.
    """
    ### BEGIN SOLUTION
    if x.ndim != 4:
        raise ValueError(
            "images have four dimensions, (N, C, H, W); a single one is a batch of one,"
            " x.reshape(1, *x.shape)"
        )
    dtype = x.dtype if x.dtype.kind == "f" else np.float32
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1), dtype)
    ### END SOLUTION


def channels_first(images: np.ndarray) -> np.ndarray:
    """An array (N, H, W, C) seen as (N, C, H, W): a view. This one is given."""
    return images.transpose(0, 3, 1, 2)


def padded(images: np.ndarray, padding: tuple[int, int]) -> np.ndarray:
    """(N, H, W, C) with `padding` rows of zeros above and below, and columns on both sides."""
    ### BEGIN SOLUTION
    if padding == (0, 0):
        return images
    (n, h, w, c), (ph, pw) = images.shape, padding
    framed = np.zeros((n, h + 2 * ph, w + 2 * pw, c), images.dtype)
    framed[:, ph : ph + h, pw : pw + w] = images
    return framed
    ### END SOLUTION


def seen(
    images: np.ndarray, place: tuple[int, int], stride: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """The pixels of (N, H, W, C) that one place of a kernel sees while the kernel slides: a view.

    place: (i, j), in the kernel
    size: (H', W'), how many places the kernel has along rows and columns

    Returns (N, H', W', C), where the pixel of (r, c) is the one at (r s + i, c s + j).

    HINT: a slice from i in steps of the stride; it may end anywhere before the next step.
    """
    ### BEGIN SOLUTION
    (i, j), (sh, sw), (height, width) = place, stride, size
    return images[:, i : i + sh * height : sh, j : j + sw * width : sw]
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: the order of memory

Checks that the order is right, that no copy is made where none is needed, and that `seen` is a view:
a gradient will be written through it.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-order", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_order():
    x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    images = channels_last(x)
    assert images.shape == (1, 3, 4, 2) and images.flags.c_contiguous
    assert images[0, 1, 2].tolist() == [6, 18] and np.array_equal(channels_first(images), x)
    assert np.shares_memory(channels_last(channels_first(images)), images)
    assert channels_last(x.astype(np.uint8)).dtype == np.float32
    framed = padded(images, (1, 2))
    assert framed.shape == (1, 5, 8, 2) and framed.sum() == images.sum()
    assert np.array_equal(framed[:, 1:-1, 2:-2], images) and padded(images, (0, 0)) is images
    corner = seen(images, (1, 0), (2, 3), (1, 2))
    assert corner[0, 0].tolist() == images[0, 1, [0, 3]].tolist() and corner.shape == (1, 1, 2, 2)
    assert np.shares_memory(corner, images)


# %% [markdown]
"""
### All windows in one matrix

A convolution is a matrix product in disguise. Write down what the kernel sees at each of its places, as
one row of `kh * kw * C` numbers; each output channel's kernel is a column of as many. One product of the
two gives all numbers of the output, and BLAS computes it near the best that the machine can do.

The price is memory: a pixel that is seen from nine places is written down nine times.

**Back to the pixels.** For the gradient of the input, each place of the kernel multiplies the gradient
by its own `(out, in)` matrix and adds the result to the pixels that it saw. That is one small product a
place, for every stride and padding, and what it makes stays in the cache. (At a stride of 1 it comes to
a convolution of the gradient with the kernel flipped, as a test below shows; but that would lay out
windows once more.)
"""

# %% nbgrader={"grade": false, "grade_id": "spatial-conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def windows(images: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    """What a kernel sees, wherever it stands on (N, H, W, C): (N, H', W', kh, kw, C), a view.

    HINT: `sliding_window_view(images, kernel, axis=(1, 2))` is (N, H', W', C, kh, kw) at stride 1.
    """
    ### BEGIN SOLUTION
    at_every_pixel = sliding_window_view(images, kernel, axis=(1, 2))
    return at_every_pixel[:, :: stride[0], :: stride[1]].transpose(0, 1, 2, 4, 5, 3)
    ### END SOLUTION


@primitive
def conv2d(x, weight, bias=None, *, stride=1, padding=0):
    """The convolution of (N, in, H, W) with (out, in, kh, kw): (N, out, H', W').

    bias: (out,), added to each pixel; no bias, nothing added
    stride, padding: a number, or a pair for rows and columns
    H', W': `output_size` of H and W

    Raises ValueError for images of another number of channels, or too small for the kernel.

    TODO: order the images and frame them, lay out the windows as the rows of one matrix, multiply
        by the weight as a matrix, add the bias. Return the output and, for the gradient, the rows.
    HINT: the weight has to be in the order of the rows: (out, kh, kw, in) before its reshape.
        Name all sizes in a reshape; -1 is ambiguous for an empty batch.
    """
    ### BEGIN SOLUTION
    stride, padding = pair("stride", stride, 1), pair("padding", padding, 0)
    images = channels_last(x)
    n, h, w, channels = images.shape
    if weight.ndim != 4:
        raise ValueError("a weight has four dimensions, (out, in, kh, kw)")
    out_channels, in_channels, kh, kw = weight.shape
    if channels != in_channels:
        raise ValueError(
            f"the images have {channels} channels, the weight takes {in_channels};"
            " images are (N, C, H, W)"
        )
    height = output_size(h, kh, stride[0], padding[0])
    width = output_size(w, kw, stride[1], padding[1])
    views = windows(padded(images, padding), (kh, kw), stride)
    rows = views.reshape(n * height * width, kh * kw * channels)  # the one large copy
    output = rows @ weight.transpose(0, 2, 3, 1).reshape(out_channels, -1).T
    if bias is not None:
        output += bias
    return channels_first(output.reshape(n, height, width, out_channels)), rows
    ### END SOLUTION


@conv2d.gradient
def conv2d_gradient(grad, output, saved, x, weight, bias=None, *, stride=1, padding=0):
    """One array for each input, of its shape: the three lines of the background.

    grad: (N, out, H', W'), the gradient with respect to the output
    saved: the rows of all windows, (N H' W', kh kw in)

    TODO: make a matrix (N H' W', out) of grad; for the weight, one product of it and `saved`.
    HINT: `to_pixels` below gives the gradient of the images. Nobody wants that of the images that a
        network begins with, so give a function that makes it, `lambda: ...`: it is called if need be.
    """
    ### BEGIN SOLUTION
    stride, padding = pair("stride", stride, 1), pair("padding", padding, 0)
    out_channels, channels, kh, kw = weight.shape
    grad = channels_last(grad)
    rows = grad.reshape(-1, out_channels)
    of_weight = (rows.T @ saved).reshape(out_channels, kh, kw, channels).transpose(0, 3, 1, 2)
    slopes = [
        lambda: channels_first(to_pixels(grad, weight, x.shape[2:], stride, padding)),
        np.ascontiguousarray(of_weight),
    ]
    return slopes if bias is None else [*slopes, rows.sum(axis=0)]
    ### END SOLUTION


def to_pixels(
    grad: np.ndarray,
    weight: np.ndarray,
    size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> np.ndarray:
    """The gradient of the images, (N, H, W, in), from that of the output, (N, H', W', out).

    size: (H, W), of the images

    TODO: make framed zeros; for each place of the kernel, add `grad` times its (out, in) matrix to
        the pixels that the place has seen; cut the frame off.
    HINT: `np.ndindex(kh, kw)` counts the places. Bring the weight into the order (kh, kw, out, in)
        first: BLAS wants its matrices in one piece.
    """
    ### BEGIN SOLUTION
    (n, height, width, out_channels), (h, w), (ph, pw) = grad.shape, size, padding
    matrices = np.ascontiguousarray(weight.transpose(2, 3, 0, 1))  # (kh, kw, out, in)
    kh, kw, _, channels = matrices.shape
    rows = grad.reshape(-1, out_channels)
    framed = np.zeros((n, h + 2 * ph, w + 2 * pw, channels), grad.dtype)
    share = np.empty((n, height, width, channels), grad.dtype)  # used again for each place
    for place in np.ndindex(kh, kw):
        np.matmul(rows, matrices[place], out=share.reshape(-1, channels))
        seen(framed, place, stride, (height, width))[...] += share
    return np.ascontiguousarray(framed[:, ph : ph + h, pw : pw + w])
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: convolution

Compares with the six loops for many shapes: each option in each direction alone, since a stride or a
padding that is applied to the wrong axis hides behind square images.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-conv2d", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# Images, weight, stride, padding: every option in each direction alone, and all at once.
CASES = [
    ((2, 3, 5, 6), (4, 3, 3, 3), 1, 0),
    ((2, 1, 5, 4), (3, 1, 3, 2), 1, 1),
    ((1, 2, 7, 6), (2, 2, 3, 3), (2, 1), (0, 1)),
    ((3, 2, 6, 7), (2, 2, 2, 3), (1, 3), (2, 0)),
    ((2, 2, 8, 7), (3, 2, 4, 1), (3, 2), (1, 2)),
    ((2, 3, 4, 4), (2, 3, 1, 1), 2, 1),
]


def test_unit_conv2d():
    rng = np.random.default_rng(0)
    for images, kernels, stride, padding in CASES:
        x, weight, bias = (rng.normal(size=shape) for shape in (images, kernels, kernels[:1]))
        expected = conv2d_by_loops(x, weight, bias, pair("s", stride, 1), pair("p", padding, 0))
        tensors = [Tensor(array) for array in (x, weight, bias)]
        y = conv2d(*tensors, stride=stride, padding=padding)
        assert y.shape == expected.shape and np.allclose(y.numpy(), expected)
        plain = conv2d(*tensors[:2], stride=stride, padding=padding)
        assert np.allclose(plain.numpy() + bias.reshape(-1, 1, 1), expected)
    strided = Tensor(rng.normal(size=(2, 6, 9, 5))[:, ::2, ::-1])
    weight = Tensor(rng.normal(size=(2, 3, 3, 3)))
    expected = conv2d_by_loops(strided.numpy(), weight.numpy(), np.zeros(2))
    assert np.allclose(conv2d(strided, weight).numpy(), expected)


def test_unit_what_conv2d_refuses():
    weight = zeros(4, 3, 3, 3)
    wrong = [
        (zeros(3, 8, 8), weight, {}, "(N, C, H, W)"),
        (zeros(2, 8, 8, 3), weight, {}, "have 8 channels, the weight takes 3"),
        (zeros(2, 3, 8, 8), zeros(4, 27), {}, "(out, in, kh, kw)"),
        (zeros(2, 3, 8, 2), weight, {}, "does not fit into 2 pixels"),
        (zeros(2, 3, 8, 8), weight, {"stride": 0}, "stride"),
        (zeros(2, 3, 8, 8), weight, {"padding": (0, -1)}, "padding"),
    ]
    for x, kernel, options, message in wrong:
        try:
            conv2d(x, kernel, **options)
        except ValueError as error:
            assert message in str(error), error
        else:
            raise AssertionError(f"conv2d must refuse: {message}")
    assert conv2d(zeros(0, 3, 8, 8), weight).shape == (0, 4, 6, 6)


# %% [markdown]
"""
### The layer

A layer keeps a weight and a bias. Each number of the output is a sum of `in * kh * kw` products, so that
is what the spread of the first weights has to fit.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial-layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Conv2d(Module):
    """Slides out_channels kernels over images: (N, in_channels, H, W) -> (N, out_channels, H', W').

    kernel_size, stride, padding: a number, or a pair for rows and columns; padding is on both sides
    weight: Parameter (out_channels, in_channels, kh, kw), He normal with in_channels kh kw inputs
    bias: Parameter (out_channels,), zeros; None with `bias=False`

    Raises ValueError for sizes that are no whole numbers or too small, and for images of another
    number of channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        bias: bool = True,
    ) -> None:
        """TODO: check the sizes, keep them, and set the two parameters.

        HINT: `he_normal(out, number_of_inputs)` draws a matrix; reshape it.
        """
        ### BEGIN SOLUTION
        if in_channels < 1 or out_channels < 1:
            raise ValueError(f"Conv2d needs channels, got {in_channels} in and {out_channels} out")
        self.kernel_size = pair("kernel_size", kernel_size, 1)
        self.stride = pair("stride", stride, 1)
        self.padding = pair("padding", padding, 0)
        kh, kw = self.kernel_size
        draws = he_normal(out_channels, in_channels * kh * kw)
        self.weight = Parameter(draws.reshape(out_channels, in_channels, kh, kw))
        self.bias = Parameter(zeros(out_channels)) if bias else None
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H', W')."""
        ### BEGIN SOLUTION
        operands = [x, self.weight] if self.bias is None else [x, self.weight, self.bias]
        return conv2d(*operands, stride=self.stride, padding=self.padding)
        ### END SOLUTION

    def __repr__(self) -> str:
        out_channels, in_channels, *_ = self.weight.shape
        sizes = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"Conv2d({in_channels}, {out_channels}, {sizes}, bias={self.bias is not None})"


# %% [markdown]
"""
### 🧪 Unit test: the layer

Checks shapes and the spread of the first weights: the variance of 18,000 draws is within 6 % of the truth
but once in ten million seeds. Then a kernel that moves images by a pixel: its answer is known beforehand.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-layer", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_unit_conv2d_layer():
    layer = Conv2d(2, 3, (3, 5), stride=(1, 2), padding=2)
    assert layer.weight.shape == (3, 2, 3, 5) and layer.bias.shape == (3,)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert layer(zeros(4, 2, 8, 9)).shape == (4, 3, 10, 5)
    assert Conv2d(2, 3, 3, bias=False).bias is None
    assert "Conv2d(2, 3, kernel_size=(3, 5), stride=(1, 2), padding=(2, 2)" in repr(layer)
    spread = Conv2d(40, 50, 3).weight.numpy()
    assert abs(spread.var() * 40 * 9 / 2 - 1) < 0.06 and abs(spread.mean()) < 0.02
    shift = Conv2d(1, 1, 3, padding=1)
    shift.weight.data = np.array([[[[0, 0, 0], [0, 0, 1], [0, 0, 0]]]], np.float32)
    shift.bias.data = np.array([10], np.float32)
    x = Tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    assert shift(x).numpy().tolist() == [[[[12, 13, 10], [15, 16, 10]]]]
    for wrong in ((0, 1, 3), (1, 0, 3), (1, 1, 0), (1, 1, 3, 0), (1, 1, 3, 1, -1), (1, 1, "3")):
        try:
            Conv2d(*wrong)
        except ValueError:
            continue
        raise AssertionError(f"Conv2d{wrong} must raise ValueError")


# %% [markdown]
"""
### Pooling

A pool has no weights: of each window, the largest number or the mean. Write it with `seen`: the first
pixels of all windows are one array, the second ones another, and the maximum of four arrays takes three
operations, however many windows there are.

**Its gradient** needs no table of who was the largest: the pixel that equals the result was. Where several
do, the first of them takes all, as in PyTorch. A NaN equals nothing, not even itself:
`a != a` finds it, and it counts as the largest of its window.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial-pooling", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def pooling(images: np.ndarray, kernel_size: Size, stride: Size | None) -> tuple[Callable, list]:
    """How to slide over (N, H, W, C): a function that shows what a place sees, and all places.

    The function takes an array of that size and a place, and gives the view (N, H', W', C).
    No stride: windows side by side.
    """
    kernel = pair("kernel_size", kernel_size, 1)
    steps = kernel if stride is None else pair("stride", stride, 1)
    size = tuple(map(output_size, images.shape[1:3], kernel, steps))
    return functools.partial(seen, stride=steps, size=size), list(np.ndindex(kernel))


@primitive
def max_pool2d(x, *, kernel_size, stride=None):
    """The largest number of each window, channel by channel: (N, C, H, W) -> (N, C, H', W').

    kernel_size, stride: a number, or a pair for rows and columns; no stride, windows side by side

    Rows and columns at the far border that do not fill a window are dropped, as in PyTorch.

    TODO: the maximum of what the places see.
    HINT: `functools.reduce(np.maximum, arrays)`; `pooling` above tells how to look.
    """
    ### BEGIN SOLUTION
    images = channels_last(x)
    look, places = pooling(images, kernel_size, stride)
    return channels_first(functools.reduce(np.maximum, [look(images, p) for p in places]))
    ### END SOLUTION


@max_pool2d.gradient
def max_pool2d_gradient(grad, output, saved, x, *, kernel_size, stride=None):
    """Each number of `grad` goes to the first pixel of its window that equals the output, or is NaN.

    TODO: remember which windows are open, all at first; at each place, those whose pixel is the largest
        give their gradient to it, and close.
    HINT: `masked(grad, mask)` of module 02 is 0 where the mask is False. Windows may overlap, so add to
        the result, never assign.
    """
    ### BEGIN SOLUTION
    images, largest, grad = channels_last(x), channels_last(output), channels_last(grad)
    look, places = pooling(images, kernel_size, stride)
    slopes, opened = np.zeros(images.shape, grad.dtype), np.ones(largest.shape, bool)
    has_nan = np.isnan(largest).any()
    for place in places:
        pixels = look(images, place)
        taken = pixels == largest
        if has_nan:
            taken |= pixels != pixels
        taken &= opened
        opened ^= taken
        look(slopes, place)[...] += masked(grad, taken)
    return (channels_first(slopes),)
    ### END SOLUTION


@primitive
def avg_pool2d(x, *, kernel_size, stride=None):
    """The mean of each window, channel by channel: (N, C, H, W) -> (N, C, H', W').

    kernel_size, stride: as for max_pool2d
    """
    ### BEGIN SOLUTION
    images = channels_last(x)
    look, places = pooling(images, kernel_size, stride)
    total = functools.reduce(np.add, [look(images, p) for p in places])
    return channels_first(total / len(places))
    ### END SOLUTION


@avg_pool2d.gradient
def avg_pool2d_gradient(grad, output, saved, x, *, kernel_size, stride=None):
    """Each number of `grad` goes to all pixels of its window in equal parts."""
    ### BEGIN SOLUTION
    share = channels_last(grad)
    slopes = np.zeros((x.shape[0], *x.shape[2:], x.shape[1]), grad.dtype)
    look, places = pooling(slopes, kernel_size, stride)
    share = share / len(places)
    for place in places:
        look(slopes, place)[...] += share
    return (channels_first(slopes),)
    ### END SOLUTION


@primitive
def global_avg_pool2d(x):
    """The mean of each channel over all pixels: (N, C, H, W) -> (N, C)."""
    ### BEGIN SOLUTION
    return channels_last(x).mean(axis=(1, 2))
    ### END SOLUTION


@global_avg_pool2d.gradient
def global_avg_pool2d_gradient(grad, output, saved, x):
    """`grad` / (H W), for each pixel.

    HINT: broadcasting to (N, H, W, C) makes a view in which nothing is in order: copy it.
    """
    ### BEGIN SOLUTION
    n, c, h, w = x.shape
    share = (grad / (h * w)).reshape(n, 1, 1, c)
    return (channels_first(np.ascontiguousarray(np.broadcast_to(share, (n, h, w, c)))),)
    ### END SOLUTION


class Pool2d(Module):
    """What MaxPool2d and AvgPool2d share: their sizes."""

    def __init__(self, kernel_size: Size, stride: Size | None = None) -> None:
        """TODO: check both sizes and keep them as pairs; no stride means that of the kernel."""
        ### BEGIN SOLUTION
        self.kernel_size = pair("kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else pair("stride", stride, 1)
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, stride={self.stride})"


class MaxPool2d(Pool2d):
    """The largest number of each window: `MaxPool2d(2)` halves rows and columns.

    kernel_size, stride: a number, or a pair for rows and columns; no stride, windows side by side

    Raises ValueError for sizes below 1, and for images that are smaller than the window.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H', W')."""
        ### BEGIN SOLUTION
        return max_pool2d(x, kernel_size=self.kernel_size, stride=self.stride)
        ### END SOLUTION


class AvgPool2d(Pool2d):
    """The mean of each window. Sizes and errors as for MaxPool2d."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H', W')."""
        ### BEGIN SOLUTION
        return avg_pool2d(x, kernel_size=self.kernel_size, stride=self.stride)
        ### END SOLUTION


class GlobalAvgPool2d(Module):
    """The mean of each channel, ready for a Linear: (N, C, H, W) -> (N, C), for any H and W."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C)."""
        ### BEGIN SOLUTION
        return global_avg_pool2d(x)
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: pooling

Worked by hand on an image of odd size, where one column is left over, with windows that overlap, and with
negative numbers only: a maximum that begins at 0 would not notice them.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-pooling", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_unit_pooling():
    x = Tensor([[[[1.0, 7.0, 3.0, 4.0, 90.0], [5.0, 6.0, 2.0, 8.0, 90.0], [2.0, 9.0, 1.0, 3.0, 90.0]]]])
    assert MaxPool2d(2)(x).numpy().tolist() == [[[[7, 8]]]]
    assert MaxPool2d(2)(-x).numpy().tolist() == [[[[-1, -2]]]]
    assert AvgPool2d(2)(x).numpy().tolist() == [[[[4.75, 4.25]]]]
    assert MaxPool2d((3, 2), stride=1)(x).numpy().tolist() == [[[[9, 9, 8, 90]]]]
    assert AvgPool2d((1, 2), stride=(2, 3))(x).numpy().tolist() == [[[[4, 47], [5.5, 46.5]]]]
    channels = Tensor(np.arange(16, dtype=np.float32).reshape(2, 2, 2, 2))
    assert MaxPool2d(2)(channels).numpy().reshape(2, 2).tolist() == [[3, 7], [11, 15]]
    assert GlobalAvgPool2d()(channels).numpy().tolist() == [[1.5, 5.5], [9.5, 13.5]]
    assert MaxPool2d(2)(zeros(0, 3, 5, 5)).shape == (0, 3, 2, 2)
    assert GlobalAvgPool2d()(zeros(0, 3, 5, 5)).shape == (0, 3)
    assert repr(AvgPool2d(3, stride=2)) == "AvgPool2d(kernel_size=(3, 3), stride=(2, 2))"


def test_unit_what_pooling_refuses():
    small = (MaxPool2d(3), AvgPool2d((1, 9)), lambda x: max_pool2d(x, kernel_size=2, stride=9.5))
    for wrong in (*(lambda p=p: p(zeros(1, 2, 2, 8)) for p in small), lambda: MaxPool2d(0)):
        try:
            wrong()
        except ValueError:
            continue
        raise AssertionError("a window of no size, or one that does not fit, must raise ValueError")
    for pool in (MaxPool2d(2), AvgPool2d(2), GlobalAvgPool2d()):
        try:
            pool(zeros(3, 8, 8))
        except ValueError as error:
            assert "(N, C, H, W)" in str(error)
        else:
            raise AssertionError(f"{pool} must refuse an image without a batch")


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: how many times its input does a convolution hold, and what stays for the gradient?
- **Computational complexity**: do the counted operations predict the time, from loops to the product?
- **Cache and hardware**: what does the order of memory cost?
- **At scale**: how large can an image be?
"""

# %% nbgrader={"grade": false, "grade_id": "spatial-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
def best_seconds(action: Callable, repeats: int = 5) -> float:
    """The fastest of a few runs: the one that other programs disturbed least."""
    import time

    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_bytes(action: Callable) -> int:
    """The most memory that an action held at any moment, beyond what was there before."""
    import tracemalloc

    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def draws(*shape: int) -> np.ndarray:
    """Images (N, C, H, W) that lie channels last in memory."""
    n, c, h, w = shape
    return channels_first(np.random.default_rng(0).standard_normal((n, h, w, c), np.float32))


def flops_of(layer: Conv2d, output: Tensor) -> int:
    """A multiplication and an addition for each weight of each number of the output."""
    return 2 * output.size * layer.weight.size // layer.weight.shape[0]


def analyze_memory() -> None:
    x = Tensor(draws(32, 32, 16, 16))
    for kernel in (3, 5, 7):
        layer = Conv2d(32, 32, kernel, padding=kernel // 2)
        _, rows = engine.implementations["conv2d"](x.data, layer.weight.data, padding=kernel // 2)
        peak = peak_bytes(lambda layer=layer: layer(x)) / x.data.nbytes
        print(f"  a kernel of {kernel}: {rows.nbytes / x.data.nbytes:4.1f} times its input stays", end="")
        print(f" for the gradient, and it holds {peak:4.1f} times at its peak")
    pool = peak_bytes(lambda: MaxPool2d(2)(x)) / x.data.nbytes
    print(f"  a maximum of 2 by 2 holds {pool:.2f} times its input at its peak")
    layer = Conv2d(32, 32, 3, padding=1)
    size = x.size // len(x)
    print(f"  parameters: {sum(p.size for p in layer.parameters()):,};", end=" ")
    print(f"a Linear from and to images of that size has {size * size + size:,}")


def analyze_complexity() -> None:
    small = draws(1, 4, 8, 8)
    layer = Conv2d(4, 4, 3)
    weight, bias = layer.weight.data, layer.bias.data
    loops = best_seconds(lambda: conv2d_by_loops(small, weight, bias), 2)
    product = best_seconds(lambda: layer(Tensor(small)), 20)
    print(f"  six loops take {loops / product:,.0f} times as long as one product, on 8 by 8 pixels")
    layer, sides, times = Conv2d(32, 64, 3, padding=1), (8, 16, 32, 64), []
    for side in sides:
        x = Tensor(draws(8, 32, side, side))
        times.append(best_seconds(lambda x=x: layer(x)))
        flops = flops_of(layer, layer(x))
        print(f"  {side:2} by {side:2} pixels: {flops / 1e6:7.1f} million operations", end=" ")
        print(f"in {times[-1] * 1e3:6.2f} ms, {flops / times[-1] / 1e9:5.1f} GFLOP/s")
    slope = np.polyfit(np.log(sides), np.log(times), 1)[0]
    print(f"  time grows with the side to the power {slope:.2f}; operations with its square")
    x = Tensor(draws(8, 32, 32, 32))
    for kernel in (1, 3, 5):
        layer = Conv2d(32, 64, kernel, padding=kernel // 2)
        seconds = best_seconds(lambda layer=layer: layer(x))
        print(f"  a kernel of {kernel}: {seconds * 1e3:6.2f} ms,", end=" ")
        print(f"{flops_of(layer, layer(x)) / seconds / 1e9:5.1f} GFLOP/s")


def analyze_cache() -> None:
    last = draws(32, 64, 16, 16)
    first = np.ascontiguousarray(last)
    framed = padded(channels_last(last), (1, 1))
    ordered = best_seconds(lambda: windows(framed, (3, 3), (1, 1)).reshape(-1, 9 * 64))
    views = sliding_window_view(np.ascontiguousarray(channels_first(framed)), (3, 3), (2, 3))
    scattered = best_seconds(lambda: views.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 9 * 64))
    print(f"  laying out all windows: {ordered * 1e3:.2f} ms with the channels last,", end=" ")
    print(f"{scattered / ordered:.1f} times as long with the channels first")
    pool, layer = MaxPool2d(2), Conv2d(64, 64, 3, padding=1)
    for name, action in (("pool", pool), ("convolution", layer)):
        good, bad = (best_seconds(lambda x=x, a=action: a(Tensor(x))) for x in (last, first))
        print(f"  a {name} of images that must be ordered first takes {bad / good:.1f} times as long")


def analyze_scale() -> None:
    layer = Conv2d(64, 64, 3, padding=1)
    for side in (32, 64, 128):
        x = Tensor(draws(1, 64, side, side))
        peak = peak_bytes(lambda x=x: layer(x))
        print(f"  one image of {side:3} by {side:3} pixels, 64 channels:", end=" ")
        print(f"{peak / 2**20:6.1f} MiB at its peak, {peak / side**2 / 1024:.1f} KiB a pixel")
    limit = 16 * 2**30 / (peak / side**2)
    print(f"  so 16 GiB are full at one image of {limit**0.5:,.0f} by {limit**0.5:,.0f} pixels,", end=" ")
    print(f"or a batch of {limit / 224**2:,.0f} of 224 by 224")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: gradients

Compares each gradient with finite differences, in float64, for every stride and padding of the cases
above, for windows that overlap and for borders that are dropped.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-gradients", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def numerical_gradient(function: Callable, a: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """How the number `function()` changes with each element of `a`, by central differences."""
    slopes = np.zeros_like(a)
    for index in np.ndindex(a.shape):
        kept = a[index]
        a[index] = kept + step
        above = function()
        a[index] = kept - step
        slopes[index] = (above - function()) / (2 * step)
        a[index] = kept
    return slopes


def run(name: str, *arrays: np.ndarray, **options: Any) -> tuple:
    """Output and saved of a primitive, on arrays."""
    result = engine.implementations[name](*arrays, **options)
    return result if isinstance(result, tuple) else (result, None)


def gradients(name: str, *arguments: Any, **options: Any) -> list[np.ndarray]:
    """What the rule of a primitive gives, and what its functions make."""
    slopes = engine.gradients[name](*arguments, **options)
    return [slope() if callable(slope) else slope for slope in slopes]


def assert_gradients(name: str, *arrays: np.ndarray, **options: Any) -> None:
    output, saved = run(name, *arrays, **options)
    grad = np.random.default_rng(1).normal(size=output.shape)
    slopes = gradients(name, grad, output, saved, *arrays, **options)
    assert len(slopes) == len(arrays)
    for place, (slope, array) in enumerate(zip(slopes, arrays, strict=True)):
        expected = numerical_gradient(
            lambda: float((run(name, *arrays, **options)[0] * grad).sum()), array
        )
        assert slope.shape == array.shape, (name, place, options)
        assert np.allclose(slope, expected, atol=1e-6), (name, place, options)


def test_unit_gradients():
    rng = np.random.default_rng(0)
    for images, kernels, stride, padding in CASES:
        arrays = [rng.normal(size=shape) for shape in (images, kernels, kernels[:1])]
        assert_gradients("conv2d", *arrays, stride=stride, padding=padding)
        assert_gradients("conv2d", *arrays[:2], stride=stride, padding=padding)
    for kernel, stride in ((2, None), (3, 2), ((2, 3), 1), (1, 2)):
        x = rng.permutation(2 * 2 * 5 * 6).reshape(2, 2, 5, 6) / 10.0  # no two are equal
        for name in ("max_pool2d", "avg_pool2d"):
            assert_gradients(name, x, kernel_size=kernel, stride=stride)
    assert_gradients("global_avg_pool2d", rng.normal(size=(2, 3, 4, 5)))


def test_unit_gradient_is_a_convolution():
    rng = np.random.default_rng(0)
    x, weight, grad = (rng.normal(size=s) for s in ((2, 3, 6, 5), (4, 3, 3, 2), (2, 4, 6, 4)))
    output, saved = run("conv2d", x, weight, padding=(1, 0))
    slope, _ = gradients("conv2d", grad, output, saved, x, weight, padding=(1, 0))
    turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    assert np.allclose(slope, run("conv2d", grad, turned, padding=(1, 1))[0])


def test_unit_first_of_equals_takes_all():
    x = np.zeros((1, 1, 2, 4), np.float32)
    x[0, 0, :, 2:] = [[1, 2], [2, 2]]
    output, saved = run("max_pool2d", x, kernel_size=2)
    grad = np.array([[[[3, 5]]]], np.float32)
    (slope,) = gradients("max_pool2d", grad, output, saved, x, kernel_size=2)
    assert slope.tolist() == [[[[3, 0, 0, 5], [0, 0, 0, 0]]]]
    assert grad.tolist() == [[[[3, 5]]]]


# %% [markdown]
"""
### 🧪 Unit test: float32 and the order of memory, forward and backward

Neither changes a single number of a result, so no other test would notice; each costs a factor. All that
a function hands on must lie channels last, whatever the order of what it was given.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-memory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_float32_and_order_stay():
    weights = [np.ones((4, 6, 3, 3), np.float32), np.ones(4, np.float32)]
    cases = [("conv2d", weights, {}), ("conv2d", weights, {"stride": 2, "padding": 1})]
    cases += [(name, [], {"kernel_size": 2}) for name in ("max_pool2d", "avg_pool2d")]
    cases += [("max_pool2d", [], {"kernel_size": 3, "stride": 2}), ("global_avg_pool2d", [], {})]
    first = np.random.default_rng(0).standard_normal((2, 6, 8, 7), np.float32)
    for name, others, options in cases:
        in_order = channels_first(channels_last(first))
        for x in (first, in_order, first.astype(np.int64), first[:0]):
            output, saved = run(name, x, *others, **options)
            grad = np.ones(output.shape, np.float32)
            slopes = gradients(name, grad, output, saved, x, *others, **options)
            assert {a.dtype for a in (output, *slopes)} == {np.dtype(np.float32)}, name
            images = [array for array in (output, slopes[0]) if array.ndim == 4]
            assert all(a.transpose(0, 2, 3, 1).flags.c_contiguous for a in images), (name, options)
        assert run(name, first.astype(np.float64), *others, **options)[0].dtype == np.float64


# %% [markdown]
"""
## Integration

### 🧪 Integration test: a network that sees

Convolution, pool and linear layer in one module, saved and restored. An image that is shifted by a pixel
gives features that are shifted by a pixel, and the same means: that is what sharing one kernel buys.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-network", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
class SmallNetwork(Module):
    def __init__(self) -> None:
        self.features = [Conv2d(3, 8, 3, padding=1), MaxPool2d(2), Conv2d(8, 16, 3, padding=1)]
        self.head = [Flatten(), Linear(16 * 4 * 4, 10)]

    def forward(self, x: Tensor) -> Tensor:
        for layer in (*self.features, *self.head):
            x = layer(x)
        return x


def test_integration_network():
    network, other, x = SmallNetwork(), SmallNetwork(), randn(5, 3, 8, 8)
    assert network(x).shape == (5, 10) and network(x).dtype == np.float32
    other.load_state_dict(network.state_dict())
    assert np.array_equal(network(x).numpy(), other(x).numpy())
    names = [name for name, _ in network.named_parameters()]
    assert names[:2] == ["features.0.weight", "features.0.bias"] and len(names) == 6
    layer, image = Conv2d(1, 4, 3, padding=1), np.zeros((2, 1, 9, 9), np.float32)
    image[0, 0, 2:5, 2:5] = image[1, 0, 4:7, 3:6] = randn(3, 3).numpy()
    features = layer(Tensor(image)).numpy()
    assert np.allclose(features[0, :, 1:6, 1:6], features[1, :, 3:8, 2:7], atol=1e-6)
    means = GlobalAvgPool2d()(Tensor(features)).numpy()
    assert np.allclose(means[0], means[1], atol=1e-6)


# %% [markdown]
"""
## Production Context

- **PyTorch** has these names in `torch.nn` and, as functions, in `torch.nn.functional`; its means over all
  pixels are `AdaptiveAvgPool2d(1)`, which leaves `(N, C, 1, 1)`. Its default order is channels first;
  `x.to(memory_format=torch.channels_last)` is the order that you chose, and faster on most hardware.
- **TensorFlow** speaks `(N, H, W, C)` at its API too, and stores kernels as `(kh, kw, in, out)`. Whoever
  moves weights from one to the other transposes them.
- **Libraries** such as cuDNN and oneDNN have several algorithms for one convolution and choose by its
  sizes: windows laid out piece by piece in the cache, never as a whole; Winograd's, which trades
  multiplications for additions in kernels of 3; and Fourier transforms for large ones.
- **Depthwise separable** convolutions (MobileNet) look at each channel alone and mix the channels with a
  kernel of 1: little more than a ninth of the operations, where there are many channels.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: where a square begins and ends

Two kernels of three by three answer where an image gets darker or lighter, one along rows and one along
columns. Drawn by hand, not learned; in module 11 a network will find such kernels by itself.
"""

# %% nbgrader={"grade": true, "grade_id": "test-spatial-edges", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_edges():
    image = np.zeros((1, 1, 9, 9), np.float32)
    image[0, 0, 2:7, 3:8] = 1
    edges = Conv2d(1, 2, 3, padding=1, bias=False)
    across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)
    edges.weight.data = np.stack([across, across.T])[:, None]
    left_right, top_bottom = edges(Tensor(image)).numpy()[0]
    assert left_right[4].tolist() == [0, 0, 4, 4, 0, 0, 0, -4, -4]
    assert top_bottom[:, 5].tolist() == [0, 4, 4, 0, 0, 0, -4, -4, 0]
    assert not left_right[[0, 8]].any() and not top_bottom[4, 5].any()
    strongest = MaxPool2d(9)(edges(Tensor(image)))
    assert strongest.numpy().reshape(-1).tolist() == [4, 4]
    assert np.allclose(GlobalAvgPool2d()(edges(Tensor(image)))[0, 1].item(), 0, atol=1e-6)


# %% nbgrader={"grade": false, "grade_id": "spatial-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for title, analysis in (
        ("Memory", analyze_memory),
        ("Complexity", analyze_complexity),
        ("Cache", analyze_cache),
        ("At scale", analyze_scale),
    ):
        print(f"\n{title}")
        analysis()

# %% [markdown]
"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "spatial-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** The rows of all windows stay in memory until the gradient has used them. You could
lay them out again instead: which of your measurements tell what that saves, and what it costs?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "spatial-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** The API says channels first, the memory lies channels last, and nothing but a test
holds your functions to it. Who else must keep that promise, and what happens if one function does not?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "spatial-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** A camera delivers images as (H, W, C) in uint8, with blue before red. Which of the
three differences to what your model was trained on raise an error, and how would you notice the others?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "spatial-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** Your measurement says which image fills 16 GiB. A satellite's image has a hundred times as many
pixels: how would you cut it into pieces so that the result is the same, to the last pixel?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Spatial

You built convolution twice: as six loops that say what it is, and as one matrix product that is hundreds of
times as fast. Pooling came out of the same view, and so did both gradients. You measured that the
speed is paid for in memory, and that the order of memory, which no result shows, is worth a factor.

**Next:** `pytest --checkpoint 05`, then module 07, where every position looks at every other.
"""
