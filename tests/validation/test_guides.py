"""The commands that the guides name exist: `tito ...`, and the options of pytest."""

import re
from pathlib import Path

import pytest
import typer

from pytest_tinytorch.cli.main import app
from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.errors import CourseError
from pytest_tinytorch.core.selectors import choose_demos, choose_milestones, choose_modules

ROOT = Path(__file__).parents[2]
GUIDES = [
    ROOT / "README.md",
    *(
        ROOT / f"docs/{name}.md"
        for name in (
            "milestones",
            "demos",
            "cifar10-training-guide",
            "troubleshooting",
            "older-guides",
        )
    ),
]
CHOOSE = {"milestone": choose_milestones, "demo": choose_demos, "module": choose_modules}


def unknown_commands(text: str) -> list[str]:
    """The commands of tito in a text that do not exist: `tito milestone jump`."""
    found = re.findall(r"\btito((?: [a-z]+)+)", "; ".join(re.findall(r"`([^`]+)`", text)))
    return [f"tito{words}" for words in found if not exists(words.split())]


def exists(words: list[str]) -> bool:
    """Whether the first word is a command, and the second one of its commands, if it has any."""
    known = typer.main.get_command(app)
    for word in words:
        commands = getattr(known, "commands", None)
        if commands is None:
            return True  # what follows is an argument
        if word not in commands:
            return False
        known = commands[word]
    return True


def unknown_ids(text: str) -> list[str]:
    """What `pytest --milestone`, `--demo` and `--module` name in a text and the course has not."""
    course = load_course(ROOT)
    kinds = "|".join(CHOOSE)
    wrong = []
    for option, ids in re.findall(rf"pytest --({kinds}) ([a-z0-9_]+)", text):
        try:
            CHOOSE[option](course, ids)
        except CourseError as error:
            wrong.append(str(error))
    return wrong


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_its_commands_exist(guide):
    text = guide.read_text("utf-8")
    assert unknown_commands(text) == [] and unknown_ids(text) == []
    programs = re.findall(r"python ((?:milestones|demos)/\w+/program\.py)", text)
    assert all((ROOT / program).is_file() for program in programs)


def test_unknown_ones_are_found():
    assert unknown_commands("`tito milestone jump` `tito fly` `tito demo math`") == [
        *("tito milestone jump", "tito fly"),
    ]
    ids = "pytest --milestone xr, pytest --demo math, pytest --module 01_tensor"
    (said,) = unknown_ids(ids)
    assert said.startswith("--milestone xr: unknown id 'xr'")


@pytest.mark.parametrize("page", ["troubleshooting", "rubrics"])
def test_each_milestone_has_its_part(page):
    text = (ROOT / f"docs/{page}.md").read_text("utf-8")
    headings = " ".join(re.findall(r"^##+ (.*)$", text, re.MULTILINE))
    assert [m.id for m in load_course(ROOT).milestones if m.id not in headings] == []


def test_each_rubric_has_four_levels():
    parts = (ROOT / "docs/rubrics.md").read_text("utf-8").split("\n### ")[1:]
    levels = {
        part.partition("\n")[0].split()[0]: re.findall(r"^\| (\d)", part, re.M) for part in parts
    }
    assert levels == {m.id: ["4", "3", "2", "1"] for m in load_course(ROOT).milestones}


def test_no_page_for_students_links_to_the_rubrics():
    pages = [p for p in (ROOT / "docs").rglob("*.md") if "rubrics.md" in p.read_text("utf-8")]
    assert pages == []
