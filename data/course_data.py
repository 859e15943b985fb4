"""Reads the data sets of this folder into arrays and texts.

`conftest.py` makes fixtures of them for tests, and the programs in `milestones/` learn from them.
"""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np

_DATA = Path(__file__).parent
_CIFAR10 = "cifar-10-batches-bin"


def digits() -> SimpleNamespace:
    """Handwritten digits, 8x8: `train_images` (1437, 8, 8) and `test_images` (360, 8, 8), float32
    from 0 to 1, with `train_labels` and `test_labels`, int64."""
    scaled = {
        name: array.astype(np.float32) / 16 if name.endswith("images") else array
        for name, array in _arrays("digits").items()
    }
    return SimpleNamespace(**scaled)


def mnist() -> SimpleNamespace:
    """A sample of MNIST: `train_images` (5000, 1, 28, 28) and `test_images` (2000, 1, 28, 28),
    float32 from 0 to 1, with `train_labels` and `test_labels`, int64."""
    arrays = _arrays("mnist_sample")
    return SimpleNamespace(**{name: from_bytes(array) for name, array in arrays.items()})


def weights(name: str) -> dict[str, np.ndarray]:
    """The weights of a trained network, a state dict of float32: of `digits_mlp`, `mnist_mlp` or
    `mnist_cnn`."""
    return {key: array.astype(np.float32) for key, array in _arrays(name).items()}


def corpus() -> SimpleNamespace:
    """Sentences of a small grammar, one a line: `train` and `held_out`, two texts."""
    lines = (_DATA / "corpus.txt").read_text("utf-8").splitlines(keepends=True)
    count = len(lines) * 9 // 10
    return SimpleNamespace(train="".join(lines[:count]), held_out="".join(lines[count:]))


def cifar10() -> SimpleNamespace:
    """CIFAR-10, where it was laid: `files`, name -> path of the five to learn from, with the folder
    in the name; `test_images`, bytes (10000, 3, 32, 32), and `test_labels`.

    It is looked for where tinytorch looks for it: in TINYTORCH_DATA, then in ~/.tinytorch/data.
    Raises FileNotFoundError where it is not, and says how to get it.
    """
    home = os.environ.get("TINYTORCH_HOME") or "~/.tinytorch"
    places = [os.environ.get("TINYTORCH_DATA"), f"{home}/data"]
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    for place in filter(None, places):
        folder = Path(place).expanduser() / _CIFAR10
        if all((folder / name).is_file() for name in names):
            rows = np.fromfile(folder / names[-1], np.uint8).reshape(-1, 3073)
            return SimpleNamespace(
                files={f"{_CIFAR10}/{name}": folder / name for name in names[:-1]},
                test_images=rows[:, 1:].reshape(-1, 3, 32, 32).copy(),
                test_labels=rows[:, 0].astype(np.int64),
            )
    raise FileNotFoundError(
        "CIFAR-10 is not on this machine. To download 170 MB:"
        ' python -c "import tinytorch; tinytorch.download_cifar10()"'
    )


def from_bytes(array: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) of bytes as float32 from 0 to 1; labels as int64."""
    if array.ndim == 4:
        return array.astype(np.float32) / 255
    return array.astype(np.int64)


def _arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(_DATA / f"{name}.npz", allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}
