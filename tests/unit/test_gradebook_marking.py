"""Answers are found in sources and notebooks, marked without names, and scored by the rubric."""

import csv
import json

import jupytext
import pytest

from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.manifest import load_manifest
from pytest_tinytorch.gradebook.answers import question_texts, read_answers, text_cells
from pytest_tinytorch.gradebook.entries import MarkEntry
from pytest_tinytorch.gradebook.grades import State, class_grades
from pytest_tinytorch.gradebook.marking import (
    STANDARD,
    Judgement,
    Level,
    Share,
    answers_to,
    judge,
    levels_of,
    marking_progress,
    queue,
    read_rubric,
    set_rubric,
    store_answers,
)
from pytest_tinytorch.gradebook.marking_files import queue_csv, read_levels
from pytest_tinytorch.gradebook.store import Gradebook
from pytest_tinytorch.submissions.find import find_submissions

MARK = {"grade": True, "grade_id": "why", "points": 2, "solution": True, "locked": False}
QUESTION = "**Why.** Is addition exact?\nGive a number."
HEADER = f"\n# %% [markdown] nbgrader={json.dumps(MARK)}"
AFTER = '\n# %% [markdown]\n"""\n## Summary\n"""\n'
WHO = [f"student{n}" for n in range(40)]


def cell(answer=""):
    """The cell of the question, with what a student added."""
    return f'{HEADER}\n"""\n{QUESTION}\n{answer}"""\n'


@pytest.fixture
def asked(course):
    """The small course with a question."""
    source = course.source_file(course.modules[0])
    source.write_text(source.read_text() + cell() + AFTER)
    return course


@pytest.fixture
def class_folder(tmp_path, asked):
    def write(suffix=".py", **answers):
        text = asked.source_file(asked.modules[0]).read_text()
        for who, answer in answers.items():
            path = tmp_path / "class" / who / f"01_numbers{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            mine = text.replace(cell(), answer if "# %%" in answer else cell(answer))
            if suffix == ".ipynb":
                mine = jupytext.writes(jupytext.reads(mine, fmt="py:percent"), fmt="ipynb")
            path.write_text(mine)
        return find_submissions(tmp_path / "class")[0]

    return write


@pytest.fixture
def book(tmp_path, asked):
    with Gradebook(tmp_path / "g.sqlite") as made:
        made.set_course(asked, load_manifest(asked))
        with made.transaction() as db:
            for who in WHO:
                db.execute(
                    "INSERT INTO student (name, shown, state) VALUES (?, ?, 'unlisted')", (who, who)
                )
            db.execute("INSERT INTO alias SELECT name, id FROM student")
        store_answers(made, {(who, "why"): f"answer of number {n}" for n, who in enumerate(WHO)})
        yield made


def found(asked, submissions):
    return {who: text for (who, _), text in read_answers(asked, submissions).texts.items()}


# --- extraction -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_an_answer_is_what_was_added_to_the_cell(asked, class_folder, suffix):
    submissions = class_folder(suffix, ana="No:\n\n0.1 + 0.2 is not 0.3.\n", bo="")
    assert found(asked, submissions) == {"ana": "No:\n\n0.1 + 0.2 is not 0.3."}


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_a_cell_of_the_students_own_below_the_question_belongs_to_the_answer(
    asked, class_folder, suffix
):
    below = cell() + '\n# %% [markdown]\n"""\nIn my own cell.\n"""\n'
    assert found(asked, class_folder(suffix, ana=below)) == {"ana": "In my own cell."}


def test_an_answer_that_replaces_the_question_is_found(asked, class_folder):
    replaced = cell().replace(QUESTION, "Only mine.")
    assert found(asked, class_folder(ana=replaced)) == {"ana": "Only mine."}


def test_cells_written_as_comments_are_read():
    text = '# %% [markdown] nbgrader={"grade_id": "a"}\n# One\n#\n# two\n# %%\nx = 1'
    assert [(found.id, found.lines) for found in text_cells(text)] == [("a", ("One", "", "two"))]


@pytest.mark.parametrize("mark", ["{", "[]", '{"x": 1}', "{" * 2000, "null"])
def test_a_broken_mark_is_no_question(mark):
    assert [c.id for c in text_cells(f"# %% [markdown] nbgrader={mark}}}\n# x\n")] == [""]


def test_what_cannot_be_read_is_named(asked, class_folder, tmp_path):
    class_folder(ana="Yes.\n")
    (tmp_path / "class" / "bo").mkdir()
    (tmp_path / "class" / "bo" / "01_numbers.ipynb").write_text('{"cells": [1]}')
    answers = read_answers(asked, find_submissions(tmp_path / "class")[0])
    assert list(answers.texts) == [("ana", "why")]
    assert answers.unread == ("bo: 01_numbers.ipynb: cannot be read as a notebook",)


def test_the_question_is_that_of_the_course(asked):
    assert question_texts(asked) == {"why": QUESTION}


def test_names_of_nobody_are_returned_and_old_answers_are_replaced(book):
    assert store_answers(book, {("student0", "why"): "new", ("eve", "why"): "x"}) == (1, ["eve"])
    texts = {one.text for one in answers_to(book, "why")}
    assert "new" in texts and "answer of number 0" not in texts and len(texts) == 40


# --- queues ---------------------------------------------------------------------------------------


def test_a_queue_has_every_answer_once_and_no_name(book):
    waiting = queue(book, "why", Share())
    assert sorted(one.text for one in waiting) == sorted(f"answer of number {n}" for n in range(40))
    assert [one.student for one in waiting] != sorted(one.student for one in waiting)
    text = queue_csv(waiting, "Is it?", STANDARD)
    assert not any(who in text for who in WHO)


def test_markers_share_the_answers_without_overlap(book):
    markers = ("ana", "bo", "cy")
    parts = [queue(book, "why", Share(marker, markers)) for marker in markers]
    codes = [one.code for part in parts for one in part]
    assert len(codes) == len(set(codes)) == 40
    assert min(map(len, parts)) > 0
    with pytest.raises(CourseError, match="'dee' is not one of --markers ana, bo, cy"):
        queue(book, "why", Share("dee", markers))


def test_what_is_marked_waits_no_longer_unless_it_changes(book):
    first, *rest = queue(book, "why", Share())
    judge(book, [Judgement(first, 4)])
    assert queue(book, "why", Share()) == rest
    (name,) = book.rows("SELECT name FROM student WHERE id = ?", (first.student,))[0]
    store_answers(book, {(name, "why"): "another text"})
    assert [one.code for one in queue(book, "why", Share())] == [
        first.code,
        *(o.code for o in rest),
    ]


def test_a_second_marking_is_a_sample_by_another_marker_and_changes_no_points(book):
    markers = ("ana", "bo")
    by_ana = queue(book, "why", Share("ana", markers))
    judge(book, [Judgement(one, 4, marker="ana") for one in by_ana])
    again = queue(book, "why", Share("bo", markers, second=100))
    assert {one.code for one in again} == {one.code for one in by_ana}
    assert queue(book, "why", Share("ana", markers, second=100)) == []  # bo marked nothing yet
    assert queue(book, "why", Share("bo", markers, second=0)) == []
    some = queue(book, "why", Share("bo", markers, second=50))
    assert 0 < len(some) < len(again)
    before = book.rows("SELECT count(*) FROM mark")
    assert judge(book, [Judgement(some[0], 1, marker="bo", second=True)]) == 0
    assert book.rows("SELECT count(*) FROM mark") == before
    (progress,) = marking_progress(book)
    assert (progress.answers, progress.marked, progress.second) == (40, len(by_ana), 1)
    assert progress.differing == ((some[0].code, 4, 1),)


# --- levels and points ----------------------------------------------------------------------------


def points_of(book, student):
    (row,) = (row for row in class_grades(book) if row.student.id == student)
    (cell,) = (cell for cell in row.cells if cell.item.name == "why")
    return cell.adjusted if cell.state is State.MARKED else None


def test_a_level_gives_its_share_of_the_points(book):
    one, two = queue(book, "why", Share())[:2]
    assert judge(book, [Judgement(one, 3, "good", "ana"), Judgement(two, 1)]) == 2
    assert (points_of(book, one.student), points_of(book, two.student)) == (1.5, 0)
    kept = book.rows("SELECT comment, marker FROM mark WHERE student_id = ?", (one.student,))
    assert kept == [("good", "ana")]


def test_an_unknown_level_stores_nothing(book):
    one, two = queue(book, "why", Share())[:2]
    with pytest.raises(CourseError, match="level 7 is unknown; levels: 1, 2, 3, 4"):
        judge(book, [Judgement(one, 4), Judgement(two, 7)])
    assert len(queue(book, "why", Share())) == 40


def test_a_changed_rubric_scores_again_what_was_marked(book):
    one, two, three = queue(book, "why", Share())[:3]
    judge(book, [Judgement(one, 2), Judgement(two, 4), Judgement(three, 2)])
    name = book.rows("SELECT name FROM student WHERE id = ?", (three.student,))[0][0]
    book.add_marks([(three.student, MarkEntry(name, "why", 1.75, "by hand"))])
    levels = [Level(level, share, "") for level, share in ((1, 0), (2, 0.25), (3, 0.5), (4, 1))]
    assert set_rubric(book, {"": levels}) == 1
    assert [points_of(book, w.student) for w in (one, two, three)] == [0.5, 2, 1.75]
    assert [level.share for level in levels_of(book, "why")] == [0, 0.25, 0.5, 1]


def test_a_level_in_use_cannot_be_taken_away(book):
    judge(book, [Judgement(queue(book, "why", Share())[0], 4)])
    with pytest.raises(CourseError, match="marked with level 4; keep this level"):
        set_rubric(book, {"why": [Level(1, 1, "")]})
    assert levels_of(book, "why") == STANDARD


def test_a_rubric_is_read_from_toml(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(
        '[default]\n1 = {share = 0, text = "no"}\n[why]\n1 = {share = 1.0, text = "y"}\n'
    )
    assert read_rubric(path, ["why"]) == {"": (Level(1, 0, "no"),), "why": (Level(1, 1, "y"),)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "is not TOML"),
        ("[wy]\n1 = {share = 1, text = ''}", "'wy' is no question (did you mean 'why'?)"),
        ("why = 3", "why is 3; write its levels below [why]"),
        ("[why]\na = {share = 1, text = ''}", "write a level as 3 = {share = 0.75, text = '...'}"),
        ("[why]\n1 = {share = true, text = ''}", "write a level as"),
        ("[why]\n1 = {share = 2, text = ''}", "level 1: share is 2; write a number from 0 to 1"),
        ("[why]\n1 = {share = nan, text = ''}", "share is nan"),
    ],
)
def test_a_wrong_rubric_is_refused(tmp_path, text, said):
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(CourseError) as error:
        read_rubric(path, ["why"])
    assert said in str(error.value) and "\n" not in str(error.value)


# --- the queue as CSV -----------------------------------------------------------------------------


def test_levels_come_back_from_the_csv(book, tmp_path):
    path = tmp_path / "queue.csv"
    path.write_text(queue_csv(queue(book, "why", Share()), QUESTION, STANDARD))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40 and rows[0]["question"] == QUESTION
    rows[3] |= {"level": "4", "comment": "two\nlines"}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (judgement,) = read_levels(path, book, "why", "ana", False)
    assert judgement.waiting.code == rows[3]["code"] and judgement.waiting.text == rows[3]["answer"]
    assert (judgement.level, judgement.comment, judgement.marker) == (4, "two lines", "ana")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code,level\nxyz,3\n", "line 2: 'xyz' is no code of why"),
        ("code,level\n{code},good\n", "line 2: level 'good' is not a number"),
        ("code,level\n{code},\n", "has no level; write one into the column 'level'"),
        ("code\nx\n", "has no column 'level'"),
    ],
)
def test_a_wrong_csv_is_refused(book, tmp_path, text, said):
    path = tmp_path / "queue.csv"
    path.write_text(text.format(code=queue(book, "why", Share())[0].code))
    with pytest.raises(CourseError) as error:
        read_levels(path, book, "why", "", False)
    assert said in str(error.value)


def test_an_answer_that_looks_like_a_formula_is_text_in_the_csv(book):
    store_answers(book, {("student0", "why"): "=1+1"})
    assert '"\'=1+1"' in queue_csv(queue(book, "why", Share()), "", ())
