"""1989, a network reads: handwritten digits, with a multi-layer perceptron.

    python milestones/mlp_digits/program.py [--seed 0]

In 1989 networks trained by backpropagation began to read the handwritten ZIP codes of the United
States Postal Service. The task here is its small sister: 1,797 digits of 8 x 8 pixels. The network
learns from 1,437 of them, batch by batch, and is then asked about 360 others.

Every number is computed by the tinytorch that you wrote: modules 02-05 and 08-11.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch and the data of this course, wherever it is started
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "data")]

import numpy as np

import tinytorch as tt

SIZES, EPOCHS, BATCH, LR = (64, 32, 10), 30, 32, 0.005


def main(_, images, labels, unseen, seed=0):
    """What the test of the claim asks for: the digits that are read in `unseen`."""
    model = train(images, labels, seed, verbose=False)
    return {"answers": answers(model, unseen)}


def train(images, labels, seed, verbose=True):
    """Images (N, 8, 8) and labels (N,) -> an MLP that reads them."""
    tt.manual_seed(seed)
    model = tt.MLP(SIZES)
    dataset = tt.TensorDataset(images.reshape(-1, 64), labels)
    loader = tt.DataLoader(dataset, BATCH, shuffle=True, seed=seed)
    optimizer = tt.Adam(model.parameters(), lr=LR)
    schedule = tt.CosineAnnealingLR(optimizer, EPOCHS)
    trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss())
    trainer.fit(loader, epochs=EPOCHS, scheduler=schedule, verbose=verbose)
    return model


def answers(model, images):
    """The class with the largest score, for each image."""
    with tt.no_grad():
        return model(tt.Tensor(images.reshape(-1, 64))).argmax(dim=1).numpy()


def picture(images, captions):
    """Digits side by side, a letter for each pixel, and a word below each."""
    shades = np.array(list("  .:-=+*#%@"))
    drawn = shades[np.rint(images * 10).astype(int)]  # (N, 8, 8)
    rows = ["  ".join("".join(row) for row in drawn[:, y]) for y in range(8)]
    return "\n".join([*rows, "  ".join(f"{caption:^8}" for caption in captions)])


def run(seed):
    from course_data import digits

    data = digits()
    print(f"A network of {' - '.join(map(str, SIZES))} neurons learns from 1,437 digits.\n")
    model = train(data.train_images, data.train_labels, seed)
    found = answers(model, data.test_images)
    wrong = np.flatnonzero(found != data.test_labels)
    print("\nDigits that it never saw, and what it reads in them:\n")
    print(picture(data.test_images[:7], [f"{digit}" for digit in found[:7]]))
    if len(wrong):
        print("\nWhat it gets wrong:\n")
        pairs = [f"{found[i]}, is {data.test_labels[i]}" for i in wrong[:7]]
        print(picture(data.test_images[wrong[:7]], pairs))
    print(f"\n{1 - len(wrong) / len(found):.1%} of {len(found)} unseen digits are read right.")
    print("It reads digits. Its test: pytest --milestone mlp_digits")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    run(parser.parse_args().seed)
