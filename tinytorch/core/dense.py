# Generated from src_modules/05_dense.py. Do not edit: write in src_modules/05_dense.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=f124a1653aaab08f code=143f684dfc7e2a0c content=65161854712c9cc5
# %% src_modules/05_dense.py:57
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinytorch.core.activations import ReLU, Tanh, softmax
from tinytorch.core.layers import Flatten, Linear, Module, Parameter
from tinytorch.core.tensor import Tensor, engine, randn, zeros


# %% src_modules/05_dense.py:70
class Sequential(Module):
    """Calls each layer with the result of the one before: `Sequential(Linear(4, 8), relu)`.

    The names of its parameters begin with the number of the layer, as in PyTorch: `0.weight`.
    """

    def __init__(self, *layers: Callable[[Tensor], Tensor]) -> None:
        """TODO: keep the layers in a list. Refuse what cannot be called, and name its place."""
        ### BEGIN SOLUTION
        for place, layer in enumerate(layers):
            if not callable(layer):
                raise TypeError(f"layer {place} of Sequential cannot be called: {layer!r}")
        self.layers = list(layers)
        ### END SOLUTION

    def held_by_me(self) -> Iterator[tuple[str, Any]]:
        """What module 04 calls `layers.0` is `0` here."""
        for name, value in super().held_by_me():
            yield name.removeprefix("layers."), value

    def forward(self, x: Tensor) -> Tensor:
        """The input, handed from layer to layer. Without layers, the input itself."""
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x)
        return x
        ### END SOLUTION

    def __len__(self) -> int:
        """How many layers there are."""
        ### BEGIN SOLUTION
        return len(self.layers)
        ### END SOLUTION

    def __getitem__(self, index: int) -> Callable[[Tensor], Tensor]:
        """The layer in a place: `model[0]`, `model[-1]`."""
        ### BEGIN SOLUTION
        return self.layers[index]
        ### END SOLUTION


class MLP(Sequential):
    """A multi-layer perceptron: `MLP([784, 256, 10])` has two linear layers, with a relu between.

    sizes: numbers of features, from the input to the output; at least two
    activation: makes what stands between two layers, such as `ReLU` or `Tanh`

    Raises ValueError for fewer than two sizes.
    """

    def __init__(
        self, sizes: Sequence[int], activation: Callable[[], Callable[[Tensor], Tensor]] = ReLU
    ) -> None:
        """TODO: make the layers, an activation after each but the last, and hand them on."""
        ### BEGIN SOLUTION
        if len(sizes) < 2:
            raise ValueError(f"MLP needs the sizes of its input and its output, got {sizes}")
        layers: list[Callable[[Tensor], Tensor]] = []
        for inputs, outputs in pairwise(sizes):
            layers += [Linear(inputs, outputs), activation()]
        super().__init__(*layers[:-1])
        ### END SOLUTION


# %% src_modules/05_dense.py:194
def flops_of(name: str, output: Tensor, operands: Sequence[Any]) -> int:
    """Floating-point operations of one call of a primitive, from the shapes alone.

    matmul of (..., n, k) and (k, m)     2 for each of the k terms of each output
    with a weight (out, ...)             2 for each weight that belongs to one output, and 1 for
                                         a bias, for each number of the output
    anything else                        1 for each number of the output
    """
    ### BEGIN SOLUTION
    if name == "matmul":
        return 2 * output.size * np.shape(operands[0])[-1]
    weights = [p for p in operands if isinstance(p, Parameter) and p.ndim > 1]
    if not weights:
        return output.size
    for_each = sum(2 * weight.size // weight.shape[0] for weight in weights)
    biases = [p for p in operands if isinstance(p, Parameter) and p.ndim == 1]
    return output.size * (for_each + len(biases))
    ### END SOLUTION


def counted(layer: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, int]:
    """The output of a layer, and the floating-point operations that it took.

    TODO: set `engine.recorder` to a function that adds up `flops_of`, and put back what was there.
    HINT: a recorder is called with (name, output, operands, arrays, options, saved).
    """
    ### BEGIN SOLUTION
    total = 0

    def recorder(name: str, output: Tensor, operands: Sequence[Any], *_: Any) -> None:
        nonlocal total
        total += flops_of(name, output, operands)

    before = engine.recorder, engine.grad_enabled
    engine.recorder, engine.grad_enabled = recorder, True
    try:
        return layer(x), total
    finally:
        engine.recorder, engine.grad_enabled = before
    ### END SOLUTION


def layer_costs(model: Module, input_shape: tuple[int, ...] | None = None) -> Iterator[tuple]:
    """(name, output shape, parameters, bytes, FLOPs) of each layer, for a batch of one row.

    input_shape: without the batch, such as (1, 28, 28); by default what the first weight takes.

    Raises ValueError where that is not the weight of a Linear: kernels fit images of any size.
    """
    if input_shape is None:
        weights = [p for p in model.parameters() if p.ndim > 1]
        if not weights or weights[0].ndim != 2:
            raise ValueError(
                "summary needs an input_shape, without the batch, such as input_shape=(1, 28, 28):"
                " the model does not begin with a Linear that tells it"
            )
        input_shape = (weights[0].shape[1],)
    x = zeros(1, *input_shape)
    for layer in model.layers if isinstance(model, Sequential) else [model]:
        x, flops = counted(layer, x)
        held = layer.parameters() if isinstance(layer, Module) else []
        name = getattr(layer, "__name__", type(layer).__name__)
        size = sum(parameter.size for parameter in held)
        yield name, x.shape, size, sum(parameter.data.nbytes for parameter in held), flops


def summary(model: Module, input_shape: tuple[int, ...] | None = None) -> str:
    """A table of what each layer costs: columns apart by two spaces or more, the last line is the sum.

        layer   output shape  parameters    bytes    FLOPs
        Linear  (1, 256)         200,960  803,840  401,664
        ReLU    (1, 256)               0        0      256
        total                    200,960  803,840  401,920

    FLOPs are those of one row. A parameter that stands in two layers counts once in the sum.

    TODO: collect the rows of `layer_costs`, add the line of sums, and make columns of equal width.
    """
    ### BEGIN SOLUTION
    costs = list(layer_costs(model, input_shape))
    rows = [("layer", "output shape", "parameters", "bytes", "FLOPs")]
    for name, shape, parameters, size, flops in costs:
        rows.append((name, str(shape), f"{parameters:,}", f"{size:,}", f"{flops:,}"))
    held = model.parameters()
    numbers = (sum(p.size for p in held), sum(p.data.nbytes for p in held), sum(c[4] for c in costs))
    rows.append(("total", "", *(f"{number:,}" for number in numbers)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join([*left, *right]))
    return "\n".join(lines)
    ### END SOLUTION
