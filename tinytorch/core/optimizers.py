# Generated from src_modules/10_optimizers.py. Do not edit: write in src_modules/10_optimizers.py instead;
# `pytest --checkpoint` and `tito export` renew it, and keep an edit of it aside.
# export: format=1 source=9492677f638bdb49 code=3196bc45f5c12e38 content=f672794372b0022b
# %% src_modules/10_optimizers.py:9
import math
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor


# %% src_modules/10_optimizers.py:21
LIMITS = {  # name -> (it must be less than this, what it is)
    "lr": (math.inf, "the learning rate: how far a step goes; 0.001 to 0.1 are usual"),
    "momentum": (1, "the share of the velocity that is kept; 0.9 is usual"),
    "alpha": (1, "the share of the mean of squares that is kept; 0.99 is usual"),
    "betas": (1, "the shares of the two means that are kept; (0.9, 0.999) is usual"),
    "eps": (math.inf, "what keeps a division from being by 0; 1e-8 is usual"),
    "weight_decay": (math.inf, "the pull of every weight towards 0; 0 to 0.1 are usual"),
    "max_norm": (math.inf, "the largest length of all gradients together; 1.0 is usual"),
    "gamma": (math.inf, "what the learning rate is multiplied with; 0.1 is usual"),
    "eta_min": (math.inf, "the smallest learning rate; 0 is usual"),
    "max_lr": (math.inf, "the largest learning rate"),
    "pct_start": (1, "the share of the steps in which the learning rate rises; 0.3 is usual"),
    "div_factor": (math.inf, "how many times smaller than max_lr it begins; 25 is usual"),
    "final_div_factor": (math.inf, "how many times smaller than that it ends; 10000 is usual"),
}


def checked(name: str, value: Any) -> float:
    """A setting as a Python float: a number of NumPy would widen float32 without a word."""
    below, meaning = LIMITS[name]
    wanted = f"{name} must be a number from 0 to {below} (exclusive): it is {meaning}"
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{wanted}; got {type(value).__name__}: {value!r}")
    if not 0 <= value < below:
        raise ValueError(f"{wanted}; got {value!r}")
    return float(value)


def counted(name: str, value: Any) -> int:
    """A number of steps: a whole number, 1 or more."""
    if not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} counts steps: a whole number is needed, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} counts steps: it must be 1 or more, got {value!r}")
    return int(value)


def to_be_learned(params: Iterable[Tensor]) -> list[Tensor]:
    """The parameters as a list, each of them a leaf, and none of them twice."""
    if isinstance(params, Tensor):
        raise TypeError("an optimizer takes a list of Tensors: put this one in brackets")
    found = list(params)
    if not found:
        raise ValueError("an optimizer needs parameters, got an empty list: is model.parameters() empty?")
    places: dict[int, int] = {}
    for place, parameter in enumerate(found):
        if not isinstance(parameter, Tensor):
            kind = f"element {place} is of type {type(parameter).__name__}"
            raise TypeError(f"an optimizer takes Tensors, {kind}: give model.parameters()")
        if parameter._node is not None:
            reason = "was computed from other Tensors: give those that it was computed from"
            raise ValueError(f"parameter {place} of shape {parameter.shape} {reason}")
        if id(parameter) in places:
            reason = f"is parameter {places[id(parameter)]} again, and would take two steps at once"
            raise ValueError(f"parameter {place} {reason}: give each of them once")
        places[id(parameter)] = place
    return found


# %% src_modules/10_optimizers.py:82
CHUNK = 32_768  # elements of a parameter that are stepped at once


def parts(shape: tuple[int, ...]) -> Iterator[Any]:
    """Indices that cut an array of this shape into rows of about CHUNK elements together."""
    ### BEGIN SOLUTION
    size = math.prod(shape)
    if size <= CHUNK:
        yield ...
        return
    rows = max(1, CHUNK * shape[0] // size)
    for start in range(0, shape[0], rows):
        yield slice(start, start + rows)
    ### END SOLUTION


class Optimizer:
    """What all optimizers share. A subclass names its `buffers` and defines `update`.

    params: Tensors that require gradients, each of them once
    settings: the hyperparameters by name; each becomes an attribute, which may be set later
    """

    buffers: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Tensor], **settings: Any) -> None:
        self.params = to_be_learned(params)
        self.settings = tuple(settings)
        for name, value in settings.items():
            setattr(self, name, value)
        self.state: list[dict[str, Any]] = [{} for _ in self.params]

    def __setattr__(self, name: str, value: Any) -> None:
        """Whoever sets a learning rate, at whatever time, is told if it is none."""
        if name == "betas":
            if not isinstance(value, tuple | list) or len(value) != 2:
                raise ValueError(f"betas must be two numbers, such as (0.9, 0.999); got {value!r}")
            value = tuple(checked(name, beta) for beta in value)
        elif name in LIMITS:
            value = checked(name, value)
        super().__setattr__(name, value)

    def needed(self) -> tuple[str, ...]:
        """Names of the buffers that these settings need."""
        return self.buffers

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], step: int) -> None:
        """Change `p` in place. Each optimizer has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no update method yet")

    def gradients(self) -> dict[int, np.ndarray]:
        """Place of each parameter that has a gradient -> the gradient, checked."""
        ### BEGIN SOLUTION
        found = {}
        for place, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            g = parameter.grad.data
            kept = next((a for n, a in self.state[place].items() if n != "step"), g)
            if not g.shape == parameter.shape == kept.shape:
                others = f"a gradient of shape {g.shape} and buffers of shape {kept.shape}"
                raise ValueError(f"parameter {place} of shape {parameter.shape} has {others}")
            found[place] = g.astype(parameter.dtype, copy=False)
        return found
        ### END SOLUTION

    def step(self) -> None:
        """Move every parameter that has a gradient, in place."""
        ### BEGIN SOLUTION
        for place, g in self.gradients().items():
            p, state = self.params[place].data, self.state[place]
            state["step"] = state.get("step", 0) + 1
            for name in self.needed():
                if name not in state:
                    state[name] = np.zeros_like(p)
            for part in parts(p.shape):
                buffers = {name: state[name][part] for name in self.needed()}
                self.update(p[part], g[part], buffers, state["step"])
        ### END SOLUTION

    def zero_grad(self) -> None:
        """Forget the gradients: `.grad` of every parameter becomes None."""
        ### BEGIN SOLUTION
        for parameter in self.params:
            parameter.grad = None
        ### END SOLUTION

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on, in one flat dict that can be stored as .npz.

        "kind": name of the class; "parameters": how many; each setting, `betas` as a list; and of
        parameter 3, if it has been stepped, "3.step" (int) and "3.exp_avg" and so on, copies.
        """
        ### BEGIN SOLUTION
        found: dict[str, Any] = {"kind": type(self).__name__, "parameters": len(self.params)}
        for name in self.settings:
            value = getattr(self, name)
            found[name] = list(value) if isinstance(value, tuple) else value
        for place, state in enumerate(self.state):
            for name, value in state.items():
                found[f"{place}.{name}"] = value if name == "step" else value.copy()
        return found
        ### END SOLUTION

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another optimizer of this kind, for as many parameters, was.

        Values may also be arrays without dimensions, as np.load gives them.
        Raises ValueError that names what is missing, unexpected or of another shape; then nothing
        has been changed.
        """
        ### BEGIN SOLUTION
        mine = {"kind": type(self).__name__, "parameters": len(self.params)}
        plain = {n: v if "." in n else np.asarray(v).tolist() for n, v in state.items()}
        problems = [
            f"{name} is {plain.get(name)!r}, expected {value!r}"
            for name, value in mine.items()
            if plain.get(name) != value
        ]
        problems += [f"missing: {name}" for name in self.settings if name not in plain]
        buffers: list[dict[str, Any]] = [{} for _ in self.params]
        for key, value in plain.items():
            place, dot, name = key.partition(".")
            if not dot and key not in (*mine, *self.settings):
                problems.append(f"unexpected: {key}")
            if not dot or problems:
                continue
            known = name in ("step", *self.buffers) and place in map(str, range(len(buffers)))
            if not known:
                problems.append(f"unexpected: {key}")
            elif name == "step":
                buffers[int(place)][name] = int(value)
            else:
                like, value = self.params[int(place)].data, np.asarray(value)
                if value.shape != like.shape:
                    problems.append(f"{key} has shape {value.shape}, expected {like.shape}")
                    continue
                buffers[int(place)][name] = np.empty_like(like)
                np.copyto(buffers[int(place)][name], value)
        if problems:
            raise ValueError(f"cannot load into {type(self).__name__}: {'; '.join(problems)}")
        for name in self.settings:
            setattr(self, name, plain[name])
        self.state = buffers
        ### END SOLUTION


# %% src_modules/10_optimizers.py:231
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay as in PyTorch."""

    buffers = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {"momentum": momentum, "nesterov": bool(nesterov), "weight_decay": weight_decay}
        super().__init__(params, lr=lr, **settings)
        if nesterov and not self.momentum:
            raise ValueError("nesterov looks ahead along the velocity: it needs a momentum above 0")

    def needed(self) -> tuple[str, ...]:
        """Without momentum there is nothing to remember."""
        return self.buffers if self.momentum else ()

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], step: int) -> None:
        """p - lr v."""
        ### BEGIN SOLUTION
        if self.weight_decay:
            g = g + self.weight_decay * p
        if self.momentum:
            velocity = state["momentum_buffer"]
            velocity *= self.momentum
            velocity += g
            g = g + self.momentum * velocity if self.nesterov else velocity
        p -= self.lr * g
        ### END SOLUTION


# %% src_modules/10_optimizers.py:269
class RMSprop(Optimizer):
    """Steps divided by the root of the mean of squares, as in PyTorch (Hinton, 2012)."""

    buffers = ("square_avg", "momentum_buffer")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
    ) -> None:
        settings = {"alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, lr=lr, **settings)

    def needed(self) -> tuple[str, ...]:
        """The velocity is kept only if there is momentum."""
        return self.buffers if self.momentum else self.buffers[:1]

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], step: int) -> None:
        """p - lr g / (sqrt(s) + eps)."""
        ### BEGIN SOLUTION
        if self.weight_decay:
            g = g + self.weight_decay * p
        square = state["square_avg"]
        square *= self.alpha
        square += (1 - self.alpha) * g * g
        move = g / (np.sqrt(square) + self.eps)
        if self.momentum:
            velocity = state["momentum_buffer"]
            velocity *= self.momentum
            velocity += move
            move = velocity
        p -= self.lr * move
        ### END SOLUTION


# %% src_modules/10_optimizers.py:310
class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015), with weight decay added to the gradient, as in PyTorch."""

    buffers = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], step: int) -> None:
        """Weight decay, then the step of Adam."""
        ### BEGIN SOLUTION
        if self.weight_decay:
            g = g + self.weight_decay * p
        self.move(p, g, state, step)
        ### END SOLUTION

    def move(self, p: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], step: int) -> None:
        """p - lr m / (sqrt(v) + eps), with both means corrected."""
        ### BEGIN SOLUTION
        beta1, beta2 = self.betas
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean *= beta1
        mean += (1 - beta1) * g
        square *= beta2
        square += (1 - beta2) * g * g
        root = np.sqrt(square)
        root /= math.sqrt(1 - beta2**step)
        root += self.eps
        p -= self.lr / (1 - beta1**step) * mean / root
        ### END SOLUTION


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as in PyTorch."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], step: int) -> None:
        """Shrink the weights by lr times weight_decay, then the step of Adam."""
        ### BEGIN SOLUTION
        p *= 1 - self.lr * self.weight_decay
        self.move(p, g, state, step)
        ### END SOLUTION


# %% src_modules/10_optimizers.py:372
class Schedule:
    """Sets the learning rate of an optimizer. A subclass defines `rate`.

    Making it sets `optimizer.lr` for the first step; each `step()`, for the next.
    """

    def __init__(self, optimizer: Optimizer, **settings: Any) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule needs an optimizer, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.settings = settings
        self.initial_lr = optimizer.lr
        self.last_epoch = 0
        optimizer.lr = self.rate(0)

    def rate(self, epoch: int) -> float:
        """The learning rate after so many calls of step(). Each schedule has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no rate method yet")

    def step(self) -> None:
        """Go on to the next learning rate: call it after `optimizer.step()`."""
        ### BEGIN SOLUTION
        self.optimizer.lr = self.rate(self.last_epoch + 1)
        self.last_epoch += 1
        ### END SOLUTION

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on, in one flat dict of numbers and strings."""
        ### BEGIN SOLUTION
        state = {"kind": type(self).__name__, "lr": self.optimizer.lr, "initial_lr": self.initial_lr}
        return state | {"last_epoch": self.last_epoch} | self.settings
        ### END SOLUTION

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another schedule of this kind was, with its settings; sets `optimizer.lr`.

        Raises ValueError for the state of another kind; then nothing has been changed.
        """
        ### BEGIN SOLUTION
        plain = {name: np.asarray(value).tolist() for name, value in state.items()}
        mine = self.state_dict()
        if plain.keys() != mine.keys() or plain["kind"] != mine["kind"]:
            found = f"got {plain.get('kind')!r} with {sorted(plain)}, expected {sorted(mine)}"
            raise ValueError(f"cannot load into {mine['kind']}: {found}")
        self.optimizer.lr = plain["lr"]
        self.initial_lr, self.last_epoch = plain["initial_lr"], plain["last_epoch"]
        self.settings = {name: plain[name] for name in self.settings}
        ### END SOLUTION


class StepLR(Schedule):
    """The learning rate times `gamma` after every `step_size` calls of step()."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.settings = {
            "step_size": counted("step_size", step_size), "gamma": checked("gamma", gamma)
        }  # fmt: skip
        super().__init__(optimizer, **self.settings)

    def rate(self, epoch: int) -> float:
        """initial_lr gamma^(epoch // step_size)."""
        ### BEGIN SOLUTION
        return self.initial_lr * self.settings["gamma"] ** (epoch // self.settings["step_size"])
        ### END SOLUTION


def between(start: float, end: float, share: float, strategy: str = "cos") -> float:
    """From `start` at share 0 to `end` at share 1: along half a cosine, or a line."""
    ### BEGIN SOLUTION
    if strategy == "cos":
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
    return start + (end - start) * share
    ### END SOLUTION


class CosineAnnealingLR(Schedule):
    """Down to `eta_min` in `T_max` steps along half a cosine, and up again as long, and so on."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803
        self.settings = {"T_max": counted("T_max", T_max), "eta_min": checked("eta_min", eta_min)}
        super().__init__(optimizer, **self.settings)

    def rate(self, epoch: int) -> float:
        """Half a cosine from initial_lr to eta_min."""
        ### BEGIN SOLUTION
        return between(self.initial_lr, self.settings["eta_min"], epoch / self.settings["T_max"])
        ### END SOLUTION


class OneCycleLR(Schedule):
    """Up to `max_lr`, then down to almost nothing, once (Smith and Topin, 2018); as in PyTorch."""

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f'anneal_strategy is "cos" or "linear", got {anneal_strategy!r}')
        self.settings = {
            "max_lr": checked("max_lr", max_lr),
            "total_steps": counted("total_steps", total_steps),
            "pct_start": checked("pct_start", pct_start),
            "anneal_strategy": anneal_strategy,
            "div_factor": checked("div_factor", div_factor),
            "final_div_factor": checked("final_div_factor", final_div_factor),
        }
        super().__init__(optimizer, **self.settings)

    def rate(self, epoch: int) -> float:
        """Up from max_lr / div_factor, then down to that / final_div_factor."""
        ### BEGIN SOLUTION
        s = self.settings
        if epoch > s["total_steps"]:
            raise ValueError(f"OneCycleLR was made for total_steps={s['total_steps']}, this is one more")
        low = s["max_lr"] / s["div_factor"]
        top, end = s["pct_start"] * s["total_steps"] - 1, s["total_steps"] - 1
        if epoch < top:
            return between(low, s["max_lr"], epoch / top, s["anneal_strategy"])
        share = min(1.0, (epoch - top) / (end - top))
        return between(s["max_lr"], low / s["final_div_factor"], share, s["anneal_strategy"])
        ### END SOLUTION


# %% src_modules/10_optimizers.py:503
def clip_grad_norm(parameters: Tensor | Iterable[Tensor], max_norm: float) -> float:
    """Shorten all gradients together to a length of `max_norm`, in place, if they are longer.

    Returns the length that they had. Parameters without a gradient are passed over.
    """
    ### BEGIN SOLUTION
    max_norm = checked("max_norm", max_norm)
    once = dict.fromkeys([parameters] if isinstance(parameters, Tensor) else parameters)
    gradients = [parameter.grad.data for parameter in once if parameter.grad is not None]
    norm = math.hypot(*(float(np.linalg.norm(g)) for g in gradients))
    share = max_norm / (norm + 1e-6)
    if share < 1:
        for g in gradients:
            g *= share
    return norm
    ### END SOLUTION
