"""Makes the suite properties and student entries of JUnit XML for a graded run.

`hooks.reporters.junit` and `grading.assemble` call it. The record among the properties counts and
is signed; the test cases are for other readers of JUnit XML.
"""

import json
import xml.etree.ElementTree as ET

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.groups import Group, test_name
from pytest_tinytorch.core.records import Outcome, RunRecord, TestRecord
from pytest_tinytorch.core.signing import Key

_TAGS = {
    Outcome.FAILED: "failure",
    Outcome.ERROR: "error",
    Outcome.MISSING: "error",
    Outcome.SKIPPED: "skipped",
}


def plain_properties(run: RunRecord) -> dict[str, str]:
    """The suite properties of any run: the record as ASCII, and some facts for people."""
    return {
        "course": run.course,
        "seed": str(run.seed),
        "isolation": run.isolation,
        "record": json.dumps(run.to_json(), ensure_ascii=True),
    }


def evidence(run: RunRecord, key: Key | None) -> dict[str, str]:
    """The suite properties of a graded run, with the signature of the record's text."""
    plain = plain_properties(run)
    properties = plain | {
        "student": run.student,
        "commit": run.commit,
        "course_version": run.version,
        "altered": ", ".join(run.altered),
    }
    return properties | ({"record_sig": key.sign(plain["record"])} if key else {})


def junit_text(course: Course, run: RunRecord, key: Key | None) -> str:
    """A graded run as a whole file. Two runs with the same result have the same text."""
    root = ET.Element("testsuites", name="pytest tests")
    counts = {tag: sum(_TAGS.get(test.outcome) == tag for test in run.tests) for tag in _NAMES}
    suite = ET.SubElement(root, "testsuite", name="pytest", tests=str(len(run.tests)))
    for tag, name in _NAMES.items():
        suite.set(name, str(counts[tag]))
    properties = ET.SubElement(suite, "properties")
    for name, value in evidence(run, key).items():
        ET.SubElement(properties, "property", name=name, value=_allowed(value))
    for test in run.tests:
        _add_case(suite, course, test)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


_NAMES = {"error": "errors", "failure": "failures", "skipped": "skipped"}


def _add_case(suite: ET.Element, course: Course, test: TestRecord) -> None:
    case = ET.SubElement(suite, "testcase", name=test_name(test.id))
    case.set("classname", _class_name(course, test.group))
    tag = _TAGS.get(test.outcome)
    if tag is not None:
        ET.SubElement(case, tag, message=_allowed(test.message)).text = _allowed(_details(test))


def _class_name(course: Course, group: Group) -> str:
    """The name of a test's file in pytest's XML: `checkpoints.checkpoint_01_foundation`."""
    found = course.collection_of(group)
    folder, _, file = found.file.removesuffix(".py").rpartition("/") if found else ("", "", "")
    return f"{group.kind if group.is_hidden else folder}.{file}".replace("/", ".")


def _details(test: TestRecord) -> str:
    parts = [test.message, *(f"at {location}" for location in test.locations)]
    return "\n".join(part for part in (*parts, test.hint and f"hint: {test.hint}") if part)


def _allowed(text: str) -> str:
    """The text without characters that XML 1.0 cannot represent: controls, lone surrogates."""
    return "".join(
        c if c in "\t\n" or (" " <= c <= "\ud7ff") or ("\ue000" <= c <= "\ufffd") or c > "\uffff"
        else "?"
        for c in text
    )  # fmt: skip
