"""Defines the options, and reads them once into a frozen dataclass.

pytest calls `pytest_addoption`; all other hook modules call `options_of` and `course_of`.
"""

import os
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pytest_tinytorch.core.course import (
    Checkpoint,
    Collection,
    Course,
    Module,
    ProgramCollection,
    load_course,
)
from pytest_tinytorch.core.discovery import course_root
from pytest_tinytorch.core.early_options import (
    EARLY_OPTIONS,
    FOLDER_OPTIONS,
    GRADE,
    GRADESCOPE,
    HIDDEN_TESTS,
    RESULTS,
    STUDENT,
    SUBMISSIONS,
)
from pytest_tinytorch.core.errors import MACHINE, CourseError, MachineError
from pytest_tinytorch.core.groups import Group, Kind, hidden_group
from pytest_tinytorch.core.manifest import Manifest, load_manifest, with_hidden
from pytest_tinytorch.core.selectors import (
    Dynamic,
    choose_checkpoints,
    choose_demos,
    choose_milestones,
    choose_modules,
)
from pytest_tinytorch.core.visibility import HIDDEN
from pytest_tinytorch.grading.clean_process import is_clean
from pytest_tinytorch.hooks.stash import stashed
from pytest_tinytorch.isolation.levels import LEVELS
from pytest_tinytorch.progress.progress import FORMS, Progress
from pytest_tinytorch.progress.unlocking import Locked, only_unlocked
from pytest_tinytorch.submissions.find import check_is_class
from pytest_tinytorch.submissions.intake import check_hidden_folder

_RESULTS = "results"  # the folder, if none is given
_LARGEST_SEED = 2**32 - 1
_NO_RUN = {
    "collectonly": "--collect-only",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "setupplan": "--setup-plan",
}


@dataclass(frozen=True)
class Batch:
    """The options of a class: `--submissions`. All folders are absolute."""

    submissions: Path
    results: Path
    regrade: bool


# Each field of `Options` is marked: can its value change the outcome of a test? The key of a
# class's stored results contains the fields that can. It does not contain groups and hidden files,
# as it has the id of the group and the hash of each file.
_AFFECTS_RESULTS = {"affects_results": True}
_NO_EFFECT = {"affects_results": False}


@dataclass(frozen=True)
class Options:
    """The options of one run. It tests `collections` or `modules`; both empty: not our run."""

    collections: tuple[Collection, ...] = field(metadata=_NO_EFFECT)
    modules: tuple[Module, ...] = field(metadata=_NO_EFFECT)
    seed: int = field(metadata=_AFFECTS_RESULTS)
    exports: bool = field(metadata=_NO_EFFECT)  # a graded submission is always exported
    # a level, or "auto"; "" for none
    isolation: str = field(default="", metadata=_AFFECTS_RESULTS)
    required_isolation: str = field(default="none", metadata=_NO_EFFECT)
    grade: bool = field(default=False, metadata=_AFFECTS_RESULTS)
    fail_under: float = field(default=0.0, metadata=_NO_EFFECT)
    # groups of an instructor's hidden tests
    hidden: tuple[Group, ...] = field(default=(), metadata=_NO_EFFECT)
    hidden_folder: Path | None = field(default=None, metadata=_NO_EFFECT)  # where those tests are
    batch: Batch | None = field(default=None, metadata=_NO_EFFECT)
    # `modules` and the modules that they need
    integrated: tuple[Module, ...] = field(default=(), metadata=_NO_EFFECT)
    # milestones and demos that `all` names, and that are not run
    locked: tuple[Locked, ...] = field(default=(), metadata=_NO_EFFECT)

    @property
    def active(self) -> bool:
        return bool(self.collections or self.modules)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of tests of this run."""
        return (
            *(collection.group for collection in self.collections),
            *(Group(Kind.MODULE, module.id) for module in self.modules),
            *(Group(Kind.INTEGRATION, module.id) for module in self.integrated),
            *self.hidden,
        )


def deciding_options(options: Options, level: str) -> str:
    """The options that can change the outcome of a test, as text, for the key of stored results.

    level: the actual level of isolation, used instead of the requested one.
    """
    deciding = replace(options, isolation=level)
    return ", ".join(
        f"{option.name} {getattr(deciding, option.name)!r}"
        for option in fields(deciding)
        if option.metadata["affects_results"]
    )


_CHOSEN = "tinytorch_chosen"  # what the controller tells its workers
_BY_PROGRESS = ("checkpoint", "milestone", "demo")  # options whose meaning changes with progress

_WITHOUT_POINTS = ("module", "demo")

_options_key = pytest.StashKey[Options]()
_course_key = pytest.StashKey[Course]()
_manifest_key = pytest.StashKey[Manifest]()

MARKERS = (
    "checkpoint(id): the checkpoint that the test belongs to",
    "milestone(id): the milestone that the test belongs to",
    "demo(id): the demo that the test belongs to",
    "points(n): what the test is worth",
    "hint(text): what to look at when the test fails",
    "depends(on): names of tests in the same file that should pass before this one",
    'visibility(when): "visible", "hidden", "after_due_date" or "after_published"',
    "module(id): the module that the test is about",
    "integration: needs several modules",
    "memory: measures memory",
    "slow: takes more than a few seconds",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tinytorch", "course")
    group.addoption(
        "--checkpoint",
        metavar="IDS",
        help="run checkpoints: 05, 5, learning, spatial, 02-05, 02,05, all, next, stale",
    )
    group.addoption(
        "--milestone",
        metavar="IDS",
        help="run milestones, programs that use several modules: xor, 1986, 'history 2', all",
    )
    group.addoption(
        "--demo",
        metavar="IDS",
        help="test demos, short programs that show what some modules can do: math, vision, all",
    )
    group.addoption(
        "--module",
        metavar="IDS",
        help="run the inline tests of module sources, and the integration tests of what they need",
    )
    group.addoption(
        "--progress",
        nargs="?",
        const="summary",
        choices=FORMS,
        help="show progress, run no test; give a form after =: --progress=detailed",
    )
    group.addoption(
        "--isolate",
        nargs="?",
        const="auto",
        choices=("auto", *LEVELS),
        help="run the student's code in a process of its own: auto, none, process, landlock, bwrap"
        " (a level only with =)",
    )
    group.addoption(
        "--require-isolation",
        metavar="LEVEL",
        choices=LEVELS,
        default="none",
        help="run no test if this level is not reached",
    )
    group.addoption(
        GRADE.name,
        action="store_true",
        help="count points: isolated, strict, seeded, without the student's configuration",
    )
    group.addoption(
        "--fail-under",
        type=_percent,
        metavar="PERCENT",
        help="with --grade: exit with 1 below this share of the points (default: 0)",
    )
    group.addoption(
        SUBMISSIONS.name,
        metavar="DIR",
        help="grade a class: a folder, a checkout or a .zip for each student",
    )
    group.addoption(
        RESULTS.name,
        metavar="DIR",
        help=f"with --submissions: the folder for results (default: {_RESULTS})",
    )
    group.addoption(
        "--regrade",
        action="store_true",
        help="with --submissions: grade unchanged parts again too, and show old and new points",
    )
    group.addoption(
        HIDDEN_TESTS.name,
        metavar="DIR",
        help="with --grade or --submissions: add an instructor's tests",
    )
    group.addoption(STUDENT.name, metavar="ID", help="with --grade: the student's name")
    group.addoption(
        GRADESCOPE.name, metavar="FILE", help="with --grade: write results.json for Gradescope"
    )
    group.addoption("--seed", type=_seed, default=0, help="seed of random inputs (default: 0)")
    group.addoption(
        "--no-export",
        action="store_true",
        help="test the package without exporting first",
    )


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) > _LARGEST_SEED:
        raise pytest.UsageError(f"--seed {text}: write a whole number from 0 to {_LARGEST_SEED}")
    return int(text)


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise pytest.UsageError(f"--fail-under {text}: write a percentage from 0 to 100")
    return value


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    options_of(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what was chosen. It must not decide for itself: what `next` means, and what is
    unlocked, changes with progress, which another run may write meanwhile."""
    option = node.config.option
    node.workerinput[_CHOSEN] = {kind: getattr(option, kind) for kind in _BY_PROGRESS}


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main() -> Generator[None, object, object]:
    """Give a MachineError its own exit code. pytest would treat it as a usage error."""
    try:
        return (yield)
    except pytest.UsageError as error:
        if not isinstance(error.__cause__, MachineError):
            raise
        print(f"ERROR: {error}", file=sys.stderr)
        return MACHINE


def options_of(config: pytest.Config) -> Options:
    """The options of this run. They are read at the first call, so hooks need no order."""
    return stashed(config, _options_key, lambda: _read(config))


def course_of(config: pytest.Config) -> Course:
    """The course of this run, loaded at the first call. Raises CourseError."""
    if _course_key not in config.stash:
        root = course_root(config.invocation_params.dir, map(str, config.invocation_params.args))
        config.stash[_course_key] = load_course(root or Path.cwd())
    return config.stash[_course_key]


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker. A worker runs tests, and writes no files."""
    return hasattr(config, "workerinput")


def _read(config: pytest.Config) -> Options:
    option = config.option
    checkpoints: tuple[Checkpoint, ...] = ()
    modules: tuple[Module, ...] = ()
    _check_graded(option)
    batch = _batch(config)
    if is_worker(config):
        vars(option).update(config.workerinput[_CHOSEN])  # type: ignore[attr-defined]
    if option.require_isolation != "none":
        option.isolate = option.isolate or "auto"
    if option.grade or batch:
        if option.milestone is None:
            option.checkpoint = option.checkpoint or "all"
        option.isolate = option.isolate or "auto"
    if option.checkpoint is not None:
        course = course_of(config)
        checkpoints = choose_checkpoints(course, option.checkpoint, _ids_from_progress(course))
        option.checkpoint = ",".join(checkpoint.id for checkpoint in checkpoints) or None
    milestones, locked = _programs(config, Kind.MILESTONE, choose_milestones)
    demos, locked_demos = _programs(config, Kind.DEMO, choose_demos)
    integrated: tuple[Module, ...] = ()
    if option.module is not None:
        course = course_of(config)
        modules = choose_modules(course, option.module)
        needed = {need.id for module in modules for need in course.with_needs(module)}
        integrated = tuple(module for module in course.modules if module.id in needed)
    hidden = _hidden_folder(config, batch)
    return Options(
        (*checkpoints, *milestones, *demos),
        modules,
        option.seed,
        not option.no_export,
        _isolation(option.isolate, modules),
        option.require_isolation,
        bool(option.grade or batch),
        option.fail_under or 0.0,
        _hidden(hidden, course_of(config), checkpoints) if hidden else (),
        hidden,
        batch,
        integrated,
        (*locked, *locked_demos),
    )


_P = TypeVar("_P", bound=ProgramCollection)


def _programs(
    config: pytest.Config, kind: Kind, choose: Callable[[Course, str], tuple[_P, ...]]
) -> tuple[tuple[_P, ...], tuple[Locked, ...]]:
    """Those of a kind to run, and those that are locked. Raises CourseError where none may be run.

    A grade does not depend on progress, and what runs no test needs none.
    """
    option, text = config.option, getattr(config.option, kind)
    if text is None:
        return (), ()
    course = course_of(config)
    chosen = choose(course, text)
    if option.grade or option.submissions or option.collectonly or is_worker(config):
        return chosen, ()
    progress = Progress.of(course)
    unlocked, locked = only_unlocked(course, progress, chosen, text)
    setattr(option, kind, ",".join(program.id for program in unlocked))
    return unlocked, locked


def _check_graded(option: Any) -> None:
    if option.submissions:
        _check_class(option)
        return
    if option.regrade:
        raise CourseError("--regrade needs --submissions")
    if not option.grade:
        if option.fail_under is not None:
            raise CourseError("--fail-under needs --grade: pytest --grade --fail-under 60")
        for early in EARLY_OPTIONS:
            if early.needs and getattr(option, early.attribute) and not option.collectonly:
                raise CourseError(f"{early.name} needs {early.needs}")
        return
    if not is_clean():
        raise CourseError("give --grade on the command line, not in a configuration file")
    for name, word in _NO_RUN.items():
        if getattr(option, name, None):
            raise CourseError(f"--grade runs tests, and {word} does not; leave out one of the two")
    for name in option.plugins:
        if name.startswith("no:pytest_tinytorch") or name == "no:tinytorch":
            raise CourseError(f"-p {name}: --grade needs all parts of the harness; leave it out")
    for name in _WITHOUT_POINTS:
        if getattr(option, name) is not None:
            raise CourseError(f"--grade counts points, and --{name} has none")


def _check_class(option: Any) -> None:
    """Refuse what has no effect on a class."""
    if option.fail_under is not None:
        raise CourseError(
            "--fail-under cannot be used with --submissions, as a class has no single grade; run"
            " `pytest --grade --fail-under PERCENT` in one student's checkout"
        )
    if option.gradescope:
        raise CourseError(
            "--gradescope cannot be used with --submissions; for Gradescope, run `tito gradescope"
            " bundle`"
        )
    if option.isolate == "none":
        raise CourseError(
            "--isolate=none cannot be used with --submissions, which grades code of several"
            " students in one run; leave it out"
        )
    if option.no_export:
        raise CourseError(
            "--no-export cannot be used with --submissions: each submission is exported"
        )
    for name in ("student", *_WITHOUT_POINTS):
        if getattr(option, name):
            raise CourseError(f"--{name} cannot be used with --submissions, which grades a class")


def _batch(config: pytest.Config) -> Batch | None:
    option = config.option
    if not option.submissions:
        return None
    here = config.invocation_params.dir
    # A worker may have another working directory, so it gets absolute paths.
    for early in FOLDER_OPTIONS:
        if given := getattr(option, early.attribute):
            # Removes `..` as pytest does, without following links.
            setattr(option, early.attribute, os.path.abspath(here / given))  # noqa: PTH100
    if option.hidden:
        check_hidden_folder(Path(option.hidden))
        option.importmode = "importlib"  # file names of hidden tests may repeat others
    submissions = Path(option.submissions)
    results = Path(option.results or os.path.abspath(here / _RESULTS))  # noqa: PTH100
    if not is_worker(config):
        check_is_class(submissions, course_of(config))
    if submissions.resolve() in (results.resolve(), *results.resolve().parents):
        raise CourseError(
            f"--results {results}: is inside the folder of submissions, so it would be read as"
            " a student's; give a folder outside of it"
        )
    return Batch(submissions, results, option.regrade)


def _hidden_folder(config: pytest.Config, batch: Batch | None) -> Path | None:
    """The folder of hidden tests: the given one, or its copy in a graded run."""
    option = config.option
    if batch:
        return Path(option.hidden) if option.hidden else None
    if not option.grade and not option.hidden:
        return None
    folder = course_of(config).root / HIDDEN
    return folder if folder.is_dir() else None


def _hidden(folder: Path, course: Course, checkpoints: tuple[Checkpoint, ...]) -> tuple[Group, ...]:
    """The groups of hidden tests for these checkpoints."""
    groups = [hidden_group(checkpoint.id) for checkpoint in checkpoints]
    listed = with_hidden(load_manifest(course), folder).tests
    return tuple(sorted((group for group in groups if group in listed), key=str))


def manifest_of(config: pytest.Config) -> Manifest:
    """The manifest, including hidden tests if there are any. It is read once for a run."""

    def read() -> Manifest:
        hidden = options_of(config).hidden_folder
        manifest = load_manifest(course_of(config))
        return with_hidden(manifest, hidden) if hidden is not None else manifest

    return stashed(config, _manifest_key, read)


def _isolation(requested: str | None, modules: tuple[Module, ...]) -> str:
    if requested in (None, "none"):
        return ""
    if modules:
        raise CourseError(
            f"--isolate={requested}: inline tests are student code themselves, so --module runs"
            f" them in one process; --isolate is for --checkpoint"
        )
    return str(requested)


def _ids_from_progress(course: Course) -> Dynamic:
    """A function for `next` and `stale`. It reads progress only when it is called."""
    return lambda word: Progress.of(course).ids_for(word)
