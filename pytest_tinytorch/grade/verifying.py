"""`tito verify`: signed results, one line a file."""

from collections.abc import Sequence
from pathlib import Path

from pytest_tinytorch.errors import CourseError
from pytest_tinytorch.grade.reading import parse_run
from pytest_tinytorch.grade.scores import grade_of
from pytest_tinytorch.grade.signing import VARIABLE, Key, find_key, key_file, verified_record


def verify_lines(files: Sequence[Path]) -> tuple[bool, list[str]]:
    """Whether all are good, and a line for each. Raises CourseError where there is no key."""
    key = find_key()
    if key is None:
        raise CourseError(f"no key to verify with: set {VARIABLE}, or write it to {key_file()}")
    results = [_verified(path, key) for path in files]
    return all(good for good, _ in results), [line for _, line in results]


def _verified(path: Path, key: Key) -> tuple[bool, str]:
    try:
        run = parse_run(path, verified_record(path, key))
    except CourseError as error:
        return False, f"NOT VERIFIED {error}"
    grade = grade_of(run)
    who = f", student {run.student}" if run.student else ""
    points = f"{grade.points:g} of {grade.max_points:g} points"
    return True, f"verified {path}: {points}, isolation {run.isolation}, key {key.id}{who}"
