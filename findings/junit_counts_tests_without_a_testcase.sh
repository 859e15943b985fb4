#!/usr/bin/env bash
# Subtests in JUnit XML (pytest 9.0.2, read by junitparser 4.0.2).
# A good guess: the attribute `tests` of a suite is the number of its <testcase> elements, as each
# format description says, so (tests - failures) / tests is the share that passed.
# Seen: two tests, one of them with ten subtests of which one fails: pytest writes tests="12" and
# failures="2" above two elements, one of which holds both failures. junitparser replaces the
# attribute by its own count when it reads, and so tells of 2 tests and 2 failures: nothing passed.
exec "$(dirname "$0")/in_venv.sh" pytest==9.0.2 junitparser==4.0.2 <<'PY'
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from junitparser import JUnitXml

Path("test_some.py").write_text(
    "def test_parts(subtests):\n"
    "    for part in range(10):\n"
    "        with subtests.test(part=part):\n"
    "            assert part != 3\n"
    "def test_whole():\n"
    "    pass\n"
)
command = [sys.executable, "-m", "pytest", "-q", "--junitxml=some.xml", "test_some.py"]
subprocess.run(command, stdout=subprocess.DEVNULL)
suite = ElementTree.parse("some.xml").getroot()[0]
cases = [(case.get("name"), [child.tag for child in case]) for case in suite.iter("testcase")]
read = JUnitXml.fromfile("some.xml")
written = suite.get("tests"), suite.get("failures")
print("written: tests, failures =", written, cases)
print("junitparser: tests, failures =", (read.tests, read.failures))
assert written == ("12", "2") and (read.tests, read.failures) == (2, 2)
assert cases == [("test_parts", ["failure", "failure"]), ("test_whole", [])]
PY
