"""Makes result files of a class for tests and benchmarks of the gradebook: seeded, and realistic.

Students differ in strength, tests in difficulty, and each attempt of a student is better than the
one before.
"""

import random
from collections.abc import Iterator
from pathlib import Path

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.core.records import Location, Outcome, Reason, RunRecord, TestRecord
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.reports.junit import junit_text

FIRST = ("Ada", "Bo", "Chloé", "Dragan", "Emre", "Fatima", "Göran", "Hana", "Iván", "Jörg", "Kenji")
LAST = ("Lovelace", "Chen", "Müller", "Petrović", "Yılmaz", "O'Neil", "Åberg", "de Vries", "Núñez")
MESSAGES = {
    Reason.WRONG: "Linear(4, 3)(x): values differ, largest error {:.3g} at (0, 2); expected 0.5",
    Reason.RAISED: "ValueError: shapes (3, {0:.0f}) and (4, 5) not aligned",
    Reason.NOT_WRITTEN: "NotImplementedError: write Conv2d.forward in 06_spatial.py",
    Reason.TIMEOUT: "ended after {:.0f} s",
}


def names(count: int, seed: int = 0) -> list[str]:
    """Different names of people, some with accents and apostrophes."""
    rng = random.Random(seed)
    return [f"{rng.choice(FIRST)} {rng.choice(LAST)} {number}" for number in range(count)]


def runs(
    course: Course, manifest: Manifest, students: list[str], attempts: int, seed: int = 0
) -> Iterator[RunRecord]:
    """The graded runs of a class: for each student, one for each attempt."""
    rng = random.Random(seed)
    groups = [c.group for c in course.collections if manifest.of(c.group)]
    tests = [(test, points) for group in groups for test, points in manifest.of(group).items()]
    hard = {test: rng.gauss(0, 1) for test, _ in tests}
    for student in students:
        strength = rng.gauss(0.5, 1)
        for attempt in range(attempts):
            records = tuple(
                _test(rng, test, points, strength + attempt - hard[test]) for test, points in tests
            )
            yield RunRecord(
                course=course.id,
                seed=0,
                started=f"2026-11-{10 + attempt:02}T12:{rng.randrange(60):02}:00+00:00",
                seconds=12.5,
                tests=records,
                groups=tuple(groups),
                isolation="bwrap",
                student=student,
                commit=f"{rng.getrandbits(160):040x}",
                version=course.version,
                manifest=manifest.digest,
                sources=f"{rng.getrandbits(256):064x}",
            )


def write(course: Course, found: Iterator[RunRecord], folder: Path, key: Key | None) -> list[Path]:
    """Write each run as `folder/<student>/<number>.xml`."""
    paths = []
    for number, run in enumerate(found):
        path = folder / run.student / f"{number}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(junit_text(course, run, key, {t.id: 0.01 for t in run.tests}), "utf-8")
        paths.append(path)
    return paths


def _test(rng: random.Random, test: str, points: float, margin: float) -> TestRecord:
    if rng.gauss(0, 1) < margin:
        return TestRecord(test, test, Outcome.PASSED, max_points=points, seconds=0.01)
    reason = rng.choice(list(MESSAGES))
    return TestRecord(
        test,
        test,
        Outcome.FAILED,
        reason,
        MESSAGES[reason].format(rng.choice((1, 2, 3, 7))),
        (Location("src_modules/02_tensor.py", rng.randrange(20, 400), "forward"),),
        hint="Look at the shapes before and after the product.",
        max_points=points,
        seconds=0.02,
    )
