"""Shared by all of the project's own tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for forkserver, also when a folder is run alone

from forkserver import ForkServer

pytest_plugins = ["pytester"]

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the project itself."""
    return REPOSITORY


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the progress of the person who runs it."""
    home = tmp_path / "tinytorch-home"
    monkeypatch.setenv("TINYTORCH_HOME", str(home))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)  # a test that wants it sets it
    # As on a student's machine: with bytecode, starts are faster, and stale bytecode would show.
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return home


@pytest.fixture(scope="session")
def forkserver() -> Iterator[ForkServer]:
    """Runs pytest in a process of its own, many times."""
    server = ForkServer()
    yield server
    server.stop()
