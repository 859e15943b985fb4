"""What an export costs where nothing changed: it stands before every run."""

import shutil
from pathlib import Path

import pytest

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.export.service import export

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("course")
    for name in ("course.toml", "checkpoints", "milestones", "src_modules"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, root / name)
    course = load_course(root)
    export(course)
    return course


def test_export_of_an_unchanged_tree(benchmark, course):
    assert benchmark(export, course).written == ()


def test_unchanged_against_changed(versus, course):
    source = course.source_file(course.module_by_name["02_tensor"])
    counter = iter(range(1_000_000))

    def changed() -> None:
        text = source.read_text("utf-8").partition("\n# changed")[0]
        source.write_text(f"{text}\n# changed {next(counter)}\n", "utf-8")
        export(course)

    versus(
        "export of an unchanged tree / with one changed source",
        lambda: export(course),
        changed,
        rounds=10,
        holds=lambda found: found.ratio < 0.5,
    )
