"""Machines can see! MNIST, read by a convolutional network with weights that were trained before.

    python milestones/computer_vision/program.py

The network has 9,098 parameters, in `data/mnist_cnn.npz`, a third of the MLP's of the milestone
before, and makes a third of its mistakes. What its filters look for was learned; what they find is
computed by your convolution and your pooling.

Every number is computed by the tinytorch that you wrote: modules 02-06.
"""

import sys
import time
from pathlib import Path

if __name__ == "__main__":  # the tinytorch and the data of this course, wherever it is started
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "data")]

import numpy as np

import tinytorch as tt

BATCH = 250


def main(_, weights, images):
    """What the test of the claim asks for: scores (N, 10) for images (N, 1, 28, 28)."""
    return scores(loaded(weights), images)


def loaded(weights):
    """The network with these weights: name -> array."""
    model = tt.Sequential(
        tt.Conv2d(1, 8, 3, padding=1),  # 8 features of 28 x 28
        tt.ReLU(),
        tt.MaxPool2d(2),
        tt.Conv2d(8, 16, 3, padding=1),  # 16 features of 14 x 14
        tt.ReLU(),
        tt.MaxPool2d(2),
        tt.Flatten(),
        tt.Linear(16 * 7 * 7, 10),
    )
    model.load_state_dict(weights)
    return model


def scores(model, images):
    """A score for each image and class, (N, 10), batch by batch."""
    parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    return np.concatenate([model(tt.Tensor(part)).numpy() for part in parts])


def picture(maps, captions):
    """Maps (N, 28, 28) from 0 to 1 side by side, four pixels in a character, a word below each."""
    shades = np.array(list("  .:-=+*#%@"))
    pixels = maps.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))  # (N, 14, 14)
    drawn = shades[np.rint(pixels * 10).astype(int)]
    rows = ["  ".join("".join(row) for row in drawn[:, y]) for y in range(14)]
    return "\n".join([*rows, "  ".join(f"{caption:^14}" for caption in captions)])


def seen(model, image, filters=4):
    """An image and what the first filters find in it: (1 + filters, 28, 28) from 0 to 1."""
    maps = model[1](model[0](tt.Tensor(image[None]))).numpy()[0]
    strongest = np.argsort(-maps.sum(axis=(1, 2)))[:filters]
    found = maps[strongest] / maps[strongest].max(axis=(1, 2), keepdims=True)
    return np.concatenate([image, found])


def run():
    from course_data import mnist, weights

    data = mnist()
    images, labels = data.test_images, data.test_labels
    model = loaded(weights("mnist_cnn"))
    print(f"Your convolutional network reads {len(images):,} digits that it never saw ...")
    began = time.perf_counter()
    found = scores(model, images).argmax(axis=1)
    seconds = time.perf_counter() - began
    print("\nOne of them, and what four of its filters find in it:\n")
    captions = [f"this is a {found[3]}", *(f"filter {i}" for i in range(1, 5))]
    print(picture(seen(model, images[3]), captions))
    print(f"\n{(found == labels).mean():.1%} are right, {len(images) / seconds:,.0f} a second.")
    print("Machines can see! The test: pytest --milestone computer_vision")


if __name__ == "__main__":
    run()
