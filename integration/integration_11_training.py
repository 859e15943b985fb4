"""Module 11 together with what it needs: layers, batches, norms, gradients and steps in a loop."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("11")]


def of_digits(tt, digits, part, size, **options):
    images = getattr(digits, f"{part}_images").reshape(-1, 64)
    labels = getattr(digits, f"{part}_labels")
    return tt.DataLoader(tt.TensorDataset(tt.Tensor(images), tt.Tensor(labels)), size, **options)


@pytest.mark.hint("Each optimizer and each schedule has step, state_dict and load_state_dict.")
def test_every_optimizer_in_the_loop(tt, check, digits):
    """Learns digits with each optimizer and schedule, the same with a worker thread"""
    plans = {
        "SGD": ({"lr": 0.5, "momentum": 0.9}, "StepLR", {"step_size": 2}),
        "RMSprop": ({"lr": 0.01}, "CosineAnnealingLR", {"T_max": 4}),
        "Adam": ({"lr": 0.02}, "OneCycleLR", {"max_lr": 0.05, "total_steps": 4}),
        "AdamW": ({"lr": 0.02}, "StepLR", {"step_size": 1, "gamma": 0.7}),
    }
    for kind, (settings, schedule, options) in plans.items():
        found = []
        for prefetch in (0, 2):
            tt.manual_seed(1)
            model = tt.Linear(64, 10)
            optimizer = getattr(tt, kind)(model.parameters(), **settings)
            scheduler = getattr(tt, schedule)(optimizer, **options)
            trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss(label_smoothing=0.1))
            loader = of_digits(tt, digits, "train", 64, shuffle=True, seed=1, prefetch=prefetch)
            trainer.fit(loader, epochs=4, scheduler=scheduler, verbose=False)
            found.append(check.array(model.weight))
        check.equal(found[1], found[0])
        right = tt.evaluate_model(model, of_digits(tt, digits, "test", 100))["accuracy"]
        check.true(right > 0.85, f"{kind} with {schedule} reads {right:.1%} of the digits")


@pytest.mark.hint("A loss takes what a layer gives, and hands back a gradient of the same shape.")
def test_two_classes_three_ways(tt, check, digits):
    """Tells two digits apart by cross-entropy, by logits of one class, and by squared errors"""
    kept = digits.train_labels < 2
    images, labels = digits.train_images[kept].reshape(-1, 64), digits.train_labels[kept]
    column = labels.astype(np.float32)[:, None]
    for outputs, targets, loss_function, threshold in (
        (2, labels, tt.CrossEntropyLoss(), 0.5),
        (1, column, tt.BCEWithLogitsLoss(), 0.0),
        (1, column, tt.MSELoss(), 0.5),
    ):
        model = tt.Linear(64, outputs)
        loader = tt.DataLoader(tt.TensorDataset(tt.Tensor(images), tt.Tensor(targets)), 50)
        optimizer = tt.Adam(model.parameters(), lr=0.01)
        trainer = tt.Trainer(model, optimizer, loss_function, metrics=[tt.Accuracy(threshold)])
        history = trainer.fit(loader, loader, epochs=15, verbose=False)
        check.true(history["val_accuracy"][-1] > 0.98, f"{history['val_accuracy'][-1]:.1%} is few")
        check.true(history["val_loss"][-1] < history["val_loss"][0], "the loss should have fallen")
