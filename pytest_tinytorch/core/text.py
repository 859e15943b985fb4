"""Makes untrusted text safe to display: escapes control characters, replaces lone surrogates.

`printable` is for text of several lines; `one_line` is for text within a line, such as a name, a
path or a reason, so that it cannot begin a line of its own. Messages and reports call them.
"""

import re
import unicodedata

# Readers need two control characters, newline and tab. The others could move the cursor, clear the
# screen or reverse the direction of text.
_KEPT = "\n\t"
_LINE_ENDS = ("Zl", "Zp")  # `splitlines` and some viewers end a line at them
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def printable(text: str) -> str:
    """The text, with unsafe characters written as their escapes: `\\x1b`."""
    if text.isascii() and not _ASCII_CONTROL.search(text):
        return text
    return "".join(c if c in _KEPT or not _is_unshown(c) else _escape(c) for c in text)


def one_line(text: str, most: int = 300) -> str:
    """The text as part of one line: newlines and tabs are escaped, too. It is cut after `most`."""
    if text.isprintable() and len(text) <= most:
        return text
    shown = "".join(_escape(c) if c in _KEPT else c for c in printable(text[: most + 1]))
    return shown if len(shown) <= most else f"{shown[:most]} [...]"


def whole(text: str) -> str:
    """The text with lone surrogates replaced, because they cannot be encoded as UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shortened(text: str, most: int) -> str:
    """The printable text, cut after `most` characters with a mark at the cut."""
    start = printable(text[: most + 1])  # the rest of a long text is not processed
    return start if len(start) <= most else f"{start[:most]} [...]"


def steady(text: str) -> str:
    """The text without memory addresses, which differ between runs: `<Box at 0x...>`."""
    return _ADDRESS.sub("0x...", text)


def _is_unshown(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in _LINE_ENDS


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
