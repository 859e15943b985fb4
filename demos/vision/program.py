"""The edges of a digit: two filters of nine numbers, moved over a handwritten digit of MNIST.

    python demos/vision/program.py [--seed 0] [--png FILE]

A convolution lays a filter of 3 x 3 numbers over each place of the image, multiplies and adds.
Sobel's filter has negative numbers on one side and positive ones on the other: its answer is how
much brighter the image gets in that direction. Both directions together give the strength of an
edge.

Every number is computed by the tinytorch that you wrote: modules 02, 04 and 06.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch and the data of this course, wherever it is started
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "data"), str(root / "demos")]

import numpy as np

import tinytorch as tt

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)  # Sobel and Feldman, 1968


def main(_, images):
    """What the test asks for: both filters' answers (N, 2, 28, 28) and the edges (N, 28, 28)."""
    found = directions(images)
    return {"directions": found.numpy(), "edges": strength(found).numpy()}


def directions(images):
    """How much brighter images (N, 1, 28, 28) get to the right, and downward: (N, 2, 28, 28)."""
    layer = tt.Conv2d(1, 2, 3, padding=1, bias=False)
    layer.load_state_dict({"weight": np.stack([SOBEL, SOBEL.T])[:, None]})
    return layer(tt.Tensor(images))


def strength(found):
    """The length of the arrow that points where it gets brighter: (N, 28, 28)."""
    right, down = found[:, 0], found[:, 1]
    return (right * right + down * down).sqrt()


def run(seed, png):
    import pictures
    from course_data import mnist

    data = mnist()
    which = np.random.default_rng(seed).integers(len(data.test_images))
    image = data.test_images[which]
    found = directions(image[None])
    edges = strength(found).numpy()[0]
    to_the_right = np.abs(found.numpy()[0, 0])
    shown = {
        f"a handwritten {data.test_labels[which]}": image[0],
        "edges": edges / edges.max(),
    }
    print("28 x 28 pixels, and what two filters of 3 x 3 numbers find in them:\n")
    drawn = [pictures.shaded(pictures.halved(picture)) for picture in shown.values()]
    pictures.show(*drawn, captions=list(shown))
    flat = (edges < edges.max() / 10).mean()
    print(f"\nEdges are where it gets brighter or darker; {flat:.0%} of the image is flat.")
    print("Another digit: --seed 1. The test: pytest --demo vision")
    pictures.save(png, *shown.items(), ("to the right alone", to_the_right))


if __name__ == "__main__":
    from pictures import options

    run(**vars(options(__doc__)))
