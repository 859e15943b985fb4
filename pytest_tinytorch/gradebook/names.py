"""Compares names of people. `store`, `roster` and `matching` call it."""

import unicodedata


def key_of(name: str) -> str:
    """A key that is equal for spellings of the same name: case, accents' encoding, spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())
