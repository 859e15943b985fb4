"""A GPT that is trained in the run writes coherent text: right, new, and well predicted.

The student's side gets the text to learn from, and unseen sentences to score. All that is claimed
is computed here: perplexity from the scores, what is right by the grammar that made the corpus, and
what is new by the text. The unseen sentences are scored twice, once with the end of each window
replaced: a model that looks ahead is found by scores that change.
"""

import math

import numpy as np
import pytest

pytestmark = pytest.mark.milestone("language_generation")

LENGTH = 32  # tokens in a window, as in the program
BOUND = 5.0  # of the perplexity for each word
SENTENCES = 50


def mean_loss(scores, ids):
    """The mean of -log of the probability of each token that follows, window by window."""
    windows = len(scores)
    targets = ids[1 : windows * LENGTH + 1]
    logits = scores.astype(np.float64).reshape(windows * LENGTH, -1)[: len(targets)]
    logits -= logits.max(axis=1, keepdims=True)
    normal = np.log(np.exp(logits).sum(axis=1))
    return float((normal - logits[np.arange(len(targets)), targets]).mean())


def predicts(check, corpus, found, unseen):
    """The perplexity for each word of the unseen text, computed from scores that look back only."""
    ids, scores = np.asarray(found["ids"]), np.asarray(found["scores"])
    tokens = list(found["tokens"])
    check.equal("".join(tokens[i] for i in ids.tolist()), unseen)
    check.equal(scores.shape, (len(ids) // LENGTH, LENGTH, len(tokens)))
    half = LENGTH // 2
    changed = np.asarray(found["scores of half"])
    check.close(scores[:, :half], changed[:, :half], rtol=1e-3, atol=1e-3)
    words = len(corpus.words_of(unseen))
    return math.exp(mean_loss(scores, ids) * len(ids) / words)


@pytest.mark.points(30)
@pytest.mark.hint("Run python milestones/language_generation/program.py: what does it write?")
def test_writes_a_language(check, corpus, measured, rng, run_program):
    """Predicts unseen text better than a count of five words, and writes right and new sentences"""
    unseen = "\n" + corpus.held_out
    seed = int(rng.integers(1000))
    texts = {"text": corpus.train.encode(), "unseen": unseen.encode()}
    found = run_program("program.py", **texts, seed=seed)
    perplexity = predicts(check, corpus, found, unseen)
    other = corpus.five_words(corpus.train, unseen)
    written = found["written"]
    known = {*corpus.train.splitlines(), *corpus.held_out.splitlines()}
    right = sum(corpus.accepts(sentence) for sentence in written)
    new = len({sentence for sentence in written if sentence not in known})
    measured(
        f"perplexity {perplexity:.2f} a word (five words counted: {other:.2f}),"
        f" {right} of {SENTENCES} sentences right, {new} new"
    )
    check.true(perplexity < BOUND, f"its perplexity is {perplexity:.2f}, expected below {BOUND}")
    check.true(
        perplexity < other,
        f"its perplexity is {perplexity:.2f}, that of a count of five words {other:.2f}",
    )
    check.equal(len(written), SENTENCES)
    strange = [sentence for sentence in written if not corpus.accepts(sentence)]
    check.true(
        right >= 0.9 * SENTENCES,
        f"{right} of {SENTENCES} sentences are right, expected 45; not {strange[:2]}",
    )
    check.true(new >= SENTENCES / 2, f"{new} of {SENTENCES} sentences are new, expected 25")
