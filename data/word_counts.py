"""A language model that counts words: what a network has to beat.

    five_words(train, "the cat sings .\nthe dog sings .\n")    # perplexity for each word

It predicts a word from the four before it, by how often these five stand in the text; where they
never do, it falls back on shorter rows (absolute discounting, Ney, Essen and Kneser, 1994).
The fixture `corpus` and the milestone language_generation use it.
"""

import math
from collections import Counter

DISCOUNT = 0.9  # of each count; of 0.5, 0.75 and 0.9 the best on the unseen text


def words_of(text: str) -> list[str]:
    """Words, marks, and ends of lines."""
    return text.replace("\n", " \n ").strip(" ").split(" ")


def five_words(text: str, unseen: str) -> float:
    """The perplexity for each word of `unseen` but the first, after counting in `text`."""
    words, others = words_of(text), words_of(unseen)
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

    rows = [tuple(others[max(i - 4, 0) : i + 1]) for i in range(1, len(others))]
    return math.exp(-sum(math.log(probability(row)) for row in rows) / len(rows))
