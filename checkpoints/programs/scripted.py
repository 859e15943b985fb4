"""A training whose validation gives the losses that it is told, and Ctrl-C where it is told None.

The model has one weight, which is the number of the epoch: 0 at first, and each epoch adds 1 to it.
"""

import contextlib
import tempfile
from pathlib import Path

import numpy as np


def main(tt, losses, save_best=False, patience=None):
    model, coming = tt.Linear(1, 1, bias=False), iter(losses)
    model.weight.data = np.zeros((1, 1), np.float32)

    def loss_function(outputs, targets):
        if targets.numpy().item() == 1:  # a batch of the training
            return outputs.mean() * -1
        if (value := next(coming)) is None:
            raise KeyboardInterrupt
        return tt.Tensor(value)

    batches = [(tt.ones(1, 1), tt.Tensor([[1.0]]))]
    to_validate = [(tt.ones(1, 1), tt.Tensor([[0.0]]))]
    trainer = tt.Trainer(model, tt.SGD(model.parameters(), lr=1.0), loss_function)
    history, kept = {}, {"epoch": 0}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kept.npz"
        with contextlib.suppress(KeyboardInterrupt):  # it must not end the tests as well
            history = trainer.fit(
                batches,
                to_validate,
                epochs=len(losses),
                save_best=save_best,
                checkpoint_path=str(path),
                early_stopping_patience=patience,
                verbose=False,
            )
        if path.exists():
            kept = tt.load_checkpoint(path, model)
        files = sorted(file.name for file in Path(folder).iterdir())
    return {
        "val_loss": history.get("val_loss", []),
        "escaped": not history,
        "kept": model.weight.item(),
        "kept_epoch": kept["epoch"],
        "files": files,
        "refused": refused(trainer, batches),
    }


def refused(trainer, batches):
    try:
        trainer.fit(batches, epochs=0, save_best=True, verbose=False)
    except ValueError:
        return True
    return False
