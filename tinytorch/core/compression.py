# Generated from src_modules/12_compression.py. Do not edit: write in src_modules/12_compression.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=43b750ae7ded514b code=6db968efa68e5884 content=39ff65c631883924
# %% src_modules/12_compression.py:352
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


# %% src_modules/12_compression.py:513
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


# %% src_modules/12_compression.py:602
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


# %% src_modules/12_compression.py:738
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


# %% src_modules/12_compression.py:910
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
