# %% [markdown]
"""
# Module 11: Training

## Introduction

Layers, gradients, optimizers, batches: what is left is the loop around them. It fits on half a page, and is where most
trainings go wrong *without a word*. Gradients that are not cleared, a validation in training mode, a mean of means:
nothing crashes, the network only learns a little worse. You will build losses, checkpoints, and `Trainer`, the loop.
"""

# %% [markdown]
r"""
## Mathematical Background

**Losses** and their gradients; $n$ counts elements, $N$ rows, and $C$ classes.

    mse_loss              mean of (y - t)^2                            2 (y - t) / n
    cross_entropy         mean of log(sum of e^x) - x_t                (softmax(x) - q) / N,  q is 1 at t, else 0
    binary_cross_entropy  -mean of t log p + (1 - t) log(1 - p)        (p - t) / (p (1 - p) n)
    ... with logits       mean of |x| w + log(1 + e^-|x|)              (sigmoid(x) - t) / n

*Logits* are scores before a softmax or sigmoid. A loss that takes them needs no probability that could round to 0.
**Label smoothing** (Szegedy et al., 2016) wants $q = 1 - s + s / C$ for the right class, and $s / C$ for the others.

**A mean, not a sum**: else twice the batch were twice the step. **A mean of means is not the mean**: 64 right of 64, and 0
of 1 in a short last batch, are 98 %, not 50 %, so averages weigh each batch by its samples. So does **accumulation**:
where a large batch does not fit into memory, small ones add up their gradients before a step. Each counts
$n_i / \sum n_j$, and the step is that of one batch of all of them (but BatchNorm sees the small ones).

**When to stop.** The loss on what is learned falls on; that on other data has a lowest point. *Early stopping* ends a
number of epochs later. **What a run is made of**: weights, buffers, the optimizer's memory, the schedule's place, the
random generator, the number of the epoch. An epoch depends on nothing else, so a run can go on *bit for bit*.
"""

# %% [markdown]
"""
## Implementation

### Losses

Each is one primitive with its gradient beside it: what forward has computed anyway, the gradient gets as `saved`.
`within` and `checked` are given. They refuse `(4, 1)` minus `(4,)`: 16 numbers by broadcasting, a mean, no error.
"""

# %% nbgrader={"grade": false, "grade_id": "training-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.training
#| export
import json
import math
import os
import shutil
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.core.activations import floating, log_softmax, relu
from tinytorch.core.autograd import no_grad, numerical_gradient
from tinytorch.core.dataloader import DataLoader, TensorDataset
from tinytorch.core.layers import Linear, Module
from tinytorch.core.normalization import BatchNorm1d
from tinytorch.core.optimizers import SGD, Adam, StepLR
from tinytorch.core.tensor import Tensor, engine, manual_seed, primitive, randn


def within(name: str, numbers: np.ndarray, low: float, high: float) -> None:
    """Raise ValueError for numbers that are not from `low` to `high`, and where there are none."""
    if numbers.size == 0:
        raise ValueError(f"there are no {name}, and nothing to take a mean of")
    if not low <= numbers.min() <= numbers.max() <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}, got {numbers.min()} to {numbers.max()}")


def checked(outputs: Any, targets: Any, low: float = -math.inf, high: float = math.inf) -> tuple:
    """Outputs as floating numbers, and targets of the same shape and dtype, from `low` to `high`."""
    outputs, targets = floating(outputs), np.asarray(targets)
    if outputs.shape != targets.shape:
        raise ValueError("outputs and targets must have one shape: reshape one of them")
    within("targets", targets, low, high)
    return outputs, targets.astype(outputs.dtype, copy=False)


# %% nbgrader={"grade": false, "grade_id": "training-mse", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@primitive
def mse_loss(outputs, targets):
    """The mean of (y - t)^2 over all elements, of any one shape. Save the differences for the gradient."""
    ### BEGIN SOLUTION
    outputs, targets = checked(outputs, targets)
    difference = outputs - targets
    return np.mean(difference * difference), difference
    ### END SOLUTION


@mse_loss.gradient
def mse_loss_gradient(grad, output, saved, outputs, targets):
    """Of the outputs: 2 (y - t) / n, times g. Of the targets: the opposite."""
    ### BEGIN SOLUTION
    slope = saved * (2 * grad / saved.size)
    return slope, lambda: -slope
    ### END SOLUTION


# %% [markdown]
"""
**Cross-entropy**, the loss of classifiers. NumPy spends its time on starting anew for each row: where rows are short,
`argmax` and an index find the largest twice as fast as `max`, and a product with ones (BLAS) sums five times as fast.
"""

# %% nbgrader={"grade": false, "grade_id": "training-cross-entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def class_numbers(logits: np.ndarray, targets: np.ndarray) -> None:
    """Raise ValueError unless logits are (N, C), and targets (N,) whole numbers from 0 to C - 1."""
    if logits.ndim != 2 or targets.shape != logits.shape[:1] or targets.dtype.kind not in "iu":
        raise ValueError(f"logits must be (N, C), and targets (N,) whole numbers, the classes; got {targets.dtype}")
    within("targets", targets, 0, logits.shape[1] - 1)


@primitive
@np.errstate(invalid="ignore")  # infinity gives NaN where it must, in silence
def cross_entropy(logits, targets, label_smoothing=0.0):
    """The mean of log(sum of e^x) - x_t over the rows. logits (N, C), targets (N,) ints.

    label_smoothing: the share of each target that is spread evenly over all C classes

    TODO: shift each row by its largest logit. Its loss is log(sum of e^x) - (sum of q x), with the
        latter (1 - s) x_t + s (mean of the row). Save e^x, made in place, and its sums.
    """
    ### BEGIN SOLUTION
    logits, targets, rows = floating(logits), np.asarray(targets), np.arange(len(logits))
    class_numbers(logits, targets)
    places = rows * logits.shape[1] + targets.astype(np.intp)  # in memory: one index is faster than two
    shifted = np.subtract(logits, logits[rows, logits.argmax(axis=1)][:, None], order="C")
    wanted = (1 - label_smoothing) * shifted.take(places)
    if label_smoothing:
        wanted += label_smoothing * shifted.mean(axis=1)
    total = np.exp(shifted, out=shifted) @ np.ones(logits.shape[1], logits.dtype)
    return np.mean(np.log(total) - wanted), (shifted, total, places)
    ### END SOLUTION


@cross_entropy.gradient
def cross_entropy_gradient(grad, output, saved, logits, targets, label_smoothing=0.0):
    """Of the logits: (softmax(x) - q) / N, times g. Of the targets, which are no quantities: None."""
    ### BEGIN SOLUTION
    (slope, total, places), share = saved, grad / len(logits)
    slope *= (share / total)[:, None]  # in place: it is this operation's own, and walked back once
    slope.reshape(-1)[places] -= (1 - label_smoothing) * share
    if label_smoothing:
        slope -= label_smoothing / logits.shape[1] * share
    return slope, None
    ### END SOLUTION


# %% [markdown]
"""
**Two classes** need one number: the probability of the second, or its logit. Of a probability that was rounded to 0, take
a logarithm of -100, and p (1 - p) of at least $10^{-12}$, as PyTorch does. From logits, no such rescue is needed.
"""

# %% nbgrader={"grade": false, "grade_id": "training-binary", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@primitive
def binary_cross_entropy(probabilities, targets):
    """-mean of t log p + (1 - t) log(1 - p), of one shape; all numbers from 0 to 1, else ValueError.

    HINT: `np.errstate(divide="ignore")` keeps log(0) quiet. np.log1p(-p) is log(1 - p), with all digits.
    """
    ### BEGIN SOLUTION
    p, t = checked(probabilities, targets, 0, 1)
    within("probabilities (for logits there is BCEWithLogitsLoss)", p, 0, 1)
    with np.errstate(divide="ignore"):
        of_one, of_zero = np.maximum(np.log(p), -100), np.maximum(np.log1p(-p), -100)
    return -np.mean(t * of_one + (1 - t) * of_zero), (p, t, of_zero - of_one)
    ### END SOLUTION


@binary_cross_entropy.gradient
def binary_cross_entropy_gradient(grad, output, saved, probabilities, targets):
    """Of p: (p - t) / (p (1 - p) n), times g. Of t: (log(1 - p) - log p) / n, times g."""
    ### BEGIN SOLUTION
    (p, t, odds), share = saved, grad / saved[0].size
    return (p - t) / np.maximum(p * (1 - p), 1e-12) * share, lambda: odds * share
    ### END SOLUTION


@primitive
@np.errstate(invalid="ignore")
def binary_cross_entropy_with_logits(logits, targets):
    """The same for p = sigmoid(x), from x: the mean of |x| w + log(1 + z), with z = e^-|x|, and w = 1 - t where
    x >= 0, else t: how wrong the sign of x is. Where w is 0, so is |x| w, also of infinity: `np.where` chooses.
    """
    ### BEGIN SOLUTION
    x, t = checked(logits, targets, 0, 1)
    size, wrong = np.abs(x), np.where(x >= 0, 1 - t, t)
    z = np.exp(-size)
    return np.mean(np.where(wrong == 0, 0, size * wrong) + np.log1p(z)), (x, t, z)
    ### END SOLUTION


@binary_cross_entropy_with_logits.gradient
def binary_cross_entropy_with_logits_gradient(grad, output, saved, logits, targets):
    """Of x: (sigmoid(x) - t) / n, times g. Of t: -x / n, times g.

    HINT: sigmoid(x) is 1 / (1 + z) for x >= 0 and z / (1 + z) for x < 0.
    """
    ### BEGIN SOLUTION
    (x, t, z), share = saved, grad / saved[0].size
    return (np.where(x >= 0, 1, z) / (1 + z) - t) * share, lambda: x * -share
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "training-loss-classes", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class MSELoss:
    """`MSELoss()(outputs, targets)`: the mean of squared differences, of two Tensors of one shape.

    Raises ValueError for two shapes, which NumPy might broadcast: (N, 1) and (N,) make (N, N).
    """

    def __call__(self, outputs: Tensor, targets: Any) -> Tensor:
        ### BEGIN SOLUTION
        return mse_loss(outputs, targets)
        ### END SOLUTION


class CrossEntropyLoss:
    """`CrossEntropyLoss()(logits, targets)`: logits (N, C), targets (N,) ints, to a scalar.

    label_smoothing: from 0 to 1, else ValueError; the share of a target that is spread over all classes
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        ### BEGIN SOLUTION
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing is a share, from 0 to 1; got {label_smoothing!r}")
        self.label_smoothing = float(label_smoothing)
        ### END SOLUTION

    def __call__(self, logits: Tensor, targets: Any) -> Tensor:
        ### BEGIN SOLUTION
        return cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
        ### END SOLUTION


class BCELoss:
    """`BCELoss()(probabilities, targets)`: two Tensors of one shape, all numbers from 0 to 1, else ValueError."""

    def __call__(self, probabilities: Tensor, targets: Any) -> Tensor:
        ### BEGIN SOLUTION
        return binary_cross_entropy(probabilities, targets)
        ### END SOLUTION


class BCEWithLogitsLoss:
    """`BCEWithLogitsLoss()(logits, targets)`: the same from logits, exact at any size. One shape, else ValueError.

    Of an infinite logit, the loss is 0 where the target is that of its sign, else infinity.
    """

    def __call__(self, logits: Tensor, targets: Any) -> Tensor:
        ### BEGIN SOLUTION
        return binary_cross_entropy_with_logits(logits, targets)
        ### END SOLUTION


def known(answers: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """The answers, but NaN, which equals nothing, where an output is NaN; a RuntimeWarning counts these."""
    unknown = np.isnan(outputs) if answers.shape == outputs.shape else np.isnan(outputs).any(axis=1)
    if not unknown.any():
        return answers
    warnings.warn(f"{unknown.sum()} of {unknown.size} outputs are NaN, and wrong", RuntimeWarning, 3)
    return np.where(unknown, np.nan, answers)


class Accuracy:
    """`Accuracy()(outputs, targets)`: the share of right answers, a float from 0 to 1.

    Outputs (N, C) with targets (N,), C at least 2: the class of the largest output. Two of one shape: whether an
    output is above `threshold`. What is NaN is wrong: see `known`. Raises ValueError for anything else.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def __call__(self, outputs: Any, targets: Any) -> float:
        ### BEGIN SOLUTION
        outputs, targets = Tensor(outputs).data, Tensor(targets).data
        classes = outputs.ndim == 2 and targets.shape == outputs.shape[:1] and outputs.shape[1] > 1
        if outputs.size == 0 or not (classes or outputs.shape == targets.shape):
            raise ValueError(f"Accuracy takes (N, C > 1) and (N,), or one shape; got {outputs.shape}, {targets.shape}")
        answers = outputs.argmax(axis=1) if classes else outputs > self.threshold
        return float((known(answers, outputs) == targets).mean())
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: losses

Values worked by hand; logits of 10,000, with NumPy's warnings turned into errors; and what must be refused.
"""

# %% nbgrader={"grade": true, "grade_id": "test-training-losses", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
def refused(error: type[Exception], call: Callable, *mentions: str) -> None:
    try:
        call()
    except error as raised:
        assert all(text in str(raised) for text in mentions), f"{raised} should mention {mentions}"
    else:
        raise AssertionError(f"{error.__name__} expected, mentioning {mentions}")


def test_unit_losses_by_hand():
    assert MSELoss()(Tensor([[1.0], [4.0]]), Tensor([[2], [1]])).item() == 5
    logits, targets = Tensor(np.log([[1, 3, 4], [2, 2, 4]])), np.array([2, 0])
    assert np.isclose(CrossEntropyLoss()(logits, targets).item(), (math.log(2) + math.log(4)) / 2)
    smooth = -(np.array([[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]) * log_softmax(logits).numpy()).sum() / 2
    assert np.isclose(CrossEntropyLoss(label_smoothing=0.3)(logits, targets).item(), smooth)
    p, t = Tensor([0.5, 0.25, 0.125]), Tensor([1, 0, 0.5])
    by_hand = (math.log(2) - math.log(0.75) - (math.log(0.125) + math.log(0.875)) / 2) / 3
    assert np.isclose(BCELoss()(p, t).item(), by_hand)
    assert np.isclose(BCEWithLogitsLoss()((p / (1 - p)).log(), t).item(), by_hand)
    assert Accuracy()(logits, targets) == 0.5 and Accuracy(threshold=0.2)(p, [1, 0, 0]) == 2 / 3


def test_unit_losses_at_the_ends():
    far, right, ends = Tensor([[1e4, -1e4], [-1e4, 1e4]]), np.array([0, 1]), Tensor([0.0, 1.0])
    with np.errstate(all="raise", under="ignore"):
        assert [cross_entropy(far, t).item() for t in (right, 1 - right)] == [0, 2e4]
        for x, loss in ((far, 1e4), (far * math.inf, math.inf)):
            assert [binary_cross_entropy_with_logits(x, t).item() for t in (np.eye(2), 1 - np.eye(2))] == [0, loss]
        assert [binary_cross_entropy(ends, t).item() for t in (right, 1 - right)] == [0, 100]


def test_unit_what_losses_refuse():
    four = randn(4, 3)
    refused(ValueError, lambda: MSELoss()(randn(4, 1), randn(4)), "(4, 1) and (4,)", "one shape")
    for targets, says in (([0, 1, 2, 3], "to 3"), ([0, 1, -1, 0], "got -1 to 1"), ([0, 1], "(4, 3) and (2,)"),
                          (np.eye(4)[:, :3], "(N,)"), (np.ones(4), "float64"), (np.zeros(0, int), "(0,)")):  # fmt: skip
        refused(ValueError, lambda t=targets: CrossEntropyLoss()(four, np.asarray(t)), says)
    refused(ValueError, lambda: CrossEntropyLoss(label_smoothing=10), "10")
    refused(ValueError, lambda: BCELoss()(Tensor([1.5]), np.ones(1)), "1.5", "BCEWithLogitsLoss")
    refused(ValueError, lambda: Accuracy()(randn(4, 1), [1, 0, 1, 0]), "got (4, 1), (4,)")
    with warnings.catch_warnings(record=True, action="always") as said:
        assert Accuracy()([[1, 0], [math.nan, 0], [0, 1], [0, 1]], [0, 0, 1, 0]) == 0.5 and len(said) == 1


# %% [markdown]
"""
### Asking a network

To ask is not to change: in training mode, BatchNorm would learn from the data that is to test it. Afterwards each
module is in the mode in which it was, as some may have been frozen on purpose.
"""

# %% nbgrader={"grade": false, "grade_id": "training-evaluation", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Inside, the model is in evaluation mode and nothing is recorded; then, whatever happens, all is as it was."""
    ### BEGIN SOLUTION
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
    ### END SOLUTION


def answered(model: Module, loader: Iterable) -> tuple[np.ndarray, np.ndarray]:
    """Logits (M, C), C at least 2, and targets (M,) of all samples of a loader, else ValueError; in evaluation mode.

    HINT: `for *inputs, targets in loader`
    """
    ### BEGIN SOLUTION
    with evaluating(model):
        found = [(model(*inputs).numpy(), np.asarray(targets)) for *inputs, targets in loader]
    if not any(len(targets) for _, targets in found):
        raise ValueError(EMPTY)
    logits, targets = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    if logits.ndim != 2 or logits.shape[1] < 2 or targets.shape != logits.shape[:1]:
        raise ValueError(f"a classifier makes (N, C), C at least 2, for (N,); got {logits.shape}, {targets.shape}")
    return logits, targets
    ### END SOLUTION


EMPTY = "the loader gave no samples: it is empty, or a generator that was used up; take a DataLoader or a list"


def compute_confusion_matrix(model: Module, loader: Iterable, num_classes: int) -> np.ndarray:
    """How often the class of a row was taken for the class of a column: int64 (true, predicted).

    model: makes logits (N, num_classes) of the inputs of a batch    loader: batches (inputs, targets)

    Raises ValueError for one class alone, targets and answers that are not below num_classes, and logits that are NaN.
    HINT: a pair is a number too, true * num_classes + answer, and `np.bincount` counts numbers.
    """
    ### BEGIN SOLUTION
    logits, true = answered(model, loader)
    answers = known(logits.argmax(axis=1), logits)
    within("true and predicted classes", np.concatenate([true, answers]), 0, num_classes - 1)
    pairs = true.astype(np.int64) * num_classes + answers
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)
    ### END SOLUTION


def evaluate_model(model: Module, loader: Iterable) -> dict[str, Any]:
    """How good a classifier is on all samples of a loader: "loss" (the mean cross-entropy), "accuracy", and
    "per_class_accuracy", float64 (C,): the share recognised of each class, nan where there is none of it. What is NaN is wrong.

    Raises ValueError for no samples, and for one class alone: see `answered`.
    """
    ### BEGIN SOLUTION
    logits, targets = answered(model, loader)
    loss, right = cross_entropy(logits, targets).item(), known(logits.argmax(axis=1), logits) == targets
    counts = [np.bincount(t, minlength=logits.shape[1]) for t in (targets[right], targets)]
    with np.errstate(invalid="ignore"):
        return {"loss": loss, "accuracy": float(right.mean()), "per_class_accuracy": counts[0] / counts[1]}
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: asking a network

A short last batch, a class that never comes, a frozen module, an exception: the model must be left as it was found.
"""

# %% nbgrader={"grade": true, "grade_id": "test-training-evaluation", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
class Norms(Module):
    def __init__(self) -> None:
        self.first, self.frozen = BatchNorm1d(3, eps=0), BatchNorm1d(3, eps=0).eval()

    def forward(self, x: Tensor) -> Tensor:
        assert not self.first.training and not engine.grad_enabled
        return self.frozen(self.first(x))


def test_unit_evaluation():
    logits = np.array([[2, 1, 0], [0, 3, 1], [1, 0, 5], [4, 2, 0], [0, 1, 3]], np.float32)
    targets, model = np.array([0, 1, 0, 0, 0]), Norms()
    loader = DataLoader(TensorDataset(logits, targets), 4)
    found = evaluate_model(model, loader)
    assert np.isclose(found["loss"], cross_entropy(logits, targets).item()) and found["accuracy"] == 0.6
    assert np.allclose(found["per_class_accuracy"], [0.5, 1, np.nan], equal_nan=True)
    assert compute_confusion_matrix(model, loader, 3).tolist() == [[2, 0, 2], [0, 1, 0], [0, 0, 0]]
    refused(ValueError, lambda: compute_confusion_matrix(model, loader, 2), "from 0 to 1, got 0 to 2")
    refused(ZeroDivisionError, lambda: evaluate_model(model, (1 / 0 for _ in "x")))
    assert model.first.training and not model.frozen.training and engine.grad_enabled


# %% [markdown]
"""
### Checkpoints

A checkpoint is one `.npz` file, a zip archive of arrays, that can be relied on. **Never a pickle**: that is a program, and
opening it runs it. **Written beside, then renamed**: a power cut leaves the old one or the new one. **Loaded as a whole
or not at all.** Given are four functions for this; `packed` makes JSON of nested dicts, in which arrays are only named.
"""

# %% nbgrader={"grade": false, "grade_id": "training-files", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
FORMAT, TEXT, ARRAY = 1, "tinytorch checkpoint", "array of this file"


def packed(content: dict, arrays: dict[str, np.ndarray]) -> str:
    """The content as JSON; arrays go to `arrays`, and their names stand in their places."""

    def put(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        value = value.data if isinstance(value, Tensor) else value
        if not isinstance(value, np.ndarray) or value.dtype.hasobject:
            raise TypeError(f"a checkpoint holds numbers, text, arrays, lists and dicts; got {type(value).__name__}: {value!r}")
        arrays[str(len(arrays))] = value
        return {ARRAY: str(len(arrays) - 1)}

    return json.dumps(content, default=put)


def unpacked(text: bytes, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The content of which `packed` made this; tuples come back as lists, and all keys as text."""
    return json.loads(text, object_hook=lambda found: arrays[found[ARRAY]] if ARRAY in found else found)


def write_arrays(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """An .npz file of these arrays. Until it is whole, it is called NAME.part."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())  # on the disk before the name says so
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file. Raises FileNotFoundError, or ValueError for what is no such file."""
    path = Path(path)
    with path.open("rb") as file:
        start = file.read(2)
    if not zipfile.is_zipfile(path):
        reasons = {b"PK": "is cut off", b"\x80": "is a pickle, and opening it could run any program"}
        reason = reasons.get(start, reasons.get(start[:1], "is no .npz file"))
        raise ValueError(f"{path} {reason}: use another checkpoint")
    try:
        with np.load(path, allow_pickle=False) as file:
            if damaged := file.zip.testzip():
                raise ValueError(f"the checksum of {damaged} is wrong")
            return {name: file[name] for name in file.files}
    except Exception as error:  # a damaged archive can make zipfile and NumPy raise anything
        raise ValueError(f"{path} is damaged ({error}): use another checkpoint") from None


# %% nbgrader={"grade": false, "grade_id": "training-checkpoints", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def save_checkpoint(path: str | Path, model: Module, optimizer: Any = None, scheduler: Any = None,
                    epoch: int = 0, **extra: Any) -> None:
    """Everything that is needed to go on, in one .npz file, which replaces an older one at once.

    model, optimizer, scheduler: what has a `state_dict()`; None is left out
    epoch: how many are done    extra: more, by name: numbers, text, arrays, lists and dicts of them; else TypeError

    TODO: make one dict of it all, of "format", and of "generator", `engine.generator.bit_generator.state`;
        pack it, and write the text among the arrays: `np.frombuffer(text.encode(), np.uint8)`.
    """
    ### BEGIN SOLUTION
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    content = {name: part.state_dict() for name, part in parts.items() if part is not None}
    content |= {"format": FORMAT, "generator": engine.generator.bit_generator.state, "epoch": epoch, "extra": extra}
    arrays: dict[str, np.ndarray] = {}
    arrays[TEXT] = np.frombuffer(packed(content, arrays).encode(), np.uint8)
    write_arrays(path, arrays)
    ### END SOLUTION


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """What `save_checkpoint` put into a file. Raises as `read_arrays`, and ValueError for foreign files."""
    ### BEGIN SOLUTION
    arrays = read_arrays(path)
    if TEXT not in arrays:
        raise ValueError(f"{path} was not written by save_checkpoint: it holds {sorted(arrays)[:5]}")
    try:
        content = unpacked(arrays[TEXT].tobytes(), arrays)
    except KeyError as name:
        raise ValueError(f"{path} is damaged (it has no array {name}): use another checkpoint") from None
    if content["format"] != FORMAT:
        raise ValueError(f"{path} has format {content['format']}, expected {FORMAT}: another version wrote it")
    return content
    ### END SOLUTION


def load_checkpoint(path: str | Path, model: Module, optimizer: Any = None, scheduler: Any = None) -> dict[str, Any]:
    """Put what was saved into model, optimizer and schedule. Returns {"epoch": ..., and each extra}.

    With an optimizer, the random generator goes on where it was; without, a model is only to be asked.
    Raises FileNotFoundError, and ValueError for a file that is no good or does not fit; then nothing has changed.

    TODO: keep what is there, then load part by part. If one refuses, put all back, and say which it was.
    HINT: `type(engine.generator.bit_generator)()` makes a bit generator whose `.state` can be set.
    """
    ### BEGIN SOLUTION
    content = read_checkpoint(path)
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    parts = {name: part for name, part in parts.items() if part is not None}
    if missing := [name for name in parts if name not in content]:
        raise ValueError(f"{path} has no {' and no '.join(missing)}: it was saved without")
    before = {name: part.state_dict() for name, part in parts.items()}
    try:
        for name, part in parts.items():
            part.load_state_dict(content[name])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        for other, state in before.items():
            parts[other].load_state_dict(state)
        raise ValueError(f"{path} does not fit the {name}: {error}") from error
    if optimizer is not None:
        bits = type(engine.generator.bit_generator)()
        bits.state = content["generator"]
        engine.generator = np.random.Generator(bits)
    return {"epoch": content["epoch"], **content["extra"]}
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: checkpoints

Loads what was saved in the middle of a training: it must be the same to the last bit. Bad files must change nothing.
"""

# %% nbgrader={"grade": true, "grade_id": "test-training-checkpoints", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
from tempfile import TemporaryDirectory


class Net(Module):
    """Two layers with a norm between them, and noise in training: it has all kinds of state."""

    def __init__(self, features: int = 4, hidden: int = 8, classes: int = 3, noise: float = 0.0) -> None:
        self.first, self.norm, self.last = Linear(features, hidden), BatchNorm1d(hidden), Linear(hidden, classes)
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        hidden = relu(self.norm(self.first(x)))
        return self.last(hidden + randn(*hidden.shape) * self.noise if self.training else hidden)


def in_training() -> tuple[Net, Adam, StepLR]:
    model = Net(noise=0.5)
    optimizer = Adam(model.parameters(), lr=0.05)
    return model, optimizer, StepLR(optimizer, 2)


def clouds(count: int) -> TensorDataset:
    """Points (count, 4) around three centers, which are their labels."""
    labels = np.arange(count) % 3
    points = np.random.default_rng(0).standard_normal((count, 4)) + 2 * np.eye(4)[labels]
    return TensorDataset(points.astype(np.float32), labels)


def bits_of(model: Module) -> list[bytes]:
    return [array.tobytes() for array in model.state_dict().values()]


def test_unit_checkpoints_go_on():
    with TemporaryDirectory() as folder:
        path, (model, optimizer, scheduler), other = Path(folder) / "new" / "run", in_training(), in_training()
        model(randn(5, 4)).sum().backward()
        optimizer.step()
        scheduler.step()
        notes = {"ä": [1, None, {"array": 2.5}], "large": 2**100, "low": -math.inf}
        save_checkpoint(path, model, optimizer, scheduler, epoch=3, notes=notes, array=np.arange(3))
        expected, state = randn(9).numpy().tolist(), engine.generator.bit_generator.state
        assert load_checkpoint(path, Net())["epoch"] == 3 and engine.generator.bit_generator.state != state
        found = load_checkpoint(path, *other)
        assert bits_of(other[0]) == bits_of(model) and randn(9).numpy().tolist() == expected
        assert [repr(part.state_dict()) for part in other[1:]] == [repr(p.state_dict()) for p in (optimizer, scheduler)]
        assert found["notes"] == notes and found["array"].tolist() == [0, 1, 2]
        refused(TypeError, lambda: save_checkpoint(path, model, hook=print), "builtin")
        assert load_checkpoint(path, model)["epoch"] == 3 and [*path.parent.iterdir()] == [path]


def test_unit_bad_files():
    with TemporaryDirectory() as folder:
        path, (model, optimizer, scheduler) = Path(folder) / "run.npz", in_training()
        np.savez(path, weight=np.ones(3))
        foreign, before = path.read_bytes(), bits_of(model)
        save_checkpoint(path, Net(), scheduler)
        good = path.read_bytes()
        refused(ValueError, lambda: load_checkpoint(path, model, optimizer), "the optimizer")
        for content, says in ((good[:-100], "cut off"), (b"", "no .npz"), (b"text", "no .npz"), (b"\x80\x04.", "pickle"),
                              (good.replace(b"\0\0\x80?", b"\0\0\x80>"), "damaged"), (foreign, "['weight']")):  # fmt: skip
            path.write_bytes(content)
            refused(ValueError, lambda: load_checkpoint(path, model), str(path), says)
        assert bits_of(model) == before


# %% [markdown]
"""
### Telling how it goes

Given: a line for each epoch, and in a terminal a bar before it.
"""

# %% nbgrader={"grade": false, "grade_id": "training-progress", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
class Progress:
    """What `fit` says while it works; nothing, if not `verbose`."""

    def __init__(self, epochs: int, verbose: bool) -> None:
        self.epoch, self.epochs, self.verbose, self.bar = 0, epochs, verbose, verbose and sys.stdout.isatty()

    def begin(self, epoch: int, loader: Iterable) -> None:
        self.epoch, self.done, self.batches = epoch, 0, len(loader) if hasattr(loader, "__len__") else 0
        self.began = self.shown = time.perf_counter()

    def batch(self, averages: Any, rate: float) -> None:
        """After each batch, but drawn ten times a second: the loss so far, the time left, the learning rate, the speed."""
        self.done += 1
        if self.bar and time.perf_counter() > self.shown + 0.1:
            self.shown = time.perf_counter()
            bar = f"[{'#' * (10 * self.done // self.batches):10}] " if self.batches else ""
            loss, speed = averages.means()["loss"], averages.count / (self.shown - self.began)
            text = f"{bar}{self.done}/{self.batches or '?'}  loss {loss:.4f}  {self.left()}lr {rate:.3g}"
            self.say(f"{text}  {speed:,.0f} samples/s", "")

    def left(self) -> str:
        """How long the batches of all epochs to come take at the speed of this one; "" if nobody knows how many."""
        rest = self.batches * (self.epochs - self.epoch + 1) - self.done
        return f"{(self.shown - self.began) / self.done * rest:.0f} s left  " if self.batches else ""

    def end(self, row: Mapping[str, float]) -> None:
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in row.items())
        self.say(f"{numbers}  {time.perf_counter() - self.began:.1f} s")

    def say(self, text: str, end: str = "\n") -> None:
        text = f"epoch {self.epoch}/{self.epochs}  {text}"
        if self.bar:  # drawn over what stands in the line; a longer one would leave lines behind
            width = shutil.get_terminal_size().columns - 3  # with room for ^C
            text = f"\r{text if end else text[:width]:{width}}"
        if self.verbose:
            print(text, end=end, flush=True)


# %% [markdown]
"""
### The trainer

`train_epoch` is the loop. Each of its lines has a way to be wrong that nobody notices:

    clear the gradients             forgotten, each step repeats all earlier ones
    for each batch of a group
        outputs, loss, backward     of a model in evaluation mode; of a loss without the batch's share of the group
    step                            inside the inner loop, it is no accumulation

`fit` goes through the epochs. **In each, in this order:** train, validate, step the schedule (it counts epochs, not
batches), write the history, see whether it is the best, save, and see whether it is time to stop.
"""

# %% nbgrader={"grade": false, "grade_id": "training-trainer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Averages:
    """Means over samples of several numbers, which come batch by batch."""

    def __init__(self) -> None:
        self.count, self.sums = 0, {}

    def add(self, means: Mapping[str, float], count: int) -> None:
        """The means of a batch of so many samples: each stands for so many numbers."""
        ### BEGIN SOLUTION
        self.count += count
        self.sums = {name: self.sums.get(name, 0.0) + mean * count for name, mean in means.items()}
        ### END SOLUTION

    def means(self, prefix: str = "") -> dict[str, float]:
        """The means over all samples; ValueError if there was none."""
        if self.count == 0:
            raise ValueError(EMPTY)
        return {f"{prefix}{name}": total / self.count for name, total in self.sums.items()}


class Trainer:
    """Trains a model: `Trainer(model, SGD(model.parameters()), CrossEntropyLoss()).fit(loader)`.

    loss_function: (outputs, targets) -> a scalar Tensor, the mean over the batch
    metrics: more to be measured; each (outputs, targets) -> a number, the mean over the batch. A class is
        known by its name in lower case: `Accuracy()` gives "train_accuracy" and "val_accuracy"

    A batch of a loader is (inputs, targets), or several inputs and then the targets.
    """

    def __init__(self, model: Module, optimizer: Any, loss_function: Callable,
                 metrics: Sequence[Callable] | None = None) -> None:
        self.model, self.optimizer, self.loss_function = model, optimizer, loss_function
        self.metrics = {getattr(m, "__name__", type(m).__name__.lower()): m for m in metrics or ()}
        if len({"loss", *self.metrics}) <= len(metrics or ()):
            raise ValueError(f"each metric needs a name of its own, not 'loss'; these have only {[*self.metrics]}")

    def measure(self, batch: Sequence, averages: Averages) -> Tensor:
        """The loss of a batch, which is added to the averages with the metrics; FloatingPointError if it is nan."""
        *inputs, targets = batch
        outputs = self.model(*inputs)
        loss = self.loss_function(outputs, targets)
        if not math.isfinite(value := loss.item()):
            raise FloatingPointError(f"the loss is {value}: try a learning rate below {self.optimizer.lr:g}")
        with no_grad():
            means = {name: float(metric(outputs, targets)) for name, metric in self.metrics.items()}
        averages.add({"loss": value} | means, len(targets))
        return loss

    def train_epoch(self, loader: Iterable, accumulate: int = 1, progress: Progress | None = None) -> dict[str, float]:
        """One step for each group of batches. Returns the means over all samples, {"train_loss": ...}.

        TODO: in training mode, for each group of batches: clear the gradients; `measure` each batch, walk
            back, and call `progress.batch(averages, lr)` if there is one; then make one step.
        HINT: `list(islice(batches, accumulate))` takes the next few of `batches = iter(loader)`, or none.
        """
        ### BEGIN SOLUTION
        self.model.train()
        averages, batches = Averages(), iter(loader)
        while group := list(islice(batches, accumulate)):
            self.optimizer.zero_grad()
            samples = sum(len(batch[-1]) for batch in group)
            for batch in group:
                loss = self.measure(batch, averages)
                (loss * (len(batch[-1]) / samples)).backward()
                if progress is not None:
                    progress.batch(averages, self.optimizer.lr)
            self.optimizer.step()
        return averages.means("train_")
        ### END SOLUTION

    def validate(self, loader: Iterable) -> dict[str, float]:
        """The means over all samples of a loader, {"val_loss": ...}. Changes nothing."""
        ### BEGIN SOLUTION
        averages = Averages()
        with evaluating(self.model):
            for batch in loader:
                self.measure(batch, averages)
        return averages.means("val_")
        ### END SOLUTION

    def fit(self, train_loader: Iterable, val_loader: Iterable | None = None, epochs: int = 10, save_best: bool = False,
            checkpoint_path: str | Path | None = None, early_stopping_patience: int | None = None, accumulate: int = 1,
            scheduler: Any = None, verbose: bool = True, resume_from: str | Path | None = None) -> dict[str, list[float]]:
        """Train until `epochs` are done. Returns the history: a list for each number, one value an epoch.

        "train_loss", "val_loss", each metric for both, and "lr", the learning rate of the epoch. *Better* is
        a lower loss: of the validation, or where there is none, of the training.
        checkpoint_path: written after each epoch; with save_best, after each that is the best so far
        early_stopping_patience: stop after so many epochs in a row that were not better than the best
        accumulate: how many batches make one step    verbose: a line for each epoch, in a terminal a bar
        scheduler: its step() is called once an epoch    resume_from: a checkpoint of `fit`, to go on after it

        Ctrl-C ends it: what the checkpoint holds stays, and the history of all whole epochs is returned.

        TODO: follow the order above, `progress.begin` first, `progress.end` last. Make a new `run` of each epoch,
            which counts when it is saved. `except KeyboardInterrupt` is Ctrl-C.
        """
        if save_best and checkpoint_path is None:
            raise ValueError("save_best=True needs a checkpoint_path: where is the best to be kept?")
        for name, number in (("early_stopping_patience", early_stopping_patience), ("accumulate", accumulate)):
            if number is not None and number < 1:
                raise ValueError(f"{name} counts from 1; got {number!r}")
        loaders, progress = (train_loader, val_loader), Progress(epochs, verbose)
        run = {"epoch": 0, "history": {}, "best": math.inf, "waited": 0}
        if resume_from is not None:
            run |= self.resume(resume_from, scheduler, loaders)
        ### BEGIN SOLUTION
        patience = math.inf if early_stopping_patience is None else early_stopping_patience
        try:
            while run["epoch"] < epochs and run["waited"] < patience:
                progress.begin(run["epoch"] + 1, train_loader)
                row = self.train_epoch(train_loader, accumulate, progress)
                row |= {} if val_loader is None else self.validate(val_loader)
                row["lr"] = self.optimizer.lr
                if scheduler is not None:
                    scheduler.step()
                history = {name: [*run["history"].get(name, ()), value] for name, value in row.items()}
                loss = row.get("val_loss", row["train_loss"])
                best, waited = (loss, 0) if loss < run["best"] else (run["best"], run["waited"] + 1)
                done = {"epoch": run["epoch"] + 1, "history": history, "best": best, "waited": waited}
                if checkpoint_path is not None and not (save_best and waited):
                    self.save(checkpoint_path, scheduler, loaders, done)
                run = done  # not before: an epoch of which Ctrl-C prevented the checkpoint is not whole
                progress.end(row)
        except KeyboardInterrupt:
            progress.say(f"stopped by Ctrl-C, {run['epoch']} whole epochs are done")
        return run["history"]
        ### END SOLUTION

    def save(self, path: str | Path, scheduler: Any, loaders: Sequence, run: dict) -> None:
        """A checkpoint after an epoch, with all that `resume` needs."""
        places = [[x.seed, x.epoch] if isinstance(x, DataLoader) else None for x in loaders]
        save_checkpoint(path, self.model, self.optimizer, scheduler, **run, loaders=places)

    def resume(self, path: str | Path, scheduler: Any, loaders: Sequence) -> dict[str, Any]:
        """Load a checkpoint that `save` wrote, and set the loaders to where they were."""
        if scheduler is None and "scheduler" in read_checkpoint(path):
            raise ValueError(f"{path} was saved with a scheduler: give one to fit, it will go on where it was")
        saved = load_checkpoint(path, self.model, self.optimizer, scheduler)
        for loader, place in zip(loaders, saved.get("loaders", ()), strict=False):
            if isinstance(loader, DataLoader) and place is not None:
                loader.seed, loader.epoch = place
        return {name: saved[name] for name in ("epoch", "history", "best", "waited") if name in saved}


# %% [markdown]
"""
### 🧪 Unit test: the trainer

Works a step by hand, for batches and groups of all sizes; scripts the losses of a validation, to see which epoch is
kept and when it ends. And a run that was broken off must end where the whole run ends.
"""

# %% nbgrader={"grade": true, "grade_id": "test-training-trainer", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def sgd_trainer(model: Module, loss_function: Callable = cross_entropy, lr: float = 0.1) -> Trainer:
    return Trainer(model, SGD(model.parameters(), lr=lr), loss_function, [Accuracy()])


def test_unit_steps():
    x, t = np.array([[1.0], [2.0], [3.0]], np.float32), np.array([[1.0], [0.0], [2.0]], np.float32)
    for size, accumulate in ((3, 1), (1, 3), (2, 2), (1, 5)):
        model = Linear(1, 1, bias=False)
        model.weight.data, model.weight.grad = np.array([[2.0]], np.float32), Tensor([[100.0]])
        found = sgd_trainer(model, mse_loss).train_epoch(DataLoader(TensorDataset(x, t), size), accumulate)
        # The differences are 1, 4, 4: a loss of 11, and a slope of 2 (1 + 8 + 12) / 3 = 14.
        assert np.isclose(model.weight.item(), 2 - 0.1 * 14) and np.isclose(found["train_loss"], 11)


def test_unit_history():
    model, seen, loaders = Net(), [], (DataLoader(clouds(50), 16), DataLoader(clouds(20), 16))
    trainer = sgd_trainer(model, lambda y, t: seen.append(engine.grad_enabled) or cross_entropy(y, t))
    history = trainer.fit(*loaders, 3, scheduler=StepLR(trainer.optimizer, 2, gamma=0.5), verbose=False)
    assert sorted(history) == ["lr", "train_accuracy", "train_loss", "val_accuracy", "val_loss"]
    assert {len(values) for values in history.values()} == {3} and history["lr"] == [0.1, 0.1, 0.05]
    assert seen == 3 * [*[True] * 4, *[False] * 2] and model.training
    assert np.isclose(history["val_loss"][-1], evaluate_model(model, loaders[1])["loss"])
    with np.errstate(all="ignore"):
        refused(FloatingPointError, lambda: sgd_trainer(model, lr=1e30).fit(loaders[0], verbose=False), "1e+30")
    refused(ValueError, lambda: trainer.fit(loaders[0], save_best=True), "checkpoint_path")


def scripted(losses: list, folder: str, **options: Any) -> tuple[list[float], float]:
    """What a validation gave that gives these losses, or Ctrl-C for None; and the epoch that the file keeps."""
    model, coming, path = Linear(1, 1, bias=False), iter(losses), Path(folder) / "best.npz"
    model.weight.data = np.zeros((1, 1), np.float32)

    def loss_function(outputs: Tensor, targets: Tensor) -> Tensor:
        if not engine.grad_enabled and (value := next(coming)) is None:
            raise KeyboardInterrupt
        return outputs.mean() * -1 if engine.grad_enabled else Tensor(float(value))

    batches = [(Tensor([[1.0]]), Tensor([[1.0]]))]
    trainer = Trainer(model, SGD(model.parameters(), lr=1.0), loss_function)
    history = trainer.fit(batches, batches, len(losses), checkpoint_path=path, verbose=False, **options)
    load_checkpoint(path, model)
    return history["val_loss"], model.weight.item()


def test_unit_the_best_epoch():
    with TemporaryDirectory() as folder:
        assert scripted([3, 1, 2], folder, save_best=True) == ([3, 1, 2], 2)
        assert scripted([3, 1, 2], folder) == ([3, 1, 2], 3)
        assert scripted([3, 1, 1, 1, 0], folder, save_best=True, early_stopping_patience=2) == ([3, 1, 1, 1], 2)
        assert scripted([3, 4, 2, 3, 1], folder, early_stopping_patience=2) == ([3, 4, 2, 3, 1], 5)
        assert scripted([3, 1, 2, None, 0], folder, save_best=True) == ([3, 1, 2], 2)


def test_unit_a_run_that_was_broken_off():
    def run(epochs: int, seed: int, **options: Any) -> tuple:
        manual_seed(seed)
        model, optimizer, options["scheduler"] = in_training()
        loaders = DataLoader(clouds(50), 16, shuffle=True), DataLoader(clouds(20), 16)
        trainer = Trainer(model, optimizer, CrossEntropyLoss(label_smoothing=0.1), [Accuracy()])
        history = trainer.fit(*loaders, epochs, accumulate=2, verbose=False, **options)
        return history, bits_of(model), randn(3).numpy().tolist()

    with TemporaryDirectory() as folder:
        path, whole = Path(folder) / "run.npz", run(5, seed=3)
        run(2, seed=3, checkpoint_path=path)
        assert run(5, seed=99, resume_from=path, checkpoint_path=path) == run(5, seed=7, resume_from=path) == whole
        refused(ValueError, lambda: sgd_trainer(Net()).fit([], resume_from=path), str(path), "scheduler")


# %% [markdown]
"""
### What happened
"""

# %% nbgrader={"grade": false, "grade_id": "training-plot", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def text_plot(title: str, curves: Mapping[str, Sequence[float]], width: int = 60, height: int = 10) -> str:
    """Curves over the epochs, drawn with the first letters of their names.

    TODO: put the letter of each point into `grid`: epoch 0 into the first column and the last epoch into the
        last column, the largest value into the first row and the lowest into the last row.
    """
    points = [(n[0], e, value) for n, curve in curves.items() for e, value in enumerate(curve) if math.isfinite(value)]
    values, epochs = [value for *_, value in points] or [0.0], max(map(len, curves.values()))
    low, high, grid = min(values), max(values), [[" "] * width for _ in range(height)]
    ### BEGIN SOLUTION
    for letter, epoch, value in points:
        column = round(epoch * (width - 1) / max(epochs - 1, 1))
        row = round((high - value) / ((high - low) or 1) * (height - 1))
        grid[row][column] = letter
    ### END SOLUTION
    labels = [f"{high:10.4g}", *[""] * (height - 2), f"{low:10.4g}"]
    lines = [f"{label:10} |{''.join(row)}".rstrip() for label, row in zip(labels, grid, strict=True)]
    return "\n".join([f"{title}: {', '.join(curves)}", *lines, f"    epochs 1 to {epochs}"])


def plot_training_history(history: Mapping[str, Sequence[float]], path: str | Path | None = None) -> str:
    """Draw what `fit` returned, a panel for the loss and for each metric. Returns it as text. ValueError for nothing.

    With matplotlib it is an image, saved as `path` or shown on the screen. Without one of the two it is the text,
    written to a file with the name of `path` but ".txt" at its end, or printed.
    """
    if not any(map(len, history.values())):
        raise ValueError(f"there is nothing to plot: the history {dict(history)} has no epochs")
    panels: dict[str, dict[str, Sequence[float]]] = {}
    for name, curve in history.items():
        panels.setdefault(name.removeprefix("train_").removeprefix("val_"), {})[name] = curve
    text = "\n\n".join(text_plot(title, curves) for title, curves in panels.items())
    try:
        from matplotlib import pyplot
    except ImportError:
        pyplot = None
    if pyplot is None or (path is None and pyplot.get_backend().lower() == "agg"):  # which it takes without a screen
        print(text) if path is None else Path(path).with_suffix(".txt").write_text(f"{text}\n", "utf-8")
        return text
    figure, axes = pyplot.subplots(1, len(panels), squeeze=False, figsize=(5 * len(panels), 4), layout="constrained")
    for axis, (title, curves) in zip(axes[0], panels.items(), strict=True):
        for name, curve in curves.items():
            axis.plot(range(1, len(curve) + 1), curve, ".-", label=name)
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    pyplot.show() if path is None else figure.savefig(path)
    pyplot.close(figure)
    return text


# %% [markdown]
"""
### 🧪 Unit test: what happened

Looks for each point of two curves in the text, and takes matplotlib away, to see that the text takes its place.
"""

# %% nbgrader={"grade": true, "grade_id": "test-training-plot", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_plot():
    from unittest import mock

    history = {"train_loss": [4.0, 3, 1], "val_loss": [2.0, 2, 2], "lr": [0.1] * 3, "train_accuracy": [0, 1, 1]}
    plot = text_plot("loss", dict([*history.items()][:2]), width=5, height=4).splitlines()
    assert [line.partition("|")[2] for line in plot[1:5]] == ["t", "  t", "v v v", "    t"]
    with TemporaryDirectory() as folder, mock.patch.dict(sys.modules, matplotlib=None):
        text = plot_training_history(history, Path(folder) / "run.txt")
        assert (Path(folder) / "run.txt").read_text("utf-8") == f"{text}\n"
    assert [panel.partition(":")[0] for panel in text.split("\n\n")] == ["loss", "lr", "accuracy"]


# %% [markdown]
"""
## Systems Analysis

**Memory**: what does accumulation save? **Complexity**: where does the time of a step go? **Cache and hardware**: how
large should a batch be? **At scale**: what does a checkpoint cost? Measured with the code above, on this machine.
"""

# %% nbgrader={"grade": false, "grade_id": "training-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.measuring import best_seconds, peak_bytes, times_as_long


def adam_trainer(hidden: int = 256) -> Trainer:
    return Trainer(model := Net(784, hidden, 10), Adam(model.parameters()), cross_entropy)


def images(rows: int, size: int) -> list:
    return [(randn(size, 784), np.arange(size) % 10) for _ in range(0, rows, size)]


def analyze_memory() -> None:
    trainer = adam_trainer(1024)
    trainer.train_epoch(images(32, 32))
    for size in (1024, 256, 64, 16):
        batches = images(1024, size)
        epoch = lambda b=batches: trainer.train_epoch(b, len(b))  # noqa: E731
        print(f"  1,024 rows in {len(batches):2} batches: {peak_bytes(epoch) / 2**20:4.1f} MiB more, {1e3 * best_seconds(epoch):.0f} ms")


def analyze_complexity() -> None:
    trainer, [(x, t)], before = adam_trainer(), images(128, 128), 0.0
    for name, part in {
        "forward": lambda: trainer.model(x),
        "loss": lambda: cross_entropy(trainer.model(x), t),
        "backward": lambda: cross_entropy(trainer.model(x), t).backward(),
        "step of Adam": lambda: trainer.train_epoch([(x, t)]),
    }.items():
        seconds = best_seconds(part, 30)
        print(f"  {name:12} {(seconds - before) * 1e6:7.0f} us for a batch of 128")
        before = seconds
    x, t = Tensor(randn(1024, 64), requires_grad=True), np.arange(1024) % 64
    fused, rows = lambda: cross_entropy(x, t).backward(), np.arange(1024)
    longer = times_as_long(lambda: (-log_softmax(x)[rows, t].mean()).backward(), fused)
    print(f"  (1024, 64): made of two primitives, cross_entropy takes {longer:.2f} times as long")


def analyze_cache() -> None:
    for size in (2, 8, 32, 128, 512, 2048):
        trainer, batches = adam_trainer(), images(max(size, 128), size)
        seconds = best_seconds(lambda tr=trainer, b=batches: tr.train_epoch(b), 3) / len(batches)
        print(f"  batches of {size:4}: {size / seconds:9,.0f} samples/s, {1 / seconds:7,.0f} steps/s")


def analyze_scale() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        for hidden in (256, 1024, 4096):
            trainer = adam_trainer(hidden)
            trainer.train_epoch(images(32, 32))
            save = best_seconds(lambda tr=trainer: save_checkpoint(path, tr.model, tr.optimizer), 3)
            count, size = sum(p.size for p in trainer.model.parameters()), path.stat().st_size
            print(f"  {count:9,} parameters, {size / count:.1f} bytes each: {save * 1e3:6.1f} ms to save")
    print(f"  at {size / save / 1e6:,.0f} MB/s, 7 billion parameters take {7e9 * save / count / 60:.1f} minutes")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: the gradients of the losses

Compares with central differences in float64, for all inputs that have a gradient; then float32 must come back as such.
"""

# %% nbgrader={"grade": true, "grade_id": "test-training-gradients", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_gradients_of_losses():
    rng = np.random.default_rng(0)
    logits, p, t = 3 * rng.normal(size=(4, 3)), rng.uniform(0.1, 0.9, (4, 3)), rng.uniform(0.1, 0.9, (4, 3))
    cases = [(mse_loss, p, t, {}), (binary_cross_entropy, p, t, {}), (binary_cross_entropy_with_logits, logits, t, {})]
    cases += [(cross_entropy, logits, np.array([0, 2, 1, 2]), {"label_smoothing": s}) for s in (0, 0.1, 1)]
    for loss, *arrays, options in cases:
        forward, rule = engine.implementations[loss.__name__], engine.gradients[loss.__name__]
        slopes = rule(np.float64(3), *forward(*arrays, **options), *arrays, **options)
        for slope, array in zip(slopes, arrays, strict=True):
            if slope is not None:
                expected = numerical_gradient(lambda f=forward, a=arrays, o=options: 3 * f(*a, **o)[0], array)
                assert np.allclose(slope() if callable(slope) else slope, expected, atol=1e-6), loss.__name__


def test_unit_float32_everywhere():
    for loss_function, targets in (
        (MSELoss(), np.zeros((4, 3))), (CrossEntropyLoss(np.float64(0.1)), np.zeros(4, np.uint8)),
        (BCEWithLogitsLoss(), np.ones((4, 3))), (BCELoss(), np.ones((4, 3), np.int64)),
    ):  # fmt: skip
        x = Tensor(np.full((3, 4), 0.5, np.float32).T, requires_grad=True)
        (loss := loss_function(x, targets)).backward()
        assert loss.dtype == x.grad.dtype == np.float32 and loss.shape == () and x.grad.shape == (4, 3)


# %% [markdown]
"""
## Integration

### 🧪 Integration test: batches of many kinds

Two inputs in a batch, a list for a loader, batches of one, a worker thread: all go through the same loop.
"""

# %% nbgrader={"grade": true, "grade_id": "test-training-batches", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
class Sum(Net):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return super().forward(x + y)


def test_integration_batches_of_many_kinds():
    x, labels = clouds(24).tensors
    pairs = TensorDataset(x, 0 * x, labels)
    for loader in ([(x, 0 * x, labels)], DataLoader(pairs, 2), DataLoader(pairs, 9, shuffle=True, prefetch=2)):
        history = sgd_trainer(Sum()).fit(loader, DataLoader(pairs, 1), epochs=10, verbose=False)
        assert history["val_loss"][-1] < 0.8 * history["val_loss"][0]


# %% [markdown]
"""
## Production Context

- **PyTorch** leaves the loop to you; **Lightning**, **Keras** and Hugging Face's `Trainer` are what you wrote, grown.
- **`torch.save`** pickles. `safetensors`, in which large models are shared, is JSON and plain numbers, like yours.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: a whole training

A ring and what is inside and around it: a network learns to tell them, and its best epoch is loaded into another one.
"""

# %% nbgrader={"grade": true, "grade_id": "test-training-ring", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def ring(count: int, seed: int) -> TensorDataset:
    points = np.random.default_rng(seed).standard_normal((count, 2), np.float32)
    return TensorDataset(points, (abs((points**2).sum(axis=1) - 1.5) < 1).astype(int))


def test_comprehensive_ring():
    manual_seed(1)
    model, other = Net(2, 64, 2), Net(2, 64, 2)
    trainer = Trainer(model, Adam(model.parameters(), lr=0.02), CrossEntropyLoss(), [Accuracy()])
    loaders = DataLoader(ring(400, 0), 32, shuffle=True), DataLoader(ring(200, 1), 64)
    with TemporaryDirectory() as folder:
        options = {"checkpoint_path": Path(folder) / "best.npz", "early_stopping_patience": 15, "verbose": False}
        history = trainer.fit(*loaders, 60, save_best=True, scheduler=StepLR(trainer.optimizer, 20, 0.5), **options)
        kept = load_checkpoint(options["checkpoint_path"], other)
    best, found = int(np.argmin(history["val_loss"])), evaluate_model(other, loaders[1])
    assert kept["epoch"] == best + 1 and np.isclose(found["loss"], history["val_loss"][best])
    assert found["accuracy"] > 0.9 and compute_confusion_matrix(other, loaders[1], 2).trace() > 180


# %% nbgrader={"grade": false, "grade_id": "training-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
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

# %% [markdown] nbgrader={"grade": true, "grade_id": "training-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** You measured the peak of a step of 1,024 rows in 1, 4, 16 and 64 batches. What does
not shrink, why, and what does the time do meanwhile?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "training-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** A colleague wants to save after every thousand batches, in the middle of an epoch. What else
would a checkpoint have to know, for a run to go on bit for bit?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "training-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** Your checkpoint is a zip archive with checksums. What does that protect against, and what
could somebody still do who gives you a file of theirs to serve?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "training-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** Your measurement says what a checkpoint of 7 billion parameters costs. If a machine fails once in 5 hours,
how often would you save, and what would you change first to save more often?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Training

You built the loop: losses that are exact, a trainer that validates without learning, and checkpoints that are whole.

**Next:** `pytest --checkpoint 10`, then module 12, where networks become sturdier and smaller.
"""
