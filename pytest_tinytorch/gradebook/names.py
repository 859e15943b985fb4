"""Compares names of people. `store`, `roster` and `identity` call it."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

_NUMBERED = re.compile(r"(.+)(_\d+)")


def key_of(name: str) -> str:
    """A key that is equal for spellings of the same name: case, accents' encoding, spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


def lookup_keys(who: str) -> list[str]:
    """The keys under which a submission's name may be known, the surest first.

    Canvas and Moodle write numbers behind names: `lovelaceada_123`, `Ada Lovelace_12`.
    """
    numbered = _NUMBERED.fullmatch(who)
    return [key_of(who), *(map(key_of, (numbered[2], numbered[1])) if numbered else ())]


def nearest_names(who: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The most similar names, with words in any order and without accents."""
    choices = {_plain(name): name for name in names}
    found = difflib.get_close_matches(_plain(who), choices, n=most, cutoff=0.6)
    return [choices[name] for name in found]


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", key_of(name))
    words = re.findall(r"[^\W\d_]+", "".join(c for c in letters if not unicodedata.combining(c)))
    return " ".join(sorted(words)) or name
