# Generated from src_modules/04_layers.py. Do not edit: write in src_modules/04_layers.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=9bff884b815e8764 code=aa237c957e499424 content=637d839dcca81c35
# %% src_modules/04_layers.py:62
import math
from collections.abc import Callable, Iterator, Mapping
from reprlib import recursive_repr
from typing import Any, NamedTuple

import numpy as np

from tinytorch.core.tensor import Tensor, engine, matmul, primitive, rand, randn, zeros


# %% src_modules/04_layers.py:74
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


# %% src_modules/04_layers.py:119
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


# %% src_modules/04_layers.py:352
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
