"""A typical mistake of a student: the first message names its cause and the student's own line."""

from pathlib import Path

import pytest
from mistakes import LOOKALIKES, MISTAKES, NOT_FOUND, Lookalike, Mistake
from solutions import changed

from pytest_tinytorch.core.causes import causes
from pytest_tinytorch.core.course import load_course
from pytest_tinytorch.core.records import RunRecord

COURSE = load_course(Path(__file__).parents[2])


def rows(isolated: bool = False, inline: bool = False):
    def is_slow(mistake: Mistake) -> bool:
        return mistake.is_slow or (isolated and not mistake.isolated)

    return [
        pytest.param(mistake, id=name, marks=pytest.mark.slow if is_slow(mistake) else ())
        for name, mistake in MISTAKES.items()
        if not inline or mistake.inline != NOT_FOUND
    ]


def source_of(mistake: Mistake | Lookalike) -> str:
    path = COURSE.source_file(COURSE.module_by_name[mistake.module])
    return changed(path.read_text("utf-8"), (mistake.old, mistake.new))


def first_shown(run: RunRecord) -> tuple[str, str, int]:
    """The message of the first cause, the student's line and its number."""
    first = causes(run.tests)[0].test
    assert first.locations, first.message
    place = first.locations[0]
    return first.message, dict(place.excerpt)[place.line].strip(), place.line


def assert_named(run: RunRecord, says: str, line: str) -> None:
    message, shown, number = first_shown(run)
    assert says.replace("{line}", str(number)) in message
    assert shown == line


def test_there_are_at_least_forty():
    assert len(MISTAKES) >= 40
    assert sum(mistake.isolated for mistake in MISTAKES.values()) == 10


@pytest.mark.parametrize("mistake", rows())
def test_the_checkpoint_names_the_mistake(quick_laboratory, mistake: Mistake):
    run = quick_laboratory.grade(
        mistake.module, source_of(mistake), "-x", checkpoint=mistake.checkpoint
    )
    assert_named(run, mistake.says, mistake.line)


@pytest.mark.parametrize("mistake", rows(isolated=True))
def test_the_checkpoint_names_it_in_isolation(quick_laboratory, mistake: Mistake):
    run = quick_laboratory.grade(
        mistake.module, source_of(mistake), "-x", "--isolate", checkpoint=mistake.checkpoint
    )
    assert_named(run, mistake.says, mistake.line)


@pytest.mark.parametrize("mistake", rows(inline=True))
def test_the_inline_tests_name_it(quick_laboratory, mistake: Mistake):
    says, line = mistake.inline or (mistake.says, mistake.line)
    with quick_laboratory.source(mistake.module, source_of(mistake)):
        run = quick_laboratory.run("--module", mistake.module[:2], "-x")
    assert_named(run, says, line)


@pytest.mark.parametrize(
    "isolation",
    [(), pytest.param(("--isolate",), marks=pytest.mark.slow)],
    ids=["in-process", "isolated"],
)
@pytest.mark.parametrize("other", LOOKALIKES.values(), ids=LOOKALIKES)
def test_another_mistake_is_not_taken_for_a_typical_one(
    quick_laboratory, other: Lookalike, isolation
):
    run = quick_laboratory.grade(
        other.module, source_of(other), "-x", *isolation, checkpoint=other.checkpoint
    )
    message = causes(run.tests)[0].test.message
    assert other.says in message
    assert other.never not in message


@pytest.mark.parametrize("other", LOOKALIKES.values(), ids=LOOKALIKES)
def test_the_inline_tests_do_not_take_it_for_a_typical_one(quick_laboratory, other: Lookalike):
    with quick_laboratory.source(other.module, source_of(other)):
        run = quick_laboratory.run("--module", other.module[:2], "-x")
    assert [test.message for test in run.tests if other.never in test.message] == []
