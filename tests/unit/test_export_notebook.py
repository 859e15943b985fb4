"""A notebook that is handed in: what it exports is taken over, and the rest is not looked at."""

import json

import pytest

from pytest_tinytorch.export.cells import SourceError, exported_cells
from pytest_tinytorch.export.notebook import NotebookRefused, source_of_notebook
from pytest_tinytorch.export.render import code_digest


def notebook(*cells, **more):
    """A notebook of code cells; a pair is a cell of another type."""
    made = [
        {"cell_type": "code", "source": cell} if isinstance(cell, str) else
        {"cell_type": cell[0], "source": cell[1]}
        for cell in cells
    ]  # fmt: skip
    return json.dumps({"cells": made, "nbformat": 4, **more}).encode()


def code_of(content, targets=("core.a",)):
    """What a notebook exports, as text, and what was left out of it."""
    text, notes = source_of_notebook(content)
    cells, _ = exported_cells(text, "src/01_a.py", targets)
    return "\n".join(cell.code for cell in cells), notes


# SandboxPool that Python cannot compile, or that would be something else in a source.
SCRATCH = [
    "%matplotlib inline", "!pip install numpy", "np.exp?", "%%time\nf()", "%%bash\nls | head",
    "await f()", "x = (", "'''", "if x:", "\tx\n  y", "return 1", "y = 3\n# %%\n#| export\nx = 2",
    "x = 1\n#| export", "", "\x00", "#| hide\n%%html\n<b>", "%load_ext autoreload", "\\", "#",
]  # fmt: skip


@pytest.mark.parametrize("scratch", SCRATCH)
def test_what_is_not_exported_is_not_read(scratch):
    content = notebook(scratch, "#| export\nx = 1", scratch, ("markdown", scratch), ("raw", "x"))
    assert code_of(content) == ("x = 1", [])


# exported cell -> what is left of it: a magic is a statement that does nothing
MAGICS = {
    "%matplotlib inline\nx = 1": "pass  # %matplotlib inline\nx = 1",
    "x = 1\n!pip install numpy": "x = 1\npass  # !pip install numpy",
    "x = 1\nnp.exp?": "x = 1\npass  # np.exp?",
    "x = 1\nnp.exp??\ny = 2": "x = 1\npass  # np.exp??\ny = 2",
    "?np.exp\nx = 1": "pass  # ?np.exp\nx = 1",
    "if True:\n    %time f()\nelse:\n    !ls": "if True:\n    pass  # %time f()\nelse:\n"
    "    pass  # !ls",
    "files = !ls\nx = 1": "pass  # files = !ls\nx = 1",
    "t = %timeit -o f()\nx = 1": "pass  # t = %timeit -o f()\nx = 1",
    "!echo \"it's\"\nx = 1\n!echo '''": "pass  # !echo \"it's\"\nx = 1\npass  # !echo '''",
    "pip install numpy\nx = 1": "pass  # pip install numpy\nx = 1",
    "s = '''\n%no magic\n!none\nwhy?\n'''\n%magic": "s = '''\n%no magic\n!none\nwhy?\n'''\n"
    "pass  # %magic",
    "x = (5\n% 3)\ny = 'what?'  # why?": "x = (5\n% 3)\ny = 'what?'  # why?",
    "# copy what is given\n# ? why\n# %% the second\nx = 1": "# copy what is given\n# ? why\n"
    "# %% the second\nx = 1",
}


@pytest.mark.parametrize("code, left", MAGICS.items(), ids=range(len(MAGICS)))
def test_magics_of_an_exported_cell_are_left_out_with_a_note(code, left):
    made, notes = code_of(notebook("y = 1", f"#| export\n{code}"))
    assert made == left
    lines = [n for n, (a, b) in enumerate(zip(code.split("\n"), left.split("\n"), strict=True), 2)
             if a != b]  # fmt: skip
    assert [note.split(":")[0] for note in notes] == [f"cell 2, line {line}" for line in lines]
    assert all(note.endswith(" is not Python, and was left out") for note in notes)


def test_a_magic_may_stand_above_the_directive():
    made, notes = code_of(notebook("%%time\n\n#| default_exp core.a\n#| export\nx = 1"))
    assert made == "x = 1"
    assert notes == ["cell 1, line 1: '%%time' is not Python, and was left out"]


def test_a_comment_that_looks_like_a_mark_begins_no_cell():
    code = "x = 1\n# %%\n# %% cell 7\n# %%%% cell 3\n# %% [markdown]\n#| export core.z\ny = 2"
    assert code_of(notebook(f"#| export\n{code}", "#| export\nz = 3")) == (f"{code}\nz = 3", [])


BROKEN = {
    "#| export\nx = 1\ny = = 2": (3, "invalid syntax"),
    "#| export\nx = (\n\n": (2, "'(' was never closed"),
    "#| export\nif x:": (2, "expected an indented block after 'if' statement on line 4"),
    "#| export\nx = 1\nawait x": (3, "'await' outside function"),
    "#| export\n%%bash\nfor f in *": (3, None),
}


@pytest.mark.parametrize("cell, wanted", BROKEN.items(), ids=range(len(BROKEN)))
def test_what_does_not_compile_is_told_by_cell_and_line(cell, wanted):
    text, _ = source_of_notebook(notebook("(", ("markdown", "x"), cell, "#| export\nz = 1"))
    with pytest.raises(SourceError) as error:
        exported_cells(text, "src/01_a.py", ("core.a",))
    line, message = wanted
    assert error.value.message.endswith(f" (cell 3 of the notebook, line {line})")
    if message is not None:
        assert error.value.message.startswith(message)
    # The line in the source is the right one, too.
    assert text.split("\n")[error.value.line - 1] == cell.split("\n")[line - 1]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["n", "rn", "r"])
@pytest.mark.parametrize("form", [2, 3, 4])
def test_every_form_of_a_notebook(form, newline):
    lines = [f"#| export{newline}", f"x = 1{newline}", "y = 2"]
    if form == 4:
        cells = {"cells": [{"cell_type": "code", "source": lines, "outputs": [3], "id": []}]}
    else:
        cell = {"cell_type": "code", "input": lines, "language": "python", "outputs": [[[]]]}
        cells = {"worksheets": [{"cells": [{"cell_type": "heading", "source": "a"}]},
                                {"cells": [cell]}]}  # fmt: skip
    content = json.dumps({"nbformat": form, "metadata": "none", **cells}).encode()
    assert code_of(content) == ("x = 1\ny = 2", [])
    assert code_of(b"\xef\xbb\xbf" + content) == ("x = 1\ny = 2", [])


def test_a_function_in_a_cell_that_is_not_exported_is_named():
    use = "#| export\ndef f(x):\n    return my_sub(x) + own(x)\ndef own(x):\n    return x"
    helper = "def my_sub(x):\n    return x\n\ndef test_f():\n    assert f(1)"
    _, notes = code_of(notebook(use, helper, "def own(x):\n    pass"))
    expected = "cell 2 defines my_sub, which exported cells use, but has no `#| export`"
    assert notes == [expected]  # not the test, and not what is exported as well
    assert code_of(notebook(use, f"#| export\n{helper}"))[1] == []


def test_strange_cells_are_no_cells():
    cells = [None, 3, [], {}, {"cell_type": "code"}, {"cell_type": "code", "source": 3},
             {"cell_type": "code", "source": ["x", 3]}, {"cell_type": [], "source": "x"},
             {"cell_type": "code", "source": "#| export\nx = 1"}]  # fmt: skip
    assert code_of(json.dumps({"cells": cells}).encode()) == ("x = 1", [])


NONE = [b"", b"3", b"[]", b"{}", b'{"cells": 3}', b'{"worksheets": 3}', b'{"worksheets": [3]}',
        b"\xff\xfe", b"[" * 100_000, b'{"worksheets": [{"cells": 3}]}', b"NaN"]  # fmt: skip


@pytest.mark.parametrize("content", NONE, ids=range(len(NONE)))
def test_what_is_no_notebook_is_refused(content):
    with pytest.raises(NotebookRefused, match="cannot be read as a notebook"):
        source_of_notebook(content)


def test_a_notebook_means_what_its_source_means():
    source = "# %%\n#| export\nx = 1\n\n\n# %%\n#| export\ndef f():\n    return x\n"
    cells, _ = exported_cells(source, "a", ("core.a",))
    made, _ = code_of(notebook("#| export\nx = 1", "#| export\ndef f():\n    return x"))
    assert code_digest(made) == code_digest("\n".join(cell.code for cell in cells))
