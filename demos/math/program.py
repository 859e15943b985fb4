"""A picture made of arithmetic: the Mandelbrot set, drawn by your Tensor.

    python demos/math/program.py [--png FILE]

A point c of the plane belongs to the set if z -> z * z + c, begun at 0, stays small for ever. With
z = x + iy, that is x -> x * x - y * y + a and y -> 2 * x * y + b: multiplications and additions,
here of all points at once. A column and a row make the grid: that is broadcasting.

Every number is computed by the tinytorch that you wrote: module 02.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import numpy as np

import tinytorch as tt

STEPS, SHOWN = 30, 10  # only the first steps differ enough to be seen as shades


def main(_, across, up, steps=STEPS):
    """What the test asks for: how many steps each point stays small."""
    return steps_inside(across, up, steps).numpy()


def steps_inside(across, up, steps=STEPS):
    """For a (W,) and b (H,), how often z -> z * z + a + ib stays within 2 of 0: (H, W)."""
    a, b = tt.Tensor(across), tt.Tensor(up).reshape(-1, 1)
    x = y = count = a * 0 + b * 0  # zeros, (H, W)
    small = count + 1  # 1 while a point is inside, then 0
    for _ in range(steps):
        x, y = x * x - y * y + a, 2 * x * y + b
        small = tt.where(x * x + y * y <= 4, small, 0)
        count = count + small
        x, y = x * small, y * small  # what left stops growing
    return count


def run(png):
    import pictures

    across, up = np.linspace(-2.1, 0.8, 74), np.linspace(1.15, -1.15, 24)
    print("Your Tensor computes z * z + c at 1,776 points at once, 30 times:\n")
    found = steps_inside(across, up).numpy()
    shades = np.minimum(found, SHOWN) / SHOWN
    pictures.show(pictures.shaded(shades), captions=["the Mandelbrot set"])
    print(f"\n{(found == STEPS).sum()} points are still inside. The test: pytest --demo math")
    if png:
        fine = steps_inside(np.linspace(-2.1, 0.8, 580), np.linspace(1.15, -1.15, 460))
        pictures.save(png, ("the Mandelbrot set", np.sqrt(fine.numpy())))


if __name__ == "__main__":
    from pictures import options

    run(options(__doc__).png)
