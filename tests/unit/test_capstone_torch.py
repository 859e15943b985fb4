"""Embedding, block, GPT and a training against PyTorch with the same numbers, where it is."""

import math

import numpy as np
import pytest

import tinytorch as tt

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
NEAR = {"rtol": 1e-3, "atol": 2e-5}


def numbers(module, scale=0.3):
    """Give a module of ours random numbers, biases and norms among them."""
    for parameter in module.parameters():
        parameter.data = (scale * RNG.standard_normal(parameter.shape)).astype(np.float32)
    return module


def their_block(width, heads):
    return torch.nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )


def tensors(state):
    return {name: torch.tensor(array) for name, array in state.items()}


def hidden_for(length):
    """Their mask has True where a key must not be seen."""
    return torch.triu(torch.ones(length, length, dtype=torch.bool), 1)


class TheirGPT(torch.nn.Module):
    def __init__(self, vocab, width, heads, layers, length):
        super().__init__()
        self.tokens = torch.nn.Embedding(vocab, width)
        self.positions = torch.nn.Embedding(length, width)
        self.blocks = torch.nn.ModuleList(their_block(width, heads) for _ in range(layers))
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x, src_mask=hidden_for(ids.shape[1]))
        return self.norm(x) @ self.tokens.weight.T


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 5), (3, 0), (2, 3, 4)])
def test_embedding_agrees(shape):
    ids, ours = RNG.integers(0, 6, shape), tt.Embedding(6, 3)
    peer = torch.nn.Embedding(6, 3)
    peer.load_state_dict(tensors(ours.state_dict()))
    grad = RNG.standard_normal((*shape, 3)).astype(np.float32)
    output, wanted = ours(tt.Tensor(ids)), peer(torch.tensor(ids))
    np.testing.assert_array_equal(output.numpy(), wanted.detach().numpy())
    output.backward(tt.Tensor(grad))
    wanted.backward(torch.tensor(grad))
    np.testing.assert_allclose(
        ours.weight.grad.numpy(), peer.weight.grad.numpy(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("width, heads, masked", [(8, 2, True), (8, 2, False), (12, 3, True)])
def test_block_loads_and_agrees(width, heads, masked):
    ours, peer = numbers(tt.TransformerBlock(width, heads)), their_block(width, heads)
    peer.load_state_dict(tensors(ours.state_dict()))  # strict: the names are theirs
    x = RNG.standard_normal((3, 5, width)).astype(np.float32)
    mine = tt.Tensor(x, requires_grad=True)
    given = torch.tensor(x, requires_grad=True)
    output = ours(mine, tt.causal_mask(5) if masked else None)
    wanted = peer(given, src_mask=hidden_for(5) if masked else None)
    np.testing.assert_allclose(output.numpy(), wanted.detach().numpy(), **NEAR)
    output.sum().backward()
    wanted.sum().backward()
    np.testing.assert_allclose(mine.grad.numpy(), given.grad.numpy(), rtol=1e-3, atol=1e-4)
    named = dict(peer.named_parameters())
    for name, parameter in ours.named_parameters():
        expected = named[name].grad.numpy()
        np.testing.assert_allclose(parameter.grad.numpy(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("sizes", [(20, 8, 2, 1, 6), (50, 24, 4, 3, 16)])
def test_model_and_gradients_agree(sizes):
    ours, peer = numbers(tt.TinyGPT(*sizes)), TheirGPT(*sizes)
    peer.load_state_dict(tensors(ours.state_dict()))
    ids = RNG.integers(0, sizes[0], (4, sizes[-1] + 1))
    logits = ours(ids[:, :-1])
    wanted = peer(torch.tensor(ids[:, :-1]))
    np.testing.assert_allclose(logits.numpy(), wanted.detach().numpy(), rtol=1e-3, atol=1e-4)
    loss = tt.next_token_loss(logits, ids[:, 1:])
    expected = torch.nn.functional.cross_entropy(
        wanted.reshape(-1, sizes[0]), torch.tensor(ids[:, 1:].ravel())
    )
    assert math.isclose(loss.item(), expected.item(), rel_tol=1e-4)
    loss.backward()
    expected.backward()
    named = dict(peer.named_parameters())
    for name, parameter in ours.named_parameters():
        np.testing.assert_allclose(
            parameter.grad.numpy(), named[name].grad.numpy(), rtol=2e-3, atol=1e-5, err_msg=name
        )
    assert len(named) == len(ours.named_parameters())


def test_perplexity_agrees():
    ours, peer = numbers(tt.TinyGPT(9, 8, 2, 1, 5)), TheirGPT(9, 8, 2, 1, 5)
    peer.load_state_dict(tensors(ours.state_dict()))
    ids = RNG.integers(0, 9, 14)
    total = 0.0
    for start in range(0, 13, 5):
        part = torch.tensor(ids[start : start + 6])
        logits = peer(part[None, :-1])[0]
        total += torch.nn.functional.cross_entropy(logits, part[1:], reduction="sum").item()
    assert math.isclose(tt.perplexity(ours, ids), math.exp(total / 13), rel_tol=1e-4)


def test_a_training_agrees():
    sizes = (30, 16, 2, 2, 8)
    tt.manual_seed(1)
    ours, peer = tt.TinyGPT(*sizes), TheirGPT(*sizes)
    peer.load_state_dict(tensors(ours.state_dict()))
    ids = RNG.integers(0, 30, 8 * 40 + 1)
    windows = tt.token_windows(ids, 8)
    # Steps of Adam grow what rounding leaves; with plain steps, both stay together.
    optimizer = tt.SGD(ours.parameters(), lr=0.1)
    trainer = tt.Trainer(ours, optimizer, tt.next_token_loss)
    history = trainer.fit(tt.DataLoader(windows, 4), epochs=3, verbose=False)
    steps, losses = torch.optim.SGD(peer.parameters(), lr=0.1), []
    for _ in range(3):
        for start in range(0, 40, 4):
            rows = [ids[8 * i : 8 * i + 9] for i in range(start, start + 4)]
            batch = torch.tensor(np.stack(rows))
            loss = torch.nn.functional.cross_entropy(
                peer(batch[:, :-1]).reshape(-1, 30), batch[:, 1:].reshape(-1)
            )
            steps.zero_grad()
            loss.backward()
            steps.step()
            losses.append(loss.item())
    expected = np.mean(np.reshape(losses, (3, 10)), axis=1)
    np.testing.assert_allclose(history["train_loss"], expected, rtol=1e-4)
