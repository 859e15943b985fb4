# %% [markdown]
"""
# Module 08: Data and normalization

## Introduction

A network learns from numbers of about the size of 1. Pixels come as bytes from 0 to 255, and what layers make of
them grows or shrinks with every layer. This module keeps numbers well scaled at both places.

You will build data sets and a `DataLoader` that hands them out in shuffled batches; transforms such as `Normalize`;
readers for MNIST and CIFAR-10; and, in a file of their own, `BatchNorm1d`, `BatchNorm2d` and `LayerNorm`.
"""

# %% [markdown]
r"""
## Mathematical Background

**Batches.** An *epoch* goes over all $n$ items once, in $\lceil n / b \rceil$ batches of $b$; the last one may be
shorter. Each epoch has its own order, else the network learns the order too. An order that depends on the seed
and the number of the epoch alone can be made again: a run that was broken off goes on as if it never had been.

**Normalizing** is $\hat x = (x - \mu) / \sqrt{v + \varepsilon}$, then $y = \gamma \hat x + \beta$ with two learned numbers. BatchNorm
(Ioffe and Szegedy, 2015) takes mean and variance of each channel, over batch and pixels; LayerNorm (Ba et al., 2016)
of each row, over its last dimensions. One image is no batch, so BatchNorm keeps up estimates for later:
$r \leftarrow (1 - m) r + m s$ with momentum $m = 0.1$. There $s$ is the mean, or the *unbiased* variance, the sum of
squares over $M - 1$. To normalize, the sum of squares over $M$ is right.

**Gradients.** With g the gradient with respect to y, h = gamma g, sums and means over what was normalized together:

    beta, gamma    sum of g, sum of g x^
    x              (h - mean of h - x^ (mean of h x^)) / sqrt(v + eps); h / sqrt(v + eps) if mean and v are fixed

**A variance that survives.** $E[x^2] - E[x]^2$ is right on paper. At $x \approx 10{,}000$ both terms are near $10^8$, and
float32 keeps 7 digits: a variance of 1 is gone. Take a mean away first, then square.
"""

# %% [markdown]
"""
## Implementation

### Data sets

A data set is anything with `len(dataset)` and `dataset[i]`. `Dataset` is given; it adds `batch`, which gets several
items. Where all lies in one array, one index can do that, many times faster than one by one.
"""

# %% nbgrader={"grade": false, "grade_id": "data-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.dataloader
#| export
import contextlib
import gzip
import hashlib
import math
import os
import sys
import tarfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, engine


# %% nbgrader={"grade": false, "grade_id": "data-sets", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def collate(items: Sequence[Any]) -> tuple[Tensor, ...]:
    """One Tensor for each field of the items: [(image, 3), (image, 5)] -> (images, labels).

    An item that is no tuple is one field. Raises ValueError for arrays of unequal shape.

    TODO: make every item a tuple, `zip` them into fields, and make a Tensor of each. `np.stack` helps.
    """
    ### BEGIN SOLUTION
    batch = []
    for field in zip(*(i if isinstance(i, tuple) else (i,) for i in items), strict=True):
        if isinstance(field[0], Tensor | np.ndarray):
            arrays = [np.asarray(value) for value in field]
            if len(shapes := {array.shape for array in arrays}) > 1:
                raise ValueError(f"a batch needs items of one shape, got {sorted(shapes)}")
            field = np.stack(arrays)
        batch.append(Tensor(field))
    return tuple(batch)
    ### END SOLUTION


class Dataset:
    """Items with numbers from 0 on. Subclasses define `__len__` and `__getitem__`."""

    def __init_subclass__(cls) -> None:
        if "__getitem__" in vars(cls) and "batch" not in vars(cls):
            cls.batch = Dataset.batch  # an inherited one would give the items of another class

    def batch(self, indices: np.ndarray) -> tuple[Tensor, ...]:
        """Several items at once. Subclasses that can do better than one by one have their own."""
        return collate([self[index] for index in indices.tolist()])


class TensorDataset(Dataset):
    """Rows of Tensors or arrays (N, ...), not copied: the item `i` is `(images[i], labels[i])`.

    Raises ValueError where there are none, or their lengths differ.
    """

    def __init__(self, *tensors: Any) -> None:
        ### BEGIN SOLUTION
        self.tensors = tuple(Tensor(tensor) for tensor in tensors)
        lengths = [len(tensor) for tensor in self.tensors]
        if len(set(lengths)) != 1:
            raise ValueError(f"TensorDataset needs tensors of one length, got lengths {lengths}")
        ### END SOLUTION

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return len(self.tensors[0])
        ### END SOLUTION

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        ### BEGIN SOLUTION
        return tuple(Tensor(tensor.data[index]) for tensor in self.tensors)
        ### END SOLUTION

    def batch(self, indices: np.ndarray) -> tuple[Tensor, ...]:
        """The rows with these numbers, by one index for each Tensor: NumPy takes arrays as such."""
        ### BEGIN SOLUTION
        return tuple(Tensor(tensor.data[indices]) for tensor in self.tensors)
        ### END SOLUTION


# %% [markdown]
"""
### Batches

All that is random in an epoch is drawn from generators made of the seed and the epoch, never from one that lives on:
history cannot leak in, nor can the speed of a thread. `in_advance` is given: a worker makes batches for the caller.
"""

# %% nbgrader={"grade": false, "grade_id": "data-in-advance", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
_generator: ContextVar[Any] = ContextVar("generator", default=None)


def draws() -> Any:
    """The generator for random transforms: in a DataLoader the batch's own, else manual_seed's."""
    return _generator.get() or engine.generator


def in_advance(make: Callable[[int, Any], Any], parts: Sequence[Any], ahead: int) -> Iterator[Any]:
    """make(number, part) for each of the parts, in order, up to `ahead` of them in advance."""
    if ahead == 0:
        yield from (make(*job) for job in enumerate(parts))
        return
    worker, waiting = ThreadPoolExecutor(max_workers=1), deque()
    try:
        for job in enumerate(parts):
            waiting.append(worker.submit(make, *job))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        yield from (made.result() for made in waiting)
    finally:  # also where the caller stops half way
        worker.shutdown(cancel_futures=True)


# %% nbgrader={"grade": false, "grade_id": "data-loader", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class DataLoader:
    """Batches of a data set: `for images, labels in DataLoader(dataset, 32, shuffle=True)`.

    dataset: a Dataset, or anything with `len(dataset)` and `dataset[i]`; it is not copied
    batch_size: items in a batch; the last one may be shorter, and drop_last leaves it out if it is
    shuffle: whether each epoch has an order of its own; else it is that of the data set
    seed: all that is random in epoch k depends on it and on k; None draws one, as manual_seed says
    prefetch: how many batches a worker thread makes in advance; they are the same batches
    epoch: the number of the epoch that comes next, 0 at first. Set it, to go on where a run ended.

    Raises ValueError for a batch_size below 1, and for a negative seed or prefetch.
    """

    def __init__(self, dataset: Any, batch_size: int = 32, shuffle: bool = False, drop_last: bool = False,
                 seed: int | None = None, prefetch: int = 0) -> None:
        seed = int(engine.generator.random() * 2**32) if seed is None else seed
        for number, least, name in ((batch_size, 1, "batch_size"), (seed, 0, "seed"), (prefetch, 0, "prefetch")):
            if not isinstance(number, int | np.integer) or number < least:
                raise ValueError(f"{name} must be a whole number from {least} on, got {number!r}")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.drop_last, self.seed, self.prefetch, self.epoch = drop_last, seed, prefetch, 0

    def __len__(self) -> int:
        """The number of batches in an epoch. HINT: `math.floor` and `math.ceil`."""
        ### BEGIN SOLUTION
        return (math.floor if self.drop_last else math.ceil)(len(self.dataset) / self.batch_size)
        ### END SOLUTION

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of all items, in the order in which this epoch takes them.

        HINT: `np.random.default_rng((1, 2))` takes several numbers as a seed.
        """
        ### BEGIN SOLUTION
        count, generator = len(self.dataset), np.random.default_rng((self.seed, epoch))
        return generator.permutation(count) if self.shuffle else np.arange(count)
        ### END SOLUTION

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """The batches of the next epoch, each a tuple of Tensors.

        TODO: count the epoch up, cut its order into parts, and let `in_advance` call `make`.
        """
        ### BEGIN SOLUTION
        epoch, order, size = self.epoch, self.order(self.epoch), self.batch_size
        self.epoch += 1
        parts = [order[place * size : (place + 1) * size] for place in range(len(self))]
        yield from in_advance(lambda *job: self.make(epoch, *job), parts, self.prefetch)
        ### END SOLUTION

    def make(self, epoch: int, number: int, indices: np.ndarray) -> tuple[Tensor, ...]:
        """One batch. Its generator is its own, so it does not matter when it is made, or where."""
        seed = (self.seed, epoch, number + 1)  # a 0 at the end would make it the seed of the order
        token = _generator.set(np.random.default_rng(seed))
        try:
            if isinstance(self.dataset, Dataset):
                return self.dataset.batch(indices)
            return collate([self.dataset[index] for index in indices.tolist()])
        finally:
            _generator.reset(token)


# %% [markdown]
"""
### 🧪 Unit test: batches

Counts every item, and compares orders between loaders with different histories. A loader that loses the last batch
still trains, only a little worse: nobody notices, unless a test counts.
"""

# %% nbgrader={"grade": true, "grade_id": "test-data-loader", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
def refused(error: type[Exception], call: Callable, *mentions: str) -> None:
    try:
        call()
    except error as raised:
        assert all(text in str(raised) for text in mentions), f"{raised} should mention {mentions}"
    else:
        raise AssertionError(f"{error.__name__} expected, mentioning {mentions}")


def seen(loader: DataLoader) -> list[int]:
    """The labels of the next epoch, in their order; each must stand with its own row."""
    batches = [(rows.numpy(), labels.numpy()) for rows, labels in loader]
    assert all((rows == labels * 10).all() for rows, labels in batches)
    return [label for _, labels in batches for label in labels.tolist()]


def test_unit_loader():
    dataset = TensorDataset(np.arange(10.0) * 10, Tensor(np.arange(10)))
    for size, batches, kept in ((1, 10, 10), (3, 4, 9), (5, 2, 10), (16, 1, 0)):
        assert len(DataLoader(dataset, size)) == batches
        assert seen(DataLoader(dataset, size)) == list(range(10))
        assert len(seen(DataLoader(list(dataset), size, drop_last=True))) == kept
    loader, again = (DataLoader(dataset, 3, shuffle=True, seed=1, prefetch=n) for n in (0, 2))
    first, second = seen(loader), seen(loader)
    assert sorted(first) == sorted(second) == list(range(10)) and first != second
    next(iter(again))  # an epoch that is broken off
    assert seen(again) == second
    again.epoch = 0
    assert seen(again) == first != seen(DataLoader(dataset, 3, shuffle=True, seed=2))
    refused(ZeroDivisionError, lambda: list(in_advance(divmod, [2, 0, 2], 2)))
    refused(ValueError, lambda: DataLoader(dataset, 0), "batch_size", "0")
    refused(ValueError, lambda: TensorDataset([1, 2, 3], [1, 2]), "[3, 2]")
    refused(ValueError, lambda: collate([np.zeros(2), np.zeros((6, 2))]), "(6, 2)", "(2,)")


# %% [markdown]
"""
### Transforms

A transform takes an image `(C, H, W)`, Tensor or array, and returns a Tensor. It is applied anew each time an
item is taken: a random one shows the network another picture in every epoch.
"""

# %% nbgrader={"grade": false, "grade_id": "data-transforms", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Compose:
    """One transform after the other: `Compose([RandomCrop(28, padding=2), Normalize(0.13, 0.31)])`."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:
        ### BEGIN SOLUTION
        for transform in self.transforms:
            image = transform(image)
        return image
        ### END SOLUTION


class Normalize:
    """(x - mean) / std in float32; mean and std are numbers, or have one number for each channel.

    Raises ValueError for a std that is not above 0, and for another number of channels.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        ### BEGIN SOLUTION
        self.mean, self.std = (np.asarray(v, np.float32).reshape(-1, 1, 1) for v in (mean, std))
        if not (self.std > 0).all():
            raise ValueError(f"Normalize needs a std above 0 for each channel, got {std}")
        ### END SOLUTION

    def __call__(self, image: Any) -> Tensor:
        ### BEGIN SOLUTION
        pixels, channels = np.asarray(image, np.float32), np.shape(image)[-3:-2]
        if not {self.mean.shape[:1], self.std.shape[:1]} <= {(1,), channels}:
            numbers = f"{len(self.mean)} means and {len(self.std)} stds"
            raise ValueError(f"Normalize has {numbers}, the image has shape {pixels.shape}")
        return Tensor((pixels - self.mean) / self.std)
        ### END SOLUTION


class RandomCrop:
    """A window of `size` (a number, or height and width), at a place that is drawn anew each time.

    padding: zeros around the image, put there first. Raises ValueError for a window that is larger.

    TODO: pad, draw the upper left corner, cut out; every place is as likely.
    HINT: a window of 3 has 5 - 3 + 1 places in a row of 5; `int(draws().random() * n)` is below n.
    """

    def __init__(self, size: int | tuple[int, int], padding: int = 0) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.padding = padding

    def __call__(self, image: Any) -> Tensor:
        ### BEGIN SOLUTION
        pixels, edge = np.asarray(image), self.padding
        *others, height, width = pixels.shape
        padded = np.zeros((*others, height + 2 * edge, width + 2 * edge), pixels.dtype)
        padded[..., edge : edge + height, edge : edge + width] = pixels
        rooms = [have - want for have, want in zip(padded.shape[-2:], self.size, strict=True)]
        if min(rooms) < 0:
            raise ValueError(f"RandomCrop of {self.size} from a padded image {padded.shape}")
        top, left = (int(draws().random() * (room + 1)) for room in rooms)
        return Tensor(padded[..., top : top + self.size[0], left : left + self.size[1]])
        ### END SOLUTION


class RandomHorizontalFlip:
    """Left and right exchanged, with probability p. Raises ValueError for a p beyond 0 and 1."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"RandomHorizontalFlip needs a p from 0 to 1, got {p}")
        self.p = p

    def __call__(self, image: Any) -> Tensor:
        ### BEGIN SOLUTION
        pixels = np.asarray(image)
        return Tensor(pixels[..., ::-1] if draws().random() < self.p else pixels)
        ### END SOLUTION


# %% [markdown]
"""
### 🧪 Unit test: transforms

Looks for every place where a window can lie, the last one too, and for both sides of a coin.
"""

# %% nbgrader={"grade": true, "grade_id": "test-data-transforms", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
PICTURE = np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3)


def test_unit_transforms():
    assert Normalize([1], [2])(PICTURE).numpy()[0, 0].tolist() == [0, 0.5, 1]
    crops = [RandomCrop(2)(PICTURE).numpy()[0] for _ in range(200)]
    assert {(crop[0, 0].item(), crop[1, 1].item()) for crop in crops} == {(1, 5), (2, 6), (4, 8), (5, 9)}
    rows = [RandomCrop((1, 5), padding=1)(PICTURE).numpy().sum().item() for _ in range(200)]
    assert {*rows} == {0, 1 + 2 + 3, 4 + 5 + 6, 7 + 8 + 9}
    flips = [RandomHorizontalFlip()(PICTURE).numpy()[0, 0].tolist() for _ in range(200)]
    assert 60 < flips.count([1, 2, 3]) < 140 and flips.count([3, 2, 1]) > 60
    refused(ValueError, lambda: Normalize([1, 1], 1)(PICTURE), "2 means", "(1, 3, 3)")
    refused(ValueError, lambda: RandomCrop(4)(PICTURE), "(4, 4)", "(1, 3, 3)")


# %% [markdown]
"""
### Files of images

**MNIST** comes as IDX files: a magic number of 4 bytes (2051 for images, 2049 for labels; its last byte counts the
dimensions), 4 bytes for each dimension, the largest first ("big-endian"), a byte for each pixel or label; and gzip
around it. **CIFAR-10**, *binary version*: rows of 3,073 bytes, a label and 3 x 32 x 32 pixels. Bytes become floats
only when they are taken: all as floats would need four times the memory. No pickle is ever loaded: it can run code.
"""

# %% nbgrader={"grade": false, "grade_id": "data-files", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def damaged(path: Path, found: str) -> ValueError:
    return ValueError(f"{path} is damaged: {found}. Delete it, and get it again by download=True")


def read_idx(path: Path, magic: int) -> np.ndarray:
    """The numbers in a gzip-compressed IDX file, uint8. Raises ValueError for a damaged one.

    HINT: `int.from_bytes(content[4:8], "big")`; `np.frombuffer(content, np.uint8, offset=...)`.
    """
    compressed = path.read_bytes()
    try:
        content = gzip.decompress(compressed)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(path, f"it is no whole gzip file ({error})") from None
    ### BEGIN SOLUTION
    if (found := int.from_bytes(content[:4], "big")) != magic:
        raise damaged(path, f"its magic number is {found}, expected {magic}")
    start = 4 + 4 * (magic % 256)
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if len(content) != start + math.prod(shape):
        raise damaged(path, f"it holds {len(content):,} bytes, expected {start} and shape {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
    ### END SOLUTION


class ImageDataset(Dataset):
    """Images uint8 (N, C, H, W) and labels (N,) in memory, read from files.

    root: where the folder of the data set is; by default in TINYTORCH_DATA, then ~/.tinytorch/data
    train: the training images, or those of the test
    download: whether files that are nowhere are downloaded
    transform: applied to an image each time it is taken

    Raises FileNotFoundError where there are no files, ValueError for damaged ones.
    """

    def __init__(self, root: str | Path | None = None, train: bool = True, download: bool = False,
                 transform: Callable[[Any], Any] | None = None) -> None:
        images, labels = self.read(root, train, download)
        self.images, self.labels, self.transform = images, labels.astype(np.int64), transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        """The image, a float32 Tensor (C, H, W) from 0 to 1, transformed; and its label, an int."""
        ### BEGIN SOLUTION
        image = Tensor(self.images[index] / np.float32(255))
        return self.transform(image) if self.transform else image, int(self.labels[index])
        ### END SOLUTION

    def batch(self, indices: np.ndarray) -> tuple[Tensor, ...]:
        """Images (n, C, H, W) and labels (n,): all at once where there is no transform."""
        ### BEGIN SOLUTION
        if self.transform:
            return super().batch(indices)
        images = self.images[indices].astype(np.float32)
        images /= 255
        return Tensor(images), Tensor(self.labels[indices])
        ### END SOLUTION


class MNISTDataset(ImageDataset):
    """Handwritten digits, 60,000 and 10,000: an image (1, 28, 28) and an int; folder `mnist/`."""

    def read(self, root: Any, train: bool, download: bool) -> tuple[np.ndarray, np.ndarray]:
        """TODO: read images and labels, `MNIST_NAMES[:2]` or the other two; check that they fit."""
        ### BEGIN SOLUTION
        names = MNIST_NAMES[:2] if train else MNIST_NAMES[2:]
        folder = download_mnist(root) if download else located(root, "mnist", names)
        images, labels = read_idx(folder / names[0], 2051), read_idx(folder / names[1], 2049)
        if images.shape[1:] != (28, 28) or len(images) != len(labels) or (labels > 9).any():
            found = f"images {images.shape}, labels {labels.shape} up to {labels.max(initial=0)}"
            raise damaged(folder / names[0], found)
        return images[:, None], labels
        ### END SOLUTION


class CIFAR10Dataset(ImageDataset):
    """Colour photographs: an image (3, 32, 32) and an int; `classes[label]` is its name.

    In `cifar-10-batches-bin/`, 10,000 images in each of six files: five for training, one for the test.
    """

    classes = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    def read(self, root: Any, train: bool, download: bool) -> tuple[np.ndarray, np.ndarray]:
        """TODO: make one array for all images, and fill it file by file.

        HINT: `np.fromfile(path, np.uint8)`; a row is a label, then red, green and blue planes.
        """
        ### BEGIN SOLUTION
        names = CIFAR10_NAMES[:5] if train else CIFAR10_NAMES[5:]
        folder = download_cifar10(root) if download else located(root, CIFAR10_FOLDER, names)
        images, labels = np.empty((len(names), 10_000, 3072), np.uint8), []
        for place, name in enumerate(names):
            content = np.fromfile(folder / name, np.uint8)
            labels.append(content[::3073].copy())  # not a view, which would keep all the bytes
            if content.size != 10_000 * 3073 or (labels[-1] > 9).any():
                found = f"{content.size:,} bytes, labels up to {labels[-1].max(initial=0)}"
                raise damaged(folder / name, f"{found}; expected 30,730,000 bytes, labels up to 9")
            images[place] = content.reshape(-1, 3073)[:, 1:]
        return images.reshape(-1, 3, 32, 32), np.concatenate(labels)
        ### END SOLUTION


# %% [markdown]
"""
### Downloads

Given. A file gets its name when its SHA-256 is right. What arrived before a connection broke is not asked for again.
"""

# %% nbgrader={"grade": false, "grade_id": "data-downloads", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
_AMAZON, _TORONTO = "https://ossci-datasets.s3.amazonaws.com/mnist", "https://www.cs.toronto.edu/~kriz"
MNIST = {  # where it is published: bytes and SHA-256
    f"{_AMAZON}/train-images-idx3-ubyte.gz": (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    f"{_AMAZON}/train-labels-idx1-ubyte.gz": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    f"{_AMAZON}/t10k-images-idx3-ubyte.gz": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    f"{_AMAZON}/t10k-labels-idx1-ubyte.gz": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
}
CIFAR10 = {f"{_TORONTO}/cifar-10-binary.tar.gz": (170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")}
MNIST_NAMES = [address.rpartition("/")[2] for address in MNIST]
CIFAR10_FOLDER = "cifar-10-batches-bin"
CIFAR10_NAMES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def places(root: str | Path | None) -> list[Path]:
    """Where data sets are looked for; a download goes to the first of them."""
    home = Path(os.environ.get("TINYTORCH_HOME") or "~/.tinytorch")
    named = [root] if root is not None else [os.environ.get("TINYTORCH_DATA"), home / "data"]
    return [Path(place).expanduser() for place in named if place]


def located(root: str | Path | None, folder: str, names: Sequence[str]) -> Path:
    """The first folder of this name that has all the files. Raises FileNotFoundError."""
    looked = [place / folder for place in places(root)]
    for path in looked:
        if all((path / name).is_file() for name in names):
            return path
    remedy = f"pass download=True, or set TINYTORCH_DATA to a folder that has {folder}/ in it"
    raise FileNotFoundError(f"{', '.join(names)} not found in {' or '.join(map(str, looked))}: {remedy}")


def download_mnist(root: str | Path | None = None) -> Path:
    """The folder with the four files of MNIST; if they are nowhere, 12 MB are downloaded to `root`.

    Raises ConnectionError where they cannot be had, OSError where they cannot be written.
    """
    return downloaded(root, "mnist", MNIST_NAMES, MNIST)


def download_cifar10(root: str | Path | None = None) -> Path:
    """The folder with the six files of CIFAR-10, as download_mnist; 170 MB are downloaded."""
    return downloaded(root, CIFAR10_FOLDER, CIFAR10_NAMES, CIFAR10)


def downloaded(root: Any, folder: str, names: Sequence[str], published: dict) -> Path:
    """The folder with these files; where they are nowhere, they are downloaded and unpacked."""
    with contextlib.suppress(FileNotFoundError):
        return located(root, folder, names)
    path = places(root)[0] / folder
    try:
        path.mkdir(parents=True, exist_ok=True)
        for address, (size, sha256) in published.items():
            file = path / address.rpartition("/")[2]
            if not file.is_file():
                fetch(address, file, size, sha256)
            if file.name not in names:
                unpack(file, names)
    except ConnectionError:
        raise
    except OSError as error:
        for part in path.glob("*.part"):
            part.unlink(missing_ok=True)
        remedy = "Nothing half-written is left. Free some room, or set TINYTORCH_DATA to another folder"
        raise OSError(error.errno, f"{path} cannot be written ({error.strerror}). {remedy}") from error
    return path


def unpack(archive: Path, names: Sequence[str]) -> None:
    """Write the files of these names, and nothing else, beside their archive, and delete that."""
    with tarfile.open(archive) as members:
        for member in members:
            name = member.name.rpartition("/")[2]
            if member.isfile() and name in names:
                part = archive.with_name(f"{name}.part")
                part.write_bytes(members.extractfile(member).read())
                part.replace(archive.with_name(name))
    archive.unlink()


def fetch(address: str, path: Path, size: int, sha256: str) -> None:
    """Download a file, in three attempts; NAME.part stays when a connection breaks, to go on there."""
    part = path.with_name(f"{path.name}.part")
    for _ in range(3):
        try:
            for place, piece in received(address, part, size):
                with part.open("ab" if place else "wb") as target:
                    target.write(piece)
                show(path.name, place, place + len(piece), size)
            if (found := hashlib.sha256(part.read_bytes()).hexdigest()) == sha256:
                part.replace(path)
                return
            part.unlink()
            raise ConnectionError(f"its SHA-256 is {found}, expected {sha256}")
        except ConnectionError as error:
            reason = error
    remedy = f"Try again later (what arrived is kept), or put the file into {path.parent} yourself"
    raise ConnectionError(f"{address} cannot be downloaded: {reason}. {remedy}")


def received(address: str, part: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """What a server sends of a file, piece by piece with its place: what `part` lacks, or all."""
    import urllib.request  # 50 ms, and hardly ever needed

    have = part.stat().st_size % size if part.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            place = have if answer.status == 206 else 0
            told = place + int(answer.headers.get("Content-Length", size - place))
            if told != size:
                raise ConnectionError(f"it has {told:,} bytes, expected {size:,}")
            while place < size and (piece := answer.read(min(size - place, 2**18))):
                yield place, piece
                place += len(piece)
    except Exception as error:  # of sockets, TLS or HTTP: all of them mean the connection
        raise ConnectionError(str(error)) from None
    if place < size:
        raise ConnectionError(f"the connection broke after {place:,} of {size:,} bytes")


def show(name: str, before: int, now: int, size: int) -> None:
    """A progress bar, drawn over itself at every twentieth of the file."""
    if 20 * before // size < (twentieths := 20 * now // size):
        bar = f"\r{name} [{'#' * twentieths:20}] {now / size:4.0%} of {size / 1e6:.1f} MB"
        print(bar, end="\n" if now == size else "", file=sys.stderr, flush=True)


# %% [markdown]
"""
### 🧪 Unit test: files of images

Writes small files, reads them, then breaks them: a reader that takes what it finds would train on noise. Then
sends images through a random transform: epochs must differ, and a worker must make the same ones.
"""

# %% nbgrader={"grade": true, "grade_id": "test-data-files", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
class Pictures(ImageDataset):
    def read(self, count: int, *_: Any) -> tuple[np.ndarray, np.ndarray]:
        return np.random.default_rng(0).integers(0, 256, (count, 1, 28, 28), np.uint8), np.arange(count) % 10


def lay_mnist(root: str, images: np.ndarray, labels: np.ndarray, cut: int = 0) -> None:
    """Write the two files of the test part of MNIST, without their last `cut` bytes."""
    (folder := Path(root) / "mnist").mkdir(exist_ok=True)
    for name, array in zip(MNIST_NAMES[2:], (images, labels), strict=True):
        content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
        (folder / name).write_bytes(gzip.compress(content[: len(content) - cut], 1))


def test_unit_mnist_files():
    import tempfile

    images, labels = Pictures(5).images[:, 0], np.array([3, 1, 4, 1, 5], np.uint8)
    with tempfile.TemporaryDirectory() as root:
        refused(FileNotFoundError, lambda: MNISTDataset(root, train=False), root, "download")
        lay_mnist(root, images, labels)
        for transform, factor in ((None, 1), (Normalize(0, 0.5), 2)):
            dataset = MNISTDataset(root, train=False, transform=transform)
            image, label = dataset[2]
            assert image.shape == (1, 28, 28) and (type(label), label) == (int, 4)
            _, (pixels, targets) = DataLoader(dataset, 3)
            assert np.allclose(pixels.numpy()[:, 0] * 255, factor * images[3:].astype(float))
            assert targets.numpy().tolist() == [1, 5] and pixels.dtype == np.float32
        for first, cut, says in ((images, 1, "3,935 bytes"), (labels, 0, "2049"), (images[1:], 0, "(5,)")):
            lay_mnist(root, first, labels, cut)
            refused(ValueError, lambda: MNISTDataset(root, train=False), "damaged", says)


def test_unit_transforms_in_a_loader():
    data = Pictures(30, transform=Compose([RandomCrop(27, padding=1)]))
    loader, other = (DataLoader(data, 8, seed=5, prefetch=n) for n in (0, 3))
    first, second = ([images.numpy().tolist() for images, _ in loader] for _ in range(2))
    assert first != second and [images.numpy().tolist() for images, _ in other] == first


# %% [markdown]
"""
### Normalization: memory first

The rest goes to a file of its own. Norms compute little on many numbers: they are as fast as memory. So the
helpers, which are given, put the channels *last in memory*, where one row of scales fits every pixel. NumPy starts
anew for every row, so they fold pixels into *long rows*, and repeat the scales. What takes several steps is done
*piece by piece*, in the cache. Sums are made without an array of products: by BLAS, and by `np.einsum`.
"""

# %% nbgrader={"grade": false, "grade_id": "norm-memory", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export core.normalization
import numpy as np

from tinytorch.core.layers import Module, Parameter
from tinytorch.core.tensor import Tensor, ones, primitive, zeros

_PIECE, _MOST = 2**17, 2**10  # numbers, and rows, of a piece; longer sums in float32 lose digits
_ROW = 2**11  # numbers from which on a row is long
FAR = 4  # deviations from 0: squares of numbers whose mean is farther away lose digits


def floating(a: np.ndarray) -> np.ndarray:
    """Integers and booleans as float32; a floating array as it is."""
    return a if a.dtype.kind == "f" else a.astype(np.float32)


def channel_rows(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) as long rows of memory, channels last: (rows, pixels in a row * C)."""
    width, last = x.shape[1], x.transpose(0, *range(2, x.ndim), 1)
    for size in reversed(x.shape[2:]):
        width *= max(size, 1) if width < _ROW else 1
    return np.ascontiguousarray(last).reshape(-1, width)


def as_batch(rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The batch (N, C, ...) of which these are the rows: another view of the same memory."""
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


def wide(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One number for each channel, repeated for each pixel of a row."""
    return values.astype(rows.dtype)[None].repeat(rows.shape[1] // len(values), axis=0).ravel()


def moved(rows: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Rows minus a number for each channel; the rows themselves, if these are all 0."""
    return rows - wide(base, rows) if base.any() else rows


def pieces(rows: np.ndarray) -> list[slice]:
    """Slices that cut the rows into pieces, the first the longest; one at least."""
    step = min(max(1, _PIECE // rows.shape[1]), _MOST)
    return [slice(start, start + step) for start in range(0, max(len(rows), 1), step)]


def sums(a: np.ndarray, b: np.ndarray, channels: int) -> np.ndarray:
    """The sum of a, and that of a * b, for each channel: float64 (2, channels)."""
    total = np.zeros((2, channels))
    for piece in pieces(a):
        down = a[piece].sum(axis=0), np.einsum("rc,rc->c", a[piece], b[piece])
        total += [row.reshape(-1, channels).sum(axis=0) for row in down]
    return total


# %% [markdown]
"""
### Batch normalization

`training` says whether the statistics depend on `x`, which decides the gradient. The running estimates are
Tensors that are no Parameters: saved, and not learned.
"""

# %% nbgrader={"grade": false, "grade_id": "norm-batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.normalization
def batch_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each channel of (N, C, ...): float64 (C,) each.

    TODO: square x as it is, unless a mean is FAR deviations from 0: then take it away from x first.
    HINT: with d = x - base, the mean is base + mean(d), the variance mean(d d) - mean(d) mean(d).
    """
    ### BEGIN SOLUTION
    rows, channels = channel_rows(floating(x)), x.shape[1]
    count, base = x.size // channels, np.zeros(channels, rows.dtype)
    mean, square = sums(rows, rows, channels) / count
    if (mean**2 > FAR**2 * (square - mean**2)).any():
        base = mean.astype(rows.dtype)
        d = moved(rows, base)
        mean, square = sums(d, d, channels) / count
    return base + mean, np.maximum(square - mean**2, 0)
    ### END SOLUTION


@primitive
def batch_norm(x, weight, bias, statistics=None, training=True, eps=1e-5):
    """weight (x - mean) / sqrt(var + eps) + bias for each channel of (N, C, ...); weight, bias (C,).

    statistics: mean and variance, (C,) each, of x if training; by default they are taken of x

    TODO: make of it one scale and one shift for each channel; save what the gradient needs.
    """
    ### BEGIN SOLUTION
    mean, var = batch_statistics(x) if statistics is None else statistics
    inverse = 1 / np.sqrt(var + eps)
    rows, scale = channel_rows(floating(x)), weight * inverse
    base = (mean * (abs(mean) * inverse > 100).any()).astype(rows.dtype)  # far from 0, x is moved first
    shift, scale, output = wide(bias - (mean - base) * scale, rows), wide(scale, rows), np.empty_like(rows)
    for piece in pieces(rows):
        part = np.multiply(moved(rows[piece], base), scale, out=output[piece])
        part += shift
    return as_batch(output, x.shape), (mean, inverse, base)
    ### END SOLUTION


@batch_norm.gradient
def batch_norm_gradient(grad, output, saved, x, weight, bias, statistics=None, training=True, eps=1e-5):
    """One array for x, weight and bias each: the rows of the table above.

    TODO: sum g and g (x - mean) for each channel; x then gets a g + b x + c, with three numbers for
        each channel. Where statistics are fixed, b and c are 0.
    """
    ### BEGIN SOLUTION
    (mean, inverse, base), channels = saved, len(weight)
    rows, slopes = channel_rows(floating(x)), channel_rows(grad)
    of_bias, of_weight = sums(slopes, moved(rows, base), channels)
    of_weight = (of_weight - (mean - base) * of_bias) * inverse
    share = weight * inverse * training / max(x.size // channels, 1)
    b = -share * inverse * of_weight
    c = -share * of_bias - b * (mean - base)
    a, b, c = (wide(v, rows) for v in (weight * inverse, b, c))
    result = np.empty_like(as_batch(rows, x.shape))  # an array of its own: nobody need copy it
    output, work = channel_rows(result), np.empty_like(rows[pieces(rows)[0]])
    for piece in pieces(rows):
        shifted = np.multiply(moved(rows[piece], base), b, out=work[: len(rows[piece])])
        shifted += c
        part = np.multiply(slopes[piece], a, out=output[piece])
        part += shifted
    return result, of_weight.astype(weight.dtype), of_bias.astype(bias.dtype)
    ### END SOLUTION


class BatchNorm(Module):
    """BatchNorm1d and BatchNorm2d: they differ in the shapes that they take.

    num_features: C    eps: added to the variance, under the root
    momentum: the share of what is new in running_mean and running_var, Tensors (C,), 0 and 1 at first
    num_batches_tracked: Tensor, how many batches they are made of; PyTorch saves it, and so it is kept
    weight, bias: Parameters (C,), ones and zeros

    Raises ValueError for other shapes, and for a single number a channel in training.
    """

    shapes: tuple[str, ...] = ()  # of an input

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight, self.bias = Parameter(ones(num_features)), Parameter(zeros(num_features))
        self.running_mean, self.running_var = zeros(num_features), ones(num_features)
        self.num_batches_tracked = Tensor(0)

    def forward(self, x: Tensor) -> Tensor:
        """The batch, normalized by its own statistics in training, by the running ones else.

        TODO: in training, take the statistics and move the running ones; their variance is the
            unbiased one, M / (M - 1) times the other. Assign: `self.running_mean.data = ...`.
        """
        self.check(x.shape)
        self.num_batches_tracked.data = self.num_batches_tracked.data + int(self.training)
        ### BEGIN SOLUTION
        mean, var = self.running_mean.data, self.running_var.data
        if self.training:
            mean, var = batch_statistics(Tensor(x).data)
            count, m = x.size // self.num_features, self.momentum
            new = {self.running_mean: mean, self.running_var: var * count / (count - 1)}
            for running, seen in new.items():
                running.data = ((1 - m) * running.data + m * seen).astype(np.float32)
        return batch_norm(x, self.weight, self.bias, statistics=(mean, var), training=self.training, eps=self.eps)
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.num_features}, eps={self.eps}, momentum={self.momentum})"

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError for an input of another shape, and for a batch without a variance."""
        name, takes = type(self).__name__, " or ".join(self.shapes).replace("C", str(self.num_features))
        if len(shape) not in [s.count(",") + 1 for s in self.shapes] or shape[1] != self.num_features:
            raise ValueError(f"{name} takes {takes}, got shape {shape}")
        if self.training and np.prod(shape) < 2 * self.num_features:
            remedy = "Take larger batches, drop_last=True, or eval() to use the running statistics"
            raise ValueError(f"{name} in training: shape {shape} has no variance for a channel. {remedy}")


class BatchNorm1d(BatchNorm):
    """Normalizes each feature of (N, C), or each channel of (N, C, L), over all the rest."""

    shapes = ("(N, C)", "(N, C, L)")


class BatchNorm2d(BatchNorm):
    """Normalizes each channel of images (N, C, H, W), over images and pixels."""

    shapes = ("(N, C, H, W)",)


# %% [markdown]
"""
### 🧪 Unit test: batch normalization

Compares with the formula in float64 for every shape, near 0 and near 10,000, where the shortcut for the
variance fails. Running estimates are worked by hand: the variance of 1 and 3 is 1, and unbiased it is 2.
"""

# %% nbgrader={"grade": true, "grade_id": "test-norm-batch", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def assert_normalized(layer: Module, x: np.ndarray, axes: tuple, column: tuple) -> None:
    weight, bias = (p.numpy().reshape(column) for p in (layer.weight, layer.bias))
    wide_x, y = x.astype(np.float64), layer(Tensor(x)).numpy()
    mean, var = (f(wide_x, axis=axes, keepdims=True) for f in (np.mean, np.var))
    near = 1e-5 + 1e-6 * abs(mean).max()  # float32 has 7 digits, also at 10,000
    assert np.allclose(y, weight * (wide_x - mean) / np.sqrt(var + layer.eps) + bias, atol=near)
    assert y.dtype == np.float32


def test_unit_batch_norm():
    rng = np.random.default_rng(0)
    for shape in ((6, 3), (5, 3, 4), (4, 3, 5, 7), (2, 3, 40, 50)):
        layer = BatchNorm2d(3, eps=0.1) if len(shape) == 4 else BatchNorm1d(3)
        layer.weight.data, layer.bias.data = np.array([[1, 2, -1], [0, 5, 1]], np.float32)
        for middle in (0, 1e4):
            x = rng.normal(middle, 1, shape).astype(np.float32)
            assert_normalized(layer, x, (0, *range(2, len(shape))), (3, *[1] * (len(shape) - 2)))
        assert np.moveaxis(layer(Tensor(x)).numpy(), 1, -1).flags.c_contiguous  # channels last


def test_unit_running_statistics():
    layer = BatchNorm1d(1, eps=0.0)
    layer(Tensor([[1.0], [3.0]]))
    for _ in range(2):
        assert np.allclose(layer.running_mean.numpy(), 0.2)  # 0.9 * 0 + 0.1 * 2
        assert np.allclose(layer.running_var.numpy(), 1.1)  # 0.9 * 1 + 0.1 * 2, unbiased
        assert np.allclose(layer.eval()(Tensor([[2.3]])).numpy(), 2.1 / 1.1**0.5)
    refused(ValueError, lambda: layer.train()(zeros(1, 1)), "(1, 1)")


# %% [markdown]
"""
### Layer normalization

Here rows do not know of each other: it is the same in training and at use, for a batch of any size.
"""

# %% nbgrader={"grade": false, "grade_id": "norm-layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export core.normalization
@primitive
def layer_norm(x, weight, bias, eps=1e-5):
    """weight (x - mean) / sqrt(var + eps) + bias, for each row: all that the shape of weight spans.

    TODO: make a matrix with a line for each row; mean and variance along the lines; save them.
    HINT: two passes, as above: subtract the mean before you square.
    """
    ### BEGIN SOLUTION
    if x.shape[-weight.ndim :] != weight.shape:
        raise ValueError(f"the last dimensions must be {weight.shape}, normalized_shape of the layer")
    size, rows = weight.size, np.ascontiguousarray(floating(x)).reshape(-1, weight.size)
    share, output = np.full(size, 1 / size, rows.dtype), np.empty_like(rows)
    scale, shift = (np.tile(p.ravel(), (len(rows[pieces(rows)[0]]), 1)) for p in (weight, bias))
    mean, inverse = np.empty((2, len(rows), 1), rows.dtype)
    for piece in pieces(rows):
        mean[piece, 0] = np.vecdot(rows[piece], share)
        part = np.subtract(rows[piece], mean[piece], out=output[piece])
        var = np.vecdot(part, part) / size
        if (mean[piece, 0] ** 2 > FAR**2 * var).any():  # rounding left some of the mean
            part -= np.vecdot(part, share)[:, None]
            var = np.vecdot(part, part) / size
        inverse[piece, 0] = 1 / np.sqrt(var + eps)
        part *= inverse[piece]
        part *= scale[: len(part)]
        part += shift[: len(part)]
    return output.reshape(x.shape), (mean, inverse)
    ### END SOLUTION


@layer_norm.gradient
def layer_norm_gradient(grad, output, saved, x, weight, bias, eps=1e-5):
    """One array for x, weight and bias each: the rows of the table above.

    HINT: the sum of (x - mean) h is that of x h less mean times that of h, unless x is far from 0: float32
        rounds the mean, so x - mean has a mean of its own, which forward takes away as well.
    """
    ### BEGIN SOLUTION
    (mean, inverse), size = saved, weight.size
    rows, slopes = (np.ascontiguousarray(a).reshape(-1, size) for a in (floating(x), grad))
    result, of_weight, of_bias = np.empty(x.shape, rows.dtype), *np.zeros((2, size))
    output, work = result.reshape(-1, size), np.empty_like(rows[pieces(rows)[0]])
    scale, share = np.tile(weight.ravel(), (len(work), 1)), np.full(size, 1 / size, rows.dtype)
    for piece in pieces(rows):
        r, m, i = rows[piece], mean[piece], inverse[piece]
        if (abs(m) * i > FAR).any():  # as in forward: away with the mean, and with what rounding left of it
            r, m = r - m, 0 * m
            r -= np.vecdot(r, share)[:, None]
        of_bias += np.ones(len(r), r.dtype) @ slopes[piece]
        part = np.multiply(slopes[piece], i, out=output[piece])
        of_weight += np.einsum("rc,rc->c", r, part) - m[:, 0] @ part
        part *= scale[: len(part)]  # i h; from it, i (mean of h) and i x^ (mean of h x^) are taken
        middle = np.vecdot(part, share)[:, None]
        factor = (np.vecdot(r, part)[:, None] / size - m * middle) * i * i
        part -= np.multiply(r, factor, out=work[: len(part)])
        part += m * factor - middle
    of_weight, of_bias = (a.reshape(weight.shape).astype(weight.dtype) for a in (of_weight, of_bias))
    return result, of_weight, of_bias
    ### END SOLUTION


class LayerNorm(Module):
    """Normalizes every row of (..., *normalized_shape) by its own mean and variance.

    normalized_shape: sizes of the last dimensions, or one number; weight and bias have this shape
    eps: added to the variance, under the root

    Raises ValueError for an input that does not end with the shape.
    """

    def __init__(self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5) -> None:
        ### BEGIN SOLUTION
        self.normalized_shape = tuple(np.ravel(normalized_shape).tolist())
        self.weight = Parameter(ones(self.normalized_shape))
        self.bias, self.eps = Parameter(zeros(self.normalized_shape)), eps
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, with every row normalized."""
        ### BEGIN SOLUTION
        return layer_norm(x, self.weight, self.bias, eps=self.eps)
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"LayerNorm({self.normalized_shape}, eps={self.eps})"


# %% [markdown]
"""
### 🧪 Unit test: layer normalization

Compares with the formula in float64, for one dimension and for two, near 0 and near 10,000.
"""

# %% nbgrader={"grade": true, "grade_id": "test-norm-layer", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_layer_norm():
    rng = np.random.default_rng(1)
    for shape, inner in (((4, 6), (6,)), ((2, 3, 5), (3, 5)), ((6,), (6,)), ((3, 2, 1), (1,))):
        layer, axes = LayerNorm(inner), tuple(range(len(shape) - len(inner), len(shape)))
        layer.weight.data, layer.bias.data = rng.normal(size=(2, *inner)).astype(np.float32)
        for middle in (0, 1e4):
            assert_normalized(layer, rng.normal(middle, 1, shape).astype(np.float32), axes, inner)
    refused(ValueError, lambda: LayerNorm(4)(zeros(4, 3)), "(4, 3)", "(4,)")


# %% [markdown]
"""
## Systems Analysis

Four questions, each answered by measuring the code above on this machine.

- **Memory**: what does a data set weigh as bytes and as floats, and what does an epoch hold beyond it?
- **Computational complexity**: what does an image cost in batches of different sizes, at once or one by one?
- **Cache and hardware**: what does the order of channels in memory cost BatchNorm?
- **At scale**: after how many layers do numbers leave float32, with and without normalization?
"""

# %% nbgrader={"grade": false, "grade_id": "data-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
from tinytorch.core.measuring import best_seconds, peak_bytes


def analyze_memory() -> None:
    dataset = Pictures(20_000)
    print(f"  20,000 images: {dataset.images.nbytes / 2**20:.1f} MiB of bytes")
    floats = peak_bytes(lambda: dataset.images / np.float32(255))
    epoch = peak_bytes(lambda: deque(DataLoader(dataset, 64, shuffle=True), 0))
    print(f"  all as float32: {floats / 2**20:.1f} MiB more; an epoch: {epoch / 2**20:.2f} MiB more")


def analyze_complexity() -> None:
    for count, size in ((4096, 1), (4096, 8), (4096, 64), (4096, 512), (32768, 512)):
        one_by_one, times = Pictures(count, transform=Compose([])), []
        for dataset in (Pictures(count), one_by_one):
            seconds = best_seconds(lambda d=dataset: deque(DataLoader(d, size), 0), 3)  # noqa: B023
            times.append(f"{seconds / count * 1e6:5.2f} us")
        print(f"  {count:6} images by {size:3}: {times[0]} an image at once, {times[1]} one by one")


def analyze_cache() -> None:
    numbers = np.random.default_rng(0).standard_normal((64, 32, 32, 16), np.float32)
    images, layer = np.moveaxis(numbers, -1, 1), BatchNorm2d(16)
    for name, x in (("last", images), ("first", np.ascontiguousarray(images))):
        seconds = best_seconds(lambda x=x: layer(Tensor(x)), 10)
        print(f"  BatchNorm2d of {x.shape}, channels {name} in memory: {seconds * 1e3:.2f} ms")


def depth(weight: np.ndarray, norm: Callable[[Tensor], Tensor]) -> int:
    """How many layers, up to 200, leave numbers that are finite and not all below 1e-30."""
    x, layers = Tensor(np.random.default_rng(0).standard_normal((32, 64), np.float32)), 0
    while layers < 200 and 1e-30 < x.max().item() < np.inf:
        with np.errstate(all="ignore"):
            x, layers = abs(norm(x @ weight)), layers + 1
    return layers


def analyze_scale() -> None:
    draw = np.random.default_rng(1).standard_normal((64, 64), np.float32)
    for size in (0.01, 0.1, 1.0):
        found = [depth(draw * size, norm) for norm in (Tensor, BatchNorm1d(64), LayerNorm(64))]
        print(f"  weights of size {size:4}: of 200 layers {found[0]}, with norms {found[1]} and {found[2]}")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: gradients

Compares gradients with finite differences along a random direction, and checks that float32 stays.
"""

# %% nbgrader={"grade": true, "grade_id": "test-norm-gradients", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def assert_gradients(name: str, shape: tuple, inner: tuple, **options: Any) -> None:
    rng, forward, rule = np.random.default_rng(2), engine.implementations[name], engine.gradients[name]
    arrays = [rng.normal(3, 1, shape), rng.normal(size=inner), rng.normal(size=inner)]
    moves, grad = [rng.normal(size=a.shape) for a in arrays], rng.normal(size=shape)
    for dtype, near in ((np.float64, 1e-6), (np.float32, 1e-3)):
        cast = [array.astype(dtype) for array in arrays]
        output, saved = forward(*cast, **options)
        slopes = rule(grad.astype(dtype), output, saved, *cast, **options)
        assert [a.dtype for a in (output, *slopes)] == [dtype] * 4
        for place, (slope, move) in enumerate(zip(slopes, moves, strict=True)):
            ends = [[a + h * move if i == place else a for i, a in enumerate(arrays)] for h in (1e-5, -1e-5)]
            up, down = ((forward(*end, **options)[0] * grad).sum() for end in ends)
            assert abs((up - down) / 2e-5 - (slope * move).sum()) < near, (name, shape, place)


def test_unit_gradients():
    fixed = {"statistics": (np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 0.5])), "training": False}
    for shape in ((4, 3), (2, 3, 5), (2, 3, 2, 3)):
        assert_gradients("batch_norm", shape, (3,))
        assert_gradients("batch_norm", shape, (3,), **fixed)
    for shape, inner in (((4, 3), (3,)), ((2, 2, 3), (2, 3)), ((5,), (5,))):
        assert_gradients("layer_norm", shape, inner)


# %% [markdown]
"""
## Integration

### 🧪 Integration test: a norm is saved with its estimates

Shows a norm some batches, and restores it into another one, which would answer otherwise without the estimates.
"""

# %% nbgrader={"grade": true, "grade_id": "test-norm-model", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_integration_save_and_restore():
    rows, norm, other = np.arange(60.0).reshape(-1, 3), BatchNorm1d(3), BatchNorm1d(3).eval()
    for (batch,) in DataLoader(TensorDataset(rows), 8):
        norm(batch)
    other.load_state_dict(norm.eval().state_dict())
    assert np.array_equal(norm(batch).numpy(), other(batch).numpy())
    assert not np.allclose(other(batch).numpy(), BatchNorm1d(3).eval()(batch).numpy())


# %% [markdown]
"""
## Production Context

- **PyTorch**'s `DataLoader` has these names. Its workers are processes, because Python code in a transform holds the
  interpreter's lock. Its order comes from a generator that lives on: to resume a run, its state must be saved.
- **tf.data** reads sharded files for data sets that fit into no memory, and shuffles in a buffer: never perfectly.
- **BatchNorm** is one scale and one shift at use: servers multiply it into the layer before it. Over several machines,
  `SyncBatchNorm` sends statistics around. **Language models** take LayerNorm, as a fused kernel.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: from images to well scaled numbers

Sends images through random transforms, a worker, and twenty layers of large weights: they come out near 1.
"""

# %% nbgrader={"grade": true, "grade_id": "test-data-pipeline", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_pipeline():
    transform = Compose([RandomCrop(24), RandomHorizontalFlip(), Normalize(0.5, 0.29)])
    weight = np.random.default_rng(4).normal(0, 9, (576, 576)).astype(np.float32)
    for batch, _ in DataLoader(Pictures(50, transform=transform), 16, drop_last=True, prefetch=1):
        x = BatchNorm2d(1)(batch).reshape(16, 576)
        for norm in [BatchNorm1d(576), LayerNorm(576)] * 10:
            x = norm(x @ weight)
        assert abs((x * x).mean().item() - 1) < 1e-3


# %% nbgrader={"grade": false, "grade_id": "data-picture", "locked": true, "schema_version": 3, "solution": false, "task": false}
def show_spread():
    """The standard deviation after each of ten layers, without norms and with your LayerNorm."""
    draw, norm = np.random.default_rng(0), LayerNorm(100)
    plain = normed = Tensor(draw.normal(0, 1, (64, 100)).astype(np.float32))
    for layer in range(1, 11):
        weight = draw.normal(0, 0.2, (100, 100)).astype(np.float32)
        plain, normed = plain @ weight, norm(normed @ weight)
        without, within = plain.numpy().std(), normed.numpy().std()
        bar = "#" * round(3 * np.log2(without))
        print(f"layer {layer:2}   with norm {within:.2f}   without {without:7.1f} {bar}")


# %% nbgrader={"grade": false, "grade_id": "data-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for title, analysis in (("Memory", analyze_memory), ("Complexity", analyze_complexity),
                            ("Cache", analyze_cache), ("At scale", analyze_scale),
                            ("Picture: numbers that stay near 1", show_spread)):
        print(f"\n{title}")
        analysis()

# %% [markdown]
"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "data-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** You measured an image in batches of different sizes, taken at once and one by one. Where
does the time go in each case, and at which batch size would you stop looking for more?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "data-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** All that is random in an epoch is drawn from the seed, the epoch and the batch. What would
go wrong with a single generator, with a worker thread, and after a run is resumed?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "data-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** A service answers one customer at a time with a model that has BatchNorm, and somebody
forgot `eval()`. What happens with your layer, and what would happen if it did not check?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "data-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** A data set has a thousand times the images that you measured, and lies on a disk. What of your
`DataLoader` still works, and how would you shuffle?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Data and normalization

You built the way in: data sets that stay bytes until they are taken, batches whose order can be made again, files
that are checked before they are believed. And the way through: norms that keep numbers near 1, whatever layers do.

**Next:** `pytest --checkpoint 07`, then module 09, where gradients come by themselves.
"""
