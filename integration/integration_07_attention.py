"""Module 07 together with what it needs: Tensors, a softmax and layers."""

import math

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("07")]


@pytest.mark.hint("The primitive computes what products, where and softmax compute one by one.")
def test_attention_is_a_composition(tt, check, rng):
    """Computes at once what the operations of earlier modules compute step by step"""
    q, k, v = (tt.Tensor(rng.standard_normal((2, 5, 4)).astype(np.float32)) for _ in range(3))
    scores = (q @ k.transpose()) / math.sqrt(4)
    whole = check.array(tt.softmax(scores) @ v)
    check.close(tt.scaled_dot_product_attention(q, k, v), whole, rtol=1e-4, atol=1e-5)
    mask = tt.causal_mask(5)
    seen = check.array(tt.softmax(tt.where(mask, scores, -1e9)) @ v)
    check.close(tt.scaled_dot_product_attention(q, k, v, mask), seen, rtol=1e-4, atol=1e-5)


@pytest.mark.hint("Both layers are Modules: what they hold is found, saved, restored and switched.")
def test_attention_in_a_module(tt, check, rng):
    """Is found inside a Module, with its parameters; positions are not learned and not saved"""
    blocks = []
    for _ in range(2):
        block = tt.Module()
        block.attention, block.positions = tt.MultiHeadAttention(6, 2), tt.PositionalEncoding(6, 9)
        block.look, block.mix = tt.SelfAttention(6), tt.Linear(6, 6)
        blocks.append(block)
    first, second = blocks
    names = {name.split(".")[0] for name, _ in first.named_parameters()}
    check.equal(sorted(names), ["attention", "look", "mix"])
    check.equal(len(list(first.parameters())), 4 + 6 + 2)
    first.eval()
    check.equal([first.attention.out_proj.training, first.positions.training], [False, False])
    second.load_state_dict(first.state_dict())
    x = tt.Tensor(rng.standard_normal((3, 4, 6)).astype(np.float32))
    answers = [
        check.array(b.mix(b.look(x + b.attention(b.positions(x), tt.causal_mask(4)))))
        for b in blocks
    ]
    check.close(answers[1], answers[0])


@pytest.mark.hint("With the right scores, attention is a search for what lies nearest.")
def test_attention_as_memory(tt, check, digits):
    """Reads 97 % of 360 digits by asking which of 1437 others look alike, and what they are"""
    images, asked = (a.reshape(-1, 64) for a in (digits.train_images, digits.test_images))
    # 40 (q k - k k / 2) is largest where k is nearest to q; attention divides it by sqrt(65).
    keys = np.column_stack([images, -(images**2).sum(axis=1) / 2]).astype(np.float32)
    queries = np.column_stack([asked, np.ones(len(asked))]).astype(np.float32) * 40
    labels = np.eye(10, dtype=np.float32)[digits.train_labels]
    answers = tt.scaled_dot_product_attention(
        tt.Tensor(queries), tt.Tensor(keys), tt.Tensor(labels)
    )
    check.close(answers.sum(dim=1), np.ones(360), rtol=1e-4)
    right = check.array(answers.argmax(dim=1)) == digits.test_labels
    check.true(float(right.mean()) > 0.97, f"read {right.mean():.1%} of 360 digits correctly")
