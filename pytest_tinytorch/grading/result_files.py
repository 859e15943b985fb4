"""Writes result files: renames earlier ones, logs each test, and makes the filtered copy.

`clean_process`, `feedback_files` and `hooks.grading` call it.
"""

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, TextIO

from pytest_tinytorch.core.errors import CourseError, MachineError
from pytest_tinytorch.core.free_path import free_path
from pytest_tinytorch.reports.junit import FOR_STUDENT


def set_aside(path: Path) -> Path | None:
    """Rename a file of an earlier run. Returns its new path; None if there was no file."""
    if not os.path.lexists(path):
        return None
    if path.exists() and not (path.is_file() or path.is_dir()):
        # A device, such as /dev/null, must not be renamed.
        raise CourseError(f"{path} is a device or a pipe, no file of an earlier run; name a file")
    aside = free_path(path.parent, f"{path.name}.old")
    try:
        path.replace(aside)
    except OSError as error:
        raise MachineError(f"{path} cannot be moved aside: {error.strerror}") from None
    return aside


class ResultLog:
    """Writes one line of JSON for each test, to the disk before the next test begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: TextIO = path.open("x", encoding="ascii")
        except OSError as error:
            raise MachineError(f"{path} cannot be written: {error.strerror}") from None

    def append(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=True) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def filter_results(xml: Path, target: Path, visible: set[tuple[str, str]], record: str) -> None:
    """Copy JUnit XML without the test cases that are not visible, and with another record.

    visible: (classname, name) of the test cases to keep. The copy is not signed.
    """
    tree = ET.parse(xml)
    for suite in tree.getroot().iter("testsuite"):
        for case in suite.findall("testcase"):
            if (case.get("classname", ""), case.get("name", "")) not in visible:
                suite.remove(case)
        for properties_of_suite in suite.findall("properties"):
            ET.SubElement(properties_of_suite, "property", name=FOR_STUDENT, value="true")
            for entry in properties_of_suite.findall("property"):
                if entry.get("name") == "record_sig":
                    properties_of_suite.remove(entry)
                elif entry.get("name") == "record":
                    entry.set("value", record)
        for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
        suite.set("tests", str(len(suite.findall("testcase"))))
    tree.write(target, encoding="utf-8", xml_declaration=True)
