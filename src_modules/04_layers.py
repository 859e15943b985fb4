# %% [markdown]
"""
# Module 04: Layers

## Introduction

A layer is a function that remembers numbers. Learning changes these numbers, saving writes them to
disk, and a large network is nothing but layers that hold layers. So a framework needs one thing that
knows where all the numbers are, however deep they lie.

You will build

1. `Parameter`, a Tensor that is to be learned;
2. `Module`, which finds the parameters of everything it holds, and saves and restores them;
3. `Linear`, the layer that does most of the work in every network, with its gradient;
4. `Flatten`, which turns images into rows.
"""

# %% [markdown]
r"""
## Mathematical Background

**A linear layer** takes a row $x$ of `in` numbers to a row $y$ of `out` numbers:
$y = x W^T + b$, with $W$ of shape `(out, in)` and $b$ of shape `(out,)`. Each row of $W$ is one
detector; $y_i$ says how much of its pattern is in $x$. A batch `(N, in)` goes to `(N, out)` with one
matrix product, at $2 N \cdot in \cdot out$ floating-point operations.

**Its gradient.** With $g$ the gradient of the loss with respect to $y$, of shape `(N, out)`:

    with respect to x    g W          (N, in)
    with respect to W    g^T x        (out, in)
    with respect to b    sum of g     (out,)     over the batch

**Where to begin.** If $x$ has independent elements of variance $v$ and the weights have variance
$\sigma^2$, then $y$ has variance $in \cdot \sigma^2 v$. To keep the size of numbers from layer to
layer, $\sigma^2 = 1 / in$. A relu cuts away half of them, which is why

    He normal        variance 2 / in            before a relu (He et al., 2015)
    Xavier uniform   variance 2 / (in + out)    before a tanh (Glorot and Bengio, 2010);
                     a uniform draw from -a to a has variance a a / 3

All weights equal would be worse than any variance: all detectors would learn the same.
"""

# %% [markdown]
"""
## Implementation

### Parameters, and the things that hold them

A `Module` finds what it holds by looking at its attributes, in the order in which they were set. An
attribute counts if it is a Tensor, a Module, or a list, tuple or dict of such. Names are joined by
dots: the weight of the second layer in `self.blocks` is `blocks.1.weight`. A module's own Tensors
come before those of the modules that it holds. A Tensor that is not a Parameter is saved and
restored too, but not learned: such a thing is called a buffer. Attributes that begin with `_` are
private and are not looked at.
"""

# %% nbgrader={"grade": false, "grade_id": "layers-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.layers
#| export
import math
from collections.abc import Callable, Iterator, Mapping
from reprlib import recursive_repr
from typing import Any, NamedTuple

import numpy as np

from tinytorch.core.tensor import Tensor, engine, matmul, primitive, rand, randn, zeros


# %% nbgrader={"grade": false, "grade_id": "layers-parameter", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
class Parameter(Tensor):
    """A Tensor that is to be learned: it requires a gradient, and its Module finds it.

    data: as for Tensor; floating numbers only.
    """

    __slots__ = ()

    def __init__(self, data: Any) -> None:
        super().__init__(data, requires_grad=True)


class IncompatibleKeys(NamedTuple):
    """The names in which a module and a state differ."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def _numbers(value: Any) -> np.ndarray:
    """The array of a Tensor, with or without a gradient, or of anything that NumPy takes."""
    return value.data if isinstance(value, Tensor) else np.asarray(value)


def held(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What an attribute holds, one by one: `blocks` -> ("blocks.0", ...), ("blocks.1", ...).

    Raises ValueError for keys of a dict by which two things could get one name.
    """
    if isinstance(value, list | tuple):
        for index, element in enumerate(value):
            yield from held(f"{name}.{index}", element)
    elif isinstance(value, dict):
        texts = [str(key) for key in value]
        for key, element in value.items():
            for found in held(f"{name}.{key}", element):
                if "." in str(key) or texts.count(str(key)) > 1:
                    raise ValueError(f"{name} has the key {key!r}: use one without a dot, once")
                yield found
    elif isinstance(value, Tensor | Module):
        yield name, value


# %% nbgrader={"grade": false, "grade_id": "layers-module", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Module:
    """Anything with parameters. Subclasses set attributes and define `forward`."""

    training = True

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """`layer(x)` is `layer.forward(x)`."""
        return self.forward(*inputs, **options)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What the layer computes. Each subclass has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward method yet")

    def named_modules(self, prefix: str = "") -> list[tuple[str, "Module"]]:
        """This module, named `prefix`, and all that it holds, at any depth; each of them once.

        TODO: keep those that were seen, so that a module that stands in two places, or holds the
            one that holds it, is visited once. Use `is` or `id`, for modules may define `==`.
        HINT: `vars(self)` are the attributes; `held(name, value)` tells what each of them holds.
        """
        ### BEGIN SOLUTION
        found: list[tuple[str, Module]] = []
        seen: set[int] = set()

        def visit(name: str, module: Module) -> None:
            if id(module) in seen:
                return
            seen.add(id(module))
            found.append((name, module))
            for inner, value in module.held_by_me():
                if isinstance(value, Module):
                    visit(f"{name}.{inner}" if name else inner, value)

        visit(prefix, self)
        return found
        ### END SOLUTION

    def held_by_me(self) -> Iterator[tuple[str, Any]]:
        """The Tensors and Modules among the attributes, with their names."""
        for name, value in vars(self).items():
            if not name.startswith("_"):
                yield from held(name, value)

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        """Every Tensor held at any depth, parameter or buffer, under its first name; each once.

        TODO: for every module, join its name and the name of each Tensor that it holds itself.
        HINT: a dict from `id` to (name, Tensor) keeps the first with `setdefault`.
        """
        ### BEGIN SOLUTION
        found = {}
        for name, module in self.named_modules():
            for inner, value in module.held_by_me():
                if isinstance(value, Tensor):
                    found.setdefault(id(value), (f"{name}.{inner}" if name else inner, value))
        return list(found.values())
        ### END SOLUTION

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """Every Parameter with its name, such as ("blocks.1.weight", ...); each once."""
        ### BEGIN SOLUTION
        return [(name, t) for name, t in self.named_tensors() if isinstance(t, Parameter)]
        ### END SOLUTION

    def parameters(self) -> list[Parameter]:
        """Every Parameter, once."""
        ### BEGIN SOLUTION
        return [parameter for _, parameter in self.named_parameters()]
        ### END SOLUTION

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name -> numbers, of all parameters and buffers, in the order in which they are found.

        The arrays are copies: what happens to the module later does not reach them.
        """
        ### BEGIN SOLUTION
        return {name: tensor.data.copy() for name, tensor in self.named_tensors()}
        ### END SOLUTION

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Put the numbers of `state` into the parameters and buffers of the same names.

        strict: every name must be on both sides; else names of one side alone are passed over.
        Returns them, as PyTorch does: `.missing_keys` are here alone, `.unexpected_keys` in the state.

        Raises RuntimeError, as PyTorch does, that names what is missing, what is unexpected, and
        what has another shape (with both shapes, also if not strict) or cannot become the dtype
        that is there; then nothing has been changed.

        TODO: look for everything that is wrong first, then copy.
        HINT: `np.copyto(tensor.data, array)` keeps the array that others may hold, and its dtype;
            `np.can_cast(array.dtype, tensor.dtype, "same_kind")` tells beforehand whether it can.
        """
        ### BEGIN SOLUTION
        mine = dict(self.named_tensors())
        missing = [name for name in mine if name not in state]
        unexpected = [name for name in state if name not in mine]
        problems = []
        if strict:
            problems += [f"missing: {name}" for name in missing]
            problems += [f"unexpected: {name}" for name in unexpected]
        arrays = {name: _numbers(state[name]) for name in mine if name in state}
        for name, array in arrays.items():
            if array.shape != mine[name].shape:
                problems.append(f"{name} has shape {array.shape}, expected {mine[name].shape}")
            elif not np.can_cast(array.dtype, mine[name].dtype, "same_kind"):
                problems.append(f"{name} has dtype {array.dtype}, expected {mine[name].dtype}")
        if problems:
            raise RuntimeError(f"cannot load into {type(self).__name__}: {'; '.join(problems)}")
        for name, array in arrays.items():
            np.copyto(mine[name].data, array, casting="same_kind")
        return IncompatibleKeys(missing, unexpected)
        ### END SOLUTION

    def train(self, mode: bool = True) -> "Module":
        """Set `training` here and in all that is held, for layers that behave differently."""
        ### BEGIN SOLUTION
        for _, module in self.named_modules():
            module.training = mode
        return self
        ### END SOLUTION

    def eval(self) -> "Module":
        """The same as `train(False)`."""
        ### BEGIN SOLUTION
        return self.train(False)
        ### END SOLUTION

    @recursive_repr()
    def __repr__(self) -> str:
        """Its name, and a line for each module that it holds; `...` for one that is being shown."""
        inner = [(n, value) for n, value in self.held_by_me() if isinstance(value, Module)]
        lines = [f"  ({name}): {value!r}".replace("\n", "\n  ") for name, value in inner]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"]) if lines else f"{type(self).__name__}()"


# %% [markdown]
"""
### 🧪 Unit test: modules

Builds modules that hold modules, in lists and dicts too, in a circle, and a parameter in two places.
A parameter that is not found is not learned, without a word; one that is found twice is learned
twice; and a model that is half restored answers, but from two worlds.
"""

# %% nbgrader={"grade": true, "grade_id": "test-layers-module", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
class Scale(Module):
    """Multiplies by one number: the smallest module there is."""

    def __init__(self, factor: float) -> None:
        self.factor = Parameter([factor])

    def forward(self, x: Tensor, times: int = 1) -> Tensor:
        return x * self.factor * times


class Chain(Module):
    """Modules one after the other, in every kind of container."""

    def __init__(self) -> None:
        self.first = Scale(2.0)
        self.more = [Scale(3.0), (Scale(5.0),)]
        self.heads = {"a": Scale(7.0)}
        self.again = self.first
        self.tied = self.first.factor
        self.seen = Tensor([0.0])
        self._private = Scale(11.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.heads["a"](self.more[1][0](self.more[0](self.first(x))))


def test_unit_module_finds_parameters():
    chain = Chain()
    names = ["first.factor", "more.0.factor", "more.1.0.factor", "heads.a.factor"]
    found = chain.named_parameters()
    assert sorted(name for name, _ in found) in (sorted(names), sorted(["tied", *names[1:]]))
    assert sorted(p.item() for p in chain.parameters()) == [2, 3, 5, 7]
    assert chain(Tensor([1.0])).item() == 210
    assert chain.first(Tensor([1.0]), times=3).item() == 6
    assert all(p.requires_grad for p in chain.parameters())
    assert Module().parameters() == []


def test_unit_module_in_circles():
    inner, outer = Scale(1.0), Module()
    outer.inner, inner.outer = inner, outer
    assert len(outer.parameters()) == len(inner.parameters()) == 1
    assert outer.eval() is outer and inner.training is False
    assert "Scale" in repr(outer)


def test_unit_state_dict():
    chain, other = Chain(), Chain()
    state = chain.state_dict()
    assert len(state) == 5 and "seen" in state
    chain.first.factor.data[...] = 100
    assert 100 not in [value.item() for value in state.values()]
    for parameter in other.parameters():
        parameter.data[...] = 0
    other.load_state_dict(state)
    assert other(Tensor([1.0])).item() == 210
    name = next(iter(state))
    wrong = [
        ({k: v for k, v in state.items() if k != name}, f"missing: {name}"),
        (state | {"extra": np.zeros(1)}, "unexpected: extra"),
        (state | {name: np.zeros((1, 1))}, f"{name} has shape (1, 1), expected (1,)"),
        (state | {"seen": np.zeros(1, complex)}, "seen has dtype complex128, expected float32"),
    ]
    for bad, message in wrong:
        bad = {key: value * 0 for key, value in bad.items()}
        try:
            other.load_state_dict(bad)
        except RuntimeError as error:
            assert message in str(error)
        else:
            raise AssertionError(f"load_state_dict must refuse: {message}")
    assert other(Tensor([1.0])).item() == 210
    told = other.load_state_dict({"extra": np.zeros(1)}, strict=False)
    assert sorted(told.missing_keys) == sorted(state) and told.unexpected_keys == ["extra"]
    assert other(Tensor([1.0])).item() == 210


# %% [markdown]
"""
### The linear layer

One primitive does product and sum together, so that the bias is added into the product's own array.
Its input may have any number of leading dimensions; they are a batch.
"""

# %% nbgrader={"grade": false, "grade_id": "layers-linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def he_normal(out_features: int, in_features: int) -> Tensor:
    """Draws of shape (out, in) from a normal distribution of variance 2 / in (He et al., 2015)."""
    ### BEGIN SOLUTION
    return randn(out_features, in_features) * math.sqrt(2 / in_features)
    ### END SOLUTION


def xavier_uniform(out_features: int, in_features: int) -> Tensor:
    """Draws of shape (out, in), uniform with variance 2 / (in + out) (Glorot and Bengio, 2010)."""
    ### BEGIN SOLUTION
    limit = math.sqrt(6 / (in_features + out_features))
    return rand(out_features, in_features) * (2 * limit) - limit
    ### END SOLUTION


@primitive
def linear(x, weight, bias=None):
    """x W^T + b: (..., in), (out, in) and (out,) give (..., out); no bias, nothing added.

    TODO: refuse a last dimension that is not `in` (a reshape might hide it), make one matrix of
        all leading dimensions, multiply, add the bias, and give the dimensions back.
    HINT: `x.reshape(-1, in_features)` makes that matrix; a row alone, (in,), becomes (1, in).
    """
    ### BEGIN SOLUTION
    out_features, in_features = weight.shape
    if x.shape[-1:] != (in_features,):
        raise ValueError(f"the last dimension must be {in_features}, in_features of the layer")
    output = x.reshape(-1, in_features) @ weight.T
    if bias is not None:
        output += bias
    return output.reshape(*x.shape[:-1], out_features)
    ### END SOLUTION


@linear.gradient
def linear_gradient(grad, output, saved, x, weight, bias=None):
    """One array for each input, of its shape: the three products of the table above.

    grad: (..., out), the gradient with respect to the output

    Where nobody wants an array, its product is lost work: nobody moves the images that a network
    begins with. So the rule may give a function instead, `lambda: ...`, that makes the array when called.

    TODO: make one matrix of all leading dimensions of `grad`, as forward did with `x`. Give `x` the
        dtype of `grad`, or whole numbers would widen the product.
    HINT: the number of results is the number of inputs: two without a bias, three with one.
    """
    ### BEGIN SOLUTION
    out_features, in_features = weight.shape
    rows = grad.reshape(-1, out_features)
    inputs = x.reshape(-1, in_features).astype(grad.dtype, copy=False)
    slopes = [lambda: (rows @ weight).reshape(x.shape), rows.T @ inputs]
    return slopes if bias is None else [*slopes, rows.sum(axis=0)]
    ### END SOLUTION


class Linear(Module):
    """y = x W^T + b, from (..., in_features) to (..., out_features).

    weight: Parameter (out_features, in_features), He normal
    bias: Parameter (out_features,), zeros; None with `bias=False`

    Raises ValueError for sizes below 1, and for an input whose last dimension is not in_features.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        """TODO: check the sizes, then set the two parameters."""
        ### BEGIN SOLUTION
        if in_features < 1 or out_features < 1:
            raise ValueError(f"Linear needs sizes of at least 1, got {in_features}, {out_features}")
        self.weight = Parameter(he_normal(out_features, in_features))
        self.bias = Parameter(zeros(out_features)) if bias else None
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_features) -> (..., out_features)."""
        ### BEGIN SOLUTION
        if self.bias is None:
            return linear(x, self.weight)
        return linear(x, self.weight, self.bias)
        ### END SOLUTION

    def __repr__(self) -> str:
        out_features, in_features = self.weight.shape
        return f"Linear({in_features}, {out_features}, bias={self.bias is not None})"


Dense = Linear  # the name that other frameworks use


class Flatten(Module):
    """Makes one dimension of all from `start_dim` on: (N, C, H, W) -> (N, C * H * W).

    Raises ValueError for an input that has no dimension `start_dim`.
    """

    def __init__(self, start_dim: int = 1) -> None:
        self.start_dim = start_dim

    def forward(self, x: Tensor) -> Tensor:
        """TODO: reshape; compute the size yourself, since -1 is ambiguous for an empty batch."""
        ### BEGIN SOLUTION
        if not -x.ndim <= self.start_dim < x.ndim:
            raise ValueError(f"{self!r} of shape {x.shape}: there is no dimension {self.start_dim}")
        start = self.start_dim % x.ndim
        return x.reshape(*x.shape[:start], math.prod(x.shape[start:]))
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"Flatten(start_dim={self.start_dim})"


# %% [markdown]
"""
### 🧪 Unit test: the linear layer

Compares with a product worked by hand, for a row, a batch, a batch of batches and an empty one, and
asks for sizes that do not fit: six numbers are two rows of three only by accident.
"""

# %% nbgrader={"grade": true, "grade_id": "test-layers-linear", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_linear():
    layer = Linear(3, 2)
    assert layer.weight.shape == (2, 3) and layer.bias.shape == (2,)
    layer.weight.data = np.array([[1, 2, 3], [0, -1, 0.5]], np.float32)
    layer.bias.data = np.array([10, 20], np.float32)
    x = np.array([[1, 0, 0], [1, 1, 2]], np.float32)
    expected = [[11, 20], [19, 20]]
    assert layer(Tensor(x)).numpy().tolist() == expected
    assert layer(Tensor(x[1])).numpy().tolist() == expected[1]
    assert layer(Tensor(x.reshape(2, 1, 1, 3))).numpy().reshape(2, 2).tolist() == expected
    assert layer(zeros(0, 3)).shape == (0, 2)
    plain = Linear(3, 2, bias=False)
    assert plain.bias is None and [name for name, _ in plain.named_parameters()] == ["weight"]
    for wrong in (lambda: layer(zeros(2, 6)), lambda: Linear(0, 2)):
        try:
            wrong()
        except ValueError:
            continue
        raise AssertionError("sizes that do not fit must raise ValueError")


def test_unit_flatten():
    x = Tensor(np.arange(24).reshape(2, 3, 4))
    assert Flatten()(x).numpy().tolist() == x.numpy().reshape(2, 12).tolist()
    assert Flatten(start_dim=0)(x).shape == (24,) and Flatten()(zeros(0, 3, 4)).shape == (0, 12)
    assert Flatten(start_dim=-2)(x).shape == (2, 12)
    for flatten, shape in ((Flatten(), (3,)), (Flatten(), ()), (Flatten(5), (2, 3))):
        try:
            flatten(zeros(shape))
        except ValueError as error:
            assert str(shape) in str(error)
        else:
            raise AssertionError(f"{flatten} must refuse an input of shape {shape}")


# %% [markdown]
"""
### 🧪 Unit test: where layers begin

Draws many weights and measures their variance. For 20,000 draws the estimate is within 5 % of the
truth but once in a million seeds.
"""

# %% nbgrader={"grade": true, "grade_id": "test-layers-initial", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_initialisation():
    for sizes in ((200, 100), (50, 400)):
        out_features, in_features = sizes
        he, xavier = he_normal(*sizes).numpy(), xavier_uniform(*sizes).numpy()
        assert abs(he.var() * in_features / 2 - 1) < 0.06 and abs(he.mean()) < 0.02
        assert abs(xavier.var() * (in_features + out_features) / 2 - 1) < 0.06
        assert np.abs(xavier).max() <= math.sqrt(6 / (in_features + out_features)) + 1e-6
    assert not np.array_equal(Linear(3, 3).weight.numpy(), Linear(3, 3).weight.numpy())


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: what is larger, the parameters of a layer or the numbers that flow through it?
- **Computational complexity**: what does a batch of 128 cost, compared with 128 single rows?
- **Cache and hardware**: how far is a loop in Python from the matrix product, and does it matter in
  which order the weights lie?
- **At scale**: how wide can a layer be?

Where other programs keep the machine busy, the threads of a matrix product wait for each other, and a
time can be thirty times too long. Start Python with `OPENBLAS_NUM_THREADS=1` to compare.
"""

# %% nbgrader={"grade": false, "grade_id": "layers-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
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
    layer = Linear(512, 512)
    held_bytes = sum(parameter.data.nbytes for parameter in layer.parameters())
    print(f"  Linear(512, 512) holds {held_bytes / 2**20:.2f} MiB of parameters")
    for batch in (1, 32, 1024):
        x = randn(batch, 512)
        fused = peak_bytes(lambda x=x: layer(x))
        composed = peak_bytes(lambda x=x: x @ layer.weight.T + layer.bias)
        print(f"  a batch of {batch:5,}: {fused / 2**20:6.3f} MiB more,", end=" ")
        print(f"{composed / 2**20:6.3f} MiB with product and sum as two operations")
    fused = best_seconds(lambda: layer(x), 20)
    composed = best_seconds(lambda: x @ layer.weight.T + layer.bias, 20)
    print(f"  and two operations take {composed / fused:.2f} times as long as one")


def analyze_complexity() -> None:
    layer = Linear(512, 512)
    for batch in (1, 8, 32, 128):
        x = randn(batch, 512)
        seconds = best_seconds(lambda x=x: layer(x), 20)
        print(f"  a batch of {batch:4}: {seconds / batch * 1e6:8.2f} us a row,", end=" ")
        print(f"{2 * batch * 512 * 512 / seconds / 1e9:6.1f} GFLOP/s")
    widths = (128, 256, 512, 1024)
    times = []
    for width in widths:
        layer, x = Linear(width, width), randn(64, width)
        times.append(best_seconds(lambda layer=layer, x=x: layer(x), 10))
    slope = np.polyfit(np.log(widths), np.log(times), 1)[0]
    print(f"  time grows with the width to the power {slope:.2f}; operations with its square")


def product_by_loops(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The definition of the matrix product, in Python."""
    result = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                result[i, j] += a[i, k] * b[k, j]
    return result


def analyze_cache() -> None:
    a, b = randn(32, 32), randn(32, 32)
    loops = best_seconds(lambda: product_by_loops(a.data, b.data), 3)
    blas = best_seconds(lambda: matmul(a, b), 50)
    print(f"  (32, 32) @ (32, 32): three loops take {loops / blas:,.0f} times as long as matmul")
    x, weight = randn(128, 1024).data, randn(1024, 1024).data
    orders = {
        "W.T, a view": weight.T,
        "W.T, copied": np.ascontiguousarray(weight.T),
        "W.T, with gaps": randn(1024, 2048).data[:, ::2].T,
    }
    for name, order in orders.items():
        seconds = best_seconds(lambda order=order: x @ order, 20)
        print(f"  x @ {name:15} {seconds * 1e3:6.3f} ms for x of shape {x.shape}")
    layer = Linear(4000, 4000, bias=False)
    megabytes = layer.weight.data.nbytes / 1e6
    for batch in (1, 64):
        x = randn(batch, 4000)
        seconds = best_seconds(lambda x=x: layer(x), 10)
        print(f"  {batch:2} rows through the {megabytes:.0f} MB of Linear(4000, 4000):", end=" ")
        print(f"{megabytes / 1e3 / seconds:6.1f} GB/s of weights,", end=" ")
        print(f"{2 * batch * 4000 * 4000 / seconds / 1e9:6.1f} GFLOP/s")


def analyze_scale() -> None:
    for width in (500, 1000, 2000):
        peak = peak_bytes(lambda width=width: Linear(width, width))
        print(f"  making Linear({width}, {width}) takes {peak / 2**20:6.1f} MiB at its peak,", end=" ")
        print(f"{peak / (4 * width * (width + 1)):.1f} times its parameters")
    limit = int((16 * 2**30 / (peak / width**2)) ** 0.5)
    print(f"  so 16 GiB are full at a width of {limit:,}")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: the gradient of the linear layer

Compares each of the three gradients with finite differences, in float64, for every kind of batch.
"""

# %% nbgrader={"grade": true, "grade_id": "test-layers-gradient", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
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


def made(slope: Any) -> np.ndarray:
    """The array that a rule gave, or the one that its function makes."""
    return slope() if callable(slope) else slope


def test_unit_linear_gradient():
    rng = np.random.default_rng(0)
    forward, rule = engine.implementations["linear"], engine.gradients["linear"]
    for leading in ((), (4,), (2, 3)):
        for with_bias in (True, False):
            arrays = [rng.normal(size=(*leading, 3)), rng.normal(size=(2, 3))]
            arrays += [rng.normal(size=2)] if with_bias else []
            grad = rng.normal(size=(*leading, 2))
            slopes = rule(grad, forward(*arrays), None, *arrays)
            assert len(slopes) == len(arrays)
            for slope, array in zip(map(made, slopes), arrays, strict=True):
                expected = numerical_gradient(
                    lambda grad=grad, arrays=arrays: float((forward(*arrays) * grad).sum()), array
                )
                assert slope.shape == array.shape and np.allclose(slope, expected, atol=1e-6)
    weight, bias, grad = (np.ones(shape, np.float32) for shape in ((2, 3), (2,), (4, 2)))
    for x in (np.ones((4, 3), np.float32), np.ones((4, 3), np.int64)):
        slopes = rule(grad, forward(x, weight, bias), None, x, weight, bias)
        assert [made(slope).dtype for slope in slopes] == [np.float32] * 3


# %% [markdown]
"""
## Integration

### 🧪 Integration test: a module of layers

Two layers with a bend between them are saved, and restored into a module that began elsewhere.
"""

# %% nbgrader={"grade": true, "grade_id": "test-layers-network", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
class TwoLayers(Module):
    def __init__(self) -> None:
        self.flatten = Flatten()
        self.layers = [Linear(6, 4), Linear(4, 2)]

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.layers[0](self.flatten(x))
        return self.layers[1](abs(hidden))


def test_integration_save_and_restore():
    network, other, x = TwoLayers(), TwoLayers(), randn(5, 2, 3)
    assert not np.allclose(network(x).numpy(), other(x).numpy())
    other.load_state_dict(network.state_dict())
    assert np.array_equal(network(x).numpy(), other(x).numpy())
    assert network(x).dtype == np.float32
    assert sum(p.size for p in network.parameters()) == 6 * 4 + 4 + 4 * 2 + 2


# %% [markdown]
"""
## Production Context

- **PyTorch** finds parameters when they are set, in `Module.__setattr__`, and therefore needs
  `super().__init__()` first and `ModuleList` instead of a list. Looking when asked, as you do, is
  simpler, and slower for a module with a million attributes.
- **Buffers** are registered by name there (`register_buffer`); BatchNorm's running means are some.
- **Checkpoints** of large models are state dicts cut into shards; `safetensors` stores the arrays
  so that a file can be mapped into memory and loaded without a copy.
- **TensorFlow** calls the layer `Dense` and stores its weight as `(in, out)`. Whoever moves a model
  from one to the other transposes it, or wonders.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: numbers keep their size

Sends a batch through ten layers with a relu between them. With the right variance the numbers come
out about as large as they went in; with half of it they would have shrunk 32-fold.
"""

# %% nbgrader={"grade": true, "grade_id": "test-layers-depth", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_ten_layers():
    x = randn(200, 256)
    for _ in range(10):
        x = Linear(256, 256)(x)
        x = (x + abs(x)) / 2  # relu, in tensor operations
    size = (x * x).mean().item() ** 0.5
    assert 0.2 < size < 5, f"after ten layers the numbers have a size of {size:.3g}"


# %% nbgrader={"grade": false, "grade_id": "layers-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
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

# %% [markdown] nbgrader={"grade": true, "grade_id": "layers-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** You measured the time a row takes in a batch of 1 and of 128. What is read
from memory once in the second case and 128 times in the first?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "layers-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** A Module looks at its attributes each time it is asked. Name a mistake of a
user that this makes impossible, and one that it makes possible.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "layers-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** `load_state_dict` changes nothing if anything is wrong. What happens to a
service that loads a new model while it answers, with and without that promise?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "layers-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** Your measurement says at which width a single layer fills 16 GiB. How would you spread one
that is four times as wide over several machines, and what would they have to send each other?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Layers

You built the thing that knows where all numbers are: it finds them at any depth, each once, saves them,
and restores all or none. The linear layer does one product and one sum, with a gradient of three
products. You measured why rows travel in batches, and that a single row is bound by memory.

**Next:** `pytest --checkpoint 03`, then module 05, where layers become networks.
"""
