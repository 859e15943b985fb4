"""Words of somebody else's, made fit to be shown: no control characters, no half characters."""

import re
import unicodedata

# Of control characters a reader needs two. The rest could move the cursor, clear the screen or turn
# the direction of what follows.
_KEPT = "\n\t"
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def printable(text: str) -> str:
    """The text, with each character that is not to be shown written as its escape: `\\x1b`."""
    if text.isascii() and not _ASCII_CONTROL.search(text):
        return text
    return "".join(
        c if c in _KEPT or unicodedata.category(c)[0] != "C" else _escape(c) for c in text
    )


def capped(text: str, longest: int) -> str:
    """The text made printable, and cut where it is longer than `longest` characters."""
    text = printable(text)
    return text if len(text) <= longest else f"{text[:longest]} [...]"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
