"""A network of 64, 32 and 10, written in Tensor operations and trained by one of the optimizers."""

import numpy as np


def main(tt, kind, settings, start, batches, steps, unseen):
    """The digits that it then reads in `unseen`."""
    params = [tt.Tensor(array.copy(), requires_grad=True) for array in start]
    optimizer = getattr(tt, kind)(params, **settings)
    schedule = tt.OneCycleLR(optimizer, settings["lr"], total_steps=steps)
    for step in range(steps):
        images, wanted = batches[step % len(batches)]
        scores = scores_of(tt, tt.Tensor(images), params)
        scores = scores - scores.max(dim=1, keepdim=True).detach()
        loss = (scores.exp().sum(dim=1).log() - scores[np.arange(len(wanted)), wanted]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with tt.no_grad():
        return np.asarray(scores_of(tt, tt.Tensor(unseen), params).argmax(dim=1))


def scores_of(tt, x, params):
    w1, b1, w2, b2 = params
    hidden = x @ w1 + b1
    return tt.where(hidden > 0, hidden, 0.0) @ w2 + b2
