# %% [markdown]
"""
# Module 02: Tensor

## Introduction

A tensor is an array that takes part in learning: numbers in a shape, plus a place for a gradient.
Everything that follows in this course, from one neuron to a small GPT, is made of the operations
you write here.

You will build

1. `Tensor`, a thin wrapper around one NumPy array;
2. its *primitives*: arithmetic, matrix products, reductions and changes of shape;
3. ways to create tensors, with random numbers that can be repeated.

**The one mechanism to understand.** A primitive is a plain function on arrays. The decorator
`@primitive` lifts it to tensors: unwrap the operands, run the function, wrap the result. Because
every operation passes through this one dispatch function, module 09 can record there what happens,
and gradients will arrive without a change to anything you write today.
"""

# %% [markdown]
r"""
## Mathematical Background

**Shape.** A tensor of shape $(d_1, \dots, d_n)$ holds $\prod_i d_i$ numbers. A scalar has shape
`()` and holds one; shape `(0, 3)` holds none, and is still legal.

**Broadcasting.** Two shapes are compared from the right. Sizes must be equal, or one of them 1 (or
missing): that one is repeated, without copying.

    (2, 3)  and     (3,)  ->  (2, 3)
    (4, 1)  and  (1, 5)   ->  (4, 5)
    (2, 3)  and     (2,)  ->  error: 3 is not 2

**Matrix product.** $C = AB$ with $C_{ij} = \sum_k A_{ik} B_{kj}$ takes $(n, k)$ and $(k, m)$ to
$(n, m)$ at $2nkm$ floating-point operations. Leading dimensions are a batch and broadcast.

**Reduction.** `x.sum(dim=1)` removes dimension 1; `keepdim=True` leaves it with size 1, so that the
result broadcasts against `x`.

**Types.** Networks compute in float32: half the memory and twice the speed of float64, and exact
enough. NumPy widens silently when integers or float64 scalars meet float32, so this module has one
rule: *a result is float64 only if an operand was a float64 array.*
"""

# %% [markdown]
"""
## Implementation

### Dispatch: primitives

This part is given. Read it once with care: `engine` holds all state that operations share, and
`primitive` is the only place that knows both arrays and tensors.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.tensor
#| export
import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np


# %% nbgrader={"grade": false, "grade_id": "tensor-primitive", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
class PerThread:
    """An attribute that each thread sets for itself: what others set does not reach it."""

    def __init__(self, default: Any) -> None:
        self.value: ContextVar[Any] = ContextVar("value", default=default)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self.value.get()

    def __set__(self, owner: Any, value: Any) -> None:
        self.value.set(value)


class Engine:
    """All that operations share: how each primitive runs, its gradient, and who is watching."""

    grad_enabled = PerThread(True)  # whether the operations of this thread are recorded
    watcher = PerThread(None)  # a recorder that this thread has set for itself

    def __init__(self) -> None:
        self.implementations: dict[str, Callable] = {}  # primitive -> function on arrays
        self.gradients: dict[str, Callable] = {}  # primitive -> its gradient, also on arrays
        self.tape: Callable | None = None  # set by module 09: the recorder of all threads
        self.backward: Callable | None = None  # set by module 09: walks back over what it recorded
        self.generator = np.random.default_rng()

    @property
    def recorder(self) -> Callable | None:
        """Sees every operation of this thread: the tape, unless the thread has set another."""
        return self.watcher or self.tape

    @recorder.setter
    def recorder(self, recorder: Callable | None) -> None:
        self.watcher = None if recorder is self.tape else recorder


engine = Engine()
_FLOAT64 = np.dtype(np.float64)


def primitive(forward: Callable) -> Callable:
    """Lift a function on arrays to a function on Tensors. Use it as a decorator.

    `forward(*arrays, **options)` returns an array, or `(array, saved)` where its gradient needs
    more than inputs and output. The gradient is declared beside it with `@name.gradient`:
    `rule(grad, output, saved, *arrays, **options)` returns for each input one array, None, or a
    function that makes the array, which is called only where somebody wants it.
    Declaring a name again replaces what it stood for.
    """
    name = forward.__name__
    engine.implementations[name] = forward

    @functools.wraps(forward)
    def lifted(*operands: Any, **options: Any) -> "Tensor":
        arrays = [o._data if isinstance(o, Tensor) else _operand(name, o) for o in operands]
        try:
            output = engine.implementations[name](*arrays, **options)
        except ValueError as error:
            shapes = " and ".join(str(np.shape(array)) for array in arrays)
            raise ValueError(f"{name} of shapes {shapes}: {error}") from None
        saved = None
        if type(output) is tuple:
            output, saved = output
        if type(output) is not np.ndarray or output.dtype is _FLOAT64:
            output = _stay_float32(np.asarray(output), arrays)
        result = _wrap(output)
        if engine.grad_enabled and (recorder := engine.recorder) is not None:
            recorder(name, result, operands, arrays, options, saved)
        return result

    def gradient(rule: Callable) -> Callable:
        engine.gradients[name] = rule
        return rule

    lifted.gradient = gradient
    return lifted


def _operand(name: str, value: Any) -> Any:
    """An array or a plain Python number: NumPy lets the latter follow the array's dtype."""
    if isinstance(value, Tensor):
        return value.data
    if isinstance(value, np.ndarray | bool | int | float):
        return value if not isinstance(value, np.generic) else value.item()
    if isinstance(value, np.number | np.bool_):
        return value.item()
    kind = type(value).__name__
    raise TypeError(f"{name} takes Tensors, arrays and numbers, got {kind}: {value!r}")


def _stay_float32(output: np.ndarray, arrays: Sequence[Any]) -> np.ndarray:
    """Undo NumPy's silent widening: float64 comes out only where float64 went in."""
    if output.dtype != np.float64:
        return output
    if any(isinstance(array, np.ndarray) and array.dtype == np.float64 for array in arrays):
        return output
    return output.astype(np.float32)


def _wrap(array: np.ndarray) -> "Tensor":
    """A Tensor around an array that is known to be good: no checks, no copy."""
    result = Tensor.__new__(Tensor)
    result._data = array
    result.grad = None
    result._requires_grad = False
    result._node = None
    return result


def masked(grad: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`grad` where the mask is True, 0 elsewhere: `np.where(mask, grad, 0)`, several times faster.

    `grad * mask` would make NaN of infinity times 0. So it is the bits that are multiplied.
    """
    return (grad.view(f"i{grad.dtype.itemsize}") * mask).view(grad.dtype)


# %% [markdown]
"""
### The Tensor

Your part begins here. The operators at the end of the class are given; each hands its work to a
primitive that you write in the cells after it.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor-class", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Tensor:
    """An array of numbers with a place for its gradient.

    data: a number, a (nested) sequence of numbers, an array or a Tensor. Python floats become
        float32 and ints int64. An array keeps its dtype and is wrapped, not copied.
    dtype: converts the data to this NumPy dtype.
    requires_grad: whether operations on it are to be differentiated; floating dtypes only.

    Raises TypeError for data that is not numeric, ValueError for rows of unequal length, and for
    a gradient of whole numbers; `data` and `requires_grad` are checked whenever they are set.
    """

    __slots__ = ("__weakref__", "_data", "_node", "_requires_grad", "grad")
    __array_priority__ = 1000  # so that `array + tensor` asks the tensor
    __hash__ = object.__hash__  # == compares element by element, so identity is what hashes

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False) -> None:
        """TODO: turn `data` into an array by the rules above. Set four attributes: `data`, `grad` (None),
        `requires_grad` and `_node` (None: no operation has computed this Tensor; module 09 uses it).

        HINT: np.asarray does most of it. If `data` was not an array, float64 means that it held
        Python floats: convert to float32. `array.dtype.kind` is one of "biuf" for numbers.
        """
        ### BEGIN SOLUTION
        if isinstance(data, Tensor):
            data = data.data
        given = isinstance(data, np.ndarray | np.generic)
        try:
            array = np.asarray(data)
        except ValueError as error:
            raise ValueError(f"Tensor data must have rows of equal length: {error}") from None
        if array.dtype.kind not in "biuf":
            raise TypeError(f"Tensor data must be numbers, got {data!r} (dtype {array.dtype})")
        if dtype is not None:
            array = array.astype(dtype, copy=False)
        elif array.dtype == np.float64 and not given:
            array = array.astype(np.float32)
        self._node: Any = None
        self.data = array
        self.grad: Tensor | None = None
        self.requires_grad = requires_grad
        ### END SOLUTION

    @property
    def data(self) -> np.ndarray:
        """The array. Raises TypeError if it is set to anything but an array of numbers."""
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        array = np.asarray(value) if isinstance(value, np.generic) else value
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            kind = type(value).__name__
            message = f"data of a Tensor is an array of numbers, got {kind}: {value!r}"
            raise TypeError(f"{message}; x.data of a Tensor and np.asarray of a list are such")
        _check_gradient(array, getattr(self, "_requires_grad", False))
        self._data = array

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are differentiated. What was computed from others cannot say
        no: RuntimeError. Raises ValueError for whole numbers and booleans."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not value and getattr(self, "_node", None) is not None:
            raise RuntimeError("this Tensor was computed from others: use detach() instead")
        _check_gradient(getattr(self, "_data", None), value)
        self._requires_grad = bool(value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions: `(2, 3)`; `()` for a scalar."""
        ### BEGIN SOLUTION
        return self.data.shape
        ### END SOLUTION

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        ### BEGIN SOLUTION
        return self.data.ndim
        ### END SOLUTION

    @property
    def size(self) -> int:
        """Number of elements."""
        ### BEGIN SOLUTION
        return self.data.size
        ### END SOLUTION

    @property
    def dtype(self) -> np.dtype:
        """NumPy dtype of the elements."""
        ### BEGIN SOLUTION
        return self.data.dtype
        ### END SOLUTION

    def numpy(self) -> np.ndarray:
        """The array itself: no copy, so writing into it changes the tensor."""
        ### BEGIN SOLUTION
        return self.data
        ### END SOLUTION

    def item(self) -> float | int | bool:
        """The only element, as a plain Python number. Raises ValueError if there is not just one.

        TODO: check the size first; the message names the shape.
        """
        ### BEGIN SOLUTION
        if self.data.size != 1:
            raise ValueError(f"item() needs exactly one element, this has shape {self.shape}")
        return self.data.item()
        ### END SOLUTION

    def detach(self) -> "Tensor":
        """The same numbers (shared, not copied) without a gradient or a history."""
        ### BEGIN SOLUTION
        return _wrap(self.data)
        ### END SOLUTION

    def __len__(self) -> int:
        """Size of the first dimension. Raises TypeError for a scalar."""
        ### BEGIN SOLUTION
        if self.data.ndim == 0:
            raise TypeError("len() of a scalar Tensor: it has no dimensions")
        return self.data.shape[0]
        ### END SOLUTION

    def __repr__(self) -> str:
        """`Tensor([1., 2.], dtype=float32)`, and `requires_grad=True` where it is so."""
        ### BEGIN SOLUTION
        numbers = np.array2string(self.data, separator=", ", prefix="Tensor(")
        flag = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({numbers}, dtype={self.dtype}{flag})"
        ### END SOLUTION

    def __bool__(self) -> bool:
        """Truth of a single element. Raises ValueError for any other size, as `if x == y` would
        otherwise hide which elements are meant."""
        ### BEGIN SOLUTION
        if self.data.size != 1:
            raise ValueError(f"the truth of a Tensor of shape {self.shape} is ambiguous")
        return bool(self.data.item())
        ### END SOLUTION

    def __iter__(self):
        """Tensors along the first dimension."""
        return (self[index] for index in range(len(self)))

    def __float__(self) -> float:
        return float(self._number("float()"))

    def __int__(self) -> int:
        return int(self._number("int()"))

    def _number(self, name: str) -> float | int | bool:
        """`item()`, with a warning where a gradient ends, as in `math.exp(x)`."""
        if self._requires_grad and engine.grad_enabled:
            warnings.warn(f"{name} of a Tensor ends its gradient; item() says so", stacklevel=3)
        return self.item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """What NumPy's functions see: np.asarray(x), np.exp(x).

        Raises RuntimeError, as in PyTorch, where NumPy would lose a gradient.
        """
        if self._requires_grad and engine.grad_enabled:
            message = "NumPy would lose the gradient of this Tensor: use functions of tinytorch,"
            raise RuntimeError(f"{message} such as x.exp(), or x.detach() to do without")
        return np.array(self._data, dtype=dtype, copy=copy)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """What `copy` and `pickle` make a copy of. Raises RuntimeError for what has a history."""
        if self._node is not None:
            message = "this Tensor was computed from others, and a copy would not be:"
            raise RuntimeError(f"{message} only leaves can be copied; use detach() first")
        return super().__reduce_ex__(protocol)

    def backward(self, gradient: Any = None) -> None:
        """Fill `.grad` of every tensor this one was computed from. Module 09 brings the engine."""
        if engine.backward is None:
            package = sys.modules.get(__name__.partition(".")[0])
            failures = getattr(package, "import_failures", {})
            message = "backward() needs module 09_autograd: "
            if failure := failures.get("core.autograd"):
                raise RuntimeError(f"{message}its import failed: {failure!r}") from failure
            raise RuntimeError(f"{message}no gradients are recorded before it is written")
        if not self.requires_grad:
            reason = "nothing that it was computed from has requires_grad=True, or it was under"
            raise RuntimeError(f"backward() of a Tensor without a history: {reason} no_grad()")
        engine.backward(self, gradient)

    # Operators: Python's syntax, handed on to the primitives below.

    def __add__(self, other: Any) -> "Tensor":
        return add(self, other)

    def __radd__(self, other: Any) -> "Tensor":
        return add(other, self)

    def __sub__(self, other: Any) -> "Tensor":
        return subtract(self, other)

    def __rsub__(self, other: Any) -> "Tensor":
        return subtract(other, self)

    def __mul__(self, other: Any) -> "Tensor":
        return multiply(self, other)

    def __rmul__(self, other: Any) -> "Tensor":
        return multiply(other, self)

    def __truediv__(self, other: Any) -> "Tensor":
        return divide(self, other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return divide(other, self)

    def __pow__(self, other: Any) -> "Tensor":
        return power(self, other)

    def __rpow__(self, other: Any) -> "Tensor":
        return power(other, self)

    def __matmul__(self, other: Any) -> "Tensor":
        return matmul(self, other)

    def __rmatmul__(self, other: Any) -> "Tensor":
        return matmul(other, self)

    def __iadd__(self, other: Any) -> "Tensor":
        return self._become(add(self, other))

    def __isub__(self, other: Any) -> "Tensor":
        return self._become(subtract(self, other))

    def __imul__(self, other: Any) -> "Tensor":
        return self._become(multiply(self, other))

    def __itruediv__(self, other: Any) -> "Tensor":
        return self._become(divide(self, other))

    def __ipow__(self, other: Any) -> "Tensor":
        return self._become(power(self, other))

    def _become(self, result: "Tensor") -> "Tensor":
        """`x += y` writes into the array of x, whoever else holds it. With a history, as in
        `total += loss`, it is `x = x + y`: backward needs what x was.

        Raises RuntimeError for a leaf that requires a gradient, unless nothing is recorded, and
        TypeError or ValueError for a result of another kind of dtype, or another shape.
        """
        if result._requires_grad and self._requires_grad and self._node is None:
            message = "a Tensor that requires a gradient cannot be changed in place:"
            raise RuntimeError(f"{message} write x = x + y, or change it under no_grad()")
        if result._requires_grad or self._node is not None:
            return result
        np.copyto(self._data, result._data, casting="same_kind")
        return self

    def __neg__(self) -> "Tensor":
        return negative(self)

    def __abs__(self) -> "Tensor":
        return absolute(self)

    def __eq__(self, other: Any) -> "Tensor":  # type: ignore[override]
        return compare(np.equal, self, other) if _is_operand(other) else NotImplemented

    def __ne__(self, other: Any) -> "Tensor":  # type: ignore[override]
        return compare(np.not_equal, self, other) if _is_operand(other) else NotImplemented

    def __lt__(self, other: Any) -> "Tensor":
        return compare(np.less, self, other)

    def __le__(self, other: Any) -> "Tensor":
        return compare(np.less_equal, self, other)

    def __gt__(self, other: Any) -> "Tensor":
        return compare(np.greater, self, other)

    def __ge__(self, other: Any) -> "Tensor":
        return compare(np.greater_equal, self, other)

    def __getitem__(self, index: Any) -> "Tensor":
        return select(self, index=_plain_index(index))

    # Methods: the same, with names.

    def exp(self) -> "Tensor":
        return exp(self)

    def log(self) -> "Tensor":
        return log(self)

    def sqrt(self) -> "Tensor":
        return sqrt(self)

    def abs(self) -> "Tensor":
        return absolute(self)

    def sum(self, dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> "Tensor":
        """Sum over all elements, or over dimension(s) `dim`."""
        return reduce_sum(self, dim=dim, keepdim=keepdim)

    def mean(self, dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> "Tensor":
        """Mean over all elements, or over dimension(s) `dim`; of integers, a float32."""
        total = self.sum(dim=dim, keepdim=keepdim)
        return total / (self.size // total.size if total.size else 1)

    def max(self, dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> "Tensor":
        """Largest element, of all or along `dim`: values only, like torch.amax."""
        return reduce_max(self, dim=dim, keepdim=keepdim)

    def min(self, dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> "Tensor":
        """Smallest element, of all or along `dim`: values only, like torch.amin."""
        return reduce_min(self, dim=dim, keepdim=keepdim)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> "Tensor":
        """Position of the first largest element, of all (flattened) or along `dim`; int64."""
        return _wrap(np.asarray(np.argmax(self.data, axis=dim, keepdims=keepdim)))

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> "Tensor":
        """Position of the first smallest element, of all (flattened) or along `dim`; int64."""
        return _wrap(np.asarray(np.argmin(self.data, axis=dim, keepdims=keepdim)))

    def reshape(self, *shape: Any) -> "Tensor":
        """The same elements in another shape; one size may be -1. `reshape(2, 3)`, `((2, 3))`."""
        return reshape(self, shape=_plain_dims(shape))

    def permute(self, *dims: Any) -> "Tensor":
        """Reorder the dimensions: `x.permute(0, 2, 3, 1)` takes (N, C, H, W) to (N, H, W, C)."""
        return permute(self, dims=_plain_dims(dims))

    def transpose(self, dim0: int = -2, dim1: int = -1) -> "Tensor":
        """Swap two dimensions, by default the last two."""
        dims = list(range(self.ndim))
        dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
        return permute(self, dims=tuple(dims))

    @property
    def T(self) -> "Tensor":
        """All dimensions in reverse order: for a matrix, its transpose."""
        return permute(self, dims=tuple(reversed(range(self.ndim))))


def _check_gradient(array: np.ndarray | None, wanted: bool) -> None:
    """Raise ValueError where a gradient is wanted of whole numbers: it would be cut to such."""
    if wanted and array is not None and array.dtype.kind != "f":
        raise ValueError(f"only floating tensors can require gradients, this is {array.dtype}")


def _is_operand(value: Any) -> bool:
    """Whether a Tensor can be compared with it. With None or text, Python says False."""
    return isinstance(value, Tensor | np.ndarray | np.number | np.bool_ | bool | int | float)


def _plain_dims(dims: tuple[Any, ...]) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    return tuple(dims[0]) if len(dims) == 1 and isinstance(dims[0], tuple | list) else dims


def _plain_index(index: Any) -> Any:
    """An index of arrays, slices and numbers: NumPy does not know Tensors."""
    if isinstance(index, tuple):
        return tuple(_plain_index(part) for part in index)
    return index.data if isinstance(index, Tensor) else index


# %% [markdown]
"""
### 🧪 Unit test: creation

Checks the rules for dtypes, shapes (the empty one too) and the errors. Getting dtypes right comes
first because every mistake here is silent: the numbers stay correct while memory doubles.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-creation", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_creation():
    assert Tensor([1.0, 2.0]).dtype == np.float32
    assert Tensor([1, 2]).dtype == np.int64
    assert Tensor(np.zeros(2)).dtype == np.float64
    assert Tensor([1, 2], dtype=np.float32).dtype == np.float32
    assert Tensor([[1, 2, 3], [4, 5, 6]]).shape == (2, 3)
    assert Tensor(3.5).shape == () and Tensor(3.5).item() == 3.5
    assert Tensor([]).size == 0 and Tensor(np.zeros((0, 3))).shape == (0, 3)
    for name in ("grad", "_node"):
        assert getattr(Tensor(1.0), name, "missing") is None, f"__init__ must set {name} to None"
    array = np.arange(3.0)
    assert Tensor(array).numpy() is array and Tensor(array, requires_grad=True).requires_grad
    for wrong, error in (("text", TypeError), ([[1], [1, 2]], ValueError)):
        try:
            Tensor(wrong)
        except error:
            continue
        raise AssertionError(f"Tensor({wrong!r}) must raise {error.__name__}")


# %% [markdown]
"""
### Arithmetic

Each of these is one line of NumPy: the dispatch function handles broadcasting, dtypes and errors.
`compare` is no primitive, because a truth value has no gradient.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor-arithmetic", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@primitive
def add(a, b):
    """a + b, element by element."""
    ### BEGIN SOLUTION
    return a + b
    ### END SOLUTION


@primitive
def subtract(a, b):
    """a - b, element by element."""
    ### BEGIN SOLUTION
    return a - b
    ### END SOLUTION


@primitive
def multiply(a, b):
    """a * b, element by element."""
    ### BEGIN SOLUTION
    return a * b
    ### END SOLUTION


@primitive
def divide(a, b):
    """a / b, element by element; of integers, a float32."""
    ### BEGIN SOLUTION
    return a / b
    ### END SOLUTION


@primitive
def power(a, b):
    """a to the power b, element by element."""
    ### BEGIN SOLUTION
    return a**b
    ### END SOLUTION


@primitive
def negative(a):
    """-a, element by element."""
    ### BEGIN SOLUTION
    return -a
    ### END SOLUTION


@primitive
def matmul(a, b):
    """Matrix product of (..., n, k) and (..., k, m); leading dimensions broadcast.

    HINT: `@` of NumPy does all of it, also for vectors.
    """
    ### BEGIN SOLUTION
    return a @ b
    ### END SOLUTION


def compare(operation: np.ufunc, a: Any, b: Any) -> "Tensor":
    """Compare element by element with a NumPy ufunc such as np.less; the result is bool."""
    ### BEGIN SOLUTION
    return _wrap(np.asarray(operation(_operand("compare", a), _operand("compare", b))))
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: arithmetic

Compares with numbers worked by hand, in both orders of the operands: `2 - x` and `x - 2` take
different paths through Python.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-arithmetic", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_operands_are_unchanged():
    for dtype in (np.float32, np.float64, np.int64):
        for right in ((2, 3), (3,), ()):
            for operation in (add, subtract, multiply, divide, power):
                x, y = Tensor(np.full((2, 3), 6, dtype)), Tensor(np.full(right, 2, dtype))
                operation(x, y)
                what = f"{operation.__name__} changed its operand: it must make a new array"
                assert np.all(x.data == 6) and np.all(y.data == 2), what


def test_unit_arithmetic():
    x = Tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    row = Tensor([1.0, 2.0, 3.0])
    assert (x + row).numpy().tolist() == [[2, 4, 7], [9, 18, 35]]
    assert (x - row).numpy().tolist() == [[0, 0, 1], [7, 14, 29]]
    assert (2 - row).numpy().tolist() == [1, 0, -1]
    assert (row * row).numpy().tolist() == [1, 4, 9]
    assert (8 / x[0]).numpy().tolist() == [8, 4, 2]
    assert (row**2).numpy().tolist() == [1, 4, 9] and (2**row).numpy().tolist() == [2, 4, 8]
    assert (-row).numpy().tolist() == [-1, -2, -3]
    assert (row >= 2).numpy().tolist() == [False, True, True]
    assert (np.ones(3) + row).numpy().tolist() == [2, 3, 4]


def test_unit_matmul():
    a = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert (a @ Tensor([[5.0, 6.0], [7.0, 8.0]])).numpy().tolist() == [[19, 22], [43, 50]]
    assert (a @ Tensor([1.0, 1.0])).numpy().tolist() == [3, 7]
    batch = Tensor(np.ones((5, 2, 3), np.float32)) @ Tensor(np.ones((3, 4), np.float32))
    assert batch.shape == (5, 2, 4) and batch.dtype == np.float32
    try:
        a @ Tensor([1.0, 2.0, 3.0])
    except ValueError as error:
        assert "(2, 2)" in str(error) and "(3,)" in str(error)
    else:
        raise AssertionError("(2, 2) @ (3,) must raise ValueError")


# %% [markdown]
"""
### Functions of one element, and reductions

`dim=None` reduces everything to a scalar of shape `()`. NumPy calls the options `axis` and
`keepdims`.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor-reductions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@primitive
def exp(a):
    """e to the power of each element."""
    ### BEGIN SOLUTION
    return np.exp(a)
    ### END SOLUTION


@primitive
def log(a):
    """Natural logarithm of each element."""
    ### BEGIN SOLUTION
    return np.log(a)
    ### END SOLUTION


@primitive
def sqrt(a):
    """Square root of each element."""
    ### BEGIN SOLUTION
    return np.sqrt(a)
    ### END SOLUTION


@primitive
def absolute(a):
    """Magnitude of each element."""
    ### BEGIN SOLUTION
    return np.abs(a)
    ### END SOLUTION


@primitive
def reduce_sum(a, dim=None, keepdim=False):
    """Sum of all elements, or along `dim`. The sum of nothing is 0."""
    ### BEGIN SOLUTION
    return np.sum(a, axis=dim, keepdims=keepdim)
    ### END SOLUTION


@primitive
def reduce_max(a, dim=None, keepdim=False):
    """Largest of all elements, or along `dim`. Raises ValueError where there is none."""
    ### BEGIN SOLUTION
    return np.max(a, axis=dim, keepdims=keepdim)
    ### END SOLUTION


@primitive
def reduce_min(a, dim=None, keepdim=False):
    """Smallest of all elements, or along `dim`. Raises ValueError where there is none."""
    ### BEGIN SOLUTION
    return np.min(a, axis=dim, keepdims=keepdim)
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: reductions

Checks every way to name dimensions (none, one, negative, several) and that float32 survives.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-reductions", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_reductions():
    x = Tensor([[1.0, 5.0, 3.0], [4.0, 2.0, 6.0]])
    assert x.sum().item() == 21 and x.sum().shape == ()
    assert x.sum(dim=0).numpy().tolist() == [5, 7, 9]
    assert x.sum(dim=-1, keepdim=True).numpy().tolist() == [[9], [12]]
    assert x.sum(dim=(0, 1)).item() == 21
    assert x.mean(dim=1).numpy().tolist() == [3, 4]
    assert x.max(dim=1).numpy().tolist() == [5, 6] and x.min().item() == 1
    assert x.argmax(dim=1).numpy().tolist() == [1, 2] and x.argmin().item() == 0
    assert x.mean().dtype == np.float32 and Tensor([1, 2]).mean().item() == 1.5
    assert Tensor([]).sum().item() == 0
    assert np.allclose(x.log().exp().numpy(), x.numpy())
    assert (x * x).sqrt().numpy().tolist() == x.numpy().tolist() == (-x).abs().numpy().tolist()


# %% [markdown]
"""
### Shape

`reshape`, `permute` and slices do not move numbers: they describe the same memory in another way.
`concatenate` has to copy. You will measure the difference below.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor-shape", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@primitive
def reshape(a, shape):
    """The same elements in another shape."""
    ### BEGIN SOLUTION
    return a.reshape(shape)
    ### END SOLUTION


@primitive
def permute(a, dims):
    """The dimensions in another order."""
    ### BEGIN SOLUTION
    return a.transpose(dims)
    ### END SOLUTION


@primitive
def select(a, index):
    """`a[index]`: numbers, slices, `...`, None, or arrays of integers or booleans."""
    ### BEGIN SOLUTION
    return a[index]
    ### END SOLUTION


@primitive
def join(*arrays, dim=0):
    """Arrays one after the other along an existing dimension."""
    ### BEGIN SOLUTION
    return np.concatenate(arrays, axis=dim)
    ### END SOLUTION


@primitive
def where(condition, a, b):
    """Elements of `a` where the condition holds, of `b` elsewhere; all three broadcast."""
    ### BEGIN SOLUTION
    return np.where(condition, a, b)
    ### END SOLUTION


def concatenate(tensors: "Sequence[Tensor]", dim: int = 0) -> "Tensor":
    """Join tensors along an existing dimension. Raises ValueError for none, or unequal shapes."""
    ### BEGIN SOLUTION
    if len(tensors) == 0:
        raise ValueError("concatenate needs at least one Tensor, got an empty sequence")
    return join(*tensors, dim=dim)
    ### END SOLUTION


def stack(tensors: "Sequence[Tensor]", dim: int = 0) -> "Tensor":
    """Join tensors of equal shape along a new dimension.

    TODO: give each tensor a dimension of size 1 at `dim`, then concatenate.
    HINT: a result of n dimensions accepts `dim` from -n to n - 1; `dim % n` makes it positive.
    """
    ### BEGIN SOLUTION
    if len(tensors) == 0:
        raise ValueError("stack needs at least one Tensor, got an empty sequence")
    ndim = tensors[0].ndim + 1
    if not -ndim <= dim < ndim:
        raise ValueError(f"stack: dim {dim} is out of range for a result of {ndim} dimensions")
    place = dim % ndim
    rows = [t.reshape((*t.shape[:place], 1, *t.shape[place:])) for t in tensors]
    return concatenate(rows, dim=place)
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: shape

Checks values, not only shapes: a wrong order of dimensions often has the right shape.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-shape", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_shape():
    x = arange(6).reshape(2, 3)
    assert x.numpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert x.T.numpy().tolist() == [[0, 3], [1, 4], [2, 5]]
    assert x.reshape((3, -1)).shape == (3, 2)
    images = arange(24).reshape(1, 2, 3, 4)
    assert images.permute(0, 2, 3, 1).numpy()[0, 1, 2].tolist() == [6, 18]
    assert images.transpose(1, 2).shape == (1, 3, 2, 4)
    assert x[1].numpy().tolist() == [3, 4, 5] and x[:, ::2].numpy().tolist() == [[0, 2], [3, 5]]
    assert x[x > 2].numpy().tolist() == [3, 4, 5]
    assert x[Tensor([1, 0])].numpy().tolist() == [[3, 4, 5], [0, 1, 2]]
    assert concatenate([x, x], dim=1).shape == (2, 6)
    assert stack([x, x + 10], dim=1).numpy()[0].tolist() == [[0, 1, 2], [10, 11, 12]]
    assert where(x > 2, x, 0).numpy().tolist() == [[0, 0, 0], [3, 4, 5]]
    assert [row.sum().item() for row in x] == [3, 12]


# %% [markdown]
"""
### Making tensors

All random numbers come from `engine.generator`, so that one call of `manual_seed` repeats a run.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor-creation", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def zeros(*shape: Any, dtype: Any = np.float32) -> "Tensor":
    """Zeros: `zeros(2, 3)` or `zeros((2, 3))`."""
    ### BEGIN SOLUTION
    return _wrap(np.zeros(_plain_dims(shape), dtype))
    ### END SOLUTION


def ones(*shape: Any, dtype: Any = np.float32) -> "Tensor":
    """Ones: `ones(2, 3)` or `ones((2, 3))`."""
    ### BEGIN SOLUTION
    return _wrap(np.ones(_plain_dims(shape), dtype))
    ### END SOLUTION


def randn(*shape: Any) -> "Tensor":
    """Draws from the standard normal distribution, float32."""
    ### BEGIN SOLUTION
    return _wrap(np.asarray(engine.generator.standard_normal(_plain_dims(shape), np.float32)))
    ### END SOLUTION


def rand(*shape: Any) -> "Tensor":
    """Draws from the uniform distribution on [0, 1), float32."""
    ### BEGIN SOLUTION
    return _wrap(np.asarray(engine.generator.random(_plain_dims(shape), np.float32)))
    ### END SOLUTION


def arange(*bounds: float, dtype: Any = None) -> "Tensor":
    """`arange(stop)`, `arange(start, stop)` or `arange(start, stop, step)`, without the stop.

    int64 if all bounds are whole numbers in Python's sense, else float32.
    """
    ### BEGIN SOLUTION
    array = np.arange(*bounds)
    if dtype is None:
        dtype = np.float32 if array.dtype.kind == "f" else np.int64
    return _wrap(array.astype(dtype))
    ### END SOLUTION


def manual_seed(seed: int) -> None:
    """Start the random numbers afresh: the same seed gives the same numbers again."""
    ### BEGIN SOLUTION
    engine.generator = np.random.default_rng(seed)
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: making tensors

Checks that a seed repeats a sequence, and that the distributions have the moments they claim: for
10,000 draws the mean of `randn` strays from 0 by more than 0.05 once in a million seeds.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-making", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_making():
    assert zeros(2, 3).numpy().tolist() == [[0, 0, 0], [0, 0, 0]]
    assert ones((2,)).numpy().tolist() == [1, 1] and ones(2).dtype == np.float32
    assert arange(2, 8, 3).numpy().tolist() == [2, 5] and arange(3).dtype == np.int64
    assert arange(0, 1, 0.25).numpy().tolist() == [0, 0.25, 0.5, 0.75]
    manual_seed(7)
    first = randn(100, 100)
    manual_seed(7)
    assert (first == randn(100, 100)).numpy().all()
    assert abs(first.mean().item()) < 0.05 and abs((first * first).mean().item() - 1) < 0.1
    uniform = rand(1000)
    assert uniform.min().item() >= 0 and uniform.max().item() < 1 and uniform.dtype == np.float32


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: what does an element cost, and which operations copy?
- **Computational complexity**: how does a matrix product grow, and how far from the hardware's
  best is a Python loop?
- **Cache and hardware**: what does the order of memory cost?
- **At scale**: what breaks first when broadcasting builds a table of all pairs?
"""

# %% nbgrader={"grade": false, "grade_id": "tensor-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
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


def analyze_memory() -> None:
    x = randn(1000, 1000)
    print(f"1,000,000 elements: float32 {x.data.nbytes:,} bytes,", end=" ")
    print(f"float64 {x.data.astype(np.float64).nbytes:,} bytes")
    actions = {
        "x.T": lambda: x.T,
        "x.reshape(-1)": lambda: x.reshape(-1),
        "x[::2]": lambda: x[::2],
        "x.T.reshape(-1)": lambda: x.T.reshape(-1),
        "x + 1": lambda: x + 1,
        "(x - 1) * (x - 1)": lambda: (x - 1) * (x - 1),
    }
    for name, action in actions.items():
        peak = peak_bytes(action)
        print(f"  {name:18} allocates {peak:>12,} bytes = {peak / x.data.nbytes:.1f} times x")


def analyze_complexity() -> None:
    sizes = (64, 128, 256, 512)
    times = []
    for n in sizes:
        a, b = randn(n, n), randn(n, n)
        times.append(best_seconds(lambda a=a, b=b: a @ b))
        print(f"  ({n}, {n}) @ ({n}, {n}): {times[-1] * 1e3:7.3f} ms", end="")
        print(f" = {2 * n**3 / times[-1] / 1e9:6.1f} GFLOP/s")
    slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    print(f"  time grows with n to the power {slope:.2f}; the count of operations with n cubed")
    values = list(range(100_000))
    tensor = Tensor(values)
    loop = best_seconds(lambda: [value + 1 for value in values])
    print("  adding 1 to 100,000 numbers: a Python loop takes", end=" ")
    print(f"{loop / best_seconds(lambda: tensor + 1):.0f} times as long as x + 1")
    one = Tensor([1.0])
    dispatched = best_seconds(lambda: one + one, 200) * 1e6
    bare = best_seconds(lambda: one.data + one.data, 200) * 1e6
    print(f"  one element: {dispatched:.1f} us through the Tensor, {bare:.1f} us in NumPy alone")


def analyze_cache() -> None:
    x = randn(2000, 2000).data
    target = np.empty_like(x)
    along = best_seconds(lambda: np.copyto(target, x))
    across = best_seconds(lambda: np.copyto(target, x.T))
    print(f"  copying 16 MB takes {along * 1e3:.1f} ms in the order of memory,", end=" ")
    print(f"{across * 1e3:.1f} ms across it: {across / along:.1f} times as long")


def all_distances(points: Tensor) -> Tensor:
    """Squared distances (n, n) between points (n, d), by one broadcast to (n, n, d)."""
    n, d = points.shape
    return ((points.reshape(n, 1, d) - points.reshape(1, n, d)) ** 2).sum(dim=2)


def analyze_scale() -> None:
    for n in (250, 500, 1000):
        points = randn(n, 16)
        peak = peak_bytes(lambda points=points: all_distances(points))
        print(f"  all distances of {n:5,} points: peak {peak / 2**20:7.1f} MiB,", end=" ")
        print(f"{peak / points.data.nbytes:6.0f} times the input")
    limit = int((16 * 2**30 / (peak / n**2)) ** 0.5)
    print(f"  so 16 GiB are full at about {limit:,} points,", end=" ")
    print(f"although the points themselves are {limit * 64 / 2**20:.1f} MiB")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: one rule for dtypes

Runs every kind of operation on float32 and asserts that nothing widened. A single float64 in a
network spreads to all that follows.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-dtype", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_unit_float32_everywhere():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    results = [
        x + 1, 1.5 * x, x / 3, x**2, x**0.5, x @ x, x * np.float64(2), x + Tensor([1, 2]),
        x.exp(), x.log(), x.sqrt(), x.abs(), x.sum(), x.mean(dim=0), x.max(), x[0], x.T,
        Tensor([1, 2]) / 2, Tensor([1, 2]) * 0.5, Tensor([1, 2]).exp(), concatenate([x, x]),
        where(x > 2, x, 0.0), stack([x, x]), rand(2), randn(2), zeros(2), ones(2), -x,
    ]  # fmt: skip
    assert [result.dtype for result in results] == [np.float32] * len(results)
    double = Tensor(np.ones(2))
    assert (double + 1).dtype == np.float64 and (double * Tensor([1.0, 2.0])).dtype == np.float64


# %% [markdown]
"""
### 🧪 Unit test: dispatch

Declares a primitive, replaces it by another implementation and lets a recorder watch: what module
09 and module 13 will rely on.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-door", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_primitive():
    @primitive
    def double(a):
        return a * 2, "saved"

    @double.gradient
    def double_gradient(grad, output, saved, a):
        return (grad * 2,)

    seen = []
    engine.recorder = lambda *event: seen.append(event)
    try:
        x = Tensor([1.0, 2.0])
        y = double(x)
        engine.grad_enabled = False
        double(x)
    finally:
        engine.recorder, engine.grad_enabled = None, True
    assert y.numpy().tolist() == [2, 4]
    [(name, result, operands, arrays, options, saved)] = seen
    assert (name, result, operands, options, saved) == ("double", y, (x,), {}, "saved")
    assert arrays[0] is x.data and engine.gradients["double"] is double_gradient
    engine.implementations["double"] = lambda a: a + a + 1
    assert double(x).numpy().tolist() == [3, 5]


# %% [markdown]
"""
## Integration

### 🧪 Integration test: a classifier without learning

The mean of each class is its prototype; a point belongs to the nearest one. Means, broadcasting,
sums and argmin together already recognise patterns.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-centroids", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_integration_nearest_centroid():
    manual_seed(3)
    centers = Tensor([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    clouds = [centers[k] + randn(40, 2) for k in range(3)]
    prototypes = stack([cloud[:20].mean(dim=0) for cloud in clouds])
    for k, cloud in enumerate(clouds):
        held_out = cloud[20:]
        distances = ((held_out.reshape(20, 1, 2) - prototypes) ** 2).sum(dim=2)
        assert (distances.argmin(dim=1) == k).numpy().mean() >= 0.9


# %% [markdown]
"""
## Production Context

- **PyTorch** keeps the numbers in a `Storage` and lets a Tensor be a view of it (offset, shape,
  strides), just as NumPy does for you here. Its dispatcher is this module's dispatch function, grown up: one
  table that maps an operation and a device to an implementation, with autograd as one more entry.
- **TensorFlow** registers each operation's gradient by name, apart from its kernels, much like
  `engine.gradients`.
- **JAX** calls them primitives too, and traces them to compile whole functions.
- All three default to float32, and all three promote by their own table rather than by NumPy's,
  for the reason you met above.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: a network, written out

A layer is a product, a sum and a bend. Two of them make a network, and tensors alone can run it.
The expected numbers are worked by hand.
"""

# %% nbgrader={"grade": true, "grade_id": "test-tensor-network", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_two_layers():
    x = Tensor([[1.0, -2.0], [0.5, 3.0]])
    w1, b1 = Tensor([[1.0, -1.0], [2.0, 0.5]]), Tensor([0.5, 0.0])
    hidden = x @ w1 + b1
    hidden = where(hidden > 0, hidden, 0.0)
    assert hidden.numpy().tolist() == [[0, 0], [7, 1]]
    output = hidden @ Tensor([[1.0], [-2.0]]) + 1
    assert output.numpy().tolist() == [[1], [6]] and output.dtype == np.float32


# %% nbgrader={"grade": false, "grade_id": "tensor-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
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

# %% [markdown] nbgrader={"grade": true, "grade_id": "tensor-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** `(x - 1) * (x - 1)` held two or three times the bytes of `x` while it
ran, although its result is as large as `x`. Where do they come from, and how would you compute the
same with fewer?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "tensor-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** Every operation passes through `primitive`. What would you have to change,
and where, to count the floating-point operations of a whole program?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "tensor-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** `Tensor(array)` shares memory with the array. Name one way in which that
saves a service money, and one in which it can serve a wrong answer to a customer.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "tensor-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** Your measurement says at how many points the table of all distances fills 16 GiB. How
would you find the nearest of ten million points on the same machine?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Tensor

You built the one data type of the whole course: a Tensor around one array, about twenty primitives
that all pass through one dispatch function, and one rule that keeps float32. You measured that views are free,
that temporaries are not, that a loop in Python costs two orders of magnitude, and that memory
rather than time is what broadcasting runs out of first.

**Next:** `pytest --checkpoint 01`, then module 03, where networks become nonlinear.
"""
