"""What is generated and committed is what its sources give now; what documents name is there."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.groups import Group
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.export.service import export

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
WRITTEN_BY_RUNS = {"progress.json", "grade.xml"}  # named in documents, and never committed
ALIASES = {"--junitxml"}  # of --junit-xml: the older name, which everybody uses
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("docs/ci/*.yml")]
)


def copy(tmp_path: Path, *names: str) -> Path:
    for name in names:
        copier = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copier(ROOT / name, tmp_path / name)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but caches and locks: one that no source gives is found too."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
    kept = [path for path in files if path.suffix != ".lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}


def drift(kept: Path, made: Path) -> list[str]:
    """Names of files that are in one folder alone, or differ."""
    old, new = contents(kept), contents(made)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def test_the_package_is_what_the_sources_give(tmp_path):
    root = copy(tmp_path, "course.toml", "checkpoints", "milestones", "src_modules")
    export(load_course(root))
    assert len(contents(root / "tinytorch")) >= 5
    assert drift(ROOT / "tinytorch", root / "tinytorch") == []


def test_an_export_of_what_is_there_changes_nothing(tmp_path):
    root = copy(tmp_path, "course.toml", "checkpoints", "milestones", "src_modules", "tinytorch")
    report = export(load_course(root))
    assert [*report.written, *report.removed, *report.kept, *report.broken] == []
    assert drift(ROOT / "tinytorch", root / "tinytorch") == []


def test_drift_is_found(tmp_path):
    kept = copy(tmp_path, "tinytorch") / "tinytorch"
    (kept / "core/stray.txt").write_text("x")
    (kept / "core/tensor.py").write_bytes((kept / "core/tensor.py").read_bytes() + b"\n")
    (kept / "core/setup.py").unlink()
    found = drift(kept, ROOT / "tinytorch")
    assert found == ["core/setup.py", "core/stray.txt", "core/tensor.py"]


def test_the_manifest_is_what_checkpoints_and_milestones_hold(tmp_path):
    root = copy(
        tmp_path, "course.toml", "conftest.py", "checkpoints", "milestones", "src_modules", "data"
    )
    manifest = root / "checkpoints/manifest.json"
    manifest.unlink()
    command = [sys.executable, "-m", "pytest_tinytorch.cli", "manifest"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert manifest.read_text() == (ROOT / "checkpoints/manifest.json").read_text()


def disagreements(course: Course, tests: Mapping[Group, Mapping[str, float]]) -> list[str]:
    """Where ids and points of a manifest are not those of the course and its files of tests."""
    written = {c.group: c for c in course.collections if course.is_written(c)}
    wrong = [] if set(tests) == set(written) else [f"checkpoints {[*map(str, tests)]}"]
    for identifier, points in tests.items():
        checkpoint = written.get(identifier)
        if checkpoint is None:
            continue
        if sum(points.values()) != checkpoint.points:
            wrong.append(f"{identifier}: {sum(points.values())} points of {checkpoint.points}")
        text = (ROOT / checkpoint.file).read_text("utf-8")
        functions = set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))
        listed = {name.partition("/")[2].partition("[")[0] for name in points}
        wrong += [f"{identifier}: {name}" for name in sorted(listed ^ functions)]
    return wrong


def test_points_of_the_manifest_are_those_of_the_course():
    assert disagreements(COURSE, load_manifest(COURSE).tests) == []


def test_a_manifest_that_disagrees_is_found():
    tests = load_manifest(COURSE).tests
    first, *others = tests
    assert disagreements(COURSE, {group: tests[group] for group in others})
    more = {**tests, first: {**tests[first], first.test_id("test_gone"): 1.0}}
    total = COURSE.collection_of(first).points
    assert disagreements(COURSE, more) == [
        f"{first}: {total + 1:.1f} points of {total}",
        f"{first}: test_gone",
    ]


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


def dead_links(text: str, folder: Path) -> list[str]:
    """Relative links to nothing, and anchors for which the document has no heading."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        if not (folder / path).exists():
            dead.append(link)
        elif anchor:
            document = (folder / path).read_text("utf-8") if path else text
            dead += [] if anchor in anchors(document) else [link]
    return dead


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def missing_files(text: str) -> list[str]:
    """What a document names as a file or folder of the project, and is not there.

    In `...` everything with a folder or a known ending; in a block, the first word of its lines
    that is followed by what it is.
    """
    inline = re.findall(r"`([\w.-]+(?:/[\w.-]*)+|[\w-]+\.(?:py|md|toml|json|npz))`", text)
    blocks = "".join(re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    listed = re.findall(r"^([\w./-]+(?:/|\.\w+))  +\S", blocks, re.MULTILINE)
    names = [
        *inline,
        *re.findall(r"(?<![\w./~])((?:src_modules|docs|data)/\w+\.\w+)", text),
        *listed,
    ]
    here = WRITTEN_BY_RUNS | {name for name in names if (ROOT / name).exists()}
    return [name for name in dict.fromkeys(names) if name not in here]


def unknown_targets(text: str, makefile: str) -> list[str]:
    """Targets that a document tells people to make, and the Makefile cannot."""
    targets = re.findall(r"^([\w-]+):", makefile, re.MULTILINE)
    used = re.findall(r"(?:^|`)make ([a-z][\w-]*)", text, re.MULTILINE)
    return [name for name in dict.fromkeys(used) if name not in targets]


def unknown_options(text: str, shown: str) -> list[str]:
    """Options of pytest that a document names, and `pytest --help` does not."""
    known = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", shown)) | ALIASES
    commands = re.findall(r"\bpytest((?: +(?!#)[^\s`|,;]+)+)", text)
    used = [option for command in commands for option in re.findall(r" (--[a-z][\w-]*)", command)]
    return [option for option in dict.fromkeys(used) if option not in known]


@pytest.fixture(scope="module")
def pytest_help() -> str:
    command = [sys.executable, "-m", "pytest", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    assert dead_links(document.read_text("utf-8"), document.parent) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist(document, pytest_help):
    text = document.read_text("utf-8")
    assert unknown_targets(text, (ROOT / "Makefile").read_text("utf-8")) == []
    assert unknown_options(text, pytest_help) == []


def test_files_that_the_readme_names_exist():
    assert missing_files((ROOT / "README.md").read_text("utf-8")) == []


def test_what_a_document_names_wrongly_is_found(pytest_help):
    text = (
        "[a](gone.md) [b](README.md#gone) [c](README.md#first-commands) [d](#none) [e](https://x)"
    )
    assert dead_links(text, ROOT) == ["gone.md", "README.md#gone", "#none"]
    named = "`docs/gone.md`, `course.toml`, `gone.py`\n```\ngone/   a folder\ndata/   sets\n```\n"
    assert missing_files(named) == ["docs/gone.md", "gone.py", "gone/"]
    assert unknown_targets("`make lint`, `make tea`\nmake test", "lint:\ntest: lint\n") == ["tea"]
    commands = "`pytest --check 01` `pytest tests -n 2 --progress=json --gone`"
    assert unknown_options(commands, pytest_help) == ["--check", "--gone"]


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
