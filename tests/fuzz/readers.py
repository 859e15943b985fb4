"""Every reader of what a student or a stranger made, as a function of bytes; and real examples.

A reader returns, or raises one of the exceptions that are meant for people. `test_readers` feeds
all of them mutated examples, and `guided` does the same with atheris, guided by coverage.
"""

import contextlib
import io
import json
import tempfile
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import checkpoint_group
from pytest_tinytorch.core.manifest import MANIFEST_FILE, load_manifest, with_hidden
from pytest_tinytorch.core.scores import grade_of
from pytest_tinytorch.export.cells import SourceError, exported_cells
from pytest_tinytorch.export.notebook import NotebookRefused, source_of_notebook
from pytest_tinytorch.export.render import rendered
from pytest_tinytorch.export.service import export
from pytest_tinytorch.grading.feedback_files import notes_on
from pytest_tinytorch.grading.gradescope.submission_metadata import handed_in as read_metadata
from pytest_tinytorch.grading.parts import PartFiles
from pytest_tinytorch.progress.progress import Progress
from pytest_tinytorch.progress.store import ProgressFile
from pytest_tinytorch.reports.html import feedback_html
from pytest_tinytorch.reports.junit_reader import parse_run, read_run
from pytest_tinytorch.reports.markdown import feedback_markdown
from pytest_tinytorch.submissions.collection import read_list
from pytest_tinytorch.submissions.find import Submitted
from pytest_tinytorch.submissions.intake import checked_out, take_in
from pytest_tinytorch.submissions.platforms import METADATA, handed_in, platform_of
from pytest_tinytorch.submissions.reader import read_submission
from pytest_tinytorch.submissions.roster import read_roster
from pytest_tinytorch.submissions.uploads import collect_download

ROOT = Path(__file__).parents[2]
MEANT = (CourseError, SourceError, NotebookRefused)
COURSE = load_course(ROOT)
TENSOR = "src_modules/02_tensor.py"


@dataclass(frozen=True)
class Reader:
    read: Callable[[bytes], object]
    examples: Callable[[], list[bytes]]
    found: tuple[str, ...] = ()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        yield Path(folder)


def _as_file(read: Callable[[Path], object], name: str = "file") -> Callable[[bytes], object]:
    def of_bytes(data: bytes) -> object:
        with _folder() as folder:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return read(path)

    return of_bytes


def _bytes_of(*names: str) -> Callable[[], list[bytes]]:
    return lambda: [(ROOT / name).read_bytes() for name in names]


# --- the tree of a course -------------------------------------------------------------------------


def _lay_tests(folder: Path) -> None:
    """The files that course.toml names must exist."""
    for collection in COURSE.with_and_without_points:
        (folder / collection.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / collection.file).touch()


def _course(data: bytes) -> object:
    with _folder() as folder:
        (folder / "course.toml").write_bytes(data)
        _lay_tests(folder)
        return load_course(folder).title, export(load_course(folder), limited=rendered)


def _manifest(data: bytes) -> object:
    with _folder() as folder:
        (folder / "course.toml").write_bytes((ROOT / "course.toml").read_bytes())
        (folder / MANIFEST_FILE).parent.mkdir(exist_ok=True)
        (folder / MANIFEST_FILE).write_bytes(data)
        _lay_tests(folder)
        take_in(folder, folder / "taken", "")
        return load_manifest(load_course(folder))


def _hidden(data: bytes) -> object:
    with _folder() as folder:
        (folder / "manifest.json").write_bytes(data)
        return with_hidden(load_manifest(COURSE), folder)


def _head(data: bytes) -> str:
    with _folder() as folder:
        (folder / ".git").mkdir()
        (folder / ".git/HEAD").write_bytes(data)
        (folder / ".git/packed-refs").write_bytes(b"0" * 40 + b" refs/heads/main\n" + data)
        commit = checked_out(folder)
        assert len(commit) in (0, *range(40, 65))
        return commit


# --- what is handed in ----------------------------------------------------------------------------


def _source(data: bytes) -> object:
    text = data.decode("utf-8-sig", "surrogateescape")
    return exported_cells(text, TENSOR, ("core.tensor", "core.setup", "core.measuring"))


def _notebook(data: bytes) -> object:
    return source_of_notebook(data)


def _zip(data: bytes) -> object:
    with _folder() as folder:
        (folder / "ana.zip").write_bytes(data)
        return read_submission(COURSE, Submitted("ana", folder / "ana.zip"))


def _download(data: bytes) -> object:
    with _folder() as folder:
        (folder / "download.zip").write_bytes(data)
        return collect_download(folder / "download.zip", folder / "class")


def _notebook_example() -> bytes:
    import jupytext

    notebook = jupytext.reads((ROOT / "src_modules/01_setup.py").read_text("utf-8"), "py:percent")
    return str(jupytext.writes(notebook, "ipynb")).encode()


def _zip_examples() -> list[bytes]:
    made = []
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", kind) as archive:
            archive.writestr(TENSOR, (ROOT / TENSOR).read_bytes()[:4000])
            archive.writestr("a/03_activations.ipynb", _notebook_example()[:3000])
            archive.writestr("Ada_12_assignsubmission_file/02_tensor.py", b"x = 1\n")
        made.append(target.getvalue())
    return made


# --- what others wrote down -----------------------------------------------------------------------


def _names(data: bytes) -> object:
    names = data.decode("utf-8", "surrogateescape").split("\n")
    found = platform_of(names)
    if found is None:
        return None
    return handed_in(*found, names, f"submission_1:\n  :submitters:\n  - :name: {names[0]}\n")


def _metadata(data: bytes) -> object:
    names = [METADATA, "submission_1/02_tensor.py"]
    found = platform_of(names)
    assert found is not None
    return handed_in(*found, names, data.decode("utf-8", "replace"))


def _run(text: str) -> dict[str, object]:
    test = {"id": "01/test_a", "title": "A", "outcome": "failed", "reason": "wrong"}
    place = {"file": TENSOR, "line": 3, "function": "f", "excerpt": [[3, "x"]]}
    return {
        "format": 1, "course": COURSE.id, "seed": 0, "started": "", "seconds": 0.5,
        "groups": ["01"], "student": text, "manifest": "m", "altered": [],
        "tests": [{**test, "message": text, "locations": [place], "max_points": 3}],
    }  # fmt: skip


def _record(data: bytes) -> object:
    run = parse_run(Path("grade.xml"), data.decode("utf-8", "replace"))
    grade = grade_of(run)
    if run.course != COURSE.id:
        return grade
    notes = notes_on(COURSE, run)
    feedback_html(COURSE, run, notes)
    return feedback_markdown(COURSE, run, notes)


def _xml_example() -> bytes:
    root = ET.Element("testsuites")
    properties = ET.SubElement(ET.SubElement(root, "testsuite"), "properties")
    ET.SubElement(properties, "property", name="record", value=json.dumps(_run("a")))
    return ET.tostring(root)


def _progress(path: Path) -> object:
    file = ProgressFile(path)
    progress = Progress(COURSE, load_manifest(COURSE), file)
    found = progress.to_json()
    file.update(lambda data: None)
    return found


def _part(path: Path) -> object:
    files = PartFiles(path.parents[2], path.parent.name)
    return files.read(checkpoint_group("01"))


PROGRESS = {
    "format": 1,
    "completed_modules": ["01_setup"],
    "courses": {
        "tinytorch": {"checkpoints": {"01": {"k": {"when": "2026", "seconds": 1, "tests": {}}}}}
    },
}
LIST = {
    "format": 1,
    "students": [{"student": "ana", "status": "collected", "entry": "ana", "commit": "c"}],
}
GRADESCOPE = {
    "created_at": "2018-07-01T14:22:32.365935-07:00",
    "assignment": {"due_date": "2018-07-31T23:00:00-07:00"},
    "users": [{"email": "a@b.c", "id": 1, "name": "A"}],
}
PART = {"format": 1, "key": "k", "status": "graded", "reason": "", "tests": _run("a")["tests"]}
YAML = b"""submission_1:
  :submitters:
  - :name: Ada
    :sid: '1'
    :email: ada@example.com
  :created_at: 2026-11-20 20:00:00.123456000 Z
"""
MOODLE = (
    b"Ada Lovelace_12_assignsubmission_file/02_tensor.py\nBo_13_assignsubmission_onlinetext/a.html"
)
CANVAS = b"lovelaceada_LATE_123_456_02_tensor.py\nbo_12_13_03_activations-1.py"


TAKEN = "'src_modules/02_tensor.py': b'# %% [markdown]"
CELL = "ExportedCell(target='core.tensor'"
TEST = "TestRecord(id='01/test_a', title='A', outcome=<Outcome.FAILED"
COLLECTED = "Collected(student='Ada_12', status=<CollectedStatus.COLLECTED"


def _json(data: object) -> Callable[[], list[bytes]]:
    return lambda: [json.dumps(data).encode()]


READERS = {
    "course.toml": Reader(_course, _bytes_of("course.toml"), ("'TinyTorch'",)),
    "manifest": Reader(_manifest, _bytes_of(MANIFEST_FILE), ("'00/test_check_of_a_good_machine'",)),
    "hidden manifest": Reader(
        _hidden,
        _json({"tests": {"hidden 01": {"hidden 01/test_a": 1}}}),
        ("'hidden 01/test_a': 1",),
    ),
    ".git/HEAD": Reader(
        _head, lambda: [b"ref: refs/heads/main\n", b"0123456789" * 4], ("0" * 40, "0123456789" * 4)
    ),
    "source": Reader(
        _source, _bytes_of(TENSOR, "src_modules/01_setup.py"), (CELL, "target='core.measuring'")
    ),
    "notebook": Reader(_notebook, lambda: [_notebook_example()], ("#| default_exp core.setup",)),
    "zip": Reader(_zip, _zip_examples, (TAKEN, TAKEN)),
    "download": Reader(_download, _zip_examples, (COLLECTED, COLLECTED)),
    "names in a download": Reader(
        _names,
        lambda: [MOODLE, CANVAS],
        ("'Ada Lovelace_12', late=False", "'lovelaceada_123', late=True"),
    ),
    "submission_metadata.yml": Reader(_metadata, lambda: [YAML], ("'2026-11-20T20:00:00.123456",)),
    "submission_metadata.json": Reader(
        _as_file(read_metadata), _json(GRADESCOPE), ("2018-07-01 14:22 (UTC-07:00), in time",)
    ),
    "roster": Reader(
        _as_file(read_roster),
        lambda: [b"student,remote\nana,https://h/a\nbo,h:b\n"],
        ("Row(student='bo', remote='h:b')",),
    ),
    "collected.json": Reader(_as_file(read_list), _json(LIST), ("entry='ana', commit='c'",)),
    "record": Reader(_record, _json(_run("a")), ("0 of 3 points",)),
    "grade.xml": Reader(_as_file(read_run), lambda: [_xml_example()], (TEST,)),
    "progress.json": Reader(
        _as_file(_progress), _json(PROGRESS), ("'completed_modules': ['01_setup']",)
    ),
    "part": Reader(_as_file(_part, ".parts/ana/01.json"), _json(PART), (TEST,)),
}
