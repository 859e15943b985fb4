"""Finds notebooks that were edited instead of the source beside them.

`hooks.reporters.terminal` calls it. Only `src_modules/02_tensor.py` is tested; a notebook of the
same name is a copy for reading and trying.
"""

from pathlib import Path

from pytest_tinytorch.core.course import Course, Module
from pytest_tinytorch.export.notebook import NotebookRefused, source_of_notebook
from pytest_tinytorch.export.render import read_stamp, rendered


def edited_notebooks(course: Course) -> list[str]:
    """A line for each notebook that is newer than its source, and exports other code."""
    found = []
    for module in course.modules:
        source = course.source_file(module)
        notebook = source.with_suffix(".ipynb")
        if _is_newer(notebook, source) and _exports_other_code(course, module, notebook):
            name = f"{course.sources}/{notebook.name}"
            found.append(
                f"{name} was edited after {source.name}, and only {source.name} is tested. To test"
                f" the notebook: jupytext --to py:percent {name} (replaces {source.name})"
            )
    return found


def _is_newer(notebook: Path, source: Path) -> bool:
    try:
        return notebook.stat().st_mtime > source.stat().st_mtime
    except OSError:
        return False


def _exports_other_code(course: Course, module: Module, notebook: Path) -> bool:
    try:
        text, _ = source_of_notebook(notebook.read_bytes())
    except (OSError, NotebookRefused):
        return False
    there, here = text, course.source_file(module).read_text("utf-8", "surrogateescape")
    return _codes(course, module, there) != _codes(course, module, here)


def _codes(course: Course, module: Module, text: str) -> list[str]:
    """The hash of the exported code of each file."""
    made = rendered(course.source_name(module), tuple(module.exports), text)
    return [stamp.code for stamp in map(read_stamp, made.texts.values()) if stamp]
