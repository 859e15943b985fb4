"""Makes the zip from which Gradescope builds an autograder. `tito gradescope bundle` calls it.

It holds two scripts that Gradescope calls, this plugin as a wheel, the course files that grading
needs, and an instructor's hidden tests. It never holds a source, a solution, or a file that the
manifest does not name.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pytest_tinytorch.core.atomic import write_bytes
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.discovery import COURSE_FILE
from pytest_tinytorch.core.errors import CourseError, MachineError
from pytest_tinytorch.core.groups import Kind, hidden_group
from pytest_tinytorch.core.manifest import (
    MANIFEST_FILE,
    Manifest,
    file_hash,
    load_manifest,
    with_hidden,
)
from pytest_tinytorch.core.selectors import choose_checkpoints, choose_milestones
from pytest_tinytorch.core.tempdirs import temporary_folder
from pytest_tinytorch.grading.gradescope.archive import zipped
from pytest_tinytorch.grading.gradescope.config import (
    CONFIG_FILE,
    COURSE_FOLDER,
    HIDDEN_FOLDER,
    AutograderConfig,
)
from pytest_tinytorch.grading.gradescope.wheel import make_wheel
from pytest_tinytorch.grading.result_files import set_aside
from pytest_tinytorch.isolation.levels import LEVELS
from pytest_tinytorch.submissions.intake import HIDDEN_MANIFEST, take_in_hidden

_SCRIPTS = ("setup.sh", "run_autograder")


@dataclass(frozen=True)
class Bundle:
    """The zip, and the values for Gradescope's settings."""

    content: bytes
    files: int
    checkpoints: tuple[str, ...]
    milestones: tuple[str, ...]
    points: float

    @property
    def summary(self) -> str:
        """`checkpoints 00, 01 and milestones xor`."""
        chosen = {Kind.CHECKPOINT: self.checkpoints, Kind.MILESTONE: self.milestones}
        return " and ".join(
            f"{kind.plural} {', '.join(ids)}" for kind, ids in chosen.items() if ids
        )


def make_bundle(
    course: Course,
    ids: str,
    hidden: Path | None,
    seed: int,
    require_isolation: str,
    milestone_ids: str = "",
) -> Bundle:
    """Make a bundle of checkpoints, of milestones, or of both; "" for none of a kind.

    Raises CourseError, such as for a changed course file.
    """
    checkpoints = choose_checkpoints(course, ids, _no_progress) if ids else ()
    milestones = choose_milestones(course, milestone_ids) if milestone_ids else ()
    if require_isolation not in LEVELS:
        raise CourseError(f"--require-isolation {require_isolation!r}: one of {', '.join(LEVELS)}")
    manifest = load_manifest(course)
    files = {f"{COURSE_FOLDER}/{n}": c for n, c in _course_files(course, manifest).items()}
    if hidden is not None:
        files |= {f"{HIDDEN_FOLDER}/{n}": c for n, c in _hidden_files(hidden).items()}
        manifest = with_hidden(manifest, hidden)
    name, wheel = make_wheel()
    files[name] = wheel
    config = AutograderConfig(
        tuple(checkpoint.id for checkpoint in checkpoints),
        seed,
        require_isolation,
        tuple(milestone.id for milestone in milestones),
    )
    files[CONFIG_FILE] = config.to_text().encode()
    for script in _SCRIPTS:
        files[script] = (Path(__file__).parent / "scripts" / script).read_bytes()
    points = _points(manifest, config)
    zip_file = zipped(files, _SCRIPTS)
    return Bundle(zip_file, len(files), config.checkpoints, config.milestones, points)


def write_bundle(bundle: Bundle, target: Path) -> list[str]:
    """Write the zip. An earlier file is renamed. Returns lines to print."""
    if target.is_dir():
        raise CourseError(f"--output {target} is a folder; write a file: {target}/autograder.zip")
    if target.is_file() and target.read_bytes() == bundle.content:
        return [f"unchanged: {target}"]
    aside = set_aside(target)
    try:
        write_bytes(target, bundle.content)
    except OSError as error:
        raise MachineError(f"--output {target} cannot be written: {error.strerror}") from None
    size = f"{bundle.files} files, {len(bundle.content) / 1e6:.1f} MB"
    lines = [f"the earlier {target.name} is now {aside.name}"] if aside else []
    return [*lines, f"written: {target} ({size})"]


def _no_progress(word: str) -> NoReturn:
    raise CourseError(f"--checkpoint {word} depends on a student's progress; name the checkpoints")


def _course_files(course: Course, manifest: Manifest) -> dict[str, bytes]:
    files = {}
    for name in dict.fromkeys((COURSE_FILE, MANIFEST_FILE, *manifest.files)):
        try:
            content = (course.root / name).read_bytes()
        except OSError as error:
            raise CourseError(f"{name} cannot be read: {error.strerror}") from None
        if manifest.files.get(name) not in (None, file_hash(Path(name), content)):
            raise CourseError(f"{name} differs from {MANIFEST_FILE}; run `tito manifest`")
        files[name] = content
    return files


def _hidden_files(folder: Path) -> dict[str, bytes]:
    with temporary_folder("bundle") as work:
        copies = take_in_hidden(folder, work)
        named = [*copies, work / HIDDEN_MANIFEST]
        return {path.name: path.read_bytes() for path in named}


def _points(manifest: Manifest, config: AutograderConfig) -> float:
    hidden = map(hidden_group, config.checkpoints)
    return sum(sum(manifest.of(group).values()) for group in (*config.groups, *hidden))
