"""Module 10 together with what it needs: Tensors, and gradients from the tape."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("10")]

OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9},
    "RMSprop": {"lr": 0.05},
    "Adam": {"lr": 0.1},
    "AdamW": {"lr": 0.1, "weight_decay": 0.0},
}


def line(tt):
    """A slope and an intercept to be learned, both 0."""
    return [tt.Tensor(0.0, requires_grad=True) for _ in range(2)]


@pytest.mark.hint("zero_grad, backward, step, in this order; a gradient left behind is added to.")
def test_the_best_line(tt, check, rng):
    """Finds the line that least squares finds by algebra, with every optimizer"""
    x = rng.uniform(-1, 1, 40).astype(np.float32)
    y = (3 * x - 1 + 0.1 * rng.standard_normal(40)).astype(np.float32)
    best = np.polyfit(x, y, 1)
    for kind, settings in OPTIMIZERS.items():
        slope, intercept = line(tt)
        optimizer = getattr(tt, kind)([slope, intercept], **settings)
        schedule = tt.CosineAnnealingLR(optimizer, T_max=200)
        for _ in range(200):
            optimizer.zero_grad()
            ((slope * tt.Tensor(x) + intercept - y) ** 2).mean().backward()
            optimizer.step()
            schedule.step()
        check.close(slope, best[0], rtol=1e-2, atol=1e-2)
        check.close(intercept, best[1], rtol=1e-2, atol=1e-2)


@pytest.mark.hint("backward adds to .grad until zero_grad; step takes what is there.")
def test_two_half_batches_are_a_whole_one(tt, check, rng):
    """Steps the same way after one backward of a batch and after two of its halves"""
    x, y = rng.uniform(-1, 1, (2, 20)).astype(np.float32)
    reached = []
    for parts in (1, 2):
        slope, intercept = line(tt)
        optimizer = tt.Adam([slope, intercept], lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            for rows, wanted in zip(np.split(x, parts), np.split(y, parts), strict=True):
                error = slope * tt.Tensor(rows) + intercept - wanted
                ((error**2).mean() / parts).backward()
            optimizer.step()
        reached.append([check.array(slope), check.array(intercept)])
    check.close(np.array(reached[1]), reached[0], rtol=1e-4)


@pytest.mark.hint("What is detached gets no gradient, and what has none is skipped.")
def test_a_frozen_part(tt, check):
    """Leaves alone what was detached, also from weight decay, and from the tape"""
    frozen, learned = line(tt)
    optimizer = tt.SGD([frozen, learned], lr=0.5, weight_decay=0.5)
    frozen.data = np.array(2.0, np.float32)
    for _ in range(3):
        optimizer.zero_grad()
        (frozen.detach() * 3 + learned).backward()
        optimizer.step()
    check.close(frozen, 2)
    check.close(learned, -0.5 * (1 + 0.75 + 0.75**2))
    check.equal([learned.requires_grad, learned.grad.requires_grad], [True, False])
    (learned * learned).backward()
    check.close(learned.grad, 1 - 2 * 0.5 * (1 + 0.75 + 0.75**2))
