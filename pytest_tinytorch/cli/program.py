"""Runs the program of a milestone or demo as a person would. `tito milestone` and `tito demo` call
it."""

import os
import subprocess
import sys
from pathlib import Path

import typer

from pytest_tinytorch.core.course import Course, ProgramCollection
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.export.service import export

_INTERRUPTED = 130


def run_program(
    course: Course, program: ProgramCollection, *arguments: str, folder: Path | None = None
) -> int:
    """Export what the program needs, and run it. Returns its exit code.

    folder: where it runs, so where it writes files; by default in the course's folder
    """
    path = course.root / program.program
    if not path.is_file():
        raise CourseError(f"{program.program} is missing; restore it")
    report = export(course, course.modules_of(program))
    for line in (*report.kept, *report.broken, *report.odd):
        typer.echo(line, err=True)
    if report.broken:
        return 1
    folders = os.pathsep.join([str(course.root), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": folders}
    command = [sys.executable, str(path), *arguments]
    try:
        done = subprocess.run(command, cwd=folder or course.root, env=environment, check=False)
        return done.returncode
    except KeyboardInterrupt:
        return _INTERRUPTED
