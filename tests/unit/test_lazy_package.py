"""The student's package imports whatever is missing or broken, and says what to do about it."""

import subprocess
import sys

import pytest

from pytest_tinytorch.core.course import load_course
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
    export(load_course(course.root))
    code = "import sys, mini; mini.add; print('mini.core.words' in sys.modules)"
    assert python(code) == "True"
    source = course.source_file(course.modules[1])
    source.write_text(source.read_text() + "\n# %%\n#| export\n1 / 0\n")
    export(load_course(course.root))
    code = "import mini; print(mini.add(1, 2), repr(mini.import_failures['core.words']))"
    assert python(code) == "3 ZeroDivisionError('division by zero')"


def test_an_import_that_is_refused_is_refused_each_time_with_all_it_asked_for(python):
    code = """
import mini
for _ in range(2):
    try:
        from mini import add, later
    except ImportError as error:
        print(type(error).__name__, error.name, error)
"""
    assert python(code).splitlines() == [f"ImportError mini {LATER}"] * 2


def test_getattr_with_a_default_is_an_attribute_error_and_not_an_import_error(python):
    code = "import mini; print(getattr(mini, 'later', 'none'), getattr(mini, 'zzz', 'none'))"
    assert python(code) == "none none"


def test_a_name_is_the_object_that_its_module_defines(python):
    code = "import mini; from mini.core.numbers import add; from mini import add as other\n"
    code += "print(mini.add is add, other is add, 'add' in vars(mini), 'mean' in vars(mini))"
    assert python(code) == "True True True False"


def test_a_package_without_any_source_is_imported_and_empty(python, course):
    for module in course.modules[:2]:
        course.source_file(module).unlink()
    export(course)
    code = "import mini; print(mini.__all__); from mini import *; print(hasattr(mini, 'add'))"
    assert python(code).splitlines() == ["[]", "False"]
    assert python("import mini; mini.add") == (
        "AttributeError: mini.add comes with module 01_numbers, which is not there yet: write it in"
        " src/01_numbers.py, then run `pytest --checkpoint 00`"
    )


def test_a_source_that_does_not_compile_raises_its_own_error(python, course):
    source = course.source_file(course.modules[1])
    source.write_text(source.read_text().replace("return double", "return (double"))
    export(course)
    code = """
import mini
for _ in range(2):
    try:
        from mini import shout
    except SyntaxError as error:
        print(error.filename, error.lineno, mini.double(2), mini.__all__)
"""
    line = "src/02_words.py 9 4 ['add', 'double', 'mean']"
    assert python(code).splitlines() == [line, line]


def test_a_failure_is_raised_again_without_running_the_module_again(python, course):
    source = course.source_file(course.modules[1])
    source.write_text(source.read_text() + "\n# %%\n#| export\nprint('runs')\n1 / 0\n")
    export(course)
    code = """
import mini
errors = []
for _ in range(3):
    try:
        mini.shout
    except ZeroDivisionError as error:
        errors.append(error)
print(len({*map(id, errors)}), mini.import_failures['core.words'] is errors[0])
"""
    assert python(code).splitlines() == ["runs", "1 True"]


def test_what_a_broken_module_needs_is_the_one_that_is_named(python, course):
    source = course.source_file(course.modules[0])
    source.write_text(source.read_text() + "\n# %%\n#| export\nboom = {}['key']\n")
    export(course)
    code = """
import mini
try:
    mini.shout
except KeyError as error:
    print(error, mini.__all__)
"""
    assert python(code) == "'key' []"


def test_what_is_imported_first_is_imported_once_and_before_any_other(course, python):
    toml = course.root / "course.toml"
    toml.write_text(toml.read_text().replace('import_first = ""', 'import_first = "core.numbers"'))
    for module in course.modules[:2]:
        source = course.source_file(module)
        source.write_text(source.read_text() + f"\n# %%\n#| export\nprint('{module.topic}')\n")
    # Nothing that the second module imports may decide the order.
    words = course.source_file(course.modules[1])
    words.write_text(words.read_text().replace("from mini.core.numbers import double\n", ""))
    export(load_course(course.root))
    assert python("import mini; print('mini')").splitlines() == ["mini"]
    code = "import mini; mini.shout; mini.shout; mini.add"
    assert python(code).splitlines() == ["numbers", "words"]


def test_what_is_imported_first_need_not_be_there(course, python):
    toml = course.root / "course.toml"
    toml.write_text(toml.read_text().replace('import_first = ""', 'import_first = "core.later"'))
    export(load_course(course.root))
    assert python("import mini; print(mini.add(1, 2), mini.import_failures)") == "3 {}"


def test_dir_is_sorted_and_has_public_names_written_or_not(python):
    code = "import mini; names = dir(mini); print(names == sorted(set(names)))\n"
    code += "print([name for name in names if name[0] != '_' and name.islower()])"
    wanted = "'add', 'contextlib', 'difflib', 'double', 'hashlib', 'import_failures', 'importlib'"
    wanted += ", 'later', 'mean', 'shout', 'sys'"
    assert python(code).splitlines() == ["True", f"[{wanted}]"]


def test_a_file_that_is_exported_later_is_found_in_the_same_process(python, course):
    source = course.root / "src/03_later.py"
    code = f"""
import mini
from pathlib import Path
from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.export.service import export
print(hasattr(mini, 'later'))
Path({str(source)!r}).write_text('# %%\\n#| export core.later\\nlater = 7\\n')
export(load_course(Path.cwd()))
print(mini.later)
"""
    assert python(code).splitlines() == ["False", "7"]


def test_a_module_that_no_checkpoint_is_about(course, python):
    toml = course.root / "course.toml"
    text, _, _ = toml.read_text().rpartition("[[checkpoint]]")
    toml.write_text(text.replace("points = 16", "points = 11"))
    export(load_course(course.root))
    assert python("import mini; mini.later") == (
        f"AttributeError: {LATER.replace('--checkpoint 02', '--checkpoint next')}"
    )
