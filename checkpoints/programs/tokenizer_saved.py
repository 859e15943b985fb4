"""A BPETokenizer that is saved and loaded again, and two files that are no tokenizers."""

import json
import tempfile
from pathlib import Path


def main(tt, text, size, other):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        tokenizer = tt.BPETokenizer(text, size)
        tokenizer.save(path)
        loaded = tt.BPETokenizer.load(path)
        content = json.loads(path.read_text("utf-8"))
        refused = []
        for wrong in ("{}", "no JSON"):
            path.write_text(wrong, "utf-8")
            try:
                tt.BPETokenizer.load(path)
            except Exception as error:
                refused.append(type(error).__name__)
    return {
        "model": content["model"],
        "ids": tokenizer.encode(other),
        "loaded ids": loaded.encode(other),
        "loaded text": loaded.decode(tokenizer.encode(other)),
        "loaded size": loaded.vocab_size,
        "refused": refused,
    }
