"""The texts of groups and of test ids are built and taken apart in `core/groups.py` alone.

Elsewhere, no f-string makes `hidden 05` or `05/test_name`, and nothing cuts a text at the `/` or
the blank in one. Files whose `/` is that of a path are listed with the reason.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_tinytorch.core.groups import Kind

PLUGIN = Path(__file__).parents[2] / "pytest_tinytorch"
FILES = [path for path in sorted(PLUGIN.rglob("*.py")) if path.name != "groups.py"]
PATHS = {
    "core/names.py": "paths of files",
    "reports/junit.py": "the path of a file of tests",
    "submissions/download.py": "paths in a zip",
    "submissions/platforms.py": "paths in a zip",
}
PREFIXES = tuple(f"{kind} " for kind in Kind if kind is not Kind.CHECKPOINT)
CUTTING = {"partition", "rpartition", "split", "rsplit"}
ASKING = {"startswith", "removeprefix"}


def found_in(tree: ast.AST, is_path: bool = False) -> Iterator[str]:
    """What builds or takes apart the text of a group."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and _is_group(node.values):
            yield f"{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.BinOp) and _is_text(node.left) and _begins_one(node.left.value):
            yield f"{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            first = node.args[0].value if node.args and _is_text(node.args[0]) else ""
            cuts = node.func.attr in CUTTING and (first == "/" and not is_path)
            asks = node.func.attr in ASKING and _begins_one(first)
            if cuts or asks:
                yield f"{node.lineno}: {ast.unparse(node)}"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _begins_one(text: object) -> bool:
    return isinstance(text, str) and text in PREFIXES


def _is_group(parts: list[ast.expr]) -> bool:
    """`hidden {id}` alone, or `/` after a group or an id; the name of a module is no id."""
    match parts:
        case [ast.Constant(value=prefix), ast.FormattedValue(value=value)]:
            return _begins_one(prefix) and not ast.unparse(value).endswith((".name", ".about"))
        case [ast.Constant(value=prefix), ast.FormattedValue(), ast.Constant(value=str(rest)), *_]:
            return _begins_one(prefix) and rest.startswith("/")
        case [ast.FormattedValue(value=value), ast.Constant(value=str(rest)), *_]:
            return rest.startswith("/") and ast.unparse(value).endswith(("group", ".id"))
    return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_no_other_file_knows_how_a_group_is_written(path):
    is_path = path.relative_to(PLUGIN).as_posix() in PATHS
    assert list(found_in(ast.parse(path.read_text("utf-8")), is_path)) == []


@pytest.mark.parametrize("name", PATHS)
def test_each_exception_is_still_one(name):
    assert list(found_in(ast.parse((PLUGIN / name).read_text("utf-8")))) != []


@pytest.mark.parametrize(
    "text",
    [
        'f"hidden {checkpoint.id}"',
        'f"milestone {name}/{test}"',
        'f"{test.group}/{name}"',
        'f"{checkpoint.id}/test_a"',
        '"module " + module.id',
        'test.id.partition("/")[0]',
        'identifier.split("/")',
        'text.startswith("hidden ")',
        'text.removeprefix("demo ")',
    ],
)
def test_what_this_test_finds(text):
    assert len(list(found_in(ast.parse(text)))) == 1


@pytest.mark.parametrize(
    "text",
    ['f"module {name} is not there"', 'f"{folder}/{name}"', 'words.split(" ")', '"module"'],
)
def test_what_it_leaves_alone(text):
    assert list(found_in(ast.parse(text))) == []
