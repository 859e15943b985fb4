"""Parses the file names in downloads from Canvas, Moodle and Gradescope. `uploads` calls it.

Canvas (`lib/content_zipper.rb` of instructure/canvas-lms): all files in one folder, named
    `<sortable name, lower case>[_LATE]_<user id>_<attachment id>_<name of the file>`; where grading
    is anonymous, `[LATE_]anon_<id>_<attachment id>_<name>`. Instead of a file, a text is
    `..._text.html` and an address `..._link.html`. A name that was used before gets `-1`.
Moodle (`mod/assign/classes/downloader.php` of moodle/moodle; `locallib.php` before 4.1): a folder
    `<full name>_<participant id>_assignsubmission_file_` (since 4.1 without the last `_`), or with
    folders switched off the same as the beginning of each file's name; `_onlinetext_` for texts.
Gradescope ("Export Submissions"): a folder `submission_<id>` each, and `submission_metadata.yml`,
    a mapping of these names to `:submitters:` (each with `:name:`, `:sid:`, `:email:`) and
    `:created_at:`. All of it in one folder `assignment_<id>_export`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.text import one_line

METADATA = "submission_metadata.yml"
TEXT_ALONE = "a text or a link was submitted, not a file"
_EXAMPLES = (
    "lovelaceada_123_456_02_tensor.py (Canvas), Ada Lovelace_12_assignsubmission_file/... (Moodle),"
    f" submission_34/... beside {METADATA} (Gradescope)"
)
_ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<who>anon_[^_]+)_(?P<rest>.+)", re.DOTALL)
_CANVAS = re.compile(r"(?P<who>.+?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<rest>.+)", re.DOTALL)
_CANVAS_FILE = re.compile(r"(?P<attachment>\d+)_(?P<name>.+)", re.DOTALL)
_CANVAS_TEXT = ("text.html", "link.html")
_AGAIN = re.compile(r"(\d\d_[A-Za-z]\w*)-\d+(\.py|\.ipynb)")  # a source that was submitted again
# What browsers, file managers and platforms add to the name of a copy.
_COPY = re.compile(
    r"( ?\(\d+\)|[ _-]+\(?(copy|copie|copia|kopie)\)?( ?\(?\d+\)?)?|-\d+| \d+)$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^\d{3,}_(?=\d\d_)")  # Canvas's, of an older file of the same name
_MOODLE = re.compile(r"(?P<who>.+_\d+)_assignsubmission_(?P<kind>[a-z]+)(_(?P<name>.*))?")
_GRADESCOPE = re.compile(r"submission_\w+")


class Platform(StrEnum):
    CANVAS = "Canvas"
    MOODLE = "Moodle"
    GRADESCOPE = "Gradescope"


@dataclass
class Handed:
    """One student's files in a download."""

    student: str
    late: bool = False
    time: str = ""
    note: str = ""
    files: dict[str, str] = field(default_factory=dict)  # the student's file name -> the path


def platform_of(names: Sequence[str]) -> tuple[Platform, str] | None:
    """The platform that uses such file names, and the folder around all files: "" or "name/"."""
    tops = {name.partition("/")[0] for name in names}
    around = f"{next(iter(tops))}/" if len(tops) == 1 and all("/" in n for n in names) else ""
    for prefix in dict.fromkeys(("", around)):
        inside = [name.removeprefix(prefix) for name in names]
        if METADATA in inside:
            return Platform.GRADESCOPE, prefix
        if any(_MOODLE.fullmatch(name.partition("/")[0]) for name in inside):
            return Platform.MOODLE, prefix
        if any("/" not in name and _canvas(name) for name in inside):
            return Platform.CANVAS, prefix
    return None


def own_names(name: str) -> Iterator[str]:
    """The names that a file may have had before a platform, a browser or a copy changed it.

    `lovelaceada_LATE_123_456_02_tensor-1 (2).py` -> `02_tensor-1 (2).py`, `02_tensor-1.py`, ...
    """
    found = _canvas(name)
    file = _CANVAS_FILE.fullmatch(found[2]) if found is not None else None
    moodle = _MOODLE.fullmatch(name)
    plain = file["name"] if file is not None else (moodle and moodle["name"]) or name
    while True:
        plain = _NUMBER.sub("", plain.removeprefix("LATE_"))
        yield plain
        stem, dot, ending = plain.rpartition(".")
        shorter = _COPY.sub("", stem)
        if not dot or shorter == stem:
            return
        plain = f"{shorter}.{ending}"


def students_in(names: Sequence[str]) -> int:
    """How many students a download with these names has; 0 if they are not those of a download."""
    found = platform_of(names)
    if found is None:
        return 0
    platform, prefix = found
    inside = {name.removeprefix(prefix).partition("/")[0] for name in names}
    if platform is Platform.GRADESCOPE:
        return sum(_GRADESCOPE.fullmatch(name) is not None for name in inside)
    if platform is Platform.MOODLE:
        return len({m["who"] for name in inside if (m := _MOODLE.fullmatch(name))})
    return len({parts[0] for name in inside if (parts := _canvas(name))})


def unknown(where: str, names: Sequence[str]) -> CourseError:
    """The message for a download of an unknown platform."""
    found = f"there is {names[0]!r}" if names else "there are no files"
    return CourseError(f"{where}: {found}, and nothing named like {_EXAMPLES}")


def handed_in(
    platform: Platform, prefix: str, names: Sequence[str], metadata: str
) -> tuple[list[Handed], list[str]]:
    """Each student's part of a download, and the files that belong to no student."""
    inside = [name.removeprefix(prefix) for name in names]
    if platform is Platform.GRADESCOPE:
        return _of_gradescope(prefix, inside, metadata)
    students: dict[str, Handed] = {}
    read = _read_moodle if platform is Platform.MOODLE else _read_canvas
    # Canvas numbers submitted files: the newest one comes first, and takes the name.
    nobodys = [
        n for n in sorted(inside, key=_attachment, reverse=True) if not read(prefix, n, students)
    ]
    for handed in students.values():
        if not handed.files:
            handed.note = TEXT_ALONE
    return sorted(students.values(), key=lambda handed: handed.student), sorted(nobodys)


def _canvas(name: str) -> tuple[str, bool, str] | None:
    """Student, late, and the rest of a file name from Canvas."""
    match = _ANONYMOUS.fullmatch(name) or _CANVAS.fullmatch(name)
    if match is None:
        return None
    who = "_".join([match["who"], *([match["id"]] if match.re is _CANVAS else [])])
    if match["rest"] not in _CANVAS_TEXT and _CANVAS_FILE.fullmatch(match["rest"]) is None:
        return None
    return who, match["late"] is not None, match["rest"]


def _attachment(name: str) -> int:
    found = _canvas(name)
    file = _CANVAS_FILE.fullmatch(found[2]) if found is not None else None
    return int(file["attachment"]) if file is not None else 0


def _read_canvas(prefix: str, name: str, students: dict[str, Handed]) -> bool:
    found = _canvas(name) if "/" not in name else None
    if found is None:
        return False
    student, late, rest = found
    handed = students.setdefault(student, Handed(student))
    handed.late = handed.late or late
    if (file := _CANVAS_FILE.fullmatch(rest)) is not None:
        again = _AGAIN.fullmatch(file["name"])
        wanted = [f"{again[1]}{again[2]}"] if again else []
        wanted += [file["name"], rest, name]
        free = next((wish for wish in wanted if wish not in handed.files), None)
        if free is None:
            return False
        handed.files[free] = f"{prefix}{name}"
    return True


def _read_moodle(prefix: str, name: str, students: dict[str, Handed]) -> bool:
    folder, _, inside = name.partition("/")
    match = _MOODLE.fullmatch(folder)
    if match is None:
        return False
    handed = students.setdefault(match["who"], Handed(match["who"]))
    if match["kind"] == "file" and (own := inside or match["name"]):
        handed.files[own] = f"{prefix}{name}"
    return True


def _of_gradescope(
    prefix: str, names: Sequence[str], metadata: str
) -> tuple[list[Handed], list[str]]:
    submissions = dict(_read_metadata(metadata))
    nobodys = []
    for name in names:
        folder, _, own = name.partition("/")
        if folder not in submissions and own and _GRADESCOPE.fullmatch(folder):
            submissions[folder] = Handed(folder, note=f"{METADATA} does not name the student")
        if folder in submissions:
            submissions[folder].files[own or name] = f"{prefix}{name}"
        elif name != METADATA:
            nobodys.append(name)
    return list(submissions.values()), nobodys


def _read_metadata(text: str) -> Iterator[tuple[str, Handed]]:
    """(folder, its students). Raises CourseError."""
    import yaml

    try:  # all values as text, without tags
        data: dict[str, Any] = yaml.load(_people(text), Loader=yaml.BaseLoader) or {}
        for folder, entry in data.items():
            people = [_person(submitter) for submitter in entry[":submitters"]]
            time = _iso(str(entry.get(":created_at", "")))
            student = one_line(",".join(filter(None, people)))
            yield folder, Handed(student or folder, time=time)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CourseError(f"{METADATA} is not as Gradescope writes it: {reason}") from None


def _people(text: str) -> str:
    """The metadata without results and history, which are long and contain students' text."""
    kept, wanted = [], True
    for line in text.splitlines():
        if line[:2].strip():  # a submission
            wanted = True
        elif line[:3].strip() and not line.startswith("  - "):  # a key of a submission
            wanted = line.strip().startswith((":submitters:", ":created_at:"))
        if wanted:
            kept.append(line)
    return "\n".join(kept)


def _iso(time: str) -> str:
    """Convert Ruby's `2026-11-20 20:00:00.123456000 Z` to ISO 8601; "" for anything else."""
    try:
        return datetime.fromisoformat(re.sub(r" (?=\S+$)", "", time.strip())).isoformat()
    except ValueError:
        return ""


def _person(submitter: dict[str, str]) -> str:
    return next(filter(None, map(submitter.get, (":email", ":sid", ":name"))), "")
