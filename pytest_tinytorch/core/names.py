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

LONGEST_LINE = 300  # characters of a text that is shown as one line
_NOT_ON_WINDOWS = re.compile(r'[<>:"/\\|?*]')
_DEVICES = re.compile(  # on Windows, with any ending; the superscript digits count, too
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?",
    re.IGNORECASE | re.DOTALL,
)
_OUR_OWN = re.compile(r".*\.zip|collected\.json", re.IGNORECASE | re.DOTALL)
_MARKED = re.compile(r".*~[0-9a-f]{8}", re.DOTALL)
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, formats, half characters, ends of lines
_LONGEST = 120  # bytes of a folder's name, with room for an ending below the usual 255
_LONGEST_PART, _DEEPEST = 200, 20
_LONGEST_WORD = 80  # characters of an identifier


def is_word(text: str) -> bool:
    """Whether Python takes the text for a name, and each system for the beginning of a file's name.

    Python composes the letters of a name (NFKC) before it looks for a file, so the text must be
    composed already. Names that begin with `__` are Python's own.
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
    """Whether a package of this name hides nothing of Python's own library."""
    return is_word(text) and text not in sys.stdlib_module_names


def is_number(text: str) -> bool:
    """Whether the text is two digits, the id of a module or a checkpoint."""
    return re.fullmatch("[0-9]{2}", text) is not None


def is_line(text: str) -> bool:
    """Whether the text can be shown as it is, on one line."""
    return text.isprintable() and len(text) <= LONGEST_LINE


def safe_path(name: str) -> PurePosixPath | None:
    """A relative path that each system can hold, or None where it would lead out."""
    parts = name.split("/")
    if len(parts) > _DEEPEST or any(_is_unsafe(part) for part in parts):
        return None
    return PurePosixPath(*parts)


def leads_out(root: Path, path: Path) -> str:
    """Return why a file in `root` must not be written; "" if it may be.

    With all links followed its folder must be `root` or below, and it must be a plain file or none.
    """
    try:
        if not path.parent.resolve().is_relative_to(root.resolve()):
            return "leads out"
    except (OSError, RuntimeError, ValueError) as error:  # such as a link that leads to itself
        return f"cannot be followed ({error})"
    if path.is_symlink():
        return "is a link"
    if os.path.lexists(path) and not path.is_file():
        return "is not a plain file"
    return ""


def folder_name(student: str, taken: Collection[str] = ()) -> str:
    """What a student's folder is called: the student's name wherever that can be.

    taken: the names of other students' folders. Where a name has to be changed, or is another's but
    for case, a piece of its hash tells it apart: the same in every run.
    """
    name = _fitted(student)
    if name == student and folded(name) not in {folded(other) for other in taken}:
        return name
    return _marked(student, name)


def folder_names(students: Iterable[str]) -> dict[str, str]:
    """Student -> folder, for all of a class at once: no order of the students matters."""
    fitted = {student: _fitted(student) for student in students}
    same = Counter(map(folded, fitted.values()))
    return {
        student: name if name == student and same[folded(name)] == 1 else _marked(student, name)
        for student, name in fitted.items()
    }


def folded(name: str) -> str:
    """Equal for names that some file system takes for one: by case, or by composed accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _fitted(student: str) -> str:
    """The student's name as every system can store it; not yet unique."""
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
    """A character that some system refuses, that nobody sees, or that ends a line."""
    return bool(_NOT_ON_WINDOWS.match(character)) or unicodedata.category(character) in _UNSEEN
