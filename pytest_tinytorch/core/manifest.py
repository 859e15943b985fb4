"""Reads and writes checkpoints/manifest.json: every test that counts, and its points.

`tito manifest` writes it; `hooks.session`, `grading` and `progress` read it. Progress and grades
count against this list, not against the tests that ran: a test that was not collected, or whose
process died, did not pass.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_tinytorch.core.course import COLLECTION_FOLDERS, LARGEST_NUMBER, Course
from pytest_tinytorch.core.discovery import COURSE_FILE
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.names import is_id, is_line, safe_path
from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line

FORMAT = 1
MANIFEST_FILE = "checkpoints/manifest.json"
_CONFTEST = "conftest.py"
_OWN_FOLDERS = (*COLLECTION_FOLDERS, "data")
_OWN = f"{COURSE_FILE}, {_CONFTEST}, or in {' or '.join(f'{name}/' for name in _OWN_FOLDERS)}"
_LARGEST = 2**24  # bytes; TinyTorch's has 12 thousand


@dataclass(frozen=True)
class Manifest:
    """The points of each test, by group and id; and the hash of each of the course's own files."""

    tests: Mapping[Group, Mapping[str, float]]
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The hash of the whole manifest."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()

    def of(self, group: Group) -> Mapping[str, float]:
        return self.tests.get(group, {})

    def to_text(self) -> str:
        return _text({"tests": _plain(self.tests), "files": self.files})


def load_manifest(course: Course) -> Manifest:
    """Read the manifest. Raises CourseError where it is missing, damaged or incomplete."""
    path = course.root / MANIFEST_FILE
    renew = "run `tito manifest`"
    try:
        data = _read(path)
        if data["format"] != FORMAT:
            form = one_line(repr(data["format"]))
            raise CourseError(f"{MANIFEST_FILE}: format {form} is unknown; {renew}.")
        tests = _groups(data["tests"])
        files = _files(data["files"])
    except OSError as error:
        raise CourseError(f"{MANIFEST_FILE} cannot be read: {error.strerror}; {renew}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = one_line(repr(error))
        raise CourseError(f"{MANIFEST_FILE} is damaged ({reason}); {renew}.") from None
    for collection in course.collections:
        if course.is_written(collection) and collection.group not in tests:
            missing = f"{MANIFEST_FILE} does not list {collection.kind} {collection.id}"
            raise CourseError(f"{missing}; {renew}.")
    return Manifest(tests, files)


def with_hidden(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest with the tests of the manifest in a folder of hidden tests."""
    path = folder / "manifest.json"
    try:
        hidden = _groups(_read(path)["tests"])
        if others := [str(group) for group in hidden if not group.is_hidden]:
            raise ValueError(f"{others[0]!r} is not a group of hidden tests, such as 'hidden 01'")
        if not hidden:
            raise ValueError("no test is in it")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        renew, reason = "run `tito manifest --hidden DIR`", one_line(str(error))
        raise CourseError(f"the hidden manifest.json is damaged ({reason}); {renew}") from None
    return Manifest({**manifest.tests, **hidden}, manifest.files)


def _read(path: Path) -> Any:
    return json.loads(read_plain(path, _LARGEST).decode("utf-8"))


def _groups(data: Any) -> dict[Group, dict[str, float]]:
    """Group -> test -> points. Raises an exception if the data has another form."""
    groups = {_group(text): dict(entries) for text, entries in data.items()}
    for group, entries in groups.items():
        for identifier, points in entries.items():
            if not identifier.startswith(group.test_id("")) or not is_line(identifier):
                raise ValueError(f"{identifier!r} is not a test of {str(group)!r}")
            if type(points) not in (int, float) or not 0 <= points <= LARGEST_NUMBER:
                raise ValueError(
                    f"{identifier!r} is worth {points!r}, which is not a number of points"
                )
    return groups


def _group(text: str) -> Group:
    group = Group.parse(text)
    if not group.has_points or not is_id(group.id):
        raise ValueError(f"{text!r} is not a checkpoint, such as '05', nor a milestone")
    return group


def _files(data: Any) -> dict[str, str]:
    """Name -> hash. The names become paths, so only names that `course_files` lists are allowed."""
    files = dict(data)
    for name, digest in files.items():
        path = safe_path(name)
        if path is None or not _is_own(path):
            raise ValueError(f"{name!r} is not a file of the course: {_OWN}")
        if not isinstance(digest, str):
            raise TypeError(f"{digest!r} is not a hash of {name!r}")
    return files


def _is_own(path: PurePosixPath) -> bool:
    inside = len(path.parts) > 1 and path.parts[0] in _OWN_FOLDERS
    return inside or str(path) in (COURSE_FILE, _CONFTEST)


def make_manifest(course: Course, tests: Iterable[tuple[str, float]]) -> Manifest:
    """The manifest for these (test id, points). Raises CourseError if points do not add up."""
    groups = in_groups(tests)
    for collection in course.collections:
        total = sum(groups.get(collection.group, {}).values())
        if course.is_written(collection) and total != collection.points:
            what = f"{collection.kind} {collection.id}"
            raise CourseError(
                f"{collection.file}: the points of its tests add up to {total:g}, but"
                f" {COURSE_FILE} gives {what} {collection.points}; change one."
            )
    own = course_files(course)
    if unsafe := [name for name in own if safe_path(name) is None]:
        raise CourseError(
            f"{unsafe[0]!r} is not a valid file name on every system; rename the file"
        )
    files = {name: file_hash(Path(name), (course.root / name).read_bytes()) for name in own}
    return Manifest(groups, files)


def in_groups(tests: Iterable[tuple[str, float]]) -> dict[Group, dict[str, float]]:
    """(test id, points) -> group -> test id -> points, in alphabetical order."""
    groups: dict[Group, dict[str, float]] = {}
    for identifier, points in sorted(tests):
        groups.setdefault(Group.of_test(identifier), {})[identifier] = points
    return groups


def tests_text(groups: Mapping[Group, Mapping[str, float]]) -> str:
    """The text of a manifest without files, for an instructor's hidden tests."""
    return _text({"tests": _plain(groups)})


def _plain(groups: Mapping[Group, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    return {str(group): entries for group, entries in groups.items()}


def _text(data: dict[str, Any]) -> str:
    return json.dumps({"format": FORMAT, **data}, indent=1, ensure_ascii=True) + "\n"


def course_files(course: Course) -> list[str]:
    """The course's own files that grading uses, as paths relative to its root."""
    inside = [
        path.relative_to(course.root).as_posix()
        for folder in _OWN_FOLDERS
        for path in (course.root / folder).rglob("*")
        if path.is_file()
    ]
    kept = [name for name in inside if "__pycache__" not in name and name != MANIFEST_FILE]
    own = [COURSE_FILE, _CONFTEST, *kept]
    return sorted(name for name in own if (course.root / name).is_file())


def file_hash(path: Path, content: bytes) -> str:
    """The hash of a file of the course, independent of the newlines in a checkout."""
    if path.suffix in (".py", ".toml", ".json", ".md"):
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()
