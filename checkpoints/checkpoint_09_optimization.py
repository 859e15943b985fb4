"""Checkpoint 09: every step of every optimizer against its formula, in NumPy and float64.

The last test learns to read handwritten digits, four times, each time with another optimizer.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("09")

DEFAULTS = {
    "SGD": {"lr": 0.01, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    "RMSprop": {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0},
    "Adam": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    "AdamW": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01},
}
# Every optimizer with all that it can remember.
FULL = {
    "SGD": {"lr": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
    "RMSprop": {"lr": 0.1, "alpha": 0.5, "weight_decay": 0.1, "momentum": 0.5},
    "Adam": {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.1},
    "AdamW": {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.1},
}
# Good ones for the network of the last test.
FOR_DIGITS = {
    "SGD": {"lr": 0.2, "momentum": 0.9, "nesterov": True},
    "RMSprop": {"lr": 0.01},
    "Adam": {"lr": 0.02},
    "AdamW": {"lr": 0.02, "weight_decay": 0.05},
}
GRADIENTS = ([1.0, -0.5], [0.25, 2.0], [-3.0, 0.0], [0.5, 0.5], [1.0, -1.0])
PARTS = st.floats(-2, 2, width=16)


def moved(kind, p, g, kept, lr, **s):
    """Where a step of this kind takes `p`, by its formula. `kept` is what it remembers."""
    kept["t"] = kept.get("t", 0) + 1
    if kind == "AdamW":
        p = p - lr * s["weight_decay"] * p
    else:
        g = g + s["weight_decay"] * p
    if kind in ("Adam", "AdamW"):
        (b1, b2), t = s["betas"], kept["t"]
        kept["m"] = b1 * kept.get("m", 0) + (1 - b1) * g
        kept["v"] = b2 * kept.get("v", 0) + (1 - b2) * g * g
        return p - lr * kept["m"] / (1 - b1**t) / (np.sqrt(kept["v"] / (1 - b2**t)) + s["eps"])
    if kind == "RMSprop":
        kept["s"] = s["alpha"] * kept.get("s", 0) + (1 - s["alpha"]) * g * g
        g = g / (np.sqrt(kept["s"]) + s["eps"])
    kept["v"] = s["momentum"] * kept.get("v", 0) + g
    return p - lr * (g + s["momentum"] * kept["v"] if s.get("nesterov") else kept["v"])


def weight(tt, values, gradient=None):
    """A parameter in float32, with a gradient if there is one."""
    p = tt.Tensor(np.array(values, np.float32), requires_grad=True)
    if gradient is not None:
        p.grad = tt.Tensor(np.array(gradient, np.float32))
    return p


def agreement(tt, check, kind, settings, gradients, start=(1.0, -2.0)):
    """(True, "") if each step goes where the formula goes, else (False, where it does not).

    A gradient may be None: then the parameter stays. It may also be a pair of a gradient and a
    learning rate, which is set before the step.
    """
    rates, kept = {**DEFAULTS[kind], **settings}, {}
    p, expected = weight(tt, start), np.array(start, np.float64)
    optimizer = getattr(tt, kind)([p], **settings)
    for step, gradient in enumerate(gradients, start=1):
        if isinstance(gradient, tuple):
            gradient, rate = gradient
            rates, optimizer.lr = {**rates, "lr": rate}, rate
        if gradient is None:
            p.grad = None
        else:
            p.grad = tt.Tensor(np.array(gradient, np.float32))
            expected = moved(kind, expected, np.array(gradient), kept, **rates)
        optimizer.step()
        found = check.array(p)
        if found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-4, atol=1e-4):
            given_settings = ", ".join(f"{name}={value}" for name, value in settings.items())
            name = f"step {step} of {kind}({given_settings}) with gradients {gradients[:step]}"
            wanted = np.round(expected, 6).tolist()
            return False, f"{name} goes to {found.tolist()}, expected {wanted}"
    return True, ""


def rates_of(schedule, optimizer, steps):
    """The learning rate before each of so many steps."""
    found = []
    for _ in range(steps):
        found.append(float(optimizer.lr))
        schedule.step()
    return found


@pytest.mark.points(1)
@pytest.mark.hint("p - lr * g, for each parameter, in the array that it has.")
def test_steps_by_hand(tt, check):
    """Goes against the gradient, as far as the learning rate says"""
    p, q = weight(tt, [1.0, 2.0], [1.0, -10.0]), weight(tt, 3.0, 2.0)
    optimizer = tt.SGD([p, q], lr=0.1)
    optimizer.step()
    check.close(p, [0.9, 3])
    check.close(q, 2.8)
    optimizer.step()
    check.close(p, [0.8, 4])
    default = weight(tt, [1.0], [1.0])
    tt.SGD([default]).step()
    check.close(default, [0.99])


@pytest.mark.points(1)
@pytest.mark.hint("`g = g + ...` makes a new array, `g += ...` changes the gradient; .grad = None.")
@pytest.mark.depends(on="test_steps_by_hand")
def test_gradients(tt, check):
    """Leaves gradients as they are in a step, and forgets them in zero_grad"""
    for kind, settings in FULL.items():
        p, idle = weight(tt, [1.0, 2.0], [1.0, -1.0]), weight(tt, [1.0])
        optimizer = getattr(tt, kind)([p, idle], **settings)
        for _ in range(2):
            optimizer.step()
            check.close(p.grad, [1, -1])
        optimizer.zero_grad()
        check.true(p.grad is None and idle.grad is None, f"{kind}.zero_grad() leaves gradients")


@pytest.mark.points(1)
@pytest.mark.hint("v = momentum * v + g; p = p - lr * v. The first v is g itself.")
@pytest.mark.depends(on="test_steps_by_hand")
def test_momentum(tt, check):
    """Adds up a velocity: none of a new gradient is lost, and a new learning rate counts at once"""
    for momentum in (0.5, 0.9):
        settings = {"lr": 0.1, "momentum": momentum}
        check.true(*agreement(tt, check, "SGD", settings, GRADIENTS))
    changing = [(gradient, 0.1 * step) for step, gradient in enumerate(GRADIENTS, start=1)]
    check.true(*agreement(tt, check, "SGD", {"momentum": 0.5}, changing))


@pytest.mark.points(1)
@pytest.mark.hint("Update v first; then go along g + momentum * v.")
@pytest.mark.depends(on="test_momentum")
def test_nesterov(tt, check):
    """Looks one step ahead along the velocity"""
    settings = {"lr": 0.1, "momentum": 0.5, "nesterov": True}
    check.true(*agreement(tt, check, "SGD", settings, [[1.0], [1.0], [-2.0]], [1.0]))
    with check.raises(ValueError, mentions=("momentum",)):
        tt.SGD([weight(tt, [1.0])], nesterov=True)


@pytest.mark.points(1)
@pytest.mark.hint("g + weight_decay * p goes into the velocity, in place of g.")
@pytest.mark.depends(on="test_momentum")
def test_weight_decay(tt, check):
    """Adds the pull of weight decay to the gradient, before momentum"""
    for more in ({}, {"momentum": 0.5}, {"momentum": 0.5, "nesterov": True}):
        settings = {"lr": 0.1, "weight_decay": 0.5, **more}
        check.true(*agreement(tt, check, "SGD", settings, GRADIENTS))


@pytest.mark.points(2)
@pytest.mark.hint("s = alpha s + (1 - alpha) g g; g / (sqrt(s) + eps); momentum comes after that.")
@pytest.mark.depends(on="test_steps_by_hand")
def test_rmsprop(tt, check):
    """Divides by the root of the mean of squares, and adds eps to the root"""
    for settings in (
        {},
        {"lr": 0.1, "alpha": 0.5},
        {"lr": 0.1, "alpha": 0.5, "eps": 0.5},
        {"lr": 0.1, "alpha": 0.5, "weight_decay": 0.5},
        {"lr": 0.1, "alpha": 0.5, "momentum": 0.5},
        {"lr": 0.1, "alpha": 0.5, "momentum": 0.5, "weight_decay": 0.5, "eps": 0.1},
    ):
        check.true(*agreement(tt, check, "RMSprop", settings, GRADIENTS))


@pytest.mark.points(1)
@pytest.mark.hint(
    "Both means are corrected: m / (1 - b1^t), v / (1 - b2^t). eps is added to the root."
)
@pytest.mark.depends(on="test_steps_by_hand")
def test_first_step_of_adam(tt, check):
    """Begins with a step of length lr for any gradient, and half of that for one as small as eps"""
    for kind in ("Adam", "AdamW"):
        for size in (1e-3, 1.0, 1e3):
            p = weight(tt, [0.0, 0.0], [size, -size])
            getattr(tt, kind)([p], lr=0.25).step()
            check.close(p, [-0.25, 0.25], rtol=1e-3)
        p = weight(tt, [0.0], [1e-8])
        getattr(tt, kind)([p], lr=0.25).step()
        check.close(p, [-0.125], rtol=1e-3)


@pytest.mark.points(1)
@pytest.mark.hint("t counts the steps from 1; m and v are remembered as they are, uncorrected.")
@pytest.mark.depends(on="test_first_step_of_adam")
def test_adam(tt, check):
    """Follows the formula of Adam, step by step"""
    for settings in (
        {},
        {"lr": 0.1},
        {"lr": 0.1, "betas": (0.5, 0.8)},
        {"lr": 0.1, "betas": (0.0, 0.9)},
        {"lr": 0.1, "betas": (0.5, 0.8), "eps": 0.5},
    ):
        check.true(*agreement(tt, check, "Adam", settings, GRADIENTS))


@pytest.mark.points(1)
@pytest.mark.hint("Adam adds weight_decay * p to the gradient, so it goes into both means.")
@pytest.mark.depends(on="test_adam")
def test_weight_decay_of_adam(tt, check):
    """Adds the pull to the gradient in Adam"""
    settings = {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.5}
    check.true(*agreement(tt, check, "Adam", settings, GRADIENTS))


@pytest.mark.points(1)
@pytest.mark.hint("First p = p - lr * weight_decay * p, then a step of Adam without weight decay.")
@pytest.mark.depends(on="test_adam")
def test_adamw(tt, check):
    """Pulls at the weights themselves in AdamW: the means know nothing of it"""
    for settings in ({}, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.5}):
        check.true(*agreement(tt, check, "AdamW", settings, GRADIENTS))
    p = weight(tt, [1.0], [0.0])
    tt.AdamW([p], lr=0.5).step()
    check.close(p, [1 - 0.5 * 0.01])


@pytest.mark.points(2)
@pytest.mark.hint("All formulas are right alone? Then look at what is kept from step to step.")
@pytest.mark.depends(on=["test_nesterov", "test_rmsprop", "test_adamw"])
@given(
    kind=st.sampled_from(sorted(DEFAULTS)),
    keep=st.tuples(st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([0.5, 0.9])),
    decay=st.sampled_from([0.0, 0.1]),
    steps=st.lists(
        st.none() | st.tuples(st.tuples(PARTS, PARTS), st.sampled_from([0.01, 0.1])),
        min_size=1,
        max_size=8,
    ),
)
def test_any_training(tt, check, kind, keep, decay, steps):
    """Follows the formulas through trainings that nobody planned: settings, pauses, new rates"""
    settings = {"lr": 0.1, "weight_decay": decay}
    if kind == "SGD":
        settings |= {"momentum": keep[0], "nesterov": keep == (0.9, 0.9)}
    elif kind == "RMSprop":
        settings |= {"momentum": keep[0], "alpha": keep[1], "eps": 0.01}
    else:
        settings |= {"betas": keep, "eps": 0.01}
    planned = [None if step is None else (list(step[0]), step[1]) for step in steps]
    check.true(*agreement(tt, check, kind, settings, planned))


@pytest.mark.points(1)
@pytest.mark.hint("Skip a parameter whose .grad is None, and count the steps of each for itself.")
@pytest.mark.depends(on="test_gradients")
def test_without_a_gradient(tt, check):
    """Leaves alone what has no gradient, and begins its count when a gradient comes"""
    for kind, settings in FULL.items():
        early, late = weight(tt, [1.0], [1.0]), weight(tt, [1.0])
        both = getattr(tt, kind)([early, late], **settings)
        for _ in range(3):
            both.step()
        check.close(late, [1])
        early.grad, late.grad = None, tt.Tensor([2.0])
        stays = check.array(early)
        both.step()
        check.close(early, stays)
        rates = {**DEFAULTS[kind], **settings}
        check.close(late, moved(kind, np.array([1.0]), np.array([2.0]), {}, **rates), rtol=1e-4)


@pytest.mark.points(1)
@pytest.mark.hint("Write into the array that is there; a number of NumPy would widen it.")
@pytest.mark.depends(on="test_steps_by_hand")
def test_shapes_and_dtypes(tt, check):
    """Keeps the shape of every parameter, and float32, whatever the learning rate is made of"""
    draw = np.random.default_rng(0).standard_normal
    for kind, settings in FULL.items():
        for shape in ((3,), (1, 3), (3, 1), (), (2, 0), (2, 3, 1, 2), (257, 301), (2, 40_000)):
            start, gradient = draw(shape), np.asarray(draw(shape), np.float32)
            params = [weight(tt, start)]
            if len(shape) == 2:  # the same, in another order of memory
                params.append(weight(tt, np.ascontiguousarray(start.T)).detach().T)
                params[1].requires_grad = True
            optimizer = getattr(tt, kind)(params, **settings)
            optimizer.lr = np.float64(0.1)
            expected, kept = start, {}
            for _ in range(2):
                for p in params:
                    p.grad = tt.Tensor(gradient)
                optimizer.step()
                rates = {**DEFAULTS[kind], **settings, "lr": 0.1}
                expected = moved(kind, expected, gradient, kept, **rates)
            for p in params:
                check.shape(p, shape)
                check.dtype(p, "float32")
                if p.size:
                    check.close(p, expected, rtol=1e-3, atol=1e-3)
    wide = tt.Tensor(np.ones(2), requires_grad=True)
    wide.grad = tt.Tensor(np.ones(2))
    tt.Adam([wide]).step()
    check.dtype(wide, "float64")


@pytest.mark.points(1)
@pytest.mark.hint("Each optimizer has its own memory, and in it a place for each parameter.")
@pytest.mark.depends(on="test_gradients")
def test_memories(tt, check, run_program):
    """Keeps apart what it remembers of several parameters, and several optimizers of one"""
    for kind, settings in FULL.items():
        start, sizes = [1.0, 2.0], (1.0, -3.0)
        alone = [weight(tt, start) for _ in sizes]
        single = [getattr(tt, kind)([p], **settings) for p in alone]
        together = [weight(tt, start) for _ in sizes]
        pair = getattr(tt, kind)(together, **settings)
        rates, kept, expected = {**DEFAULTS[kind], **settings}, [{}, {}], [np.array(start)] * 2
        for _ in range(3):
            for n, size in enumerate(sizes):
                gradient = np.array([size, 1.0])
                expected[n] = moved(kind, expected[n], gradient, kept[n], **rates)
            for p, q, optimizer, size in zip(alone, together, single, sizes, strict=True):
                p.grad, q.grad = tt.Tensor([size, 1.0]), tt.Tensor([size, 1.0])
                optimizer.step()
            pair.step()
        for p, q, place in zip(alone, together, expected, strict=True):
            check.close(p, place, rtol=1e-4)
            check.close(q, place, rtol=1e-4)
        fresh, shared = weight(tt, start), tt.Tensor([1.0, 1.0])
        fresh.grad, alone[0].grad = shared, shared
        single[0].step()
        getattr(tt, kind)([fresh], **settings).step()
        once = moved(kind, np.array(start), np.ones(2), {}, **rates)
        check.close(fresh, once, rtol=1e-4)
        found = run_program("programs/iterators.py", kind=kind, settings=settings)
        places, kept = [np.full(2, n) for n in (1.0, 2.0)], ({}, {})
        for _ in range(2):
            clipped = np.array([[0, 0], [0.6, 0.8]])
            places = [
                moved(kind, place, g, own, **rates)
                for place, g, own in zip(places, clipped, kept, strict=True)
            ]
        check.close(np.array(found["places"]), np.array(places), rtol=1e-3)
        check.true(found["forgotten"], "zero_grad() leaves gradients where params is an iterator")


@pytest.mark.points(1)
@pytest.mark.hint("Look at parameter.data in each step: the array may be another one.")
@pytest.mark.depends(on="test_gradients")
def test_somebody_sets_the_weights(tt, check):
    """Goes on from weights that were set between two steps, with what it remembers"""
    for kind, settings in FULL.items():
        rates, kept = {**DEFAULTS[kind], **settings}, {}
        p = weight(tt, [1.0, 2.0])
        optimizer = getattr(tt, kind)([p], **settings)
        for step in range(4):
            place, g = np.array([step, -1.0]), np.array([1.0, step - 2.0])
            p.data, p.grad = place.astype(np.float32), tt.Tensor(g.astype(np.float32))
            optimizer.step()
            check.close(p, moved(kind, place, g, kept, **rates), rtol=1e-4)


@pytest.mark.points(2)
@pytest.mark.hint("Settings, the steps of each parameter, and copies of all that is remembered.")
@pytest.mark.depends(on=["test_memories", "test_without_a_gradient"])
def test_saving_and_going_on(tt, check):
    """Goes on to the bit from a state, which is flat and plain, as a file needs it"""
    for kind, settings in FULL.items():
        p, idle = weight(tt, [1.0, 2.0]), weight(tt, [3.0])
        optimizer = getattr(tt, kind)([p, idle], **settings)
        for g in GRADIENTS[:3]:
            p.grad = tt.Tensor(np.array(g, np.float32))
            optimizer.step()
        optimizer.lr = 0.03
        state, reached = optimizer.state_dict(), check.array(p)
        plain = {}
        for name, value in check.type(state, dict).items():
            check.type(value, (bool, int, float, str, list, np.ndarray))
            plain[name] = np.array(value) if isinstance(value, np.ndarray) else value
            kinds = [type(element) for element in value] if isinstance(value, list) else []
            check.true({*kinds} <= {int, float, str}, f"state[{name!r}] is {value!r}, not plain")
        for g in GRADIENTS[3:]:
            p.grad = tt.Tensor(np.array(g, np.float32))
            optimizer.step()
        with check.raises((ValueError, RuntimeError, KeyError, IndexError)):
            getattr(tt, kind)([weight(tt, [1.0, 2.0])]).load_state_dict(state)
        another = {"Adam": "AdamW", "AdamW": "Adam", "SGD": "Adam", "RMSprop": "SGD"}[kind]
        with check.raises((ValueError, RuntimeError, KeyError, TypeError)):
            of_another = getattr(tt, another)([weight(tt, [1.0, 2.0]), weight(tt, [3.0])])
            of_another.load_state_dict(state)
        for given_state in (state, plain):
            q, still = weight(tt, reached), weight(tt, [3.0])
            other = getattr(tt, kind)([q, still])
            other.load_state_dict(given_state)
            for g in GRADIENTS[3:]:
                q.grad = tt.Tensor(np.array(g, np.float32))
                other.step()
            check.close(q, check.array(p), rtol=0, atol=0)
            check.equal(float(other.lr), 0.03)
            still.grad = tt.Tensor([1.0])
            other.step()
            rates = {**DEFAULTS[kind], **settings, "lr": 0.03}
            place = moved(kind, np.array([3.0]), np.array([1.0]), {}, **rates)
            check.close(still, place, rtol=1e-4)


@pytest.mark.points(1)
@pytest.mark.hint("Copy arrays on the way into a state, and on the way out of it.")
@pytest.mark.depends(on="test_saving_and_going_on")
def test_states_are_copies(tt, check, run_program):
    """Shares no array with a state: neither the optimizer it is of, nor those that load it"""
    for kind, settings in FULL.items():
        places = run_program("programs/optimizer_states.py", kind=kind, settings=settings)
        own, loaded, loaded_again = (np.array(place) for place in places)
        check.close(loaded, own, rtol=0, atol=0)
        check.close(loaded_again, own, rtol=0, atol=0)


@pytest.mark.points(1)
@pytest.mark.hint("Look at the settings when they are given; the message names the value.")
@pytest.mark.depends(on="test_steps_by_hand")
def test_what_is_refused(tt, check):
    """Refuses settings and parameters that make no sense, and names them"""
    p = weight(tt, [1.0, 2.0], [1.0, 1.0])
    for kind in DEFAULTS:
        for wrong in ({"lr": -0.1}, {"weight_decay": -0.1}):
            with check.raises(ValueError, mentions=("-0.1",)):
                getattr(tt, kind)([p], **wrong)
        with check.raises(ValueError):
            getattr(tt, kind)([])
        for params in (p, [p, 3.0], 0.1):
            with check.raises((TypeError, ValueError)):
                getattr(tt, kind)(params)
    for kind, wrong, value in (
        ("SGD", {"momentum": -0.5}, "-0.5"),
        ("RMSprop", {"eps": -1.0}, "-1.0"),
        ("Adam", {"eps": -1.0}, "-1.0"),
        ("Adam", {"betas": (1.0, 0.999)}, "1.0"),
        ("Adam", {"betas": (0.9, -0.5)}, "-0.5"),
        ("AdamW", {"betas": (0.9, 1.5)}, "1.5"),
    ):
        with check.raises(ValueError, mentions=(value,)):
            getattr(tt, kind)([p], **wrong)
    try:
        twice = tt.SGD([p, p], lr=0.5)
    except (TypeError, ValueError):
        return
    twice.step()
    check.close(p, [0.5, 1.5])


@pytest.mark.points(1)
@pytest.mark.hint("initial_lr * gamma ** (steps // step_size), from the rate that it began with.")
@pytest.mark.depends(on="test_steps_by_hand")
def test_step_lr(tt, check):
    """Lets the learning rate fall after every step_size steps, not before, and not faster"""
    for size, gamma in ((1, 0.5), (2, 0.5), (3, 0.1)):
        optimizer = tt.SGD([weight(tt, [1.0])], lr=0.8)
        schedule = tt.StepLR(optimizer, step_size=size, gamma=gamma)
        expected = [0.8 * gamma ** (step // size) for step in range(9)]
        check.close(np.array(rates_of(schedule, optimizer, 9)), expected)
    optimizer = tt.Adam([weight(tt, [1.0])], lr=0.8)
    check.close(np.array(rates_of(tt.StepLR(optimizer, 2), optimizer, 4)), [0.8, 0.8, 0.08, 0.08])
    p = weight(tt, [1.0], [1.0])
    optimizer = tt.SGD([p], lr=0.5)
    schedule = tt.StepLR(optimizer, 1, 0.5)
    for expected in (0.5, 0.25, 0.125):
        optimizer.step()
        schedule.step()
        check.close(p, [expected])


@pytest.mark.points(1)
@pytest.mark.hint("eta_min + (initial_lr - eta_min) * (1 + cos(pi * steps / T_max)) / 2")
@pytest.mark.depends(on="test_step_lr")
def test_cosine_annealing(tt, check):
    """Goes down along half a cosine: initial at step 0, half way in the middle, eta_min at T_max"""
    for steps, least in ((4, 0.0), (10, 0.1)):
        optimizer = tt.SGD([weight(tt, [1.0])], lr=0.5)
        more = {"eta_min": least} if least else {}
        schedule = tt.CosineAnnealingLR(optimizer, T_max=steps, **more)
        found = rates_of(schedule, optimizer, steps + 1)
        waves = (1 + np.cos(np.pi * np.arange(steps + 1) / steps)) / 2
        check.close(np.array(found), least + (0.5 - least) * waves)
        check.close(np.array(found[steps // 2]), (0.5 + least) / 2)


@pytest.mark.points(1)
@pytest.mark.hint("max_lr at step pct_start * total_steps - 1; the least at total_steps - 1.")
@pytest.mark.depends(on="test_cosine_annealing")
def test_one_cycle(tt, check):
    """Goes up to max_lr and down to next to nothing, whatever the rate was before"""
    for total, part, begin, end in ((10, 0.3, 25.0, 1e4), (20, 0.5, 5.0, 10.0)):
        optimizer = tt.SGD([weight(tt, [1.0])], lr=99.0)
        more = {"pct_start": part, "div_factor": begin, "final_div_factor": end}
        schedule = tt.OneCycleLR(optimizer, max_lr=0.5, total_steps=total, **more)
        top, first = round(part * total) - 1, 0.5 / begin
        up = (1 - np.cos(np.pi * np.arange(top + 1) / top)) / 2
        down = (1 + np.cos(np.pi * np.arange(1, total - top) / (total - 1 - top))) / 2
        last = first / end
        expected = [*first + (0.5 - first) * up, *last + (0.5 - last) * down]
        check.close(np.array(rates_of(schedule, optimizer, total)), expected)
        with check.raises(ValueError, mentions=(str(total),)):
            schedule.step()
    optimizer = tt.SGD([weight(tt, [1.0])], lr=0.1)
    schedule = tt.OneCycleLR(optimizer, 0.8, 10, anneal_strategy="linear")
    down = np.linspace(0.8, 0.8 / 25 / 1e4, 8)
    check.close(np.array(rates_of(schedule, optimizer, 10)), [0.032, 0.416, *down])


@pytest.mark.points(1)
@pytest.mark.hint("Save the first learning rate and the number of steps, beside the settings.")
@pytest.mark.depends(on="test_one_cycle")
def test_schedules_go_on(tt, check):
    """Goes on from a saved schedule as if nothing had happened"""
    for kind, settings in {
        "StepLR": {"step_size": 2, "gamma": 0.5},
        "CosineAnnealingLR": {"T_max": 8, "eta_min": 0.01},
        "OneCycleLR": {"max_lr": 0.7, "total_steps": 8},
    }.items():
        optimizer = tt.SGD([weight(tt, [1.0])], lr=0.4)
        schedule = getattr(tt, kind)(optimizer, **settings)
        rates_of(schedule, optimizer, 3)
        state, before = schedule.state_dict(), optimizer.state_dict()
        for value in check.type(state, dict).values():
            check.type(value, (bool, int, float, str, list))
        expected = rates_of(schedule, optimizer, 4)
        for scheduled_first in (True, False):
            other = tt.SGD([weight(tt, [1.0])], lr=0.9)
            if not scheduled_first:
                other.load_state_dict(before)
            resumed = getattr(tt, kind)(other, **settings)
            if scheduled_first:
                other.load_state_dict(before)
            resumed.load_state_dict(state)
            check.close(np.array(rates_of(resumed, other, 4)), expected)


@pytest.mark.points(2)
@pytest.mark.hint("The root of the sum of all squares, of all parameters; one factor for all.")
def test_clipping(tt, check, run_program):
    """Shortens all gradients together, only if they are too long, and says how long they were"""
    for limit, expected in ((10, 1.0), (7.5, 1.0), (3.5, 0.5), (0.7, 0.1)):
        p, idle = weight(tt, [0.0, 0.0], [2.0, -3.0]), weight(tt, [1.0])
        q = weight(tt, [[0.0]], [[6.0]])
        length = tt.clip_grad_norm([p, idle, q], limit)
        check.close(np.array(float(length)), 7)
        check.close(p.grad, [2 * expected, -3 * expected], rtol=1e-4)
        check.close(q.grad, [[6 * expected]], rtol=1e-4)
        check.dtype(p.grad, "float32")
        check.true(idle.grad is None, "a parameter without a gradient has none after clipping")
        check.close(p, [0, 0])
    found = run_program("programs/iterators.py", kind="SGD", settings={"lr": 0.1})
    check.close(np.array(found["length"]), 5)
    check.close(np.array(found["clipped"]), [[0, 0], [0.6, 0.8]], rtol=1e-4)
    check.close(np.array(float(tt.clip_grad_norm([weight(tt, [1.0])], 1.0))), 0)
    check.close(np.array(float(tt.clip_grad_norm(weight(tt, [1.0], [2.0]), 1.0))), 2)
    with check.raises(ValueError, mentions=("max_norm",)):
        tt.clip_grad_norm([weight(tt, [1.0], [1.0])], -1.0)


def large_and_moved(tt, optimizer, settings):
    """A parameter of 16 MiB, with a gradient as large, and the optimizer that moved it."""
    p = tt.ones(2048, 2048)
    p.requires_grad, p.grad = True, tt.ones(2048, 2048)
    moving = optimizer([p], **settings)
    moving.step()
    return p, moving


@pytest.mark.points(1)
@pytest.mark.hint("Two means, as wide as the weight, are all that Adam remembers.")
@pytest.mark.depends(on="test_shapes_and_dtypes")
def test_memory_of_optimizers(tt, check, memory):
    """Keeps no more arrays than the formulas remember: one, or two for Adam"""
    size = 2048 * 2048 * 4
    for kind, settings, arrays in (
        ("SGD", {"momentum": 0.9}, 1),
        ("RMSprop", {}, 1),
        ("Adam", {}, 2),
        ("AdamW", {}, 2),
    ):
        optimizer = getattr(tt, kind)  # imported before anything is measured
        with memory() as used:  # also of the parameter: a step may put a new array in its place
            held = large_and_moved(tt, optimizer, settings)
        went = moved(kind, 1.0, 1.0, {}, **{**DEFAULTS[kind], **settings})
        check.close(held[0][:2, :2], np.full((2, 2), went), rtol=1e-4)
        kept, named = used.retained / size - 2, ", ".join(f"{k}={v}" for k, v in settings.items())
        text = f"{kind}({named}) keeps {kept:.1f} times the bytes of its parameters"
        check.true(kept < arrays + 0.5, f"{text}, expected {arrays}")
        held = None  # or its memory would be given back while the next one is measured


@pytest.mark.points(2)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one learns.")
@pytest.mark.depends(on=["test_nesterov", "test_rmsprop", "test_adamw", "test_one_cycle"])
def test_every_optimizer_learns_to_read_digits(check, digits, run_program):
    """Trains a network to read 90 % of 360 unseen digits in 70 steps, with each optimizer"""
    rng = np.random.default_rng(0)
    shapes = {(64, 32): (2 / 64) ** 0.5, (32,): 0, (32, 10): (1 / 32) ** 0.5, (10,): 0}
    drawn = [size * rng.standard_normal(shape) for shape, size in shapes.items()]
    start = [array.astype(np.float32) for array in drawn]
    images, labels = digits.train_images.reshape(-1, 64), digits.train_labels
    rows = rng.permutation(len(labels))[: 11 * 128].reshape(11, 128)
    unseen = digits.test_images.reshape(-1, 64)
    for kind, settings in FOR_DIGITS.items():
        read = run_program(
            "programs/digits_learned.py",
            kind=kind,
            settings=settings,
            start=start,
            batches=[(images[chosen], labels[chosen]) for chosen in rows],
            steps=70,
            unseen=unseen,
        )
        correct = float((read == digits.test_labels).mean())
        text = f"{kind} reads {correct:.1%} of 360 digits after 70 steps, expected 90 %"
        check.true(correct >= 0.9, text)
