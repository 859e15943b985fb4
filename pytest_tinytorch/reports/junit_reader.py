"""Reads the graded run in a file of JUnit XML. `tito verify` and `tito feedback` call it."""

import json
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.core.signing import find_key, properties_of, verified_record

_LARGEST = 1e15  # of points and seconds; above it, floats are not exact


def read_run(path: Path) -> RunRecord:
    """The graded run in a file. If the file is signed and the key is here, the signed record.

    Raises CourseError if the file has no valid record.
    """
    properties = properties_of(path)
    key = find_key()
    if "record_sig" in properties and key is not None:
        return parse_run(path, verified_record(path, key))
    if "record" not in properties:
        raise CourseError(
            f"{path}: there is no 'record' among its properties; write such a file with"
            f" `pytest --grade --junitxml={path.name}`"
        )
    return parse_run(path, properties["record"])


def parse_outline(path: Path, text: str) -> tuple[RunRecord, list[dict[str, Any]]]:
    """Parse the text of a record without its tests, which are returned as they are in the JSON.

    The gradebook reads thousands of records, and needs little of each test. Raises CourseError.
    """
    try:
        data = json.loads(text)
        run = RunRecord.from_json({**data, "tests": []})
        _check(run)
        tests = data["tests"]
        if not isinstance(tests, list):
            raise TypeError(f"{tests!r} is not a list of tests")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CourseError(f"{path}: no record of this version ({error!r})") from None
    return run, tests


def parse_run(path: Path, text: str) -> RunRecord:
    """Parse the text of a record. Raises CourseError."""
    try:
        run = RunRecord.from_json(json.loads(text))
        _check(run)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CourseError(f"{path}: no record of this version ({error!r})") from None
    return run


def _check(run: RunRecord) -> None:
    """Check the types, as the file is untrusted: text is str, and numbers are numbers."""
    texts = [run.course, *map(str, run.groups), *run.altered, *run.review, *run.notes]
    texts += [*run.earlier, *run.earlier.values()]
    numbers = [run.seconds]
    for test in run.tests:
        texts += [test.id, test.title, test.message, test.example, test.hint, test.visibility]
        texts += [test.waits_for, *test.depends]
        texts += [word for place in test.locations for word in (place.file, place.function)]
        numbers += [test.max_points, test.seconds]
    if wrong := [word for word in texts if not isinstance(word, str)]:
        raise TypeError(f"{wrong[0]!r} is not a text")
    if wrong_numbers := [n for n in numbers if not _is_number(n)]:
        raise TypeError(f"{wrong_numbers[0]!r} is not a number")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= _LARGEST
