"""The edges of real digits, by the definition of a convolution, in NumPy and float64."""

import numpy as np
import pytest

pytestmark = pytest.mark.demo("vision")

RIGHT = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float64)


@pytest.mark.hint("A filter is not turned over: its left column meets the pixels on the left.")
def test_finds_edges(check, mnist, run_program):
    """Finds how much brighter each place gets, to the right and downward"""
    images = mnist.test_images[:8]
    found = run_program("program.py", images=images)
    padded = np.pad(images[:, 0].astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    expected = np.stack([(windows * f).sum(axis=(3, 4)) for f in (RIGHT, RIGHT.T)], axis=1)
    check.close(np.asarray(found["directions"], np.float64), expected, rtol=1e-4, atol=1e-4)
    edges = np.sqrt((expected**2).sum(axis=1))
    check.close(np.asarray(found["edges"], np.float64), edges, rtol=1e-4, atol=1e-4)
