"""Who looks at whom: attention between the letters of a word, as a map.

    python demos/attention/program.py [--word WORD] [--png FILE]

The product of a letter's query and another's key, divided by the root of their length, is a
score; softmax makes shares of the scores. A row of the map is one letter: how much it looks at
each. On the left, letters are described by their content, so they look at equal ones; on the
right by their position, so they look at their neighbours.

Every number is computed by the tinytorch that you wrote: modules 02, 03, 04 and 07.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # the tinytorch of this course, wherever the program is started
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import numpy as np

import tinytorch as tt

WORD, LONGEST, WIDTH, SHARP = "abracadabra", 16, 32, 3.0


def main(_, word):
    """What the test asks for: both maps, (T, T)."""
    return {"content": by_content(word).numpy(), "position": by_position(len(word)).numpy()}


def by_content(word):
    """The weights of attention between letters that are described by what they are.

    The values are the rows of the identity matrix, so what comes out are the weights themselves.
    """
    letters = sorted(set(word))
    one_hot = np.array([[letter == other for other in letters] for letter in word], np.float32)
    x = tt.Tensor(one_hot * SHARP * len(letters) ** 0.25)  # equal letters score SHARP squared
    return tt.scaled_dot_product_attention(x, x, tt.Tensor(np.eye(len(word), dtype=np.float32)))


def by_position(length):
    """The same, step by step, for letters that are described by where they stand."""
    encode = tt.PositionalEncoding(WIDTH, LONGEST)
    x = encode(tt.zeros(1, length, WIDTH))[0]  # (T, WIDTH): sines and cosines of the position
    scores = x @ x.T / WIDTH**0.5
    return tt.softmax(scores * SHARP)


def labelled(weights, word):
    """The map as lines: a letter for each row, and for each column; a mark is a share of 10 %."""
    import pictures

    rows = pictures.shaded(weights / weights.max(), 2)
    return [
        "  " + " ".join(word),
        *(f"{letter} {row}" for letter, row in zip(word, rows, strict=True)),
    ]


def run(word, png):
    import pictures

    maps = {"by content": by_content(word).numpy(), "by position": by_position(len(word)).numpy()}
    print("A row is a letter; the denser a mark, the more it looks at the letter above.\n")
    pictures.show(*(labelled(weights, word) for weights in maps.values()), captions=list(maps))
    row, first = maps["by content"][0], word[0]
    same = sum(share for share, letter in zip(row, word, strict=True) if letter == first)
    print(f"\nThe first {first!r} gives {same:.1%} of its attention to letters that are {first!r}.")
    print("Another word: --word banana. The test: pytest --demo attention")
    pictures.save(png, *maps.items())


def a_word(text):
    if not (text.isprintable() and 2 <= len(text) <= LONGEST):
        raise argparse.ArgumentTypeError(f"{text!r}: give a word of 2 to {LONGEST} letters")
    return text


if __name__ == "__main__":
    from pictures import options

    given = options(__doc__, "--word", type=a_word, default=WORD, help=f"instead of {WORD}")
    run(given.word, given.png)
