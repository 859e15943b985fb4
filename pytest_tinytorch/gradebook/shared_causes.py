"""Groups students whose tests fail for the same cause. `analytics` and `dashboard` call it.

The same cause is the same reason, and the same message apart from its numbers, in the same function
of the students' code.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_tinytorch.gradebook.history import Outcome

_NUMBER = re.compile(r"[-+]?\d[\d_]*(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_LINE = re.compile(r":\d+")


@dataclass(frozen=True)
class SharedCause:
    """One cause, with the students who have it. `message` is of one of them."""

    reason: str
    message: str
    place: str  # `02_tensor.py add`: without the line, which differs between students
    students: tuple[int, ...]
    tests: tuple[str, ...]


def shared_causes(results: Iterable[Outcome], fewest: int = 2) -> list[SharedCause]:
    """The causes of at least `fewest` students, those of most students first."""
    groups: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for result in results:
        if result.decided and not result.passed and result.message:
            groups[_signature(result)].append(result)
    found = [_cause(group) for group in groups.values()]
    frequent = [cause for cause in found if len(cause.students) >= fewest]
    return sorted(frequent, key=lambda c: (-len(c.students), -len(c.tests), c.tests))


def _signature(result: Outcome) -> tuple[str, str, str]:
    message = _NUMBER.sub("#", result.message)
    return result.reason, message, _LINE.sub("", result.place)


def _cause(group: list[Outcome]) -> SharedCause:
    first = group[0]
    return SharedCause(
        reason=first.reason,
        message=first.message,
        place=_signature(first)[2],
        students=tuple(sorted({result.student for result in group})),
        tests=tuple(sorted({result.test for result in group})),
    )
