"""The wheel holds the plugin alone, and works where it is installed."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.manifest import load_manifest

ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel; it is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("pytest_tinytorch", "pyproject.toml", "README.md", "LICENSE"):
        copier = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copier(ROOT / name, source / name)
    command = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run(command, check=True)
    (built,) = folder.glob("*.whl")
    return built


def differences(held: list[str], wanted: list[str]) -> list[str]:
    """What a wheel lacks, and what it should not hold, its own records apart."""
    own = {name for name in held if ".dist-info/" not in name}
    lacks = [f"lacks {name}" for name in sorted(set(wanted) - own)]
    return lacks + [f"should not hold {name}" for name in sorted(own - set(wanted))]


def test_it_holds_every_file_of_the_plugin_and_nothing_of_the_course(wheel):
    files = [p for p in (ROOT / "pytest_tinytorch").rglob("*") if p.is_file()]
    wanted = [p.relative_to(ROOT).as_posix() for p in files if "__pycache__" not in p.parts]
    assert {"pytest_tinytorch/py.typed", "pytest_tinytorch/export/lazy_package.py"} <= set(wanted)
    assert differences(zipfile.ZipFile(wheel).namelist(), wanted) == []


def test_a_wheel_with_other_files_is_found():
    held = ["p/a.py", "course.toml", "p-1.dist-info/RECORD"]
    assert differences(held, ["p/a.py", "p/py.typed"]) == [
        "lacks p/py.typed",
        "should not hold course.toml",
    ]


def test_it_works_installed_elsewhere(wheel, tmp_path):
    """A course in another folder, with the plugin from the wheel instead of from this checkout."""
    site, course = tmp_path / "site", tmp_path / "course"
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    course.mkdir()
    for name in ("course.toml", "conftest.py", "checkpoints", "milestones", "data", "src_modules"):
        copier = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copier(ROOT / name, course / name)
    conftest = course / "conftest.py"
    where = "import pytest_tinytorch\n\ndef pytest_report_header():\n"
    where += "    return f'plugin: {pytest_tinytorch.__path__[0]}'\n"
    conftest.write_text(conftest.read_text("utf-8") + "\n\n" + where, "utf-8")
    environment = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "300"}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(
            command, cwd=course, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    shown = run("--checkpoint", "00", "-v")
    tests = load_manifest(load_course(course)).of(Group.parse("00"))
    assert f"plugin: {site / 'pytest_tinytorch'}" in shown and f"{len(tests)} passed" in shown
    assert (course / "tinytorch/core/tensor.py").exists()
    assert "00 Environment      achieved" in run("--progress")
