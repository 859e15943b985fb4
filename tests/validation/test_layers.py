"""Upper rooms import lower ones only, nothing goes round in circles, and each room stands alone."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "pytest_tinytorch"
ROOT = Path(__file__).parents[2] / PACKAGE

# From the ground up. A room is a file or a folder; a new one must be given its place here.
LAYERS = {
    "ground": (
        "errors",
        "home",
        "printable",
        "plain_file",
        "names",
        "locate",
        "course",
        "record",
    ),
    "services": (
        "choose",
        "manifest",
        "export",
        "progress_file",
        "temporary",
        "progress",
        "deadline",
        "sources",
        "tracing",
        "alarm",
        "isolation",
        "diagnosis",
        "measure",
        "grouping",
        "advice",
        "completion",
        "grade",
        "tally",
        "collect",
        "next_step",
        "wording",
        "display",
        "feedback",
        "batch",
        "gradescope",
    ),
    "hook rooms": (
        "settings",
        "selection",
        "scheduling",
        "exporting",
        "isolating",
        "timing",
        "recording",
        "ledger",
        "grading",
        "submissions",
        "reporting",
        "fixtures",
    ),
    # inventory runs pytest and reads its items with the hook rooms' own eyes.
    "door": ("plugin", "inventory", "commands", "cli"),
}
RANK = {room: rank for rank, rooms in enumerate(LAYERS.values()) for room in rooms}
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


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def students(files: dict[str, str], package: str) -> list[str]:
    """Files that import the student's package by name."""
    return [n for n, text in files.items() if package in {t.split(".")[0] for t in imports(text)}]


def upward(files: dict[str, str]) -> list[str]:
    """Imports of a higher room, relative imports, and files without a place."""
    wrong = []
    for name, text in files.items():
        if room(name) in ("", "__init__"):
            continue
        if room(name) not in RANK:
            wrong.append(f"{name}: has no place in LAYERS")
            continue
        for target in imports(text):
            if target.startswith("."):
                wrong.append(f"{name}: relative import")
            elif RANK.get(room(target), 0) > RANK[room(name)] and target.startswith(PACKAGE):
                wrong.append(f"{name}: imports {target}")
    return wrong


def cycles(files: dict[str, str]) -> list[str]:
    """Files that reach themselves through imports, those inside functions included."""
    files = {name.removesuffix(".__init__"): text for name, text in files.items()}
    graph = {
        name: {t for t in imports(text) if t in files} - {name} for name, text in files.items()
    }
    found = []
    for start in graph:
        reached, pending = set(), list(graph[start])
        while pending:
            name = pending.pop()
            if name not in reached:
                reached.add(name)
                pending += graph[name]
        if start in reached:
            found.append(start)
    return found


def test_rooms_import_downward():
    assert upward(sources()) == []


def test_no_import_cycle():
    assert cycles(sources()) == []


@pytest.mark.parametrize(
    "name, text, wrong",
    [
        ("course", "import pytest_tinytorch.ledger", "imports pytest_tinytorch.ledger"),
        ("export.plan", "def f():\n    from pytest_tinytorch import cli", "pytest_tinytorch.cli"),
        ("ledger", "from . import recording", "relative import"),
        ("novelty", "", "has no place in LAYERS"),
    ],
)
def test_an_import_upward_is_found(name, text, wrong):
    found = upward({f"{PACKAGE}.{name}": text})
    assert any(wrong in line for line in found), found


def test_a_cycle_is_found():
    files = {"p.a": "import p.b", "p.b": "def f():\n    import p.c", "p.c": "import p.a", "p.d": ""}
    assert cycles(files) == ["p.a", "p.b", "p.c"]


def test_a_cycle_within_a_folder_is_found():
    files = {
        f"{PACKAGE}.export.__init__": "",
        f"{PACKAGE}.export.plan": f"from {PACKAGE}.export import render",
        f"{PACKAGE}.export.render": f"def f():\n    from {PACKAGE}.export import plan",
    }
    assert cycles(files) == [f"{PACKAGE}.export.plan", f"{PACKAGE}.export.render"]


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
    """What is heavy and loaded before it is used, except where it is all that a room is about."""
    allowed = {"cli": {"typer"}, "commands": {"typer"}, "display": {"rich"}, "isolation": {"numpy"}}
    return [
        f"{name}: {heavy}"
        for name, text in files.items()
        for heavy in sorted({t.split(".")[0] for t in at_import(ast.parse(text))} & HEAVY)
        if heavy not in allowed.get(room(name), set())
    ]


def on_the_ground(files: dict[str, str]) -> list[str]:
    """Imports of pytest, or of what is heavy, anywhere on the ground floor."""
    return [
        f"{name}: {target}"
        for name, text in files.items()
        if room(name) in LAYERS["ground"]
        for target in imports(text)
        if target.split(".")[0] in HEAVY | {"pytest", "_pytest"}
    ]


def test_the_ground_knows_neither_pytest_nor_what_is_heavy():
    assert {room(name) for name in sources()} >= set(LAYERS["ground"])
    assert on_the_ground(sources()) == []


def test_what_is_heavy_is_imported_where_it_is_used():
    assert heavy_at_the_top(sources()) == []


def test_the_plugin_never_names_the_students_package():
    assert students(sources(), "tinytorch") == []


@pytest.mark.parametrize(
    "line, found",
    [
        ("import pytest", ["pytest"]),
        ("def f():\n    from numpy.linalg import norm", ["numpy.linalg"]),
        ("import json", []),
    ],
    ids=["pytest", "in a function", "light"],
)
def test_what_the_ground_must_not_know_is_found(line, found):
    files = {f"{PACKAGE}.record": line, f"{PACKAGE}.settings": line}
    assert on_the_ground(files) == [f"{PACKAGE}.record: {name}" for name in found]


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
    files = {f"{PACKAGE}.ledger": text, f"{PACKAGE}.course": "import pytest_tinytorch.locate"}
    assert students(files, "tinytorch") == [f"{PACKAGE}.ledger"]


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


def test_each_room_imports_alone():
    names = [name.removesuffix(".__init__") for name in sources()]
    assert alone(names, ROOT.parent) == ""


def test_a_room_that_needs_another_first_is_found(tmp_path):
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
    assert len((ROOT / "plugin.py").read_text("utf-8").splitlines()) < 64
    assert loads("import pytest_tinytorch.plugin") & (HEAVY | {"pytest"}) == set()
    assert loads("import pytest_tinytorch.settings") & {"pytest"} == {"pytest"}


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
