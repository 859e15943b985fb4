"""Draws certificates: an SVG badge, an HTML page, a portfolio page, and text to share.

`tito milestone certificate`, `share` and `portfolio` call it. Each page is one file that loads
nothing and runs nothing.
"""

import textwrap
from collections.abc import Sequence

from pytest_tinytorch.core.course import Milestone
from pytest_tinytorch.progress.certificates import Certificate
from pytest_tinytorch.reports.phrases import milestone_title
from pytest_tinytorch.reports.templates import environment

_STYLE = "certificate.css"
GENERATOR = "pytest-tinytorch"  # is named in each file, so that only such a one is replaced
# Two colours for each ladder, in the order of course.toml: of the shield, and of what is on it.
_COLOURS = (("#12406b", "#9fd0ff"), ("#57246b", "#e9bdff"), ("#1d5338", "#a8e6c3"))
_LINE = 17  # characters of the name on one line of the shield
_MOST_LINES = 3
_HASH = 12


def badge_svg(certificate: Certificate) -> str:
    """A shield with the year or the number of the milestone, its name, and its place in the
    ladder."""
    course, milestone = certificate.course, certificate.milestone
    shield, ink = _COLOURS[course.ladders.index(milestone.ladder) % len(_COLOURS)]
    rungs = sum(other.ladder == milestone.ladder for other in course.milestones)
    lines = textwrap.wrap(milestone.name, _LINE, max_lines=_MOST_LINES, placeholder=" ...")
    template = environment(_STYLE).get_template("badge.svg")
    return template.render(
        certificate=certificate,
        title=milestone_title(milestone),
        big=milestone.year or milestone.number,
        lines=lines,
        rungs=range(1, rungs + 1),
        shield=shield,
        ink=ink,
        generator=GENERATOR,
    )


def certificate_html(certificate: Certificate) -> str:
    """One page to show or print."""
    return _page([certificate], f"{milestone_title(certificate.milestone)}: certificate")


def portfolio_html(certificates: Sequence[Certificate]) -> str:
    """All certificates on one page, in the order of the course."""
    return _page(certificates, f"{certificates[0].course.title}: portfolio")


def share_text(certificate: Certificate) -> str:
    """A few lines of plain text, to be pasted somewhere."""
    course, milestone = certificate.course, certificate.milestone
    who = certificate.name or "I"
    lines = [
        f"{milestone_title(milestone)}: a milestone that {who} reached with {course.title}.",
        f"{milestone.question}.",
    ]
    lines += [f"Measured: {text}." for text in certificate.measured]
    lines += [f"{name}: {value}" for name, value in _facts(certificate)]
    return "\n".join(lines) + "\n"


def _page(certificates: Sequence[Certificate], title: str) -> str:
    from markupsafe import Markup

    shown = [
        {
            "title": milestone_title(c.milestone),
            "certificate": c,
            "can": _ability(c.name, c.milestone),
            "badge": Markup(badge_svg(c)),
            "facts": _facts(c),
        }
        for c in certificates
    ]
    template = environment(_STYLE).get_template("certificate.html")
    return template.render(title=title, shown=shown, generator=GENERATOR) + "\n"


def _ability(name: str, milestone: Milestone) -> str:
    return f"{name or 'The holder'} can {milestone.you_can}."


def _facts(certificate: Certificate) -> list[tuple[str, str]]:
    commit = certificate.commit[:_HASH]
    if commit and certificate.has_changes:
        commit += " with uncommitted changes"
    facts = [
        ("date", certificate.date),
        ("tests", f"{certificate.tests} passed"),
        ("commit", commit),
        ("code", certificate.code),
        ("evidence", certificate.evidence),
    ]
    return [(name, value) for name, value in facts if value]
