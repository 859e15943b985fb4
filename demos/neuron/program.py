"""A neuron is a line: one linear layer divides the plane between two clouds of points.

    python demos/neuron/program.py [--seed 0] [--png FILE]

The score of a point is x @ w + b. It is 0 along a straight line, and w points to the side where it
is positive. Nothing is trained here: w is the difference of the centres of the clouds, and b puts
the line half-way between them.

Every number is computed by the tinytorch that you wrote: modules 02 and 04.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import numpy as np

import tinytorch as tt

COUNT, LEFT, BOTTOM, SIZE = 120, -4.0, -3.0, (8.0, 6.0)


def main(_, first, second, points):
    """What the test asks for: the scores of some points, for two clouds (N, 2)."""
    return scores(line_between(first, second), points)


def line_between(first, second):
    """The layer whose score is 0 half-way between the centres of two clouds."""
    one, other = tt.Tensor(first).mean(0), tt.Tensor(second).mean(0)
    weight = other - one
    bias = -(weight * (one + other) / 2).sum()
    layer = tt.Linear(2, 1)
    layer.load_state_dict({"weight": weight.reshape(1, 2).numpy(), "bias": bias.reshape(1).numpy()})
    return layer


def scores(layer, points):
    """Positive on the side of the second cloud: (N,)."""
    return layer(tt.Tensor(points)).numpy()[:, 0]


def clouds(seed):
    """Two clouds of COUNT points each, around (-1.2, -0.8) and (1.2, 0.8)."""
    rng = np.random.default_rng(seed)
    centre = np.array([1.2, 0.8])
    return tuple(
        (rng.normal(0, 0.8, (COUNT, 2)) + side * centre).astype(np.float32) for side in (-1, 1)
    )


def grid(width, height):
    """The middles of the cells of a picture of the plane, the top first: (height, width, 2)."""
    across = LEFT + (np.arange(width) + 0.5) / width * SIZE[0]
    up = BOTTOM + SIZE[1] - (np.arange(height) + 0.5) / height * SIZE[1]
    return np.stack(np.meshgrid(across, up), axis=-1).astype(np.float32)


def picture(layer, first, second, width=64, height=22):
    """The side of the second cloud dotted, the points of the clouds as o and x."""
    sides = scores(layer, grid(width, height).reshape(-1, 2)).reshape(height, width) > 0
    rows = [[" ."[int(side)] for side in row] for row in sides]
    for points, mark in ((first, "o"), (second, "x")):
        for x, y in points:
            column = int((x - LEFT) / SIZE[0] * width)
            row = int((BOTTOM + SIZE[1] - y) / SIZE[1] * height)
            if 0 <= column < width and 0 <= row < height:
                rows[row][column] = mark
    return ["".join(row) for row in rows]


def run(seed, png):
    import pictures

    first, second = clouds(seed)
    layer = line_between(first, second)
    w, b = layer.weight.numpy()[0], layer.bias.numpy()[0]
    pictures.show(picture(layer, first, second), captions=["dots: the side of x"])
    right = np.concatenate([scores(layer, first) <= 0, scores(layer, second) > 0])
    print(f"\nThe line: {w[0]:+.2f} x {w[1]:+.2f} y {b:+.2f} = 0")
    print(f"{right.mean():.1%} of {len(right)} points are on the right side of it.")
    print("The test: pytest --demo neuron")
    if png:
        field = scores(layer, grid(200, 150).reshape(-1, 2)).reshape(150, 200)
        for points in (first, second):
            cells = ((points - [LEFT, BOTTOM]) / SIZE * [200, 150]).astype(int).clip(0, [199, 149])
            field[149 - cells[:, 1], cells[:, 0]] = field.max() if points is second else field.min()
        pictures.save(png, ("the score, and the points of the clouds", field))


if __name__ == "__main__":
    from pictures import options

    run(**vars(options(__doc__)))
