"""What demos draw, and what they say where a picture cannot be written."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

DEMOS = Path(__file__).parents[2] / "demos"


@pytest.fixture(scope="module")
def pictures():
    spec = importlib.util.spec_from_file_location("pictures", DEMOS / "pictures.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def demo(tmp_path):
    """Runs the demo neuron, with or without matplotlib: its exit code, and what it printed last."""

    def run(*arguments, matplotlib=True):
        hidden = "import sys; sys.modules['matplotlib'] = None; " * (not matplotlib)
        path = DEMOS / "neuron/program.py"
        code = f"{hidden}import runpy; runpy.run_path({str(path)!r}, run_name='__main__')"
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, (done.stdout + done.stderr).splitlines()[-1]

    return run


def test_shades_go_from_blank_to_full(pictures):
    image = np.array([[0, 0.5, 1.0], [-3, np.nan, 7]])
    assert pictures.shaded(image) == [" =@", "  @"]
    assert pictures.shaded(image, across=2) == ["  ==@@", "    @@"]


def test_two_rows_of_pixels_are_one_line(pictures):
    assert pictures.halved(np.array([[0, 1], [1, 1], [4, 0], [0, 0]])).tolist() == [
        [0.5, 1],
        [2, 0],
    ]


def test_bars_are_as_long_as_the_numbers(pictures):
    assert pictures.bars([0, 0.25, 1], "abc", width=4) == [
        *("a        0%", "b #     25%", "c #### 100%"),
    ]


def test_a_curve_falls_from_the_top_to_the_bottom(pictures):
    assert pictures.curve([2, 1, 0], height=3, width=3) == [
        "  2.00 |*  ",
        "       | * ",
        "  0.00 |  *",
        "       +---",
    ]
    assert pictures.curve([0, 0], height=2, width=2)[1] == "  0.00 |**"
    assert pictures.curve([4, np.nan], height=2, width=2)[:2] == ["  4.00 |* ", "  0.00 | *"]


def test_pictures_stand_side_by_side_with_captions(pictures, capsys):
    pictures.show(["ab", "c"], ["x", "y"], captions=["1", "2"])
    assert capsys.readouterr().out == "  ab    x\n  c     y\n  1     2\n"


def test_without_matplotlib_one_line_says_what_to_install(demo):
    said = "program.py: --png needs matplotlib: pip install 'pytest-tinytorch[plot]'"
    assert demo("--png", "a.png", matplotlib=False) == (1, said)
    assert demo(matplotlib=False) == (0, "The test: pytest --demo neuron")


def test_a_png_is_written(demo, tmp_path):
    pytest.importorskip("matplotlib")
    assert demo("--png", "a.png") == (0, "written: a.png")
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n") and len(content) > 2000


@pytest.mark.parametrize(
    "file, said",
    [
        ("a.jpg", "--png a.jpg: give a file name that ends in .png"),
        ("no/a.png", "--png no/a.png: there is no folder no"),
        ("old.png", "--png old.png: exists already; give another name"),
    ],
)
def test_where_no_png_can_be_written(demo, tmp_path, file, said):
    pytest.importorskip("matplotlib")
    (tmp_path / "old.png").write_text("mine")
    assert demo("--png", file) == (1, f"program.py: {said}")
    assert (tmp_path / "old.png").read_text() == "mine"


@pytest.mark.parametrize("seed", ["-1", "x", str(2**32), "1.5"])
def test_a_seed_is_a_whole_number(demo, seed):
    what = "write a whole number from 0 to 4294967295"
    said = f"program.py: error: argument --seed: {seed!r}: {what}"
    assert demo(f"--seed={seed}") == (2, said)
    assert demo("--seed", "7")[0] == 0


@pytest.mark.parametrize("word", ["a", "x" * 17, "a\nb"])
def test_a_word_is_printable_and_not_too_long(word):
    path = DEMOS / "attention/program.py"
    done = subprocess.run(
        [sys.executable, str(path), f"--word={word}"], capture_output=True, text=True
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{word!r}: give a word of 2 to 16 letters" in done.stderr
