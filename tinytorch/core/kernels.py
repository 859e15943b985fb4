# Generated from src_modules/13_kernels.py. Do not edit: write in src_modules/13_kernels.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=70a27d52401cb962 code=a08f2ed6a091385d content=9f6fcdf3d3ee8bb8
# %% src_modules/13_kernels.py:49
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


# %% src_modules/13_kernels.py:105
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


# %% src_modules/13_kernels.py:190
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


# %% src_modules/13_kernels.py:285
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


# %% src_modules/13_kernels.py:375
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


# %% src_modules/13_kernels.py:432
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


# %% src_modules/13_kernels.py:516
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


# %% src_modules/13_kernels.py:630
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


# %% src_modules/13_kernels.py:697
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


# %% src_modules/13_kernels.py:814
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


# %% src_modules/13_kernels.py:916
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


# %% src_modules/13_kernels.py:973
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


# %% src_modules/13_kernels.py:1071
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


# %% src_modules/13_kernels.py:1150
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
