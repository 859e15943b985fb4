# %% [markdown]
"""
# Module 09: Autograd

## Introduction

Learning moves each weight a little to where the loss gets smaller. So one must know how the loss changes
with each weight, and a network has millions. Trying out each one would take millions of runs. This
module gets all answers from one run forward and one walk back, for any program of Tensor operations.

You will build

1. the *rules*: what a change of the output of each primitive says about its inputs;
2. `backward()`, which walks back over what was recorded, from rule to rule;
3. `no_grad` and `enable_grad`, which switch recording off and on;
4. `gradcheck`, which compares with finite differences, and `recompute`, which trades time for memory.

Nothing that you wrote before is changed: the dispatch function of module 02 calls a recorder, which
you write today.
"""

# %% [markdown]
r"""
## Mathematical Background

**The chain rule.** If $L$ depends on $y$ and $y = f(x)$, then a small change of $x$ changes $L$ by
$\frac{dL}{dx} = \frac{dL}{dy} \cdot f'(x)$. We call $g = dL/dy$ the *gradient of y*; it has the shape
of $y$. Each primitive needs only one rule: given $g$, what is the gradient of each of its inputs?

    y = a + b            g                    g
    y = a - b            g                    -g
    y = a * b            g b                  g a
    y = a / b            g / b                -g y / b
    y = a ** b           g b a^(b-1)          g y log a
    y = A @ B            g B^T                A^T g
    y = exp a, log a     g y                  g / a
    sum of a             g, repeated over what was summed
    max of a             g where a is the largest; equal ones share it
    a[index]             zeros, with g added at the index

**Several uses add up.** If $x$ goes into two operations, $dL/dx = g_1 + g_2$. **Broadcasting is a use for
each copy**: in `(4, 3) + (3,)` each number on the right was used four times; its gradient is the sum.

**Order.** An operation can be walked back when all that used its result has been. It was
recorded after those that made its inputs, so *the order of recording, reversed,* is such an order.

**Why backward.** One walk from a single $L$ gives the gradients of all inputs, at two to three times the
cost of going forward, whether there are ten or ten million. Finite differences,
$(L(x + h) - L(x - h)) / 2h$, need two runs *for each number*: slow, but hard to get wrong.

**Memory.** Walking back needs the arrays of the way forward. Keeping only every $k$-th of $n$, and
computing those between again, holds about $n / k + k$ of them: least at $k = \sqrt n$.
"""

# %% [markdown]
"""
## Implementation

### The tape

This part is given. Read it once with care. The dispatch function calls `record`. If an operand
wants a gradient, the result remembers, as its `_node`, by which **operation** it was made:

    number      grows with time, so it is larger than those of the operations that made the operands
    name, rule  the primitive, and its gradient
    operands    what it was called with: Tensors, arrays, numbers
    output, saved, arrays, options      what the rule is called with

A *leaf* is a Tensor that requires a gradient and has no `_node`: a weight. No list of all operations
exists. They point back, so when you drop a loss, Python drops everything that led to it.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.autograd
#| export
import copy
import functools
import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinytorch.core.tensor import (  # isort: skip
    Tensor, absolute, add, concatenate, divide, engine, exp, join, log, matmul, multiply, negative,
    permute, power, primitive, reduce_max, reduce_min, reduce_sum, reshape, select, sqrt, stack,
    subtract, where,
)


# %% nbgrader={"grade": false, "grade_id": "autograd-tape", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
numbers = itertools.count(1)
WALKED: tuple = ()  # instead of the operation, once it was walked back


def record(
    name: str, result: Tensor, operands: tuple, arrays: list, options: dict, saved: Any
) -> None:
    """The dispatch function calls it after every operation, so it is short: it makes one tuple.

    The rule is looked up now: it must be the one that belongs to what was saved.
    """
    for operand in operands:
        if isinstance(operand, Tensor) and operand._requires_grad:
            rule, output = engine.gradients.get(name), result._data
            result._node = (
                next(numbers), name, rule, operands, output, saved, arrays, options
            )  # fmt: skip
            result._requires_grad = True
            return


# %% [markdown]
"""
### Two tools

Finite differences check everything that follows, so they come first. Undoing broadcasting is done once, for
every rule: what was repeated forward is summed backward.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-tools", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def numerical_gradient(function: Callable, a: np.ndarray, eps: float = 1e-6) -> np.ndarray:
    """How the number `function()` changes with each element of `a`, by central differences.

    a: float64, as float32 has too few digits for a difference; `function` looks at it each time

    TODO: for each index of `a`, move that element up and down by eps, and put it back.
    HINT: `np.ndindex(a.shape)` gives every index, also the one of a scalar.
    """
    ### BEGIN SOLUTION
    slopes = np.zeros_like(a)
    for index in np.ndindex(a.shape):
        kept = a[index]
        a[index] = kept + eps
        above = function()
        a[index] = kept - eps
        slopes[index] = (above - function()) / (2 * eps)
        a[index] = kept
    return slopes
    ### END SOLUTION


def unbroadcast(slope: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum `slope` over the dimensions along which `shape` was repeated: (4, 3) for (3,) and (4, 1).

    Raises ValueError if `shape` cannot be broadcast to that of `slope`.

    TODO: find the dimensions that were added in front, and those of size 1 that were stretched; sum
        over both, and reshape.
    """
    ### BEGIN SOLUTION
    extra = slope.ndim - len(shape)
    pairs = zip(slope.shape[max(extra, 0) :], shape, strict=False)
    if extra < 0 or any(size not in (1, large) for large, size in pairs):
        raise ValueError(f"a gradient of shape {slope.shape} for an input of shape {shape}")
    stretched = [dim + extra for dim, size in enumerate(shape) if size == 1]
    return slope.sum(axis=(*range(extra), *stretched)).reshape(shape)
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: two tools

Differentiates a cube, and repeats a small array in every way there is: the gradient of each of its elements is
then the number of its copies.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-tools", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def refused(action: Callable, message: str) -> None:
    try:
        action()
    except (RuntimeError, TypeError, ValueError) as error:
        assert message in str(error), error
    else:
        raise AssertionError(f"this must be refused: {message}")


def test_unit_numerical_gradient():
    a, scalar = np.array([[1.0, -2.0], [0.0, 3.0]]), np.array(2.0)
    slopes = numerical_gradient(lambda: (a**3).sum(), a)
    assert np.allclose(slopes, [[3, 12], [0, 27]]) and a.tolist() == [[1, -2], [0, 3]]
    assert np.isclose(numerical_gradient(lambda: scalar**2, scalar), 4)


def test_unit_unbroadcast():
    for shape in ((), (1,), (4,), (3, 1), (1, 4), (3, 4), (2, 1, 1), (1, 3, 4), (2, 3, 4)):
        small = unbroadcast(np.ones((2, 3, 4), np.float32), shape)
        assert small.shape == shape and small.dtype == np.float32
        assert (small == 24 / small.size).all(), shape
    assert unbroadcast(np.arange(6.0).reshape(2, 3), (2, 1)).tolist() == [[3], [12]]
    assert unbroadcast(np.zeros((0, 3)), (3,)).tolist() == [0, 0, 0]
    for slope, shape in (((3,), (2, 3)), ((2, 3), (2,)), ((2, 1), (2, 3)), ((2, 3), (3, 2))):
        refused(lambda slope=slope, shape=shape: unbroadcast(np.ones(slope), shape), "")


# %% [markdown]
"""
### The rules of arithmetic

A rule gets `(grad, output, saved, *arrays, **options)`, plain arrays all of them, and returns
a tuple with one entry for each input: an array, `None` for no gradient, or **a function without
arguments that makes the array**, which is called only where a gradient is wanted. In `x * 2` nobody asks
for the gradient of 2; in the first layer of a network nobody asks for that of the images, which is
half of the rule's work. So write `lambda: grad * b` wherever several inputs cost something.

Broadcasting and dtypes are not a rule's business. It may hand on `grad` itself or a view of it, but never
write into it, for others hold it too.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-arithmetic", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@add.gradient
def add_gradient(grad, output, saved, a, b):
    """Of a + b: g for both."""
    ### BEGIN SOLUTION
    return grad, grad
    ### END SOLUTION


@subtract.gradient
def subtract_gradient(grad, output, saved, a, b):
    """Of a - b: g, and -g."""
    ### BEGIN SOLUTION
    return grad, lambda: -grad
    ### END SOLUTION


@multiply.gradient
def multiply_gradient(grad, output, saved, a, b):
    """Of a * b: g b, and g a."""
    ### BEGIN SOLUTION
    return lambda: grad * b, lambda: grad * a
    ### END SOLUTION


@divide.gradient
def divide_gradient(grad, output, saved, a, b):
    """Of y = a / b: g / b, and -g y / b."""
    ### BEGIN SOLUTION
    return lambda: grad / b, lambda: -grad * output / b
    ### END SOLUTION


@power.gradient
def power_gradient(grad, output, saved, a, b):
    """Of y = a ** b: g b a^(b-1), and g y log a; 0 for a where b is 0, and for b where a is 0.

    HINT: `b - (b != 0)` is b - 1, but 0 where b is 0. `np.where` chooses, where infinity times 0 is
        NaN. `np.log(..., dtype=grad.dtype)` keeps float32 also if `a` is a Python number.
    """
    ### BEGIN SOLUTION
    @np.errstate(divide="ignore", invalid="ignore")
    def for_exponent():
        zero = np.equal(a, 0) & np.greater_equal(b, 0)
        return np.where(zero, 0, grad * output * np.log(a, dtype=grad.dtype))

    return lambda: grad * b * a ** (b - (b != 0)), for_exponent
    ### END SOLUTION


@negative.gradient
def negative_gradient(grad, output, saved, a):
    """Of -a: -g. The comma makes a tuple of one."""
    ### BEGIN SOLUTION
    return (-grad,)
    ### END SOLUTION


@matmul.gradient
def matmul_gradient(grad, output, saved, a, b):
    """Of A @ B, with shapes (..., n, k) and (..., k, m): g B^T, and A^T g.

    A vector on the left is a row (1, k), one on the right a column (k, 1); `grad` lacks that 1.

    TODO: make matrices of vectors, give `grad` the shape (..., n, m), and take the two products.
    HINT: `np.swapaxes(b, -1, -2)` transposes each matrix of a batch. If B has no batch, one product
        of tall matrices, (batch n, k)^T (batch n, m), makes the sum over the batch along the way.
    """
    ### BEGIN SOLUTION
    left = a[None, :] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    rows = grad.reshape(*batch, left.shape[-2], right.shape[-1])

    def for_right():
        if right.ndim == 2:
            product = left.reshape(-1, left.shape[-1]).T @ rows.reshape(-1, right.shape[-1])
        else:
            product = np.swapaxes(left, -1, -2) @ rows
        return product[..., 0] if b.ndim == 1 else product

    return lambda: rows @ np.swapaxes(right, -1, -2), for_right
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: the rules of arithmetic

Compares each rule with finite differences, and powers where the formula alone would say 0 times infinity.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-arithmetic", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def draws(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def assert_rule(name: str, *arrays: Any, **options: Any) -> None:
    """The rule of a primitive, for those of its inputs that are arrays of float64."""
    forward = engine.implementations[name]
    output = np.asarray(forward(*arrays, **options))
    grad = draws(*output.shape)
    slopes = engine.gradients[name](grad, output, None, *arrays, **options)
    for slope, array in zip(slopes, arrays, strict=True):
        if getattr(array, "dtype", None) == np.float64:
            expected = numerical_gradient(lambda: (forward(*arrays, **options) * grad).sum(), array)
            found = unbroadcast(np.asarray(slope() if callable(slope) else slope), array.shape)
            assert np.allclose(found, expected, rtol=1e-4, atol=1e-6), (name, options)


def test_unit_rules_of_arithmetic():
    a, b = draws(2, 3), abs(draws(2, 3)) + 1
    for name in ("add", "subtract", "multiply", "divide"):
        assert_rule(name, a, b)
        assert_rule(name, 2.0, b)
    assert_rule("negative", a)
    for base, exponent in ((b, a), (a, 2), (a, 3.0), (b, 0.5), (2, a), (np.zeros(2), np.array([1.0, 2]))):
        assert_rule("power", base, exponent)
    with np.errstate(all="raise"):
        for_base, _ = power_gradient(np.ones(2), np.ones(2), None, np.array([0.0, 3.0]), 0)
        assert for_base().tolist() == [0, 0]


def test_unit_rule_of_matmul():
    shapes = (
        ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 2)),
    )  # fmt: skip
    for left, right in shapes:
        assert_rule("matmul", draws(*left), draws(*right))


# %% [markdown]
"""
### The rules of functions and reductions

A reduction has made something smaller; its rule spreads the gradient out again. `spread` is given:
`np.broadcast_to` repeats without copying.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-reductions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@exp.gradient
def exp_gradient(grad, output, saved, a):
    """Of y = e^a: g y."""
    ### BEGIN SOLUTION
    return (grad * output,)
    ### END SOLUTION


@log.gradient
def log_gradient(grad, output, saved, a):
    """Of log a: g / a."""
    ### BEGIN SOLUTION
    return (grad / a,)
    ### END SOLUTION


@sqrt.gradient
def sqrt_gradient(grad, output, saved, a):
    """Of y = sqrt a: g / (2 y)."""
    ### BEGIN SOLUTION
    return (grad / (2 * output),)
    ### END SOLUTION


@absolute.gradient
def absolute_gradient(grad, output, saved, a):
    """Of |a|: g with the sign of a, and 0 at 0 and at NaN, as in PyTorch."""
    ### BEGIN SOLUTION
    return (grad * np.nan_to_num(np.sign(a)),)
    ### END SOLUTION


def spread(values: np.ndarray, a: np.ndarray, dim: Any, keepdim: bool) -> np.ndarray:
    """What a reduction of `a` made, repeated to the shape of `a`. A view that cannot be written to."""
    if dim is not None and not keepdim:
        values = np.expand_dims(values, dim)
    return np.broadcast_to(values, a.shape)


@reduce_sum.gradient
def reduce_sum_gradient(grad, output, saved, a, dim=None, keepdim=False):
    """Of a sum: g, repeated over what was summed."""
    ### BEGIN SOLUTION
    return (spread(grad, a, dim, keepdim),)
    ### END SOLUTION


@reduce_max.gradient
@reduce_min.gradient
@np.errstate(invalid="ignore")
def extreme_gradient(grad, output, saved, a, dim=None, keepdim=False):
    """Of a maximum or minimum: g where it was found, in equal shares where it was found several times.

    TODO: mark the places with 1, divide by how many there are along `dim`, multiply by g.
    HINT: a mask of truth values becomes numbers with `.astype(grad.dtype)`.
    """
    ### BEGIN SOLUTION
    found = (a == spread(output, a, dim, keepdim)).astype(grad.dtype)
    share = found / found.sum(axis=dim, keepdims=True)
    return (share * spread(grad, a, dim, keepdim),)
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: the rules of functions and reductions

Compares with finite differences for every way to name dimensions, and lets equal elements share.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-reductions", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_rules_of_functions():
    for name in ("exp", "log", "sqrt", "absolute"):
        assert_rule(name, abs(draws(2, 3)) + 0.5)
    assert_rule("absolute", np.array([-2.0, 3.0]))


def test_unit_rules_of_reductions():
    a = np.random.default_rng(0).permutation(np.arange(24.0)).reshape(2, 3, 4)
    for name in ("reduce_sum", "reduce_max", "reduce_min"):
        assert_rule(name, a)
        for dim in (0, 1, -1, (0, 2), (-1, 0)):
            assert_rule(name, a, dim=dim)
            assert_rule(name, a, dim=dim, keepdim=True)
    (shares,) = extreme_gradient(np.float32(6), np.float32(2), None, np.array([2, 1, 2, 2], np.float32))
    assert shares.tolist() == [2, 0, 2, 2] and shares.dtype == np.float32


# %% [markdown]
"""
### The rules of shape

What moved numbers forward moves their gradients back. Only `select` needs thought: an index that names a
place twice has used it twice.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-shape", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@reshape.gradient
def reshape_gradient(grad, output, saved, a, shape):
    """Of a reshape: g, in the shape of a."""
    ### BEGIN SOLUTION
    return (grad.reshape(a.shape),)
    ### END SOLUTION


@permute.gradient
def permute_gradient(grad, output, saved, a, dims):
    """Of a permutation: g, with the dimensions where they were.

    HINT: `np.argsort` inverts a permutation. Dimensions may be negative: `dim % a.ndim` is not.
    """
    ### BEGIN SOLUTION
    return (grad.transpose(np.argsort([dim % a.ndim for dim in dims])),)
    ### END SOLUTION


@select.gradient
def select_gradient(grad, output, saved, a, index):
    """Of a[index]: zeros in the shape of a, with g added at the index.

    HINT: `slope[index] = grad` is right, and fast, for slices, numbers, `...` and None. Anything else, such
        as a list or a tuple in the tuple, may name a place twice: `np.add.at(slope, index, grad)` adds both.
    """
    ### BEGIN SOLUTION
    slope, once = np.zeros_like(a), (int, np.integer, slice, type(...), type(None))
    if all(isinstance(part, once) for part in (index if isinstance(index, tuple) else (index,))):
        slope[index] = grad
    else:
        np.add.at(slope, index, grad)
    return (slope,)
    ### END SOLUTION


@join.gradient
def join_gradient(grad, output, saved, *arrays, dim=0):
    """Of arrays joined along `dim`: the part of g that stands where each array went.

    HINT: `np.split(grad, places, axis=dim)`; np.cumsum of the sizes tells the places.
    """
    ### BEGIN SOLUTION
    places = np.cumsum([array.shape[dim] for array in arrays])[:-1]
    return np.split(grad, places, axis=dim)
    ### END SOLUTION


@where.gradient
def where_gradient(grad, output, saved, condition, a, b):
    """Of a choice: None for the condition; g for a where it was taken, for b elsewhere, 0 where not."""
    ### BEGIN SOLUTION
    return None, lambda: np.where(condition, grad, 0), lambda: np.where(condition, 0, grad)
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: the rules of shape

Compares with finite differences, for each kind of index, among them one that names a place twice.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-shape", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_rules_of_shape():
    a, b = draws(2, 3, 4), draws(2, 5, 4)
    assert_rule("reshape", a, shape=(6, -1))
    for dims in ((2, 0, 1), (0, 2, 1), (-1, 0, -2)):
        assert_rule("permute", a, dims=dims)
    indices = (
        0, slice(1, None), (slice(None), 1), (..., -1), None, (0, slice(None, None, 2)), [1, 1, 0],
        np.array([[0, 1], [1, 1]]), (slice(None), np.array([2, 2])), a > 0, np.array(1),
        ((0, 0, 1),), (slice(None), (1, 1)), range(2), (0, (1, 1), ...), np.True_,
    )  # fmt: skip
    for index in indices:
        assert_rule("select", a, index=index)
    assert_rule("join", a, b, draws(2, 1, 4), dim=1)
    assert_rule("join", draws(2, 3), draws(2, 1), dim=-1)
    assert_rule("where", a > 0, a, 0.0)
    assert_rule("where", draws(3, 4) > 0, draws(4), a)


# %% [markdown]
"""
### Walking back

`history` finds all that led to a result. It must not call itself: a chain of 10,000 operations is ten times
as deep as Python's stack. `walk` takes one after the other, the latest first, asks its rule, adds what it
gets to what is there, and **frees the operation before it goes on**: memory shrinks while gradients arrive.
What is left belongs to the leaves. `backward` puts it into `.grad`, all at the end: if anything goes wrong
on the way, no weight has half a gradient. Each gets an array that nobody else holds, for an optimizer
may scale it in place.

**What the tape cannot see.** It keeps arrays, not copies. `p.data = p.data - g` makes a new array, and a
tape that holds the old one stays right. Writing into that array (`p.data[...] = 0`) between forward
and backward gives the gradient of a mixture, and nothing tells: NumPy does not count changes.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-walk", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def history(root: Tensor, since: int = 0) -> dict[int, Tensor]:
    """All that was made by an operation and led to `root`, and itself: {number: Tensor}.

    since: operations with smaller numbers are left out, and what led to them

    Raises RuntimeError if one of them was walked back before.

    TODO: begin with a list that holds `root`. Take one out, look at its `_node`, put its operands in.
    HINT: leave out what is found already. None means a leaf; what is empty was WALKED.
    """
    ### BEGIN SOLUTION
    found: dict[int, Tensor] = {}
    waiting = [root]
    while waiting:
        tensor = waiting.pop()
        operation = tensor._node
        if operation is None:
            continue
        if not operation:
            reason = "backward() has been here before, and freed what it needs: compute the result"
            raise RuntimeError(f"{reason} again, or call backward() once, on the sum of the losses")
        if operation[0] >= since and operation[0] not in found:
            found[operation[0]] = tensor
            waiting += [t for t in operation[3] if isinstance(t, Tensor) and t._node is not None]
    return found
    ### END SOLUTION


def walk(root: Tensor, gradient: np.ndarray, since: int = 0) -> dict[Tensor, np.ndarray]:
    """Gradients of all leaves that led to `root`, which may be one: {leaf: array}. Frees the tape.

    since: as for `history`; the gradients of what is left out come back too

    Raises RuntimeError for a primitive without a rule, TypeError or ValueError for a rule that does
    not return a gradient for each input, in its shape; all of them name it.

    TODO: begin with {root: gradient}. For each of the history, the latest first: unpack its operation
        and set it to WALKED, take its gradient out, call the rule, and add each slope to what its
        operand has.
    HINT: skip slopes that are None, and operands that want no gradient. Call a slope that is callable.
        Only where shape or dtype are not those of the input is there work for `unbroadcast`.
    """
    ### BEGIN SOLUTION
    totals, found = {root: gradient}, history(root, since)
    for number in sorted(found, reverse=True):
        tensor = found.pop(number)
        _, name, rule, operands, output, saved, arrays, options = tensor._node
        tensor._node = WALKED
        grad = totals.pop(tensor, None)
        if grad is None:
            continue
        if rule is None:
            raise RuntimeError(f"{name} has no gradient: declare one with @{name}.gradient")
        try:
            slopes = rule(grad, output, saved, *arrays, **options)
            if len(slopes) != len(operands):
                raise TypeError(f"returned {len(slopes)} gradients for {len(operands)} inputs")
            for place, operand in enumerate(operands):
                if not isinstance(operand, Tensor) or not operand.requires_grad:
                    continue
                slope, array = slopes[place], arrays[place]
                if callable(slope):
                    slope = slope()
                if slope is None:
                    continue
                if slope.shape != array.shape or slope.dtype is not array.dtype:
                    slope = unbroadcast(slope, array.shape).astype(array.dtype, copy=False)
                totals[operand] = totals[operand] + slope if operand in totals else slope
        except (AttributeError, TypeError, ValueError) as error:
            raise type(error)(f"the rule of {name}: {error}") from error
    return totals
    ### END SOLUTION


def backward(output: Tensor, gradient: Any = None) -> None:
    """Add the gradient of `output` to `.grad` of every leaf from which it was computed.

    gradient: of `output` itself, in its shape; 1 by default, if `output` has a single element

    Raises RuntimeError where a gradient is needed and not given, and where it has another shape; then
    nothing has been changed. Module 02 has refused a Tensor for which nothing was recorded.

    TODO: check, make an array of the gradient, walk, and give each leaf its gradient: a new array
        `leaf.grad + total` if it has one already, else an array of its own.
    HINT: a total is somebody else's if it is a view (`total.base` is not None), if it is the gradient
        that was given, or if another leaf has it already; `np.copy` then keeps the order of memory.
    """
    ### BEGIN SOLUTION
    if gradient is None and output.size != 1:
        needs = f"backward() of shape {output.shape} needs a gradient of that shape"
        raise RuntimeError(f"{needs}: give one, or take the sum or the mean first")
    start = np.ones_like(output.data) if gradient is None else Tensor(gradient, output.dtype).data
    if start.shape != output.shape:
        raise RuntimeError(f"a gradient of shape {start.shape} for a Tensor of {output.shape}")
    given = {id(start)}
    for leaf, total in walk(output, start).items():
        if leaf.grad is not None:
            total = leaf.grad.data + total
        elif total.base is not None or id(total) in given:
            total = np.copy(total)
        given.add(id(total))
        leaf.grad = Tensor(total)
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "autograd-install", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
engine.tape = record
engine.backward = backward
Variable = Tensor  # a class of its own in early frameworks; here every Tensor can do it


# %% [markdown]
"""
### 🧪 Unit test: walking back

Compares with gradients worked by hand: several uses, several calls, a gradient that is given. Then it
asks for everything that must be refused, and that a refusal leaves no trace.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-backward", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def leaf(*numbers_of_it: float) -> Tensor:
    return Tensor(np.array(numbers_of_it, np.float32), requires_grad=True)


def test_unit_backward_by_hand():
    a, b, c = leaf(2), leaf(-3), leaf(10)
    middle = a * b + c
    y = middle * middle
    y.backward()
    assert [t.grad.item() for t in (a, b, c)] == [-24, 16, 8] and middle.grad is None is y.grad
    x = leaf(3)
    square = x * x
    (square * x + square + 2 * x).backward()  # two ways to the square, of unequal length
    x.backward()
    assert x.grad.item() == 27 + 6 + 2 + 1


def test_unit_backward_several_times():
    x, plain = leaf(1, 2), Tensor([3.0, 4.0])
    for calls in (1, 2, 3):
        (x * plain).sum().backward()
        assert x.grad.numpy().tolist() == [3 * calls, 4 * calls] and plain.grad is None
    y, z, given = leaf(0, 0), leaf(0, 0), np.array([5.0, 6.0], np.float32)
    (y + z).backward(given)
    y.grad.data *= 2
    assert z.grad.numpy().tolist() == given.tolist() == [5, 6]


def test_unit_what_backward_refuses():
    @primitive
    def strange(a, b):
        return a + b

    x, made = leaf(1, 2), []
    once = (x * x).sum()
    once.backward()
    for _ in range(2):
        refused(lambda: (once + x.sum()).backward(), "backward() has been here before")
    refused(Tensor([1.0]).backward, "without a history")
    refused((x * 2).backward, "of shape (2,) needs a gradient")
    refused(lambda: (x * 2).backward(np.ones(3)), "of shape (3,)")
    refused(lambda: strange(x, 1).sum().backward(), "strange has no gradient")
    strange.gradient(lambda grad, output, saved, a, b: (grad, grad, grad))
    refused(lambda: strange(x, 1).sum().backward(), "rule of strange: returned 3 gradients for 2")
    strange.gradient(lambda grad, output, saved, a, b: (grad[:1].repeat(3), grad))
    refused(lambda: strange(x, 1).sum().backward(), "strange: a gradient of shape (3,)")
    strange.gradient(lambda grad, *_: (lambda: made.append("a") or grad, lambda: made.append("b")))
    strange(x, Tensor([1.0])).sum().backward()
    assert made == ["a"] and x.grad.numpy().tolist() == [3, 5]


# %% [markdown]
"""
### Switching it off and on

To answer, a network needs no tape. `contextmanager` makes of a function with one `yield` something that
works in `with no_grad():` and also, written `@no_grad()`, above a function. `switch`, given, lets one be entered
again. `engine.grad_enabled` belongs to the thread that sets it: one may answer while another learns.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-switch", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def switch(steps: Callable) -> type:
    """As `contextmanager`, but one object may be entered several times, also inside of itself."""

    class Switch:
        def __init__(self) -> None:
            self.entered: list = []

        def __enter__(self) -> None:
            self.entered.append(contextmanager(steps)())
            self.entered[-1].__enter__()

        def __exit__(self, *error: Any) -> Any:
            return self.entered.pop().__exit__(*error)

        def __call__(self, function: Callable) -> Callable:
            kinds = inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction
            if any(kind(function) for kind in kinds):
                reason = "runs later, step by step, when the switch is back: write `with` inside of it"
                raise TypeError(f"@{steps.__name__}() above {function.__name__}: its body {reason}")
            return contextmanager(steps)()(function)

    return functools.update_wrapper(Switch, steps, updated=())


@switch
def no_grad() -> Iterator[None]:
    """Nothing is recorded inside. `with no_grad(): ...`, or `@no_grad()` above a function: no generator.

    TODO: keep what `engine.grad_enabled` was, set it, `yield`, and put it back whatever happens.
    """
    ### BEGIN SOLUTION
    before, engine.grad_enabled = engine.grad_enabled, False
    try:
        yield
    finally:
        engine.grad_enabled = before
    ### END SOLUTION


@switch
def enable_grad() -> Iterator[None]:
    """Operations are recorded inside, also within no_grad()."""
    ### BEGIN SOLUTION
    before, engine.grad_enabled = engine.grad_enabled, True
    try:
        yield
    finally:
        engine.grad_enabled = before
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: switching

Nests the switches, leaves one by an exception, enters one twice, and decorates functions.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-switch", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_switches():
    x = leaf(3)
    try:
        with no_grad():
            with enable_grad():
                assert (x * x).requires_grad
            assert not (x * x).requires_grad
            raise KeyError
    except KeyError:
        assert (x * x).requires_grad
    assert not no_grad()(exp)(x).requires_grad and exp(x).requires_grad
    again = no_grad()
    with again, again:
        assert not (x * x).requires_grad
    assert (x * x).requires_grad

    def steps() -> Iterator[Tensor]:
        yield x * x

    refused(lambda: no_grad()(steps), "@no_grad() above steps: its body runs later")


# %% [markdown]
"""
### Checking gradients

`gradcheck` asks one question of a function: does what backward says agree with what happens? Several
outputs are added up with random weights first, so that an error in one of them cannot hide.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-gradcheck", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def gradcheck(
    function: Callable, inputs: Any, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3
) -> bool:
    """Compare the gradients of `function(*inputs)` with central differences; True if they agree.

    inputs: a Tensor, or a sequence. Floating Tensors are checked, by copies in float64; all else is
        handed on as it is. Nothing that is given is changed, and no `.grad` is touched.
    eps: how far an element is moved; atol, rtol: how far apart the two slopes may be

    Raises RuntimeError that names the input, the worst element and both its slopes, ValueError where no
    floating Tensor is among the inputs.

    TODO: copy the inputs, call the function, draw random weights in the shape of its output, `walk`, and
        compare with `numerical_gradient` of the weighed sum, under no_grad().
    HINT: an output that has no history says that all gradients are 0.
    """
    ### BEGIN SOLUTION
    copies = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = {}
    for place, given in enumerate(copies):
        if isinstance(given, Tensor) and given.dtype.kind == "f":
            copies[place] = checked[place] = Tensor(np.array(given.data, np.float64), requires_grad=True)
    if not checked:
        raise ValueError(f"gradcheck needs a floating Tensor among its inputs, got {inputs!r}")
    output = function(*copies)
    weights = np.random.default_rng(0).normal(size=output.shape)
    totals = walk(output, weights) if output.requires_grad else {}

    def weighed() -> float:
        with no_grad():
            return float((function(*copies).data * weights).sum())

    for place, x in checked.items():
        found = totals.get(x, np.zeros(x.shape))
        expected = numerical_gradient(weighed, x.data, eps)
        if not np.allclose(found, expected, rtol, atol):
            distance = np.nan_to_num(abs(found - expected), nan=np.inf)
            worst = tuple(int(i) for i in np.unravel_index(np.argmax(distance), x.shape))
            slopes = f"{found[worst]:.6g} by backward, {expected[worst]:.6g} by finite differences"
            raise RuntimeError(f"the gradient of input {place} at {list(worst)} is {slopes}")
    return True
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: checking gradients

A check that never fails is worth nothing: most of the test is about functions that are wrong.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-gradcheck", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_unit_gradcheck():
    x, y = leaf(1, 2, 4), leaf(0.5, -1, 3)
    assert gradcheck(lambda a, b: (a * b).exp() / (a + 5), [x, y]) is True
    assert gradcheck(where, (x > 1, x, y)) and gradcheck(lambda a: a, x)
    assert x.grad is None and x.dtype == np.float32 and x.numpy().tolist() == [1, 2, 4]

    @primitive
    def wrong(a):
        return a * a

    wrong.gradient(lambda grad, output, saved, a: (grad * np.array([2, 2, 1]) * a,))
    refused(lambda: gradcheck(wrong, x), "input 0 at [2] is")
    refused(lambda: gradcheck(lambda a: a.detach() * 2, x), "input 0 at [")
    refused(lambda: gradcheck(lambda a, b: a + b.detach(), (x, y)), "input 1 at [")
    refused(lambda: gradcheck(abs, Tensor([1, 2])), "needs a floating Tensor")


# %% [markdown]
"""
### Memory for time

`recompute(function, *inputs)` gives what `function(*inputs)` gives, and keeps nothing of what was computed
inside. In backward the function runs again, this time on the tape, and is walked back at once.

In the first run another recorder is called (`used_by`, given). It keeps no arrays; it notes which
Tensors *from outside* were used, inputs as well as weights that the function knows by itself. Their
gradients are what the rule must return. What the second run makes has larger numbers than all that
was there before: this is what `since` is for.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-recompute", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def used_by(function: Callable, inputs: Sequence) -> tuple[Any, list, dict[Tensor, np.ndarray]]:
    """Run a function without a tape: (its result, a mark, {Tensor from outside: its array}).

    The mark is the `_node` of everything inside that wants a gradient. It is empty, like WALKED.
    """
    mark, outside = [], {}

    def note(name: str, result: Tensor, operands: tuple, *_: Any) -> None:
        wanting = [t for t in operands if isinstance(t, Tensor) and t.requires_grad]
        if wanting:
            result.requires_grad, result._node = True, mark
        outside.update({t: t.data for t in wanting if t._node is not mark})

    before, engine.recorder = engine.recorder, note
    try:
        return function(*inputs), mark, outside
    finally:
        engine.recorder = before


def recompute(function: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """`function(*inputs)`, of which nothing is kept but the inputs: backward computes it again.

    The function must do the same both times. Random numbers are repeated; a running mean that it
    updates is updated twice. Raises TypeError if it does not return one Tensor.

    TODO: keep a copy of the generator, and call `used_by`. If the result carries the mark, give it an
        operation whose rule runs the function again, with that generator, and walks back.
    HINT: `next(numbers)` before the second run is the number since which the walk goes. Where nothing is
        recorded, or another recorder is set, a plain call is all there is to do.
    """
    ### BEGIN SOLUTION
    if engine.recorder is not record or not engine.grad_enabled:
        return function(*inputs)
    generator = copy.deepcopy(engine.generator)
    result, mark, outside = used_by(function, inputs)
    if not isinstance(result, Tensor):
        raise TypeError(f"recompute needs a function that returns one Tensor, got {result!r}")
    if result._node is not mark:
        return result

    def again(grad: np.ndarray, *_: Any) -> list:
        since = next(numbers)
        before, engine.generator = engine.generator, generator
        try:
            with enable_grad():
                repeated = function(*inputs)
        finally:
            engine.generator = before
        totals = walk(repeated, grad, since)
        return [totals.get(tensor) for tensor in outside]

    operands, arrays, output = tuple(outside), list(outside.values()), result.data
    result._node = (next(numbers), "recompute", again, operands, output, None, arrays, {})
    return result
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: memory for time

Compares with a plain call, where the function also uses a weight, something computed before, and random
numbers, one recompute inside another. Then it weighs both.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-recompute", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_unit_recompute():
    weight, x = leaf(0.5, 2), leaf(1, -1)

    def gradients_of(way: Callable) -> np.ndarray:
        x.grad, weight.grad, before = None, None, weight * 3
        engine.generator = np.random.default_rng(5)

        def block(a: Tensor) -> Tensor:
            noise = Tensor(engine.generator.standard_normal(2).astype(np.float32))
            return (a * weight + before + noise).exp() * a * 0.01

        y = way(block)(x * 1)
        (y.sum() + before.sum()).backward()
        return np.array([y.numpy(), x.grad.numpy(), weight.grad.numpy()])

    def both(block: Callable) -> Callable:
        return lambda a: recompute(block, recompute(block, a))

    expected = gradients_of(lambda block: lambda a: block(block(a)))
    assert np.allclose(gradients_of(both), expected, rtol=1e-5)
    nested = gradients_of(lambda block: lambda a: recompute(both(block), a))
    assert np.allclose(nested, expected, rtol=1e-5)
    assert recompute(lambda a: a, x) is x and recompute(lambda: weight * 2).requires_grad
    refused(lambda: recompute(lambda a: (a, a), x), "returns one Tensor")


def test_unit_recompute_saves_memory():
    x = ones_to_learn(20_000)
    kept = kept_bytes(lambda: chain(x, 20))
    assert kept > 19 * x.data.nbytes, "a tape holds every result"
    assert peak_bytes(lambda: recompute(chain, x, 20)) < 5 * x.data.nbytes
    with no_grad():
        assert not recompute(chain, x, 2).requires_grad


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: what does the tape hold, when is it free, and what does recompute save, at what price?
- **Computational complexity**: what does an operation cost, and what would finite differences cost?
- **Cache and hardware**: from which size on does the work outweigh the notes about it?
- **At scale**: how deep can a network be?
"""

# %% nbgrader={"grade": false, "grade_id": "autograd-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.measuring import best_seconds, kept_bytes, peak_bytes


def chain(x: Tensor, length: int) -> Tensor:
    """As many operations, one after the other, each of which needs its input to be walked back."""
    for _ in range(length):
        x = abs(x)
    return x


def in_segments(x: Tensor, length: int, size: int) -> Tensor:
    """The same, of which only every `size`-th result is kept."""
    for start in range(0, length, size):
        x = recompute(chain, x, min(size, length - start))
    return x


def there_and_back(build: Callable, x: Tensor, *sizes: int) -> Tensor:
    x.grad, y = None, build(x, *sizes)
    y.backward(np.ones_like(y.data))
    return y


def ones_to_learn(size: int) -> Tensor:
    return Tensor(np.ones(size, np.float32), requires_grad=True)


def analyze_memory() -> None:
    x = ones_to_learn(250_000)
    ways = {"under no_grad": no_grad()(chain), "on the tape": chain}
    ways["walked back"] = lambda x, length: there_and_back(chain, x, length).data
    for name, way in ways.items():
        kept = kept_bytes(lambda way=way: way(x, 16)) / x.data.nbytes
        print(f"  16 operations {name:14} hold {kept:5.2f} times the bytes of x, gradients included")
    ways = {f"segments of {s}": lambda s=s: there_and_back(in_segments, x, 64, s) for s in (32, 8, 2)}
    for name, way in ({"everything kept": lambda: there_and_back(chain, x, 64)} | ways).items():
        peak, milliseconds = peak_bytes(way) / x.data.nbytes, best_seconds(way) * 1e3
        print(f"  64 operations, {name:15}: peak {peak:5.1f} times x, {milliseconds:6.2f} ms")


def analyze_complexity() -> None:
    one, lengths = ones_to_learn(1), (250, 1000, 4000)
    times = [best_seconds(lambda n=n: there_and_back(chain, one, n)) for n in lengths]
    slope = np.polyfit(np.log(lengths), np.log(times), 1)[0]
    print(f"  {times[-1] / lengths[-1] * 1e6:.2f} us an operation on one element, there and back;", end=" ")
    print(f"time grows with the length of a chain to the power {slope:.2f}")
    for size in (10, 100, 1000):
        x = ones_to_learn(size)
        back = best_seconds(lambda x=x: (x * x).exp().sum().backward())
        differences = best_seconds(lambda x=x: gradcheck(lambda a: (a * a).exp().sum(), x), 1)
        print(f"  {size:5,} inputs: finite differences take {differences / back:7,.0f} times as long")


def analyze_cache() -> None:
    for size in (1, 100, 10_000, 1_000_000):
        x = ones_to_learn(size)
        taped = best_seconds(lambda x=x: there_and_back(chain, x, 10), 20) / 10
        bare = best_seconds(lambda a=x.data: [np.abs(a) for _ in range(10)], 20) / 10
        print(f"  {size:9,} elements: {taped * 1e6:8.1f} us there and back,", end=" ")
        print(f"{bare * 1e6:8.1f} us forward in NumPy alone: {taped / bare:4.1f} times")


def analyze_scale() -> None:
    x, depths = ones_to_learn(10_000), (64, 256, 1024)
    rooted = lambda x, n: in_segments(x, n, round(n**0.5))  # noqa: E731
    for name, build in (("everything kept", chain), ("segments of the root", rooted)):
        peaks = [peak_bytes(lambda b=build, n=n: there_and_back(b, x, n)) for n in depths]
        slope, start = np.polyfit(np.log(depths), np.log(peaks), 1)
        print(f"  {name}: memory grows with the depth to the power {slope:.2f};", end=" ")
        limit = np.exp((np.log(16 * 2**30 * x.data.nbytes / 1e8) - start) / slope)
        print(f"with 100 MB a layer, 16 GiB are full at {limit:,.0f} layers")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: long chains, and memory that is given back

Walks back over 10,000 operations, drops a longer chain that was never walked, and trains while it
keeps every loss: a loss that was walked back holds one number.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-memory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_long_chains():
    x = leaf(1)
    y = x
    for _ in range(10_000):
        y = y + x
    y.backward()
    assert x.grad.item() == 10_001
    for _ in range(100_000):  # dropped without a walk
        y = y + x


def test_unit_memory_of_a_loop():
    weight, losses = Tensor(np.ones((100, 100), np.float32), requires_grad=True), []

    def steps(count: int) -> None:
        for _ in range(count):
            losses.append(((weight @ weight) * weight).mean())
            losses[-1].backward()
            weight.data, weight.grad = weight.data - 1e-3 * weight.grad.data, None

    steps(1)
    kept = kept_bytes(lambda: steps(50))
    assert kept < 4 * weight.data.nbytes, f"50 steps left {kept:,} bytes behind"


# %% [markdown]
"""
## Integration

### 🧪 Integration test: every primitive, through the Tensor

Asks whether every primitive of module 02 has a rule, checks whole functions of Tensors, and asserts that the
gradient of a float32 is a float32, also where wider numbers took part on the way.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-tensor", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_integration_every_primitive():
    ours = [n for n, f in engine.implementations.items() if f.__module__ == Tensor.__module__]
    assert len(ours) >= 19 and [name for name in ours if name not in engine.gradients] == []
    x, y = Tensor(draws(3, 4)), Tensor(abs(draws(3, 4)) + 1)
    assert gradcheck(lambda a, b: (a / b).mean(dim=0) - (b**a).log().sum(dim=1, keepdim=True)[0], [x, y])
    assert gradcheck(lambda a, b: concatenate([stack([a, b], dim=1)[1:].max(dim=-1), a[:, 2:]]).T, [x, y])
    assert gradcheck(lambda a, b: where(a > 0, a * b[0], b.sqrt()).reshape(2, 6) @ a.reshape(6, 2), [x, y])
    narrow = Tensor([[1.0, 2.0]], requires_grad=True)
    (narrow * y[:, :2] + np.float64(1)).mean().backward()
    assert narrow.grad.dtype == np.float32 and narrow.grad.shape == (1, 2)


# %% [markdown]
"""
## Production Context

- **PyTorch** has the same tape: each result points to a node (`grad_fn`) that points back, and `backward()`
  frees it unless told `retain_graph=True`. A counter in every tensor notices a write into what backward
  needs. Its rules are made of recorded operations, so they can be differentiated once more; yours
  work on plain arrays: faster and simpler, and one derivative is all you get.
- **JAX** differentiates functions (`jax.grad`); **TensorFlow** records only inside a `with GradientTape()`.
- **Checkpointing** (`torch.utils.checkpoint`) is your `recompute`: large models are trained with it.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: learning

A linear classifier of three clouds of points, out of Tensor operations alone, learns in twenty steps.
"""

# %% nbgrader={"grade": true, "grade_id": "test-autograd-learning", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_learning():
    rows, labels = np.arange(90), np.repeat([0, 1, 2], 30)
    points = draws(90, 2) + np.array([[0, 4], [4, -2], [-4, -2]])[labels]
    x = Tensor(points.astype(np.float32))
    weight = Tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    bias = Tensor(np.zeros(3, np.float32), requires_grad=True)
    for step in range(20):
        scores = x @ weight + bias
        scores = scores - scores.max(dim=1, keepdim=True).detach()
        loss = (scores.exp().sum(dim=1).log() - scores[rows, labels]).mean()
        assert step or np.isclose(loss.item(), np.log(3))
        loss.backward()
        for parameter in (weight, bias):
            parameter.data, parameter.grad = parameter.data - 0.5 * parameter.grad.data, None
    right = (x @ weight + bias).argmax(dim=1).numpy() == labels
    assert loss.item() < 0.1 and right.mean() > 0.97 and bias.shape == (3,)


# %% nbgrader={"grade": false, "grade_id": "autograd-picture", "locked": true, "schema_version": 3, "solution": false, "task": false}
def show_descent():
    """The loss falls along your gradient, step by step, and nobody wrote its derivative."""
    x = Tensor([1.7], requires_grad=True)
    for step in range(9):
        loss = ((x * x - 1) ** 2).sum()
        loss.backward()
        print(f"step {step}   x = {x.item():.3f}   loss {loss.item():.3f} {'#' * round(12 * loss.item())}")
        x.data, x.grad = x.data - 0.02 * x.grad.data, None


# %% nbgrader={"grade": false, "grade_id": "autograd-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for title, analysis in (
        *(("Memory", analyze_memory), ("Complexity", analyze_complexity)),
        *(("Cache", analyze_cache), ("At scale", analyze_scale)),
        ("Picture: a loss that falls", show_descent),
    ):
        print(f"\n{title}")
        analysis()

# %% [markdown]
"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "autograd-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** A training loop adds up `total = total + loss`, to print the mean at the end.
What does that hold if `backward` was called on each loss, what if it was not, and what would you write?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "autograd-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** `tensor.py` never imports `autograd.py`, and yet every operation is recorded. What
would have to change in modules 02 to 08 if each operation made its own Node?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "autograd-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** A colleague serves a model and forgot `no_grad`. The answers are right. Which of
your measurements tells what it costs, and how would you notice it in a running service?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "autograd-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** Your measurement says at which depth 16 GiB are full, with and without recompute. For a model of
96 layers of 1 GB each, how long should the segments be, and what does a step cost then?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Autograd

You built the engine of every framework: a rule for each primitive, one place where broadcasting is
undone, and a walk against the order of recording that frees the tape as it goes. Finite differences say
that it is right. You measured what the tape holds, and bought memory with time.

**Next:** `pytest --checkpoint 08`, then module 10, where gradients become steps.
"""
