"""Verifies the signatures of result files, one line for each. `tito verify` calls it."""

from collections.abc import Sequence
from pathlib import Path

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.core.scores import Grade, grade_of
from pytest_tinytorch.core.signing import (
    VARIABLE,
    Key,
    find_key,
    key_file,
    properties_of,
    verified_record,
)
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.reports.junit import FOR_STUDENT
from pytest_tinytorch.reports.junit_reader import parse_run
from pytest_tinytorch.reports.phrases import earlier_text
from pytest_tinytorch.submissions.collection import CollectedStatus

_SAID = (CollectedStatus.LATE, CollectedStatus.NONE)
_LONGEST = 2000  # characters of a line


def verify_lines(files: Sequence[Path]) -> tuple[bool, list[str]]:
    """Whether all files are valid, and a line for each. Raises CourseError without a key."""
    key = find_key()
    if key is None:
        raise CourseError(f"no key to verify with: set {VARIABLE}, or write it to {key_file()}")
    results = [
        (True, one_line(f"not signed {path}: the student's copy, without hidden tests", _LONGEST))
        if _is_copy(path)
        else _verified(path, key)
        for path in files
    ]
    are_copies = all(map(_is_copy, files))
    return not are_copies and all(good for good, _ in results), [line for _, line in results]


def _is_copy(path: Path) -> bool:
    """Whether a file says that it is a student's copy. It is never counted as verified."""
    try:
        properties = properties_of(path)
    except CourseError:
        return False
    return FOR_STUDENT in properties and "record_sig" not in properties


def _verified(path: Path, key: Key) -> tuple[bool, str]:
    try:
        run = parse_run(path, verified_record(path, key))
    except CourseError as error:
        return False, one_line(f"NOT VERIFIED {error}", _LONGEST)
    grade = grade_of(run)
    who = f", student {run.student}" if run.student else ""
    points = (
        f"{grade.points:g} of {grade.max_points:g} points for {', '.join(map(str, run.groups))}"
    )
    facts = f"{points}, isolation {run.isolation}, key {key.id}{who}"
    return True, one_line(f"verified {path}: {facts}{_but(run, grade)}", _LONGEST)


def _but(run: RunRecord, grade: Grade) -> str:
    """Remarks that qualify a grade with a valid signature."""
    incomplete = "" if grade.is_complete else f"; grade not complete: {grade.undecided} undecided"
    altered = f"; modified course files: {', '.join(run.altered)}" if run.altered else ""
    late = f"; {run.status}" if run.status in _SAID else ""
    earlier = "".join(
        f"; {group}: points {earlier_text(run, group)}"
        for group in run.groups
        if earlier_text(run, group)
    )
    review = "".join(f"; for review: {reason}" for reason in run.review)
    return incomplete + altered + late + earlier + review
