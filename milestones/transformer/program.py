"""2017, attention: a sequence is reversed by looking up the right place, for each token at once.

    python milestones/transformer/program.py [--seed 0]

"Attention is all you need", wrote Vaswani and others in 2017, and left out the recurrence that read
a sequence word by word. Each position asks all others at once, and takes what fits. Reversing is
the smallest task that shows it: the first token of the answer is the last of the question.

Attention alone does not know where a token stands, so a pattern is added to each position. A second
network without it is trained beside the first, and cannot reverse.

Tokens are one-hot rows and a `Linear` layer. Every number is computed by the tinytorch that you
wrote: modules 02-11.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import tinytorch as tt

TOKENS, LENGTH, WIDTH, HEADS = 10, 8, 32, 2
EPOCHS, BATCH, LR = 6, 32, 5e-3


class Reverser(tt.Module):
    """One block of attention: (N, T, TOKENS) one-hot -> (N, T, TOKENS) scores of the answer."""

    def __init__(self, positions=True):
        self.embedding = tt.Linear(TOKENS, WIDTH)
        self.positions = tt.PositionalEncoding(WIDTH, LENGTH) if positions else None
        self.attention = tt.MultiHeadAttention(WIDTH, HEADS)
        self.norm = tt.LayerNorm(WIDTH)
        self.output = tt.Linear(WIDTH, TOKENS)

    def forward(self, x):
        x = self.embedding(x)
        if self.positions is not None:
            x = self.positions(x)
        return self.output(self.norm(self.attention(x)))


def main(_, sequences, unseen, seed=0, positions=True):
    """What the test of the claim asks for: the answers of one of the networks."""
    return answers(train(sequences, seed, positions, verbose=False), unseen)


def train(sequences, seed, positions=True, verbose=True):
    """Sequences (N, T) of tokens -> a network that reverses them."""
    tt.manual_seed(seed)
    model = Reverser(positions)
    dataset = tt.TensorDataset(one_hot(sequences), sequences[:, ::-1].copy())
    loader = tt.DataLoader(dataset, BATCH, shuffle=True, seed=seed)
    optimizer = tt.Adam(model.parameters(), lr=LR)
    schedule = tt.CosineAnnealingLR(optimizer, EPOCHS)
    trainer = tt.Trainer(model, optimizer, loss_of_sequences)
    trainer.fit(loader, epochs=EPOCHS, scheduler=schedule, verbose=verbose)
    return model


def loss_of_sequences(scores, tokens):
    """The mean cross-entropy over all positions of all sequences."""
    return tt.CrossEntropyLoss()(scores.reshape(-1, TOKENS), tokens.reshape(-1))


def one_hot(sequences):
    """Tokens (N, T) -> rows (N, T, TOKENS) with a single 1."""
    return np.eye(TOKENS, dtype=np.float32)[sequences]


def answers(model, sequences):
    """The likeliest token for each position, (N, T)."""
    with tt.no_grad():
        return model(tt.Tensor(one_hot(sequences))).argmax(dim=-1).numpy()


def run(seed):
    rng = np.random.default_rng(seed)
    sequences = rng.integers(0, TOKENS, (2000, LENGTH))
    unseen = rng.integers(0, TOKENS, (500, LENGTH))
    right = unseen[:, ::-1]
    both = {}
    for name, positions in (("with positions", True), ("without positions", False)):
        print(f"A block of attention {name} learns from 2,000 sequences.\n")
        both[name] = answers(train(sequences, seed, positions), unseen)
        print()
    print(f"    {'never seen':19}{'with positions':19}{'without positions'}")
    for i in range(6):
        rows = [unseen[i], *(found[i] for found in both.values())]
        print("    " + "    ".join(" ".join(map(str, row)) for row in rows))
    print()
    for name, found in both.items():
        share = (found == right).all(axis=1).mean()
        print(
            f"{name}: {share:.1%} of {len(unseen)} unseen sequences are reversed without a mistake"
        )
    print("\nAttention finds its place. Its test: pytest --milestone transformer")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    run(parser.parse_args().seed)
