"""Train a small GPT on the course's corpus until it writes right sentences, in half a minute.

    python examples/train_gpt.py [--epochs 10] [--seed 0] [--temperature 0.7]

The corpus is made by a grammar (`data/corpus_grammar.py`), which also judges what was written. Of
50 sentences nearly all should be right, and nearly all new. The perplexity for each word of unseen
text stands beside that of a count of five words, which forgets the subject of a long sentence.

What makes ten epochs enough: tokens that are mostly whole words, small batches (many steps), a
learning rate that falls to 0, and two blocks, no more.
"""

import argparse
import math
import os
import sys
import time
from collections import Counter
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # before NumPy loads, which reads them
    os.environ.setdefault(name, "1")

import numpy as np

import tinytorch as tt

DATA = Path(__file__).parents[1] / "data"
VOCABULARY, WIDTH, HEADS, BLOCKS, LENGTH, BATCH, LR = 700, 64, 4, 2, 32, 8, 3e-3
DISCOUNT = 0.9  # of each count; of 0.5, 0.75 and 0.9 the best on the unseen text


def main(epochs: int, seed: int, temperature: float) -> None:
    sys.path.insert(0, str(DATA))
    from corpus_grammar import accepts

    lines = (DATA / "corpus.txt").read_text("utf-8").splitlines(keepends=True)
    known, unseen = "".join(lines[:3600]), "\n" + "".join(lines[3600:])
    start = time.perf_counter(), time.process_time()
    tokenizer, model = trained(known, epochs, seed)
    wall, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    print(f"trained in {wall:.1f} s, {processor:.1f} s of processor time")
    ids, words = tokenizer.encode(unseen), words_of(unseen)
    loss = math.log(tt.perplexity(model, ids)) * (len(ids) - 1) / (len(words) - 1)
    print(f"perplexity {math.exp(loss):.2f}, of five words {five_words(known, words):.2f}")
    sentences = written(tokenizer, model, 50, temperature, seed)
    right, new = [*map(accepts, sentences)], [f"{s}\n" not in lines for s in sentences]
    print(f"{sum(right)} of {len(sentences)} sentences are right, {sum(new)} are new")
    for sentence, fits in zip(sentences[:12], right, strict=False):
        print(f"  {' ' if fits else '?'} {sentence}")


def trained(text: str, epochs: int, seed: int) -> tuple[tt.BPETokenizer, tt.TinyGPT]:
    tt.manual_seed(seed)
    tokenizer = tt.BPETokenizer(text, VOCABULARY)
    windows = tt.token_windows(tokenizer.encode(text), LENGTH)
    model = tt.TinyGPT(tokenizer.vocab_size, WIDTH, HEADS, BLOCKS, LENGTH)
    optimizer = tt.Adam(model.parameters(), lr=LR)
    loader = tt.DataLoader(windows, BATCH, shuffle=True, seed=seed)
    schedule = tt.CosineAnnealingLR(optimizer, epochs)
    trainer = tt.Trainer(model, optimizer, tt.next_token_loss)
    trainer.fit(loader, epochs=epochs, scheduler=schedule)
    return tokenizer, model


def written(
    tokenizer: tt.BPETokenizer, model: tt.TinyGPT, count: int, temperature: float, seed: int
) -> list[str]:
    """`count` sentences, each on a line of its own in what the model writes."""
    ids = tokenizer.encode("\n")
    text = ""
    while text.count("\n") <= count:
        ids = model.generate(ids, 200, temperature=temperature, seed=seed + len(text)).numpy()
        text = tokenizer.decode(ids)
    return text.split("\n")[1 : count + 1]


def words_of(text: str) -> list[str]:
    """Words, marks, and ends of lines."""
    return text.replace("\n", " \n ").strip(" ").split(" ")


def five_words(text: str, unseen: list[str]) -> float:
    """Perplexity of a count of up to five words in a row, which falls back on shorter ones."""
    words = words_of(text)
    counts = Counter(tuple(words[i - n : i]) for n in range(6) for i in range(n, len(words) + 1))
    follow = Counter(row[:-1] for row in counts if row)

    def probability(row: tuple[str, ...]) -> float:
        if not row:
            return 1 / follow[()]
        total, shorter = counts[row[:-1]], probability(row[1:])
        if total == 0:
            return shorter
        kept = max(counts[row] - DISCOUNT, 0)
        return (kept + DISCOUNT * follow[row[:-1]] * shorter) / total

    rows = [tuple(unseen[max(i - 4, 0) : i + 1]) for i in range(1, len(unseen))]
    return math.exp(-np.mean([math.log(probability(row)) for row in rows]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--temperature", type=float, default=0.7)
    main(**vars(parser.parse_args()))
