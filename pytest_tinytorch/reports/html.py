"""Makes the feedback page as one HTML file that loads nothing and runs nothing.

`tito feedback` and `grading.assemble` call it.
"""

from collections.abc import Sequence

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.reports import phrases
from pytest_tinytorch.reports.page import UNSEEN, page_of
from pytest_tinytorch.reports.templates import environment


def feedback_html(course: Course, run: RunRecord, notes: Sequence[str]) -> str:
    """The feedback on a graded run. `notes`: remarks on the submission, a line each."""
    shared = {"phrases": phrases, "unseen": UNSEEN}  # macros see globals alone
    template = environment("page.css").get_template("page.html", globals=shared)
    return template.render(page=page_of(course, run, notes)) + "\n"
