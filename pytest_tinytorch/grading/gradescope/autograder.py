"""Grades one submission on Gradescope, and writes `results.json`.

    submission/  --sources, by name-->  a copy of the course  --pytest --grade-->  results.json

The script `run_autograder` of a bundle runs it, as
`python -m pytest_tinytorch.grading.gradescope.autograder /autograder`. Every failure is reported in
`results.json`. The file is written after the last process of the student has ended.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.atomic import write_text
from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.tempdirs import temporary_folder
from pytest_tinytorch.grading.gradescope.config import (
    CONFIG_FILE,
    COURSE_FOLDER,
    HIDDEN_FOLDER,
    AutograderConfig,
)
from pytest_tinytorch.grading.gradescope.submission_metadata import handed_in
from pytest_tinytorch.grading.gradescope.uploaded import take_uploaded
from pytest_tinytorch.reports.gradescope import DID_NOT_END, no_results, to_text, with_lines

_WITH_RESULTS = (0, 1, 2, 3)  # exit codes after which `pytest --grade` has written results


def main(home: Path) -> None:
    """Grade the submission in a folder with the layout of Gradescope's `/autograder`."""
    target = home / "results/results.json"
    started = time.monotonic()
    write_text(target, to_text(no_results(0, [DID_NOT_END])))
    try:
        made = _graded(home)
    except Exception as error:
        traceback.print_exc(file=sys.stdout)  # only instructors see it
        reason = f"The grader itself failed: {type(error).__name__}. Tell your instructor."
        made = no_results(time.monotonic() - started, [reason])
    write_text(target, to_text(made))


def _graded(home: Path) -> dict[str, Any]:
    source = home / "source"
    _close(source)
    config = AutograderConfig.from_text((source / CONFIG_FILE).read_text("utf-8"))
    who = handed_in(home / "submission_metadata.json")
    with temporary_folder("autograder") as folder:
        tree, results = folder / COURSE_FOLDER, folder / "results.json"
        shutil.copytree(source / COURSE_FOLDER, tree)
        taken = take_uploaded(load_course(tree), config.groups, home / "submission", tree)
        arguments = [f"--student={who.student}", f"--gradescope={results}", *config.options()]
        if (source / HIDDEN_FOLDER).is_dir():
            arguments.append(f"--hidden={source / HIDDEN_FOLDER}")
        made = _run(tree, arguments, results)
    return with_lines(made, [*who.lines, *taken])


def _run(tree: Path, arguments: list[str], results: Path) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "pytest", "--grade", *arguments]
    sys.stdout.flush()
    code = subprocess.run(command, cwd=tree, check=False).returncode
    if code in _WITH_RESULTS:
        made: dict[str, Any] = json.loads(results.read_text("utf-8"))
        return made
    return no_results(0, [f"Grading ended with exit code {code}. Tell your instructor."])


def _close(folder: Path) -> None:
    """Make a folder private, because it contains hidden tests."""
    with contextlib.suppress(OSError):
        folder.chmod(0o700)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
