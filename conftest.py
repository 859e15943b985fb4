"""The course's own fixtures: its data sets."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

_DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def digits() -> SimpleNamespace:
    """Handwritten digits, 8x8: `train_images` (1437, 8, 8) and `test_images` (360, 8, 8), float32
    from 0 to 1, with `train_labels` and `test_labels`, int64."""
    return _program("course_data").digits()


@pytest.fixture(scope="session")
def digits_weights() -> SimpleNamespace:
    """Weights of an MLP 64-32-10 that reads the digits, trained by `data/train_digits_mlp.py`:
    `first_weight` (32, 64), `first_bias` (32,), `last_weight` (10, 32), `last_bias` (10,)."""
    return SimpleNamespace(**_program("course_data").weights("digits_mlp"))


@pytest.fixture(scope="session")
def mnist() -> SimpleNamespace:
    """A sample of MNIST: `train_images` (5000, 1, 28, 28) and `test_images` (2000, 1, 28, 28),
    float32 from 0 to 1, with `train_labels` and `test_labels`, int64."""
    return _program("course_data").mnist()


@pytest.fixture(scope="session")
def mnist_weights() -> SimpleNamespace:
    """Weights of networks that read MNIST, trained by `data/train_mnist.py`: `mlp` and `cnn`, each
    a state dict, name -> float32 array."""
    read = _program("course_data").weights
    return SimpleNamespace(mlp=read("mnist_mlp"), cnn=read("mnist_cnn"))


@pytest.fixture(scope="session")
def synthetic_images() -> SimpleNamespace:
    """Colour images of ten classes, made by `data/synthetic_images.py`: `train_images`
    (1000, 3, 32, 32) and `test_images` (500, 3, 32, 32), float32 from 0 to 1, with `train_labels`
    and `test_labels`, int64."""
    synthetic, scaled = _program("synthetic_images"), _program("course_data").from_bytes
    train, test = synthetic.make_images(1000, seed=0), synthetic.make_images(500, seed=1)
    return SimpleNamespace(
        train_images=scaled(train[0]),
        train_labels=train[1],
        test_images=scaled(test[0]),
        test_labels=test[1],
    )


@pytest.fixture(scope="session")
def cifar10() -> SimpleNamespace:
    """CIFAR-10: `files`, the paths of those to learn from, and `test_images` (10000, 3, 32, 32), in
    bytes, with `test_labels`. Where it is not on this machine, the test is skipped."""
    try:
        return _program("course_data").cifar10()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def corpus() -> SimpleNamespace:
    """Sentences of a small grammar, `data/corpus.txt`: `train` and `held_out`, texts with one
    sentence a line; `accepts(sentence)`, which says whether the grammar makes a sentence; and
    `five_words(train, text)`, the perplexity for each word of a count of up to five words."""
    found, grams = _program("course_data").corpus(), _program("word_counts")
    found.accepts = _program("corpus_grammar").accepts
    found.words_of, found.five_words = grams.words_of, grams.five_words
    return found


def _program(name: str) -> ModuleType:
    """A Python file of the data folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, _DATA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program
