"""`tito gradebook stats` and other commands about a whole class, as an instructor types them."""

import csv
import io
import json
from pathlib import Path

import pytest
from generated_class import names, runs, write
from mini_course import make_course

from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.gradebook.store import Gradebook


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = tmp_path / "course"
    make_course(root)
    monkeypatch.chdir(root)
    return load_course(root)


@pytest.fixture
def tito(run_tito):
    return lambda *words: run_tito("gradebook", *words)


@pytest.fixture
def results(course, tito):
    """Eight students, two attempts each, in the gradebook."""
    found = runs(course, load_manifest(course), names(8), 2)
    write(course, found, course.root / "results", None)
    assert tito("add", "results")[0] == 0
    return course.root / "results"


@pytest.fixture
def empty(course):
    with Gradebook(course.root / "gradebook.sqlite"):
        pass


def test_stats_are_plain_in_a_file(tito, results):
    code, lines = tito("stats", "--tests")
    text = "\n".join(lines)
    assert code == 0
    assert lines[0] == ("8 students: 8 with an attempt, 0 without; newest attempt 2026-11-11")
    assert "  00 Numbers" in text and "\x1b" not in text and "━" not in text
    assert "Tests (" in text


def test_stats_as_json(tito, results):
    code, lines = tito("stats", "--json")
    found = json.loads("\n".join(lines))
    assert code == 0
    assert (found["students"], [item["name"] for item in found["items"]]) == (8, ["00", "01"])


def test_an_unknown_section_is_refused(tito, results):
    code, lines = tito("stats", "--section", "B")
    assert (code, lines) == (2, ["tito: --section 'B' is unknown; sections: ''"])


def test_a_policy_that_is_not_there_is_refused(tito, results):
    code, lines = tito("stats", "--policy", "no.toml")
    assert code == 2
    assert lines == ["tito: no.toml cannot be read: No such file or directory"]


def test_stats_without_a_gradebook_say_how_to_begin_one(course, tito):
    code, (line,) = tito("stats")
    assert code == 2 and "`tito gradebook add results` makes it" in line
    assert not list(course.root.glob("*.sqlite"))


def test_stats_of_an_empty_gradebook(empty, tito):
    assert tito("add", "results")[0] == 1  # there is no such folder, so nothing is added
    assert tito("stats") == (0, ["0 students: 0 with an attempt, 0 without"])


def test_html_writes_a_page_that_names_everybody_or_nobody(tito, results):
    assert tito("html", "class.html") == (0, ["written: class.html"])
    assert tito("html", "screen.html", "--anonymous") == (0, ["written: screen.html"])
    page, anonymous = (Path(name).read_text("utf-8") for name in ("class.html", "screen.html"))
    for name in names(8):
        shown = json.dumps(name, ensure_ascii=False).replace("'", "\\u0027")
        assert shown in page and shown not in anonymous
    assert '"Student 1"' in anonymous


def test_a_page_that_cannot_be_written_is_one_line(tito, results):
    code, lines = tito("html", "results")
    assert code != 0 and len(lines) == 1 and "results" in lines[0]


def test_a_page_of_an_empty_gradebook(empty, tito):
    assert tito("html", "class.html") == (0, ["written: class.html"])


def test_similar_lists_pairs_and_writes_a_page(course, tito):
    pytest.importorskip("copydetect", reason="copydetect is not installed")
    for student, name in {"ana": "x", "bo": "y", "cy": ""}.items():
        body = "".join(f"    {name} = ({name} + {n}) * [{name}, {n}][0]\n" for n in range(20))
        text = f"def walk({name}):\n{body}    return {name}\n" if name else "def add(a, b): ...\n"
        (course.root / "class" / student).mkdir(parents=True)
        (course.root / "class" / student / "01_numbers.py").write_text(text)
    code, lines = tito("similar", "class", "--module", "01", "--html", "similar.html")
    assert code == 0
    assert "1 pair to look at" in lines and "written: similar.html" in lines
    assert any("01_numbers" in line and "ana and bo" in line for line in lines)
    assert "walk" in Path("similar.html").read_text("utf-8")


def test_similar_needs_a_folder_of_submissions(course, tito):
    code, lines = tito("similar", "nowhere")
    assert code == 2 and len(lines) == 1 and "nowhere: is not there" in lines[0]


# --- marking --------------------------------------------------------------------------------------

MARK = {"grade": True, "grade_id": "why", "points": 2, "solution": True}
CELL = f'\n# %% [markdown] nbgrader={json.dumps(MARK)}\n"""\nIs it exact?\n'


@pytest.fixture
def answers(results, course, tito):
    """Answers of three students, in the gradebook."""
    source = course.source_file(course.modules[0])
    text = source.read_text("utf-8")
    source.write_text(f'{text}{CELL}"""\n', "utf-8")
    for number, who in enumerate(names(8)[:3]):
        folder = course.root / "class" / who
        folder.mkdir(parents=True)
        (folder / source.name).write_text(f'{text}{CELL}\nAnswer {number}\n"""\n', "utf-8")
    assert tito("answers", "class") == (0, ["3 answers of 3 submissions"])


@pytest.fixture
def typed(monkeypatch):
    return lambda *lines: monkeypatch.setattr(
        "sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines))
    )


def test_a_queue_asks_for_levels_and_can_be_left_and_resumed(tito, answers, typed):
    typed("9", "4", "good", "s", "q")
    code, lines = tito("queue", "why", "--marker", "ana")
    text = "\n".join(lines)
    assert code == 0
    assert lines[0] == "3 answers wait" and "Is it exact?" in lines
    assert "'9' is unknown" in text and "4 (100 %) gives the reason and a number" in text
    assert not any(name in text for name in names(8))
    typed("1", "", "1", "")
    assert tito("queue", "why")[1][0] == "2 answers wait"
    assert tito("marking") == (0, ["why: 3 of 3 marked"])
    typed()
    assert tito("queue", "why")[1][0] == "0 answers wait"


def test_the_end_of_the_input_ends_the_queue(tito, answers, typed):
    typed("4")
    assert tito("queue", "why")[0] == 0
    assert tito("marking") == (0, ["why: 1 of 3 marked"])


def test_a_queue_as_csv_and_a_new_rubric(tito, answers):
    assert tito("queue", "why", "--csv", "q.csv") == (0, ["written: q.csv, 3 answers"])
    with Path("q.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = ["code;level", *(f"{row['code']};2" for row in rows)]
    Path("q.csv").write_text("\n".join(lines))
    assert tito("queue", "why", "--from", "q.csv") == (0, ["3 levels, 3 marks changed"])
    levels = "\n".join(f'{n} = {{share = 0.25, text = "x"}}' for n in range(1, 5))
    Path("rubric.toml").write_text(f"[why]\n{levels}\n")
    assert tito("rubric", "rubric.toml") == (0, ["1 rubric, 3 marks changed"])
    assert '"adjusted": 0.5' in "\n".join(tito("grades", "--json")[1])


def test_an_unknown_question_is_refused(tito, answers):
    code, lines = tito("queue", "wy")
    assert (code, lines) == (2, ["tito: 'wy' is no question (did you mean 'why'?)"])


def test_marking_before_answers_are_read(tito, results):
    assert tito("marking") == (0, ["no answers; `tito gradebook answers FOLDER` reads them"])
