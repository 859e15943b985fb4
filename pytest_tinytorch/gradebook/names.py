"""Compares names of people. `store`, `roster` and `identity` call it."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from pytest_tinytorch.gradebook.entries import Student

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


def nearest_names(who: str, students: Iterable[Student], most: int = 3) -> list[str]:
    """The displayed names of the most similar students.

    Compared are the whole name, with words in any order and without accents, each of its words,
    the name that submissions use, and the email address up to its `@`.
    """
    spelled: dict[str, str] = {}
    for student in students:
        email = student.email.partition("@")[0]
        for text in (student.shown, *re.split(r"[\s,]+", student.shown), student.name, email):
            if text:
                spelled.setdefault(_plain(text), student.shown)
    found = difflib.get_close_matches(_plain(who), spelled, n=most, cutoff=0.6)
    return list(dict.fromkeys(spelled[text] for text in found))


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", key_of(name))
    words = re.findall(r"[^\W\d_]+", "".join(c for c in letters if not unicodedata.combining(c)))
    return " ".join(sorted(words)) or name
