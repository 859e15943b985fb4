"""From a literate source to the package: cells, lines, headers, and what is written when."""

import ast
import subprocess
import sys

import pytest

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.export.cells import SourceError, exported_cells
from pytest_tinytorch.export.line_map import source_position
from pytest_tinytorch.export.render import code_digest, generated_text, is_edited, read_stamp
from pytest_tinytorch.export.service import code_keys, export, pending

SOURCE = '''# %% [markdown]
"""
# Not code
"""

# %%
#| default_exp core.a
#| export
import os
x = 1

# %%
x = 2  # not exported

# %% nbgrader={"grade": false}
#| export core.b
def f():
    return 1


def g():
    return 2

# %%
#| export
x = 1
'''


def cells(text, targets=("core.a", "core.b")):
    found, _ = exported_cells(text, "src/01_a.py", targets)
    return [(c.target, c.line, c.code) for c in found]


def test_exported_cells_with_their_lines():
    assert cells(SOURCE) == [
        ("core.a", 9, "import os\nx = 1"),
        ("core.b", 17, "def f():\n    return 1\n\n\ndef g():\n    return 2"),
        ("core.a", 26, "x = 1"),
    ]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_newlines_of_other_systems(tmp_path, newline, course):
    path = course.source_file(course.modules[0])
    text = path.read_text()
    export(course)
    before = course.target_file("core.numbers").read_bytes()
    path.write_bytes(text.replace("\n", newline).encode())
    export(course)
    assert (
        course.target_file("core.numbers").read_bytes().split(b"\n", 3)[3]
        == (before.split(b"\n", 3)[3])
    )


WRONG = {
    "syntax": ("return 2", "return (", 22, "'(' was never closed"),
    "null byte": ("x = 2", "x = '\0'", 1, "null"),
}


@pytest.mark.parametrize("old, new, line, message", WRONG.values(), ids=WRONG)
def test_what_cannot_be_exported_names_its_line(old, new, line, message):
    with pytest.raises(SourceError) as error:
        cells(SOURCE.replace(old, new))
    assert message in str(error.value) and error.value.line == line


def test_every_line_of_every_cell_is_mapped_back(tmp_path):
    found = exported_cells(SOURCE, "src/01_a.py", ("core.a", "core.b"))[0]
    source = SOURCE.splitlines()
    for target in ("core.a", "core.b"):
        text = generated_text("src/01_a.py", SOURCE, [c for c in found if c.target == target])
        path = tmp_path / f"{target}.py"
        path.write_text(text)
        lines = text.splitlines()
        mapped = 0
        for number, line in enumerate(lines, 1):
            position = source_position(path, number)
            if line and not line.startswith("#"):
                assert position == ("src/01_a.py", position[1]) and source[position[1] - 1] == line
                mapped += 1
        assert mapped == sum(
            len(c.code.split("\n")) - c.code.count("\n\n") - c.code.count("\n\n\n")
            for c in found
            if c.target == target
        )
        assert source_position(path, 1) is None


def test_generated_text_is_the_same_each_time_and_says_where_it_is_from():
    found = exported_cells(SOURCE, "src/01_a.py", ("core.a", "core.b"))[0]
    text = generated_text("src/01_a.py", SOURCE, found)
    assert text == generated_text("src/01_a.py", SOURCE, list(found))
    assert text.startswith("# Generated from src/01_a.py. Do not edit: write in src/01_a.py")
    assert ast.parse(text) and not is_edited(text) and is_edited(text + "x = 3\n")
    assert is_edited("x = 3\n") and read_stamp("x = 3\n") is None


SAME = ["x=1", "x = 1  # why", "\n\nx = (1)\n", "# %%\nx = 1"]
OTHER = ["x = 2", "y = 1", "x = 1.0", "x = '1'", "x = 1\nx = 1", "x: int = 1", "x = -1", "x = True"]


def test_code_is_known_by_its_meaning():
    assert {code_digest(text) for text in SAME} == {code_digest("x = 1")}
    assert len({code_digest(text) for text in OTHER}) == len(OTHER)
    assert code_digest("x = 1") not in {code_digest(text) for text in OTHER}


def edit(course, old, new, module=0):
    path = course.source_file(course.modules[module])
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def times(course):
    return {p.name: p.stat().st_mtime_ns for p in course.package_folder.rglob("*.py")}


def test_only_what_changed_is_written(course):
    report = export(course)
    assert report.written == (
        "mini/__init__.py",
        "mini/core/__init__.py",
        "mini/core/numbers.py",
        "mini/core/words.py",
    )
    before = times(course)
    assert export(course).written == () and times(course) == before
    edit(course, "return a + b", "return b + a")
    assert export(course).written == ("mini/core/numbers.py",)
    assert {name for name in before if times(course)[name] != before[name]} == {"numbers.py"}
    assert export(course, [course.modules[1]]).written == ()


def test_an_unchanged_tree_reads_no_notebooks(course):
    export(course)
    code = (
        "import sys; from pathlib import Path\n"
        "from pytest_tinytorch.core.course import load_course\n"
        "from pytest_tinytorch.export.service import export\n"
        "print(export(load_course(Path(sys.argv[1]))).written,"
        " sorted({'jupytext', 'filelock', 'pytest', 'rich'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(course.root)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "() []\n"


def test_pending_says_what_an_export_would_do_and_does_nothing(course):
    assert len(pending(course).written) == 4 and not course.package_folder.exists()


def test_a_broken_source_raises_its_own_error_and_others_are_exported(course):
    export(course)
    edit(course, "return a + b", "return a +")
    edit(course, "return double", "return  double", module=1)
    report = export(course)
    assert [str(broken) for broken in report.broken] == ["src/01_numbers.py:11: invalid syntax"]
    assert "return  double" in course.target_file("core.words").read_text()
    with pytest.raises(SyntaxError) as error:
        exec(course.target_file("core.numbers").read_text())
    assert (error.value.filename, error.value.lineno) == ("src/01_numbers.py", 11)
    assert (error.value.msg, error.value.text) == ("invalid syntax", "    return a +")
    edit(course, "return a +", "return a + b")
    assert export(course).broken == ()
    assert "return a + b" in course.target_file("core.numbers").read_text()


def test_a_source_that_is_no_text_is_broken(course):
    course.source_file(course.modules[0]).write_bytes(b"# %%\nx = '\xff'\n")
    [broken] = export(course).broken
    assert str(broken) == (
        "src/01_numbers.py:2: this line is not UTF-8 text; save the file as UTF-8"
    )


def test_a_removed_source_takes_its_file_along(course):
    export(course)
    course.source_file(course.modules[1]).unlink()
    assert export(course).removed == ("mini/core/words.py",)
    assert not course.target_file("core.words").exists()


def test_an_edit_by_hand_is_kept_each_time(course):
    export(course)
    path = course.target_file("core.numbers")
    original = path.read_text()
    for number, name in ((1, "numbers.py.edited"), (2, "numbers.py.edited-2")):
        path.write_text(original.replace("return add(a, a)", f"return {number}"))
        [kept] = export(course).kept
        assert str(kept) == (
            "mini/core/numbers.py is generated, and was edited by hand. Your version is saved as"
            f" mini/core/{name}; make the change in src/01_numbers.py:18 instead."
        )
        assert f"return {number}" in (path.parent / name).read_text()
        assert path.read_text() == original


def test_a_file_that_no_export_wrote_is_kept(course):
    path = course.target_file("core.numbers")
    path.parent.mkdir(parents=True)
    path.write_text("mine = 1\n")
    [kept] = export(course).kept
    assert (path.parent / "numbers.py.edited").read_text() == "mine = 1\n"
    assert kept.file == "mini/core/numbers.py"


def test_a_package_that_cannot_be_written_is_one_line(course):
    course.package_folder.write_text("a file where the folder should be")
    with pytest.raises(CourseError) as error:
        export(course)
    assert "\n" not in str(error.value) and "mini" in str(error.value)
    assert course.package_folder.read_text() == "a file where the folder should be"


def test_keys_follow_the_code_of_sources_exported_or_not(course):
    before = code_keys(course, course.modules)
    assert before["03_later"] == "" and len({*before.values()}) == 3
    export(course)
    assert code_keys(course, course.modules) == before
    edit(course, "    return a + b", "    # sum\n    return a + b")
    assert code_keys(course, course.modules) == before
    edit(course, "return a + b", "return b + a")
    after = code_keys(course, course.modules)
    assert [name for name in after if after[name] != before[name]] == ["01_numbers"]


def test_the_package_follows_course_toml(course):
    export(course)
    path = course.root / "course.toml"
    path.write_text(path.read_text().replace('"double", "mean"', '"double", "mean", "median"'))
    assert export(load_course(course.root)).written == ("mini/__init__.py",)
