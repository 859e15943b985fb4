# Generated from src_modules/06_spatial.py. Do not edit: write in src_modules/06_spatial.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=d03833e8fb7d0757 code=9442bc67f68da99e content=76a80d9cede8eea3
# %% src_modules/06_spatial.py:66
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


# %% src_modules/06_spatial.py:92
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


# %% src_modules/06_spatial.py:205
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


# %% src_modules/06_spatial.py:302
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


# %% src_modules/06_spatial.py:472
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


# %% src_modules/06_spatial.py:567
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
