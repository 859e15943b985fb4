#!/usr/bin/env bash
# Which pair byte-pair encoding merges first (Hugging Face tokenizers 0.23.3).
# A good guess: the pair that can be merged most often. "bc" can be merged five times in this text,
# "aa" four times, as "aaa" holds it once: the two places overlap.
# Seen: the trainer counts overlapping places, so "aa" has eight and is first. With a vocabulary of
# one merge, the text becomes longer than with "bc". It is the same within one long run of letters.
exec "$(dirname "$0")/in_venv.sh" tokenizers==0.23.3 <<'PY'
import json

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

words = ["aaa"] * 4 + ["bc"] * 5
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.train_from_iterator(words, trainers.BpeTrainer(vocab_size=5, show_progress=False))
chosen = json.loads(tokenizer.to_str())["model"]["merges"][0]
merged = {pair: sum(word.count(pair) for word in words) for pair in ("aa", "bc")}  # disjoint places
print("places that can be merged:", merged, "first merge:", chosen)
assert merged == {"aa": 4, "bc": 5} and chosen == ["a", "a"]
PY
