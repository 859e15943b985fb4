"""Odd submissions between honest ones: the neighbours' exact scores at each isolation level."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

from arena import HONEST, RIGHT, WRONG, make_arena

from pytest_tinytorch.isolation.levels import missing

LEVELS = [
    pytest.param(level, marks=[*slow, *([pytest.mark.skip(missing(level))] * bool(missing(level)))])
    for level, slow in (
        ("process", []),
        ("landlock", [pytest.mark.slow]),
        ("bwrap", [pytest.mark.slow]),
    )
]


def head_of(content: bytes) -> Callable[[Path], object]:
    """A checkout whose HEAD says this."""

    def lay(root: Path) -> None:
        (root / ".git").mkdir()
        (root / ".git/HEAD").write_bytes(content)

    return lay


def source_of(content: bytes) -> Callable[[Path], object]:
    return lambda root: (root / "src/01_ops.py").write_bytes(content)


def notebook_of(text: str) -> Callable[[Path], object]:
    def lay(root: Path) -> None:
        (root / "src/01_ops.py").unlink()
        (root / "src/01_ops.ipynb").write_text(text)

    return lay


def folder_as_source(root: Path) -> None:
    (root / "src/01_ops.py").unlink()
    (root / "src/01_ops.py").mkdir()


def locked(root: Path) -> None:
    (root / "src/01_ops.py").chmod(0)


ODD = {
    "a HEAD that is not a text": head_of(b"ref: \xff\xfe\x00/\n"),
    "a HEAD that leads up": head_of(b"ref: refs/../../../../etc/hostname\n"),
    "a HEAD with a long name": head_of(b"ref: refs/" + b"x" * 5000),
    "a HEAD with a zero byte": head_of(b"ref: refs/heads/a\0b\n"),
    "a HEAD that is a folder": lambda root: (root / ".git/HEAD").mkdir(parents=True),
    "a source that is not a text": source_of(b"\xff\xfe\x00\x80"),
    "a source with a zero byte": source_of(RIGHT.encode() + b"\nx = '\0'\n"),
    "a source of one line": source_of(b"x = [" + b"1, " * 20_000 + b"]\n"),
    "a source of another export": source_of(b"#| default_exp ../../up\n#| export\nx = 1\n"),
    "a source that is a folder": folder_as_source,
    "a source that is locked": locked,
    "a notebook that is a number": notebook_of("3"),
    "a notebook of odd cells": notebook_of('{"cells": {"0": 1}, "nbformat": [4]}'),
    "a notebook of nested lists": notebook_of("[" * 3000 + "]" * 3000),
    "nothing at all": lambda root: [path.unlink() for path in root.rglob("*") if path.is_file()],
}


def make_class(folder: Path) -> dict[str, float]:
    """An honest student before and after each odd one; honest student -> the points due."""
    due = {}
    for number, (name, lay) in enumerate(ODD.items()):
        for place, (source, points) in (("a", (RIGHT, 15.0)), ("c", (WRONG, HONEST))):
            student = f"{number:02} {place}"
            make_arena(folder / student, f"{source}\n# {student}\n")
            due[student] = points
        odd = make_arena(folder / f"{number:02} b {name}", RIGHT)
        lay(odd)
    return due


def grade(root: Path, folder: Path, level: str) -> "subprocess.CompletedProcess[str]":
    words = [f"--submissions={folder}", f"--results={root.parent / 'results'}"]
    command = [sys.executable, "-m", "pytest", *words, f"--isolate={level}"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=root, capture_output=True, text=True, check=False
    )


def points(results: Path, student: str) -> float:
    suite = ET.parse(results / student / "grade.xml").getroot()[0]
    properties = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    return sum(test["points"] for test in json.loads(properties["record"])["tests"])


def kept(results: Path) -> dict[str, bytes]:
    return {str(p.relative_to(results)): p.read_bytes() for p in results.rglob("*") if p.is_file()}


@pytest.mark.skipif(os.name != "posix", reason="modes and names of POSIX")
@pytest.mark.parametrize("level", LEVELS)
def test_neighbours_of_odd_submissions_get_what_is_due(tmp_path: Path, level: str) -> None:
    root = make_arena(tmp_path / "course/tree")
    due = make_class(tmp_path / "class")
    results = root.parent / "results"
    first = grade(root, tmp_path / "class", level)
    for done in (first, grade(root, tmp_path / "class", level)):
        output = done.stdout + done.stderr
        assert done.returncode in (0, 1), output
        assert "INTERNALERROR" not in output and "Traceback" not in output
        assert f"{3 * len(ODD)} students" in output
        assert {student: points(results, student) for student in due} == due
        if done is first:
            files = kept(results)
    assert kept(results) == files
    reviewed = first.stdout.partition("For review")[2]
    assert not any(f"  {student} " in reviewed for student in due), reviewed
