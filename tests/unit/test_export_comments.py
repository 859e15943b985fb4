"""Whatever Python takes for a comment or a string begins no cell, and costs nothing."""

import pytest

from pytest_tinytorch.export.cells import ExportedCell, SourceError, exported_cells


def exported(text):
    return exported_cells(text, "src/01_a.py", ("core.a", "core.b"))[0]


# A notebook, a shell or an editor would make something of each of them.
COMMENTS = [
    "# copy what is given", "# !important: keep float32", "# ? why", "# ls", "#copy x", "# %d",
    "# %timeit f()", "# %%time", "# %matplotlib inline", "# !ls", "# help?", "# cd ..", "# cat x",
    "#%%time", "# %%html", "#!/bin/sh", "# %", "#", "# + {}", "# -", "# region", "# endregion",
    "# %load_ext x", "# [markdown]", '# """', "# '''", "# \\", "# \f%%", "# x = !ls",
]  # fmt: skip
PLACES = """# %%
#| default_exp core.a
@
#| export core.a
def f(x):
    @
    if x:
        @
        y = x

    @
    return (
        @
        x
    )
@


@
class A:
    @
    pass
"""


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_comment_changes_nothing_but_itself(comment):
    text = PLACES.replace("@f", "\0").replace("@", comment).replace("\0", "@f")
    (cell,) = exported(text)
    assert cell.code == text.split("#| export core.a\n")[1].rstrip() and cell.line == 5


@pytest.mark.parametrize("indent", ["    ", "  ", "\t"], ids=["4", "2", "tab"])
def test_a_mark_within_a_statement_begins_no_cell(indent):
    # In the first column, but in a function, a string, brackets, behind a decorator, in a class.
    code = (
        f"def f(x):\n# %% a\n{indent}y = x\n# %% b\n\n{indent}return y\n"
        's = """\n# %% c\n"""\nt = f"""{\ns}\n# %% d\n"""\nz = (\n# %% e\n    1)\n'
        f"@f\n# %% f\nclass A:\n# %% g\n{indent}pass"
    )
    compile(code, "a", "exec")
    assert exported(f"# %%\n#| export core.a\n{code}\n# %%\nz = 3\n") == [
        ExportedCell("core.a", 3, code)
    ]


MARKS = ["# %%", "#%%", "# %% a title", "# %%% smaller", "# In[3]:", "# In[ ]:", "# <codecell>"]


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_in_the_first_column_begins_a_cell(mark):
    text = f"# %%\n#| export core.a\nx = 1\n    {mark}\n{mark}\ny = 2\n"
    assert exported(text) == [ExportedCell("core.a", 3, f"x = 1\n    {mark}")]


@pytest.mark.parametrize("mark", ["# %% [markdown]", "# %% Why [md] a=1", "# %% [raw]"])
def test_text_exports_nothing(mark):
    text = f'{mark}\n#| export core.a\n"""\nText\n"""\n# %%\n#| export core.a\nx = 1\n'
    assert exported(text) == [ExportedCell("core.a", 8, "x = 1")]


def test_what_ends_no_line_for_python_ends_none_here():
    code = "x = 'a\u2028b\x0b\x1c'\n\x0c\ny = 1  # \x85"
    assert exported(f"# %%\n#| export core.a\n{code}\n# %%\n#| export core.b\nz = 1\n") == [
        ExportedCell("core.a", 3, code),
        ExportedCell("core.b", 8, "z = 1"),
    ]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_newlines_of_other_systems_are_newlines(newline):
    text = "# %%\n#| export core.a\nx = '''\n# %% a\n'''\n# %%\ny = 1\n"
    assert exported(text.replace("\n", newline)) == exported(text) != []


def as_read(content):
    """As the export reads a file of these bytes."""
    return content.decode("utf-8-sig", "surrogateescape")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8", "utf-8-sig", "koi8-r"])
@pytest.mark.parametrize("above", ["", "#!/usr/bin/env python\n", "\n"], ids=["1", "2", "blank"])
def test_a_declared_encoding_is_read_as_python_reads_it(encoding, above):
    word = "größer" if encoding != "koi8-r" else "привет"
    text = f"{above}# -*- coding: {encoding} -*-\n# %%\n#| export core.a\nx = '{word}'\n"
    scope = {}
    exec(compile(text.encode(encoding), "a", "exec"), scope)
    (cell,) = exported(as_read(text.encode(encoding)))
    assert cell.code == f"x = '{word}'" and scope["x"] == word


@pytest.mark.parametrize("encoding", ["rot13", "no-such", "ascii"])
def test_an_encoding_that_does_not_hold_is_refused(encoding):
    text = f"# coding: {encoding}\n# %%\n#| export core.a\nx = 'größer'\n"
    with pytest.raises(SourceError, match="the declared encoding does not hold"):
        exported(as_read(text.encode()))
