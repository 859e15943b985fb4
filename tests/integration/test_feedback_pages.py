"""Pages of submissions that fail in every way there is, from the runs that graded them."""

import re
from dataclasses import dataclass

import pytest
from feedback_kinds import CANARIES, KINDS, graded
from page_outline import Outline, markdown_text

from pytest_tinytorch.core.course import Course, load_course
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.grading.feedback_files import notes_on
from pytest_tinytorch.isolation.levels import missing
from pytest_tinytorch.reports.html import feedback_html
from pytest_tinytorch.reports.markdown import feedback_markdown

pytestmark = pytest.mark.skipif(bool(missing("process")), reason=missing("process"))


@dataclass(frozen=True)
class HandedBack:
    """A submission that was graded, what the terminal said of it, and its pages."""

    kind: str
    course: Course
    run: RunRecord
    terminal: str
    html: str
    markdown: str

    @property
    def texts(self) -> tuple[str, str]:
        return Outline(self.html).text.replace("\u00a0", " "), markdown_text(self.markdown)


@pytest.fixture(scope="module", params=KINDS)
def handed_back(request, forkserver, tmp_path_factory) -> HandedBack:
    root = tmp_path_factory.mktemp("submission") / "tree"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "300")  # no line is broken in two
        run, said = graded(forkserver, root, KINDS[request.param])
    course = load_course(root)
    arguments = (course, run, notes_on(course, run))
    pages = feedback_html(*arguments), feedback_markdown(*arguments)
    return HandedBack(request.param, course, run, said, *pages)


# What is to be read on the page of each.
SAYS = {
    "wrong value": "FAIL Adds two numbers (2 points) tt.add(2, 3): got -1, expected 5 computed by",
    "wrong shape": "tt.mean(values): got [0.0], expected an array of shape ()",
    "not written": "todo Adds two numbers (2 points) not written yet: add at add, src/01_numbers",
    "broken import": "src/01_numbers.py:11 does not compile: invalid syntax",
    "raised": "NameError: name 'c' is not defined at add, src/01_numbers.py:11",
    "timeout": "stopped after 3 s, the time limit of one call; look for a loop that does not end",
    "crash": "LOST Adds two numbers (2 points) your code ended the whole process with exit code 0",
    "not graded": "3 tests (4 points) could not be graded. Your instructor is informed;",
    "waiting": "First: pytest --checkpoint 00",
    "waiting for what is not graded": "wait Shouts (4 points) ZeroDivisionError: division by zero",
    "hidden": "Hidden test 1: failed (4 points)",
    "everything achieved": "Checkpoint 01 · Words: achieved",
    "nothing handed in": "mini.add comes with module 01_numbers, which is not there yet: write it",
    "all at once": "Modified course files: checkpoints/checkpoint_01_words.py",
}
NEXT = {
    "wrong shape": "fix src/01_numbers.py:26, then run: pytest --checkpoint 00",
    "not written": "write src/01_numbers.py:11, then run: pytest --checkpoint 00",
    "crash": "fix the first failure above, then run: pytest --checkpoint 00",
    "not graded": "there is nothing to fix; to check it yourself, run: pytest --checkpoint 00",
    "waiting": "fix src/01_numbers.py:18, then run: pytest --checkpoint 00",
    "hidden": "try inputs that no test here tries, fix, then run: pytest --checkpoint 00",
    "everything achieved": "every written checkpoint is achieved: pytest --progress=timeline",
    "nothing handed in": "write the task named first above, then run: pytest --checkpoint 00",
}


def test_a_page_says_what_happened_and_what_is_next(handed_back):
    for said in handed_back.texts:
        assert SAYS[handed_back.kind] in said
        assert f"Next {NEXT.get(handed_back.kind, 'fix src/01_numbers.py:')}" in said


def told(terminal: str) -> list[str]:
    """The lines of the terminal that say what to fix, and the grade."""
    lines = terminal.splitlines()
    table = next(n for n, line in enumerate(lines) if re.match(r"Checkpoint +Tests", line))
    heads = (n for n, line in enumerate(lines) if re.match(r"(FAIL|todo|wait|LOST|skip) ", line))
    causes = [line for line in lines[next(heads, table) : table] if line]
    grade = [line for line in lines if line.startswith("Grade: ")]
    return [" ".join(line.split()) for line in causes + grade]


def test_a_page_has_the_words_of_the_terminal(handed_back):
    wanted = [line for line in told(handed_back.terminal) if "Hidden test" not in line]
    if handed_back.kind == "not graded":  # why that is so is not the student's matter
        wanted = wanted[-1:]
    assert wanted[-1].startswith("Grade: ")
    assert (len(wanted) > 4) is any(
        test.decided and not test.passed and test.visibility == "visible"
        for test in handed_back.run.tests
    )
    for said in handed_back.texts:
        assert [line for line in wanted if line not in said] == []


def test_nothing_of_hidden_tests_is_in_any_page(handed_back):
    for canary in CANARIES:
        assert canary not in handed_back.html + handed_back.markdown
    if "--hidden=hidden" in KINDS[handed_back.kind].arguments:
        record = str(handed_back.run.to_json())
        assert "CANARY" in record and "test_secret" in record  # it was there to be found


def test_nothing_of_the_machine_is_in_any_page(handed_back):
    for page in (handed_back.html, handed_back.markdown):
        assert str(handed_back.course.root) not in page and "/tmp" not in page
        assert handed_back.run.started[:10] not in page
