"""Gives iterators where a list is usual: they can be walked through once."""

import numpy as np


def main(tt, kind, settings):
    """Where two parameters are after two steps, and their gradients after clipping."""
    params = [tt.Tensor(np.full(2, n, np.float32), requires_grad=True) for n in (1, 2)]
    optimizer = getattr(tt, kind)(iter(params), **settings)
    for _ in range(2):
        for place, p in enumerate(params):
            p.grad = tt.Tensor(np.array([3, 4], np.float32) * place)
        length = tt.clip_grad_norm(iter(params), 1.0)
        clipped = [p.grad.numpy().copy() for p in params]
        optimizer.step()
    optimizer.zero_grad()
    return {
        "length": float(length),
        "clipped": clipped,
        "places": [p.numpy() for p in params],
        "forgotten": all(p.grad is None for p in params),
    }
