"""Trains a network on digits, compresses it in one of two ways, and reads unseen digits."""

import numpy as np


def main(tt, kind, images, labels, unseen):
    def loader():
        data = tt.TensorDataset(tt.Tensor(images), tt.Tensor(labels))
        return tt.DataLoader(data, 32, shuffle=True, seed=1)

    def fit(model, optimizer, epochs):
        trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss())
        trainer.fit(loader(), epochs=epochs, verbose=False)
        model.eval()

    def answers(model):
        with tt.no_grad():
            return np.asarray(model(tt.Tensor(unseen)).argmax(dim=1))

    def stored(model):
        return sum(array.nbytes for array in model.state_dict().values())

    tt.manual_seed(1)
    model = tt.MLP([64, 128, 10])
    fit(model, tt.Adam(model.parameters(), lr=0.005), epochs=8)
    before = answers(model)
    if kind == "quantized":
        models = {
            "before": model,
            "rows": tt.quantize_model(model),
            "calibrated": tt.quantize_model(model, tt.Tensor(images[:200])),
        }
        return {name: answers(each) for name, each in models.items()} | {
            "sizes": {name: int(tt.model_size(each)) for name, each in models.items()},
            "stored": {name: int(stored(each)) for name, each in models.items()},
        }
    size = stored(model)
    masks = tt.magnitude_prune(model, 0.8)
    optimizer = tt.PrunedOptimizer(tt.Adam(model.parameters(), lr=0.002), model, masks)
    fit(model, optimizer, epochs=5)
    weights = [p.numpy() for p in model.parameters() if p.ndim > 1]
    return {
        "before": before,
        "after": answers(model),
        "zeros": float(sum((w == 0).sum() for w in weights) / sum(w.size for w in weights)),
        "packed": tt.model_size(model, sparse=True) / size,
    }
