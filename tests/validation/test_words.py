"""Committed text names no machine and no place of work, and every file says what it is."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = {".py", ".md", ".toml", ".json", ""}
FORBIDDEN = {
    "an absolute path": r"(?<![\w.~])/(?:home|Users|work|root|mnt)/\w",
    "a registry": r"\b(?:pypi\.org|registry\.npmjs|files\.pythonhosted)\b",
    "how it came about": r"\b(?:issue #?\d+|this session|helper session)\b",
    "an unfinished thought": r"\b(?:FIXME|XXX)\b",
    "trailing space": r"[ \t]+$",
}
# Where one of these words is what the file is about.
EXCEPTIONS = {"tests/validation/test_words.py"}


def committed() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if name not in EXCEPTIONS]


def mistakes(text: str) -> list[str]:
    return [
        f"line {number}: {what}: {line.strip()!r}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in FORBIDDEN.items()
        if re.search(pattern, line)
    ]


def test_no_file_says_where_or_how_it_was_made():
    files = [path for path in committed() if path.suffix in TEXT and path.is_file()]
    assert len(files) > 50
    found = {str(p.relative_to(ROOT)): mistakes(p.read_text("utf-8")) for p in files}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    "line",
    ["see /home/ann/x", "from https://pypi.org/simple", "as issue 7 says", "# FIXME", "x = 1 "],
)
def test_such_a_line_is_found(line):
    assert len(mistakes(line)) == 1


def test_every_file_of_the_plugin_says_what_it_is():
    files = sorted((ROOT / "pytest_tinytorch").rglob("*.py"))
    silent = [p.name for p in files if not ast.get_docstring(ast.parse(p.read_text("utf-8")))]
    assert [name for name in silent if name != "__init__.py"] == []
