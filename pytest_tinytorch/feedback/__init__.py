"""A graded run -> the page that its student gets back, as Markdown or as HTML.

    RunRecord --page: what is said, cut and cleaned--> Page --markdown, html--> text

The same record gives the same bytes: no clock, no address, no duration is in a page. Nothing of a
hidden test is, either: whatever is given, only the student's view of it is looked at.
"""

from pytest_tinytorch.feedback.html import feedback_html
from pytest_tinytorch.feedback.markdown import feedback_markdown

__all__ = ["feedback_html", "feedback_markdown"]
