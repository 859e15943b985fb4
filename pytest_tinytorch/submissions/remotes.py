"""Collects the last commit of each student's default branch before a deadline.

`cli.collect` calls it for `tito collect git`.

The time of a commit comes from the student's own clock, so a student can backdate it. A student
cannot set the time at which a server received a push.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pytest_tinytorch.core.errors import REFUSED_BY_MACHINE
from pytest_tinytorch.core.names import folded, safe_path
from pytest_tinytorch.submissions.collection import (
    Collected,
    CollectedStatus,
    Collection,
    Following,
)
from pytest_tinytorch.submissions.deadline import lateness
from pytest_tinytorch.submissions.git import (
    LARGEST_FILE_MIB,
    GitError,
    Repository,
    is_local,
    without_password,
)
from pytest_tinytorch.submissions.roster import Row, read_roster

_MOST_FILES = 5_000
_MOST_BYTES = 64 * 2**20
_PLAIN = ("100644", "100755")


def collect_remotes(
    roster: Path,
    into: Path,
    deadline: datetime | None,
    late: bool,
    following: Following = iter,
    local: bool = False,
) -> list[Collected]:
    """Collect every row of a roster. A failure is reported for its row, and the rest continues.

    local: allow remotes that are folders on this machine, relative to the roster's folder
    """
    rows = read_roster(roster)
    collection = Collection(into)
    base = roster.parent if local else None
    return [_collected(collection, row, base, deadline, late) for row in following(rows)]


def _collected(
    collection: Collection, row: Row, base: Path | None, deadline: datetime | None, late: bool
) -> Collected:
    remote = without_password(row.remote)
    try:
        if base is None and is_local(row.remote):
            raise GitError("the remote is a folder of this machine; --local-remotes allows that")
        repository = Repository(collection.repository(row.student), local=base is not None)
        there = repository.fetch(_address(row.remote, base))
        found = _choose(repository, deadline, late) if there else _nothing("no commit yet")
        found = replace(found, student=row.student, remote=remote)
        if not found.commit:
            return collection.note(found)
        repository.keep(found.commit)
        files, left_out = _files(repository, found.commit)
        found = replace(found, note="; ".join([found.note, *left_out]).removeprefix("; "))
        before = collection.of(row.student)
        if before is not None and collection.is_there(found):
            return collection.note(replace(found, entry=before.entry))
        with collection.workplace() as workplace:
            _write(repository, files, workplace / "submission")
            return collection.place(found, workplace / "submission")
    except (GitError, OSError) as error:
        if isinstance(error, OSError) and error.errno in REFUSED_BY_MACHINE:
            raise
        reason = str(error) if isinstance(error, GitError) else f"{error.strerror}"
        failed = Collected(row.student, CollectedStatus.FAILED, remote=remote, note=reason)
        return collection.note(failed)


def _address(remote: str, base: Path | None) -> str:
    """The remote; a local one is relative to the roster's folder."""
    if base is None or "://" in remote or not is_local(remote):
        return remote
    return str((base / remote).absolute())


def _choose(repository: Repository, deadline: datetime | None, late: bool) -> Collected:
    """The commit to collect."""
    last = repository.last_commit()
    if last is None:
        return _nothing("no commit yet")
    if deadline is None:
        return _commit(last, CollectedStatus.COLLECTED)
    by_how_much = lateness(_time(last), deadline)
    in_time = repository.last_commit(int(deadline.timestamp()))
    if in_time == last:
        return _commit(last, CollectedStatus.COLLECTED)
    if late:
        return _commit(last, CollectedStatus.LATE, f"{by_how_much} after the deadline")
    if in_time is None:
        return _nothing(f"nothing in time; --late takes the commit {by_how_much} after it")
    later = repository.count_after(in_time[0])
    return _commit(
        in_time, CollectedStatus.COLLECTED, f"commits after the deadline, ignored: {later}"
    )


def _nothing(note: str) -> Collected:
    return Collected("", CollectedStatus.NONE, note=note)


def _commit(commit: tuple[str, int], status: CollectedStatus, note: str = "") -> Collected:
    time = _time(commit).isoformat(timespec="seconds")
    return Collected("", status, commit=commit[0], time=time, note=note)


def _time(commit: tuple[str, int]) -> datetime:
    try:
        return datetime.fromtimestamp(commit[1], UTC)
    except (ValueError, OverflowError, OSError):
        raise GitError(f"commit {commit[0][:12]} has the impossible time {commit[1]}") from None


def _files(repository: Repository, commit: str) -> tuple[dict[str, str], list[str]]:
    """Path -> object of the files to collect, the highest first; and reasons for the others."""
    reasons: Counter[str] = Counter()
    plain: list[tuple[PurePosixPath, str]] = []
    for mode, name, raw in repository.files(commit):
        path = safe_path(raw.decode(errors="surrogateescape"))
        if mode not in _PLAIN:
            reasons["links or submodules"] += 1
        elif path is None:
            reasons["not a valid file name on every system"] += 1
        else:
            plain.append((path, name))
    plain.sort(key=lambda entry: (len(entry[0].parts), entry[0]))
    sizes = repository.sizes(sorted({name for _, name in plain[:_MOST_FILES]}))
    taken: dict[str, str] = {}
    seen: dict[str, str] = {}
    total = 0
    for number, (path, name) in enumerate(plain):
        size = sizes.get(name, LARGEST_FILE_MIB << 20)  # a missing blob was too large
        if number >= _MOST_FILES or total + size > _MOST_BYTES:
            reasons[f"beyond {_MOST_FILES} files or {_MOST_BYTES >> 20} MiB"] += 1
        elif size >= LARGEST_FILE_MIB << 20:
            reasons[f"of {LARGEST_FILE_MIB} MiB or more"] += 1
        elif _is_another(path, seen):
            reasons["name differs from another only in case"] += 1
        else:
            taken[str(path)] = name
            total += size
    return taken, [f"left out, {reason}: {count}" for reason, count in reasons.items()]


def _is_another(path: PurePosixPath, seen: dict[str, str]) -> bool:
    """Whether some file system treats a path, or a folder of it, as the same as an earlier one."""
    names = [str(part) for part in (path, *path.parents)]
    return any(seen.setdefault(folded(name), name) != name for name in names)


def _write(repository: Repository, files: dict[str, str], folder: Path) -> None:
    folder.mkdir()
    contents = repository.contents(sorted(set(files.values())))
    for path, name in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(contents[name])
