# %% [markdown]
"""
# Module 10: Optimizers

## Introduction

A gradient says, for every weight, in which direction the loss grows. It does not say how far to go: too
far, and one jumps over the valley; not far enough, and one never arrives. An optimizer decides.

You will build

1. `Optimizer`, which knows the parameters, moves them in place, and can be saved and restored;
2. `SGD` with momentum, `RMSprop`, `Adam` and `AdamW`: a few lines each, the same as in PyTorch;
3. *schedules*, which change the learning rate as training goes on;
4. `clip_grad_norm`, which shortens gradients that are too long.
"""

# %% [markdown]
r"""
## Mathematical Background

**Gradient descent.** $p \leftarrow p - \eta g$, with a weight $p$, its gradient $g$ and the learning rate
$\eta$, `lr`. In a valley 100 times as steep across as along, what is safe across is 100 times too short along.

**Momentum** adds up: $v \leftarrow \mu v + g$, then $p \leftarrow p - \eta v$. What points the same way each
time grows up to $1 / (1 - \mu)$ times; what changes its sign cancels. **Nesterov's** goes along $g + \mu v$.

**RMSprop** gives each weight a step of its own: it divides by the root of the mean of the squares,
$s \leftarrow \alpha s + (1 - \alpha) g^2$, $\; p \leftarrow p - \eta g / (\sqrt s + \epsilon)$.

**Adam** does both, with two means that begin at 0:

    m = b1 m + (1 - b1) g           the mean of gradients
    v = b2 v + (1 - b2) g g         the mean of their squares
    m / (1 - b1^t), v / (1 - b2^t)  both corrected at step t
    p = p - lr m / (sqrt(v) + eps)

**Why corrected.** After one step $v = 0.001 g^2$: 999 of 1000 parts are still the 0 that it began with. What is
not adds up to $1 - b_2^t$, so dividing by that makes a mean of it. The first step is then `lr` long.

**Weight decay** pulls towards 0: $g \leftarrow g + \lambda p$. Adam divides the pull by $\sqrt v$ too, so
that weights with large gradients hardly feel it; **AdamW** does $p \leftarrow p - \eta \lambda p$ instead.
"""

# %% [markdown]
"""
## Implementation

### Settings

This part is given. Optimizers and schedules have settings that may be set at any time, so each is checked
whenever it is set. It is also made a plain Python float: `np.float64(0.1)` would widen float32 in silence.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.optimizers
#| export
import math
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor

# %% nbgrader={"grade": false, "grade_id": "optimizers-settings", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
LIMITS = {  # name -> (kind, the smallest, less than this, what it is)
    "lr": (float, 0, math.inf, "the learning rate, how far a step goes; 0.001 to 0.1 are usual"),
    "momentum": (float, 0, 1, "how much of the velocity is kept; 0.9 is usual"),
    "alpha": (float, 0, 1, "how much of the mean of squares is kept; 0.99 is usual"),
    "betas": (float, 0, 1, "how much of two means is kept; (0.9, 0.999) are usual"),
    "eps": (float, 0, math.inf, "what a root is never smaller than; 1e-8 is usual"),
    "weight_decay": (float, 0, math.inf, "the pull towards 0; 0 to 0.1 are usual"),
    "step_size": (int, 1, math.inf, "after how many steps the learning rate falls"),
    "gamma": (float, 0, math.inf, "what it is then multiplied with; 0.1 is usual"),
    "T_max": (int, 1, math.inf, "in how many steps the learning rate falls"),
    "eta_min": (float, 0, math.inf, "the learning rate in the end; 0 is usual"),
    "max_lr": (float, 0, math.inf, "the largest learning rate"),
    "total_steps": (int, 1, math.inf, "how many steps there will be"),
    "pct_start": (float, 0, 1, "the part of them in which the learning rate rises; 0.3 is usual"),
    "div_factor": (float, 1e-9, math.inf, "max_lr by the first learning rate; 25 is usual"),
    "final_div_factor": (float, 1e-9, math.inf, "the first by the last; 10000 is usual"),
}


def number(name: str, value: Any) -> Any:
    """A setting as a plain number. TypeError or ValueError if it is none, or outside its limits."""
    kind, least, below, meaning = LIMITS[name]
    wanted = "a whole number" if kind is int else "a number"
    reason = f"{name} is {meaning}. It must be {wanted} from {least} to below {below}"
    if not isinstance(value, numbers.Integral if kind is int else numbers.Real):
        raise TypeError(f"{reason}, got {type(value).__name__}: {value!r}")
    if not least <= value < below:
        raise ValueError(f"{reason}, got {value!r}")
    return kind(value)


class Adjustable:
    """What has settings: attributes that are checked whenever they are set."""

    settings: tuple[str, ...] = ()

    def set_all(self, settings: Mapping[str, Any]) -> None:
        self.settings = tuple(settings)
        for name, value in settings.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "betas":
            if not isinstance(value, tuple | list) or len(value) != 2:
                raise ValueError(f"betas must be two numbers, such as (0.9, 0.999), got {value!r}")
            value = tuple(number(name, beta) for beta in value)
        elif name in LIMITS:
            value = number(name, value)
        elif name == "anneal_strategy" and value not in ("cos", "linear"):
            raise ValueError(f'anneal_strategy must be "cos" or "linear", got {value!r}')
        super().__setattr__(name, value)


def to_be_learned(params: Iterable[Tensor]) -> list[Tensor]:
    """A list of parameters: one at least, none of them computed from others, none of them twice."""
    if isinstance(params, Tensor):
        raise TypeError("an optimizer takes a list of Tensors: put this one in brackets")
    found, places = list(params), {}
    if not found:
        raise ValueError("an optimizer needs parameters, got none: is model.parameters() empty?")
    for place, parameter in enumerate(found):
        if not isinstance(parameter, Tensor):
            kind = type(parameter).__name__
            raise TypeError(f"an optimizer takes Tensors, got {kind}: give model.parameters()")
        if parameter._node is not None:
            raise ValueError(f"parameter {place} was computed from others: give those instead")
        if (first := places.setdefault(id(parameter), place)) != place:
            raise ValueError(f"parameter {place} is parameter {first} again: give it once")
    return found


def plain(value: Any) -> Any:
    """A number, a string or a list of such, also out of an array, as np.load gives it."""
    return np.asarray(value).tolist()


# %% [markdown]
"""
### The optimizer

An optimizer does the same for each parameter: find the gradient, get the *buffers* (arrays of the same shape,
in which it remembers), and move. Only the move is different from kind to kind: `update`, some lines below.

**In place.** `p -= ...` writes into the array that is there; `p = p - ...` would make another, and change
nothing. Gradients are somebody else's: read them, never write.

**In parts.** `p -= lr * m / (np.sqrt(v) + eps)` makes four arrays on its way. Those of a large weight go out
to memory and come back. In parts of 32,768 numbers, 128 KiB, they stay in the processor's cache, so
formulas may be written as they are thought. You will measure what that gives.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers-base", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
CHUNK = 32_768  # numbers that are moved at once


def parts(shape: tuple[int, ...]) -> Iterator[Any]:
    """Indices that cut an array of this shape into rows, together about CHUNK numbers each.

    TODO: a small array, or one without dimensions, is one part: yield `...`, which stands for all of it.
        Else yield slices of the first dimension, of at least one row.
    """
    ### BEGIN SOLUTION
    size = math.prod(shape)
    if size <= CHUNK:
        yield ...
    else:
        rows = max(1, CHUNK * shape[0] // size)
        yield from (slice(start, start + rows) for start in range(0, shape[0], rows))
    ### END SOLUTION


class Optimizer(Adjustable):
    """What all optimizers share. A subclass defines `update` and, if it remembers, `buffers`.

    params: Tensors to be moved, each of them once
    settings: by name, such as lr=0.1; each becomes an attribute that may be set later

    Raises TypeError or ValueError for parameters and settings that make no sense.
    """

    def __init__(self, params: Iterable[Tensor], **settings: Any) -> None:
        self.params = to_be_learned(params)
        self.set_all(settings)
        self.steps = [0] * len(self.params)  # of each, as a gradient may come late
        self.memory: list[dict[str, np.ndarray]] = [{} for _ in self.params]

    def buffers(self) -> tuple[str, ...]:
        """Names of the arrays that are kept for each parameter."""
        return ()

    def update(self, p: np.ndarray, g: np.ndarray, kept: dict[str, np.ndarray], step: int) -> None:
        """Move `p` in place. g: its gradient; kept: its buffers; step: 1 at its first step."""
        raise NotImplementedError(f"{type(self).__name__} has no update method yet")

    def gradients(self) -> dict[int, np.ndarray]:
        """{place: gradient} of those parameters that have one; in the dtype of the parameter.

        Raises ValueError where a shape would be broadcast, and for whole numbers: nothing is moved then.
        """
        found = {}
        for place, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            for name, array in {"gradient": parameter.grad, **self.memory[place]}.items():
                if array.shape != parameter.shape:
                    other = f"its {name} has shape {array.shape}"
                    raise ValueError(f"parameter {place} has shape {parameter.shape}, {other}")
            if parameter.dtype.kind != "f":
                raise ValueError(f"parameter {place} is {parameter.dtype}: only floats can be moved")
            found[place] = parameter.grad.data.astype(parameter.dtype, copy=False)
        return found

    def remembered(self, place: int) -> dict[str, np.ndarray]:
        """The buffers of a parameter, by name. What is not there yet begins as zeros.

        HINT: `np.zeros_like` gives shape, dtype and order of memory of another array.
        """
        ### BEGIN SOLUTION
        kept, like = self.memory[place], self.params[place].data
        for name in self.buffers():
            if name not in kept:
                kept[name] = np.zeros_like(like)
        return {name: kept[name] for name in self.buffers()}
        ### END SOLUTION

    def step(self) -> None:
        """Move every parameter that has a gradient; leave the others, and all gradients, alone.

        TODO: for each of `self.gradients()`, count its step and call `update` for each of its parts,
            with the same part of gradient and buffers.
        """
        ### BEGIN SOLUTION
        for place, g in self.gradients().items():
            self.steps[place] += 1
            p, kept = self.params[place].data, self.remembered(place)
            for part in parts(p.shape):
                cut = {name: array[part] for name, array in kept.items()}
                self.update(p[part], g[part], cut, self.steps[place])
        ### END SOLUTION

    def zero_grad(self) -> None:
        """Forget all gradients: `.grad` becomes None. Else backward would add to the old ones."""
        ### BEGIN SOLUTION
        for parameter in self.params:
            parameter.grad = None
        ### END SOLUTION

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on, in a flat dict that np.savez can store without pickle.

        "kind": name of the class; "parameters": how many; the settings by name, betas as a list;
        "3.step" and "3.exp_avg": steps and buffers (copies) of parameter 3, if it was ever moved.
        """
        ### BEGIN SOLUTION
        state: dict[str, Any] = {"kind": type(self).__name__, "parameters": len(self.params)}
        for name in self.settings:
            value = getattr(self, name)
            state[name] = list(value) if isinstance(value, tuple) else value
        for place, step in enumerate(self.steps):
            if step:
                kept = self.remembered(place).items()
                state[f"{place}.step"] = step
                state |= {f"{place}.{name}": array.copy() for name, array in kept}
        return state
        ### END SOLUTION

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on as the optimizer would from which the state is: same kind, as many parameters.

        Numbers and strings may also be arrays without dimensions, as np.load gives them.

        Raises ValueError that names what is missing, unexpected or of another shape; then nothing
        has been changed.

        TODO: compare kind and parameters, make a fresh optimizer with the settings of the state,
            `restore` what each parameter had, look for unknown names, and take over all that it has.
        """
        ### BEGIN SOLUTION
        mine = {"kind": type(self).__name__, "parameters": len(self.params)}
        for name, expected in mine.items():  # first: what another kind lacks is not the mistake
            if (found := plain(state.get(name, expected))) != expected:
                raise ValueError(f"{name} of the state is {found!r}, of this optimizer {expected!r}")
        if missing := [name for name in (*mine, *self.settings) if name not in state]:
            raise ValueError(f"cannot load into {mine['kind']}: missing {', '.join(missing)}")
        fresh = type(self)(self.params, **{name: plain(state[name]) for name in self.settings})
        known = {*mine, *self.settings}
        for place in range(len(self.params)):
            if f"{place}.step" in state:
                known |= fresh.restore(place, state)
        if unexpected := state.keys() - known:
            raise ValueError(f"cannot load into {mine['kind']}: unexpected {sorted(unexpected)}")
        vars(self).update(vars(fresh))
        ### END SOLUTION

    def restore(self, place: int, state: Mapping[str, Any]) -> set[str]:
        """Copy steps and buffers of one parameter; returns their names. ValueError if one does not fit."""
        self.steps[place] = int(plain(state[f"{place}.step"]))
        kept = {f"{place}.{name}": array for name, array in self.remembered(place).items()}
        for key, array in kept.items():
            shape = np.shape(state[key]) if key in state else "nowhere"
            if shape != array.shape:
                raise ValueError(f"{key}: expected in shape {array.shape}, found {shape}")
            array[...] = state[key]
        return {f"{place}.step", *kept}


# %% [markdown]
"""
### 🧪 Unit test: the optimizer

A toy shows what all optimizers share: every number is moved once, whatever its shape and order in memory;
what has no gradient stays; and nothing of others is changed.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-base", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.autograd import no_grad  # with it comes the tape


class Toy(Optimizer):
    """Moves by lr g, and adds up the gradients that it saw."""

    def __init__(self, params: Iterable[Tensor], lr: float = 0.5) -> None:
        super().__init__(params, lr=lr)

    def buffers(self) -> tuple[str, ...]:
        return ("total",)

    def update(self, p: np.ndarray, g: np.ndarray, kept: dict, step: int) -> None:
        kept["total"] += g
        p -= self.lr * kept["total"] * step


def weight(array: Any, gradient: Any = None) -> Tensor:
    """A parameter in float32, and its gradient."""
    made = Tensor(np.array(array, np.float32, order="K"), requires_grad=True)
    made.grad = None if gradient is None else Tensor(np.array(gradient, np.float32, order="K"))
    return made


def refused(action: Callable, *words: str) -> None:
    try:
        action()
    except (TypeError, ValueError) as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(f"this must be refused: {words}")


def test_unit_parts():
    for shape in ((), (3,), (0, 4), (CHUNK + 1,), (300, 257), (2, CHUNK + 1), (1, CHUNK * 2)):
        times = np.zeros(shape)
        for part in parts(shape):
            times[part] += 1
            assert times[part].size <= max(CHUNK, math.prod(shape[1:]))
        assert (times == 1).all(), shape


def test_unit_step():
    draw, idle = np.random.default_rng(0).normal, weight([7.0])
    arrays = [draw(size=shape) for shape in ((), (3,), (1, 3), (2, 0), (300, 257))]
    params = [weight(array, 2 * array) for array in (*arrays, arrays[-1].T)]
    held, gradients = [p.data for p in params], [p.grad.data.copy() for p in params]
    toy = Toy([*params[:2], idle, *params[2:]])
    for factor in (0, -2):  # half a gradient less, then half of two gradients, times 2
        toy.step()
        for p, same, gradient in zip(params, held, gradients, strict=True):
            assert p.data is same and np.allclose(p.data, factor * gradient, atol=1e-5), p.shape
            assert np.array_equal(p.grad.data, gradient) and p.dtype == np.float32
    assert idle.item() == 7 and toy.steps[:3] == [2, 2, 0]
    toy.zero_grad()
    toy.step()
    assert all(p.grad is None for p in params) and toy.steps[0] == 2


def test_unit_what_is_refused():
    p = weight([1.0, 2.0], [1.0, 1.0])
    wrong = (([], "got none"), (p, "brackets"), ([p, p], "parameter 1 is parameter 0 again"))
    for params, message in (*wrong, ([p.data], "got ndarray"), ([p * 2], "computed from others")):
        refused(lambda params=params: Toy(params), message)
    for lr in (-0.1, float("nan"), float("inf"), "0.1", None, [0.1]):
        refused(lambda lr=lr: Toy([p], lr), "lr is the learning rate", repr(lr))
    toy = Toy(iter([p]))
    toy.step()
    refused(lambda: setattr(toy, "lr", -1), "got -1")
    for shape in ((1, 2), (2, 1), (1,)):
        p.grad = Tensor(np.ones(shape, np.float32))
        refused(toy.step, f"parameter 0 has shape (2,), its gradient has shape {shape}")
    p.data, p.grad = np.ones((2, 2), np.float32), Tensor(np.ones((2, 2), np.float32))
    refused(toy.step, "its total has shape (2,)")
    refused(lambda: setattr(p, "data", np.array([1, 2])), "int64")
    assert toy.steps == [1]


# %% [markdown]
"""
### 🧪 Unit test: saving and restoring

Stores a state as .npz, goes on from there, and asks for the same bits: a training that is resumed is the one
that was interrupted.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-state", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_unit_state_dict():
    import io

    p, idle = weight([1.0, 2.0], [3.0, -1.0]), weight([5.0])
    toy, file = Toy([p, idle]), io.BytesIO()
    toy.step()
    toy.lr = 0.1
    state = toy.state_dict()
    assert list(state) == ["kind", "parameters", "lr", "0.step", "0.total"]
    np.savez(file, allow_pickle=False, **state)
    file.seek(0)
    q = weight(p.data, p.grad.data)
    other = Toy([q, weight([5.0])])
    other.load_state_dict(np.load(file, allow_pickle=False))
    for optimizer in (toy, other, toy, other):
        optimizer.step()
    assert np.array_equal(p.data, q.data) and type(other.lr) is float and other.steps == [3, 0]
    assert state["0.step"] == 1 and state["0.total"].tolist() == [3, -1], "a state must be a copy"


def test_unit_wrong_states():
    p = weight([1.0, 2.0], [3.0, -1.0])
    toy = Toy([p])
    toy.step()
    state = toy.state_dict()
    for change, words in (
        ({"kind": "Adam", "lr": None}, ("kind", "'Adam'", "'Toy'")), ({"parameters": 2}, ("parameters", "2")),
        ({"lr": None}, ("missing lr",)), ({"lr": -1}, ("lr is", "-1")), ({"beta": 1}, ("beta",)),
        ({"0.total": None}, ("0.total", "found nowhere")), ({"1.step": 1}, ("unexpected", "1.step")),
        ({"0.total": np.ones(3)}, ("0.total: expected in shape (2,), found (3,)",)),
    ):  # fmt: skip
        wrong = {name: value for name, value in (state | change).items() if value is not None}
        refused(lambda wrong=wrong: toy.load_state_dict(wrong), *words)
    assert toy.lr == 0.5 and toy.memory[0]["total"].tolist() == [3, -1]


# %% [markdown]
"""
### Gradient descent with momentum
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers-sgd", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class SGD(Optimizer):
    """Gradient descent, with momentum and weight decay as PyTorch defines them.

    momentum: how much of the velocity is kept. nesterov: look ahead along it; needs momentum.
    weight_decay: how strongly weights are pulled towards 0.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.01, momentum: float = 0.0,
        nesterov: bool = False, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        more = {"nesterov": bool(nesterov), "weight_decay": weight_decay}
        super().__init__(params, lr=lr, momentum=momentum, **more)
        if nesterov and not self.momentum:
            raise ValueError("nesterov looks ahead along the velocity: it needs momentum, such as 0.9")

    def buffers(self) -> tuple[str, ...]:
        """The velocity, `momentum_buffer`, if there is momentum."""
        ### BEGIN SOLUTION
        return ("momentum_buffer",) if self.momentum else ()
        ### END SOLUTION

    def update(self, p: np.ndarray, g: np.ndarray, kept: dict[str, np.ndarray], step: int) -> None:
        """p - lr v, with v = momentum v + g; or p - lr (g + momentum v), with Nesterov.

        TODO: add weight_decay p to g first. Without momentum, go along g.
        HINT: `g = g + ...` makes a new array, which is right here; `g += ...` would change the gradient.
            The velocity is to be remembered: `velocity *= ...`.
        """
        ### BEGIN SOLUTION
        if self.weight_decay:
            g = g + self.weight_decay * p
        if self.momentum:
            velocity = kept["momentum_buffer"]
            velocity *= self.momentum
            velocity += g
            g = g + self.momentum * velocity if self.nesterov else velocity
        p -= self.lr * g
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: gradient descent

Three steps, worked by hand: with a constant gradient of 1 the velocity is 1, then 1.5, then 1.75.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-sgd", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def after_steps(optimizer: type, gradients: Iterable[float], **settings: Any) -> list[float]:
    """Where a parameter that begins at 1 is after each step, with these gradients."""
    p, places = weight([1.0]), []
    moved = optimizer([p], **settings)
    for gradient in gradients:
        p.grad = Tensor(np.array([gradient], np.float32))
        moved.step()
        places.append(p.item())
    return places


def test_unit_sgd():
    for settings, expected in (
        ({}, [0.9, 0.8, 0.7]), ({"momentum": 0.5}, [0.9, 0.75, 0.575]),
        ({"momentum": 0.5, "nesterov": True}, [0.85, 0.675, 0.4875]),
        ({"weight_decay": 2}, [0.7, 0.46, 0.268]),
        ({"weight_decay": 2, "momentum": 0.5}, [0.7, 0.31, -0.047]),
    ):  # fmt: skip
        assert np.allclose(after_steps(SGD, [1, 1, 1], lr=0.1, **settings), expected), settings
    refused(lambda: SGD([weight([1.0])], nesterov=True), "needs momentum")
    refused(lambda: SGD([weight([1.0])], momentum=1.0), "from 0 to below 1, got 1.0")
    assert SGD([weight([1.0])]).lr == 0.01


# %% [markdown]
"""
### A step of its own for each weight
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers-rmsprop", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class RMSprop(Optimizer):
    """Steps divided by the root of the mean of squares (Hinton, lecture of 2012), as in PyTorch.

    alpha: how much of that mean is kept. eps: added to the root. momentum: of the divided steps.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0.0, momentum: float = 0.0,
    ) -> None:  # fmt: skip
        more = {"alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, lr=lr, **more)

    def buffers(self) -> tuple[str, ...]:
        """The mean of squares, `square_avg`, and with momentum also `momentum_buffer`."""
        ### BEGIN SOLUTION
        return ("square_avg", "momentum_buffer") if self.momentum else ("square_avg",)
        ### END SOLUTION

    def update(self, p: np.ndarray, g: np.ndarray, kept: dict[str, np.ndarray], step: int) -> None:
        """p - lr v, with v = momentum v + g / (sqrt(s) + eps), and s = alpha s + (1 - alpha) g g.

        TODO: add weight_decay p to g first.
        """
        ### BEGIN SOLUTION
        if self.weight_decay:
            g = g + self.weight_decay * p
        square = kept["square_avg"]
        square *= self.alpha
        square += (1 - self.alpha) * g * g
        move = g / (np.sqrt(square) + self.eps)
        if self.momentum:
            velocity = kept["momentum_buffer"]
            velocity *= self.momentum
            velocity += move
            move = velocity
        p -= self.lr * move
        ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "optimizers-adam", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Adam(Optimizer):
    """Both means, corrected for their beginning (Kingma and Ba, 2015), as in PyTorch.

    betas: how much of the mean of gradients, and of that of squares, is kept. eps: added to the root.
    weight_decay: added to the gradient, so that it is divided by the root too; AdamW does not.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def buffers(self) -> tuple[str, ...]:
        """The mean of gradients, `exp_avg`, and that of their squares, `exp_avg_sq`."""
        ### BEGIN SOLUTION
        return "exp_avg", "exp_avg_sq"
        ### END SOLUTION

    def update(self, p: np.ndarray, g: np.ndarray, kept: dict[str, np.ndarray], step: int) -> None:
        """Add weight_decay p to g, then move."""
        ### BEGIN SOLUTION
        if self.weight_decay:
            g = g + self.weight_decay * p
        self.move(p, g, kept, step)
        ### END SOLUTION

    def move(self, p: np.ndarray, g: np.ndarray, kept: dict[str, np.ndarray], step: int) -> None:
        """p - lr m / (sqrt(v) + eps), with m and v corrected: see the background.

        HINT: correct numbers, not arrays: lr / (1 - b1^t) is one division, of a Python float.
        """
        ### BEGIN SOLUTION
        beta1, beta2 = self.betas
        mean, square = kept["exp_avg"], kept["exp_avg_sq"]
        mean *= beta1
        mean += (1 - beta1) * g
        square *= beta2
        square += (1 - beta2) * g * g
        root = np.sqrt(square) / math.sqrt(1 - beta2**step) + self.eps
        p -= self.lr / (1 - beta1**step) * mean / root
        ### END SOLUTION


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019), as in PyTorch."""

    def __init__(
        self, params: Iterable[Tensor], lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.01,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, kept: dict[str, np.ndarray], step: int) -> None:
        """Make p smaller by lr weight_decay p, then move."""
        ### BEGIN SOLUTION
        p *= 1 - self.lr * self.weight_decay
        self.move(p, g, kept, step)
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: a step of its own

Follows the formulas number by number, in Python's floats. A gradient of 1e-8, as large as eps, tells whether
eps is added to the root: then the first step is half of `lr`.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-adam", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
GRADIENTS = (1.0, 1.0, -2.0, 0.0, 0.5)


def rmsprop_by_hand(gradients, lr, alpha, eps, decay, momentum):
    p, square, velocity, places = 1.0, 0.0, 0.0, []
    for g in gradients:
        g += decay * p
        square = alpha * square + (1 - alpha) * g * g
        velocity = momentum * velocity + g / (math.sqrt(square) + eps)
        places.append(p := p - lr * velocity)
    return places


def adam_by_hand(gradients, lr, beta1, beta2, eps, decay, apart):
    p, mean, square, places = 1.0, 0.0, 0.0, []
    for step, g in enumerate(gradients, start=1):
        p, g = (p - lr * decay * p, g) if apart else (p, g + decay * p)
        mean, square = beta1 * mean + (1 - beta1) * g, beta2 * square + (1 - beta2) * g * g
        move = mean / (1 - beta1**step) / (math.sqrt(square / (1 - beta2**step)) + eps)
        places.append(p := p - lr * move)
    return places


def test_unit_rmsprop():
    for decay, momentum in ((0, 0), (0.5, 0), (0, 0.9), (0.5, 0.9)):
        settings = {"lr": 0.01, "alpha": 0.8, "eps": 0.1, "weight_decay": decay, "momentum": momentum}
        expected = rmsprop_by_hand(GRADIENTS, *settings.values())
        assert np.allclose(after_steps(RMSprop, GRADIENTS, **settings), expected), settings
    assert np.isclose(1 - after_steps(RMSprop, [1e-8], alpha=0)[0], 0.005, rtol=1e-3)


def test_unit_adam():
    for decay in (0, 0.5):
        for kind, apart in ((Adam, False), (AdamW, True)):
            found = after_steps(kind, GRADIENTS, lr=0.1, betas=[0.5, 0.8], eps=0.1, weight_decay=decay)
            assert np.allclose(found, adam_by_hand(GRADIENTS, 0.1, 0.5, 0.8, 0.1, decay, apart))
    for gradient in (1e-3, 1e3):
        assert np.isclose(1 - after_steps(Adam, [gradient], lr=0.25)[0], 0.25, rtol=1e-4)
    assert np.isclose(1 - after_steps(Adam, [1e-8], lr=0.25)[0], 0.125, rtol=1e-3)
    assert np.isclose(after_steps(AdamW, [0.0], lr=0.5)[0], 1 - 0.5 * 0.01)
    for betas in ((1.0, 0.9), (0.9, -0.1), 0.9, (0.9,)):
        refused(lambda betas=betas: Adam([weight([1.0])], betas=betas), "betas")


# %% [markdown]
"""
### Schedules

Long steps to get there, short ones to settle. A schedule is a function, `rate`, of the number of steps alone:
making it sets the learning rate of the first; `step()`, after each step of the optimizer, of the next.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers-schedules", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Schedule(Adjustable):
    """Sets the learning rate of an optimizer, from the one that it has. A subclass defines `rate`."""

    def __init__(self, optimizer: Optimizer, **settings: Any) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule takes an optimizer, got {type(optimizer).__name__}")
        self.set_all(settings)
        self.optimizer, self.initial_lr = optimizer, optimizer.lr
        self.last_epoch = 0  # PyTorch's name, though it counts calls of step()
        optimizer.lr = self.rate(0)

    def rate(self, epoch: int) -> float:
        """The learning rate after so many calls of step()."""
        raise NotImplementedError(f"{type(self).__name__} has no rate method yet")

    def step(self) -> None:
        """Go on to the next learning rate, after a step of the optimizer."""
        ### BEGIN SOLUTION
        self.optimizer.lr = self.rate(self.last_epoch + 1)
        self.last_epoch += 1
        ### END SOLUTION

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on: kind, lr, initial_lr, last_epoch and the settings."""
        ### BEGIN SOLUTION
        own = {name: getattr(self, name) for name in ("initial_lr", "last_epoch", *self.settings)}
        return {"kind": type(self).__name__, "lr": self.optimizer.lr, **own}
        ### END SOLUTION

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another schedule of this kind was; also sets the optimizer's `lr`.

        Raises ValueError if the state is that of another kind.
        """
        ### BEGIN SOLUTION
        mine, given = self.state_dict(), {name: plain(value) for name, value in state.items()}
        if given.keys() != mine.keys() or given["kind"] != mine["kind"]:
            raise ValueError(f"cannot load into {mine['kind']}: this is the state {given}")
        self.optimizer.lr = given["lr"]
        for name in ("initial_lr", "last_epoch", *self.settings):
            setattr(self, name, given[name])
        ### END SOLUTION


class StepLR(Schedule):
    """The learning rate times `gamma`, again after every `step_size` steps."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        super().__init__(optimizer, step_size=step_size, gamma=gamma)

    def rate(self, epoch: int) -> float:
        """initial_lr gamma^k, if step_size steps have passed k times."""
        ### BEGIN SOLUTION
        return self.initial_lr * self.gamma ** (epoch // self.step_size)
        ### END SOLUTION


def between(start: float, end: float, share: float, strategy: str = "cos") -> float:
    """`start` at share 0 and `end` at share 1: along half a cosine in between, or along a line.

    HINT: (1 + cos(pi share)) / 2 goes from 1 to 0.
    """
    ### BEGIN SOLUTION
    left = (1 + math.cos(math.pi * share)) / 2 if strategy == "cos" else 1 - share
    return end + (start - end) * left
    ### END SOLUTION


class CosineAnnealingLR(Schedule):
    """Along half a cosine down to `eta_min` in `T_max` steps; whoever goes on comes up again."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        super().__init__(optimizer, T_max=T_max, eta_min=eta_min)

    def rate(self, epoch: int) -> float:
        """`between` initial_lr and eta_min."""
        ### BEGIN SOLUTION
        return between(self.initial_lr, self.eta_min, epoch / self.T_max)
        ### END SOLUTION


class OneCycleLR(Schedule):
    """Up to `max_lr`, then down to next to nothing (Smith and Topin, 2018), as in PyTorch.

    From max_lr / div_factor to max_lr at step pct_start total_steps - 1, then to that beginning by
    final_div_factor at the last step, total_steps - 1. Momentum is left as it is.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float, total_steps: int, pct_start: float = 0.3,
        anneal_strategy: str = "cos", div_factor: float = 25.0, final_div_factor: float = 1e4,
    ) -> None:  # fmt: skip
        more = {"pct_start": pct_start, "anneal_strategy": anneal_strategy}
        more |= {"div_factor": div_factor, "final_div_factor": final_div_factor}
        super().__init__(optimizer, max_lr=max_lr, total_steps=total_steps, **more)

    def rate(self, epoch: int) -> float:
        """`between` beginning and max_lr, then max_lr and end. ValueError after total_steps.

        HINT: step() after the last step of training asks for epoch total_steps: stay at the end.
        """
        ### BEGIN SOLUTION
        if epoch > self.total_steps:
            raise ValueError(f"OneCycleLR was made for total_steps={self.total_steps}, asked for more")
        first, last = self.max_lr / self.div_factor, self.total_steps - 1
        top = self.pct_start * self.total_steps - 1
        if epoch < top:
            return between(first, self.max_lr, epoch / top, self.anneal_strategy)
        share = min(1.0, (epoch - top) / (last - top))
        return between(self.max_lr, first / self.final_div_factor, share, self.anneal_strategy)
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: schedules

Asks for the learning rate before each step of a short training, and for the same from a schedule that was
saved half way.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-schedules", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def rates(kind: type, steps: int, **settings: Any) -> list[float]:
    optimizer = SGD([weight([1.0])], lr=0.8)
    schedule, found = kind(optimizer, **settings), []
    for step in range(steps):
        if step == steps // 2:
            state = {name: np.asarray(value) for name, value in schedule.state_dict().items()}
            optimizer = SGD([weight([1.0])], lr=3)
            schedule = kind(optimizer, **settings)
            schedule.load_state_dict(state)
        found.append(optimizer.lr)
        schedule.step()
    return found


def test_unit_schedules():
    half = [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    assert np.allclose(rates(StepLR, 6, step_size=2, gamma=0.5), half)
    cosine = [0.1 + 0.35 * (1 + math.cos(math.pi * k / 4)) for k in range(7)]
    assert np.allclose(rates(CosineAnnealingLR, 7, T_max=4, eta_min=0.1), cosine)
    cycle = {"max_lr": 4, "total_steps": 10, "div_factor": 4, "final_div_factor": 2}
    line = [1, 2.5, 4, *np.linspace(4, 0.5, 8)[1:]]
    assert np.allclose(rates(OneCycleLR, 10, **cycle, anneal_strategy="linear"), line)
    bend = rates(OneCycleLR, 10, **cycle)
    assert np.allclose(bend[:3], [1, 2.5, 4]) and np.isclose(bend[-1], 0.5) and bend[3] > line[3]


def test_unit_wrong_schedules():
    optimizer = SGD([weight([1.0])], lr=0.8)
    short = OneCycleLR(optimizer, 1.0, total_steps=1)
    short.step()
    refused(short.step, "total_steps=1")
    assert short.last_epoch == 1 and np.isclose(optimizer.lr, 1 / 25 / 1e4)
    refused(lambda: StepLR([], 2), "takes an optimizer, got list")
    refused(lambda: StepLR(optimizer, 0), "a whole number from 1", "got 0")
    refused(lambda: StepLR(optimizer, 1.5), "a whole number from 1", "got float: 1.5")
    refused(lambda: OneCycleLR(optimizer, 1.0, 9, anneal_strategy="sin"), '"cos" or "linear", got \'sin\'')
    refused(lambda: OneCycleLR(optimizer, 1.0, 9, div_factor=0), "div_factor")
    refused(lambda: short.load_state_dict(StepLR(optimizer, 2).state_dict()), "'StepLR'", "OneCycleLR")


# %% [markdown]
"""
### Clipping

One strange batch can give a gradient a thousand times as long as all others, and a single step along it
can undo an hour. Shortening *all gradients together* keeps their direction.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers-clip", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def clip_grad_norm(parameters: Tensor | Iterable[Tensor], max_norm: float) -> float:
    """Shorten all gradients together to length `max_norm`, in place, if they are longer.

    Returns the length that they had, the root of the sum of all squares: if it is not finite, do not
    step. Parameters without a gradient are passed over. Raises ValueError for a negative max_norm.

    TODO: multiply each gradient by max_norm / (length + 1e-6), as PyTorch does, if that is below 1.
    HINT: `np.linalg.norm` is the length of one gradient, and `math.hypot` that of their lengths.
    """
    ### BEGIN SOLUTION
    if not max_norm >= 0:
        raise ValueError(f"max_norm is a length, 0 or more (1.0 is usual), got {max_norm!r}")
    once = dict.fromkeys([parameters] if isinstance(parameters, Tensor) else parameters)
    gradients = [parameter.grad.data for parameter in once if parameter.grad is not None]
    length = math.hypot(*(float(np.linalg.norm(g)) for g in gradients))
    share = max_norm / (length + 1e-6)
    if share < 1:
        for g in gradients:
            g *= share
    return length
    ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: clipping

A box of sides 1, 2 and 2 has a diagonal of 3, however its sides are spread over parameters.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-clip", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_clip_grad_norm():
    params = [weight([0, 0], [1.0, -2.0]), weight(0.0), weight([[0]], [[2.0]])]
    for limit, expected in ((math.inf, [1, -2, 2]), (3.5, [1, -2, 2]), (1.5, [0.5, -1, 1]), (0, [0, 0, 0])):
        before = clip_grad_norm(iter(params), limit)
        found = [*params[0].grad.data, params[2].grad.item()]
        assert np.allclose(found, expected) and type(before) is float
        assert np.isclose(before, 3 if limit > 1 else 1.5) and params[1].grad is None
    assert clip_grad_norm(params[1], 1) == 0 and params[0].grad.dtype == np.float32
    refused(lambda: clip_grad_norm(params, -1), "max_norm", "-1")


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: how many bytes does an optimizer keep for each parameter, and how many does a step need?
- **Computational complexity**: how many steps does it take to get there, and what does a step cost?
- **Cache and hardware**: what do parts give, and what would one flat buffer for all parameters give?
- **At scale**: how many weights can be trained with 16 GiB?
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
def best_seconds(action: Callable, repeats: int = 9) -> float:
    """The fastest of a few runs: the one that other programs disturbed least."""
    import time

    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def kept_and_peak(action: Callable) -> tuple[int, int]:
    """Bytes that are still held after an action, and the most that it held at any moment."""
    import tracemalloc

    tracemalloc.start()
    action()
    measured = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return measured


KINDS = {
    "SGD": SGD, "SGD, momentum": lambda params, lr=0.01: SGD(params, lr, momentum=0.9),
    "SGD, Nesterov": lambda params, lr=0.01: SGD(params, lr, momentum=0.9, nesterov=True),
    "RMSprop": RMSprop, "Adam": Adam, "AdamW": AdamW,
}  # fmt: skip


def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    draw = np.random.default_rng(0).standard_normal
    return [weight(draw(shape), draw(shape)) for shape in shapes]


def analyze_memory() -> None:
    params = drawn((1000, 1000), (1000,))
    held = sum(p.data.nbytes for p in params)
    for name, kind in KINDS.items():
        optimizer = kind(params)
        kept, peak = kept_and_peak(optimizer.step)
        print(f"  {name:14} keeps {kept / held:4.2f} times the bytes of the parameters,", end=" ")
        print(f"with them {1 + kept / held:4.2f}; a step needs {(peak - kept) / 1024:4.0f} KiB more")


def rosenbrock_steps(kind: Callable, lr: float, limit: int = 12_000) -> int:
    """Steps through a bent, narrow valley: from (-1.5, 2) to within 0.01 of its floor at (1, 1)."""
    p = weight([-1.5, 2.0])
    optimizer = kind([p], lr)
    for step in range(limit):
        x, y = p.data.tolist()
        if max(abs(x - 1), abs(y - 1)) < 0.01:
            return step
        if not abs(x) < 10:
            return limit
        p.grad = Tensor(np.array([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)], np.float32))
        optimizer.step()
    return limit


def analyze_complexity() -> None:
    params = drawn((256, 784), (256,), (10, 256), (10,))
    for name, kind in list(KINDS.items())[:-1]:  # the pull of AdamW would move the floor
        tried = {lr: rosenbrock_steps(kind, lr) for lr in (0.001, 0.003, 0.01, 0.03, 0.1)}
        best, seconds = min(tried, key=tried.get), best_seconds(kind(params).step, 50)
        print(f"  {name:14} through the valley in {tried[best]:6,} steps with lr={best:<5};", end=" ")
        print(f"a step of a network 784-256-10 takes {seconds * 1e6:4.0f} us")
    sizes = (10_000, 100_000, 1_000_000)
    times = [best_seconds(Adam(drawn((n // 100, 100))).step) for n in sizes]
    slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    print(f"  time grows with the number of weights to the power {slope:.2f}")


def analyze_cache() -> None:
    global CHUNK
    usual, large = CHUNK, Adam(drawn((2000, 2000)))
    for CHUNK in (2_000, 8_000, usual, 128_000, 4_000_000):
        seconds, peak = best_seconds(large.step), kept_and_peak(large.step)[1]
        print(f"  4,000,000 weights in parts of {CHUNK:9,}: {seconds * 1e3:5.1f} ms,", end=" ")
        print(f"{peak / 2**20:5.1f} MiB for what comes up on the way")
    CHUNK = usual
    many, one = Adam(drawn(*[(1000,)] * 100)), Adam(drawn((100_000,)))
    apart, together = best_seconds(many.step, 50), best_seconds(one.step, 50)
    print(f"  100 parameters of 1,000 weights: {apart * 1e6:.0f} us, in one flat array", end=" ")
    print(f"{together * 1e6:.0f} us: {(apart - together) / 100 * 1e6:.1f} us for each parameter")


def analyze_scale() -> None:
    [p] = drawn((1000, 1000))
    for name in ("SGD", "SGD, momentum", "Adam"):
        optimizer = KINDS[name]([p])
        kept, _ = kept_and_peak(optimizer.step)
        each = (kept + p.data.nbytes + p.grad.data.nbytes) / p.size
        print(f"  {name:14} needs {each:4.1f} bytes a weight, its gradient included:", end=" ")
        print(f"16 GiB are full at {2**34 / each / 1e9:.1f} billion weights")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: what others do to parameters

Somebody sets weights between two steps, a gradient comes late, a learning rate is set, and two optimizers
share a gradient. Nothing of this may disturb what is remembered, nor the dtype of a weight.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-others", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_what_others_do():
    for name, kind in KINDS.items():
        p, early, late = weight([1.0]), weight([1.0, 1.0]), weight([1.0, 1.0])
        bias = Tensor(np.ones((1, 2), np.float32), requires_grad=True)
        both = kind([p, early, late, bias])
        alone, after = kind([q := weight([1.0])]), kind([r := weight([1.0, 1.0])])
        for step in range(6):
            p.grad = q.grad = Tensor(np.array([step - 2.5]))
            bias.grad = Tensor(np.ones((1, 2)))
            late.grad = r.grad = None if step < 3 else Tensor(np.array([step, -1.0]))
            p.data, q.data = (np.array([step], np.float32) for _ in range(2))
            both.lr = alone.lr = np.float64(0.5 / (step + 1))
            after.lr = both.lr
            for optimizer in (both, alone, after):
                optimizer.step()
            assert p.item() == q.item() and p.item() != step, name
        assert np.array_equal(late.data, r.data) and early.data.tolist() == [1, 1], name
        assert {t.dtype for t in (p, late, bias)} == {np.dtype(np.float32)} and bias.shape == (1, 2)
        assert {a.dtype for kept in both.memory for a in kept.values()} <= {np.dtype(np.float32)}


# %% [markdown]
"""
## Integration

### 🧪 Integration test: with gradients from the tape

Fits a plane by least squares with every optimizer, from gradients of module 09.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-autograd", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_integration_least_squares():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    y = x @ np.array([1.0, -2.0, 0.5], np.float32) + np.float32(0.25)
    for name, kind in KINDS.items():
        slopes, bias = weight([0.0, 0.0, 0.0]), weight(0.0)
        optimizer = kind([slopes, bias], lr=0.1)
        schedule = OneCycleLR(optimizer, 0.1, total_steps=150)
        for _ in range(150):
            optimizer.zero_grad()
            ((Tensor(x) @ slopes + bias - y) ** 2).mean().backward()
            optimizer.step()
            schedule.step()
        with no_grad():
            error = Tensor(x) @ slopes + bias - y
        assert (abs(error) < 0.1).numpy().all() and not error.requires_grad, name


# %% [markdown]
"""
## Production Context

- **PyTorch** has three ways to do a step: a loop over parameters, `foreach` (each operation for all at once)
  and `fused` (one kernel, which reads every number once). Its *parameter groups* have settings of their
  own, such as biases without weight decay; here, make two optimizers.
- **Large models** spread the two means of Adam over machines (ZeRO, FSDP), or store them in 8 bits.
- **Recipes**: SGD with Nesterov for convolutions; for transformers AdamW, and gradients clipped at length 1.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: interrupted training

Trains a network of two layers, stops half way, and goes on with fresh objects: the same bits come out as
without an interruption, and it has learned what no single layer can.
"""

# %% nbgrader={"grade": true, "grade_id": "test-optimizers-resume", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_resume():
    x = Tensor(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32))
    y = np.array([0, 1, 1, 0], np.float32)
    starts = [p.data for p in drawn((2, 8), (8,), (8,))]

    def begin(arrays: Iterable) -> tuple:
        params = [weight(array) for array in arrays]
        optimizer = AdamW(params, lr=0.05)
        return params, optimizer, CosineAnnealingLR(optimizer, 200, eta_min=0.01)

    def train(params: list, optimizer: Optimizer, schedule: Schedule, steps: int) -> float:
        for _ in range(steps):
            optimizer.zero_grad()
            hidden = x @ params[0] + params[1]
            loss = (((hidden + abs(hidden)) @ params[2] - y) ** 2).mean()
            loss.backward()
            clip_grad_norm(params, 1.0)
            optimizer.step()
            schedule.step()
        return loss.item()

    whole = begin(starts)
    loss = train(*whole, 200)
    half = begin(starts)
    train(*half, 100)
    resumed = begin(p.data for p in half[0])
    for fresh, old in zip(resumed[1:], half[1:], strict=True):
        fresh.load_state_dict(old.state_dict())
    assert train(*resumed, 100) == loss < 0.01
    assert all(np.array_equal(a.data, b.data) for a, b in zip(whole[0], resumed[0], strict=True))


# %% nbgrader={"grade": false, "grade_id": "optimizers-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
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

# %% [markdown] nbgrader={"grade": true, "grade_id": "optimizers-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** Your measurement says what a step of Adam needs besides its two means. Where would
another array as large as all parameters come from, if `update` were called once for the whole of them?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "optimizers-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** One flat array for all parameters would save what you measured for each of them. What
would go wrong with it when somebody writes `parameter.data = array`, and is it worth that for your network?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "optimizers-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** A training of a week is interrupted, and only the weights were saved. What will the
first hundred steps with a fresh Adam be like, and which number of `state_dict` makes the difference?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "optimizers-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** How many bytes do weights, gradients and Adam need for a model of 70 billion weights, and over
how many machines of 80 GB each would you spread them? What must each of them send in a step?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Optimizers

You built the part that learns: one class that finds gradients, remembers and can be restored to the bit,
and four ways to move, of a few lines each. You measured that momentum and Adam get through a valley in a
tenth of the steps, that Adam pays with two more copies of all weights, and that small parts are faster.

**Next:** `pytest --checkpoint 09`, then module 11, where everything comes together in one training loop.
"""
