"""1957, the perceptron: a neuron that learns where the line between two kinds of points is.

    python milestones/perceptron/program.py [--seed 0]

Frank Rosenblatt's machine had a few hundred photocells and weights that were turned by motors. Its
idea is in each layer built since: multiply the inputs by weights, add them up, and after each
mistake change the weights a little. Here the neuron is one `Linear` layer with a sigmoid, and the
change is a step of `SGD` along the gradient that `backward` finds.

Every number is computed by the tinytorch that you wrote: modules 02-04, 09 and 10.
"""

import argparse
import sys
import time
from pathlib import Path

if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import tinytorch as tt

STEPS, LR = 200, 0.5


def main(_, points, labels, unseen, seed=0):
    """What the test of the claim asks for: the neuron before and after, and its answers."""
    neuron, before = made(seed)
    train(neuron, points, labels)
    return {"before": before, "after": state(neuron), "answers": answers(neuron, unseen)}


def made(seed):
    """A neuron with two inputs, and a copy of its weights."""
    tt.manual_seed(seed)
    neuron = tt.Linear(2, 1)
    return neuron, state(neuron)


def state(neuron):
    return {"weight": np.copy(neuron.weight.data), "bias": np.copy(neuron.bias.data)}


def train(neuron, points, labels, report=lambda *numbers: None):
    """Move the line, step by step, to where the loss is small."""
    x, wanted = tt.Tensor(points), tt.Tensor(labels.astype(np.float32).reshape(-1, 1))
    optimizer = tt.SGD(neuron.parameters(), lr=LR)
    began = time.perf_counter()
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = ((tt.sigmoid(neuron(x)) - wanted) ** 2).mean()
        loss.backward()
        optimizer.step()
        report(step, loss.item(), time.perf_counter() - began)


def answers(neuron, points):
    """0 or 1 for each point: on which side of the line it lies."""
    return (tt.sigmoid(neuron(tt.Tensor(points))).numpy()[:, 0] > 0.5).astype(np.int64)


def clouds(rng, count):
    """Points (count, 2) around two centers, and which of the two each belongs to."""
    labels = rng.integers(0, 2, count)
    centers = np.array([[-1.5, -1.0], [1.5, 1.0]])
    points = centers[labels] + 0.6 * rng.standard_normal((count, 2))
    return points.astype(np.float32), labels


def show(step, loss, seconds):
    """Loss and time left: one line that is drawn anew in a terminal, ten lines in a file."""
    left = seconds * (STEPS - step) / step
    text = f"step {step:3} of {STEPS}   loss {loss:.4f}   {left:.1f} s left"
    if sys.stdout.isatty():
        print(f"\r{text}", end="" if step < STEPS else "\n", flush=True)
    elif step % (STEPS // 10) == 0:
        print(text)


def picture(neuron, points, labels):
    """The points as o and x, and the side that the neuron calls 1 as dots."""
    across, up = np.linspace(-3.5, 3.5, 64), np.linspace(3, -3, 17)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
    rows = [[" ."[side] for side in row] for row in answers(neuron, grid).reshape(17, 64)]
    for (x, y), label in zip(points, labels, strict=True):
        column, row = round((x + 3.5) / 7 * 63), round((3 - y) / 6 * 16)
        if 0 <= column < 64 and 0 <= row < 17:
            rows[row][column] = "ox"[label]
    return "\n".join("    " + "".join(row) for row in rows)


def run(seed):
    rng = np.random.default_rng(seed)
    (points, labels), (unseen, hidden) = clouds(rng, 200), clouds(rng, 500)
    print("One neuron, two inputs, 200 points of two kinds. It starts at random.\n")
    neuron, _ = made(seed)
    at_first = (answers(neuron, unseen) == hidden).mean()
    losses = []
    train(neuron, points, labels, lambda *now: (losses.append(now[1]), show(*now)))
    print(f"\n{picture(neuron, points[:60], labels[:60])}\n")
    found = (answers(neuron, unseen) == hidden).mean()
    print(f"loss: {losses[0]:.3f} before, {losses[-1]:.3f} after")
    print(f"500 points that it never saw: {at_first:.1%} right before, {found:.1%} after")
    print("\nA neuron learns. Its test: pytest --milestone perceptron")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    run(parser.parse_args().seed)
