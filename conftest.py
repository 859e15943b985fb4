"""The course's own fixtures: its data sets."""

from pathlib import Path
from types import SimpleNamespace

import pytest

_DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def digits() -> SimpleNamespace:
    """Handwritten digits, 8x8: `train_images` (1437, 8, 8) and `test_images` (360, 8, 8), float32
    from 0 to 1, with `train_labels` and `test_labels`, int64."""
    import numpy as np

    with np.load(_DATA / "digits.npz", allow_pickle=False) as arrays:
        data = {name: arrays[name] for name in arrays.files}
    scaled = {
        name: array.astype(np.float32) / 16 if name.endswith("images") else array
        for name, array in data.items()
    }
    return SimpleNamespace(**scaled)


@pytest.fixture(scope="session")
def digits_weights() -> SimpleNamespace:
    """Weights of an MLP 64-32-10 that reads the digits, trained by `data/train_digits_mlp.py`:
    `first_weight` (32, 64), `first_bias` (32,), `last_weight` (10, 32), `last_bias` (10,)."""
    import numpy as np

    with np.load(_DATA / "digits_mlp.npz", allow_pickle=False) as arrays:
        return SimpleNamespace(**{name: arrays[name] for name in arrays.files})
