"""Make digits.npz: the 8x8 handwritten digits of scikit-learn, split once into train and test.

    python data/make_digits.py

The source is the test part of the UCI data set "Optical Recognition of Handwritten Digits"
(E. Alpaydin and C. Kaynak, 1998, CC BY 4.0), which scikit-learn carries: 1,797 images of 8x8 pixels
with grey values from 0 to 16. The split keeps each class's share and does not change: 360 images
are held out, with the seed below.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

HELD_OUT = 360
SEED = 2026


def main() -> None:
    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.int64)
    test = held_out(labels)
    train = np.setdiff1d(np.arange(len(labels)), test)
    np.savez_compressed(
        Path(__file__).with_name("digits.npz"),
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
    )


def held_out(labels: np.ndarray) -> np.ndarray:
    """Indices of the held-out images: each class in proportion, remainders to the largest ones."""
    rng = np.random.default_rng(SEED)
    shares = np.bincount(labels) * HELD_OUT / len(labels)
    counts = np.floor(shares).astype(int)
    for label in np.argsort(counts - shares, kind="stable")[: HELD_OUT - counts.sum()]:
        counts[label] += 1
    chosen = [
        rng.permutation(np.flatnonzero(labels == k))[:count] for k, count in enumerate(counts)
    ]
    return np.sort(np.concatenate(chosen))


if __name__ == "__main__":
    main()
