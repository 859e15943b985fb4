"""The Mandelbrot set as the student's arithmetic counts it, against complex numbers in NumPy."""

import numpy as np
import pytest

pytestmark = pytest.mark.demo("math")


@pytest.mark.hint("Check x * x - y * y + a with small numbers, and a row plus a column.")
def test_counts_the_steps(check, run_program):
    """Counts for each point how long z * z + c stays within 2"""
    across, up = np.linspace(-2.13, 0.79, 40), np.linspace(1.11, -1.17, 24)
    c = across + 1j * up[:, None]
    z, inside, expected = np.zeros_like(c), np.ones(c.shape), np.zeros(c.shape)
    for _ in range(25):
        z = z * z + c
        inside = inside * (abs(z) <= 2)
        expected += inside
        z = z * inside
    check.close(run_program("program.py", across=across, up=up, steps=25), expected)
