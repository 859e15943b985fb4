# Generated from src_modules/10_optimizers.py. Do not edit: write in src_modules/10_optimizers.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=e9b2f64315948a0f code=4e2849854345be73 content=603c1380841270ce
# %% src_modules/10_optimizers.py:58
import math
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor


# %% src_modules/10_optimizers.py:69
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


# %% src_modules/10_optimizers.py:162
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


# %% src_modules/10_optimizers.py:455
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


# %% src_modules/10_optimizers.py:535
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


# %% src_modules/10_optimizers.py:577
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


# %% src_modules/10_optimizers.py:701
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


# %% src_modules/10_optimizers.py:873
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
