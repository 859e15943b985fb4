"""A neuron is a gate: AND, OR and NOT by hand, and XOR, which one neuron cannot be.

    python demos/logic/program.py [--png FILE]

A neuron weighs its inputs, adds a bias, and gives a number from 0 to 1: sigmoid(x @ w + b). With
weights of ten and the right bias it is a logic gate. Its answer changes along one straight line;
the ones of XOR stand in opposite corners, and no line has them on one side. 9,261 neurons are
tried.

Every number is computed by the tinytorch that you wrote: modules 02 and 03.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import numpy as np

import tinytorch as tt

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
XOR = np.array([0, 1, 1, 0])
# Weights and bias: each puts the corners at 5 or more on the right side of 0.
GATES = {
    "AND": ([10, 10], -15),
    "OR": ([10, 10], -5),
    "NOT": ([-10, 0], 5),
    "NAND": ([-10, -10], 15),
}


def main(_, inputs):
    """What the test asks for: the gates' answers to these inputs, and the best neurons for XOR."""
    found = {name: neuron(inputs, *numbers) for name, numbers in GATES.items()}
    return {"gates": found, "right": right_about_xor(), "tried": candidates()}


def neuron(inputs, weights, bias):
    """How sure one neuron is of 1, for inputs (N, 2): (N,)."""
    w = tt.Tensor(np.array(weights, np.float32))
    return tt.sigmoid(tt.Tensor(inputs) @ w + float(bias)).numpy()


def candidates():
    """Two weights and a bias for each of 21 x 21 x 21 neurons: (3, 9261)."""
    steps = np.linspace(-10, 10, 21, dtype=np.float32)
    return np.stack(np.meshgrid(steps, steps, steps)).reshape(3, -1)


def right_about_xor():
    """How many of the four answers each candidate gets right: (9261,), all at once."""
    tried = candidates()
    sure = tt.sigmoid(tt.Tensor(INPUTS) @ tt.Tensor(tried[:2]) + tt.Tensor(tried[2]))
    wanted = tt.Tensor(XOR.reshape(-1, 1).astype(np.float32))
    return tt.where((sure - wanted).abs() < 0.5, 1, 0).sum(0).numpy()


def plane(weights, bias, size=21):
    """How sure the neuron is all over the plane from -0.5 to 1.5: (size, size), the top first."""
    across, up = np.linspace(-0.5, 1.5, size), np.linspace(1.5, -0.5, size)
    points = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
    return neuron(points, weights, bias).reshape(size, size)


def with_corners(shades, wanted):
    """The shaded plane with the four inputs on it, as the digits of what is right there."""
    rows = [list(line) for line in shades]
    for (x, y), value in zip(INPUTS.astype(int), wanted, strict=True):
        rows[(15 - 10 * y) // 2][5 + 10 * x] = str(value)
    return ["".join(row) for row in rows]


def run(png):
    import pictures

    print("  inputs   " + "  ".join(f"{name:>5}" for name in GATES))
    answers = [neuron(INPUTS, *numbers) for numbers in GATES.values()]
    for row, x in enumerate(INPUTS.astype(int)):
        print(f"  {x[0]}   {x[1]}    " + "  ".join(f"{sure[row]:5.3f}" for sure in answers))
    right = right_about_xor()
    best = candidates()[:, right.argmax()]
    shown = {"AND": GATES["AND"], "OR": GATES["OR"], "best at XOR": (best[:2], best[2])}
    planes = {name: plane(*numbers) for name, numbers in shown.items()}
    wanted = ([0, 0, 0, 1], [0, 1, 1, 1], XOR)
    drawn = [
        with_corners(pictures.shaded(p[::2]), w)
        for p, w in zip(planes.values(), wanted, strict=True)
    ]
    print("\nHow sure each is of 1: @ sure of 1, blank sure of 0; digits: what is right.\n")
    pictures.show(*drawn, captions=list(planes))
    print(f"\nOf {len(right):,} neurons, the best gets {right.max():g} of XOR's 4 answers right.")
    print("The test: pytest --demo logic")
    pictures.save(png, *planes.items())


if __name__ == "__main__":
    from pictures import options

    run(options(__doc__).png)
