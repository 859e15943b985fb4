#!/usr/bin/env bash
# A byte-level tokenizer and a letter that the training text does not have (tokenizers 0.23.3).
# A good guess: every text survives, because all 256 bytes are tokens; that is what byte level is for.
# Seen: only bytes of the training text become tokens. Others vanish without an error, and the
# decoded text lacks them, unless the trainer is given `initial_alphabet`.
exec "$(dirname "$0")/in_venv.sh" tokenizers==0.23.3 <<'PY'
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers


def decoded(text, **options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=300, show_progress=False, **options)
    tokenizer.train_from_iterator(["the cat sat on the mat"], trainer)
    return tokenizer.decode(tokenizer.encode(text).ids)


plain = decoded("the dog sat")
whole = decoded("the dog sat", initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
print(f"as trained: {plain!r}; with initial_alphabet: {whole!r}")
assert plain == "the o sat" and whole == "the dog sat"
PY
