"""What Gradescope's specification of `results.json` allows, as a table of fields and types."""

from typing import Any

_VISIBILITIES = {"visible", "hidden", "after_due_date", "after_published"}
_FORMATS = {"text", "html", "simple_format", "md", "ansi"}

# field: the type, or the words that are allowed
_TOP: dict[str, Any] = {
    "score": float,
    "execution_time": float,
    "output": str,
    "output_format": _FORMATS,
    "test_output_format": _FORMATS,
    "test_name_format": _FORMATS,
    "visibility": _VISIBILITIES,
    "stdout_visibility": _VISIBILITIES,
    "extra_data": dict,
    "tests": list,
    "leaderboard": list,
}
_TEST: dict[str, Any] = {
    "score": float,
    "max_score": float,
    "status": {"passed", "failed"},
    "name": str,
    "name_format": _FORMATS,
    "number": str,
    "output": str,
    "output_format": _FORMATS,
    "tags": list,
    "visibility": _VISIBILITIES,
    "extra_data": dict,
}
_ENTRY: dict[str, Any] = {"name": str, "value": float, "order": {"asc", "desc"}}


def violations(made: dict[str, Any]) -> list[str]:
    """What in a file the specification does not allow."""
    found = _wrong("top", made, _TOP)
    for number, test in enumerate(made.get("tests", ())):
        found += _wrong(f"tests[{number}]", test, _TEST)
        found += [f"tests[{number}] tag {tag!r}" for tag in test["tags"] if type(tag) is not str]
        if not 0 <= test["score"] <= test["max_score"]:
            found.append(f"tests[{number}] has {test['score']} of {test['max_score']}")
    for number, entry in enumerate(made.get("leaderboard", ())):
        found += _wrong(f"leaderboard[{number}]", entry, _ENTRY)
    return found


def has_score(made: dict[str, Any]) -> bool:
    """Whether Gradescope finds a score: at the top, or at each of some tests."""
    tests = made.get("tests", ())
    return "score" in made or (bool(tests) and all("score" in test for test in tests))


def _wrong(place: str, entry: dict[str, Any], fields: dict[str, Any]) -> list[str]:
    return [
        f"{place} {name} = {value!r}"
        for name, value in entry.items()
        if name not in fields or not _fits(value, fields[name])
    ]


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, set):
        return value in wanted
    if wanted is float:  # JSON has one kind of number, and true is none
        return type(value) in (int, float)
    return type(value) is wanted
