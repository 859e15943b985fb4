# %% [markdown]
"""
# Module 01: Setup

## Introduction

Before the first tensor, know the machine. A network that trains in a minute here may take an hour
elsewhere, and most bug reports of a framework begin with the same questions: which Python, which
NumPy, how many processors, how much memory?

You will build

1. `system_info`, what the machine is;
2. `versions`, what is installed on it;
3. `check_environment`, what is missing, and the command that repairs it.

**How every module works.** Write where a function raises `NotImplementedError`.
Run this file's own tests with `pytest --module 01`, and show what you can do with
`pytest --checkpoint 00`: it exports the cells that begin with `#| export` to the package
`tinytorch/`, tests that, and points at lines of this file where something is wrong.
"""

# %% [markdown]
"""
## Mathematical Background

**Versions are tuples, not text.** As text, "2.10" comes before "2.9", because "1" comes before "9".
As tuples of numbers, $(2, 9) < (2, 10)$: the first place that differs decides. Zeros at the end
change nothing, so $(2, 0)$ and $(2, 0, 0)$ are the same version.

**A release candidate comes before its release.** "2.0.0rc1" is not yet "2.0". One more number says
so: 0 before the release, 1 from the release on.

    2.0.0rc1  ->  ((2,), 0)
    2.0       ->  ((2,), 1)
    2.10.3    ->  ((2, 10, 3), 1)

**Units.** 1 KiB is $2^{10}$ bytes, 1 MiB $2^{20}$, 1 GiB $2^{30}$. A float32 takes 4 bytes, so 1 GiB
holds $2^{28}$ of them. One GFLOP/s is $10^9$ floating-point operations in a second.
"""

# %% [markdown]
"""
## Implementation

### What the machine is

One part is given: how much memory there is. Each operating system answers in its own way, and where
none does, the honest answer is `None`.
"""

# %% nbgrader={"grade": false, "grade_id": "setup-imports", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| default_exp core.setup
#| export
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any


# %% nbgrader={"grade": false, "grade_id": "setup-memory", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export
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


# %% nbgrader={"grade": false, "grade_id": "setup-system-info", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: what the machine is

Checks the names and the types: whoever reads a bug report, or a program that does, relies on them.
"""

# %% nbgrader={"grade": true, "grade_id": "test-setup-system-info", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_system_info():
    info = system_info()
    assert list(info) == [
        "python", "implementation", "system", "machine", "cpu_count", "memory_bytes",
        "pointer_bits", "byte_order",
    ]  # fmt: skip
    assert info["python"] == ".".join(str(part) for part in sys.version_info[:3])
    assert type(info["cpu_count"]) is int and 1 <= info["cpu_count"] <= os.cpu_count()
    assert info["memory_bytes"] is None or info["memory_bytes"] > 2**26
    assert (info["pointer_bits"], info["byte_order"]) in [
        (bits, order) for bits in (32, 64) for order in ("little", "big")
    ]


# %% [markdown]
"""
### What is installed

Ask the installation, not the packages: importing each of them to read its `__version__` would take
seconds, and a broken one would take your program with it. You will measure the difference below.
"""

# %% nbgrader={"grade": false, "grade_id": "setup-versions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: versions

Checks the order of versions where text and numbers disagree, and that a package that is missing is
an answer, not an exception.
"""

# %% nbgrader={"grade": true, "grade_id": "test-setup-versions", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_versions():
    import numpy

    found = versions()
    assert list(found) == ["python", "numpy", "pytest"] and found["numpy"] == numpy.__version__
    assert versions(["no-such-package-anywhere"]) == {"no-such-package-anywhere": None}
    assert versions([]) == {}


def test_unit_version_key():
    ordered = ["0.9", "1", "1.9", "1.10", "2.0rc1", "2.0", "2.0.1.dev3", "2.0.1", "10.0"]
    keys = [version_key(text) for text in ordered]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
    assert version_key("2.0") == version_key("2") == version_key("2.0.0+local") == ((2,), 1)
    try:
        version_key("unknown")
    except ValueError as error:
        assert "unknown" in str(error)
    else:
        raise AssertionError("version_key('unknown') must raise ValueError")


# %% [markdown]
"""
### What is missing, and what to do about it

A finding is one line of a check-up: what was looked at, whether it is good enough, what was found,
what was wanted, and the remedy. A check that only says "wrong" leaves the work to its reader.

The two parameters are there so that the check can be tested on machines that you do not have.
"""

# %% nbgrader={"grade": false, "grade_id": "setup-check", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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


# %% [markdown]
"""
### 🧪 Unit test: the check-up

Runs the check on machines that are not here: an old one, an empty one, a small one. A check that
has never seen a failure is not known to find any.
"""

# %% nbgrader={"grade": true, "grade_id": "test-setup-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_unit_check_environment():
    good = {"python": "3.12.0", "numpy": "2.10.0", "pytest": "9.0"}
    info = {"pointer_bits": 64, "memory_bytes": None}
    findings = check_environment(good, info)
    assert [entry["name"] for entry in findings] == ["python", "numpy", "pytest", "64-bit", "memory"]
    assert all(entry["ok"] and entry["remedy"] == "" for entry in findings)
    old = check_environment(good | {"numpy": "1.26.4"}, info)[1]
    assert old == {
        "name": "numpy", "ok": False, "found": "1.26.4", "wanted": "at least 2.0",
        "remedy": 'pip install "numpy>=2.0"',
    }  # fmt: skip
    assert [entry["ok"] for entry in check_environment({}, info)] == [False] * 3 + [True] * 2
    small = check_environment(good, {"pointer_bits": 32, "memory_bytes": 2**30})
    assert [entry["name"] for entry in small if not entry["ok"]] == ["64-bit", "memory"]


# %% [markdown]
"""
### How to measure

A course about systems measures on every page, so these six helpers are given. They go to a file of
their own, `tinytorch/core/measuring.py`, and later modules import them. Three habits make a
measurement worth something:

- **Run it several times and take the fastest.** Other programs can only make a run slower.
- **Compare in turns.** When A and B alternate, a busy moment disturbs both alike; their ratio stays.
- **Look at growth.** If doubling the size makes the time four times as long, the exponent is 2, on
  every machine.

A worked example: 10 items take 3 ms, 20 take 12 ms, 40 take 48 ms. Each doubling costs a factor of
$4 = 2^2$, so `growth([10, 20, 40], [3, 12, 48])` is 2.
"""

# %% nbgrader={"grade": false, "grade_id": "setup-measuring", "locked": true, "schema_version": 3, "solution": false, "task": false}
#| export core.measuring
import gc
import math
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any


def best_seconds(action: Callable[[], Any], repeats: int = 5) -> float:
    """Seconds of wall time that the fastest of `repeats` runs of `action()` took."""
    return min(_seconds(action, time.perf_counter) for _ in range(repeats))


def cpu_seconds(action: Callable[[], Any], repeats: int = 5) -> float:
    """Seconds of processor time, all threads together, that the fastest of `repeats` runs took.

    Waiting costs none, and other programs change it little.
    """
    return min(_seconds(action, time.process_time) for _ in range(repeats))


def times_as_long(action: Callable[[], Any], other: Callable[[], Any], repeats: int = 7) -> float:
    """How many times as long `action()` takes as `other()`: the median of ratios, run in turns."""
    clock = time.perf_counter
    pairs = [(_seconds(action, clock), _seconds(other, clock)) for _ in range(repeats)]
    return statistics.median(a / max(b, 1e-9) for a, b in pairs)


def peak_bytes(action: Callable[[], Any]) -> int:
    """The most bytes of Python and NumPy that `action()` held, beyond what was there before."""
    return _traced(action)[1]


def kept_bytes(make: Callable[[], Any]) -> int:
    """The bytes that the result of `make()` holds once it is made."""
    return _traced(make)[0]


def growth(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent e of a cost that grows like size^e: 1 is linear, 2 quadratic.

    It is the slope of the logarithms of `costs` over those of `sizes` (least squares). Raises
    ValueError for fewer than two different sizes, and for sizes and costs that are not above 0.
    """
    if len(sizes) != len(costs) or len(set(sizes)) < 2 or min(*sizes, *costs) <= 0:
        found = f"got {sizes} and {costs}"
        raise ValueError(f"growth takes two or more sizes, a cost for each, all above 0; {found}")
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    return statistics.linear_regression(x, y).slope


def _seconds(action: Callable[[], Any], clock: Callable[[], float]) -> float:
    start = clock()
    action()
    return clock() - start


def _traced(action: Callable[[], Any]) -> tuple[int, int]:
    """(bytes held after, the most bytes held at a moment) while the result of `action()` lives."""
    gc.collect()
    nested = tracemalloc.is_tracing()
    if not nested:
        tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    try:
        result = action()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        if not nested:
            tracemalloc.stop()
    del result
    return after - before, peak - before


# %% [markdown]
"""
### 🧪 Unit test: how to measure

A measure is tried on known quantities first: 8 MiB that are kept or dropped, costs that follow a
known power, and a sleep, which takes time but no processor.
"""

# %% nbgrader={"grade": true, "grade_id": "test-setup-measuring", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
def test_unit_measuring():
    megabytes = 2**23
    assert 0 <= kept_bytes(lambda: bytearray(megabytes)) - megabytes < 10_000
    assert 0 <= peak_bytes(lambda: len(bytearray(megabytes))) - megabytes < 10_000
    assert kept_bytes(lambda: len(bytearray(megabytes))) < 10_000
    assert abs(growth([10, 20, 40], [3, 12, 48]) - 2) < 1e-9
    asleep = lambda: time.sleep(0.01)  # noqa: E731
    assert best_seconds(asleep, 2) >= 0.01 > cpu_seconds(asleep, 3)
    assert times_as_long(lambda: time.sleep(0.02), lambda: time.sleep(0.002), 3) > 2


# %% [markdown]
"""
## Systems Analysis

Four questions about this machine and the code above, each answered by measuring.

- **Memory**: what does a number cost in a list, and in an array?
- **Computational complexity**: what does a look-up cost, and how does it grow?
- **Cache and hardware**: how fast does memory deliver numbers, near and far?
- **At scale**: what fills first, memory or patience?
"""

# %% nbgrader={"grade": false, "grade_id": "setup-analysis", "locked": true, "schema_version": 3, "solution": false, "task": false}
def analyze_memory() -> None:
    import numpy as np

    count = 100_000
    listed = kept_bytes(lambda: [float(number) for number in range(count)])
    packed = kept_bytes(lambda: np.arange(count, dtype=np.float32))
    print(f"  a number costs {listed / count:.1f} bytes in a list of Python floats,", end=" ")
    print(f"{packed / count:.1f} in a float32 array: {listed / packed:.1f} times as much")


def analyze_complexity() -> None:
    import subprocess

    import numpy as np

    for action in (system_info, versions, check_environment):
        print(f"  {action.__name__:18} takes {best_seconds(action) * 1e6:9.1f} us")
    counts = (10, 20, 40, 80)
    names = [f"package-{number}" for number in range(max(counts))]
    times = [best_seconds(lambda count=count: versions(names[:count])) for count in counts]
    slope = np.polyfit(np.log(counts), np.log(times), 1)[0]
    print(f"  time of versions grows with the number of names to the power {slope:.2f}")
    bare = best_seconds(lambda: subprocess.run([sys.executable, "-c", ""]), 3)
    imports = best_seconds(lambda: subprocess.run([sys.executable, "-c", "import numpy"]), 3)
    looked_up = best_seconds(lambda: versions(["numpy"]))
    print(f"  to learn NumPy's version by importing it: {(imports - bare) * 1e3:.0f} ms,", end=" ")
    print(f"by looking it up: {looked_up * 1e3:.2f} ms")


def analyze_cache() -> None:
    import numpy as np

    for kib in (128, 1024, 8192, 131072):
        numbers = np.ones(kib * 256, np.float32)
        rounds = max(1, 65536 // kib)
        seconds = best_seconds(lambda x=numbers, n=rounds: [x.max() for _ in range(n)]) / rounds
        print(f"  reading {kib:7,} KiB: {numbers.nbytes / seconds / 1e9:6.1f} GB/s")


def analyze_scale() -> None:
    import numpy as np

    a = np.ones((600, 600), np.float32)
    speed = 2 * 600**3 / best_seconds(lambda: a @ a)
    print(f"  a matrix product runs at {speed / 1e9:.1f} GFLOP/s on this machine")
    memory = system_info()["memory_bytes"] or WANTED_MEMORY
    largest = int((memory / 3 / 4) ** 0.5)
    print(f"  three float32 matrices of {largest:,} x {largest:,} fill its memory,", end=" ")
    print(f"and multiplying two of them takes {2 * largest**3 / speed / 60:.1f} minutes")


# %% [markdown]
"""
## Testing

### 🧪 Unit test: nothing personal

A report is sent to strangers. It must not say who you are or where your files lie, and it must be
the same each time, or nobody can compare two of them.
"""

# %% nbgrader={"grade": true, "grade_id": "test-setup-private", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_unit_nothing_personal():
    import json
    from pathlib import Path

    text = json.dumps([system_info(), versions(), check_environment()])
    assert f"{Path.home()}{os.sep}" not in text and str(Path.cwd()) not in text
    assert text == json.dumps([system_info(), versions(), check_environment()])


# %% [markdown]
"""
## Integration

### 🧪 Integration test: the check-up of this machine

Puts the three functions together: what the check-up says it found is what the other two report.
"""

# %% nbgrader={"grade": true, "grade_id": "test-setup-here", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_integration_this_machine():
    found = {entry["name"]: entry["found"] for entry in check_environment()}
    info = system_info()
    assert found == versions() | {"64-bit": info["pointer_bits"], "memory": info["memory_bytes"]}


# %% [markdown]
"""
## Production Context

- **PyTorch** ships this module as `python -m torch.utils.collect_env`, and asks for its output in
  every bug report; `torch.__config__.show()` adds how it was compiled and which BLAS it uses.
- **TensorFlow** has `tf.sysconfig.get_build_info()`, for the same reason.
- **pip** orders versions by PEP 440, the full form of what you wrote above; the library for it is
  `packaging`. In production you would use it rather than a pattern of your own.
- **Schedulers** such as Slurm and Kubernetes hand a process some of a machine's processors. A
  server that starts a thread for each processor of the *machine* runs slower, not faster.
"""

# %% [markdown]
"""
## Comprehensive Testing

### 🧪 Comprehensive test: every remedy is one that can be typed

Breaks one thing at a time and reads the remedy: exactly the broken thing is named.
"""

# %% nbgrader={"grade": true, "grade_id": "test-setup-remedies", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def test_comprehensive_one_fault_at_a_time():
    good = {"python": "3.11", "numpy": "2.0", "pytest": "9.0"}
    info = {"pointer_bits": 64, "memory_bytes": 2 * 2**30}
    assert not [entry for entry in check_environment(good, info) if not entry["ok"]]
    for name in good:
        for bad in (None, "0.1", "unknown"):
            broken = [e for e in check_environment(good | {name: bad}, info) if not e["ok"]]
            assert [entry["name"] for entry in broken] == [name]
            assert good[name] in broken[0]["remedy"]


# %% nbgrader={"grade": false, "grade_id": "setup-main", "locked": true, "schema_version": 3, "solution": false, "task": false}
if __name__ == "__main__":
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        test()
        print(f"passed: {name}")
    for entry in check_environment():
        state = "ok     " if entry["ok"] else "MISSING"
        print(f"{state} {entry['name']}: found {entry['found']}, wanted {entry['wanted']}")
        if entry["remedy"]:
            print(f"        {entry['remedy']}")
    for title, analysis in (
        ("Memory", analyze_memory),
        ("Complexity", analyze_complexity),
        ("Cache", analyze_cache),
        ("At scale", analyze_scale),
    ):
        print(f"\n{title}")
        analysis()

# %% [markdown]
"""
## 🤔 ML Systems Thinking: Interactive Questions

Answer from what you built and measured; two or three sentences each, with a number where you can.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "setup-question-memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Memory and performance.** You measured what a number costs in a list and in an array, and how fast
memory is read near and far. Why does the first make the second worse?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "setup-question-architecture", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Systems architecture.** `check_environment` takes what it checks as parameters. Which of your tests
would be impossible without them, and what do the defaults give up?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "setup-question-production", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Production engineering.** A service answers slowly on one of twenty machines. Which of the eight
values of `system_info` would you compare first, and which ninth one do you miss?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "setup-question-scaling", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
"""
**Scaling.** Your measurement says how long a product of the largest matrices takes that fit into
memory. If memory doubles and speed does not, by what factor does that time grow?
"""

# %% [markdown]
"""
## 🎯 MODULE SUMMARY: Setup

You wrote a check-up that knows the machine, orders versions as numbers rather than as text, and
names a remedy for everything that is wrong. You measured what a number costs, how fast memory
delivers, and at what size a matrix product turns from milliseconds to minutes.

**Next:** `pytest --checkpoint 00`, then module 02, where numbers get a shape.
"""
