"""A copy of the course, and the environment in which a person would run pytest there."""

import os
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
COPIED = (
    "course.toml",
    "conftest.py",
    "checkpoints",
    "milestones",
    "data",
    "src_modules",
    "tinytorch",
)


def copy_course(root: Path) -> Path:
    """Copy the course into a folder, which is made if it is not there."""
    root.mkdir(exist_ok=True)
    for name in COPIED:
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, root / name)
    return root


def environment(root: Path) -> dict[str, str]:
    """With bytecode, as on a user's machine, and with progress below `root`."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"TINYTORCH_HOME": str(root / "home")}
