"""A network reads a digit: 64 pixels, two layers, ten probabilities.

    python demos/network/program.py [--seed 0] [--png FILE]

The network is MLP([64, 32, 10]), with weights in `data/digits_mlp.npz` that were trained before.
Its first layer makes 32 hidden numbers of the pixels, and ReLU keeps the positive ones. Its
second layer makes a score for each digit, and softmax makes probabilities of the scores.

Every number is computed by the tinytorch that you wrote: modules 02-05.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch and the data of this course, wherever it is started
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "data"), str(root / "demos")]

import numpy as np

import tinytorch as tt


def main(_, weights, images):
    """What the test asks for: hidden numbers (N, 32) and probabilities (N, 10) of images."""
    model = loaded(weights)
    return {"hidden": hidden(model, images), "probabilities": probabilities(model, images)}


def loaded(weights):
    """The network with these weights, by the names in the file."""
    model = tt.MLP([64, 32, 10])
    names = ("first_weight", "first_bias", "last_weight", "last_bias")
    for parameter, name in zip(model.parameters(), names, strict=True):
        parameter.data = weights[name]
    return model


def hidden(model, images):
    """The hidden numbers of images (N, 8, 8), after ReLU."""
    return model[1](model[0](tt.Tensor(images.reshape(-1, 64)))).numpy()


def probabilities(model, images):
    """A probability for each image and digit."""
    return tt.softmax(model(tt.Tensor(images.reshape(-1, 64)))).numpy()


def run(seed, png):
    import pictures
    from course_data import digits, weights

    data = digits()
    model = loaded(weights("digits_mlp"))
    found = probabilities(model, data.test_images)
    which = np.random.default_rng(seed).integers(len(found))
    image = data.test_images[which]
    inner = hidden(model, image[None]).reshape(4, 8)
    inner = inner / inner.max()
    print(f"Image {which} of {len(found)} that the network never saw, and its 32 hidden numbers:\n")
    blank = [""] * 2
    pictures.show(
        pictures.shaded(image, 2),
        [*blank, *pictures.shaded(inner, 2), *blank],
        captions=["64 pixels", "32 hidden numbers"],
    )
    print("\n" + "\n".join(f"  {line}" for line in pictures.bars(found[which], "0123456789")))
    right = (found.argmax(axis=1) == data.test_labels).mean()
    print(f"\nIt is a {data.test_labels[which]}. Of all {len(found)}, {right:.1%} are read right.")
    print("Another image: --seed 1. The test: pytest --demo network")
    pictures.save(
        png, ("64 pixels", image), ("32 hidden numbers", inner), ("probabilities", found[[which]])
    )


if __name__ == "__main__":
    from pictures import options

    run(**vars(options(__doc__)))
