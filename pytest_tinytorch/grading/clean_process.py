"""`--grade`: starts pytest again in a process that the student's tree cannot influence.

`plugin` calls `start_anew` before pytest reads its options. By then, pytest has read the tree's
configuration, and Python the environment. So Python starts again, without settings of the
environment and the user, on a copy of the tree that has only files of an allow-list.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_tinytorch.core.early_options import (
    GRADESCOPE,
    HIDDEN_TESTS,
    JUNIT,
    STUDENT,
    EarlyOption,
)
from pytest_tinytorch.core.errors import (
    MACHINE,
    CourseError,
    MachineError,
    let_go_of_output,
    os_error_text,
)
from pytest_tinytorch.core.tempdirs import make_folder, remove_folder
from pytest_tinytorch.grading.new_process import replace_process

if TYPE_CHECKING:
    from pytest_tinytorch.reports.github_log import WorkflowLog

VARIABLE = "TINYTORCH_GRADING"  # set for the new process and its workers: the path of the task file

_USAGE_ERROR = 4
_ENDINGS = ("SIGTERM", "SIGHUP")
_PLUGINS = ("xdist", "pytest_timeout", "pytest_tinytorch.plugin")
# Each of these options would print text of hidden tests.
_HUSHED = (
    *("-p", "capture", "--capture=fd"),
    *("-o", "log_cli=false", "-o", "verbosity_test_cases=auto"),
)
# Options of common plugins. They are refused here, as pytest's message would name the copy.
_OF_OTHER_PLUGINS = (
    *("--cov", "--no-cov", "--reruns", "--only-rerun", "--html", "--self-contained-html", "--css"),
    *("--json-report", "--count", "--repeat-scope", "--randomly", "--force-sugar", "--benchmark"),
    *("--hypothesis", "--mpl", "--nbval", "--flake8", "--mypy", "--ruff"),
)
_DROPPED = ("PYTHON", "PYTEST_", "COVERAGE_")
_BOOT = """
import sys
where = sys.argv.pop(1)
if where not in sys.path:
    places = [i for i, path in enumerate(sys.path) if "-packages" in path]
    sys.path.insert(min(places, default=len(sys.path)), where)
from pytest_tinytorch.grading.clean_process import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class CleanRun:
    """The task of the new process. Files are absolute paths; "" for none."""

    root: str  # the graded tree
    junit: str
    gradescope: str
    hidden: str
    submission: str  # an intake.Submission, as text
    hushed: bool  # some tests are not visible to students


def is_clean() -> bool:
    return VARIABLE in os.environ


def task() -> CleanRun:
    """The task of this process. Call it only if `is_clean`. Raises CourseError."""
    given = os.environ[VARIABLE]
    try:
        return CleanRun(**json.loads(Path(given).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        raise CourseError(
            f"{VARIABLE} is set to {given!r}, which is not a task of a graded run: unset it"
        ) from None


def start_anew(arguments: Sequence[str]) -> None:
    """Replace this process with a clean one with the same arguments, unless it is clean."""
    if is_clean():
        return
    where = str(Path(__file__).parents[2])
    command = ["-E", "-P", *_no_user_site(), "-c", _BOOT, where, *arguments]
    replace_process(command, clean_environment())


def clean_environment() -> dict[str, str]:
    """The environment without variables that change how Python and pytest start."""
    dropped = (*_DROPPED, VARIABLE)
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def main(arguments: list[str]) -> int:
    """The clean process: copy the tree, run pytest on the copy, move the results out."""
    from pytest_tinytorch.reports.github_log import WorkflowLog, is_workflow

    if not is_workflow():
        return _in_a_copy(arguments, None)
    log = WorkflowLog()
    with log.fence():
        return _in_a_copy(arguments, log)


def _in_a_copy(arguments: list[str], log: "WorkflowLog | None") -> int:
    for name in _ENDINGS:
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) is signal.SIG_DFL:  # `nohup` ignores SIGHUP
            signal.signal(number, signal.default_int_handler)  # partial results are moved out
    work = None
    try:
        work = make_folder("grade")
        code = _graded(arguments, work, log)
        sys.stdout.flush()
        return code
    except CourseError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return MACHINE if isinstance(error, MachineError) else _USAGE_ERROR
    except OSError as error:
        _say_what_is_wrong(error)
        return MACHINE
    finally:
        if work is not None:
            remove_folder(work)


def _say_what_is_wrong(error: OSError) -> None:
    """Report an error of the machine: a closed output, a full disk, an unreadable file."""
    with contextlib.suppress(OSError):
        print(f"ERROR: --grade: {os_error_text(error)}; the grade is not complete", file=sys.stderr)
    let_go_of_output()


@dataclass(frozen=True)
class _HarnessArguments:
    """The options that are not passed on to pytest on the copy."""

    junit: Path | None
    uploaded: Path | None
    hidden: str
    student: str

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that this run will write."""
        made = (self.junit, *beside(self.junit)) if self.junit else ()
        return (*made, self.uploaded) if self.uploaded else made


def _graded(arguments: list[str], work: Path, log: "WorkflowLog | None") -> int:
    import pytest

    here, copy = Path.cwd(), work / "course"
    arguments, own = _read(arguments, here)
    task = _taken_in(own, here, copy)
    notes = _set_aside(own.files)
    (work / "task.json").write_text(json.dumps(task.__dict__), "utf-8")
    os.environ[VARIABLE] = str(work / "task.json")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.chdir(copy)
    for note in notes:
        print(note)
    command = _command(arguments, copy, work / "grade.xml" if own.junit else None, task.hushed)
    try:
        code = int(pytest.main(command, plugins=[log] if log else []))
    finally:
        os.chdir(here)
        if own.junit:
            _publish(work / "grade.xml", own.junit)
            _publish(work / "grade.student.xml", beside(own.junit)[1])
    return code


def _read(arguments: list[str], here: Path) -> tuple[list[str], _HarnessArguments]:
    """Split the arguments: those for pytest, and those for the harness. Raises CourseError."""
    _refuse_other_plugins(arguments)
    arguments, junit = _without(arguments, JUNIT)
    arguments, gradescope = _without(arguments, GRADESCOPE)
    arguments, hidden = _without(arguments, HIDDEN_TESTS)
    _, student = _without(arguments, STUDENT)  # pytest gets this option, too
    uploaded = (here / gradescope).absolute() if gradescope is not None else None
    if uploaded is not None and uploaded.is_dir():
        raise CourseError(f"--gradescope {gradescope!r} names no file; write one: results.json")
    final = (here / junit).absolute() if junit else None
    return arguments, _HarnessArguments(final, uploaded, hidden or "", student or "")


def _refuse_other_plugins(arguments: list[str]) -> None:
    for word in arguments:
        if word.startswith(_OF_OTHER_PLUGINS):
            raise CourseError(
                f"--grade loads pytest-xdist and pytest-timeout, and no other plugin, so it does"
                f" not know {word}; leave it out"
            )


def _taken_in(own: _HarnessArguments, here: Path, copy: Path) -> CleanRun:
    """Copy the tree, and return the task. Raises CourseError."""
    from pytest_tinytorch.core.discovery import course_root
    from pytest_tinytorch.core.visibility import may_hide
    from pytest_tinytorch.submissions.intake import take_in, take_in_hidden

    root = course_root(here)
    if root is None:
        raise CourseError("--grade: no course.toml here or above; change into the course's folder")
    submission = take_in(root, copy, own.student)
    if own.hidden:
        take_in_hidden(here / own.hidden, copy / "hidden")
    return CleanRun(
        root=str(root),
        junit=str(own.junit or ""),
        gradescope=str(own.uploaded or ""),
        hidden=own.hidden,
        submission=submission.to_text(),
        hushed=may_hide(copy),
    )


def _set_aside(files: Sequence[Path]) -> list[str]:
    """Rename files of earlier runs. Returns a line for each."""
    from pytest_tinytorch.grading.result_files import set_aside

    moved = [(path, set_aside(path)) for path in files]
    return [f"{path.name} of an earlier run is now {aside.name}" for path, aside in moved if aside]


def _command(arguments: list[str], copy: Path, xml: Path | None, hushed: bool) -> list[str]:
    """Arguments for pytest. If an option is given twice, the last one counts."""
    command = [*(word for name in _PLUGINS for word in ("-p", name)), "-p", "no:cacheprovider"]
    command += ["--continue-on-collection-errors", "--import-mode=importlib"]
    command += [f"--rootdir={copy}", f"--confcutdir={copy}"]
    command += [f"--junitxml={xml}"] if xml else []
    return [*command, *arguments, *(_HUSHED if hushed else ())]


def beside(junit: Path) -> tuple[Path, Path]:
    """The paths of the log and the student's copy beside a file of results."""
    return junit.with_suffix(".jsonl"), junit.with_suffix(".student.xml")


def _publish(made: Path, final: Path) -> None:
    """Move a finished file to the requested path atomically."""
    from pytest_tinytorch.grading.result_files import set_aside

    if not made.is_file():
        return
    temporary = final.with_name(f".grade-{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        shutil.copyfile(made, temporary)
        set_aside(final)  # another run may have written it meanwhile
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)


def _without(arguments: list[str], option: EarlyOption) -> tuple[list[str], str | None]:
    """Remove an option, and return its value: `--name value` or `--name=value`.

    Raises CourseError if the value is missing.
    """

    rest, value = [], None
    remaining = iter(arguments)
    for word in remaining:
        name, sign, given = word.partition("=")
        if name not in option.names:
            rest.append(word)
        else:
            value = given if sign else next(remaining, "-")
            # A script passes "" if its variable is not set.
            empty = not value and not option.may_be_empty
            if empty or (not sign and value.startswith("-")):
                raise CourseError(f"{name} needs a value after it: {name} ...")
    return rest, value


def _no_user_site() -> list[str]:
    """`-s`, unless pytest itself is installed in the user's own packages."""
    import site

    import pytest

    inside = str(pytest.__file__).startswith(str(site.getusersitepackages()))
    return [] if inside else ["-s"]
