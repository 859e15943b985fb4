# Generated from src_modules/01_setup.py. Do not edit: write in src_modules/01_setup.py instead;
# `pytest --checkpoint` and `tito export` regenerate it; manual edits are saved as NAME.edited.
# export: format=1 source=0a3310cb83c82c5a code=6f1879c4379242c3 content=126018edbc35366f
# %% src_modules/01_setup.py:55
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any


# %% src_modules/01_setup.py:66
def memory_bytes() -> int | None:
    """Physical memory in bytes; None where the system does not tell."""
    try:
        if sys.platform == "win32":
            return _windows_memory()
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _windows_memory() -> int:
    import ctypes

    class Status(ctypes.Structure):
        """The fields of MEMORYSTATUSEX: two numbers of 32 bits, seven of 64."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            ("others", ctypes.c_ulonglong * 6),
        )

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.total)


# %% src_modules/01_setup.py:96
def system_info() -> dict[str, Any]:
    """What this machine is, in plain values that JSON can hold. Nothing about its owner.

    python: version, such as "3.12.1"            implementation: such as "CPython"
    system: "Linux", "Darwin" or "Windows"       machine: processor type, such as "x86_64"
    cpu_count: processors that this process may use
    memory_bytes: physical memory, or None where the system does not tell
    pointer_bits: 64 or 32                       byte_order: "little" or "big"

    TODO: return a dict with exactly these eight keys.
    HINT: `platform` has a function for each of the first four. A container or a scheduler may give
        a process fewer processors than there are: `os.sched_getaffinity(0)` lists its own, on Linux;
        elsewhere, take `os.cpu_count()`. `sys.maxsize` is the largest index: 2**63 - 1 or 2**31 - 1.
    """
    ### BEGIN SOLUTION
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu_count": processors,
        "memory_bytes": memory_bytes(),
        "pointer_bits": sys.maxsize.bit_length() + 1,
        "byte_order": sys.byteorder,
    }
    ### END SOLUTION


# %% src_modules/01_setup.py:160
# What this course needs, and from which version on.
WANTED = {"python": "3.11", "numpy": "2.0", "pytest": "9.0"}
WANTED_MEMORY = 2 * 2**30  # bytes: the largest network of the course trains in less


def versions(names: Iterable[str] | None = None) -> dict[str, str | None]:
    """Name -> installed version, or None if it is not installed, in the order of `names`.

    names: "python" or packages as pip names them (default: what the course needs).

    TODO: look each name up.
    HINT: `importlib.metadata.version` raises PackageNotFoundError. Python is not a package.
    """
    ### BEGIN SOLUTION
    return {name: _version(name) for name in (WANTED if names is None else names)}
    ### END SOLUTION


def _version(name: str) -> str | None:
    """The version of Python or of one package; None if it is not installed."""
    ### BEGIN SOLUTION
    if name == "python":
        return platform.python_version()
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    ### END SOLUTION


def version_key(text: str) -> tuple[tuple[int, ...], int]:
    """A version as a key that sorts in the right order: "2.10rc1" -> ((2, 10), 0).

    The numbers come without zeros at the end. The last part is 0 for what comes before the release
    (a, b, rc, dev) and 1 from the release on. Raises ValueError for a text that has no number.

    TODO: take the numbers from the beginning of the text, then look at what follows them.
    HINT: the pattern VERSION finds both parts: the first and the second group of its match.
    """
    ### BEGIN SOLUTION
    match = VERSION.match(text)
    if match is None:
        raise ValueError(f"a version begins with a number, got {text!r}")
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), 0 if match[2] else 1
    ### END SOLUTION


VERSION = re.compile(r"\s*v?(\d+(?:\.\d+)*)[-_.]?(a|b|c|rc|dev|alpha|beta|pre)?")


# %% src_modules/01_setup.py:256
def check_environment(
    found_versions: Mapping[str, str | None] | None = None, info: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """What this course needs, one finding for each: python, numpy, pytest, 64-bit, memory.

    found_versions: as from `versions()`, which is the default; a name it lacks is not installed.
    info: as from `system_info()`, which is the default.

    A finding is a dict of
        name     what was looked at
        ok       whether it is good enough; unknown memory is
        found    the version (None: not installed), the bits of a pointer, the bytes of memory
        wanted   in words: "at least 2.0"
        remedy   the command to type or the thing to do; "" where all is well

    TODO: make the five findings in this order. A version that cannot be read is not good enough.
    HINT: `finding` below puts one together.
    """
    ### BEGIN SOLUTION
    found_versions = versions() if found_versions is None else found_versions
    info = system_info() if info is None else info
    findings = [
        finding(
            name,
            is_at_least(found_versions.get(name), wanted),
            found_versions.get(name),
            f"at least {wanted}",
            remedy_for(name, wanted),
        )
        for name, wanted in WANTED.items()
    ]
    bits, memory = info["pointer_bits"], info["memory_bytes"]
    enough = memory is None or memory >= WANTED_MEMORY
    gib = f"at least {WANTED_MEMORY / 2**30:g} GiB"
    return [
        *findings,
        finding("64-bit", bits == 64, bits, "64", "install a 64-bit Python from python.org"),
        finding("memory", enough, memory, gib, "close other programs, or use a larger machine"),
    ]
    ### END SOLUTION


def is_at_least(found: str | None, wanted: str) -> bool:
    """Whether a version is there, can be read and is not older than `wanted`."""
    ### BEGIN SOLUTION
    try:
        return found is not None and version_key(found) >= version_key(wanted)
    except ValueError:
        return False
    ### END SOLUTION


def finding(name: str, ok: bool, found: Any, wanted: str, remedy: str) -> dict[str, Any]:
    """One line of the check-up; what is well needs no remedy."""
    return {
        "name": name,
        "ok": ok,
        "found": found,
        "wanted": wanted,
        "remedy": "" if ok else remedy,
    }


def remedy_for(name: str, wanted: str) -> str:
    """What to do about a version that is missing or too old."""
    if name == "python":
        return f"install Python {wanted} or later from python.org, then make .venv anew"
    return f'pip install "{name}>={wanted}"'
