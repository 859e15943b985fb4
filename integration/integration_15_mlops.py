"""Module 15 together with what it needs: a trained network in files, in a registry, and watched."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("15")]


def network(tt):
    return tt.Sequential(
        tt.Flatten(),
        tt.Linear(64, 32),
        tt.BatchNorm1d(32),
        tt.relu,
        tt.Dropout(0.2),
        tt.MLP([32, 10]),
    )


def trained(tt, digits, seed=3):
    tt.manual_seed(seed)
    images, labels = tt.Tensor(digits.train_images), tt.Tensor(digits.train_labels)
    loader = tt.DataLoader(tt.TensorDataset(images, labels), 32, shuffle=True, seed=1)
    model = network(tt)
    optimizer = tt.AdamW(model.parameters(), lr=0.005)
    tt.Trainer(model, optimizer, tt.CrossEntropyLoss()).fit(loader, epochs=5, verbose=False)
    model.eval()
    return model


@pytest.mark.hint("A state dict holds the running statistics of BatchNorm as well.")
def test_a_trained_network_in_files(tt, check, digits, student_folder):
    """Reads unseen digits as well from a file of each format as before"""
    model, folder = trained(tt, digits), student_folder({})
    x = tt.Tensor(digits.test_images)
    expected = check.array(model(x))
    right = float((expected.argmax(axis=1) == digits.test_labels).mean())
    check.true(right > 0.9, f"reads {right:.1%} of unseen digits, expected 90 %")
    tt.save_model(f"{folder}/m.npz", model)
    check.close(tt.load_model(f"{folder}/m.npz")(x), expected, rtol=0, atol=0)
    tt.save_safetensors(f"{folder}/m.safetensors", model.state_dict())
    other = network(tt)
    other.eval()
    other.load_state_dict(tt.load_safetensors(f"{folder}/m.safetensors"))
    check.close(other(x), expected, rtol=0, atol=0)


@pytest.mark.hint("The quantized layers of module 12 are none of those that load_model can build.")
def test_a_quantized_network_in_a_registry(tt, check, digits, student_folder):
    """Keeps a smaller network as a child of the one that it was made of"""
    registry, model = tt.ModelRegistry(student_folder({})), trained(tt, digits)
    first = registry.register("digits", model, {"bytes": tt.model_size(model)})
    tt.magnitude_prune(model, 0.5)
    sparse = float(tt.sparsity(model))
    second = registry.register("digits", model, {"sparsity": sparse}, parent=first)
    registry.promote("digits", second)
    check.close(tt.sparsity(registry.load("digits")), sparse)
    check.equal([int(n) for n in registry.lineage("digits", second)], [2, 1])
    check.close(registry.info("digits", 2)["metrics"]["sparsity"], sparse)


@pytest.mark.hint("Drift of the inputs is found before anybody knows a label.")
def test_drift_of_digits(tt, check, digits):
    """Notices digits that are drawn with a thicker pen, and none among more of the same"""
    images = digits.train_images.reshape(len(digits.train_images), -1)
    order = np.random.default_rng(0).permutation(len(images))
    images = images[order][:, 20:44]
    detector = tt.DriftDetector(images[:700])
    check.equal([int(f) for f in detector.check(images[700:1000])["drifted"]], [])
    thicker = np.minimum(images[700:1000] * 1.5, images.max())
    found = len(detector.check(thicker)["drifted"])
    check.true(found > 5, f"drift in {found} of 24 pixels, expected more than 5")
