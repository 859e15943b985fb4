"""Makes the suite properties and student entries of JUnit XML for a graded run.

`hooks.reporters.junit` and `grading.assemble` call it. The record among the properties counts and
is signed; the test cases are for other readers of JUnit XML.
"""

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.groups import Group, test_name
from pytest_tinytorch.core.records import Outcome, RunRecord, TestRecord
from pytest_tinytorch.core.scores import Score, grade_of
from pytest_tinytorch.core.signing import Key

FOR_STUDENT = "students_copy"  # a property of files without hidden tests, which are not signed
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
    """The suite properties of a graded run, with the signature of the record's text.

    `points` and `max_points` are of the suite, the totals of the whole run.
    """
    plain = plain_properties(run)
    grade = grade_of(run)
    properties = _of_suite(run, grade.scores) | {
        **plain,
        "commit": run.commit,
        "course_version": run.version,
        "altered": ", ".join(run.altered),
        "status": run.status,
        "submitted": run.submitted,
        "complete": str(grade.is_complete).lower(),
        "total_points": f"{grade.points:g}",
        "total_max_points": f"{grade.max_points:g}",
    }
    return properties | ({"record_sig": key.sign(plain["record"])} if key else {})


def suite_name(run: RunRecord, groups: Sequence[Group]) -> str:
    """`ana: checkpoint 01`; for several groups in one suite, the student alone."""
    who = run.student or run.course
    return f"{who}: {groups[0].kind} {groups[0].id}" if len(groups) == 1 else who


def junit_text(
    course: Course,
    run: RunRecord,
    key: Key | None,
    seconds: Mapping[str, float],
    for_student: bool = False,
) -> str:
    """A graded run as a whole file, with a suite for each group of tests.

    The first suite has the record and the totals. seconds: test -> its duration. Two runs with
    the same result have the same text, apart from the attributes `time`.
    """
    root = ET.Element("testsuites", name=_allowed(run.student or run.course))
    _count(root, run.tests, seconds)
    first = evidence(run, key) | ({FOR_STUDENT: "true"} if for_student else {})
    for score in grade_of(run).scores:
        tests = run.of(score.group)
        suite = ET.SubElement(root, "testsuite", name=_allowed(suite_name(run, [score.group])))
        _count(suite, tests, seconds)
        properties = ET.SubElement(suite, "properties")
        for name, value in (first | _of_suite(run, [score])).items():
            ET.SubElement(properties, "property", name=name, value=_allowed(value))
        first = {}
        for test in tests:
            _add_case(suite, course, test, seconds.get(test.id, 0.0))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


_NAMES = {"error": "errors", "failure": "failures", "skipped": "skipped"}


def _of_suite(run: RunRecord, scores: Sequence[Score]) -> dict[str, str]:
    """The properties of every suite."""
    groups = [str(score.group) for score in scores]
    return {
        "student": run.student,
        "group": ", ".join(groups),
        "points": f"{sum(score.points for score in scores):g}",
        "max_points": f"{sum(score.max_points for score in scores):g}",
        "undecided": str(sum(score.undecided for score in scores)),
        "sources": ", ".join(dict.fromkeys(run.earlier.get(g, run.sources) for g in groups)),
    }


def _count(element: ET.Element, tests: Sequence[TestRecord], seconds: Mapping[str, float]) -> None:
    element.set("tests", str(len(tests)))
    for tag, name in _NAMES.items():
        if tag != "skipped" or element.tag == "testsuite":
            element.set(name, str(sum(_TAGS.get(test.outcome) == tag for test in tests)))
    element.set("time", f"{sum(seconds.get(test.id, 0.0) for test in tests):.3f}")


def _add_case(suite: ET.Element, course: Course, test: TestRecord, seconds: float) -> None:
    case = ET.SubElement(suite, "testcase", name=test_name(test.id), time=f"{seconds:.3f}")
    case.set("classname", _class_name(course, test.group))
    tag = _TAGS.get(test.outcome)
    if tag is not None:
        found = ET.SubElement(case, tag, type=test.reason.value or test.outcome.value)
        found.set("message", _allowed(test.message or test.outcome.value))
        found.text = _allowed(_details(test))


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
