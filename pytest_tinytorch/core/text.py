"""Make untrusted text safe to display: control characters are escaped, lone surrogates replaced.

`printable` is for text of several lines; `one_line` is for text within a line, such as a name, a
path or a reason, so that it cannot begin a line of its own. Messages and reports call them.
"""

import re
import unicodedata

# Of control characters a reader needs two. The rest could move the cursor, clear the screen or turn
# the direction of what follows.
_KEPT = "\n\t"
_LINE_ENDS = ("Zl", "Zp")  # which `splitlines` and some viewers take for the end of a line
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def printable(text: str) -> str:
    """The text, with each character that is not to be shown written as its escape: `\\x1b`."""
    if text.isascii() and not _ASCII_CONTROL.search(text):
        return text
    return "".join(c if c in _KEPT or not _is_unshown(c) else _escape(c) for c in text)


def one_line(text: str, most: int = 300) -> str:
    """The text as a part of one line: also newlines and tabs are escaped; cut after `most`."""
    if text.isprintable() and len(text) <= most:
        return text
    shown = "".join(_escape(c) if c in _KEPT else c for c in printable(text[: most + 1]))
    return shown if len(shown) <= most else f"{shown[:most]} [...]"


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


def _is_unshown(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in _LINE_ENDS


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
