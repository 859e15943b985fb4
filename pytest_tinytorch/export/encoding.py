"""Finds the encoding that a source declares in its first two lines (PEP 263). `cells` calls it."""

import codecs
import re

_DECLARED = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_COMMENT = re.compile(r"[ \t\f]*(#|\r|$)")


def decoded(text: str) -> str:
    """Decode a text again that was read as UTF-8 with invalid bytes as lone surrogates.

    Raises LookupError for an unknown encoding, ValueError if the bytes are invalid in it.
    """
    encoding = _declared(text)
    if not encoding or codecs.lookup(encoding).name == "utf-8":
        return text
    return text.encode("utf-8", "surrogateescape").decode(encoding)


def _declared(text: str) -> str:
    for line in text.split("\n", 2)[:2]:
        if match := _DECLARED.match(line):
            return match[1]
        if not _COMMENT.match(line):
            break
    return ""
