# Generated from src_modules/02_tensor.py. Do not edit: write in src_modules/02_tensor.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=dcff9eff12d1da8a code=03c8389684a6a026 content=f234c2da37b14985
# %% src_modules/02_tensor.py:61
import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np


# %% src_modules/02_tensor.py:73
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


# %% src_modules/02_tensor.py:200
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


# %% src_modules/02_tensor.py:610
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


# %% src_modules/02_tensor.py:733
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


# %% src_modules/02_tensor.py:822
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


# %% src_modules/02_tensor.py:923
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
