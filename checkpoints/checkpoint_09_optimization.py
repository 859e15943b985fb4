"""Checkpoint 09: steps of optimizers against the formulas in NumPy."""

import pytest

pytestmark = pytest.mark.checkpoint("09")


@pytest.mark.points(30)
@pytest.mark.hint("p - lr * g")
def test_a_step_by_hand(tt, check):
    """Moves against the gradient"""
    p = tt.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = tt.SGD([p], lr=0.1)
    p.grad = tt.Tensor([1.0, -1.0])
    optimizer.step()
    check.close(p, [0.9, 2.1])
