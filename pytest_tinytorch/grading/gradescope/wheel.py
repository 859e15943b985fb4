"""Makes a wheel of the installed plugin, for another machine. `bundle` calls it.

A wheel is a zip of the package with three metadata files (PEP 427). It is made of the installed
files: no build tool and no network are needed, and the same code runs there as here.
"""

import base64
import hashlib
from importlib import metadata
from pathlib import Path

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.grading.gradescope.archive import zipped

_DISTRIBUTION = "pytest-tinytorch"
_TAG = "py3-none-any"
_ABOUT = ("METADATA", "entry_points.txt", "licenses/LICENSE")


def make_wheel() -> tuple[str, bytes]:
    """The name and the bytes of the wheel. Raises CourseError if the plugin is not installed."""
    try:
        installed = metadata.distribution(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise CourseError(
            f"{_DISTRIBUTION} is not installed here, so there is nothing to put into a wheel; run"
            f" `pip install -e .` in its folder"
        ) from None
    package = Path(__file__).parents[2]
    stem = f"{package.name}-{installed.version}"
    files = _files(package)
    for name in _ABOUT:
        if (text := installed.read_text(name)) is not None:
            files[f"{stem}.dist-info/{name}"] = text.encode()
    files[f"{stem}.dist-info/WHEEL"] = _wheel_file()
    files[f"{stem}.dist-info/RECORD"] = _record(files, f"{stem}.dist-info/RECORD")
    return f"{stem}-{_TAG}.whl", zipped(files)


def _files(package: Path) -> dict[str, bytes]:
    found = [path for path in package.rglob("*") if path.is_file()]
    kept = [path for path in found if "__pycache__" not in path.parts]
    return {path.relative_to(package.parent).as_posix(): path.read_bytes() for path in kept}


def _wheel_file() -> bytes:
    lines = ("Wheel-Version: 1.0", f"Generator: {_DISTRIBUTION}", "Root-Is-Purelib: true")
    return "\n".join((*lines, f"Tag: {_TAG}", "")).encode()


def _record(files: dict[str, bytes], own_name: str) -> bytes:
    """The wheel's RECORD: each file with its hash and size, except for RECORD itself."""
    lines = [f"{name},{_hash(content)},{len(content)}" for name, content in sorted(files.items())]
    return "\n".join((*lines, f"{own_name},,", "")).encode()


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"
