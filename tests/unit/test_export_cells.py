"""Which cells of a source are exported, to which file, from which line, and what is refused."""

import pytest

from pytest_tinytorch.export.cells import ExportedCell, SourceError, exported_cells

TARGETS = ("core.a", "core.b")


def exported(text, targets=TARGETS):
    return exported_cells(text, "src/01_a.py", targets)[0]


def remarks(text, targets=TARGETS):
    return [(r.line, r.message) for r in exported_cells(text, "src/01_a.py", targets)[1]]


# source -> its cells as (target, line, code); the lines are counted by hand
READ = {
    "no cell at all": ("", []),
    "no directive": ("# %%\nx = 1\n", []),
    "code before the first cell": (
        "x = 1\n\n# %%\n#| export core.a\ny = 2\n",
        [("core.a", 5, "y = 2")],
    ),
    "a file for one cell": (
        "# %%\n#| default_exp core.a\n\n# %%\n#| export core.b\nx = 1\n\n# %%\n#| export\ny = 2\n",
        [("core.b", 6, "x = 1"), ("core.a", 10, "y = 2")],
    ),
    "the default may change": (
        "# %%\n#| default_exp core.a\n# %%\n#| export\nx = 1\n"
        "# %%\n#| default_exp core.b\n# %%\n#| export\ny = 2\n",
        [("core.a", 5, "x = 1"), ("core.b", 10, "y = 2")],
    ),
    "one cell to two files": (
        "# %%\n#| export core.a\n#| export core.b\nx = 1\n",
        [("core.a", 4, "x = 1"), ("core.b", 4, "x = 1")],
    ),
    "a directive after code is a comment": (
        "# %%\n#| export core.a\nx = 1\n#| export core.b\n",
        [("core.a", 3, "x = 1\n#| export core.b")],
    ),
    "spaces in a directive": ("# %%\n#|export   core.a  \nx = 1\n", [("core.a", 3, "x = 1")]),
    "a cell of comments alone": ("# %%\n#| export core.a\n# later\n", [("core.a", 3, "# later")]),
    "a cell with a title and metadata": (
        '# %% Title [x] tags=["a"]\n#| export core.a\nx = 1\n',
        [("core.a", 3, "x = 1")],
    ),
    "markdown": (
        "# %% [markdown]\n# #| export core.a\n# x = 1\n# %% [raw]\n# y = 1\n"
        "# %%\n#| export core.a\nz = 1\n",
        [("core.a", 8, "z = 1")],
    ),
    "the same cell three times": (
        "# %%\n#| export core.a\nx = 1\n\n# %%\n#| export core.a\nx = 1\n"
        "\n# %%\n#| export core.a\nx = 1\n",
        [("core.a", 3, "x = 1"), ("core.a", 7, "x = 1"), ("core.a", 11, "x = 1")],
    ),
    "the lines of an earlier cell in a longer one": (
        "# %%\nx = 1\ny = 2\n\n# %%\n#| export core.a\nx = 1\n",
        [("core.a", 7, "x = 1")],
    ),
    "tabs": ("# %%\n#| export core.a\nif 1:\n\tx = 1\n", [("core.a", 3, "if 1:\n\tx = 1")]),
    "no newline at the end": ("# %%\n#| export core.a\nx = 1", [("core.a", 3, "x = 1")]),
    "a cell mark inside a string": (
        '# %%\n#| export core.a\nx = """\n# %% no cell\n"""\ny = 2\n',
        [("core.a", 3, 'x = """\n# %% no cell\n"""\ny = 2')],
    ),
    "a line that goes on": (
        "# %%\n#| export core.a\nx = 1 + \\\n    2\n",
        [("core.a", 3, "x = 1 + \\\n    2")],
    ),
    "other scripts": (
        "# %%\n#| export core.a\nx = 'größer, 大'\nß = 1\n",
        [("core.a", 3, "x = 'größer, 大'\nß = 1")],
    ),
}


@pytest.mark.parametrize("text, wanted", READ.values(), ids=READ)
def test_cells_and_their_lines(text, wanted):
    assert exported(text) == [ExportedCell(*cell) for cell in wanted]


@pytest.mark.parametrize("text, wanted", READ.values(), ids=READ)
def test_windows_newlines_change_neither_lines_nor_code(text, wanted):
    assert exported(text.replace("\n", "\r\n")) == [ExportedCell(*cell) for cell in wanted]


NOT = "this cell is not exported: "
SAID = "exports nothing: write `#| export` or `#| export core.name`"
# source with a directive that exports nothing -> line, message
ODD = {
    "export to nowhere": (
        "# %%\nx = 1\n\n# %%\n#| export\ny = 2\n",
        (5, NOT + "`#| export` without a file: put `#| default_exp core.name` first"),
    ),
    "the default comes too late": (
        "# %%\n#| export\nx = 1\n# %%\n#| default_exp core.a\n",
        (2, NOT + "`#| export` without a file: put `#| default_exp core.name` first"),
    ),
    "another module's file": (
        "# %%\n#| export core.c\nx = 1\n",
        (2, NOT + "`core.c` is not an export of this module; valid: core.a, core.b"),
    ),
    "another module's file as the default": (
        "# %%\n#| default_exp core.c\n\n# %%\n#| export\ny = 2\n",
        (5, NOT + "`core.c` is not an export of this module; valid: core.a, core.b"),
    ),
    "a word near to a directive": (
        "# %%\n#| exporti\nx = 1\n",
        (2, f"'#| exporti' {SAID} (did you mean 'export'?)"),
    ),
    "two files in one directive": (
        "# %%\n#| export core.a core.b\nx = 1\n",
        (2, f"'#| export core.a core.b' {SAID}"),
    ),
}


@pytest.mark.parametrize("text, wanted", ODD.values(), ids=ODD)
def test_a_directive_that_exports_nothing_is_remarked_on_and_stops_nothing(text, wanted):
    assert exported(text) == [] and remarks(text) == [wanted]


@pytest.mark.parametrize(
    "comment", ["#| hide", "#| echo: false", "#|", "#| a | b |", "# #| export", "#| export!"]
)
def test_other_comments_above_the_code_are_comments(comment):
    text = f"# %%\n{comment}\n#| export core.a\nx = 1\n"
    assert exported(text) == [ExportedCell("core.a", 4, "x = 1")]


def test_a_module_with_one_file_needs_no_default():
    text = "# %%\n#| export\nx = 1\n"
    assert exported(text, ("core.a",)) == [ExportedCell("core.a", 3, "x = 1")]
    assert remarks(text, ("core.a",)) == []


# source -> line, message
REFUSED = {
    "a magic": (
        "# %%\n%matplotlib inline\n\n# %%\n#| export core.a\nx = 1\n",
        (2, "invalid syntax"),
    ),
    "a syntax error outside any exported cell": (
        "# %%\n#| export core.a\nx = 1\n\n# %%\ny = (\n",
        (6, "'(' was never closed"),
    ),
    "an error of meaning, not of form": ("# %%\n\nreturn 1\n", (3, "'return' outside function")),
    "a wrong indentation": ("# %%\nif 1:\nx = 1\n", (3, None)),
    "a lone surrogate": (
        "# %%\nx = 1\ny = '\udcff'\n",
        (3, "this line is not UTF-8 text; save the file as UTF-8"),
    ),
}


@pytest.mark.parametrize("text, wanted", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_says_why_and_where(text, wanted):
    with pytest.raises(SourceError) as error:
        exported(text)
    line, message = wanted
    assert error.value.line == line
    if message is not None:  # Python's own words differ between its versions
        assert str(error.value) == error.value.message == message


def test_a_syntax_error_keeps_its_column_and_its_text():
    with pytest.raises(SourceError) as error:
        exported("# %%\nx = 1\n  y = 2\n")
    assert (error.value.message, error.value.line) == ("unexpected indent", 3)
    assert (error.value.column, error.value.text) == (2, "  y = 2")


@pytest.mark.parametrize(
    "code",
    ["x = '\0'\n", f"x = {'(' * 10_000}1{')' * 10_000}", f"x = {'-' * 50_000}1"],
    ids=["null byte", "brackets", "signs"],
)
def test_what_python_cannot_read_at_all_is_an_error_of_the_source(code):
    with pytest.raises(SourceError) as error:
        exported(f"{code}\n# %%\n#| export core.a\ny = 1\n")
    assert error.value.line == 1
    assert error.value.message != ""
