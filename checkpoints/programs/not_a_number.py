"""What is measured of outputs that are NaN, and what the warnings say, on the student's side."""

import warnings

import numpy as np


def main(tt, rows, labels, numbers, answers):
    x, t = tt.Tensor(rows), tt.Tensor(labels)
    copies = tt.Linear(rows.shape[1], rows.shape[1], bias=False)
    copies.weight.data = np.eye(rows.shape[1], dtype=np.float32)
    loader = tt.DataLoader(tt.TensorDataset(x, t), len(rows))

    def confusion():
        try:
            return np.asarray(tt.compute_confusion_matrix(copies, loader, rows.shape[1])).tolist()
        except Exception as error:
            return type(error).__name__

    asked = {
        "Accuracy of classes": lambda: tt.Accuracy()(x, t),
        "Accuracy of single numbers": lambda: tt.Accuracy()(tt.Tensor(numbers), tt.Tensor(answers)),
        "evaluate_model": lambda: tt.evaluate_model(copies, loader),
        "compute_confusion_matrix": confusion,
    }
    found = {}
    for name, measure in asked.items():
        with warnings.catch_warnings(record=True, action="always") as said:
            found[name] = measure(), [str(warning.message) for warning in said]
    return found
