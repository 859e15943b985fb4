"""Taking in: what is on the list, as plain files, and nothing else."""

import json
import os

import pytest
from mini_course import make_course

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.submissions.intake import Submission, take_in, take_in_hidden


@pytest.fixture
def tree(tmp_path):
    root = make_course(tmp_path / "tree")
    (root / "conftest.py").write_text('"""The course\'s own."""\n')
    manifest = root / "checkpoints/manifest.json"
    from pytest_tinytorch.core.course import load_course
    from pytest_tinytorch.core.manifest import load_manifest, make_manifest

    tests = load_manifest(load_course(root)).tests
    pairs = [(name, points) for group in tests.values() for name, points in group.items()]
    manifest.write_text(make_manifest(load_course(root), pairs).to_text())
    return root


def taken(tmp_path):
    target = tmp_path / "taken"
    return {p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()}


OWN = {
    "course.toml",
    "conftest.py",
    "pytest.ini",
    "checkpoints/manifest.json",
    "checkpoints/checkpoint_00_numbers.py",
    "checkpoints/checkpoint_01_words.py",
    "src/01_numbers.py",
    "src/02_words.py",
}


def test_what_is_on_the_list_is_taken_and_nothing_else(tree, tmp_path):
    for name in ("evil.py", "src/03_later.pyc", "src/evil.py", "checkpoints/conftest.py", ".hid/x"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("x")
    submission = take_in(tree, tmp_path / "taken", "ana")
    assert taken(tmp_path) == OWN
    assert (submission.student, submission.altered, submission.refused) == ("ana", (), ())
    assert "addopts" not in (tmp_path / "taken/pytest.ini").read_text()
    assert Submission.from_text(submission.to_text()) == submission


def test_what_differs_is_named_and_a_conftest_that_differs_is_left_out(tree, tmp_path):
    for name in ("conftest.py", "checkpoints/checkpoint_01_words.py", "course.toml"):
        (tree / name).write_text((tree / name).read_text() + "\n# mine\n")
    submission = take_in(tree, tmp_path / "taken", "")
    assert set(submission.altered) == {
        "conftest.py",
        "course.toml",
        "checkpoints/checkpoint_01_words.py",
    }
    assert taken(tmp_path) == OWN - {"conftest.py"}
    assert "differs from the course's own, so it is not loaded" in submission.refused[0]


def test_newlines_of_another_system_are_no_difference(tree, tmp_path):
    path = tree / "checkpoints/checkpoint_01_words.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert take_in(tree, tmp_path / "taken", "").altered == ()


def test_what_is_missing_is_named(tree, tmp_path):
    (tree / "checkpoints/checkpoint_01_words.py").unlink()
    with pytest.raises(CourseError, match=r"checkpoint_01_words.py is missing"):
        take_in(tree, tmp_path / "taken", "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize(
    "lay, words",
    [
        (lambda path: path.symlink_to("02_words.py"), "is a link"),
        (lambda path: path.symlink_to("/nowhere"), "is a link"),
        (os.mkfifo, "is not a plain file"),
        (lambda path: path.mkdir(), "is not a plain file"),
        (lambda path: path.write_bytes(bytes(2**20 + 1)), "has 1048577 bytes, more than 1048576"),
    ],
    ids=["link", "dangling", "pipe", "folder", "large"],
)
def test_sources_that_are_no_plain_files_are_refused_with_the_reason(tree, tmp_path, lay, words):
    path = tree / "src/01_numbers.py"
    path.unlink()
    lay(path)
    submission = take_in(tree, tmp_path / "taken", "")
    assert f"src/01_numbers.py: {words}" in submission.refused[0]
    assert taken(tmp_path) == OWN - {"src/01_numbers.py"}


def test_a_source_behind_a_link_is_refused(tree, tmp_path):
    (tree / "src").rename(tree / "elsewhere")
    (tree / "src").symlink_to(tree / "elsewhere")
    submission = take_in(tree, tmp_path / "taken", "")
    assert len(submission.refused) == 3 and "lies behind one" in submission.refused[0]


def test_a_folder_of_sources_that_leads_out_is_a_mistake_of_the_course(tree, tmp_path):
    (tree / "src").rename(tmp_path / "elsewhere")
    (tree / "src").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CourseError, match="sources = 'src' leads out; put the folder itself below"):
        take_in(tree, tmp_path / "taken", "")
    assert not (tmp_path / "taken").exists()


def test_a_source_that_is_not_there_is_no_offence(tree, tmp_path):
    (tree / "src/02_words.py").unlink()
    assert take_in(tree, tmp_path / "taken", "").refused == ()


def test_the_hash_of_sources_is_that_of_their_bytes(tree, tmp_path):
    first = take_in(tree, tmp_path / "a", "").sources
    assert take_in(tree, tmp_path / "b", "").sources == first
    path = tree / "src/02_words.py"
    path.write_text(path.read_text() + "\n")
    assert take_in(tree, tmp_path / "c", "").sources != first


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_the_commit_is_read_without_git(tree, tmp_path, monkeypatch, packed):
    for variable in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(variable, raising=False)
    assert take_in(tree, tmp_path / "a", "").commit == ""
    commit = "0123456789abcdef0123456789abcdef01234567"
    git = tree / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    if packed:
        (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{commit} refs/heads/main\n")
    else:
        (git / "refs/heads/main").write_text(f"{commit}\n")
    assert take_in(tree, tmp_path / "b", "").commit == commit
    (git / "HEAD").write_text(f"{commit[::-1]}\n")  # detached
    assert take_in(tree, tmp_path / "c", "").commit == commit[::-1]
    monkeypatch.setenv("GITHUB_SHA", "from the environment")
    assert take_in(tree, tmp_path / "d", "").commit == "from the environment"


def test_hidden_tests_come_with_their_manifest(tmp_path):
    folder = tmp_path / "secret"
    folder.mkdir()
    with pytest.raises(CourseError, match=r"no checkpoint_NN_\*.py is there"):
        take_in_hidden(folder, tmp_path / "taken")
    (folder / "checkpoint_00_more.py").write_text("x")
    with pytest.raises(CourseError, match="run `tito manifest --hidden"):
        take_in_hidden(folder, tmp_path / "taken")
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "tests": {}}))
    (folder / "notes.txt").write_text("not a test")
    take_in_hidden(folder, tmp_path / "taken")
    assert taken(tmp_path) == {"checkpoint_00_more.py", "manifest.json"}
