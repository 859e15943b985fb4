"""`tito module complete`: every tier of a module's tests, stopping at the first that fails."""

import subprocess
import sys
from collections.abc import Callable

from pytest_tinytorch.course import Course, Module
from pytest_tinytorch.export.service import export
from pytest_tinytorch.manifest import load_manifest
from pytest_tinytorch.progress import Progress

_NO_TESTS = 5  # pytest.ExitCode.NO_TESTS_COLLECTED


def complete(course: Course, module: Module, say: Callable[[str], None]) -> int:
    """Run the tiers of `module`; note it as completed when all pass. Returns an exit code."""
    report = export(course, [module])
    for line in (*report.kept, *report.broken):
        say(str(line))
    if report.broken:
        return 1
    checkpoint = course.checkpoint_of(module)
    tiers = [("inline tests", ["--module", module.id])]
    if checkpoint is not None:
        tiers.append((f"checkpoint {checkpoint.id}", ["--checkpoint", checkpoint.id]))
    for number, (name, arguments) in enumerate(tiers, 1):
        say(f"\n[{number}/{len(tiers)}] {module.name}: {name}")
        code = _pytest(course, arguments)
        if code == _NO_TESTS and arguments[0] == "--module":
            say(f"{course.source_name(module)} has no inline tests; the checkpoint decides.")
        elif code != 0:
            say(f"\n{module.name} is not complete: {name} failed. Mend the above, then again:")
            say(f"  tito module complete {module.id}")
            return code
    for problem in Progress.of(course, load_manifest(course)).complete_module(module):
        say(problem)
    say(f"\n{module.name} is complete.")
    return 0


def _pytest(course: Course, arguments: list[str]) -> int:
    # A process for each tier: what one imports must not stand in the way of the next.
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=course.root, check=False).returncode
