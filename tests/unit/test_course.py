"""course.toml: what it says is found again, and each mistake is one line with its place and fix."""

import os
from pathlib import Path

import pytest
from mini_course import add_demos, make_course, make_course_with_milestone

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.discovery import course_root
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.groups import Group, Kind, checkpoint_group, hidden_group

MISTAKES = {
    "not TOML": ('id = "mini"', 'id = "mini', "course.toml is not valid TOML: ", "Fix that line."),
    "format": ("format = 1", "format = 7", "format: 7 is unknown; this harness reads 1."),
    "typo in a course key": (
        'title = "Mini"',
        'titel = "Mini"',
        "[course]: unknown key 'titel' (did you mean 'title'?); valid: id, title, version",
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
        "[[module]] 2-words: name '2-words'; write two digits and a name: '02_tensor'.",
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
        "[[module]] 01: number '01' appears twice; rename one.",
    ),
    "target twice": (
        '"core.words" = ["shout"]',
        '"core.numbers" = ["shout"]',
        "[[module]] core.numbers: export target 'core.numbers' appears twice",
    ),
    "public name twice": (
        '["shout"]',
        '["add"]',
        "[[module]] add: public name 'add' appears twice",
    ),
    "checkpoint id twice": (
        'id = "01"',
        'id = "00"',
        "[[checkpoint]] 00: id '00' appears twice; rename one.",
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
    "no points in a module": (
        'needs = ["01_numbers"]\npoints = 5\nwritten = true',
        'needs = ["01_numbers"]\npoints = 0\nwritten = true',
        "[[module]] 02_words: points = 0; write a positive whole number.",
    ),
    "negative points": (
        "points = 7",
        "points = -7",
        "[[checkpoint]] 00: points = -7; write a positive whole number.",
    ),
    "points that are no number": ("points = 7", "points = 7.5", "[[checkpoint]] 00: points = 7.5;"),
    "name twice": (
        'name = "02_words"',
        'name = "01_numbers"',
        "[[module]] 01_numbers: name '01_numbers' appears twice; rename one.",
    ),
    "checkpoint name twice": (
        'name = "Words"',
        'name = "NUMBERS"',
        "[[checkpoint]] numbers: name 'numbers' appears twice; rename one.",
    ),
    "two checkpoints of a module": (
        'module = "02_words"',
        'module = "01_numbers"',
        "[[checkpoint]] 01_numbers: module '01_numbers' appears twice; rename one.",
    ),
    "public name twice in one module": (
        '["add", "double", "mean"]',
        '["add", "double", "add"]',
        "[[module]] add: public name 'add' appears twice; rename one.",
    ),
    "needs itself": (
        'name = "01_numbers"\nneeds = []',
        'name = "01_numbers"\nneeds = ["01_numbers"]',
        "[[module]] 01_numbers: needs form a cycle: 01_numbers -> 01_numbers; remove one need.",
    ),
    "a cycle of three": (
        'name = "01_numbers"\nneeds = []',
        'name = "01_numbers"\nneeds = ["05_last"]',
        "needs form a cycle: 01_numbers -> 05_last -> 02_words -> 01_numbers; remove one need.",
    ),
    "type of a module's key": (
        "written = true",
        'written = "yes"',
        "[[module]] 01_numbers: written = 'yes'; write a true or false.",
    ),
    "needs that are no list": (
        'needs = ["01_numbers"]',
        'needs = "01_numbers"',
        "[[module]] 02_words: needs = '01_numbers'; write a list of strings.",
    ),
    "type of the optional key": (
        "written = true",
        "written = true\nexample = 3",
        "[[module]] 01_numbers: example = 3; write a string.",
    ),
    "type of a checkpoint's key": (
        'id = "00"',
        "id = 0",
        "[[checkpoint]] 0: id = 0; write a string.",
    ),
    "module's name missing": (
        'name = "02_words"\n',
        "",
        "[[module]] number 2: key 'name' is missing; add it, a string.",
    ),
    "module's name without a word": (
        'name = "02_words"',
        'name = "02"',
        "[[module]] 02: name '02'; write two digits and a name: '02_tensor'.",
    ),
    "module's number of one digit": (
        'name = "02_words"',
        'name = "2_words"',
        "[[module]] 2_words: name '2_words'; write two digits and a name: '02_tensor'.",
    ),
    "module's number in letters": (
        'name = "02_words"',
        'name = "ab_words"',
        "[[module]] ab_words: name 'ab_words'; write two digits and a name: '02_tensor'.",
    ),
    "checkpoint's id missing": (
        'id = "01"\n',
        "",
        "[[checkpoint]] number 2: key 'id' is missing; add it, a string.",
    ),
    "checkpoint's key missing": (
        'you_can = "shout"\n',
        "",
        "[[checkpoint]] 01: key 'you_can' is missing; add it, a string.",
    ),
    "no format": ("format = 1", "", "the file: key 'format' is missing; add it, a whole number."),
    "format as text": (
        "format = 1",
        'format = "1"',
        "the file: format = '1'; write a whole number.",
    ),
}
# What a hostile or careless course.toml says in the place of a name, a folder, a text or a number.
UNSAFE = {
    **{
        f"package {name}": ('package = "mini"', f"package = {name!r}", "[course]: package = ", fix)
        for fix, names in {
            "write a Python name that is not one of Python's own modules: 'tinytorch'.": (
                "",
                "..",
                "../evil",
                "/tmp/evil",
                "a.b",
                "a/b",
                "a b",
                "import",
                "__main__",
                "json",
                "con",
                "Lpt1",
                "\uff4dini",
                "x" * 81,
                "c:x",
                "mini-x",
            ),
            "choose another name: that folder is for other files.": (
                "checkpoints",
                "Checkpoints",
                "data",
                "src",
                "SRC",
                "hidden",
                "pytest_tinytorch",
            ),
        }.items()
        for name in names
    },
    **{
        f"sources {name}": ('sources = "src"', f"sources = {name!r}", "[course]: sources = ", fix)
        for fix in ["write a folder below the course: 'src_modules'."]
        for name in (
            "",
            ".",
            "..",
            "../src",
            "/etc",
            "a/../../b",
            "c:src",
            "-rf",
            "~",
            ".git",
            ".hidden",
            "src/",
            "nul",
            "a/con.x",
            "a|b",
            "src.",
        )
    },
    **{
        f"target {name}": ('"core.words"', f'"{name}"', "02_words: export target ", fix)
        for fix in ["write Python names with dots between them: 'core.tensor'."]
        for name in (
            "",
            "..",
            "/tmp/evil",
            "core/../../evil",
            "core.",
            ".core",
            "core..x",
            "core.if",
            "a-b",
            "__init__",
            "core.__main__",
            "core.nul",
            "COM1.x",
            "a b",
            "core.\uff4d",
            "a." * 30 + "a",
        )
    },
    **{
        f"public name {name}": ('["shout"]', f"[{name!r}]", "02_words: public name ", fix)
        for fix in ["write names as in Python: 'Tensor'."]
        for name in ("", "a.b", "a b", "def", "__all__", "a-b")
    },
    **{
        f"module {name}": ('name = "02_words"', f'name = "{name}"', "write two digits and a name")
        for name in (
            "02_",
            "02_a/b",
            "../02_a",
            "\u0660\u0661_a",
            "02_a.b",
            "002_a",
            "02_" + "a" * 90,
        )
    },
    **{
        f"checkpoint id {name}": ('id = "01"', f'id = "{name}"', "write two digits: '05'.")
        for name in ("", "1", "../1", "a1", "\u0660\u0661", "001", "01 ", "::")
    },
    **{
        f"checkpoint name {name}": (
            'name = "Words"',
            f'name = "{name}"',
            "write letters and digits without spaces",
        )
        for name in ("", "../x", "a b", "a/b", "a::b", "[a]", "/etc/passwd", "W" * 81)
    },
    **{
        f"text {name!r}": ('question = "Can I add?"', f"question = {text}", "write at most 300")
        for name in ("\n", "\x1b", "\u202e", "\u2028", "x" * 301)
        for text in [f'"{name}"' if name.isprintable() else f'"a\\u{ord(name):04x}b"']
    },
    "a phase of two lines": (
        'phases = ["First", ',
        'phases = ["a\\nb", ',
        "phases = 'a\\nb'; write at",
    ),
    "points beyond count": (
        "points = 7",
        "points = 1000001",
        "points = 1000001; write at most 1000000",
    ),
    "seconds beyond count": (
        "seconds_per_test = 5",
        "seconds_per_test = 99999999",
        "write at most",
    ),
    "a number too long to read": (
        "points = 7",
        f"points = {'9' * 5000}",
        "is not valid TOML: Exceeds",
    ),
    "a key of many parts": ("points = 7", f"{'a.' * 101}b = 7", "a line has more than 100 dots"),
    "nested deeply": ("points = 7", f"points = {'[' * 5000}", "is not valid TOML: "),
    "targets but for case": (
        '"core.words"',
        '"core.Numbers"',
        "(ignoring case) 'core.numbers' appears",
    ),
    "a target that is a folder": (
        '"core.words"',
        '"core"',
        "export target 'core' is also a folder",
    ),
    "imported first": (
        'import_first = ""',
        'import_first = "os.path"',
        "import_first 'os.path' is unk",
    ),
    "a name with a newline in a message": (
        'name = "02_words"',
        'name = "a\\nb"',
        "[[module]] a\\x0ab: ",
    ),
}
MORE = """
[[module]]
name = "04_more"
needs = []
points = 5
written = false
exports = {}
[[module]]
name = "05_last"
needs = ["02_words"]
points = 5
written = false
exports = {}
"""


@pytest.mark.parametrize(
    "mistake",
    [*MISTAKES.values(), *UNSAFE.values()],
    ids=[*MISTAKES, *(name.encode("unicode_escape").decode()[:40] for name in UNSAFE)],
)
def test_a_mistake_is_one_line_with_place_and_fix(tmp_path, mistake):
    old, new, *parts = mistake
    path = make_course(tmp_path) / "course.toml"
    text = path.read_text() + MORE
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(CourseError) as error:
        load_course(tmp_path)
    message = str(error.value)
    assert message.startswith("course.toml") and "\n" not in message
    assert [part for part in parts if part not in message] == [], message


def test_modules_that_are_no_list(tmp_path):
    path = make_course(tmp_path) / "course.toml"
    text = path.read_text()
    one, _, rest = text.partition("[[module]]")
    _, checkpoint, checkpoints = rest.partition("[[checkpoint]]")
    path.write_text(f"{one}[module]\n{checkpoint}{checkpoints}")
    with pytest.raises(CourseError) as error:
        load_course(tmp_path)
    assert str(error.value) == "course.toml: the file: module = {}; write a list of tables."


def test_without_any_mistake_the_text_of_these_tests_is_a_course(tmp_path):
    path = make_course(tmp_path) / "course.toml"
    path.write_text(path.read_text() + MORE)
    modules = load_course(tmp_path).modules
    assert [module.name[:2] for module in modules] == ["01", "02", "03", "04", "05"]


def test_a_checkpoint_of_a_planned_module_needs_no_file(course):
    assert not (course.root / "checkpoints/checkpoint_02_later.py").exists()
    assert [course.is_written(checkpoint) for checkpoint in course.checkpoints] == [
        True,
        True,
        False,
    ]


def test_needs_are_followed_through_and_each_module_stands_once_in_the_courses_order(tmp_path):
    path = make_course(tmp_path) / "course.toml"
    # 05 needs 01 only because 02 does, and names what it needs in no order.
    more = MORE.replace('needs = ["02_words"]', 'needs = ["04_more", "02_words"]')
    path.write_text(path.read_text() + more)
    course = load_course(tmp_path)
    numbers, words, later, other, last = course.modules
    assert course.with_needs(last) == (numbers, words, other, last)
    assert course.with_needs(later) == (numbers, later)
    assert course.with_needs(numbers) == (numbers,)


def test_one_point_is_enough(tmp_path):
    path = make_course(tmp_path) / "course.toml"
    text = path.read_text().replace("points = 4", "points = 1").replace("= 16", "= 13")
    path.write_text(text.replace("points = 5\nwritten", "points = 1\nwritten"))
    course = load_course(tmp_path)
    assert [checkpoint.points for checkpoint in course.checkpoints] == [7, 1, 5]
    assert [module.points for module in course.modules] == [1, 1, 1]


def test_an_example_is_optional(tmp_path):
    path = make_course(tmp_path) / "course.toml"
    text = path.read_text()
    path.write_text(text.replace("written = true", 'written = true\nexample = "MLP()"', 1))
    assert [module.example for module in load_course(tmp_path).modules] == ["MLP()", "", ""]


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
    assert course.checkpoint_of(words).file == "checkpoints/checkpoint_01_words.py"


def test_a_reply_has_a_limit_where_no_file_names_one(course):
    assert course.limits.reply_mib == 64  # course.toml of the small course is an older one
    text = (course.root / "course.toml").read_text()
    own = f"{text}\n[checkpoint.limits]\nreply_mib = 8\n"  # of the last checkpoint
    (course.root / "course.toml").write_text(own)
    limits = [checkpoint.limits.reply_mib for checkpoint in load_course(course.root).checkpoints]
    assert limits == [64, 64, 8]


def test_the_whole_course_is_that_of_the_curriculum():
    course = load_course(Path(__file__).parents[2])
    assert [m.id for m in course.modules] == [f"{n:02}" for n in range(1, 17)]
    assert [c.id for c in course.checkpoints] == [f"{n:02}" for n in range(16)]
    assert all(int(c.module[:2]) == int(c.id) + 1 for c in course.checkpoints)
    phases = {c.id: c.phase for c in course.checkpoints}
    first = {phase: min(i for i in phases if phases[i] == phase) for phase in course.phases}
    assert list(first) == ["Foundation", "Architecture", "Training", "Inference", "Serving"]
    assert list(first.values()) == ["00", "03", "07", "11", "14"]
    layers, training = (course.module_by_name[name] for name in ("05_dense", "11_training"))
    assert [m.id for m in course.with_needs(layers)] == ["02", "03", "04", "05"]
    others = [m.id for m in course.modules[:11] if m not in course.with_needs(training)]
    assert others == ["05"]
    public = [n for m in course.modules for names in m.exports.values() for n in names]
    assert {"Tensor", "Conv2d", "TinyGPT", "manual_seed", "no_grad"} <= set(public)


@pytest.mark.parametrize(
    "old, new",
    [
        ('package = "mini"', 'package = "netz_größe2"'),
        ('sources = "src"', 'sources = "my notebooks/week 1"'),
        ("03_later", "03_lambda"),
        ('"core.words"', '"words"'),
        ('"core.words"', '"a.b.c.words"'),
        ("points = 5\nwritten = false", "points = 1000000\nwritten = false"),
        ('question = "Can I add?"', 'question = "Можно? 🎉"'),
    ],
)
def test_other_names_are_as_good(tmp_path, old, new):
    path = make_course(tmp_path) / "course.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new), "utf-8")
    load_course(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.timeout(30)
def test_a_pipe_or_a_large_file_keeps_nobody_waiting(tmp_path):
    path = make_course(tmp_path) / "course.toml"
    path.write_text(path.read_text() + "#" * 2**18)
    with pytest.raises(CourseError, match="cannot be read: has more than 262144 bytes"):
        load_course(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CourseError, match=r"course\.toml cannot be read: is not a plain file"):
        load_course(tmp_path)
    assert course_root(tmp_path) is None


MILESTONE_MISTAKES = {
    "typo in a key": (
        'claim = "It',
        'clam = "It',
        "[[milestone]] greeting: unknown key 'clam' (did you mean 'claim'?); valid: id, name",
    ),
    "key missing": (
        'you_can = "greet anybody"\n',
        "",
        "[[milestone]] greeting: key 'you_can' is missing; add it, a string.",
    ),
    "unknown need": (
        '["01_numbers", "02_words"]',
        '["01_numbers", "02_word"]',
        "[[milestone]] greeting: needs '02_word' is unknown (did you mean '02_words'?); valid: 01_",
    ),
    "no need": (
        '["01_numbers", "02_words"]',
        "[]",
        "[[milestone]] greeting: needs = []; write at least one word.",
    ),
    "no name": ('"A machine that greets"', '""', "greeting: name = ''; write at least one word."),
    "points": ("points = 3", "points = 0", "greeting: points = 0; write a positive whole number."),
    "sum": (
        "points = 19",
        "points = 16",
        "[course]: points = 16, but the checkpoints and milestones add up to 19; write points = 19",
    ),
    "file missing": (
        'id = "greeting"',
        'id = "farewell"',
        "[[milestone]] farewell: milestones/farewell/test_farewell.py is missing; add the file, or"
        " set `written = false` in it.",
    ),
    "limits": (
        "{seconds_per_test = 4}",
        "{seconds_per_tests = 4}",
        "[[milestone]] greeting limits: unknown key 'seconds_per_tests'",
    ),
    "no tables": (
        "[[milestone]]",
        "[milestone]",
        "the file: milestone = {",
    ),
    "no ladder": (
        'ladder = "talking"\n',
        "",
        "[[milestone]] greeting: key 'ladder' is missing; add it, a string.",
    ),
    "unknown ladder": (
        'ladder = "talking"',
        'ladder = "talkin"',
        "[[milestone]] greeting: ladder 'talkin' is unknown (did you mean 'talking'?); valid: talk",
    ),
    "no ladders at all": (
        'ladders = ["talking"]\n',
        "",
        "[[milestone]] greeting: ladder 'talking' is unknown; name the ladders in [course]:"
        ' ladders = ["talking"].',
    ),
    "ladder twice": (
        'ladders = ["talking"]',
        'ladders = ["talking", "talking"]',
        "[course] talking: ladder 'talking' appears twice; rename one.",
    ),
    "ladders as text": (
        'ladders = ["talking"]',
        'ladders = "talking"',
        "[course]: ladders = 'talking'; write a list of strings.",
    ),
    "year as text": (
        "points = 3",
        'points = 3\nyear = "1957"',
        "[[milestone]] greeting: year = '1957'; write a whole number.",
    ),
    "no year of ours": (
        "points = 3",
        "points = 3\nyear = 0",
        "[[milestone]] greeting: year = 0; write a year, such as 1957.",
    ),
    "planned or not": (
        "points = 3\nwritten = true\n",
        "points = 3\n",
        "[[milestone]] greeting: key 'written' is missing; add it, a true or false.",
    ),
    "a number of its own": (
        "points = 3",
        "points = 3\nnumber = 1",
        "[[milestone]] greeting: unknown key 'number'",
    ),
    **{
        f"id {name}": (
            'id = "greeting"',
            f'id = "{name}"',
            f"[[milestone]] {name}: id {name!r}; write a word in lower case other than 'all'",
        )
        for name in ("", "all", "Greeting", "05", "a b", "../x", "a/b", "a::b", "con", "a-b")
    },
}


@pytest.mark.parametrize("old, new, line", MILESTONE_MISTAKES.values(), ids=MILESTONE_MISTAKES)
def test_a_mistake_in_a_milestone_is_one_line(tmp_path, old, new, line):
    path = make_course_with_milestone(tmp_path) / "course.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(CourseError) as error:
        load_course(tmp_path)
    assert line in str(error.value) and "\n" not in str(error.value)


def test_two_milestones_have_different_ids_and_names(tmp_path):
    path = make_course_with_milestone(tmp_path) / "course.toml"
    text = path.read_text()
    entry = text[text.index("[[milestone]]") :]
    path.write_text(text + entry)
    with pytest.raises(CourseError, match="id 'greeting' appears twice; rename one"):
        load_course(tmp_path)
    path.write_text(text + entry.replace('"greeting"', '"again"'))
    with pytest.raises(CourseError, match="name 'a machine that greets' appears twice"):
        load_course(tmp_path)


def test_collections_of_both_kinds(tmp_path):
    course = load_course(make_course_with_milestone(tmp_path))
    numbers, words, _, greeting = course.collections
    group = Group(Kind.MILESTONE, "greeting")
    assert course.collection_of(group) is greeting and greeting.group == group
    assert course.collection_of(checkpoint_group("00")) is numbers
    assert course.collection_of(hidden_group("00")) is numbers
    assert course.collection_of(Group(Kind.MODULE, "01")) is None
    assert course.collection_of(checkpoint_group("greeting")) is None
    assert course.limits_of(group).seconds_per_test == 4
    assert course.limits_of(group).seconds_per_call == course.limits.seconds_per_call
    assert greeting.file == "milestones/greeting/test_greeting.py"
    assert [m.id for m in course.modules_of(words)] == ["01", "02"]
    assert [m.id for m in course.needs_of(words)] == ["01"]
    assert [m.id for m in course.needs_of(greeting)] == ["01", "02"]


def test_a_milestone_that_needs_a_module_to_come_is_not_there_yet(tmp_path):
    path = make_course_with_milestone(tmp_path) / "course.toml"
    later = path.read_text().replace('["01_numbers", "02_words"]', '["01_numbers", "03_later"]')
    path.write_text(later.replace('id = "greeting"', 'id = "farewell"'))
    course = load_course(tmp_path)
    assert [course.is_written(c) for c in course.collections] == [True, True, False, False]


def test_a_planned_milestone_needs_no_file(tmp_path):
    path = make_course_with_milestone(tmp_path) / "course.toml"
    old, new = "points = 3\nwritten = true", "points = 3\nwritten = false"
    path.write_text(path.read_text().replace(old, new).replace('id = "greeting"', 'id = "wave"'))
    course = load_course(tmp_path)
    (wave,) = course.milestones
    assert not course.is_written(wave) and not (tmp_path / wave.file).exists()


def test_milestones_are_counted_by_ladder(tmp_path):
    path = make_course_with_milestone(tmp_path) / "course.toml"
    text = path.read_text().replace("points = 19", "points = 28")
    text = text.replace('["talking"]', '["talking", "walking"]')
    entry = text[text.index("[[milestone]]") :].replace("written = true", "written = false")
    more = {"step": ("walking", 1969), "wave": ("talking", 1844), "run": ("walking", None)}
    for word, (ladder, year) in more.items():
        other = entry.replace('"greeting"', f'"{word}"').replace("A machine that greets", word)
        dated = f"points = 3\nyear = {year}" if year else "points = 3"
        text += other.replace("talking", ladder).replace("points = 3", dated)
    path.write_text(text)
    course = load_course(tmp_path)
    found = [(m.id, m.ladder, m.number, m.year) for m in course.milestones]
    assert course.ladders == ("talking", "walking")
    assert found == [
        ("greeting", "talking", 1, None),
        ("step", "walking", 1, 1969),
        ("wave", "talking", 2, 1844),
        ("run", "walking", 2, None),
    ]
    facts = course.milestones[1].facts
    assert facts == {
        "ladder": "walking",
        "number": 1,
        "year": 1969,
        "needs": ["01_numbers", "02_words"],
    }


# --- demos --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old, new, line",
    [
        (
            'shows = "One',
            'show = "One',
            "[[demo]] sum: unknown key 'show' (did you mean 'shows'?); valid: id, name, needs,",
        ),
        ('name = "A sum"', 'name = ""', "[[demo]] sum: name = ''; write at least one word."),
        ('id = "sum"', 'id = "Sum"', "[[demo]] Sum: id 'Sum'; write a word in lower case other"),
        ('id = "echo"', 'id = "sum"', "[[demo]] sum: id 'sum' appears twice; rename one."),
        ('name = "An echo"', 'name = "a SUM"', "[[demo]] a sum: name 'a sum' appears twice"),
        ('id = "echo"', 'id = "greeting"', "[[demo]] greeting: id 'greeting' appears twice"),
        (
            'id = "sum"',
            'id = "total"',
            "[[milestone]] greeting: demo 'sum' is unknown; valid: total",
        ),
        (
            'needs = ["01_numbers", "02_words"]\nshows',
            'needs = ["02_word"]\nshows',
            "[[demo]] echo: needs '02_word' is unknown (did you mean '02_words'?); valid: 01_",
        ),
        ("\nwritten = true\n", "\npoints = 3\n", "[[demo]] sum: unknown key 'points'"),
        ("twice", "twice\\u001b", "[[demo]] echo: shows = "),
    ],
)
def test_a_mistake_in_a_demo_is_one_line(tmp_path, old, new, line):
    path = add_demos(make_course_with_milestone(tmp_path)) / "course.toml"
    head, mark, demos = path.read_text().partition("[[demo]]")
    head = head.replace('id = "greeting"\n', 'id = "greeting"\ndemo = "sum"\n')
    path.write_text(head + mark + demos.replace(old, new))
    with pytest.raises(CourseError) as error:
        load_course(tmp_path)
    assert str(error.value).startswith(f"course.toml: {line}")
    assert "\n" not in str(error.value)


def test_a_demo_is_a_collection_without_points(tmp_path):
    course = load_course(add_demos(make_course_with_milestone(tmp_path)))
    echo = course.demos[1]
    assert (echo.points, echo.group.has_points) == (0, False)
    assert (echo.program, echo.file) == ("demos/echo/program.py", "demos/echo/test_echo.py")
    assert echo.command == "tito demo echo" and echo.group.command == "pytest --demo echo"
    assert echo not in course.collections and course.collection_of(echo.group) is echo
    assert [c.id for c in course.required_by(echo)] == ["00", "01"]
