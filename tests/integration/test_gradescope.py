"""`--gradescope`, and the autograder in a folder laid out as Gradescope lays out `/autograder`."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from forkserver import ForkServer
from gradescope_specification import has_score, violations

sys.path.insert(0, str(Path(__file__).parents[1] / "system/submissions"))

from arena import MORE, RIGHT, WRONG, make_arena, make_hidden, source

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.grading.gradescope.bundle import make_bundle
from pytest_tinytorch.isolation.levels import missing

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))

SECRETS = ("secret", "SECRET", "31337", "271828")


def read(path: Path) -> dict:
    made = json.loads(path.read_text())
    assert violations(made) == []
    return made


# --- pytest --grade --gradescope ----------------------------------------------------------------


@dataclass
class Desk:
    """Where somebody grades one tree."""

    root: Path
    server: ForkServer

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.server.run(["--grade", "--isolate=process", *arguments], self.root)

    def results(self, *arguments: str) -> dict:
        result = self.run("--gradescope=out/results.json", *arguments)
        assert result.ret in (0, 1, 3), [*result.outlines, *result.errlines]
        return read(self.root / "out/results.json")


@pytest.fixture
def desk(tmp_path: Path, forkserver: ForkServer) -> Desk:
    return Desk(make_arena(tmp_path / "tree"), forkserver)


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_a_graded_run_writes_its_results(desk, way):
    made = desk.results("--student", "ana", *way)
    assert (made["score"], len(made["tests"])) == (15, 7)
    assert made["extra_data"]["student"] == "ana"
    assert "Grade: 15 of 15 points" in made["output"] and "Isolation: process" in made["output"]
    assert 0 < made["execution_time"] < 60
    assert [path.name for path in (desk.root / "out").iterdir()] == ["results.json"]


def test_what_qualifies_a_grade_stands_in_its_output(desk):
    (desk.root / "conftest.py").write_text("raise SystemExit\n")
    (desk.root / "src/02_more.py").unlink()
    (desk.root / "src/02_more.py").symlink_to("01_ops.py")
    made = desk.results()
    assert "Modified course files: conftest.py" in made["output"]
    assert "Ignored: src/02_more.py: is a link" in made["output"]
    assert made["score"] == 10


def test_nothing_of_a_hidden_test_is_written(desk, tmp_path):
    text = (desk.root / "src/01_ops.py").read_text()
    evil = text.replace("return np.maximum(x, 0)", "raise ValueError(f'{x}')")
    (desk.root / "src/01_ops.py").write_text(evil)
    made = desk.results("--hidden", str(make_hidden(tmp_path / "secrets")))
    assert made["tests"][-1]["name"] == "Hidden test 1"
    assert made["tests"][-1]["visibility"] == "hidden"
    written = (desk.root / "out/results.json").read_text()
    assert [secret for secret in SECRETS if secret in written] == []


def test_a_run_that_decides_nothing_makes_nothing_up(desk):
    made = desk.results("-k", "scale")
    assert not has_score(made)
    assert "5 of the 7 tests could not be decided" in made["output"]


def test_an_earlier_file_is_kept_aside(desk):
    (desk.root / "out").mkdir()
    (desk.root / "out/results.json").write_text("mine")
    result = desk.run("--gradescope=out/results.json")
    assert "results.json of an earlier run is now results.json.old" in result.stdout.str()
    assert (desk.root / "out/results.json.old").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments, words, code",
    [
        (("--grade", "--gradescope=checkpoints"), "'checkpoints' names no file; write one", 4),
        (("--grade", "--gradescope"), "--gradescope needs a value after it", 4),
        (("--grade", "--gradescope=course.toml/x.json"), "x.json cannot be written: ", 3),
        (("--checkpoint=00", "--gradescope=x.json"), "--gradescope needs --grade", 4),
    ],
)
def test_a_file_that_cannot_be_is_one_line(desk, arguments, words, code):
    result = desk.server.run(arguments, desk.root)
    output = [*result.outlines, *result.errlines]
    assert result.ret == code
    assert any(words in line for line in output) and "Traceback" not in "\n".join(output), output


def test_a_run_that_is_killed_leaves_a_file_that_says_so(desk, tmp_path):
    slow = "\nimport time\ntime.sleep(1.5)\n"
    (desk.root / "src/01_ops.py").write_text(source("core.ops", RIGHT + slow))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--grade",
        "--isolate=process",
        "--gradescope=r.json",
    ]
    process = subprocess.Popen(
        command, cwd=desk.root, stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    deadline = time.monotonic() + 30
    while not (desk.root / "r.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    made = read(desk.root / "r.json")
    assert not has_score(made) and "Grading did not finish" in made["output"]


# --- the autograder -----------------------------------------------------------------------------

METADATA = {
    "id": 123456,
    "created_at": "2026-11-21T02:04:32.365935+01:00",
    "assignment": {
        "due_date": "2026-11-20T23:59:00.000000+01:00",
        "group_size": None,
        "group_submission": False,
        "id": 25828,
        "course_id": 1234,
        "late_due_date": None,
        "release_date": "2026-11-01T00:00:00.000000+01:00",
        "title": "Arena",
        "total_points": "19.0",
    },
    "submission_method": "upload",
    "users": [{"email": "ana@example.com", "id": 1234, "name": "Ana"}],
    "previous_submissions": [],
}


@dataclass
class Gradescope:
    """A machine of Gradescope's, after it built the image."""

    home: Path
    site: Path

    def submit(self, **files: str) -> None:
        for name, text in files.items():
            path = self.home / "submission" / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def start(self) -> subprocess.Popen:
        environment = os.environ | {
            "TINYTORCH_AUTOGRADER": str(self.home),
            "PYTHONPATH": str(self.site),
            "TMPDIR": str(self.home.parent),
        }
        script = str(self.home / "run_autograder")
        return subprocess.Popen(
            [script], cwd=self.home, env=environment, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def grade(self) -> tuple[dict, str]:
        """What is uploaded, and the output that only instructors see."""
        output, _ = self.start().communicate(timeout=120)
        return read(self.home / "results/results.json"), output


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle unpacked, and the plugin installed from the wheel in it."""
    folder = tmp_path_factory.mktemp("image")
    course = load_course(make_arena(folder / "course"))
    bundle = make_bundle(course, "all", make_hidden(folder / "secrets"), 0, "none")
    with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
        for entry in archive.infolist():
            archive.extract(entry, folder / "autograder/source")
            (folder / "autograder/source" / entry.filename).chmod(entry.external_attr >> 16)
    home = folder / "autograder"
    shutil.copy(home / "source/run_autograder", home / "run_autograder")
    (home / "submission_metadata.json").write_text(json.dumps(METADATA))
    for name in ("submission", "results"):
        (home / name).mkdir()
    (wheel,) = (home / "source").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    python = home / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return folder


@pytest.fixture
def gradescope(image: Path, tmp_path: Path) -> Gradescope:
    shutil.copytree(image / "autograder", tmp_path / "autograder")
    tmp_path.chmod(0o755)
    return Gradescope(tmp_path / "autograder", image / "site")


OPS, MORE_SOURCE = source("core.ops", RIGHT), source("core.more", MORE)
HOSTILE = (
    """
import glob, os, sys
HOME = "@HOME@"
seen = []
for path in glob.glob(HOME + "/source/hidden/*") + [HOME + "/source/autograder.json"]:
    try:
        seen.append(open(path).read())
    except OSError:
        pass
for path in glob.glob(os.path.dirname(HOME) + "/*/results.json") + [HOME + "/results/results.json"]:
    try:
        open(path, "w").write('{"score": 1000}')
    except OSError:
        pass
if seen:
    raise ValueError(repr(seen))
"""
    + WRONG
)

SUBMISSIONS = {
    "good": ({"01_ops.py": OPS, "02_more.py": MORE_SOURCE}, 19, "Graded: 01_ops.py, 02_more.py"),
    "partial": ({"src__01_ops.py": OPS}, 14, "Not found: 02_more.py, nor"),
    "broken": ({"01_ops.py": "def broken(:\n", "02_more.py": MORE_SOURCE}, 5, "Graded: 01_ops.py"),
    "empty": ({}, 0, "Not found: 01_ops.py, 02_more.py, nor"),
    "hostile": (
        {
            "x-main__src__01_ops.py": source("core.ops", HOSTILE),
            "x-main__src__02_more.py": MORE_SOURCE,
            "conftest.py": "raise SystemExit('conftest')\n",
            "sitecustomize.py": "raise SystemExit('site')\n",
            "pytest_tinytorch__gradescope__autograder.py": "raise SystemExit('mine')\n",
            "course.toml": "[course]\n",
        },
        5,
        "Graded: 01_ops.py, 02_more.py",
    ),
}


@pytest.mark.parametrize("files, score, words", SUBMISSIONS.values(), ids=SUBMISSIONS)
def test_a_submission_gets_what_it_has_earned(gradescope, tmp_path, files, score, words):
    home = str(gradescope.home)
    gradescope.submit(**{name: text.replace("@HOME@", home) for name, text in files.items()})
    made, output = gradescope.grade()
    assert (made["score"], len(made["tests"])) == (score, 8), output
    lines = made["output"].splitlines()
    assert lines[:2] == [
        "Student: ana@example.com",
        "Handed in: 2026-11-21 02:04 (UTC+01:00), 2 h 5 min after the due date",
    ]
    assert words in made["output"]
    assert made["extra_data"]["student"] == "ana@example.com"
    assert [s for s in SECRETS if s in json.dumps(made) or s in output] == []
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["autograder"], output


def test_a_mistake_in_a_source_is_shown_on_its_line(gradescope):
    gradescope.submit(**SUBMISSIONS["broken"][0])
    made, _ = gradescope.grade()
    assert "at src/01_ops.py:1\n" in made["tests"][0]["output"]
    assert "def broken(:" in made["tests"][0]["output"]


def test_metadata_that_is_missing_is_no_obstacle(gradescope):
    (gradescope.home / "submission_metadata.json").unlink()
    gradescope.submit(**SUBMISSIONS["good"][0])
    made, _ = gradescope.grade()
    assert made["score"] == 19
    assert "submission_metadata.json cannot be read" in made["output"]


def damage_python(home: Path) -> None:
    shutil.rmtree(home / "venv")


def damage_config(home: Path) -> None:
    (home / "source/autograder.json").unlink()


def damage_hidden(home: Path) -> None:
    (home / "source/hidden/manifest.json").unlink()


def damage_tests(home: Path) -> None:
    (home / "source/hidden/checkpoint_00_secrets.py").write_text("SECRET = 31337\nSECRET[0]\n")


def damage_plugin(home: Path) -> None:
    (home / "venv/bin/python").write_text("#!/bin/sh\nexit 3\n")


DAMAGES = {
    "no Python": (damage_python, "could not be started", "did setup.sh end"),
    "no plugin": (damage_plugin, "could not be started", "did setup.sh end"),
    "no config": (damage_config, "itself failed: FileNotFoundError", "autograder.json"),
    "no manifest": (damage_hidden, "ended with exit code 4", "no manifest.json is there"),
    "a broken test": (
        damage_tests,
        "1 of the 8 tests could not be decided",
        "hidden 00: cannot be",
    ),
}


@pytest.mark.parametrize("damage, told, printed", DAMAGES.values(), ids=DAMAGES)
def test_what_goes_wrong_is_told_and_has_no_score(gradescope, damage, told, printed):
    gradescope.submit(**SUBMISSIONS["good"][0])
    damage(gradescope.home)
    made, output = gradescope.grade()
    assert not has_score(made)
    assert told in made["output"] and printed in output, output
    assert "31337" not in json.dumps(made)


def test_an_autograder_that_is_killed_leaves_a_file_that_says_so(gradescope):
    gradescope.submit(**SUBMISSIONS["good"][0])
    gradescope.submit(**{"01_ops.py": source("core.ops", RIGHT + "\nimport time; time.sleep(9)\n")})
    process = gradescope.start()
    results = gradescope.home / "results/results.json"
    deadline = time.monotonic() + 30
    while not results.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    made = read(results)
    assert not has_score(made) and "Grading did not finish" in made["output"]


@pytest.mark.slow
def test_setup_installs_all_that_is_needed(gradescope, tmp_path):
    """The real script, and a real virtual environment; the system's packages stay as they are."""
    shutil.rmtree(gradescope.home / "venv")
    apt = tmp_path / "bin/apt-get"
    apt.parent.mkdir()
    apt.write_text(f'#!/bin/sh\necho "$*" >>"{tmp_path}/asked"\nexit 100\n')
    apt.chmod(0o755)
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
    environment |= {"TINYTORCH_AUTOGRADER": str(gradescope.home)}
    environment |= {"PATH": f"{apt.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(gradescope.home / "source/setup.sh")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "No matching distribution" in done.stderr or "Retrying" in done.stderr:
        pytest.skip("pip finds no packages here")
    assert done.returncode == 0, done.stdout + done.stderr
    asked = (tmp_path / "asked").read_text()
    assert "install -y -qq bubblewrap" in asked and "-venv" in asked
    shutil.rmtree(apt.parent)
    (tmp_path / "asked").unlink()
    gradescope.site = tmp_path / "nothing"
    gradescope.submit(**SUBMISSIONS["good"][0])
    assert gradescope.grade()[0]["score"] == 19
