"""Production training! A CNN learns CIFAR-10 from scratch to 60 %; Ctrl-C costs nothing.

    python milestones/full_training/program.py [--seed 0] [--download]

The work is cut into parts of 10,000 photographs, and a checkpoint is written after each: weights,
momentum, learning rate, history and the place in the data. Press Ctrl-C at any time, run the same
command again, and it goes on after the last whole part, to the numbers of a run without a break.

Every number is computed by the tinytorch that you wrote: modules 02-11.
"""

import argparse
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads, which reads it
if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import tinytorch as tt
from tinytorch.core.dataloader import draws

PARTS, PART, BATCH, PEAK, MOMENTUM, DECAY = 8, 10_000, 125, 0.15, 0.9, 5e-4
CHECKPOINT = Path("full_training.npz")


def main(_, folder, checkpoint, unseen, seed, parts=PARTS, part=PART, stop_after=math.inf):
    """What the test of the claim asks for: history, and scores of `unseen`, bytes."""
    dataset = Photographs(folder)
    dataset.part = part
    model, history = train(dataset, Path(checkpoint), seed, parts, stop_after, verbose=False)
    return {"history": history, "scores": scores(model, unseen)}


class Photographs(tt.CIFAR10Dataset):
    """A part of CIFAR-10: `part` photographs, drawn anew each time, about half of them mirrored."""

    part = PART

    def __len__(self):
        return self.part

    def batch(self, indices):
        """As many images (N, 3, 32, 32) and labels (N,) as are asked for, drawn from all."""
        chosen = draws().integers(0, len(self.labels), len(indices))
        images = self.images[chosen]
        mirrored = draws().random(len(indices)) < 0.5
        images[mirrored] = images[mirrored, ..., ::-1]
        return tt.Tensor(scaled(images)), tt.Tensor(self.labels[chosen])


class Interruptible(tt.DataLoader):
    """A loader that presses Ctrl-C after `left` batches."""

    left = math.inf

    def __iter__(self):
        for batch in super().__iter__():
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            yield batch


def scaled(images):
    """Bytes (N, 3, 32, 32) as float32, with mean 0 and variance 1, roughly."""
    return (images - np.float32(120)) / np.float32(63)


def whitening_filters(images, size=4, count=16):
    """(2 count, 3, size, size): principal components of patches, each divided by the root of its
    variance, and their negatives."""
    windows = np.lib.stride_tricks.sliding_window_view(scaled(images), (size, size), axis=(2, 3))
    patches = np.moveaxis(windows[:, :, ::size, ::size], 1, 3).reshape(-1, 3 * size * size)
    variances, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    largest = vectors[:, : -count - 1 : -1] / np.sqrt(variances[: -count - 1 : -1] + 1e-3)
    filters = largest.T.reshape(count, 3, size, size).astype(np.float32)
    return np.concatenate([filters, -filters])


class Net(tt.Module):
    """Whitened patches, two convolutions with norms, the maximum of each feature, and a line."""

    def __init__(self, filters):
        self.filters = tt.Tensor(filters)  # no Parameter: it is saved, and not learned
        first = tt.Conv2d(len(filters), 64, 3, padding=1, bias=False), tt.BatchNorm2d(64), tt.ReLU()
        last = tt.Conv2d(64, 128, 3, padding=1, bias=False), tt.BatchNorm2d(128), tt.ReLU()
        parts = tt.MaxPool2d(2), *first, tt.MaxPool2d(2), *last, tt.MaxPool2d(3)
        self.layers = tt.Sequential(*parts, tt.Flatten(), tt.Linear(128, 10))

    def forward(self, x):
        """Images (N, 3, 32, 32) -> scores (N, 10)."""
        return self.layers(tt.relu(tt.conv2d(x, self.filters, stride=2)))


def train(dataset, checkpoint, seed, parts=PARTS, stop_after=math.inf, verbose=True):
    """Train until `parts` parts are done, from the checkpoint on if there is one."""
    tt.manual_seed(seed)
    model = Net(whitening_filters(dataset.images[:2000]))
    loader = Interruptible(dataset, BATCH, seed=seed)
    loader.left = stop_after
    optimizer = tt.SGD(model.parameters(), PEAK, MOMENTUM, nesterov=True, weight_decay=DECAY)
    trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss(label_smoothing=0.1))
    schedule = tt.OneCycleLR(optimizer, PEAK, parts + 1, 0.25, anneal_strategy="linear")
    kept = {
        "checkpoint_path": checkpoint,
        "resume_from": checkpoint if checkpoint.exists() else None,
    }
    return model, trainer.fit(loader, epochs=parts, scheduler=schedule, verbose=verbose, **kept)


def scores(model, images):
    """A score for each image and class, (N, 10)."""
    model.eval()
    with tt.no_grad():
        parts = [model(tt.Tensor(scaled(part))).numpy() for part in np.array_split(images, 20)]
    return np.concatenate(parts)


def run(seed, download):
    try:
        known = Photographs(download=download)
        unseen = tt.CIFAR10Dataset(train=False, download=download)
    except FileNotFoundError:
        sys.exit("CIFAR-10 is not on this machine: run this again with --download (170 MB).")
    how = "goes on from" if CHECKPOINT.exists() else "is kept in"
    print(f"A network learns from {PARTS} parts of {PART:,} photographs. Ctrl-C stops it.")
    print(f"The training {how} {CHECKPOINT}.\n")
    try:
        model, history = train(known, CHECKPOINT, seed)
    except ValueError as error:
        sys.exit(f"{error}. Remove the file to begin anew.")
    done = len(history.get("train_loss", ()))
    right = (scores(model, unseen.images).argmax(axis=1) == unseen.labels).mean()
    print(
        f"\n{right:.1%} of 10,000 unseen photographs are recognised after {done} of {PARTS} parts."
    )
    print("Run the same command to go on." if done < PARTS else "Remove the file to begin anew.")
    print("Production training! The test: pytest --milestone full_training")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--download", action="store_true", help="get the data first, 170 MB")
    run(**vars(parser.parse_args()))
