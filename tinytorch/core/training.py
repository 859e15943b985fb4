# Generated from src_modules/11_training.py. Do not edit: write in src_modules/11_training.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=cd07556beb76fe79 code=74b7e87bef109cd2 content=476c9b375d4f3e29
# %% src_modules/11_training.py:49
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


# %% src_modules/11_training.py:93
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


# %% src_modules/11_training.py:120
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


# %% src_modules/11_training.py:171
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


# %% src_modules/11_training.py:223
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


# %% src_modules/11_training.py:367
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


# %% src_modules/11_training.py:475
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


# %% src_modules/11_training.py:533
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


# %% src_modules/11_training.py:682
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


# %% src_modules/11_training.py:737
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


# %% src_modules/11_training.py:968
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
