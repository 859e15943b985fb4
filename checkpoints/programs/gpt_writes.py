"""A small GPT that learns from a text for a second or two, and writes."""

import numpy as np


def main(tt, text, unseen):
    tt.manual_seed(0)
    tokenizer = tt.BPETokenizer(text, 520)
    ids, other = np.array(tokenizer.encode(text)), np.array(tokenizer.encode(unseen))
    model = tt.TinyGPT(tokenizer.vocab_size, 32, 4, 2, 32)
    optimizer = tt.Adam(model.parameters(), lr=4e-3)
    loader = tt.DataLoader(tt.token_windows(ids, 32), 4, shuffle=True, seed=0)
    tt.Trainer(model, optimizer, tt.next_token_loss).fit(loader, epochs=3, verbose=False)
    start = tokenizer.encode("\n")
    return {
        "perplexity": tt.perplexity(model, other),
        "tokens": len(other),
        "written": tokenizer.decode(model.generate(start, 120, temperature=0.7, seed=0)),
    }
