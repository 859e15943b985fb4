# Generated from src_modules/03_activations.py. Do not edit: write in src_modules/03_activations.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=c19cb160c176b359 code=52e272d9debf4df5 content=510a4833f5abd126
# %% src_modules/03_activations.py:71
import math
from collections.abc import Callable

import numpy as np

from tinytorch.core.tensor import Tensor, engine, masked, primitive


def floating(a):
    """Integers, booleans and Python numbers as float32; a floating array as it is, not copied."""
    if isinstance(a, np.ndarray) and a.dtype.kind == "f":
        return a
    return np.asarray(a, dtype=np.float32)


# %% src_modules/03_activations.py:88
@primitive
def relu(a):
    """max(x, 0), element by element. Any shape, and the same for the result.

    TODO: make a new array; the input belongs to somebody else.
    HINT: `np.maximum(a, 0)` keeps float32, and takes one number after the other. `np.clip` with two
        bounds takes several at once, and infinity is a bound too: the analysis below measures both.
    """
    ### BEGIN SOLUTION
    a = floating(a)
    return np.clip(a, 0, np.inf)
    ### END SOLUTION


@relu.gradient
def relu_gradient(grad, output, saved, a):
    """The slope is 0 where x <= 0, else 1 (also at NaN, as in PyTorch).

    HINT: `masked(grad, mask)` of module 02 is grad where the mask is True, and 0 elsewhere. A product
        with the mask is not: infinity times 0 is NaN.
    """
    ### BEGIN SOLUTION
    return (masked(grad, ~(a <= 0)),)
    ### END SOLUTION


@primitive
def leaky_relu(a, negative_slope=0.01):
    """x where x > 0, else `negative_slope * x`: some slope is left, so that a unit can recover.

    TODO: choose between two arrays, element by element.
    HINT: `np.where(condition, a, b)`. `np.maximum(a, slope * a)` is wrong for slopes above 1.
    """
    ### BEGIN SOLUTION
    a = floating(a)
    return np.where(a > 0, a, negative_slope * a)
    ### END SOLUTION


@leaky_relu.gradient
def leaky_relu_gradient(grad, output, saved, a, negative_slope=0.01):
    """The slope is 1 where x > 0, else `negative_slope`."""
    ### BEGIN SOLUTION
    return (np.where(a > 0, grad, negative_slope * grad),)
    ### END SOLUTION


# %% src_modules/03_activations.py:137
@primitive
def sigmoid(a):
    """1 / (1 + exp(-x)), element by element, exact to the ends: 0 at -10,000, 1 at 10,000.

    TODO: never take the exponential of a positive number.
    HINT: with z = exp(-|x|), which is at most 1, it is 1 / (1 + z) for x >= 0 and z / (1 + z)
        for x < 0. `np.where` chooses between two arrays.
    """
    ### BEGIN SOLUTION
    a = floating(a)
    z = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, z) / (1 + z)
    ### END SOLUTION


@sigmoid.gradient
def sigmoid_gradient(grad, output, saved, a):
    """The slope is y (1 - y), computed from the output alone."""
    ### BEGIN SOLUTION
    return (grad * output * (1 - output),)
    ### END SOLUTION


@primitive
def tanh(a):
    """The hyperbolic tangent, element by element: from -1 to 1, steep at 0.

    HINT: NumPy has it. The formula above divides infinity by infinity at 10,000.
    """
    ### BEGIN SOLUTION
    a = floating(a)
    return np.tanh(a)
    ### END SOLUTION


@tanh.gradient
def tanh_gradient(grad, output, saved, a):
    """The slope is 1 - y * y."""
    ### BEGIN SOLUTION
    return (grad * (1 - output * output),)
    ### END SOLUTION


# %% src_modules/03_activations.py:182
# Abramowitz and Stegun 7.1.26, a5 to a1.
_ERF = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)


def erf(a: np.ndarray) -> np.ndarray:
    """The error function of each element, within 1.5e-7.

    TODO: compute it for |x|, then give it the sign of x, as erf(-x) = -erf(x).
    HINT: a5 t + a4, times t plus a3, ... needs no powers: Horner's rule, in a loop over _ERF.
    """
    ### BEGIN SOLUTION
    x = np.abs(a)
    t = 1 / (1 + 0.3275911 * x)
    polynomial = 0.0
    for coefficient in _ERF:
        polynomial = (polynomial + coefficient) * t
    return np.sign(a) * (1 - polynomial * np.exp(-x * x))
    ### END SOLUTION


@primitive
@np.errstate(invalid="ignore")  # infinity gives NaN where it must, in silence
def gelu(a):
    """x P(Z <= x) for a standard normal Z: the exact form (Hendrycks and Gimpel, 2016).

    Not the approximation by tanh, which differs from it by up to 5e-4.

    TODO: return the output and, for the gradient, the probabilities: `(output, saved)`.
    """
    ### BEGIN SOLUTION
    a = floating(a)
    probability = 0.5 * (1 + erf(a / math.sqrt(2)))
    return a * probability, probability
    ### END SOLUTION


@gelu.gradient
@np.errstate(invalid="ignore")
def gelu_gradient(grad, output, saved, a):
    """The slope is P(Z <= x) + x p(x), with the normal density p(x) = exp(-x x / 2) / sqrt(2 pi)."""
    ### BEGIN SOLUTION
    density = np.exp(-0.5 * a * a) / math.sqrt(2 * math.pi)
    return (grad * (saved + a * density),)
    ### END SOLUTION


# %% src_modules/03_activations.py:276
@primitive
@np.errstate(invalid="ignore")  # infinity gives NaN where it must, in silence
def softmax(a, dim=-1):
    """exp(x) / sum of exp(x) along `dim`: positive, summing to 1. Same shape; any but a scalar's.

    TODO: subtract the largest element along `dim`, take the exponential, divide by its sum.
    HINT: np.max refuses to look for the largest of nothing: an empty batch is its own result.
    """
    ### BEGIN SOLUTION
    a = floating(a)
    if a.size == 0:
        return a.copy()
    exponentials = np.exp(a - np.max(a, axis=dim, keepdims=True))
    return exponentials / np.sum(exponentials, axis=dim, keepdims=True)
    ### END SOLUTION


@softmax.gradient
def softmax_gradient(grad, output, saved, a, dim=-1):
    """y (g - sum of g y along `dim`)."""
    ### BEGIN SOLUTION
    return (output * (grad - np.sum(grad * output, axis=dim, keepdims=True)),)
    ### END SOLUTION


@primitive
@np.errstate(invalid="ignore")  # infinity gives NaN where it must, in silence
def log_softmax(a, dim=-1):
    """The logarithm of softmax along `dim`, exact where softmax itself would be 0. Same shape.

    TODO: subtract the largest element m, then the logarithm of the sum of exp(x - m).
    HINT: do not take the logarithm of a softmax.
    """
    ### BEGIN SOLUTION
    a = floating(a)
    if a.size == 0:
        return a.copy()
    shifted = a - np.max(a, axis=dim, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=dim, keepdims=True))
    ### END SOLUTION


@log_softmax.gradient
def log_softmax_gradient(grad, output, saved, a, dim=-1):
    """g - exp(y) (sum of g along `dim`)."""
    ### BEGIN SOLUTION
    return (grad - np.exp(output) * np.sum(grad, axis=dim, keepdims=True),)
    ### END SOLUTION


# %% src_modules/03_activations.py:357
class ReLU:
    """`ReLU()(x)` is `relu(x)`."""

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return relu(x)
        ### END SOLUTION


class LeakyReLU:
    """`LeakyReLU(0.1)(x)` is `leaky_relu(x, negative_slope=0.1)`."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return leaky_relu(x, negative_slope=self.negative_slope)
        ### END SOLUTION


class Sigmoid:
    """`Sigmoid()(x)` is `sigmoid(x)`."""

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return sigmoid(x)
        ### END SOLUTION


class Tanh:
    """`Tanh()(x)` is `tanh(x)`."""

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return tanh(x)
        ### END SOLUTION


class Softmax:
    """`Softmax(dim=0)(x)` is `softmax(x, dim=0)`."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return softmax(x, dim=self.dim)
        ### END SOLUTION


class GELU:
    """`GELU()(x)` is `gelu(x)`."""

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return gelu(x)
        ### END SOLUTION
