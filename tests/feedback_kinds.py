"""Submissions that fail in every way there is, graded as they would be, for pages to be made of.

As a program, it writes their pages to a folder, to be looked at:

    python tests/feedback_kinds.py FOLDER
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from forkserver import ForkServer
from mini_course import make_course

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.manifest import file_hash
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.core.signing import properties_of
from pytest_tinytorch.reports.grade_view import remarks
from pytest_tinytorch.reports.html import feedback_html
from pytest_tinytorch.reports.markdown import feedback_markdown

NUMBERS, WORDS = "src/01_numbers.py", "src/02_words.py"
ADD = "return a + b"
# Words that stand in the hidden tests, and nowhere else.
CANARIES = ("31337", "27182", "CANARY", "test_secret", "secrets.py")

HIDDEN = '''"""What only the instructor knows."""

import pytest

pytestmark = pytest.mark.checkpoint("00")


@pytest.mark.points(4)
@pytest.mark.hint("CANARY-HINT")
def test_secret_numbers(tt, check):
    """CANARY-TITLE"""
    check.equal(tt.add(31337, 27182), 58519)


@pytest.mark.points(1)
@pytest.mark.hint("CANARY-HINT")
def test_secret_zero(tt, check):
    """CANARY-ZERO"""
    check.equal(tt.add(0, 0), 0)
'''


@dataclass(frozen=True)
class Kind:
    """What a student handed in: edits of a right solution, and how it is graded."""

    edits: tuple[tuple[str, str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def edited(new: str, old: str = ADD, file: str = NUMBERS, **more: tuple[str, ...]) -> Kind:
    return Kind(((file, old, new),), **more)


KINDS = {
    "wrong value": edited("return a - b"),
    "wrong shape": edited("return [total]", "return total / len(values)"),
    "not written": edited("raise NotImplementedError()"),
    "broken import": edited("return a +"),
    "raised": edited("return a + c"),
    "timeout": edited("while True:\n        pass"),
    "crash": edited("import os\n    os._exit(0)"),
    "not graded": Kind(arguments=("-k", "add or double")),
    "waiting": edited("raise ValueError(f'no {a}')", "return add(a, a)"),
    "waiting for what is not graded": edited("1 / 0", ADD, arguments=("--checkpoint=01",)),
    "hidden": edited("return a + b if a != 31300 + 37 else 0", arguments=("--hidden=hidden",)),
    "everything achieved": Kind(),
    "nothing handed in": Kind(removed=(NUMBERS, WORDS)),
    "all at once": Kind(
        (
            (NUMBERS, ADD, "return abs(a) + b\n"),
            (NUMBERS, "total / len(values)", "total / length  # " + "a long line, " * 12),
            (WORDS, "double(word).upper()", "double(word).lower()"),
            ("checkpoints/checkpoint_01_words.py", '"ABAB")', '"ABAB")  # altered'),
        ),
        ("--hidden=hidden", "--student=Zoë <b>Ω</b> & 大きな"),
    ),
}


def make_submission(root: Path, kind: Kind) -> Path:
    """The tree of a student, beside the hidden tests of the instructor."""
    make_course(root)
    manifest = root / "checkpoints/manifest.json"
    data = json.loads(manifest.read_text("utf-8"))
    own = ("course.toml", *(f"checkpoints/{path.name}" for path in root.glob("checkpoints/*.py")))
    data["files"] = {name: file_hash(Path(name), (root / name).read_bytes()) for name in own}
    manifest.write_text(json.dumps(data), "utf-8")
    (root / "hidden").mkdir()
    (root / "hidden/checkpoint_00_secrets.py").write_text(HIDDEN, "utf-8")
    tests = {"hidden 00": {"hidden 00/test_secret_numbers": 4, "hidden 00/test_secret_zero": 1}}
    (root / "hidden/manifest.json").write_text(json.dumps({"format": 1, "tests": tests}), "utf-8")
    for name, old, new in kind.edits:
        text = (root / name).read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        (root / name).write_text(text.replace(old, new), "utf-8")
    for name in kind.removed:
        (root / name).unlink()
    return root


def graded(server: ForkServer, root: Path, kind: Kind) -> tuple[RunRecord, str]:
    """The record of a submission that was laid out in `root`, and what the terminal said."""
    make_submission(root, kind)
    arguments = ["--grade", "--isolate=process", "--junitxml=grade.xml", *kind.arguments]
    result = server.run(arguments, root)
    text = properties_of(root / "grade.xml")["record"]
    return RunRecord.from_json(json.loads(text)), result.stdout.str()


def main(folder: Path) -> None:
    server = ForkServer()
    for number, (name, kind) in enumerate(KINDS.items(), 1):
        place = folder / f"{number:02}-{name.replace(' ', '-')}"
        run, said = graded(server, place, kind)
        course, notes = load_course(place), remarks(run.isolation, (), run.altered, ())
        place.with_suffix(".html").write_text(feedback_html(course, run, notes), "utf-8")
        place.with_suffix(".md").write_text(feedback_markdown(course, run, notes), "utf-8")
        place.with_suffix(".txt").write_text(said, "utf-8")
        print(place.with_suffix(".html"))
    server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
