# %% [markdown]
"""
# Module 07: Attention

## Introduction

A dense layer mixes its inputs with weights that were fixed before it saw them, and a convolution
looks at neighbours only. Reading needs neither: what a word refers to may stand far away, and where
it stands depends on the text. Attention decides where to look by looking. Each position asks a
question, each position offers a key, and who asks gets a mean of the values whose keys fit.

You will build

1. `scaled_dot_product_attention`, all of it one primitive, with its gradient;
2. `causal_mask`, so that no position looks into its own future;
3. `SelfAttention`, where a sequence asks itself;
4. `MultiHeadAttention`, which asks several questions at once, with the parameters of PyTorch's;
5. `PositionalEncoding`, because attention alone knows no order.

At the end, with weights set by hand and no training, your layers continue a text by looking up what
came last time.
"""

# %% [markdown]
r"""
## Mathematical Background

    N  sequences in a batch       T  positions that ask: queries      d  width of a query and a key
    h  heads                      S  positions that answer: keys      e  width of a value
    E  width of the model, h d

**Attention.** Query $i$ gets the mean of the values, weighted by how well their keys fit:

$$o_i = \sum_j w_{ij} v_j, \qquad w_i = \mathrm{softmax}(s_i), \qquad s_{ij} = q_i \cdot k_j / \sqrt d$$

A dictionary gives the value of the one key that is equal. Attention does nearly that where one key
fits far better than the others, and unlike a dictionary it has a slope.

**Why the root.** If the numbers of $q$ and $k$ are independent with variance 1, $q \cdot k$ has
variance $d$. With $d = 64$ the scores spread by 8, the softmax gives nearly all to one key, and its
slope is nearly 0. Divided by $\sqrt d$, they spread by 1 whatever the width.

**Masks.** What may not be seen gets the score $-\infty$, whose exponential is 0, *before* the
softmax. After it would be too late: what is hidden has already taken its share of the sum.

**Dividing late.** With $x_{ij} = e^{s_{ij} - m_i}$, where $m_i$ is the largest score of row $i$, and
$t_i = \sum_j x_{ij}$, the output is $(x v) / t$: it divides $T e$ numbers where $x / t$ would divide
$T S$. The largest score gives $e^0 = 1$, so $t_i \ge 1$. Only a row that may attend to nothing has
$t_i = 0$; dividing by $\max(t_i, 1)$ changes no other row, and gives zeros there instead of NaN.

**Gradient.** With $g$ the gradient with respect to the output and $r = g / t$,

    values    x^T r
    scores    x (r v^T - c)          element by element; c is the sum of r o over e, one for each row
    queries   (scores' slope) k / sqrt d
    keys      (scores' slope)^T q / sqrt d

This is the slope of a softmax, $y (g - \sum g y)$. Its sum goes over $S$ keys for each query; but
$\sum_j (g_i \cdot v_j) w_{ij} = g_i \cdot o_i$, which goes over $e$ numbers only.

**Positions.** A sum has no order: shuffle the sequence, and the outputs are shuffled along. So each
position $p$ adds a pattern of its own (Vaswani et al., 2017):

$$P_{p, 2i} = \sin(p \, \omega_i), \quad P_{p, 2i+1} = \cos(p \, \omega_i), \quad \omega_i = 10000^{-2i/E}$$

Each pair is the hand of a clock, from fast to slow. A step turns each hand by an angle that does
not depend on $p$, so one matrix, the same for all positions, can ask for "the one before me".
"""

# %% [markdown]
"""
## Implementation

### Attention

One primitive does it all. Composed of products, `where` and `softmax`, it would keep four tables of
(T, S) for the way back; this one keeps one, and overwrites it step by step while it is made.

The errors are given: they name the sizes that do not fit.
"""

# %% nbgrader={"grade": false, "grade_id": "attention-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.attention
#| export
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


# %% nbgrader={"grade": false, "grade_id": "attention-primitive", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: attention

Compares with weights worked by hand (1/4 and 3/4, where a forgotten root gives 1/10 and 9/10), then
with the definition, one query at a time in float64, for several shapes and scores of 10,000.
"""

# %% nbgrader={"grade": true, "grade_id": "test-attention-attention", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def by_definition(q, k, v, mask=None):
    """The formula, one query at a time, in float64."""
    mask = np.broadcast_to(True if mask is None else mask, (*q.shape[:-1], k.shape[-2]))
    output = np.zeros((*q.shape[:-1], v.shape[-1]))
    for index in np.ndindex(q.shape[:-1]):
        seen = mask[index]
        if seen.any():
            keys, values = k[index[:-1]][seen], v[index[:-1]][seen]
            scores = keys.astype(np.float64) @ q[index] / math.sqrt(q.shape[-1])
            weights = np.exp(scores - scores.max())
            output[index] = weights @ values / weights.sum()
    return output


def test_unit_attention():
    q, k = Tensor([[1.0, 1.0, 1.0, 1.0]]), Tensor([[0.0] * 4, [math.log(3) / 2] * 4])
    v = Tensor([[4.0, 0.0], [8.0, 4.0]])
    assert np.allclose(scaled_dot_product_attention(q, k, v).numpy(), [[7, 3]], atol=1e-5)
    rng = np.random.default_rng(0)
    for leading, t, s in (((), 3, 5), ((2,), 4, 1), ((2, 3), 1, 4), ((0, 2), 3, 3)):
        q, k, v = (rng.normal(size=(*leading, n, w)) for n, w in ((t, 4), (s, 4), (s, 2)))
        given = [Tensor(a.astype(np.float32)) for a in (q, k, v)]
        output = scaled_dot_product_attention(*given).numpy()
        assert output.shape == (*leading, t, 2)
        assert np.allclose(output, by_definition(q, k, v), atol=1e-5)
    large, keys, values = Tensor([[1e4], [-1e4]]), Tensor([[1.0], [-1.0]]), Tensor([[1.0], [5.0]])
    with np.errstate(all="raise", under="ignore"):
        output = scaled_dot_product_attention(large, keys, values)
    assert output.numpy().tolist() == [[1], [5]]


def test_unit_shapes_that_do_not_fit():
    q, mask = zeros(2, 3, 4), np.ones((3, 3), bool)
    wrong = [
        (lambda: scaled_dot_product_attention(q, zeros(2, 3, 5), q), ValueError, "width 5"),
        (lambda: scaled_dot_product_attention(q, q, zeros(2, 6, 4)), ValueError, "6 values"),
        (lambda: scaled_dot_product_attention(q, zeros(3, 4), q), ValueError, "(3, 4)"),
        (lambda: scaled_dot_product_attention(q, q, q, mask[:2]), ValueError, "(2, 3)"),
        (lambda: scaled_dot_product_attention(q, q, q, mask * 1.0), TypeError, "float64"),
    ]
    for action, error, says in wrong:
        try:
            action()
        except error as found:
            assert says in str(found), found
        else:
            raise AssertionError(f"{error.__name__} should say {says}")


# %% [markdown]
"""
### 🧪 Unit test: masks

Whatever is hidden must not matter at all: attention with a mask is attention over what is left. A
row that sees nothing gives zeros, in float16 too, where a large negative number instead of `-inf`
overflows.
"""

# %% nbgrader={"grade": true, "grade_id": "test-attention-masks", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_unit_masks():
    assert causal_mask(3).numpy().tolist() == [[True, False, False], [True, True, False], [True] * 3]
    rng = np.random.default_rng(1)
    q, k, v = (rng.normal(size=(2, 3, 4, 4)).astype(np.float32) for _ in range(3))
    for shape in ((4, 4), (1, 4), (2, 1, 1, 4), (2, 3, 4, 4)):
        mask = rng.random(shape) < 0.5
        for given in (mask, Tensor(mask)):
            output = scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v), given).numpy()
            assert np.allclose(output, by_definition(q, k, v, mask), atol=1e-5), shape
    both = causal_mask(4) * Tensor([True, True, False, True])
    assert both.numpy()[3].tolist() == [True, True, False, True] and both.dtype == np.bool_


def test_unit_nothing_to_attend_to():
    for dtype in (np.float16, np.float32, np.float64):
        x = Tensor(np.array([[100], [-100]], dtype))
        mask = [[False, False], [False, True]]
        with np.errstate(all="raise", under="ignore"):
            output = scaled_dot_product_attention(x, x, x, mask=mask)
        assert output.numpy().tolist() == [[0], [-100]] and output.dtype == dtype
    alone = scaled_dot_product_attention(zeros(2, 3), zeros(0, 3), zeros(0, 1))
    assert alone.numpy().tolist() == [[0], [0]]


# %% [markdown]
"""
### One head, and several

A sequence that asks itself makes queries, keys and values of the same numbers, by three linear
maps. With one head a position can look for one thing at a time: the mean of two answers is neither.
So the width is cut into `h` heads of `d = E / h`, each with a softmax of its own, at the price of
one wide head.
"""

# %% nbgrader={"grade": false, "grade_id": "attention-layers", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: one head, and several

Compares each head with the definition, its weights cut out of the parameters by hand: numbers of
one head that end up in another have the right shape, and are wrong.
"""

# %% nbgrader={"grade": true, "grade_id": "test-attention-layers", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_self_attention():
    layer, x = SelfAttention(4), randn(2, 5, 4)
    names = [name for name, _ in layer.named_parameters()]
    assert names[::2] == ["query.weight", "key.weight", "value.weight"]
    q, k, v = (part(x).numpy() for part in (layer.query, layer.key, layer.value))
    assert np.allclose(layer(x).numpy(), by_definition(q, k, v), atol=1e-5)
    mask = causal_mask(5)
    expected = by_definition(q, k, v, mask.numpy())
    assert np.allclose(layer(x, mask).numpy(), expected, atol=1e-5)
    assert np.allclose(layer(x[1], mask=mask).numpy(), expected[1], atol=1e-5)


def test_unit_multi_head_attention():
    layer, x = MultiHeadAttention(6, 2), randn(3, 4, 6)
    shapes = [(name, parameter.shape) for name, parameter in layer.named_parameters()]
    assert shapes == [
        ("in_proj_weight", (18, 6)), ("in_proj_bias", (18,)),
        ("out_proj.weight", (6, 6)), ("out_proj.bias", (6,)),
    ]  # fmt: skip
    layer.in_proj_bias.data = randn(18).numpy()
    mask = np.tril(np.ones((4, 4), bool))
    parts = x.numpy() @ layer.in_proj_weight.numpy().T + layer.in_proj_bias.numpy()
    found = []
    for first in (0, 3):  # columns of a head: three of the queries, of the keys, of the values
        q, k, v = (parts[:, :, start : start + 3] for start in (first, 6 + first, 12 + first))
        found.append(by_definition(q, k, v, mask))
    expected = layer.out_proj(Tensor(np.concatenate(found, axis=2))).numpy()
    assert np.allclose(layer(x, mask).numpy(), expected, atol=1e-5)
    assert layer(zeros(0, 4, 6)).shape == (0, 4, 6) and layer(zeros(2, 1, 6)).shape == (2, 1, 6)


def test_unit_what_heads_refuse():
    wrong = [
        (lambda: MultiHeadAttention(6, 4), "embed_dim 6 is not a multiple of num_heads 4"),
        (lambda: MultiHeadAttention(6, 0), "num_heads 0"),
        (lambda: MultiHeadAttention(6, 2)(zeros(4, 6)), "(N, T, 6), got shape (4, 6)"),
        (lambda: MultiHeadAttention(6, 2)(zeros(2, 4, 6), np.ones((2, 4, 4), bool)), "(2, 4, 4)"),
    ]
    for action, says in wrong:
        try:
            action()
        except ValueError as error:
            assert says in str(error), error
        else:
            raise AssertionError(f"ValueError should say {says}")


# %% [markdown]
"""
### Positions

The table depends on its sizes alone, so it is neither learned nor saved: its name begins with `_`,
and module 04 does not look at it.
"""

# %% nbgrader={"grade": false, "grade_id": "attention-positions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: positions

Compares with Python's own `math`, for even and odd widths, and asks what attention will: does a
pattern agree most with itself, and how much depends only on the distance?
"""

# %% nbgrader={"grade": true, "grade_id": "test-attention-positions", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_positions():
    for width in (1, 6, 7):
        layer = PositionalEncoding(width, 50)
        table = layer(zeros(50, width)).numpy()
        for p, column in ((0, 0), (3, width - 1), (49, width // 2)):
            angle = p / 10000 ** ((column - column % 2) / width)
            expected = math.cos(angle) if column % 2 else math.sin(angle)
            assert math.isclose(table[p, column], expected, abs_tol=1e-6), (width, p, column)
        assert layer.parameters() == [] and layer.state_dict() == {}
    x = randn(2, 5, 7)
    assert np.allclose(layer(x).numpy(), x.numpy() + table[:5]) and layer(x).dtype == np.float32
    for shape in ((51, 7), (5, 6), (7,)):
        try:
            layer(zeros(*shape))
        except ValueError as error:
            assert str(shape) in str(error) and "50" in str(error)
        else:
            raise AssertionError(f"an input of shape {shape} must be refused")


def test_unit_positions_agree_by_distance():
    table = PositionalEncoding(32, 40)(zeros(40, 32)).numpy()
    agreement = table @ table.T
    assert (agreement.argmax(axis=1) == np.arange(40)).all()
    for distance in (1, 5):
        assert np.ptp(np.diagonal(agreement, distance)) < 1e-4


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: how does the peak grow with the length, and what would a table of all products cost?
- **Computational complexity**: from which length on does attention cost more than the projections
  around it, in operations and in time?
- **Cache and hardware**: what is gained by overwriting one table, and is a head free, as the count
  of operations says?
- **At scale**: what is used up first when a text gets longer?
"""

# %% nbgrader={"grade": false, "grade_id": "attention-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
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


def growth(sizes: list[int], amounts: list[float]) -> tuple[float, float]:
    """Exponent and factor of the power law through them: amount = factor * size ** exponent."""
    exponent, logarithm = np.polyfit(np.log(sizes), np.log(amounts), 1)
    return exponent, math.exp(logarithm)


def all_products(q: Tensor, k: Tensor) -> Tensor:
    """The scores, by a table of every product of every pair: (T, S, d)."""
    return (q.reshape(-1, 1, q.shape[1]) * k.reshape(1, -1, k.shape[1])).sum(dim=2)


def analyze_memory() -> None:
    lengths = [256, 512, 1024, 2048]
    inputs = [randn(length, 64) for length in lengths]
    peaks = [peak_bytes(lambda x=x: scaled_dot_product_attention(x, x, x)) for x in inputs]
    for length, peak in zip(lengths, peaks, strict=True):
        print(f"  T = {length:5,}: peak {peak / 2**20:6.2f} MiB,", end=" ")
        print(f"{peak / (4 * length**2):.2f} times a table of (T, T)")
    print(f"  the peak grows with T to the power {growth(lengths, peaks)[0]:.2f}")
    x = inputs[0]
    peak, seconds = peak_bytes(lambda: all_products(x, x)), best_seconds(lambda: all_products(x, x))
    whole = best_seconds(lambda: scaled_dot_product_attention(x, x, x))
    print(f"  T = {lengths[0]:5,} by a table of all products: {peak / peaks[0]:.0f} times as much;", end=" ")
    print(f"the scores alone take {seconds / whole:.0f} times as long as all of attention")


def counted(layer: MultiHeadAttention, x: Tensor) -> dict[str, int]:
    """Operations in the products of a layer: the primitives that are dispatched, by their shapes."""
    flops = {"projections": 0, "attention": 0}

    def recorder(name, output, operands, arrays, options, saved) -> None:
        if name == "linear":  # 2 for each of the `in` terms of each output
            flops["projections"] += 2 * output.size * arrays[0].shape[-1]
        if name == "attention":  # q k^T has d terms for each score, and each score meets e values
            flops["attention"] += 2 * saved[0].size * (arrays[0].shape[-1] + arrays[2].shape[-1])

    before = engine.recorder, engine.grad_enabled
    engine.recorder, engine.grad_enabled = recorder, True
    try:
        layer(x)
    finally:
        engine.recorder, engine.grad_enabled = before
    return flops


def analyze_complexity() -> None:
    layer, lengths = MultiHeadAttention(256, 4), [64, 128, 256, 512, 1024]
    flops: dict[str, list[float]] = {"projections": [], "attention": []}
    times: dict[str, list[float]] = {"projections": [], "attention": []}
    for length in lengths:
        x, heads = randn(1, length, 256), randn(1, 4, length, 64)
        actions = {
            "projections": lambda x=x: layer.out_proj(linear(x, layer.in_proj_weight)[..., :256]),
            "attention": lambda h=heads: scaled_dot_product_attention(h, h, h),
        }
        print(f"  T = {length:5,}:", end="")
        for name, count in counted(layer, x).items():
            flops[name].append(count)
            times[name].append(best_seconds(actions[name], 10))
            print(f"  {name} {count / 1e6:6.1f} MFLOP {times[name][-1] * 1e3:6.2f} ms", end="")
        print()
    exponent, _ = growth(lengths, times["attention"])
    print(f"  attention's time grows with T to the power {exponent:.2f}")
    for what, amounts in (("operations", flops), ("time", times)):
        ratios = np.divide(amounts["attention"], amounts["projections"])
        exponent, factor = growth(lengths, ratios)
        print(f"  attention overtakes the projections of E = 256 in {what} at about", end=" ")
        print(f"T = {factor ** (-1 / exponent):,.0f}")


def attention_by_the_book(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The same formula, with a new table at each step."""
    scores = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(q.shape[-1]))
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (exponentials / exponentials.sum(axis=-1, keepdims=True)) @ v


def analyze_cache() -> None:
    for length in (128, 1024):
        x = randn(4, length, 64).data
        book = best_seconds(lambda x=x: attention_by_the_book(x, x, x), 10)
        ours = best_seconds(lambda x=x: engine.implementations["attention"](x, x, x), 10)
        print(f"  T = {length:5,}: a new table at each step takes {book / ours:.2f} times as long", end=" ")
        print(f"as one of {4 * 4 * length**2 / 2**20:.2f} MiB that is overwritten")
    for heads in (1, 4, 16):
        layer, x = MultiHeadAttention(256, heads), randn(1, 512, 256)
        flops, seconds = sum(counted(layer, x).values()), best_seconds(lambda f=layer, x=x: f(x), 10)
        print(f"  {heads:2} heads: {flops / 1e6:.0f} MFLOP, {seconds * 1e3:6.2f} ms,", end=" ")
        print(f"peak {peak_bytes(lambda f=layer, x=x: f(x)) / 2**20:5.1f} MiB")


def analyze_scale() -> None:
    layer, lengths = MultiHeadAttention(256, 8), [512, 1024, 2048]
    peaks, times = [], []
    for length in lengths:
        x = randn(1, length, 256)
        peaks.append(peak_bytes(lambda x=x: layer(x)))
        times.append(best_seconds(lambda x=x: layer(x), 3))
        print(f"  T = {length:5,}: {peaks[-1] / 2**20:6.1f} MiB, {times[-1] * 1e3:6.1f} ms,", end=" ")
        print(f"and {x.data.nbytes / 2**20:.1f} MiB of text")
    limit = int(lengths[-1] * (16 * 2**30 / peaks[-1]) ** 0.5)
    print(f"  so 16 GiB are full at about T = {limit:,}, in this one layer;", end=" ")
    print(f"its answer would take {times[-1] * (limit / lengths[-1]) ** 2:.0f} s,", end=" ")
    print(f"and its text {x.data.nbytes / 2**20 * limit / lengths[-1]:.0f} MiB")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: the gradient of attention

Compares each of the three gradients with finite differences, in float64: with and without a mask,
where there are more keys than queries, and in a row that sees nothing. Then checks that float32
stays.
"""

# %% nbgrader={"grade": true, "grade_id": "test-attention-gradient", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
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


def test_unit_attention_gradient():
    rng = np.random.default_rng(2)
    forward, rule = engine.implementations["attention"], engine.gradients["attention"]
    for leading, t, s, mask in (
        ((), 3, 4, None),
        ((2,), 3, 3, np.tril(np.ones((3, 3), bool))),
        ((1, 2), 2, 5, np.array([[True, False, True, True, False], [False] * 5])),
        ((0, 2), 2, 2, None),
    ):
        arrays = [rng.normal(size=(*leading, n, width)) for n, width in ((t, 3), (s, 3), (s, 2))]
        grad = rng.normal(size=(*leading, t, 2))
        output, saved = forward(*arrays, mask=mask)
        slopes = rule(grad, output, saved, *arrays, mask=mask)
        for slope, array in zip(slopes, arrays, strict=True):
            expected = numerical_gradient(
                lambda a=arrays, m=mask, g=grad: float((forward(*a, mask=m)[0] * g).sum()), array
            )
            assert slope.shape == array.shape and np.allclose(slope, expected, atol=1e-6)


def test_unit_float32_everywhere():
    rule = engine.gradients["attention"]
    # As in a layer: heads are views, and the gradient of a sum is one number, broadcast.
    q, k, v = (randn(2, 5, 3, 4).data.transpose(0, 2, 1, 3) for _ in range(3))
    output, saved = engine.implementations["attention"](q, k, v, mask=np.tril(np.ones((5, 5), bool)))
    slopes = rule(np.broadcast_to(np.float32(1), output.shape), output, saved, q, k, v)
    assert [a.dtype for a in (output, *saved, *slopes)] == [np.float32] * 6
    whole = np.eye(3, dtype=np.int64)
    output, saved = engine.implementations["attention"](whole, whole, whole)
    assert [a.dtype for a in rule(output, output, saved, whole, whole, whole)] == [np.float32] * 3
    x = randn(2, 3, 4)
    layers = [SelfAttention(4), MultiHeadAttention(4, 2), PositionalEncoding(4, 3)]
    assert [layer(x).dtype for layer in layers] == [np.float32] * 3


# %% [markdown]
"""
### 🧪 Unit test: what is never made

Measures the peak of forward and gradient. Two tables of (T, S) are needed; a table of all products
would be as many times larger as a query is wide.
"""

# %% nbgrader={"grade": true, "grade_id": "test-attention-memory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_no_table_of_products():
    x = randn(256, 32).data
    table = 4 * 256 * 256
    forward, rule = engine.implementations["attention"], engine.gradients["attention"]
    output, saved = forward(x, x, x)
    assert peak_bytes(lambda: forward(x, x, x)) < 3 * table
    assert peak_bytes(lambda: rule(output, output, saved, x, x, x)) < 3 * table


# %% [markdown]
"""
## Integration

### 🧪 Integration test: a sequence turned round

Positions are keys like any others. Whoever asks with the patterns of the last position, the one
before it, and so on, gets the values in reverse: no number of the sequence itself has to be known.
"""

# %% nbgrader={"grade": true, "grade_id": "test-attention-reverse", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_integration_reverse():
    positions = PositionalEncoding(16, 30)(zeros(30, 16))
    x = randn(30, 3)
    # Neighbours agree by 0.5 less than a position with itself; 200 times that is beyond doubt.
    turned = scaled_dot_product_attention(positions[::-1] * 200, positions, x)
    assert np.allclose(turned.numpy(), x.numpy()[::-1], atol=1e-4)


# %% [markdown]
"""
## Production Context

- **PyTorch** has `scaled_dot_product_attention` with this meaning of a boolean mask (a float mask
  is added to the scores), and picks an implementation by device and shape. Its
  `nn.MultiheadAttention` is older, and there True in a mask means *hidden*: look it up each time.
- **FlashAttention** goes through the keys block by block, with a running maximum and a running sum
  for each query, and never holds the table; the way back computes the scores again. Memory then
  grows with T, time still with its square.
- **Serving** keeps the keys and values of all earlier tokens, since with a causal mask they never
  change. This cache, not the weights, often decides how many users fit on a device; *grouped-query*
  attention lets several heads share keys and values to shrink it.
- **Positions** are rotated into queries and keys rather than added in most newer models (RoPE). The
  clock hands are the same.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: one back, two back

Sets the weights of two heads by hand. A query turns its own position's clock hands back by one
step, or by two; the key is the position as it is, the value the token. So head 0 finds the token
before, and head 1 the one before that.
"""

# %% nbgrader={"grade": true, "grade_id": "test-attention-back", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def turned_back(width: int, steps: int) -> np.ndarray:
    """The matrix that takes the pattern of position p to that of p - steps, for every p."""
    matrix = np.zeros((width, width), np.float32)
    for column in range(0, width, 2):
        angle = steps * 10000 ** (-column / width)
        sine, cosine = math.sin(angle), math.cos(angle)
        matrix[column : column + 2, column : column + 2] = [[cosine, -sine], [sine, cosine]]
    return matrix


def test_comprehensive_looking_back():
    width = 16  # of a token, of a position and of a head
    layer = MultiHeadAttention(2 * width, 2)
    weight = np.zeros((3, 2, width, 2 * width), np.float32)  # queries, keys, values; of each head
    for head in range(2):
        weight[0, head, :, width:] = 200 * turned_back(width, head + 1)
        weight[1, head, :, width:] = np.eye(width)
        weight[2, head, :, :width] = np.eye(width)
    layer.in_proj_weight.data = weight.reshape(6 * width, 2 * width)
    layer.out_proj.weight.data = np.eye(2 * width, dtype=np.float32)
    tokens = randn(3, 20, width)
    positions = PositionalEncoding(width, 20)(zeros(3, 20, width))
    x = np.concatenate([tokens.numpy(), positions.numpy()], axis=2)
    found = layer(Tensor(x), causal_mask(20)).numpy()
    assert np.allclose(found[:, 1:, :width], tokens.numpy()[:, :-1], atol=1e-3)
    assert np.allclose(found[:, 2:, width:], tokens.numpy()[:, :-2], atol=1e-3)


# %% [markdown]
"""
### 📈 Picture: who looks at whom

With the identity as values, attention returns its own weights. Each row is a position that asks,
each column one that it may look at: the darker, the more. Nobody sees the future, neighbours share
most of their pattern, and so everyone looks at the near past.
"""

# %% nbgrader={"grade": false, "grade_id": "attention-picture", "locked": true, "schema_version": 3, "solution": false, "task": false}
def show_attention():
    positions = PositionalEncoding(16, 12)(zeros(12, 16))
    values = Tensor(np.eye(12, dtype=np.float32))
    weights = scaled_dot_product_attention(positions * 2, positions, values, causal_mask(12))
    for row in weights.numpy():
        print("".join(" .:-=+*#%@"[min(9, int(10 * weight))] * 2 for weight in row))


# %% nbgrader={"grade": false, "grade_id": "attention-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for title, analysis in (
        ("Memory", analyze_memory),
        ("Complexity", analyze_complexity),
        ("Cache", analyze_cache),
        ("At scale", analyze_scale),
        ("Picture: who looks at whom", show_attention),
    ):
        print(f"\n{title}")
        analysis()

# %% [markdown]
"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "attention-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** You measured the peak of attention as a multiple of a table of (T, T).
Which tables did overwriting and dividing late avoid, and why does the gradient still need the one
that is kept?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "attention-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** More heads cost no more operations. What did your measurement say about
their time and memory, and why does the count not tell?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "attention-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** A service pads short texts with zeros to the length of the longest in
the batch, and forgets the mask. What goes wrong, for which users, and which test on its answers
would notice?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "attention-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** You measured at which length attention overtakes the projections, and at which it fills
16 GiB. For texts ten times as long as that, what would you give up: exactness, time, or that
everyone looks at everyone?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Attention

You built attention as one primitive that keeps a single table, with masks that hide completely and
rows that may see nothing; one head, many heads, and positions as the hands of clocks. You measured
that memory and time grow nearly with the square of the length, and that a head costs time although
it costs no operations.

**Next:** `pytest --checkpoint 06`, where your layers continue a text, then module 08, where data
comes in batches.
"""
