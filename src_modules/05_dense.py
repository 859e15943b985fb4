# %% [markdown]
"""
# Module 05: Dense networks

## Introduction

You have layers that multiply and activations that bend. Put one after the other and you have a network;
put enough of them and it can come as close as you like to any continuous function. What is left to
write is short, and this module spends its time on what it costs.

You will build

1. `Sequential`, which hands its input from layer to layer;
2. `MLP`, the multi-layer perceptron: linear layers with a bend between them;
3. `summary`, which tells for each layer its shape, parameters, bytes and operations.

At the end, a network made by your `MLP` reads handwritten digits, with weights that somebody trained.
From module 11 on you will train them yourself.
"""

# %% [markdown]
r"""
## Mathematical Background

**A network** is a composition: $f = f_L \circ \dots \circ f_2 \circ f_1$. For an MLP with
sizes $[n_0, n_1, \dots, n_L]$,

$$h_0 = x, \qquad h_l = \phi(h_{l-1} W_l^T + b_l) \; (l < L), \qquad y = h_{L-1} W_L^T + b_L$$

There is **no bend after the last layer**: its outputs are scores, which may be negative, and a softmax
or a loss will take them as they are. A relu there would make every negative score 0, and all of them
equal.

**Counting.** Layer $l$ has $n_{l-1} n_l + n_l$ parameters, of 4 bytes in float32, and costs
$2 n_{l-1} n_l + n_l$ floating-point operations for each row: a multiplication and an addition for each
weight, an addition for each bias. So parameters and time grow with the *product* of neighbouring
widths, and only linearly with depth.

**Universal approximation** (Cybenko, 1989; Hornik, 1991): one hidden layer is enough for any continuous
function on a bounded region, if it is wide enough. It does not say how wide, nor how to find the weights;
depth is what makes it affordable.
"""

# %% [markdown]
"""
## Implementation

### One layer after the other

`Sequential` takes anything that can be called with a Tensor: modules, activations, functions. Those that
are modules must be found by `parameters()`; module 04 looks into lists.
"""

# %% nbgrader={"grade": false, "grade_id": "dense-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.dense
#| export
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinytorch.core.activations import ReLU, Tanh, softmax
from tinytorch.core.layers import Flatten, Linear, Module, Parameter
from tinytorch.core.tensor import Tensor, engine, randn, zeros


# %% nbgrader={"grade": false, "grade_id": "dense-sequential", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: composition

Compares a network with its layers called one by one, and looks for an activation where none should be:
scores that are all positive have lost half of what they could say.
"""

# %% nbgrader={"grade": true, "grade_id": "test-dense-sequential", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
def test_unit_sequential():
    first, last, x = Linear(3, 4), Linear(4, 2), randn(5, 3)
    model = Sequential(first, abs, last, lambda y: y + 1)
    expected = abs(x.numpy() @ first.weight.numpy().T) @ last.weight.numpy().T + 1
    assert np.allclose(model(x).numpy(), expected, atol=1e-5)
    assert len(model) == 4 and model[0] is first and model[-2] is last
    assert [id(p) for p in model.parameters()] == [
        id(p) for p in (first.weight, first.bias, last.weight, last.bias)
    ]
    names = ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [name for name, _ in model.named_parameters()] == names
    assert Sequential()(x) is x and Sequential().parameters() == []
    assert Sequential(model, Flatten())(x).shape == (5, 2)
    try:
        Sequential(first, 3)
    except TypeError as error:
        assert "layer 1" in str(error) and "3" in str(error)
    else:
        raise AssertionError("a number cannot be a layer")


def test_unit_mlp():
    model, x = MLP([3, 8, 5, 2], activation=Tanh), randn(7, 3)
    assert [type(layer).__name__ for layer in model] == ["Linear", "Tanh", "Linear", "Tanh", "Linear"]
    y = x
    for layer in model:
        y = layer(y)
    assert np.array_equal(model(x).numpy(), y.numpy()) and y.shape == (7, 2)
    assert len(MLP([3, 2])) == 1 and len(MLP((3, 4, 2))) == 3
    assert type(MLP([3, 4, 2])[1]) is ReLU
    scores = MLP([4, 16, 8])(randn(50, 4)).numpy()
    assert scores.min() < 0 < scores.max()
    for wrong in ([], [3]):
        try:
            MLP(wrong)
        except ValueError:
            continue
        raise AssertionError(f"MLP({wrong}) must raise ValueError")


# %% [markdown]
"""
### What it costs

Operations need not be guessed from the kind of a layer: they pass through the dispatch function of module 02,
where a recorder can count them. A primitive that multiplies by a weight `(out, ...)` takes two
operations for each weight of one output; any other takes about one for each number it makes.
"""

# %% nbgrader={"grade": false, "grade_id": "dense-summary", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: counting

Compares with the formulas of the background, worked by hand for a small network, and checks that
counting leaves no trace: a recorder that stays behind would slow down all that follows.
"""

# %% nbgrader={"grade": true, "grade_id": "test-dense-summary", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
def test_unit_costs():
    before = engine.recorder
    costs = list(layer_costs(MLP([4, 3, 2])))
    assert costs == [
        ("Linear", (1, 3), 15, 60, 2 * 4 * 3 + 3),
        ("ReLU", (1, 3), 0, 0, 3),
        ("Linear", (1, 2), 8, 32, 2 * 3 * 2 + 2),
    ]
    assert engine.recorder is before
    model = Sequential(Flatten(), Linear(12, 2, bias=False))
    assert list(layer_costs(model, (3, 4)))[1] == ("Linear", (1, 2), 24, 96, 2 * 12 * 2)
    y, flops = counted(lambda x: x @ zeros(4, 5), zeros(2, 4))
    assert y.shape == (2, 5) and flops == 2 * 2 * 4 * 5


def test_unit_summary():
    lines = summary(MLP([4, 3, 2])).splitlines()
    assert [line.split() for line in lines] == [
        ["layer", "output", "shape", "parameters", "bytes", "FLOPs"],
        ["Linear", "(1,", "3)", "15", "60", "27"],
        ["ReLU", "(1,", "3)", "0", "0", "3"],
        ["Linear", "(1,", "2)", "8", "32", "14"],
        ["total", "23", "92", "44"],
    ]
    assert len({len(line) for line in lines}) == 1
    shared = Linear(3, 3)
    assert summary(Sequential(shared, shared)).splitlines()[-1].split() == ["total", "12", "48", "42"]
    kernels = Module()
    kernels.weight = Parameter(np.zeros((8, 1, 3, 3), np.float32))
    for model in (Sequential(Flatten()), Sequential(kernels, Flatten(), Linear(72, 2))):
        try:
            summary(model)
        except ValueError as error:
            assert "input_shape=(1, 28, 28)" in str(error)
        else:
            raise AssertionError("unless a Linear comes first, the shape of the input is unknown")


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: what does a network hold while it answers, and what would it hold to learn?
- **Computational complexity**: with the same number of parameters, is deep or wide faster?
- **Cache and hardware**: do the counted operations predict the time?
- **At scale**: what grows first when a network gets wider?
"""

# %% nbgrader={"grade": false, "grade_id": "dense-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
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


def all_outputs(model: Sequential, x: Tensor) -> list[Tensor]:
    """Every layer's output, all kept: what learning needs to go back through them."""
    outputs = [x]
    for layer in model:
        outputs.append(layer(outputs[-1]))
    return outputs


def parameter_count(model: Module) -> int:
    return sum(parameter.size for parameter in model.parameters())


def analyze_memory() -> None:
    model = MLP([784, 256, 256, 256, 10])
    print(f"  parameters: {parameter_count(model) * 4 / 2**20:.2f} MiB")
    for batch in (1, 128, 2048):
        x = randn(batch, 784)
        answer = peak_bytes(lambda x=x: model(x)) / 2**20
        learn = peak_bytes(lambda x=x: all_outputs(model, x)) / 2**20
        print(f"  a batch of {batch:5,}: {answer:7.3f} MiB to answer,", end=" ")
        print(f"{learn:7.3f} MiB with every layer's output kept")


def analyze_complexity() -> None:
    x = randn(64, 128)
    for name, sizes in (("wide", [128, 1000, 10]), ("deep", [128, *[193] * 4, 10])):
        model = MLP(sizes)
        seconds = best_seconds(lambda model=model: model(x), 20)
        print(f"  {name}, {len(sizes) - 1} layers: {parameter_count(model):,} parameters,", end=" ")
        print(f"{seconds * 1e6:7.0f} us for 64 rows")
    depths = (2, 4, 8, 16)
    models = [MLP([128] * (depth + 1)) for depth in depths]
    times = [best_seconds(lambda model=model: model(x), 20) for model in models]
    slope = np.polyfit(np.log(depths), np.log(times), 1)[0]
    print(f"  time grows with depth to the power {slope:.2f}")


def analyze_cache() -> None:
    for sizes in ([64, 64, 64], [512, 512, 512], [2048, 2048, 2048]):
        model = MLP(sizes)
        flops = sum(cost[4] for cost in layer_costs(model))
        for batch in (1, 64):
            x = randn(batch, sizes[0])
            seconds = best_seconds(lambda model=model, x=x: model(x), 10)
            print(f"  {sizes[0]:5} wide, a batch of {batch:2}:", end=" ")
            print(f"{flops * batch / seconds / 1e9:7.1f} GFLOP/s of those counted")


def analyze_scale() -> None:
    widths = (64, 128, 256, 512)
    counts = [parameter_count(MLP([64, width, width, 10])) for width in widths]
    peaks = [peak_bytes(lambda w=w: MLP([64, w, w, 10])(zeros(64, 64))) for w in widths]
    for name, numbers in (("parameters", counts), ("bytes to make one and answer", peaks)):
        slope = np.polyfit(np.log(widths), np.log(numbers), 1)[0]
        print(f"  {name} grow with the width to the power {slope:.2f}", end="; ")
        print(f"{numbers[-1]:,} at a width of {widths[-1]}")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: the bend matters

Without activations, a network of any depth is one matrix. Checks that yours is more: doubling the input
of a linear map with zero biases doubles its output, and a network with a bend at zero does so too,
but the *sum* of two inputs tells them apart.
"""

# %% nbgrader={"grade": true, "grade_id": "test-dense-bend", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_a_network_is_more_than_a_matrix():
    x, y = randn(20, 6), randn(20, 6)
    straight = Sequential(Linear(6, 16), Linear(16, 3))
    bent = MLP([6, 16, 3])
    for model, is_linear in ((straight, True), (bent, False)):
        difference = model(x + y) - (model(x) + model(y))
        assert np.allclose(difference.numpy(), 0, atol=1e-4) is is_linear


# %% [markdown]
"""
## Integration

### 🧪 Integration test: one network into another

Saves a network and restores it into one that began elsewhere; the answers are the same to the last bit.
"""

# %% nbgrader={"grade": true, "grade_id": "test-dense-restore", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_integration_restore():
    model, other, x = MLP([6, 8, 4]), MLP([6, 8, 4]), randn(3, 6)
    assert not np.array_equal(model(x).numpy(), other(x).numpy())
    other.load_state_dict(model.state_dict())
    assert np.array_equal(model(x).numpy(), other(x).numpy())
    try:
        MLP([6, 9, 4]).load_state_dict(model.state_dict())
    except RuntimeError as error:
        assert "(8, 6)" in str(error) and "(9, 6)" in str(error)
    else:
        raise AssertionError("weights of another shape must be refused")
    assert model.eval()[0].training is False


# %% [markdown]
"""
## Production Context

- **PyTorch** has `nn.Sequential` with these semantics; `torchvision.ops.MLP` is the other class. Its
  layers must be Modules, which is why activations are Modules there too.
- **Summaries** come from packages such as torchinfo, which run the model once with hooks on its modules;
  you counted in one dispatch function instead, as `torch.utils.flop_counter` does.
- **Keras** calls it `Sequential` too, and builds the weights when the first input tells it the shape.
- **Large models** are mostly MLPs: two thirds of the parameters of a GPT are in the two linear layers
  that follow each attention, four times as wide in the middle.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: a function drawn by hand

A tent, up from 0 to 1 and down again, is three relus: $2 r(x) - 4 r(x - 0.5) + 2 r(x - 1)$. Sets the weights
of an MLP to it, turns its scores into a decision, and keeps float32 all the way.
"""

# %% nbgrader={"grade": true, "grade_id": "test-dense-tent", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_tent():
    model = MLP([1, 3, 1])
    model.layers[0].weight.data = np.ones((3, 1), np.float32)
    model.layers[0].bias.data = np.array([0, -0.5, -1], np.float32)
    model.layers[2].weight.data = np.array([[2, -4, 2]], np.float32)
    model.layers[2].bias.data = np.zeros(1, np.float32)
    x = Tensor([[-1.0], [0.0], [0.25], [0.5], [0.75], [1.0], [3.0]])
    y = model(x)
    assert np.allclose(y.numpy()[:, 0], [0, 0, 0.5, 1, 0.5, 0, 0], atol=1e-6)
    decision = softmax(Sequential(model, lambda v: v * 10)(x), dim=0)
    assert decision.argmax(dim=0).numpy().tolist() == [3]
    assert y.dtype == decision.dtype == np.float32


# %% nbgrader={"grade": false, "grade_id": "dense-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    print(f"\n{summary(MLP([784, 256, 10]))}")
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

# %% [markdown] nbgrader={"grade": true, "grade_id": "dense-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** You measured what a network holds to answer, and with every output kept. At
which batch size do the outputs weigh more than the parameters, and what could you do about it?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "dense-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** `summary` counts operations in the dispatch function of module 02. What
does that count for a layer that somebody else writes, and when would the count be wrong?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "dense-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** The weights of a network come from a file that others trained. Which of your
error messages would tell you that the file belongs to another network, and which mix-up would pass?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "dense-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** You measured how time and parameters grow with width and with depth. A budget of a hundred times
the operations is yours: how would you spend it, and what does your measurement not tell?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Dense networks

You built networks: a list of callables, the MLP with an activation between its layers and none at the
end, and a table of the operations of each layer, counted where primitives are dispatched. You
measured what is kept to learn, and that counted operations predict time only where the machine is
kept busy.

**Next:** `pytest --checkpoint 04`, then module 06, where networks learn to see.
"""
