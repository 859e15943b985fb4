"""1986, hidden layers: XOR, which no single layer can learn, and a network with one in between can.

    python milestones/xor/program.py [--seed 0]

"One of the two, not both" cannot be decided by a line in the plane: in 1969 Minsky and Papert
proved what a single layer cannot do, and money and interest went elsewhere. In 1986 Rumelhart,
Hinton and Williams showed that backpropagation trains the layers in between, the hidden ones.

Both are trained here in the same way on the same four points: a single layer, and a network with
sixteen hidden neurons. Every number is computed by the tinytorch that you wrote: 02-05, 09 and 10.
"""

import argparse
import sys
import time
from pathlib import Path

if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import tinytorch as tt

STEPS, LR, HIDDEN = 400, 0.05, 16


def main(_, points, labels, unseen, seed=0):
    """What the test of the claim asks for: both models' answers, and the weights of the line."""
    tt.manual_seed(seed)
    found = {}
    for name, model in models().items():
        train(model, points, labels)
        found[name] = {"known": answers(model, points), "unseen": answers(model, unseen)}
        found[name]["weights"] = [np.copy(p.data) for p in model.parameters()]
    return found


def models():
    """A single layer, and a network with a hidden one."""
    return {"single": tt.Linear(2, 1), "hidden": tt.MLP([2, HIDDEN, 1], activation=tt.Tanh)}


def train(model, points, labels, report=lambda *numbers: None):
    """The same training for both: Adam, all points at each step."""
    x, wanted = tt.Tensor(points), tt.Tensor(labels.astype(np.float32).reshape(-1, 1))
    optimizer = tt.Adam(model.parameters(), lr=LR)
    began = time.perf_counter()
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = cross_entropy(tt.sigmoid(model(x)), wanted)
        loss.backward()
        optimizer.step()
        report(step, loss.item(), time.perf_counter() - began)


def cross_entropy(p, wanted):
    """The mean surprise: -log of the probability that was given to what is right."""
    right = wanted * p + (1 - wanted) * (1 - p)
    return -(right + 1e-7).log().mean()


def answers(model, points):
    """0 or 1 for each point."""
    return (tt.sigmoid(model(tt.Tensor(points))).numpy()[:, 0] > 0.5).astype(np.int64)


def show(step, loss, seconds):
    """Loss and time left: one line that is drawn anew in a terminal, five lines in a file."""
    left = seconds * (STEPS - step) / step
    text = f"  step {step:3} of {STEPS}   loss {loss:.4f}   {left:.1f} s left"
    if sys.stdout.isatty():
        print(f"\r{text}", end="" if step < STEPS else "\n", flush=True)
    elif step % (STEPS // 5) == 0:
        print(text)


def picture(model):
    """The plane from (-0.5, -0.5) to (1.5, 1.5): # where the model says 1; the points as digits."""
    across, up = np.linspace(-0.5, 1.5, 33), np.linspace(1.5, -0.5, 13)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
    rows = [[".#"[side] for side in row] for row in answers(model, grid).reshape(13, 33)]
    for x, y in ((0, 0), (0, 1), (1, 0), (1, 1)):
        rows[9 - 6 * y][8 + 16 * x] = str(x ^ y)
    return ["".join(row) for row in rows]


def run(seed):
    points = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    labels = np.array([0, 1, 1, 0])
    tt.manual_seed(seed)
    both = models()
    for name, model in both.items():
        print(f"{'a single layer' if name == 'single' else f'{HIDDEN} hidden neurons'}:")
        train(model, points, labels, show)
    print("\nWhere each says 1 is #, where it says 0 a dot; the digits are what is right:\n")
    left, right = (picture(model) for model in both.values())
    print(f"    {'a single layer':33}      {HIDDEN} hidden neurons")
    print("\n".join(f"    {one}      {other}" for one, other in zip(left, right, strict=True)))
    found = {name: (answers(model, points) == labels).mean() for name, model in both.items()}
    print(
        f"\nright: a single layer {found['single']:.0%}, with hidden neurons {found['hidden']:.0%}"
    )
    print("\nHidden layers matter. Its test: pytest --milestone xor")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    run(parser.parse_args().seed)
