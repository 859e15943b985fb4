# Generated from src_modules/12_compression.py. Do not edit: write in src_modules/12_compression.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=43b750ae7ded514b code=8ac6166c154ea325 content=7f1a146a9ecae280
# %% src_modules/12_compression.py:72
import math
from typing import Any

import numpy as np

from tinytorch.core.layers import Module, Parameter
from tinytorch.core.tensor import Tensor, engine


# %% src_modules/12_compression.py:83
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


# %% src_modules/12_compression.py:175
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
