"""Names of students and of their files -> names that every file system can hold, apart."""

import hashlib
import re
import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

_NOWHERE = re.compile(r'[<>:"/\\|?*]')  # not in a name on Windows
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # there, devices
_OUR_OWN = re.compile(r".*\.zip|collected\.json", re.IGNORECASE)
_LONGEST = 120  # bytes, with room for an ending below the usual 255
_LONGEST_PART, _DEEPEST = 200, 20


def entry_name(student: str, taken: Collection[str]) -> str:
    """What a student's folder is called: the student's name wherever that can be.

    taken: the names of other students' folders. Where a name has to be changed, or is another's but
    for case, a piece of its hash tells it apart: the same in every run, whoever comes first.
    """
    name = unicodedata.normalize("NFC", student)
    name = "".join("_" if _unfit(character) else character for character in name).strip(" .")
    name = name.encode()[:_LONGEST].decode(errors="ignore").rstrip(" .")
    if not name or name.startswith(("-", "~")) or _RESERVED.fullmatch(name):
        name = f"_{name}"
    if _OUR_OWN.fullmatch(name):
        name = name.replace(".", "_")
    if name == student and folded(name) not in {folded(other) for other in taken}:
        return name
    return f"{name}~{hashlib.sha256(student.encode(errors='replace')).hexdigest()[:6]}"


def folded(name: str) -> str:
    """Equal for names that some file system takes for one: by case, or by composed accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def safe_path(name: str) -> PurePosixPath | None:
    """A path inside somebody's archive, or None where it would lead out, or into trouble."""
    parts = name.split("/")
    if len(parts) > _DEEPEST or any(_unsafe(part) for part in parts):
        return None
    return PurePosixPath(*parts)


def _unsafe(part: str) -> bool:
    return (
        part in ("", ".", "..")
        or part.casefold() in (".git", "git~1")
        or part.endswith((" ", "."))
        or any(_unfit(character) for character in part)
        or _RESERVED.fullmatch(part) is not None
        or len(part.encode(errors="replace")) > _LONGEST_PART
    )


def _unfit(character: str) -> bool:
    return bool(_NOWHERE.match(character)) or unicodedata.category(character) in ("Cc", "Cs", "Cf")
