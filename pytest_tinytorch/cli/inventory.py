"""Lists the tests of the course and their points, by collecting them with pytest.

`tito manifest` (`cli.main`) calls it and writes the list to `manifest.json`.
"""

import io
from contextlib import chdir, redirect_stdout
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import Group, hidden_group
from pytest_tinytorch.core.manifest import Manifest, in_groups, make_manifest, tests_text
from pytest_tinytorch.core.tempdirs import temporary_folder
from pytest_tinytorch.core.visibility import HIDDEN
from pytest_tinytorch.hooks.recording import facts, marker_mistake
from pytest_tinytorch.hooks.selection import HIDDEN_FILE, id_key
from pytest_tinytorch.submissions.intake import HIDDEN_MANIFEST, take_in, take_in_hidden


class _Collected:
    """A pytest plugin that lists the collected tests."""

    def __init__(self) -> None:
        self.tests: list[tuple[str, float]] = []
        self.mistakes: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        known: set[str] = set()
        for item in session.items:
            if mistake := marker_mistake(item):
                self.mistakes.append(f"{item.nodeid}: {mistake}")
            identifier = item.stash[id_key]
            if identifier in known:
                self.mistakes.append(
                    f"{item.nodeid}: a test in another file has the id {identifier!r}, too;"
                    " rename one"
                )
            known.add(identifier)
            self.tests.append((identifier, facts(item).max_points))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            lines = str(report.longrepr).strip().splitlines()
            self.mistakes.append(f"{report.nodeid}: {lines[-1]}")


def take_inventory(course: Course) -> Manifest:
    """Collect all tests with points. Raises CourseError for an invalid file or mark."""
    written = [c for c in course.collections if course.is_written(c)]
    kinds = dict.fromkeys(c.kind for c in written)
    files = [str(course.root / c.file) for c in written]
    return make_manifest(course, _collect(course, files, *(f"--{k.option}=all" for k in kinds)))


def take_hidden_inventory(course: Course, folder: Path) -> str:
    """The text of the manifest for an instructor's hidden tests. Raises CourseError."""
    with temporary_folder("manifest") as copy:
        take_in(course.root, copy, "")
        files = take_in_hidden(folder, copy / HIDDEN, with_manifest=False)
        _check_names(course, files)
        # Only the checkpoints are needed here; points are computed later.
        groups: dict[Group, dict[str, float]] = {hidden_group(c.id): {} for c in course.checkpoints}
        (copy / HIDDEN / HIDDEN_MANIFEST).write_text(tests_text(groups), "utf-8")
        options = ("--checkpoint=all", f"--hidden={HIDDEN}")
        tests = _collect(load_course(copy), [str(path) for path in files], *options)
    return tests_text(in_groups(tests))


def _check_names(course: Course, files: list[Path]) -> None:
    """Raise CourseError for a file that belongs to no checkpoint: its tests would never run."""
    ids = [checkpoint.id for checkpoint in course.checkpoints]
    for path in files:
        match = HIDDEN_FILE.match(path.name)
        if match is None or match[1] not in ids:
            raise CourseError(
                f"{path.name}: belongs to no checkpoint; name it checkpoint_NN_name.py, with NN"
                f" from {ids[0]} to {ids[-1]}"
            )


def _collect(course: Course, files: list[str], *more: str) -> list[tuple[str, float]]:
    collected = _Collected()
    arguments = [*more, "--collect-only", "-q", "--rootdir", str(course.root)]
    arguments += files
    with chdir(course.root), redirect_stdout(io.StringIO()) as output:
        code = pytest.main(["-p", "no:cacheprovider", *arguments], plugins=[collected])
    if collected.mistakes:
        raise CourseError(collected.mistakes[0])
    if code != pytest.ExitCode.OK:
        last = output.getvalue().strip().splitlines()[-1:]
        raise CourseError(f"the tests cannot be collected: {' '.join(last)}")
    return collected.tests
