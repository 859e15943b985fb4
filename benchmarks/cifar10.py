"""CIFAR-10 beside PyTorch: the same network, recipe and data, two threads each, in turn.

    python benchmarks/cifar10.py [--seeds 5] [--epochs 3] [--width 32] [--threads 2]

For each seed, the program of the milestone advanced_vision and its twin in PyTorch are trained in
turn, each in a process of its own. Both see the same batches; PyTorch has channels last, its better
memory layout. Printed are accuracy on the 10,000 test images, seconds of wall time, seconds of
processor time and the most memory; at the end means, the worst accuracy, and the ratio of the
times. Needs PyTorch and the data (see the program); a quiet machine, as wall time is compared.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "milestones/advanced_vision")]


def ours(seed: int, epochs: int, width: int, threads: int) -> dict[str, float]:
    import program

    known, unseen = program.Mirrored(), program.Mirrored(train=False)
    start, busy = time.perf_counter(), time.process_time()
    model = program.train(known, epochs, seed, width, workers=threads, verbose=False)
    found = {"seconds": time.perf_counter() - start, "busy": time.process_time() - busy}
    right = (program.answers(model, unseen.images) == unseen.labels).mean()
    return {"accuracy": float(right)} | found


def twin(seed: int, epochs: int, width: int, threads: int) -> dict[str, float]:
    """The program in PyTorch: the same filters, layers, batches, optimizer and schedule."""
    import numpy as np
    import program
    import torch

    import tinytorch as tt

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    known, unseen = program.Mirrored(), program.Mirrored(train=False)
    loader = tt.DataLoader(known, program.BATCH, shuffle=True, seed=seed, prefetch=2)
    start, busy = time.perf_counter(), time.process_time()
    filters = torch.tensor(program.whitening_filters(known.images[:2000]))
    sizes, nn = (len(filters), width, 2 * width, 4 * width), torch.nn
    layers: list[nn.Module] = []
    for inputs, outputs, pool in zip(sizes, sizes[1:], (2, 2, 3), strict=False):
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        layers += [convolution, nn.BatchNorm2d(outputs), nn.MaxPool2d(pool), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(sizes[3], 10))
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        net.parameters(), 0.3, program.MOMENTUM, weight_decay=program.DECAY, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.3, epochs * len(loader), pct_start=0.2, anneal_strategy="linear",
        cycle_momentum=False,
    )  # fmt: skip
    loss_function = nn.CrossEntropyLoss(label_smoothing=program.SMOOTHING)

    def logits(images: tt.Tensor) -> torch.Tensor:
        x = torch.from_numpy(images.numpy())  # channels last in memory already
        return net(torch.relu(torch.nn.functional.conv2d(x, filters, stride=2)))

    for _ in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            targets = torch.from_numpy(labels.numpy().astype(np.int64))
            loss_function(logits(images), targets).backward()
            optimizer.step()
            schedule.step()
    found = {"seconds": time.perf_counter() - start, "busy": time.process_time() - busy}

    def both(images: np.ndarray) -> torch.Tensor:
        """Of the images and their mirror images, as in the program."""
        views = images, images[..., ::-1]
        return sum(logits(tt.Tensor(program.scaled(view))) for view in views)

    net.eval()
    with torch.no_grad():
        parts = zip(
            np.array_split(unseen.images, 20), np.array_split(unseen.labels, 20), strict=True
        )
        right = [(both(images).argmax(dim=1).numpy() == labels).sum() for images, labels in parts]
    return {"accuracy": float(sum(right)) / len(unseen)} | found


SIDES = {"tinytorch": ours, "PyTorch": twin}


def alone(side: str, arguments: list[str], threads: int) -> dict[str, float]:
    """One training, in a process of its own; our threads have one thread of BLAS each."""
    blas = 1 if side == "tinytorch" else threads
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(blas))
    environment.pop("OPENBLAS_CORETYPE", None)  # PyTorch does not heed it
    command = [sys.executable, __file__, "--side", side, *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0 on")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--width", type=int, default=32, help="channels of the first convolution")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        found = SIDES[given.side](given.seed, given.epochs, given.width, given.threads)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        numbers = {name: found[name] for name in ("accuracy", "seconds", "busy")}
        print(json.dumps(numbers | {"peak": peak}))
        return
    rows: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for seed in range(given.seeds):
        sizes = {"seed": seed, "epochs": given.epochs, "width": given.width}
        sizes["threads"] = given.threads
        arguments = [text for name, value in sizes.items() for text in (f"--{name}", str(value))]
        for side, found in rows.items():
            found.append(alone(side, arguments, given.threads))
            accuracy, seconds, busy, peak = found[-1].values()
            print(
                f"seed {seed}  {side:10} {accuracy:7.2%} {seconds:6.1f} s, {busy:6.1f} s of"
                f" processor time, {peak / 2**20:5.0f} MiB at most",
                flush=True,
            )
    means = {s: statistics.mean(row["seconds"] for row in found) for s, found in rows.items()}
    for side, found in rows.items():
        accuracies = [row["accuracy"] for row in found]
        print(
            f"{side:10} mean {statistics.mean(accuracies):.2%}, worst {min(accuracies):.2%},"
            f" {means[side]:.1f} s"
        )
    print(f"wall time: {means['tinytorch'] / means['PyTorch']:.2f} of PyTorch's")


if __name__ == "__main__":
    main()
