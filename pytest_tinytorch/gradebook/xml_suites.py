"""Reads the test suites of JUnit XML as a stream, without trusting the file.

`reading` calls it. pytest (xunit1 and xunit2), Ant, Surefire, Jenkins and junitparser write such
files: `<testsuites>` or a bare `<testsuite>`, suites within suites, several `<testcase>` for one
test (reruns, subtests, a failing teardown).

The parser is expat, of Python's standard library, with these limits. A document type declaration
is refused, so no entity can be declared, and nothing outside of the file can be named. Each single
tag, and the whole file, has a largest size. Memory does not grow with the text between tags.
"""

import hashlib
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

LARGEST_FILE = 2**28  # bytes, uncompressed
LARGEST_TAG = 2**24  # bytes of one tag with its attributes; a record of 1,000 tests has 2**20
_DEEPEST = 50
_MOST_CASES = 200_000
_CHUNK = 2**20
_ROOTS = ("testsuites", "testsuite")
_OUTCOMES = {
    "failure": "failed",
    "error": "error",
    "skipped": "skipped",
}  # Surefire's `flakyFailure` and `rerunFailure` are earlier tries of a test, and do not decide
_ALSO_IN_RECORDED = frozenset({"testsuite", "property"})
_ONCE = ("record", "record_sig")  # readers would differ in which one they use


class XmlRefused(Exception):
    """Why a file is not read, in one line."""


@dataclass(slots=True)
class Case:
    """One `<testcase>`."""

    classname: str
    name: str
    outcome: str = "passed"
    message: str = ""


@dataclass
class Suite:
    """One `<testsuite>`: its properties, those of the suites around it, and its own test cases."""

    properties: dict[str, str]
    timestamp: str = ""
    own: set[str] = field(default_factory=set)  # the names of its own properties
    cases: list[Case] = field(default_factory=list)

    @property
    def own_signature(self) -> str | None:
        """The signature of its record. One of a suite around it signs another record."""
        return self.properties["record_sig"] if "record_sig" in self.own else None


@dataclass(frozen=True)
class Document:
    digest: str  # SHA-256 of the file's bytes, in hex
    suites: tuple[Suite, ...]


def read_suites(file: IO[bytes]) -> Document:
    """The suites of a file. Raises XmlRefused, and OSError where the file cannot be read."""
    reader = _Reader()
    digest = hashlib.sha256()
    size = 0
    chunk = file.read(_CHUNK)
    while chunk:
        size += len(chunk)
        if size > LARGEST_FILE:
            raise XmlRefused(f"has more than {LARGEST_FILE >> 20} MiB")
        digest.update(chunk)
        following = file.read(_CHUNK)  # expat is faster if it knows that nothing follows
        reader.feed(chunk, size, is_last=not following)
        chunk = following
    if not size:
        raise XmlRefused("is empty")
    return Document(digest.hexdigest(), tuple(reader.suites))


class _Reader:
    """Collects suites while expat calls it for each tag."""

    def __init__(self) -> None:
        self.suites: list[Suite] = []
        self._around: list[Suite] = []  # the suites that are open
        self._case: Case | None = None
        self._depth = self._cases = 0
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes, size: int, is_last: bool) -> None:
        """Parse the next bytes; `size` counts all bytes up to their end."""
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            raise XmlRefused(f"is not XML: {error}") from None
        except (LookupError, ValueError) as error:  # an encoding that Python does not know
            raise XmlRefused(f"is in an encoding that cannot be read: {error}") from None
        if size - self._parser.CurrentByteIndex > LARGEST_TAG:
            raise XmlRefused(f"has a tag of more than {LARGEST_TAG >> 20} MiB")

    def _doctype(self, name: str, *_: object) -> None:
        raise XmlRefused(
            "declares a document type (<!DOCTYPE>), which may define entities; JUnit XML has none"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and tag not in _ROOTS:
            raise XmlRefused(f"begins with <{tag[:40]}>, and JUnit XML with <testsuites>")
        if self._depth > _DEEPEST:
            raise XmlRefused(f"has tags within tags, more than {_DEEPEST} deep")
        if tag == "testcase":
            self._start_case(attributes)
        elif tag == "testsuite":
            around = self._around[-1].properties if self._around else {}
            self._around.append(Suite(dict(around), attributes.get("timestamp", "")))
            self.suites.append(self._around[-1])
        elif tag == "property":
            self._add_property(attributes)
        elif self._case is not None and (outcome := _OUTCOMES.get(tag)):
            self._add_outcome(self._case, outcome, attributes)

    def _start_in_recorded(self, tag: str, attributes: dict[str, str]) -> None:
        """`_start` where a record counts: a fast path over test cases, which are not needed."""
        if tag in _ALSO_IN_RECORDED or self._depth >= _DEEPEST:
            self._start(tag, attributes)
        else:
            self._depth += 1

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "testcase":
            self._case = None
        elif tag == "testsuite":
            self._around.pop()
            self._parser.StartElementHandler = self._start

    def _start_case(self, attributes: dict[str, str]) -> None:
        if not self._around:
            raise XmlRefused("has a <testcase> outside of a <testsuite>")
        self._cases += 1
        if self._cases > _MOST_CASES:
            raise XmlRefused(f"has more than {_MOST_CASES} test cases")
        get = attributes.get
        self._case = Case(get("classname", ""), get("name", ""))
        self._around[-1].cases.append(self._case)

    def _add_outcome(self, case: Case, outcome: str, attributes: dict[str, str]) -> None:
        if case.outcome in ("passed", "skipped"):  # the first failure of several counts
            case.outcome = outcome
            case.message = attributes.get("message", "")

    def _add_property(self, attributes: dict[str, str]) -> None:
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if self._case is None and self._around:
            suite = self._around[-1]
            if name in _ONCE and name in suite.own:
                raise XmlRefused(f"has the property {name!r} twice in one suite")
            suite.own.add(name)
            suite.properties[name] = value
            if name == "record":
                self._parser.StartElementHandler = self._start_in_recorded
