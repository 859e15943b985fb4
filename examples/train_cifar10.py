"""Train a small convolutional network on CIFAR-10, to 75 % in a few epochs on two cores.

    python examples/train_cifar10.py [--epochs 3] [--seed 0] [--width 32] [--workers 2] [--slow]
    python examples/train_cifar10.py --width 64 --epochs 4        # 80 %

The data are looked for in TINYTORCH_DATA and in ~/.tinytorch/data; otherwise 170 MB are downloaded.
What makes three epochs enough:

- **Whitened patches.** The first layer is not learned. Its 32 filters of 4 x 4 are the 16 principal
  components of the patches of the training images, scaled to the same variance, and their
  negatives, so that a ReLU keeps both signs. Learning begins where features are even already.
- **Norms**: each convolution is followed by BatchNorm, which allows a large learning rate.
- **One triangle of a schedule**: the learning rate rises for a fifth of the steps, then falls to 0.
- **Nesterov momentum, weight decay, label smoothing, and images that are mirrored at random.**
- **A global maximum** at the end: a feature counts wherever in the image it is.

What makes them fast: memory with channels last, as the convolution wants it (module 06), the
kernels of module 13, and two threads with half of each batch, with one thread of BLAS in each.
"""

import argparse
import os
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # before NumPy loads, which reads them
    os.environ.setdefault(name, "1")

import numpy as np

import tinytorch as tt
from tinytorch.core.dataloader import draws

BATCH, MOMENTUM, DECAY, SMOOTHING = 125, 0.9, 5e-4, 0.1


class Mirrored(tt.Dataset):
    """CIFAR-10 in bytes, channels last, a batch at once; if `mirror`, about half is mirrored."""

    def __init__(self, dataset: tt.CIFAR10Dataset, mirror: bool) -> None:
        self.images = np.ascontiguousarray(dataset.images.transpose(0, 2, 3, 1))
        self.labels, self.mirror = dataset.labels, mirror

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: np.ndarray) -> tuple[tt.Tensor, tt.Tensor]:
        """Images (N, 3, 32, 32) from -1 to 1, and labels (N,)."""
        images = self.images[indices]  # (N, 32, 32, 3)
        if self.mirror:
            chosen = draws().random(len(indices)) < 0.5
            images[chosen] = images[chosen, :, ::-1]
        return tt.Tensor(scaled(images).transpose(0, 3, 1, 2)), tt.Tensor(self.labels[indices])


def scaled(images: np.ndarray) -> np.ndarray:
    """Bytes as float32 from -1 to 1."""
    return images * np.float32(2 / 255) - np.float32(1)


def whitening_filters(images: np.ndarray, size: int = 4, count: int = 16) -> np.ndarray:
    """Filters (2 count, 3, size, size): principal components of patches, and their negatives.

    Each is divided by the root of its variance, so that all features have the same size.
    """
    windows = np.lib.stride_tricks.sliding_window_view(scaled(images), (size, size), axis=(1, 2))
    patches = windows[:, ::size, ::size].reshape(-1, 3 * size * size)  # channel, row, column
    variances, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    largest = vectors[:, : -count - 1 : -1] / np.sqrt(variances[: -count - 1 : -1] + 1e-3)
    filters = largest.T.reshape(count, 3, size, size).astype(np.float32)
    return np.concatenate([filters, -filters])


class Net(tt.Module):
    """Whitened patches, three convolutions with norms, the maximum of each feature, and a line."""

    def __init__(self, filters: np.ndarray, width: int = 32) -> None:
        self.filters = tt.Tensor(filters)  # no Parameter: it is saved, and not learned
        sizes = (len(filters), width, 2 * width, 4 * width)
        self.layers = tt.Sequential(
            *block(sizes[0], sizes[1]),
            tt.MaxPool2d(2),
            *block(sizes[1], sizes[2]),
            tt.MaxPool2d(2),
            *block(sizes[2], sizes[3]),
            tt.MaxPool2d(3),
            tt.Flatten(),
            tt.Linear(sizes[3], 10),
        )

    def forward(self, x: tt.Tensor) -> tt.Tensor:
        """Images (N, 3, 32, 32) -> logits (N, 10)."""
        return self.layers(tt.relu(tt.conv2d(x, self.filters, stride=2)))


def block(inputs: int, outputs: int) -> tuple:
    """A convolution that keeps height and width, a norm and a bend."""
    layer = tt.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return layer, tt.BatchNorm2d(outputs), tt.ReLU()


class Cycling(tt.SGD):
    """SGD that moves its schedule after each step; `fit` would move it only after each epoch."""

    schedule: tt.OneCycleLR

    def step(self) -> None:
        super().step()
        self.schedule.step()


def sgd(parameters: list, peak: float, steps: int) -> Cycling:
    """The learning rate rises in a straight line for a fifth of the steps, and then falls to 0."""
    optimizer = Cycling(parameters, peak, MOMENTUM, nesterov=True, weight_decay=DECAY)
    optimizer.schedule = tt.OneCycleLR(optimizer, peak, steps, 0.2, anneal_strategy="linear")
    return optimizer


class ParallelTrainer(tt.Trainer):
    """A trainer whose batches are shared out to threads; each takes its BatchNorm's means alone."""

    def __init__(self, *arguments: object, workers: int) -> None:
        super().__init__(*arguments)
        self.parallel = tt.DataParallel(self.model, self.loss_function, workers)

    def train_epoch(self, loader, accumulate=1, progress=None) -> dict[str, float]:
        """One step for each batch. Returns the mean loss."""
        self.model.train()
        total = count = 0
        for images, labels in loader:
            self.optimizer.zero_grad()
            total += self.parallel.backward(images, labels) * len(labels)
            count += len(labels)
            self.optimizer.step()
        return {"train_loss": total / count}


def train(
    epochs: int = 3,
    seed: int = 0,
    width: int = 32,
    peak: float = 0.3,
    workers: int = 2,
    slow: bool = False,
    verbose: bool = True,
) -> dict[str, float]:
    """Train, and return the accuracy on the 10,000 test images, and the seconds that it took."""
    tt.manual_seed(seed)
    tt.use_fast_kernels(not slow)
    known = Mirrored(tt.CIFAR10Dataset(download=True), mirror=True)
    unseen = Mirrored(tt.CIFAR10Dataset(train=False, download=True), mirror=False)
    loader = tt.DataLoader(known, BATCH, shuffle=True, seed=seed, prefetch=2)
    start, busy = time.perf_counter(), time.process_time()
    model = Net(whitening_filters(known.images[:2000]), width)
    optimizer = sgd(model.parameters(), peak, epochs * len(loader))
    loss_function = tt.CrossEntropyLoss(label_smoothing=SMOOTHING)
    trainer = ParallelTrainer(model, optimizer, loss_function, workers=workers)
    trainer.fit(loader, epochs=epochs, verbose=verbose)
    seconds = {"seconds": time.perf_counter() - start, "busy": time.process_time() - busy}
    return tt.evaluate_model(model, tt.DataLoader(unseen, 500)) | seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=32, help="channels of the first convolution")
    parser.add_argument("--peak", type=float, default=0.3, help="the highest learning rate")
    parser.add_argument("--workers", type=int, default=2, help="threads that share each batch")
    parser.add_argument("--slow", action="store_true", help="without the kernels of module 13")
    found = train(**vars(parser.parse_args()))
    print(f"{found['accuracy']:.2%} of the test images, after {found['seconds']:.0f} s of training")
    print(f"({found['busy']:.0f} s of processor time)")


if __name__ == "__main__":
    main()
