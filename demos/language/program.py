"""A network writes: a tiny GPT learns from 1,500 sentences in a few seconds, and writes its own.

    python demos/language/program.py [--seed 0] [--png FILE]

It reads tokens, pieces of words, and learns which one comes next. Then it writes: it draws a token
from the probabilities of the next one, adds it to the text, and goes on from there. Before training
the drawn tokens are noise. After it the words are right, and the sentences nearly so; the milestone
language_generation trains longer, until the grammar is right, too.

Every number is computed by the tinytorch that you wrote: modules 02-04, 07-11 and 16.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads, which reads it
if __name__ == "__main__":  # the tinytorch and the data of this course, wherever it is started
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "data"), str(root / "demos")]

import numpy as np

import tinytorch as tt

VOCABULARY, WIDTH, HEADS, LENGTH = 400, 48, 4, 32
SENTENCES, EPOCHS, BATCH, LR = 1500, 4, 8, 8e-3


def main(_, text, unseen, seed=0):
    """What the test asks for: what it writes, and its scores for the tokens of `unseen`.

    The texts are bytes, because a string to another process may not be as long.
    """
    text, unseen = text.decode(), unseen.decode()
    tt.manual_seed(seed)
    tokenizer, model = untrained(text)
    train(tokenizer, model, text, seed)
    ids = np.array(tokenizer.encode(unseen))
    windows = ids[: len(ids) // LENGTH * LENGTH].reshape(-1, LENGTH)
    with tt.no_grad():
        scores = model(windows).numpy()
    return {"written": write(tokenizer, model, 300, seed), "windows": windows, "scores": scores}


def untrained(text):
    tokenizer = tt.BPETokenizer(text, VOCABULARY)
    return tokenizer, tt.TinyGPT(tokenizer.vocab_size, WIDTH, HEADS, 1, LENGTH)


def train(tokenizer, model, text, seed, report=lambda *numbers: None):
    """Adam, with a rate that falls to 0. Returns the loss of each step."""
    windows = tt.token_windows(tokenizer.encode(text), LENGTH)
    loader = tt.DataLoader(windows, BATCH, shuffle=True, seed=seed)
    optimizer, steps, losses = tt.Adam(model.parameters(), lr=LR), EPOCHS * len(loader), []
    for _ in range(EPOCHS):
        for x, following in loader:
            optimizer.lr = LR * (1 - len(losses) / steps)
            optimizer.zero_grad()
            loss = tt.next_token_loss(model(x), following)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            report(len(losses), steps)
    return losses


def write(tokenizer, model, tokens, seed):
    """What the model writes after the end of a line."""
    ids = model.generate(tokenizer.encode("\n"), tokens, temperature=0.7, seed=seed).numpy()
    return tokenizer.decode(ids)


def show(step, steps):
    """One line that is drawn anew in a terminal, and that a file does not get."""
    if sys.stdout.isatty():
        print(f"\r  step {step} of {steps}", end="\r" if step < steps else "\n", flush=True)


def readable(text):
    """At most 76 letters for a terminal: a token may be part of a letter, or a control code."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text[:76])


def run(seed, png):
    import pictures
    from course_data import corpus

    text = "".join(corpus().train.splitlines(keepends=True)[:SENTENCES])
    tt.manual_seed(seed)
    tokenizer, model = untrained(text)
    noise = write(tokenizer, model, 24, seed)
    losses = train(tokenizer, model, text, seed, show)
    print("How unlikely the right next token is to the GPT (the loss), step by step:\n")
    print("\n".join(pictures.curve(losses, height=9)))
    print(f"\nWritten before training:\n  {readable(noise)}")
    print("\nWritten after it:")
    for line in write(tokenizer, model, 150, seed).split("\n")[1:9]:
        print(f"  {readable(line)}")
    print("\nThe test: pytest --demo language")
    pictures.save(png, ("loss", losses))


if __name__ == "__main__":
    from pictures import options

    run(**vars(options(__doc__)))
