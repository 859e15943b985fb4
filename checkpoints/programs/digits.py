"""A whole training job: data, model, validation, schedule, the best epoch in a file, answers."""

import tempfile
from pathlib import Path


def main(tt, images, labels, unseen, truth):
    class Net(tt.Module):
        def __init__(self):
            self.first, self.norm, self.last = (
                tt.Linear(64, 64),
                tt.BatchNorm1d(64),
                tt.Linear(64, 10),
            )

        def forward(self, x):
            return self.last(tt.relu(self.norm(self.first(x))))

    def loader(x, y, size, **options):
        return tt.DataLoader(tt.TensorDataset(tt.Tensor(x), tt.Tensor(y)), size, **options)

    tt.manual_seed(1)
    model, best = Net(), Net()
    optimizer = tt.Adam(model.parameters(), lr=0.01)
    trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss(0.05), metrics=[tt.Accuracy()])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best.npz"
        history = trainer.fit(
            loader(images[200:], labels[200:], 32, shuffle=True, seed=1),
            loader(images[:200], labels[:200], 50),
            epochs=12,
            save_best=True,
            checkpoint_path=path,
            early_stopping_patience=5,
            scheduler=tt.StepLR(optimizer, 5, gamma=0.3),
            verbose=False,
        )
        saved = tt.load_checkpoint(path, best)
    test = loader(unseen, truth, 100)
    best.eval()
    with tt.no_grad():
        answers = best(tt.Tensor(unseen)).argmax(dim=1).numpy()
    return {
        "history": history,
        "epoch": saved["epoch"],
        "answers": answers,
        "accuracy": tt.evaluate_model(best, test)["accuracy"],
        "confusion": tt.compute_confusion_matrix(best, test, 10),
    }
