"""The grammar of `corpus.txt`: it makes its sentences, and tells whether a sentence is one of it.

    from corpus_grammar import accepts, make_sentences
    make_sentences(2, seed=0)
    accepts("the old dog near the river sings because it is happy .")    # True
    accepts("the old dog near the river sings because she is happy .")   # False

`make_corpus.py` writes the corpus. Tests and the milestone ask `accepts` about what a model wrote.
Words are separated by one space. What makes a sentence right may stand far apart: a verb agrees
with its subject across a relative clause, a pronoun with the subject across the whole sentence.
"""

import random
from functools import cache

# A line is SYMBOL = alternatives, separated by /. What begins in capitals is a symbol, all else is
# a word of a sentence. A line with @ or # stands for four lines: @ is a pronoun, # the number that
# its verbs have. No symbol leads back to itself, so every sentence ends.
LINES = """
SENTENCE = SIMPLE . / SIMPLE . / BECAUSE . / BECAUSE . / TIME SIMPLE .
TIME = in the morning / at night / every day / in the winter
SIMPLE = CLAUSE-she / CLAUSE-he / CLAUSE-it / CLAUSE-they
CLAUSE-@ = WHO-@ DOES-#
BECAUSE = REASON-she / REASON-he / REASON-it / REASON-they
REASON-@ = WHO-@ DOES-# because @ FEELS-#
WHO-@ = NAME-@ / the NOUN-@ / the KIND NOUN-@ / the NOUN-@ MORE-# / the KIND NOUN-@ MORE-#
MORE-# = near the PLACE / that ACTS-# / that MEETS-# WHOM / with the THING
DOES-# = ACTS-# / ACTS-# near the PLACE / ACTS-# in the PLACE / MEETS-# WHOM / HAS-# OBJECT
WHOM = NAME-she / NAME-he / the NOUN-it / the NOUN-they / the KIND NOUN-it / the KIND NOUN-they
OBJECT = a SOUNDED / an VOWELED / the THING / the KIND THING
SOUNDED = SHORT / young THING / small THING / big THING / red THING
VOWELED = apple / egg / old THING / ugly THING
KIND = old / ugly / young / small / big / red
SHORT = ball / book / pear / hat / basket
THING = ball / book / pear / hat / basket / apple / egg
PLACE = river / garden / forest / house / hill / school / market / old house / big tree
FEELS-one = is MOOD / was MOOD / likes the PLACE
FEELS-many = are MOOD / were MOOD / like the PLACE
MOOD = happy / tired / hungry / cold / brave / late
NAME-she = anna / mia / the queen
NAME-he = tom / ben / the king
NAME-it = the fox / the wind
NAME-they = anna and tom / the twins
NOUN-she = girl / woman / nurse
NOUN-he = boy / man / farmer
NOUN-it = dog / cat / bird / horse / mouse
NOUN-they = dogs / cats / birds / horses / mice / children / girls
ACTS-one = sings / sleeps / runs / waits / plays
ACTS-many = sing / sleep / run / wait / play
MEETS-one = sees / follows / helps / finds / hears
MEETS-many = see / follow / help / find / hear
HAS-one = has / takes / wants / brings
HAS-many = have / take / want / bring
"""
NUMBERS = {"she": "one", "he": "one", "it": "one", "they": "many"}


def rules(lines: str = LINES) -> dict[str, list[tuple[str, ...]]]:
    """Symbol -> its alternatives, each a sequence of symbols and words."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for line in lines.strip().splitlines():
        for pronoun, number in NUMBERS.items() if "@" in line or "#" in line else [("", "")]:
            symbol, _, rest = line.replace("@", pronoun).replace("#", number).partition(" = ")
            found[symbol] = [tuple(part.split()) for part in rest.split(" / ")]
    return found


RULES = rules()


def make_sentences(count: int, seed: int = 0) -> list[str]:
    """`count` random sentences, the same for the same seed; each alternative is equally likely."""
    generator = random.Random(seed)
    return [" ".join(_expand("SENTENCE", generator)) for _ in range(count)]


def _expand(symbol: str, generator: random.Random) -> list[str]:
    if symbol not in RULES:
        return [symbol]
    parts = generator.choice(RULES[symbol])
    return [word for part in parts for word in _expand(part, generator)]


def accepts(sentence: str) -> bool:
    """Whether the grammar makes this sentence, whatever its probability."""
    words = sentence.split(" ")

    @cache
    def ends(symbol: str, start: int) -> frozenset[int]:
        """Where a symbol may end that begins at word `start`: at several places, or at none."""
        if symbol not in RULES:
            return frozenset({start + 1} if words[start : start + 1] == [symbol] else ())
        return frozenset().union(*(follow(parts, start) for parts in RULES[symbol]))

    def follow(parts: tuple[str, ...], start: int) -> frozenset[int]:
        """Where a sequence of symbols may end that begins at word `start`."""
        places = frozenset({start})
        for part in parts:
            places = frozenset().union(*(ends(part, place) for place in places))
        return places

    return len(words) in ends("SENTENCE", 0)
