"""Writes into the gradient of a leaf, as clipping does, and looks whether other arrays change."""

import numpy as np


def main(tt):
    programs = {
        "x + y": lambda x, y: x + y,
        "x - y": lambda x, y: x - y,
        "x.T + y": lambda x, y: x.T + y,
        "x.reshape(2, 2) + y": lambda x, y: x.reshape(2, 2) + y,
        "concatenate([x, y])": lambda x, y: tt.concatenate([x, y]),
        "x.sum() + y.sum()": lambda x, y: x.sum() + y.sum(),
    }
    return {name: after_writing(tt, program) for name, program in programs.items()}


def after_writing(tt, program):
    """Whether the gradient of x could be written into, and whether all else is as it was."""
    x, y = (tt.Tensor(np.ones((2, 2), np.float32), requires_grad=True) for _ in range(2))
    result = program(x, y)
    start = np.ones(result.shape, np.float32)
    result.backward(tt.Tensor(start))
    before = y.grad.numpy().copy()
    try:
        x.grad.numpy()[...] *= 3
    except ValueError:  # read-only
        return False, True
    same = (start == 1).all() and (y.grad.numpy() == before).all()
    return bool((x.grad.numpy() == 3).all()), bool(same)
