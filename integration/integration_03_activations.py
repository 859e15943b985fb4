"""Module 03 together with what it needs: Tensors that bend."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("03")]


@pytest.mark.hint("softmax works on any shape: batch, place and class, with the class last.")
def test_a_bend_follows_views(tt, check, rng):
    """Bends slices, transposed and reshaped Tensors as it bends copies of them"""
    a = rng.standard_normal((4, 6)).astype(np.float32)
    x = tt.Tensor(a)
    for view, same in ((x[::2], a[::2]), (x.T, a.T), (x.reshape(3, 8), a.reshape(3, 8))):
        check.close(tt.relu(view), np.where(same > 0, same, 0))
        expected = np.exp(same) / np.exp(same).sum(axis=-1, keepdims=True)
        check.close(tt.softmax(view), expected)


@pytest.mark.hint("The largest score keeps the largest probability.")
def test_confident_centroids(tt, check, digits):
    """Turns distances to mean images into probabilities, and is right where it is sure"""
    images = tt.Tensor(digits.train_images.reshape(-1, 64))
    labels = tt.Tensor(digits.train_labels)
    centroids = tt.stack([images[labels == digit].mean(dim=0) for digit in range(10)])
    held_out = tt.Tensor(digits.test_images.reshape(-1, 1, 64))
    distances = ((held_out - centroids) ** 2).sum(dim=2)
    probabilities = check.array(tt.softmax(-distances))
    check.close(probabilities.sum(axis=1), np.ones(360))
    right = probabilities.argmax(axis=1) == digits.test_labels
    sure = probabilities.max(axis=1) > 0.9
    share = float(right[sure].mean())
    check.true(share > float(right.mean()), f"of the sure answers, {share:.1%} are right")
