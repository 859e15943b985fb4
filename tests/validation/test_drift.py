"""What is generated and committed is what its sources give now; what documents name is there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pytest_tinytorch.course import load_course
from pytest_tinytorch.export.service import export
from pytest_tinytorch.manifest import load_manifest

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
ALIASES = {"--junitxml"}  # of --junit-xml: the older name, which everybody uses
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def copy(tmp_path: Path, *names: str) -> Path:
    for name in names:
        copier = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copier(ROOT / name, tmp_path / name)
    return tmp_path


def python_files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.py"))}


def test_the_package_is_what_the_sources_give(tmp_path):
    root = copy(tmp_path, "course.toml", "checkpoints", "src_modules")
    export(load_course(root))
    assert python_files(root / "tinytorch") == python_files(ROOT / "tinytorch")


def test_the_manifest_is_what_the_checkpoints_hold(tmp_path):
    root = copy(tmp_path, "course.toml", "conftest.py", "checkpoints", "src_modules", "data")
    manifest = root / "checkpoints/manifest.json"
    manifest.unlink()
    command = [sys.executable, "-c", "from pytest_tinytorch.cli import main; main()", "manifest"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert manifest.read_text() == (ROOT / "checkpoints/manifest.json").read_text()


def test_points_of_the_manifest_are_those_of_the_course():
    manifest = load_manifest(COURSE)
    written = [c for c in COURSE.checkpoints if COURSE.is_written(c)]
    assert list(manifest.tests) == [c.id for c in written]
    assert [sum(manifest.of(c.id).values()) for c in written] == [c.points for c in written]
    for checkpoint in written:
        text = (ROOT / checkpoint.file).read_text("utf-8")
        functions = re.findall(r"^def (test_\w+)", text, re.MULTILINE)
        listed = {name.partition("/")[2].partition("[")[0] for name in manifest.of(checkpoint.id)}
        assert listed == set(functions)


def test_the_digits_are_what_their_script_makes(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn makes the digits; it is not installed")
    script = shutil.copy(ROOT / "data/make_digits.py", tmp_path)
    subprocess.run([sys.executable, script], check=True, capture_output=True)
    made, kept = np.load(tmp_path / "digits.npz"), np.load(ROOT / "data/digits.npz")
    assert sorted(made.files) == sorted(kept.files)
    for name in made.files:
        np.testing.assert_array_equal(made[name], kept[name])


def test_the_weights_are_what_their_script_trains(tmp_path):
    """Not to the last bit: the order of sums in a product is the processor's own."""
    root = copy(tmp_path, "data", "tinytorch")
    kept = dict(np.load(root / "data/digits_mlp.npz"))
    (root / "data/digits_mlp.npz").unlink()
    script = [sys.executable, str(root / "data/train_digits_mlp.py")]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    made = dict(np.load(root / "data/digits_mlp.npz"))
    assert list(made) == list(kept)
    for name, array in made.items():
        np.testing.assert_allclose(array, kept[name], rtol=0.05, atol=0.05)
    assert float(re.search(r"held out: ([\d.]+)%", done.stdout)[1]) >= 95.5


def links(text: str) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    missing = [
        link for link in links(document.read_text("utf-8")) if not (document.parent / link).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist(document):
    text = document.read_text("utf-8")
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", text, re.MULTILINE)) <= targets
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for options in re.findall(r"`?pytest ((?:--?\w[\w=-]*[ `]?(?:[\w./,-]+[ `]?)?)+)", text):
        for option in re.findall(r"--[a-z][\w-]*", options):
            assert option in shown or option in ALIASES, option


def test_make_installs_what_the_project_says_it_needs():
    """Python and packages that module 01 asks for are those of pyproject.toml."""
    import tomllib

    from tinytorch.core.setup import WANTED

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pairs = (re.fullmatch(r"([\w-]+)>=([\d.]+)", entry) for entry in project["dependencies"])
    needed = {match[1]: match[2] for match in pairs if match}
    needed["python"] = project["requires-python"].removeprefix(">=")

    def places(version: str) -> list[int]:
        return [int(part) for part in f"{version}.0".split(".")][:2]

    assert {n: places(v) for n, v in WANTED.items()} == {n: places(needed[n]) for n in WANTED}
