"""Packs the students' pages into a zip that a platform hands back. `cli.gradebook` calls it.

The names come from the platform's own download, from which the submissions were collected:

    Moodle ("Upload multiple feedback files in a zip")
        `Ada Lovelace_12_assignsubmission_file_/feedback.html`
    Canvas ("Upload Submissions"), with the numbers of the student and of a submitted file
        `lovelaceada_123_456_feedback.html`

Without a download, each student's page is in a folder with the student's name.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.names import folder_names
from pytest_tinytorch.gradebook.entries import Student
from pytest_tinytorch.gradebook.names import key_of
from pytest_tinytorch.gradebook.store import Gradebook
from pytest_tinytorch.submissions.download import opened
from pytest_tinytorch.submissions.platforms import Platform, handed_in, platform_of, unknown

PAGE = "feedback.html"
_CANVAS_NUMBERS = re.compile(r"(.+?_\d+_\d+)_.+", re.DOTALL)
_TIME = (1980, 1, 1, 0, 0, 0)  # so that the same pages give the same zip


@dataclass(frozen=True)
class Packed:
    content: bytes
    packed: tuple[str, ...]  # displayed names
    without: tuple[str, ...]  # those without a page, or whom the download does not have


def pack(book: Gradebook, students: Sequence[Student], download: Path | None) -> Packed:
    """A zip of the page of each student's latest result file. Raises CourseError."""
    pages = _pages(book)
    names = _names_in(download) if download else None
    folders = folder_names(student.shown for student in students)
    packed: list[str] = []
    without: list[str] = []
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for student in students:
            found = pages.get(student.id)
            name = (
                f"{folders[student.shown]}/{PAGE}"
                if names is None
                else names.get(key_of(found[0]), "")
                if found
                else ""
            )
            if not found or not name:
                without.append(student.shown)
                continue
            entry = zipfile.ZipInfo(name, _TIME)
            archive.writestr(entry, found[1].read_bytes(), zipfile.ZIP_DEFLATED)
            packed.append(student.shown)
    return Packed(target.getvalue(), tuple(packed), tuple(without))


def _pages(book: Gradebook) -> dict[int, tuple[str, Path]]:
    """Student -> the name that the latest submission used, and the page beside its result file."""
    found = {}
    for student, who, source in book.rows(
        "SELECT student_id, who, source FROM attempt WHERE student_id IS NOT NULL ORDER BY id"
    ):
        page = Path(source).parent / PAGE
        if page.is_file() and not page.is_symlink():
            found[student] = (who, page)
    return found


def _names_in(download: Path) -> Mapping[str, str]:
    """The key of a student's name in a download -> the name of the page in the zip."""
    with opened(download) as files:
        found = platform_of(files.names)
        if found is None:
            raise unknown(str(download), files.names)
        platform, prefix = found
        if platform is Platform.GRADESCOPE:
            raise CourseError(f"{download} is of Gradescope, which takes no pages back")
        handed, _ = handed_in(platform, prefix, files.names, "")
    return {
        key_of(one.student): _page_name(platform, prefix, one.files.values())
        for one in handed
        if one.files
    }


def _page_name(platform: Platform, prefix: str, paths: Iterable[str]) -> str:
    path = min(paths).removeprefix(prefix)
    if platform is Platform.MOODLE:
        return f"{PurePosixPath(path).parts[0]}/{PAGE}"
    match = _CANVAS_NUMBERS.fullmatch(path)
    return f"{match[1]}_{PAGE}" if match else ""
