"""The line half-way between two clouds, against the geometry: equal distances from both centres."""

import numpy as np
import pytest

pytestmark = pytest.mark.demo("neuron")


@pytest.mark.hint("The layer computes x @ weight.T + bias; mean(0) is the centre of a cloud.")
def test_line_is_half_way(check, run_program, rng):
    """Gives scores that are the difference of the distances from both centres"""
    first = rng.normal(-1.0, 0.7, (50, 2)).astype(np.float32)
    second = rng.normal(0.8, 0.7, (60, 2)).astype(np.float32)
    points = rng.uniform(-3, 3, (40, 2)).astype(np.float32)
    centres = np.stack([first.mean(0, np.float64), second.mean(0, np.float64)])
    squares = ((points[:, None] - centres) ** 2).sum(axis=2)
    expected = (squares[:, 0] - squares[:, 1]) / 2
    found = run_program("program.py", first=first, second=second, points=points)
    check.close(np.asarray(found, np.float64), expected, rtol=1e-4, atol=1e-4)
