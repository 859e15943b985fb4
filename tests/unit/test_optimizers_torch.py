"""Optimizers, schedules and clipping against PyTorch; skipped where it is not installed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

SHAPES = ((4, 3), (3,), (), (1, 3), (300, 257))
OPTIMIZERS = [
    ("SGD", {"lr": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.5, "eps": 0.1}),
    ("RMSprop", {"weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"momentum": 0.9, "weight_decay": 0.1, "alpha": 0.9}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.5}),
]
SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("CosineAnnealingLR", {"T_max": 6}),
    ("CosineAnnealingLR", {"T_max": 20, "eta_min": 0.01}),
    ("OneCycleLR", {"max_lr": 0.8, "total_steps": 20}),
    ("OneCycleLR", {"max_lr": 0.8, "total_steps": 20, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.8, "total_steps": 20, "pct_start": 0.0, "div_factor": 2.0}),
    ("OneCycleLR", {"max_lr": 0.8, "total_steps": 20, "pct_start": 0.77, "final_div_factor": 3}),
    ("OneCycleLR", {"max_lr": 0.8, "total_steps": 21, "pct_start": 0.1}),
]


def names(rows):
    return [f"{kind} {' '.join(f'{n}={v}' for n, v in chosen.items())}" for kind, chosen in rows]


def set_rate(optimizer, rate):
    if isinstance(optimizer, torch.optim.Optimizer):
        optimizer.param_groups[0]["lr"] = rate
    else:
        optimizer.lr = rate


def rate_of(optimizer):
    ours = not isinstance(optimizer, torch.optim.Optimizer)
    return optimizer.lr if ours else optimizer.param_groups[0]["lr"]


def pairs(arrays):
    """The same parameters twice: ours, theirs."""
    mine = [tt.Tensor(array.copy(), requires_grad=True) for array in arrays]
    return mine, [torch.tensor(array, requires_grad=True) for array in arrays]


def drawn(rng, *shapes):
    return [np.asarray(rng.standard_normal(shape), np.float32) for shape in shapes]


def assert_close(mine, theirs):
    for ours, parameter in zip(mine, theirs, strict=True):
        wanted = parameter.detach().numpy()
        assert (ours.shape, ours.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("kind, chosen", OPTIMIZERS, ids=names(OPTIMIZERS))
def test_ten_steps_agree(kind, chosen):
    rng = np.random.default_rng(0)
    mine, theirs = pairs(drawn(rng, *SHAPES))
    ours = getattr(tt, kind)(mine, **chosen)
    reference = getattr(torch.optim, kind)(theirs, **chosen)
    for _ in range(10):
        for p, q, g in zip(mine, theirs, drawn(rng, *SHAPES), strict=True):
            p.grad, q.grad = tt.Tensor(g.copy()), torch.from_numpy(g)
        ours.step()
        reference.step()
        assert_close(mine, theirs)


@pytest.mark.parametrize("kind, chosen", OPTIMIZERS, ids=names(OPTIMIZERS))
def test_steps_agree_whatever_happens_between_them(kind, chosen):
    """Gradients come late or not at all, weights and rates are set, states are loaded."""
    rng = np.random.default_rng(1)
    mine, theirs = pairs(drawn(rng, (4, 3), (3,)))
    ours = getattr(tt, kind)(mine, **chosen)
    reference = getattr(torch.optim, kind)(theirs, **chosen)
    for step in range(12):
        present = (True, step > 2 and step % 3 != 0)
        for p, q, g, is_there in zip(mine, theirs, drawn(rng, (4, 3), (3,)), present, strict=True):
            p.grad = tt.Tensor(g.copy()) if is_there else None
            q.grad = torch.from_numpy(g) if is_there else None
        if step == 5:
            [array] = drawn(rng, (3,))
            mine[1].data, theirs[1].data = array.copy(), torch.from_numpy(array)
        if step == 7:
            set_rate(ours, 0.05)
            set_rate(reference, 0.05)
        if step == 9:
            state, ours = ours.state_dict(), getattr(tt, kind)(mine)
            ours.load_state_dict(state)
        ours.step()
        reference.step()
        assert_close(mine, theirs)


@settings(deadline=None, database=None, max_examples=60)
@given(
    row=st.sampled_from(OPTIMIZERS),
    gradients=st.lists(
        st.none() | st.tuples(*[st.floats(-1e3, 1e3, width=16)] * 3), min_size=1, max_size=8
    ),
)
def test_any_gradients_agree(row, gradients):
    kind, chosen = row
    start = np.array([1, -2, 0.5])  # float64: both compute alike
    mine, theirs = pairs([start])
    ours = getattr(tt, kind)(mine, **chosen)
    reference = getattr(torch.optim, kind)(theirs, **chosen)
    for gradient in gradients:
        mine[0].grad = None if gradient is None else tt.Tensor(np.array(gradient))
        theirs[0].grad = None if gradient is None else torch.tensor(gradient, dtype=torch.float64)
        ours.step()
        reference.step()
    np.testing.assert_allclose(mine[0].numpy(), theirs[0].detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind, chosen", SCHEDULES, ids=names(SCHEDULES))
@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
def test_schedules_agree(kind, chosen):
    mine, theirs = pairs([np.ones(2, np.float32)])
    ours = tt.SGD(mine, lr=0.4)
    reference = torch.optim.SGD(theirs, lr=0.4, momentum=0.9)  # whose momentum may be cycled
    more = {"cycle_momentum": False} if kind == "OneCycleLR" else {}
    schedule = getattr(tt, kind)(ours, **chosen)
    their_schedule = getattr(torch.optim.lr_scheduler, kind)(reference, **chosen, **more)
    for _ in range(chosen.get("total_steps", 30) - 1):
        assert np.isclose(rate_of(ours), rate_of(reference), rtol=1e-9, atol=1e-12)
        schedule.step()
        their_schedule.step()
    assert np.isclose(rate_of(ours), rate_of(reference), rtol=1e-9, atol=1e-12)
    if more:  # one step() follows the last step of the optimizer, and none after that
        for one in (schedule, their_schedule):
            one.step()
            with pytest.raises(ValueError, match="total"):
                one.step()


@pytest.mark.parametrize("limit", [0.0, 0.5, 20.0, 277.0, 278.0, 1e3, float("inf")])
def test_clipping_agrees(limit):
    rng = np.random.default_rng(2)
    mine, theirs = pairs(drawn(rng, *SHAPES, (2,)))
    for p, q, g in zip(mine[:-1], theirs[:-1], drawn(rng, *SHAPES), strict=True):
        p.grad, q.grad = tt.Tensor(g.copy()), torch.from_numpy(g)
    wanted = torch.nn.utils.clip_grad_norm_(theirs, limit)
    assert np.isclose(tt.clip_grad_norm(mine, limit), float(wanted), rtol=1e-6)
    assert_close([p.grad for p in mine[:-1]], [q.grad for q in theirs[:-1]])
    assert mine[-1].grad is theirs[-1].grad is None


def refusals(optimizers, make):
    """What happens with settings and parameters that make no sense, in words."""
    p = make([1.0, 2.0])
    p.requires_grad = True
    attempts = [
        lambda: optimizers.SGD([p], lr=-0.1),
        lambda: optimizers.SGD([p], lr=0.1, momentum=-0.1),
        lambda: optimizers.SGD([p], lr=0.1, weight_decay=-0.1),
        lambda: optimizers.SGD([p], lr=0.1, nesterov=True),
        lambda: optimizers.RMSprop([p], alpha=-0.1),
        lambda: optimizers.RMSprop([p], eps=-0.1),
        lambda: optimizers.Adam([p], betas=(1.0, 0.9)),
        lambda: optimizers.Adam([p], betas=(0.9, -0.1)),
        lambda: optimizers.AdamW([p], eps=-1.0),
        lambda: optimizers.AdamW([p], weight_decay=-1.0),
        lambda: optimizers.SGD([], lr=0.1),
        lambda: optimizers.SGD(p, lr=0.1),
        lambda: optimizers.SGD([p, 3.0], lr=0.1),
        lambda: optimizers.SGD([p * 2], lr=0.1),
        lambda: optimizers.SGD([p], lr=0.1).load_state_dict(
            optimizers.SGD([p, make([1.0])], lr=0.1).state_dict()
        ),
        lambda: optimizers.Adam([p], lr=0.0, eps=0.0, betas=(0.0, 0.0)),
        lambda: optimizers.SGD(iter([p, make([1.0])]), lr=1.0),
    ]
    found = []
    for attempt in attempts:
        try:
            attempt()
        except (TypeError, ValueError) as error:
            found.append(type(error).__name__)
        else:
            found.append("accepted")
    return found


def test_refusals_agree():
    ours = refusals(tt, tt.Tensor)
    assert ours == refusals(torch.optim, torch.tensor)
    assert ours[-2:] == ["accepted"] * 2 and "accepted" not in ours[:-2]


def test_a_whole_training_agrees():
    """Clipped AdamW with one cycle, on batches of which the last is shorter."""
    rng = np.random.default_rng(3)
    x, labels = rng.standard_normal((70, 20)).astype(np.float32), rng.integers(0, 5, 70)
    mine = tt.MLP([20, 16, 5], activation=tt.GELU)
    theirs = torch.nn.Sequential(torch.nn.Linear(20, 16), torch.nn.GELU(), torch.nn.Linear(16, 5))
    with torch.no_grad():
        for ours, parameter in zip(mine.parameters(), theirs.parameters(), strict=True):
            parameter.copy_(torch.from_numpy(ours.numpy().copy()))
    optimizer = tt.AdamW(mine.parameters(), lr=0.01)
    reference = torch.optim.AdamW(theirs.parameters(), lr=0.01)
    schedule = tt.OneCycleLR(optimizer, 0.01, 12)
    their_schedule = torch.optim.lr_scheduler.OneCycleLR(reference, 0.01, 12, cycle_momentum=False)
    for step in range(12):
        batch = slice(32 * (step % 3), 32 * (step % 3) + 32)
        rows, wanted = np.arange(len(labels[batch])), labels[batch]
        optimizer.zero_grad()
        reference.zero_grad()
        loss = -tt.log_softmax(mine(tt.Tensor(x[batch])))[rows, wanted].mean()
        loss.backward()
        their_loss = torch.nn.functional.cross_entropy(
            theirs(torch.from_numpy(x[batch])), torch.from_numpy(wanted)
        )
        their_loss.backward()
        assert np.isclose(loss.item(), their_loss.item(), rtol=1e-4)
        tt.clip_grad_norm(mine.parameters(), 0.5)
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        for one in (optimizer, reference, schedule, their_schedule):
            one.step()
    for ours, parameter in zip(mine.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(ours.numpy(), parameter.detach().numpy(), rtol=1e-3, atol=1e-4)
