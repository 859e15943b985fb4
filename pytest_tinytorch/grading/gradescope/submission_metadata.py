"""Reads Gradescope's `submission_metadata.json`: who submitted, and whether in time.

`autograder` calls it. Fields, by Gradescope's documentation of autograders: `created_at`;
`assignment.due_date`, which may be null; `users`, each with `email`, `id` and `name`, several for a
group.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_tinytorch.core.plain_file import read_plain
from pytest_tinytorch.core.text import one_line
from pytest_tinytorch.submissions.deadline import lateness

_LARGEST = 64 * 2**20  # bytes; it includes the results of earlier submissions


@dataclass(frozen=True)
class HandedIn:
    """The id of the student or group, and remarks on the submission."""

    student: str
    lines: tuple[str, ...]


def handed_in(path: Path) -> HandedIn:
    """Read the file. A defect is reported and does not prevent grading."""
    try:
        data = json.loads(read_plain(path, _LARGEST).decode("utf-8"))
        students = [_name(user) for user in data["users"]]
        when = _when(data)
    except OSError as error:
        return HandedIn("", (f"{path.name} cannot be read: {error.strerror}",))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = one_line(repr(error))
        return HandedIn("", (f"{path.name} is not as Gradescope documents it ({reason})",))
    label = "Student" if len(students) == 1 else "Students"
    return HandedIn(",".join(students), (f"{label}: {', '.join(students)}", when))


def _name(user: dict[str, Any]) -> str:
    return one_line(str(user.get("email") or user["id"]))


def _when(data: dict[str, Any]) -> str:
    created = datetime.fromisoformat(data["created_at"])
    line = f"Handed in: {created:%Y-%m-%d %H:%M} ({created:%Z})"
    due = data["assignment"].get("due_date")
    if due is None:
        return line
    late = lateness(created, datetime.fromisoformat(due))
    return f"{line}, {late} after the due date" if late else f"{line}, in time"
