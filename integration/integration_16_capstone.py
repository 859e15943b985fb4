"""Module 16 together with what it needs: tokenizers, windows, a loader, a trainer, and writing."""

import numpy as np
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.module("16")]


@pytest.mark.hint("encode gives a list of ints, token_windows takes it, decode takes a Tensor.")
def test_either_tokenizer_in_the_loop(tt, check, corpus):
    """Learns from characters and from byte pairs, and writes in either alphabet"""
    text = "".join(corpus.train.splitlines(keepends=True)[:60])
    for tokenizer in (tt.CharTokenizer(text), tt.BPETokenizer(text, 330)):
        tt.manual_seed(1)
        model = tt.TinyGPT(tokenizer.vocab_size, 32, 4, 1, 24)
        loader = tt.DataLoader(tt.token_windows(tokenizer.encode(text), 24), 8, shuffle=True)
        optimizer = tt.AdamW(model.parameters(), lr=0.01)
        trainer = tt.Trainer(model, optimizer, tt.next_token_loss)
        before = tt.perplexity(model, tokenizer.encode(text))
        trainer.fit(loader, epochs=3, verbose=False)
        after = tt.perplexity(model, tokenizer.encode(text))
        check.true(after < before / 3, f"perplexity went from {before:.1f} to {after:.1f} only")
        written = tokenizer.decode(model.generate(tokenizer.encode("the "), 60, seed=0))
        check.equal(written[:4], "the ")
        check.true(" " in written[4:], f"it should have found out about spaces: {written!r}")


@pytest.mark.hint("A cache may be begun with any number of positions; it sees what is in it alone.")
def test_a_trained_model_writes_the_same_with_a_cache(tt, check, corpus):
    """Gives a trained model's logits with a cache as without, at each position of a text"""
    text = "".join(corpus.train.splitlines(keepends=True)[:60])
    tokenizer = tt.BPETokenizer(text, 330)
    ids = np.array(tokenizer.encode(text))
    model = tt.TinyGPT(tokenizer.vocab_size, 32, 4, 2, 40)
    trainer = tt.Trainer(model, tt.Adam(model.parameters(), lr=0.01), tt.next_token_loss)
    trainer.fit(tt.DataLoader(tt.token_windows(ids, 40), 4), epochs=1, verbose=False)
    whole, cache = check.array(model(ids[None, :40])), model.new_cache()
    for start, end in ((0, 7), (7, 8), (8, 30), (30, 40)):
        part = model(ids[None, start:end], cache)
        check.close(part, whole[:, start:end], rtol=1e-3, atol=1e-3)
