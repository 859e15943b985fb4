"""Profiles models made of layers that sleep, work and allocate known amounts."""

import contextlib
import io
import time
import tracemalloc

import numpy as np


def main(tt, what, x, sleeps=0.01, kib=1024):
    class Sleeper(tt.Module):
        def forward(self, x):
            time.sleep(sleeps)
            return x

    class Greedy(tt.Module):
        def forward(self, x):
            np.ones(kib * 256, np.float32)
            return x

    class Twice(tt.Module):
        """Its own work is a sum; its layer is called twice."""

        def __init__(self):
            self.layer = tt.Linear(4, 4)

        def forward(self, x):
            return self.layer(self.layer(x)) + x

    class Slow(tt.Module):
        """The first call of all takes long, and the third is disturbed by another program."""

        def __init__(self):
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            time.sleep({1: 0.2, 3: 0.3}.get(self.calls, 0.001))
            return x

    class Broken(tt.Module):
        """Works twice, for a warm-up and the beginning of what is measured."""

        def __init__(self):
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            if self.calls > 2:
                raise OSError("the disk is gone")
            return x

    def untouched():
        """What is different about a model afterwards: one that works, and one that raises."""
        said, changed = [], []
        for last in (Greedy(), Broken()):
            model = tt.Sequential(tt.Linear(4, 3), tt.relu, last)
            layers = list(model.layers)
            before = [sorted(vars(layer)) for layer in (layers[0], last)]
            for _ in range(2):
                try:
                    tt.Profiler(model).run(tt.Tensor(x))
                except OSError as error:
                    said.append(str(error))
            now = list(model.layers)
            same = len(now) == 3 and all(a is b for a, b in zip(layers, now, strict=True))
            changed += [] if same else ["the list of layers"]
            after = [sorted(vars(layer)) for layer in (layers[0], last)]
            changed += [] if before == after else [f"attributes: {after}"]
        changed += ["memory is still traced"] if tracemalloc.is_tracing() else []
        layer = tt.Linear(4, 2)
        layer(tt.Tensor(x)).sum().backward()
        return {"said": said, "changed": changed, "learns": layer.weight.grad is not None}

    if what == "untouched":
        return untouched()
    models = {
        "sleeper": lambda: tt.Sequential(tt.Linear(4, 3), Sleeper(), tt.Linear(3, 2)),
        "greedy": lambda: tt.Sequential(tt.Linear(4, 3), Greedy(), tt.Linear(3, 2)),
        "twice": Twice,
        "slow": lambda: tt.Sequential(Slow(), tt.Linear(4, 3)),
    }
    model = models[what]()
    profiler = tt.Profiler(model)
    rows = profiler.run(tt.Tensor(x))
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        profiler.show()
    return {"rows": rows, "table": profiler.table(), "shown": shown.getvalue()}
