"""A class taken in: who handed in what, which files of it count, and what is kept of a part."""

import os
import stat
import struct
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import jupytext
import pytest
from rich.cells import cell_len

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.names import folder_names
from pytest_tinytorch.core.records import Outcome, Reason, TestRecord
from pytest_tinytorch.core.scores import Grade, Score
from pytest_tinytorch.grading.command_line import joined
from pytest_tinytorch.grading.grader import Grader, SelfCheckFailed
from pytest_tinytorch.grading.parts import (
    Intake,
    Part,
    PartFiles,
    PartStatus,
    harness_digest,
    part_key,
)
from pytest_tinytorch.hooks.batch import _graded
from pytest_tinytorch.isolation.failures import Died
from pytest_tinytorch.reports.batch_view import (
    Pace,
    Row,
    Summary,
    conclusion,
    progress_line,
    student_line,
)
from pytest_tinytorch.reports.console import draw
from pytest_tinytorch.submissions import collection as collect
from pytest_tinytorch.submissions import reader as reading
from pytest_tinytorch.submissions import student_zip as zips
from pytest_tinytorch.submissions.collection import Collected, Collection
from pytest_tinytorch.submissions.find import Submitted, find_submissions
from pytest_tinytorch.submissions.reader import read_submission
from pytest_tinytorch.submissions.student_zip import StudentZip, ZipRefused

COURSE = load_course(Path(__file__).parents[2])
ONE = checkpoint_group("01")
TENSOR = "src_modules/02_tensor.py"
CODE = b"# %%\n#| default_exp core.tensor\n#| export\nx = 1\n"


# --- who handed in what ---------------------------------------------------------------------------


def lay(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_folder_or_a_zip_for_each_student(tmp_path):
    for name in ("Zoë Müller", "bob", ".git", "__MACOSX"):
        (tmp_path / name).mkdir()
    zipped(tmp_path / "anna.ZIP", {})
    (tmp_path / "notes.txt").touch()
    (tmp_path / "link").symlink_to("bob")
    found, ignored = find_submissions(tmp_path)
    assert all(s.handed_in and not s.problem for s in found)
    assert [(s.student, s.path.name) for s in found] == [
        ("Zoë Müller", "Zoë Müller"),
        ("anna", "anna.ZIP"),
        ("bob", "bob"),
    ]
    assert ignored == ["link: is a link", "notes.txt: is neither a folder nor a .zip"]


def test_of_a_folder_and_a_zip_the_folder_counts_and_it_is_said(tmp_path):
    (tmp_path / "anna").mkdir()
    zipped(tmp_path / "anna.zip", {})
    found, ignored = find_submissions(tmp_path)
    assert [s.path.name for s in found] == ["anna"]
    assert ignored == ["anna.zip: anna also has a folder, and the folder is graded"]


def test_a_collection_knows_who_it_is_and_which_commit(tmp_path):
    collection = Collection(tmp_path)
    for student in ("Ana", "ana"):
        with collection.workplace() as place:
            made = lay(place / "made", {"02_tensor.py": student.encode()})
            collection.place(
                Collected(student, collect.CollectedStatus.COLLECTED, commit="c" * 40), made
            )
    found, ignored = find_submissions(tmp_path)
    assert [s.student for s in found] == ["Ana", "ana"] and ignored == []
    for submitted in found:
        taken = read_submission(COURSE, submitted)
        assert (taken.sources[TENSOR].decode(), taken.commit) == (submitted.student, "c" * 40)


@pytest.mark.skipif(os.name != "posix", reason="names there are text")
def test_a_name_that_is_no_text_can_be_written(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    [found], _ = find_submissions(tmp_path)
    assert found.student == "caf\\xe9"
    assert found.path.is_dir()


@pytest.mark.parametrize("made, says", [(None, "is not there"), ("file", "is not a folder")])
def test_no_folder(tmp_path, made, says):
    if made:
        (tmp_path / "class").touch()
    with pytest.raises(CourseError, match=rf"--submissions .*class: {says}; give a folder"):
        find_submissions(tmp_path / "class")


def test_an_empty_folder(tmp_path):
    with pytest.raises(CourseError, match="no submission is there"):
        find_submissions(tmp_path)


def test_folder_names_differ_wherever_they_are_kept():
    students = [
        "Ann",
        "ann",
        "Zoe\u0308",
        "Zo\u00eb",
        "x" * 300,
        "con.txt",
        "a:b",
        "a?b",
        "..",
        "🙂",
    ]
    names = folder_names(students)
    folded = {name.casefold() for name in names.values()}
    assert len(folded) == len(students)
    assert names["🙂"] == "🙂"  # nothing is wrong with it
    for student, name in names.items():
        assert not set('<>:"/\\|?*') & set(name) and len(name) < 140
        assert name.split(".")[0] not in ("con", "", student if student == "Ann" else "")


def test_a_name_that_is_nobody_elses_stays_when_others_come():
    assert folder_names(["bob"])["bob"] == folder_names(["bob", "Ann", "ann"])["bob"] == "bob"


def test_a_name_that_looks_like_a_marked_one_is_nobodys_mark():
    marked = folder_names(["Ann", "ann"])["Ann"]
    names = folder_names(["Ann", "ann", marked])
    assert len(set(names.values())) == 3 and names["Ann"] == marked


def test_a_folder_of_only_dots_is_a_student_and_a_hidden_one_is_not(tmp_path):
    for name in ("...", "....", ".cache", "..cache"):
        (tmp_path / name).mkdir()
    found, ignored = find_submissions(tmp_path)
    assert [s.student for s in found] == ["...", "...."]
    assert ignored == [
        "..cache: its name begins with a dot",
        ".cache: its name begins with a dot",
    ]


# --- which files of it count ----------------------------------------------------------------------


def take(path: Path):
    return read_submission(COURSE, Submitted("anna", path))


@pytest.mark.parametrize(
    "where", ["", "src_modules/", "tinytorch-main/src_modules/", "a/b/c/src_modules/"]
)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_sources_are_found_wherever_students_leave_them(tmp_path, where, form):
    files = {f"{where}02_tensor.py": CODE, "README.md": b"x", f"{where}conftest.py": b"raise"}
    path = lay(tmp_path / "a", files) if form == "folder" else zipped(tmp_path / "a.zip", files)
    assert take(path).sources == {TENSOR: CODE}


def test_the_copy_in_place_counts_then_the_highest_and_the_rest_is_said(tmp_path):
    files = {"02_tensor.py": b"1", "old/src_modules/02_tensor.py": b"2", "03_activations.py": b"3"}
    files |= {"old/deeper/03_activations.py": b"4", ".venv/02_tensor.py": b"5"}
    taken = take(lay(tmp_path / "a", files))
    assert taken.sources == {TENSOR: b"2", "src_modules/03_activations.py": b"3"}
    assert taken.notes == (
        "02_tensor.py was ignored: old/src_modules/02_tensor.py is graded instead",
        "old/deeper/03_activations.py was ignored: 03_activations.py is graded instead",
    )


def test_of_many_copies_some_are_named(tmp_path):
    files = {f"d{number:02}/02_tensor.py": b"x" for number in range(30)}
    taken = take(lay(tmp_path / "a", {**files, "02_tensor.py": CODE}))
    assert taken.sources == {TENSOR: CODE} and len(taken.notes) == 21
    assert taken.notes[-1] == "10 more of this name were left out"


@pytest.mark.parametrize("top", ["", "tinytorch-main/"])
def test_a_data_set_beside_the_sources_takes_nothing_from_them(tmp_path, monkeypatch, top):
    monkeypatch.setattr(reading, "_MOST_ENTRIES", 20)
    images = {f"{top}data/{number}.png": b"" for number in range(30)}
    taken = take(lay(tmp_path / "a", {**images, f"{top}src_modules/02_tensor.py": CODE}))
    assert taken.sources == {TENSOR: CODE}
    assert taken.refused == ("more than 20 files and folders: the rest is left out",)


def test_a_notebook_becomes_the_source_that_it_shows(tmp_path):
    notebook = jupytext.reads(CODE.decode(), fmt="py:percent")
    notebook.cells[0]["outputs"] = []
    text = jupytext.writes(notebook, fmt="ipynb").encode()
    taken = take(lay(tmp_path / "a", {"notebooks/02_tensor.ipynb": text}))
    assert "#| export\nx = 1" in taken.sources[TENSOR].decode()
    assert taken.notes == (f"notebooks/02_tensor.ipynb was read as {TENSOR}",)
    both = take(lay(tmp_path / "b", {"02_tensor.ipynb": text, "02_tensor.py": CODE}))
    assert both.sources == {TENSOR: CODE}


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b'{"cells": 3}', b"[" * 100_000])
def test_no_notebook(tmp_path, content):
    taken = take(lay(tmp_path / "a", {"02_tensor.ipynb": content}))
    assert taken.sources == {}
    assert taken.refused[0].startswith("02_tensor.ipynb: cannot be read as a notebook")


def test_what_is_too_large_or_a_link_or_no_file_is_refused(tmp_path):
    root = lay(tmp_path / "a", {"02_tensor.py": b"x" * (2**20 + 1)})
    (root / "03_activations.py").symlink_to("/etc/passwd")
    (root / "04_layers.py").mkdir()
    taken = take(root)
    assert taken.sources == {}
    assert taken.refused == (
        "02_tensor.py: has 1048577 bytes, more than 1048576",
        "03_activations.py: is a link, or lies behind one",
    )


def test_no_link_to_a_folder_is_followed(tmp_path):
    lay(tmp_path / "elsewhere", {"02_tensor.py": CODE})
    (tmp_path / "a").mkdir()
    (tmp_path / "a/src_modules").symlink_to(tmp_path / "elsewhere")
    assert take(tmp_path / "a").sources == {}


def test_the_commit_of_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "f" * 40)  # that of whoever grades, not of the student
    git = {".git/HEAD": b"ref: refs/heads/main\n", ".git/refs/heads/main": b"ab" * 20 + b"\n"}
    assert take(lay(tmp_path / "a", {**git, "02_tensor.py": CODE})).commit == "ab" * 20
    inside = {f"repo/{name}": content for name, content in git.items()}
    assert take(lay(tmp_path / "b", {**inside, "repo/02_tensor.py": CODE})).commit == "ab" * 20


@pytest.mark.parametrize("head", [b"ref: ../../../etc/passwd", b"<script>", b"\xff" * 50, b""])
def test_a_head_that_is_no_commit(tmp_path, head):
    assert take(lay(tmp_path / "a", {".git/HEAD": head, "02_tensor.py": CODE})).commit == ""


# --- zips of strangers ----------------------------------------------------------------------------


def test_entries_that_lead_out_are_refused_and_the_rest_is_read(tmp_path):
    files = {"../02_tensor.py": b"1", "/03_activations.py": b"2", "c:\\04_layers.py": b"3"}
    link = zipfile.ZipInfo("05_dense.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in {**files, "01_setup.py": b"4"}.items():
            archive.writestr(name, content)
        archive.writestr(link, "/etc/passwd")
    taken = take(tmp_path / "a.zip")
    assert taken.sources == {"src_modules/01_setup.py": b"4"}
    assert sorted(taken.refused) == [
        "../02_tensor.py: leads out of the zip",
        "/03_activations.py: leads out of the zip",
        "05_dense.py: is a link",
        "c:/04_layers.py: leads out of the zip",
    ]


def test_a_bomb_is_read_only_as_far_as_a_source_may_be_long(tmp_path):
    path = zipped(tmp_path / "a.zip", {"02_tensor.py": b"0" * 2**26, "03_activations.py": b"x"})
    assert path.stat().st_size < 2**17
    taken = take(path)
    assert taken.sources == {"src_modules/03_activations.py": b"x"}
    assert list(taken.unclear) == ["02_tensor"]  # no 0 points
    assert taken.refused == ("02_tensor.py: has more than 1048576 bytes",)


def test_a_size_that_the_zip_lies_about(tmp_path):
    path = zipped(tmp_path / "a.zip", {"02_tensor.py": b"0" * 2**22})
    honest = struct.pack("<I", 2**22)
    path.write_bytes(path.read_bytes().replace(honest, struct.pack("<I", 10)))
    assert take(path).sources == {}


def test_damaged_encrypted_and_unknown_forms(tmp_path):
    whole = zipped(tmp_path / "a.zip", {"02_tensor.py": CODE * 50}).read_bytes()
    place = whole.index(b"02_tensor.py") + 20
    (tmp_path / "b.zip").write_bytes(whole[:place] + b"\0\0\0\0" + whole[place + 4 :])
    assert take(tmp_path / "b.zip").refused[0].startswith("02_tensor.py: cannot be read")
    flags = whole.replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
    )
    (tmp_path / "c.zip").write_bytes(flags)
    assert "encrypted" in take(tmp_path / "c.zip").refused[0]


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_of_ways_to_compress_only_those_are_read_that_are_bounded(tmp_path, way):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("02_tensor.py", CODE, compress_type=way)
        archive.writestr("03_activations.py", b"x", compress_type=zipfile.ZIP_DEFLATED)
        archive.writestr("04_layers.py", b"y", compress_type=zipfile.ZIP_STORED)
    taken = take(tmp_path / "a.zip")
    assert list(taken.sources) == ["src_modules/03_activations.py", "src_modules/04_layers.py"]
    wanted = "is compressed in a way that is not read here; use an ordinary zip"
    assert taken.refused == (f"02_tensor.py: {wanted}",)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\xff" * 18, b"PK\x05\x06"])
def test_no_zip_is_for_review_and_no_zero(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    taken = take(tmp_path / "a.zip")
    assert taken.sources == {}
    assert taken.unreadable.startswith("a.zip ")


def test_too_many_entries_are_not_even_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "MOST_ENTRIES", 3)
    path = zipped(tmp_path / "a.zip", {f"{n}": b"" for n in range(4)})
    with pytest.raises(ZipRefused, match=r"has 4 entries and a directory of \d+ bytes, more than"):
        StudentZip(path)


def test_a_zip_is_closed_and_reads_by_name(tmp_path):
    opened = StudentZip(zipped(tmp_path / "a.zip", {"x/y": b"abc"}))
    assert opened.read(PurePosixPath("x/y"), 3) == b"abc"
    with pytest.raises(ZipRefused, match="has more than 2 bytes"):
        opened.read(PurePosixPath("x/y"), 2)
    opened.close()


# --- what is kept ---------------------------------------------------------------------------------

PASSED = TestRecord("01/test_a", "A", Outcome.PASSED, max_points=3)
FAILED = replace(
    PASSED, id="01/test_b", outcome=Outcome.FAILED, reason=Reason.WRONG, message="\x1b"
)


def test_a_part_comes_back_as_it_was(tmp_path):
    files = PartFiles(tmp_path, "Zoë")
    part = Part("key", PartStatus.GRADED, (PASSED, FAILED), "")
    files.write(ONE, part)
    assert files.read(ONE) == part
    assert (part.points, part.max_points) == (3, 6)
    intake = Intake("Zoë", "abc", "def", ("x",), ("y",), "late", "2026", {"02_tensor": "nothing"})
    files.write_intake(intake)
    assert files.read_intake() == intake


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "key": 3}'])
def test_a_damaged_part_is_none(tmp_path, text):
    files = PartFiles(tmp_path, "bob")
    files.folder.mkdir(parents=True)
    (files.folder / "01.json").write_text(text)
    (files.folder / "submission.json").write_text(text)
    assert files.read(ONE) is None
    assert files.read_intake() is None


def test_a_key_changes_with_all_that_a_result_rests_on(tmp_path, monkeypatch):
    manifest = load_manifest(COURSE)
    digest = harness_digest(COURSE, manifest, None, "seed 0")
    assert digest == harness_digest(COURSE, manifest, None, "seed 0")
    hidden = lay(tmp_path / "hidden", {"checkpoint_01_x.py": b"1"})
    others = {
        harness_digest(COURSE, manifest, None, "seed 1"),
        harness_digest(COURSE, manifest, hidden, "seed 0"),
        harness_digest(COURSE, replace(manifest, files={}), None, "seed 0"),
    }
    lay(hidden, {"checkpoint_01_x.py": b"2"})
    others.add(harness_digest(COURSE, manifest, hidden, "seed 0"))
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0")
    others.add(harness_digest(COURSE, manifest, None, "seed 0"))
    assert len(others | {digest}) == 6
    assert len({part_key(digest, s, c) for s in "ab" for c in (ONE, checkpoint_group("02"))}) == 4


# --- grading part by part -------------------------------------------------------------------------


class Bench:
    """A grader whose tests are a function of the sources."""

    def __init__(self, tmp_path: Path, earn=None) -> None:
        self.runs: list[tuple[str, str]] = []
        self.results = tmp_path / "results"
        self.earn = earn or (lambda sources: TENSOR in sources)
        self.checkpoint = ONE

    def grader(self, regrade=False, harness="h") -> Grader:
        names = {"anna": "anna", "bob": "bob"}
        return Grader(COURSE, self.results, names, harness, regrade, self.run)

    def run(self, tree, checkpoint, following):
        sources = {f"src_modules/{p.name}" for p in (tree.root / "src_modules").glob("*.py")}
        self.runs.append((tree.root.name, following.parent.name))
        return (PASSED if self.earn(sources) else FAILED,)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_nothing_unchanged_is_run_again(bench, tmp_path):
    anna = Submitted("anna", lay(tmp_path / "anna", {"02_tensor.py": CODE}))
    first = bench.grader().grade((anna, bench.checkpoint), None)
    assert (first.kept, first.part.points, first.before) == (False, 3, None)
    ran = len(bench.runs)
    again = bench.grader().grade((anna, bench.checkpoint), None)
    assert (again.kept, again.part) == (True, first.part)
    assert len(bench.runs) == ran
    lay(tmp_path / "anna", {"02_tensor.py": CODE + b"# changed\n"})
    changed = bench.grader().grade((anna, bench.checkpoint), None)
    assert (changed.kept, changed.before) == (False, 3)
    assert not bench.grader(harness="another").grade((anna, bench.checkpoint), None).kept
    assert not bench.grader(regrade=True).grade((anna, bench.checkpoint), None).kept


def test_the_harness_proves_itself_once_for_each_checkpoint(bench, tmp_path):
    task = (Submitted("anna", lay(tmp_path / "anna", {"02_tensor.py": CODE})), bench.checkpoint)
    other = (Submitted("bob", lay(tmp_path / "bob", {"02_tensor.py": b"x"})), bench.checkpoint)
    grader = bench.grader()
    grader.grade(task, None)
    grader.grade(other, None)
    assert len(bench.runs) == 4  # the reference, nothing at all, anna, bob
    grader.close()


@pytest.mark.parametrize(
    "earn, says",
    [
        (lambda sources: False, "the reference in src_modules/ gets 0 of 3 points"),
        (lambda sources: True, "an empty submission earns points, expected none; for 01/test_a"),
    ],
)
def test_a_harness_that_cannot_be_trusted_grades_nobody(tmp_path, earn, says):
    bench = Bench(tmp_path, earn)
    task = (Submitted("anna", lay(tmp_path / "anna", {"02_tensor.py": CODE})), bench.checkpoint)
    with pytest.raises(SelfCheckFailed, match=f"self-check of checkpoint 01: {says}"):
        bench.grader().grade(task, None)
    assert PartFiles(bench.results, "anna").read(ONE) is None


def test_what_cannot_be_read_is_no_zero(bench, tmp_path):
    (tmp_path / "anna.zip").write_bytes(b"no zip")
    task = (Submitted("anna", tmp_path / "anna.zip"), bench.checkpoint)
    part = bench.grader().grade(task, None).part
    assert (part.status, part.reason) == (PartStatus.GRADER_ERROR, "anna.zip is not a zip file")
    assert part.tests[0].reason is Reason.HARNESS
    assert not bench.grader().grade(task, None).kept  # it is tried again


def test_an_undecided_test_makes_a_part_one_for_review(bench, tmp_path):
    lost = replace(PASSED, outcome=Outcome.ERROR, reason=Reason.HARNESS, message="the disk is full")
    bench.run = lambda tree, *_: (
        PASSED if tree is COURSE else FAILED if "empty" in str(tree.root) else lost,
    )
    task = (Submitted("anna", lay(tmp_path / "anna", {"02_tensor.py": CODE})), bench.checkpoint)
    part = bench.grader().grade(task, None).part
    assert (part.status, part.reason) == (PartStatus.GRADER_ERROR, "01/test_a: the disk is full")


def test_the_next_package_is_made_ready_if_it_will_be_run(bench, tmp_path):
    anna = (Submitted("anna", lay(tmp_path / "anna", {"02_tensor.py": CODE})), bench.checkpoint)
    bob = (Submitted("bob", lay(tmp_path / "bob", {"02_tensor.py": b"x"})), bench.checkpoint)
    grader = bench.grader()
    grader.grade(anna, bob)
    here, following = bench.runs[-1]
    assert here != following
    grader.grade(bob, None)
    assert bench.runs[-1] == (following, following)


# --- words ----------------------------------------------------------------------------------------


def test_folders_are_joined_to_their_options():
    words = ["--submissions", "my class", "-n", "2", "--results=r", "--hidden", "h", "-k", "x"]
    assert joined(words) == [
        "--submissions=my class",
        "-n",
        "2",
        "--results=r",
        "--hidden=h",
        "-k",
        "x",
    ]
    assert joined(joined(words)) == joined(words)
    assert joined(["--submissions"]) == ["--submissions"]


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("name", ["Zoë\x1b[2J 01", "李雷 01"])
def test_the_progress_line_fits(width, name):
    line = progress_line(Pace(36, 120, 6, 60.0), name * 9, width)
    assert cell_len(line) < width and "\x1b" not in line
    assert line.startswith("[######--------------]  36 of 120  abo")


def test_the_estimate_counts_what_was_graded_alone():
    assert Pace(36, 120, 6, 60.0).seconds_left == pytest.approx(168)
    assert Pace(6, 120, 6, 0.1).seconds_left is None
    assert progress_line(Pace(0, 0, 0, 0.0), "", 80).startswith("[----")
    assert "about 1 s left" in progress_line(Pace(99, 100, 0, 9.0), "", 80)  # never nothing


def row(student, test=PASSED, **more):
    score = Score(ONE, int(test.passed), 1, test.points, 3, int(test.reason is Reason.HARNESS))
    return Row(student, Grade((score,)), **{"kept": False, **more})


LOST = replace(PASSED, outcome=Outcome.ERROR, reason=Reason.HARNESS)


@pytest.mark.parametrize(
    "shown, says",
    [
        (row("Zoë Müller"), "Zoë Müller 3 of 3 100.0 %"),
        (row("bob", FAILED, before=3.0), "bob 0 of 3 0.0 % was 3"),
        (row("bob", kept=True), "bob 3 of 3 100.0 % unchanged"),
        # No percentage: it would be taken for a grade.
        (row("carl", LOST), "carl 0 of 3 for review"),
        (row("carl", LOST, status="late"), "carl 0 of 3 for review, late"),
        (row("carl", status="late", before=1.0), "carl 3 of 3 100.0 % late, was 1"),
        (row("carl", FAILED, status="none"), "carl 0 of 3 0.0 % nothing handed in"),
        (row("carl", missed=("01",)), "carl 3 of 3 01 not graded"),
        (Row("carl", None, missed=("01",)), "carl 01 not graded"),
        (row("carl", earlier=("00",)), "carl 3 of 3 100.0 % partly earlier points"),
        (
            row("carl", FAILED, notes=("nothing found for module 02; ...", "x")),
            "carl 0 of 3 0.0 % 1 module not found",
        ),
    ],
)
def test_a_line_for_each_student(shown, says):
    assert " ".join(draw([student_line(shown)], 80, False).split()) == says


def test_a_long_remark_leaves_the_points_whole():
    shown = row("x" * 99, status="late", before=1.0, earlier=("00",))
    lines = draw([student_line(shown)], 80, False).splitlines()
    assert "3 of 3" in lines[0] and "100.0 %" in lines[0] and len(lines) > 1


def test_points_stand_under_each_other_whatever_the_names():
    names = ["bob", "李 雷", "🙂", "x" * 99]
    lines = [draw([student_line(row(name))], 80, False) for name in names]
    assert {cell_len(line.partition("3 of 3")[0]) for line in lines} == {40}


def test_the_end_of_a_class():
    def said(rows, **more):
        return draw(conclusion(Summary(rows, **more)), 80, False).splitlines()

    assert said([row("ann")]) == [
        "1 student: 1 graded, 0 unchanged",
        "",
        "Results: results",
    ]
    rows = [
        row("ann", kept=True, notes=("tensor.py was read",)),
        row("bob", FAILED, before=3.0, earlier=("00", "02")),
        row("carl", LOST),
        row("dan", missed=("01",)),
    ]
    reason = "the disk\x1b is full"
    assert said(
        rows,
        review=[("carl", "01", reason), ("carl", "02", reason), ("bob", "", "odd")],
        ignored=["notes.txt: is neither"],
        checks=["4 of 9 did not run"],
        renamed=[("a\nb", "a_b~0")],
        others=["eve"],
        signed="Signed with key 0",
    ) == [
        "4 students: 2 graded, 1 unchanged, 1 not graded, 2 for review",
        "not graded: 4 of 9 did not run",
        "",
        "For review, no grade (3):",
        "  bob: odd",
        "  carl 01, 02: the disk\\x1b is full",
        "",
        "About submissions (1):",
        "  ann: tensor.py was read",
        "",
        "Points of an earlier submission or run (1):",
        "  bob: 00, 02",
        "",
        "Points changed (1):",
        "  bob: 3 -> 0 of 3",
        "",
        "Not a submission (1):",
        "  notes.txt: is neither",
        "",
        "Folders of results with another name (1):",
        "  a\\x0ab: a_b~0",
        "",
        "Results of students who are not in this class (1):",
        "  eve",
        "",
        "Results: results",
        "Signed with key 0",
    ]


def test_a_sandbox_that_ends_where_nobody_expects_it_costs_one_part():
    lost = []

    def grade(*_):
        raise Died("gone")

    batch_session = SimpleNamespace(grade=grade, lost=lambda task, reason: lost.append(reason))
    item = SimpleNamespace(task=(SimpleNamespace(student="ann"), ONE))
    reason, shown = _graded(batch_session, item, None)
    assert lost == [reason] == ["Died: gone"]
    assert shown == {"student": "ann", "group": "01", "status": "grader-error"}
