"""A network learns XOR: your gradients take it from guessing to the right answers.

    python demos/training/program.py [--seed 0] [--png FILE]

The network starts with random weights, and knows nothing. Each step computes the loss, asks your
autograd for the gradient of each weight, and moves each weight a little against it. That is all of
training; optimizers, batches and metrics make it faster and safer.

Every number is computed by the tinytorch that you wrote: modules 02-05 and 09.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import numpy as np

import tinytorch as tt

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
XOR = np.array([[0], [1], [1], [0]], np.float32)
STEPS, LR, HIDDEN = 600, 0.5, 8


def main(_, seed=0):
    """What the test asks for: the weights before and after, and the losses between."""
    tt.manual_seed(seed)
    model = network()
    before = [np.copy(p.data) for p in model.parameters()]
    losses = train(model)
    after = [np.copy(p.data) for p in model.parameters()]
    return {"before": before, "after": after, "losses": losses, "answers": answers(model, INPUTS)}


def network():
    return tt.MLP([2, HIDDEN, 1], activation=tt.Tanh)


def train(model, steps=STEPS):
    """Gradient descent on the four inputs. Returns the loss before each step."""
    x, wanted, losses = tt.Tensor(INPUTS), tt.Tensor(XOR), []
    for _ in range(steps):
        p = tt.sigmoid(model(x))
        right = wanted * p + (1 - wanted) * (1 - p)  # the probability of what is right
        loss = -(right + 1e-7).log().mean()
        for parameter in model.parameters():
            parameter.grad = None
        loss.backward()
        for parameter in model.parameters():
            parameter.data = parameter.data - LR * parameter.grad.data
        losses.append(loss.item())
    return losses


def answers(model, points):
    """How sure the network is of 1: (N,)."""
    return tt.sigmoid(model(tt.Tensor(points))).numpy()[:, 0]


def plane(model, size=21):
    """How sure it is all over the plane from -0.5 to 1.5, the top first."""
    across, up = np.linspace(-0.5, 1.5, size), np.linspace(1.5, -0.5, size)
    points = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
    return answers(model, points).reshape(size, size)


def run(seed, png):
    import pictures

    tt.manual_seed(seed)
    model = network()
    before = plane(model)
    losses = train(model)
    after = plane(model)
    print(f"The loss of {STEPS} steps of gradient descent:\n")
    print("\n".join(pictures.curve(losses, height=9)))
    drawn = [pictures.shaded(picture[::2]) for picture in (before, after)]
    print("\nHow sure the network is of 1 at each point: @ sure of 1, blank sure of 0.\n")
    pictures.show(*drawn, captions=["before", "after"])
    found = zip(INPUTS, answers(model, INPUTS), strict=True)
    print("\n" + ", ".join(f"{x[0]:g} {x[1]:g}: {p:.3f}" for x, p in found))
    print("Other weights to begin with: --seed 1. The test: pytest --demo training")
    pictures.save(png, ("loss", losses), ("before", before), ("after", after))


if __name__ == "__main__":
    from pictures import options

    run(**vars(options(__doc__)))
