"""Makes `corpus.txt`, one sentence a line, from the grammar beside it.

python data/make_corpus.py
"""

from pathlib import Path

from corpus_grammar import make_sentences

COUNT = 4000

if __name__ == "__main__":
    text = "".join(f"{sentence}\n" for sentence in make_sentences(COUNT, seed=0))
    Path(__file__).with_name("corpus.txt").write_text(text, "utf-8", newline="\n")
    print(f"{len(text):,} characters, {len(set(text.split()))} different words")
