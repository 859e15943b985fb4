"""Both maps of attention: by counting equal letters, and by sines and cosines in NumPy."""

import numpy as np
import pytest

pytestmark = pytest.mark.demo("attention")


@pytest.mark.hint("softmax(q @ k.T / sqrt(d)) @ v: compare with two hand-worked letters.")
@pytest.mark.parametrize("word", ["abracadabra", "to be or not"])
def test_content(check, run_program, word):
    """Gives each letter's attention to the letters that are equal, in equal shares"""
    found = np.asarray(run_program("program.py", word=word)["content"], np.float64)
    letters = np.array(list(word))
    shares = np.where(letters[:, None] == letters, np.exp(9.0), 1.0)
    check.close(found, shares / shares.sum(axis=1, keepdims=True), rtol=1e-3, atol=1e-6)


@pytest.mark.hint("Two positions that are equally far apart have the same score.")
def test_position(check, run_program):
    """Gives each letter's attention to its neighbours, by the distance alone"""
    found = np.asarray(run_program("program.py", word="abcdefghij")["position"], np.float64)
    rates = 10_000.0 ** -(np.arange(0, 32, 2) / 32)  # Vaswani and others, 2017, section 3.5
    apart = np.arange(10)[:, None] - np.arange(10)
    scores = np.cos(apart[..., None] * rates).sum(axis=2) / np.sqrt(32) * 3
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    check.close(found, shares / shares.sum(axis=1, keepdims=True), rtol=1e-3, atol=1e-5)
