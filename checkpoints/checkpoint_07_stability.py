"""Checkpoint 07: batches that lose nothing, and norms against NumPy in float64.

Files are made here in the publishers' formats, and laid where student code can read them. The last
test reads digits through features that are badly scaled, with statistics gathered batch by batch.
"""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("07")

PICTURE = np.arange(1, 37, dtype=np.float32).reshape(3, 3, 4)  # three channels


def numbered(tt, count):
    """A data set whose row n is [10 n, 10 n + 1], with the label n."""
    labels = np.arange(count)
    rows = np.stack([10.0 * labels, 10.0 * labels + 1], axis=1).astype(np.float32)
    return tt.TensorDataset(tt.Tensor(rows), tt.Tensor(labels))


def epoch(check, loader):
    """The batches of the next epoch, as plain arrays."""
    return [tuple(check.array(part) for part in batch) for batch in loader]


def labels_of(check, loader):
    """All labels of the next epoch, in their order."""
    return [int(label) for _, labels in epoch(check, loader) for label in labels]


def idx(array):
    """The bytes of an IDX file, before they are compressed."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def mnist_files(part, images, labels):
    """Two files of MNIST, compressed, under the names by which a data set looks for them."""
    return {
        f"mnist/{part}-images-idx3-ubyte.gz": gzip.compress(images, 1),
        f"mnist/{part}-labels-idx1-ubyte.gz": gzip.compress(labels, 1),
    }


def normalized(x, axes, eps=1e-5):
    """(x - mean) / sqrt(var + eps) in float64."""
    x = x.astype(np.float64)
    var = x.var(axis=axes, keepdims=True)
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(var + eps)


@pytest.mark.points(1)
@pytest.mark.hint("The same index into every tensor; a tuple, also if there is only one tensor.")
def test_rows_of_tensors(tt, check):
    """Hands out the same row of every tensor, and refuses tensors of different lengths"""
    dataset = numbered(tt, 5)
    check.equal(len(dataset), 5)
    row, label = dataset[3]
    check.close(row, [30, 31])
    check.equal(int(label), 3)
    check.close(dataset[-1][0], [40, 41])
    check.equal(len(tt.TensorDataset(tt.zeros(4, 2))[0]), 1)
    with check.raises(IndexError):
        dataset[5]
    with check.raises(ValueError, mentions=("4", "3")):
        tt.TensorDataset(tt.zeros(4, 2), tt.zeros(3))
    with check.raises(ValueError):
        tt.TensorDataset()


@pytest.mark.points(1)
@pytest.mark.hint("The last batch is shorter where the size does not divide the number of items.")
@pytest.mark.depends(on="test_rows_of_tensors")
@given(count=st.integers(0, 20), size=st.integers(1, 8))
def test_batches_cover_everything(tt, check, count, size):
    """Takes every item once and in order, the last and shorter batch too, and counts its batches"""
    loader = tt.DataLoader(numbered(tt, count), batch_size=size)
    batches = epoch(check, loader)
    check.equal(labels_of(check, loader), list(range(count)))
    lengths = [min(size, count - start) for start in range(0, count, size)]
    check.equal([len(labels) for _, labels in batches], lengths)
    check.equal([rows.shape for rows, _ in batches], [(length, 2) for length in lengths])
    check.equal(len(loader), len(lengths))


@pytest.mark.points(1)
@pytest.mark.hint("drop_last leaves out a last batch that is too short, and only that.")
@pytest.mark.depends(on="test_batches_cover_everything")
@given(count=st.integers(0, 20), size=st.integers(1, 8))
def test_drop_last(tt, check, count, size):
    """Leaves out a last batch that is too short, and keeps one that is not"""
    loader = tt.DataLoader(numbered(tt, count), batch_size=size, drop_last=True)
    check.equal(labels_of(check, loader), list(range(count - count % size)))
    check.equal(len(loader), count // size)


@pytest.mark.points(1)
@pytest.mark.hint("Shuffle numbers of items, and index rows and labels with the same numbers.")
@pytest.mark.depends(on="test_batches_cover_everything")
def test_shuffling_keeps_pairs(tt, check):
    """Shuffles all items, each once, with its own label"""
    loader = tt.DataLoader(numbered(tt, 50), batch_size=8, shuffle=True, seed=3)
    batches = epoch(check, loader)
    labels = np.concatenate([labels for _, labels in batches])
    rows = np.concatenate([rows for rows, _ in batches])
    check.close(rows, np.stack([10 * labels, 10 * labels + 1], axis=1))
    check.equal(sorted(labels.tolist()), list(range(50)))
    check.true(labels.tolist() != list(range(50)), "shuffle=True left the items in their order")


@pytest.mark.points(1)
@pytest.mark.hint("A new generator in each epoch, of the seed and the number of the epoch.")
@pytest.mark.depends(on="test_shuffling_keeps_pairs")
def test_a_seed_repeats(tt, check):
    """Repeats all epochs with the same seed, on every run, and has other ones with another"""
    dataset = numbered(tt, 40)
    first, same = (tt.DataLoader(dataset, 7, shuffle=True, seed=11) for _ in range(2))
    other = tt.DataLoader(dataset, 7, shuffle=True, seed=12)
    orders = [labels_of(check, first) for _ in range(3)]
    tt.manual_seed(0)
    check.equal([labels_of(check, same) for _ in range(3)], orders)
    check.true(orders[0] != orders[1] != orders[2], "each epoch should have an order of its own")
    check.true(labels_of(check, other) != orders[0], "another seed should give another order")
    drawn = []
    for seed in (5, 5, 6):
        tt.manual_seed(seed)
        drawn.append(labels_of(check, tt.DataLoader(dataset, 7, shuffle=True)))
    check.equal(drawn[0], drawn[1])
    check.true(drawn[0] != drawn[2], "without a seed, manual_seed should decide the order")


@pytest.mark.points(1)
@pytest.mark.hint("Nothing random may live on from one epoch to the next: seed and epoch decide.")
@pytest.mark.depends(on="test_a_seed_repeats")
def test_an_epoch_has_no_history(tt, check):
    """Gives epoch k the same order whatever went before: other batches, a stop, a restart"""
    whole = tt.DataLoader(numbered(tt, 30), 4, shuffle=True, seed=1)
    orders = [labels_of(check, whole) for _ in range(4)]
    stopped = tt.DataLoader(numbered(tt, 30), 9, shuffle=True, seed=1)
    for _ in stopped:
        break
    check.equal(labels_of(check, stopped), orders[1])
    resumed = tt.DataLoader(numbered(tt, 30), 4, shuffle=True, seed=1)
    resumed.epoch = 3
    check.equal(labels_of(check, resumed), orders[3])
    check.equal(int(resumed.epoch), 4)
    resumed.epoch = 0
    check.equal(labels_of(check, resumed), orders[0])


@pytest.mark.points(1)
@pytest.mark.hint("Fields of the items become Tensors: stack arrays, collect plain numbers.")
@pytest.mark.depends(on="test_batches_cover_everything")
def test_any_sequence_of_items(tt, check):
    """Takes anything with a length and items: pairs of arrays and numbers, or arrays alone"""
    pairs = [(np.full((2, 2), n, np.float32), n, n / 2) for n in range(3)]
    (images, whole, halves), _ = epoch(check, tt.DataLoader(pairs, batch_size=2))
    check.close(images, np.stack([np.zeros((2, 2)), np.ones((2, 2))]))
    check.equal(whole, np.array([0, 1]))
    check.close(halves, [0, 0.5])
    check.equal(
        [str(part.dtype) for part in (images, whole, halves)], ["float32", "int64", "float32"]
    )
    alone = epoch(check, tt.DataLoader([np.ones(3, np.float32)] * 4, batch_size=3))
    check.equal([[part.shape for part in batch] for batch in alone], [[(3, 3)], [(1, 3)]])
    small = [(np.full(2, n, np.uint8), np.array(n > 1)) for n in range(3)]
    pixels, flags = epoch(check, tt.DataLoader(small, batch_size=3))[0]
    check.equal([str(pixels.dtype), str(flags.dtype)], ["uint8", "bool"])
    check.equal(flags, np.array([False, False, True]))
    with check.raises(ValueError, mentions=("(3,)", "(2,)")):
        epoch(check, tt.DataLoader([np.ones(3), np.ones(2)], batch_size=2))


@pytest.mark.points(1)
@pytest.mark.hint("Labels given as a batch size are the usual mistake: say what was given.")
@pytest.mark.depends(on="test_rows_of_tensors")
def test_arguments_that_make_no_loader(tt, check):
    """Refuses a batch size that is none, and a seed below 0, by name"""
    for size in (0, -3, 2.5, [1, 2]):
        with check.raises((ValueError, TypeError), mentions=("batch_size",)):
            tt.DataLoader(numbered(tt, 3), size)
    with check.raises((ValueError, TypeError), mentions=("seed", "-1")):
        tt.DataLoader(numbered(tt, 3), seed=-1)


@pytest.mark.points(1)
@pytest.mark.hint("Only numbers of items are shuffled; rows are copied when their batch is made.")
@pytest.mark.depends(on="test_shuffling_keeps_pairs")
def test_memory_of_batches(tt, check, memory):
    """Holds a batch or a few at a time, and no copy of the data set"""
    images, labels, size = tt.ones(2048, 4096), tt.ones(2048), 4 * 2048 * 4096
    dataset_of, loader_of = tt.TensorDataset, tt.DataLoader
    with memory() as used:
        loader = loader_of(dataset_of(images, labels), 64, shuffle=True, seed=0)
        shapes = [tuple(rows.shape) for rows, _ in loader]
    check.equal(shapes, [(64, 4096)] * 32)
    times = used.peak / size
    text = f"an epoch in batches of 64 takes {times:.1f} times the memory of its data set"
    check.true(times < 0.5, f"{text}, expected less than half of it")


@pytest.mark.points(1)
@pytest.mark.hint("in_advance is given: hand it what makes a batch, and the parts of the order.")
@pytest.mark.depends(on="test_a_seed_repeats")
def test_prefetch(tt, check):
    """Makes the same batches with a worker, and hands on what goes wrong there"""
    dataset = numbered(tt, 25)
    plain = tt.DataLoader(dataset, 4, shuffle=True, seed=2)
    orders = [labels_of(check, plain) for _ in range(2)]
    for ahead in (1, 3, 50):
        loader = tt.DataLoader(dataset, 4, shuffle=True, seed=2, prefetch=ahead)
        check.equal([labels_of(check, loader) for _ in range(2)], orders)
    uneven = [np.ones(2), np.ones(2), np.ones(3), np.ones(2)]
    for ahead in (0, 2):
        with check.raises(ValueError, mentions=("(3,)",)):
            epoch(check, tt.DataLoader(uneven, 2, prefetch=ahead))


def often(run_program, check, kind, settings, times):
    """What a transform made of PICTURE, each time it was called: Tensors, and PICTURE as it was."""
    inputs = {"kind": kind, "settings": settings, "image": PICTURE, "times": times}
    found = run_program("programs/transformed.py", **inputs)
    told = f"{kind} should return a Tensor, also of an array"
    check.true(found["tensors"] == times, f"{told}; {found['tensors']} of {times} are Tensors")
    for image in found["images"]:
        same = bool((check.array(image) == PICTURE).all())
        check.true(same, f"{kind} changed the image that it was given: make a new array")
    return [check.array(made) for made in found["made"]]


@pytest.mark.points(1)
@pytest.mark.hint("Reshape mean and std to (C, 1, 1), so that each channel has its own.")
def test_normalize(tt, check, rng, run_program):
    """Subtracts the mean of each channel and divides by its deviation, one for all or one each"""
    image = rng.random((3, 4, 5)).astype(np.float32)
    mean, std = [0.5, 0.4, 0.1], [0.2, 0.5, 2.0]
    column = (np.reshape(mean, (3, 1, 1)), np.reshape(std, (3, 1, 1)))
    tensor, each, one = tt.Tensor(image.copy()), tt.Normalize(mean, std), tt.Normalize(0.5, 0.25)
    with check.unchanged(tensor):
        for transform, expected in (
            (each, (image - column[0]) / column[1]),
            (one, (image - 0.5) / 0.25),
        ):
            check.close(transform(tensor), expected)
            check.close(transform(image.copy()), expected)
    square = image[:, :3, :3]  # as many columns as channels
    check.close(each(square.copy()), (square - column[0]) / column[1])
    check.dtype(each(image.copy()), "float32")
    settings = {"mean": mean, "std": std}
    often(run_program, check, "Normalize", settings, 2)
    with check.raises(ValueError, mentions=("0",)):
        tt.Normalize(0.5, [1.0, 0.0, 1.0])
    with check.raises(ValueError, mentions=("(3, 4, 5)",)):
        tt.Normalize([0.5, 0.5], 1.0)(image.copy())


@pytest.mark.points(1)
@pytest.mark.hint("A window of 2 has 3 - 2 + 1 places in 3 rows: the last one counts too.")
def test_random_crop(tt, check, run_program):
    """Cuts windows at every place, borders included, after it put zeros around"""
    tt.manual_seed(4)
    windows = often(run_program, check, "RandomCrop", {"size": 2}, 300)
    for window in windows:  # the same place in each channel, which begin at 1, 13 and 25
        own = window[0] - window[0, 0, 0]
        check.close(own, [[0, 1], [4, 5]])
        check.close(window, np.stack([window[0], window[0] + 12, window[0] + 24]))
    corners = [int(window[0, 0, 0]) for window in windows]
    check.equal(sorted(set(corners)), [1, 2, 3, 5, 6, 7])
    rarest = min(corners.count(corner) for corner in set(corners))
    check.true(rarest > 20, f"of 300 windows, {rarest} are at the rarest of 6 places")
    check.shape(tt.RandomCrop((1, 3))(tt.Tensor(PICTURE.copy())), (3, 1, 3))
    whole = tt.Tensor(PICTURE.astype(np.uint8))
    check.equal(tt.RandomCrop((3, 4))(whole), PICTURE.astype(np.uint8))
    padded = often(run_program, check, "RandomCrop", {"size": (3, 4), "padding": 2}, 400)
    wide = np.pad(PICTURE, [(0, 0), (2, 2), (2, 2)])
    corners = [(top, left) for top in range(5) for left in range(5)]
    places = {wide[:, top : top + 3, left : left + 4].tobytes() for top, left in corners}
    found = {window.astype(np.float32).tobytes() for window in padded}
    check.true(found <= places, "a window shows what is at no place of the padded image")
    check.true(len(found) > 20, f"400 windows are at {len(found)} of {len(places)} places")
    with check.raises(ValueError, mentions=("(3, 3, 4)",)):
        tt.RandomCrop(4)(PICTURE.copy())


@pytest.mark.points(1)
@pytest.mark.hint("The last dimension is the width: [..., ::-1] exchanges left and right.")
def test_random_flip(tt, check, run_program):
    """Exchanges left and right as often as it should, and never top and bottom"""
    tt.manual_seed(6)
    check.close(tt.RandomHorizontalFlip(p=1.0)(PICTURE.copy()), PICTURE[:, :, ::-1])
    check.close(tt.RandomHorizontalFlip(p=0.0)(tt.Tensor(PICTURE.copy())), PICTURE)
    for settings, low, high in (({}, 100, 200), ({"p": 0.8}, 200, 280)):
        images = often(run_program, check, "RandomHorizontalFlip", settings, 300)
        flipped = [int(image[0, 0, 0]) for image in images].count(4)
        check.true(low < flipped < high, f"{flipped} of 300, expected {low} to {high}")
        for image in images:  # all channels, or none
            turned = PICTURE[:, :, ::-1] if image[0, 0, 0] == 4 else PICTURE
            check.close(image, turned)
            check.dtype(image, "float32")
    with check.raises(ValueError, mentions=("50",)):
        tt.RandomHorizontalFlip(p=50)


@pytest.mark.points(1)
@pytest.mark.hint("Three dimensions of the image in the file: count, rows and columns, big-endian.")
def test_mnist_files(tt, check, rng, student_folder):
    """Reads images and labels of MNIST's files, as floats from 0 to 1 and ints"""
    images = rng.integers(0, 256, (7, 28, 28), dtype=np.uint8)
    labels = np.array([5, 0, 4, 1, 9, 2, 1], np.uint8)
    train = mnist_files("train", idx(images), idx(labels))
    root = student_folder(train | mnist_files("t10k", idx(images[:3, ::-1]), idx(labels[:3])))
    dataset = tt.MNISTDataset(root)
    check.equal(len(dataset), 7)
    for place in (0, 4, -1):
        image, label = dataset[place]
        check.close(image, images[place][None] / 255)
        check.dtype(image, "float32")
        check.equal(label, int(labels[place]))
    batches = epoch(check, tt.DataLoader(dataset, 4))
    check.close(batches[1][0], images[4:, None] / 255)
    check.equal(batches[1][1], np.array([9, 2, 1]))
    check.dtype(batches[0][0], "float32")
    test = tt.MNISTDataset(root, train=False, download=True)  # all is there: nothing to download
    check.close(test[1][0], images[1, ::-1][None] / 255)
    check.equal(str(tt.download_mnist(root)), str(Path(root) / "mnist"))


@pytest.mark.points(1)
@pytest.mark.hint("A transform belongs to the moment when an item is taken, not when it is loaded.")
@pytest.mark.depends(on=["test_mnist_files", "test_random_crop", "test_a_seed_repeats"])
def test_transforms_are_applied_each_time(tt, check, rng, student_folder):
    """Transforms an image anew each time, as the seed says, with a worker too"""
    images = rng.integers(1, 256, (20, 28, 28), dtype=np.uint8)
    labels = np.arange(20, dtype=np.uint8) % 10
    root = student_folder(mnist_files("t10k", idx(images), idx(labels)))
    both = tt.Compose([tt.RandomHorizontalFlip(p=1.0), tt.Normalize(0.5, 0.5)])
    fixed = tt.MNISTDataset(root, train=False, transform=both)
    check.close(fixed[3][0], images[3:4, :, ::-1] / 127.5 - 1, rtol=1e-4, atol=1e-5)
    shaken = tt.Compose([tt.RandomCrop(28, padding=3), tt.RandomHorizontalFlip()])
    dataset = tt.MNISTDataset(root, train=False, transform=shaken)
    seen = {check.array(dataset[0][0]).tobytes() for _ in range(20)}
    check.true(len(seen) > 10, f"taken 20 times, the image was shown in {len(seen)} ways")
    epochs = []
    for seed, ahead in ((7, 0), (7, 2), (8, 0)):
        loader = tt.DataLoader(dataset, 6, seed=seed, prefetch=ahead)
        two = [np.concatenate([part for part, _ in epoch(check, loader)]) for _ in range(2)]
        check.true(bool((two[0] != two[1]).any()), "two epochs show the same pictures")
        epochs.append(two)
    for number in range(2):
        check.close(epochs[1][number], epochs[0][number])
    check.true(bool((epochs[2][0] != epochs[0][0]).any()), "another seed shows the same pictures")
    check.close(tt.Compose([])(PICTURE.copy()), PICTURE)
    in_order = tt.Compose([tt.Normalize(1.0, 0.5), tt.Normalize(2.0, 4.0)])
    check.close(in_order(PICTURE.copy()), ((PICTURE - 1) / 0.5 - 2) / 4)


@pytest.mark.points(1)
@pytest.mark.hint("Compare magic number, length and counts before you use what is in the file.")
@pytest.mark.depends(on="test_mnist_files")
def test_files_that_are_damaged_or_missing(tt, check, rng, student_folder):
    """Refuses files that are missing, cut off, of another kind or of another length, by name"""
    empty = student_folder({})
    with check.raises(FileNotFoundError, mentions=(empty, "download")):
        tt.MNISTDataset(empty, train=False)
    images = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    labels = np.array([1, 2, 3], np.uint8)
    good = idx(images), idx(labels)
    for first, second, mentions in (
        (good[0][:-1], good[1], ["t10k-images"]),
        (good[0] + b"\0", good[1], ["t10k-images"]),
        (good[1], good[1], ["t10k-images", "2051"]),
        (good[0], good[0], ["t10k-labels", "2049"]),
        (good[0][:10], good[1], ["t10k-images"]),
        (b"", good[1], ["t10k-images"]),
        (good[0], idx(labels[:2]), ["t10k"]),
        (good[0], idx(labels + 9), ["t10k"]),
    ):
        root = student_folder(mnist_files("t10k", first, second))
        with check.raises(ValueError, mentions=mentions):
            tt.MNISTDataset(root, train=False)
    cut = {"mnist/t10k-images-idx3-ubyte.gz": gzip.compress(good[0])[:-9]}
    root = student_folder(mnist_files("t10k", *good) | cut)
    with check.raises(ValueError, mentions=("t10k-images",)):
        tt.MNISTDataset(root, train=False)


@pytest.mark.points(1)
@pytest.mark.hint("A row is 1 label and 3,072 pixels: the red plane, then green, then blue.")
def test_cifar10_files(tt, check, rng, student_folder):
    """Reads CIFAR-10's binary files: planes of red, green and blue, and labels"""
    folder = "cifar-10-batches-bin"
    empty = {f"{folder}/data_batch_{number}.bin": b"" for number in range(1, 6)}
    rows = np.zeros((10_000, 3073), np.uint8)
    rows[:, 0] = np.arange(10_000) % 10
    rows[9_999, 1:] = rng.integers(0, 256, 3072)
    root = student_folder(empty | {f"{folder}/test_batch.bin": rows.tobytes()})
    dataset = tt.CIFAR10Dataset(root, train=False, download=True)
    check.equal(len(dataset), 10_000)
    image, label = dataset[9_999]
    check.close(image, rows[9_999, 1:].reshape(3, 32, 32) / 255)
    check.equal(label, 9)
    check.dtype(image, "float32")
    check.equal(str(tt.download_cifar10(root)), str(Path(root) / folder))
    root = student_folder(empty | {f"{folder}/test_batch.bin": rows[:98].tobytes()})
    for train, name in ((False, "test_batch.bin"), (True, "data_batch_1.bin")):
        with check.raises(ValueError, mentions=(name,)):
            tt.CIFAR10Dataset(root, train=train)


@pytest.mark.points(2)
@pytest.mark.hint("Mean and variance over every dimension but the channels, then weight and bias.")
def test_batch_norm_in_training(tt, check, rng):
    """Normalizes each channel over all the rest, then scales and shifts it"""
    square = (3, 3), (3, 3, 3, 3)  # where a wrong dimension has the right shape
    for shape in ((6, 3), (4, 3, 5), (4, 3, 5, 2), (1, 3, 6, 7), (3, 3, 50, 60), *square):
        layer = tt.BatchNorm2d(3, eps=0.5) if len(shape) == 4 else tt.BatchNorm1d(3, eps=0.5)
        x = (3 * rng.standard_normal(shape) + 2).astype(np.float32)
        axes, column = (0, *range(2, len(shape))), (3, *[1] * (len(shape) - 2))
        expected, batch = normalized(x, axes, 0.5), tt.Tensor(x.copy())
        with check.unchanged(batch):
            check.close(layer(batch), expected, rtol=1e-4, atol=1e-4)
            layer.weight.data = np.array([2, -1, 0.5], np.float32)
            layer.bias.data = np.array([0, 5, -3], np.float32)
            expected = expected * np.reshape([2, -1, 0.5], column) + np.reshape([0, 5, -3], column)
            check.close(layer(batch), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.points(2)
@pytest.mark.hint(
    "(1 - momentum) old + momentum new; the variance with M - 1, as an estimate needs it."
)
@pytest.mark.depends(on="test_batch_norm_in_training")
def test_running_statistics(tt, check, rng):
    """Keeps up the mean and the unbiased variance, moved by the momentum"""
    layer = tt.BatchNorm1d(1)
    check.close(layer.running_mean, [0])
    check.close(layer.running_var, [1])
    layer(tt.Tensor([[1.0], [3.0]]))
    check.close(layer.running_mean, [0.2])  # 0.9 * 0 + 0.1 * 2
    check.close(layer.running_var, [1.1])  # 0.9 * 1 + 0.1 * 2: (1 + 1) / (2 - 1)
    layer, mean, var = tt.BatchNorm2d(2, momentum=0.3), np.zeros(2), np.ones(2)
    for _ in range(3):
        x = (rng.standard_normal((2, 2, 3, 2)) * 4 + 7).astype(np.float32)
        layer(tt.Tensor(x))
        mean = 0.7 * mean + 0.3 * x.mean(axis=(0, 2, 3), dtype=np.float64)
        var = 0.7 * var + 0.3 * x.var(axis=(0, 2, 3), ddof=1, dtype=np.float64)
        check.close(layer.running_mean, mean, rtol=1e-4)
        check.close(layer.running_var, var, rtol=1e-4)
    check.dtype(layer.running_var, "float32")


@pytest.mark.points(2)
@pytest.mark.hint("After eval() the batch says nothing: running_mean and running_var do all of it.")
@pytest.mark.depends(on="test_running_statistics")
def test_batch_norm_at_use(tt, check, rng):
    """Uses the running statistics after eval(), leaves them alone, and saves them with the rest"""
    layer = tt.BatchNorm1d(3, eps=0.25)
    layer(tt.Tensor(rng.standard_normal((8, 3)).astype(np.float32)))
    layer.running_mean.data = np.array([1, -2, 0], np.float32)
    layer.running_var.data = np.array([3.75, 0, 0.75], np.float32)
    layer.weight.data = np.array([1, 2, -1], np.float32)
    layer.bias.data = np.array([0, 0, 10], np.float32)
    layer.eval()
    for _ in range(2):
        x = tt.Tensor([[1.0, -2.0, 0.0], [5.0, -1.0, 3.0]])
        check.close(layer(x), [[0, 0, 10], [2, 4, 7]])
        check.close(layer(tt.Tensor([[5.0, -1.0, 3.0]])), [[2, 4, 7]])
    check.close(layer.running_mean, [1, -2, 0])
    check.close(layer.running_var, [3.75, 0, 0.75])
    check.equal([name for name, _ in layer.named_parameters()], ["weight", "bias"])
    other = tt.BatchNorm1d(3, eps=0.25).eval()
    other.load_state_dict(layer.state_dict())
    check.close(other(tt.Tensor([[5.0, -1.0, 3.0]])), [[2, 4, 7]])
    layer.train()
    check.close(layer(x), [[-0.970143, -1.414214, 10.948683], [0.970143, 1.414214, 9.051317]])


@pytest.mark.points(1)
@pytest.mark.hint("Count the numbers of a channel: the batch times the pixels. Below two, raise.")
@pytest.mark.depends(on="test_batch_norm_in_training")
def test_batches_that_cannot_be_normalized(tt, check):
    """Refuses a single number for a channel in training, and other shapes, by name"""
    for layer, shape in (
        (tt.BatchNorm1d(3), (1, 3)),
        (tt.BatchNorm1d(3), (1, 3, 1)),
        (tt.BatchNorm2d(3), (1, 3, 1, 1)),
        (tt.BatchNorm1d(3), (4, 2)),
        (tt.BatchNorm1d(3), (4, 3, 2, 2)),
        (tt.BatchNorm2d(3), (4, 3)),
        (tt.BatchNorm2d(3), (4, 2, 3, 3)),
    ):
        with check.raises(ValueError, mentions=(str(shape),)):
            layer(tt.ones(*shape))
    check.shape(tt.BatchNorm2d(3)(tt.ones(1, 3, 1, 2)), (1, 3, 1, 2))
    check.shape(tt.BatchNorm2d(3).eval()(tt.ones(1, 3, 1, 1)), (1, 3, 1, 1))
    check.shape(tt.BatchNorm1d(3).eval()(tt.zeros(0, 3)), (0, 3))


@pytest.mark.points(2)
@pytest.mark.hint("Mean and variance over the last dimensions alone: each row has its own.")
def test_layer_norm(tt, check, rng):
    """Normalizes each row over its last dimensions, alone or in any batch, in training or not"""
    square = ((4, 4), 4), ((3, 3, 3), (3, 3))  # where a wrong dimension has the right shape
    oblong = ((5, 4), 4), ((2, 3, 4), (4,)), ((2, 3, 4), (3, 4)), ((4,), 4)
    for shape, inner in (*oblong, *square):
        layer = tt.LayerNorm(inner, eps=0.5)
        size = (inner,) if isinstance(inner, int) else inner
        check.equal([tuple(p.shape) for p in layer.parameters()], [size, size])
        x = (3 * rng.standard_normal(shape) + 2).astype(np.float32)
        expected, batch = normalized(x, tuple(range(-len(size), 0)), 0.5), tt.Tensor(x.copy())
        with check.unchanged(batch):
            check.close(layer(batch), expected, rtol=1e-4, atol=1e-4)
            weight, bias = rng.standard_normal((2, *size)).astype(np.float32)
            layer.weight.data = weight
            layer.bias.data = bias
            layer.eval()
            check.close(layer(batch), expected * weight + bias, rtol=1e-4, atol=1e-4)
    rows = rng.standard_normal((5, 4)).astype(np.float32)
    whole = normalized(rows, (1,))
    check.close(tt.LayerNorm(4)(tt.Tensor(rows[3:])), whole[3:], rtol=1e-4, atol=1e-5)
    check.shape(tt.LayerNorm(4)(tt.zeros(0, 4)), (0, 4))
    for shown, parts in (
        (repr(tt.LayerNorm((37, 41))), ("LayerNorm", "37", "41")),
        (repr(tt.BatchNorm2d(37)), ("BatchNorm2d", "37")),
    ):
        check.true(all(part in shown for part in parts), f"{shown!r} should show {parts}")
    with check.raises(ValueError, mentions=("(5, 3)", "4")):
        tt.LayerNorm(4)(tt.zeros(5, 3))


@pytest.mark.points(1)
@pytest.mark.hint("Subtract the mean before you square: at 10,000 the squares have no digits left.")
@pytest.mark.depends(on=["test_batch_norm_in_training", "test_layer_norm"])
def test_numbers_far_from_zero(tt, check, rng):
    """Keeps its digits where the numbers are near 10,000, or all equal, and float32 throughout"""
    x = (rng.standard_normal((64, 4, 16)) + 1e4).astype(np.float32)
    x[:, 1] = 1e4
    x[:, 2] *= np.where(np.arange(16) % 2, 1, -1).astype(np.float32)
    layer = tt.BatchNorm1d(4)
    check.close(layer(tt.Tensor(x)), normalized(x, (0, 2)), rtol=1e-3, atol=5e-3)
    check.close(layer.running_var, 0.9 + 0.1 * x.var((0, 2), np.float64, ddof=1), rtol=1e-3)
    images = x.reshape(64, 4, 4, 4)
    check.close(tt.BatchNorm2d(4)(tt.Tensor(images)), normalized(images, (0, 2, 3)), 1e-3, 5e-3)
    check.close(tt.LayerNorm(16)(tt.Tensor(x)), normalized(x, (2,)), rtol=1e-3, atol=5e-3)
    for result in (layer(tt.Tensor(x)), layer.eval()(tt.Tensor(x)), tt.LayerNorm(16)(tt.Tensor(x))):
        check.dtype(result, "float32")
    check.dtype(tt.LayerNorm(2)(tt.Tensor([[1, 2], [3, 5]])), "float32")
    check.dtype(tt.BatchNorm1d(2)(tt.Tensor([[1, 2], [3, 5]])), "float32")


@pytest.mark.points(1)
@pytest.mark.hint("Whatever a layer does to the size of its numbers, the norm after it undoes.")
@pytest.mark.depends(on=["test_batch_norm_in_training", "test_layer_norm"])
def test_deep_stacks_stay_stable(tt, check, rng):
    """Keeps numbers at size 1 through fifty layers that would drown them, or blow them up"""
    draw = rng.standard_normal((32, 32)).astype(np.float32)
    for size in (0.001, 30.0):
        weight = tt.Tensor(np.float32(size) * draw)
        for norm in (tt.BatchNorm1d(32, eps=1e-9), tt.LayerNorm(32, eps=1e-9)):
            x = tt.Tensor(rng.standard_normal((40, 32)).astype(np.float32))
            for _ in range(50):
                x = norm(x @ weight)
            check.close((x * x).mean(), 1, rtol=1e-2)


@pytest.mark.points(2)
@pytest.mark.hint("All that is left is in the tests above: fix them, and this one reads.")
@pytest.mark.depends(on=["test_batch_norm_at_use", "test_shuffling_keeps_pairs"])
def test_reads_badly_scaled_digits(tt, check, digits, rng, measured):
    """Reads digits whose pixels have sizes from 0.01 to 10,000, with statistics of its batches"""
    scale = (10.0 ** rng.uniform(-2, 4, 64)).astype(np.float32)
    offset = rng.uniform(-5, 5, 64).astype(np.float32)
    train, test = (
        (images.reshape(-1, 64) + offset) * scale
        for images in (digits.train_images, digits.test_images)
    )
    loader = tt.DataLoader(
        tt.TensorDataset(tt.Tensor(train), tt.Tensor(digits.train_labels)),
        batch_size=32, shuffle=True, seed=0,
    )  # fmt: skip
    norm = tt.BatchNorm1d(64, eps=1e-8)
    for _ in range(5):
        for images, _ in loader:
            norm(images)
    norm.eval()
    shares = []
    for prepare in (tt.Compose([]), norm):
        rows = check.array(prepare(tt.Tensor(train)))
        means = [rows[digits.train_labels == digit].mean(axis=0) for digit in range(10)]
        centroids = tt.Tensor(np.stack(means))
        held_out = prepare(tt.Tensor(test)).reshape(360, 1, 64)
        read = check.array(((held_out - centroids) ** 2).sum(dim=2).argmin(dim=1))
        shares.append(float((read == digits.test_labels).mean()))
    plain, stable = shares
    measured(f"{stable:.1%} of 360 unseen digits with BatchNorm, {plain:.1%} without it")
    check.true(stable >= 0.85, f"read {stable:.1%} of 360 digits correctly, expected 85 %")
    check.true(
        plain < stable - 0.05, f"without the norm {plain:.1%} are read, with it {stable:.1%}"
    )
