"""Synthetic colour images, for pipelines that need colours and no network: ten classes.

    from synthetic_images import make_images
    images, labels = make_images(1000, seed=0)

A class is a shape and a family of colours: disc, square, ring, cross or stripes, red to yellow
(classes 0 to 4) or green to blue (5 to 9). Place, size, shade, background and noise differ from
image to image, so that neither the mean colour nor a single pixel tells the class.
"""

import numpy as np

SIZE = 32
SHAPES = ("disc", "square", "ring", "cross", "stripes")
CLASSES = tuple(f"{family} {shape}" for family in ("warm", "cool") for shape in SHAPES)


def make_images(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (count, 3, 32, 32), uint8, and labels (count,), int64; the same for the same seed."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    inside = silhouettes(labels % len(SHAPES), rng)[:, None]
    images = np.where(inside, paint(labels >= len(SHAPES), rng), background(count, rng))
    images += rng.normal(0, 12, images.shape)
    return np.clip(images, 0, 255).astype(np.uint8), labels


def silhouettes(shapes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where the shape of each image is: bool (n, 32, 32)."""
    count = (len(shapes), 1, 1)
    radius = rng.uniform(6, 11, count)
    row, column = rng.uniform(12, 20, (2, *count))
    y, x = np.arange(SIZE)[:, None] - row, np.arange(SIZE) - column
    far, long = np.hypot(y, x), np.maximum(abs(y), abs(x))
    forms = (
        far < radius,
        long < 0.85 * radius,
        (far < 1.1 * radius) & (far > 0.6 * radius),
        (long < radius) & (np.minimum(abs(y), abs(x)) < 0.3 * radius),
        (long < radius) & ((y + radius) % (0.7 * radius) < 0.35 * radius),
    )
    return np.select([shapes[:, None, None] == number for number in range(len(forms))], forms)


def paint(cool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour for each image, (n, 3, 1, 1): red to yellow, or green to blue where it is cool."""
    strong, mixed, weak = rng.uniform((180, 0, 0), (255, 170, 60), (len(cool), 3)).T
    warm, cold = np.stack([strong, mixed, weak]), np.stack([weak, strong, mixed])
    swapped = rng.random(len(cool)) < 0.5  # as many blue ones as green ones
    cold[1:, swapped] = cold[:0:-1, swapped]
    return np.where(cool, cold, warm).T[:, :, None, None]


def background(count: int, rng: np.random.Generator) -> np.ndarray:
    """A slope from one grey to another, a little tinted: (n, 3, 32, 32)."""
    start, end = rng.uniform(20, 235, (2, count, 1, 1, 1))
    tint = rng.uniform(-15, 15, (count, 3, 1, 1))
    return start + (end - start) * np.linspace(0, 1, SIZE) * np.ones((1, 1, SIZE, 1)) + tint
