"""Collects the submissions in a download from Canvas, Moodle or Gradescope.

`cli.collect` calls it for `tito collect zips`.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from pytest_tinytorch.core.errors import REFUSED_BY_MACHINE, CourseError
from pytest_tinytorch.core.names import safe_path
from pytest_tinytorch.submissions.collection import (
    Collected,
    CollectedStatus,
    Collection,
    Following,
)
from pytest_tinytorch.submissions.download import Download, Unreadable, opened
from pytest_tinytorch.submissions.platforms import (
    METADATA,
    Handed,
    Platform,
    handed_in,
    platform_of,
    unknown,
)


def collect_download(
    path: Path, into: Path, following: Following = iter
) -> tuple[list[Collected], list[str]]:
    """Collect every student's part. Returns the results, and files that belong to no student."""
    if into.resolve().is_relative_to(path.resolve()):
        raise CourseError(f"--into {into} is inside the download {path}; choose another folder")
    path = _one_zip_inside(path)
    with opened(path) as download:
        found = platform_of(download.names)
        if found is None:
            raise unknown(str(path), download.names)
        platform, prefix = found
        collection = Collection(into)
        metadata = ""
        if platform is Platform.GRADESCOPE:
            metadata = _text(collection, download, f"{prefix}{METADATA}")
        students, nobodys = handed_in(platform, prefix, download.names, metadata)
        collected = [
            _collected(collection, download, path.name, handed) for handed in following(students)
        ]
        refused = [f"{name} (refused: unsafe name or not a file)" for name in download.refused]
    return collected, [*nobodys, *refused]


def _one_zip_inside(path: Path) -> Path:
    """The zip in a folder that contains nothing else; otherwise the path itself."""
    if not path.is_dir():
        return path
    entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    alone = len(entries) == 1 and entries[0].suffix.lower() == ".zip" and entries[0].is_file()
    return entries[0] if alone and platform_of([entries[0].name]) is None else path


def _text(collection: Collection, download: Download, name: str) -> str:
    with collection.workplace() as workplace:
        try:
            download.copy(name, workplace / METADATA)
        except Unreadable as error:
            raise CourseError(str(error)) from None
        return (workplace / METADATA).read_text("utf-8", errors="replace")


def _collected(
    collection: Collection, download: Download, source: str, handed: Handed
) -> Collected:
    status = CollectedStatus.LATE if handed.late else CollectedStatus.COLLECTED
    found = Collected(handed.student, status, time=handed.time, remote=source, note=handed.note)
    if not handed.files:
        return collection.note(
            replace(found, status=CollectedStatus.NONE, note=handed.note or "no file")
        )
    try:
        with collection.workplace() as workplace:
            made, digest, left_out = _put_together(download, handed, workplace)
            notes = [found.note, *left_out]
            found = replace(found, sha256=digest, note="; ".join(note for note in notes if note))
            before = collection.of(found.student)
            if before is not None and collection.is_there(found):
                return collection.note(replace(found, entry=before.entry))
            return collection.place(found, made)
    except (Unreadable, OSError) as error:
        if isinstance(error, OSError) and error.errno in REFUSED_BY_MACHINE:
            raise
        reason = str(error) if isinstance(error, Unreadable) else f"{error.strerror}"
        return collection.note(replace(found, status=CollectedStatus.FAILED, note=reason))


def _put_together(
    download: Download, handed: Handed, workplace: Path
) -> tuple[Path, str, list[str]]:
    """Make the submission: a single zip, or a folder of all files. Returns its path, its hash,
    and lines about omitted files."""
    folder = workplace / "submission"
    folder.mkdir()
    digest = hashlib.sha256()
    left_out = 0
    for name, path in sorted(handed.files.items()):
        inside = safe_path(name)
        if inside is None or (folder / inside).exists():
            left_out += 1
            continue
        target = folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        download.copy(path, target)
        with target.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{inside}\0{content}\n".encode())
    made = [path for path in folder.rglob("*") if path.is_file()]
    if not made:
        raise Unreadable("no file whose name is valid on every system")
    notes = [f"left out, not a valid file name on every system: {left_out}"] if left_out else []
    zips = [path for path in made if path.suffix.lower() == ".zip"]
    if len(made) == 1 and zips:
        return zips[0], digest.hexdigest(), notes
    if zips:
        notes.append(
            f"{len(zips)} zip among {len(made)} files: read if a module is found nowhere else"
        )
    return folder, digest.hexdigest(), notes
