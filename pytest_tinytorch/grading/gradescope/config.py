"""Reads and writes the settings of an autograder, which are stored in its bundle.

`bundle` writes and `autograder` reads them.
"""

import json
from dataclasses import asdict, dataclass

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import COLLECTED, Group, Kind, checkpoint_group
from pytest_tinytorch.core.visibility import HIDDEN

FORMAT = 1
CONFIG_FILE = "autograder.json"  # in the bundle, beside two folders:
COURSE_FOLDER = "course"
HIDDEN_FOLDER = HIDDEN


@dataclass(frozen=True)
class AutograderConfig:
    checkpoints: tuple[str, ...]  # ids
    seed: int = 0
    require_isolation: str = "none"
    milestones: tuple[str, ...] = ()  # ids

    def to_text(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "AutograderConfig":
        data = json.loads(text)
        if data.pop("format", None) != FORMAT:
            raise CourseError(f"{CONFIG_FILE} is of another version; make the bundle again")
        ids = {kind.plural: tuple(data.get(kind.plural, ())) for kind in COLLECTED}
        return cls(**data | ids)

    @property
    def groups(self) -> tuple[Group, ...]:
        """What it grades."""
        checkpoints = (checkpoint_group(identifier) for identifier in self.checkpoints)
        milestones = (Group(Kind.MILESTONE, identifier) for identifier in self.milestones)
        return (*checkpoints, *milestones)

    def options(self) -> list[str]:
        """The settings as options of pytest."""
        chosen = {Kind.CHECKPOINT: self.checkpoints, Kind.MILESTONE: self.milestones}
        return [
            *(f"--{kind.option}={','.join(ids)}" for kind, ids in chosen.items() if ids),
            f"--seed={self.seed}",
            f"--require-isolation={self.require_isolation}",
        ]
