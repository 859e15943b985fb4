"""Which file of a submission is which module's source, whatever it is called."""

import io
import zipfile
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.platforms import own_names
from pytest_tinytorch.submissions.reader import Taken, read_submission

COURSE = load_course(Path(__file__).parents[2])
TENSOR = "src_modules/02_tensor.py"
CODE = b"# %%\n#| default_exp core.tensor\n#| export\nx = 1\n"
PLAIN = b"x = 1\n"  # without a line that names its module
NOTEBOOK = (
    b'{"cells": [{"cell_type": "code", "source": "#| default_exp core.tensor\\n#| export\\nx = 1",'
    b' "metadata": {}, "outputs": [], "execution_count": null}], "metadata": {}, "nbformat": 4,'
    b' "nbformat_minor": 5}'
)


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def take(tmp_path: Path, files: dict[str, bytes], form: str = "folder") -> Taken:
    if form == "zip":
        (tmp_path / "ana.zip").write_bytes(zipped(files))
        return read_submission(COURSE, Submitted("ana", tmp_path / "ana.zip"))
    (tmp_path / "ana").mkdir()
    for name, content in files.items():
        (tmp_path / "ana" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ana" / name).write_bytes(content)
    return read_submission(COURSE, Submitted("ana", tmp_path / "ana"))


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize(
    "name",
    [
        "02_tensor (1).py",
        "02_tensor(2).py",
        "02_tensor - Copy.py",
        "02_tensor - Kopie (3).py",
        "02_tensor copy 2.py",
        "02_tensor (copy).py",
        "02_tensor 2.py",
        "02_tensor-1.py",
        "02_Tensor.py",
        "02_TENSOR.PY",
        "LATE_02_tensor.py",
        "lastname_12345_67890_02_tensor.py",
        "lastname_LATE_12345_67890_02_tensor-2 (1).py",
        "LATE_anon_12_34_02_tensor.py",
        "Ada Lovelace_12_assignsubmission_file_02_tensor.py",
        "Ada Lovelace_12_assignsubmission_file_/02_tensor.py",
    ],
)
def test_what_a_platform_or_a_copy_added_is_undone(tmp_path, name, form):
    taken = take(tmp_path, {f"a/{name}": PLAIN, "README.md": b""}, form)
    assert taken.sources == {TENSOR: PLAIN} and "02_tensor" not in taken.unclear
    if not name.endswith("/02_tensor.py"):
        why = "its own name is that of the module"
        assert taken.notes == (f"a/{name} was read as {TENSOR}: {why}",)


@pytest.mark.parametrize("name", ["tensor.py", "2_tensor.py", "final version.py", "02-tensor.py"])
def test_a_file_of_another_name_that_says_its_module_is_taken(tmp_path, name):
    taken = take(tmp_path, {name: CODE, "03_activations.py": PLAIN})
    assert taken.sources[TENSOR] == CODE
    assert taken.notes == (f"{name} was read as {TENSOR}: it has `default_exp core.tensor`",)
    assert taken.unclear == {}


def test_a_notebook_of_another_name_that_says_its_module_is_taken(tmp_path):
    taken = take(tmp_path, {"Untitled (1).ipynb": NOTEBOOK})
    assert b"#| export\nx = 1" in taken.sources[TENSOR]
    assert "it has `default_exp core.tensor`" in taken.notes[0]


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("levels", [1, 2])
def test_a_zip_within_a_submission_is_read(tmp_path, form, levels):
    content = zipped({"src_modules/02_tensor.py": CODE})
    for _ in range(levels - 1):
        content = zipped({"inner.zip": content})
    taken = take(tmp_path, {"outer.zip": content}, form)
    assert taken.sources == {TENSOR: CODE}
    inner = "outer.zip/inner.zip" if levels == 2 else "outer.zip"
    assert taken.notes == (f"{inner}/src_modules/02_tensor.py was read as {TENSOR}",)


def test_an_inner_zip_is_not_read_deeper_and_no_zero(tmp_path):
    content = zipped({"02_tensor.py": CODE})
    for _ in range(2):
        content = zipped({"a.zip": content})
    taken = take(tmp_path, {"a.zip": content})
    assert taken.sources == {} and "files seen: " in taken.unclear["02_tensor"]


def test_a_damaged_inner_zip_is_named_and_for_review(tmp_path):
    taken = take(tmp_path, {"work.zip": b"no zip", "03_activations.py": PLAIN})
    assert taken.refused == ("work.zip: is not a zip file",)
    assert "files seen: work.zip" in taken.unclear["02_tensor"]


@pytest.mark.parametrize(
    "files, seen",
    [
        ({}, "none"),
        ({"work.rar": b"Rar!"}, "work.rar"),
        ({"notes.md": b""}, "notes.md"),
        ({"02_tensor.txt": b"", "03_activations.py": PLAIN}, "02_tensor.txt, 03_activations.py"),
        ({"solution.py": PLAIN, "03_activations.py": PLAIN}, "solution.py, 03_activations.py"),
        ({"tinytorch/core/tensor.py": PLAIN, "03_activations.py": PLAIN}, "tinytorch/core/tensor"),
    ],
)
def test_what_may_be_the_work_is_for_review(tmp_path, files, seen):
    taken = take(tmp_path, files)
    [first, *_] = [taken.unclear["02_tensor"]]
    assert first.startswith(f"nothing found for module 02_tensor; files seen: {seen}")
    assert first.endswith("; names looked for: 02_tensor.py or 02_tensor.ipynb")
    assert "02_tensor" not in taken.missing


def test_a_module_that_nobody_handed_in_is_missing_and_not_for_review(tmp_path):
    files = {
        "03_activations.py": PLAIN,
        "README.md": b"",
        "requirements.txt": b"",
        "test_x.py": b"",
    }
    taken = take(tmp_path, files)
    assert taken.unclear == {} and "03_activations" not in taken.missing
    assert taken.missing["02_tensor"].startswith("nothing found for module 02_tensor; files seen:")


def test_files_of_a_checkout_are_no_work_of_a_missing_module(tmp_path):
    files = {
        "course.toml": b"",
        "src_modules/03_activations.py": PLAIN,
        "demos/x/program.py": PLAIN,
    }
    taken = take(tmp_path, files)
    assert taken.unclear == {} and "02_tensor" in taken.missing
    (tmp_path / "more").mkdir()
    taken = take(tmp_path / "more", {**files, "src_modules/my_work.py": PLAIN})
    assert "my_work.py" in taken.unclear["02_tensor"]


def test_two_different_files_are_for_review_and_two_equal_ones_are_not(tmp_path):
    (tmp_path / "a").mkdir()
    taken = take(tmp_path / "a", {"tensor1.py": CODE, "tensor2.py": CODE + b"# newer\n"})
    assert taken.unclear["02_tensor"] == (
        "2 different files may be module 02_tensor: tensor1.py, tensor2.py"
    )
    taken = take(tmp_path, {"02_tensor (1).py": CODE, "02_tensor (2).py": CODE})
    assert taken.sources == {TENSOR: CODE}
    assert taken.notes[-1] == "02_tensor (2).py was ignored: 02_tensor (1).py is graded instead"


def test_the_exact_name_counts_and_the_copy_is_said(tmp_path):
    taken = take(tmp_path, {"02_tensor (1).py": CODE, "02_tensor.py": PLAIN})
    assert taken.sources == {TENSOR: PLAIN}
    assert taken.notes == ("02_tensor (1).py was ignored: 02_tensor.py is graded instead",)


@pytest.mark.parametrize("name", ["03_activations.py", "03_activations (1).py"])
def test_a_file_that_says_another_module_than_its_name_is_for_review(tmp_path, name):
    taken = take(tmp_path, {name: CODE, "02_tensor.py": CODE})
    assert taken.sources == {TENSOR: CODE}
    assert taken.unclear["03_activations"] == f"{name}: says `default_exp` of module 02_tensor"


def test_a_name_is_undone_step_by_step():
    names = list(own_names("lovelaceada_LATE_123_456_02_tensor-1 (2).py"))
    assert names == ["02_tensor-1 (2).py", "02_tensor-1.py", "02_tensor.py"]
    assert list(own_names("02_tensor.py")) == ["02_tensor.py"]
    assert list(own_names("456_02_tensor.py")) == ["02_tensor.py"]  # an older file, from Canvas
