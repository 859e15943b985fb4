"""1998, convolution sees: digits, read by a network that looks at small patches.

    python milestones/cnn/program.py [--seed 0]

Yann LeCun's LeNet-5 (1998) read a good part of the cheques of the United States. Its idea: a stroke
is a stroke wherever in the image it is. So a convolution has one small filter for all places, where
a `Linear` layer has a weight for each pixel. The network here has fewer parameters than the MLP of
the milestone before, and makes fewer mistakes.

Every number is computed by the tinytorch that you wrote: modules 02-06 and 08-11.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch and the data of this course, wherever it is started
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "data")]

import numpy as np

import tinytorch as tt

MLP_SIZES = (64, 32, 10)  # of the milestone mlp_digits
EPOCHS, BATCH, LR, DECAY = 30, 32, 0.01, 0.05


def main(_, images, labels, unseen, seed=0):
    """What the test of the claim asks for: answers about `unseen`, and all that was learned."""
    model = train(images, labels, seed, verbose=False)
    return {"answers": answers(model, unseen), "weights": [p.data for p in model.parameters()]}


def network():
    """Two convolutions, each followed by pooling, and a line at the end."""
    return tt.Sequential(
        tt.Conv2d(1, 12, 3, padding=1),  # 12 features of 8 x 8
        tt.ReLU(),
        tt.MaxPool2d(2),
        tt.Conv2d(12, 14, 3, padding=1),  # 14 features of 4 x 4
        tt.ReLU(),
        tt.MaxPool2d(2),
        tt.Flatten(),
        tt.Linear(14 * 2 * 2, 10),
    )


def train(images, labels, seed, verbose=True):
    """Images (N, 8, 8) and labels (N,) -> a network that reads them."""
    tt.manual_seed(seed)
    model = network()
    dataset = tt.TensorDataset(images[:, None], labels)  # (N, 1, 8, 8)
    loader = tt.DataLoader(dataset, BATCH, shuffle=True, seed=seed)
    optimizer = tt.AdamW(model.parameters(), lr=LR, weight_decay=DECAY)
    schedule = tt.CosineAnnealingLR(optimizer, EPOCHS)
    trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss(label_smoothing=0.1))
    trainer.fit(loader, epochs=EPOCHS, scheduler=schedule, verbose=verbose)
    return model


def answers(model, images):
    """The class with the largest score, for each image."""
    with tt.no_grad():
        return model(tt.Tensor(images[:, None])).argmax(dim=1).numpy()


def parameters(model):
    return sum(parameter.size for parameter in model.parameters())


def picture(images, captions):
    """Images side by side, a character for each pixel, and a word below each."""
    shades = np.array(list("  .:-=+*#%@"))
    drawn = shades[np.rint(images * 10).astype(int)]  # (N, rows, columns)
    rows = ["  ".join("".join(row) for row in drawn[:, y]) for y in range(drawn.shape[1])]
    return "\n".join([*rows, "  ".join(f"{caption:^8}" for caption in captions)])


def features(model, image, count=6):
    """What the first filters find in an image: `count` maps (8, 8) from 0 to 1."""
    with tt.no_grad():
        maps = model[1](model[0](tt.Tensor(image[None, None]))).numpy()[0, :count]
    return maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-6)


def run(seed):
    from course_data import digits

    data = digits()
    small, large = parameters(network()), parameters(tt.MLP(MLP_SIZES))
    print(f"A convolutional network of {small:,} parameters; the MLP before had {large:,}.\n")
    model = train(data.train_images, data.train_labels, seed)
    found = answers(model, data.test_images)
    image = data.test_images[3]
    print("\nA digit that it never saw, and what six of its filters find in it:\n")
    captions = [f"is {data.test_labels[3]}", *(f"filter {i}" for i in range(1, 7))]
    print(picture(np.concatenate([image[None], features(model, image)]), captions))
    right = (found == data.test_labels).mean()
    print(f"\n{right:.1%} of {len(found)} unseen digits are read right.")
    print("Convolution sees. Its test: pytest --milestone cnn")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    run(parser.parse_args().seed)
