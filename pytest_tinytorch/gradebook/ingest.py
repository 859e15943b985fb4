"""Reads result files into a gradebook: `tito gradebook add`.

    paths --result_files--> jobs --workers--> attempts --matching--> who --store--> the database

Workers parse and verify, and this process stores. Each file is refused or stored by itself.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.gradebook.entries import Attempt
from pytest_tinytorch.gradebook.identity import Identities
from pytest_tinytorch.gradebook.reading import FileAttempts, Names, attempts_of
from pytest_tinytorch.gradebook.result_files import (
    Job,
    Opener,
    Refusal,
    Sighting,
    Unreadable,
    find,
    opened,
)
from pytest_tinytorch.gradebook.store import Gradebook
from pytest_tinytorch.gradebook.xml_suites import XmlRefused, read_suites

_FEWEST_FILES = 100  # below, starting processes costs more than it gains
_AHEAD = 3  # jobs for each worker that are read before the first one is stored

# A file's source, and its attempts or why there are none.
Read = tuple[str, FileAttempts | str]


@dataclass(frozen=True)
class Options:
    key: Key | None = None
    accept_unsigned: bool = False
    workers: int = 0  # 0: one for each core


@dataclass
class Report:
    """What an ingest did."""

    new: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)
    unmatched: dict[str, str] = field(default_factory=dict)  # name -> a file of it
    strangers: dict[str, int] = field(default_factory=dict)  # test case -> in how many files
    unknown: dict[str, int] = field(default_factory=dict)  # id of a test -> in how many files
    trust: dict[str, int] = field(default_factory=dict)  # of the new attempts


def ingest(
    book: Gradebook,
    course: Course,
    paths: Iterable[Path],
    identities: Identities,
    options: Options | None = None,
) -> Report:
    """Store the attempts in all files of these paths. Refused files are in the report."""
    options = options or Options()
    report = Report()
    listed = {name for (name,) in book.rows("SELECT name FROM test WHERE points IS NOT NULL")}
    jobs: list[Job] = []
    for found in find(paths):
        if isinstance(found, Refusal):
            report.refused.append(found)
        elif isinstance(found, Sighting):
            book.saw(found.who, found.source, found.files)
        else:
            jobs.append(found)
    for reads in _read_all(jobs, Names.of(course), options):
        attempts: list[Attempt] = []
        for source, read in reads:
            if isinstance(read, str):
                report.refused.append(Refusal(source, read))
            else:
                _note_tests(report, read, listed)
                attempts += _identified(read, identities, options)
        _store(book, attempts, report)
    return report


def _identified(read: FileAttempts, identities: Identities, options: Options) -> Iterator[Attempt]:
    for attempt in read.attempts:
        for who, submitted in identities.of(attempt.who, attempt.source):
            yield replace(
                attempt,
                who=who,
                submitted=submitted or attempt.submitted,
                accepted=options.accept_unsigned,
            )


def _store(book: Gradebook, attempts: Sequence[Attempt], report: Report) -> None:
    for attempt, is_new in zip(attempts, book.add(attempts), strict=True):
        report.new += is_new
        report.known += not is_new
        if is_new:
            report.trust[attempt.trust.value] = report.trust.get(attempt.trust.value, 0) + 1
        if book.student_id(attempt.who) is None:
            report.unmatched.setdefault(attempt.who, attempt.source)


def _note_tests(report: Report, read: FileAttempts, listed: set[str]) -> None:
    for case in set(read.strangers):
        report.strangers[case] = report.strangers.get(case, 0) + 1
    for test in {result.test for attempt in read.attempts for result in attempt.results} - listed:
        report.unknown[test] = report.unknown.get(test, 0) + 1


# --- the workers ----------------------------------------------------------------------------------


def _read_all(jobs: Sequence[Job], names: Names, options: Options) -> Iterator[list[Read]]:
    """The files of all jobs, in their order."""
    workers = options.workers or os.cpu_count() or 1
    if workers == 1 or sum(len(job.names) for job in jobs) < _FEWEST_FILES:
        for job in jobs:
            yield _read_job(job, names, options.key)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        pending: deque[Future[list[Read]]] = deque()
        for job in jobs:
            pending.append(pool.submit(_read_job, job, names, options.key))
            if len(pending) > workers * _AHEAD:  # so that memory does not grow with the class
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _read_job(job: Job, names: Names, key: Key | None) -> list[Read]:
    try:
        with opened(job) as opener:
            return [_read_file(opener, n, names, key) for n in job.names]
    except Unreadable as error:
        return [(str(job.archive), str(error))]


def _read_file(opener: Opener, name: str, names: Names, key: Key | None) -> Read:
    source = opener.source(name)
    try:
        with opener.open(name) as file:
            document = read_suites(file)
        return source, attempts_of(document, source, names, key)
    except (XmlRefused, Unreadable) as error:
        return source, one_line(str(error))
