"""What pytest's own schema of JUnit XML allows (`junit-10.xsd` in its repository), as a table."""

import re
import xml.etree.ElementTree as ET

_WORDS = {"type", "message"}
# element: (required attributes, optional attributes, elements inside)
_ALLOWED = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log"}
        | {"url", "version"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), _WORDS, set()),
    "error": (set(), _WORDS, set()),
    "skipped": (set(), _WORDS, set()),
    "system-out": (set(), set(), set()),
    "system-err": (set(), set(), set()),
}
_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?")


def violations(root: ET.Element) -> list[str]:
    """What in a tree the schema does not allow."""
    found = [] if root.tag == "testsuites" else [f"the root is <{root.tag}>"]
    for element in root.iter():
        if element.tag not in _ALLOWED:
            found.append(f"<{element.tag}> is unknown")
            continue
        required, optional, inside = _ALLOWED[element.tag]
        names = set(element.keys())
        found += [f"<{element.tag}> without {name}" for name in required - names]
        found += [f"<{element.tag} {name}>" for name in names - required - optional]
        found += [
            f"<{child.tag}> in <{element.tag}>" for child in element if child.tag not in inside
        ]
        if element.tag.startswith("testsuite") and not _TIME.fullmatch(element.get("time", "")):
            found.append(f"<{element.tag} time={element.get('time')!r}>")
    return found
