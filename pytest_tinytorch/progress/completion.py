"""Runs each tier of a module's tests, for `tito module complete`; stops at the first failure.

export -> inline tests -> integration tests -> checkpoint -> celebration, once -> next step
"""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

from pytest_tinytorch.core.course import Course, Module
from pytest_tinytorch.core.tempdirs import temporary_folder
from pytest_tinytorch.export.render import read_stamp
from pytest_tinytorch.export.service import export
from pytest_tinytorch.progress.progress import Progress

_NO_TESTS = 5  # pytest.ExitCode.NO_TESTS_COLLECTED


@dataclass(frozen=True)
class Tier:
    """One of the runs that a module has to pass. A module may have no tests for it."""

    name: str
    arguments: tuple[str, ...]
    may_be_empty: bool


@dataclass(frozen=True)
class Achievement:
    """Numbers about the work of a student who completed a module."""

    module: Module
    lines: int  # lines of exported code
    names: tuple[str, ...]  # the public names of the module
    tests: dict[str, int]  # tier -> tests that passed
    parameters: int  # of the module's example network; 0 without one
    completed: int  # modules, this one included
    modules: int


def complete(course: Course, module: Module, say: Callable[[str], None]) -> Achievement | int:
    """Run the tiers of `module`, and record it as completed if all pass.

    Returns the achievement, or the exit code of the tier that failed.
    """
    report = export(course, [module])
    for line in (*report.kept, *report.broken, *report.odd):
        say(str(line))
    if report.broken:
        return 1
    tests = {}
    tiers = _tiers(course, module)
    for number, tier in enumerate(tiers, 1):
        say(f"\n[{number}/{len(tiers)}] {module.name}: {tier.name}")
        code, tests[tier.name] = _run(course, tier)
        if code == _NO_TESTS and tier.may_be_empty:
            say(f"{module.name} has no {tier.name}.")
        elif code != 0:
            say(f"\n{module.name} is not complete: {tier.name} failed. Fix the above, then run:")
            say(f"  tito module complete {module.id}")
            return code
    progress = Progress.of(course)
    for problem in progress.complete_module(module):
        say(problem)
    return Achievement(
        module,
        _lines_of_code(course, module),
        tuple(name for names in module.exports.values() for name in names),
        tests,
        _parameters(course, module),
        len({*progress.completed_modules, module.name}),
        len(course.modules),
    )


def is_completed(course: Course, module: Module) -> bool:
    return module.name in Progress.of(course).completed_modules


def _tiers(course: Course, module: Module) -> list[Tier]:
    chosen = ("--module", module.id, "-m")
    tiers = [
        Tier("inline tests", (*chosen, "not integration"), may_be_empty=True),
        Tier("integration tests", (*chosen, "integration"), may_be_empty=True),
    ]
    checkpoint = course.checkpoint_of(module)
    if checkpoint is not None:
        arguments = ("--checkpoint", checkpoint.id)
        tiers.append(Tier(f"checkpoint {checkpoint.id}", arguments, may_be_empty=False))
    return tiers


def _run(course: Course, tier: Tier) -> tuple[int, int]:
    """The exit code of a tier, and the number of its tests that passed."""
    # A process for each tier, so that imports of one do not affect the next.
    with temporary_folder("complete") as folder:
        xml = folder / "tier.xml"
        command = [sys.executable, "-m", "pytest", *tier.arguments, f"--junitxml={xml}"]
        code = subprocess.run(command, cwd=course.root, check=False).returncode
        suites = ET.parse(xml).getroot().iter("testsuite") if xml.exists() else ()
        return code, sum(_passed(suite) for suite in suites)


def _passed(suite: ET.Element) -> int:
    failed = sum(int(suite.get(kind, 0)) for kind in ("failures", "errors", "skipped"))
    return int(suite.get("tests", 0)) - failed


def _lines_of_code(course: Course, module: Module) -> int:
    """Lines of the generated files that are neither blank nor comments."""
    files = [course.target_file(target) for target in module.exports]
    texts = [file.read_text("utf-8") for file in files if file.exists()]
    lines = (line.strip() for text in texts if read_stamp(text) for line in text.splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def _parameters(course: Course, module: Module) -> int:
    """The number of parameters of the module's example network; 0 without one."""
    if not module.example:
        return 0
    code = (
        f"import {course.package} as package\n"
        f"model = eval({module.example!r}, vars(package) | {{'__builtins__': {{}}}},"
        " {name: getattr(package, name) for name in package.__all__})\n"
        "print(sum(parameter.size for parameter in model.parameters()))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0
