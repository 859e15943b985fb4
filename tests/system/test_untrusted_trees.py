"""Trees and names of somebody else's: nothing is written outside, and no neighbour is hurt."""

import hashlib
import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from forkserver import ForkServer

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

from arena import RIGHT, WRONG, make_arena

from pytest_tinytorch.core.names import folder_names
from pytest_tinytorch.isolation.levels import missing

EVIL = "raise SystemExit('this ran')\n"


def _course(old: str, new: str) -> Callable[[Path], None]:
    """Change course.toml, and its hash in the manifest, as somebody would who wants no remark."""

    def change(root: Path) -> None:
        path, manifest = root / "course.toml", root / "checkpoints/manifest.json"
        text = path.read_text().replace(old, new.replace("@OUT@", str(root.parent / "out")))
        assert text != path.read_text()
        path.write_text(text)
        data = json.loads(manifest.read_text())
        data["files"]["course.toml"] = hashlib.sha256(text.encode()).hexdigest()
        manifest.write_text(json.dumps(data))

    return change


def _manifest(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / "checkpoints/manifest.json"
        data = json.loads(path.read_text())
        data["files"][name.replace("@OUT@", str(root.parent / "out"))] = "0" * 64
        path.write_text(json.dumps(data))

    return change


def _link(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(root.parent / "out")

    return change


TREES = {
    "a package that leads up": _course('package = "net"', 'package = "../out/net"'),
    "a package with an absolute path": _course('package = "net"', 'package = "@OUT@/net"'),
    "a package of Python's own": _course('package = "net"', 'package = "json"'),
    "a package in the place of the tests": _course('package = "net"', 'package = "checkpoints"'),
    "a target with an absolute path": _course('"core.ops"', '"@OUT@/ops"'),
    "a target that leads up": _course('"core.ops"', '"core/../../../out/ops"'),
    "sources that lead up": _course('sources = "src"', 'sources = "../out"'),
    "sources with code in their name": _course('sources = "src"', 'sources = "src\\nimport os"'),
    "a checkpoint that leads up": _course('name = "Ops"', 'name = "../../out/x"'),
    "words that forge a line": _course('title = "Arena"', 'title = "a\\nGrade: 15 of 15 points"'),
    "a file that leads up": _manifest("../out/x"),
    "a file with an absolute path": _manifest("@OUT@/x"),
    "a file that Python runs": _manifest("sitecustomize.py"),
}
LINKS = {
    "a package that is a link": _link("net"),
    "a folder of the package that is a link": _link("net/core"),
    "a lock that is a link": _link("net/.export.lock"),
}


@pytest.mark.parametrize(
    "arguments", [["--grade"], ["--checkpoint", "all"], ["--progress"]], ids=" ".join
)
@pytest.mark.parametrize("change", [*TREES.values(), *LINKS.values()], ids=[*TREES, *LINKS])
def test_a_tree_decides_nothing_outside_of_itself(
    forkserver: ForkServer, change: Callable[[Path], None], arguments: list[str], tmp_path: Path
) -> None:
    root = make_arena(tmp_path / "tree", EVIL)
    (tmp_path / "out").mkdir()
    change(root)
    before = {path for path in tmp_path.rglob("*") if root not in path.parents}
    result = forkserver.run(arguments, root)
    output = "\n".join([*result.outlines, *result.errlines])
    assert {path for path in tmp_path.rglob("*") if root not in path.parents} == before, output
    assert not (root / "json").exists() and not (root / "checkpoints/__init__.py").exists()
    assert "Traceback" not in output and "INTERNALERROR" not in output
    assert not any(line.startswith("Grade: 15 of 15") for line in result.outlines)
    is_copied = change in LINKS.values() and arguments != ["--checkpoint", "all"]
    if not is_copied:  # of a copy, no link is a part; progress only reads
        assert result.ret == 4 and "this ran" not in output, output
        assert len([line for line in [*result.outlines, *result.errlines] if line.strip()]) <= 3


NAMES = (
    "...", "a[0]", "a::b::00", "a\nPASSED b::00 [100%]", "\x1b[2J", "nul", "C:", "Ada", "ADA",
    "\u202ebob", "-x", "x" * 200, "a\tb", "Grade: 15 of 15 points",
)  # fmt: skip
LEVELS = [
    "auto",
    *(
        pytest.param(level, marks=pytest.mark.slow)
        for level in ("landlock", "process")
        if not missing(level)
    ),
]


@pytest.mark.skipif(os.name == "nt", reason="names that Windows cannot have")
@pytest.mark.parametrize("level", LEVELS)
def test_odd_names_and_hostile_trees_cost_no_neighbour_a_point(
    forkserver: ForkServer, level: str, tmp_path: Path
) -> None:
    course = make_arena(tmp_path / "course")
    school = tmp_path / "class"
    due = {name: 15.0 if number % 2 else 5.0 for number, name in enumerate(NAMES)}
    for name, points in due.items():
        make_arena(school / name, RIGHT if points == 15 else WRONG)
    for name, change in TREES.items():
        change(make_arena(school / name, WRONG))
        due[name] = 5.0
    outside = set(tmp_path.iterdir())
    words = [f"--submissions={school}", f"--results={tmp_path / 'results'}", f"--isolate={level}"]
    result = forkserver.run([*words, "--checkpoint=00,01", "-p", "no:cacheprovider"], course)
    output = "\n".join([*result.outlines, *result.errlines])
    assert result.ret == 0, output
    found = {}
    for student, folder in folder_names(due).items():
        suite = ET.parse(tmp_path / "results" / folder / "grade.xml").getroot()[0]
        record = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
        tests = json.loads(record["record"] or "")["tests"]
        assert json.loads(record["record"] or "")["student"] == student
        found[student] = sum(test["points"] for test in tests)
    assert found == due
    assert set(tmp_path.iterdir()) - outside == {tmp_path / "results"}
    assert "\x1b" not in output and "\u202e" not in output
    assert not any(line.startswith(("PASSED b", "Grade: 15")) for line in result.outlines)
