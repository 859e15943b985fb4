"""The course's own fixtures: its data sets."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import numpy as np

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


@pytest.fixture(scope="session")
def mnist() -> SimpleNamespace:
    """A sample of MNIST: `train_images` (5000, 1, 28, 28) and `test_images` (2000, 1, 28, 28),
    float32 from 0 to 1, with `train_labels` and `test_labels`, int64."""
    import numpy as np

    with np.load(_DATA / "mnist_sample.npz", allow_pickle=False) as arrays:
        data = {name: arrays[name] for name in arrays.files}
    return SimpleNamespace(**{name: _scaled(array) for name, array in data.items()})


@pytest.fixture(scope="session")
def synthetic_images() -> SimpleNamespace:
    """Colour images of ten classes, made by `data/synthetic_images.py`: `train_images`
    (1000, 3, 32, 32) and `test_images` (500, 3, 32, 32), float32 from 0 to 1, with `train_labels`
    and `test_labels`, int64."""
    synthetic = _program("synthetic_images")
    train, test = synthetic.make_images(1000, seed=0), synthetic.make_images(500, seed=1)
    return SimpleNamespace(
        train_images=_scaled(train[0]),
        train_labels=train[1],
        test_images=_scaled(test[0]),
        test_labels=test[1],
    )


@pytest.fixture(scope="session")
def corpus() -> SimpleNamespace:
    """Sentences of a small grammar, `data/corpus.txt`: `train` and `held_out`, texts with one
    sentence a line, and `accepts(sentence)`, which says whether the grammar makes a sentence."""
    lines = (_DATA / "corpus.txt").read_text("utf-8").splitlines(keepends=True)
    count = len(lines) * 9 // 10
    return SimpleNamespace(
        train="".join(lines[:count]),
        held_out="".join(lines[count:]),
        accepts=_program("corpus_grammar").accepts,
    )


def _program(name: str) -> ModuleType:
    """A Python file of the data folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, _DATA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


def _scaled(array: "np.ndarray") -> "np.ndarray":
    """Images (N, C, H, W) of bytes as float32 from 0 to 1; labels as int64."""
    import numpy as np

    if array.ndim == 4:
        return array.astype(np.float32) / 255
    return array.astype(np.int64)
