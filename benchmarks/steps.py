"""The steps that are compared: each operation forward and backward, and steps of a training.

Needs PyTorch; whoever imports this says with how many threads it works.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

import tinytorch as tt
from tinytorch.core.capstone import embedding as embedded

F = torch.nn.functional
Step = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """The same step here and there; PyTorch's may come in several memory layouts."""

    ours: Step
    peers: tuple[Step, ...]


def draws(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def channels_last(array: np.ndarray) -> np.ndarray:
    """(N, C, H, W), in the order of memory in which a layer hands it on."""
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def steps(ours, theirs, *shapes, images: bool = False) -> Pair:
    """Forward and backward of functions of Tensors with these shapes, each with a gradient."""
    arrays = [draws(*shape) for shape in shapes]
    order = channels_last if images else np.asarray
    mine = [tt.Tensor(order(array), requires_grad=True) for array in arrays]
    gradient = tt.Tensor(order(np.ones(ours(*mine).shape, np.float32)))

    def here() -> None:
        for tensor in mine:
            tensor.grad = None
        ours(*mine).backward(gradient)

    def there(layout) -> Step:
        tensors = [
            torch.tensor(array).to(memory_format=layout).requires_grad_() for array in arrays
        ]
        ones = torch.ones_like(theirs(*tensors))

        def step() -> None:
            for tensor in tensors:
                tensor.grad = None
            theirs(*tensors).backward(ones)

        return step

    layouts = [torch.contiguous_format, *([torch.channels_last] if images else [])]
    return Pair(here, tuple(map(there, layouts)))


def fast(build: Callable[[], Pair]) -> Callable[[], Pair]:
    """The same pair, where our step runs with the kernels of module 13."""

    def built() -> Pair:
        pair = build()

        def here() -> None:
            tt.use_fast_kernels()
            try:
                pair.ours()
            finally:
                tt.use_fast_kernels(False)

        return Pair(here, pair.peers)

    return built


def convolution(inputs: int, outputs: int, side: int, batch: int = 32) -> Pair:
    return steps(
        lambda x, w: tt.conv2d(x, w, stride=1, padding=1),
        lambda x, w: F.conv2d(x, w, padding=1),
        (batch, inputs, side, side),
        (outputs, inputs, 3, 3),
        images=True,
    )


def pool(batch: int, side: int) -> Pair:
    return steps(tt.MaxPool2d(2), torch.nn.MaxPool2d(2), (batch, 32, side, side), images=True)


def batch_norm(channels: int, side: int, batch: int = 128) -> Pair:
    layer, peer = tt.BatchNorm2d(channels), torch.nn.BatchNorm2d(channels)
    return steps(layer, peer, (batch, channels, side, side), images=True)


def layer_norm() -> Pair:
    return steps(tt.LayerNorm(512), torch.nn.LayerNorm(512), (1024, 512))


def attention() -> Pair:
    return steps(
        tt.scaled_dot_product_attention,
        F.scaled_dot_product_attention,
        *[(16, 4, 64, 32)] * 3,
    )


def linear() -> Pair:
    layer, peer = tt.Linear(784, 256), torch.nn.Linear(784, 256)
    return steps(layer, peer, (128, 784))


def cross_entropy(rows: int, classes: int) -> Pair:
    labels = np.arange(rows) % classes
    wanted = torch.tensor(labels)
    return steps(
        lambda x: tt.CrossEntropyLoss()(x, labels),
        lambda x: F.cross_entropy(x, wanted),
        (rows, classes),
    )


def training_step(batch: int) -> Pair:
    """An MLP 784-256-10: clear the gradients, forward, loss, backward, one step with momentum."""
    images, labels = draws(batch, 784), np.arange(batch) % 10
    x, t = torch.tensor(images), torch.tensor(labels)
    model, relu = tt.MLP([784, 256, 10]), torch.nn.ReLU()
    peer = torch.nn.Sequential(torch.nn.Linear(784, 256), relu, torch.nn.Linear(256, 10))
    optimizer = tt.SGD(model.parameters(), lr=0.01, momentum=0.9)
    peers = torch.optim.SGD(peer.parameters(), lr=0.01, momentum=0.9)
    loss_function, mine = tt.CrossEntropyLoss(), tt.Tensor(images)

    def here() -> None:
        optimizer.zero_grad()
        loss_function(model(mine), labels).backward()
        optimizer.step()

    def there() -> None:
        peers.zero_grad()
        F.cross_entropy(peer(x), t).backward()
        peers.step()

    return Pair(here, (there,))


class PeerGPT(torch.nn.Module):
    """The GPT of module 16 in PyTorch, with its fused attention."""

    def __init__(self, vocab: int, width: int, heads: int, layers: int, length: int) -> None:
        super().__init__()
        self.heads = heads
        self.tokens = torch.nn.Embedding(vocab, width)
        self.positions = torch.nn.Embedding(length, width)
        self.blocks = torch.nn.ModuleList(
            torch.nn.ModuleDict(
                {
                    "norm1": torch.nn.LayerNorm(width),
                    "qkv": torch.nn.Linear(width, 3 * width),
                    "out": torch.nn.Linear(width, width),
                    "norm2": torch.nn.LayerNorm(width),
                    "linear1": torch.nn.Linear(width, 4 * width),
                    "linear2": torch.nn.Linear(4 * width, width),
                }
            )
            for _ in range(layers)
        )
        self.norm = torch.nn.LayerNorm(width)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                torch.nn.init.normal_(parameter, std=0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        n, t = ids.shape
        x = self.tokens(ids) + self.positions(torch.arange(t))
        for block in self.blocks:
            qkv = block["qkv"](block["norm1"](x)).view(n, t, 3, self.heads, -1)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            found = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + block["out"](found.transpose(1, 2).reshape(n, t, -1))
            x = x + block["linear2"](F.gelu(block["linear1"](block["norm2"](x))))
        return self.norm(x) @ self.tokens.weight.T


def gpt_step() -> Pair:
    """A GPT of 4 blocks of width 128, 16 texts of 64 tokens: a whole step with Adam."""
    sizes = (512, 128, 4, 4, 64)
    ids = np.random.default_rng(0).integers(0, sizes[0], (16, 65))
    inputs, targets = torch.tensor(ids[:, :-1]), torch.tensor(ids[:, 1:])
    model, peer = tt.TinyGPT(*sizes), PeerGPT(*sizes)
    optimizer = tt.Adam(model.parameters(), lr=1e-4)
    peers = torch.optim.Adam(peer.parameters(), lr=1e-4)

    def here() -> None:
        optimizer.zero_grad()
        tt.next_token_loss(model(ids[:, :-1]), ids[:, 1:]).backward()
        optimizer.step()

    def there() -> None:
        peers.zero_grad()
        F.cross_entropy(peer(inputs).flatten(0, 1), targets.flatten()).backward()
        peers.step()

    return Pair(here, (there,))


def embedding() -> Pair:
    """1,024 rows of a table (512, 128), most of them several times."""
    ids = np.random.default_rng(0).integers(0, 512, 1024)
    rows = torch.tensor(ids)
    return steps(
        lambda weight: embedded(weight, ids), lambda weight: F.embedding(rows, weight), (512, 128)
    )


def chain() -> Pair:
    def program(x):
        for _ in range(100):
            x = x * 1.01
        return x

    return steps(program, program, (1,))


# What is compared, and the ratio that the course promises.
CASES: dict[str, tuple[Callable[[], Pair], float]] = {
    "Linear 784-256, batch 128": (linear, 1.15),
    "ReLU": (lambda: steps(tt.relu, torch.relu, (256, 1024)), 1.4),
    "cross-entropy 128x10": (lambda: cross_entropy(128, 10), 1.3),
    "cross-entropy 1024x64": (lambda: cross_entropy(1024, 64), 1.3),
    "step of an MLP 784-256-10, batch 32": (lambda: training_step(32), 1.1),
    "step of an MLP 784-256-10, batch 128": (lambda: training_step(128), 1.1),
    "attention 16x4x64x32": (attention, 1.4),
    "LayerNorm 1024x512": (layer_norm, 2.4),
    "BatchNorm2d 128x32x16x16": (lambda: batch_norm(32, 16), 2.0),
    "BatchNorm2d 128x64x8x8": (lambda: batch_norm(64, 8), 2.0),
    "MaxPool2d 2x2": (lambda: pool(64, 16), 2.4),
    "Conv2d 32-64 at 16x16": (lambda: convolution(32, 64, 16), 2.7),
    "Conv2d 64-128 at 8x8": (lambda: convolution(64, 128, 8), 2.0),
    "Embedding 512x128, 1,024 rows": (embedding, 3.5),
    "step of a GPT, 4 blocks, d 128, T 64, batch 16": (gpt_step, 2.2),
    "autograd, one element, 100 operations": (chain, 0.8),
    # With the kernels of module 13
    "fast Conv2d 32-64 at 16x16": (fast(lambda: convolution(32, 64, 16, 64)), 0.85),
    "fast Conv2d 64-128 at 8x8": (fast(lambda: convolution(64, 128, 8, 64)), 0.7),
    "fast Conv2d 64-64 at 32x32": (fast(lambda: convolution(64, 64, 32, 32)), 0.7),
    "fast MaxPool2d 2x2, 64x32x32x32": (fast(lambda: pool(64, 32)), 0.85),
    "fast BatchNorm2d 64x64x16x16": (fast(lambda: batch_norm(64, 16, 64)), 1.25),
    "fast BatchNorm2d 64x32x16x16": (fast(lambda: batch_norm(32, 16, 64)), 1.25),
    "fast LayerNorm 1024x512": (fast(layer_norm), 1.4),
    "fast cross-entropy 1024x64": (fast(lambda: cross_entropy(1024, 64)), 1.3),
    "fast GELU 1024x512": (fast(lambda: steps(tt.gelu, F.gelu, (1024, 512))), 3.0),
}
