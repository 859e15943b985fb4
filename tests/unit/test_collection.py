"""Names, rosters and collections: nobody's work is lost, mixed up, or put in a wrong place."""

import json
import os
from pathlib import PurePosixPath

import pytest

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.names import folded, folder_name, safe_path
from pytest_tinytorch.submissions.collection import Collected, CollectedStatus, Collection, shared
from pytest_tinytorch.submissions.git import is_local, without_password
from pytest_tinytorch.submissions.roster import Row, read_roster

# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "student",
    [
        "ana",
        "Bo Čen",
        "Zoë 🎉",
        "ana@example.com",
        "a,b",
        "李雷",
        "O'Neil",
        "lovelaceada_12",
        "a.b",
    ],
)
def test_a_student_keeps_the_name(student):
    assert folder_name(student, ["somebody", "else"]) == student


@pytest.mark.parametrize(
    "student",
    [
        "", ".", "..", "../../up", "/etc", "a/b", "a\\b", "C:x", "a\0b", "a\nb", "a\x1b[2J", "-rf",
        "~root", "CON", "nul.txt", "com1", "ends.", "ends ", " begins", ".hidden", "a.zip", "A.ZIP",
        "collected.json", "Collected.JSON", ".collected", "a\u202eb", "\ud800", "x" * 300,
        "🎉" * 100, 'a"b', "a|b", "a?b", "a*b",
    ],
)  # fmt: skip
def test_a_name_that_not_every_system_can_hold_is_changed(student):
    name = folder_name(student, [])
    assert name != student and "~" in name
    assert safe_path(name) == PurePosixPath(name)
    assert len(name.encode()) < 200
    assert not name.startswith((".", "-", "~")) and not name.lower().endswith((".zip", ".json"))
    assert folder_name(student, ["others"]) == name  # in every run the same
    assert folder_name(f"{student}x", []) != name


@pytest.mark.parametrize(
    "one, other", [("ana", "Ana"), ("Zoë", "Zoe\u0308"), ("straße", "STRASSE"), ("ÉVA", "éva")]
)
def test_names_that_some_system_takes_for_one_are_told_apart(one, other):
    first = folder_name(one, [])
    second = folder_name(other, [first])
    assert folded(first) != folded(second)
    third = folder_name(other.upper() + " ", [first, second])
    assert len({folded(name) for name in (first, second, third)}) == 3


@pytest.mark.parametrize("name", ["a.py", "src/02_tensor.py", "a b/ü.txt", ".gitignore", "a/.env"])
def test_paths_that_stay_inside(name):
    assert safe_path(name) == PurePosixPath(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a/", "c:/x", "a\\..\\b",
        ".git/config", "a/.GIT/hooks/x", "GIT~1/x", "a\0", "con", "a/NUL.txt", "a. ", "a.",
        "x" * 201, "a/" * 30 + "b", "\udcff", "a\u202e.py",
    ],
)  # fmt: skip
def test_paths_that_do_not(name):
    assert safe_path(name) is None


# --- rosters ------------------------------------------------------------------------------------


def roster(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_roster_has_two_columns_anywhere(tmp_path):
    text = 'email,student,remote\r\nx,ana,../ana.git\r\ny,"Čen, Bo",git@example.com:bo/x.git\r\n'
    rows = [Row("ana", "../ana.git"), Row("Čen, Bo", "git@example.com:bo/x.git")]
    assert read_roster(roster(tmp_path, text)) == rows
    assert read_roster(roster(tmp_path, "\ufeff" + text)) == rows
    german = "Email;STUDENT;Remote\r\nx;ana;../ana.git\r\ny;Čen, Bo;git@example.com:bo/x.git\r\n"
    assert read_roster(roster(tmp_path, german)) == rows
    assert read_roster(roster(tmp_path, "student,remote\n ana , r \n")) == [Row("ana", "r")]


ROSTERS = {
    "columns": ("name,remote\nana,x\n", "no column 'student'; write student,remote (found: 'name'"),
    "both": ("a\n", "no column 'student' and no column 'remote'"),
    "bars": ("student|remote\n", "found: 'student|remote')"),
    "nothing": ("", "found: nothing"),
    "no rows": ("student,remote\n", "has a header and no student below it"),
    "no student": ("student,remote\n ,x\n", "line 2: student is empty"),
    "no remote": ("student,remote\nana\n", "line 2: remote is empty"),
    "option": ("student,remote\nana,--upload-pack=x\n", "'--upload-pack=x' begins with '-'"),
    "twice": ("student,remote\nana,x\nbo,y\nana,z\n", "'ana' appears twice, on lines 2 and 4"),
    "twice, composed": ("student,remote\nZoë,x\nZoe\u0308,y\n", "appears twice, on lines 2 and 3"),
    "control": (
        'student,remote\nana,"a\x1b[2Jb"\n',
        "line 2: remote 'a\\x1b[2Jb' has characters",
    ),
    "newline": ('student,remote\n"a\nb",x\n', "line 3: student 'a\\nb' has characters"),
}


@pytest.mark.parametrize("text, words", ROSTERS.values(), ids=ROSTERS)
def test_a_roster_that_is_none_is_one_line(tmp_path, text, words):
    with pytest.raises(CourseError) as error:
        read_roster(roster(tmp_path, text))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_roster_that_cannot_be_read(tmp_path):
    with pytest.raises(CourseError, match=r"nowhere.csv cannot be read: No such file"):
        read_roster(tmp_path / "nowhere.csv")
    with pytest.raises(CourseError, match=r"is not a CSV file in UTF-8"):
        read_roster(roster(tmp_path, "student,remote\nZoë,x\n", "latin-1"))


# --- collections --------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path):
    return tmp_path / "class"


def put(collection, student, text="1", version="c1", zipped=False):
    with collection.workplace() as workplace:
        made = workplace / "made"
        if zipped:
            made.write_text(text)
        else:
            made.mkdir()
            (made / "a.py").write_text(text)
        return collection.place(Collected(student, CollectedStatus.COLLECTED, commit=version), made)


OWN = ("collected.json", "lock")


def contents(root):
    files = (path for path in root.rglob("*") if path.is_file() and path.name not in OWN)
    return {path.relative_to(root).as_posix(): path.read_text() for path in files}


def listed(root):
    return json.loads((root / "collected.json").read_text("utf-8"))


def test_a_collection_is_folders_zips_and_a_list(root):
    collection = Collection(root)
    put(collection, "Zoë 🎉")
    put(collection, "bo", zipped=True)
    collection.note(Collected("cy", CollectedStatus.NONE, note="no commit yet"))
    assert contents(root) == {"Zoë 🎉/a.py": "1", "bo.zip": "1"}
    assert listed(root)["format"] == 1
    rows = [(s["student"], s["status"], s["entry"]) for s in listed(root)["students"]]
    assert rows == [
        ("Zoë 🎉", "collected", "Zoë 🎉"),
        ("bo", "collected", "bo.zip"),
        ("cy", "none", ""),
    ]
    again = Collection(root)
    assert again.of("bo") == collection.of("bo") and again.of("nobody") is None


def test_what_was_there_is_moved_aside(root):
    put(Collection(root), "ana", "1", "c1")
    put(Collection(root), "ana", "2", "c2", zipped=True)
    put(Collection(root), "ana", "3", "c3")
    (root / "ana/mine.txt").write_text("a note of the instructor's")
    put(Collection(root), "ana", "4", "c3")
    put(Collection(root), "ana", "5", "c3")
    earlier = ".collected/earlier"
    assert contents(root) == {
        "ana/a.py": "5",
        f"{earlier}/ana.c1/a.py": "1",
        f"{earlier}/ana.zip.c2": "2",
        f"{earlier}/ana.c3/a.py": "3",
        f"{earlier}/ana.c3/mine.txt": "a note of the instructor's",
        f"{earlier}/ana.c3-2/a.py": "4",
    }


def test_what_nobody_collected_is_moved_aside_too(root):
    (root / "ana").mkdir(parents=True)
    (root / "ana/a.py").write_text("somebody's")
    put(Collection(root), "ana")
    assert contents(root)[".collected/earlier/ana.unknown/a.py"] == "somebody's"


def test_a_failure_keeps_what_was_collected_before(root):
    put(Collection(root), "ana", "1", "c1")
    found = Collection(root).note(Collected("ana", CollectedStatus.FAILED, note="no answer"))
    assert (found.status, found.entry, found.commit) == (CollectedStatus.FAILED, "ana", "c1")
    assert found.note == "no answer; the earlier submission is kept"
    assert contents(root) == {"ana/a.py": "1"}
    assert listed(root)["students"][0]["commit"] == "c1"


def test_students_that_differ_by_case_stay_apart_in_every_run(root):
    names = [put(Collection(root), student).entry for student in ("ana", "Ana", "ANA")]
    assert names[0] == "ana" and len({folded(name) for name in names}) == 3
    assert [put(Collection(root), student).entry for student in ("ANA", "Ana", "ana")] == names[
        ::-1
    ]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": 2, "students": []}', '{"format": 1, "students": [{"student": "a"}]}'],
)
def test_a_list_that_is_damaged_is_not_written_over(root, text):
    root.mkdir()
    (root / "collected.json").write_text(text)
    with pytest.raises(CourseError, match=r"collected.json is damaged .*move it away"):
        Collection(root)
    assert (root / "collected.json").read_text() == text


def test_a_place_that_is_a_file(tmp_path):
    (tmp_path / "class").write_text("")
    with pytest.raises(CourseError, match=r"--into .*class cannot be written"):
        Collection(tmp_path / "class")


# --- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, shown",
    [
        ("https://ana:s3cret@example.com/x.git", "https://example.com/x.git"),
        ("unable to access 'https://tok@h/x': 403", "unable to access 'https://h/x': 403"),
        ("git@example.com:ana/x.git", "git@example.com:ana/x.git"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_passwords_of_addresses_are_not_shown(text, shown):
    assert without_password(text) == shown


# --- two at once, and what a list may say ---------------------------------------------------------


def test_two_collections_at_once_lose_no_entry(root):
    one, other = Collection(root), Collection(root)
    put(one, "ana", "1", "c1")
    put(other, "bo", "2", "c2")
    put(one, "cy", "3", "c3")
    other.note(Collected("dee", CollectedStatus.NONE, note="no commit yet"))
    assert [entry["student"] for entry in listed(root)["students"]] == ["ana", "bo", "cy", "dee"]


def test_two_collections_at_once_share_no_folder(root):
    one, other = Collection(root), Collection(root)
    put(one, "Ana", "1", "c1")
    put(other, "ana", "2", "c2")
    entries = [entry["entry"] for entry in listed(root)["students"]]
    assert len({folded(entry) for entry in entries}) == 2


def test_whoever_waits_too_long_is_told(root, monkeypatch):
    import filelock

    monkeypatch.setattr("pytest_tinytorch.submissions.collection._LOCK_SECONDS", 0.01)
    collection = Collection(root)
    with (
        filelock.FileLock(root / ".collected/lock"),
        pytest.raises(CourseError, match="is in use by another `tito collect`; wait for its end"),
    ):
        collection.note(Collected("ana", CollectedStatus.NONE))


@pytest.mark.skipif(os.name == "nt", reason="there, nobody removes what another left")
def test_what_a_killed_run_left_is_removed(root):
    collection = Collection(root)
    left = root / ".collected/tinytorch-new-abc"
    (left / "submission").mkdir(parents=True)
    (left / ".held").touch()
    os.utime(left / ".held", (1, 1))
    with collection.workplace() as workplace:
        assert workplace.parent == root / ".collected" and not left.exists()
    assert not workplace.exists()


def test_students_with_the_same_work_are_named():
    def one(student, **more):
        return Collected(student, CollectedStatus.COLLECTED, **more)

    found = [
        one("ana", remote="https://h/team.git", commit="a" * 40),
        one("bo", remote="https://h/team", commit="a" * 40),
        one("cy", remote="https://h/cy", commit="a" * 40),
        one("dee", remote="upload.zip", sha256="b" * 64),
        one("eve", remote="upload.zip", sha256="b" * 64),
        one("flo", remote="upload.zip", sha256="c" * 64),
        Collected("gus", CollectedStatus.NONE, remote="https://h/gus"),
        Collected("hal", CollectedStatus.NONE, remote="https://h/hal"),
    ]
    assert shared(found) == [
        "The same remote: ana, bo",
        "The same commit: ana, bo, cy",
        "The same files: dee, eve",
    ]


@pytest.mark.parametrize(
    "key, value",
    [
        ("entry", "../outside"), ("entry", "/etc"), ("entry", "a/b"), ("entry", 3), ("entry", ".."),
        ("student", None), ("student", "\ud800"), ("commit", 7), ("note", ["x"]),
    ],
)  # fmt: skip
def test_a_list_that_no_collection_wrote_is_one_line(root, key, value):
    put(Collection(root), "ana", "1", "c1")
    data = listed(root)
    data["students"][0][key] = value
    (root / "collected.json").write_text(json.dumps(data))
    with pytest.raises(CourseError, match=r"collected.json is damaged \(.*\); move it away"):
        Collection(root)


@pytest.mark.parametrize(
    "remote, local",
    [
        ("https://h/x", False), ("ssh://h/x", False), ("git@h:x", False), ("h:x/y", False),
        ("file:///srv/x", True), ("FILE://x", True), ("/srv/x", True), ("x", True), ("./a:b", True),
        ("../x", True), ("C:\\x", os.name == "nt"), ("a/b:c", True),
    ],
)  # fmt: skip
def test_what_git_takes_for_a_folder_of_this_machine(remote, local):
    assert is_local(remote) is local
