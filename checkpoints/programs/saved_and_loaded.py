"""Saves a model in the middle of its training, and loads it into another one."""

import tempfile
from pathlib import Path

import numpy as np


def main(tt, x, labels, kind):
    options = {"momentum": 0.9} if kind == "SGD" else {}

    class Net(tt.Module):
        def __init__(self):
            self.layer, self.norm = tt.Linear(4, 3), tt.BatchNorm1d(3)

        def forward(self, x):
            return self.norm(self.layer(x))

    def training():
        model = Net()
        optimizer = getattr(tt, kind)(model.parameters(), lr=0.1, **options)
        return model, optimizer, tt.StepLR(optimizer, 3, gamma=0.5)

    def steps(model, optimizer, scheduler):
        rates = []
        for _ in range(4):
            optimizer.zero_grad()
            tt.CrossEntropyLoss()(model(tt.Tensor(x)), tt.Tensor(labels)).backward()
            optimizer.step()
            scheduler.step()
            rates.append(optimizer.lr)
        return rates

    def numbers(model):
        return np.concatenate([array.reshape(-1) for array in model.state_dict().values()])

    extra = {"note": "a", "numbers": [1, 2.5, None], "deep": {"x": True}}
    array = np.arange(6.0).reshape(2, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        first, second, alone = training(), training(), Net()
        steps(*first)
        for _ in range(2):  # the second time, there is a file to be replaced
            tt.save_checkpoint(path, *first, epoch=7, extra=extra, array=array)
        found = {"saved weights": numbers(first[0])}
        found["saved random numbers"] = tt.randn(5).numpy()
        found["saved rates"] = steps(*first)
        found["expected four steps later"] = numbers(first[0])
        loaded = tt.load_checkpoint(path, *second)
        found["loaded weights"] = numbers(second[0])
        found["loaded random numbers"] = tt.randn(5).numpy()
        found["loaded rates"] = steps(*second)
        found["weights four steps later"] = numbers(second[0])
        tt.load_checkpoint(str(path), alone)
        found["model alone"] = bool((numbers(alone) == found["saved weights"]).all())
        found["files"] = sorted(file.name for file in Path(folder).iterdir())
    return found | {
        "epoch": loaded["epoch"],
        "extra": loaded["extra"],
        "array": np.asarray(loaded["array"]),
    }
