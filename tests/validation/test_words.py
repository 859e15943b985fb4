"""Committed text names no machine and no place of work, and every file says what it is."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNWRITTEN = "an unfinished thought"
GENERATED = {".git", ".venv", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"}
GENERATED |= {".hypothesis", ".benchmarks", "build", "dist"}
FORBIDDEN = {
    "an absolute path": r"(?<![\w.~])/(?:home|Users|work|root|mnt)/|\b[A-Z]:\\\\Users\\b",
    "a registry": r"\b(?:pypi\.org|registry\.npmjs|files\.pythonhosted|conda\.anaconda)\b",
    "how it came about": r"\bissue (?:#|\d)|\b(?:this|helper) session\b|(?<!\w)shared/|\bfarm\b",
    UNWRITTEN: r"\b(?:FIXME|XXX)\b|(?<!\.)\bTODO:|# ?TODO\b",
    "trailing space": r"[ \t]+$",
}
# Where one of these words is what the file is about.
# .ci/run looks for data beside the project.
EXCEPTIONS = {"tests/validation/test_words.py", ".ci/run"}


def committed() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    files = [ROOT / name for name in done.stdout.splitlines()]
    if done.returncode != 0:  # an unpacked archive, where nothing but caches was added
        files = [p for p in ROOT.rglob("*") if not GENERATED & set(p.relative_to(ROOT).parts)]
    return [p for p in files if p.is_file() and str(p.relative_to(ROOT)) not in EXCEPTIONS]


def is_text(path: Path) -> bool:
    return b"\0" not in path.read_bytes()[:8192]


def mistakes(text: str, a_students: bool = False) -> list[str]:
    """What no line may say; only what students are still to write may be marked as such."""
    return [
        f"line {number}: {what}: {line.strip()!r}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in FORBIDDEN.items()
        if not (a_students and what == UNWRITTEN) and re.search(pattern, line)
    ]


def test_no_file_says_where_or_how_it_was_made():
    files = {path.relative_to(ROOT): path for path in committed() if is_text(path)}
    assert len(files) > 50
    theirs = {"src_modules", "tinytorch"}
    found = {
        str(name): mistakes(path.read_text("utf-8"), name.parts[0] in theirs)
        for name, path in files.items()
    }
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


BAD = {
    "home": "see /home/ann/x",
    "workplace": "in /work/ there is",
    "registry": "from https://pypi.org/simple",
    "issue": "as issue 7 says",
    "issue with a sign": "see issue #",
    "workplace's folder": "see ../shared/design",
    "session": "this session wrote it",
    "fixme": "# FIXME",
    "to do": "# TODO later",
    "to do, in a docstring": "TODO: write it",
    "trailing space": "x = 1 ",
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD)
def test_such_a_line_is_found(line):
    assert len(mistakes(line)) == 1


@pytest.mark.parametrize("line", ["Verdict.TODO", "~/work/x", "a shared array", "issues"])
def test_such_a_line_is_not(line):
    assert mistakes(line) == []


def test_students_steps_may_be_to_do():
    assert mistakes("TODO: add", a_students=True) == []
    assert len(mistakes("see /home/ann", a_students=True)) == 1


def silent(files: dict[str, str]) -> list[str]:
    """Files without a docstring."""
    return [name for name, text in files.items() if not ast.get_docstring(ast.parse(text))]


def test_every_file_of_the_plugin_says_what_it_is():
    files = {str(p): p.read_text("utf-8") for p in (ROOT / "pytest_tinytorch").rglob("*.py")}
    assert len(files) > 30
    assert silent(files) == []


def test_a_file_without_a_docstring_is_found():
    assert silent({"a.py": "# says nothing\nx = 1", "b.py": '"""Says it."""'}) == ["a.py"]


# Each of these was found hard to understand, and has a plain form that is used instead.
RIDDLES = {
    "mend": r"\b[Mm]end(?:s|ed|ing)?\b(?!-)",  # fix
    "told": r"\b[Tt]old\b",  # text, message
    "asked": r"\b[Aa]sked\b",  # requested
    "kept aside": r"\bkept aside\b|\bkeep an edit\b",
    "an opinion of an object": r"\bopinion\b",
    "the process of its judge": r"\bof its judge\b",
    "no 0": r"\bis no 0\b|\bnot even 0\b",
    "not taken in": r"\bNot taken(?: in)?:",
    "not the course's own": r"\bNot the course's own\b",
    "who hands nothing in": r"\bwho hands nothing in\b",
}


def riddles(text: str) -> list[str]:
    return [name for name, pattern in RIDDLES.items() if re.search(pattern, text)]


def test_plugin_and_docs_use_plain_terms():
    files = [*(ROOT / "pytest_tinytorch").rglob("*.py"), *(ROOT / "docs").rglob("*.md")]
    texts = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in files}
    found = {name: riddles(text) for name, text in texts.items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_an_unclear_term_is_found():
    assert riddles("Mend that line. Not taken in: b.py") == ["mend", "not taken in"]
    assert riddles("he asked, and was told") == ["told", "asked"]
    assert riddles("recommend this; amended text; masked; mend-1 is an anchor") == []
