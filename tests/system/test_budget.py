"""No submission of 1 MiB costs the grader more than 5 s and 200 MiB over an honest one.

What is counted is the grader itself and the process in which it reads; student code has limits of
its own. All inputs are harmless: ordinary Python, notebooks and zips, as large as may be handed in.
"""

import json
import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "submissions"))

from arena import HONEST, RIGHT, make_arena, source

from pytest_tinytorch.core.course import Checkpoint, load_course
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.isolation.levels import missing
from pytest_tinytorch.submissions.intake import LARGEST_SOURCE
from pytest_tinytorch.submissions.notebooks import LARGEST_NOTEBOOK

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="measures processes in /proc"),
    pytest.mark.skipif(bool(missing("process")), reason=missing("process")),
]

MOST_SECONDS, MOST_MIB = 5.0, 200.0
FULL = 15.0
_TICKS = os.sysconf("SC_CLK_TCK") if sys.platform == "linux" else 100
_NOT_THE_GRADERS = (b"isolation.child", b"bwrap")
_READER = b"isolation.bounded"


def with_code(code: str) -> str:
    return source("core.ops", f"{RIGHT}\n{code}")


def filled(line: str, code: str = "") -> str:
    """A module with so many of a line that it is as large as a source may be."""
    head = with_code(code)
    return head + line * ((LARGEST_SOURCE - len(head.encode())) // len(line.encode()))


def deepest() -> int:
    """How many brackets in brackets Python accepts."""
    depth = 1
    while True:
        try:
            compile("x = " + "[" * (depth + 1) + "]" * (depth + 1), "a", "exec")
        except (SyntaxError, MemoryError, RecursionError):
            return depth
        depth += 1


def as_source(text: str) -> Callable[[Path], object]:
    return lambda root: (root / "src/01_ops.py").write_text(text)


def as_notebook(*cells: dict[str, object]) -> Callable[[Path], object]:
    def lay(root: Path) -> None:
        code = {"cell_type": "code", "source": source("core.ops", RIGHT), "outputs": []}
        text = json.dumps({"cells": [{**code, **cells[0]}, *cells[1:]], "nbformat": 4})
        assert len(text) <= LARGEST_NOTEBOOK
        (root / "src/01_ops.py").unlink()
        (root / "src/01_ops.ipynb").write_text(text)

    return lay


def as_zip(content: bytes) -> Callable[[Path], object]:
    def lay(root: Path) -> None:
        for path in root.glob("src/01_*"):
            path.unlink()
        with zipfile.ZipFile(f"{root}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("src/01_ops.py", content)
            archive.write(root / "src/02_more.py", "src/02_more.py")
        for path in sorted(root.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        root.rmdir()

    return lay


def output(size: int) -> dict[str, object]:
    return {"outputs": [{"output_type": "stream", "name": "stdout", "text": "0" * size}]}


BRACKETS = "x = " + "[" * deepest() + "]" * deepest() + "\n"
LONG = LARGEST_SOURCE - 4096
QUICK = {
    "simple statements": as_source(filled("x = 1\n")),
    "nested brackets": as_source(filled(BRACKETS)),
    "a notebook with large outputs": as_notebook(output(LONG)),
    "a zip of zeros": as_zip(bytes(LARGEST_SOURCE)),
}
SLOW = {
    "comments": as_source(filled("# as it was said\n")),
    "one long string": as_source(with_code(f"x = '{'a' * LONG}'")),
    "one long line": as_source(with_code(f"x = 0{' + 1' * (LONG // 4)}")),
    "one long list": as_source(with_code(f"x = [{'1, ' * (LONG // 3)}]")),
    "functions": as_source(filled("def f(): pass\n")),
    "marks of cells": as_source(filled("# %%\n")),
    "marks of exported cells": as_source(filled("# %%\n#| export\n")),
    "marks of Markdown": as_source(filled("# %% [markdown]\n# x\n")),
    "options of cells": as_source(filled("#| hide\n")),
    "commands of notebooks": as_source(filled("# %%\n# %time x\n")),
    "empty lines": as_source(filled("\n")),
    "decorators": as_source(filled("@a\n", "a = 1\n") + "def f(): pass\n"),
    "letters of another script": as_source(filled("é = 1\n")),
    "strings in strings": as_source(filled("x = f\"{f'{1}'}\"\n")),
    "operators": as_source(filled("x = -+-+-+-+-+-+-+-+1\n")),
    "lines that do not end": as_source(filled("x = 1 + \\\n") + "1\n"),
    "a notebook of many cells": as_notebook(
        {}, *[{"cell_type": "code", "source": "x = 1"}] * (LONG // 48)
    ),
    "a notebook of many lines": as_notebook(
        {}, {"cell_type": "code", "source": ["x = 1\n"] * (LONG // 12)}
    ),
    "a notebook of commands": as_notebook(
        {}, {"cell_type": "code", "source": "%time x\n" * (LONG // 9)}
    ),
    "a notebook of Markdown": as_notebook(
        {}, {"cell_type": "markdown", "source": "x\n" * (LONG // 3)}
    ),
    "a notebook as large as may be": as_notebook(output(LARGEST_NOTEBOOK - 4096)),
}
KINDS = [
    *(pytest.param(lay, id=name.replace(" ", "-")) for name, lay in QUICK.items()),
    *(
        pytest.param(lay, id=name.replace(" ", "-"), marks=pytest.mark.slow)
        for name, lay in SLOW.items()
    ),
]


# What is handed in behind a module of the course; the first is what the others are compared with.
COURSE = load_course(Path(__file__).parents[2])
LINES = {
    "honest": "",
    "statements": "x = 1\n",
    "functions": "def f(): pass\n",
    "comments": "# as it was said\n",
}


@dataclass
class Meter:
    """Processor time and the most memory of a grader's processes, while they run."""

    temporary: Path
    cpu: dict[str, float] = field(default_factory=dict)  # process -> seconds
    memory: dict[str, float] = field(default_factory=dict)  # grader or reader -> MiB, at its peak
    _over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._over.wait(0.02):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    self._look_at(folder)
                except (OSError, ValueError, IndexError):  # it ended meanwhile
                    continue

    def _look_at(self, folder: Path) -> None:
        words = (folder / "cmdline").read_bytes()
        if any(word in words for word in _NOT_THE_GRADERS):
            return
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        is_known = str(self.temporary).encode() in (folder / "environ").read_bytes()
        if not is_known and not (_READER in words and fields[1] in self.cpu):
            return  # the reader gets nothing of the environment, but is a child of the grader
        self.cpu[folder.name] = (int(fields[11]) + int(fields[12])) / _TICKS
        peak = re.search(r"VmHWM:\s*(\d+)", (folder / "status").read_text())
        role = "reader" if _READER in words else "grader"
        if peak is not None:
            self.memory[role] = max(self.memory.get(role, 0.0), int(peak[1]) / 1024)

    def stop(self) -> None:
        self._over.set()

    @property
    def seconds(self) -> float:
        return sum(self.cpu.values())

    @property
    def mib(self) -> float:
        return sum(self.memory.values())


def grade(root: Path, folder: Path, place: Path, *more: str) -> tuple[Meter, str]:
    """Grade a class; what that took, and the output."""
    (place / "temporary").mkdir(parents=True)
    meter = Meter(place / "temporary")
    words = [f"--submissions={folder}", f"--results={place / 'results'}", "--isolate=process"]
    watch = threading.Thread(target=meter.watch)
    watch.start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *more, "-p", "no:cacheprovider"],
            cwd=root,
            env={**os.environ, "TMPDIR": str(meter.temporary)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        meter.stop()
        watch.join()
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return meter, output


def points(results: Path, student: str) -> float:
    suite = ET.parse(results / student / "grade.xml").getroot()[0]
    properties = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    return sum(test["points"] for test in json.loads(properties["record"])["tests"])


def check_costs(meter: Meter, honest: Meter) -> None:
    assert "reader" in meter.memory and "reader" in honest.memory
    assert meter.seconds - honest.seconds < MOST_SECONDS
    assert meter.mib - honest.mib < MOST_MIB


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_arena(tmp_path_factory.mktemp("course") / "tree")


@pytest.fixture(scope="module")
def honest(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Meter:
    place = tmp_path_factory.mktemp("honest")
    make_arena(place / "class/eve")
    make_arena(place / "class/zoe", f"{RIGHT}\n# zoe\n")
    meter, _ = grade(root, place / "class", place)
    assert points(place / "results", "eve") == FULL
    return meter


@pytest.mark.parametrize("lay", KINDS)
def test_a_large_submission_costs_little_more(
    root: Path, honest: Meter, tmp_path: Path, lay: Callable[[Path], object]
) -> None:
    lay(make_arena(tmp_path / "class/eve"))
    make_arena(tmp_path / "class/zoe", f"{RIGHT}\n# zoe\n")
    meter, _ = grade(root, tmp_path / "class", tmp_path)
    check_costs(meter, honest)
    assert points(tmp_path / "results", "zoe") == FULL
    # Student code may find its own limits with so much to import, and the grader one to read it:
    # where that takes all the time of the submission, its other module is not read either.
    assert points(tmp_path / "results", "eve") in (0.0, HONEST, FULL)


def hand_in(folder: Path, checkpoint: Checkpoint, line: str = "") -> None:
    """The course's own sources, with so many of a line behind one module as may be handed in."""
    for module in (module for module in COURSE.modules if module.written):
        name = COURSE.source_name(module)
        text = (COURSE.root / name).read_text("utf-8") + f"\n# {folder.name}\n"
        if line and module.name == checkpoint.module:
            text += "\n# %%\n#| export\n"
            text += line * ((LARGEST_SOURCE - len(text.encode())) // len(line.encode()))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("number", ["01", "05", "08"])
def test_no_checkpoint_makes_it_cost_more(tmp_path: Path, number: str) -> None:
    checkpoint = COURSE.collection_of(checkpoint_group(number))
    meters = {}
    for kind, line in LINES.items():
        place = tmp_path / kind
        hand_in(place / "class/eve", checkpoint, line)
        hand_in(place / "class/zoe", checkpoint)
        meters[kind], _ = grade(COURSE.root, place / "class", place, f"--checkpoint={number}")
        assert points(place / "results", "zoe") == checkpoint.points
        check_costs(meters[kind], meters["honest"])
