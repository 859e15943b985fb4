"""The student's package imports whatever is missing or broken, and says what to do about it."""

import subprocess
import sys

import pytest

from pytest_tinytorch.export.service import export


@pytest.fixture
def python(course):
    """Runs code in a process that can import the package; returns what it printed."""
    export(course)

    def run(code):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=course.root, capture_output=True, text=True)
        return done.stdout.strip() or done.stderr.strip().splitlines()[-1]

    return run


LATER = (
    "mini.later comes with module 03_later, which is not there yet: write it in src/03_later.py,"
    " then run `pytest --checkpoint 02`"
)


def test_names_resolve_when_they_are_used(python):
    code = "import sys, mini; before = 'mini.core.numbers' in sys.modules; mini.add(1, 2);"
    code += "print(before, 'mini.core.numbers' in sys.modules, 'mini.core.words' in sys.modules)"
    assert python(code) == "False True False"


def test_an_attribute_that_is_not_there_yet(python):
    assert python("import mini; print(hasattr(mini, 'later'))") == "False"
    assert python("import mini; mini.later") == f"AttributeError: {LATER}"
    assert python("from mini import later") == f"ImportError: {LATER}"


def test_a_name_that_its_module_does_not_define(python, course):
    source = course.source_file(course.modules[0])
    source.write_text(source.read_text().replace("def mean", "def average"))
    export(course)
    wanted = (
        "mini.mean is not defined yet: write it in src/01_numbers.py, in a cell that begins with"
        " `#| export`, then run `pytest --checkpoint 00`"
    )
    assert python("import mini; mini.mean") == f"AttributeError: {wanted}"
    assert python("from mini import mean") == f"ImportError: {wanted}"
    assert python("from mini import *; print(sorted(n for n in dir() if n[0] != '_'))") == (
        "['add', 'double', 'shout']"
    )


def test_a_source_that_is_there_and_not_exported(python, course):
    (course.root / "src/03_later.py").write_text("# %%\n")
    wanted = "mini.later comes with module 03_later, which is not exported: run `tito export 03`"
    assert python("import mini; mini.later") == f"AttributeError: {wanted}"


def test_an_unknown_name(python):
    wanted = "AttributeError: module 'mini' has no attribute 'dobule'; did you mean 'double'?"
    assert python("import mini; mini.dobule").startswith(wanted)  # Python may add its own guess
    assert python("from mini import zzz").startswith("ImportError: cannot import name 'zzz'")


def test_all_is_what_is_there(python):
    assert python("import mini; print(mini.__all__)") == "['add', 'double', 'mean', 'shout']"
    assert python("import mini; print('later' in dir(mini), 'add' in dir(mini))") == "True True"


def test_a_broken_file_fails_each_time_with_its_own_error_and_alone(python, course):
    source = course.source_file(course.modules[1])
    source.write_text(source.read_text() + "\n# %%\n#| export\nboom = {}['key']\n")
    export(course)
    code = """
import mini
for _ in range(2):
    try:
        mini.shout
    except KeyError as error:
        print(error, mini.add(1, 2), mini.__all__, list(mini.import_failures))
"""
    line = "'key' 3 ['add', 'double', 'mean'] ['core.words']"
    assert python(code).splitlines() == [line, line]


def test_what_is_imported_first_may_fail(course, python):
    toml = course.root / "course.toml"
    toml.write_text(toml.read_text().replace('import_first = ""', 'import_first = "core.words"'))
    from pytest_tinytorch.course import load_course

    export(load_course(course.root))
    code = "import sys, mini; mini.add; print('mini.core.words' in sys.modules)"
    assert python(code) == "True"
    source = course.source_file(course.modules[1])
    source.write_text(source.read_text() + "\n# %%\n#| export\n1 / 0\n")
    export(load_course(course.root))
    code = "import mini; print(mini.add(1, 2), repr(mini.import_failures['core.words']))"
    assert python(code) == "3 ZeroDivisionError('division by zero')"
