"""What an export does to the files of the package, and what it says about it."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.export.plan import BrokenSource, ExportReport, KeptEdit
from pytest_tinytorch.export.service import code_keys, export, pending

FILES = ("mini/__init__.py", "mini/core/__init__.py", "mini/core/numbers.py", "mini/core/words.py")


def edit(course, old, new, module=0):
    path = course.source_file(course.modules[module])
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def contents(course):
    """Every file of the package with its bytes and its time."""
    return {
        path.relative_to(course.root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in course.package_folder.rglob("*")
        if path.is_file() and path.name != ".export.lock"
    }


def test_the_first_export_writes_the_package_and_nothing_else(course):
    outside = {path for path in course.root.rglob("*") if path.is_file()}
    assert export(course) == ExportReport(written=FILES)
    assert tuple(sorted(contents(course))) == FILES
    now = {path for path in course.root.rglob("*") if path.is_file()}
    inside = {path for path in now if course.package_folder in path.parents}
    assert now - inside == outside


def test_a_second_export_touches_nothing(course):
    export(course)
    before = contents(course)
    assert export(course) == ExportReport()
    assert contents(course) == before


def test_pending_says_what_an_export_would_do_and_writes_nothing(course):
    assert pending(course) == ExportReport(written=FILES)
    assert not course.package_folder.exists()
    export(course)
    assert pending(course) == ExportReport()
    edit(course, "return a + b", "return b + a")
    edit(course, "return double", "return (double", module=1)
    path = course.target_file("core.numbers")
    path.write_text(path.read_text().replace("2a, by", "2a by"))
    before = contents(course)
    planned = pending(course)
    assert contents(course) == before
    assert [broken.module for broken in planned.broken] == ["02_words"]
    assert [kept.file for kept in planned.kept] == ["mini/core/numbers.py"]
    assert export(course) == planned


def test_only_the_modules_that_were_asked_for_are_exported(course):
    numbers, words, _ = course.modules
    assert export(course, [words]).written == (FILES[0], FILES[1], "mini/core/words.py")
    assert not course.target_file("core.numbers").exists()
    edit(course, "double(word)", "word", module=1)
    assert export(course, [numbers]).written == ("mini/core/numbers.py",)
    assert "double(word)" in course.target_file("core.words").read_text()


def test_a_comment_renews_the_file_and_leaves_its_key(course):
    export(course)
    keys = code_keys(course, course.modules)
    edit(course, "    return a + b", "    # the sum\n    return a + b")
    assert export(course).written == ("mini/core/numbers.py",)
    assert "    # the sum\n" in course.target_file("core.numbers").read_text()
    assert code_keys(course, course.modules) == keys


def test_cells_that_are_not_exported_do_not_count_in_the_key(course):
    export(course)
    keys = code_keys(course, course.modules)
    edit(course, "assert add(1, 2) == 3", "assert add(2, 2) == 4")
    assert code_keys(course, course.modules) == keys
    export(course)
    assert code_keys(course, course.modules) == keys


def test_the_key_of_a_broken_source_is_no_key_of_working_code(course):
    export(course)
    keys = code_keys(course, course.modules)
    edit(course, "return a + b", "return a +")
    broken = code_keys(course, course.modules)
    assert broken["01_numbers"] not in {"", *keys.values()}
    assert broken["02_words"] == keys["02_words"]
    export(course)
    assert code_keys(course, course.modules) == broken
    edit(course, "return a +", "return a + b")
    assert code_keys(course, course.modules) == keys


def test_keys_are_asked_for_by_module(course):
    assert list(code_keys(course, course.modules[1:])) == ["02_words", "03_later"]


def test_a_hand_edited_file_does_not_change_the_key(course):
    export(course)
    keys = code_keys(course, course.modules)
    path = course.target_file("core.numbers")
    path.write_text(path.read_text().replace("a + b", "a - b"))
    assert code_keys(course, course.modules) == keys


TWO_FILES = """
# %%
#| export extra.deep.more
def more():
    return 1
"""


@pytest.fixture
def two_files(course):
    """The small course, in which module 01 has a second file, in a folder of its own."""
    toml = course.root / "course.toml"
    old = '{"core.numbers" = ["add", "double", "mean"]}'
    new = '{"core.numbers" = ["add", "double", "mean"], "extra.deep.more" = ["more"]}'
    toml.write_text(toml.read_text().replace(old, new))
    source = course.source_file(course.modules[0])
    source.write_text(source.read_text() + TWO_FILES)
    return load_course(course.root)


def test_a_module_with_two_files(two_files):
    assert export(two_files).written == (
        "mini/__init__.py",
        "mini/core/__init__.py",
        "mini/extra/deep/__init__.py",
        "mini/core/numbers.py",
        "mini/extra/deep/more.py",
        "mini/core/words.py",
    )
    assert "def more" not in two_files.target_file("core.numbers").read_text()
    assert "def add" not in two_files.target_file("extra.deep.more").read_text()
    before = code_keys(two_files, two_files.modules)
    edit(two_files, "    return 1", "    return 2")
    assert code_keys(two_files, two_files.modules)["01_numbers"] != before["01_numbers"]


def test_a_broken_source_breaks_all_its_files_and_no_other(two_files):
    export(two_files)
    edit(two_files, "    return 1", "    return 1 +")
    report = export(two_files)
    assert report.written == ("mini/core/numbers.py", "mini/extra/deep/more.py")
    [broken] = report.broken
    source = two_files.source_file(two_files.modules[0]).read_text().splitlines()
    line = source.index("    return 1 +") + 1
    assert broken == BrokenSource("01_numbers", "src/01_numbers.py", line, "invalid syntax")
    for target in ("core.numbers", "extra.deep.more"):
        with pytest.raises(SyntaxError) as error:
            exec(two_files.target_file(target).read_text())
        assert (error.value.filename, error.value.lineno) == ("src/01_numbers.py", line)


def test_a_broken_source_is_reported_until_it_is_mended(course):
    export(course)
    before = contents(course)
    edit(course, "return a + b", "return a +")
    wanted = "src/01_numbers.py:11: invalid syntax"
    for _ in range(2):
        assert [str(broken) for broken in export(course).broken] == [wanted]
    edit(course, "return a +", "return a + b")
    assert export(course).broken == ()
    assert {name: data for name, (data, _) in contents(course).items()} == {
        name: data for name, (data, _) in before.items()
    }


def test_a_renewed_generated_file_that_was_removed_comes_back(course):
    export(course)
    before = contents(course)["mini/core/words.py"][0]
    course.target_file("core.words").unlink()
    assert export(course).written == ("mini/core/words.py",)
    assert contents(course)["mini/core/words.py"][0] == before


# edit -> the line of src/01_numbers.py where to make it
EDITS = {
    "first line of a cell": ("def add(a, b):", "def add(b, a):", 9),
    "inside the first cell": ("    return a + b", "    return a - b", 11),
    "first line of another cell": ("def double(a):", "def double(b):", 16),
    "last line": ("    return total / len(values)", "    return total", 26),
}


@pytest.mark.parametrize("old, new, line", EDITS.values(), ids=EDITS)
def test_an_edit_is_kept_and_its_line_in_the_source_named(course, old, new, line):
    export(course)
    source = course.source_file(course.modules[0]).read_text().splitlines()
    assert source[line - 1] == old
    path = course.target_file("core.numbers")
    original = path.read_text()
    edited = original.replace(f"{old}\n", f"{new}\n")
    path.write_text(edited)
    report = export(course)
    kept = "mini/core/numbers.py.edited"
    assert report == ExportReport(
        written=("mini/core/numbers.py",),
        kept=(KeptEdit("mini/core/numbers.py", kept, f"src/01_numbers.py:{line}"),),
    )
    assert (course.root / kept).read_text() == edited
    assert path.read_text() == original


def test_an_edit_of_a_mark_is_made_in_the_line_below_it(course):
    export(course)
    path = course.target_file("core.numbers")
    text = path.read_text()
    assert text.count("# %% src/01_numbers.py:16\n") == 1
    path.write_text(text.replace("# %% src/01_numbers.py:16\n", ""))
    [kept] = export(course).kept
    assert kept.instead == "src/01_numbers.py:16"


def test_the_same_edit_twice_is_kept_once(course):
    export(course)
    path = course.target_file("core.numbers")
    edited = path.read_text().replace("a + b", "a - b")
    for _ in range(2):
        path.write_text(edited)
        assert [kept.kept for kept in export(course).kept] == ["mini/core/numbers.py.edited"]
    names = sorted(path.name for path in path.parent.glob("*.edited*"))
    assert names == ["numbers.py.edited"]


def test_an_edit_of_the_door_is_kept(course):
    export(course)
    path = course.package_folder / "__init__.py"
    path.write_text(path.read_text() + "mine = 1\n")
    [kept] = export(course).kept
    assert (kept.file, kept.kept) == ("mini/__init__.py", "mini/__init__.py.edited")
    assert (course.root / kept.kept).read_text().endswith("mine = 1\n")
    assert not path.read_text().endswith("mine = 1\n")


def test_a_removed_source_takes_its_file_along_and_leaves_no_copy(course):
    export(course)
    course.source_file(course.modules[1]).unlink()
    assert export(course) == ExportReport(removed=("mini/core/words.py",))
    assert tuple(sorted(contents(course))) == FILES[:3]
    assert export(course) == ExportReport()


def test_an_edited_file_of_a_removed_source_is_kept(course):
    export(course)
    path = course.target_file("core.words")
    edited = path.read_text() + "\nmine = 1\n"
    path.write_text(edited)
    course.source_file(course.modules[1]).unlink()
    report = export(course)
    assert report == ExportReport(
        removed=("mini/core/words.py",),
        kept=(KeptEdit("mini/core/words.py", "mini/core/words.py.edited", "src/02_words.py"),),
    )
    assert not path.exists()
    assert (course.root / "mini/core/words.py.edited").read_text() == edited


def test_a_file_that_no_export_wrote_stays_where_there_is_no_source(course):
    export(course)
    path = course.target_file("core.later")
    path.write_text("later = 1\n")
    assert export(course) == ExportReport()
    assert path.read_text() == "later = 1\n"


def test_other_files_in_the_package_are_left_alone(course):
    export(course)
    mine = course.package_folder / "core/mine.py"
    mine.write_text("x = 1\n")
    edit(course, "return a + b", "return b + a")
    assert export(course).written == ("mini/core/numbers.py",)
    assert mine.read_text() == "x = 1\n"


def test_bytes_of_an_edit_that_are_no_text_are_kept_as_they_are(course):
    export(course)
    path = course.target_file("core.numbers")
    edited = path.read_bytes().replace(b"2a, by", b"2\xe4, by")
    path.write_bytes(edited)
    [kept] = export(course).kept
    assert (course.root / kept.kept).read_bytes() == edited


def test_a_byte_order_mark_is_no_code(course):
    source = course.source_file(course.modules[0])
    export(course)
    before = contents(course)
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    assert export(course) == ExportReport()
    assert contents(course) == before


def test_a_source_that_cannot_be_read_is_one_line(course):
    path = course.source_file(course.modules[0])
    path.unlink()
    path.mkdir()
    with pytest.raises(CourseError) as error:
        export(course)
    assert str(error.value) == f"01_numbers.py cannot be read: Is a directory: {path}"
    assert not course.package_folder.exists()


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="permissions do not hold for this user"
)
def test_a_read_only_package_is_one_line_and_nothing_changes(course):
    export(course)
    edit(course, "return a + b", "return b + a")
    before = contents(course)
    folder = course.package_folder / "core"
    folder.chmod(0o555)
    try:
        with pytest.raises(CourseError) as error:
            export(course)
    finally:
        folder.chmod(0o755)
    assert str(error.value).startswith("mini/ cannot be written: ")
    assert "\n" not in str(error.value)
    assert contents(course) == before


def test_a_failure_while_writing_is_one_line_and_nothing_changes(course, monkeypatch):
    export(course)
    edit(course, "return a + b", "return b + a")
    edit(course, "double(word)", "word", module=1)
    before = contents(course)
    replace = type(course.root).replace

    def failing(self, target):
        if target.name == "words.py":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(type(course.root), "replace", failing)
    with pytest.raises(CourseError) as error:
        export(course)
    assert str(error.value) == (
        "mini/ cannot be written: [Errno 28] No space left on device. Nothing was changed; make"
        " the folder writable, or run with --no-export."
    )
    assert {name: data for name, (data, _) in contents(course).items()} == {
        name: data for name, (data, _) in before.items()
    }


@pytest.mark.parametrize("change", ["", "\n# more\n"], ids=["nothing changed", "a source changed"])
def test_an_export_needs_no_reader_of_notebooks(course, change):
    export(course)
    source = course.source_file(course.modules[0])
    source.write_text(source.read_text() + change)
    code = (
        "import sys; from pathlib import Path\n"
        "from pytest_tinytorch.core.course import load_course\n"
        "from pytest_tinytorch.export.service import code_keys, export, pending\n"
        "course = load_course(Path.cwd())\n"
        "code_keys(course, course.modules); pending(course); export(course)\n"
        "print('jupytext' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=course.root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


LINKS = {
    "the package": ("mini", "mini is a link, so nothing is exported; move it away"),
    "a folder of the package": (
        "mini/core",
        "mini/core/__init__.py leads out, so nothing is exported; move it away",
    ),
    "a file": (
        "mini/core/numbers.py",
        "mini/core/numbers.py is a link, so nothing is exported; move it away",
    ),
    "the lock": (
        "mini/.export.lock",
        "mini/.export.lock is a link, so nothing is exported; move it away",
    ),
}


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
@pytest.mark.parametrize("removed", [False, True], ids=["written", "removed"])
@pytest.mark.parametrize("name, message", LINKS.values(), ids=LINKS)
def test_nothing_is_written_through_a_link(course, tmp_path, name, message, removed):
    export(course)
    outside = tmp_path / "outside"
    place = course.root / name
    if place.is_dir():
        place.rename(outside)
    else:
        outside.write_text("somebody's\n" if not place.exists() else place.read_text())
        place.unlink(missing_ok=True)
    place.symlink_to(outside)
    before = {p: p.read_bytes() for p in (outside, *outside.rglob("*")) if p.is_file()}
    if removed:
        course.source_file(course.modules[0]).unlink()
    else:
        edit(course, "return a + b", "return b + a")
    with pytest.raises(CourseError) as error:
        export(course)
    assert str(error.value) == message
    assert {p: p.read_bytes() for p in (outside, *outside.rglob("*")) if p.is_file()} == before


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_folder_of_the_package_may_be_a_link_within_it(course):
    export(course)
    core = course.package_folder / "core"
    core.rename(course.package_folder / "elsewhere")
    core.symlink_to(course.package_folder / "elsewhere")
    edit(course, "return a + b", "return b + a")
    assert export(course).written == ("mini/core/numbers.py",)


@pytest.mark.parametrize(
    "package, target", [("mini", "@/evil"), ("../evil", "core.numbers"), ("@/evil", "core.numbers")]
)
def test_the_export_itself_refuses_what_no_check_of_the_course_has_seen(
    course, tmp_path, package, target
):
    module = replace(course.modules[0], exports={target.replace("@", str(tmp_path)): ("add",)})
    unchecked = replace(
        course, modules=(module,), package=package.replace("@", str(tmp_path / "outside"))
    )
    before = set(tmp_path.rglob("*"))
    with pytest.raises(
        CourseError, match=r"evil.* leads out, so nothing is exported; move it away"
    ):
        export(unchecked)
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.timeout(30)
def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(course):
    export(course)
    path = course.target_file("core.numbers")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CourseError, match=r"numbers\.py cannot be read: is not a plain"):
        export(course)
    path.unlink()
    source = course.source_file(course.modules[0])
    source.unlink()
    os.mkfifo(source)
    with pytest.raises(CourseError, match=r"01_numbers\.py cannot be read: is not a plain file"):
        export(course)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_bytecode_behind_a_link_is_left_alone(course, tmp_path):
    export(course)
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere/numbers.cpython-311.pyc"
    other.write_bytes(b"somebody's")
    (course.package_folder / "core/__pycache__").symlink_to(other.parent)
    edit(course, "return a + b", "return b + a")
    assert export(course).written == ("mini/core/numbers.py",)
    assert other.read_bytes() == b"somebody's"
