"""Imports of the plugin: what is heavy waits until it is used, and each file imports alone.

The order of the folders is in pyproject.toml; `make lint` checks it with import-linter.
"""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "pytest_tinytorch"
ROOT = Path(__file__).parents[2] / PACKAGE

HEAVY = {"rich", "jupytext", "numpy", "hypothesis", "filelock", "typer", "jinja2"}


def sources() -> dict[str, str]:
    """Module name -> text of every file of the plugin."""
    return {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path.read_text("utf-8")
        for path in sorted(ROOT.rglob("*.py"))
    }


def imports(text: str) -> Iterator[str]:
    """Every module that is imported anywhere in a text, also inside functions."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
            if (node.module or "").split(".")[0] == PACKAGE:  # a name may be a file or a folder
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def folder_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def students(files: dict[str, str], package: str) -> list[str]:
    """Files that import the student's package by name."""
    return [n for n, text in files.items() if package in {t.split(".")[0] for t in imports(text)}]


def at_import(node: ast.AST) -> Iterator[str]:
    """Imports that run when a file is imported: not in functions, nor for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            children = ast.Module(child.orelse, [])
            yield from at_import(children)
        elif isinstance(child, ast.Import | ast.ImportFrom):
            yield from imports(ast.unparse(child))
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from at_import(child)


def heavy_at_the_top(files: dict[str, str]) -> list[str]:
    """What is heavy and loaded before it is used, except where the folder is about it."""
    allowed = {
        "cli": {"typer"},
        "reports": {"rich"},
        "isolation": {"numpy"},
        "gradebook": {"numpy", "rich"},
    }
    return [
        f"{name}: {heavy}"
        for name, text in files.items()
        for heavy in sorted({t.split(".")[0] for t in at_import(ast.parse(text))} & HEAVY)
        if heavy not in allowed.get(folder_of(name), set())
    ]


def test_what_is_heavy_is_imported_where_it_is_used():
    assert heavy_at_the_top(sources()) == []


def test_the_plugin_never_names_the_students_package():
    assert students(sources(), "tinytorch") == []


@pytest.mark.parametrize(
    "text, found",
    [
        ("import numpy as np", 1),
        ("try:\n    import rich\nexcept ImportError:\n    pass", 1),
        ("class A:\n    from hypothesis import given", 1),
        ("def f():\n    import numpy", 0),
        ("if TYPE_CHECKING:\n    import numpy", 0),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import numpy", 1),
    ],
    ids=["plain", "tried", "in a class", "in a function", "for types", "not for types"],
)
def test_what_is_heavy_is_found_at_the_top(text, found):
    assert len(heavy_at_the_top({f"{PACKAGE}.settings": text})) == found


@pytest.mark.parametrize("text", ["import tinytorch", "def f():\n    from tinytorch.core import a"])
def test_the_students_package_is_found(text):
    files = {f"{PACKAGE}.a": text, f"{PACKAGE}.b": f"import {PACKAGE}.core.discovery"}
    assert students(files, "tinytorch") == [f"{PACKAGE}.a"]


def alone(names: list[str], folder: Path) -> str:
    """What goes wrong when each file is imported with nothing of the plugin loaded before it."""
    code = """
import importlib, sys
for name in sys.argv[1:]:
    package = name.partition(".")[0]
    for loaded in [m for m in sys.modules if m.partition(".")[0] == package]:
        del sys.modules[loaded]
    importlib.import_module(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


def test_each_hook_module_imports_alone():
    names = [name.removesuffix(".__init__") for name in sources()]
    assert alone(names, ROOT.parent) == ""


def test_a_hook_module_that_needs_another_first_is_found(tmp_path):
    (tmp_path / "house").mkdir()
    (tmp_path / "house/__init__.py").write_text("")
    (tmp_path / "house/first.py").write_text("import sys\nsys.modules['house'].opened = True\n")
    (tmp_path / "house/second.py").write_text("import house\nhouse.opened\n")
    assert "opened" in alone(["house.first", "house.second"], tmp_path)
    assert alone(["house.first"], tmp_path) == ""


def loads(code: str) -> set[str]:
    """The packages that are loaded after some code has run."""
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_the_door_is_a_short_list_that_imports_nothing_heavy():
    assert len((ROOT / "plugin.py").read_text("utf-8").splitlines()) < 65
    assert loads("import pytest_tinytorch.plugin") & (HEAVY | {"pytest"}) == set()
    assert loads("import pytest_tinytorch.hooks.options") & {"pytest"} == {"pytest"}


def misnamed(folder: Path) -> list[str]:
    """Files with a name that says nothing, or with nothing in them."""
    vague = {"utils", "util", "helpers", "common", "misc"}
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    may_be_empty = {"__init__.py", "py.typed"}
    return [
        path.name
        for path in files
        if "__pycache__" not in path.parts
        if path.stem in vague or (path.name not in may_be_empty and not path.read_bytes().strip())
    ]


def test_files_are_named_for_what_is_in_them():
    assert misnamed(ROOT) == []


def test_a_vague_name_and_an_empty_file_are_found(tmp_path):
    for name, text in {
        "utils.py": "x = 1",
        "later.py": "\n",
        "py.typed": "",
        "good.py": "1",
    }.items():
        (tmp_path / name).write_text(text)
    assert misnamed(tmp_path) == ["later.py", "utils.py"]


def contracts(package: Path) -> subprocess.CompletedProcess[str]:
    """import-linter with the project's contracts, over a copy of the package."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
    ]
    return subprocess.run(
        [*command, "--no-cache"], cwd=package.parent, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "file, line, broken",
    [
        ("core/errors.py", "", ""),
        ("core/errors.py", "import pytest_tinytorch.hooks.session", "Folders import downward"),
        ("core/errors.py", "import pytest", "core knows neither pytest"),
        ("export/cells.py", "import pytest_tinytorch.export.service", "No circles"),
        ("novelty/__init__.py", "", "novelty"),
    ],
    ids=["as it is", "upward", "core", "circle", "without a place"],
)
def test_what_breaks_the_order_of_the_folders_is_found(tmp_path, file, line, broken):
    pytest.importorskip("importlinter")
    package = shutil.copytree(
        ROOT, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT.parent / "pyproject.toml", tmp_path)
    (package / file).parent.mkdir(exist_ok=True)
    with (package / file).open("a") as target:
        target.write(f"\n\ndef later():\n    {line or 'pass'}\n")
    done = contracts(package)
    assert (done.returncode == 0) is (not broken), done.stdout + done.stderr
    assert broken in done.stdout + done.stderr
