"""What use_fast_kernels does to the engine: which entries change, and which come back."""

import importlib
from typing import Any

NAMES = ("conv2d", "max_pool2d", "batch_norm", "layer_norm", "cross_entropy")


def main(tt: Any, switches: list[bool]) -> list[dict[str, bool]]:
    """After each switch: for each primitive, whether its two entries are those of the beginning."""
    engine = importlib.import_module(f"{tt.__name__}.core.tensor").engine
    for name in ("Conv2d", "MaxPool2d", "BatchNorm2d", "LayerNorm", "CrossEntropyLoss"):
        getattr(tt, name)  # imports the module that declares the primitive
    names = [name for name in NAMES if name in engine.implementations]

    def entries() -> dict[str, tuple]:
        return {name: (engine.implementations[name], engine.gradients.get(name)) for name in names}

    tt.use_fast_kernels(False)
    before, found = entries(), []
    try:
        for on in switches:
            tt.use_fast_kernels(on)
            found.append({name: pair == before[name] for name, pair in entries().items()})
    finally:
        tt.use_fast_kernels(False)
    return found
