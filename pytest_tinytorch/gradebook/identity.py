"""Finds out whose a result file is: by a mapping, the file itself, or its path. `ingest` calls it.

A path gives the name of the file, or of the nearest folder that is not a common one such as
`results`: `artifacts/tinytorch-ana/junit.xml`. With a roster, the nearest part of the path that is
somebody's name or ends with it (`tinytorch-ana`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pytest_tinytorch.gradebook.names import key_of, lookup_keys

_COMMON = re.compile(
    r"grade|grades|results?|reports?|test[-_ ]?(results?|reports?)|junit|pytest|output|artifacts?"
    r"|build|target|surefire-reports|xml|test-.*|logs?|\d+|\.+|/",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mapped:
    """What a mapping file says of a path."""

    student: str
    submitted: str = ""


@dataclass(frozen=True)
class Identities:
    """names: the keys of all names of students, if there is a roster
    mapping: path -> student and time
    times: the key of a student -> the time of the submission
    """

    names: frozenset[str] = frozenset()
    mapping: Mapping[str, Mapped] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)

    def of(self, who: str, source: str) -> list[tuple[str, str]]:
        """(student, time of submission or "") for a file; several of a group's file."""
        path = source.replace("!", "/").replace("\\", "/")
        mapped = self._mapped(path)
        if mapped is not None:
            return [(mapped.student, mapped.submitted)]
        found = self._members(who) if who else [self._from_path(path)]
        return [
            (name, self.times.get(key_of(name), self.times.get(key_of(who), ""))) for name in found
        ]

    def _is_known(self, name: str) -> bool:
        return any(key in self.names for key in lookup_keys(name))

    def _mapped(self, path: str) -> Mapped | None:
        """The entry of a path, or of a folder that it is in: the longest one."""
        parts = PurePosixPath(path).parts
        for start in range(len(parts)):
            for end in range(len(parts), start, -1):
                found = self.mapping.get("/".join(parts[start:end]))
                if found is not None:
                    return found
        return None

    def _members(self, who: str) -> list[str]:
        """A group hands in together: `a@example.edu,b@example.edu`."""
        members = [part.strip() for part in who.split(",")]
        if len(members) < 2 or self._is_known(who):
            return [who]
        is_group = all("@" in m or self._is_known(m) for m in members)
        return members if is_group else [who]

    def _from_path(self, path: str) -> str:
        parts = [_without_suffix(part) for part in reversed(PurePosixPath(path).parts)]
        candidates = [part for part in parts if not _COMMON.fullmatch(part)]
        for candidate in candidates:
            for ending in _endings(candidate):
                if self._is_known(ending):
                    return ending
        return candidates[0] if candidates else ""


def _endings(name: str) -> list[str]:
    """`hw1-ana-maria` -> itself, `ana-maria`, `maria`."""
    words = re.split(r"[-_ ]", name)
    return [name[len(name) - len("-".join(words[i:])) :] for i in range(len(words))]


def _without_suffix(part: str) -> str:
    return re.sub(r"(\.xml|\.gz|\.zip)+$", "", part, flags=re.IGNORECASE)
