"""Build the future! A small GPT learns a language from nothing, and writes sentences of its own.

    python milestones/language_generation/program.py [--seed 0] [--temperature 0.5]

The corpus is made by a grammar. What makes a sentence right may stand far apart: a verb agrees with
its subject across a relative clause, a pronoun with the subject across the whole sentence. A count
of five words in a row forgets the subject; attention looks it up. The grammar also judges what was
written: of 50 sentences nearly all should be right, and more than half new.

What makes a few epochs enough: tokens that are mostly whole words, small batches (many steps), a
learning rate that rises for a seventh of them and then falls to 0, and two blocks, no more.

Every number is computed by the tinytorch that you wrote: modules 02-16.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads, which reads it
if __name__ == "__main__":  # the tinytorch and the data of this course, wherever it is started
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "data")]

import numpy as np

import tinytorch as tt

VOCABULARY, WIDTH, HEADS, BLOCKS, LENGTH = 700, 64, 4, 2, 32
EPOCHS, BATCH, PEAK, SENTENCES, TEMPERATURE = 10, 8, 4e-3, 50, 0.5


def main(_, text, unseen, seed=0):
    """What the test of the claim asks for: sentences, and scores for the tokens of `unseen`.

    The texts are bytes, because a longer string would be cut on its way to another process.
    """
    text, unseen = text.decode(), unseen.decode()
    tokenizer, model = train(text, seed, verbose=False)
    ids = np.array(tokenizer.encode(unseen))
    return {
        "written": write(tokenizer, model, SENTENCES, TEMPERATURE, seed),
        "ids": ids,
        "tokens": [tokenizer.decode([token]) for token in range(tokenizer.vocab_size)],
        "scores": scores(model, ids),
        "scores of half": scores(
            model, np.where(np.arange(len(ids)) % LENGTH < LENGTH // 2, ids, 0)
        ),
    }


def train(text, seed, verbose=True):
    """A text -> a tokenizer and a GPT that have read it."""
    tt.manual_seed(seed)
    tokenizer = tt.BPETokenizer(text, VOCABULARY)
    windows = tt.token_windows(tokenizer.encode(text), LENGTH)
    loader = tt.DataLoader(windows, BATCH, shuffle=True, seed=seed)
    model = tt.TinyGPT(tokenizer.vocab_size, WIDTH, HEADS, BLOCKS, LENGTH)
    optimizer = Cycling(model.parameters(), EPOCHS * len(loader))
    trainer = tt.Trainer(model, optimizer, tt.next_token_loss)
    trainer.fit(loader, epochs=EPOCHS, verbose=verbose)
    return tokenizer, model


class Cycling(tt.Adam):
    """Adam whose learning rate rises and then falls, at each step: without the rise, some networks
    never learn which pronoun belongs to which subject."""

    def __init__(self, parameters, steps):
        super().__init__(parameters, lr=PEAK)
        self.schedule = tt.OneCycleLR(self, PEAK, steps, 0.15)

    def step(self):
        super().step()
        self.schedule.step()


def write(tokenizer, model, count, temperature, seed):
    """`count` sentences, each on a line of its own in what the model writes."""
    ids = tokenizer.encode("\n")
    text, words = "", 0
    while text.count("\n") <= count and words < 60 * count:
        ids = model.generate(ids, 200, temperature=temperature, seed=seed + len(text)).numpy()
        text, words = tokenizer.decode(ids), words + 200
    return text.split("\n")[1 : count + 1]


def scores(model, ids):
    """The model's scores for the token after each, window by window: (windows, LENGTH, V)."""
    windows = ids[: len(ids) // LENGTH * LENGTH].reshape(-1, LENGTH)
    with tt.no_grad():
        parts = np.array_split(windows, max(len(windows) // 50, 1))
        return np.concatenate([model(part).numpy() for part in parts]).astype(np.float32)


def run(seed, temperature):
    from corpus_grammar import accepts
    from course_data import corpus
    from word_counts import five_words, words_of

    data = corpus()
    unseen = "\n" + data.held_out
    print("A GPT learns from 3,600 sentences, starting at random.\n")
    tokenizer, model = train(data.train, seed)
    ids = tokenizer.encode(unseen)
    per_word = (len(ids) - 1) / (len(words_of(unseen)) - 1)
    own = tt.perplexity(model, ids) ** per_word
    print(f"\nperplexity of a word that it never saw: {own:.2f}", end="; ")
    print(f"of a count of five words: {five_words(data.train, unseen):.2f}")
    sentences = write(tokenizer, model, SENTENCES, temperature, seed)
    right = [accepts(sentence) for sentence in sentences]
    new = [f"{sentence}\n" not in data.train for sentence in sentences]
    print(f"of {len(sentences)} sentences, {sum(right)} are right and {sum(new)} are new:\n")
    for sentence, fits in zip(sentences[:12], right, strict=False):
        print(f"  {' ' if fits else '?'} {sentence[:74]}")
    print("\nBuild the future! The test: pytest --milestone language_generation")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--temperature", type=float, default=TEMPERATURE)
    run(**vars(parser.parse_args()))
