"""The gradient of x in x + x + ... + x: one more than there are operations."""

import numpy as np


def main(tt, operations):
    x = tt.Tensor([1.0], requires_grad=True)
    y = x
    for _ in range(operations):
        y = y + x
    y.backward()
    return np.asarray(x.grad)
