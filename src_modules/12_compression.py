# %% [markdown]
r"""
# Module 12: Compression

## Introduction

A trained network may know its training data by heart, and it is larger than its task needs. Both
have the same cause: more numbers than information. **Regularization** keeps a network from relying
on every number while it learns; **compression** takes the numbers away afterwards.

You will build

1. `Dropout`, `L1`, `L2`, `label_smoothing` and `EarlyStopping`, against learning by heart;
2. `magnitude_prune` and `structured_prune`, which remove weights, and whole neurons;
3. `quantize`, `QuantizedLinear`, `quantize_model`: weights of one byte, and products of integers;
4. `DistillationLoss`, with which a small network learns from a large one.

A table, measured on a network that reads digits, then shows what each of them saves and costs.
"""

# %% [markdown]
r"""
## Mathematical Background

**Dropout** (Srivastava et al., 2014) sets each number to zero with probability $p$ and divides
the others by $1 - p$. The expectation stays: $(1 - p) \cdot x / (1 - p) = x$. So nothing is left
to do when the network is asked; this is *inverted* dropout. For $p = 0.25$ and a draw that drops
the second of four numbers:

    x                 2.0   1.0   4.0   3.0
    kept              yes   no    yes   yes
    x / (1 - p)       2.67  0     5.33  4.0        the mean over all draws is x again

**Penalties** are added to the loss. L1 is $\lambda \sum |w|$, with a gradient of $\pm\lambda$ at
every size: small weights reach zero. L2 is $\lambda \sum w^2$, with a gradient of $2 \lambda w$:
large weights shrink most.

**Quantization** writes a number as a whole number $q$ of steps of size $s$ from a *zero point* $z$:

$$q = \mathrm{clip}(\mathrm{rint}(x / s) + z,\ -128,\ 127), \qquad \hat x = (q - z)\,s$$

That is the order of ONNX: round (half to even), add, clip; cast last, as a cast of 300 to int8
gives 44. A number within the range is off by half a step at most. *Symmetric*:
$s = \max|x| / 127$ and $z = 0$. With -0.5, 0.2 and 1.0:

    s = 1 / 127 = 0.00787       x / s    -63.5    25.4    127
                                q        -64      25      127        half to even: -64
                                back     -0.504   0.197   1.0

*Asymmetric*: $s = (\max - \min) / 255$ over a range that includes 0, and
$z = \mathrm{rint}(-128 - \min / s)$. All 256 values are used, also where $x$ is never negative.

**Distillation** (Hinton et al., 2015). A teacher's answer "7, perhaps a 1" says more than the
label 7. Both logits are divided by a temperature $T$, which softens the answers. The loss is
$\alpha T^2 \mathrm{KL}(p^{teacher}_T \| p^{student}_T)$ plus $(1 - \alpha)$ times the
cross-entropy. The gradient of the first part shrinks like $1 / T^2$; the factor $T^2$ undoes that.
"""

# %% [markdown]
r"""
## Implementation

### Dropout

**Why.** A neuron that may be missing cannot be the only one to know something. Module 04 gives each
Module an attribute `training`; module 02 gives `engine.generator`, which `manual_seed` starts.
"""

# %% nbgrader={"grade": false, "grade_id": "compression-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.regularization
#| export
import math
from typing import Any

import numpy as np

from tinytorch.core.layers import Module, Parameter
from tinytorch.core.tensor import Tensor, engine


# %% nbgrader={"grade": false, "grade_id": "compression-dropout", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Dropout(Module):
    """In training, each number is 0 with probability p, or divided by 1 - p. Else, x itself.

    p: from 0 to below 1, else ValueError. Any shape; the dtype of a floating input is kept.
    """

    def __init__(self, p: float = 0.5) -> None:
        """TODO: check p, and keep it as `self.p`."""
        ### BEGIN SOLUTION
        if not 0 <= p < 1:
            raise ValueError(f"Dropout takes a probability p from 0 to below 1, got {p!r}")
        self.p = p
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Numbers of any shape, with some of them dropped.

        TODO: 1. in evaluation, and for p = 0, return x itself;
              2. draw a number for each element, `engine.generator.random(x.shape, np.float32)`, and
                 keep those elements whose draw is at least p;
              3. multiply x by a Tensor that is 1 / (1 - p) where kept and 0 elsewhere. So the
                 gradient is there already: 1 / (1 - p) where kept.
        """
        ### BEGIN SOLUTION
        if not self.training or self.p == 0:
            return x
        kept = engine.generator.random(x.shape, np.float32) >= self.p
        dtype = x.dtype if x.dtype.kind == "f" else np.float32
        return x * Tensor(kept / np.asarray(1 - self.p, dtype))
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: dropout

Looks at the share of zeros, at the mean, which must stay, at the gradient, and at evaluation. The
same seed must drop the same numbers.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-dropout", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from collections.abc import Callable

from tinytorch.core.tensor import manual_seed


def refused(error: type[Exception], call: Callable, *mentions: str) -> None:
    try:
        call()
    except error as raised:
        assert all(text in str(raised) for text in mentions), f"{raised} should mention {mentions}"
    else:
        raise AssertionError(f"{error.__name__} expected, mentioning {mentions}")


def test_unit_dropout():
    layer, x = Dropout(0.2), Tensor(np.ones((200, 100), np.float32), requires_grad=True)
    manual_seed(1)
    y = layer(x)
    assert np.unique(y.numpy()).tolist() == [0, 1.25] and y.dtype == np.float32
    assert abs((y.numpy() == 0).mean() - 0.2) < 0.02 and abs(y.numpy().mean() - 1) < 0.02
    y.sum().backward()
    assert np.array_equal(x.grad.numpy(), y.numpy())
    assert not np.array_equal(layer(x).numpy(), y.numpy()), "each call draws anew"
    manual_seed(1)
    assert np.array_equal(layer(x).numpy(), y.numpy())
    assert Dropout(0)(x) is x and layer(Tensor(np.ones((3, 4)))).dtype == np.float64
    assert layer.eval()(x) is x
    refused(ValueError, lambda: Dropout(1.0), "1.0")


# %% [markdown]
r"""
### Penalties, softer targets, and when to stop

**Penalties** count weights alone, the parameters of two or more dimensions, not biases. They join
any loss, such as `cross_entropy(y, t) + L2(1e-4)(model)`. The weights 3 and -4 with a strength of
0.1 give L1 = 0.1 · 7 = 0.7 and L2 = 0.1 · 25 = 2.5.

**Label smoothing** asks for $1 - s + s / C$ of the right class and $s / C$ of each other one: with
$C = 4$ and $s = 0.2$, 0.05 0.05 0.85 0.05. To reach 1, logits would have to grow for ever.

**Early stopping**, for loops of your own: after each epoch, `step(value, model)` says whether to
stop, and keeps a copy of the best weights:

    value    0.9   0.7   0.8   0.75   0.71         patience 3
    best     0.9   0.7   0.7   0.7    0.7
    waited   0     0     1     2      3 -> True    restore(model) gives back the weights of 0.7
"""

# %% nbgrader={"grade": false, "grade_id": "compression-penalties", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Penalty:
    """`penalty(model)`: strength times what `of` gives for each weight, added up; a scalar. Given.

    ValueError for a strength below 0, and for a model without weights."""

    def __init__(self, strength: float) -> None:
        if not strength >= 0:
            raise ValueError(f"the strength of a penalty is at least 0, got {strength!r}")
        self.strength = strength

    def __call__(self, model: Module) -> Tensor:
        weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
        if not weights:
            raise ValueError(f"{type(model).__name__} has no weights to penalise")
        return sum(self.of(weight) for weight in weights) * self.strength


class L1(Penalty):
    """`L1(strength)(model)`: strength times the sum of |w| over all weights."""

    def of(self, weight: Parameter) -> Tensor:
        """The sum of |w| of one weight: a scalar Tensor with a gradient."""
        ### BEGIN SOLUTION
        return weight.abs().sum()
        ### END SOLUTION


class L2(Penalty):
    """`L2(strength)(model)`: strength times the sum of w^2 over all weights."""

    def of(self, weight: Parameter) -> Tensor:
        """The sum of w^2 of one weight: a scalar Tensor with a gradient."""
        ### BEGIN SOLUTION
        return (weight * weight).sum()
        ### END SOLUTION


def label_smoothing(targets: Any, num_classes: int, smoothing: float = 0.1) -> Tensor:
    """Class numbers (N,) as probabilities (N, num_classes), float32, of which each row sums to 1.

    smoothing: the share s that is spread over all classes, from 0 to 1

    Raises ValueError for another smoothing, and for other targets than whole numbers below
    num_classes.

    TODO: 1. check; 2. fill an array with s / C; 3. add 1 - s at the place of each target.
    HINT: `array[np.arange(N), targets]` are N places, one in each row.
    """
    ### BEGIN SOLUTION
    targets = np.asarray(targets)
    if not 0 <= smoothing <= 1:
        raise ValueError(f"smoothing is a share, from 0 to 1; got {smoothing!r}")
    whole = targets.ndim == 1 and targets.dtype.kind in "iu"
    if not whole or not ((targets >= 0) & (targets < num_classes)).all():
        raise ValueError(f"targets are (N,) whole numbers below {num_classes}, got {targets!r}")
    wanted = np.full((len(targets), num_classes), smoothing / num_classes, np.float32)
    wanted[np.arange(len(targets)), targets] += 1 - smoothing
    return Tensor(wanted)
    ### END SOLUTION


class EarlyStopping:
    """Says when a value, such as a loss, has stopped to fall, and keeps the weights of its best.

    patience: how many steps in a row may be no better than the best, at least 1; else ValueError
    min_delta: by how much a value must be lower than the best to be better, at least 0
    best: the best value so far, infinity before the first    waited: how many steps ago it was
    """

    def __init__(self, patience: int = 5, min_delta: float = 0.0) -> None:
        ### BEGIN SOLUTION
        if patience < 1 or not min_delta >= 0:
            found = f"got {patience!r} and {min_delta!r}"
            raise ValueError(f"patience is at least 1 and min_delta at least 0, {found}")
        self.patience, self.min_delta, self.best, self.waited = patience, min_delta, math.inf, 0
        self._state: dict[str, np.ndarray] | None = None
        ### END SOLUTION

    def step(self, value: float, model: Module | None = None) -> bool:
        """Take the value of one more epoch, such as a loss. Returns whether it is time to stop.

        TODO: 1. if the value is better, keep it, keep `model.state_dict()` if there is a model, and
              set `waited` to 0; 2. else add 1 to `waited` (nan is never better);
              3. return whether `waited` has reached the patience.
        """
        ### BEGIN SOLUTION
        better = float(value) < self.best - self.min_delta
        self.waited = 0 if better else self.waited + 1
        if better:
            self.best = float(value)
            self._state = None if model is None else model.state_dict()
        return self.waited >= self.patience
        ### END SOLUTION

    def restore(self, model: Module) -> None:
        """Put the weights of the best step into the model. RuntimeError if none were kept."""
        ### BEGIN SOLUTION
        if self._state is None:
            raise RuntimeError("no weights to restore: give step(value, model) the model first")
        model.load_state_dict(self._state)
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: penalties, targets and stopping

The examples above, with gradients; and the values that must be refused.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-regularization", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.layers import Linear


def two_weights() -> Linear:
    layer = Linear(2, 1)
    layer.weight.data, layer.bias.data = np.float32([[3, -4]]), np.float32([100])
    return layer


def test_unit_penalties():
    for penalty, value, gradient in ((L1(0.1), 0.7, [[0.1, -0.1]]), (L2(0.1), 2.5, [[0.6, -0.8]])):
        layer = two_weights()
        found = penalty(layer)
        found.backward()
        assert found.shape == () and math.isclose(found.item(), value, rel_tol=1e-6)
        assert np.allclose(layer.weight.grad.numpy(), gradient) and layer.bias.grad is None
        refused(ValueError, lambda p=penalty: p(Dropout()), "Dropout has no weights")
    refused(ValueError, lambda: L1(-1), "-1")


def test_unit_label_smoothing():
    found = label_smoothing(Tensor([2, 0]), 4, 0.2).numpy()
    wanted = np.float32([[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]])
    assert np.allclose(found, wanted) and found.dtype == np.float32
    wrong = {"below 4": ([4], 0.1), "-1": ([-1], 0.1), "0.5": ([0.5], 0.1), "1.5": ([0], 1.5)}
    for says, (targets, share) in wrong.items():
        refused(ValueError, lambda t=targets, s=share: label_smoothing(np.array(t), 4, s), says)


def test_unit_early_stopping():
    stopper, layer, answers = EarlyStopping(patience=3), two_weights(), []
    for value in (0.9, 0.7, 0.8, math.nan, 0.71):
        layer.bias.data[:] = value
        answers.append(stopper.step(value, layer))
    assert answers == [False] * 4 + [True] and stopper.best == 0.7
    stopper.restore(layer)
    assert np.isclose(layer.bias.item(), 0.7)
    short = EarlyStopping(patience=1, min_delta=0.1)
    assert [short.step(value) for value in (0.7, 0.5, 0.45)] == [False, False, True]
    refused(RuntimeError, lambda: short.restore(layer), "step(value, model)")
    refused(ValueError, lambda: EarlyStopping(patience=0), "0")


# %% [markdown]
r"""
### Pruning single weights

**Why.** Most weights of a trained network are near 0, and its answers hardly change without them.
*Magnitude* pruning zeroes those with the smallest $|w|$, of all layers. With an amount of 0.5:

    before    0.9  -0.1   0.3  -0.8         smallest |w|: 0.1 and 0.3
    after     0.9   0     0    -0.8         mask: True where a weight stays

Weights that stay can be trained further: *fine-tuning*. The next step would move the zeros too,
so that `PrunedOptimizer`, which is given, sets them back after each step.

`sparsity` is the share of zeros. `model_size` counts bytes as they are stored: an array of zeros
takes as much as any other. Another format does save: one *bit* for each place, whether there is a
number, and then only the numbers.

    dense     0.9  0  0  -0.8        4 numbers of 4 bytes                     16 bytes
    sparse    1 0 0 1 | 0.9 -0.8     4 bits, in a byte, and 2 numbers          9 bytes
"""

# %% nbgrader={"grade": false, "grade_id": "compression-pruning", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.compression
import copy
import math  # noqa: F811 - this file stands for two
from dataclasses import dataclass
from typing import Any

import numpy as np  # noqa: F811

from tinytorch.core.activations import log_softmax, softmax
from tinytorch.core.dense import Sequential
from tinytorch.core.layers import Linear, Module, Parameter
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import cross_entropy, evaluating


def weights_of(model: Module) -> dict[str, Tensor]:
    """Parameters of two or more dimensions and int8 weights, by name, else ValueError. Given."""
    found = [(name, t) for name, t in model.named_tensors() if t.ndim > 1]
    weights = {name: t for name, t in found if isinstance(t, Parameter) or t.dtype == np.int8}
    if not weights:
        raise ValueError(f"{type(model).__name__} has no weights of two or more dimensions")
    return weights


def checked_amount(amount: float) -> float:
    """An amount to prune, from 0 to below 1; else ValueError. Given."""
    if not 0 <= amount < 1:
        raise ValueError(f"amount is the share to prune, from 0 to below 1; got {amount!r}")
    return amount


def magnitude_prune(model: Module, amount: float) -> dict[str, np.ndarray]:
    """Zero the smallest |w| of all `weights_of` a model together, in place; biases stay.

    amount: the share to prune, from 0 to below 1, else ValueError. Exactly round(amount * count)
        weights are zeroed, those that are zero already among them.

    Returns masks: name -> bool array of the weight's shape, True where kept.

    TODO: 1. put all |w| into one long array; 2. find the places of the smallest; 3. make one long
        mask, and cut it into pieces of the shape of each weight; 4. `apply_masks`.
    HINT: `np.argsort(..., kind="stable")[:count]`. A threshold takes too many of equal weights.
    """
    ### BEGIN SOLUTION
    amount, weights = checked_amount(amount), weights_of(model)
    sizes = np.concatenate([np.abs(w.data, dtype=np.float32).ravel() for w in weights.values()])
    kept = np.ones(sizes.size, bool)
    kept[np.argsort(sizes, kind="stable")[: round(amount * sizes.size)]] = False
    ends = np.cumsum([w.size for w in weights.values()])[:-1]
    pieces = zip(weights.items(), np.split(kept, ends), strict=True)
    masks = {name: piece.reshape(w.shape) for (name, w), piece in pieces}
    apply_masks(model, masks)
    return masks
    ### END SOLUTION


def apply_masks(model: Module, masks: dict[str, np.ndarray]) -> None:
    """Write zeros into the weights of these names where their mask is False. Given."""
    weights = weights_of(model)
    for name, mask in masks.items():
        weights[name].data[~mask] = 0


class PrunedOptimizer:
    """An optimizer that keeps pruned weights at zero. Given."""

    def __init__(self, optimizer: Any, model: Module, masks: dict[str, np.ndarray]) -> None:
        self.optimizer, self.model, self.masks = optimizer, model, masks

    def __getattr__(self, name: str) -> Any:
        """Everything but `step` is that of the optimizer inside."""
        return getattr(self.optimizer, name)

    def step(self) -> None:
        self.optimizer.step()
        apply_masks(self.model, self.masks)


def sparsity(model: Module) -> float:
    """The share of zeros among all weights, from 0 to 1. ValueError for a model without weights."""
    ### BEGIN SOLUTION
    weights = [w.data for w in weights_of(model).values()]
    return sum(int((w == 0).sum()) for w in weights) / sum(w.size for w in weights)
    ### END SOLUTION


def model_size(model: Module, sparse: bool = False) -> int:
    """Bytes of all parameters and buffers as they are stored, each counted once.

    sparse: count each tensor in the format of bits and numbers where that is smaller: one bit for
        each place, rounded up to bytes, and `itemsize` bytes for each number that is not 0
    """
    ### BEGIN SOLUTION
    arrays = [tensor.data for _, tensor in model.named_tensors()]
    if not sparse:
        return sum(array.nbytes for array in arrays)
    packed = [math.ceil(a.size / 8) + int(np.count_nonzero(a)) * a.itemsize for a in arrays]
    return sum(min(a.nbytes, size) for a, size in zip(arrays, packed, strict=True))
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: pruning single weights

Large negative weights must stay, and exactly as many as asked must go, also among equal ones. Zeros
must stay zero through a step with momentum.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-pruning", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.activations import relu
from tinytorch.core.dense import MLP
from tinytorch.core.optimizers import SGD, Adam
from tinytorch.core.tensor import randn


def test_unit_magnitude_prune():
    model = Sequential(Linear(4, 1), relu, Linear(1, 2))
    model[0].weight.data = np.array([[0.9, -0.1, 0.3, -0.8]], np.float32)
    model[2].weight.data = np.array([[-5.0], [0.2]], np.float32)
    masks = magnitude_prune(model, 0.5)
    assert np.allclose(model[0].weight.numpy(), [[0.9, 0, 0, -0.8]])
    assert np.allclose(model[2].weight.numpy(), [[-5], [0]]) and sparsity(model) == 0.5
    assert [mask.sum() for mask in masks.values()] == [2, 1] and masks["2.weight"][0, 0]
    assert (model_size(model), model_size(model, sparse=True)) == (36, 9 + 1 + 5 + 1)
    model[0].weight.data = np.ones((1, 4), np.float32)
    magnitude_prune(model, 0.5)
    assert sparsity(model) == 0.5, "of equal weights, exactly as many as asked"
    refused(ValueError, lambda: magnitude_prune(model, 1.0), "1.0")
    refused(ValueError, lambda: sparsity(Dropout()), "Dropout has no weights")


def test_unit_pruned_stays_pruned():
    model = MLP([6, 8, 3])
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    (model(randn(5, 6)) ** 2).sum().backward()
    optimizer.step()
    masks, before = magnitude_prune(model, 0.75), model[0].weight.numpy().copy()
    PrunedOptimizer(optimizer, model, masks).step()
    assert sparsity(model) == 0.75 and not np.array_equal(model[0].weight.numpy(), before)


# %% [markdown]
r"""
### Pruning whole neurons

**Why.** A matrix product does not skip zeros. A *smaller* matrix is faster everywhere. So remove
whole neurons: a row of one layer, and the column of the next one that it feeds.

    Linear(3, 4)            relu            Linear(4, 2)
    row 0  . . .   ------>  h0  ------->    column 0
    row 1  x x x   ---/     h1      /---    column 1      neuron 1 goes: row, bias and column
    row 2  . . .   ------>  h2  ------->    column 2
    row 3  . . .   ------>  h3  ------->    column 3
    becomes Linear(3, 3)                    Linear(3, 2)

The importance of a neuron is the length of its row, $\sqrt{\sum w^2}$. Between two Linear layers
stands what treats each neuron by itself and has no numbers of its own: activations, Dropout.
"""

# %% nbgrader={"grade": false, "grade_id": "compression-structured", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.compression
def without_weights(layer: Any) -> Any:
    """A copy of what stands between two Linear layers; TypeError if it has weights. Given."""
    if isinstance(layer, Module) and layer.named_tensors():
        raise TypeError(f"structured_prune knows Linear and layers without weights, got {layer!r}")
    return copy.deepcopy(layer)


def structured_prune(model: Sequential, amount: float) -> Sequential:
    """A smaller copy of a Sequential of Linear layers, in its mode; the model stays as it is.

    amount: the share of the neurons of each hidden layer that goes, from 0 to below 1, else
        ValueError; of the last Linear, all stay. TypeError for a model that is no Sequential.

    TODO: go through the layers with `places`, the neurons that the last Linear kept (None: all).
          1. Of a Linear, keep the columns `places`, then choose `places` anew:
             the longest rows of the ORIGINAL weight, at least one, in ascending order of places;
             round(amount * out) go. None for the last Linear.
          2. Keep these rows, and the same places of the bias.
          3. Of anything else, take a copy: `without_weights(layer)`.
    """
    ### BEGIN SOLUTION
    checked_amount(amount)
    if not isinstance(model, Sequential):
        raise TypeError(f"structured_prune takes a Sequential, got {type(model).__name__}")
    *_, last = [None, *(layer for layer in model.layers if isinstance(layer, Linear))]
    layers, places = [], None
    for layer in model.layers:
        if not isinstance(layer, Linear):
            layers.append(without_weights(layer))
            continue
        weight, bias = layer.weight.data, None if layer.bias is None else layer.bias.data
        columns = weight if places is None else weight[:, places]
        lengths = np.linalg.norm(weight, axis=1)
        gone = min(round(amount * len(weight)), len(weight) - 1)
        places = None if layer is last else np.sort(np.argsort(lengths, kind="stable")[gone:])
        rows = slice(None) if places is None else places
        smaller = Linear(columns.shape[1], len(columns[rows]), bias=bias is not None)
        smaller.weight.data = columns[rows].copy()
        if bias is not None:
            smaller.bias.data = bias[rows].copy()
        layers.append(smaller)
    return Sequential(*layers).train(model.training)
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: pruning whole neurons

Plants neurons that do nothing: without them, every answer must be the same.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-structured", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_unit_structured_prune():
    manual_seed(0)
    layers = Linear(5, 8), relu, Dropout(), Linear(8, 4, bias=False), abs, Linear(4, 3)
    model = Sequential(*layers).eval()
    for layer, dead in ((model[0], [0, 3, 6, 7]), (model[3], [1, 2])):
        layer.weight.data[dead] = 0
    model[0].bias.data[:] = np.where(model[0].weight.data.any(axis=1), np.arange(8), 0)
    before, x = model_size(model), randn(6, 5)
    small = structured_prune(model, 0.5)
    assert [small[i].weight.shape for i in (0, 3, 5)] == [(4, 5), (2, 4), (3, 2)]
    assert np.allclose(small(x).numpy(), model(x).numpy(), atol=1e-5)
    assert model_size(model) == before == 4 * (48 + 32 + 15)
    assert model_size(small) == 4 * (24 + 8 + 9)
    assert not np.shares_memory(small[5].bias.numpy(), model[5].bias.numpy())
    assert structured_prune(MLP([2, 3, 2]), 0.9)[0].weight.shape == (1, 2), "one at least stays"
    refused(TypeError, lambda: structured_prune(Linear(2, 2), 0.5), "Sequential", "Linear")
    refused(TypeError, lambda: structured_prune(Sequential(MLP([2, 2])), 0.5), "without weights")


# %% [markdown]
r"""
### Quantization

**Why.** A byte instead of four: a quarter of the memory, and of the traffic to it.

*Calibration* chooses scale and zero point from samples: per tensor (one scale), or per channel
(`axis`, one scale for each row of a weight). One row with large weights then no longer spoils the
steps of all others:

    weight            per tensor: s = 8 / 127 = 0.063     per channel: s = 0.08 / 127 and 8 / 127
    0.02    0.08      0       1     -> 0     0.063        32    127    -> 0.0202  0.08
    8.0    -4.0       127   -64     -> 8.0  -4.03         127   -64    -> 8.0    -4.03
"""

# %% nbgrader={"grade": false, "grade_id": "compression-quantize", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.compression
@dataclass(frozen=True)
class Quantized:
    """Numbers of one byte, and what they stand for: (values - zero_point) * scale. Given.

    values: int8    scale: float32, and zero_point: int8, of shape (), or (C,) along `axis`
    """

    values: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int | None = None


def along(numbers: np.ndarray, axis: int | None, ndim: int) -> np.ndarray:
    """Numbers (C,) as (1, C, 1), C at `axis` of `ndim` dimensions; None: unchanged. Given."""
    if axis is None:
        return numbers
    return np.expand_dims(numbers, tuple(d for d in range(ndim) if d != axis % ndim))


def calibrate(
    samples: Any, axis: int | None = None, symmetric: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """(scale, zero_point) for such numbers: float32 and int8, of shape (), or (C,) along `axis`.

    symmetric: largest |x| / 127, and 0; else (high - low) / 255 and rint(-128 - low / scale), of
        the range from the lowest to the highest number and 0. Where all are 0, the scale is 1.

    Raises ValueError for no samples, and for nan or infinity among them.
    HINT: `x.min(axis=dims)` takes a tuple of dimensions: all (axis=None), or all but one.
    """
    ### BEGIN SOLUTION
    x = Tensor(samples, np.float32).data
    if x.size == 0 or not np.isfinite(x).all():
        raise ValueError("calibrate needs finite numbers: got nan, infinity or an empty array")
    dims = tuple(d for d in range(x.ndim) if axis is None or d != axis % x.ndim)
    low, high = np.minimum(x.min(axis=dims), 0), np.maximum(x.max(axis=dims), 0)
    scale = np.maximum(-low, high) / 127 if symmetric else (high - low) / 255
    scale = np.asarray(np.where(scale == 0, 1, scale), np.float32)
    zero = np.zeros_like(scale) if symmetric else np.rint(-128 - low / scale)
    return scale, np.clip(zero, -128, 127).astype(np.int8)
    ### END SOLUTION


def quantize(
    x: Any, scale: Any = None, zero_point: Any = 0, axis: int | None = None, symmetric: bool = True
) -> Quantized:
    """Numbers as int8: clip(rint(x / scale) + zero_point, -128, 127).

    scale, zero_point: as from `calibrate`, which is asked about x itself where no scale is given
    axis: the dimension to which scales of shape (C,) belong

    Raises ValueError for nan, and for a scale that is not above 0.

    TODO: the formula, in this order, and the cast to int8 last.
    HINT: np.rint rounds half to even. A cast of 300 to int8 gives 44, without a word.
    """
    ### BEGIN SOLUTION
    x = Tensor(x).data
    if np.isnan(x).any():
        raise ValueError("quantize got nan, which no whole number can stand for")
    if scale is None:
        scale, zero_point = calibrate(x, axis, symmetric)
    scale, zero_point = np.asarray(scale, np.float32), np.asarray(zero_point, np.int8)
    if not (scale > 0).all():
        raise ValueError(f"a scale is above 0, got {scale.min()}")
    steps = np.rint(x / along(scale, axis, x.ndim)) + along(zero_point, axis, x.ndim)
    return Quantized(np.clip(steps, -128, 127).astype(np.int8), scale, zero_point, axis)
    ### END SOLUTION


def dequantize(quantized: Quantized) -> Tensor:
    """The float32 numbers that the whole numbers stand for.

    HINT: int8 minus int8 wraps around: 127 - (-1) is -128. Make float32 of them first.
    """
    ### BEGIN SOLUTION
    place = quantized.axis, quantized.values.ndim
    steps = quantized.values.astype(np.float32) - along(quantized.zero_point, *place)
    return Tensor(steps * along(quantized.scale, *place))
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: quantization

Ties, numbers beyond the range, rows of very different size, a row of zeros; and that each number
comes back within half a step.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-quantize", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_unit_quantize():
    assert quantize(np.float32([-0.5, 0.2, 1.0])).values.tolist() == [-64, 25, 127]
    found = quantize(np.float32([0.5, 1.5, 2.5, 300, -300, -0.5]), scale=1.0, zero_point=1)
    assert found.values.tolist() == [1, 3, 3, 127, -128, 1] and found.values.dtype == np.int8
    assert np.allclose(dequantize(found).numpy(), [0, 2, 2, 126, -129, 0])
    weight = np.float32([[0.02, 0.08], [8, -4], [0, 0]])
    rows = quantize(weight, axis=0)
    assert np.allclose(rows.scale, [0.08 / 127, 8 / 127, 1])
    assert rows.values.tolist() == [[32, 127], [127, -64], [0, 0]]
    assert quantize(weight, axis=1).scale.shape == (2,) and quantize(weight).scale.shape == ()
    scale, zero = calibrate(np.float32([1, 0, 5.1]), symmetric=False)
    assert math.isclose(scale, 0.02, rel_tol=1e-6) and zero == -128 and zero.dtype == np.int8
    x = np.random.default_rng(0).standard_normal((20, 3, 4)).astype(np.float32) + 1
    for axis in (None, 0, -1):
        found = quantize(x, axis=axis)
        assert (abs(dequantize(found).numpy() - x) <= along(found.scale, axis, 3) * 0.501).all()
    for wrong, says in (([math.nan], "nan"), ([math.inf], "finite"), ([], "empty")):
        refused(ValueError, lambda w=wrong: quantize(np.float32(w)), says)
    refused(ValueError, lambda: quantize(weight, scale=0.0), "0")


# %% [markdown]
r"""
### Products of integers

A Linear whose weights are int8, per row. Its input arrives as float32 and is quantized on the
way, **each row with a scale of its own**. One scale for the whole batch is what many libraries
take; then a loud neighbour makes the steps of your row coarse, and your answer depends on who is
served with you:

    row 0    0.02  -0.01  0.03             with its own scale    85  -42  127
    row 1    90.0   40.0  -7.0             with one scale          0    0    0      row 0 is gone

With zero points of 0, scales leave the sum: $\sum_k s_x x_k\, s_w w_k = s_x s_w \sum_k x_k w_k$.

**An integer product in NumPy.** `int8 @ int8` wraps around: 100 · 100 is 16. `np.matmul(a, b,
dtype=np.int32)` is right, and slow, as BLAS has products of floats alone. But a float32 holds
each integer up to $2^{24}$ exactly, and $1024 \cdot 128 \cdot 128 = 2^{24}$: sums of up to 1,024
products are *exact* in float32, in any order. So `integer_product` takes pieces of 1,024 columns
through BLAS, and adds up the pieces in int32.
"""

# %% nbgrader={"grade": false, "grade_id": "compression-integers", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.compression
EXACT = 1024  # products of two bytes: their sum is at most 2**24, which a float32 holds exactly


def integer_product(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """x W^T of int8 (N, in) and int8 (out, in): exact int32 (N, out). TypeError for other dtypes.

    TODO: start with `np.matmul(..., dtype=np.int32)`, which passes every test; then make it fast:
        for each piece of EXACT columns, make float32 of both, multiply, make int32 of the product,
        and add it up.
    """
    ### BEGIN SOLUTION
    if x.dtype != np.int8 or weight.dtype != np.int8:
        raise TypeError(f"integer_product takes int8 and int8, got {x.dtype} and {weight.dtype}")
    total = np.zeros((len(x), len(weight)), np.int32)
    for start in range(0, x.shape[1], EXACT):
        piece = np.s_[:, start : start + EXACT]
        total += (x[piece].astype(np.float32) @ weight[piece].astype(np.float32).T).astype(np.int32)
    return total
    ### END SOLUTION


def quantize_rows(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (N, K) as int8, and a scale for each, float32 (N,): largest |x| / 127, or 1 for zeros.

    A row with nan or infinity gets zeros and a scale of nan: its answer will be nan, and the
    other rows are as always.

    TODO: 1. the largest |x| of each row; 2. the scales; 3. rint(x / scale), clipped and cast.
    """
    ### BEGIN SOLUTION
    largest = np.maximum(x.max(axis=1), -x.min(axis=1))
    scale = largest / np.float32(127)
    scale[scale == 0], good = 1, np.isfinite(scale)
    with np.errstate(invalid="ignore"):
        steps = np.rint(x / scale[:, None])
    scale[~good], steps[~good] = math.nan, 0
    return np.clip(steps, -128, 127).astype(np.int8), scale
    ### END SOLUTION


class QuantizedLinear(Module):
    """The answers of a Linear, from int8 weights and integer products. It has no gradient.

    layer: the Linear that it stands for; (..., in_features) -> (..., out_features), float32
    input_scale: a scale for all inputs, from `calibrate`; None: each row gets one of its own
    per_channel: one scale for each row of the weight, else one for all

    weight: int8 (out, in)    scale: float32 (out,) or ()    bias: float32 (out,), or None
    """

    def __init__(self, layer: Linear, input_scale: Any = None, per_channel: bool = True) -> None:
        """TODO: quantize the weight; keep these three and `input_scale` as Tensors, or None."""
        ### BEGIN SOLUTION
        quantized = quantize(layer.weight.data, axis=0 if per_channel else None)
        self.weight, self.scale = Tensor(quantized.values), Tensor(quantized.scale)
        self.bias = None if layer.bias is None else Tensor(layer.bias.data.copy())
        self.input_scale = None if input_scale is None else Tensor(np.float32(input_scale))
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Integers in, integers multiplied, and only the sums scaled back.

        TODO: 1. make rows (N, in) of x; 2. quantize them: `quantize_rows`, or with the input_scale;
              3. `integer_product`; 4. times the scales of row and weight, plus the bias.
        """
        ### BEGIN SOLUTION
        out_features, in_features = self.weight.shape
        if x.shape[-1:] != (in_features,):
            raise ValueError(f"the last dimension must be {in_features}, got {x.shape}")
        rows = np.asarray(x.data, np.float32).reshape(-1, in_features)
        if self.input_scale is None:
            values, scale = quantize_rows(rows)
            scale = scale[:, None]
        else:
            scale = self.input_scale.data
            values = quantize(rows, scale).values
        output = integer_product(values, self.weight.data).astype(np.float32)
        output *= scale * self.scale.data
        if self.bias is not None:
            output += self.bias.data
        return Tensor(output.reshape(*x.shape[:-1], out_features))
        ### END SOLUTION


def quantize_model(
    model: Sequential, samples: Tensor | None = None, per_channel: bool = True
) -> Sequential:
    """A copy of a Sequential with a QuantizedLinear for each Linear; the model stays as it is.
    The copy is in the mode of the model, training or evaluation.

    samples: inputs (N, ...) on which the scale of each Linear's input is calibrated, once and for
        all; None: each row gets a scale of its own when it arrives

    Raises TypeError for a model that is no Sequential, and for other modules that hold a Linear.

    TODO: go through the layers, and send the samples through them as they were, in evaluation mode:
        `with evaluating(model):`. `quantized_layer` makes what takes the place of each.
    """
    ### BEGIN SOLUTION
    if not isinstance(model, Sequential):
        raise TypeError(f"quantize_model takes a Sequential, got {type(model).__name__}")
    layers, x = [], samples
    with evaluating(model):
        for layer in model.layers:
            layers.append(quantized_layer(layer, x, per_channel))
            x = None if x is None else layer(x)
    return Sequential(*layers).train(model.training)
    ### END SOLUTION


def quantized_layer(layer: Any, x: Tensor | None, per_channel: bool) -> Any:
    """What takes the place of one layer; `x` are the samples that reach it, if any. Given."""
    if isinstance(layer, Linear):
        scale = None if x is None else calibrate(x)[0]
        return QuantizedLinear(layer, scale, per_channel)
    if isinstance(layer, Sequential):
        return quantize_model(layer, x, per_channel)
    inner = layer.named_modules() if isinstance(layer, Module) else []
    if any(isinstance(module, Linear) for _, module in inner):
        raise TypeError(f"quantize_model finds Linear in Sequential alone, not in {layer!r}")
    return copy.deepcopy(layer)


# %% [markdown]
"""
### 🧪 Unit test: products of integers

Sums that leave 8, 16 and 24 bits; a row alone and beside a loud one, which must give the same
bits; and a row with nan, which must not hurt the others.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-integers", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_integer_product():
    for columns in (3, 1024, 5000):
        full = np.full((2, columns), -128, np.int8)
        assert integer_product(full, full).tolist() == [[columns * 128 * 128] * 2] * 2
        x, w = np.random.default_rng(0).integers(-128, 128, (2, 4, columns)).astype(np.int8)
        assert np.array_equal(integer_product(x, w), x.astype(np.int64) @ w.T.astype(np.int64))
    assert integer_product(full, full).dtype == np.int32
    refused(TypeError, lambda: integer_product(full, full.astype(np.float32)), "float32")


def test_unit_quantized_linear():
    manual_seed(0)
    layer, x = Linear(50, 6), randn(4, 50)
    layer.weight.data[0] *= 100
    small, expected = QuantizedLinear(layer), layer(x).numpy()
    lengths = np.sqrt((layer.weight.numpy() ** 2).sum(axis=1))
    assert (abs(small(x).numpy() - expected) < 0.06 * lengths).all()
    assert model_size(small) == 6 * 50 + 6 * 4 + 6 * 4 and small(x).dtype == np.float32
    assert small(x.reshape(2, 2, 50)).shape == (2, 2, 6)
    found = small(x * np.float32([[1], [1e4], [1], [math.inf]])).numpy()
    assert np.array_equal(found[0], small(x[:1]).numpy()[0]), "a row depends on its neighbours"
    assert np.isnan(found[3]).all() and np.isfinite(found[:3]).all()
    assert np.allclose(small(x * 0).numpy(), layer.bias.numpy())
    refused(ValueError, lambda: small(randn(4, 25)), "50")


# %% [markdown]
r"""
### Distillation

A teacher with logits 4, 2, 0 and a temperature of 2 says 0.67, 0.24, 0.09. A student with logits
2, 2, 0 says 0.42, 0.42, 0.16 at this temperature. The divergence is $\sum p \log(p / q)$:

    0.67 log(0.67 / 0.42) + 0.24 log(0.24 / 0.42) + 0.09 log(0.09 / 0.16) = 0.12

The teacher's numbers are constants: no gradient goes to it.
"""

# %% nbgrader={"grade": false, "grade_id": "compression-distillation", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.compression
class DistillationLoss:
    """`DistillationLoss()(student_logits, teacher_logits, targets)`: (N, C) twice, (N,) ints -> ().

    alpha T^2 KL + (1 - alpha) cross_entropy(student_logits, targets), where KL is the mean over the
    rows of sum p log(p / q): p and q are softmax(logits / T) of the teacher and of the student.
    Of float32 logits, the loss is float32.

    temperature: T, above 0    alpha: the share of the teacher, from 0 to 1; else ValueError
    """

    def __init__(self, temperature: float = 4.0, alpha: float = 0.5) -> None:
        ### BEGIN SOLUTION
        if not temperature > 0 or not 0 <= alpha <= 1:
            found = f"got {temperature!r} and {alpha!r}"
            raise ValueError(f"temperature is above 0 and alpha from 0 to 1, {found}")
        self.temperature, self.alpha = temperature, alpha
        ### END SOLUTION

    def __call__(self, student_logits: Tensor, teacher_logits: Any, targets: Any) -> Tensor:
        """TODO: 1. refuse logits of two shapes (ValueError); 2. p and log p of the teacher, without
        a history: `Tensor(teacher_logits)`; 3. log q of the student, by `log_softmax`,
        through which gradients flow; 4. the formula."""
        ### BEGIN SOLUTION
        teacher = Tensor(teacher_logits) / self.temperature
        if teacher.shape != student_logits.shape:
            shapes = f"{teacher.shape} and {student_logits.shape}"
            raise ValueError(f"teacher and student must have one shape, got {shapes}")
        difference = log_softmax(teacher) - log_softmax(student_logits / self.temperature)
        divergence = (softmax(teacher) * difference).sum(dim=1).mean()
        hard = cross_entropy(student_logits, targets)
        return divergence * (self.alpha * self.temperature**2) + hard * (1 - self.alpha)
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: distillation

The example above; a student that agrees with its teacher; and gradients against finite differences.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-distillation", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_distillation():
    from tinytorch.core.autograd import gradcheck

    teacher, student, targets = Tensor([[4.0, 2.0, 0.0]]), Tensor([[2.0, 2.0, 0.0]]), np.array([1])
    for alpha, expected in ((1, 0.4785), (0, 0.7586)):
        loss = DistillationLoss(2, alpha)(student, teacher, targets)
        assert np.isclose(loss.item(), expected, atol=1e-3)
    assert abs(DistillationLoss(alpha=1)(teacher, teacher, targets).item()) < 1e-6
    values, other = np.random.default_rng(0).standard_normal((2, 3, 4))
    logits = Tensor(values, requires_grad=True)
    assert gradcheck(lambda x: DistillationLoss(3, 0.7)(x, other, np.array([0, 3, 1])), logits)
    refused(ValueError, lambda: DistillationLoss()(student, teacher[:, :2], targets), "(1, 2)")
    refused(ValueError, lambda: DistillationLoss(temperature=0), "0")


# %% [markdown]
"""
## Systems Analysis

**Memory**: accuracy, bytes and latency of a network that reads digits, after each method.
**Complexity**: what do zeros save, and what does a smaller matrix? **Cache and hardware**: two
ways to multiply integers. **At scale**: what do neighbours cost, in a batch with one scale?
"""

# %% nbgrader={"grade": false, "grade_id": "compression-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
import sys
from pathlib import Path

from tinytorch.core.autograd import no_grad
from tinytorch.core.dataloader import DataLoader, TensorDataset
from tinytorch.core.measuring import best_seconds, cpu_seconds, peak_bytes, times_as_long
from tinytorch.core.training import CrossEntropyLoss, Trainer, evaluate_model


def digits() -> list[TensorDataset]:
    """Handwritten digits, 1,437 to learn and 360 to be tested with: rows (64,) from 0 to 1."""
    folder = Path(sys.modules[Module.__module__].__file__).parents[2]
    with np.load(folder / "data" / "digits.npz") as file:
        parts = [(file[f"{p}_images"], file[f"{p}_labels"]) for p in ("train", "test")]
    return [TensorDataset(x.reshape(-1, 64).astype(np.float32) / 16, t) for x, t in parts]


def learned(model: Module, optimizer: Any, data: TensorDataset, epochs: int) -> Module:
    loader = DataLoader(data, 32, shuffle=True, seed=1)
    Trainer(model, optimizer, CrossEntropyLoss()).fit(loader, epochs=epochs, verbose=False)
    return model.eval()


def digits_network() -> tuple[Module, TensorDataset, DataLoader]:
    """A network that learned the digits, the digits, and a loader of those that it has not seen."""
    train, test = digits()
    manual_seed(0)
    model = MLP([64, 128, 10])
    learned(model, Adam(model.parameters(), lr=0.005), train, 12)
    return model, train, DataLoader(test, 100)


def distilled(student: Module, teacher: Module, data: TensorDataset, epochs: int) -> Module:
    optimizer, loss = Adam(student.parameters(), lr=0.005), DistillationLoss(3, alpha=0.7)
    for _ in range(epochs):
        for x, targets in DataLoader(data, 32, shuffle=True, seed=2):
            with no_grad():
                wanted = teacher(x)
            optimizer.zero_grad()
            loss(student(x), wanted, targets).backward()
            optimizer.step()
    return student


def tuned(model: Module, amount: float, data: TensorDataset, epochs: int) -> Module:
    masks = magnitude_prune(model, amount)
    optimizer = PrunedOptimizer(Adam(model.parameters(), lr=0.002), model, masks)
    return learned(model, optimizer, data, epochs)


def compressed() -> dict[str, Module]:
    """One trained network, and what each method makes of it."""
    model, data, _ = digits_network()
    pruned, smaller = copy.deepcopy(model), structured_prune(model, 0.5)
    magnitude_prune(pruned, 0.8)
    return {
        "float32": model,
        "pruned 80 %": pruned,
        "pruned, fine-tuned": tuned(copy.deepcopy(model), 0.8, data, 6),
        "half of the neurons": smaller,
        "half, fine-tuned": tuned(copy.deepcopy(smaller), 0, data, 6),
        "int8, one scale": quantize_model(model, per_channel=False),
        "int8, scale per row": quantize_model(model),
        "int8, calibrated": quantize_model(model, data.tensors[0][:200]),
        "24 neurons, distilled": distilled(MLP([64, 24, 10]), model, data, 12),
    }


def analyze_memory() -> None:
    models, test, size = compressed(), digits()[1], None
    x = test.tensors[0]
    print(f"  {'':22} accuracy    bytes  of before   sparse  of before  us for 1  us for {len(x)}")
    with no_grad():
        for name, model in models.items():
            size, dense = size or model_size(model), model_size(model)
            accuracy = evaluate_model(model, DataLoader(test, 100))["accuracy"]
            one, many = (1e6 * cpu_seconds(lambda m=model, a=a: m(a), 30) for a in (x[:1], x))
            sparse = model_size(model, sparse=True)
            print(f"  {name:22} {accuracy:8.1%} {dense:8,} {dense / size:10.2f}", end=" ")
            print(f"{sparse:8,} {sparse / size:10.2f} {one:9.1f} {many:9.0f}")


def analyze_complexity() -> None:
    model, x = MLP([512, 1024, 10]), randn(128, 512)
    for amount in (0.5, 0.75):
        pruned, smaller = copy.deepcopy(model), structured_prune(model, amount)
        magnitude_prune(pruned, amount)
        zeros = times_as_long(lambda m=pruned: m(x), lambda: model(x), 25)
        fewer = times_as_long(lambda m=smaller: m(x), lambda: model(x), 25)
        print(f"  without {amount:.0%} of the weights: {zeros:.2f} times as long,", end=" ")
        print(f"without as many neurons: {fewer:.2f} times")
    linear, small = model[0], QuantizedLinear(model[0])
    more = peak_bytes(lambda: small(x)) / peak_bytes(lambda: linear(x))
    print(f"  while it computes, QuantizedLinear holds {more:.1f} times the bytes that Linear does")


def analyze_cache() -> None:
    draw = np.random.default_rng(0)
    for rows in (1, 64):
        x, w = (draw.integers(-127, 128, (n, 1024)).astype(np.int8) for n in (rows, 512))
        floats = x.astype(np.float32), w.astype(np.float32).T
        plain = best_seconds(lambda f=floats: f[0] @ f[1], 9)
        slow = best_seconds(lambda x=x, w=w: np.matmul(x, w.T, dtype=np.int32), 3) / plain
        fast = best_seconds(lambda x=x, w=w: integer_product(x, w), 9) / plain
        print(f"  {rows:2} rows of 1024: matmul with dtype=int32 takes {slow:.1f} times", end=" ")
        print(f"as long as float32, integer_product {fast:.1f} times")


def analyze_scale() -> None:
    model, x = digits_network()[0], digits()[1].tensors[0].numpy()[:200]
    small = quantize_model(model)
    alone = small(Tensor(x)).numpy().argmax(axis=1)
    for loudness in (1, 10, 100):
        batch = np.concatenate([x, x[:1] * loudness])
        shared = quantize_model(model, Tensor(batch))  # calibrated on this batch: one scale for all
        answers = [m(Tensor(batch)).numpy()[:200].argmax(axis=1) for m in (small, shared)]
        own, one = ((answer == alone).sum() for answer in answers)
        print(f"  a neighbour {loudness:3} times as loud: of 200 answers {own} stay", end=" ")
        print(f"with a scale per row, {one} with one for the batch")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: quantized models

Answers near those of the model, which must stay as it is, also by way of a state dict.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-models", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_quantize_model():
    model, x = Sequential(MLP([8, 16, 8]), Dropout(0.5), Linear(8, 3)).eval(), randn(64, 8)
    for samples in (None, x):
        small, expected = quantize_model(model, samples), model(x).numpy()
        assert np.abs(small(x).numpy() - expected).max() < 0.05 * np.abs(expected).max()
        assert isinstance(small[2], QuantizedLinear) and isinstance(model[2], Linear)
        other = quantize_model(Sequential(MLP([8, 16, 8]), abs, Linear(8, 3)), samples)
        other.load_state_dict(small.state_dict())
        assert np.array_equal(other[0](x).numpy(), small[0](x).numpy())
    refused(TypeError, lambda: quantize_model(Linear(2, 2)), "Sequential", "Linear")


# %% [markdown]
"""
## Integration

### 🧪 Integration test: bytes and accuracy

What the checkpoint asks for, on the digits: at most 0.3 of the bytes for 1 % of accuracy.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-digits", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_integration_quantized_digits():
    model, _, test = digits_network()
    small, before = quantize_model(model), evaluate_model(model, test)["accuracy"]
    assert before > 0.94 and evaluate_model(small, test)["accuracy"] >= before - 0.01
    assert model_size(small) <= 0.3 * model_size(model)


# %% [markdown]
"""
## Production Context

- **PyTorch** has `nn.Dropout`, `nn.utils.prune` (masks, kept beside the weights), and
  `torch.ao.quantization`, whose dynamic mode takes one scale for the whole batch of activations,
  as ONNX Runtime does. Your answers do not depend on who else is in the batch.
- **Zero points.** ONNX adds the zero point after rounding, PyTorch before it: at ties, they differ.
- **Hardware** multiplies int8 two to four times as fast as float32 (VNNI, tensor cores), and
  large models are bound by memory: there, 4 bits with a scale for each 32 weights are usual.
- **2:4 sparsity**, two zeros in each four weights, is the pattern of zeros that GPUs run faster.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: prune, fine-tune, quantize

The methods follow each other: zeros must stay zeros in all of it, and 80 % of them may cost 2 % of
accuracy.
"""

# %% nbgrader={"grade": true, "grade_id": "test-compression-chain", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_prune_then_quantize():
    model, train, test = digits_network()
    before, size = evaluate_model(model, test)["accuracy"], model_size(model)
    small = quantize_model(tuned(model, 0.8, train, 6))
    for smaller in (model, small):
        assert evaluate_model(smaller, test)["accuracy"] >= before - 0.02
        assert 0.8 - 0.001 < sparsity(smaller) < 0.85
    assert model_size(small, sparse=True) < 0.15 * size


# %% nbgrader={"grade": false, "grade_id": "compression-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for analysis in (analyze_memory, analyze_complexity, analyze_cache, analyze_scale):
        print(f"\n{analysis.__name__.removeprefix('analyze_').capitalize()}")
        analysis()

# %% [markdown]
"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "compression-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** In your table, the network with 80 % zeros is as slow as before. What
would a product have to do for zeros to save time, and from which share of zeros would that pay?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "compression-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** After a relu, a symmetric scale leaves half of the whole numbers unused.
Which term would a zero point of the inputs add to the product, and where would you compute it?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "compression-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** You measured how many answers change when a batch has one scale and
one loud neighbour. How would a customer notice, and why would no test with one row at a time find
it?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "compression-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** A model of 7 billion parameters is read from memory once for each word that it
writes. At 50 GB/s, how many words a second are that in float32, and in int8? Which of your
methods would you combine to double it again?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Compression

You built five ways to keep a network from learning by heart, and three to make it smaller. You
measured that zeros save nothing until the format or the shape changes, that a byte for each weight
costs next to no accuracy, and that one scale for a batch lets neighbours change your answers.

**Next:** `pytest --checkpoint 11`, then module 13, which makes the same operations faster.
"""
