"""Arbitrary comments, strings and cells of a notebook: whatever Python accepts exports the same."""

import ast
import json

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from mini_course import NUMBERS

from pytest_tinytorch.export.marks import is_mark
from pytest_tinytorch.export.notebook import source_of_notebook
from pytest_tinytorch.export.render import read_stamp, rendered

LINES = NUMBERS.split("\n")
# A busy machine draws slowly, and most inserted strings are no Python: neither is a fault.
BUSY = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=12)
BEGINNINGS = st.sampled_from(
    ["", " ", " %", " !", " ?", " copy ", " ls", "%%time", " %%", " In[1]:", "!", " +", " -", "'''",
     ' """', "\t%", " #| export", " %d", " help?", " coding of ", "\\", "{", " %matplotlib "]
)  # fmt: skip
INDENTS = st.sampled_from(["", "    ", "  ", "\t", "        "])
COMMENTS = st.builds("{}#{}{}".format, INDENTS, BEGINNINGS, TEXTS).filter(
    lambda line: not is_mark(line) and not line.startswith("#|")
)
STRINGS = TEXTS.map(lambda text: f"{text!r}") | st.builds(
    lambda text: f'"""\n# %%\n{text}\n#| export\n%magic\n"""',
    TEXTS.filter(lambda text: '"' not in text and "\\" not in text),
)


def with_lines(insertions):
    """The source with these lines, each before one of its own."""
    lines = list(LINES)
    for place, line in sorted(insertions, key=lambda pair: -pair[0]):
        lines.insert(place, line)
    return "\n".join(lines)


def stamp_of(source):
    made = rendered("src/01_numbers.py", ("core.numbers",), source)
    assert made.error is None, made.error
    return read_stamp(made.texts["core.numbers"])


@given(st.lists(st.tuples(st.integers(5, len(LINES)), COMMENTS), max_size=4))
@example([(6, "# copy what is given"), (8, "    # !important"), (12, "# ? why"), (12, "#copy x")])
def test_comments_change_nothing(insertions):
    source = with_lines(insertions)
    try:
        assume(ast.dump(ast.parse(source)) == ast.dump(ast.parse(NUMBERS)))
    except (SyntaxError, ValueError):
        assume(False)
    assert stamp_of(source).code == stamp_of(NUMBERS).code


@BUSY
@given(st.lists(st.tuples(st.sampled_from([9, 15, 16, 21, 22, 27]), STRINGS), max_size=3))
def test_strings_take_nothing_away(insertions):
    # Each between two statements of a cell, or of the file.
    source = with_lines(insertions)
    try:
        compile(source, "a", "exec")
    except (SyntaxError, ValueError):
        assume(False)
    made = rendered("src/01_numbers.py", ("core.numbers",), source)
    assert made.error is None
    scope = {}
    exec(compile(made.texts["core.numbers"], "a", "exec"), scope)
    assert scope["add"](1, 2) == 3 and scope["double"](2) == 4 and scope["mean"]([1, 3]) == 2


ODD = ["await f()", "x = (", "%%bash\nls", "'''", "# %%\n!ls\n", "def f(:", None, 3, ["\n", 3]]
TEXT = st.text(max_size=20).filter(lambda text: "#|" not in text)
CELLS = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw", "heading", ""])},
    optional={
        "source": TEXT | st.sampled_from(ODD) | st.lists(TEXT.map("x{}".format), max_size=3),
        "outputs": st.none() | st.text(),
        "metadata": st.none() | st.dictionaries(st.text(), st.integers()),
    },
)
EXPORTED = [
    "#| default_exp core.numbers\n#| export\ndef add(a, b):\n    return a + b",
    "#| export\ndef double(a):\n    return add(a, a)\n# %% the second\ny = 1",
]


@BUSY
@given(st.lists(CELLS, max_size=3), st.lists(CELLS, max_size=3), st.lists(CELLS, max_size=3))
def test_cells_beside_the_exported_ones_change_nothing(above, between, below):
    first, second = ({"cell_type": "code", "source": source} for source in EXPORTED)

    def made(*cells):
        content = json.dumps({"cells": [*cells], "nbformat": 4}).encode()
        source, notes = source_of_notebook(content)
        assert notes == []
        return stamp_of(source).code

    assert made(*above, first, *between, second, *below) == made(first, second)
