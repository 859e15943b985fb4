"""Module 04 together with what it needs: layers that compute with Tensors."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("04")]


@pytest.mark.hint("Two maps in a row are one: the weights multiply, and so does the first bias.")
def test_two_layers_are_one(tt, check, rng):
    """Computes with two layers what one does whose weight is their product"""
    first, second, both = tt.Linear(5, 7), tt.Linear(7, 3), tt.Linear(5, 3)
    weights = [check.array(layer.weight) for layer in (first, second)]
    first.bias.data = rng.standard_normal(7).astype(np.float32)
    both.weight.data = weights[1] @ weights[0]
    both.bias.data = weights[1] @ check.array(first.bias) + check.array(second.bias)
    x = tt.Tensor(rng.standard_normal((4, 5)).astype(np.float32))
    check.close(second(first(x)), check.array(both(x)), rtol=1e-4, atol=1e-4)


@pytest.mark.hint("A parameter is a Tensor: every operation of module 02 takes it.")
def test_parameters_are_tensors(tt, check):
    """Takes parameters wherever a Tensor goes, and gives plain Tensors back"""
    layer = tt.Linear(2, 3)
    numbers = check.array(layer.weight)
    check.close((layer.weight * 2).sum(), numbers.sum() * 2, rtol=1e-4, atol=1e-5)
    check.close(tt.concatenate([layer.weight, layer.weight]), np.vstack([numbers, numbers]))
    check.equal(layer.weight.requires_grad, True)
    check.equal(layer.weight.detach().requires_grad, False)
    rows = tt.Flatten()(tt.stack([layer.weight, layer.weight]))
    check.close(rows, np.tile(numbers.reshape(1, 6), (2, 1)))
