"""A whole class with its hostile fifth: killed and resumed, and on more than one machine."""

import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

import ends
import forgeries
import patches
import trees
import words
from arena import RIGHT, WRONG, make_arena
from attack import lay_out
from results import digests as files

from pytest_tinytorch.gradebook.results_folder import LIST
from pytest_tinytorch.isolation.levels import missing

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))

HONEST = 100
HOSTILE = (
    (ends, ["exit at import", "exit in a call", "sys.exit in a call", "killing itself", "abort",
            "a skip of pytest", "an exception that is its own cause"]),
    (patches, ["numpy's assertions replaced", "built-in functions replaced", "nothing",
               "an object equal to everything", "what is printed says passed"]),
    (forgeries, ["noise in the channel", "pickled bytes", "the channel closed"]),
    (trees, ["a conftest that lets all pass", "a source that is a pipe", "nothing at all"]),
    (words, ["words that clear the screen", "words that are a formula"]),
)  # fmt: skip
# Right, wrong in one function, not written, broken.
KINDS = {
    "right": (RIGHT, 15.0),
    "wrong": (WRONG, 5.0),
    "abs": (RIGHT.replace("np.maximum(x, 0)", "np.abs(x)"), 11.0),
    "unwritten": (RIGHT.replace("return np.maximum(x, 0)", "raise NotImplementedError"), 11.0),
    "broken": (RIGHT + "\ndef f(:\n", 5.0),
}


def make_class(folder: Path) -> dict[str, float | tuple[float, float]]:
    """Lay out 120 submissions; student -> the points that are due."""
    due: dict[str, float | tuple[float, float]] = {}
    for number in range(HONEST):
        kind, (source, points) = list(KINDS.items())[number % len(KINDS)]
        student = f"{kind} {number:03}"
        make_arena(folder / student, f"{source}\n# {student}\n")
        due[student] = points
    for file, names in HOSTILE:
        for name in names:
            lay_out(file.ATTACKS[name], folder / name, 9)
            due[name] = file.ATTACKS[name].points
    shutil.rmtree(folder / "other")
    return due


def command(results: Path, folder: Path, *more: str) -> list[str]:
    words = [sys.executable, "-m", "pytest", f"--submissions={folder}", f"--results={results}"]
    return [*words, "-p", "no:cacheprovider", *more]


def run(root: Path, results: Path, folder: Path, *more: str) -> str:
    done = subprocess.run(
        command(results, folder, *more), cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def recorded_in(xml: Path) -> list[dict]:
    suite = ET.parse(xml).getroot()[0]
    properties = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    record = json.loads(properties["record"])
    return [{**test, "seconds": 0} for test in record["tests"]]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return make_arena(tmp_path_factory.mktemp("course") / "tree")


@pytest.fixture(scope="module")
def school(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("class")
    return folder, make_class(folder)


@pytest.fixture(scope="module")
def whole(root, school, tmp_path_factory) -> Path:
    """The results of a run that nobody disturbed."""
    results = tmp_path_factory.mktemp("whole") / "results"
    run(root, results, school[0], "-n2")
    return results


def test_everybody_gets_what_is_due(whole, school):
    _, due = school
    assert len(due) == 120
    found = {s: sum(t["points"] for t in recorded_in(whole / s / "grade.xml")) for s in due}
    assert found == due


@pytest.mark.parametrize("student", ["right 000", "wrong 001", "abs 002", "broken 004"])
def test_the_same_as_one_graded_alone(whole, school, student, tmp_path):
    shutil.copytree(school[0] / student, tmp_path / "tree")
    words = ["--grade", "--junitxml=grade.xml", "--student", student]
    subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=tmp_path / "tree", capture_output=True,
        check=False,
    )  # fmt: skip
    assert recorded_in(whole / student / "grade.xml") == recorded_in(tmp_path / "tree/grade.xml")


def test_killed_three_times_and_resumed(root, school, whole, tmp_path):
    """The same bytes as a run that nobody disturbed, whenever it is that it ends."""
    results = tmp_path / "results"
    chance = random.Random(int(os.environ.get("PYTEST_RANDOM_MOMENTS", time.time_ns())))
    for _ in range(3):
        process = subprocess.Popen(
            command(results, school[0], "-n2"), cwd=root, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        _wait_for_parts(results, process, more=chance.randint(1, 60))
        time.sleep(chance.random() / 10)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    text = run(root, results, school[0], "-n2")
    assert "120 students" in text
    assert files(results) == files(whole)


def _wait_for_parts(results: Path, process: "subprocess.Popen[bytes]", more: int) -> None:
    wanted = len(list(results.glob(".parts/*/0?.json"))) + more
    limit = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < limit:
        if len(list(results.glob(".parts/*/0?.json"))) >= wanted:
            return
        time.sleep(0.02)


# --- more than one machine ------------------------------------------------------------------------


@pytest.fixture
def machines(root) -> Iterator[list[tuple["subprocess.Popen[bytes]", str]]]:
    """Two socket servers of execnet, each with the words that send work to it."""
    started = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        # -P: the server's own file is called socketserver, and must not hide that of Python.
        words = [sys.executable, "-P", "-m", "execnet.script.socketserver", f"127.0.0.1:{port}"]
        process = subprocess.Popen(
            words, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        _wait_for_port(port)
        started.append((process, f"--tx=socket=127.0.0.1:{port}//chdir={root}"))
    yield started
    for process, _ in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for_port(port: int) -> None:
    # Not by a connection: the server would take it for its only client.
    address = f"0100007F:{port:04X}"
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        if address in Path("/proc/net/tcp").read_text("ascii"):
            return
        time.sleep(0.05)
    pytest.fail(f"nobody listens on port {port}")


@pytest.fixture
def few(school, whole, tmp_path) -> tuple[Path, dict[str, str]]:
    """Every fourth of the class, and their files of the run that nobody disturbed."""
    folder, due = school
    students = sorted(due)[::4]
    for student in students:
        shutil.copytree(
            folder / student, tmp_path / "few" / student, symlinks=True, copy_function=_plain
        )
    theirs = {name: digest for name, digest in files(whole).items() if _whose(name) in students}
    return tmp_path / "few", theirs


def _of_students(results: Path) -> dict[str, str]:
    """The files of each student; the list of grades is that of the class."""
    return {name: digest for name, digest in files(results).items() if name != LIST}


def _listed(results: Path) -> set[str]:
    return set((results / LIST).read_text().splitlines())


def _whose(name: str) -> str:
    parts = Path(name).parts
    return parts[1] if parts[0] == ".parts" else parts[0]


def _plain(source: str, target: str) -> None:
    """Copy a file; of a pipe or a device, make another one."""
    if stat.S_ISFIFO(os.lstat(source).st_mode):
        os.mkfifo(target)
    else:
        shutil.copy(source, target)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for a listener in /proc")
def test_two_machines_come_to_the_same(root, few, machines, tmp_path, whole):
    folder, theirs = few
    before = {path.name for path in root.iterdir()}
    run(root, tmp_path / "results", folder, "--dist=load", *(words for _, words in machines))
    assert _of_students(tmp_path / "results") == theirs
    assert len(_listed(tmp_path / "results") & _listed(whole)) == len(list(folder.iterdir())) + 1
    new = {path.name for path in root.iterdir()} - before
    assert new <= {"__pycache__"}  # xdist would copy pytest itself there


@pytest.mark.skipif(sys.platform != "linux", reason="looks for a listener in /proc")
def test_a_machine_that_dies_is_done_without(root, few, machines, tmp_path):
    results, (folder, theirs) = tmp_path / "results", few
    process = subprocess.Popen(
        command(results, folder, "--dist=load", *(words for _, words in machines)),
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    _wait_for_parts(results, process, more=10)
    os.killpg(machines[0][0].pid, signal.SIGKILL)
    text, _ = process.communicate(timeout=300)
    assert "the other workers continue" in text
    assert "INTERNALERROR" not in text
    assert _of_students(results) == theirs


SSH = """#!/bin/sh
# What ssh does, with this machine for all others: -C MACHINE COMMAND
echo "$2" >>"$SSH_LOG"
cd / && exec sh -c "$3"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_for_a_batch_queue(root, few, tmp_path, monkeypatch):
    folder, theirs = few
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, text in {"ssh": SSH, "scontrol": "#!/bin/sh\nprintf 'one\\ntwo\\n'\n"}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    path = [str(commands), str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    for name in ("SLURM_JOB_NODELIST", "SLURM_CPUS_ON_NODE"):  # of a job of one processor each
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("SSH_LOG", str(tmp_path / "log"))
    _, _, _, *arguments = command(tmp_path / "results", folder)
    script = Path(__file__).parents[2] / "docs/class/slurm.sh"
    done = subprocess.run(
        ["bash", str(script), *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert _of_students(tmp_path / "results") == theirs
    assert sorted((tmp_path / "log").read_text().split()) == ["one", "two"]
