"""The project's own workflow and those that documents hand out: valid by the schemas, careful."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_tinytorch.core.course import load_course

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
FOLDER = ROOT / "docs/ci"
NIGHTLY = ROOT / ".github/workflows/nightly.yml"
GITHUB = [*sorted(FOLDER.glob("github-*.yml")), NIGHTLY]
GITLAB = sorted(FOLDER.glob("gitlab-*.yml"))
PINNED = re.compile(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def load(path: Path) -> dict[str, Any]:
    data = yaml.safe_load(path.read_text("utf-8"))
    data["on"] = data.pop(True, None)  # YAML 1.1 reads the word as a truth value
    return data


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def objections(path: Path, schema: str) -> str:
    """What a published schema, as `check-jsonschema` carries it, has against a file."""
    pytest.importorskip("check_jsonschema", reason="it carries the schemas; it is not installed")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_workflows_are_valid_by_githubs_schema(path):
    assert objections(path, "vendor.github-workflows") == ""


@pytest.mark.parametrize("path", GITLAB, ids=lambda path: path.name)
def test_pipelines_are_valid_by_gitlabs_schema(path):
    assert objections(path, "vendor.gitlab-ci") == ""


@pytest.mark.parametrize(
    "name, schema, old, new",
    [
        ("github-student.yml", "vendor.github-workflows", "runs-on:", "runs-in:"),
        ("github-student.yml", "vendor.github-workflows", "contents: read", "contents: reed"),
        ("gitlab-student.yml", "vendor.gitlab-ci", "junit: grade.xml", "junit: [{}]"),
    ],
)
def test_what_a_schema_refuses_is_found(tmp_path, name, schema, old, new):
    text = (FOLDER / name).read_text("utf-8")
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new))
    assert "Schema validation errors" in objections(tmp_path / name, schema)


def careless(text: str) -> list[str]:
    """What a workflow of GitHub does not take care of."""
    workflow = yaml.safe_load(text)
    wrong = []
    if workflow.get("permissions") != {"contents": "read"}:
        wrong.append("permissions")
    if "group" not in workflow.get("concurrency", {}):
        wrong.append("concurrency")
    wrong += [f"no end: {n}" for n, job in workflow["jobs"].items() if "timeout-minutes" not in job]
    used = re.findall(r"uses: (.*)", text)
    wrong += [f"not pinned: {action}" for action in used if not PINNED.fullmatch(action)]
    for step in steps(workflow):
        action, options = step.get("uses", "").partition("@")[0], step.get("with", {})
        if action == "actions/checkout" and options.get("persist-credentials", True):
            wrong.append("credentials stay")
        if action == "actions/setup-python" and options.get("cache") != "pip":
            wrong.append("nothing is cached")
        # Text from outside that is put into a script runs; in a variable, it is a value.
        if "${{" in step.get("run", ""):
            wrong.append(f"an expression in a script: {step['run']}")
    return wrong


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_workflows_are_careful(path):
    assert careless(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "old, new, found",
    [
        ("contents: read", "contents: write", "permissions"),
        ("concurrency:", "env:", "concurrency"),
        ("    timeout-minutes: 15\n", "", "no end: grade"),
        (" # v7.0.1", "", "not pinned"),
        ("persist-credentials: false", "persist-credentials: true", "credentials stay"),
        ("cache: pip\n", "check-latest: true\n", "nothing is cached"),
        ("run: pip install .", "run: echo ${{ github.head_ref }}", "an expression"),
    ],
)
def test_carelessness_is_found(old, new, found):
    text = (FOLDER / "github-student.yml").read_text("utf-8")
    assert text.count(old) == 1
    assert [found in wrong for wrong in careless(text.replace(old, new))] == [True]


def test_pushes_that_change_no_source_run_nothing():
    """What is watched is what a submission is taken from, and nothing of that is left out."""
    wanted = {COURSE.sources, "checkpoints", "course.toml"}
    watched = load(FOLDER / "github-student.yml")["on"]["push"]["paths"]
    assert {name.removesuffix("/**") for name in watched} == wanted
    [rule] = load(FOLDER / "gitlab-student.yml")["grade"]["rules"]
    assert {name.removesuffix("/**/*") for name in rule["changes"]} == wanted


def test_a_newer_push_stops_what_is_under_way():
    concurrency = load(FOLDER / "github-student.yml")["concurrency"]
    assert concurrency["cancel-in-progress"] is True and "github.ref" in concurrency["group"]
    assert load(FOLDER / "gitlab-student.yml")["grade"]["interruptible"] is True


def test_what_was_graded_is_kept_however_a_run_ends():
    text = (FOLDER / "github-class.yml").read_text("utf-8")
    kept = [step for step in steps(yaml.safe_load(text)) if "results" in str(step.get("with"))]
    restored, saved, uploaded = kept
    assert saved["with"]["key"] == restored["with"]["key"]
    assert saved["with"]["key"].startswith(restored["with"]["restore-keys"])
    assert saved["if"] == uploaded["if"] == "${{ always() }}"


def test_the_python_is_one_that_the_course_runs_on():
    from packaging.specifiers import SpecifierSet

    project = (ROOT / "pyproject.toml").read_text("utf-8")
    needed = SpecifierSet(re.search('requires-python = "(.*)"', project)[1])
    for path in GITHUB + GITLAB:
        text = path.read_text("utf-8")
        versions = re.findall(r'python-version: "(.*)"|image: python:([\d.]+)', text)
        assert [version for pair in versions for version in pair if version], path
        assert all(version in needed for pair in versions for version in pair if version)


def test_of_them_only_the_nightly_one_runs_here():
    assert len(GITHUB) == 3 and len(GITLAB) == 1
    assert [path.name for path in (ROOT / ".github/workflows").iterdir()] == [NIGHTLY.name]
    assert not (ROOT / ".gitlab-ci.yml").exists()


def test_every_reader_is_fuzzed_each_night(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests/fuzz")
    from readers import READERS

    matrix = load(NIGHTLY)["jobs"]["guided"]["strategy"]["matrix"]
    assert matrix["reader"] == list(READERS)
