"""The ten milestones: the reference achieves each, and nothing that only looks like it does.

What is quick runs each time: the reference, and what is wrong about the small milestones. Three
seeds, the rest, and all of it in isolation are marked slow. What needs CIFAR-10 is skipped where it
is not at hand.
"""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from solutions import changed
from wrong_milestones import FRAMEWORKS, PROGRAMS, QUICK

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Outcome, Reason
from pytest_tinytorch.isolation.levels import missing

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
MANIFEST = load_manifest(COURSE)
WITH_PHOTOGRAPHS = {"full_training", "advanced_vision"}
IDS = [milestone.id for milestone in COURSE.milestones]
BY_ID = {milestone.id: milestone for milestone in COURSE.milestones}
WAYS = [(), pytest.param(("--isolate",), marks=pytest.mark.slow)]


@pytest.fixture(autouse=True)
def unlocked(own_progress, laboratory):
    """Progress in which every checkpoint was achieved, so that each milestone may be run."""
    root = str(laboratory.course.root)
    kept = {"when": "2026-01-01T00:00:00+00:00", "seconds": 1, "seed": 0, "root": root}
    checkpoints = {
        checkpoint.id: {
            "k": kept | {"tests": dict.fromkeys(MANIFEST.of(checkpoint.group), "passed")}
        }
        for checkpoint in COURSE.checkpoints
    }
    courses = {COURSE.id: {"checkpoints": checkpoints}}
    own_progress.mkdir(parents=True, exist_ok=True)
    data = {"format": 1, "courses": courses}
    (own_progress / "progress.json").write_text(json.dumps(data), "utf-8")


def have(identifier, way=()):
    """Skip, where a milestone's data or a level of isolation is not on this machine."""
    if identifier in WITH_PHOTOGRAPHS and not (photographs() / "test_batch.bin").is_file():
        pytest.skip("CIFAR-10 is not at hand")
    if way and (reason := missing("process")):
        pytest.skip(reason)


def photographs():
    return Path(os.environ.get("TINYTORCH_DATA") or "none") / "cifar-10-batches-bin"


def outcomes(laboratory, identifier, *arguments):
    """Test -> its record, of a milestone."""
    record = laboratory.run("--milestone", identifier, *arguments)
    found = {test.id.partition("/")[2]: test for test in record.of(BY_ID[identifier].group)}
    assert found, record
    return found


def replaced(path, text):
    """Write another text into a file; the function that is returned puts the first one back."""
    before = path.read_text("utf-8")
    path.write_text(text, "utf-8")
    return lambda: path.write_text(before, "utf-8")


def slow_unless(quick):
    return [] if quick else [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("way", WAYS, ids=["plain", "isolated"])
@pytest.mark.parametrize(
    "identifier",
    [pytest.param(i, marks=slow_unless(i in {*QUICK, "cnn", "transformer"})) for i in IDS],
)
def test_the_reference_achieves_it(laboratory, identifier, way):
    have(identifier, way)
    found = outcomes(laboratory, identifier, *way)
    assert [(name, test.message) for name, test in found.items() if not test.passed] == []
    assert any(test.measured for test in found.values())


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("identifier", IDS)
def test_any_seed_achieves_it(laboratory, identifier, seed):
    """Prints a row of the table in docs/milestones.md."""
    have(identifier)
    began = time.perf_counter()
    found = outcomes(laboratory, identifier, f"--seed={seed}")
    seconds = time.perf_counter() - began
    said = "; ".join(test.measured for test in found.values() if test.measured)
    print(f"{identifier}, seed {seed}: {said}; {seconds:.1f} s")
    assert [(name, test.message) for name, test in found.items() if not test.passed] == []


@pytest.mark.parametrize("identifier", IDS)
def test_it_needs_what_the_course_says_and_nothing_else(identifier):
    """Its program imports nothing of another module, nor does a module that it needs.

    Otherwise a change of that module would leave the milestone achieved.
    """
    milestone = BY_ID[identifier]
    needed = {target for m in COURSE.modules_of(milestone) for target in m.exports}
    text = (ROOT / milestone.folder / "program.py").read_text("utf-8")
    used = {TARGETS[name] for name in TARGETS if re.search(rf"\btt\.{name}\b", text)}
    used |= imported(text)
    for target in sorted(used):
        used |= imported_by(target)
    assert used and used <= needed


TARGETS = {name: t for m in COURSE.modules for t, names in m.exports.items() for name in names}


def imported(text):
    """The files of the package that a text imports: {"core.tensor", ...}"""
    return set(re.findall(r"^from tinytorch\.(core\.\w+) import", text, re.MULTILINE))


@functools.cache
def imported_by(target):
    """The same of a file of the package, directly or not."""
    found = imported(COURSE.target_file(target).read_text("utf-8"))
    return found.union(*map(imported_by, found))


def framework_rows():
    return [
        pytest.param(name, milestone, id=f"{name}-{milestone}".replace(" ", "-"), marks=marks)
        for name, wrong in FRAMEWORKS.items()
        for milestone in wrong.fails
        for marks in [slow_unless(milestone in QUICK)]
    ]


@pytest.mark.parametrize("way", WAYS, ids=["plain", "isolated"])
@pytest.mark.parametrize("name, milestone", framework_rows())
def test_a_wrong_framework_achieves_nothing(laboratory, name, milestone, way):
    have(milestone, way)
    wrong = FRAMEWORKS[name]
    path = laboratory.course.source_file(laboratory.course.module_by_name[wrong.module])
    restore = replaced(path, changed(path.read_text("utf-8"), (wrong.old, wrong.new)))
    try:
        found = outcomes(laboratory, milestone, *way)
    finally:
        restore()
    refused(found, wrong.fails[milestone])


@pytest.mark.parametrize("way", WAYS, ids=["plain", "isolated"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=name.replace(" ", "-"), marks=slow_unless(p.is_quick))
        for name, p in PROGRAMS.items()
    ],
)
def test_a_program_that_pretends_achieves_nothing(laboratory, name, way):
    wrong = PROGRAMS[name]
    have(wrong.milestone, way)
    path = laboratory.course.root / BY_ID[wrong.milestone].folder / "program.py"
    text = wrong.text or changed(path.read_text("utf-8"), *wrong.edits)
    restore = replaced(path, text)
    try:
        found = outcomes(laboratory, wrong.milestone, *way)
    finally:
        restore()
    # A test may stop at a number that is not there: a program that prints has none.
    refused(found, wrong.fails, {Reason.WRONG, Reason.RAISED} if wrong.text else {Reason.WRONG})


def refused(found, names, reasons=frozenset([Reason.WRONG])):
    """These tests failed, for one of the reasons; where one passed, the record says what it found.

    By default, a check did not hold: the program ran to its end, and what it gave back was wrong.
    """
    passed = [name for name in names if found[name].passed]
    assert passed == [], {name: test.measured for name, test in found.items()}
    assert {found[name].outcome for name in names} == {Outcome.FAILED}
    assert {found[name].reason for name in names} <= reasons, [found[n].message for n in names]


@pytest.mark.parametrize("identifier", sorted(WITH_PHOTOGRAPHS))
def test_without_the_photographs_it_is_not_attempted(
    laboratory, own_progress, monkeypatch, tmp_path, identifier
):
    """Neither passed nor failed; the run says how to get them, and so does the program."""
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))
    found = outcomes(laboratory, identifier)
    assert {test.outcome for test in found.values()} == {Outcome.SKIPPED}
    assert all("download_cifar10()" in test.message for test in found.values())
    kept = json.loads((own_progress / "progress.json").read_text("utf-8"))["courses"][COURSE.id]
    assert identifier not in kept.get("milestones", {})
    program = ROOT / BY_ID[identifier].folder / "program.py"
    done = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and list(tmp_path.glob("*.npz")) == []
    assert done.stderr.splitlines() == [
        "CIFAR-10 is not on this machine: run this again with --download (170 MB)."
    ]


@pytest.mark.parametrize(
    "identifier, says",
    [
        ("perceptron", "A neuron learns."),
        ("xor", "Hidden layers matter."),
        ("mlp_digits", "It reads digits."),
        ("basic_inference", "Neural networks work!"),
        ("computer_vision", "Machines can see!"),
        pytest.param("cnn", "Convolution sees.", marks=pytest.mark.slow),
        pytest.param("transformer", "Attention finds its place.", marks=pytest.mark.slow),
        pytest.param("language_generation", "Build the future!", marks=pytest.mark.slow),
    ],
)
def test_its_program_runs_alone(tmp_path, identifier, says):
    """From any folder, in 80 columns, without colours or bars where nobody watches."""
    program = ROOT / BY_ID[identifier].folder / "program.py"
    done = subprocess.run(
        [sys.executable, "-I", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr == "" and "\r" not in done.stdout and "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.splitlines()[-1].startswith(says)
    assert f"pytest --milestone {identifier}" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal")
def test_ctrl_c_costs_a_part_at_most(tmp_path):
    """Pressed after the first part, it leaves a checkpoint, from which the next run goes on."""
    have("full_training")
    program = ROOT / BY_ID["full_training"].folder / "program.py"
    command = [sys.executable, "-u", program]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    for line in running.stdout:
        if line.startswith("epoch 1/"):
            break
    running.send_signal(signal.SIGINT)
    rest = running.communicate(timeout=120)[0]
    assert running.returncode == 0 and "Run the same command to go on." in rest
    assert "after 1 of 8 parts" in rest
    again = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    said = [next(again.stdout) for _ in range(4)]
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=120)
    assert "goes on from full_training.npz" in said[1] and said[3].startswith("epoch 2/8")
