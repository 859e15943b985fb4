"""Words of somebody else's, made fit to be shown: no control characters, no half characters."""

import re
import unicodedata

# Of control characters a reader needs two. The rest could move the cursor, clear the screen or turn
# the direction of what follows.
_KEPT = "\n\t"
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def printable(text: str) -> str:
    """The text, with each character that is not to be shown written as its escape: `\\x1b`."""
    if text.isascii() and not _ASCII_CONTROL.search(text):
        return text
    return "".join(
        c if c in _KEPT or unicodedata.category(c)[0] != "C" else _escape(c) for c in text
    )


def whole(text: str) -> str:
    """The text, with a mark for each half of a character: such can be written and sent nowhere."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shortened(text: str, most: int) -> str:
    """The text, printable, and cut after `most` characters with a mark that says so."""
    start = printable(text[: most + 1])  # however long it is, no more than this is looked at
    return start if len(start) <= most else f"{start[:most]} [...]"


def steady(text: str) -> str:
    """The text without addresses of memory, which differ from run to run: `<Box at 0x...>`."""
    return _ADDRESS.sub("0x...", text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
