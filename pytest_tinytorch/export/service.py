"""Exports: updates the generated package from the sources, and writes only what changed.

`hooks.export` calls it before tests, `grading.prepare` for submissions, `tito export` on demand.
"""

from collections.abc import Iterable

from pytest_tinytorch.core.atomic import write_all
from pytest_tinytorch.core.course import Course, Module
from pytest_tinytorch.core.errors import MachineError
from pytest_tinytorch.export.plan import LOCK, ExportPlan, ExportReport, Render, code_key


def export(
    course: Course, modules: Iterable[Module] | None = None, limited: Render | None = None
) -> ExportReport:
    """Export `modules` (default: all). Raises MachineError where the package cannot be written,
    and CourseError where a file would not be below the package's folder.

    limited: reads the sources where they are somebody else's, in a folder that is thrown away, and
    so need not outlive the machine
    """
    plan = _planned(course, modules, limited)
    if plan.changes:
        _write(course, plan, lasting=limited is None)
    return plan.report()


def pending(course: Course) -> ExportReport:
    """What an export would do now; nothing is written."""
    return _planned(course, None).report()


def code_keys(course: Course, modules: Iterable[Module]) -> dict[str, str]:
    """The hash of what each module's exported code means, for the sources as they stand now.

    A file that is up to date says so in its header; only a changed source is read as a notebook.
    A module without a source has the key "".
    """
    return {module.name: code_key(course, module) for module in modules}


def _planned(
    course: Course, modules: Iterable[Module] | None, limited: Render | None = None
) -> ExportPlan:
    plan = ExportPlan(course, limited, once=True) if limited else ExportPlan(course)
    plan.add_package()
    for module in course.modules if modules is None else modules:
        plan.add(module)
    return plan


def _write(course: Course, plan: ExportPlan, lasting: bool) -> None:
    import filelock  # only when something changed

    try:
        course.package_folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(course.package_folder / LOCK, timeout=60):
            write_all(plan.changes, lasting)
    except (OSError, filelock.Timeout) as error:
        raise MachineError(
            f"{course.package}/ cannot be written: {error}. Nothing was changed; make the folder"
            f" writable, or run with --no-export."
        ) from None
