"""Neural networks work! Handwritten digits, read with weights that were trained before.

    python milestones/basic_inference/program.py

A trained network is nothing but numbers: 25,450 of them here, in `data/mnist_mlp.npz`. Your layers
turn them into answers. Training comes later in the course, inference is what you can do now: most
networks in the world spend their lives that way.

Every number is computed by the tinytorch that you wrote: modules 02-05.
"""

import sys
import time
from pathlib import Path

if __name__ == "__main__":  # the tinytorch and the data of this course, wherever it is started
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "data")]

import numpy as np

import tinytorch as tt

SIZES = (784, 32, 10)


def main(_, weights, images):
    """What the test of the claim asks for: scores (N, 10) for images (N, 1, 28, 28)."""
    return scores(loaded(weights), images)


def loaded(weights):
    """An MLP with these weights: name -> array."""
    model = tt.MLP(SIZES)
    model.load_state_dict(weights)
    return model


def scores(model, images):
    """A score for each image and class, (N, 10): the largest one is the answer."""
    return model(tt.Tensor(images.reshape(len(images), -1))).numpy()


def picture(images, captions):
    """Digits side by side, two pixels of each column in one character, and a word below each."""
    shades = np.array(list("  .:-=+*#%@"))
    pixels = images[:, 0].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))  # (N, 14, 14)
    drawn = shades[np.rint(pixels * 10).astype(int)]
    rows = ["  ".join("".join(row) for row in drawn[:, y]) for y in range(14)]
    return "\n".join([*rows, "  ".join(f"{caption:^14}" for caption in captions)])


def run():
    from course_data import mnist, weights

    data, numbers = mnist(), weights("mnist_mlp")
    images, labels = data.test_images, data.test_labels
    model = loaded(numbers)
    print(tt.summary(model))
    print(f"\nIt reads {len(images):,} digits that it never saw:\n")
    began = time.perf_counter()
    found = scores(model, images).argmax(axis=1)
    seconds = time.perf_counter() - began
    print(picture(images[:5], [f"this is a {digit}" for digit in found[:5]]))
    print(f"\n{(found == labels).mean():.1%} are right, {len(images) / seconds:,.0f} a second.")
    print("Neural networks work! The test: pytest --milestone basic_inference")


if __name__ == "__main__":
    run()
