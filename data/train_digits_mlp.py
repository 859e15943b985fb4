"""Train digits_mlp.npz: the weights of an MLP 64-32-10 that reads the 8x8 digits.

    python data/train_digits_mlp.py

There is no tape yet where these weights are used, so the gradients are called by hand, in the
reverse order of the layers: each primitive of the course brings its own. Momentum, batches of 64,
weight decay, the training images alone; the held-out ones are looked at once, at the end.
"""

import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent
sys.path.insert(0, str(DATA.parent))  # the package of this course, wherever this is started

import tinytorch as tt  # noqa: E402
from tinytorch.core.tensor import engine  # noqa: E402

SIZES = (64, 32, 10)
EPOCHS, BATCH, RATE, MOMENTUM, DECAY, SEED = 60, 64, 0.1, 0.9, 1e-3, 2026


def main() -> None:
    with np.load(DATA / "digits.npz") as arrays:
        train, test = (
            (
                arrays[f"{part}_images"].reshape(-1, 64).astype(np.float32) / 16,
                arrays[f"{part}_labels"],
            )
            for part in ("train", "test")
        )
    tt.manual_seed(SEED)
    model = tt.MLP(SIZES)
    fit(model, *train)
    first, _, last = model
    np.savez(
        DATA / "digits_mlp.npz",
        first_weight=first.weight.data,
        first_bias=first.bias.data,
        last_weight=last.weight.data,
        last_bias=last.bias.data,
    )
    for name, (images, labels) in (("train", train), ("held out", test)):
        print(f"{name}: {accuracy(model, images, labels):.2%} of {len(labels)} digits read")


def fit(model: tt.MLP, images: np.ndarray, labels: np.ndarray) -> None:
    rng = np.random.default_rng(SEED)
    speeds = [np.zeros_like(parameter.data) for parameter in model.parameters()]
    for epoch in range(EPOCHS):
        rate = RATE * (1 - epoch / EPOCHS)
        for start in range(0, len(images), BATCH):
            if start == 0:
                order = rng.permutation(len(images))
            batch = order[start : start + BATCH]
            slopes = gradients(model, images[batch], labels[batch])
            for parameter, slope, speed in zip(model.parameters(), slopes, speeds, strict=True):
                speed *= MOMENTUM
                speed += slope + DECAY * parameter.data
                parameter.data -= rate * speed


def gradients(model: tt.MLP, images: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """The slopes of the mean cross-entropy, one for each parameter."""
    first, bend, last = model
    before = first(tt.Tensor(images))
    hidden = bend(before)
    scores = last(hidden)
    log_probabilities = tt.log_softmax(scores)
    grad = np.zeros_like(scores.data)
    grad[np.arange(len(labels)), labels] = -1 / len(labels)
    rules = engine.gradients
    (grad,) = rules["log_softmax"](grad, log_probabilities.data, None, scores.data)
    of_hidden, *of_last = rules["linear"](
        grad, scores.data, None, hidden.data, last.weight.data, last.bias.data
    )
    (grad,) = rules["relu"](of_hidden(), hidden.data, None, before.data)
    _, *of_first = rules["linear"](
        grad, before.data, None, images, first.weight.data, first.bias.data
    )
    return [*of_first, *of_last]


def accuracy(model: tt.MLP, images: np.ndarray, labels: np.ndarray) -> float:
    return float((model(tt.Tensor(images)).argmax(dim=1).numpy() == labels).mean())


if __name__ == "__main__":
    main()
