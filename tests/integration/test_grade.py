"""`pytest --grade`: points, exit codes, files, hidden tests, and nothing of the tree's settings."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from forkserver import ForkServer
from junit_schema import violations

sys.path.insert(0, str(Path(__file__).parents[1] / "system/submissions"))

from arena import RIGHT, WRONG, make_arena, make_hidden

from pytest_tinytorch.isolation.levels import missing

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))

KEY = "a key for these tests alone"


@dataclass
class Desk:
    """Where somebody grades one tree."""

    root: Path
    server: ForkServer

    def grade(self, *arguments: str) -> pytest.RunResult:
        return self.server.run(["--grade", "--isolate=process", *arguments], self.root)

    def says(self, *arguments: str) -> str:
        result = self.grade(*arguments)
        return " ".join(" ".join([*result.outlines, *result.errlines]).split())

    def properties(self, name: str = "grade.xml") -> dict[str, str]:
        suite = ET.parse(self.root / name).getroot()[0]
        return {p.get("name"): p.get("value") for p in suite.findall("properties/property")}

    def record(self, *arguments: str) -> dict:
        result = self.grade("--junitxml=grade.xml", *arguments)
        assert (self.root / "grade.xml").exists(), [*result.outlines, *result.errlines]
        return json.loads(self.properties()["record"])

    def points(self, *arguments: str) -> dict[str, float]:
        return {test["id"]: test["points"] for test in self.record(*arguments)["tests"]}

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))

    def ask_of_a_box(self, line: str) -> None:
        """A line more in the course's own test of `box`."""
        made = "    box = tt.Box([1, 2, 3])\n"
        self.edit("checkpoints/checkpoint_00_ops.py", made, f"{made}    {line}\n")


@pytest.fixture
def desk(tmp_path: Path, forkserver: ForkServer) -> Desk:
    return Desk(make_arena(tmp_path / "tree"), forkserver)


@pytest.fixture
def poor(tmp_path: Path, forkserver: ForkServer) -> Desk:
    return Desk(make_arena(tmp_path / "tree", WRONG), forkserver)


@pytest.mark.parametrize("way", [(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])
def test_points_by_checkpoint(desk, way):
    desk.edit("src/01_ops.py", "return np.maximum(x, 0)", "return np.abs(x)")
    result = desk.grade(*way)
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == 0
    assert "00 Ops 3 of 5 6 of 10 01 More 2 of 2 5 of 5 Grade: 11 of 15 points, 73.3 %" in text
    assert "Isolation: process" in text


@pytest.mark.parametrize("threshold, code", [("0", 0), ("33.3", 0), ("33.4", 1), ("100", 1)])
def test_the_exit_code_says_whether_it_is_enough(poor, threshold, code):
    assert poor.grade("--fail-under", threshold).ret == code


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--fail-under=101",), "--fail-under 101: write a percentage from 0 to 100"),
        (("--fail-under=x",), "--fail-under x: write a percentage"),
        (("--module", "01"), "--grade counts points, and --module has none"),
        (("--hidden", "nowhere"), "nowhere: is not there; give a folder with checkpoint_NN_*.py"),
        (("--hidden",), "--hidden needs a value after it"),
        (("--hidden", ""), "--hidden needs a value after it"),
        (("--junitxml=",), "--junitxml needs a value after it"),
        (("--junitxml", "--checkpoint=00"), "--junitxml needs a value after it"),
        (("--checkpoint", "77"), "unknown id '77'"),
        (("-p", "no:pytest_tinytorch.hooks.isolation"), "--grade needs all parts of the harness"),
        (("--require-isolation=bwrap",), "--require-isolation bwrap: this machine reaches process"),
    ],
)
def test_what_cannot_be_graded_is_one_line(desk, arguments, words):
    result = desk.grade(*arguments)
    output = [*result.outlines, *result.errlines]
    assert result.ret == 4
    assert any(words in line for line in output), output
    assert not any("Traceback" in line for line in output)


@pytest.mark.parametrize("given", ["x", "course.toml"])
def test_a_variable_of_the_harness_that_somebody_set_is_one_line(desk, given):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--grade"], cwd=desk.root, capture_output=True, text=True,
        env=os.environ | {"TINYTORCH_GRADING": given}, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert f"TINYTORCH_GRADING is set to '{given}', which is not a task" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["", "checkpoints/checkpoint_00_ops.py", "src/../checkpoints"])
@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_no_test_and_no_conftest_comes_from_elsewhere(poor, tmp_path, name, way):
    other = make_arena(tmp_path / "other")
    (other / "conftest.py").write_text("raise SystemExit('loaded')\n")
    path = other / "checkpoints/checkpoint_00_ops.py"
    path.write_text("def test_box(): pass\n")
    result = poor.grade(str(other / name), *way)
    assert result.ret == 4 and "loaded" not in f"{result.stdout}{result.stderr}"
    assert result.errlines[0].startswith(f"ERROR: --grade: {other / name} lies outside of the copy")


def test_a_path_inside_is_a_narrowed_run(desk):
    text = desk.says("checkpoints/checkpoint_01_more.py")
    assert "01 More 2 of 2 5 of 5" in text and "Grade: none yet, 5 of 15 points" in text


@pytest.mark.parametrize("option", ["--hidden=x", "--student=ana"])
def test_options_of_grading_go_with_grade(desk, option):
    result = desk.server.run(["--checkpoint", "00", option], desk.root)
    assert result.ret == 4
    assert f"{option.partition('=')[0]} needs --grade" in "\n".join(result.errlines)


def test_grade_in_a_configuration_file_is_refused(desk):
    (desk.root / "pytest.ini").write_text("[pytest]\naddopts = --grade\n")
    result = desk.server.run(["--checkpoint", "00"], desk.root)
    assert result.ret == 4
    assert "give --grade on the command line" in "\n".join(result.errlines)


def test_a_tree_that_is_no_course(tmp_path, forkserver):
    (tmp_path / "course.toml").write_text("[course]\n")
    result = forkserver.run(["--grade"], tmp_path)
    assert (
        result.ret == 4 and "course.toml: the file: key 'format' is missing" in result.errlines[0]
    )


def test_the_record_has_all_that_a_grade_rests_on(desk, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "c0ffee")
    record = desk.record("--student", "Zoë Q.", "--seed=5")
    assert (record["student"], record["commit"], record["seed"]) == ("Zoë Q.", "c0ffee", 5)
    assert (record["version"], record["isolation"], record["altered"]) == ("1", "process", [])
    assert len(record["manifest"]) == len(record["sources"]) == 64
    test = next(test for test in record["tests"] if test["id"] == "00/test_relu")
    assert (test["points"], test["max_points"], test["hint"]) == (2, 2, "np.maximum.")
    properties = desk.properties()
    assert properties["student"] == "Zoë Q." and "record_sig" not in properties
    assert properties["record"].isascii()


def test_the_file_is_valid_by_pytests_own_schema(poor):
    poor.edit("src/01_ops.py", "return 1e9", "raise ValueError('\\x00 \\x1b ]]> <b> \\ud800')")
    poor.record()
    assert violations(ET.parse(poor.root / "grade.xml").getroot()) == []


def test_signed_results_are_verified_and_changed_ones_are_not(desk, monkeypatch):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", KEY)
    desk.record()
    from pytest_tinytorch.grading.verify import verify_lines

    path = desk.root / "grade.xml"
    assert (
        verify_lines([path])
        == (
            True,
            [verify_lines([path])[1][0]],
        )
        and "15 of 15 points" in verify_lines([path])[1][0]
    )
    text = path.read_text()
    path.write_text(text.replace("&quot;points&quot;: 2", "&quot;points&quot;: 9", 1))
    assert path.read_text() != text
    good, [line] = verify_lines([path])
    assert not good and "changed after it was signed" in line


def test_a_key_that_is_no_key_is_one_line(desk, monkeypatch):
    monkeypatch.setenv("TINYTORCH_GRADE_KEY", "short")
    result = desk.grade()
    assert result.ret == 4 and "too few for a key" in "\n".join(result.errlines)


def test_earlier_results_are_kept_aside(desk):
    (desk.root / "grade.xml").write_text("mine")
    text = desk.says("--junitxml=grade.xml")
    assert "grade.xml of an earlier run is now grade.xml.old" in text
    assert (desk.root / "grade.xml.old").read_text() == "mine"
    desk.record()
    assert (desk.root / "grade.jsonl.old").exists() and (desk.root / "grade.xml.old-2").exists()


def test_two_runs_at_once_lose_nothing_of_each_other(desk, tmp_path):
    desk.edit(
        "src/02_more.py", "return x * factor", "import time; time.sleep(1); return x * factor"
    )
    command = [sys.executable, "-m", "pytest", "--grade", "--isolate=process", "--junitxml=g.xml"]
    first = subprocess.Popen([*command, "--student=one"], cwd=desk.root, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not (desk.root / "g.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    desk.grade("--junitxml=g.xml", "--student=two")
    assert first.wait() == 0
    names = ("g.xml", "g.xml.old")
    assert {desk.properties(name)["student"] for name in names} == {"one", "two"}
    logs = [(desk.root / name).read_text().splitlines() for name in ("g.jsonl", "g.jsonl.old")]
    assert [len(log) for log in logs] == [7, 7]


def test_the_log_has_every_test(desk):
    ids = desk.points()
    log = [json.loads(line) for line in (desk.root / "grade.jsonl").read_text().splitlines()]
    assert {entry["id"]: entry["points"] for entry in log} == ids


def heeds_ctrl_c() -> None:
    """Also where the tests themselves were started in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stopped_in_the_middle(desk: Desk, temporary: Path, number: int) -> int:
    """A graded run that gets a signal in its sixth test: its exit code."""
    desk.edit("src/02_more.py", "return x * factor", "import time; time.sleep(1.5); return x")
    command = [sys.executable, "-m", "pytest", "--grade", "--isolate=process", "--junitxml=g.xml"]
    process = subprocess.Popen(
        command, cwd=desk.root, stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(temporary)}, preexec_fn=heeds_ctrl_c,
    )  # fmt: skip
    log = desk.root / "g.jsonl"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if log.exists() and len(log.read_text().splitlines()) >= 5:
            break
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate()
    return process.returncode


def test_a_killed_run_keeps_what_it_had(desk, tmp_path):
    (desk.root / "g.xml").write_text("<testsuites tests='7'/>")  # of somebody who hoped for this
    stopped_in_the_middle(desk, tmp_path, signal.SIGKILL)
    entries = [json.loads(line) for line in (desk.root / "g.jsonl").read_text().splitlines()]
    assert [entry["outcome"] for entry in entries[:5]] == ["passed"] * 5
    assert not (desk.root / "g.xml").exists()
    deadline = time.monotonic() + 5
    while (left := sandboxes_in(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


@pytest.mark.parametrize("name, code", [("SIGTERM", 2), ("SIGHUP", 2), ("SIGINT", 2)])
def test_a_run_that_is_ended_hands_out_what_it_had_and_leaves_nothing(desk, tmp_path, name, code):
    rubbish = tmp_path / "rubbish"
    rubbish.mkdir()
    assert stopped_in_the_middle(desk, rubbish, getattr(signal, name)) == code
    suite = ET.parse(desk.root / "g.xml").getroot()[0]
    assert int(suite.get("tests")) >= 5
    assert list(rubbish.iterdir()) == []


WITHOUT_OUTPUT = {
    "nobody reads it": ("| true", "the output: Broken pipe"),
    "no room for it": ("> /dev/full", "the output: No space left on device"),
    "no room for results": ("--junitxml=/dev/full/grade.xml", "/dev/full"),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("how, words", WITHOUT_OUTPUT.values(), ids=WITHOUT_OUTPUT)
def test_what_the_machine_refuses_is_one_line_and_no_grade(desk, how, words):
    command = (
        f"'{sys.executable}' -m pytest --grade --isolate=process {how}; exit ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", command], cwd=desk.root, capture_output=True, text=True, check=False
    )
    assert done.returncode in (3, 4)
    assert words in done.stderr and "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.strip()]) == 1


def test_nothing_has_to_be_there_to_read_from_or_to_write_to(desk):
    command = f"exec '{sys.executable}' -m pytest --grade --isolate=process --junitxml=g.xml"
    for closed in ("<&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(["bash", "-c", f"{command} {closed}"], cwd=desk.root, check=False)
        assert done.returncode == 0
        assert ET.parse(desk.root / "g.xml").getroot()[0].get("tests") == "7"
        (desk.root / "g.xml").unlink()


def sandboxes_in(folder: Path) -> list[str]:
    """Processes that have a home in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={folder}".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "change, outcome, code",
    [
        ("    pytest.skip('not today')\n", "skipped", 0),
        ("    pytest.xfail('known')\n", "skipped", 0),
        ("    raise RuntimeError('mine')\n", "failed", 0),
        ("    check.close([], [])\n", "failed", 3),
    ],
    ids=["skip", "xfail", "error", "misuse"],
)
def test_what_did_not_pass_does_not_count(desk, change, outcome, code):
    desk.edit(
        "checkpoints/checkpoint_01_more.py",
        '    """Scales numbers"""\n',
        f'    """Scales numbers"""\n{change}',
    )
    result = desk.grade("--junitxml=grade.xml")
    record = json.loads(desk.properties()["record"])
    test = next(test for test in record["tests"] if test["id"] == "01/test_scale")
    assert (test["outcome"], test["points"], result.ret) == (outcome, 0, code)
    assert record["altered"] == ["checkpoints/checkpoint_01_more.py"]
    assert "Modified course files: checkpoints/checkpoint_01_more.py" in result.stdout.str()


@pytest.mark.parametrize("arguments", [("-k", "relu"), ("-m", "slow"), ("-x", "-k", "scale")])
def test_a_narrowed_run_has_the_same_denominator(desk, arguments):
    result = desk.grade(*arguments)
    text = " ".join(" ".join(result.outlines).split())
    assert "of 15 points" in text and "could not be graded" in text
    assert result.ret == 3


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
@pytest.mark.parametrize("text", ["def broken(:\n", "import sys\nsys.exit()\n"])
def test_a_checkpoint_that_cannot_be_read_is_no_grade(desk, way, text):
    (desk.root / "checkpoints/checkpoint_00_ops.py").write_text(text)
    result = desk.grade(*way)
    text = " ".join(" ".join(result.outlines).split())
    assert result.ret == 3 and "5 could not be graded" in text
    assert "01 More 2 of 2 5 of 5" in text  # the others are graded all the same


def test_a_test_that_is_not_in_the_manifest_earns_nothing(desk):
    path = desk.root / "checkpoints/checkpoint_01_more.py"
    path.write_text(
        path.read_text() + "\n\n@pytest.mark.points(50)\ndef test_mine(tt, check):\n    pass\n"
    )
    assert "01/test_mine" not in desk.points()


def test_points_of_the_marks_do_not_matter(desk):
    desk.edit("checkpoints/checkpoint_01_more.py", "points(3)", "points(300)")
    assert desk.points()["01/test_scale"] == 3


REVERSED = "def pytest_collection_modifyitems(items):\n    items.reverse()\n"


def test_the_grade_does_not_depend_on_the_order_or_on_what_else_runs(desk, tmp_path, forkserver):
    drawn = (
        "generator = np.random.default_rng(3)\n\n\ndef relu(x):\n"
        "    np.random.seed(1)\n    np.seterr(all='raise')\n"
    )
    desk.edit("src/01_ops.py", "def relu(x):\n", drawn)
    points = desk.points()
    assert desk.points() == points
    assert desk.points("-n2") == points
    alone = {**desk.points("--checkpoint", "00"), **desk.points("--checkpoint", "01")}
    assert alone == points
    # The course itself may order its tests in another way.
    other = Desk(
        make_arena(tmp_path / "reversed", (desk.root / "src/01_ops.py").read_text()), forkserver
    )
    manifest = other.root / "checkpoints/manifest.json"
    (other.root / "conftest.py").write_text(REVERSED)
    data = json.loads(manifest.read_text())
    del data["files"]["conftest.py"]
    manifest.write_text(json.dumps(data))
    (other.root / "src/01_ops.py").write_text((desk.root / "src/01_ops.py").read_text())
    assert other.points() == points


def test_the_seed_decides_the_inputs(desk):
    desk.edit("src/01_ops.py", "return np.maximum(x, 0)", "raise ValueError(str(x.ravel()[0]))")

    def message(*arguments):
        tests = {test["id"]: test for test in desk.record(*arguments)["tests"]}
        return tests["00/test_relu_of_random_numbers"]["message"]

    assert message("--seed=1") == message("--seed=1") == message("--seed=1", "-n2")
    assert message("--seed=2") != message("--seed=1")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory so")
@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_a_shape_that_is_made_up_does_not_take_all_memory(desk, way):
    """Of memory that is all zero nothing is taken: this asks for much, and uses none."""
    desk.edit("src/01_ops.py", "self.values = np.asarray(values)", "self.shape = (2**31,)")
    desk.ask_of_a_box("np.zeros(box.shape)")
    tests = {test["id"]: test for test in desk.record(*way)["tests"]}
    assert "Unable to allocate 16.0 GiB" in tests["00/test_box"]["message"]
    assert tests["00/test_relu"]["outcome"] == "passed"


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
def test_half_characters_of_a_submission_do_not_end_the_run(desk, way):
    """What a worker cannot send ended it, and the next one as well."""
    desk.edit("src/01_ops.py", "return np.maximum(x, 0)", "raise ValueError('half: \\ud800')")
    desk.edit(
        "src/01_ops.py",
        "return float(self.values.sum())",
        "raise type('E', (SyntaxError,), {})('\\udfff', ('a.py', 1, 1, '\\ud800'))",
    )
    tests = {test["id"]: test for test in desk.record(*way)["tests"]}
    assert "ValueError: half: \ufffd" in tests["00/test_relu"]["message"]
    assert "\ufffd" in tests["00/test_box"]["message"]
    assert tests["01/test_scale"]["outcome"] == "passed"


@pytest.mark.parametrize("raised", ["{1: 2}[box]", "raise ValueError(box)"])
def test_words_that_never_come_do_not_end_the_run(desk, raised):
    """What a test raises may hold a student's object, which is asked when the report is made."""
    desk.edit(
        "src/01_ops.py",
        "class Box:\n",
        "class Box:\n    def __repr__(self):\n        while True:\n            pass\n"
        "    __str__ = __repr__\n\n",
    )
    desk.ask_of_a_box(raised)
    tests = {test["id"]: test for test in desk.record()["tests"]}
    assert "cannot be read: OutOfTime" in tests["00/test_box"]["message"]
    assert tests["01/test_scale"]["outcome"] == "passed"


def test_property_tests_try_fewer_examples_but_not_too_few(desk):
    desk.edit("src/01_ops.py", "def mean(values):\n", "def mean(values):\n    print('asked')\n")
    desk.edit(
        "src/01_ops.py",
        "import numpy as np\n",
        "import numpy as np\ncount = [0]\n",
    )
    desk.edit(
        "src/01_ops.py",
        "    print('asked')\n",
        "    count[0] += 1\n    if count[0] == 25:\n        raise ValueError('the 25th')\n",
    )
    tests = {test["id"]: test for test in desk.record()["tests"]}
    assert "the 25th" in tests["00/test_mean"]["message"]


# --- hidden tests -------------------------------------------------------------------------------

TALKING = "    print('SECRET')\n    __import__('logging').getLogger().warning('SECRET')\n"
SECRETS = ("secret", "SECRET", "31337", "271828")


@pytest.fixture
def secrets(tmp_path: Path) -> str:
    return str(make_hidden(tmp_path / "hidden tests"))


# Whoever asks for more is shown no more.
CURIOUS = [
    (),
    ("-v",),
    ("-vv", "-rA", "--tb=long"),
    ("-n2", "-v"),
    ("-s", "--log-cli-level=DEBUG"),
    ("-p", "no:capture"),
    ("--capture=tee-sys", "-o", "log_cli=true"),
    ("--setup-show", "-o", "verbosity_test_cases=2"),
    ("--durations=0", "--durations-min=0", "-W", "always"),
    ("--pdb", "--trace"),
]


@pytest.mark.parametrize("way", CURIOUS)
def test_nothing_of_a_hidden_test_reaches_what_students_see(poor, secrets, way):
    telling = "import warnings; warnings.warn(f'{x}'); raise ValueError(f'{x}')"
    poor.edit("src/01_ops.py", "return np.asarray(x) - 1", telling)
    path = Path(secrets) / "checkpoint_00_secrets.py"
    path.write_text(path.read_text().replace("(tt, check):\n", f"(tt, check):\n{TALKING}"))
    result = poor.grade("--hidden", secrets, "--junitxml=grade.xml", *way)
    output = "\n".join([*result.outlines, *result.errlines])
    assert "Hidden test 1" in output and "5 of 19 points" in output
    student = (poor.root / "grade.student.xml").read_text()
    assert [s for s in SECRETS if s in output or s in student] == []
    assert violations(ET.parse(poor.root / "grade.student.xml").getroot()) == []
    instructor = (poor.root / "grade.xml").read_text()
    assert all(secret in instructor for secret in ("test_secret_numbers", "31337"))


@pytest.mark.parametrize("way", CURIOUS)
def test_the_mark_hides_a_test_of_the_course_in_the_same_way(desk, way):
    telling = "import warnings; warnings.warn(f'{x}'); return None"
    desk.edit("src/02_more.py", "return x * factor", telling)
    desk.edit(
        "checkpoints/checkpoint_01_more.py",
        "@pytest.mark.points(3)\n",
        "@pytest.mark.points(3)\n@pytest.mark.visibility('after_due_date')\n",
    )
    desk.edit("checkpoints/checkpoint_01_more.py", '    """Scales numbers"""\n', TALKING)
    result = desk.grade("--junitxml=grade.xml", *way)
    output = "\n".join([*result.outlines, *result.errlines])
    student = (desk.root / "grade.student.xml").read_text()
    assert "FAIL  Hidden test 1" in output and "hidden_1" in student
    for word in ("SECRET", "UserWarning", "::test_scale\n", "test_scale "):
        assert word not in output
    assert 'name="test_scale"' not in student


@pytest.mark.parametrize("word", ["--collect-only", "--fixtures", "--setup-plan"])
def test_what_runs_no_test_is_no_grade(desk, word):
    result = desk.grade(word)
    assert result.ret == 4
    assert f"ERROR: --grade runs tests, and {word} does not" in result.errlines[0]


def test_hidden_tests_find_answers_that_were_learned_by_heart(desk, secrets):
    desk.edit("src/01_ops.py", "return np.maximum(x, 0)", "return np.maximum(x, 0) % 1000")
    points = desk.points("--hidden", secrets)
    assert points["hidden 00/test_secret_numbers"] == 0 and points["00/test_relu"] == 2


def test_student_code_cannot_carry_hidden_inputs_to_a_visible_test(desk, secrets):
    desk.edit("src/01_ops.py", "import numpy as np\n", "import numpy as np\nseen = []\n")
    desk.edit(
        "src/01_ops.py",
        "return np.maximum(x, 0)",
        "seen.append(str(x)); raise ValueError(' '.join(seen))",
    )
    output = desk.says("--hidden", secrets)
    assert [secret for secret in SECRETS if secret in output] == []


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["plain", "n2"])
@pytest.mark.parametrize("line", ["SECRET[0]", "raise SystemExit(SECRET)"])
def test_a_hidden_test_that_is_broken_says_so_and_nothing_else(desk, secrets, way, line):
    (Path(secrets) / "checkpoint_00_secrets.py").write_text(f"SECRET = 31337\n{line}\n")
    result = desk.grade("--hidden", secrets, "--junitxml=grade.xml", *way)
    output = "\n".join([*result.outlines, *result.errlines])
    assert result.ret == 3 and "15 of 19 points so far" in output
    assert (
        output.count("hidden 00: cannot be read; run `tito manifest --hidden DIR` for the reason")
        == 1
    )
    assert [secret for secret in SECRETS if secret in output] == []


def test_the_manifest_of_hidden_tests_is_written_by_tito(desk, secrets):
    path = Path(secrets) / "manifest.json"
    before = json.loads(path.read_text())
    path.unlink()
    command = [sys.executable, "-c", "from pytest_tinytorch.cli.main import main; main()"]
    done = subprocess.run(
        [*command, "manifest", "--hidden", secrets], cwd=desk.root, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(path.read_text()) == before


@pytest.mark.parametrize(
    "name, words",
    [
        ("checkpoint_00_more.py", "has the id 'hidden 00/test_secret_numbers', too; rename one"),
        ("checkpoint_0_more.py", "checkpoint_0_more.py: belongs to no checkpoint; name it"),
        ("checkpoint_00-more.py", "checkpoint_00-more.py: belongs to no checkpoint; name it"),
        ("checkpoint_77_more.py", "name it checkpoint_NN_name.py, with NN from 00 to 01"),
        ("checkpoint_01_folder.py/x", "checkpoint_01_folder.py is not a plain file; move it away"),
    ],
)
def test_hidden_tests_that_would_never_count_are_refused(desk, secrets, name, words):
    source = Path(secrets) / "checkpoint_00_secrets.py"
    (Path(secrets) / name).parent.mkdir(exist_ok=True)
    (Path(secrets) / name).write_text(source.read_text())
    command = [sys.executable, "-c", "from pytest_tinytorch.cli.main import main; main()"]
    done = subprocess.run(
        [*command, "manifest", "--hidden", secrets],
        cwd=desk.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert words in line


# --- a clean start ------------------------------------------------------------------------------


def test_pytest_as_it_is_typed_starts_anew(desk, tmp_path):
    """The whole way, with everything in the tree and in the environment that could interfere."""
    (desk.root / "conftest.py").write_text("raise SystemExit('conftest')\n")
    (desk.root / "pytest.ini").write_text("[pytest]\naddopts = -k nothing\n")
    (desk.root / "numpy.py").write_text("raise SystemExit('numpy')\n")
    environment = os.environ | {
        "PYTEST_ADDOPTS": "--collect-only",
        "PYTHONPATH": f"{Path(__file__).parents[2]}",
        "TMPDIR": str(tmp_path),
    }
    script = Path(sys.executable).with_name("pytest")
    done = subprocess.run(
        [str(script), "--grade", "--isolate=process"],
        cwd=desk.root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    text = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Grade: 15 of 15 points, 100.0 %" in text
    assert "Modified course files: conftest.py" in text
    assert "warning" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    assert RIGHT in (desk.root / "src/01_ops.py").read_text()
