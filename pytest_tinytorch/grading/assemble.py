"""Makes the result file and the feedback page of one student from the student's stored parts.

`hooks.reporters.batch` calls it when the last part is stored. It reads only the parts, so the
result does not depend on the run, worker or machine that graded them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_tinytorch.core.aggregate import in_order
from pytest_tinytorch.core.atomic import write_all
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.groups import Group, hidden_group
from pytest_tinytorch.core.manifest import Manifest
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.core.signing import Key
from pytest_tinytorch.core.visibility import students_view
from pytest_tinytorch.grading.parts import Intake, Part, PartFiles
from pytest_tinytorch.reports.grade_view import remarks
from pytest_tinytorch.reports.html import feedback_html
from pytest_tinytorch.reports.junit import junit_text
from pytest_tinytorch.reports.markdown import feedback_markdown
from pytest_tinytorch.reports.phrases import signed_text

RESULTS = "grade.xml"
STUDENTS_COPY = "grade.student.xml"
PAGE = "feedback"


@dataclass(frozen=True)
class ReportAssembler:
    """Writes the files of each student of a batch."""

    course: Course
    manifest: Manifest
    results: Path
    isolation: str
    seed: int
    harness: str  # the hash of everything beside the submission that results depend on
    altered: tuple[str, ...]  # course files that differ from the manifest
    key: Key | None

    def put_together(self, name: str) -> RunRecord | None:
        """Write a student's files from the parts in the folder `name`; None if it has no parts."""
        files = PartFiles(self.results, name)
        intake = files.read_intake()
        groups = [collection.group for collection in self.course.collections]
        groups += [hidden_group(checkpoint.id) for checkpoint in self.course.checkpoints]
        found = {group: files.read(group) for group in groups}
        parts = {group: part for group, part in found.items() if part is not None}
        if intake is None or not parts:
            return None
        run = self._record(intake, parts)
        folder = self.results / name
        shown = students_view(run)
        has_hidden = any(test.visibility != "visible" for test in run.tests)
        seconds = {test: s for part in parts.values() for test, s in part.timed().items()}
        copy = junit_text(self.course, shown, None, seconds, True) if has_hidden else None
        old_copy = folder / STUDENTS_COPY
        notes = [*remarks(self.isolation, (), self.altered, ()), *run.notes, signed_text(self.key)]
        changes: dict[Path, str | None] = {
            folder / RESULTS: junit_text(self.course, run, self.key, seconds),
            folder / f"{PAGE}.md": feedback_markdown(self.course, run, notes),
            folder / f"{PAGE}.html": feedback_html(self.course, run, notes),
            **({old_copy: copy} if has_hidden or old_copy.exists() else {}),
        }
        write_all({path: text for path, text in changes.items() if _differs(path, text)})
        return run

    def _record(self, intake: Intake, parts: Mapping[Group, Part]) -> RunRecord:
        tests = [test for part in parts.values() for test in part.tests]
        groups = tuple(parts)
        reasons = (f"{g}: {p.reason}" for g, p in parts.items() if p.reason)
        return RunRecord(
            course=self.course.id,
            seed=self.seed,
            started="",  # a repeated batch gives the same bytes, so no time is stored
            seconds=0.0,
            tests=in_order(tests, groups),
            groups=groups,
            isolation=self.isolation,
            student=intake.student,
            commit=intake.commit,
            version=self.course.version,
            manifest=self.manifest.digest,
            sources=intake.sources,
            altered=self.altered,
            status=intake.status,
            submitted=intake.submitted,
            review=tuple(reasons),
            notes=(
                *self._missing(intake, groups),
                *(f"Ignored: {reason}" for reason in intake.refused),
                *intake.notes,
            ),
            earlier={
                str(group): part.sources
                for group, part in parts.items()
                if (part.sources, part.harness) != (intake.sources, self.harness)
            },
        )

    def _missing(self, intake: Intake, groups: Iterable[Group]) -> list[str]:
        """That nothing was handed in for the modules that these groups are about."""
        found = (self.course.collection_of(group) for group in groups)
        modules = dict.fromkeys(name for c in found if c is not None for name in c.modules)
        return [intake.missing[name] for name in modules if name in intake.missing]


def _differs(path: Path, text: str | None) -> bool:
    try:
        return text is None or path.read_text("utf-8") != text
    except (OSError, ValueError):
        return True
