"""Reads and writes the settings of an autograder, which are stored in its bundle.

`bundle` writes and `autograder` reads them.
"""

import json
from dataclasses import asdict, dataclass

from pytest_tinytorch.core.errors import CourseError
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

    def to_text(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "AutograderConfig":
        data = json.loads(text)
        if data.pop("format", None) != FORMAT:
            raise CourseError(f"{CONFIG_FILE} is of another version; make the bundle again")
        return cls(**data | {"checkpoints": tuple(data["checkpoints"])})

    def options(self) -> list[str]:
        """The settings as options of pytest."""
        return [
            f"--checkpoint={','.join(self.checkpoints)}",
            f"--seed={self.seed}",
            f"--require-isolation={self.require_isolation}",
        ]
