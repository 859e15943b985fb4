"""Losses at the ends of float32, on the student's side, where a warning is an error."""

import warnings

import numpy as np


def main(tt, logits, ends):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, y = (tt.Tensor(logits, requires_grad=True) for _ in range(2))
        found = {
            "cross_entropy": [
                tt.CrossEntropyLoss()(x, tt.Tensor(np.array(t))).item() for t in ([0, 1], [1, 2])
            ],
            "with_logits": [
                tt.BCEWithLogitsLoss()(y, tt.Tensor(np.array(t, np.float32))).item()
                for t in ([[1, 0, 0], [0, 1, 0]], [[0, 1, 0.5], [1, 0, 1]])
            ],
            "at_infinity": [
                tt.BCEWithLogitsLoss()(tt.Tensor([np.inf, -np.inf]), tt.Tensor(t)).item()
                for t in (ends[::-1], ends)
            ],
            "of_probabilities": [
                tt.BCELoss()(tt.Tensor(ends), tt.Tensor(t)).item() for t in (ends, 1 - ends)
            ],
        }
        tt.CrossEntropyLoss()(x, tt.Tensor([1, 0])).backward()
        tt.BCEWithLogitsLoss()(y, tt.zeros(2, 3)).backward()
    return found | {"cross_entropy_slope": x.grad.numpy(), "with_logits_slope": y.grad.numpy()}
