"""`tito collect`: remotes at a deadline, downloads by their names; nothing of theirs is run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_tinytorch.submissions import git as git_module
from pytest_tinytorch.submissions.collection import Collected, CollectedStatus
from pytest_tinytorch.submissions.remotes import collect_remotes

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

DEADLINE = datetime(2026, 11, 20, 22, 59, tzinfo=UTC)
EARLY, LATER, LATE = "2026-11-20T20:00:00Z", "2026-11-20T22:59:00Z", "2026-11-21T01:04:00Z"
MIB = 2**20


@dataclass
class Students:
    """Repositories of a class, and its roster."""

    root: Path
    rows: list[str] = field(default_factory=list)

    def git(self, name: str, *arguments: str, when: str = EARLY, words: str = "") -> str:
        environment = os.environ | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
            **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "x"),
            **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "x@example.com"),
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.root / name, env=environment, input=words,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def enroll(self, name: str, remote: str | None = None) -> Path:
        """A student with an empty repository, or with a remote somewhere else."""
        self.rows.append(f'"{name}","{remote or name}"')
        (self.root / "roster.csv").write_text("\n".join(["student,remote", *self.rows]), "utf-8")
        if remote is None:
            (self.root / name).mkdir()
            self.git(name, "init", "--quiet", "--initial-branch=work")
        return self.root / name

    def commit(self, name: str, when: str = EARLY, **files: str | bytes) -> str:
        for key, content in files.items():
            path = self.root / name / key.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git(name, "add", "--all")
        self.git(name, "commit", "--quiet", "--allow-empty", "--message=x", when=when)
        return self.git(name, "rev-parse", "HEAD")

    def collect(
        self, deadline: datetime | None = DEADLINE, late: bool = False
    ) -> dict[str, Collected]:
        roster = self.root / "roster.csv"
        found = collect_remotes(roster, self.into, deadline, late, local=True)
        return {one.student: one for one in found}

    @property
    def into(self) -> Path:
        return self.root.parent / "class"

    def files(self, folder: str = "") -> dict[str, str]:
        root = self.into / folder
        found = [path for path in root.rglob("*") if path.is_file()]
        kept = [path for path in found if "git" not in path.relative_to(self.into).parts[:2]]
        names = {path.relative_to(root).as_posix(): path for path in kept}
        return {
            n: p.read_text(errors="replace")
            for n, p in names.items()
            if n.rpartition("/")[2] not in ("collected.json", "lock")
        }


@pytest.fixture
def students(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Students:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    (tmp_path / "remotes").mkdir()
    return Students(tmp_path / "remotes")


# --- which commit -------------------------------------------------------------------------------


def test_the_last_commit_at_or_before_the_deadline(students):
    students.enroll("ana")
    students.commit("ana", EARLY, **{"src__02_tensor.py": "1"})
    handed_in = students.commit("ana", LATER, **{"src__02_tensor.py": "2"})
    students.commit("ana", LATE, **{"src__02_tensor.py": "3"})
    students.commit("ana", LATE, **{"src__02_tensor.py": "4"})
    found = students.collect()["ana"]
    assert found == Collected(
        "ana", CollectedStatus.COLLECTED, "ana", handed_in, "", "2026-11-20T22:59:00+00:00", "ana",
        "commits after the deadline, ignored: 2",
    )  # fmt: skip
    assert students.files() == {"ana/src/02_tensor.py": "2"}


def test_what_came_after_the_deadline_is_taken_if_it_is_asked_for(students):
    students.enroll("ana")
    students.commit("ana", LATE, **{"a.py": "late"})
    found = students.collect()["ana"]
    assert (found.status, found.entry) == (CollectedStatus.NONE, "")
    assert found.note == "nothing in time; --late takes the commit 2 h 5 min after it"
    assert students.files() == {}
    found = students.collect(late=True)["ana"]
    assert (found.status, found.note) == (CollectedStatus.LATE, "2 h 5 min after the deadline")
    assert students.files() == {"ana/a.py": "late"}


def test_without_a_deadline_the_newest_is_taken(students):
    students.enroll("ana")
    students.commit("ana", LATE, **{"a.py": "1"})
    found = students.collect(deadline=None)["ana"]
    assert (found.status, found.note) == (CollectedStatus.COLLECTED, "")


def test_only_the_way_of_the_default_branch_counts(students):
    """A side branch may have commits in time that reached the default branch too late."""
    students.enroll("ana")
    students.commit("ana", EARLY, **{"a.py": "1"})
    students.git("ana", "checkout", "--quiet", "-b", "side")
    students.commit("ana", LATER, **{"a.py": "2"})
    students.git("ana", "checkout", "--quiet", "work")
    students.git("ana", "merge", "--quiet", "--no-ff", "--message=m", "side", when=LATE)
    assert students.collect()["ana"].note == "commits after the deadline, ignored: 1"
    assert students.files() == {"ana/a.py": "1"}


def test_one_students_failure_is_a_line_about_that_one(students, tmp_path):
    students.enroll("empty")
    students.enroll("gone", "no/such/repository")
    students.enroll("evil", f"ext::sh -c touch% {tmp_path}/pwned")
    students.enroll("dead", "https://user:s3cret@127.0.0.1:9/x.git")
    students.enroll("Zoë 🎉")
    students.commit("Zoë 🎉", EARLY, **{"a.py": "1"})
    found = students.collect()
    assert {name: one.status for name, one in found.items()} == {
        "empty": CollectedStatus.NONE,
        "gone": CollectedStatus.FAILED,
        "evil": CollectedStatus.FAILED,
        "dead": CollectedStatus.FAILED,
        "Zoë 🎉": CollectedStatus.COLLECTED,
    }
    assert found["empty"].note == "no commit yet"
    assert "does not appear to be a git repository" in found["gone"].note
    assert found["evil"].note == "transport 'ext' not allowed"
    assert not (tmp_path / "pwned").exists()
    everything = [p.read_bytes() for p in students.into.rglob("*") if p.is_file()]
    assert not [content for content in everything if b"s3cret" in content]
    assert found["dead"].remote == "https://127.0.0.1:9/x.git"


# --- once more ----------------------------------------------------------------------------------


def test_the_same_again_changes_nothing(students):
    students.enroll("ana")
    students.commit("ana", EARLY, **{"a.py": "1"})
    first = students.collect()
    (students.into / "ana/mine.txt").write_text("a note of the instructor's")
    assert students.collect() == first
    assert students.files() == {"ana/a.py": "1", "ana/mine.txt": "a note of the instructor's"}


def test_something_new_is_taken_and_nothing_old_is_lost(students):
    students.enroll("ana")
    first = students.commit("ana", EARLY, **{"a.py": "1"})
    students.collect()
    students.commit("ana", LATER, **{"a.py": "2"})
    students.collect()
    students.git("ana", "checkout", "--quiet", "--orphan", "other")
    students.git("ana", "branch", "--quiet", "-D", "work")
    students.git("ana", "branch", "--quiet", "-m", "work")
    students.commit("ana", LATER, **{"a.py": "3"})
    students.git("ana", "reflog", "expire", "--expire=now", "--all")
    students.git("ana", "gc", "--quiet", "--prune=now")
    students.collect()
    assert students.files("ana") == {"a.py": "3"}
    earlier = students.files(".collected/earlier")
    assert len(earlier) == 2 and earlier[f"ana.{first[:12]}/a.py"] == "1"
    store = students.into / ".collected/git/ana"
    show = ["git", f"--git-dir={store}", "show", f"{first}:a.py"]
    assert subprocess.run(show, capture_output=True, check=True).stdout == b"1"


def test_a_remote_that_is_gone_keeps_what_was_collected(students):
    students.enroll("ana")
    commit = students.commit("ana", EARLY, **{"a.py": "1"})
    students.collect()
    shutil.rmtree(students.root / "ana")
    found = students.collect()["ana"]
    assert (found.status, found.entry, found.commit) == (CollectedStatus.FAILED, "ana", commit)
    assert "the earlier submission is kept" in found.note
    assert students.files() == {"ana/a.py": "1"}


def test_students_that_differ_by_case_have_folders_of_their_own(students):
    for name, text in (("ana", "1"), ("Ana", "2")):
        students.enroll(name)
        students.commit(name, EARLY, **{"a.py": text})
    found = students.collect()
    entries = [found[name].entry for name in ("ana", "Ana")]
    assert entries[0] == "ana" and entries[1].startswith("Ana~")
    assert [students.files(entry)["a.py"] for entry in entries] == ["1", "2"]
    assert {one.entry for one in students.collect().values()} == set(entries)


# --- what a repository may hold -----------------------------------------------------------------


def test_nothing_in_a_repository_has_an_effect(students, tmp_path, monkeypatch):
    """Links, submodules, filters and hooks: nothing is followed, fetched or run."""
    trap, hooks = tmp_path / "trap", tmp_path / "hooks"
    root = students.enroll("ana")
    modules = f'[submodule "module"]\npath = module\nurl = ext::sh -c touch% {trap}\n'
    attributes = "*.py filter=evil\n*.bin filter=lfs\n"
    files = {".gitattributes": attributes, ".gitmodules": modules, "a.py": "1", "b.bin": "2"}
    for name, text in files.items():
        (root / name).write_text(text)
    (root / "link").symlink_to("/etc/passwd")
    (root / "folder").symlink_to("/etc")
    students.git("ana", "add", "link", "folder", *files)
    module = f"160000,{'1' * 40},module"
    students.git("ana", "update-index", "--add", "--cacheinfo", module)
    students.git("ana", "commit", "--quiet", "--message=x")
    # What an instructor's own settings may run, wherever a repository asks for it.
    hooks.mkdir()
    for name in ("reference-transaction", "post-checkout", "post-merge"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {trap}\n")
        (hooks / name).chmod(0o755)
    (tmp_path / "gitconfig").write_text(
        f'[core]\nhooksPath = {hooks}\n[filter "evil"]\nsmudge = touch {trap}; cat\n'
        f'process = touch {trap}\n[filter "lfs"]\nsmudge = touch {trap}; cat\nrequired = true\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    found = students.collect()["ana"]
    assert found.note == "left out, links or submodules: 3"
    assert students.files("ana") == files
    assert not trap.exists() and not (tmp_path / "elsewhere").exists()


def test_names_that_lead_into_trouble_are_left_out(students):
    students.enroll("ana")
    blob = students.git("ana", "hash-object", "-w", "--stdin", words="x")
    names = ["con.py", "a:b", "back\\slash", "end.", "A.py", "a.py", "good.py", "deep/x.py"]
    listing = "".join(f"100644 {blob}\t{name}\n" for name in names)
    students.git("ana", "update-index", "--add", "--index-info", words=listing)
    students.git("ana", "commit", "--quiet", "--message=x")
    found = students.collect()["ana"]
    assert set(students.files("ana")) == {"A.py", "good.py", "deep/x.py"}
    assert found.note == (
        "left out, not a valid file name on every system: 4; "
        "left out, name differs from another only in case: 1"
    )


@pytest.mark.parametrize("partial", ["true", "false"])
def test_what_is_too_large_is_left_out_and_not_even_transferred(students, partial):
    students.enroll("ana")
    students.git("ana", "config", "uploadpack.allowFilter", partial)
    students.commit("ana", **{"large.bin": os.urandom(5 * MIB), "data.bin": os.urandom(2 * MIB)})
    for _ in range(2):
        found = students.collect()["ana"]
        assert found.note == "left out, of 4 MiB or more: 1"
    assert set(students.files("ana")) == {"data.bin"}
    store = students.into / ".collected/git/ana"
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    assert (size < 3 * MIB) == (partial == "true")


def test_of_too_many_files_those_nearest_to_the_top_are_taken(students, monkeypatch):
    monkeypatch.setattr("pytest_tinytorch.submissions.remotes._MOST_FILES", 3)
    students.enroll("ana")
    files = {f"environment__lib__{n}.py": str(n) for n in range(5)}
    students.commit("ana", **files, **{"src__02_tensor.py": "1", "z.py": "2"})
    note = students.collect()["ana"].note
    assert note == "left out, beyond 3 files or 64 MiB: 4"
    assert {"src/02_tensor.py", "z.py"} < set(students.files("ana"))


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_folder_of_this_machine_needs_an_option(students, form):
    students.enroll("ana")
    students.commit("ana", **{"a.py": "1"})
    students.rows[:] = []
    students.enroll("bo", form.format(students.root / "ana"))
    roster = students.root / "roster.csv"
    [found] = collect_remotes(roster, students.into, None, late=False)
    assert (found.status, found.note) == (
        CollectedStatus.FAILED,
        "the remote is a folder of this machine; --local-remotes allows that",
    )
    [found] = collect_remotes(roster, students.into, None, late=False, local=True)
    assert found.status is CollectedStatus.COLLECTED


def test_more_files_than_are_looked_at(students, monkeypatch):
    monkeypatch.setattr(git_module, "_MOST_PATHS", 2)
    students.enroll("ana")
    students.commit("ana", **{"a.py": "1", "b.py": "2", "c.py": "3"})
    found = students.collect()["ana"]
    assert (found.status, found.note) == (CollectedStatus.FAILED, "it has more than 2 files")


def test_a_tree_without_end_fails(students, monkeypatch):
    """Ten levels of ten folders, all the same one: a few objects, ten thousand million files."""
    monkeypatch.setattr(git_module, "_MOST_LISTED", MIB)
    students.enroll("ana")
    blob = students.git("ana", "hash-object", "-w", "--stdin", words="x")
    entries = [f"100644 blob {blob}\t{n}" for n in range(10)]
    for _ in range(10):
        tree = students.git("ana", "mktree", words="\n".join(entries) + "\n")
        entries = [f"040000 tree {tree}\t{n}" for n in range(10)]
    commit = students.git("ana", "commit-tree", tree, "-m", "x")
    students.git("ana", "update-ref", "refs/heads/work", commit)
    started = time.monotonic()
    found = students.collect()["ana"]
    assert (found.status, found.note) == (
        CollectedStatus.FAILED,
        "git output exceeds 1 MiB",
    )
    assert time.monotonic() - started < 20


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_server_that_does_not_answer_is_given_up(students, tmp_path, monkeypatch):
    script = tmp_path / "ssh"
    script.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    monkeypatch.setattr(git_module, "SECONDS", 0.5)
    students.enroll("ana", "ssh://example.invalid/x")
    assert students.collect()["ana"].note == "no answer within 0.5 s"
    assert is_gone(int((tmp_path / "pid").read_text()))


def _has_ended(process: int) -> bool:
    """Whether it has ended, and its parent has not collected its exit status yet."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # gone by now, or a system without /proc
        return False
    return state == "Z"


def is_gone(process: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if _has_ended(process):
            return True
        time.sleep(0.05)
    return False


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def tito(monkeypatch, run_tito, tmp_path):
    """Runs a command in an empty folder, in a narrow terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return run_tito


def test_the_report_has_a_line_for_everybody_to_look_at(students, tito):
    for name, when in (("ana", EARLY), ("bo", LATE)):
        students.enroll(name)
        students.commit(name, when, **{"a.py": "1"})
    students.enroll("evil", "https://github.com.invalid/x")
    roster = str(students.root / "roster.csv")
    code, lines = tito(
        "collect",
        "git",
        roster,
        "--local-remotes",
        "--into",
        "class",
        "--deadline",
        "2026-11-20T23:59+01:00",
    )
    assert code == 1 and max(map(len, lines)) <= 80
    assert lines[0] == "1 collected, 0 late, 1 none, 1 failed"
    text = " ".join(" ".join(lines).split())
    assert "none bo nothing in time; --late takes the commit 2 h 5 min after it" in text
    assert "failed evil unable to access 'https://github.com.invalid/x/'" in text
    assert lines[-3:] == [
        "Written: class/, with collected.json",
        "A commit's time comes from its author's clock, which the author can set.",
        "GitHub records when it was pushed: gh api repos/OWNER/NAME/activity",
    ]
    data = json.loads(Path("class/collected.json").read_text("utf-8"))
    assert [s["student"] for s in data["students"]] == ["ana", "bo", "evil"]


def test_everything_collected_is_exit_code_0(students, tito):
    students.enroll("ana")
    students.commit("ana", **{"a.py": "1"})
    assert tito(
        "collect", "git", str(students.root / "roster.csv"), "--local-remotes", "--into", "class"
    ) == (
        0,
        ["1 collected, 0 late, 0 none, 0 failed", "Written: class/, with collected.json"],
    )


def test_downloads(tito, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/ana_1_2_a.py").write_text("1")
    (tmp_path / "x/bo_LATE_3_4_a.py").write_text("2")
    (tmp_path / "x/syllabus.pdf").write_text("")
    (tmp_path / "x/read\x1b[2Jme.txt").write_text("")
    assert tito("collect", "zips", "x", "--into", "class") == (
        0,
        [
            "1 collected, 1 late, 0 none, 0 failed",
            "  late  bo_3",
            "Written: class/, with collected.json",
            "Ignored, the name is not a student's: syllabus.pdf, read\\x1b[2Jme.txt"
            " (refused: unsafe name or not a file)",
        ],
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("git", "no.csv", "--into", "c"), "no.csv cannot be read: No such file or directory"),
        (
            ("git", "no.csv", "--into", "c", "--deadline", "today"),
            "'today' is not a date",
        ),
        (("zips", "no", "--into", "c"), "no cannot be read: No such file or directory"),
        (("zips", ".", "--into", "c"), "--into c is inside the download"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tito, arguments, words):
    code, lines = tito("collect", *arguments)
    assert code == 2 and len(lines) == 1 and words in lines[0]
    assert not Path("c").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_somebody_who_stops_it_keeps_what_was_collected(students, tmp_path):
    students.enroll("ana")
    students.commit("ana", **{"a.py": "1"})
    students.enroll("bo", "ssh://example.invalid/x")
    script = tmp_path / "ssh"
    script.write_text(
        f"#!/bin/sh\necho $$ >{tmp_path}/new && mv {tmp_path}/new {tmp_path}/pid\nexec sleep 60\n"
    )
    script.chmod(0o755)
    # Whoever started these tests in the background of a shell has told them to ignore Ctrl-C.
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heeds}; from pytest_tinytorch.cli.main import main; main()"]
    command += ["collect", "git", "remotes/roster.csv", "--local-remotes", "--into", "class"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | {"GIT_SSH_COMMAND": str(script)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "Stopped. Run the same command to resume; class/ is kept.\n"
    assert is_gone(int((tmp_path / "pid").read_text()))
    data = json.loads((tmp_path / "class/collected.json").read_text())
    assert [s["student"] for s in data["students"]] == ["ana"]
