"""The folders of a sandbox, and the system files that Python needs there.

`pool` and `probe` create workspaces; `levels` makes them readable.
"""

import compileall
import errno
import importlib.util
import os
import shutil
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from pytest_tinytorch.core.tempdirs import make_folder, remove_folder
from pytest_tinytorch.isolation.failures import NotStarted

SITE = ("site-packages", "dist-packages")  # below the standard library: installed packages
_METADATA = ("numpy", "pytest")  # module 01 reads their versions
_CAN_FILL = stat.S_IWUSR | stat.S_IXUSR
_SYSTEM = (
    "/lib64",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/dev/null",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
)


@dataclass(frozen=True)
class Workspace:
    """The folders of one sandbox."""

    root: Path
    package: Path  # holds the student's package; read only
    scratch: Path  # the only folder that student code may write to


class Workspaces:
    """The temporary folder of a run: NumPy, the child server, a workspace for each sandbox."""

    def __init__(self) -> None:
        """Raises NotStarted if the disk is full."""
        self._made = 0
        try:
            self.root = make_folder("sandboxes")
        except OSError as error:
            raise _no_room(error) from None
        self.libraries = self.root / "libraries"
        try:
            self._lay_out()
        except OSError as error:
            self.close()
            raise _no_room(error) from None

    def _lay_out(self) -> None:
        self.root.chmod(0o711)  # the sandbox's user may pass through, but not list it
        self.libraries.mkdir()
        for path in _libraries():
            (self.libraries / path.name).symlink_to(path)
        _copy_host(self.libraries)
        _let_all_read(self.libraries / "pytest_tinytorch")
        self.libraries.chmod(0o755)

    def new(self, package: Path) -> Workspace:
        """A fresh workspace with a copy of the student's package. Raises NotStarted."""
        self._made += 1
        root = self.root / f"sandbox-{self._made}"
        workspace = Workspace(root, root / "package", root / "scratch")
        try:
            root.mkdir()
            workspace.scratch.mkdir()
            _copy_sources(package, workspace.package / package.name)
            _let_all_read(workspace.package)
            root.chmod(0o755)
        except OSError as error:
            self.remove(workspace)
            raise _no_room(error) from None
        return workspace

    def remove(self, workspace: Workspace) -> None:
        remove_folder(workspace.root)

    def close(self) -> None:
        remove_folder(self.root)


def _no_room(error: OSError) -> NotStarted:
    """A NotStarted for a full disk, so that it does not count against the student."""
    reason = error.strerror or "files cannot be copied"
    folder = tempfile.gettempdir()
    return NotStarted(f"no space for a sandbox in {folder}: {reason}; free some, or set TMPDIR")


def size_of(folder: Path, most: int) -> int:
    """Bytes of the files in a folder; counting stops above `most`."""
    total = 0
    pending = [str(folder)]
    while pending and total <= most:
        try:
            with os.scandir(current := pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    total += _size_on_disk(entry)
        except PermissionError:
            if os.lstat(current).st_mode & _CAN_FILL == _CAN_FILL:
                return most + 1  # it can be filled but not listed, so it counts as full
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return most + 1  # very deep nesting counts as full
    return total


def _size_on_disk(entry: "os.DirEntry[str]") -> int:
    """The larger of allocated and nominal size: a file may have holes, or unused blocks."""
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # deleted meanwhile
        return 0
    if stat.S_ISDIR(found.st_mode):
        return 4096
    return max(4096, found.st_size, found.st_blocks * 512)


@cache
def readable_of_the_machine() -> tuple[str, ...]:
    """Files and folders of the system that Python and NumPy need to read."""
    found = [str(path) for path in standard_library().iterdir() if path.name not in SITE]
    found += [str(interpreter())]
    found += [str(path) for path in (Path(sys.base_prefix) / "lib").glob("libpython*")]
    for folder in ("/lib", "/usr/lib"):
        found += [str(path) for path in Path(folder).glob("*-linux-*")]
        found += [str(path) for path in Path(folder).glob("*.so*")]
    found += [str(path) for path in _libraries()]
    return (*found, *_SYSTEM)


def standard_library() -> Path:
    return Path(sysconfig.get_path("stdlib")).resolve()


def interpreter() -> Path:
    """The Python executable outside of the virtual environment, whose packages stay hidden."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def _libraries() -> Iterable[Path]:
    spec = importlib.util.find_spec("numpy")
    assert spec is not None and spec.origin is not None
    numpy = Path(spec.origin).resolve().parent
    yield numpy
    if (bundled := numpy.with_name("numpy.libs")).is_dir():
        yield bundled
    for name in _METADATA:
        files = metadata.files(name) or ()
        record = next((f for f in files if f.name == "METADATA"), None)
        if record is not None:
            yield Path(str(record.locate())).resolve().parent


def _copy_sources(package: Path, target: Path) -> None:
    """Copy the Python files. Links are not followed."""
    for folder, _, names in os.walk(package):  # does not follow links to folders
        copied = target / Path(folder).relative_to(package)
        copied.mkdir(parents=True, exist_ok=True)
        for name in names:
            source = Path(folder) / name
            if source.suffix == ".py" and stat.S_ISREG(source.lstat().st_mode):
                shutil.copyfile(source, copied / name)


def _copy_host(libraries: Path) -> None:
    """Copy the child server alone, under its package name."""
    child = Path(__file__).with_name("child")
    folder = libraries / "pytest_tinytorch" / "isolation"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder):
        (package / "__init__.py").touch()
    shutil.copytree(child, folder / child.name, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(libraries / "pytest_tinytorch", quiet=2)  # once for all sandboxes


def _let_all_read(folder: Path) -> None:
    """Let the sandbox's user read a folder, independent of the umask."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
