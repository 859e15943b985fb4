"""Make mnist_sample.npz: 5,000 training and 2,000 test images of MNIST, as bytes.

    TINYTORCH_DATA=folder python data/make_mnist_sample.py

`folder/mnist/` holds the four files as published; without the variable, those of ~/.tinytorch/data
are taken. MNIST is by Y. LeCun, C. Cortes and C. J. C. Burges (1998), made of NIST's Special
Databases 1 and 3; its copyright is held by Y. LeCun and C. Cortes, who make it available under the
terms of the Creative Commons Attribution-Share Alike 3.0 license. The sample is under the same one.

Images are chosen by the hash of their pixels, so the sample is the same in whichever order a copy
of MNIST has them.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent
sys.path.insert(0, str(DATA.parent))  # the package of this course, wherever this is started

from tinytorch import MNISTDataset  # noqa: E402

COUNTS = {"train": 5000, "test": 2000}


def main() -> None:
    arrays = {}
    for part, count in COUNTS.items():
        dataset = MNISTDataset(train=part == "train")
        chosen = by_hash(dataset.images)[:count]
        arrays[f"{part}_images"] = dataset.images[chosen]
        arrays[f"{part}_labels"] = dataset.labels[chosen].astype(np.uint8)
    np.savez_compressed(DATA / "mnist_sample.npz", **arrays)


def by_hash(images: np.ndarray) -> list[int]:
    """The numbers of the images, in the order of the SHA-256 of their pixels."""
    return sorted(range(len(images)), key=lambda i: hashlib.sha256(images[i].tobytes()).digest())


if __name__ == "__main__":
    main()
