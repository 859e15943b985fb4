"""Where demos stand, and which module unlocks which, as lines of text. `tito demo` prints them."""

from pytest_tinytorch.core.course import Course, Demo, Module
from pytest_tinytorch.progress.progress import Progress
from pytest_tinytorch.progress.unlocking import is_unlocked

LOCKED, UNLOCKED, PLANNED = "locked", "unlocked", "planned"
_USES, _UNLOCKS = "x", "!"
_LEGEND = f"{_USES}: the demo uses the module; {_UNLOCKS}: it needs it and no later one"


def demo_lines(course: Course, progress: Progress) -> list[str]:
    """Two lines for each demo: its state and name, and what it shows."""
    width = max(len(demo.id) for demo in course.demos)
    lines = []
    for demo in course.demos:
        state = _state(course, progress, demo)
        lines += [f"{demo.id:{width}}  {state:8}  {demo.name}", f"  {demo.question}"]
    return [*lines, f"Run one: {course.demos[0].command}. What unlocks which: tito demo --matrix"]


def matrix_lines(course: Course, progress: Progress) -> list[str]:
    """A row for each module that demos use, a column for each demo; then what is unlocked now."""
    used = [m for m in course.modules if any(m.name in demo.needs for demo in course.demos)]
    width = max(len(module.name) for module in used)
    lines = [" ".join([" " * width, *(demo.id for demo in course.demos)])]
    for module in used:
        cells = [f"{_mark(course, module, demo):^{len(demo.id)}}" for demo in course.demos]
        lines.append(" ".join([f"{module.name:{width}}", *cells]).rstrip())
    return [*lines, "", _LEGEND, *_now(course, progress)]


def _mark(course: Course, module: Module, demo: Demo) -> str:
    """What a module is to a demo. Students write the modules in the order of the course."""
    last = [other for other in course.modules if other.name in demo.needs][-1]
    if module == last:
        return _UNLOCKS
    return _USES if module.name in demo.needs else ""


def _now(course: Course, progress: Progress) -> list[str]:
    states = {demo.id: _state(course, progress, demo) for demo in course.demos}
    found = {word: [name for name in states if states[name] == word] for word in (UNLOCKED, LOCKED)}
    return [f"{word} now: {', '.join(ids) or 'none'}" for word, ids in found.items()]


def _state(course: Course, progress: Progress, demo: Demo) -> str:
    if not course.is_written(demo):
        return PLANNED
    return UNLOCKED if is_unlocked(course, progress, demo) else LOCKED
