"""A copy of the whole course, in which solutions are broken and graded one at a time."""

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from forkserver import ForkServer

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.records import RunRecord

# A stub or a zero fails at any example, and nobody reads the smallest one: the first few will do.
FEW_EXAMPLES = """
import os

def pytest_collection_finish():
    if "FEW_EXAMPLES" in os.environ:
        from hypothesis import Phase, settings

        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("few", settings.default, max_examples=5, phases=phases)
        settings.load_profile("few")
"""
COPIED = (
    "course.toml",
    "conftest.py",
    "checkpoints",
    "milestones",
    "demos",
    "data",
    "src_modules",
    "tinytorch",
)


@dataclass
class Laboratory:
    """The course, with the reference solutions, and a way to replace one of its sources."""

    course: Course
    server: ForkServer

    def grade(
        self, module_name: str, source: str, *arguments: str, checkpoint: str = ""
    ) -> RunRecord:
        """Run a checkpoint, by default that of the module, whose source is this text; put the
        source back."""
        module = self.course.module_by_name[module_name]
        own = self.course.checkpoint_of(module)
        assert own is not None
        with self.source(module_name, source):
            return self.run("--checkpoint", checkpoint or own.id, *arguments)

    @contextmanager
    def source(self, module_name: str, text: str) -> Iterator[None]:
        """Replace the source of a module by a text, for a while."""
        path = self.course.source_file(self.course.module_by_name[module_name])
        before = path.read_text("utf-8")
        path.write_text(text, "utf-8")
        try:
            yield
        finally:
            path.write_text(before, "utf-8")

    def run(self, *arguments: str) -> RunRecord:
        xml = self.course.root / "grade.xml"
        xml.unlink(missing_ok=True)
        result = self.server.run(
            ["-p", "no:cacheprovider", f"--junitxml={xml}", *arguments], self.course.root
        )
        assert xml.exists(), "\n".join([*result.outlines, *result.errlines])
        properties = ET.parse(xml).getroot().findall(".//testsuite/properties/")
        record = {entry.get("name"): entry.get("value") for entry in properties}["record"]
        return RunRecord.from_json(json.loads(record or ""))


@pytest.fixture(scope="session")
def laboratory(
    repository: Path, forkserver: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Laboratory:
    root = tmp_path_factory.mktemp("laboratory")
    for name in COPIED:
        source = repository / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    conftest = root / "conftest.py"
    conftest.write_text(conftest.read_text("utf-8") + FEW_EXAMPLES, "utf-8")
    return Laboratory(load_course(root), forkserver)


@pytest.fixture
def quick_laboratory(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    """The laboratory, for questions that a few examples answer."""
    monkeypatch.setenv("FEW_EXAMPLES", "1")
    return laboratory
