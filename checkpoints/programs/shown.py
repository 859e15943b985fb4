"""What a training says, in a log and in a terminal, and how a history is plotted."""

import contextlib
import io
import tempfile
import time
from pathlib import Path


class Terminal(io.StringIO):
    def isatty(self):
        return True


def main(tt, x, labels):
    def said(stream, verbose, seconds=0.0):
        def slowly(outputs, targets):
            time.sleep(seconds)
            return tt.CrossEntropyLoss()(outputs, targets)

        model = tt.Linear(4, 3)
        loader = tt.DataLoader(tt.TensorDataset(tt.Tensor(x), tt.Tensor(labels)), 6)
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            trainer = tt.Trainer(model, tt.SGD(model.parameters()), slowly)
            trainer.fit(loader, epochs=2, verbose=verbose)
        return stream.getvalue()

    history = {"train_loss": [4.0, 3.0, 1.0], "val_loss": [2.0, 2.0, 2.0]}
    with tempfile.TemporaryDirectory() as folder:
        plot = tt.plot_training_history(history, Path(folder) / "plot.png")
    return {
        "silent": said(Terminal(), verbose=False),
        "log": said(io.StringIO(), verbose=True),
        "terminal": said(Terminal(), verbose=True, seconds=0.06),
        "plot": plot,
    }
