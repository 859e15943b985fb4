"""Finds submissions whose code looks alike, for a person to look at.

`tito gradebook similar` calls it.

copydetect matches the code: it replaces names by their kind, and compares sequences of tokens
(winnowing: Schleimer, Wilkerson & Aiken, SIGMOD 2003). Code that the course's own sources have, and
code that more than half of the class has, is left out before.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from pytest_tinytorch.core.course import Course, Module
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.text import printable
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.reader import read_submission

if TYPE_CHECKING:
    from copydetect import CodeFingerprint

_TOKENS = 25  # of a sequence that is compared; copydetect's default
_FEWEST_TOKENS = 60  # in common, for a pair to be listed
_SMALLEST_CLASS = 6  # in a smaller one, code of more than half of the students may be one pair's
_LARGEST = 2**18  # characters of a source that is compared
_CONTEXT = 2  # lines around a passage

Line = tuple[int, str, bool]  # its number, its text, and whether it is in the other one, too


@dataclass(frozen=True)
class Side:
    """One of the two submissions of a pair."""

    student: str
    share: float  # of its code that the course does not have: how much the other one has, too
    passages: tuple[tuple[Line, ...], ...]  # the lines in common, with lines around them


@dataclass(frozen=True)
class Pair:
    """Two submissions of a module."""

    module: str
    tokens: int  # in common
    left: Side
    right: Side

    @property
    def share(self) -> float:
        return max(self.left.share, self.right.share)


@dataclass(frozen=True)
class Found:
    pairs: tuple[Pair, ...]  # the most similar first
    left_out: tuple[str, ...]  # what was not compared, and why


def similar_pairs(
    course: Course, submissions: Sequence[Submitted], modules: Sequence[Module], least: float
) -> Found:
    """Compare the sources of each module of all submissions. Raises CourseError.

    least: the share from which a pair is listed, from 0 to 1
    """
    fingerprint = _library()
    taken = {submitted.student: read_submission(course, submitted) for submitted in submissions}
    left_out = [f"{name}: {one.unreadable}" for name, one in taken.items() if one.unreadable]
    pairs: list[Pair] = []
    for module in modules:
        name = course.source_name(module)
        texts = {who: one.sources[name] for who, one in taken.items() if name in one.sources}
        left_out += [f"{who}: {name} is too large" for who in texts if len(texts[who]) > _LARGEST]
        prints = {who: fingerprint(_text(t)) for who, t in texts.items() if len(t) <= _LARGEST}
        reference = course.source_file(module)
        if reference.is_file():
            _leave_out(prints.values(), fingerprint(_text(reference.read_bytes())).hashes)
        _leave_out(prints.values(), _common(prints.values()))
        pairs += _pairs(module.name, prints, least)
    return Found(tuple(sorted(pairs, key=lambda p: (-p.share, -p.tokens))), tuple(left_out))


def _library() -> "Callable[[str], CodeFingerprint]":
    """What makes the fingerprint of a text. copydetect is an extra, imported when it is needed."""
    try:
        from copydetect import CodeFingerprint
    except ImportError:
        raise CourseError(
            "similar submissions are found with copydetect, which is not installed:"
            " pip install 'pytest-tinytorch[similar]'"
        ) from None
    return lambda text: CodeFingerprint(
        "source.py", k=_TOKENS, win_size=1, language="python", fp=io.StringIO(text)
    )


def _text(content: bytes) -> str:
    """The text as the tokenizer keeps it, so that places in it stay right."""
    return content.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n") + "\n"


def _common(prints: "Iterable[CodeFingerprint]") -> set[int]:
    """Sequences of more than half of the students: the ordinary way to write it."""
    prints = list(prints)
    if len(prints) < _SMALLEST_CLASS:
        return set()
    counts = Counter(number for one in prints for number in one.hashes)
    return {number for number, count in counts.items() if 2 * count > len(prints)}


def _leave_out(prints: "Iterable[CodeFingerprint]", hashes: Iterable[int]) -> None:
    from copydetect.utils import get_token_coverage

    known = set(hashes)
    for one in prints:
        one.hashes = one.hashes - known
        one.hash_idx = {number: at for number, at in one.hash_idx.items() if number not in known}
        one.token_coverage = get_token_coverage(one.hash_idx, one.k, len(one.filtered_code))


def _pairs(module: str, prints: "Mapping[str, CodeFingerprint]", least: float) -> Iterator[Pair]:
    from copydetect import compare_files

    for (one, first), (other, second) in combinations(sorted(prints.items()), 2):
        tokens, shares, slices = compare_files(first, second)
        if tokens >= _FEWEST_TOKENS and max(shares) >= least:
            left, right = (
                Side(
                    who, min(float(share), 1.0), _passages(made.raw_code, zip(*places, strict=True))
                )
                for who, made, share, places in zip(
                    (one, other), (first, second), shares, slices, strict=True
                )
            )
            yield Pair(module, int(tokens), left, right)


def _passages(code: str, places: Iterable[tuple[int, int]]) -> tuple[tuple[Line, ...], ...]:
    """The lines of these places, with the lines around them, in parts without gaps."""
    common = set()
    for start, end in places:
        first = code.count("\n", 0, int(start))
        common |= set(range(first, first + code.count("\n", int(start), int(end)) + 1))
    lines = code.splitlines()
    shown = sorted({n + d for n in common for d in range(-_CONTEXT, _CONTEXT + 1)})
    parts: list[list[Line]] = []
    for number in shown:
        if 0 <= number < len(lines):
            if not parts or parts[-1][-1][0] != number:
                parts.append([])
            parts[-1].append((number + 1, printable(lines[number][:300]), number in common))
    return tuple(tuple(part) for part in parts)
