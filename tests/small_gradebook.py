"""Makes a gradebook of a few items and tests by hand, for tests of what is computed from it."""

from pathlib import Path

from pytest_tinytorch.core.records import Outcome
from pytest_tinytorch.gradebook.entries import Attempt, Result, Trust
from pytest_tinytorch.gradebook.names import key_of
from pytest_tinytorch.gradebook.store import Gradebook

# item -> (kind, title, {test: points})
ITEMS = {
    "00": ("checkpoint", "Environment", {"00/test_a": 1.0, "00/test_b": 2.0}),
    "01": ("checkpoint", "Foundation", {"01/test_c": 4.0, "01/test_d": 8.0}),
    "milestone xor": ("milestone", "XOR", {"milestone xor/test_e": 16.0}),
}


def new_book(path: Path, students: dict[str, str]) -> Gradebook:
    """A gradebook with the items above, and students: name -> section."""
    book = Gradebook(path)
    with book.transaction() as db:
        for position, (item, (kind, title, tests)) in enumerate(ITEMS.items()):
            points = sum(tests.values())
            db.execute(
                "INSERT INTO item VALUES (?, ?, ?, ?, ?)", (item, kind, title, points, position)
            )
            for test in tests.items():
                db.execute("INSERT INTO test (name, points, item) VALUES (?, ?, ?)", (*test, item))
        for name, section in students.items():
            made = db.execute(
                "INSERT INTO student (name, shown, section, state) VALUES (?, ?, ?, 'listed')",
                (name, name.title(), section),
            )
            db.execute("INSERT INTO alias VALUES (?, ?)", (key_of(name), made.lastrowid))
    return book


def attempt(who: str, day: int, passed: str, failed: str = "", **other: object) -> Attempt:
    """An attempt on a day of November. Letters name tests: 'a' is 00/test_a.

    messages, reason and place are those of its failures.
    """
    names = {test[-1]: test for _, _, tests in ITEMS.values() for test in tests}
    why = {key: str(other.get(key, "")) for key in ("reason", "message", "place")}
    results = [Result(names[letter], Outcome.PASSED) for letter in passed]
    results += [Result(names[letter], Outcome.FAILED, **why) for letter in failed]
    items = [
        item for item, (_, _, tests) in ITEMS.items() if set(tests) & {r.test for r in results}
    ]
    return Attempt(
        who=who,
        digest=f"{who} {day} {passed} {failed}",
        source=f"{who}/{day}.xml",
        trust=Trust(str(other.get("trust", "verified"))),
        results=tuple(results),
        items=tuple(items),
        submitted=f"2026-11-{day:02}T12:00:00+00:00" if day else "",
    )
