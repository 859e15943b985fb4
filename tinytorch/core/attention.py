# Generated from src_modules/07_attention.py. Do not edit: write in src_modules/07_attention.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=205b0c81458f597f code=8e220bc5d8341327 content=9c3299e1cc999628
# %% src_modules/07_attention.py:85
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.core.activations import floating
from tinytorch.core.layers import Linear, Module, Parameter, linear, xavier_uniform
from tinytorch.core.tensor import Tensor, engine, primitive, randn, zeros


def check_shapes(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None) -> None:
    """Raise ValueError unless q (..., T, d), k (..., S, d), v (..., S, e) and the mask fit."""
    if min(q.ndim, k.ndim, v.ndim) < 2 or not q.shape[:-2] == k.shape[:-2] == v.shape[:-2]:
        raise ValueError("q, k and v need two dimensions or more, alike in all but the last two")
    if q.shape[-1] != k.shape[-1] or q.shape[-1] == 0:
        raise ValueError(f"queries of width {q.shape[-1]} cannot meet keys of width {k.shape[-1]}")
    if k.shape[-2] != v.shape[-2]:
        raise ValueError(f"each key needs a value, got {k.shape[-2]} keys, {v.shape[-2]} values")
    scores = (*q.shape[:-1], k.shape[-2])
    if mask is not None:
        sizes = zip(reversed(mask.shape), reversed(scores), strict=False)
        if mask.ndim > len(scores) or any(m not in (1, s) for m, s in sizes):
            raise ValueError(f"a mask of shape {mask.shape} does not broadcast to scores {scores}")


# %% src_modules/07_attention.py:113
@primitive
@np.errstate(invalid="ignore")  # infinity gives NaN where it must, in silence
def attention(q, k, v, mask=None):
    """softmax(q k^T / sqrt(d)) v: (..., T, d), (..., S, d) and (..., S, e) give (..., T, e).

    mask: booleans that broadcast to (..., T, S), True = may attend; None: all may

    Returns the output and, for the gradient, `(exponentials, total)`: (..., T, S), (..., T, 1).

    TODO: after the two lines that are given,
    1. multiply q by 1 / sqrt(d) (it is smaller than the scores), then by the transposed keys;
    2. where the mask is False, set the score to -inf;
    3. subtract the largest score of each row, and take the exponential, both in place;
    4. total: the sum of each row, or 1 where that is less;
    5. multiply the exponentials by v, then divide by the total.

    HINT: -inf minus -inf is NaN. `np.max(..., initial=np.finfo(dtype).min)` finds a finite largest
        also in a row without any. `np.copyto(a, number, where=...)` sets elements in place.
    """
    q, k, v = floating(q), floating(k), floating(v)
    check_shapes(q, k, v, mask)
    ### BEGIN SOLUTION
    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ k.swapaxes(-1, -2)  # (..., T, S)
    if mask is not None:
        np.copyto(scores, -np.inf, where=~mask)
    scores -= np.max(scores, axis=-1, keepdims=True, initial=np.finfo(scores.dtype).min)
    exponentials = np.exp(scores, out=scores)
    total = np.maximum(np.sum(exponentials, axis=-1, keepdims=True), 1)
    output = exponentials @ v
    output /= total
    return output, (exponentials, total)
    ### END SOLUTION


@attention.gradient
@np.errstate(invalid="ignore")
def attention_gradient(grad, output, saved, q, k, v, mask=None):
    """One array for each of q, k and v, by the table above. The mask is in the exponentials.

    grad: (..., T, e), the gradient with respect to the output

    HINT: the slope of the scores is a second table of (..., T, S); make no third. For c,
        `np.einsum("...te,...te->...t", a, b)` multiplies and sums without an array between.
    """
    q, k, v = floating(q), floating(k), floating(v)
    exponentials, total = saved
    ### BEGIN SOLUTION
    rows = grad / total
    slope = rows @ v.swapaxes(-1, -2)  # (..., T, S)
    slope -= np.einsum("...te,...te->...t", rows, output)[..., None]
    slope *= exponentials
    scale = 1 / math.sqrt(q.shape[-1])
    slope_q = (slope @ k) * scale
    slope_k = (slope.swapaxes(-1, -2) @ q) * scale
    return slope_q, slope_k, exponentials.swapaxes(-1, -2) @ rows
    ### END SOLUTION


def scaled_dot_product_attention(q: Tensor, k: Tensor, v: Tensor, mask: Any = None) -> Tensor:
    """For each query, the mean of the values weighted by softmax(q k^T / sqrt(d)).

    q: (..., T, d)   k: (..., S, d)   v: (..., S, e)   result: (..., T, e)
    mask: Tensor, array or list of booleans that broadcasts to (..., T, S): True = may attend. The
        product of two masks allows what both allow. A query that may attend to nothing gets zeros.

    Values that are the identity, (S, S), give the weights themselves.

    Raises ValueError for shapes that do not fit, TypeError for a mask that is not boolean: 0 and 1
    would mean numbers to add to the scores in other frameworks.

    TODO: make an array of the mask, look at its dtype, call the primitive.
    HINT: `np.asarray` takes Tensors too. Options such as the mask go in by name.
    """
    ### BEGIN SOLUTION
    if mask is not None:
        mask = np.asarray(mask)
        if mask.dtype != np.bool_:
            raise TypeError(f"a mask is boolean, True = may attend; this one is {mask.dtype}")
    return attention(q, k, v, mask=mask)
    ### END SOLUTION


def causal_mask(length: int) -> Tensor:
    """Booleans (T, T): row t is True at columns 0 to t, so that no position sees a later one.

    HINT: NumPy calls it a lower triangle.
    """
    ### BEGIN SOLUTION
    return Tensor(np.tril(np.ones((length, length), dtype=bool)))
    ### END SOLUTION


# %% src_modules/07_attention.py:309
class SelfAttention(Module):
    """One head, in which each position of a sequence asks all: (..., T, E) -> (..., T, E).

    query, key, value: Linear(embed_dim, embed_dim)
    """

    def __init__(self, embed_dim: int) -> None:
        """TODO: set the three layers, in this order."""
        ### BEGIN SOLUTION
        self.query = Linear(embed_dim, embed_dim)
        self.key = Linear(embed_dim, embed_dim)
        self.value = Linear(embed_dim, embed_dim)
        ### END SOLUTION

    def forward(self, x: Tensor, mask: Any = None) -> Tensor:
        """x: (..., T, E); mask: broadcasts to (..., T, T), True = may attend."""
        ### BEGIN SOLUTION
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)
        ### END SOLUTION


class MultiHeadAttention(Module):
    """`num_heads` heads side by side, each `embed_dim / num_heads` wide: (N, T, E) -> (N, T, E).

    in_proj_weight: Parameter (3 E, E), Xavier uniform: the maps to queries, keys and values, one below
        the other; in each of them, the rows of head 0 come first, then those of head 1, ...
    in_proj_bias: Parameter (3 E,), zeros
    out_proj: Linear(E, E), which mixes what the heads found

    Names and shapes are those of PyTorch's `nn.MultiheadAttention`: its state dict can be loaded.

    Raises ValueError where num_heads does not divide embed_dim.
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        """TODO: check the sizes, then set `num_heads`, the two parameters and the layer."""
        ### BEGIN SOLUTION
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not a multiple of num_heads {num_heads}")
        self.num_heads = num_heads
        self.in_proj_weight = Parameter(xavier_uniform(3 * embed_dim, embed_dim))
        self.in_proj_bias = Parameter(zeros(3 * embed_dim))
        self.out_proj = Linear(embed_dim, embed_dim)
        ### END SOLUTION

    def forward(self, x: Tensor, mask: Any = None) -> Tensor:
        """x: (N, T, E); mask: broadcasts to (N, h, T, T): (T, T) for all, (N, 1, T, T) for each
        sequence. Raises ValueError for a mask (N, T, T), where N would be taken for the heads.

        TODO: `linear` makes queries, keys and values in one product; cut its result into heads, let
            each attend, put them side by side again, and mix them with `out_proj`.
        HINT: first give names to all parts, (N, T, 3, h, d), then bring them into order with permute.
            A reshape cannot reorder: (N, h, T, d) must become (N, T, h, d) before it becomes (N, T, E).
        """
        ### BEGIN SOLUTION
        if x.ndim != 3 or x.shape[2] != self.out_proj.weight.shape[0]:
            wanted = f"(N, T, {self.out_proj.weight.shape[0]})"
            raise ValueError(f"MultiHeadAttention takes {wanted}, got shape {x.shape}")
        if mask is not None and len(np.shape(mask)) == 3 and len(mask) != 1:
            raise ValueError(f"a mask for each sequence is (N, 1, T, T), got shape {np.shape(mask)}")
        n, t, width = x.shape
        heads = self.num_heads
        qkv = linear(x, self.in_proj_weight, self.in_proj_bias)  # (N, T, 3 E)
        qkv = qkv.reshape(n, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4)  # (3, N, h, T, d)
        found = scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], mask)  # (N, h, T, d)
        return self.out_proj(found.permute(0, 2, 1, 3).reshape(n, t, width))
        ### END SOLUTION


# %% src_modules/07_attention.py:444
class PositionalEncoding(Module):
    """Adds to each position a pattern of its own: (..., T, E) -> (..., T, E), T <= max_length.

    Position p, column 2 i: sin(p / 10000^(2 i / E)); column 2 i + 1: cos of the same angle (Vaswani
    et al., 2017). An odd E ends with a sine.

    Raises ValueError for sizes below 1, an input that is too long, or of another width.
    """

    def __init__(self, embed_dim: int, max_length: int) -> None:
        """TODO: check the sizes, keep them, and compute the table (max_length, E) as float32.

        HINT: positions as a column times frequencies as a row are all the angles. Compute in float64:
            in float32, an angle of 5000 is off by 2e-4. Columns 0, 2, 4, ... are `table[:, 0::2]`.
        """
        ### BEGIN SOLUTION
        if embed_dim < 1 or max_length < 1:
            raise ValueError(f"sizes must be at least 1, got {embed_dim} and {max_length}")
        self.embed_dim, self.max_length = embed_dim, max_length
        frequencies = 10000.0 ** (-np.arange(0, embed_dim, 2) / embed_dim)
        angles = np.arange(max_length)[:, None] * frequencies  # (max_length, E / 2)
        table = np.zeros((max_length, embed_dim), np.float32)
        table[:, 0::2] = np.sin(angles)
        table[:, 1::2] = np.cos(angles[:, : embed_dim // 2])
        self._table = table
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., T, E). TODO: check its two last sizes, add the first T rows of the table."""
        ### BEGIN SOLUTION
        if x.ndim < 2 or x.shape[-2] > self.max_length or x.shape[-1] != self.embed_dim:
            wanted = f"(..., T, {self.embed_dim}) with T up to {self.max_length}"
            raise ValueError(f"PositionalEncoding takes {wanted}, got shape {x.shape}")
        return x + self._table[: x.shape[-2]]
        ### END SOLUTION
