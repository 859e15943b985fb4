"""Finds the course: the nearest folder with a `course.toml`, here or above.

`plugin` calls it in every pytest run on a machine, so it imports next to nothing.
"""

from collections.abc import Iterable
from pathlib import Path

from pytest_tinytorch.core.plain_file import read_plain

COURSE_FILE = "course.toml"
LARGEST_COURSE = 2**18  # bytes; TinyTorch's has 10,536


def course_root(folder: Path, arguments: Iterable[str] = ()) -> Path | None:
    """The course around `folder`, or else around a path among the command's arguments."""
    paths = [folder / word.partition("::")[0] for word in arguments if not word.startswith("-")]
    for start in (folder, *(path for path in paths if _exists(path))):
        for candidate in (start, *start.parents):
            if _is_course(candidate / COURSE_FILE):
                return candidate
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # an argument that is too long or has a null byte
        return False


def _is_course(path: Path) -> bool:
    # Another tool may use the same file name; a course's file has a table [course].
    try:
        return b"[course]" in read_plain(path, LARGEST_COURSE)
    except (OSError, ValueError):
        return False
