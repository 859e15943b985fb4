"""Updates the generated package from the sources; writes only files that changed.

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
    """Export `modules` (default: all). Raises MachineError if the package cannot be written,
    and CourseError if a file would not be below the package's folder.

    limited: renders untrusted sources with limits. The package is then in a temporary folder, so
    the export does not wait for the disk.
    """
    plan = _planned(course, modules, limited)
    if plan.changes:
        _write(course, plan, lasting=limited is None)
    return plan.report()


def pending(course: Course) -> ExportReport:
    """The plan of an export, without writing anything."""
    return _planned(course, None).report()


def code_keys(course: Course, modules: Iterable[Module]) -> dict[str, str]:
    """The hash of each module's exported code (its AST), for the present sources.

    For a file that is up to date, the hash is in its header; only changed sources are parsed. A
    module without a source has the key "".
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
