"""Losses, and whole trainings, against PyTorch (skipped without it)."""

import numpy as np
import pytest

import tinytorch as tt

try:
    import torch
except ImportError:
    torch = None

with_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
RNG = np.random.default_rng(0)
LOGITS = (3 * RNG.standard_normal((7, 5))).astype(np.float32)
FAR = np.array([[1e4, -1e4], [-1e4, 1e4], [0, 1e4]], np.float32)
SHARES = RNG.uniform(0, 1, (7, 5)).astype(np.float32)
ENDS = np.array([0, 1, 0, 1, 0.5], np.float32)
CLASSES = np.array([0, 4, 2, 2, 1, 0, 3])

# name -> (ours, PyTorch's, outputs, targets)
LOSSES = {
    "mse": ("MSELoss", {}, LOGITS, SHARES),
    "mse of one": ("MSELoss", {}, LOGITS[:1, :1], SHARES[:1, :1]),
    "cross-entropy": ("CrossEntropyLoss", {}, LOGITS, CLASSES),
    "cross-entropy of one": ("CrossEntropyLoss", {}, LOGITS[:1], CLASSES[:1]),
    "cross-entropy, smoothed": ("CrossEntropyLoss", {"label_smoothing": 0.1}, LOGITS, CLASSES),
    "cross-entropy, even": ("CrossEntropyLoss", {"label_smoothing": 1.0}, LOGITS, CLASSES),
    "cross-entropy, far": ("CrossEntropyLoss", {}, FAR, np.array([0, 0, 1])),
    "bce": ("BCELoss", {}, SHARES, SHARES[::-1].copy()),
    "bce at the ends": ("BCELoss", {}, ENDS, np.array([0, 0, 1, 1, 0.5], np.float32)),
    "bce with logits": ("BCEWithLogitsLoss", {}, LOGITS, SHARES),
    "bce with logits, far": ("BCEWithLogitsLoss", {}, FAR, (FAR > 0).astype(np.float32)),
}


@with_torch
@pytest.mark.parametrize("name", LOSSES)
def test_losses_agree(name):
    kind, options, outputs, targets = LOSSES[name]
    x = tt.Tensor(outputs.copy(), requires_grad=True)
    loss = getattr(tt, kind)(**options)(x, tt.Tensor(targets))
    (loss * 3).backward()
    theirs = torch.tensor(outputs, requires_grad=True)
    wanted = getattr(torch.nn, kind)(**options)(theirs, torch.tensor(targets))
    (wanted * 3).backward()
    np.testing.assert_allclose(loss.numpy(), wanted.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-6)
    assert loss.dtype == x.grad.dtype == np.float32


# In float64, with a large number for infinity, the limit of the loss can be read off.
INFINITE = [(x, t) for x in (-np.inf, np.inf, np.nan, 2.0) for t in (0.0, 0.25, 1.0)]


@pytest.mark.parametrize("x, t", INFINITE, ids=str)
@pytest.mark.filterwarnings("error")
def test_bce_with_logits_has_the_limit_at_infinity(x, t):
    loss = tt.BCEWithLogitsLoss()(tt.Tensor([x]), tt.Tensor([t])).item()
    near = np.clip(x, -1e300, 1e300)
    wanted = np.maximum(near, 0) - near * t + np.log1p(np.exp(-np.abs(near)))
    wanted = np.inf if wanted > 1e200 else wanted
    np.testing.assert_allclose(loss, wanted, rtol=1e-6)


@with_torch
@pytest.mark.parametrize("row", [[-np.inf, 1, 2], [np.inf, 1, 2], [np.nan, 1, 2], [-np.inf] * 3])
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.filterwarnings("error")
def test_cross_entropy_agrees_at_infinity_in_silence(row, target, smoothing):
    logits, targets = np.array([row], np.float32), np.array([target])
    x = tt.Tensor(logits, requires_grad=True)
    loss = tt.CrossEntropyLoss(smoothing)(x, targets)
    loss.backward()
    theirs = torch.tensor(logits, requires_grad=True)
    wanted = torch.nn.functional.cross_entropy(
        theirs, torch.tensor(targets), label_smoothing=smoothing
    )
    wanted.backward()
    np.testing.assert_allclose(loss.item(), wanted.item(), rtol=1e-5)
    np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-6)


@with_torch
@pytest.mark.parametrize("kind", ["MSELoss", "BCELoss", "BCEWithLogitsLoss"])
def test_gradients_of_targets_agree(kind):
    outputs = SHARES if kind == "BCELoss" else LOGITS
    t = tt.Tensor(SHARES[::-1].copy(), requires_grad=True)
    getattr(tt, kind)()(tt.Tensor(outputs), t).backward()
    theirs = torch.tensor(SHARES[::-1].copy(), requires_grad=True)
    getattr(torch.nn, kind)()(torch.tensor(outputs), theirs).backward()
    np.testing.assert_allclose(t.grad.numpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-6)


class Net(tt.Module):
    """A network with a norm, so that there are buffers as well.

    No bias before the norm, which takes it away again: its gradient would be rounding errors alone,
    and Adam makes whole steps of them.
    """

    def __init__(self):
        self.first, self.norm = tt.Linear(20, 16, bias=False), tt.BatchNorm1d(16)
        self.last = tt.Linear(16, 5)

    def forward(self, x):
        return self.last(tt.relu(self.norm(self.first(x))))


def their_net(mine):
    """The same network in PyTorch, with the same numbers."""
    theirs = torch.nn.Sequential(
        torch.nn.Linear(20, 16, bias=False),
        torch.nn.BatchNorm1d(16),
        torch.nn.ReLU(),
        torch.nn.Linear(16, 5),
    )
    with torch.no_grad():
        for ours, parameter in zip(mine.parameters(), theirs.parameters(), strict=True):
            parameter.copy_(torch.from_numpy(ours.numpy().copy()))
    return theirs


def their_loss(theirs, x, labels, smoothing):
    found = torch.nn.functional.cross_entropy(theirs(x), labels, label_smoothing=smoothing)
    return found, len(labels)


OPTIMIZERS = {
    "SGD": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "Adam": ("Adam", {"lr": 0.01}),
    "AdamW": ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    "RMSprop": ("RMSprop", {"lr": 0.001}),
}


@with_torch
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_whole_trainings_agree(name, accumulate):
    """Three epochs with a schedule, a short last batch, a short last group and validation."""
    kind, options = OPTIMIZERS[name]
    x = np.random.default_rng(3).standard_normal((70, 20)).astype(np.float32)
    labels = np.random.default_rng(4).integers(0, 5, 70)
    mine = Net()
    theirs = their_net(mine)
    optimizer = getattr(tt, kind)(mine.parameters(), **options)
    loader = tt.DataLoader(tt.TensorDataset(x, labels), 16)
    trainer = tt.Trainer(mine, optimizer, tt.CrossEntropyLoss(0.1), [tt.Accuracy()])
    schedule = tt.StepLR(optimizer, 2, gamma=0.1)
    history = trainer.fit(
        loader, loader, 3, accumulate=accumulate, scheduler=schedule, verbose=False
    )

    their_optimizer = getattr(torch.optim, kind)(theirs.parameters(), **options)
    their_schedule = torch.optim.lr_scheduler.StepLR(their_optimizer, 2, gamma=0.1)
    parts = [slice(start, start + 16) for start in range(0, 70, 16)]
    batches = [(torch.from_numpy(x[part]), torch.from_numpy(labels[part])) for part in parts]
    found = {"train_loss": [], "val_loss": [], "lr": []}
    for _ in range(3):
        theirs.train()
        total = 0.0
        for start in range(0, len(batches), accumulate):
            group = batches[start : start + accumulate]
            samples = sum(len(t) for _, t in group)
            their_optimizer.zero_grad()
            for batch in group:
                loss, count = their_loss(theirs, *batch, 0.1)
                (loss * count / samples).backward()
                total += loss.item() * count
            their_optimizer.step()
        found["train_loss"].append(total / 70)
        found["lr"].append(their_optimizer.param_groups[0]["lr"])
        theirs.eval()
        with torch.no_grad():
            pairs = [their_loss(theirs, *batch, 0.1) for batch in batches]
        found["val_loss"].append(sum(loss.item() * count for loss, count in pairs) / 70)
        their_schedule.step()
    for key, values in found.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-4)
    for ours, parameter in zip(mine.parameters(), theirs.parameters(), strict=True):
        wanted = parameter.detach().numpy()
        np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-3, atol=1e-4)
