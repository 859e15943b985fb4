"""Right work keeps its points, whatever comments, strings and cells stand around it."""

import json
import random
from pathlib import Path

import pytest
from mini_course import NUMBERS, WORDS

from pytest_tinytorch.core.manifest import file_hash

COMMENTS = ["# copy what is given", "# !important: keep float32", "# ? why", "# ls", "#copy x",
            "# %d", "# %timeit f()", "#%%time", "# help?", "# x = !ls", "# '''", "# \\",
            "# größer", "# #| export", "# -*- coding of it -*-", "# src/01.py:3", "#"]  # fmt: skip
STRINGS = ['"""\n# %%\n%magic\n"""', "'# %% [markdown]'", '"""\n#| export core.z\n"""']
SCRATCH = ["%matplotlib inline", "!pip install numpy", "np.exp?", "%%time\nf()", "await f()",
           "x = (", "# %%\nx = = 1", "%%bash\nfor f in *"]  # fmt: skip
MAGICS = ["%matplotlib inline", "!pip install numpy", "np.exp?", "# %% the second operation"]
PLACES = {NUMBERS: (5, 8, 10, 11, 14, 16, 18, 20, 21, 22, 24, 26, 27), WORDS: (1, 3, 4, 6, 7, 9)}


def noisy(source, rng):
    """The source with comments anywhere, and strings where a statement may stand."""
    lines = source.split("\n")
    for place in sorted(rng.sample(PLACES[source], 4), reverse=True):
        indent = " " * (len(lines[place]) - len(lines[place].lstrip()))
        lines.insert(place, f"{indent}{rng.choice(COMMENTS)}")
    lines.append(rng.choice(STRINGS))
    text = "\n".join(lines) + "\n"
    compile(text, "a", "exec")
    return text


def notebook(source, rng):
    """The source as a notebook, with scratch cells between its own, and magics in those."""
    cells = []
    for block in source.split("# %%")[1:]:
        code = block.partition("\n")[2].rstrip()
        if "[markdown]" not in block.partition("\n")[0]:
            more = rng.choice(MAGICS)
            cells.append({"cell_type": "code", "source": f"{code}\n{more}", "outputs": 3})
            cells.append({"cell_type": "code", "source": rng.choice(SCRATCH)})
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5})


def list_files(root):
    """Let the manifest name the course's own files: a graded run takes in no other."""
    path = root / "checkpoints/manifest.json"
    manifest = json.loads(path.read_text())
    names = ("course.toml", *(f"checkpoints/{p.name}" for p in path.parent.glob("*.py")))
    manifest["files"] = {name: file_hash(Path(name), (root / name).read_bytes()) for name in names}
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 63), marks=pytest.mark.slow)],
                         ids=["few", "many"])  # fmt: skip
def test_a_class_of_right_work_gets_all_points(classroom, tmp_path, seeds):
    for seed in seeds:
        rng = random.Random(seed)
        folder = tmp_path / "class" / f"s{seed:02}"
        folder.mkdir(parents=True)
        for name, source in (("01_numbers", NUMBERS), ("02_words", WORDS)):
            if seed % 3 == 2:
                (folder / f"{name}.ipynb").write_text(notebook(source, rng), "utf-8")
            else:
                (folder / f"{name}.py").write_text(noisy(source, rng), "utf-8")
    arguments = ("--isolate=process", "--results", str(tmp_path / "results"))
    result = classroom.run("--submissions", str(tmp_path / "class"), *arguments)
    rows = [line.split()[:4] for line in result.outlines if " of 11" in line]
    assert rows == [[f"s{seed:02}", "11", "of", "11"] for seed in seeds], result.stdout.str()


@pytest.mark.parametrize("seed", [100, *(pytest.param(n, marks=pytest.mark.slow)
                                         for n in range(101, 110))])  # fmt: skip
def test_right_work_gets_all_points_alone(classroom, seed):
    rng = random.Random(seed)
    (classroom.root / "src/01_numbers.py").write_text(noisy(NUMBERS, rng), "utf-8")
    (classroom.root / "src/02_words.py").write_text(noisy(WORDS, rng), "utf-8")
    said = classroom.says("--checkpoint", "all")
    assert "7 of 7 points" in said and "4 of 4 points" in said
    list_files(classroom.root)
    assert "Grade: 11 of 11" in classroom.says("--grade", "--isolate=process")
