"""Names of the plugin's modules that stand in strings, pages and scripts: each can be imported."""

import importlib
import re
import subprocess
from pathlib import Path

import pytest

from pytest_tinytorch.plugin import HOOK_MODULES

ROOT = Path(__file__).parents[2]
DOTTED = re.compile(r"\bpytest_tinytorch(?:\.[A-Za-z_]\w*)+")
PLACE = re.compile(r"\bpytest_tinytorch(?:/[\w.]+)+\.(?:py|html|css|sh)\b")


def texts():
    """(name, text) of every file of the project that may name a module, but for this one."""
    command = ["git", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kinds = {".py", ".toml", ".md", ".yml", ".sh", ""}
    for path in (ROOT / name for name in listed.splitlines()):
        if path.suffix in kinds and path.is_file() and path != Path(__file__):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def is_there(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[count:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


def wrong_names(name: str, text: str) -> list[str]:
    dotted = [found for found in set(DOTTED.findall(text)) if not is_there(found)]
    places = [place for place in set(PLACE.findall(text)) if not (ROOT / place).exists()]
    return [f"{name}: {found}" for found in dotted + places]


def test_every_module_that_is_named_is_there():
    assert [wrong for name, text in texts() for wrong in wrong_names(name, text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "-m pytest_tinytorch.absent",
        "monkeypatch.setattr('pytest_tinytorch.core.course.absent', 1)",
        "see pytest_tinytorch/core/absent.py",
    ],
    ids=["module", "attribute", "file"],
)
def test_a_name_that_is_not_there_is_found(text):
    assert len(wrong_names("page.md", text)) == 1


def test_the_hook_modules_are_there():
    assert [name for name in HOOK_MODULES if not is_there(f"pytest_tinytorch.{name}")] == []
