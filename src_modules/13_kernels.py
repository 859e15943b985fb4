# %% [markdown]
r"""
# Module 13: Kernels

## Introduction

A *kernel* is the code that does the arithmetic of one operation. Your framework is right; now you make it fast, in NumPy
alone, and some of your kernels will be faster than PyTorch's. Three ways lead there: **do less** (Winograd's convolution
needs four times fewer multiplications), **move less** (work in pieces that fit into the cache, write into arrays that are
there), and **do it at the same time** (two threads, each with half of a batch). One call, `use_fast_kernels()`, plugs the
kernels into the primitives of earlier modules; no earlier line changes, as the engine looks up primitives by their name.
"""

# %% [markdown]
r"""
## Mathematical Background

**Arithmetic intensity** $I$ is the number of operations for each byte moved. With a peak of $P$ operations and $W$ bytes
per second, a kernel reaches at most $\min(P, W I)$: the *roofline* (Williams et al., 2009).

    x + y, float32            1 operation, 12 bytes moved        I = 0.08    bandwidth decides
    A @ B, (n, n) float32     2 n^3 operations, 12 n^2 bytes     I = n / 6   the peak decides

**Pieces.** Three operations on a large array move it through memory six times. Piece by piece, each small enough for the
cache, it moves twice: `x piece -> t (cache) -> t (cache) -> y`.

**Winograd** (Lavin and Gray, 2015, arXiv 1509.09308). Two outputs of a kernel of three, $y_0 = d_0 g_0 + d_1 g_1 + d_2 g_2$
and $y_1 = d_1 g_0 + d_2 g_1 + d_3 g_2$, take 6 products. With shared sums, 4 are enough:

    m1 = (d0 - d2) g0                      m2 = (d1 + d2) (g0 + g1 + g2) / 2       y0 = m1 + m2 + m3
    m3 = (d2 - d1) (g0 - g1 + g2) / 2      m4 = (d1 - d3) g2                       y1 = m2 - m3 - m4

With d = (1, 2, 3, 4), g = (1, 1, 2): m = (-2, 10, 1, -4) and y = (9, 13), which is 1 + 2 + 6 and 2 + 3 + 8. In matrices
$y = A^T[(G g) \odot (B^T d)]$; for tiles of 4 x 4 outputs, $Y = A^T[(G g G^T) \odot (B^T d B)]A$ takes 36 products instead
of 16 x 9 = 144. All maps are linear, so gradients are their transposes, in reverse order.
"""

# %% [markdown]
r"""
## Implementation

Given: what this module imports, and `pieces`, which each kernel uses. With room for 65,536 numbers, `pieces(5, 30_000)`
gives slices of two rows: 0-2, 2-4, 4-5. The first is the longest.
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.kernels
#| export
import copy
import functools
import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinytorch.core.activations import GELU
from tinytorch.core.layers import Module
from tinytorch.core.measuring import best_seconds, cpu_seconds, growth, kept_bytes, peak_bytes
from tinytorch.core.normalization import BatchNorm2d, LayerNorm
from tinytorch.core.optimizers import SGD
from tinytorch.core.spatial import Conv2d, MaxPool2d, pair
from tinytorch.core.tensor import Tensor, engine, masked, primitive
from tinytorch.core.training import CrossEntropyLoss

PIECE, WINOGRAD_PIECE = 2**16, 2**17  # numbers: a few arrays of this size fit into the second-level cache


def pieces(count: int, numbers_each: int, room: int = PIECE) -> list[slice]:
    """Slices that cut `count` rows into pieces of at most `room` numbers, and of one row at least."""
    step = max(1, room // max(numbers_each, 1))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def last(images: np.ndarray) -> np.ndarray:
    """(N, C, ...) as (N, ..., C) in the order of memory: copied only if it is not there already."""
    return np.ascontiguousarray(np.moveaxis(images, 1, -1))


def first(images: np.ndarray) -> np.ndarray:
    """(N, ..., C) seen as (N, C, ...): a view."""
    return np.moveaxis(images, -1, 1)


def like(x: np.ndarray) -> np.ndarray:
    """An empty array (N, C, ...), channels last in memory. It is no view, so `.grad` takes it without a copy."""
    return np.empty_like(first(last(x)))


# %% [markdown]
r"""
### Exercise 1: three matrix products (10 minutes)

**Why.** The same $2nkm$ operations, three times. Loops spend their time on Python. A blocked product hands whole blocks to
NumPy, and uses each many times while it is in the cache. BLAS does so once more inside.

    | A1 A2 |   | B1 . |   | C1 . |     C1 = A1 @ B1 + A2 @ B2. NumPy ends a slice where the array ends,
    |  .  . | @ | B2 . | = |  . . |     so smaller blocks at the edges need no case of their own.
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def check_matrices(a: np.ndarray, b: np.ndarray) -> None:
    """Raise ValueError unless a is (n, k) and b is (k, m). Given."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"a product takes (n, k) and (k, m), got {a.shape} and {b.shape}")


def matmul_naive(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b for arrays (n, k) and (k, m), number by number: (n, m). ValueError for other shapes.

    TODO: make zeros of dtype `np.result_type(a, b)`; for each i and j, add up a[i, l] * b[l, j].
    """
    check_matrices(a, b)
    ### BEGIN SOLUTION
    c = np.zeros((len(a), b.shape[1]), np.result_type(a, b))
    for i, j in np.ndindex(c.shape):
        for inner in range(len(b)):
            c[i, j] += a[i, inner] * b[inner, j]
    return c
    ### END SOLUTION


def matmul_blocked(a: np.ndarray, b: np.ndarray, block: int = 64) -> np.ndarray:
    """a @ b by products of blocks of at most (block, block). ValueError for other shapes, and block < 1.

    TODO: step i, j and l by `block`; add each product of two blocks to c[i:i+block, j:j+block].
    """
    check_matrices(a, b)
    ### BEGIN SOLUTION
    if block < 1:
        raise ValueError(f"block must be at least 1, got {block!r}")
    c = np.zeros((len(a), b.shape[1]), np.result_type(a, b))
    for i in range(0, len(a), block):
        for j in range(0, b.shape[1], block):
            for inner in range(0, len(b), block):
                left, right = a[i : i + block, inner : inner + block], b[inner : inner + block, j : j + block]
                c[i : i + block, j : j + block] += left @ right
    return c
    ### END SOLUTION


def matmul_vectorized(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b by one call of NumPy, which calls BLAS. ValueError for other shapes."""
    ### BEGIN SOLUTION
    check_matrices(a, b)
    return a @ b
    ### END SOLUTION


# %% [markdown]
r"""
### 🧪 Unit test: matrix products

The same numbers three times, where sizes are no multiple of the block, smaller than it, and 0.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-matmul", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_unit_matmul():
    rng, refused = np.random.default_rng(0), np.testing.assert_raises
    for n, k, m in ((3, 3, 3), (5, 7, 2), (8, 4, 6), (0, 2, 3), (2, 0, 3)):
        a, b = rng.normal(size=(n, k)), rng.normal(size=(k, m))
        products = [matmul_blocked(a, b, block) for block in (1, 2, 4, 64)]
        assert all(np.allclose(c, a @ b) for c in (*products, matmul_naive(a, b), matmul_vectorized(a, b)))
    for product in (matmul_naive, matmul_blocked, matmul_vectorized):
        assert product(np.ones((2, 3), np.float32), np.ones((3, 2), np.float32)).dtype == np.float32
        refused(ValueError, product, np.ones((2, 3)), np.ones((2, 3)))
    refused(ValueError, matmul_blocked, np.ones((2, 2)), np.ones((2, 2)), 0)


# %% [markdown]
r"""
### Exercise 2: convolution as one product (15 minutes)

**Why.** BLAS multiplies near the peak of the processor. `im2col` lays what a kernel sees at each place as the rows of one
matrix: then a convolution *is* a product. `col2im` is its transpose: it adds numbers back to the pixels they came from.

    image 3 x 3      rows, kernel 2 x 2        col2im(im2col(image))
    1 2 3            1 2 4 5                    1  4  3
    4 5 6     ->     2 3 5 6          ->        8 20 12     each pixel times how often it was seen
    7 8 9            4 5 7 8,  5 6 8 9          7 16  9

A kernel of 3 x 3 sees each pixel nine times: nine times the memory. Given: `windows`, a view that repeats pixels uncopied.
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-im2col", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def windows(images: np.ndarray, kernel: Any, stride: Any = 1, padding: Any = 0) -> tuple[np.ndarray, np.ndarray]:
    """Framed images (N, C, H + 2 ph, W + 2 pw), and what a kernel sees of them: a view (N, H', W', C, kh, kw). Given."""
    kernel, stride = pair("kernel_size", kernel, 1), pair("stride", stride, 1)
    if images.ndim != 4:
        raise ValueError(f"images have four dimensions, (N, C, H, W), got shape {images.shape}")
    images = np.pad(images, ((0, 0), (0, 0), *((p, p) for p in pair("padding", padding, 0))))
    counts = [(images.shape[d + 2] - kernel[d]) // stride[d] + 1 for d in (0, 1)]
    if min(counts) < 1:
        raise ValueError(f"a kernel of {kernel} does not fit into images of {images.shape[2:]}")
    (n, c, *_), (of_n, of_c, of_h, of_w) = images.shape, images.strides
    steps = of_n, stride[0] * of_h, stride[1] * of_w, of_c, of_h, of_w
    return images, as_strided(images, (n, *counts, c, *kernel), steps)


def im2col(x: np.ndarray, kernel_size: Any, stride: Any = 1, padding: Any = 0) -> np.ndarray:
    """What a kernel sees of images (N, C, H, W), as rows (N H' W', C kh kw), in the order of windows.

    kernel_size, stride, padding: a number, or a pair for rows and columns. ValueError for what does not fit.

    TODO: reshape the windows. Name both sizes: -1 fails for an empty batch. HINT: `math.prod`.
    """
    _, seen = windows(x, kernel_size, stride, padding)
    ### BEGIN SOLUTION
    return seen.reshape(math.prod(seen.shape[:3]), math.prod(seen.shape[3:]))
    ### END SOLUTION


def col2im(columns: np.ndarray, shape: tuple, kernel_size: Any, stride: Any = 1, padding: Any = 0) -> np.ndarray:
    """The transpose of im2col: rows (N H' W', C kh kw), added up to images of `shape` (N, C, H, W).

    TODO: for each place (i, j) of the kernel, add [..., i, j] of the columns, in the shape of `seen`, to that of `seen`: it
    is a view of `images`, and no pixel is in it twice for one place. Cut off the frame.
    """
    images, seen = windows(np.zeros(shape, columns.dtype), kernel_size, stride, padding)
    (ph, pw), (h, w) = pair("padding", padding, 0), shape[2:]
    ### BEGIN SOLUTION
    columns = columns.reshape(seen.shape)
    for i, j in np.ndindex(seen.shape[4:]):
        seen[..., i, j] += columns[..., i, j]
    return images[:, :, ph : ph + h, pw : pw + w]
    ### END SOLUTION


def conv2d_im2col(x: np.ndarray, weight: np.ndarray, bias: Any = None, stride: Any = 1, padding: Any = 0) -> np.ndarray:
    """The convolution of (N, in, H, W) with (out, in, kh, kw) by one product: (N, out, H', W').

    bias: (out,), added to each pixel. Raises ValueError for another number of channels.

    TODO: check; im2col times the weight as a matrix, (out, in kh kw), transposed; add the bias; reshape to
    (N, H', W', out), with the sizes of the windows; `first` of it.
    """
    ### BEGIN SOLUTION
    if weight.ndim != 4 or x.shape[1:2] != weight.shape[1:2]:
        raise ValueError(f"images {x.shape} do not fit a weight {weight.shape}, (out, in, kh, kw)")
    sizes = windows(x, weight.shape[2:], stride, padding)[1].shape[:3]
    output = im2col(x, weight.shape[2:], stride, padding) @ weight.reshape(len(weight), -1).T
    output = output if bias is None else output + bias
    return first(output.reshape(*sizes, len(weight)))
    ### END SOLUTION


# %% [markdown]
r"""
### 🧪 Unit test: im2col

The image of the drawing; sizes that differ for rows and columns; and what a transpose is: im2col(x) · c = x · col2im(c).
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-im2col", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_unit_im2col():
    x, rng = np.arange(1.0, 10).reshape(1, 1, 3, 3), np.random.default_rng(0)
    assert im2col(x, 2).tolist() == [[1, 2, 4, 5], [2, 3, 5, 6], [4, 5, 7, 8], [5, 6, 8, 9]]
    assert col2im(im2col(x, 2), x.shape, 2)[0, 0].tolist() == [[1, 4, 3], [8, 20, 12], [7, 16, 9]]
    for kernel, stride, padding in (((2, 2), 1, 0), ((3, 2), (2, 1), (1, 0)), ((1, 4), 3, (0, 2))):
        x, weight = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(4, 3, *kernel))
        c = rng.normal(size=(rows := im2col(x, kernel, stride, padding)).shape)
        assert np.isclose((rows * c).sum(), (x * col2im(c, x.shape, kernel, stride, padding)).sum())
        expected = slow("conv2d")[0](x, weight, np.ones(4), stride=stride, padding=padding)[0]
        assert np.allclose(conv2d_im2col(x, weight, np.ones(4), stride, padding), expected)
    np.testing.assert_raises(ValueError, conv2d_im2col, x[:, :2], weight)


# %% [markdown]
r"""
### Exercise 3: in place, and fused (5 minutes)

**Why.** A result written over its input costs no memory, and two operations in one pass move it once. Backward needs what was
there before, so `relu_inplace` refuses a Tensor that wants a gradient.

    linear, then relu:   x -> [product, bias] -> y in memory -> [max] -> z
    fused:               x -> [product, bias, max, piece by piece in the cache] -> z
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-fused", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def relu_inplace(x: Any) -> Any:
    """max(x, 0), written into x itself, a Tensor or an array; returns x.

    Raises RuntimeError for a Tensor with requires_grad, before anything is changed.

    TODO: check; then `np.maximum` of the array and 0, with `out=` the same array.
    """
    ### BEGIN SOLUTION
    if isinstance(x, Tensor) and x.requires_grad:
        raise RuntimeError("relu_inplace would overwrite what backward needs: use relu, or detach()")
    array = x.data if isinstance(x, Tensor) else x
    np.maximum(array, 0, out=array)
    return x
    ### END SOLUTION


@primitive
def fused_linear_relu(x, weight, bias):
    """relu(x W^T + b) for (N, in), (out, in) and (out,): (N, out), in one pass.

    TODO: an empty result; for each of `pieces(N, out)`, the product with `out=` that part of it; then add the bias and take
    the maximum with 0, both in place.
    """
    if x.ndim != 2 or x.shape[1:] != weight.shape[1:]:
        raise ValueError(f"x must be (N, {weight.shape[-1]})")
    ### BEGIN SOLUTION
    output = np.empty((len(x), len(weight)), np.result_type(x, weight))
    for piece in pieces(*output.shape):
        part = np.matmul(x[piece], weight.T, out=output[piece])
        part += bias
        np.maximum(part, 0, out=part)
    return output
    ### END SOLUTION


@fused_linear_relu.gradient
def fused_linear_relu_gradient(grad, output, saved, x, weight, bias):
    """With s = g, but 0 where the output is 0 (`masked` of module 02): s W, s^T x, and the sum of s over the rows."""
    ### BEGIN SOLUTION
    slope = masked(grad, output != 0)
    return slope @ weight, slope.T @ x, slope.sum(axis=0)
    ### END SOLUTION


# %% [markdown]
r"""
### 🧪 Unit test: in place and fused

The array itself changes. The fused form has the numbers and gradients of the two, in one and in many pieces.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-fused", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_unit_fused():
    for x in (np.array([-1.0, 2.0, -0.5], np.float32), Tensor([-1.0, 2.0, -0.5])):
        assert relu_inplace(x) is x and np.asarray(x).tolist() == [0, 2, 0]
    np.testing.assert_raises(RuntimeError, relu_inplace, Tensor([-1.0], requires_grad=True))
    for rows in (1, 700):
        arrays = x, weight, bias = [np.random.default_rng(0).normal(size=s) for s in ((rows, 6), (300, 6), (300,))]
        inputs, slope = [Tensor(array, requires_grad=True) for array in arrays], (x @ weight.T + bias > 0).astype(float)
        output = fused_linear_relu(*inputs)
        output.sum().backward()
        assert np.allclose(output.numpy(), np.maximum(x @ weight.T + bias, 0))
        for found, expected in zip(inputs, (slope @ weight, slope.T @ x, slope.sum(axis=0)), strict=True):
            assert np.allclose(found.grad.numpy(), expected)


# %% [markdown]
r"""
### Exercise 4: Winograd's convolution (40 minutes)

**Why.** Kernels of 3 x 3 are the heart of networks for images. Windows move nine times the input; Winograd's tiles move 2.25
times, and take a quarter of the products. An input tile of 6 x 6 gives an output tile of 4 x 4; input tiles overlap by 2.

    +-----+
    |   +-|---+      Tile (r, s) begins at pixel (4 r, 4 s) of the framed images. It is a matrix (36, C): its pixels,
    |   | |   |      all channels. B^T d B, written as a column of 36, is kron(B^T, B^T) d, with the Kronecker product:
    +---|-+   |      each transform is one product for all tiles.
        +-----+

    images (N, H, W, in) -> P tiles (P, 36, in) -> kron(B^T, B^T) @ tiles      (P, 36, in)
    weight (out, in, 3, 3) -> (9, in out)       -> kron(G, G) @ kernels        (36, in, out)
    36 products, one for each of 36 numbers: (P, in) @ (in, out)               (P, 36, out)
    kron(A^T, A^T) @ products: the 4 x 4 pixels of each tile                   (P, 16, out)
    tiles -> images, without what stands over the border                       (N, H', W', out)

Given: the matrices, sizes and buffers. `skewed` leaves 64 bytes between tiles: at large powers of two a cache has few places.
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-winograd-given", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
WINOGRAD = {  # F(4x4, 3x3): B^T, G and A^T of the paper
    "input": [
        [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]
    ],
    "kernel": np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24,
    "output": [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
}


@functools.cache
def transform(name: str, dtype: np.dtype, back: bool = False) -> np.ndarray:
    """kron(M, M) of a matrix above, (36, 36), (36, 9) or (16, 36); back: its transpose."""
    double = np.kron(WINOGRAD[name], WINOGRAD[name]).astype(dtype)
    return np.ascontiguousarray(double.T) if back else double


def skewed(tiles: int, channels: int, dtype: np.dtype) -> np.ndarray:
    """An empty array (tiles, 36, channels), with 64 bytes between two tiles."""
    spare = np.empty((tiles, 36 * channels + 64 // dtype.itemsize), dtype)
    return spare[:, : 36 * channels].reshape(tiles, 36, channels)


def by_number(tiles: np.ndarray) -> np.ndarray:
    """(P, 36, C) seen as 36 matrices (P, C)."""
    return tiles.transpose(1, 0, 2)


class Tiling:
    """How a convolution is cut: (H', W'), (tall, wide) tiles of an image, pieces, and buffers for the longest piece."""

    def __init__(self, x: np.ndarray, weight: np.ndarray, padding: Any) -> None:
        self.padding, self.images, self.dtype = pair("padding", padding, 0), last(x), x.dtype
        (n, h, w, self.inputs), self.outputs = self.images.shape, len(weight)
        self.height, self.width = h + 2 * self.padding[0] - 2, w + 2 * self.padding[1] - 2
        self.tall, self.wide = -(-self.height // 4), -(-self.width // 4)
        self.each = self.tall * self.wide
        self.pieces = pieces(n, 36 * self.each * max(self.inputs, self.outputs), WINOGRAD_PIECE)
        self.most = self.pieces[0].stop
        self.frame = np.zeros((self.most, 4 * self.tall + 4, 4 * self.wide + 4, self.inputs), x.dtype)
        self.tiles = skewed(self.most * self.each, self.inputs, x.dtype)
        self.products = skewed(self.most * self.each, self.outputs, x.dtype)

    def cut(self, images: np.ndarray, size: int) -> np.ndarray:
        """Tiles of size x size, every four pixels, of images (n, H, W, C): a copy (P, size size, C)."""
        (n, _, _, c), (of_n, of_h, of_w, of_c) = images.shape, images.strides
        steps = of_n, 4 * of_h, 4 * of_w, of_h, of_w, of_c
        tiles = as_strided(images, (n, self.tall, self.wide, size, size, c), steps)
        return tiles.reshape(n * self.each, size * size, c)


# %% [markdown]
r"""
**Step 1** transforms the tiles of one piece. **Step 2** is the convolution, which keeps them for backward, or does not.
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-winograd", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def input_tiles(t: Tiling, piece: slice, kept: Any = None) -> np.ndarray:
    """The transformed tiles (P, 36, in) of some images: in their place in `kept`, or in t.tiles for one piece.

    TODO: set the images of the piece into the first places of t.frame, from row ph and column pw on; `t.cut` these into
    tiles of 6; multiply transform("input", t.dtype) by them, with `out=`.
    """
    part, (ph, pw) = t.images[piece], t.padding
    n, h, w, _ = part.shape
    out = t.tiles[: n * t.each] if kept is None else kept[piece.start * t.each : piece.stop * t.each]
    ### BEGIN SOLUTION
    t.frame[:n, ph : ph + h, pw : pw + w] = part
    return np.matmul(transform("input", t.dtype), t.cut(t.frame[:n], 6), out=out)
    ### END SOLUTION


def winograd(x, weight, bias=None, *, stride=1, padding=0, keep=None):
    """conv2d of (N, in, H, W) with (out, in, 3, 3) at stride 1: (N, out, H', W'). Saves the tiles, or None.

    keep: whether the tiles are saved; by default, where gradients are recorded

    TODO: 1. kernels: transform("kernel", t.dtype) times the weight as (9, in out); reshape to (36, in, out);
    2. for each of t.pieces: its tiles; `np.matmul` of tiles and kernels by number, into t.products by number; the pixels
    (P, 16, out) are transform("output", t.dtype) times products; add the bias;
    3. set `output[piece]` to the pixels as (n, tall, wide, 4, 4, out), with axes in the order of output;
    4. reshape to (N, 4 tall, 4 wide, out); cut off what is beyond H' and W'.
    HINT: `weight.transpose(2, 3, 1, 0)` is (3, 3, in, out). Return `first` of a contiguous array, and `kept`.
    """
    t, keep = Tiling(x, weight, padding), engine.grad_enabled if keep is None else keep
    output = np.empty((len(x), t.tall, 4, t.wide, 4, t.outputs), t.dtype)
    kept = skewed(len(x) * t.each, t.inputs, t.dtype) if keep else None
    ### BEGIN SOLUTION
    kernels = transform("kernel", t.dtype) @ weight.transpose(2, 3, 1, 0).reshape(9, -1)
    for piece in t.pieces:
        tiles = input_tiles(t, piece, kept)
        products = t.products[: len(tiles)]
        np.matmul(by_number(tiles), kernels.reshape(36, t.inputs, t.outputs), out=by_number(products))
        pixels = transform("output", t.dtype) @ products
        if bias is not None:
            pixels += bias
        output[piece] = pixels.reshape(-1, t.tall, t.wide, 4, 4, t.outputs).transpose(0, 1, 3, 2, 4, 5)
    output = output.reshape(len(x), 4 * t.tall, 4 * t.wide, t.outputs)[:, : t.height, : t.width]
    return first(np.ascontiguousarray(output)), kept
    ### END SOLUTION


# %% [markdown]
r"""
### 🧪 Unit test: Winograd forward

Against module 06 in float64: sizes of all remainders by four, padding that differs, no bias, and more than one piece.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-winograd", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
SIZES = [((2, 3, 8, 8), 1), ((1, 2, 3, 3), 0), ((3, 2, 5, 6), 1), ((2, 2, 7, 10), (2, 0)), ((40, 16, 12, 9), 1)]


def test_unit_winograd():
    for shape, padding in SIZES:
        x, weight, bias = (np.random.default_rng(0).normal(size=s) for s in (shape, (4, shape[1], 3, 3), (4,)))
        expected = slow("conv2d")[0](x, weight, bias, padding=padding)[0]
        output = winograd(x, weight, bias, padding=padding)[0]
        assert output.shape == expected.shape and np.allclose(output, expected, atol=1e-12), shape
        assert np.allclose(winograd(x, weight, padding=padding)[0] + bias[:, None, None], expected)


# %% [markdown]
r"""
### Exercise 5: its gradients (30 minutes)

**Why.** Each step is linear, so each step of backward is a transpose, in reverse order. With the transformed tiles V and kernels
U, forward computes M = V U for each of the 36 numbers:

    dM = kron(A, A) @ tiles of grad     4 x 4, no overlap             (P, 16, out) -> (P, 36, out)
    dU = V^T dM                         36 times, summed over pieces  (in, P) @ (P, out)
    dV = dM U^T                         36 times                      (P, out) @ (out, in)
    d tiles = kron(B, B) @ dV           tiles overlap: add them up    (P, 36, in)
    d weight = kron(G, G)^T dU                                        (36, in out) -> (9, in out)

With `keep=False`, forward did not save V, 2.25 times the images, and backward computes it again: **recomputation**. Nobody wants the
gradient of the images that a network begins with, so dV is made on request: in one pass with dU, as both need dM. Rows 4-5 of a tile of 6 x 6 belong to the block of 4 x 4 below, columns 4-5 to that on the right, what is in both to that across.
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-winograd-gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def add_tiles(tiles: np.ndarray, blocks: np.ndarray) -> None:
    """Set blocks (n, tall + 1, 4, wide + 1, 4, C) to the sum of tiles (n, tall, wide, 6, 6, C).

    TODO: set the last row and the last column of blocks to 0, the others to the first 4 x 4 of each tile. Then add three
    parts: [4:, :4] to the blocks below, [:4, 4:] to those on the right, [4:, 4:] to those across.
    HINT: `tiles.transpose(0, 1, 3, 2, 4, 5)`, (n, tall, 6, wide, 6, C), has the axes of blocks.
    """
    tall, wide = tiles.shape[1:3]
    ### BEGIN SOLUTION
    parts = tiles.transpose(0, 1, 3, 2, 4, 5)
    blocks[:, tall:], blocks[:, :, :, wide:] = 0, 0
    blocks[:, :tall, :, :wide] = parts[:, :, :4, :, :4]
    blocks[:, 1:, :2, :wide] += parts[:, :, 4:, :, :4]
    blocks[:, :tall, :, 1:, :2] += parts[:, :, :4, :, 4:]
    blocks[:, 1:, :2, 1:, :2] += parts[:, :, 4:, :, 4:]
    ### END SOLUTION


def winograd_slopes(grad, saved, x, weight, padding, of_images: bool) -> tuple:
    """The gradient of the images, if they want one, else None, and that of the weight.

    TODO: for each piece: its tiles, `input_tiles` if none were saved; set its part of grad into `whole`, whose zeros are beyond
    the border, and `t.cut` it into tiles of 4; dM; add dU. If of_images: dV, d tiles, `add_tiles`; set `slopes[piece]` to H rows
    and W columns of `back`, from (ph, pw) on. At the end, reshape d weight to (3, 3, in, out), and transpose it back.
    HINT: transform(..., back=True) is a transpose. t.products are free for dM, `spare` is for dV.
    """
    t, grad, result, dtype = Tiling(x, weight, padding), last(grad), like(x), x.dtype
    kernels = (transform("kernel", dtype) @ weight.reshape(-1, 9).T).reshape(36, t.outputs, t.inputs)  # U^T
    whole, spare = np.zeros((t.most, 4 * t.tall, 4 * t.wide, t.outputs), dtype), skewed(len(t.tiles), t.inputs, dtype)
    back, of_kernels = np.empty_like(t.frame), np.zeros((36, t.inputs, t.outputs), dtype)
    blocks = back.reshape(t.most, t.tall + 1, 4, t.wide + 1, 4, t.inputs)
    slopes, (h, w), (ph, pw) = last(result), x.shape[2:], t.padding
    ### BEGIN SOLUTION
    for piece in t.pieces:
        n, place = piece.stop - piece.start, slice(piece.start * t.each, piece.stop * t.each)
        tiles = input_tiles(t, piece) if saved is None else saved[place]
        whole[:n, : t.height, : t.width] = grad[piece]
        products, part = t.products[: len(tiles)], spare[: len(tiles)]
        np.matmul(transform("output", dtype, back=True), t.cut(whole[:n], 4), out=products)
        of_kernels += by_number(tiles).transpose(0, 2, 1) @ by_number(products)
        if of_images:
            np.matmul(by_number(products), kernels, out=by_number(part))
            part = transform("input", dtype, back=True) @ part
            add_tiles(part.reshape(n, t.tall, t.wide, 6, 6, t.inputs), blocks[:n])
            slopes[piece] = back[:n, ph : ph + h, pw : pw + w]
    of_weight = transform("kernel", dtype, back=True) @ of_kernels.reshape(36, -1)
    of_weight = of_weight.reshape(3, 3, t.inputs, t.outputs).transpose(3, 2, 0, 1)
    return result if of_images else None, np.ascontiguousarray(of_weight)
    ### END SOLUTION


def winograd_gradient(grad, output, saved, x, weight, bias=None, *, stride=1, padding=0):
    """One array for x, weight and, if there is one, bias; those of x and weight on request. Given."""
    made: list = []

    def slope(place: int) -> np.ndarray:
        if not made or made[place] is None:
            made[:] = winograd_slopes(grad, saved, x, weight, padding, of_images=place == 0)
        return made[place]

    slopes = [lambda: slope(0), lambda: slope(1)]
    return slopes if bias is None else [*slopes, last(grad).sum(axis=(0, 1, 2))]


# %% [markdown]
r"""
### 🧪 Unit test: Winograd backward

Gradients agree to ten digits with those of module 06, which finite differences have checked; in float32 to four.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-winograd-gradient", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def results(form: Any, arrays: list, options: dict) -> list[np.ndarray]:
    """Output and gradients of a form of a primitive, for a gradient that is always the same."""
    output, saved = made if isinstance(made := form[0](*arrays, **options), tuple) else (made, None)
    grad = np.random.default_rng(1).normal(size=output.shape).astype(arrays[0].dtype)
    slopes = [s() if callable(s) else s for s in form[1](grad, output, saved, *arrays, **options)]
    return [output, *(slope for slope in slopes if slope is not None)]


def assert_same(name: str, *arrays: Any, **options: Any) -> None:
    """Results of a kernel are those of the slow form, in float64 and in float32."""
    for dtype, digits in ((np.float64, 1e-10), (np.float32, 1e-4)):
        typed = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
        pairs = zip(results(slow(name), typed, options), results(KERNELS[name][1:], typed, options), strict=True)
        for old, new in pairs:
            assert new.shape == old.shape and new.dtype == old.dtype, (name, options)
            assert np.allclose(new, old, rtol=0, atol=digits * abs(old).max(initial=1)), (name, options)


def test_unit_winograd_gradient():
    for shape, padding in SIZES:
        arrays = [np.random.default_rng(0).normal(size=s) for s in (shape, (4, shape[1], 3, 3), (4,))]
        for count in (2, 3):
            assert_same("conv2d", *arrays[:count], padding=padding)
        grad, kept = winograd(*arrays, padding=padding)
        for of_images in (True, False):
            kept_or_not = [winograd_slopes(grad, s, *arrays[:2], padding, of_images) for s in (kept, None)]
            assert all(a is b is None or np.allclose(a, b) for a, b in zip(*kept_or_not, strict=True))


# %% [markdown]
r"""
### Exercise 6: pooling two by two (15 minutes)

**Why.** Pooling does one comparison for each number, so bandwidth decides. Compare two columns, then two rows, and save two
masks: backward reads no more, and moves bits, as 0 times infinity were NaN. The first of equals gets `grad`; NaN is largest.

    1 5 2 2   columns   5 2                  right   T F     below          grad (10, 20):   0 10  0  0
    0 5 3 1     ->      5 3  rows ->  5 3            T F             F T                     0  0 20  0
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-pool", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def larger(first: np.ndarray, second: np.ndarray, maximum: np.ndarray, mask: np.ndarray) -> None:
    """Write the larger of two into `maximum`, NaN before all, and into `mask` where it is the second alone. Given."""
    np.greater(second, first, out=mask)
    if np.isnan(np.maximum(first, second, out=maximum)).any():
        mask |= np.isnan(second) & ~np.isnan(first)


def pool_pairs(x, *, kernel_size, stride=None):
    """max_pool2d for windows of 2 x 2, side by side: (N, C, H, W) -> (N, C, H // 2, W // 2). Saves two masks.

    TODO: for each of `pieces` of images, without a row or column that is left over: the `larger` of left columns (`::2`) and
    right ones; of that, the larger of upper rows and lower ones.
    """
    images, (n, channels, h, w) = last(x), x.shape
    right, below = (np.empty((n, rows, w // 2, channels), bool) for rows in (h // 2 * 2, h // 2))
    output = np.empty(below.shape, x.dtype)
    ### BEGIN SOLUTION
    for piece in pieces(n, h * w * channels):
        part = images[piece, : h // 2 * 2, : w // 2 * 2]
        rows = np.empty(right[piece].shape, x.dtype)
        larger(part[:, :, ::2], part[:, :, 1::2], rows, right[piece])
        larger(rows[:, ::2], rows[:, 1::2], output[piece], below[piece])
    return first(output), (right, below)
    ### END SOLUTION


def pool_pairs_gradient(grad, output, saved, x, *, kernel_size, stride=None):
    """Each number of `grad` goes to the pixel of its window that was the maximum.

    TODO: for each piece, in bits: grad times `below` goes to lower rows, the rest of it to upper rows; of these, what is
    `right` goes to right columns, the rest to left ones.
    """
    (right, below), grad, result, (n, channels, h, w) = saved, last(grad).view(f"i{x.itemsize}"), like(x), x.shape
    slopes = last(result).view(grad.dtype)  # whole numbers that are the bits
    slopes[:, h // 2 * 2 :], slopes[:, :, w // 2 * 2 :] = 0, 0
    ### BEGIN SOLUTION
    for piece in pieces(n, h * w * channels):
        rows, part = np.empty(right[piece].shape, grad.dtype), slopes[piece, : h // 2 * 2, : w // 2 * 2]
        np.multiply(grad[piece], below[piece], out=rows[:, 1::2])
        np.subtract(grad[piece], rows[:, 1::2], out=rows[:, ::2])
        np.multiply(rows, right[piece], out=part[:, :, 1::2])
        np.subtract(rows, part[:, :, 1::2], out=part[:, :, ::2])
    return (result,)
    ### END SOLUTION


# %% [markdown]
r"""
### Exercise 7: norms in pieces (25 minutes)

**Why.** A norm is a handful of cheap operations on large arrays; in whole arrays, each goes to memory.

**BatchNorm** forward is $y = s x + t$ with $s = w / \sigma$ and $t = b - \mu s$, two numbers for a channel. Backward, with M
numbers in a channel, is $dx = s g + p x + q$ (p = q = 0 if not training). With channels last, a sum for each channel is
`ones @ rows`, a product for BLAS. Given: `long_rows` joins pixels to rows of 2^11 numbers, as each row costs NumPy something.

    db = sum of g      dw = (sum of g x - mu db) / sigma      p = -s dw / (sigma M)      q = -s db / M - p mu

**LayerNorm** of a row: $\hat x = (x - \mu) / \sigma$, $y = w \hat x + b$. Backward, with $h = w g$ and a bar for the mean of a
row: $dx = (h - \overline{h} - \hat x\, \overline{h \hat x}) / \sigma$.

    x = (1, 3): mu 2, sigma 1, x^ = (-1, 1).  g = (1, 0), w = 1: h = (1, 0), the means are 1/2 and -1/2,
    dx = (1 - 1/2 - 1/2, 0 - 1/2 + 1/2) = (0, 0): two numbers are -1 and 1 after the norm, wherever they were
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-norms", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def long_rows(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) channels last, as rows of many pixels: (rows, pixels of a row * C). Given."""
    images = last(x)
    width = images.shape[-1]
    for size in reversed(images.shape[1:-1]):
        width *= size if width < 2**11 else 1
    return images.reshape(-1, width)


def repeated(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One number for each channel, repeated for each pixel of a row, in the dtype of rows. Given."""
    return np.tile(values.astype(rows.dtype), rows.shape[1] // len(values))


def batch_norm_pieces(x, weight, bias, statistics=None, training=True, eps=1e-5):
    """batch_norm with given statistics, mean and variance (C,). Saves the mean and 1 / sigma.

    TODO: s and t, repeated. For each of `pieces(*rows.shape)`: the product with s, with `out=`, then add t.
    """
    (mean, var), result, rows = statistics, like(x), long_rows(x)
    output, inverse = long_rows(result), 1 / np.sqrt(var + eps)
    ### BEGIN SOLUTION
    scale, shift = repeated(weight * inverse, rows), repeated(bias - mean * weight * inverse, rows)
    for piece in pieces(*rows.shape):
        part = np.multiply(rows[piece], scale, out=output[piece])
        part += shift
    return result, (mean, inverse)
    ### END SOLUTION


def batch_norm_pieces_gradient(grad, output, saved, x, weight, bias, statistics=None, training=True, eps=1e-5):
    """One array for x, weight and bias each.

    TODO: 1. for each piece, add to `sums` `ones @ g`, and the sum of g x down the rows; sum over the pixels of a row;
    2. dw, db, p, q by the table, repeated; 3. for each piece s g + p x + q, with `out=`.
    HINT: `np.einsum("rc,rc->c", a, b)` sums products. `spare` has room for p x + q.
    """
    (mean, inverse), channels, count, result = saved, x.shape[1], x.size // x.shape[1], like(x)
    rows, slopes, output = long_rows(x), long_rows(grad), long_rows(result)
    cut, sums = pieces(*rows.shape), np.zeros((2, rows.shape[1]))
    spare = np.empty_like(rows[cut[0]])
    ### BEGIN SOLUTION
    for piece in cut:
        g = slopes[piece]
        sums += np.ones(len(g), g.dtype) @ g, np.einsum("rc,rc->c", g, rows[piece])
    of_bias, of_weight = sums.reshape(2, -1, channels).sum(axis=1)
    of_weight = (of_weight - mean * of_bias) * inverse
    s = weight * inverse
    p = -s * inverse * of_weight / count * training
    q = -s * of_bias / count * training - p * mean
    s, p, q = (repeated(values, rows) for values in (s, p, q))
    for piece in cut:
        moved = np.multiply(rows[piece], p, out=spare[: piece.stop - piece.start])
        moved += q
        part = np.multiply(slopes[piece], s, out=output[piece])
        part += moved
    return result, of_weight.astype(weight.dtype), of_bias.astype(bias.dtype)
    ### END SOLUTION


def layer_norm_pieces(x, weight, bias, eps=1e-5):
    """layer_norm over the last dimensions, those of weight. Saves x^ (rows, D) and 1 / sigma (rows, 1).

    TODO: for each piece: x minus the mean of its row, into x^; the same once more, as far from 0 rounding leaves some; times
    1 / sigma; then w x^ + b into the output.
    HINT: `rows @ share` is the mean of each row, and `np.vecdot(a, a)` the sum of squares.
    """
    rows = np.ascontiguousarray(x).reshape(-1, weight.size)
    share, scale, shift = np.full(weight.size, 1 / weight.size, x.dtype), weight.ravel(), bias.ravel()
    output, normal, inverse = np.empty_like(rows), np.empty_like(rows), np.empty((len(rows), 1), x.dtype)
    ### BEGIN SOLUTION
    for piece in pieces(*rows.shape):
        part = np.subtract(rows[piece], (rows[piece] @ share)[:, None], out=normal[piece])
        part -= (part @ share)[:, None]
        inverse[piece, 0] = 1 / np.sqrt(np.vecdot(part, part) / weight.size + eps)
        part *= inverse[piece]
        np.multiply(part, scale, out=output[piece])
        output[piece] += shift
    return output.reshape(x.shape), (normal, inverse)
    ### END SOLUTION


def layer_norm_pieces_gradient(grad, output, saved, x, weight, bias, eps=1e-5):
    """One array for x, weight and bias each.

    TODO: for each piece: g x^; add the sums down the rows of it and of g to `sums`, for weight and bias; the means of h and
    h x^, which are products with w / D; then dx by the formula, with `out=`.
    """
    (normal, inverse), slopes, scale = saved, np.ascontiguousarray(grad).reshape(-1, weight.size), weight.ravel()
    share, result, sums = scale / weight.size, np.empty_like(slopes), np.zeros((2, weight.size))
    ### BEGIN SOLUTION
    for piece in pieces(*slopes.shape):
        g, part = slopes[piece], result[piece]
        product, ones = g * normal[piece], np.ones(len(g), g.dtype)
        sums += ones @ product, ones @ g
        np.multiply(g, scale, out=part)
        part -= (g @ share)[:, None]
        part -= np.multiply(normal[piece], (product @ share)[:, None], out=product)
        part *= inverse[piece]
    return result.reshape(x.shape), *(total.reshape(weight.shape).astype(weight.dtype) for total in sums)
    ### END SOLUTION


# %% [markdown]
r"""
### Exercise 8: cross-entropy and GELU in pieces (15 minutes)

**Why.** Forward has computed what backward needs. The gradient of cross-entropy is (softmax(x) - q) / N, three operations away
while the exponentials are in the cache. So save the *gradient*; backward multiplies it by one number. GELU takes twenty passes
over its input: module 03's own functions, called for a piece, make them all in the cache.

    logits (1, 3), N = 1, target 0:   e^x = (2.72, 20.1), sum 22.8, softmax (0.12, 0.88)
                                      loss = log 22.8 - 1 = 2.13, saved = (0.12 - 1, 0.88)
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@np.errstate(invalid="ignore")  # infinity gives NaN where it must, in silence
def cross_entropy_pieces(logits, targets, label_smoothing=0.0):
    """The mean of log(sum of e^x) - (sum of q x) over the rows of (N, C). Saves the gradient, (N, C).

    targets: (N,), whole numbers. q is s / C everywhere, and 1 - s more at the target.

    TODO: for each piece: x minus the largest of its row, into its part of `slopes`; add what of the loss needs x to `total`;
    then e^x in place; the log of its sums to `total`; softmax minus q, divided by N.
    HINT: `part[rows, targets[piece]]` picks one number of each row. Sum with dtype=np.float64.
    """
    logits, targets, even = np.ascontiguousarray(logits), np.asarray(targets), label_smoothing
    (n, classes), slopes, total = logits.shape, np.empty_like(logits), 0.0
    ### BEGIN SOLUTION
    for piece in pieces(n, classes):
        rows, part = np.arange(piece.stop - piece.start), logits[piece]
        part = np.subtract(part, part[rows, part.argmax(axis=1)][:, None], out=slopes[piece])
        total -= (1 - even) * part[rows, targets[piece]].sum(dtype=np.float64)
        total -= even and even / classes * part.sum(dtype=np.float64)
        sums = np.exp(part, out=part) @ np.ones((classes, 1), part.dtype)
        total += np.log(sums).sum(dtype=np.float64)
        part *= 1 / (n * sums)
        part[rows, targets[piece]] -= (1 - even) / n
        if even:
            part -= even / (classes * n)
    return np.asarray(total / n, logits.dtype), slopes
    ### END SOLUTION


def cross_entropy_pieces_gradient(grad, output, saved, logits, targets, label_smoothing=0.0):
    """What was saved, times g, for the logits; None for the targets."""
    ### BEGIN SOLUTION
    return saved * grad, None
    ### END SOLUTION


def gelu_pieces(a):
    """GELU of each element, by module 03, in pieces. Saves the slope.

    TODO: for each of `pieces(size, 1)` of the flat array: output and saved of the slow form; then its gradient for ones is
    the slope, made while all is in the cache: `gradient(ones, output, saved, part)[0]`.
    """
    flat, (forward, gradient) = np.ascontiguousarray(a).reshape(-1), slow("gelu")
    output, slopes = np.empty_like(flat), np.empty_like(flat)
    ### BEGIN SOLUTION
    for piece in pieces(len(flat), 1):
        output[piece], saved = forward(flat[piece])
        (slopes[piece],) = gradient(np.ones_like(flat[piece]), output[piece], saved, flat[piece])
    return output.reshape(a.shape), slopes.reshape(a.shape)
    ### END SOLUTION


def gelu_pieces_gradient(grad, output, saved, a):
    """What was saved, times g."""
    ### BEGIN SOLUTION
    return (saved * grad,)
    ### END SOLUTION


# %% [markdown]
r"""
### 🧪 Unit test: pooling, norms, cross-entropy, GELU

Each against its slow form, in both dtypes and many pieces: equal pixels, odd sizes, training and use, far from 0, smoothing.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-pieces", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_pieces():
    rng = np.random.default_rng(0)
    for shape in ((1, 1, 2, 2), (3, 2, 5, 7), (2, 4, 6, 3), (30, 8, 32, 32)):
        assert_same("max_pool2d", rng.integers(-4, 0, shape).astype(float), kernel_size=(2, 2))
        assert_same("max_pool2d", rng.normal(size=shape), kernel_size=2)
    for shape in ((4, 3), (2, 5, 7), (20, 16, 24, 24)):
        arrays, others = [rng.normal(size=s) for s in (shape, shape[1], shape[1])], (0, *range(2, len(shape)))
        statistics = arrays[0].mean(axis=others), arrays[0].var(axis=others)
        for training in (True, False):
            assert_same("batch_norm", *arrays, statistics=statistics, training=training)
    for shape, row in (((5, 4), (4,)), ((2, 3, 4), (3, 4)), ((500, 7, 30), (30,))):
        assert_same("layer_norm", *(rng.normal(3, 1, s) for s in (shape, row, row)))
    far = (rng.normal(size=(4, 64)) + 1e4).astype(np.float32)
    flat = layer_norm_pieces(far, np.ones(64, np.float32), np.zeros(64, np.float32))[0]
    assert abs(flat.mean(axis=1)).max() < 1e-4 and abs(flat.std(axis=1) - 1).max() < 1e-3
    for (n, classes), smoothing in (((1, 2), 0.0), ((7, 3), 0.1), ((9000, 10), 0.0), ((9000, 10), 0.1)):
        logits, targets = 9 * rng.normal(size=(n, classes)), rng.integers(0, classes, n)
        assert_same("cross_entropy", logits, targets, label_smoothing=smoothing)
    for shape in ((1,), (2, 3), (300, 257)):
        assert_same("gelu", 3 * rng.normal(size=shape))


# %% [markdown]
r"""
### Exercise 9: products of integers (10 minutes)

**Why.** If $a \approx s_a (q_a - z_a)$, then $\sum a b \approx s_a s_b \sum (q_a - z_a)(q_b - z_b)$, with int8 of a quarter of the
bytes. The sum needs int32: in int8, 100 times 100 is 16. NumPy's products of integers are slow, but float32 holds every whole
number up to 2^24, and 1024 products of int8 sum to at most 1024 x 2^14 = 2^24: BLAS multiplies blocks of 1024 *exactly*.

    sum of (a - za)(b - zb) = sum of a b - za (sum of b) - zb (sum of a) + k za zb
    a = (100, 100), b = (100, 50), za = 10, zb = 0:   15,000 - 10 x 150 = 13,500 = 90 x 100 + 90 x 50
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-quantized", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def quantized_matmul(a, b, scale_a: Any = 1.0, scale_b: Any = 1.0, zero_a: int = 0, zero_b: int = 0) -> np.ndarray:
    """The float32 product (n, m) of what int8 matrices (n, k) and (k, m) stand for: scale_a (a - zero_a), scale_b (b - zero_b).

    scale_a: a number, or (n,), one for each row. scale_b: a number, or (m,), one for each column.
    Raises TypeError unless both are int8, ValueError for other shapes.

    TODO: 1. for each block of 1024 along k, multiply as float32 and add as int32; 2. take the zero points away, by sums of
    dtype int32; 3. multiply by both scales. HINT: `np.reshape(scale_a, (-1, 1))` makes a column of a number, and of (n,).
    """
    check_matrices(a, b)
    if a.dtype != np.int8 or b.dtype != np.int8:
        raise TypeError(f"quantized_matmul takes int8 matrices, got {a.dtype} and {b.dtype}")
    ### BEGIN SOLUTION
    total = np.full((len(a), b.shape[1]), len(b) * int(zero_a) * int(zero_b), np.int32)
    for start in range(0, len(b), 1024):
        left, right = a[:, start : start + 1024], b[start : start + 1024]
        total += (left.astype(np.float32) @ right.astype(np.float32)).astype(np.int32)
    total -= zero_a * b.sum(axis=0, dtype=np.int32) + zero_b * a.sum(axis=1, dtype=np.int32)[:, None]
    return (total * np.reshape(scale_a, (-1, 1)) * np.reshape(scale_b, (1, -1))).astype(np.float32)
    ### END SOLUTION


# %% [markdown]
r"""
### 🧪 Unit test: integers

Sums that int8 and int16 cannot hold, more than one block, zero points, a scale for each row and column.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-quantized", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_quantized():
    a, b, least = np.array([[100, 100]], np.int8), np.array([[100], [50]], np.int8), np.full((1, 3000), -128, np.int8)
    assert quantized_matmul(a, b, zero_a=10).tolist() == [[13500]]
    assert quantized_matmul(least, least.T).tolist() == [[3000 * 128 * 128]]
    a, b = (np.random.default_rng(0).integers(-128, 128, s).astype(np.int8) for s in ((3, 2050), (2050, 4)))
    left, right = (a - 7.0) * np.array([[0.1], [0.2], [3]]), (b + 5.0) * [0.5, 1, 2, 4]
    found = quantized_matmul(a, b, [0.1, 0.2, 3], [0.5, 1, 2, 4], 7, -5)
    assert found.dtype == np.float32 and np.allclose(found, left @ right, rtol=1e-5)
    np.testing.assert_raises(TypeError, quantized_matmul, a.astype(np.int16), b)


# %% [markdown]
r"""
### Exercise 10: two at a time (15 minutes)

**Why.** Python runs one thread at a time, but NumPy lets others run while it computes on large arrays. And the gradient of a mean
over a batch is that of its parts, weighed by their sizes:

    batch of 5 --+-- rows 0-2 -> model     -> loss x 3/5 -> gradients --+--> added: those of the batch
                 +-- rows 3-4 -> its copy  -> loss x 2/5 -> gradients --+

Each thread needs a `.grad` of its own, so all but the first have a copy of the model whose parameters share the model's *arrays*.
All else is each copy's own: BatchNorm sees a part of the batch, as in PyTorch; Dropout draws in the order in which threads ask.
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-parallel", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def parallel_map(function: Callable, items: Iterable, workers: int = 2) -> list:
    """[function(item) for item in items] by `workers` threads, in the order of items.

    Raises what `function` raised, for the first such item; ValueError for less than one worker.

    TODO: check; `with ThreadPoolExecutor(workers) as pool:`, the list of `pool.map(...)`.
    """
    ### BEGIN SOLUTION
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers!r}")
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))
    ### END SOLUTION


class DataParallel:
    """Gradients of a batch by several threads. `loss_function(model(x), targets)` is a mean over the rows of a batch."""

    def __init__(self, model: Module, loss_function: Callable, workers: int = 2) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers!r}")
        self.models = [model, *(copy.deepcopy(model) for _ in range(workers - 1))]
        self.loss_function, self.pool = loss_function, ThreadPoolExecutor(workers)  # to start threads takes time: kept

    def backward(self, x: Tensor, targets: Any) -> float:
        """Add the gradient of the mean loss of the batch to `.grad` of the model; return that loss.

        TODO: 1. cut the N rows into slices at `N * i // workers`; 2. `self.pool.map(part, ...)` over pairs of a model and
        its slice, those without rows left out; 3. for each pair in `shared`, add the gradient of the copy's parameter to that of
        the model's. HINT: `.grad` is None where a parameter was not used.
        """
        n, workers, targets, (model, *copies) = len(x), len(self.models), np.asarray(targets), self.models
        shared = [both for c in copies for both in zip(model.parameters(), c.parameters(), strict=True)]
        for own, other in shared:
            other.data, other.grad = own.data, None
        for replica in copies:
            replica.train() if model.training else replica.eval()

        def part(pair: tuple[Module, slice]) -> float:
            """Walk back from the share of the loss that a slice of the rows has. Given."""
            loss = self.loss_function(pair[0](x[pair[1]]), targets[pair[1]]) * ((pair[1].stop - pair[1].start) / n)
            loss.backward()
            return loss.item()

        ### BEGIN SOLUTION
        cuts = [slice(n * i // workers, n * (i + 1) // workers) for i in range(workers)]
        pairs = zip(self.models, cuts, strict=True)
        losses = list(self.pool.map(part, [p for p in pairs if p[1].start < p[1].stop]))
        for own, other in shared:
            if other.grad is not None:
                own.grad = other.grad if own.grad is None else own.grad + other.grad
        return sum(losses)
        ### END SOLUTION


# %% [markdown]
r"""
### 🧪 Unit test: threads

Two calls that wait for each other end together. An odd batch gives the same by one, two and three threads; a second call adds.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-parallel", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_parallel():
    import threading

    together = threading.Barrier(2)
    assert parallel_map(lambda item: (together.wait(10), 10 * item)[1], iter(range(4))) == [0, 10, 20, 30]
    np.testing.assert_raises(ZeroDivisionError, parallel_map, lambda n: 1 // n, [1, 0, 2])
    np.testing.assert_raises(ValueError, parallel_map, abs, [1], 0)
    np.testing.assert_raises(ValueError, DataParallel, Conv2d(1, 1, 1), CrossEntropyLoss(), 0)
    x, targets, loss_function = Tensor(np.random.default_rng(0).normal(size=(7, 2, 3, 3))), np.arange(7) % 4, CrossEntropyLoss()
    for workers in (1, 2, 3):
        layer = Conv2d(2, 4, 3, bias=False)
        layer.weight.data = layer.weight.data.astype(np.float64)
        step = DataParallel(layer, lambda y, t: loss_function(y.reshape(-1, 4), t), workers)
        losses = [step.backward(x, targets) for _ in range(2)]
        twice, layer.weight.grad = layer.weight.grad.numpy(), None
        loss = loss_function(layer(x).reshape(-1, 4), targets)
        loss.backward()
        assert np.allclose(losses, loss.item()) and np.allclose(twice, 2 * layer.weight.grad.numpy())


# %% [markdown]
r"""
### Exercise 11: plug it in (10 minutes)

**Why.** The engine looks for a primitive by its name, so a kernel takes its place by one line. Each kernel says where it applies;
elsewhere the slow form works, and raises its own errors. A gradient must belong to the form that made the output, also where the
switch was moved in between: `Kept` marks what a kernel saved. Given: the table, and `replacing`, which joins the two forms.

    conv2d(x, w) -> engine.implementations["conv2d"] = chosen:  applies?  -- yes --> winograd   -> output, Kept(saved)
                                                                          -- no  --> module 06  -> output, saved
    backward     -> rule: is saved a Kept?  -- yes --> winograd_gradient, else that of module 06
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-table", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
class Kept(NamedTuple):
    """What a fast forward saved: its gradient must be the fast one too."""

    saved: Any


def floats(*arrays: Any) -> bool:
    """Whether all are arrays with numbers in them, all float32 or all float64."""
    good = all(isinstance(a, np.ndarray) and a.size for a in arrays)
    return good and {a.dtype.str[1:] for a in arrays} in ({"f4"}, {"f8"})


def winograd_applies(x, weight, bias=None, *, stride=1, padding=0) -> bool:
    """3 x 3 at stride 1, 16 channels or more on both sides, and tiles that are two thirds full or more."""
    good = floats(x, weight, *([] if bias is None else [bias])) and x.ndim == 4 and stride in (1, (1, 1))
    if not good or weight.shape[1:] != (x.shape[1], 3, 3) or min(weight.shape[:2]) < 16:
        return False
    h, w = (s + 2 * p - 2 for s, p in zip(x.shape[2:], pair("padding", padding, 0), strict=True))
    return min(h, w) >= 1 and 3 * h * w >= 32 * -(-h // 4) * -(-w // 4)


def pool_applies(x, *, kernel_size, stride=None) -> bool:
    pairs = kernel_size in (2, (2, 2)) and stride in (None, 2, (2, 2))
    return pairs and floats(x) and x.ndim == 4 and min(x.shape[2:]) >= 2


def batch_norm_applies(x, weight, bias, statistics=None, training=True, eps=1e-5) -> bool:
    """Statistics are there, and no mean lies so far from 0 that sums of g x would lose digits."""
    near = statistics is not None and (statistics[0] ** 2 <= 16 * (statistics[1] + eps)).all()
    return near and floats(x, weight, bias)


def layer_norm_applies(x, weight, bias, eps=1e-5) -> bool:
    return floats(x, weight, bias) and x.shape[-weight.ndim :] == weight.shape


def cross_entropy_applies(logits, targets, label_smoothing=0.0) -> bool:
    targets = np.asarray(targets)
    good = floats(logits) and logits.ndim == 2 and targets.shape == logits.shape[:1] and targets.dtype.kind in "iu"
    return good and 0 <= targets.min() <= targets.max() < logits.shape[1]


KERNELS = {  # primitive: where its fast form applies, forward, gradient
    "conv2d": (winograd_applies, winograd, winograd_gradient),
    "max_pool2d": (pool_applies, pool_pairs, pool_pairs_gradient),
    "batch_norm": (batch_norm_applies, batch_norm_pieces, batch_norm_pieces_gradient),
    "layer_norm": (layer_norm_applies, layer_norm_pieces, layer_norm_pieces_gradient),
    "cross_entropy": (cross_entropy_applies, cross_entropy_pieces, cross_entropy_pieces_gradient),
    "gelu": (floats, gelu_pieces, gelu_pieces_gradient),
}


def slow(name: str) -> tuple[Callable, Callable]:
    """Forward and gradient of a primitive as its own module declared them."""
    forward = engine.implementations[name]
    return getattr(forward, "slow", (forward, engine.gradients.get(name)))


def replacing(name: str) -> tuple[Callable, Callable]:
    """Forward and gradient that use the kernel of this name where it applies, else the slow form."""
    (applies, fast, fast_gradient), (forward, gradient) = KERNELS[name], slow(name)

    def chosen(*arrays: Any, **options: Any) -> Any:
        if not applies(*arrays, **options):
            return forward(*arrays, **options)
        output, saved = fast(*arrays, **options)
        return output, Kept(saved)

    def rule(grad: Any, output: Any, saved: Any, *arrays: Any, **options: Any) -> Any:
        if isinstance(saved, Kept):
            return fast_gradient(grad, output, saved.saved, *arrays, **options)
        return gradient(grad, output, saved, *arrays, **options)

    chosen.slow = forward, gradient  # what `slow` finds
    return chosen, rule


# %% nbgrader={"grade": false, "grade_id": "kernels-switch", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def use_fast_kernels(on: bool = True) -> None:
    """Plug the kernels of this module into the primitives, or take them out again.

    Results are the same to 1e-4 (float32) or 1e-10 (float64) of the largest. Twice is the same as once. What was recorded before
    the switch is walked back by the form that made it.

    TODO: for each name in KERNELS that `engine.implementations` has: set its implementation and its gradient to those of
    `replacing(name)`, or of `slow(name)` if not `on`.
    """
    ### BEGIN SOLUTION
    for name in KERNELS.keys() & engine.implementations.keys():
        engine.implementations[name], engine.gradients[name] = replacing(name) if on else slow(name)
    ### END SOLUTION


# %% [markdown]
r"""
## Systems Analysis

Measured on this machine: **memory** of tiles beside all windows, and of pieces beside whole arrays; **computational complexity** of
three ways to do the same operations; **cache and hardware**, the best size of a piece, and how near the roof each kernel is; **at
scale**, what two threads gain.
"""

# %% nbgrader={"grade": false, "grade_id": "kernels-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
def draws(*shape: int) -> np.ndarray:
    """float32 numbers; images (N, C, H, W) lie channels last in memory."""
    numbers = np.random.default_rng(0).standard_normal(shape, np.float32)
    return first(last(numbers)) if len(shape) == 4 else numbers


def analyze_memory() -> None:
    x, weight, a = draws(64, 32, 16, 16), draws(64, 32, 3, 3), draws(2048, 2048)
    again = functools.partial(winograd, keep=False)
    for name, forward in (("windows", slow("conv2d")[0]), ("tiles", winograd), ("tiles, twice", again)):
        peak, kept = (f(lambda w=forward: w(x, weight, padding=1)) / x.nbytes for f in (peak_bytes, kept_bytes))
        print(f"  conv2d by {name:12}: {peak:4.1f} times its input at the peak, {kept:4.1f} times are kept")
    whole, cut = (peak_bytes(lambda f=f: f(a)) / a.nbytes for f in (slow("gelu")[0], gelu_pieces))
    print(f"  GELU in whole arrays holds {whole:.1f} times its input, in pieces {cut:.1f}")


def analyze_complexity() -> None:
    squares = [draws(n, n) for n in (64, 128, 256, 512)]
    naive = cpu_seconds(lambda: matmul_naive(squares[0], squares[0]), 2)
    for product in (matmul_blocked, matmul_vectorized):
        costs = [cpu_seconds(lambda a=a, p=product: p(a, a), 20) for a in squares]
        print(f"  {product.__name__:17} is {naive / costs[0]:8,.0f} times as fast as loops at n = 64;", end=" ")
        print(f"its time grows with n to the power {growth([128, 256, 512], costs[1:]):.2f}, operations with 3")


def analyze_cache() -> None:
    flat = draws(2**22)

    def eight(room: int) -> None:
        for piece in pieces(len(flat), 1, room):
            part = flat[piece] * 2
            for _ in range(7):
                part += 1

    whole = cpu_seconds(lambda: eight(len(flat)))
    for power in (10, 13, 16, 19):
        ratio = whole / cpu_seconds(lambda p=power: eight(2**p))
        print(f"  eight operations in pieces of 2^{power} numbers: {ratio:4.1f} times as fast as on all at once")
    roofline()


def roofline() -> None:
    """What memory and processor allow, and where each kernel stands; operations and bytes are counted from shapes."""
    a, x, w, rows, large = draws(1024, 1024), draws(64, 32, 16, 16), draws(64, 32, 3, 3), draws(4096, 256), draws(2**24)
    ones, c, labels, copied = np.ones(256, np.float32), np.ones(32, np.float32), np.zeros(4096, int), np.ones_like(large)
    peak = 2 * 1024**3 / cpu_seconds(lambda: a @ a)
    width = 2 * large.nbytes / cpu_seconds(lambda: np.copyto(copied, large))
    print(f"  the roof: {peak / 1e9:.0f} GFLOP/s by a product, {width / 1e9:.1f} GB/s by a copy in memory")
    kernels = {
        "conv2d by windows": (18 * 32 * 64 * 64 * 256, 3 * x.nbytes, lambda: slow("conv2d")[0](x, w, padding=1)),
        "conv2d by tiles": (18 * 32 * 64 * 64 * 256, 3 * x.nbytes, lambda: winograd(x, w, padding=1)),
        "max_pool2d": (x.size, 1.6 * x.nbytes, lambda: pool_pairs(x, kernel_size=2)),
        "batch_norm": (2 * x.size, 2 * x.nbytes, lambda: batch_norm_pieces(x, c, c, (0 * c, c))),
        "layer_norm": (9 * rows.size, 3 * rows.nbytes, lambda: layer_norm_pieces(rows, ones, ones)),
        "cross_entropy": (6 * rows.size, 2 * rows.nbytes, lambda: cross_entropy_pieces(rows, labels)),
        "gelu": (24 * rows.size, 3 * rows.nbytes, lambda: gelu_pieces(rows)),
    }
    for name, (operations, size, action) in kernels.items():
        reached, roof = operations / cpu_seconds(action) / 1e9, min(peak, width * operations / size) / 1e9
        print(f"  {name:18}{operations / size:5.1f} operations a byte, {reached:6.1f} of {roof:5.1f} GFLOP/s")
    print("  Winograd is counted as if it made all products of the definition, so it may stand above the roof")


def analyze_scale() -> None:
    model, x, loss = Conv2d(32, 64, 16), Tensor(draws(64, 32, 16, 16)), CrossEntropyLoss()
    steps = [DataParallel(model, lambda y, t: loss(y.reshape(-1, 64), t), count) for count in (1, 2)]
    one, two = (best_seconds(lambda s=step: s.backward(x, np.arange(64))) for step in steps)
    empty = best_seconds(lambda: parallel_map(abs, range(2)))
    print(f"  a step by two threads takes {two / one:.2f} of the time of one (set OPENBLAS_NUM_THREADS=1);", end=" ")
    print(f"to hand two items to threads costs {empty * 1e6:.0f} us")


# %% [markdown]
r"""
## Testing

Each exercise has its test above. What is left is that all works together.

## Integration

### 🧪 Integration test: the switch

Results and errors are the same, twice is once, off restores the very functions, a gradient belongs to the form of its output.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-switch", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_integration_switch():
    before, found, layer = {name: slow(name) for name in KERNELS}, [], Conv2d(16, 16, 3, bias=False)
    x, layer.weight = (
        Tensor(np.random.default_rng(0).normal(size=s), requires_grad=True) for s in ((2, 16, 6, 6), (16, 16, 3, 3))
    )
    try:
        for forward, backward in ((False, False), (True, True), (True, False), (False, True)):
            use_fast_kernels(forward)
            use_fast_kernels(forward)
            assert (engine.implementations["conv2d"] is before["conv2d"][0]) is not forward
            np.testing.assert_raises(ValueError, layer, Tensor(np.ones((1, 3, 6, 6))))
            output = layer(x)
            use_fast_kernels(backward)
            x.grad = layer.weight.grad = None
            (output * output).sum().backward()
            found.append([output.numpy(), x.grad.numpy(), layer.weight.grad.numpy()])
    finally:
        use_fast_kernels(False)
    assert all((engine.implementations[n], engine.gradients[n]) == before[n] for n in KERNELS)
    assert all(np.allclose(a, b) for other in found for a, b in zip(found[0], other, strict=True))


# %% [markdown]
r"""
## Production Context

- **oneDNN and cuDNN** hold several kernels for an operation and choose by shape, dtype and machine. Your table is a small one.
- **PyTorch** calls its table the dispatcher. `torch.compile` also *fuses*: one generated loop does bias, norm and activation.
- **Precision.** Large tiles lose digits, here one of seven, so libraries leave Winograd out for float16. **int8** products have instructions
  of their own (VNNI, AMX, tensor cores), four and more times as fast as float32.
- **DistributedDataParallel** does with processes and machines what `DataParallel` does with threads, while backward goes on.
"""

# %% [markdown]
r"""
## Comprehensive Testing

### 🧪 Comprehensive test: a network, slow and fast

With the kernels a step holds less memory, and ten steps by two threads have the losses of one thread with the slow forms. The
network is in use, not in training, as two parts of a batch would give BatchNorm other statistics.
"""

# %% nbgrader={"grade": true, "grade_id": "test-kernels-network", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
class SmallNetwork(Module):
    def __init__(self) -> None:
        self.layers = [Conv2d(16, 32, 3, padding=1), BatchNorm2d(32), MaxPool2d(2), GELU()]
        self.layers += [Conv2d(32, 5, 6), LayerNorm((5, 1, 1))]
        self.loss = CrossEntropyLoss(label_smoothing=0.1)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x.reshape(len(x), 5)


def train(network: Module, weights: dict, workers: int, steps: int) -> list[float]:
    """Losses of some steps of gradient descent, from these weights on."""
    x, labels, losses = Tensor(draws(101, 16, 12, 12)), np.arange(101) % 5, []
    network.load_state_dict(weights)
    parallel, optimizer = DataParallel(network, network.loss, workers), SGD(network.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        losses.append(parallel.backward(x, labels))
        optimizer.step()
    return losses


def test_comprehensive_network():
    network = SmallNetwork()
    weights = {name: np.array(value) for name, value in network.state_dict().items()}
    expected, most = train(network, weights, 1, 10), peak_bytes(lambda: train(network, weights, 1, 1))
    try:
        use_fast_kernels()
        found, least = train(network, weights, 2, 10), peak_bytes(lambda: train(network, weights, 1, 1))
    finally:
        use_fast_kernels(False)
    assert np.allclose(found, expected, atol=1e-3) and found[-1] < found[0] and least < 0.8 * most


# %% nbgrader={"grade": false, "grade_id": "kernels-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for title in ("memory", "complexity", "cache", "scale"):
        print(f"\n{title.capitalize()}")
        globals()[f"analyze_{title}"]()

# %% [markdown]
r"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "kernels-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Memory and performance.** Winograd computes its tiles twice. What does that save, and why can it be as fast as reading them?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "kernels-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Systems architecture.** What must a kernel promise so that no module notices it? What goes wrong if `Kept` does not mark its saved?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "kernels-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Production engineering.** With fast kernels, results differ in the fifth digit. How do you find out whether that is an error?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "kernels-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
r"""
**Scaling.** Which kernels gain from twice the cores with the same memory, and which from half the bytes for each number?
"""

# %% [markdown]
r"""
## 🎯 MODULE SUMMARY: Kernels

You did less (Winograd), moved less (pieces, in place, fused), and two things at a time (threads). One call plugs it all in; the slow
forms are its tests.

**Next:** `pytest --checkpoint 12`, then module 14, which measures systems and says which of two is faster.
"""
