"""Lists the questions of the course that a person marks: cells of text with points.

`store` makes a column of each. They stand in the module sources, as nbgrader marks them.
"""

import json
import re
from dataclasses import dataclass

from pytest_tinytorch.core.course import Course

_CELL = re.compile(r"^# %% \[markdown\] nbgrader=(\{.*\})\s*$", re.MULTILINE)
_LARGEST = 2**22


@dataclass(frozen=True)
class Question:
    id: str  # `tensor-question-memory`
    module: str  # `02_tensor`
    points: float


def questions_of(course: Course) -> list[Question]:
    """The questions, in the order of the course. A source that is not there has none."""
    found = []
    for module in course.modules:
        path = course.root / course.sources / f"{module.name}.py"
        if path.is_file() and path.stat().st_size < _LARGEST:
            text = path.read_text("utf-8", errors="replace")
            found += [q for data in _CELL.findall(text) if (q := _question(data, module.name))]
    return found


def _question(data: str, module: str) -> Question | None:
    try:
        cell = json.loads(data)
        if cell["grade"] and cell["solution"]:
            return Question(str(cell["grade_id"]), module, float(cell["points"]))
    except (ValueError, KeyError, TypeError):
        pass
    return None
