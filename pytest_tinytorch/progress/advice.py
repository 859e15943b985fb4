"""Says what to do next and why, as lines of text. `tito checkpoint unlock` prints them."""

from pytest_tinytorch.core.course import Checkpoint, Course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.core.selectors import choose_checkpoints
from pytest_tinytorch.progress.milestones import CLAIMED
from pytest_tinytorch.progress.progress import Progress, State


def advice(course: Course, ids: str) -> list[str]:
    """How to achieve the checkpoints named by `ids`: what each needs, and the command."""
    progress = Progress.of(course, load_manifest(course))
    chosen = choose_checkpoints(course, ids, progress.ids_for)
    return [line for checkpoint in chosen for line in _advice(course, progress, checkpoint)]


def _advice(course: Course, progress: Progress, checkpoint: Checkpoint) -> list[str]:
    status = progress.status(checkpoint)
    head = f"{checkpoint.kind.heading} {checkpoint.id} · {checkpoint.name}: {status.label}"
    if status.state is State.ACHIEVED:
        return [head, f"  You can {checkpoint.you_can}. Nothing is left to do."]
    module = course.module_of(checkpoint)
    lines = [head, f"  Question: {checkpoint.question}"]
    for need in progress.unachieved_needs(checkpoint):
        other = need.collection
        lines.append(f"  It rests on {other.module}, checkpoint {other.id}: {need.label}.")
        lines.append(f"    {other.group.command}")
    lines.append(f"  Write {course.source_name(module)}, then:")
    return [*lines, f"    {checkpoint.group.command}"]


def module_lines(course: Course) -> list[str]:
    """One line for each module: its state, and the state of its checkpoint."""
    progress = Progress.of(course, load_manifest(course))
    lines = []
    for module in course.modules:
        checkpoint = course.checkpoint_of(module)
        if checkpoint is None:
            raise CourseError(f"module {module.name} has no checkpoint in course.toml; add one")
        state = progress.status(checkpoint).label
        if module.written and not course.source_file(module).is_file():
            state = f"not there: {course.source_name(module)}"
        completed = ""
        if module.name in progress.completed_modules:
            completed = ", completed" if progress.is_verified(module) else f", {CLAIMED}"
        lines.append(f"{module.name:16} checkpoint {checkpoint.id}: {state}{completed}")
    return lines
