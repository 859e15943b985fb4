"""Checkpoint 00: the student's check-up, against Python's own knowledge of this machine.

Machines that are not here (an old one, a small one) are described by plain values.
"""

import json
import os
import platform
import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.checkpoint("00")

GOOD = {"python": "3.12.1", "numpy": "2.4.0", "pytest": "9.0.2"}
LARGE = {"pointer_bits": 64, "memory_bytes": 16 * 2**30}
KEYS = {
    "python",
    "implementation",
    "system",
    "machine",
    "cpu_count",
    "memory_bytes",
    "pointer_bits",
    "byte_order",
}


NAMES = ["numpy", "no-such-package-anywhere"]


def arguments_kept(run_program):
    """Answers to a list and to an iterator of NAMES, and what was handed in, afterwards."""
    return run_program(
        "programs/arguments_kept.py", names=NAMES, found={"python": "3.13"}, info=LARGE
    )


def broken(findings):
    """The names of what is not good enough."""
    return [entry["name"] for entry in findings if entry["ok"] is not True]


@pytest.mark.points(2)
@pytest.mark.hint("The docstring of system_info lists the eight keys.")
def test_system_info_has_its_keys(tt, check):
    """Describes the machine by exactly eight values, none of them about its owner"""
    check.equal(sorted(tt.system_info()), sorted(KEYS))


@pytest.mark.points(2)
@pytest.mark.hint("platform.python_version() and platform.python_implementation().")
@pytest.mark.depends(on="test_system_info_has_its_keys")
def test_system_info_knows_python(tt, check):
    """Knows which Python it runs on"""
    info = tt.system_info()
    check.equal(info["python"], ".".join(str(part) for part in sys.version_info[:3]))
    check.equal(info["implementation"], platform.python_implementation())


@pytest.mark.points(2)
@pytest.mark.hint("A pointer has as many bits as it takes to count to sys.maxsize, and a sign.")
@pytest.mark.depends(on="test_system_info_has_its_keys")
def test_system_info_knows_the_machine(tt, check):
    """Knows the system, the type of processor, its word size and its byte order"""
    info = tt.system_info()
    check.equal(info["system"], platform.system())
    check.equal(info["machine"], platform.machine())
    check.equal(info["pointer_bits"], 8 * struct.calcsize("P"))
    little = np.array([1], np.uint16).tobytes() == b"\x01\x00"
    check.equal(info["byte_order"], "little" if little else "big")


@pytest.mark.points(1)
@pytest.mark.hint("os.cpu_count() counts the machine's; os.sched_getaffinity(0) lists your own.")
@pytest.mark.depends(on="test_system_info_has_its_keys")
def test_system_info_counts_usable_processors(tt, check):
    """Counts the processors that it may use, not those that are there"""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    check.equal(tt.system_info()["cpu_count"], usable)


@pytest.mark.points(1)
@pytest.mark.hint("memory_bytes() is given: call it.")
@pytest.mark.depends(on="test_system_info_has_its_keys")
def test_system_info_knows_the_memory(tt, check):
    """Knows how much memory there is, or says that it does not know"""
    found = tt.system_info()["memory_bytes"]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        check.equal(found, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    else:
        check.true(found is None or found > 2**26, f"memory is counted in bytes; it is {found!r}")


@pytest.mark.points(1)
@pytest.mark.hint("Numbers, strings, None, lists and dicts; no tuple, no object of a library.")
@pytest.mark.depends(on="test_system_info_has_its_keys")
def test_reports_are_plain_values(tt, check):
    """Reports in plain values, the same after a trip through JSON"""
    findings = check.type(tt.check_environment(GOOD, LARGE), list)
    for report in (tt.system_info(), tt.versions(), *findings):
        check.equal(json.loads(json.dumps(check.type(report, dict))), report)


@pytest.mark.points(2)
@pytest.mark.hint("importlib.metadata.version(name) for packages, platform for Python.")
def test_versions_of_what_the_course_needs(tt, check):
    """Finds the versions of Python, NumPy and pytest"""
    python = ".".join(str(part) for part in sys.version_info[:3])
    wanted = {"python": python, "numpy": np.__version__, "pytest": pytest.__version__}
    check.equal(tt.versions(), wanted)


@pytest.mark.points(1)
@pytest.mark.hint("PackageNotFoundError is an answer: None.")
@pytest.mark.depends(on="test_versions_of_what_the_course_needs")
def test_versions_of_given_names(tt, check, run_program):
    """Finds the versions of the names it is given, and None for what is not installed"""
    found = tt.versions(list(NAMES))
    check.equal(found, {"no-such-package-anywhere": None, "numpy": np.__version__})
    check.equal(list(found), NAMES)
    check.equal(tt.versions([]), {})
    kept = arguments_kept(run_program)
    check.equal((kept["list"], kept["iterator"]), (found, found))
    told = f"versions changed the list of names that it was given to {kept['names']}"
    check.true(kept["names"] == NAMES, f"{told}: leave it as it is")


@pytest.mark.points(1)
@pytest.mark.hint("Five findings in the order of the docstring; a finding has five keys.")
def test_check_of_a_good_machine(tt, check):
    """Finds nothing to fix on a good machine, nor where the memory is unknown"""
    findings = tt.check_environment(GOOD, LARGE)
    expected = [
        {"name": "python", "found": "3.12.1", "wanted": "at least 3.11"},
        {"name": "numpy", "found": "2.4.0", "wanted": "at least 2.0"},
        {"name": "pytest", "found": "9.0.2", "wanted": "at least 9.0"},
        {"name": "64-bit", "found": 64, "wanted": "64"},
        {"name": "memory", "found": 16 * 2**30, "wanted": "at least 2 GiB"},
    ]
    check.equal(findings, [entry | {"ok": True, "remedy": ""} for entry in expected])
    check.equal(broken(tt.check_environment(GOOD, LARGE | {"memory_bytes": None})), [])


@pytest.mark.points(2)
@pytest.mark.hint(
    "The remedy of an old package is the pip command with the version that is wanted."
)
@pytest.mark.depends(on="test_check_of_a_good_machine")
def test_check_of_old_versions(tt, check):
    """Names what is too old, and the command that repairs it"""
    findings = tt.check_environment(GOOD | {"numpy": "1.26.4"}, LARGE)
    check.equal(broken(findings), ["numpy"])
    check.equal(findings[1]["found"], "1.26.4")
    check.equal(findings[1]["remedy"], 'pip install "numpy>=2.0"')
    findings = tt.check_environment(GOOD | {"python": "3.10.14", "pytest": "8.4.2"}, LARGE)
    check.equal(broken(findings), ["python", "pytest"])
    check.true("3.11" in findings[0]["remedy"], "the remedy for Python should name 3.11")
    check.equal(findings[2]["remedy"], 'pip install "pytest>=9.0"')


@pytest.mark.points(1)
@pytest.mark.hint("A name that is not in the dict is not installed either: dict.get.")
@pytest.mark.depends(on="test_check_of_a_good_machine")
def test_check_of_missing_packages(tt, check, run_program):
    """Counts what is not installed as not good enough"""
    findings = tt.check_environment(GOOD | {"numpy": None}, LARGE)
    check.equal(broken(findings), ["numpy"])
    check.true(findings[1]["found"] is None, "what is not installed is found as None")
    check.equal(broken(tt.check_environment({"python": "3.13"}, LARGE)), ["numpy", "pytest"])
    nothing = tt.check_environment({}, LARGE)
    check.equal(broken(nothing), ["python", "numpy", "pytest"])
    check.equal([entry["found"] for entry in nothing[:3]], [None, None, None])
    kept = arguments_kept(run_program)
    for name, before in (("found_versions", {"python": "3.13"}), ("info", LARGE)):
        told = f"check_environment changed {name} from {before} to {kept[name]}"
        check.true(kept[name] == before, f"{told}: leave it as it is")


@pytest.mark.points(2)
@pytest.mark.hint("Compare tuples of numbers: as text, '2.10' comes before '2.9'.")
@pytest.mark.depends(on="test_check_of_a_good_machine")
@given(numbers=st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_versions_are_compared_as_numbers(tt, check, numbers):
    """Compares versions as numbers, of any length"""
    found = ".".join(str(number) for number in numbers)
    # Padded with zeros, lists of equal length compare place by place: 2 is 2.0.
    wanted = ["python"] if numbers + [0] * 4 < [3, 11, 0, 0] else []
    wanted += ["numpy"] if numbers[0] < 2 else []
    wanted += ["pytest"] if numbers[0] < 9 else []
    check.equal(broken(tt.check_environment(dict.fromkeys(GOOD, found), LARGE)), wanted)


@pytest.mark.points(1)
@pytest.mark.hint("After the numbers: a, b, rc and dev come before the release, post and + after.")
@pytest.mark.depends(on="test_versions_are_compared_as_numbers")
def test_versions_that_are_not_numbers_alone(tt, check):
    """Takes a release candidate as older than its release, and reads what else follows a number"""
    for found in ("2.0.0rc1", "2.0b2", "2.0.dev0", "2.0a1", "unknown", ""):
        check.equal(broken(tt.check_environment(GOOD | {"numpy": found}, LARGE)), ["numpy"])
    for found in ("2.0", "2", "2.0.0+local", "2.0.post1", "2.1rc1", "10.0"):
        check.equal(broken(tt.check_environment(GOOD | {"numpy": found}, LARGE)), [])


@pytest.mark.points(1)
@pytest.mark.hint("Two findings come from info: the bits of a pointer and the bytes of memory.")
@pytest.mark.depends(on="test_check_of_a_good_machine")
def test_check_of_a_small_machine(tt, check):
    """Names a 32-bit Python and too little memory, each with a remedy, and looks here by itself"""
    small = {"pointer_bits": 32, "memory_bytes": 2 * 2**30 - 1}
    findings = tt.check_environment(GOOD, small)
    check.equal(broken(findings), ["64-bit", "memory"])
    check.equal([bool(entry["remedy"]) for entry in findings], [False, False, False, True, True])
    check.equal(broken(tt.check_environment(GOOD, LARGE | {"memory_bytes": 2 * 2**30})), [])
    here = {check.type(one["name"], str): one["found"] for one in tt.check_environment()}
    info = tt.system_info()
    seen = {"64-bit": info["pointer_bits"], "memory": info["memory_bytes"]}
    check.equal(here, tt.versions() | seen)
