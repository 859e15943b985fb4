# Generated from src_modules/08_dataloader.py. Do not edit: write in src_modules/08_dataloader.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=da7282f614d929d5 code=4ecde28c9ade720e content=7a0e3c8a77b92975
# %% src_modules/08_dataloader.py:702
import numpy as np

from tinytorch.core.layers import Module, Parameter
from tinytorch.core.tensor import Tensor, ones, primitive, zeros

_PIECE, _MOST = 2**17, 2**10  # numbers, and rows, of a piece; longer sums in float32 lose digits
_ROW = 2**11  # numbers from which on a row is long
FAR = 4  # deviations from 0: squares of numbers whose mean is farther away lose digits


def floating(a: np.ndarray) -> np.ndarray:
    """Integers and booleans as float32; a floating array as it is."""
    return a if a.dtype.kind == "f" else a.astype(np.float32)


def channel_rows(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) as long rows of memory, channels last: (rows, pixels in a row * C)."""
    width, last = x.shape[1], x.transpose(0, *range(2, x.ndim), 1)
    for size in reversed(x.shape[2:]):
        width *= max(size, 1) if width < _ROW else 1
    return np.ascontiguousarray(last).reshape(-1, width)


def as_batch(rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The batch (N, C, ...) of which these are the rows: another view of the same memory."""
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


def wide(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One number for each channel, repeated for each pixel of a row."""
    return values.astype(rows.dtype)[None].repeat(rows.shape[1] // len(values), axis=0).ravel()


def moved(rows: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Rows minus a number for each channel; the rows themselves, if these are all 0."""
    return rows - wide(base, rows) if base.any() else rows


def pieces(rows: np.ndarray) -> list[slice]:
    """Slices that cut the rows into pieces, the first the longest; one at least."""
    step = min(max(1, _PIECE // rows.shape[1]), _MOST)
    return [slice(start, start + step) for start in range(0, max(len(rows), 1), step)]


def sums(a: np.ndarray, b: np.ndarray, channels: int) -> np.ndarray:
    """The sum of a, and that of a * b, for each channel: float64 (2, channels)."""
    total = np.zeros((2, channels))
    for piece in pieces(a):
        down = a[piece].sum(axis=0), np.einsum("rc,rc->c", a[piece], b[piece])
        total += [row.reshape(-1, channels).sum(axis=0) for row in down]
    return total


# %% src_modules/08_dataloader.py:765
def batch_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each channel of (N, C, ...): float64 (C,) each.

    TODO: square x as it is, unless a mean is FAR deviations from 0: then take it away from x first.
    HINT: with d = x - base, the mean is base + mean(d), the variance mean(d d) - mean(d) mean(d).
    """
    ### BEGIN SOLUTION
    rows, channels = channel_rows(floating(x)), x.shape[1]
    count, base = x.size // channels, np.zeros(channels, rows.dtype)
    mean, square = sums(rows, rows, channels) / count
    if (mean**2 > FAR**2 * (square - mean**2)).any():
        base = mean.astype(rows.dtype)
        d = moved(rows, base)
        mean, square = sums(d, d, channels) / count
    return base + mean, np.maximum(square - mean**2, 0)
    ### END SOLUTION


@primitive
def batch_norm(x, weight, bias, statistics=None, training=True, eps=1e-5):
    """weight (x - mean) / sqrt(var + eps) + bias for each channel of (N, C, ...); weight, bias (C,).

    statistics: mean and variance, (C,) each, of x if training; by default they are taken of x

    TODO: make of it one scale and one shift for each channel; save what the gradient needs.
    """
    ### BEGIN SOLUTION
    mean, var = batch_statistics(x) if statistics is None else statistics
    inverse = 1 / np.sqrt(var + eps)
    rows, scale = channel_rows(floating(x)), weight * inverse
    base = (mean * (abs(mean) * inverse > 100).any()).astype(rows.dtype)  # far from 0, x is moved first
    shift, scale, output = wide(bias - (mean - base) * scale, rows), wide(scale, rows), np.empty_like(rows)
    for piece in pieces(rows):
        part = np.multiply(moved(rows[piece], base), scale, out=output[piece])
        part += shift
    return as_batch(output, x.shape), (mean, inverse, base)
    ### END SOLUTION


@batch_norm.gradient
def batch_norm_gradient(grad, output, saved, x, weight, bias, statistics=None, training=True, eps=1e-5):
    """One array for x, weight and bias each: the rows of the table above.

    TODO: sum g and g (x - mean) for each channel; x then gets a g + b x + c, with three numbers for
        each channel. Where statistics are fixed, b and c are 0.
    """
    ### BEGIN SOLUTION
    (mean, inverse, base), channels = saved, len(weight)
    rows, slopes = channel_rows(floating(x)), channel_rows(grad)
    of_bias, of_weight = sums(slopes, moved(rows, base), channels)
    of_weight = (of_weight - (mean - base) * of_bias) * inverse
    share = weight * inverse * training / max(x.size // channels, 1)
    b = -share * inverse * of_weight
    c = -share * of_bias - b * (mean - base)
    a, b, c = (wide(v, rows) for v in (weight * inverse, b, c))
    result = np.empty_like(as_batch(rows, x.shape))  # an array of its own: nobody need copy it
    output, work = channel_rows(result), np.empty_like(rows[pieces(rows)[0]])
    for piece in pieces(rows):
        shifted = np.multiply(moved(rows[piece], base), b, out=work[: len(rows[piece])])
        shifted += c
        part = np.multiply(slopes[piece], a, out=output[piece])
        part += shifted
    return result, of_weight.astype(weight.dtype), of_bias.astype(bias.dtype)
    ### END SOLUTION


class BatchNorm(Module):
    """BatchNorm1d and BatchNorm2d: they differ in the shapes that they take.

    num_features: C    eps: added to the variance, under the root
    momentum: the share of what is new in running_mean and running_var, Tensors (C,), 0 and 1 at first
    num_batches_tracked: Tensor, how many batches they are made of; PyTorch saves it, and so it is kept
    weight, bias: Parameters (C,), ones and zeros

    Raises ValueError for other shapes, and for a single number a channel in training.
    """

    shapes: tuple[str, ...] = ()  # of an input

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight, self.bias = Parameter(ones(num_features)), Parameter(zeros(num_features))
        self.running_mean, self.running_var = zeros(num_features), ones(num_features)
        self.num_batches_tracked = Tensor(0)

    def forward(self, x: Tensor) -> Tensor:
        """The batch, normalized by its own statistics in training, by the running ones else.

        TODO: in training, take the statistics and move the running ones; their variance is the
            unbiased one, M / (M - 1) times the other. Assign: `self.running_mean.data = ...`.
        """
        self.check(x.shape)
        self.num_batches_tracked.data = self.num_batches_tracked.data + int(self.training)
        ### BEGIN SOLUTION
        mean, var = self.running_mean.data, self.running_var.data
        if self.training:
            mean, var = batch_statistics(Tensor(x).data)
            count, m = x.size // self.num_features, self.momentum
            new = {self.running_mean: mean, self.running_var: var * count / (count - 1)}
            for running, seen in new.items():
                running.data = ((1 - m) * running.data + m * seen).astype(np.float32)
        return batch_norm(x, self.weight, self.bias, statistics=(mean, var), training=self.training, eps=self.eps)
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.num_features}, eps={self.eps}, momentum={self.momentum})"

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError for an input of another shape, and for a batch without a variance."""
        name, takes = type(self).__name__, " or ".join(self.shapes).replace("C", str(self.num_features))
        if len(shape) not in [s.count(",") + 1 for s in self.shapes] or shape[1] != self.num_features:
            raise ValueError(f"{name} takes {takes}, got shape {shape}")
        if self.training and np.prod(shape) < 2 * self.num_features:
            remedy = "Take larger batches, drop_last=True, or eval() to use the running statistics"
            raise ValueError(f"{name} in training: shape {shape} has no variance for a channel. {remedy}")


class BatchNorm1d(BatchNorm):
    """Normalizes each feature of (N, C), or each channel of (N, C, L), over all the rest."""

    shapes = ("(N, C)", "(N, C, L)")


class BatchNorm2d(BatchNorm):
    """Normalizes each channel of images (N, C, H, W), over images and pixels."""

    shapes = ("(N, C, H, W)",)


# %% src_modules/08_dataloader.py:942
@primitive
def layer_norm(x, weight, bias, eps=1e-5):
    """weight (x - mean) / sqrt(var + eps) + bias, for each row: all that the shape of weight spans.

    TODO: make a matrix with a line for each row; mean and variance along the lines; save them.
    HINT: two passes, as above: subtract the mean before you square.
    """
    ### BEGIN SOLUTION
    if x.shape[-weight.ndim :] != weight.shape:
        raise ValueError(f"the last dimensions must be {weight.shape}, normalized_shape of the layer")
    size, rows = weight.size, np.ascontiguousarray(floating(x)).reshape(-1, weight.size)
    share, output = np.full(size, 1 / size, rows.dtype), np.empty_like(rows)
    scale, shift = (np.tile(p.ravel(), (len(rows[pieces(rows)[0]]), 1)) for p in (weight, bias))
    mean, inverse = np.empty((2, len(rows), 1), rows.dtype)
    for piece in pieces(rows):
        mean[piece, 0] = np.vecdot(rows[piece], share)
        part = np.subtract(rows[piece], mean[piece], out=output[piece])
        var = np.vecdot(part, part) / size
        if (mean[piece, 0] ** 2 > FAR**2 * var).any():  # rounding left some of the mean
            part -= np.vecdot(part, share)[:, None]
            var = np.vecdot(part, part) / size
        inverse[piece, 0] = 1 / np.sqrt(var + eps)
        part *= inverse[piece]
        part *= scale[: len(part)]
        part += shift[: len(part)]
    return output.reshape(x.shape), (mean, inverse)
    ### END SOLUTION


@layer_norm.gradient
def layer_norm_gradient(grad, output, saved, x, weight, bias, eps=1e-5):
    """One array for x, weight and bias each: the rows of the table above.

    HINT: the sum of (x - mean) h is that of x h less mean times that of h, unless x is far from 0: float32
        rounds the mean, so x - mean has a mean of its own, which forward takes away as well.
    """
    ### BEGIN SOLUTION
    (mean, inverse), size = saved, weight.size
    rows, slopes = (np.ascontiguousarray(a).reshape(-1, size) for a in (floating(x), grad))
    result, of_weight, of_bias = np.empty(x.shape, rows.dtype), *np.zeros((2, size))
    output, work = result.reshape(-1, size), np.empty_like(rows[pieces(rows)[0]])
    scale, share = np.tile(weight.ravel(), (len(work), 1)), np.full(size, 1 / size, rows.dtype)
    for piece in pieces(rows):
        r, m, i = rows[piece], mean[piece], inverse[piece]
        if (abs(m) * i > FAR).any():  # as in forward: away with the mean, and with what rounding left of it
            r, m = r - m, 0 * m
            r -= np.vecdot(r, share)[:, None]
        of_bias += np.ones(len(r), r.dtype) @ slopes[piece]
        part = np.multiply(slopes[piece], i, out=output[piece])
        of_weight += np.einsum("rc,rc->c", r, part) - m[:, 0] @ part
        part *= scale[: len(part)]  # i h; from it, i (mean of h) and i x^ (mean of h x^) are taken
        middle = np.vecdot(part, share)[:, None]
        factor = (np.vecdot(r, part)[:, None] / size - m * middle) * i * i
        part -= np.multiply(r, factor, out=work[: len(part)])
        part += m * factor - middle
    of_weight, of_bias = (a.reshape(weight.shape).astype(weight.dtype) for a in (of_weight, of_bias))
    return result, of_weight, of_bias
    ### END SOLUTION


class LayerNorm(Module):
    """Normalizes every row of (..., *normalized_shape) by its own mean and variance.

    normalized_shape: sizes of the last dimensions, or one number; weight and bias have this shape
    eps: added to the variance, under the root

    Raises ValueError for an input that does not end with the shape.
    """

    def __init__(self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5) -> None:
        ### BEGIN SOLUTION
        self.normalized_shape = tuple(np.ravel(normalized_shape).tolist())
        self.weight = Parameter(ones(self.normalized_shape))
        self.bias, self.eps = Parameter(zeros(self.normalized_shape)), eps
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, with every row normalized."""
        ### BEGIN SOLUTION
        return layer_norm(x, self.weight, self.bias, eps=self.eps)
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"LayerNorm({self.normalized_shape}, eps={self.eps})"
