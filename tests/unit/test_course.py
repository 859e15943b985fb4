"""course.toml: what it says is found again, and each mistake is one line with its place and fix."""

from pathlib import Path

import pytest
from mini_course import make_course

from pytest_tinytorch.course import load_course
from pytest_tinytorch.errors import CourseError

MISTAKES = {
    "not TOML": ('id = "mini"', 'id = "mini', "course.toml is not valid TOML: ", "Mend that line."),
    "format": ("format = 1", "format = 7", "format: 7 is unknown; this harness reads 1."),
    "typo in a course key": (
        'title = "Mini"',
        'titel = "Mini"',
        "[course]: unknown key 'titel' (did you mean 'title'?); valid: id, title, package",
    ),
    "typo in a module key": (
        'name = "02_words"\nneeds',
        'name = "02_words"\nneed',
        "[[module]] 02_words: unknown key 'need' (did you mean 'needs'?); valid: name, needs",
    ),
    "typo in a checkpoint key": (
        'question = "Can I add?"',
        'qestion = "Can I add?"',
        "[[checkpoint]] 00: unknown key 'qestion' (did you mean 'question'?)",
    ),
    "typo in a table": ("[course]", "[corse]\n[course]", "the file: unknown key 'corse'"),
    "key missing": (
        'title = "Mini"\n',
        "",
        "[course]: key 'title' is missing; add it, a string.",
    ),
    "wrong type": (
        "points = 16",
        'points = "16"',
        "[course]: points = '16'; write a whole number.",
    ),
    "truth for a number": ("points = 16", "points = true", "[course]: points = True; write a"),
    "wrong list": (
        'phases = ["First", "Second"]',
        "phases = [1]",
        "[course]: phases = [1]; write a list of strings.",
    ),
    "exports": (
        'exports = {"core.words" = ["shout"]}',
        'exports = {"core.words" = "shout"}',
        "[[module]] 02_words: exports of 'core.words'; write a list of names",
    ),
    "module's name": (
        'name = "02_words"',
        'name = "2-words"',
        "[[module]] 2-words: name '2-words'; write two digits and a word: '02_tensor'.",
    ),
    "unknown need": (
        'name = "02_words"\nneeds = ["01_numbers"]',
        'name = "02_words"\nneeds = ["01_number"]',
        "[[module]] 02_words: needs '01_number' is unknown (did you mean '01_numbers'?); valid: 01",
    ),
    "cycle": (
        'name = "01_numbers"\nneeds = []',
        'name = "01_numbers"\nneeds = ["02_words"]',
        "[[module]] 01_numbers: needs form a cycle: 01_numbers -> 02_words -> 01_numbers; remove",
    ),
    "needs a later one": (
        'name = "01_numbers"\nneeds = []',
        'name = "01_numbers"\nneeds = ["04_more"]',
        "[[module]] 01_numbers: needs the later '04_more'; a module needs earlier ones.",
    ),
    "number twice": (
        'name = "02_words"',
        'name = "01_words"',
        "[[module]] 01: number '01' stands twice; rename one.",
    ),
    "target twice": (
        '"core.words" = ["shout"]',
        '"core.numbers" = ["shout"]',
        "[[module]] core.numbers: export target 'core.numbers' stands twice",
    ),
    "public name twice": ('["shout"]', '["add"]', "[[module]] add: public name 'add' stands twice"),
    "checkpoint id twice": (
        'id = "01"',
        'id = "00"',
        "[[checkpoint]] 00: id '00' stands twice; rename one.",
    ),
    "unknown module": (
        'module = "02_words"',
        'module = "02_word"',
        "[[checkpoint]] 01: module '02_word' is unknown (did you mean '02_words'?)",
    ),
    "unknown phase": (
        'phase = "First"',
        'phase = "Fist"',
        "[[checkpoint]] 00: phase 'Fist' is unknown (did you mean 'First'?); valid: First, Second.",
    ),
    "file missing": (
        'name = "Words"',
        'name = "Wrds"',
        "[[checkpoint]] 01: checkpoints/checkpoint_01_wrds.py is missing; add the file, or set",
    ),
    "points": (
        "points = 16",
        "points = 17",
        "[course]: points = 17, but the checkpoints add up to 16; write points = 16",
    ),
    "no points": (
        "points = 4",
        "points = 0",
        "[[checkpoint]] 01: points = 0; write a positive whole number.",
    ),
}
MORE = """
[[module]]
name = "04_more"
needs = []
points = 5
written = false
exports = {}
"""


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_place_and_fix(tmp_path, mistake):
    old, new, *parts = mistake
    path = make_course(tmp_path) / "course.toml"
    text = path.read_text() + MORE
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CourseError) as error:
        load_course(tmp_path)
    message = str(error.value)
    assert message.startswith("course.toml") and "\n" not in message
    assert [part for part in parts if part not in message] == [], message


def test_no_file(tmp_path):
    with pytest.raises(CourseError, match=r"^course\.toml cannot be read: No such file"):
        load_course(tmp_path)


def test_not_utf8(tmp_path):
    (tmp_path / "course.toml").write_bytes(b'[course]\nid = "\xff"')
    with pytest.raises(CourseError, match=r"^course\.toml is not valid TOML"):
        load_course(tmp_path)


def test_the_small_course(course):
    assert [m.name for m in course.modules] == ["01_numbers", "02_words", "03_later"]
    numbers, words, later = course.modules
    assert (numbers.id, numbers.topic) == ("01", "numbers")
    assert (numbers.written, later.written) == (True, False)
    assert course.with_needs(words) == (numbers, words)
    assert course.target_file("core.words") == course.root / "mini/core/words.py"
    assert course.source_name(words) == "src/02_words.py"
    assert course.module_exporting("core.words") == words
    assert course.module_exporting("core.none") is None
    assert course.checkpoint_of(words).file == "checkpoints/checkpoint_01_words.py"


def test_the_whole_course_is_that_of_the_curriculum():
    course = load_course(Path(__file__).parents[2])
    assert [m.id for m in course.modules] == [f"{n:02}" for n in range(1, 17)]
    assert [c.id for c in course.checkpoints] == [f"{n:02}" for n in range(16)]
    assert all(int(c.module[:2]) == int(c.id) + 1 for c in course.checkpoints)
    phases = {c.id: c.phase for c in course.checkpoints}
    first = {phase: min(i for i in phases if phases[i] == phase) for phase in course.phases}
    assert list(first) == ["Foundation", "Architecture", "Training", "Inference", "Serving"]
    assert list(first.values()) == ["00", "03", "07", "11", "14"]
    training = course.module_by_name["11_training"]
    assert [m.id for m in course.with_needs(training)] == ["02", "03", "04", "08", "09", "10", "11"]
    public = [n for m in course.modules for names in m.exports.values() for n in names]
    assert {"Tensor", "Conv2d", "TinyGPT", "manual_seed", "no_grad"} <= set(public)
