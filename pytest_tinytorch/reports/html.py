"""Makes the feedback page as one HTML file that loads nothing and runs nothing.

`tito feedback` and `grading.assemble` call it.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.records import RunRecord
from pytest_tinytorch.reports import phrases
from pytest_tinytorch.reports.page import UNSEEN, page_of

if TYPE_CHECKING:
    from jinja2 import Template

_FOLDER = Path(__file__).parent


def feedback_html(course: Course, run: RunRecord, notes: Sequence[str]) -> str:
    """The feedback on a graded run. `notes`: remarks on the submission, a line each."""
    return _template().render(page=page_of(course, run, notes)) + "\n"


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_FOLDER / "page.css").read_text("utf-8")
    digest = hashlib.sha256(style.encode()).digest()
    environment.globals |= {
        "style": Markup(style),
        # The content security policy has the hash of this style, so no other style has an effect.
        "style_hash": f"sha256-{base64.b64encode(digest).decode()}",
        "phrases": phrases,
        "unseen": UNSEEN,
    }
    return environment.get_template("page.html")
