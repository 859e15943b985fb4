"""The text of a generated file: its header, its hashes, and the line map read back from it."""

import ast
import os

import pytest

from pytest_tinytorch.export.cells import ExportedCell, SourceError
from pytest_tinytorch.export.line_map import mark, position_in, source_position
from pytest_tinytorch.export.render import (
    Stamp,
    broken_text,
    code_digest,
    digest,
    generated_text,
    is_edited,
    read_stamp,
    source_digest,
)

CELLS = [
    ExportedCell("core.a", 9, "import os\n\nx = 1"),
    ExportedCell("core.a", 41, "def f():\n    return os"),
    ExportedCell("core.a", 7, ""),
    ExportedCell("core.a", 50, "x = 1"),
]
BODY = """\
# %% src/01_a.py:9
import os

x = 1


# %% src/01_a.py:41
def f():
    return os


# %% src/01_a.py:7



# %% src/01_a.py:50
x = 1
"""
# generated line -> source line, counted by hand; the header has lines 1 to 3
LINES = {5: 9, 6: 10, 7: 11, 11: 41, 12: 42, 20: 50}


def text_of(cells, source_text="the source"):
    return generated_text("src/01_a.py", source_text, cells)


def test_the_text_is_a_header_of_three_lines_and_the_marked_cells():
    first, second, third, body = text_of(CELLS).split("\n", 3)
    assert first == ("# Generated from src/01_a.py. Do not edit: write in src/01_a.py instead;")
    assert second == (
        "# `pytest --checkpoint` and `tito export` regenerate it;"
        " manual edits are saved as NAME.edited."
    )
    assert third == (
        f"# export: format=1 source={source_digest('the source')} code={code_digest(BODY)}"
        f" content={digest(BODY)}"
    )
    assert body == BODY


@pytest.mark.parametrize("line, source_line", LINES.items())
def test_a_line_of_a_cell_is_mapped_to_its_line_in_the_source(tmp_path, line, source_line):
    text = text_of(CELLS)
    path = tmp_path / "a.py"
    path.write_text(text)
    assert source_position(path, line) == ("src/01_a.py", source_line)
    assert position_in(tuple(text.splitlines()), line) == ("src/01_a.py", source_line)


@pytest.mark.parametrize("line", [0, 1, 2, 3])
def test_a_line_above_the_first_cell_comes_from_nowhere(line):
    assert position_in(tuple(text_of(CELLS).splitlines()), line) is None


def test_a_file_without_cells_has_no_positions():
    assert position_in(tuple(text_of([]).splitlines()), 3) is None
    assert not is_edited(text_of([]))


@pytest.mark.parametrize("source", ["src/01_a.py", "src dir/01_ä.py", "C:/x/01_a.py"])
def test_a_mark_is_read_back_for_any_name_of_a_source(source):
    assert position_in((mark(source, 12), "x = 1", "y = 2"), 3) == (source, 13)


def test_the_line_map_follows_a_file_that_is_written_again(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(f"{mark('src/01_a.py', 5)}\nx = 1\n")
    assert source_position(path, 2) == ("src/01_a.py", 5)
    path.write_text(f"{mark('src/01_a.py', 6)}\nx = 1\n")
    os.utime(path, ns=(1, 1))
    assert source_position(path, 2) == ("src/01_a.py", 6)


def test_the_stamp_is_read_back():
    text = text_of(CELLS)
    wanted = Stamp(source_digest("the source"), code_digest(BODY), digest(BODY))
    assert read_stamp(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "x = 1\n", "\n\n\n\n", "# export: format=1 source=a code=b content=c\n\n\n\n"],
    ids=["empty", "code", "blank", "on another line"],
)
def test_a_file_of_another_origin_has_no_stamp_and_counts_as_edited(text):
    assert read_stamp(text) is None
    assert is_edited(text)


# Each character below the header counts, also those that mean nothing to Python.
@pytest.mark.parametrize(
    "old, new",
    [
        ("x = 1\n\n\n", "x = 2\n\n\n"),
        ("import os\n", "import os  # mine\n"),
        ("\n\n\n\n", "\n\n\n"),
    ],
    ids=["code", "comment", "blank line"],
)
def test_an_edit_is_noticed(old, new):
    text = text_of(CELLS)
    assert not is_edited(text)
    edited = text.replace(old, new, 1)
    assert edited != text
    assert is_edited(edited)


def test_an_edit_of_the_first_lines_is_none():
    assert not is_edited(text_of(CELLS).replace("# Generated from", "# Made from"))


SAME = {
    "itself": "def f(a):\n    return a + 1\n",
    "comment": "# why\ndef f(a):  # what\n    # how\n    return a + 1\n",
    "blank lines": "\n\ndef f(a):\n\n    return a + 1\n\n\n",
    "spaces": "def f( a ) :\n  return a+1\n",
    "brackets": "def f(a):\n    return (\n        a\n        + 1\n    )\n",
    "one line": "def f(a): return a + 1\n",
    "another cell": "# %% src/01_a.py:77\ndef f(a):\n    return a + 1\n",
    "number written otherwise": "def f(a):\n    return a + 0x1\n",
}
OTHER = {
    "name": "def g(a):\n    return a + 1\n",
    "parameter": "def f(b):\n    return b + 1\n",
    "default": "def f(a=None):\n    return a + 1\n",
    "default of another value": "def f(a=...):\n    return a + 1\n",
    "keyword only": "def f(*, a):\n    return a + 1\n",
    "operator": "def f(a):\n    return a - 1\n",
    "order": "def f(a):\n    return 1 + a\n",
    "constant": "def f(a):\n    return a + 2\n",
    "type of a constant": "def f(a):\n    return a + 1.0\n",
    "truth": "def f(a):\n    return a + True\n",
    "text": "def f(a):\n    return a + '1'\n",
    "bytes": "def f(a):\n    return a + b'1'\n",
    "one statement more": "def f(a):\n    a = a\n    return a + 1\n",
    "no return": "def f(a):\n    a + 1\n",
    "return of nothing": "def f(a):\n    return\n",
    "return of None": "def f(a):\n    return None\n",
    "annotation": "def f(a: int):\n    return a + 1\n",
    "decorator": "@g\ndef f(a):\n    return a + 1\n",
    "async": "async def f(a):\n    return a + 1\n",
    "docstring": 'def f(a):\n    """Text."""\n    return a + 1\n',
    "class": "class f:\n    a = 1\n",
    "slice to": "def f(a):\n    return a[:1]\n",
    "slice from": "def f(a):\n    return a[1:]\n",
    "index": "def f(a):\n    return a[1]\n",
    "nothing": "",
}


@pytest.mark.parametrize("code", SAME.values(), ids=SAME)
def test_code_of_the_same_meaning_has_the_same_key(code):
    assert code_digest(code) == code_digest(SAME["itself"])


@pytest.mark.parametrize("name", OTHER)
def test_code_of_another_meaning_has_a_key_of_its_own(name):
    others = {code_digest(code) for other, code in OTHER.items() if other != name}
    assert code_digest(OTHER[name]) not in {*others, code_digest(SAME["itself"])}


def test_a_broken_source_becomes_a_file_that_raises_its_own_error():
    error = SourceError('it\'s "broken"', 12, 7, "    x = '\\d")
    text = broken_text("src/01_a.py", "the source", error)
    with pytest.raises(SyntaxError) as raised:
        exec(compile(text, "a.py", "exec"))
    found = raised.value
    assert (found.msg, found.filename, found.lineno) == ('it\'s "broken"', "src/01_a.py", 12)
    assert (found.offset, found.text) == (7, "    x = '\\d")
    assert read_stamp(text).code == "broken"
    assert read_stamp(text).source == source_digest("the source")
    assert not is_edited(text)


def test_the_header_is_three_comments_for_every_file():
    for text in (text_of(CELLS), broken_text("a.py", "x", SourceError("no", 1))):
        assert all(line.startswith("# ") for line in text.splitlines()[:3])
        assert ast.parse(text).body


def test_the_hash_of_a_source_is_its_own_for_each_text():
    texts = ["", "x", "x ", "x\n", "\udcff"]
    assert len({source_digest(text) for text in texts}) == len(texts)
