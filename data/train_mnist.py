"""Train mnist_mlp.npz and mnist_cnn.npz: weights of two networks that read MNIST.

    TINYTORCH_DATA=folder python data/train_mnist.py

`folder/mnist/` holds the four files as published; without the variable, those of ~/.tinytorch/data
are taken. The milestones basic_inference and computer_vision run these networks before they could
be trained. Only the 60,000 training images are learned from; the test sample of the course is
looked at once, at the end. Stored in float16: half the bytes, and the same digits are read.
"""

import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent
sys.path.insert(0, str(DATA.parent))  # the package of this course, wherever this is started

import course_data  # noqa: E402

import tinytorch as tt  # noqa: E402

EPOCHS, BATCH, RATE, SEED = 4, 64, 3e-3, 2026


def mlp() -> tt.Module:
    return tt.MLP([784, 32, 10])


def cnn() -> tt.Module:
    return tt.Sequential(
        tt.Conv2d(1, 8, 3, padding=1),
        tt.ReLU(),
        tt.MaxPool2d(2),
        tt.Conv2d(8, 16, 3, padding=1),
        tt.ReLU(),
        tt.MaxPool2d(2),
        tt.Flatten(),
        tt.Linear(16 * 7 * 7, 10),
    )


def main() -> None:
    known, sample = tt.MNISTDataset(), course_data.mnist()
    for name, model_of in (("mnist_mlp", mlp), ("mnist_cnn", cnn)):
        tt.manual_seed(SEED)
        model = model_of()
        flat = name == "mnist_mlp"
        fit(model, known.images.reshape(-1, 784) if flat else known.images, known.labels)
        state = {key: value.astype(np.float16) for key, value in model.state_dict().items()}
        np.savez(DATA / f"{name}.npz", **state)
        model.load_state_dict(course_data.weights(name))
        images = sample.test_images.reshape(-1, 784) if flat else sample.test_images
        right = (model(tt.Tensor(images)).argmax(dim=1).numpy() == sample.test_labels).mean()
        print(f"{name}: {right:.2%} of {len(images)} unseen digits read")


def fit(model: tt.Module, images: np.ndarray, labels: np.ndarray) -> None:
    """Bytes and labels."""
    dataset = tt.TensorDataset(images.astype(np.float32) / 255, labels.astype(np.int64))
    loader = tt.DataLoader(dataset, BATCH, shuffle=True, seed=SEED)
    optimizer = tt.Adam(model.parameters(), RATE)
    trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss())
    trainer.fit(loader, epochs=EPOCHS, scheduler=tt.CosineAnnealingLR(optimizer, EPOCHS))


if __name__ == "__main__":
    main()
