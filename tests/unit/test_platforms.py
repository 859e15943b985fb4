"""What Canvas, Moodle and Gradescope give: whose each file is, and nothing taken on trust."""

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.submissions import download as download_module
from pytest_tinytorch.submissions.download import Unreadable, opened
from pytest_tinytorch.submissions.platforms import Platform, handed_in, platform_of
from pytest_tinytorch.submissions.uploads import collect_download


def read(names, metadata=""):
    """Student -> (files, late, time, note), and what is nobody's."""
    platform, prefix = platform_of(names)
    students, nobodys = handed_in(platform, prefix, names, metadata)
    return {s.student: (s.files, s.late, s.time, s.note) for s in students}, nobodys


# --- Canvas -------------------------------------------------------------------------------------


def test_canvas():
    students, nobodys = read(
        [
            "lovelaceada_123_4567_02_tensor.py",
            "lovelaceada_123_4568_03_activations.py",
            "čenbo_LATE_99_1_my work_2_3_x.zip",
            "smith_jr_7_8_a.py",
            "anon_Xy12z_555_02_tensor.py",
            "LATE_anon_Q_556_02_tensor.py",
            "bob_41_text.html",
            "eve_LATE_42_link.html",
            "syllabus.pdf",
        ]
    )
    nothing = "a text or a link was submitted, not a file"
    assert students == {
        "lovelaceada_123": (
            {
                "02_tensor.py": "lovelaceada_123_4567_02_tensor.py",
                "03_activations.py": "lovelaceada_123_4568_03_activations.py",
            },
            False, "", "",
        ),
        "čenbo_99": ({"my work_2_3_x.zip": "čenbo_LATE_99_1_my work_2_3_x.zip"}, True, "", ""),
        "smith_jr_7": ({"a.py": "smith_jr_7_8_a.py"}, False, "", ""),
        "anon_Xy12z": ({"02_tensor.py": "anon_Xy12z_555_02_tensor.py"}, False, "", ""),
        "anon_Q": ({"02_tensor.py": "LATE_anon_Q_556_02_tensor.py"}, True, "", ""),
        "bob_41": ({}, False, "", nothing),
        "eve_42": ({}, True, "", nothing),
    }  # fmt: skip
    assert nobodys == ["syllabus.pdf"]


def test_canvas_numbers_what_is_handed_in_again():
    students, _ = read(
        [
            "ana_1_10_02_tensor.py",
            "ana_1_30_02_tensor-2.py",
            "ana_1_20_02_tensor-1.py",
            "ana_1_40_part-1.py",
            "ana_1_41_part-2.py",
        ]
    )
    assert students["ana_1"][0] == {
        "02_tensor.py": "ana_1_30_02_tensor-2.py",  # the newest
        "02_tensor-1.py": "ana_1_20_02_tensor-1.py",
        "10_02_tensor.py": "ana_1_10_02_tensor.py",
        "part-1.py": "ana_1_40_part-1.py",  # the student's own numbers
        "part-2.py": "ana_1_41_part-2.py",
    }


def test_no_file_of_canvas_is_lost_whatever_it_is_called():
    names = ["ana_1_9_2_a.py", "ana_1_2_a.py", "ana_LATE_1_2_a.py"]
    students, nobodys = read(names)
    assert sorted(students["ana_1"][0].values()) == sorted(names) and nobodys == []


# --- Moodle -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "_"], ids=["since 4.1", "before"])
def test_moodle(end):
    folder = f"Ada Lovelace_12_assignsubmission_file{end}"
    students, nobodys = read(
        [
            f"{folder}/02_tensor.py",
            f"{folder}/src/week_1_2_x.py",
            f"ada lovelace_13_assignsubmission_file{end}/work.zip",
            f"Bo 🎉 Čen_14_assignsubmission_onlinetext{end}/onlinetext.html",
            "grades.csv",
        ]
    )
    nothing = "a text or a link was submitted, not a file"
    assert students == {
        "Ada Lovelace_12": (
            {
                "02_tensor.py": f"{folder}/02_tensor.py",
                "src/week_1_2_x.py": f"{folder}/src/week_1_2_x.py",
            },
            False, "", "",
        ),
        "ada lovelace_13": (
            {"work.zip": f"ada lovelace_13_assignsubmission_file{end}/work.zip"}, False, "", "",
        ),
        "Bo 🎉 Čen_14": ({}, False, "", nothing),
    }  # fmt: skip
    assert nobodys == ["grades.csv"]


def test_moodle_without_folders():
    name = "Ada Lovelace_12_assignsubmission_file_02_1_2_tensor.py"
    students, _ = read([name])
    assert students == {"Ada Lovelace_12": ({"02_1_2_tensor.py": name}, False, "", "")}


# --- Gradescope ---------------------------------------------------------------------------------

METADATA = """
submission_1:
  :submitters:
  - :name: Zoë Q.
    :sid: '100'
    :email: zoe@example.com
  :created_at: 2026-11-20 20:00:00.123456000 -08:00
  :score: 3.0
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    output: |-
      submission_9:
        :submitters:
        - :name: not me
  :history:
  - :id: 1
    :results: [[[[
submission_2:
  :submitters:
  - :name: A
    :sid: '1'
    :email:
  - :name: "B\\u00e9 \\ud800\\x1b"
  :created_at: soon
submission_3:
  :submitters: []
"""


@pytest.mark.parametrize("prefix", ["", "assignment_77_export/"])
def test_gradescope(prefix):
    students, nobodys = read(
        [
            f"{prefix}submission_1/src/02_tensor.py",
            f"{prefix}submission_2/02_tensor.py",
            f"{prefix}submission_8/02_tensor.py",
            f"{prefix}submission_metadata.yml",
            f"{prefix}readme.txt",
        ],
        METADATA,
    )
    time = "2026-11-20T20:00:00.123456-08:00"
    unsaid = "submission_metadata.yml does not name the student"
    assert students == {
        "zoe@example.com": (
            {"src/02_tensor.py": f"{prefix}submission_1/src/02_tensor.py"}, False, time, "",
        ),
        "1,Bé \\ud800\\x1b": (
            {"02_tensor.py": f"{prefix}submission_2/02_tensor.py"}, False, "", "",
        ),
        "submission_3": ({}, False, "", ""),
        "submission_8": (
            {"02_tensor.py": f"{prefix}submission_8/02_tensor.py"}, False, "", unsaid,
        ),
    }  # fmt: skip
    assert nobodys == ["readme.txt"]


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "a: b: c",
        "\tx",
        "{" * 500,
        "submission_1:",
        "submission_1: {}",
        "submission_1: " + "[" * 1000 + "]" * 1000,
        "submission_1: x",
        "submission_1: {':submitters': 3}",
        "submission_1: {':submitters': [3]}",
        "submission_1: {':submitters': [{':email': [1]}]}",
        "submission_1: {':submitters': !!python/object/apply:os.abort [x]}",
    ],
    ids=range(12),
)
def test_metadata_that_is_none_is_one_line(text):
    with pytest.raises(CourseError, match=r"yml is not as Gradescope writes it: ") as error:
        read(["submission_metadata.yml", "submission_1/x"], text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "names", [[], ["a.py"], ["src/02_tensor.py"], ["ana.zip", "bo.zip"], ["a/b_1_2_x.py", "c/d"]]
)
def test_what_no_platform_names_like_this(names):
    assert platform_of(names) is None


def test_a_folder_around_everything_does_not_matter():
    assert platform_of(["x/ana_1_2_a.py"]) == (Platform.CANVAS, "x/")
    moodle = "Ada_1_assignsubmission_file_/a.py"
    assert platform_of([f"x/{moodle}"]) == (Platform.MOODLE, "x/")
    assert platform_of([moodle]) == (Platform.MOODLE, "")


# --- reading ------------------------------------------------------------------------------------


def zip_of(path: Path, entries) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, *mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode[0] if mode else stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return path


def test_a_zip_is_read_without_being_believed(tmp_path):
    entries = [
        ("good.py", "1"),
        ("../../evil.py", "2"),
        ("/etc/evil", "3"),
        ("a\\..\\..\\evil", "4"),
        ("link", "/etc/passwd", stat.S_IFLNK | 0o777),
        ("pipe", "", stat.S_IFIFO | 0o644),
        (".git/config", "5"),
        ("__MACOSX/._good.py", "6"),
        ("sub/.DS_Store", "7"),
        ("folder/", "", stat.S_IFDIR | 0o755),
    ]
    with opened(zip_of(tmp_path / "x.zip", entries)) as download:
        assert download.names == ["good.py"]
        refused = ["../../evil.py", "/etc/evil", "a\\..\\..\\evil", "link", "pipe", ".git/config"]
        assert download.refused == refused
        download.copy("good.py", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "1"


def test_a_folder_is_read_without_following_links(tmp_path):
    root = tmp_path / "x"
    (root / "sub").mkdir(parents=True)
    (root / "sub/good.py").write_text("1")
    (root / "link.py").symlink_to("/etc/passwd")
    (root / "away").symlink_to("/etc")
    (root / "a\x1b[2J.py").write_text("")
    (root / os.fsdecode(b"\xff.py")).write_text("")
    (root / ".DS_Store").write_text("")
    with opened(root) as download:
        assert download.names == ["sub/good.py"]
        assert sorted(download.refused) == ["a\x1b[2J.py", "link.py", "\udcff.py"]


def test_a_bomb_ends_where_it_becomes_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(download_module, "LARGEST_FILE", 3 * 2**20)
    bomb = zip_of(tmp_path / "x.zip", [("bomb", b"\0" * 4 * 2**20), ("fine", b"\0" * 2**20)])
    with opened(bomb) as download:
        with pytest.raises(Unreadable, match=r"bomb: more than 3 MiB"):
            download.copy("bomb", tmp_path / "bomb")
        assert (tmp_path / "bomb").stat().st_size <= 3 * 2**20
        download.copy("fine", tmp_path / "fine")


def test_many_files_that_are_too_much_together(tmp_path, monkeypatch):
    monkeypatch.setattr(download_module, "_MOST_BYTES", 3 * 2**20)
    path = zip_of(tmp_path / "x.zip", [(f"f{n}", b"\0" * 2 * 2**20) for n in range(2)])
    with opened(path) as download:
        download.copy("f0", tmp_path / "f0")
        with pytest.raises(Unreadable, match=r"f1: more than 1 MiB"):
            download.copy("f1", tmp_path / "f1")


def test_a_member_that_is_damaged_or_encrypted_is_a_line(tmp_path):
    path = zip_of(tmp_path / "x.zip", [("a", b"some words that are compressed " * 9), ("b", "2")])
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 8] |= 1  # says that b is encrypted
    path.write_bytes(content)
    with opened(path) as download:
        with pytest.raises(Unreadable, match=r"a: damaged"):
            download.copy("a", tmp_path / "a")
        with pytest.raises(Unreadable, match=r"b: encrypted"):
            download.copy("b", tmp_path / "b")


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(download_module, "_MOST_FILES", 2)
    path = zip_of(tmp_path / "x.zip", [(name, "") for name in "abc"])
    with pytest.raises(CourseError, match=r"more than 2 files: is it the right zip"), opened(path):
        pass
    (tmp_path / "b").write_text("")
    (tmp_path / "c").write_text("")
    words = r"more than 2 files: is it the right folder"
    with pytest.raises(CourseError, match=words), opened(tmp_path):
        pass


def test_a_member_that_is_compressed_in_another_way_is_a_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", "x" * 99, compress_type=zipfile.ZIP_LZMA)
        archive.writestr("b", "x" * 99, compress_type=zipfile.ZIP_DEFLATED)
    with opened(tmp_path / "a.zip") as download:
        with pytest.raises(Unreadable, match="a: compressed in a way that is not read here"):
            download.copy("a", tmp_path / "a")
        download.copy("b", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "x" * 99


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(10)])
def test_what_is_neither_a_folder_nor_a_zip(tmp_path, content):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(CourseError, match=r"is neither a folder nor a zip"), opened(path):
        pass


# --- collecting ---------------------------------------------------------------------------------


def inner_zip():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("src/02_tensor.py"), "mine")
    return target.getvalue()


def files_in(root):
    own = ("collected.json", "lock")
    found = (path for path in root.rglob("*") if path.is_file() and path.name not in own)
    return sorted(path.relative_to(root).as_posix() for path in found)


@pytest.fixture
def canvas(tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "ana_1_10_work.zip").write_bytes(inner_zip())
    (folder / "bo_LATE_2_11_02_tensor.py").write_text("late")
    (folder / "cy_3_12_a.zip").write_bytes(inner_zip())
    (folder / "cy_3_13_notes.txt").write_text("see the zip")
    return folder


def test_one_zip_stays_a_zip_and_more_become_a_folder(canvas, tmp_path):
    found, nobodys = collect_download(canvas, tmp_path / "class")
    assert [(c.student, c.status, c.entry) for c in found] == [
        ("ana_1", "collected", "ana_1.zip"),
        ("bo_2", "late", "bo_2"),
        ("cy_3", "collected", "cy_3"),
    ]
    assert found[2].note == "1 zip among 2 files: read if a module is found nowhere else"
    assert nobodys == []
    assert files_in(tmp_path / "class") == [
        "ana_1.zip",
        "bo_2/02_tensor.py",
        "cy_3/a.zip",
        "cy_3/notes.txt",
    ]
    assert (tmp_path / "class/ana_1.zip").read_bytes() == inner_zip()


def test_the_same_again_changes_nothing_and_something_new_is_taken(canvas, tmp_path):
    into = tmp_path / "class"
    first, _ = collect_download(canvas, into)
    (into / "bo_2/mine.txt").write_text("a note of the instructor's")
    again, _ = collect_download(canvas, into)
    assert again == first and "bo_2/mine.txt" in files_in(into)
    (canvas / "bo_LATE_2_11_02_tensor.py").write_text("better")
    (canvas / "ana_1_10_work.zip").unlink()
    collect_download(canvas, into)
    assert (into / "bo_2/02_tensor.py").read_text() == "better"
    kept = f".collected/earlier/bo_2.{first[1].sha256[:12]}"
    assert [n for n in files_in(into) if n.startswith(".")] == [
        f"{kept}/02_tensor.py",
        f"{kept}/mine.txt",
    ]
    assert "ana_1.zip" in files_in(into)


def test_a_zip_of_moodle_and_the_folder_that_it_lies_in(tmp_path):
    (tmp_path / "downloads").mkdir()
    path = zip_of(
        tmp_path / "downloads/CS-A1-99.zip",
        [
            ("Ada Lovelace_12_assignsubmission_file/02_tensor.py", "1"),
            ("ada lovelace_13_assignsubmission_file/02_tensor.py", "2"),
            ("Ada Lovelace_14_assignsubmission_file/con.py", "3"),
            ("../evil_15_assignsubmission_file/x.py", "4"),
        ],
    )
    for source, into in ((path, tmp_path / "a"), (path.parent, tmp_path / "b")):
        found, nobodys = collect_download(source, into)
        notes = {c.student: (c.status, c.note) for c in found}
        assert notes == {
            "Ada Lovelace_12": ("collected", ""),
            "ada lovelace_13": ("collected", ""),
        }
        refused = ["Ada Lovelace_14_assignsubmission_file/con.py"]
        refused += ["../evil_15_assignsubmission_file/x.py"]
        assert nobodys == [f"{name} (refused: unsafe name or not a file)" for name in refused]
        assert [n for n in files_in(into) if "Lovelace_12" in n] == ["Ada Lovelace_12/02_tensor.py"]
    assert not (tmp_path.parent / "evil_15_assignsubmission_file").exists()


def test_the_failure_of_one_is_a_line_and_the_rest_goes_on(tmp_path):
    path = zip_of(
        tmp_path / "x.zip",
        [("ana_1_2_a.py", b"some words that are compressed " * 9), ("bo_3_4_a.py", "fine")],
    )
    content = bytearray(path.read_bytes())
    content[50] ^= 0xFF
    path.write_bytes(content)
    found, _ = collect_download(path, tmp_path / "class")
    assert [(c.student, c.status) for c in found] == [("ana_1", "failed"), ("bo_3", "collected")]
    assert "ana_1_2_a.py: damaged" in found[0].note
    assert files_in(tmp_path / "class") == ["bo_3/a.py"]


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda root: None, "there are no files, and nothing named like lovelaceada_123_456_02"),
        (lambda root: (root / "a.py").write_text(""), "there is 'a.py', and nothing named like"),
    ],
)
def test_a_download_that_no_platform_made_is_one_line(tmp_path, make, words):
    (tmp_path / "x").mkdir()
    make(tmp_path / "x")
    with pytest.raises(CourseError) as error:
        collect_download(tmp_path / "x", tmp_path / "class")
    assert words in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "class").exists()


def test_what_is_read_is_not_what_is_written(canvas):
    for into in (canvas, canvas / "class"):
        with pytest.raises(CourseError, match=r"is inside the download .*; choose another folder"):
            collect_download(canvas, into)
