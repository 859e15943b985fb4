"""Loaders and data sets beyond what a checkpoint can ask: subclasses, threads, memory, data."""

import importlib.util
import os
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.dataloader import collate, draws

DATA = Path(__file__).parents[2] / "data"


class Squares(tt.Dataset):
    """Items that are computed."""

    def __len__(self):
        return 7

    def __getitem__(self, index):
        return tt.Tensor([float(index)]), index * index


class Shifted(tt.TensorDataset):
    """A subclass that changes what an item is."""

    def __getitem__(self, index):
        rows, labels = super().__getitem__(index)
        return rows + 100, labels


def labels_of(loader):
    return [label for *_, labels in loader for label in labels.numpy().tolist()]


def test_a_data_set_of_ones_own():
    batches = list(tt.DataLoader(Squares(), 3))
    assert [images.shape for images, _ in batches] == [(3, 1), (3, 1), (1, 1)]
    assert labels_of(tt.DataLoader(Squares(), 3)) == [0, 1, 4, 9, 16, 25, 36]
    assert all(isinstance(part, tt.Tensor) for batch in batches for part in batch)


def test_a_subclass_with_other_items_gives_other_batches():
    rows = np.zeros((4, 2), np.float32)
    [(batch, labels)] = tt.DataLoader(Shifted(rows, np.arange(4)), 4)
    assert batch.numpy().tolist() == [[100, 100]] * 4 and labels.numpy().tolist() == [0, 1, 2, 3]


def test_batches_are_copies():
    rows = np.zeros((4, 2), np.float32)
    for images, _ in tt.DataLoader(tt.TensorDataset(rows, np.arange(4)), 2):
        images.numpy()[:] = 1
    assert not rows.any()


def test_fields_keep_their_dtypes():
    images, labels, share, flag = collate([(np.zeros(2, np.uint8), 1, 0.5, True)] * 2)
    dtypes = [part.dtype for part in (images, labels, share, flag)]
    assert dtypes == [np.uint8, np.int64, np.float32, np.bool_]
    [alone] = collate([tt.Tensor([1.0]), tt.Tensor([2.0])])
    assert alone.numpy().tolist() == [[1], [2]]
    with pytest.raises(ValueError):
        collate([(1, 2), (3,)])


def test_two_epochs_at_once_do_not_disturb_each_other():
    loader = tt.DataLoader(Squares(), 2, shuffle=True, seed=1)
    alone = [labels_of(loader) for _ in range(2)]
    loader.epoch = 0
    first, second = iter(loader), iter(loader)
    mixed = [(next(first), next(second)) for _ in range(4)]
    for number, order in enumerate(alone):
        assert [n for pair in mixed for n in pair[number][1].numpy().tolist()] == order


@pytest.mark.parametrize("count", [0, 3, 99])
def test_a_worker_ends_with_its_epoch(count):
    before = threading.active_count()
    batches = iter(tt.DataLoader(Squares(), 1, prefetch=2))
    for _ in zip(range(count), batches, strict=False):
        pass
    batches.close()
    assert threading.active_count() == before


def test_a_worker_that_fails_names_the_place():
    class Broken(Squares):
        def __getitem__(self, index):
            if index == 5:
                raise KeyError("item 5 is lost")
            return super().__getitem__(index)

    loader = tt.DataLoader(Broken(), 2, prefetch=4)
    got = []
    with pytest.raises(KeyError, match="item 5 is lost") as raised:
        for batch in loader:
            got.append(batch)
    assert len(got) == 2 and any(entry.name == "__getitem__" for entry in raised.traceback)


def test_random_numbers_outside_of_a_loader_are_those_of_manual_seed():
    crop, image = tt.RandomCrop(4, padding=2), np.ones((1, 8, 8), np.float32)
    tt.manual_seed(3)
    first = [crop(image).numpy().tolist() for _ in range(5)]
    list(tt.DataLoader(Squares(), 2, seed=1))
    tt.manual_seed(3)
    list(tt.DataLoader(Squares(), 2, seed=1))  # takes nothing from that generator
    assert [crop(image).numpy().tolist() for _ in range(5)] == first
    assert draws() is not None


def peak_of_an_epoch(dataset):
    loader = tt.DataLoader(dataset, 50, shuffle=True)
    tracemalloc.start()
    for _ in loader:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_data_set():
    for columns in (100, 400):
        dataset = tt.TensorDataset(np.zeros((20_000, columns), np.float32))
        assert peak_of_an_epoch(dataset) < 20_000 * 8 * 2 + 50 * columns * 4 * 4 + 200_000


def test_an_image_weighs_a_byte_a_pixel(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for number in range(1, 6):
        with (folder / f"data_batch_{number}.bin").open("wb") as file:
            file.write(bytes([number]) * 3073)
            file.truncate(10_000 * 3073)
    tracemalloc.start()
    dataset = tt.CIFAR10Dataset(tmp_path)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1.02 * 50_000 * 3072 and peak < held + 70_000_000  # two files at most
    firsts = [dataset[10_000 * number] for number in range(5)]
    assert [label for _, label in firsts] == [1, 2, 3, 4, 5]
    assert [round(image.numpy().max() * 255) for image, _ in firsts] == [1, 2, 3, 4, 5]


@pytest.mark.skipif("TINYTORCH_DATA" not in os.environ, reason="TINYTORCH_DATA is not set")
def test_the_real_data_sets():
    for dataset, count, shape in (
        (tt.MNISTDataset(), 60_000, (1, 28, 28)),
        (tt.MNISTDataset(train=False), 10_000, (1, 28, 28)),
        (tt.CIFAR10Dataset(), 50_000, (3, 32, 32)),
        (tt.CIFAR10Dataset(train=False), 10_000, (3, 32, 32)),
    ):
        image, label = dataset[count - 1]
        assert len(dataset) == count and image.shape == shape and 0 <= label < 10
        assert set(np.bincount(dataset.labels) > count / 12) == {True}


def test_the_sample_of_mnist():
    with np.load(DATA / "mnist_sample.npz", allow_pickle=False) as arrays:
        for part, count in (("train", 5000), ("test", 2000)):
            images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
            assert images.shape == (count, 1, 28, 28) and labels.shape == (count,)
            assert images.dtype == labels.dtype == np.uint8
            assert np.bincount(labels).min() > 0.07 * count and labels.max() == 9
    assert (DATA / "mnist_sample.npz").stat().st_size < 1_300_000


def synthetic():
    spec = importlib.util.spec_from_file_location("synthetic", DATA / "synthetic_images.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_synthetic_images_repeat_and_cannot_be_told_by_their_mean_colour():
    make = synthetic().make_images
    images, labels = make(600, seed=3)
    assert images.shape == (600, 3, 32, 32) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [60] * 10
    again, _ = make(600, seed=3)
    other, _ = make(600, seed=4)
    assert np.array_equal(images, again) and not np.array_equal(images, other)
    colours = images.mean(axis=(2, 3))
    means = np.stack([colours[labels == label].mean(axis=0) for label in range(10)])
    nearest = ((colours[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert 0.1 < (nearest == labels).mean() < 0.5
