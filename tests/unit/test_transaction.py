"""Several files change as one, or none does."""

import os
import stat
from pathlib import Path

import pytest

from pytest_tinytorch.export.transaction import write_all, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_are_written_and_removed(tmp_path):
    (tmp_path / "old").write_text("old")
    write_all({tmp_path / "a": "1\n", tmp_path / "deep/b": "ü", tmp_path / "old": None})
    assert (tmp_path / "a").read_bytes() == b"1\n"
    assert (tmp_path / "deep/b").read_text("utf-8") == "ü"
    assert names(tmp_path) == ["a", "deep"] and names(tmp_path / "deep") == ["b"]


def test_a_failure_midway_changes_nothing(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths[:2]:
        path.write_text("before")
    replace = Path.replace

    def failing(self, target):
        if Path(target).name == "c":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="No space left"):
        write_all({paths[0]: "after", paths[1]: None, paths[2]: "after"})
    assert [path.read_text() for path in paths[:2]] == ["before", "before"]
    assert names(tmp_path) == ["a", "b"]


def test_a_text_that_cannot_be_written_leaves_no_trace(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("before")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "I/O error")))
    with pytest.raises(OSError, match="I/O error"):
        write_text(tmp_path / "a", "after")
    assert (tmp_path / "a").read_text() == "before"
    assert [name for name in names(tmp_path) if not name.endswith(".tmp")] == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_permissions_are_kept(tmp_path):
    path = tmp_path / "a"
    write_text(path, "1")
    plain = tmp_path / "plain"
    plain.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    path.chmod(0o640)
    write_text(path, "2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_bytecode_of_an_earlier_version_is_forgotten(tmp_path):
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    for name in ("a.cpython-399.pyc", "ab.cpython-399.pyc"):
        (cache / name).write_bytes(b"")
    write_text(tmp_path / "a.py", "x = 1\n")
    assert "ab.cpython-399.pyc" in names(cache)
    assert "a.cpython-399.pyc" not in names(cache) or os.environ.get("PYTHONPYCACHEPREFIX")
