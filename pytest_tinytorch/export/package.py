"""Generates `__init__.py` for each folder of the package from course.toml. `plan` calls it."""

import importlib.resources
from functools import lru_cache
from pathlib import Path

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.discovery import COURSE_FILE
from pytest_tinytorch.export.render import source_digest, with_header

_OPEN, _CLOSE = "# <catalogue>\n", "# </catalogue>\n"


def package_files(course: Course) -> dict[Path, str]:
    """The text of every `__init__.py` of the package."""
    template = importlib.resources.files("pytest_tinytorch.export").joinpath("lazy_package.py")
    before, _, rest = template.read_text(encoding="utf-8").partition(_OPEN)
    _, _, after = rest.partition(_CLOSE)
    catalogue = _catalogue(course)
    root = before + catalogue + after
    files = {course.package_folder / "__init__.py": _generated(root)}
    for folder in _subfolders(course):
        files[folder / "__init__.py"] = _generated('"""Generated from the module sources."""\n')
    return files


@lru_cache(maxsize=4)  # the same for all students of a class
def _generated(body: str) -> str:
    # The body depends only on course.toml and the template, so its hash serves for both.
    return with_header(COURSE_FILE, source_digest(body), body)


def _subfolders(course: Course) -> list[Path]:
    parts = {target.rpartition(".")[0] for module in course.modules for target in module.exports}
    return [course.package_folder.joinpath(*part.split(".")) for part in sorted(parts) if part]


def _catalogue(course: Course) -> str:
    sources, names = [], []
    for module in course.modules:
        checkpoint = course.checkpoint_of(module)
        place = (course.source_name(module), checkpoint.id if checkpoint else "next")
        for target, public in module.exports.items():
            sources.append(f"    {target!r}: {place!r},\n")
            names.append(f"    {target!r}: (\n{_lines(public)}    ),\n")
    return (
        "# file of the package -> (the source it is exported from, the checkpoint that tests it)\n"
        f"SOURCES: dict[str, tuple[str, str]] = {{\n{''.join(sources)}}}\n"
        "# file of the package -> its public names\n"
        f"NAMES: dict[str, tuple[str, ...]] = {{\n{''.join(names)}}}\n"
        f"IMPORT_FIRST = {course.import_first!r}\n"
    )


def _lines(names: tuple[str, ...]) -> str:
    return "".join(f"        {name!r},\n" for name in names)
