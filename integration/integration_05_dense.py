"""Module 05 together with what it needs: networks of Tensors, activations and layers."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("05")]


def trained(tt, weights):
    """The network that reads digits, with the weights of the course."""
    model = tt.MLP([64, 32, 10])
    numbers = [weights.first_weight, weights.first_bias, weights.last_weight, weights.last_bias]
    for parameter, array in zip(model.parameters(), numbers, strict=True):
        parameter.data = array.copy()
    return model


@pytest.mark.hint("log_softmax of the scores, taken at the labels, is the loss: its mean is small.")
def test_probabilities_of_digits(tt, check, digits, digits_weights):
    """Gives the right digit most of the probability, and more than an untrained network does"""
    x = tt.Tensor(digits.test_images.reshape(-1, 64))
    losses = []
    for model in (trained(tt, digits_weights), tt.MLP([64, 32, 10])):
        log_probabilities = check.array(tt.log_softmax(model(x)))
        check.close(np.exp(log_probabilities).sum(axis=1), np.ones(360), rtol=1e-4)
        losses.append(-float(log_probabilities[np.arange(360), digits.test_labels].mean()))
    check.true(losses[0] < 0.3 < losses[1], f"mean losses: trained and untrained {losses}")


@pytest.mark.hint("The hidden layer is itself a network: model[0] and model[1].")
def test_parts_of_a_network_are_networks(tt, check, digits, digits_weights):
    """Takes a network apart and puts it together again"""
    model = trained(tt, digits_weights)
    x = tt.Tensor(digits.test_images[:20].reshape(-1, 8, 8))
    whole = check.array(model(tt.Flatten()(x)))
    hidden = tt.Sequential(tt.Flatten(), model[0], model[1])
    check.shape(hidden(x), (20, 32))
    check.close(tt.Sequential(hidden, model[2])(x), whole)
    check.equal(len(list(tt.Sequential(hidden, model[2]).parameters())), 4)


@pytest.mark.hint("state_dict holds copies under names; load_state_dict finds the same names.")
def test_an_average_of_networks(tt, check, digits_weights):
    """Averages two networks by their state dicts, number by number"""
    first, second = trained(tt, digits_weights), tt.MLP([64, 32, 10])
    mine, other = first.state_dict(), second.state_dict()
    mean = {name: (check.array(mine[name]) + check.array(other[name])) / 2 for name in mine}
    second.load_state_dict(mean)
    for name, value in second.state_dict().items():
        check.close(value, mean[name])
    text = tt.summary(second)
    check.true("2,410" in text or "2410" in text, f"the summary should count 2,410:\n{text}")
