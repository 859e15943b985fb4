"""A small course of its own, in which a student's pytest runs in a process of its own."""

import json
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from evidence import keep_evidence
from forkserver import ForkServer
from mini_course import make_course

from pytest_tinytorch.cli import main as cli
from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.groups import checkpoint_group


@dataclass
class Classroom:
    """The course's folder, and a student who types commands in it."""

    pytester: pytest.Pytester
    server: ForkServer
    home: Path
    way: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return self.pytester.path

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.server.run(["-p", "no:cacheprovider", *arguments, *self.way], self.root)

    def checkpoint(self, ids: str = "00", *arguments: str) -> pytest.RunResult:
        return self.run("--checkpoint", ids, *arguments)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text that stands once in a file."""
        path = self.root / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def says(self, *arguments: str) -> str:
        """What a run prints, as one line: where a sentence wraps does not matter."""
        result = self.run(*arguments)
        return " ".join(" ".join([*result.outlines, *result.errlines]).split())

    def states(self) -> dict[str, str]:
        """Checkpoint -> its state, as `--progress=json` tells it."""
        result = self.server.run(["--progress=json"], self.root)
        assert result.ret == 0, result.outlines
        return {c["id"]: c["state"] for c in json.loads(result.stdout.str())["checkpoints"]}

    def achieve(self, *ids: str) -> None:
        """Keep the evidence of a run in which all tests of these checkpoints passed."""
        course = load_course(self.root)
        chosen = [course.collection_of(checkpoint_group(identifier)) for identifier in ids]
        assert keep_evidence(course, *chosen).problems == []

    def record(self, ids: str, *arguments: str) -> dict:
        """The RunRecord that a run left in its JUnit XML."""
        chosen = arguments if "--module" in arguments else ("--checkpoint", ids, *arguments)
        self.run(f"--junitxml={self.root / 'grade.xml'}", *chosen)
        return self.stored_record()

    def stored_record(self) -> dict:
        """The RunRecord in grade.xml."""
        properties = ET.parse(self.root / "grade.xml").getroot().findall(".//testsuite/properties/")
        return json.loads({p.get("name"): p.get("value") for p in properties}["record"])

    def outcomes(self, ids: str = "00") -> dict[str, dict]:
        return {test["id"]: test for test in self.record(ids)["tests"]}


@pytest.fixture
def classroom(pytester: pytest.Pytester, forkserver: ForkServer, own_progress: Path) -> Classroom:
    """The small course, ready to be worked in."""
    make_course(pytester.path)
    return Classroom(pytester, forkserver, own_progress)


@pytest.fixture(params=[(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])
def every_way(request: pytest.FixtureRequest, classroom: Classroom) -> Classroom:
    """The classroom, with commands run without xdist, with -n0 and with -n2."""
    classroom.way = request.param
    return classroom


@pytest.fixture
def run_tito(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Runs a command in this process; returns its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["tito", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capfd.readouterr()
        return int(end.value.code or 0), (printed.out + printed.err).splitlines()

    return run
