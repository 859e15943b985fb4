# Generated from src_modules/08_dataloader.py. Do not edit: write in src_modules/08_dataloader.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=da7282f614d929d5 code=f081774fcab148ba content=95421f4d1d1ebf0b
# %% src_modules/08_dataloader.py:50
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


# %% src_modules/08_dataloader.py:72
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


# %% src_modules/08_dataloader.py:145
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


# %% src_modules/08_dataloader.py:171
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


# %% src_modules/08_dataloader.py:287
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


# %% src_modules/08_dataloader.py:401
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


# %% src_modules/08_dataloader.py:516
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
