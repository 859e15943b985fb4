"""Copies a course from an untrusted tree: only files of an allow-list.

`grading.clean_process` calls it for `--grade`. It copies the course's own files that the manifest
names, and one source for each module. So no conftest, configuration, bytecode or link of the
tree can have an effect.
"""

import hashlib
import json
import os
import re
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.manifest import MANIFEST_FILE, file_hash, load_manifest
from pytest_tinytorch.core.names import safe_path

LARGEST_SOURCE = 2**20
_LARGEST_FILE = 64 * 2**20
_CONFTEST = "conftest.py"
HIDDEN_MANIFEST = "manifest.json"
_CONFIGURATION = "[pytest]\nstrict = true\ntestpaths = checkpoints\n"


@dataclass(frozen=True)
class Submission:
    """The files that were read, and those that were refused. Names are paths in the tree."""

    student: str
    commit: str
    altered: tuple[str, ...] = ()  # course files that differ from the manifest
    refused: tuple[str, ...] = ()  # each with the reason
    sources: str = ""  # hash of all sources

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Submission":
        data = json.loads(text)
        return cls(**data | {key: tuple(data[key]) for key in ("altered", "refused")})


def take_in(root: Path, target: Path, student: str) -> Submission:
    """Copy the course in `root` to `target`. Raises CourseError if it is not a course."""
    course = load_course(root)
    manifest = load_manifest(course)
    altered, refused = [], []
    names = ("course.toml", MANIFEST_FILE, *manifest.files)
    for name in dict.fromkeys(names):
        content, reason = plain_content(root, name, _LARGEST_FILE)
        if content is None:
            altered.append(f"{name} ({reason})")
            continue
        if name in manifest.files and file_hash(Path(name), content) != manifest.files[name]:
            altered.append(name)
            if name == _CONFTEST:
                # A changed conftest could do anything before the first test, so it is not copied.
                # Tests that need its fixtures then fail, and the report says why.
                refused.append(f"{name}: differs from the course's own, so it is not loaded")
                continue
        _write(target / name, content)
    digest = hashlib.sha256()
    for name in _source_names(course):
        content, reason = plain_content(root, name, LARGEST_SOURCE)
        if content is None:
            if reason != "is not there":
                refused.append(f"{name}: {reason}")
            continue
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
        _write(target / name, content)
    _write(target / "pytest.ini", _CONFIGURATION.encode())
    return Submission(student, _commit(root), tuple(altered), tuple(refused), digest.hexdigest())


def altered_files(course: Course) -> tuple[str, ...]:
    """The course's own files that differ from its manifest."""
    manifest = load_manifest(course)
    found = ((name, plain_content(course.root, name, _LARGEST_FILE)) for name in manifest.files)
    return tuple(
        name if content is not None else f"{name} ({reason})"
        for name, (content, reason) in found
        if content is None or file_hash(Path(name), content) != manifest.files[name]
    )


def take_in_hidden(folder: Path, target: Path, with_manifest: bool = True) -> list[Path]:
    """Copy an instructor's hidden tests. Raises CourseError if there are none."""
    files = check_hidden_folder(folder, with_manifest)
    manifest = folder / HIDDEN_MANIFEST
    for path in (*files, *([manifest] if with_manifest else [])):
        if not path.is_file():
            raise CourseError(f"--hidden {folder}: {path.name} is not a plain file; move it away")
        try:
            _write(target / path.name, path.read_bytes())
        except OSError as error:
            raise CourseError(f"--hidden {path}: cannot be read: {error.strerror}") from None
    return [target / path.name for path in files]


def check_hidden_folder(folder: Path, with_manifest: bool = True) -> list[Path]:
    """The files of an instructor's hidden tests. Raises CourseError if there are none."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "is not there"
        raise CourseError(f"--hidden {folder}: {what}; give a folder with checkpoint_NN_*.py")
    files = sorted(folder.glob("checkpoint_*.py"))
    if not files:
        raise CourseError(f"--hidden {folder}: no checkpoint_NN_*.py is there")
    if with_manifest and not (folder / HIDDEN_MANIFEST).is_file():
        raise CourseError(
            f"--hidden {folder}: no {HIDDEN_MANIFEST} is there; run `tito manifest --hidden"
            f" {folder}`"
        )
    return files


def _source_names(course: Course) -> list[str]:
    return [course.source_name(module) for module in course.modules]


def plain_content(root: Path, name: str, largest: int) -> tuple[bytes | None, str]:
    """The bytes of a plain file, or None and the reason. Links are not followed."""
    path = root
    try:
        for part in Path(name).parts:
            path = path / part
            if path.is_symlink():
                return None, "is a link, or lies behind one"
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return None, "is not a plain file"
        if found.st_size > largest:
            return None, f"has {found.st_size} bytes, more than {largest}"
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(largest), ""
    except FileNotFoundError:
        return None, "is not there"
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    except ValueError as error:  # a null byte
        return None, f"cannot be read: {error}"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _commit(root: Path) -> str:
    """The graded commit: from the variables of a CI system, otherwise the checked-out one."""
    for variable in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        if commit := os.environ.get(variable):
            return commit
    return checked_out(root)


def checked_out(root: Path) -> str:
    """The checked-out commit, read without running git in an untrusted repository."""
    head, _ = plain_content(root, ".git/HEAD", LARGEST_SOURCE)
    if head is None:
        return ""
    word = head.decode("ascii", "replace").strip()
    reference = word.removeprefix("ref: ")
    if reference == word:
        return _commit_id(word)
    if safe_path(reference) is None:
        return ""
    loose, _ = plain_content(root, f".git/{reference}", LARGEST_SOURCE)
    if loose is not None:
        return _commit_id(loose.decode("ascii", "replace"))
    packed, _ = plain_content(root, ".git/packed-refs", _LARGEST_FILE)
    lines = (packed or b"").decode("utf-8", "replace").splitlines()
    return next((_commit_id(line) for line in lines if line.endswith(f" {reference}")), "")


def _commit_id(text: str) -> str:
    """The commit hash at the beginning of a text; "" for anything else."""
    match = re.match(r"[0-9a-f]{40,64}\b", text.strip())
    return match[0] if match else ""
