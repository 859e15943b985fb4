"""Seeded mutations of real examples: bytes, lines, numbers and words, as they go wrong in files."""

import random
from collections.abc import Callable, Sequence

ODD = (
    b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\x1b[2J", b"\r", b"\n", b"..",
    b"/", b"//", b"\\", b"::", b"[", b"{", b'"', b"'", b"(", b"-", b"~", b"=", b"null", b"true",
    b"NaN", b"1e999", b"-1", b"9" * 30, b"[]", b"{}", b'""', b"# %%", b'"""', b"#| export", b"con",
    b"\\ud800", b"__init__", b"9999999999", b"\xef\xbb\xbf", b"!!python/object:x.y {}", b"&a [*a]",
    b"<!ENTITY x 'y'>",
)  # fmt: skip
LARGEST = 2**16


def mutated(chance: random.Random, examples: Sequence[bytes]) -> bytes:
    """An example with one to eight changes; now and then no example at all."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(300))
    data = chance.choice(examples)
    for _ in range(chance.randint(1, 8)):
        data = chance.choice(_CHANGES)(chance, data)[:LARGEST]
    return data


def _spot(chance: random.Random, data: bytes) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((0, 1, 2, 8, 60, 1000)))


def _flip(chance: random.Random, data: bytes) -> bytes:
    start, _ = _spot(chance, data)
    return data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]


def _cut(chance: random.Random, data: bytes) -> bytes:
    start, end = _spot(chance, data)
    return data[:start] + data[end:]


def _insert(chance: random.Random, data: bytes) -> bytes:
    start, end = _spot(chance, data)
    return data[:start] + chance.choice(ODD) * chance.choice((1, 1, 1, 2, 50)) + data[end:]


def _repeat(chance: random.Random, data: bytes) -> bytes:
    start, end = _spot(chance, data)
    return data[:start] + data[start:end] * chance.choice((2, 3, 100)) + data[end:]


def _move(chance: random.Random, data: bytes) -> bytes:
    start, end = _spot(chance, data)
    other, _ = _spot(chance, data)
    return data[:other] + data[start:end] + data[other:]


def _swap_lines(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _replace_word(chance: random.Random, data: bytes) -> bytes:
    words = data.split(b'"')
    if len(words) < 3:
        return data
    words[chance.randrange(1, len(words), 2)] = chance.choice(ODD)
    return b'"'.join(words)


def _end(chance: random.Random, data: bytes) -> bytes:
    return data[: _spot(chance, data)[0]]


_CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip, _cut, _insert, _insert, _repeat, _move, _swap_lines, _replace_word, _replace_word, _end,
)  # fmt: skip
