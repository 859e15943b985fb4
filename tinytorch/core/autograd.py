# Generated from src_modules/09_autograd.py. Do not edit: write in src_modules/09_autograd.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=23413bd526ccf341 code=edc118f562c5e1d0 content=57046db3222ad8df
# %% src_modules/09_autograd.py:76
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


# %% src_modules/09_autograd.py:95
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


# %% src_modules/09_autograd.py:126
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


# %% src_modules/09_autograd.py:217
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


# %% src_modules/09_autograd.py:358
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


# %% src_modules/09_autograd.py:456
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


# %% src_modules/09_autograd.py:556
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


# %% src_modules/09_autograd.py:663
engine.tape = record
engine.backward = backward
Variable = Tensor  # a class of its own in early frameworks; here every Tensor can do it


# %% src_modules/09_autograd.py:739
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


# %% src_modules/09_autograd.py:830
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


# %% src_modules/09_autograd.py:914
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
