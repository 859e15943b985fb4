"""Computes the grades in a folder of results, and writes them as `grades.csv`.

`hooks.reporters.batch` calls it at the end of a run over a class. It reads each student's
`grade.xml` as it is now, so the list also has students whom the run left out.
"""

import tempfile
from pathlib import Path

from pytest_tinytorch.core.atomic import write_text
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.gradebook.exports import grades_csv
from pytest_tinytorch.gradebook.grades import class_grades
from pytest_tinytorch.gradebook.identity import Identities
from pytest_tinytorch.gradebook.ingest import Options, ingest
from pytest_tinytorch.gradebook.store import FILE, Gradebook

LIST = "grades.csv"
_RESULT = "grade.xml"


def write_grades(course: Course, manifest: Manifest, results: Path, key: Key | None) -> None:
    """Write the grades of everybody who has a result there. Raises OSError, MachineError."""
    files = sorted(path for path in results.glob(f"*/{_RESULT}") if path.is_file())
    if not files:
        return
    with (
        tempfile.TemporaryDirectory(prefix="tinytorch-grades-") as folder,
        Gradebook(Path(folder) / FILE) as book,
    ):
        book.set_course(course, manifest)
        options = Options(key, accept_unsigned=True, workers=1)  # this project wrote these files
        ingest(book, course, files, Identities(), options)
        write_text(results / LIST, grades_csv(class_grades(book), {}))
