"""Several files change as one, or none does."""

import importlib.util
import os
import stat
import sys
from pathlib import Path

import pytest

from pytest_tinytorch.core.atomic import write_all, write_text


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


def failing_for(monkeypatch, method, name):
    """Let one method of Path fail for files of one name."""
    original = getattr(Path, method)

    def fail(self, *args, **kwargs):
        about = Path(args[0]) if method == "replace" else self
        if about.name == name:
            raise OSError(28, "No space left on device")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, method, fail)


@pytest.mark.parametrize("last", ["a", "b", "c"])
def test_wherever_it_fails_nothing_is_changed(tmp_path, monkeypatch, last):
    before = {"a": b"1\r\n", "b": b"\xff", "c": b""}
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    changes = {tmp_path / "new": "new", **{tmp_path / name: "after" for name in before}}
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        failing_for(patch, "replace", last)
        write_all(changes)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    write_all(changes)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"new", "after"}


def test_a_file_that_cannot_be_removed_leaves_the_others_unwritten(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).write_text("before")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        failing_for(patch, "unlink", "b")
        write_all({tmp_path / "a": "after", tmp_path / "b": None})
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "before", "b": "before"}


def test_texts_are_complete_before_the_first_file_is_touched(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("before")
    (tmp_path / "b").mkdir()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError):
        write_all({tmp_path / "a": "after", tmp_path / "file/c": "after"})
    assert (tmp_path / "a").read_text() == "before"
    assert names(tmp_path) == ["a", "b", "file"]


def test_a_folder_in_the_place_of_a_file_stays(tmp_path):
    (tmp_path / "a").write_text("before")
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError):
        write_all({tmp_path / "a": "after", tmp_path / "b": "after"})
    assert (tmp_path / "a").read_text() == "before"
    assert names(tmp_path) == ["a", "b"] and (tmp_path / "b").is_dir()


def test_to_remove_what_is_not_there_is_no_failure(tmp_path):
    write_all({tmp_path / "a": None})
    assert names(tmp_path) == []


def test_the_text_is_written_as_it_is(tmp_path):
    text = "ü\n\r\n大 \udcff"  # the last is a byte that was no UTF-8 when it was read
    write_text(tmp_path / "a", text)
    assert (tmp_path / "a").read_bytes() == "ü\n\r\n大 ".encode() + b"\xff"


def test_a_reader_of_the_old_file_keeps_reading_it(tmp_path):
    path = tmp_path / "a"
    path.write_text("before, and long")
    with path.open() as reader:
        write_text(path, "after")
        assert reader.read() == "before, and long"
    assert path.read_text() == "after"


def test_python_runs_the_new_code_although_time_and_size_are_those_of_the_old(
    tmp_path, monkeypatch
):
    path = tmp_path / "same_size.py"
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for text in ("x = 1 + 2\n", "x = 1 - 2\n"):
        write_text(path, text)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        spec = importlib.util.spec_from_file_location("same_size", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    assert module.x == -1
    assert names(tmp_path) == ["__pycache__", "same_size.py"]  # bytecode was in use


def test_the_permissions_of_later_files_stay_those_of_the_user(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "1")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
