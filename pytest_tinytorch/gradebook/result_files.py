"""Finds result files in what an instructor names: files, folders, archives. `ingest` calls it.

grade.xml, grade.xml.gz     one file
results/                    every .xml, .xml.gz and .zip below it; links are not followed
artifacts.zip               every .xml and .xml.gz in it
"""

import gzip
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from pytest_tinytorch.core.plain_file import open_plain
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.submissions.zip_entry import DAMAGED, is_special, not_read

_XML = (".xml", ".xml.gz")
_ZIP = ".zip"
_STUDENTS_COPY = ".student.xml"  # a copy without the hidden tests, beside the file itself
_MOST_ENTRIES = 100_000
_MOST_FILES = 10  # that a sighting names
_AT_ONCE = 16  # files in a job
_READ_ERRORS = (*DAMAGED, OSError)


@dataclass(frozen=True)
class Job:
    """Files for one worker: paths, or the names of entries in an archive."""

    names: tuple[str, ...]
    archive: Path | None = None


@dataclass(frozen=True)
class Refusal:
    """A file that was not ingested, and why, in one line."""

    source: str
    reason: str

    def __str__(self) -> str:
        return one_line(f"{self.source}: {self.reason}", 400)


@dataclass(frozen=True)
class Sighting:
    """A folder of a student in which there is no result."""

    who: str
    source: str
    files: tuple[str, ...]


def find(paths: Iterable[Path]) -> Iterator[Job | Refusal | Sighting]:
    """What is to be read, in a stable order."""
    single: list[str] = []
    for path in paths:
        if not path.is_dir() and not path.name.lower().endswith(_ZIP) and path.exists():
            single.append(str(path))
            continue
        yield from _jobs(single)
        single = []
        if path.is_dir():
            yield from _in_folder(path)
        elif path.exists():
            yield from _in_archive(path)
        else:
            yield Refusal(str(path), "is not there")
    yield from _jobs(single)


def _jobs(names: Sequence[str], archive: Path | None = None) -> Iterator[Job]:
    for start in range(0, len(names), _AT_ONCE):
        yield Job(tuple(names[start : start + _AT_ONCE]), archive)


def _in_folder(folder: Path) -> Iterator[Job | Refusal | Sighting]:
    names: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if path.is_symlink():
                if _is_result(name) or name.lower().endswith(_ZIP):
                    yield Refusal(str(path), "is a link, and links are not followed")
            elif name.lower().endswith(_ZIP):
                yield from _in_archive(path)
            elif _is_result(name):
                names.append(str(path))
        if Path(place) == folder:
            yield from _sightings(folder, folders)
    yield from _jobs(names)


def _sightings(folder: Path, folders: Iterable[str]) -> Iterator[Sighting]:
    for name in folders:
        seen: list[str] = []
        for place, inner, files in os.walk(folder / name):
            inner.sort()
            if any(_is_result(f) or f.lower().endswith(_ZIP) for f in files):
                break
            seen += (str(Path(place, f).relative_to(folder / name)) for f in sorted(files))
        else:
            yield Sighting(name, str(folder / name), tuple(seen[:_MOST_FILES]))


def _in_archive(path: Path) -> Iterator[Job | Refusal]:
    try:
        with open_plain(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (*_READ_ERRORS, ValueError) as error:
        yield Refusal(str(path), f"cannot be read as a zip file: {error}")
        return
    if len(entries) > _MOST_ENTRIES:
        yield Refusal(str(path), f"has {len(entries)} entries, more than {_MOST_ENTRIES}")
        return
    names: list[str] = []
    refused = 0
    for entry in sorted(entries, key=lambda entry: entry.filename):
        reason = _not_ingested(entry)
        if reason:
            refused += 1
            yield Refusal(f"{path}!{entry.filename}", reason)
        elif _is_result(entry.filename):
            names.append(entry.filename)
    if not names and not refused:
        yield Refusal(str(path), "has no .xml and no .xml.gz in it")
    yield from _jobs(names, path)


def _not_ingested(entry: zipfile.ZipInfo) -> str:
    """Why an entry is refused; "" if it is not, or is of no interest."""
    if entry.filename.lower().endswith(_ZIP):
        return "is an archive in an archive; unpack the outer one first"
    if not _is_result(entry.filename):
        return ""
    if is_special(entry):
        return "is a link or a device"
    reason = not_read(entry)
    return f"is {reason}" if reason else ""


def _is_result(name: str) -> bool:
    lower = name.lower()
    return lower.endswith(_XML) and not lower.endswith(_STUDENTS_COPY)


class Unreadable(Exception):
    """A file that cannot be opened or unpacked."""


@contextmanager
def opened(job: Job) -> Iterator["Opener"]:
    """What opens the files of a job. The archive is opened once."""
    if job.archive is None:
        yield Opener(None, "")
        return
    try:
        file = zipfile.ZipFile(job.archive)
    except _READ_ERRORS as error:
        raise Unreadable(f"{job.archive} cannot be read: {error}") from None
    with file:
        yield Opener(file, f"{job.archive}!")


@dataclass(frozen=True)
class Opener:
    archive: zipfile.ZipFile | None
    prefix: str

    def source(self, name: str) -> str:
        """The name of a file for people: `artifacts.zip!ana/grade.xml`."""
        return one_line(f"{self.prefix}{name}", 1000)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The unpacked bytes of a file. Raises Unreadable, also while it is read."""
        try:
            if self.archive is not None:
                with self.archive.open(name) as file:
                    yield from _unpacked(file)
            else:
                with open_plain(Path(name)) as plain:
                    yield from _unpacked(plain)
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror or error}") from None
        except (*DAMAGED, zlib.error, KeyError) as error:
            raise Unreadable(f"cannot be unpacked: {error}") from None


def _unpacked(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file, or what gzip packed in it. The first two bytes decide, not the name."""
    start = file.read(2)
    file.seek(0)
    if start != b"\x1f\x8b":
        yield file
        return
    with gzip.GzipFile(fileobj=file) as inner:
        yield cast(IO[bytes], inner)
