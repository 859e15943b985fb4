# %% [markdown]
"""
# Module 03: Activations

## Introduction

Two linear layers in a row are one linear layer: $(xA)B = x(AB)$. However many you stack, a straight
line stays straight. What makes a network more than a matrix is the bend between the layers: a
simple function of each number, called an activation.

You will build

1. five functions that bend each element: `relu`, `leaky_relu`, `sigmoid`, `tanh`, `gelu`;
2. two that turn a row of scores into probabilities: `softmax` and `log_softmax`;
3. the slope of each, which learning will need;
4. the same as objects, `ReLU()` and its like, which a network can hold.

**What is hard about them** is not the formulas but the numbers: `exp(89)` is already too large for a
float32. Every function here must give the right answer at 10,000 as well as at 1.
"""

# %% [markdown]
r"""
## Mathematical Background

    relu(x)        max(x, 0)
    leaky_relu(x)  x where x > 0, else 0.01 x
    sigmoid(x)     1 / (1 + exp(-x))
    tanh(x)        (exp(x) - exp(-x)) / (exp(x) + exp(-x))
    gelu(x)        x P(Z <= x) for a standard normal Z  =  x (1 + erf(x / sqrt 2)) / 2

**Softmax** makes a row of scores positive and lets it sum to 1: $s_i = e^{x_i} / \sum_j e^{x_j}$.
Adding a number to all scores changes nothing, because it cancels: $e^{x_i + c} = e^c e^{x_i}$. So we
are free to subtract the largest score first. Then the largest exponent is 0, nothing overflows,
and the sum is at least 1. For the same reason
$\log s_i = x_i - m - \log \sum_j e^{x_j - m}$ with $m = \max_j x_j$ is exact where the
logarithm of a softmax that underflowed would be minus infinity.

**Slopes.** Learning needs, for each primitive, how the loss changes with its input when we know how
it changes with its output. If $y = f(x)$ element by element, the answer is $g \cdot f'(x)$:

    relu            g, but 0 where x <= 0
    sigmoid         g y (1 - y)
    tanh            g (1 - y y)
    gelu            g (P(Z <= x) + x p(x)),  p the normal density
    softmax         y (g - sum of g y)      over the row, as every output depends on every input
    log_softmax     g - exp(y) (sum of g)

**Error function.** NumPy has none. Abramowitz and Stegun, *Handbook of Mathematical Functions*,
formula 7.1.26, comes within $1.5 \cdot 10^{-7}$, which is as fine as float32: for $x \ge 0$
and $t = 1 / (1 + 0.3275911 x)$, $\mathrm{erf}(x) = 1 - (a_1 t + \dots + a_5 t^5) e^{-x^2}$.
"""

# %% [markdown]
"""
## Implementation

### Functions of one element

A primitive is declared with its gradient beside it. The gradient gets
`(grad, output, saved, *arrays, **options)`, all of them plain arrays, and returns one array for each
input. Nothing calls it yet but your own tests; module 09 will.

`floating` is given. Begin each primitive with `a = floating(a)`: probabilities of integers are not
integers, and a `uint8` wraps around at 0, so that even `-x` goes wrong.
"""

# %% nbgrader={"grade": false, "grade_id": "activations-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.activations
#| export
import math
from collections.abc import Callable

import numpy as np

from tinytorch.core.tensor import Tensor, engine, masked, primitive


def floating(a):
    """Integers, booleans and Python numbers as float32; a floating array as it is, not copied."""
    if isinstance(a, np.ndarray) and a.dtype.kind == "f":
        return a
    return np.asarray(a, dtype=np.float32)


# %% nbgrader={"grade": false, "grade_id": "activations-relu", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% nbgrader={"grade": false, "grade_id": "activations-sigmoid", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% nbgrader={"grade": false, "grade_id": "activations-gelu", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: functions of one element

Compares with values worked by hand or by Python's own `math`, `erf` on a fine grid, then goes where
formulas break: to 10,000 and back, with NumPy's warnings turned into errors.
"""

# %% nbgrader={"grade": true, "grade_id": "test-activations-elementwise", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
def test_unit_elementwise():
    x = Tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
    for function in (relu, leaky_relu, sigmoid, tanh, gelu):
        function(x)
        what = f"{function.__name__} changed its operand: it must make a new array"
        assert x.numpy().tolist() == [-2, -0.5, 0, 0.5, 2], what
    assert relu(x).numpy().tolist() == [0, 0, 0, 0.5, 2]
    assert leaky_relu(x, negative_slope=0.5).numpy().tolist() == [-1, -0.25, 0, 0.5, 2]
    for function, reference in (
        (sigmoid, lambda v: 1 / (1 + math.exp(-v))),
        (tanh, math.tanh),
        (gelu, lambda v: v * 0.5 * (1 + math.erf(v / math.sqrt(2)))),
    ):
        expected = [reference(v) for v in x.numpy().tolist()]
        assert np.allclose(function(x).numpy(), expected, rtol=1e-5, atol=1e-6), function.__name__
    grid = np.linspace(-6, 6, 1201)
    assert np.abs(erf(grid) - [math.erf(v) for v in grid]).max() < 1.6e-7
    assert sigmoid(Tensor(0.0)).item() == 0.5 and relu(Tensor(-2.0)).shape == ()


def test_unit_extremes():
    x = Tensor([-1e4, -100.0, 100.0, 1e4])
    with np.errstate(all="raise", under="ignore"):
        assert relu(x).numpy().tolist() == [0, 0, 100, 1e4]
        assert sigmoid(x).numpy()[[0, 2, 3]].tolist() == [0, 1, 1]
        assert tanh(x).numpy().tolist() == [-1, -1, 1, 1]
        assert gelu(x).numpy().tolist() == [0, 0, 100, 1e4]


# %% [markdown]
"""
### Functions of a row

`dim` says along which dimension the probabilities sum to 1. Everything is computed with
`keepdims=True`, so that the maximum and the sum of each row broadcast back onto it.
"""

# %% nbgrader={"grade": false, "grade_id": "activations-softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: functions of a row

Checks each `dim`, because a wrong one often has the right shape, and scores of 10,000, where the
formula as it stands divides infinity by infinity.
"""

# %% nbgrader={"grade": true, "grade_id": "test-activations-softmax", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_unit_softmax():
    x = Tensor([[0.0, math.log(3.0)], [1.0, 1.0]])
    assert np.allclose(softmax(x).numpy(), [[0.25, 0.75], [0.5, 0.5]], atol=1e-6)
    assert np.allclose(softmax(x, dim=0).numpy().sum(axis=0), 1, atol=1e-6)
    assert not np.allclose(softmax(x, dim=0).numpy().sum(axis=1), 1, atol=1e-2)
    assert np.allclose(log_softmax(x).exp().numpy(), softmax(x).numpy(), atol=1e-6)
    with np.errstate(all="raise", under="ignore"):
        assert softmax(Tensor([1e4, 0.0, -1e4])).numpy().tolist() == [1, 0, 0]
        assert log_softmax(Tensor([1e4, 0.0, -1e4])).numpy().tolist() == [0, -1e4, -2e4]
    empty = Tensor(np.zeros((0, 3), np.float32))
    assert softmax(empty).shape == log_softmax(empty, dim=0).shape == (0, 3)


# %% [markdown]
"""
### Functions as objects

A network is a list of things to call. An object can be such a thing, and carry what it needs to know.
"""

# %% nbgrader={"grade": false, "grade_id": "activations-classes", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: functions as objects

Checks that each object computes what its function does, and that two objects keep their own options.
"""

# %% nbgrader={"grade": true, "grade_id": "test-activations-classes", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_classes():
    x = Tensor([[-1.0, 0.5], [2.0, -3.0]])
    pairs = [(ReLU(), relu), (Sigmoid(), sigmoid), (Tanh(), tanh), (GELU(), gelu)]
    for instance, function in pairs:
        assert instance(x).numpy().tolist() == function(x).numpy().tolist()
    weak, strong = LeakyReLU(), LeakyReLU(0.5)
    assert strong(x).numpy()[0, 0] == -0.5 and np.isclose(weak(x).numpy()[0, 0], -0.01)
    rows, columns = Softmax(), Softmax(dim=0)
    assert np.allclose(rows(x).numpy().sum(axis=1), 1)
    assert np.allclose(columns(x).numpy().sum(axis=0), 1)


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: how many arrays does a softmax hold while it works, and what does reusing one gain?
- **Computational complexity**: what does each bend cost for each element, and does that stay the
  same as arrays grow?
- **Cache and hardware**: what does softmax across the order of memory cost, and what does `gelu`
  gain when its temporaries fit into the cache?
- **At scale**: at which score does the textbook formula break, and when is the table of scores of
  all pairs of words too large?
"""

# %% nbgrader={"grade": false, "grade_id": "activations-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
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


def draws(*shape: int) -> Tensor:
    return Tensor(np.random.default_rng(0).standard_normal(shape, np.float32))


def softmax_reusing(a: np.ndarray) -> np.ndarray:
    """The same softmax in one array that is overwritten step by step."""
    work = a - np.max(a, axis=-1, keepdims=True)
    np.exp(work, out=work)
    work /= np.sum(work, axis=-1, keepdims=True)
    return work


def analyze_memory() -> None:
    x = draws(1000, 1000)
    actions = {
        "relu": lambda: relu(x),
        "sigmoid": lambda: sigmoid(x),
        "gelu": lambda: gelu(x),
        "softmax": lambda: softmax(x),
        "softmax, one array": lambda: softmax_reusing(x.data),
    }
    for name, action in actions.items():
        peak, seconds = peak_bytes(action), best_seconds(action)
        print(f"  {name:20} holds {peak / x.data.nbytes:.1f} times the bytes of its input", end="")
        print(f" and takes {seconds * 1e3:5.2f} ms")


def analyze_complexity() -> None:
    x = draws(1_000_000)
    base = best_seconds(lambda: relu(x), 20)
    for function in (relu, leaky_relu, tanh, sigmoid, softmax, gelu):
        seconds = best_seconds(lambda function=function: function(x), 20)
        print(f"  {function.__name__:11} {seconds * 1e3:6.2f} ns an element,", end=" ")
        print(f"{seconds / base:5.1f} times relu")
    sizes = (10_000, 100_000, 1_000_000)
    for function in (relu, tanh, gelu):
        times = [best_seconds(lambda f=function, n=n: f(x[:n]), 20) for n in sizes]
        slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
        print(f"  the time of {function.__name__} grows with the size to the power {slope:.2f}")


def analyze_cache() -> None:
    x = draws(2000, 2000)
    along = best_seconds(lambda: softmax(x, dim=1))
    across = best_seconds(lambda: softmax(x, dim=0))
    print(f"  softmax in the order of memory {along * 1e3:.1f} ms, across it {across * 1e3:.1f} ms")
    a = draws(100_000).data
    one_by_one = best_seconds(lambda: np.maximum(a, 0), 50)
    at_once = best_seconds(lambda: np.clip(a, 0, np.inf), 50)
    print(f"  np.maximum(a, 0) takes {one_by_one / at_once:.1f} times as long as np.clip(a, 0, np.inf)")
    x = draws(4_000_000)
    for size in (4_000_000, 400_000, 40_000, 4_000):
        pieces = [x[start : start + size] for start in range(0, x.size, size)]
        seconds = best_seconds(lambda pieces=pieces: [gelu(piece) for piece in pieces], 3)
        print(f"  gelu in pieces of {4 * size / 2**20:6.2f} MiB:", end=" ")
        print(f"{seconds / x.size * 1e9:5.2f} ns an element")


def naive_softmax(a: np.ndarray) -> np.ndarray:
    """The formula as the textbook has it."""
    exponentials = np.exp(a)
    return exponentials / np.sum(exponentials)


def analyze_scale() -> None:
    low, high = 1.0, 1e4
    while high - low > 0.01:
        middle = (low + high) / 2
        with np.errstate(all="ignore"):
            fits = np.isfinite(naive_softmax(np.array([middle, 0], np.float32))).all()
        low, high = (middle, high) if fits else (low, middle)
    print(f"  the largest score that a naive softmax survives in float32: {low:.2f}")
    for words in (256, 512, 1024):
        scores = draws(words, words)
        peak = peak_bytes(lambda scores=scores: softmax(scores))
        print(f"  attention of {words:5,} words to each other: {peak / 2**20:6.1f} MiB for a softmax")
    limit = int((16 * 2**30 / (peak / words**2)) ** 0.5)
    print(f"  so 16 GiB are full at {limit:,} words")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: slopes

Compares each gradient with finite differences: move one input a little up and a little down, and
see how the output follows, near 0, far out, with equal scores and along each dimension. It is
computed in float64, because the difference of two float32 numbers that are nearly equal has few
digits left.
"""

# %% nbgrader={"grade": true, "grade_id": "test-activations-gradients", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def numerical_gradient(function: Callable, a: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """How the number `function(a)` changes with each element of `a`, by central differences."""
    slopes = np.zeros_like(a)
    for index in np.ndindex(a.shape):
        moved = a.copy()
        moved[index] = a[index] + step
        above = function(moved)
        moved[index] = a[index] - step
        slopes[index] = (above - function(moved)) / (2 * step)
    return slopes


def assert_gradient(name: str, a: np.ndarray, grad: np.ndarray, **options) -> None:
    forward = engine.implementations[name]

    def output_of(x):
        result = forward(x, **options)
        return result if isinstance(result, tuple) else (result, None)

    output, saved = output_of(a)
    (slope,) = engine.gradients[name](grad, output, saved, a, **options)
    expected = numerical_gradient(lambda x: float((output_of(x)[0] * grad).sum()), a)
    assert np.allclose(slope, expected, rtol=1e-4, atol=1e-5), (name, options)


def test_unit_gradients():
    rng = np.random.default_rng(0)
    awkward = np.array([-30.0, -8.0, -1e-3, 1e-3, 1.0, 8.0, 30.0, 300.0])
    for name in ("relu", "leaky_relu", "sigmoid", "tanh", "gelu"):
        assert_gradient(name, awkward, rng.normal(size=awkward.shape))
    assert_gradient("leaky_relu", awkward, rng.normal(size=awkward.shape), negative_slope=0.3)
    for name in ("sigmoid", "tanh", "gelu"):  # relu has two slopes at 0
        assert_gradient(name, np.zeros(2), np.ones(2))
    rows = rng.normal(0, 2, (3, 4, 2))
    rows[0] = 1.5  # all scores equal
    rows[1, 2] = 40.0  # one probability near 1, the others near 0
    for name in ("softmax", "log_softmax"):
        for dim in (0, 1, -1):
            assert_gradient(name, rows, rng.normal(size=rows.shape), dim=dim)


# %% [markdown]
"""
### 🧪 Unit test: float32 stays, forward and backward

A float64 that comes out of one activation makes all layers after it twice as large and slow. Of
integers, every function makes float32, with the values that the same floats would give.
"""

# %% nbgrader={"grade": true, "grade_id": "test-activations-dtype", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_float32_everywhere():
    a = np.array([[-1.0, 0.5], [2.0, -3.0]], np.float32)
    for function in (relu, leaky_relu, sigmoid, tanh, gelu, softmax, log_softmax):
        name = function.__name__
        assert function(Tensor(a)).dtype == np.float32, name
        assert function(Tensor(a.astype(np.float64))).dtype == np.float64, name
        result = engine.implementations[name](a)
        output, saved = result if isinstance(result, tuple) else (result, None)
        (slope,) = engine.gradients[name](a, output, saved, a)
        assert slope.dtype == np.float32, name
        for kind in ("bool", "int8", "uint8", "int32", "int64"):
            whole = np.array([[0, 1], [1, 1]], kind)
            bent = function(Tensor(whole))
            assert bent.dtype == np.float32, (name, kind)
            expected = function(Tensor(whole.astype(np.float32))).numpy()
            assert bent.numpy().tolist() == expected.tolist(), (name, kind)


# %% [markdown]
"""
## Integration

### 🧪 Integration test: what no line can separate

The exclusive or is 1 where exactly one of two inputs is. No single line separates its ones from its
zeros. One bend is enough: $|x_1 - x_2|$, made of two relus.
"""

# %% nbgrader={"grade": true, "grade_id": "test-activations-xor", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_integration_exclusive_or():
    x = Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    hidden = relu(x @ Tensor([[1.0, -1.0], [-1.0, 1.0]]))
    assert (hidden @ Tensor([1.0, 1.0])).numpy().tolist() == [0, 1, 1, 0]
    # Without the bend, the best straight line answers 0.5 to everything.
    design = np.column_stack([x.numpy(), np.ones(4)])
    best = design @ np.linalg.lstsq(design, np.array([0.0, 1, 1, 0]), rcond=None)[0]
    assert np.allclose(best, 0.5)


# %% [markdown]
"""
## Production Context

- **PyTorch** has these names in `torch.nn.functional` and `torch.nn`; its `GELU` is exact by default
  and offers `approximate="tanh"`, which GPT-2 was trained with. The two differ in the fourth
  digit, enough to make a loaded model answer differently.
- **Fusion.** You measured that a bend moves memory and hardly computes. Compilers (XLA,
  TorchInductor) therefore fold it into the product before it, so that the array is written once.
- **FlashAttention** computes the softmax of rows that never stand in memory as a whole: it keeps
  a running maximum and a running sum, and corrects them when a larger score arrives.
- **Hardware** has units for exponentials, and sometimes for tanh itself; on a CPU they are
  polynomials, like the one you wrote.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: a small classifier

Scores to probabilities to a decision, as the last layer of every classifier does it: the order of
the scores is kept, and the loss can be read off the logarithms.
"""

# %% nbgrader={"grade": true, "grade_id": "test-activations-classifier", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_classifier():
    scores = relu(Tensor([[2.0, -1.0, 0.5], [0.0, 3.0, 1e4]]))
    probabilities = softmax(scores)
    assert probabilities.argmax(dim=1).numpy().tolist() == scores.argmax(dim=1).numpy().tolist()
    assert np.allclose(probabilities.sum(dim=1).numpy(), 1)
    loss = -log_softmax(scores)[np.arange(2), np.array([0, 1])].mean().item()
    expected = (math.log(math.exp(2) + 1 + math.exp(0.5)) - 2 + 9997) / 2
    assert math.isclose(loss, expected, rel_tol=1e-5)


# %% nbgrader={"grade": false, "grade_id": "activations-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
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

# %% [markdown] nbgrader={"grade": true, "grade_id": "activations-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** You measured how many arrays `gelu` and `softmax` hold at once. Which
of them could you overwrite, and which must stay because the gradient needs it?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "activations-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** `log_softmax` could be composed of `exp`, `sum` and `log`, and would then need
no gradient of its own. What did you gain by declaring it as one primitive?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "activations-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** A model was trained with the tanh form of GELU and is served with the exact
one. How would you notice, and where would you look?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "activations-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** Your measurement says at how many words the softmax of all pairs fills 16 GiB. What would
you compute differently to attend to a hundred thousand words?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Activations

You built seven functions that bend, the slope of each, and the objects that carry them. Their formulas
fit on one screen; what took care was 10,000, where only a shift by the maximum keeps softmax finite.
You measured that a bend costs memory traffic more than arithmetic.

**Next:** `pytest --checkpoint 02`, then module 04, where weights learn to live in layers.
"""
