"""Reads the module sources of one submission, by file name; it never reads other files.

`grading.prepare` and Gradescope's autograder call it. Students submit the whole course, the sources
alone, or notebooks, with a folder or two around them. Of several files of one name, the one in
the folder that the course names counts, then the one in the highest folder. `identify` recognizes
sources with other names; zips in a submission are read if a module is found nowhere else.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Protocol

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.identify import Read, Search
from pytest_tinytorch.submissions.inner_zips import is_zip, with_inner_zips
from pytest_tinytorch.submissions.intake import LARGEST_SOURCE, checked_out, plain_content
from pytest_tinytorch.submissions.notebooks import (
    LARGEST_NOTEBOOK,
    SUFFIX,
    NotebookReader,
    NotebookRefused,
)
from pytest_tinytorch.submissions.student_zip import StudentZip, ZipRefused

_DEEPEST = 6
_MOST_ENTRIES = 20_000
_MOST_LEFT_OUT = 20  # reported omissions of one notebook, or files of one name
_NOT_OF_INTEREST = (".", "__", "node_modules", "venv", "site-packages")


@dataclass(frozen=True)
class Taken:
    """The graded part of a submission. `sources`: name in the course -> the bytes of a source."""

    sources: Mapping[str, bytes]
    refused: tuple[str, ...] = ()  # each with the reason
    notes: tuple[str, ...] = ()
    commit: str = ""
    unreadable: str = ""  # why the submission cannot be read at all, or ""
    # module -> why an instructor has to look for its source
    unclear: Mapping[str, str] = field(default_factory=dict)
    # module -> that nothing was handed in for it
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The hash of all graded sources. `--grade` computes the same hash for the same sources."""
        found = sha256()
        for name, content in self.sources.items():
            found.update(f"{name}\0{len(content)}\0".encode() + content)
        return found.hexdigest()


class Converter(Protocol):
    """Makes a source of a notebook."""

    def source_of(self, content: bytes) -> tuple[bytes, list[str]]:
        """The source, and a line for each omission. Raises NotebookRefused."""


def read_submission(
    course: Course, submitted: Submitted, notebooks: Converter | None = None
) -> Taken:
    """Read a submission. Never raises because of its content: the result has the reasons.

    notebooks: by default one that keeps the exported code alone
    """
    notebooks = notebooks or NotebookReader()
    if submitted.problem:
        return Taken({}, commit=submitted.commit, unreadable=submitted.problem)
    if not submitted.handed_in:
        return Taken({})
    if submitted.path.is_dir():
        taken = _from_folder(course, submitted.path, notebooks)
        return replace(taken, commit=taken.commit or submitted.commit)
    try:
        opened = StudentZip(submitted.path)
    except ZipRefused as error:
        return Taken({}, unreadable=one_line(f"{submitted.path.name} {error}"))
    try:
        return replace(_from_zip(course, opened, notebooks), commit=submitted.commit)
    finally:
        opened.close()


def _from_folder(course: Course, root: Path, notebooks: Converter) -> Taken:
    names, refused = _walk(root, PurePosixPath(course.sources).name)

    def read(path: PurePosixPath, largest: int) -> tuple[bytes | None, str]:
        return plain_content(root, str(path), largest)

    taken = _take(course, names, read, notebooks)
    top = names[0].parts[:1] if names and len({name.parts[0] for name in names}) == 1 else ()
    commit = checked_out(root) or checked_out(root.joinpath(*top))
    return replace(taken, refused=(*refused, *taken.refused), commit=commit)


def _from_zip(course: Course, opened: StudentZip, notebooks: Converter) -> Taken:
    def read(path: PurePosixPath, largest: int) -> tuple[bytes | None, str]:
        try:
            return opened.read(path, largest), ""
        except ZipRefused as error:
            return None, str(error)

    names = [path for path in opened.entries if not _is_outside(path.parts[:-1])]
    taken = _take(course, names, read, notebooks)
    refused = tuple(map(one_line, opened.refused[:20]))
    return replace(taken, refused=(*refused, *taken.refused))


def _walk(root: Path, first: str) -> tuple[list[PurePosixPath], list[str]]:
    """The plain files below a folder, as relative paths. Links are not followed.

    The folder named `first` is visited before its siblings, so that a large data set beside it
    cannot use up the limit of files.
    """
    found: list[PurePosixPath] = []
    pending = [PurePosixPath()]
    seen = 0
    while pending:
        here = pending.pop(0)
        try:
            with os.scandir(root / here) as entries:
                some = islice(entries, _MOST_ENTRIES + 1)
                inside = sorted(some, key=lambda entry: (entry.name != first, entry.name))
        except OSError as error:
            return found, [one_line(f"{here}: cannot be read: {error.strerror}")]
        for entry in inside:
            seen += 1
            if seen > _MOST_ENTRIES:
                return found, [f"more than {_MOST_ENTRIES} files and folders: the rest is left out"]
            path = here / entry.name
            if entry.is_dir(follow_symlinks=False):
                if len(path.parts) < _DEEPEST and not _is_outside(path.parts[-1:]):
                    pending.append(path)
            else:
                found.append(path)
    return found, []


def _is_outside(folders: Iterable[str]) -> bool:
    return any(folder.startswith(_NOT_OF_INTEREST) for folder in folders)


def _take(
    course: Course, names: Iterable[PurePosixPath], read: Read, notebooks: Converter
) -> Taken:
    names = [path for path in names if len(path.parts) <= _DEEPEST]
    search = Search(course, names, read)
    refused: list[str] = []
    if search.lacks() and any(is_zip(path) for path in names):
        inner, read, refused = with_inner_zips(names, read)
        names = [path for path in inner if not _is_outside(path.parts[:-1])]
        search = Search(course, names, read)
    sources: dict[str, bytes] = {}
    notes: list[str] = []
    unclear: dict[str, str] = {}
    missing: dict[str, str] = {}
    for module in course.modules:
        choice = search.choose(module)
        if choice.unclear:
            unclear[module.name] = choice.unclear
        if choice.missing:
            missing[module.name] = choice.missing
        if not choice.paths:
            continue
        first, *others = choice.paths
        content, reason, left_out = _content(first, read, notebooks)
        if content is not None:
            reason = search.belongs_elsewhere(module, content)
        if content is None or reason:
            unclear[module.name] = one_line(f"{first}: {reason}")
            refused.append(unclear[module.name])
            continue
        sources[course.source_name(module)] = content
        if first.suffix == SUFFIX or choice.why or _is_in_zip(first):
            why = f": {choice.why}" if choice.why else ""
            notes.append(one_line(f"{first} was read as {course.source_name(module)}{why}"))
        notes += [one_line(f"{first}: {line}") for line in left_out[:_MOST_LEFT_OUT]]
        notes += _left_out(first, others)
    return Taken(sources, tuple(refused), tuple(notes), unclear=unclear, missing=missing)


def _is_in_zip(path: PurePosixPath) -> bool:
    return any(map(is_zip, path.parents))


def _left_out(first: PurePosixPath, others: list[PurePosixPath]) -> list[str]:
    named = others[:_MOST_LEFT_OUT]
    lines = [one_line(f"{other} was ignored: {first} is graded instead") for other in named]
    more = len(others) - len(named)
    return [*lines, f"{more} more of this name were left out"] if more else lines


def _content(
    path: PurePosixPath, read: Read, notebooks: Converter
) -> tuple[bytes | None, str, list[str]]:
    """The source, or None and the reason; and a line for each omission in a notebook."""
    is_notebook = path.suffix == SUFFIX
    content, reason = read(path, LARGEST_NOTEBOOK if is_notebook else LARGEST_SOURCE)
    if content is None or not is_notebook:
        return content, reason, []
    try:
        source, left_out = notebooks.source_of(content)
    except NotebookRefused as error:
        return None, str(error), []
    if len(source) > LARGEST_SOURCE:
        return None, f"has a source of {len(source)} bytes, more than {LARGEST_SOURCE}", []
    return source, "", left_out
