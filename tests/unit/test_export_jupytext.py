"""Our reader of percent files beside jupytext's: the same cells, but for cells of comments alone.

The course's own sources are compared always. Other people's files are compared where PERCENT_FILES
names folders of them, such as an unpacked source distribution of jupytext, whose tests have some:

    PERCENT_FILES=jupytext-1.19.6 python -m pytest tests/unit/test_export_jupytext.py
"""

import ast
import os
import re
from itertools import pairwise
from pathlib import Path

import jupytext
import pytest

from pytest_tinytorch.export import cells
from pytest_tinytorch.export.marks import begins_text, is_mark

OWN = sorted((Path(__file__).parents[2] / "src_modules").glob("*.py"))
FOLDERS = [folder for folder in os.environ.get("PERCENT_FILES", "").split(os.pathsep) if folder]
PERCENT = {"extension": ".py", "format_name": "percent", "comment_magics": False}
# Comments that jupytext takes for the notebook's own data: the encoding, and YAML between "---".
HEADER = re.compile(r"(#!.*\n)?(# -\*-.*\n)?(# ---\n(#.*\n)*?# ---\n)?")


def stripped(code):
    lines = [line.rstrip() for line in code.split("\n")]
    return "\n".join(lines).strip("\n")


def ours(text):
    """The text of each code cell that is not empty."""
    cells.check_compiles(text, "a.py")
    lines, found = text.split("\n"), []
    for start, end in pairwise([0, *cells._starts(lines, text), len(lines)]):
        marked = start < end and is_mark(lines[start])
        if not (marked and begins_text(lines[start])):
            found.append(stripped("\n".join(lines[start + marked : end])))
    return [cell for cell in found if cell]


def theirs(text):
    notebook = jupytext.reads(text, fmt=PERCENT)
    found = [stripped(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in found if cell]


def differences(text):
    """Pairs of cells that differ, although Python sees code in ours."""
    text = text.replace("\r\n", "\n")
    mine, other = ours(text[HEADER.match(text).end() :]), theirs(text)
    if len(mine) != len(other):
        return [(mine, other)]
    return [(a, b) for a, b in zip(mine, other, strict=True) if a != b and ast.parse(a).body]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_course_is_read_as_jupytext_reads_it(path):
    text = path.read_text("utf-8")
    assert differences(text) == [] and len(ours(text)) > 5


@pytest.mark.skipif(not FOLDERS, reason="PERCENT_FILES names no folder")
def test_files_of_others_are_read_as_jupytext_reads_them():
    compared, no_python, different = 0, 0, {}
    for path in (path for folder in FOLDERS for path in sorted(Path(folder).rglob("*.py"))):
        text = path.read_text("utf-8", errors="surrogateescape")
        if not any(map(is_mark, text.split("\n"))):
            continue
        try:
            different |= {str(path): found} if (found := differences(text)) else {}
            compared += 1
        except cells.SourceError:
            no_python += 1
    print(f"{compared} files compared, {no_python} that Python cannot compile")
    assert different == {} and compared


def test_only_jupytext_splits_a_function_at_a_mark_in_its_middle():
    text = "# %%\ndef f():\n    a = 1\n# %% no cell\n    return a\n"
    assert differences(text) == [([text[5:-1]], theirs(text))] and len(theirs(text)) == 2
