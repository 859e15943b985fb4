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
    "ground": ("errors", "locate", "course", "record"),
    "services": (
        "choose",
        "manifest",
        "export",
        "progress_file",
        "progress",
        "sources",
        "tracing",
        "diagnosis",
        "grouping",
        "advice",
        "completion",
        "display",
    ),
    "hook rooms": (
        "settings",
        "selection",
        "scheduling",
        "exporting",
        "recording",
        "ledger",
        "reporting",
        "fixtures",
    ),
    # inventory runs pytest and reads its items with the hook rooms' own eyes.
    "door": ("plugin", "inventory", "cli"),
}
RANK = {room: rank for rank, rooms in enumerate(LAYERS.values()) for room in rooms}
HEAVY = {"rich", "jupytext", "numpy", "hypothesis", "filelock", "typer"}


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
            yield from ("." * node.level + (node.module or "") for _ in node.names[:1])
            if node.module == PACKAGE:
                yield from (f"{PACKAGE}.{alias.name}" for alias in node.names)


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


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
            elif target.startswith(f"{PACKAGE}.") and RANK.get(room(target), 99) > RANK[room(name)]:
                wrong.append(f"{name}: imports {target}")
    return wrong


def cycles(files: dict[str, str]) -> list[str]:
    """Files that reach themselves through imports, those inside functions included."""
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
    assert len(found) == 1 and wrong in found[0]


def test_a_cycle_is_found():
    files = {"p.a": "import p.b", "p.b": "def f():\n    import p.c", "p.c": "import p.a", "p.d": ""}
    assert cycles(files) == ["p.a", "p.b", "p.c"]


def top_level(text: str) -> set[str]:
    """The first names of all imports that run when the file is imported."""
    found = set()
    for node in ast.parse(text).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {name.split(".")[0] for name in names}
    return found


def test_the_ground_knows_neither_pytest_nor_what_is_heavy():
    files = {n: t for n, t in sources().items() if room(n) in LAYERS["ground"]}
    assert len(files) == len(LAYERS["ground"])
    for text in files.values():
        assert {name.split(".")[0] for name in imports(text)} & (HEAVY | {"pytest"}) == set()


def test_what_is_heavy_is_imported_where_it_is_used():
    allowed = {"cli": {"typer"}, "display": {"rich"}}
    for name, text in sources().items():
        heavy = top_level(text) & HEAVY - allowed.get(room(name), set())
        assert heavy == set(), f"{name} imports {heavy} at the top"


def test_the_plugin_never_names_the_students_package():
    for name, text in sources().items():
        assert not [t for t in imports(text) if t.split(".")[0] == "tinytorch"], name


def test_each_room_imports_alone():
    code = """
import importlib, sys
for name in sys.argv[1:]:
    for loaded in [m for m in sys.modules if m.startswith("pytest_tinytorch")]:
        del sys.modules[loaded]
    importlib.import_module(name)
print("all")
"""
    names = [name.removesuffix(".__init__") for name in sources()]
    done = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=False
    )
    assert done.stdout == "all\n", done.stderr


def test_the_door_is_a_short_list_that_imports_nothing_heavy():
    assert len((ROOT / "plugin.py").read_text("utf-8").splitlines()) < 60
    code = "import sys, pytest_tinytorch.plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & (HEAVY | {"pytest"}) == set()


def test_files_are_named_for_what_is_in_them():
    stems = {path.stem for path in ROOT.rglob("*.py")}
    assert stems & {"utils", "util", "helpers", "common", "misc"} == set()
    empty = [p for p in ROOT.rglob("*.py") if p.name != "__init__.py" and not p.read_text("utf-8")]
    assert empty == []
