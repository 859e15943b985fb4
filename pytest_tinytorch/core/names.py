"""Decides which names from course files and students are safe as files, modules and node ids.

`course`, `manifest` and `export.plan` check names of a course's tree with it; `submissions` and
`hooks.batch` check names of students and of their files.
"""

import hashlib
import keyword
import os
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

LONGEST_LINE = 300  # characters of a text shown on one line
_NOT_ON_WINDOWS = re.compile(r'[<>:"/\\|?*]')
_DEVICES = re.compile(  # on Windows, with any ending; superscript digits count, too
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?",
    re.IGNORECASE | re.DOTALL,
)
_OUR_OWN = re.compile(r".*\.zip|collected\.json|grades\.csv", re.IGNORECASE | re.DOTALL)
_MARKED = re.compile(r".*~[0-9a-f]{8}", re.DOTALL)
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, formats, surrogates, line ends
_LONGEST = 120  # bytes of a folder's name; with an ending it stays below the usual 255
_LONGEST_PART, _DEEPEST = 200, 20
_LONGEST_WORD = 80  # characters of an identifier


def is_word(text: str) -> bool:
    """Whether the text is a Python identifier, and a file of this name can exist on each system.

    Python normalizes identifiers (NFKC) before it looks for a file, so the text must be
    normalized already. Names that begin with `__` are reserved for Python.
    """
    return (
        text.isidentifier()
        and not keyword.iskeyword(text)
        and not text.startswith("__")
        and len(text) <= _LONGEST_WORD
        and unicodedata.normalize("NFKC", text) == text
        and not _DEVICES.fullmatch(text)
    )


def is_id(text: str) -> bool:
    """Whether the text can be the id of a checkpoint or a milestone: `05`, `xor`."""
    return is_number(text) or is_word(text)


def is_dotted(text: str) -> bool:
    """Whether the text is Python names joined by dots: `core.tensor`."""
    parts = text.split(".")
    return len(parts) <= _DEEPEST and all(is_word(part) for part in parts)


def is_package(text: str) -> bool:
    """Whether the text can name a package: a word that hides no module of the standard library."""
    return is_word(text) and text not in sys.stdlib_module_names


def is_number(text: str) -> bool:
    """Whether the text is two digits, the id of a module or a checkpoint."""
    return re.fullmatch("[0-9]{2}", text) is not None


def is_line(text: str) -> bool:
    """Whether the text can be shown unchanged, on one line."""
    return text.isprintable() and len(text) <= LONGEST_LINE


def safe_path(name: str) -> PurePosixPath | None:
    """The name as a relative path that is valid on each system; None if it is unsafe."""
    parts = name.split("/")
    if len(parts) > _DEEPEST or any(_is_unsafe(part) for part in parts):
        return None
    return PurePosixPath(*parts)


def leads_out(root: Path, path: Path) -> str:
    """Return why a file in `root` must not be written; "" if it may be.

    With all links resolved, its folder must be `root` or below. If it exists, it must be a plain
    file.
    """
    try:
        if not path.parent.resolve().is_relative_to(root.resolve()):
            return "leads out"
    except (OSError, RuntimeError, ValueError) as error:  # such as a link to itself
        return f"cannot be followed ({error})"
    if path.is_symlink():
        return "is a link"
    if os.path.lexists(path) and not path.is_file():
        return "is not a plain file"
    return ""


def folder_name(student: str, taken: Collection[str] = ()) -> str:
    """The name of a student's folder: the student's name, if it is a valid and free file name.

    taken: the names of other students' folders. A name that has to be changed, or differs from
    another only in case, gets a part of its hash, which is the same in every run.
    """
    name = _fitted(student)
    if name == student and folded(name) not in {folded(other) for other in taken}:
        return name
    return _marked(student, name)


def folder_names(students: Iterable[str]) -> dict[str, str]:
    """Student -> folder for a whole class. The result does not depend on the order of students."""
    fitted = {student: _fitted(student) for student in students}
    same = Counter(map(folded, fitted.values()))
    return {
        student: name if name == student and same[folded(name)] == 1 else _marked(student, name)
        for student, name in fitted.items()
    }


def folded(name: str) -> str:
    """A key that is equal for names that some file system treats as the same file."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _fitted(student: str) -> str:
    """The student's name as a file name that is valid on every system; not yet unique."""
    name = unicodedata.normalize("NFC", student)
    name = "".join("_" if _is_unfit(character) else character for character in name).strip(" .")
    name = name.encode()[:_LONGEST].decode(errors="ignore").rstrip(" .")
    if not name or name.startswith(("-", "~")) or _DEVICES.fullmatch(name):
        name = f"_{name}"
    if _OUR_OWN.fullmatch(name):
        name = name.replace(".", "_")
    return f"{name}_" if _MARKED.fullmatch(name) else name


def _marked(student: str, name: str) -> str:
    return f"{name}~{hashlib.sha256(student.encode(errors='surrogatepass')).hexdigest()[:8]}"


def _is_unsafe(part: str) -> bool:
    return (
        part in ("", ".", "..")
        or part.casefold() in (".git", "git~1")
        or part.endswith((" ", "."))
        or any(_is_unfit(character) for character in part)
        or _DEVICES.fullmatch(part) is not None
        or len(part.encode()) > _LONGEST_PART
    )


def _is_unfit(character: str) -> bool:
    """Whether some system refuses the character, or it is invisible, or it ends a line."""
    return bool(_NOT_ON_WINDOWS.match(character)) or unicodedata.category(character) in _UNSEEN
