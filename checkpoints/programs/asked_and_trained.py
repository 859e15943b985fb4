"""A model that notes in which mode it is asked: to be evaluated, to be validated, to be trained."""

import numpy as np


def main(tt, x, labels):
    class Spy(tt.Module):
        """A linear layer between two norms, of which the second is frozen."""

        def __init__(self):
            self.first, self.layer, self.frozen = (
                tt.BatchNorm1d(4),
                tt.Linear(4, 3),
                tt.BatchNorm1d(3),
            )
            self.frozen.running_var.data = np.array([4, 1, 0.25], np.float32)
            self.frozen.training = False
            self.seen, self.rows = [], []

        def forward(self, x):
            hidden = self.layer(self.first(x))
            self.seen.append((self.training, self.first.training, hidden.requires_grad))
            self.rows.append(len(x))
            return self.frozen(hidden)

    def situation(model):
        return {
            "modes": [model.training, model.first.training, model.frozen.training],
            "state": model.state_dict(),
            "recording": (model.layer.weight * 1).requires_grad,
        }

    def broken():
        yield tt.Tensor(x), tt.Tensor(labels)
        raise OSError("the disk is gone")

    model = Spy()
    dataset = tt.TensorDataset(tt.Tensor(x), tt.Tensor(labels))
    loader, whole = tt.DataLoader(dataset, 8), tt.DataLoader(dataset, len(x))
    trainer = tt.Trainer(model, tt.SGD(model.parameters(), lr=0.1), tt.CrossEntropyLoss())
    ways = {
        "evaluate_model": lambda: tt.evaluate_model(model, loader),
        "compute_confusion_matrix": lambda: tt.compute_confusion_matrix(model, loader, 3),
        "validation": lambda: trainer.validate(loader),
        "broken off": lambda: tt.evaluate_model(model, broken()),
    }
    found = {}
    for name, ask in ways.items():
        before, model.seen = situation(model), []
        try:
            ask()
        except OSError:
            assert name == "broken off"
        found[name] = (model.seen, before, situation(model))
    model.seen = []
    model.eval()
    trainer.fit(loader, epochs=2, verbose=False)
    found["training"], model.seen, model.rows = model.seen, [], []
    model.eval()
    trainer.fit(loader, whole, epochs=3, verbose=False)
    asked = list(zip(model.seen, model.rows, strict=True))
    return found | {
        "training, with validation": [seen for seen, rows in asked if rows < len(x)],
        "validation in fit": [seen for seen, rows in asked if rows == len(x)],
    }
