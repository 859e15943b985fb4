"""One run of six epochs, and one that is broken off after two, and resumed by other objects."""

import tempfile
from pathlib import Path

SETTINGS = {"SGD": {"lr": 0.1, "momentum": 0.9}, "Adam": {"lr": 0.05}}


def main(tt, x, labels, kind, accumulate):
    class Noisy(tt.Module):
        """It has weights, buffers, and draws random numbers in training."""

        def __init__(self):
            self.first, self.norm, self.last = tt.Linear(4, 8), tt.BatchNorm1d(8), tt.Linear(8, 3)

        def forward(self, x):
            hidden = self.norm(self.first(x))
            if self.training:
                hidden = hidden + tt.randn(*hidden.shape)
            return self.last(tt.relu(hidden))

    class Noted(tt.DataLoader):
        """It notes in which order it handed out the rows."""

        def __iter__(self):
            self.orders = [*getattr(self, "orders", ()), []]
            for rows, targets in super().__iter__():
                self.orders[-1] += rows.numpy()[:, 0].tolist()
                yield rows, targets

    def run(seed, epochs, **options):
        tt.manual_seed(seed)
        model = Noisy()
        optimizer = getattr(tt, kind)(model.parameters(), **SETTINGS[kind])
        dataset = tt.TensorDataset(tt.Tensor(x), tt.Tensor(labels))
        loader = Noted(dataset, 8, shuffle=True)
        trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss(0.1), metrics=[tt.Accuracy()])
        history = trainer.fit(
            loader,
            tt.DataLoader(dataset, 20),
            epochs,
            accumulate=accumulate,
            scheduler=tt.StepLR(optimizer, 2, gamma=0.5),
            verbose=False,
            **options,
        )
        state = model.state_dict() | {"next random numbers": tt.randn(3).numpy()}
        return {"history": history, "state": state, "orders": getattr(loader, "orders", [])}

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        whole = run(1, 6)
        run(1, 2, checkpoint_path=path)
        resumed = run(2, 6, checkpoint_path=path, resume_from=path)
        again = run(3, 6, resume_from=path)
        return {
            "whole": whole,
            "resumed": resumed,
            "again": again["history"],
            "stopped": stopped(tt, Path(folder) / "stopped.npz"),
        }


def stopped(tt, path):
    """How many epochs are done by a run that stopped early, and after it was resumed."""
    counts, losses = [], iter([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    for resume_from in (None, path):
        model = tt.Linear(1, 1)
        batch = [(tt.ones(1, 1), tt.ones(1, 1))]

        def loss_function(outputs, _):
            return outputs.mean() if outputs.requires_grad else tt.Tensor(next(losses))

        trainer = tt.Trainer(model, tt.SGD(model.parameters()), loss_function)
        history = trainer.fit(
            batch,
            batch,
            epochs=6,
            checkpoint_path=path,
            early_stopping_patience=2,
            verbose=False,
            resume_from=resume_from,
        )
        counts.append(len(history.get("val_loss", [])))
    return counts
