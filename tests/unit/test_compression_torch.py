"""Module 12 against PyTorch: dropout, penalties, pruning, distillation (skipped without it)."""

from itertools import pairwise

import numpy as np
import pytest

import tinytorch as tt

torch = pytest.importorskip("torch")
prune = pytest.importorskip("torch.nn.utils.prune")
F = torch.nn.functional
RNG = np.random.default_rng(0)
LOGITS, OTHERS = RNG.standard_normal((2, 7, 5)).astype(np.float32) * 3
CLASSES = np.array([0, 4, 2, 2, 1, 0, 3])


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_has_the_same_values_and_share(p):
    x = np.full(100_000, 3, np.float32)
    tt.manual_seed(0)
    torch.manual_seed(0)
    ours = tt.Dropout(p)(tt.Tensor(x)).numpy()
    theirs = F.dropout(torch.from_numpy(x), p).numpy()
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=1e-6)
    # Two independent shares of 100,000 draws: ten standard deviations of their difference.
    assert abs((ours == 0).mean() - (theirs == 0).mean()) < 10 * (2 * p * (1 - p) / len(x)) ** 0.5


def test_dropout_hands_the_same_gradient_on():
    x = tt.Tensor(np.ones((50, 4), np.float32), requires_grad=True)
    y = tt.Dropout(0.3)(x)
    (y * y).sum().backward()
    theirs = torch.ones(50, 4, requires_grad=True)
    mask = torch.from_numpy((y.numpy() != 0).astype(np.float32))
    ((theirs * mask / 0.7) ** 2).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), rtol=1e-5)


def test_l2_moves_like_weight_decay():
    """A step along the penalty's gradient is a step of `weight_decay=2 * strength`."""
    weight = RNG.standard_normal((3, 4)).astype(np.float32)
    layer = tt.Linear(4, 3, bias=False)
    layer.weight.data = weight.copy()
    optimizer = tt.SGD(layer.parameters(), lr=0.1)
    tt.L2(0.05)(layer).backward()
    optimizer.step()
    theirs = torch.nn.Parameter(torch.from_numpy(weight.copy()))
    theirs.grad = torch.zeros_like(theirs)
    torch.optim.SGD([theirs], lr=0.1, weight_decay=0.1).step()
    np.testing.assert_allclose(layer.weight.numpy(), theirs.detach().numpy(), rtol=1e-5)


def test_label_smoothing_gives_the_same_loss():
    soft = tt.label_smoothing(CLASSES, 5, 0.2).numpy()
    found = F.cross_entropy(torch.from_numpy(LOGITS), torch.from_numpy(soft))
    labels = torch.from_numpy(CLASSES)
    wanted = F.cross_entropy(torch.from_numpy(LOGITS), labels, label_smoothing=0.2)
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-5)


@pytest.mark.parametrize("temperature, alpha", [(1, 1), (4, 0.9), (2.5, 0.3), (3, 0)])
def test_distillation(temperature, alpha):
    x = tt.Tensor(LOGITS.copy(), requires_grad=True)
    loss = tt.DistillationLoss(temperature, alpha)(x, tt.Tensor(OTHERS), CLASSES)
    loss.backward()
    theirs = torch.tensor(LOGITS, requires_grad=True)
    soft = F.kl_div(
        F.log_softmax(theirs / temperature, dim=1),
        F.softmax(torch.from_numpy(OTHERS) / temperature, dim=1),
        reduction="batchmean",
    )
    hard = F.cross_entropy(theirs, torch.from_numpy(CLASSES))
    wanted = alpha * temperature**2 * soft + (1 - alpha) * hard
    wanted.backward()
    np.testing.assert_allclose(loss.numpy(), wanted.detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-6)
    assert loss.dtype == x.grad.dtype == np.float32


def pair(*sizes):
    """The same layers here and there, as lists."""
    mine = [tt.Linear(a, b) for a, b in pairwise(sizes)]
    theirs = [torch.nn.Linear(*layer.weight.shape[::-1]) for layer in mine]
    for ours, other in zip(mine, theirs, strict=True):
        with torch.no_grad():
            other.weight.copy_(torch.from_numpy(ours.weight.numpy().copy()))
    return mine, theirs


@pytest.mark.parametrize("amount", [0, 0.1, 0.5, 0.83])
def test_magnitude_pruning_keeps_the_same_weights(amount):
    mine, theirs = pair(13, 7, 5)
    masks = tt.magnitude_prune(tt.Sequential(*mine), amount)
    named = [(layer, "weight") for layer in theirs]
    prune.global_unstructured(named, prune.L1Unstructured, amount=amount)
    for ours, other, mask in zip(mine, theirs, masks.values(), strict=True):
        np.testing.assert_array_equal(ours.weight.numpy(), other.weight.detach().numpy())
        np.testing.assert_array_equal(mask, other.weight_mask.numpy().astype(bool))


def test_structured_pruning_keeps_the_same_neurons():
    mine, theirs = pair(9, 12, 4)
    small = tt.structured_prune(tt.Sequential(mine[0], tt.relu, mine[1]), 0.5)
    prune.ln_structured(theirs[0], "weight", amount=0.5, n=2, dim=0)
    rows = theirs[0].weight.detach().numpy()
    np.testing.assert_array_equal(small[0].weight.numpy(), rows[rows.any(axis=1)])


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_quantization_differs_at_ties_alone():
    """PyTorch adds the zero point before it rounds: half steps differ where it is odd."""
    x = np.append(np.linspace(-60, 60, 481), [0.5, 1.5, -2.5]).astype(np.float32)
    for zero, differs in ((0, False), (2, False), (3, True)):
        ours = tt.quantize(x, scale=1.0, zero_point=zero).values
        theirs = torch.quantize_per_tensor(torch.from_numpy(x), 1.0, zero, torch.qint8)
        other = theirs.int_repr().numpy() != ours
        assert other.any() == differs and not other[x % 1 != 0.5].any()
