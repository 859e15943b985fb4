"""Decides which file of a submission is the source of a module. `reader` calls it.

A file counts for a module by its exact name; then by its name without what a platform, a browser or
a file manager added; then by its line `#| default_exp`. What remains uncertain is for an
instructor: `Choice.unclear` has the reason.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pytest_tinytorch.core.course import Course, Module
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.submissions.notebooks import LARGEST_NOTEBOOK, SUFFIX
from pytest_tinytorch.submissions.platforms import own_names

NOTHING_FOUND = "nothing found for module"
SOURCE_SUFFIXES = (".py", SUFFIX)
_MOST_READ = 30  # files whose content is searched
_MOST_SEEN, _LONGEST_SEEN = 5, 40  # names in a message
_DIRECTIVE = re.compile(rb"#\|\s*default_exp\s+([A-Za-z0-9_.]+)")
# Endings of files that may hold the work of a module, beside names that mention it.
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_MAY_BE_WORK = (
    *SOURCE_SUFFIXES,
    *_ARCHIVES,
    *(".txt", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".html", ".bak", ".old"),
)
_NOT_WORK = re.compile(r"(conftest|setup|test_.*|readme.*|license.*|requirements.*)\.\w+", re.I)

# path, most bytes -> bytes, or None and the reason
Read = Callable[[PurePosixPath, int], tuple[bytes | None, str]]


@dataclass(frozen=True)
class Choice:
    """What was found for one module: files with the best first, or nothing."""

    paths: tuple[PurePosixPath, ...] = ()
    why: str = ""  # why a file with another name was taken
    unclear: str = ""  # why an instructor has to look
    missing: str = ""  # said where nothing was found, and no file may be it


class Search:
    """The search for sources among the files of one submission."""

    def __init__(self, course: Course, names: Sequence[PurePosixPath], read: Read) -> None:
        self._course, self._read = course, read
        self._names = names
        self._by_target = {target: m.name for m in course.modules for target in m.exports}
        wanted = {f"{m.name}{end}": m.name for m in course.modules for end in SOURCE_SUFFIXES}
        self._exact: dict[str, list[PurePosixPath]] = {}
        self._renamed: dict[str, list[PurePosixPath]] = {}
        self._others: list[PurePosixPath] = []
        for path in names:
            if module := wanted.get(path.name):
                self._exact.setdefault(module, []).append(path)
            elif module := _undone(path.name, wanted):
                self._renamed.setdefault(module, []).append(path)
            else:
                self._others.append(path)
        self._declared: dict[str, list[PurePosixPath]] | None = None
        self._may_be: dict[PurePosixPath, list[str]] | None = None

    def lacks(self) -> bool:
        """Whether a module has no file with its exact name."""
        return any(module.name not in self._exact for module in self._course.modules)

    def choose(self, module: Module) -> Choice:
        """The files of a module."""
        if exact := self._exact.get(module.name):
            ranked = sorted(exact, key=lambda path: _rank(path, self._course.sources))
            return Choice((*ranked, *self._renamed.get(module.name, ())))
        by_name = self._renamed.get(module.name, [])
        by_content = self._by_content().get(module.name, [])
        found = sorted({*by_name, *by_content}, key=lambda path: _rank(path, self._course.sources))
        if not found:
            return self._nothing(module)
        if len({self._bytes(path) for path in found}) > 1:
            names = ", ".join(_short(str(path)) for path in found[:_MOST_SEEN])
            many = f"{len(found)} different files may be module {module.name}"
            return Choice(unclear=f"{many}: {names}")
        first = found[0]
        if first in by_content:
            return Choice(tuple(found), why=f"it has `default_exp {self._target(module)}`")
        if other := self.belongs_elsewhere(module, self._bytes(first)):
            return Choice(unclear=f"{_short(str(first))}: {other}")
        return Choice(tuple(found), why="its own name is that of the module")

    def belongs_elsewhere(self, module: Module, content: bytes) -> str:
        """Why the content is not that of the module; "" if it may be."""
        declared = {self._by_target.get(target) for target in _targets(content)} - {None}
        if not declared or module.name in declared:
            return ""
        return f"says `default_exp` of module {', '.join(map(str, sorted(declared, key=str)))}"

    def _nothing(self, module: Module) -> Choice:
        may_be = [path for path, of in self._candidates().items() if not of or module.name in of]
        text = (
            f"{NOTHING_FOUND} {module.name}; files seen: {self._seen(may_be)};"
            f" names looked for: {' or '.join(f'{module.name}{end}' for end in SOURCE_SUFFIXES)}"
        )
        is_nobodys = not self._exact and not self._renamed and not self._by_content()
        return Choice(unclear=text) if may_be or is_nobodys else Choice(missing=text)

    def _seen(self, first: Sequence[PurePosixPath]) -> str:
        shown = list(dict.fromkeys([*first, *self._names]))
        named = ", ".join(_short(str(path)) for path in shown[:_MOST_SEEN])
        more = len(shown) - _MOST_SEEN
        return (f"{named} and {more} more" if more > 0 else named) or "none"

    def _candidates(self) -> dict[PurePosixPath, list[str]]:
        """Files that count for no module, but may hold work -> the modules that their names
        mention, if any."""
        if self._may_be is None:
            taken = {path for paths in self._by_content().values() for path in paths}
            roots = [name.parent for name in self._names if name.name == "course.toml"][:1]
            self._may_be = {}
            for path in self._others:
                name = path.name.casefold()
                if path in taken or name.startswith(".") or _NOT_WORK.fullmatch(name):
                    continue
                mentioned = [m.name for m in self._course.modules if _mentions(name, m)]
                if mentioned or (name.endswith(_MAY_BE_WORK) and not self._is_courses(path, roots)):
                    self._may_be[path] = mentioned
        return self._may_be

    def _is_courses(self, path: PurePosixPath, roots: Sequence[PurePosixPath]) -> bool:
        """Whether a file lies in a folder of the course that holds no sources."""
        return any(
            path.is_relative_to(root) and path.parent not in (root, root / self._course.sources)
            for root in roots
        )

    def _by_content(self) -> dict[str, list[PurePosixPath]]:
        """Module -> the files with other names whose `default_exp` names it."""
        if self._declared is None:
            self._declared = {}
            plain = [path for path in self._others if path.suffix.lower() in SOURCE_SUFFIXES]
            for path in plain[:_MOST_READ]:
                modules = {self._by_target.get(target) for target in _targets(self._bytes(path))}
                if len(modules) == 1 and (module := modules.pop()):
                    self._declared.setdefault(module, []).append(path)
        return self._declared

    def _bytes(self, path: PurePosixPath) -> bytes:
        content, _ = self._read(path, LARGEST_NOTEBOOK)
        return content or b""

    def _target(self, module: Module) -> str:
        return next(iter(module.exports))


def _rank(path: PurePosixPath, sources: str) -> tuple[bool, int, bool, str]:
    in_place = path.parts[-2:-1] == PurePosixPath(sources).parts[-1:]
    return not in_place, len(path.parts), path.suffix == SUFFIX, str(path)


def _undone(name: str, wanted: dict[str, str]) -> str:
    """The module that a file name belongs to without what was added to it; "" if none."""
    folded = {wish.casefold(): module for wish, module in wanted.items()}
    return next((folded[own] for own in map(str.casefold, own_names(name)) if own in folded), "")


def _targets(content: bytes) -> set[str]:
    return {match.decode("ascii") for match in _DIRECTIVE.findall(content)}


def _mentions(name: str, module: Module) -> bool:
    """Whether a file name has the module's word: `tensor` for 02_tensor."""
    return module.name.partition("_")[2].casefold() in name


def _short(name: str) -> str:
    return one_line(name if len(name) <= _LONGEST_SEEN else f"...{name[-_LONGEST_SEEN:]}")
