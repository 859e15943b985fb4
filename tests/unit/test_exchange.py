"""`tito progress export` and `import`: merging never downgrades, and no forged file is merged."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evidence import keep_evidence
from milestone_course import edit, make_course_with_milestones

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.records import Outcome
from pytest_tinytorch.progress.exchange import _checksum, export_text, import_file
from pytest_tinytorch.progress.milestones import milestone_statuses
from pytest_tinytorch.progress.progress import Progress


@pytest.fixture
def course(tmp_path):
    return make_course_with_milestones(tmp_path / "course")


def progress(course):
    return Progress.of(course, load_manifest(course))


def labels(course):
    read = progress(course)
    milestones = milestone_statuses(course, read)
    return [s.label for s in read.statuses[:2]] + [s.label for s in milestones]


@pytest.fixture
def machines(course, tmp_path, monkeypatch):
    """Switches between two machines: another home, and another clone of the same course."""
    clone = load_course(shutil.copytree(course.root, tmp_path / "clone"))

    def to(number):
        monkeypatch.setenv("TINYTORCH_HOME", str(tmp_path / f"home{number}"))
        return course if number == 1 else clone

    return to


def exported(course, path):
    path.write_text(export_text(course, progress(course)))
    return path


def forged(path, change):
    """The file after a change, with a checksum that fits it."""
    data = json.loads(path.read_text())
    data.pop("sha256")
    change(data)
    path.write_text(json.dumps(data | {"sha256": _checksum(data)}))
    return path


def entry(data, kind="milestones", identifier="wave"):
    (found,) = data["evidence"][kind][identifier].values()
    return found


# --- from one machine to another ----------------------------------------------------------------


def test_what_was_achieved_on_one_machine_is_achieved_on_the_other(machines, tmp_path):
    course = machines(1)
    keep_evidence(course, course.checkpoints[0], course.milestones[1], measured="2 waves")
    file = exported(course, tmp_path / "a.json")
    course = machines(2)
    assert labels(course) == ["not started", "not started", "locked", "locked"]
    found = import_file(course, progress(course), file)
    assert (found.added, found.known, found.problems) == (2, 0, [])
    assert [milestone.id for milestone in found.unlocked] == ["wave"]
    assert labels(course) == ["achieved", "not started", "locked", "achieved"]
    assert progress(course).evidence(course.milestones[1])["measured"] == ["2 waves"]
    again = import_file(course, progress(course), file)
    assert (again.added, again.known, again.unlocked) == (0, 2, ())


def test_both_directions_give_the_same(machines, tmp_path):
    for number, checkpoint in ((1, 0), (2, 1)):
        course = machines(number)
        keep_evidence(course, course.checkpoints[checkpoint])
    first = exported(machines(1), tmp_path / "1.json")
    second = exported(machines(2), tmp_path / "2.json")
    for number, file in ((1, second), (2, first)):
        course = machines(number)
        import_file(course, progress(course), file)
        assert labels(course) == ["achieved", "achieved", "not attempted", "not attempted"]


def test_what_is_achieved_here_is_never_downgraded(machines, tmp_path):
    course = machines(1)
    keep_evidence(
        course, course.checkpoints[0], outcome=Outcome.FAILED, when="2026-02-01T00:00:00+00:00"
    )
    worse = exported(course, tmp_path / "worse.json")
    course = machines(2)
    keep_evidence(course, course.checkpoints[0], when="2026-01-01T00:00:00+00:00")
    found = import_file(course, progress(course), worse)
    assert (found.added, found.known) == (0, 1)
    assert labels(course)[0] == "achieved"


def test_what_is_better_elsewhere_replaces_a_failure(machines, tmp_path):
    course = machines(1)
    keep_evidence(course, course.checkpoints[0], when="2026-01-01T00:00:00+00:00")
    better = exported(course, tmp_path / "better.json")
    course = machines(2)
    keep_evidence(
        course, course.checkpoints[0], outcome=Outcome.FAILED, when="2026-02-01T00:00:00+00:00"
    )
    assert import_file(course, progress(course), better).added == 1
    assert labels(course)[0] == "achieved"


def test_evidence_of_other_code_is_stale(machines, tmp_path):
    course = machines(1)
    keep_evidence(course, course.checkpoints[0])
    file = exported(course, tmp_path / "a.json")
    course = machines(2)
    edit(course, "return a + b", "return b + a")
    assert import_file(course, progress(course), file).added == 1
    assert labels(course)[0] == "stale"


def test_the_file_names_no_folder_and_claims_are_no_part_of_it(machines, tmp_path):
    course = machines(1)
    keep_evidence(course, course.checkpoints[0])
    progress(course).note(completed_milestones=["wave"], completed_modules=["02_words"])
    text = exported(course, tmp_path / "a.json").read_text()
    assert str(tmp_path) not in text and "wave" not in text and "02_words" not in text


def test_nothing_to_export_is_said(course):
    with pytest.raises(CourseError) as error:
        export_text(course, progress(course))
    assert str(error.value) == (
        "nothing to export: no run is recorded yet; see `pytest --progress`"
    )


def test_a_damaged_progress_file_is_not_exported(course, own_progress):
    own_progress.mkdir()
    (own_progress / "progress.json").write_text("{")
    with pytest.raises(CourseError, match=r"progress\.json is damaged"):
        export_text(course, progress(course))


# --- files that are refused ---------------------------------------------------------------------


@pytest.fixture
def file(machines, tmp_path):
    """A good file of the first machine; from then on, the second is used."""
    course = machines(1)
    keep_evidence(course, course.checkpoints[0], course.milestones[1], measured="2 waves")
    path = exported(course, tmp_path / "a.json")
    machines(2)
    return path


def refused(course, path):
    home = Path(progress(course)._file.path)
    with pytest.raises(CourseError) as error:
        import_file(course, progress(course), path)
    assert not home.exists()  # nothing was merged
    line = str(error.value)
    assert "\n" not in line
    return line


def test_an_edit_breaks_the_checksum(course, file):
    file.write_text(file.read_text().replace('"passed"', '"failed"', 1))
    assert refused(course, file) == (
        f"{file} is not imported: it was changed after it was exported; export it again"
    )


@pytest.mark.parametrize(
    "text, why",
    [
        ("{", "it is damaged: Expecting property name"),
        ("", "it is damaged: Expecting value"),
        ("[]", "it is not a file of `tito progress export`"),
        ('{"format": 1, "courses": {}}', "it is not a file of `tito progress export`"),
        ("\x00", "it is damaged"),
    ],
)
def test_what_is_no_export(course, tmp_path, text, why):
    path = tmp_path / "x.json"
    path.write_text(text)
    assert refused(course, path).startswith(f"{path} is not imported: {why}")


def test_bytes_that_are_no_text(course, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert "is not imported: 'utf-8' codec can't decode" in refused(course, path)


def test_no_file_and_a_folder(course, tmp_path):
    assert "nowhere.json cannot be read: " in refused(course, tmp_path / "nowhere.json")
    assert "is not imported" in refused(course, tmp_path) or "cannot be read" in refused(
        course, tmp_path
    )


def test_a_later_format_and_another_course(course, file):
    data = file.read_text()
    forged(file, lambda d: d.update(format=2))
    assert "its format is 2, and this project reads 1" in refused(course, file)
    file.write_text(data)
    assert "it is progress of the course 'mini', and this is 'other'" in refused(
        replace(course, id="other"), file
    )


def set_(**fields):
    return lambda data: entry(data).update(fields)


TOMORROW = (datetime.now(UTC) + timedelta(days=3)).isoformat()
FORGERIES = {
    "no tests": (set_(tests={}), "the evidence for 'milestone wave' has no tests"),
    "tests of another": (
        set_(tests={"00/test_add": "passed"}),
        "says 'passed' of '00/test_add', which no run says",
    ),
    "an outcome that is none": (
        set_(tests={"milestone wave/test_waves": "great"}),
        "says 'great' of 'milestone wave/test_waves', which no run says",
    ),
    "an outcome of another type": (
        set_(tests={"milestone wave/test_waves": ["passed"]}),
        "which no run says",
    ),
    "no time": (set_(when=None), "has the time None, which is none"),
    "a time without a zone": (set_(when="2026-01-01T00:00:00"), "which is none"),
    "a time to come": (set_(when=TOMORROW), "which is still to come"),
    "no duration": (set_(seconds="1"), "has no duration or no seed"),
    "no seed": (set_(seed=None), "has no duration or no seed"),
    "a folder": (set_(root="/"), "has other fields than when, seconds, seed, tests, measured"),
    "measured": (set_(measured="9 waves"), "has a measured result that is not one line of text"),
    "measured lines": (set_(measured=["a\nb"]), "has a measured result that is not one line"),
    "unknown milestone": (
        lambda data: data["evidence"]["milestones"].update(moon={}),
        "this course has no milestone 'moon'",
    ),
    "unknown kind": (
        lambda data: data["evidence"].update(completed_milestones=["wave"]),
        "its evidence is not that of checkpoints and milestones",
    ),
    "no evidence": (lambda data: data.pop("evidence"), "its evidence is not that of"),
    "a list": (
        lambda data: data["evidence"].update(milestones=["wave"]),
        "the evidence for 'milestones' is not a table",
    ),
    "a word": (
        lambda data: data["evidence"]["milestones"].update(wave="completed"),
        "the evidence for 'milestone wave' is not a table",
    ),
    "an entry that is a word": (
        lambda data: data["evidence"]["milestones"].update(wave={"x": "completed"}),
        "has other fields than",
    ),
}


@pytest.mark.parametrize("change, why", FORGERIES.values(), ids=FORGERIES)
def test_what_no_run_can_have_said_is_refused(course, file, change, why):
    assert why in refused(course, forged(file, change))


def test_a_damaged_file_here_is_not_written_over(course, file):
    path = progress(course)._file.path
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(CourseError, match="is damaged"):
        import_file(course, progress(course), file)
    assert path.read_text() == "{"
